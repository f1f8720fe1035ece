#include "dataplane/keyspace/tree_priv.h"

// A new leaf with room for size bytes beside c's; c goes there. What is opened at an end of the
// tree will be filled from there, so it gets all its room at once.
static void open_leaf(struct tree_space *s, struct tree *t, struct tree_cursor *c, uint64_t mark,
                      uint32_t size, bool is_before)
{
    uint32_t room = tree_room_max(t->shape);
    struct tree_node *leaf = tree_leaf_make(s, size > room / 2 ? size : room);
    struct tree_beside beside = { leaf, mark, is_before, true };
    tree_path_resize(s, t, c, tree_cursor_leaf(c)->used);
    tree_path_put_beside(s, t, c, &beside);
}

// ---- ordered leaves
struct cut {
    uint32_t slot, offset; // the first record that goes right
    uint32_t left_bytes, right_bytes;
    bool is_new_left;
};

static uint32_t larger(uint32_t a, uint32_t b) { return a > b ? a : b; }

static void consider(struct cut *best, const struct cut *cut)
{
    if (cut->left_bytes == 0 || cut->right_bytes == 0) return;
    if (larger(cut->left_bytes, cut->right_bytes) < larger(best->left_bytes, best->right_bytes))
        *best = *cut;
}

// Where to halve c's leaf with a record of size bytes at c.
static struct cut best_cut(const struct tree *t, const struct tree_cursor *c, uint32_t size)
{
    const struct tree_node *leaf = tree_cursor_leaf(c);
    uint32_t total = leaf->used + size, here = c->offset, at = 0;
    struct cut best = { .left_bytes = UINT32_MAX };
    for (uint32_t slot = 0; slot <= leaf->count; slot++) {
        if (at <= here) consider(&best, &(struct cut){ slot, at, at, total - at, false });
        if (at >= here)
            consider(&best, &(struct cut){ slot, at, at + size, total - at - size, true });
        if (slot < leaf->count) at += tree_record_size(t->shape, tree_records(leaf) + at);
    }
    return best;
}

// The records from cut on move to a new leaf at the right, whose marks begin at `mark`.
static void cut_leaf(struct tree_space *s, struct tree *t, struct tree_cursor *c,
                     const struct cut *cut, uint64_t mark, uint32_t size)
{
    struct tree_node *leaf = tree_cursor_leaf(c);
    uint32_t moved = leaf->used - cut->offset, slot = c->slot[c->depth], offset = c->offset;
    struct tree_node *right = tree_leaf_make(s, moved + (cut->is_new_left ? 0 : size));
    memcpy(tree_records(right), tree_records(leaf) + cut->offset, moved);
    right->used = moved;
    right->count = (uint16_t)(leaf->count - cut->slot);
    leaf->used -= moved;
    leaf->count = (uint16_t)cut->slot;
    leaf->anchor = leaf->anchor_slot = 0;
    tree_path_add(t, c, -(int64_t)right->count, -(int64_t)moved);
    tree_path_resize(s, t, c, leaf->used + (cut->is_new_left ? size : 0));
    struct tree_beside beside = { right, mark, false, !cut->is_new_left };
    tree_path_put_beside(s, t, c, &beside);
    if (cut->is_new_left) return;
    c->slot[c->depth] = (uint16_t)(slot - cut->slot);
    c->offset = offset - cut->offset;
}

// The mark of the first record right of the cut: the new one's when that will be it.
static uint64_t mark_behind(const struct tree *t, const struct tree_cursor *c,
                            const struct cut *cut, uint64_t mark)
{
    if (t->shape->order == TREE_BY_POSITION) return 0;
    if (!cut->is_new_left && cut->offset == c->offset) return mark;
    return t->shape->mark(tree_records(tree_cursor_leaf(c)) + cut->offset);
}

// To the end of the leaf at the left, if the record fits there.
static bool step_back(struct tree_space *s, struct tree *t, struct tree_cursor *c, uint64_t mark,
                      uint32_t size)
{
    struct tree_cursor before = *c;
    int depth = tree_cursor_step_back(&before);
    if (depth < 0 || !tree_leaf_fits(t->shape, tree_cursor_leaf(&before), size)) return false;
    tree_path_own(s, t, &before);
    uint64_t *bound = &tree_inner(before.path[depth])->mark[before.slot[depth] + 1];
    if (*bound < mark) *bound = mark;
    *c = before;
    return true;
}

static void split_ordered(struct tree_space *s, struct tree *t, struct tree_cursor *c,
                          uint64_t mark, uint32_t size)
{
    struct tree_node *leaf = tree_cursor_leaf(c);
    bool is_leftmost = tree_path_is_leftmost(c);
    if (c->offset == 0 && !is_leftmost && step_back(s, t, c, mark, size)) return;
    struct cut cut = best_cut(t, c, size);
    bool is_alone = larger(cut.left_bytes, cut.right_bytes) > tree_room_max(t->shape);
    if (c->offset == leaf->used && (is_alone || tree_path_is_rightmost(c))) {
        open_leaf(s, t, c, mark, size, false);
    } else if (c->offset == 0 && (is_alone || is_leftmost)) {
        open_leaf(s, t, c, mark, size, true);
    } else if (!is_alone) {
        cut_leaf(s, t, c, &cut, mark_behind(t, c, &cut, mark), size);
    } else { // a leaf of its own between what is left and right of it
        cut = (struct cut){ c->slot[c->depth], c->offset, 0, 0, true };
        cut_leaf(s, t, c, &cut, mark_behind(t, c, &cut, mark), 0);
        open_leaf(s, t, c, mark, size, false);
    }
}

// ---- leaves by hash
enum { SHARE_MAX = TREE_LEAF_BYTES + 1 };
struct shares { // of c's leaf and the record to come: marks, and the bytes each has
    uint64_t mark[SHARE_MAX];
    uint32_t size[SHARE_MAX];
    uint32_t count;
    uint64_t total, lowest, highest;
};

static void add_share(struct shares *h, uint64_t mark, uint32_t size)
{
    CHECK(h->count < SHARE_MAX);
    h->mark[h->count] = mark;
    h->size[h->count++] = size;
    h->total += size;
    if (mark < h->lowest) h->lowest = mark;
    if (mark > h->highest) h->highest = mark;
}

// A leaf with more than it should have has records of one mark.
static void count_shares(const struct tree_space *s, const struct tree_shape *shape,
                         const struct tree_node *leaf, struct shares *h)
{
    const uint8_t *records = tree_records(leaf);
    h->count = 0;
    h->total = h->highest = 0;
    h->lowest = UINT64_MAX;
    if (leaf->used > tree_room_max(shape)) {
        add_share(h, tree_record_mark(s, shape, records), leaf->used);
        return;
    }
    for (uint32_t at = 0; at < leaf->used;) {
        uint32_t size = tree_record_size(shape, records + at);
        add_share(h, tree_record_mark(s, shape, records + at), size);
        at += size;
    }
}

static uint64_t bytes_below(const struct shares *h, uint64_t pivot)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < h->count; i++) sum += h->mark[i] < pivot ? h->size[i] : 0;
    return sum;
}

// A mark with about half of the bytes below it; some are, and some are not.
static uint64_t middle_mark(const struct shares *h)
{
    uint64_t low = h->lowest, high = h->highest; // the pivot is above low and not above high
    uint64_t best = high, best_away = UINT64_MAX;
    while (low < high && best_away > h->total / 8) {
        uint64_t pivot = low + (high - low) / 2 + 1, below = bytes_below(h, pivot);
        uint64_t away = below * 2 > h->total ? below - h->total / 2 : h->total / 2 - below;
        if (away < best_away) {
            best = pivot;
            best_away = away;
        }
        if (below * 2 < h->total)
            low = pivot;
        else
            high = pivot - 1;
    }
    return best;
}

// Records of pivot and above move to the leaf `right`. The last share is not in the leaf yet.
static void part(struct tree_node *leaf, struct tree_node *right, const struct shares *h,
                 uint64_t pivot)
{
    uint8_t *records = tree_records(leaf);
    uint32_t shares = h->count - 1, each = shares == 1 ? leaf->count : 1, kept = 0, at = 0;
    leaf->count = 0;
    for (uint32_t i = 0; i < shares; at += h->size[i++]) {
        if (h->mark[i] < pivot) {
            memmove(records + kept, records + at, h->size[i]);
            kept += h->size[i];
            leaf->count = (uint16_t)(leaf->count + each);
        } else {
            memcpy(tree_records(right) + right->used, records + at, h->size[i]);
            right->used += h->size[i];
            right->count = (uint16_t)(right->count + each);
        }
    }
    leaf->used = kept;
    leaf->anchor = leaf->anchor_slot = 0;
}

// One leaf becomes two; c is at the end of the one for mark. False: there is but one mark.
static bool part_by_hash(struct tree_space *s, struct tree *t, struct tree_cursor *c, uint64_t mark,
                         uint32_t size)
{
    struct tree_node *leaf = tree_cursor_leaf(c);
    struct shares h;
    count_shares(s, t->shape, leaf, &h);
    add_share(&h, mark, size);
    if (h.lowest == h.highest) return false;
    uint64_t pivot = middle_mark(&h);
    bool is_right = mark >= pivot;
    struct tree_node *right = tree_leaf_make(s, (uint32_t)(h.total - bytes_below(&h, pivot)));
    part(leaf, right, &h, pivot);
    tree_path_add(t, c, -(int64_t)right->count, -(int64_t)right->used);
    c->record = NULL;
    tree_path_resize(s, t, c, leaf->used + (is_right ? 0 : size));
    tree_path_put_beside(s, t, c, &(struct tree_beside){ right, pivot, false, is_right });
    leaf = tree_cursor_leaf(c);
    c->slot[c->depth] = leaf->count;
    c->offset = leaf->used;
    return true;
}

void tree_split(struct tree_space *s, struct tree *t, struct tree_cursor *c, uint64_t mark,
                uint32_t size)
{
    if (t->shape->order != TREE_BY_HASH) {
        split_ordered(s, t, c, mark, size);
        return;
    }
    while (!tree_leaf_fits(t->shape, tree_cursor_leaf(c), size))
        if (!part_by_hash(s, t, c, mark, size)) return;
}
