// Versions of a list that stay as they are, and the ways through them.
#include "dataplane/base/check.h"
#include "dataplane/types/list_priv.h"

void list_view(const struct entry *e, struct list_cut *view)
{
    *view = (struct list_cut){ .count = list_value_count(e) };
    if (list_is_tree(e))
        view->tree = list_object(e)->tree;
    else
        view->bytes = value_bytes(e);
}

void list_cut(struct keyspace *k, const struct entry *e, struct list_cut *cut)
{
    *cut = (struct list_cut){ .count = list_value_count(e) };
    if (list_is_tree(e)) {
        tree_cut(&cut->tree, &list_object(e)->tree);
    } else {
        cut->pack = value_hold_bytes(k, e);
        cut->bytes = blob_bytes(cut->pack);
    }
}

void list_cut_drop(struct keyspace *k, struct list_cut *cut)
{
    if (cut->pack)
        blob_release(cut->pack);
    else
        tree_drop(keyspace_space(k), &cut->tree);
    *cut = (struct list_cut){ .count = 0 };
}

// ---- iteration

static void take_leaf_backwards(struct list_iter *i)
{
    i->at = tree_leaf_bytes(&i->cursor);
    i->offset_count = tree_leaf_offsets(&i->cursor, i->offsets);
}

static void take_leaf(struct list_iter *i)
{
    i->at = i->cursor.record;
    i->end = tree_leaf_end(&i->cursor);
}

static void start_in_tree(struct list_iter *i, uint64_t start)
{
    tree_at(&i->cut->tree, start, &i->cursor);
    if (i->is_backwards) {
        take_leaf_backwards(i);
        i->offset_count = i->cursor.slot[i->cursor.depth] + 1u; // not those behind it
    } else {
        take_leaf(i);
    }
}

static void start_in_pack(struct list_iter *i, uint64_t start)
{
    struct bytes pack = i->cut->bytes;
    i->end = pack_end(pack);
    if (!i->is_backwards) {
        i->at = pack_at(pack, (uint32_t)start);
        return;
    }
    i->at = pack.data;
    const uint8_t *at = pack_first(pack);
    for (i->offset_count = 0; i->offset_count <= start; at += packed_size(at))
        i->offsets[i->offset_count++] = (uint16_t)(at - pack.data);
}

void list_iter_init(struct list_iter *i, const struct list_cut *cut, uint64_t start, bool backwards)
{
    i->cut = cut;
    i->is_backwards = backwards;
    i->left = 0;
    if (start >= cut->count) return;
    i->left = backwards ? start + 1 : cut->count - start;
    if (cut->bytes.data)
        start_in_pack(i, start);
    else
        start_in_tree(i, start);
}

static const uint8_t *next_backwards(struct list_iter *i)
{
    if (i->offset_count == 0) {
        CHECK(tree_prev_leaf(&i->cursor));
        take_leaf_backwards(i);
    }
    return i->at + i->offsets[--i->offset_count];
}

const uint8_t *list_iter_next_packed(struct list_iter *i)
{
    if (i->left == 0) return NULL;
    i->left--;
    if (i->is_backwards) return next_backwards(i);
    if (i->at == i->end) {
        CHECK(tree_next_leaf(&i->cursor));
        take_leaf(i);
    }
    const uint8_t *at = i->at;
    i->at += packed_size(at);
    return at;
}

bool list_iter_next(struct list_iter *i, struct bytes *text)
{
    const uint8_t *at = list_iter_next_packed(i);
    if (at) *text = packed_text(at, i->scratch);
    return at != NULL;
}

// ---- search

void list_search_init(struct list_search *s, const struct list_cut *cut, bool backwards)
{
    s->index = backwards && cut->count ? cut->count - 1 : 0;
    list_iter_init(&s->iter, cut, s->index, backwards);
}

bool list_search_next(struct list_search *s, const struct packed_needle *n, uint32_t *budget,
                      uint64_t *index)
{
    const uint8_t *at;
    for (; *budget > 0 && (at = list_iter_next_packed(&s->iter)); --*budget) {
        uint64_t here = s->index;
        s->index = s->iter.is_backwards ? here - 1 : here + 1;
        if (!packed_is(at, n)) continue;
        --*budget;
        *index = here;
        return true;
    }
    return false;
}
