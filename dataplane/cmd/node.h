// node.h: all shards of one server, as seen by commands that concern more than one of them.
//
// Source:  DESIGN "Shards"
// Thread:  servers[i] belongs to shard i. Another shard touches it only while it holds shard i at a
//          rendezvous (shard/meeting.h); the router sees to that before the command runs
// Memory:  owned by the process; outlives every shard
//
// A command is written once, for one thread. Which struct server and keyspace it gets is decided
// before it runs (route.h):
//
//   keys of one shard     that shard's server and keyspace, whichever core runs it
//   keys of several       the server of the core that runs it, and its joint keyspace (joint.h)
//
// What belongs to a key beside its value (who watches, tracks or waits for it, deadlines of hash
// fields, effects) lives with the key's shard: server_home finds it.
#pragma once
#include "dataplane/cmd/server.h"
#include "dataplane/cmd/slot_move.h"
#include "dataplane/keyspace/joint.h"
#include "dataplane/keyspace/placement.h"

// What a shard tells the others of its memory, without being asked: written by its thread alone,
// read by all, at any time (memory.c). A cache line each.
struct node_level {
    uint64_t counted_bytes;                     // against maxmemory
    uint64_t dataset_bytes;                     // of these, what eviction shortens
    uint64_t is_spent;                          // the policy lets nothing of it go
    uint64_t clients_bytes, clients_bytes_most; // against maxmemory-clients: all, the largest's
    uint64_t tracked_keys;                      // against tracking-table-max-keys
    uint64_t unused[2];
};
_Static_assert(sizeof(struct node_level) == 64, "one writer, one cache line");

// What is posted to one shard (posted.h): anybody's, by __atomic calls.
struct node_mail {
    uint64_t next_ticket, bytes;
    uint32_t lost; // bits of enum posted_kind: what was left out, and is to be made known
    uint64_t unused[5];
};
_Static_assert(sizeof(struct node_mail) == 64, "they are not written together");

struct node {
    uint32_t shard_count;
    struct placement placement;
    struct slot_move move;    // of slots between shards
    struct hash_key hash_key; // the same in every shard, so that a key's hash is worth something in
                              // all of them
    struct server *servers[PLACEMENT_SHARDS_MAX];
    // By __atomic calls, at any time:
    uint64_t slowlog_next_id, acl_log_next_id; // counted over all shards, so that ids ascend in
                                               // the order of what happened
    uint64_t joint_last; // number of the last transaction over several shards (effects.h). Begins
                         // at the wall clock in us, which goes on faster than transactions come: in
                         // a log numbers of later runs are above those of this one
    struct node_level levels[PLACEMENT_SHARDS_MAX];
    // Which shards have clients of that kind: shard_sets, written by posted_mark.
    uint64_t listening, monitoring, tracking;
    struct node_mail mail[PLACEMENT_SHARDS_MAX];
};

static inline uint64_t node_next_joint(struct node *n)
{
    return __atomic_add_fetch(&n->joint_last, 1, __ATOMIC_RELAXED);
}

// More than one shard: what a command does may concern others.
static inline bool server_is_one_of_many(const struct server *s)
{
    return UNLIKELY(s->node != NULL);
}
// The server of key's shard; s itself when there is only one.
static inline struct server *server_home(struct server *s, struct bytes key)
{
    if (!server_is_one_of_many(s)) return s;
    return s->node->servers[placement_shard(&s->node->placement, key)];
}
// For what is said or summed up over all shards; at a rendezvous of all. For loops:
// for (uint32_t i = 0; i < server_peer_count(s); i++) server_peer(s, i)
static inline uint32_t server_peer_count(const struct server *s)
{
    return s->node ? s->node->shard_count : 1;
}
static inline struct server *server_peer(struct server *s, uint32_t index)
{
    return s->node ? s->node->servers[index] : s;
}
// A client's id says where its connection is: ids of shard i are i modulo the number of shards.
static inline uint32_t client_home_index(const struct server *s, uint64_t id)
{
    return s->node ? (uint32_t)(id % s->node->shard_count) : 0;
}
// What belongs to a client (its queue, its watches) is its own shard's, whichever server its
// command is bound to.
static inline struct server *server_of_client(struct server *s, uint64_t id)
{
    return server_peer(s, client_home_index(s, id));
}
