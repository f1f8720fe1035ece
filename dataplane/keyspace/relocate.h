// relocate.h: moves keys and values out of sparse pages into fuller ones, in slices.
//
// Source:  DESIGN "Why it exists": fragmentation; what Redis calls active defragmentation
// Thread:  the shard, between commands
// Memory:  embedded in its user; names of collections under way on the heap (HEAP_OTHER)
//
// A pass goes through the tables in the order of hash space, a bucket at a time; a large collection
// of a bucket is gone through leaf by leaf, found again by its key in each slice. Only what has one
// owner moves: a value that a reply is being sent from, and the nodes that a cut shares, stay where
// they are. No entry, object, node or blob may be held by address between commands but by its
// owner, which is told the new one.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/keyspace/keyspace.h"
#include "dataplane/keyspace/tree.h"

struct relocate_later;
struct relocate_pass {
    struct keyspace *keyspace;
    uint32_t db;
    uint64_t cursor;                // of db's next bucket
    bool moves_all;                 // for tests: not only what is sparse
    struct relocate_later *later;   // collections of the bucket before cursor, under way
    uint64_t moved, kept;           // allocations looked at
    uint64_t keys_moved, keys_kept; // keys of which something moved, or nothing
};
void relocate_begin(struct relocate_pass *p, struct keyspace *k);
bool relocate_step(struct relocate_pass *p, uint64_t until_tsc); // true: the pass is over
void relocate_end(struct relocate_pass *p);                      // any time; idempotent

// ---- for the types: struct object_ops.relocate
#define RELOCATE_DONE UINT64_MAX
// The block, elsewhere if that is better. size: as it was asked for.
void *relocate_block(struct relocate_pass *p, void *block, size_t size);
struct blob *relocate_blob(struct relocate_pass *p, struct blob *b); // NULL is fine
// Nodes of these trees, one after the other. position counts their records, from 0 on; returns
// where to go on, or RELOCATE_DONE.
uint64_t relocate_trees(struct relocate_pass *p, struct tree *const *trees, uint32_t count,
                        uint64_t position, uint64_t until_tsc);
