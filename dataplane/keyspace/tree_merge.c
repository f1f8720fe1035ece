#include "dataplane/keyspace/tree_priv.h"

static bool is_small(const struct tree_shape *shape, const struct tree_node *n)
{
    return n->level > 0 ? n->count < TREE_CHILDREN_MAX / 4 : n->used < tree_room_max(shape) / 4;
}

static bool fit_together(const struct tree_shape *shape, const struct tree_node *a,
                         const struct tree_node *b)
{
    if (a->level > 0) return a->count + b->count <= TREE_CHILDREN_MAX;
    return (uint64_t)a->used + b->used <= tree_room_max(shape);
}

// The records of other, which stays as it is, before or behind those of leaf.
static struct tree_node *join_leaf(struct tree_space *s, struct tree_node *leaf,
                                   const struct tree_node *other, bool is_left)
{
    if (leaf->room < leaf->used + other->used)
        leaf = tree_leaf_resize(s, leaf, leaf->used + other->used);
    uint8_t *records = tree_records(leaf);
    if (is_left) memmove(records + other->used, records, leaf->used);
    memcpy(records + (is_left ? 0 : leaf->used), tree_records(other), other->used);
    leaf->used += other->used;
    leaf->count = (uint16_t)(leaf->count + other->count);
    leaf->anchor = leaf->anchor_slot = 0;
    return leaf;
}

// bound: what the parent knows of the marks below `other`, or below n when that is the right one.
static void join_inner(struct tree_inner *n, const struct tree_inner *other, bool is_left,
                       uint64_t bound)
{
    uint32_t count = n->node.count, more = other->node.count, at = is_left ? 0 : count;
    if (is_left) tree_inner_move(n, more, n, 0, count);
    tree_inner_move(n, at, other, 0, more);
    uint64_t *seam = &n->mark[is_left ? more : count];
    if (*seam < bound) *seam = bound;
    n->node.count = (uint16_t)(count + more);
    n->leaf_count += other->leaf_count;
    n->bytes += other->bytes;
}

// What it had lies in its neighbour now. If others hold it too, its children got one more parent.
static void drop_joined(struct tree_space *s, struct tree_node *other)
{
    if (other->refs == 1) {
        tree_node_free(s, other);
        return;
    }
    for (uint32_t i = 0; other->level > 0 && i < other->count; i++)
        tree_inner(other)->child[i]->refs++;
    reaper_take(s->reaper, other);
}

enum tree_merge tree_merge_child(struct tree_space *s, const struct tree_shape *shape,
                                 struct tree_inner *n, uint32_t slot, uint32_t *shift,
                                 uint32_t *shift_bytes)
{
    struct tree_node *node = n->child[slot], *other;
    bool is_left = false;
    if (!is_small(shape, node)) return TREE_MERGE_NONE;
    if (slot + 1U < n->node.count && fit_together(shape, node, n->child[slot + 1]))
        other = n->child[slot + 1];
    else if (slot > 0 && fit_together(shape, node, n->child[slot - 1]))
        other = n->child[slot - 1], is_left = true;
    else
        return TREE_MERGE_NONE;
    *shift = is_left ? other->count : 0;
    *shift_bytes = is_left && node->level == 0 ? other->used : 0;
    uint32_t left = is_left ? slot - 1 : slot;
    if (node->level == 0)
        node = join_leaf(s, node, other, is_left);
    else
        join_inner(tree_inner(node), tree_inner(other), is_left, n->mark[left + 1]);
    drop_joined(s, other);
    n->child[left] = node;
    n->count[left] += n->count[left + 1];
    uint64_t mark = n->mark[left], count = n->count[left];
    tree_inner_close(n, left, 1);
    n->mark[left] = mark;
    n->child[left] = node;
    n->count[left] = count;
    return is_left ? TREE_MERGE_LEFT : TREE_MERGE_RIGHT;
}
