// job_priv.h: between job.c and job_closed.c: the keys that are closed for a job, and who waits.
//
// Source:  job.h
// Thread:  the shard; a key of another shard is closed, opened and told of while that one stands
// Memory:  a closed key lies in the heap of its home (HEAP_OTHER)
#pragma once
#include "dataplane/cmd/job.h"

struct held_back;

void job_open_keys(struct closed_key *first); // and all others of the same job
void job_tell_closed(const struct job *job);  // what it is about to put, those who watch are told
void job_serve_opened(struct server *server); // those go on that waited for what was put
void job_release_held(struct server *server, struct held_back *h); // without running it
void job_forget_keys(struct server *server); // and those who wait for them: the server stops
