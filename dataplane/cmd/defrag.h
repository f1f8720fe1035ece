// defrag.h: active defragmentation: when it runs, and how much of the core it may take.
//
// Source:  Redis 7.2: activedefrag, active-defrag-ignore-bytes, -threshold-lower and -upper,
//          -cycle-min and -max; jemalloc 5.3 says which pages are sparse (heap.h)
// Thread:  the shard, between commands
// Memory:  embedded in struct server
// Units:   percent of waste: free places in the heap's pages, against what is allocated
//
// It begins when both thresholds are passed, and goes through all keys again and again until they
// are not, in slices of DEFRAG_SLICE_US. The pauses between them make up its share of the core,
// which grows with the waste. A pass that found next to nothing to move is followed by a rest:
// what is left is not to be won.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/keyspace/relocate.h"

struct server;

enum { DEFRAG_SLICE_US = 200 };

struct defrag {
    bool is_running, has_pass;
    uint32_t percent;  // of the core
    uint64_t next_tsc; // of the next slice
    uint64_t rests_until_ns;
    struct relocate_pass pass;
    uint64_t pass_moved, pass_looked;
    // INFO, since the start or CONFIG RESETSTAT:
    uint64_t hits, misses, key_hits, key_misses;
    uint64_t since_ns, total_ns; // it began; it took before
};

// Ten times a second, with fresh heap figures: begins, ends, sets the share.
void defrag_cron(struct server *server);
// A slice, when it is time for one. False: not now.
bool defrag_turn(struct server *server);
uint64_t defrag_next_ns(const struct server *server); // monotonic; UINT64_MAX: it does not run
void defrag_close(struct server *server);
void defrag_reset_stats(struct server *server);
uint64_t defrag_time_ns(const struct server *server, bool before_too); // this time, or altogether
