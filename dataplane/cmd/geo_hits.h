// geo_hits.h: what a search found, in the order of the reply: by distance, or as it came.
//
// Thread:  the shard
// Memory:  a tree like those of values: it grows, sorts and is dropped without a long step
#pragma once
#include "dataplane/cmd/geo_args.h"
#include "dataplane/keyspace/tree.h"

struct geo_hits {
    struct tree tree;
    enum geo_sort sort;
    uint64_t most; // the first so many are kept; 0: all
};
void geo_hits_init(struct geo_hits *h, enum geo_sort sort, uint64_t most);
// Behind those that are as far away.
void geo_hits_add(struct geo_hits *h, struct tree_space *s, struct bytes member, double score,
                  double distance_m);
static inline uint64_t geo_hits_count(const struct geo_hits *h) { return h->tree.count; }
// Members in order: cursors of h->tree. The text is good as long as the hits and scratch.
struct bytes geo_hit_member(const struct tree_cursor *c, char scratch[24]);
double geo_hit_score(const struct tree_cursor *c);
