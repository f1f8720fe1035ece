// region_slots.h: which shard each slot belongs to, as the dataplane shows it to control and
// penstockctl.
//
// Source:  DESIGN "Shards"; the table that counts is keyspace/placement.h's
// Thread:  one writer at a time: the shard that holds all others when the table changes
// Memory:  lies in the shared region; holds no pointers
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum { REGION_SLOTS = 16384 };

struct region_slots {
    uint64_t sequence; // odd while it is being written; 0: never was
    uint8_t shard_of_slot[REGION_SLOTS];
};

void region_slots_write(struct region_slots *s, const uint8_t shard_of_slot[REGION_SLOTS]);
// A copy as of one moment. False: never written, always being written (the writer died half-way),
// or it names shards that are not there. One shard has all slots without being told.
bool region_slots_read(const struct region_slots *s, uint32_t shard_count,
                       uint8_t out[REGION_SLOTS]);
