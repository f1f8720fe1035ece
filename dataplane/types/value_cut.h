// value_cut.h: a value of any type as it was at one moment, and the way through it.
//
// Source:  DESIGN "Walks"; the cuts and orders of list_value.h, set_value.h and the others
// Thread:  the shard
// Memory:  what the cut holds of the value, until drop; the iterator has nothing of its own
//
// Both are large: they are embedded, and are not cleared. An iterator refers to its cut, which
// stays where it is.
#pragma once
#include "dataplane/types/hash_value.h"
#include "dataplane/types/list_value.h"
#include "dataplane/types/set_value.h"
#include "dataplane/types/stream_value.h"
#include "dataplane/types/zset_value.h"

struct value_cut {
    struct keyspace *keyspace; // borrowed
    enum value_type type;
    union {
        struct blob *string; // its text: held, or a copy of one that lies in the entry
        struct list_cut list;
        struct set_cut set;
        struct zset_cut zset;
        struct hash_cut hash;
        struct stream_cut stream;
    };
};
union value_iter {
    struct list_iter list;
    struct set_iter set;
    struct zset_iter zset;
    struct hash_iter hash;
    struct stream_iter stream;
};

// Of e, in k. O(1), with a copy of a small value, but for the groups of a stream, which are there
// only when they are asked for. Fields of a hash that expired by now_ms are left out.
void value_cut(struct keyspace *k, const struct entry *e, bool with_groups, uint64_t now_ms,
               struct value_cut *cut);
void value_cut_drop(struct value_cut *cut);
// Elements, pairs, fields or entries; 1: a string.
uint64_t value_cut_count(const struct value_cut *cut);
// All of it in its own order: from the head, from the lowest score, from the first entry. Of a
// string there is nothing to go through.
void value_iter_init(union value_iter *i, const struct value_cut *cut);
