#include "dataplane/keyspace/tree_priv.h"

static struct tree_node **link_of(struct tree *t, const struct tree_cursor *c, uint32_t depth)
{
    return depth == 0 ? &t->root : &tree_inner(c->path[depth - 1])->child[c->slot[depth - 1]];
}

void tree_path_own(struct tree_space *s, struct tree *t, struct tree_cursor *c)
{
    CHECK(c->path[0] == t->root);
    for (uint32_t d = 0; d <= c->depth; d++) {
        if (c->path[d]->refs > 1) c->path[d] = tree_node_own(s, link_of(t, c, d));
    }
    if (c->record) c->record = tree_records(tree_cursor_leaf(c)) + c->offset;
}

void tree_path_add(struct tree *t, struct tree_cursor *c, int64_t count, int64_t bytes)
{
    t->count += (uint64_t)count;
    t->bytes += (uint64_t)bytes;
    for (uint32_t d = 0; d < c->depth; d++) {
        struct tree_inner *n = tree_inner(c->path[d]);
        n->count[c->slot[d]] += (uint64_t)count;
        n->bytes += (uint64_t)bytes;
    }
}

void tree_path_lower(struct tree_cursor *c, uint64_t mark)
{
    for (uint32_t d = 0; d < c->depth; d++) {
        uint64_t *bound = &tree_inner(c->path[d])->mark[c->slot[d]];
        if (*bound > mark) *bound = mark;
    }
}

void tree_path_resize(struct tree_space *s, struct tree *t, struct tree_cursor *c, uint32_t room)
{
    struct tree_node *leaf = tree_leaf_resize(s, tree_cursor_leaf(c), room);
    *link_of(t, c, c->depth) = leaf;
    c->path[c->depth] = leaf;
    if (c->record) c->record = tree_records(leaf) + c->offset;
}

bool tree_path_is_leftmost(const struct tree_cursor *c)
{
    for (uint32_t d = 0; d < c->depth; d++)
        if (c->slot[d] > 0) return false;
    return true;
}

bool tree_path_is_rightmost(const struct tree_cursor *c)
{
    for (uint32_t d = 0; d < c->depth; d++)
        if (c->slot[d] + 1 < c->path[d]->count) return false;
    return true;
}

// ---- growing upwards
static void raise_root(struct tree_space *s, struct tree *t, struct tree_cursor *c)
{
    CHECK(c->depth + 1 < TREE_DEPTH_MAX);
    struct tree_inner *root = tree_inner_make(s, t->root->level + 1U);
    root->node.count = 1;
    root->mark[0] = 0;
    root->child[0] = t->root;
    root->count[0] = t->count;
    root->leaf_count = t->leaf_count;
    root->bytes = t->bytes;
    t->root = &root->node;
    memmove(c->path + 1, c->path, (c->depth + 1U) * sizeof(c->path[0]));
    memmove(c->slot + 1, c->slot, (c->depth + 1U) * sizeof(c->slot[0]));
    c->path[0] = t->root;
    c->slot[0] = 0;
    c->depth++;
}

// Children from `from` on move to a new node, which is returned.
static struct tree_inner *split_off(struct tree_space *s, struct tree_inner *n, uint32_t from)
{
    struct tree_inner *right = tree_inner_make(s, n->node.level);
    uint32_t count = n->node.count - from;
    tree_inner_move(right, 0, n, from, count);
    for (uint32_t i = 0; i < count; i++) {
        struct tree_totals moved = tree_child_totals(right, i);
        right->leaf_count += moved.leaf_count;
        right->bytes += moved.bytes;
    }
    right->node.count = (uint16_t)count;
    n->node.count = (uint16_t)from;
    n->leaf_count -= right->leaf_count;
    n->bytes -= right->bytes;
    return right;
}

static uint64_t records_below(const struct tree_inner *n)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n->node.count; i++) sum += n->count[i];
    return sum;
}

static void split_inner(struct tree_space *s, struct tree_cursor *c, uint32_t depth, uint32_t from)
{
    struct tree_inner *n = tree_inner(c->path[depth]), *parent = tree_inner(c->path[depth - 1]);
    struct tree_inner *right = split_off(s, n, from);
    uint32_t slot = c->slot[depth - 1];
    tree_inner_open(parent, slot + 1);
    parent->mark[slot + 1] = right->mark[0];
    parent->child[slot + 1] = &right->node;
    parent->count[slot + 1] = records_below(right);
    parent->count[slot] -= parent->count[slot + 1];
    if (c->slot[depth] < from) return;
    c->path[depth] = &right->node;
    c->slot[depth] = (uint16_t)(c->slot[depth] - from);
    c->slot[depth - 1]++;
}

static bool is_full(const struct tree_node *n) { return n->count == TREE_CHILDREN_MAX; }

// The parent of c's leaf gets a free slot. What grows at one end of the tree leaves full nodes
// behind instead of halves.
static void make_slot(struct tree_space *s, struct tree *t, struct tree_cursor *c, bool is_before)
{
    if (c->depth == 0) raise_root(s, t, c);
    if (!is_full(c->path[c->depth - 1])) return;
    uint32_t from = TREE_CHILDREN_MAX / 2, top = c->depth - 1U;
    if (is_before && tree_path_is_leftmost(c)) from = 1;
    if (!is_before && tree_path_is_rightmost(c)) from = TREE_CHILDREN_MAX - 1;
    while (top > 0 && is_full(c->path[top - 1])) top--;
    if (top == 0) {
        raise_root(s, t, c);
        top = 1;
    }
    for (uint32_t d = top; d < c->depth; d++) split_inner(s, c, d, from);
}

static void add_leaf(struct tree *t, struct tree_cursor *c, const struct tree_node *leaf)
{
    t->leaf_count++;
    t->count += leaf->count;
    t->bytes += leaf->used;
    for (uint32_t d = 0; d < c->depth; d++) {
        struct tree_inner *n = tree_inner(c->path[d]);
        n->leaf_count++;
        n->bytes += leaf->used;
        if (d + 1U < c->depth) n->count[c->slot[d]] += leaf->count;
    }
}

void tree_path_put_beside(struct tree_space *s, struct tree *t, struct tree_cursor *c,
                          const struct tree_beside *b)
{
    make_slot(s, t, c, b->is_before);
    uint32_t parent_depth = c->depth - 1U;
    struct tree_inner *parent = tree_inner(c->path[parent_depth]);
    uint32_t slot = c->slot[parent_depth] + (b->is_before ? 0U : 1U);
    tree_inner_open(parent, slot);
    parent->mark[slot] = b->mark;
    parent->child[slot] = b->leaf;
    parent->count[slot] = b->leaf->count;
    if (b->is_before && parent->mark[slot + 1] < b->mark) parent->mark[slot + 1] = b->mark;
    add_leaf(t, c, b->leaf);
    if (b->is_followed) {
        c->slot[parent_depth] = (uint16_t)slot;
        c->path[c->depth] = b->leaf;
        c->slot[c->depth] = 0;
        c->offset = 0;
    } else if (b->is_before) {
        c->slot[parent_depth]++;
    }
}

// ---- shrinking
// One leaf fewer below the nodes of the path down to depth.
static void forget_leaf(struct tree *t, struct tree_cursor *c, uint32_t depth)
{
    t->leaf_count--;
    for (uint32_t d = 0; d <= depth; d++) tree_inner(c->path[d])->leaf_count--;
}

// The empty leaf, and the nodes above it that have nothing else. Returns the depth of the node that
// lost a child, or -1: the tree is empty.
static int unlink_leaf(struct tree_space *s, struct tree *t, struct tree_cursor *c)
{
    uint32_t depth = c->depth;
    tree_node_free(s, tree_cursor_leaf(c));
    while (depth > 0 && c->path[depth - 1]->count == 1) tree_node_free(s, c->path[--depth]);
    if (depth == 0) {
        tree_init(t, t->shape);
        return -1;
    }
    depth--;
    tree_inner_close(tree_inner(c->path[depth]), c->slot[depth], 1);
    forget_leaf(t, c, depth);
    return (int)depth;
}

// Joins path[depth] with a neighbour if it should be. False: nothing changed.
static bool merge_at(struct tree_space *s, struct tree *t, struct tree_cursor *c, uint32_t depth)
{
    struct tree_inner *parent = tree_inner(c->path[depth - 1]);
    uint32_t slot = c->slot[depth - 1], shift, shift_bytes;
    enum tree_merge merge = tree_merge_child(s, t->shape, parent, slot, &shift, &shift_bytes);
    if (merge == TREE_MERGE_NONE) return false;
    if (merge == TREE_MERGE_LEFT) {
        c->slot[depth - 1] = (uint16_t)--slot;
        c->slot[depth] = (uint16_t)(c->slot[depth] + shift);
        c->offset += shift_bytes;
    }
    c->path[depth] = parent->child[slot];
    if (c->path[depth]->level == 0) forget_leaf(t, c, depth - 1);
    return true;
}

void tree_sink_root(struct tree_space *s, struct tree *t, struct tree_cursor *c)
{
    while (t->root->level > 0 && t->root->count == 1) {
        struct tree_node *old = t->root;
        t->root = tree_inner(old)->child[0];
        tree_node_free(s, old);
        if (!c) continue;
        memmove(c->path, c->path + 1, c->depth * sizeof(c->path[0]));
        memmove(c->slot, c->slot + 1, c->depth * sizeof(c->slot[0]));
        c->depth--;
    }
}

static void settle_empty(struct tree_space *s, struct tree *t, struct tree_cursor *c)
{
    uint64_t index = 0; // of what was behind the leaf
    for (uint32_t d = 0; d < c->depth; d++)
        for (uint32_t i = 0; i < c->slot[d]; i++) index += tree_inner(c->path[d])->count[i];
    int depth = unlink_leaf(s, t, c);
    for (int d = depth; d > 0; d--)
        if (!merge_at(s, t, c, (uint32_t)d)) break;
    if (t->root) tree_sink_root(s, t, c);
    tree_at(t, index, c);
}

void tree_path_shrink(struct tree_space *s, struct tree *t, struct tree_cursor *c)
{
    for (uint32_t d = c->depth; d > 0; d--)
        if (!merge_at(s, t, c, d)) break;
    tree_sink_root(s, t, c);
    const struct tree_node *leaf = tree_cursor_leaf(c);
    // Half of it given back at once: not at every step, and never more than half wasted.
    if (leaf->room > TREE_ROOM_MIN * 2 && leaf->used < leaf->room / 2)
        tree_path_resize(s, t, c, leaf->used);
}

void tree_path_settle(struct tree_space *s, struct tree *t, struct tree_cursor *c)
{
    if (tree_cursor_leaf(c)->count == 0) {
        settle_empty(s, t, c);
        return;
    }
    tree_path_shrink(s, t, c);
    c->tree = t;
    if (!tree_cursor_load(c)) tree_next_leaf(c);
}
