// sort_job.h: SORT at work: elements and their weights are loaded, put in order, and shown or
// stored.
//
// Source:  Redis 7.2
// Thread:  the shard
// Memory:  24 bytes per element in two arrays, and what numbers and weights take (HEAP_OTHER)
//
// What moment an answer is of: the command's. The elements are a cut; values that BY and GET look
// up are taken before the first slice ends when they are few (SORT_LOOKUPS_AT_ONCE). Else the job
// watches: of a key that a pattern may name, the value is kept before it changes (job.h). With keys
// on several shards it watches on each of them. While slots move between shards such a command is
// done in one go.
#pragma once
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/sort_items.h"
#include "dataplane/cmd/sort_lookup.h"
#include "dataplane/cmd/sort_source.h"

enum { SORT_LOOKUPS_AT_ONCE = 4096 };

struct sort_options {
    int64_t start, limit; // LIMIT; 0 and -1: all
    bool descends, alpha;
    bool has_by, no_sort; // no_sort: BY names no key
    struct sort_pattern by;
    struct sort_pattern *gets; // on the heap (HEAP_OTHER)
    uint32_t get_count, get_room;
    uint32_t get_lookups; // of them, those that look a key up
    uint32_t store;       // argument with the destination; 0: none
};
// Takes options->gets over. e: the value, or NULL.
void sort_run(struct call *call, const struct entry *e, const struct sort_options *options);
