// tree.h: the one structure of large collections: a counted B+ tree of records, whose versions
// share what they have in common.
//
// Source:  DESIGN "Walks". Chosen here instead of versions on nodes and before-images: every node
//          has a count of references, and a writer that meets a node somebody else refers to
//          changes a copy (the path from the root, at most TREE_DEPTH_MAX nodes of at most 1 KB).
//          So
//          - a cut is one reference to the root: any number of them, O(1), each an exact moment;
//          - order, splits, merges and deaths need no care: a cut's nodes never change;
//          - COPY of a giant is a cut; so is what a snapshot keeps of it;
//          - a walk whose client has gone drops its reference, and the reaper frees in slices;
//          - without a cut it costs one compare per node on the way, in a line that is read anyway.
// Thread:  the shard that owns the space
// Memory:  nodes are heap allocations (HEAP_DATASET); what is dropped is freed by the reaper
// Units:   index: position of a record from the left, 0..count-1; sizes in bytes
//
// A record is shape->prefix_bytes raw bytes followed by shape->elements packed elements (packed.h).
//   list    by position             1 element
//   set     by hash of the member   1 element
//   hash    by hash of the field    2 elements
//   zset    sorted by (score, member): 8 bytes of score + 1 element; and the same records by hash
//   stream  sorted by ID
// Every record has a mark, a number that never falls from left to right (position: 0; hash: the
// keyed hash of its first element; sorted: what shape->mark makes of it). Trees by hash are not
// ordered within a leaf; records of one mark share a leaf, so leaf ends are places in hash space
// that survive splits and merges: SCAN's cursors.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/hash.h"
#include "dataplane/base/heap.h"
#include "dataplane/keyspace/packed.h"

enum {
    TREE_LEAF_BYTES = 1024, // allocation of a full leaf; a larger record has a leaf of its own
    TREE_CHILDREN_MAX = 40, // of an inner node
    TREE_DEPTH_MAX = 12,    // levels: 20^11 leaves at worst
};

enum tree_order { TREE_BY_POSITION, TREE_BY_HASH, TREE_SORTED };

struct tree_shape { // one const object per use
    enum tree_order order;
    uint8_t prefix_bytes;                    // 0..16
    uint8_t elements;                        // 1..2
    uint16_t leaf_bytes;                     // 256..TREE_LEAF_BYTES
    uint64_t (*mark)(const uint8_t *record); // TREE_SORTED only
};

struct tree_node;
struct tree_inner;
struct reaper;

// Where nodes live; one per keyspace (keyspace_space).
struct tree_space {
    struct heap *heap;
    struct reaper *reaper;
    struct hash_key hash_key; // of TREE_BY_HASH
};

struct tree {
    struct tree_node *root; // NULL: empty
    uint64_t count;
    uint64_t leaf_count, bytes; // leaves; bytes of the records in them
    const struct tree_shape *shape;
};

void tree_init(struct tree *t, const struct tree_shape *shape);
// *cut becomes a second owner of everything in t: O(1). Both may be read, changed and dropped.
void tree_cut(struct tree *cut, const struct tree *t);
// t is a cut of a tree of another space: it gets nodes of its own, in s. O(nodes).
void tree_unshare(struct tree_space *s, struct tree *t);
// t is a cut, of a tree of whatever space that somebody else holds too: it is empty afterwards.
void tree_forget(struct tree *t);
// The same as tree_unshare in slices: `to`, which is empty, becomes what `from` is, node by node.
// `from` is borrowed, and stays as it is until the end. In between `to` is good for tree_drop
// alone.
struct tree_clone {
    struct tree *to;
    const struct tree *from;
    // For tree_clone.c: the inner nodes under way, from the root down.
    struct tree_inner *made[TREE_DEPTH_MAX], *like[TREE_DEPTH_MAX];
    uint32_t depth; // how many
};
void tree_clone_begin(struct tree_clone *c, struct tree *to, const struct tree *from);
bool tree_clone_step(struct tree_space *s, struct tree_clone *c, uint32_t nodes); // true: done
void tree_drop(struct tree_space *s, struct tree *t); // O(1): to the reaper; t is empty afterwards
uint64_t tree_memory_bytes(const struct tree *t);     // nodes, from the counts: O(1), approximate

// ---- places
struct tree_cursor {
    const uint8_t *record; // NULL: behind the last
    uint32_t size;         // of record
    // For tree.c:
    const struct tree *tree;
    struct tree_node *path[TREE_DEPTH_MAX]; // path[0] is the root
    uint16_t slot[TREE_DEPTH_MAX];          // child taken; in the leaf: number of the record
    uint8_t depth;                          // of the leaf
    uint32_t offset;                        // of record in its leaf
};
// A cursor is good until the next change of its tree by other means than itself. A cut's cursors
// are good as long as the cut.
bool tree_first(const struct tree *t, struct tree_cursor *c); // false: empty, c is at the end
bool tree_last(const struct tree *t, struct tree_cursor *c);
bool tree_at(const struct tree *t, uint64_t index, struct tree_cursor *c); // false: index >= count
uint64_t tree_index(const struct tree_cursor *c);                          // at the end: count
bool tree_next(struct tree_cursor *c);                                     // false: at the end now
bool tree_prev(struct tree_cursor *c); // false: there is none before it; c is at the end then.
// Going back costs a pass over the leaf per step: lists read backwards use tree_leaf_offsets.
// The offsets of the records of c's leaf, from its start; returns how many (<= leaf_bytes).
uint32_t tree_leaf_offsets(const struct tree_cursor *c, uint16_t offsets[TREE_LEAF_BYTES]);
const uint8_t *tree_leaf_bytes(const struct tree_cursor *c); // what the offsets count from
const uint8_t *tree_leaf_end(const struct tree_cursor *c);   // behind its last record
bool tree_next_leaf(struct tree_cursor *c);                  // to the first record of it
bool tree_prev_leaf(struct tree_cursor *c);                  // to the first record of it

// TREE_SORTED: the first record that is not before the target. compare: <0 when record is before
// it, 0 when it is what is looked for, >0 when it is behind. mark: the target's. Returns true when
// compare said 0 for the record found; at the end, c is where it would be inserted.
typedef int tree_compare(const void *target, const uint8_t *record);
bool tree_seek(const struct tree *t, uint64_t mark, tree_compare *compare, const void *target,
               struct tree_cursor *c);
// TREE_BY_HASH: the record whose first element is n. False: not there, and c is where
// tree_insert may put it.
uint64_t tree_hash(const struct tree_space *s, const struct packed_needle *n); // of the text
bool tree_find(const struct tree *t, uint64_t hash, const struct packed_needle *n,
               struct tree_cursor *c);
void tree_prefetch(const struct tree *t, uint64_t hash); // the way to it, as far as it is known
// TREE_BY_HASH: calls visit for every record of whole leaves from cursor on, until at least `least`
// were visited. Returns the next cursor, 0: done. Any cursor is accepted. A record that is there
// all the time is shown at least once, whatever else changes in between.
uint64_t tree_scan(const struct tree *t, uint64_t cursor, uint64_t least,
                   void (*visit)(void *context, const uint8_t *record), void *context);

// ---- changes. Each keeps c valid: at the new record, or at the one behind what was removed.
// Room for a record of size bytes before c's record (TREE_BY_POSITION: anywhere; else where seek or
// find left c; by hash find must have said that it is not there). The caller writes the bytes, at
// once; mark is the record's. A record has less than 2 GiB.
uint8_t *tree_insert(struct tree_space *s, struct tree *t, struct tree_cursor *c, uint64_t mark,
                     uint32_t size);
void tree_remove(struct tree_space *s, struct tree *t, struct tree_cursor *c);
// Another record of the same mark in its place; the caller writes the bytes.
uint8_t *tree_replace(struct tree_space *s, struct tree *t, struct tree_cursor *c, uint32_t size);
// Bytes of c's record for a change in place that keeps its size and mark.
uint8_t *tree_write(struct tree_space *s, struct tree *t, struct tree_cursor *c);
// Records first..first+count-1, all of which are there, go; whole nodes to the reaper. O(depth *
// children).
void tree_remove_range(struct tree_space *s, struct tree *t, uint64_t first, uint64_t count);
// At the right end, without a search: building from an ordered source (list, sorted). For
// TREE_BY_HASH use find and insert.
uint8_t *tree_append(struct tree_space *s, struct tree *t, uint64_t mark, uint32_t size);

void tree_check(const struct tree_space *s, const struct tree *t); // CHECKs everything; for tests
