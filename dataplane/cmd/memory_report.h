// memory_report.h: where memory is, in the figures that INFO, MEMORY STATS and MEMORY DOCTOR share.
//
// Source:  Redis 7.2 MEMORY STATS; DESIGN "The ledger"
// Thread:  the shard
// Memory:  none of its own
// Units:   bytes
#pragma once
#include <stdint.h>
#include "dataplane/base/heap.h"
#include "dataplane/cmd/text.h"

struct server;

struct memory_report {
    uint64_t used, peak, startup, dataset, overhead; // used = dataset + overhead
    uint64_t clients, scripts, functions, script_count;
    uint64_t owners[HEAP_OWNER_COUNT];
    uint64_t allocated, active, resident; // of the heaps, as the allocator counts
    uint64_t rss;                         // of the process
    uint64_t keys, client_count;
};
// Figures of this moment, over all shards; a system call, and a walk of the allocator's statistics.
void memory_report_make(struct server *server, struct memory_report *out);
static inline uint64_t memory_report_beyond_startup(const struct memory_report *r)
{
    return r->used > r->startup ? r->used - r->startup : 1;
}
// MEMORY DOCTOR's text (memory_doctor.c)
void memory_advise(struct text *out, const struct server *server, const struct memory_report *r);
