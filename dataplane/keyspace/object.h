// object.h: a collection too large for one buffer, as an entry holds it.
//
// Thread:  the shard
// Memory:  one allocation (HEAP_DATASET), owned by the entry; its trees hang below it. The types
//          (dataplane/types) embed struct object first in their own struct.
#pragma once
#include <stdint.h>
#include "dataplane/base/heap.h"

struct entry;
struct object;
struct object_place;
struct tree;
struct tree_space;
struct keyspace;
struct relocate_pass;

struct object_ops {
    // Gives everything back: trees to the reaper, the rest at once. O(1) but for small parts.
    void (*close)(struct object *o, struct keyspace *k);
    // A second one with the same contents; trees are cut, not copied.
    struct object *(*copy)(const struct object *o, struct keyspace *k);
    uint64_t (*memory_bytes)(const struct object *o); // all of it
    uint64_t (*count)(const struct object *o);        // elements; how much work freeing it is
    // relocate.h: moves what of it lies in sparse pages, from *position on, for so long; *position
    // becomes where to go on, or RELOCATE_DONE. 0: the beginning, the object itself with it.
    // Returns the object, wherever it is now. May be NULL.
    struct object *(*relocate)(struct object *o, struct relocate_pass *p, uint64_t *position,
                               uint64_t until_tsc);
    // o's trees, one after the other; a place of zeros is in front of the first. NULL: no more.
    struct tree *(*next_tree)(struct object *o, struct object_place *place);
    // o is what copy made of an object of another keyspace, and its trees have become its own since
    // (tree.h: unshare): so does the rest of it, and k gets to know it. May be NULL.
    void (*settle)(struct object *o, struct keyspace *k);
};
struct object_place {
    uint32_t group, member;
};
struct object {
    const struct object_ops *ops;
    struct entry *entry; // whose value it is, wherever that moves (entry_set_value); NULL: not yet
};
