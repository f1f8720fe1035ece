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
    // o is what copy made of an object of another keyspace, whose trees and blobs it still shares:
    // it gets its own, on the heap of k. In one go, whatever its size.
    void (*unshare)(struct object *o, struct keyspace *k);
};
struct object {
    const struct object_ops *ops;
    struct entry *entry; // whose value it is, wherever that moves (entry_set_value); NULL: not yet
};
