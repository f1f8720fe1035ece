// block_keys.h: the names that clients wait for at one shard, and who stands in line for each. For
// block.c, whose clients are the shard's own, and block_far.c, whose are not.
//
// Thread:  the shard, or who holds it (shard/meeting.h)
// Memory:  HEAP_SESSION; names are copied, waiters belong to their clients
#pragma once
#include "dataplane/cmd/server.h"

struct far_waiter;

struct block_key {
    struct list_node in_bucket, in_ready;
    struct list waiters; // of block_wait.in_key, first come first
    uint32_t loss_count; // waiters that want to know of the key's end
    uint32_t db;
    // A client of another shard tries (block_far.h): nobody behind it is served meanwhile.
    struct far_waiter *told;
    // Who had the last turn, when the line was left there: it goes on behind. NULL: from its start.
    struct list_node *last_served;
    bool is_again; // signalled while somebody was told: from its start, then
    size_t size;
    uint8_t name[];
};
struct block_wait {
    struct list_node in_key;
    struct block_key *key; // NULL: the same name came before
    struct block_waiter *waiter;
};
struct block_waiter { // one client, at the keys of one shard
    enum value_type type;
    bool wants_loss;
    bool is_far; // part of a struct far_waiter; else of a struct blocked
    uint32_t wait_count;
    struct block_wait *waits; // zeroed at first
};

void block_keys_open(struct server *server);
void block_keys_close(struct server *server);
struct block_key *block_key_find(struct server *server, uint32_t db, struct bytes name);
void block_key_give_if_unused(struct server *server, struct block_key *k);
// Something has come that those in line may want: each has its turn, from the first one on.
void block_key_signal(struct server *server, struct block_key *k);
// Who was told has had its turn.
void block_key_go_on(struct server *server, struct block_key *k);

// At the end of the line for each of its wait_count names.
void block_waiter_begin(struct server *server, struct block_waiter *w, uint32_t db,
                        const struct bytes *names);
void block_waiter_end(struct server *server, struct block_waiter *w);
void block_waiter_signal(struct server *server, const struct block_waiter *w);
