// sort_source.h: what SORT goes over: the elements of a list, a set or a sorted set, as they were
// at one moment.
//
// Source:  Redis 7.2: lists and sorted sets in their own order, sets in the order of SMEMBERS
// Thread:  the shard
// Memory:  a source that holds has cuts, which are dropped by close; one that does not is good
//          until the value is changed
#pragma once
#include "dataplane/types/list_value.h"
#include "dataplane/types/set_value.h"
#include "dataplane/types/zset_value.h"

struct sort_source {
    enum value_type type;
    uint64_t count;
    bool holds;
    struct keyspace *keyspace; // that it is in
    union {
        struct list_cut list;
        struct set_cut set;
        struct zset_cut zset;
    };
    union {
        struct list_iter list_iter;
        struct set_iter set_iter;
        struct zset_iter zset_iter;
    };
};
bool sort_source_takes(enum value_type type);
// e NULL: an empty one.
void sort_source_open(struct sort_source *s, struct keyspace *k, const struct entry *e, bool holds);
void sort_source_close(struct sort_source *s);
// From element number start on, backwards if asked to (sets have no other way). s stays in its
// place from here on.
void sort_source_begin(struct sort_source *s, uint64_t start, bool backwards);
// False: no more. lasts: the text is good as long as the source; otherwise until the next call.
bool sort_source_next(struct sort_source *s, struct bytes *text, bool *lasts);
