// block_far.h: clients that wait for keys of several shards, as each of those shards knows them.
//
// Source:  DESIGN "Shards"; block.h
// Thread:  of a home: its own, or who holds it. A home is each shard that was held when the client
//          began to wait; it knows the client's id, and never touches the client
// Memory:  HEAP_SESSION of the home
//
// A waiter of this kind stands in the ordinary lines of its keys, among the home's own clients.
// When its turn comes the home only tells the client's shard (ops->tell_try), which executes the
// command again with all homes held. Meanwhile nobody behind it is served at that key, for
// FAR_TRY_MS at most: a shard that takes longer does not hold up the others, and its try, when it
// comes, sees what is there then. Whatever comes of it, a home goes on behind the one that tried.
//   A ticket says which of the waits of a client is meant, for messages may be late: that it may
// try reaches a client that waits for something else by now, that it is gone reaches a home where
// it waits once more.
#pragma once
#include "dataplane/cmd/block_keys.h"

enum { FAR_TRY_MS = 100 };

struct far_wish {
    uint64_t client_id, ticket;
    uint32_t db;
    enum value_type type;
    bool wants_loss;
    const struct bytes *names; // of all homes
    uint32_t name_count;
};

void far_waiters_open(struct server *home);
void far_waiters_close(struct server *home);

// The home is held by the client's shard. What it knew of the client before is dropped.
void far_waiter_begin(struct server *home, const struct far_wish *wish);
// Its try is over and found nothing.
void far_waiter_tried(struct server *home, uint64_t client_id);
// It could not be tried: after FAR_TRY_MS the client is told that it may try.
void far_waiter_put_off(struct server *home, uint64_t client_id);

// ---- the home's
// The turn of the one at wait has come.
void far_waiter_tell(struct server *home, struct block_wait *wait);
// What it waited for up to that ticket. Nothing there is no error.
void far_waiter_forget(struct server *home, uint64_t client_id, uint64_t ticket);
void far_waiters_signal_all(struct server *home);
void far_waiters_expire(struct server *home);            // those who were told, and did not come
uint64_t far_waiters_next_ns(const struct server *home); // UINT64_MAX: none was told
