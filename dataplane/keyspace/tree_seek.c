#include "dataplane/base/prefetch.h"
#include "dataplane/keyspace/tree_priv.h"

// A node that is not in the cache costs one wait instead of one for each line: all that a search
// in it may read is asked for at once.
enum { INNER_BYTES_READ = offsetof(struct tree_inner, child) + TREE_CHILDREN_MAX * 3 / 4 * 8 };
static inline void prefetch_node(const struct tree_node *n, uint32_t bytes)
{
    for (uint32_t at = 0; at < bytes; at += 64) prefetch((const uint8_t *)n + at);
}

// Walks from leaf to leaf: the one after the next is asked for while this one is read.
static inline void prefetch_beyond(const struct tree_cursor *c, int away)
{
    if (c->depth == 0) return;
    const struct tree_inner *parent = tree_inner(c->path[c->depth - 1]);
    uint32_t slot = (uint32_t)(c->slot[c->depth - 1] + away); // wraps below 0
    if (slot < parent->node.count) prefetch_node(parent->child[slot], c->tree->shape->leaf_bytes);
}

bool tree_cursor_load(struct tree_cursor *c)
{
    const struct tree_node *leaf = tree_cursor_leaf(c);
    bool is_there = c->slot[c->depth] < leaf->count;
    c->record = is_there ? tree_records(leaf) + c->offset : NULL;
    c->size = is_there ? tree_record_size(c->tree->shape, c->record) : 0;
    return is_there;
}

static bool cursor_of_empty(const struct tree *t, struct tree_cursor *c)
{
    c->tree = t;
    c->record = NULL;
    c->size = c->offset = 0;
    c->depth = 0;
    c->path[0] = NULL;
    c->slot[0] = 0;
    return false;
}

// Down from path[depth] by the first children, to the first record.
static void descend_left(struct tree_cursor *c, uint32_t depth)
{
    struct tree_node *n = c->path[depth];
    for (; n->level > 0; c->path[++depth] = n) {
        c->slot[depth] = 0;
        n = tree_inner(n)->child[0];
    }
    c->slot[depth] = 0;
    c->depth = (uint8_t)depth;
    c->offset = 0;
}

// By the last children, behind the last record.
static void descend_right(struct tree_cursor *c, uint32_t depth)
{
    struct tree_node *n = c->path[depth];
    for (; n->level > 0; c->path[++depth] = n) {
        c->slot[depth] = (uint16_t)(n->count - 1);
        n = tree_inner(n)->child[n->count - 1];
    }
    c->slot[depth] = n->count;
    c->depth = (uint8_t)depth;
    c->offset = n->used;
}

static void go_to_slot(struct tree_cursor *c, uint32_t slot)
{
    c->offset = tree_leaf_offset(c->tree->shape, tree_cursor_leaf(c), slot);
    c->slot[c->depth] = (uint16_t)slot;
    tree_cursor_load(c);
}

bool tree_first(const struct tree *t, struct tree_cursor *c)
{
    if (!t->root) return cursor_of_empty(t, c);
    c->tree = t;
    c->path[0] = t->root;
    descend_left(c, 0);
    return tree_cursor_load(c);
}

void tree_end(const struct tree *t, struct tree_cursor *c)
{
    cursor_of_empty(t, c);
    c->path[0] = t->root;
    if (t->root) descend_right(c, 0);
}

bool tree_last(const struct tree *t, struct tree_cursor *c)
{
    tree_end(t, c);
    if (!t->root) return false;
    go_to_slot(c, tree_cursor_leaf(c)->count - 1U);
    return true;
}

bool tree_at(const struct tree *t, uint64_t index, struct tree_cursor *c)
{
    if (index >= t->count) {
        tree_end(t, c);
        return false;
    }
    struct tree_node *n = t->root;
    uint32_t depth = 0, deepest = n->level;
    for (; depth < deepest; depth++) {
        struct tree_inner *in = tree_inner(n);
        uint32_t slot = 0;
        for (; index >= in->count[slot]; slot++) index -= in->count[slot];
        c->path[depth] = n;
        c->slot[depth] = (uint16_t)slot;
        n = in->child[slot];
        prefetch_node(n, depth + 1 < deepest ? sizeof(*in) : t->shape->leaf_bytes);
    }
    c->tree = t;
    c->path[depth] = n;
    c->depth = (uint8_t)depth;
    go_to_slot(c, (uint32_t)index);
    return true;
}

uint64_t tree_index(const struct tree_cursor *c)
{
    if (!c->record) return c->tree->count;
    uint64_t index = c->slot[c->depth];
    for (uint32_t d = 0; d < c->depth; d++)
        for (uint32_t i = 0; i < c->slot[d]; i++) index += tree_inner(c->path[d])->count[i];
    return index;
}

bool tree_next_leaf(struct tree_cursor *c)
{
    for (uint32_t d = c->depth; d-- > 0;) {
        if (c->slot[d] + 1 >= c->path[d]->count) continue;
        c->path[d + 1] = tree_inner(c->path[d])->child[++c->slot[d]];
        descend_left(c, d + 1);
        prefetch_beyond(c, 2);
        return tree_cursor_load(c);
    }
    tree_end(c->tree, c);
    return false;
}

bool tree_next(struct tree_cursor *c)
{
    if (!c->record) return false;
    const struct tree_node *leaf = tree_cursor_leaf(c);
    c->offset += c->size;
    if (++c->slot[c->depth] >= leaf->count) return tree_next_leaf(c);
    c->record = tree_records(leaf) + c->offset;
    c->size = tree_record_size(c->tree->shape, c->record);
    return true;
}

int tree_cursor_step_back(struct tree_cursor *c)
{
    for (uint32_t d = c->depth; d-- > 0;) {
        if (c->slot[d] == 0) continue;
        c->path[d + 1] = tree_inner(c->path[d])->child[--c->slot[d]];
        descend_right(c, d + 1);
        c->record = NULL;
        c->size = 0;
        return (int)d;
    }
    return -1;
}

bool tree_prev(struct tree_cursor *c)
{
    if (c->tree->root && (c->slot[c->depth] > 0 || tree_cursor_step_back(c) >= 0)) {
        go_to_slot(c, c->slot[c->depth] - 1U);
        return true;
    }
    tree_end(c->tree, c);
    return false;
}

bool tree_prev_leaf(struct tree_cursor *c)
{
    if (c->tree->root && tree_cursor_step_back(c) >= 0) {
        prefetch_beyond(c, -2);
        go_to_slot(c, 0);
        return true;
    }
    tree_end(c->tree, c);
    return false;
}

const uint8_t *tree_leaf_bytes(const struct tree_cursor *c)
{
    return tree_records(tree_cursor_leaf(c));
}

const uint8_t *tree_leaf_end(const struct tree_cursor *c)
{
    return tree_leaf_bytes(c) + tree_cursor_leaf(c)->used;
}

uint32_t tree_leaf_offsets(const struct tree_cursor *c, uint16_t offsets[TREE_LEAF_BYTES])
{
    const struct tree_node *leaf = tree_cursor_leaf(c);
    if (!leaf) return 0;
    CHECK(leaf->count <= TREE_LEAF_BYTES);
    uint32_t at = 0;
    for (uint32_t i = 0; i < leaf->count; i++) {
        CHECK(at <= UINT16_MAX);
        offsets[i] = (uint16_t)at;
        at += tree_record_size(c->tree->shape, tree_records(leaf) + at);
    }
    return leaf->count;
}

// ---- by hash
bool tree_find(const struct tree *t, uint64_t hash, const struct packed_needle *n,
               struct tree_cursor *c)
{
    const struct tree_shape *shape = t->shape;
    CHECK(shape->order == TREE_BY_HASH);
    if (!t->root) return cursor_of_empty(t, c);
    struct tree_node *node = t->root;
    uint32_t depth = 0, deepest = node->level;
    for (; depth < deepest; depth++) {
        uint32_t slot = tree_inner_slot(tree_inner(node), hash);
        c->path[depth] = node;
        c->slot[depth] = (uint16_t)slot;
        prefetch(&tree_inner(node)->count[slot]); // an insert changes it
        node = tree_inner(node)->child[slot];
        prefetch_node(node, depth + 1 < deepest ? INNER_BYTES_READ : shape->leaf_bytes);
    }
    c->tree = t;
    c->path[depth] = node;
    c->depth = (uint8_t)depth;
    const uint8_t *at = tree_records(node), *end = at + node->used;
    uint32_t slot = 0;
    while (at < end && !packed_is(tree_record_key(shape, at), n)) {
        at += tree_record_size(shape, at);
        slot++;
    }
    c->slot[depth] = (uint16_t)slot;
    c->offset = (uint32_t)(at - tree_records(node));
    return tree_cursor_load(c);
}

void tree_prefetch(const struct tree *t, uint64_t hash)
{
    struct tree_node *n = t->root;
    if (!n) return;
    for (uint32_t level = n->level; level > 0; level--) {
        n = tree_inner(n)->child[tree_inner_slot(tree_inner(n), hash)];
        prefetch_node(n, level > 1 ? INNER_BYTES_READ : t->shape->leaf_bytes);
    }
}

// ---- sorted
struct target {
    tree_compare *compare;
    const void *what;
    uint64_t mark;
};

static const uint8_t *first_record_below(const struct tree_node *n)
{
    while (n->level > 0) n = tree_inner((struct tree_node *)n)->child[0];
    return tree_records(n);
}

// The last child that has records before the target (or the first child). Children whose lower
// bound is the target's own mark, as when all scores are equal, are told apart by their first
// records.
static uint32_t sorted_slot(struct tree_inner *n, const struct target *g)
{
    uint32_t low = g->mark > 0 ? tree_inner_slot(n, g->mark - 1) : 0;
    uint32_t high = tree_inner_slot(n, g->mark);
    if (n->node.level == 1)
        for (uint32_t i = low + 1; i <= high; i++) prefetch(n->child[i]);
    while (low < high) {
        uint32_t middle = low + (high - low + 1) / 2;
        if (g->compare(g->what, first_record_below(n->child[middle])) < 0)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

// In steps of several records, so that compare is called for few of them.
static void seek_in_leaf(struct tree_cursor *c, const struct target *g)
{
    enum { STRIDE = 8 };
    const struct tree_shape *shape = c->tree->shape;
    const struct tree_node *leaf = tree_cursor_leaf(c);
    const uint8_t *records = tree_records(leaf);
    uint32_t slot = 0, at = 0;
    while (slot + STRIDE < leaf->count) {
        uint32_t ahead = at;
        for (uint32_t i = 0; i < STRIDE; i++) ahead += tree_record_size(shape, records + ahead);
        if (g->compare(g->what, records + ahead) >= 0) break;
        slot += STRIDE;
        at = ahead;
    }
    for (; slot < leaf->count && g->compare(g->what, records + at) < 0; slot++)
        at += tree_record_size(shape, records + at);
    c->slot[c->depth] = (uint16_t)slot;
    c->offset = at;
}

bool tree_seek(const struct tree *t, uint64_t mark, tree_compare *compare, const void *target,
               struct tree_cursor *c)
{
    const struct target g = { compare, target, mark };
    CHECK(t->shape->order == TREE_SORTED);
    if (!t->root) return cursor_of_empty(t, c);
    struct tree_node *n = t->root;
    uint32_t depth = 0, deepest = n->level;
    for (; depth < deepest; depth++) {
        uint32_t slot = sorted_slot(tree_inner(n), &g);
        c->path[depth] = n;
        c->slot[depth] = (uint16_t)slot;
        n = tree_inner(n)->child[slot];
        prefetch_node(n, depth + 1 < deepest ? INNER_BYTES_READ : t->shape->leaf_bytes);
    }
    c->tree = t;
    c->path[depth] = n;
    c->depth = (uint8_t)depth;
    seek_in_leaf(c, &g);
    // All of the leaf is before it: then it is the next leaf's first, if anything.
    if (!tree_cursor_load(c) && !tree_next_leaf(c)) return false;
    return compare(target, c->record) == 0;
}
