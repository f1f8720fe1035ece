// tracking_state.h: what server.h holds of tracking.h.
//
// Memory:  owned by struct server
#pragma once
#include <stdint.h>
#include "dataplane/base/list.h"
#include "dataplane/cmd/names.h"

struct tracking {
    struct names keys;     // each with one struct readers
    struct list prefixes;  // of struct prefix
    uint64_t clients;      // that track
    uint64_t items;        // (key, reader) pairs
    uint64_t fresh_keys;   // changed since the last broadcast, over all prefixes
    uint32_t evict_cursor; // bucket at which keys are given up next
};
