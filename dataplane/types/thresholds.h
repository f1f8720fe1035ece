// thresholds.h: up to what size a collection stays in one buffer, as the operator said.
//
// Source:  redis.conf: hash-max-listpack-entries and its like
// Memory:  borrowed; the shard's copy follows CONFIG SET
#pragma once
#include <stdint.h>

struct thresholds {
    int64_t hash_entries, hash_value_bytes;
    int64_t list_size; // negative: -1..-5 are 4, 8, 16, 32, 64 KiB; positive: elements
    int64_t set_intset_entries, set_entries, set_value_bytes;
    int64_t zset_entries, zset_value_bytes;
    int64_t stream_node_bytes, stream_node_entries;
};
// What redis.conf says by default, as an initializer: where nobody configures.
#define THRESHOLDS_NORMAL                                                                          \
    {                                                                                              \
        .hash_entries = 512, .hash_value_bytes = 64, .list_size = -2, .set_intset_entries = 512,   \
        .set_entries = 128, .set_value_bytes = 64, .zset_entries = 128, .zset_value_bytes = 64,    \
        .stream_node_bytes = 4096, .stream_node_entries = 100                                      \
    }
