// shard_set.h: a set of the shards of one node: bit i is shard i.
//
// Thread:  any; values
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum { SHARD_SET_MAX = 64 };
typedef uint64_t shard_set;

static inline shard_set shard_set_all(uint32_t shard_count) // 1..SHARD_SET_MAX
{
    return UINT64_MAX >> (SHARD_SET_MAX - shard_count);
}
static inline shard_set shard_set_of(uint32_t index) { return 1ull << index; }
static inline bool shard_set_is_one(shard_set set) { return set && (set & (set - 1)) == 0; }
// The least index; set is not empty.
static inline uint32_t shard_set_first(shard_set set) { return (uint32_t)__builtin_ctzll(set); }
// Without its first: for (; set; set = shard_set_rest(set)) ... shard_set_first(set) ...
static inline shard_set shard_set_rest(shard_set set) { return set & (set - 1); }
// For those that take turns: the next one behind last, the first one behind the last one of all.
// set is not empty.
static inline uint32_t shard_set_after(shard_set set, uint32_t last)
{
    shard_set later = last + 1 == SHARD_SET_MAX ? 0 : set >> (last + 1) << (last + 1);
    return shard_set_first(later ? later : set);
}
