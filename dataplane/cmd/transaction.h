// transaction.h: MULTI: the commands a client has queued, and the keys it watches.
//
// Source:  Redis 7.2's rules: a refused command makes EXEC abort (EXECABORT), a watched key that
//          changed makes it answer null; an expired key counts as changed
// Thread:  the shard
// Memory:  queued commands are kept_requests, booked to the client (HEAP_CLIENT_IN)
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/cmd/cmd.h"
#include "dataplane/cmd/watch.h"

struct kept_request;

struct transaction { // of one client; NULL while it has neither queued nor watched anything
    struct kept_request *first, *last;
    uint32_t count;
    uint32_t command_flags; // of all that is queued, or'ed
    bool needs_dataset;     // some of it is refused while that is loaded
    uint64_t bytes;         // of the queue
    struct watches watches;
};

// call, of a client in MULTI, is one that waits for EXEC: it has been queued and answered.
bool transaction_takes(struct call *call);
void transaction_discard(struct server *server, struct client *c); // queue and watches go
void transaction_unwatch(struct server *server, struct client *c);
uint64_t transaction_memory(const struct client *c); // CLIENT LIST multi-mem
uint32_t transaction_watch_count(const struct client *c);
// CLIENT LIST's flag: EXEC would answer null, as far as server can see.
bool transaction_seems_stale(const struct server *server, const struct client *c);

// ---- for the shard
// Those to hold when WATCH, EXEC or DISCARD of c runs, beside those of its own keys.
shard_set transaction_watched_shards(const struct client *c);
// What ops->forget_watches asked for, arrived at the home.
void transaction_forget_watcher(struct server *home, uint64_t client_id, uint64_t generation);

// What the queue will touch, for those that hold commands back (job.c). The call found gets has
// argv, argc and its command.
typedef bool transaction_look(void *context, const struct call *queued);
bool transaction_any(const struct call *exec, transaction_look *look, void *context);
