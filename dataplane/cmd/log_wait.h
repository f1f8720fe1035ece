// log_wait.h: clients whose replies wait until what they wrote is durable (appendfsync always).
//
// Source:  spec/aof.md chapter 5; DESIGN "Storage"
// Thread:  the shard of the client; log_wait_note by whoever has the command run
// Memory:  a link in each client
//
// What a client's commands wrote is noted as their effects are logged, and its output is held (the
// transport may send by itself what it finds there). It is looked at when the output would leave:
// then the client is suspended until that is durable, and what it sends meanwhile is deferred as of
// any suspended client. So a pipeline runs whole and waits once. Who only reads does not wait, and
// may read what is not durable yet.
//
// Durable is what recovery keeps for sure (storage/aof/aof_plan.h): all before it in the same log,
// and of each transaction over several shards among that, all parts, for which the same holds.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/cmd/server.h"

struct effects_joint;

void log_waits_open(struct server *s);
// From now on they do, or do not: then all of them go on.
void log_waits_set(struct server *s, bool on);
// The command that is being executed has written to the log of s, up to position; joint: it is a
// part of this transaction, whose end is waited for instead.
void log_wait_note(struct server *s, uint64_t position, const struct effects_joint *joint);
bool log_wait_is_over(const struct server *s, const struct client *c);
// Called when c is on no such list. True: it waits, suspended; else its output is held no more.
bool log_wait_begin(struct server *s, struct client *c);
static inline bool log_waits_are_on(const struct server *s) { return s->log_waits.is_on; }
// Those go on whose writes are durable by now. Returns how many.
uint32_t log_waits_run(struct server *s);
bool log_waits_can_run(const struct server *s); // for waker_prepare_sleep
void log_wait_forget_client(struct server *s, struct client *c);
