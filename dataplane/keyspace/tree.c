#include "dataplane/keyspace/tree.h"
#include "dataplane/keyspace/tree_priv.h"

void tree_init(struct tree *t, const struct tree_shape *shape)
{
    CHECK(shape->elements >= 1 && shape->elements <= 2 && shape->prefix_bytes <= 16);
    CHECK(shape->leaf_bytes >= 256 && shape->leaf_bytes <= TREE_LEAF_BYTES);
    CHECK((shape->order == TREE_SORTED) == (shape->mark != NULL));
    *t = (struct tree){ .shape = shape };
}

void tree_cut(struct tree *cut, const struct tree *t)
{
    *cut = *t;
    if (!t->root) return;
    CHECK(t->root->refs < UINT32_MAX);
    t->root->refs++;
}

void tree_drop(struct tree_space *s, struct tree *t)
{
    reaper_take(s->reaper, t->root);
    tree_init(t, t->shape);
}

// Inner nodes are taken for two thirds full; allocations of leaves for what their average needs.
uint64_t tree_memory_bytes(const struct tree *t)
{
    if (!t->root) return 0;
    uint64_t average = t->bytes / t->leaf_count, inner = 0;
    if (average < TREE_ROOM_MIN) average = TREE_ROOM_MIN;
    uint64_t fan = TREE_CHILDREN_MAX * 2 / 3;
    for (uint64_t n = t->leaf_count; n > 1; inner += n) n = (n + fan - 1) / fan;
    return t->leaf_count * heap_usable(sizeof(struct tree_node) + average) +
           inner * heap_usable(sizeof(struct tree_inner));
}

struct check {
    const struct tree_space *space;
    const struct tree_shape *shape;
    uint64_t lowest, highest; // what a mark may be here
};

static void check_leaf(struct check *k, const struct tree_node *leaf)
{
    uint32_t at = 0, slot = 0;
    uint64_t last = k->lowest;
    bool is_anchored = false;
    for (; at < leaf->used; slot++) {
        uint64_t mark = tree_record_mark(k->space, k->shape, tree_records(leaf) + at);
        CHECK(mark >= last && mark <= k->highest);
        if (k->shape->order == TREE_SORTED) last = mark;
        if (leaf->anchor == at) is_anchored = leaf->anchor_slot == slot;
        at += tree_record_size(k->shape, tree_records(leaf) + at);
    }
    CHECK(at == leaf->used && slot == leaf->count && leaf->used <= leaf->room);
    CHECK(is_anchored || (leaf->anchor == at && leaf->anchor_slot == slot));
    CHECK(leaf->room >= TREE_ROOM_MIN);
    CHECK(heap_usable(tree_node_bytes(leaf)) == tree_node_bytes(leaf));
}

static struct tree_totals check_node(struct check *k, struct tree_node *n, uint32_t depth)
{
    CHECK(n->refs > 0 && n->count > 0 && depth < TREE_DEPTH_MAX);
    if (n->level == 0) {
        check_leaf(k, n);
        return (struct tree_totals){ n->count, 1, n->used };
    }
    struct tree_inner *in = tree_inner(n);
    struct tree_totals sum = { 0 };
    uint64_t lowest = k->lowest, highest = k->highest;
    CHECK(n->count <= TREE_CHILDREN_MAX);
    for (uint32_t i = 0; i < n->count; i++) {
        CHECK(in->child[i]->level == n->level - 1);
        k->lowest = i > 0 || in->mark[0] > lowest ? in->mark[i] : lowest;
        k->highest = highest;
        if (i + 1 < n->count) k->highest = in->mark[i + 1] - (k->shape->order == TREE_BY_HASH);
        CHECK(k->lowest >= lowest && k->highest <= highest);
        struct tree_totals child = check_node(k, in->child[i], depth + 1);
        CHECK(child.count == in->count[i]);
        sum.count += child.count;
        sum.leaf_count += child.leaf_count;
        sum.bytes += child.bytes;
    }
    k->lowest = lowest;
    k->highest = highest;
    CHECK(sum.leaf_count == in->leaf_count && sum.bytes == in->bytes);
    return sum;
}

void tree_check(const struct tree_space *s, const struct tree *t)
{
    struct check k = { s, t->shape, 0, UINT64_MAX };
    struct tree_totals sum = { 0 };
    if (t->root) sum = check_node(&k, t->root, 0);
    CHECK(sum.count == t->count && sum.leaf_count == t->leaf_count && sum.bytes == t->bytes);
}
