// tree_priv.h: what the nodes of a tree look like, and the steps that its files share.
//
// Source:  tree.h
// Thread:  the shard
// Memory:  a node of n bytes is a heap allocation of a size class of the heap, booked HEAP_DATASET
// Units:   slot: number of a child in an inner node, or of a record in a leaf
#pragma once
#include <stddef.h>
#include "dataplane/base/check.h"
#include "dataplane/keyspace/reaper.h"
#include "dataplane/keyspace/tree.h"

enum {
    TREE_ROOM_MIN = 32, // of a leaf: the reaper's link lies there when it is dead
    TREE_ANCHOR_BACK = 16,
};

// A leaf: this, then `used` bytes of records back to back in `room` bytes.
struct tree_node {
    uint32_t refs; // trees and inner nodes that point here; 1: may be changed in place
    uint32_t used, room;
    uint16_t count; // records or children; never 0 but in the midst of a change
    uint16_t anchor,
        anchor_slot; // where record anchor_slot (or the end) is: a pass may begin there
    uint8_t level;   // 0: leaf
    uint8_t reserved;
};
_Static_assert(sizeof(struct tree_node) == 20, "leaves pay for their header");

// mark[i] is a lower bound of the marks below child i, and no mark below child i-1 is above it (by
// hash: all are below it). mark[0] is only the former: whatever comes to stand left of it lifts it.
struct tree_inner {
    struct tree_node node;
    uint32_t reserved;
    struct tree_node *link; // the reaper's, when dead; at the same place in a leaf
    uint64_t leaf_count, bytes;
    uint64_t mark[TREE_CHILDREN_MAX];
    struct tree_node *child[TREE_CHILDREN_MAX];
    uint64_t count[TREE_CHILDREN_MAX]; // records
};
_Static_assert(sizeof(struct tree_inner) <= 1024, "an inner node outgrew its size class");
_Static_assert(offsetof(struct tree_inner, link) + sizeof(void *) <=
                   sizeof(struct tree_node) + TREE_ROOM_MIN,
               "the link of a dead leaf lies in its room");

static inline uint8_t *tree_records(const struct tree_node *leaf) { return (uint8_t *)(leaf + 1); }
static inline struct tree_inner *tree_inner(struct tree_node *n) { return (struct tree_inner *)n; }
static inline struct tree_node **tree_node_link(struct tree_node *dead)
{
    return (struct tree_node **)((uint8_t *)dead + offsetof(struct tree_inner, link));
}
static inline size_t tree_node_bytes(const struct tree_node *n)
{
    return n->level > 0 ? sizeof(struct tree_inner) : sizeof(*n) + n->room;
}
static inline uint32_t tree_room_max(const struct tree_shape *shape)
{
    return shape->leaf_bytes - (uint32_t)sizeof(struct tree_node);
}
static inline uint32_t tree_record_size(const struct tree_shape *shape, const uint8_t *record)
{
    uint32_t size = shape->prefix_bytes;
    size += packed_size(record + size);
    if (shape->elements == 2) size += packed_size(record + size);
    return size;
}
// The first element without its deadline.
static inline const uint8_t *tree_record_key(const struct tree_shape *shape, const uint8_t *record)
{
    const uint8_t *key = record + shape->prefix_bytes;
    return *key == PACKED_DEADLINE ? key + PACKED_DEADLINE_BYTES : key;
}
static inline bool tree_leaf_fits(const struct tree_shape *shape, const struct tree_node *leaf,
                                  uint32_t size)
{
    return leaf->count == 0 || (uint64_t)leaf->used + size <= tree_room_max(shape);
}
// The child to go on with for a mark by hash: the last one whose mark is not above it.
static inline uint32_t tree_inner_slot(const struct tree_inner *n, uint64_t mark)
{
    uint32_t slot = 0, left = n->node.count;
    while (left > 1) {
        uint32_t half = left / 2;
        slot += n->mark[slot + half] <= mark ? half : 0;
        left -= half;
    }
    return slot;
}

// ---- tree_node.c: one node
struct tree_node *tree_leaf_make(struct tree_space *s, uint32_t room);
struct tree_inner *tree_inner_make(struct tree_space *s, uint32_t level);
void tree_node_free(struct tree_space *s, struct tree_node *n); // alone, without a look at refs
// The node behind *link as one that may be changed: itself, or a copy in its place.
struct tree_node *tree_node_own(struct tree_space *s, struct tree_node **link);
struct tree_node *tree_leaf_copy(struct tree_space *s, const struct tree_node *from);
// The same leaf with another room, perhaps elsewhere.
struct tree_node *tree_leaf_resize(struct tree_space *s, struct tree_node *leaf, uint32_t room);
void tree_leaf_open_gap(struct tree_node *leaf, uint32_t offset, uint32_t size);
void tree_leaf_close_gap(struct tree_node *leaf, uint32_t offset, uint32_t size);
uint32_t tree_leaf_offset(const struct tree_shape *shape, struct tree_node *leaf, uint32_t slot);
uint64_t tree_record_mark(const struct tree_space *s, const struct tree_shape *shape,
                          const uint8_t *record);
void tree_inner_move(struct tree_inner *to, uint32_t to_slot, const struct tree_inner *from,
                     uint32_t from_slot, uint32_t count);
void tree_inner_open(struct tree_inner *n, uint32_t slot); // a slot to be filled
void tree_inner_close(struct tree_inner *n, uint32_t slot, uint32_t count);
struct tree_totals {
    uint64_t count, leaf_count, bytes;
};
struct tree_totals tree_child_totals(const struct tree_inner *n, uint32_t slot);

// ---- tree_seek.c: paths
void tree_end(const struct tree *t, struct tree_cursor *c); // right of everything
// c's record from its path, slot and offset; false: at the end of the leaf.
bool tree_cursor_load(struct tree_cursor *c);
static inline struct tree_node *tree_cursor_leaf(const struct tree_cursor *c)
{
    return c->path[c->depth];
}
// To the leaf at the left, behind its last record. Returns the level of the path that changed, or
// -1: there is none.
int tree_cursor_step_back(struct tree_cursor *c);

// ---- tree_path.c: changes along the path of a cursor
void tree_path_own(struct tree_space *s, struct tree *t, struct tree_cursor *c);
// What a change in c's leaf means for the nodes above it.
void tree_path_add(struct tree *t, struct tree_cursor *c, int64_t count, int64_t bytes);
void tree_path_lower(struct tree_cursor *c, uint64_t mark);
void tree_path_resize(struct tree_space *s, struct tree *t, struct tree_cursor *c, uint32_t room);
bool tree_path_is_leftmost(const struct tree_cursor *c);
bool tree_path_is_rightmost(const struct tree_cursor *c);
// A leaf beside c's; c moves onto its first record (or its end) when told to, else stays.
struct tree_beside {
    struct tree_node *leaf;
    uint64_t mark; // a lower bound of its marks
    bool is_before, is_followed;
};
void tree_path_put_beside(struct tree_space *s, struct tree *t, struct tree_cursor *c,
                          const struct tree_beside *b);
// While the root has a single child, that takes its place; c may be NULL.
void tree_sink_root(struct tree_space *s, struct tree *t, struct tree_cursor *c);
// c's leaf became smaller: small nodes join a neighbour, the root sinks. c keeps its place, but not
// its record.
void tree_path_shrink(struct tree_space *s, struct tree *t, struct tree_cursor *c);
// A record went from c's place: the same, and an empty leaf goes. c is at the next record.
void tree_path_settle(struct tree_space *s, struct tree *t, struct tree_cursor *c);

// ---- tree_split.c: c's leaf has no room for size bytes at c; afterwards it has, and c is there
void tree_split(struct tree_space *s, struct tree *t, struct tree_cursor *c, uint64_t mark,
                uint32_t size);

// ---- tree_merge.c
enum tree_merge { TREE_MERGE_NONE, TREE_MERGE_RIGHT, TREE_MERGE_LEFT };
// Joins child slot of n, which may be changed, with a neighbour when it is small and both fit one
// node. LEFT: it is child slot-1 now, and what was at its slot s is at s + *shift, what was at byte
// b of a leaf at b + *shift_bytes. The leaves of n are not counted anew.
enum tree_merge tree_merge_child(struct tree_space *s, const struct tree_shape *shape,
                                 struct tree_inner *n, uint32_t slot, uint32_t *shift,
                                 uint32_t *shift_bytes);
