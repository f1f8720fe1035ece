// job.h: commands that take longer than a slice: they go on between other clients' commands, and
// still answer for one moment.
//
// Source:  DESIGN "Walks"
// Thread:  the shard
// Memory:  a job is the command's own allocation, freed by its close; the arguments are copied
//
// A body that finds much to do (JOB_ELEMENTS_MIN or more) takes cuts of what it reads (tree.h:
// O(1)), allocates a struct that embeds struct job first, and calls call_start_job instead of
// replying, or after it wrote the beginning of the reply. From then on the client is suspended
// (nothing of it is executed) and step is called once a turn, for a slice of JOB_SLICE_US at most
// shared by all jobs. It looks at job_may_go_on every few elements, hundreds of ns apart.
// A job that writes names the key it will put: until it is done, commands that touch this key or
// the whole keyspace wait. Its effect is what it puts, not the command (call_effect).
// In a transaction or a script (call->no_suspend) the steps are run to the end at once.
//
// With keys on several shards: the body runs at a rendezvous, and so it takes its cuts of one
// moment. The job is the shard's that ran it, which has the same shards stand still (server_ops
// hold) for each of its slices; in between each of them has a turn for its clients. Chosen here
// instead of going on alone with the cuts: what lies in another shard's heap (nodes and their
// reference counts, caches within nodes, builders, the key that is put) is touched only while that
// shard stands, so nothing of it need be atomic, sent home or kept from being moved, and a job is
// written once. It costs the others up to half of their time or so while such a job lasts.
//   - A key that the job will put is closed at its home. Who waits there goes on by the home's own
//     thread, after it stood (jobs_serve_opened).
//   - Of a client that goes, a reading job stays until it has its shards once more, to close.
//   - A script that takes long on one of them goes first.
//   - When the server stops its memory ends with the heaps it lies in; it is not closed.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/clock.h"
#include "dataplane/base/list.h"
#include "dataplane/cmd/cmd.h"
#include "dataplane/keyspace/shard_set.h"

enum {
    JOB_ELEMENTS_MIN = 2048, // up to here a command does its work in one go
    JOB_SLICE_US = 250,
    JOB_SLICE_SHARED_US = 100, // while others send commands
    JOB_OUTPUT_MAX = 4 << 20,  // bytes not yet read by the client, above which a reading job pauses
};

struct job;
struct job_ops {
    // call: as it was for the body (client, reply, argv, keyspace), now_ms of this turn. until_tsc:
    // for job_may_go_on. True: the reply is complete.
    bool (*step)(struct job *job, struct call *call, uint64_t until_tsc);
    // Drops cuts, frees the job. Called once: after the last step, or before it when the client has
    // gone and the job only reads.
    void (*close)(struct job *job, struct server *server);
};
struct job {
    const struct job_ops *ops;
    // For job.c:
    struct list_node link;
    struct kept_request *request;
    struct client *client;     // or its stand-in: a writing job goes on when its client has gone
    struct closed_key *closed; // what it will put, the first of them; NULL: it only reads
    uint64_t cycles;           // so far
    shard_set shards;      // that stand still for its slices, its own with them; 0: it needs none
    struct server *server; // what its call had: its own, or the one that has all its keys
    bool is_joint;         // its call had the joint keyspace
    bool is_orphan;        // client is a stand-in, owned
    bool is_dropped;       // its reader has gone: to be closed with its shards held
    // False from call_start_job on; the command may set them then.
    bool is_waiting; // has nothing to do until its owner says so
    bool must_end;   // goes on when its client has gone, although it closes no key
};
static inline bool job_may_go_on(uint64_t until_tsc) { return clock_tsc() < until_tsc; }
void call_start_job(struct call *call, struct job *job);
void call_run_job(struct call *call,
                  struct job *job); // little to do: steps to the end, now; closes
void call_start_write_job(struct call *call, struct job *job, const struct key *destination);
// A further key that it will put, after call_start_write_job when the call is suspended since.
void call_close_key(struct call *call, struct job *job, const struct key *key);

// A job that looks keys up in later slices hears of each key before it changes, is removed or comes
// to be, and keeps what it was: SORT's BY and GET. key may be of any database. While somebody
// watches, writes to the whole keyspace wait.
struct job_watch {
    struct list_node link;
    void (*before_write)(struct job_watch *w, struct server *server, struct bytes key);
};
void jobs_watch(struct server *server, struct job_watch *w);
void jobs_unwatch(struct server *server, struct job_watch *w);
static inline bool jobs_are_watched(const struct server *server) // somebody hears of writes
{
    return server->jobs.watchers.count || server->jobs.snapshot;
}
void jobs_tell_write(struct server *server, struct bytes key); // where keys change by themselves

// ---- for the shard (job.c)
void jobs_open(struct server *server);
// A slice of the job whose turn it is, about so many cycles long. False: there is none that may go
// on now.
bool jobs_run(struct server *server, uint64_t cycles);
void jobs_forget_client(struct server *server, struct client *c);
void jobs_close(struct server *server);
void jobs_tell_call(const struct call *call); // a write that is about to run, to the watchers
// The call touches a key that a job will put: it has been kept, and its client is suspended until
// then. False: nothing stands in its way.
bool jobs_hold_back(struct call *call);
// The same question about a request of c that these shards, s among them or not, are held for; or
// it touches a giant that moves between them (slot_move.h).
bool jobs_must_wait(struct server *s, struct client *c, const struct kept_request *request,
                    shard_set shards);
// Between two commands: those go on that waited for what jobs of other shards have put.
void jobs_serve_opened(struct server *server);
