#include "dataplane/keyspace/tree_priv.h"

static void plant(struct tree_space *s, struct tree *t, struct tree_cursor *c, uint32_t size)
{
    t->root = tree_leaf_make(s, size);
    t->leaf_count = 1;
    tree_end(t, c);
}

// c's leaf has room, or will have: a gap for the record at c.
static uint8_t *open_gap(struct tree_space *s, struct tree *t, struct tree_cursor *c, uint64_t mark,
                         uint32_t size)
{
    struct tree_node *leaf = tree_cursor_leaf(c);
    CHECK((uint64_t)leaf->used + size <= UINT32_MAX / 2);
    if (leaf->room - leaf->used < size) {
        c->record = NULL;
        tree_path_resize(s, t, c, leaf->used + size);
        leaf = tree_cursor_leaf(c);
    }
    tree_leaf_open_gap(leaf, c->offset, size);
    tree_path_add(t, c, 1, size);
    tree_path_lower(c, mark);
    c->tree = t;
    c->record = tree_records(leaf) + c->offset;
    c->size = size;
    return tree_records(leaf) + c->offset;
}

static bool belongs(const struct tree_cursor *c, uint64_t mark)
{
    for (uint32_t d = 0; d < c->depth; d++) {
        const struct tree_inner *n = tree_inner(c->path[d]);
        if (tree_inner_slot(n, mark) != c->slot[d]) return false;
    }
    return true;
}

uint8_t *tree_insert(struct tree_space *s, struct tree *t, struct tree_cursor *c, uint64_t mark,
                     uint32_t size)
{
    CHECK(size > 0);
    if (!t->root) plant(s, t, c, size);
    tree_path_own(s, t, c);
    if (t->shape->order == TREE_BY_HASH) {
        CHECK(!c->record && c->offset == tree_cursor_leaf(c)->used);
        CHECK_SLOW(belongs(c, mark));
    }
    if (!tree_leaf_fits(t->shape, tree_cursor_leaf(c), size)) tree_split(s, t, c, mark, size);
    return open_gap(s, t, c, mark, size);
}

uint8_t *tree_append(struct tree_space *s, struct tree *t, uint64_t mark, uint32_t size)
{
    struct tree_cursor c;
    CHECK(t->shape->order != TREE_BY_HASH);
    tree_end(t, &c);
    return tree_insert(s, t, &c, mark, size);
}

void tree_remove(struct tree_space *s, struct tree *t, struct tree_cursor *c)
{
    CHECK(c->record);
    tree_path_own(s, t, c);
    tree_leaf_close_gap(tree_cursor_leaf(c), c->offset, c->size);
    tree_path_add(t, c, -1, -(int64_t)c->size);
    tree_path_settle(s, t, c);
}

uint8_t *tree_write(struct tree_space *s, struct tree *t, struct tree_cursor *c)
{
    CHECK(c->record);
    tree_path_own(s, t, c);
    return tree_records(tree_cursor_leaf(c)) + c->offset;
}

uint8_t *tree_replace(struct tree_space *s, struct tree *t, struct tree_cursor *c, uint32_t size)
{
    CHECK(size > 0);
    uint8_t *record = tree_write(s, t, c);
    if (size == c->size) return record;
    struct tree_node *leaf = tree_cursor_leaf(c);
    uint64_t mark = tree_record_mark(s, t->shape, record);
    tree_leaf_close_gap(leaf, c->offset, c->size);
    tree_path_add(t, c, -1, -(int64_t)c->size);
    if (!tree_leaf_fits(t->shape, leaf, size)) {
        c->record = NULL;
        if (t->shape->order == TREE_BY_HASH) {
            c->slot[c->depth] = leaf->count;
            c->offset = leaf->used;
        }
        tree_split(s, t, c, mark, size);
    }
    bool is_shorter = size < c->size;
    open_gap(s, t, c, mark, size);
    if (is_shorter) tree_path_shrink(s, t, c);
    record = tree_records(tree_cursor_leaf(c)) + c->offset;
    c->record = record;
    return record;
}
