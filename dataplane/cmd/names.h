// names.h: a table from names (keys, channels, patterns) to lists of those who tied something to
// them: WATCH, subscriptions, tracking.
//
// Source:  linear hashing (Litwin 1980): one bucket is split per name that is added beyond the
//          load, so no operation moves more than a bucket
// Thread:  the shard
// Memory:  names and buckets are heap allocations (HEAP_SESSION); members belong to their makers
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"
#include "dataplane/base/hash.h"
#include "dataplane/base/heap.h"
#include "dataplane/base/list.h"

struct name {
    struct name *next; // in its bucket
    uint64_t hash;
    struct list members; // of the maker's nodes
    uint64_t tag;        // the maker's; 0 at first
    uint32_t db;
    size_t size;
    uint8_t text[];
};
struct names {
    struct heap *heap; // borrowed
    struct hash_key hash_key;
    struct name ***segments; // of NAMES_SEGMENT buckets each; NULL: nothing was ever added
    uint32_t segment_room;
    uint32_t bucket_count; // in use
    uint64_t count;        // names
    uint64_t bytes;        // what the table and its names cost
};
enum { NAMES_SEGMENT = 256 };

void names_open(struct names *n, struct heap *heap); // allocates nothing yet
// With another's heap and hash key: asks for no randomness.
void names_open_like(struct names *n, const struct names *like);
void names_close(struct names *n); // names left are given back
void names_clear(struct names *n); // likewise, but it is used again at once
struct name *names_find(const struct names *n, uint32_t db, struct bytes text); // NULL: none
struct name *names_take(struct names *n, uint32_t db, struct bytes text); // found, or made empty
void names_give(struct names *n, struct name *name); // its list is empty: it goes
static inline struct bytes name_text(const struct name *name)
{
    return bytes_make(name->text, name->size);
}
// Every name, in no order: start with *position 0; NULL: no more. While the table does not change.
struct name *names_next(const struct names *n, uint32_t *position, struct name *last);
