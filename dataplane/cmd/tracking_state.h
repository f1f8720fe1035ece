// tracking_state.h: what server.h holds of tracking.h.
//
// Memory:  owned by struct server
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/list.h"
#include "dataplane/cmd/names.h"

struct tracking {
    uint64_t clients;         // of this shard, that track
    bool is_on;               // any shard has such clients
    struct names keys;        // each with one struct readers
    uint64_t items;           // (key, reader) pairs
    struct names prefixes;    // each with one struct prefix
    struct list prefix_sizes; // of struct prefix_size: those that occur
    struct list fresh;        // of struct prefix: keys of these changed since the last broadcast
    uint32_t evict_cursor;    // bucket at which keys are given up next
    struct list dying;        // of struct dying_keys: forgotten at once, freed from turn to turn
};
