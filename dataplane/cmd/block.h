// block.h: clients that wait for a key: BLPOP and its like.
//
// Source:  Redis 7.2's behaviour: first come, first served per key; the command is executed again
//          when one of its keys may serve it
// Thread:  the shard
// Memory:  waiters are heap allocations (HEAP_SESSION), the arguments are copied
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/cmd/cmd.h"

struct aof_wait;

enum block_reply { BLOCK_NULL_ARRAY, BLOCK_NULL, BLOCK_ZERO }; // to a timeout
struct block_wish {
    uint32_t first, count; // the keys: argv[first] .. argv[first + count - 1]
    enum value_type type;  // what a key has to become
    uint64_t deadline_ms;  // wall clock; 0: never
    enum block_reply reply;
    // XREADGROUP: wake when the key is deleted or becomes another type, too.
    bool wants_loss;
    // The arguments to execute again, when they differ (XREAD's $ has become an ID); NULL: argv.
    const struct bytes *argv;
    struct aof_wait *aof; // given: WAITAOF's (aof_wait.h), which has the reply; NULL: it is another
};
// The body found nothing: it is executed again when it may find something, with call->is_retry.
// When a retry finds nothing it calls this again, with the same wish, and keeps its place. The body
// writes no reply then. A retry may start a job, which ends the wait; it is put off while a job has
// one of its keys closed. Not to be called when !call_may_block: the body gives its timeout's
// reply.
void call_block(struct call *call, const struct block_wish *wish);
bool call_may_block(const struct call *call); // not in a transaction or script
// The timeout argument: seconds as a float, 0 never. Replies Redis's errors.
bool call_timeout(struct call *call, uint32_t index, uint64_t *deadline_ms);
// The same of a timeout in whole ms from now (CLIENT PAUSE, WAITAOF): 0 or more, so that now_ms and
// it have a sum.
bool call_timeout_ms(struct call *call, uint32_t index, int64_t *ms);

// Something that waiters of key may want is there (a list got elements where there was none: found
// by the keyspace's hook; a stream got another entry: XADD says it).
void block_signal(struct server *server, uint32_t db, struct bytes key);
void block_signal_all(struct server *server); // a whole database came, went or was swapped
// For job.c: the retry of c would touch a closed key; some that were closed have opened.
void block_met_closed(struct server *server, struct client *c);
void blocks_keys_opened(struct server *server);

// ---- for the shard (block.c)
void blocks_open(struct server *server);
void blocks_close(struct server *server);
// After each command that may have signalled: serves, in order, until nothing is ready.
void blocks_serve(struct server *server);
void blocks_expire(struct server *server);                     // timeouts, once a ms at most
uint64_t blocks_timeout_count(const struct server *server);    // clients that wait for a time
uint64_t blocks_next_deadline_ns(const struct server *server); // monotonic; UINT64_MAX: none
void block_forget_client(struct server *server, struct client *c);
// The keyspace tells of keys that come and go only while somebody wants to know.
void blocks_steer_hook(struct server *server);
enum unblock { UNBLOCK_TIMEOUT, UNBLOCK_ERROR };
bool block_unblock(struct server *server, struct client *c, enum unblock how); // CLIENT UNBLOCK
// Clients of other shards that wait here (CLIENT_PROXY); visit may end the wait of the one it sees.
typedef void block_visit(void *context, struct server *server, struct client *proxy);
void blocks_each_proxy(struct server *server, block_visit *visit, void *context);
// Of keys of several shards (block_far.h). One that may try, as a shard said that knows of it: its
// retry is arranged (ops->retry_together). Who waits for something else by now is left alone.
void block_try(struct server *server, uint64_t client_id, uint64_t ticket);
// That retry has run; all that its keys belong to is held still. is_done: it waits no more.
void block_tried(struct server *server, struct client *c, bool is_done);
// It could not run, as a script on one of them is not over: it is tried again after a while.
void block_put_off(struct server *server, struct client *c);
// It waits no more: its command is executed anew (ops->run_again), with the deadline that it had.
void block_reroute(struct server *server, struct client *c);
// The same for those of this shard's clients that wait for a name that concerns.
void blocks_reroute(struct server *server, bool (*concerns)(void *context, struct bytes name),
                    void *context);
void blocks_count_clients(struct server *server); // into the tally, with those that pause.h holds
