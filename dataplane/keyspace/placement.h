// placement.h: which shard of this node a key belongs to: slots, and the table of their owners.
//
// Source:  spec/cluster-client.md (slot of a key: CRC16 of its name or hash tag); DESIGN "Shards"
// Thread:  read by all shards; changed only while all of them stand at a rendezvous
//          (shard/meeting.h), so that nobody reads meanwhile
// Memory:  the caller's
// Databases other than 0 follow the same rule: a key's name alone says where it is.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"
#include "dataplane/keyspace/shard_set.h"

enum { SLOT_COUNT = 16384, PLACEMENT_SHARDS_MAX = SHARD_SET_MAX };

// Slots first..last of shard `from` are on their way to shard `to`: *in transit*. A key of theirs
// is at `from` until it is fetched (keyspace_fetch), and new ones are made at `to`, so whoever
// wants one holds both.
struct placement_move {
    bool is_active;
    uint8_t from, to;
    uint32_t first, last;
};

struct placement {
    uint32_t shard_count; // 1..PLACEMENT_SHARDS_MAX
    uint32_t generation;  // counts changes of what follows
    struct placement_move move;
    uint8_t shard_of_slot[SLOT_COUNT]; // in transit: still `from`
};

// CRC16 of what stands between the first '{' and the next '}', or of all when there is nothing.
uint32_t key_slot(struct bytes name);
// Ranges of slots of equal size, in the order of the shards.
void placement_init(struct placement *p, uint32_t shard_count);
static inline bool placement_is_in_transit(const struct placement *p, uint32_t slot)
{
    const struct placement_move *m = &p->move;
    return __builtin_expect(m->is_active, 0) && slot >= m->first && slot <= m->last &&
           p->shard_of_slot[slot] == m->from;
}
// In transit: where it goes.
static inline uint32_t placement_shard(const struct placement *p, struct bytes name)
{
    if (p->shard_count == 1) return 0;
    uint32_t slot = key_slot(name);
    return placement_is_in_transit(p, slot) ? p->move.to : p->shard_of_slot[slot];
}
// Where it may be: two in transit.
static inline shard_set placement_shards(const struct placement *p, struct bytes name)
{
    uint32_t slot = key_slot(name);
    shard_set owner = shard_set_of(p->shard_of_slot[slot]);
    return placement_is_in_transit(p, slot) ? owner | shard_set_of(p->move.to) : owner;
}
// While all shards stand. end: what was in transit belongs to where it went.
void placement_begin_move(struct placement *p, const struct placement_move *move);
void placement_end_move(struct placement *p);
