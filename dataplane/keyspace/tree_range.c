#include "dataplane/keyspace/tree_priv.h"

static void add_child(struct tree_totals *sum, const struct tree_inner *n, uint32_t slot)
{
    struct tree_totals child = tree_child_totals(n, slot);
    sum->count += child.count;
    sum->leaf_count += child.leaf_count;
    sum->bytes += child.bytes;
}

static void remove_from_leaf(const struct tree_shape *shape, struct tree_node *leaf, uint64_t first,
                             uint64_t count, struct tree_totals *gone)
{
    uint8_t *records = tree_records(leaf);
    uint32_t from = tree_leaf_offset(shape, leaf, (uint32_t)first);
    uint32_t to = tree_leaf_offset(shape, leaf, (uint32_t)(first + count));
    memmove(records + from, records + to, leaf->used - to);
    leaf->used -= to - from;
    leaf->count = (uint16_t)(leaf->count - count);
    leaf->anchor = leaf->anchor_slot = 0;
    gone->count += count;
    gone->bytes += to - from;
}

// Child slot of n joins a neighbour if it is small.
static void settle_child(struct tree_space *s, const struct tree_shape *shape, struct tree_inner *n,
                         uint32_t slot, struct tree_totals *gone)
{
    uint32_t shift, shift_bytes;
    if (slot >= n->node.count) return;
    enum tree_merge merge = tree_merge_child(s, shape, n, slot, &shift, &shift_bytes);
    if (merge != TREE_MERGE_NONE && n->node.level == 1) gone->leaf_count++;
}

// Records first..first+count-1 below *link, but not all that are there. What went is added to gone.
// At each level at most two children lose a part; what is between them goes whole.
static void remove_below(struct tree_space *s, const struct tree_shape *shape,
                         struct tree_node **link, uint64_t first, uint64_t count,
                         struct tree_totals *gone)
{
    struct tree_node *node = tree_node_own(s, link);
    if (node->level == 0) {
        remove_from_leaf(shape, node, first, count, gone);
        return;
    }
    struct tree_inner *n = tree_inner(node);
    struct tree_totals here = { 0 };
    uint32_t slot = 0, whole_from, cut[2], cuts = 0;
    for (; first >= n->count[slot]; slot++) first -= n->count[slot];
    for (whole_from = slot; count > 0; first = 0, slot++) {
        uint64_t part = n->count[slot] - first < count ? n->count[slot] - first : count;
        count -= part;
        if (part == n->count[slot]) {
            add_child(&here, n, slot);
            reaper_take(s->reaper, n->child[slot]);
            continue;
        }
        remove_below(s, shape, &n->child[slot], first, part, &here);
        n->count[slot] -= part;
        if (first > 0) whole_from = slot + 1;
        cut[cuts++] = slot;
    }
    uint32_t whole_end = cuts > 0 && cut[cuts - 1] >= whole_from ? slot - 1 : slot;
    tree_inner_close(n, whole_from, whole_end - whole_from);
    // From the right: joining children does not move what is left of them.
    while (cuts-- > 0) {
        uint32_t at = cut[cuts];
        settle_child(s, shape, n, at < whole_from ? at : whole_from, &here);
    }
    n->leaf_count -= here.leaf_count;
    n->bytes -= here.bytes;
    gone->count += here.count;
    gone->leaf_count += here.leaf_count;
    gone->bytes += here.bytes;
}

void tree_remove_range(struct tree_space *s, struct tree *t, uint64_t first, uint64_t count)
{
    CHECK(first <= t->count && count <= t->count - first);
    if (count == 0) return;
    if (count == t->count) {
        tree_drop(s, t);
        return;
    }
    struct tree_totals gone = { 0 };
    remove_below(s, t->shape, &t->root, first, count, &gone);
    t->count -= gone.count;
    t->leaf_count -= gone.leaf_count;
    t->bytes -= gone.bytes;
    tree_sink_root(s, t, NULL);
}
