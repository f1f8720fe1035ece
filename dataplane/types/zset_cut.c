// Reading: cuts and looks, members in them, iteration.
#include "dataplane/types/zset_priv.h"

void zset_look(const struct entry *e, struct zset_cut *look)
{
    look->pack = NULL;
    look->count = 0;
    look->encoding = ENCODING_LISTPACK;
    look->bytes = (struct bytes){ 0 };
    if (!e) return;
    look->encoding = entry_encoding(e);
    if (look->encoding == ENCODING_LISTPACK) {
        look->bytes = value_bytes(e);
        look->count = pack_count(look->bytes) / 2;
        return;
    }
    const struct zset_object *o = zset_object_of(e);
    look->sorted = o->sorted;
    look->by_hash = o->by_hash;
    look->count = o->sorted.count;
}

void zset_cut(struct keyspace *k, const struct entry *e, struct zset_cut *cut)
{
    zset_look(e, cut);
    if (!e) return;
    if (cut->encoding == ENCODING_LISTPACK) {
        cut->pack = value_hold_bytes(k, e);
        cut->bytes = blob_bytes(cut->pack);
        return;
    }
    const struct zset_object *o = zset_object_of(e);
    tree_cut(&cut->sorted, &o->sorted);
    tree_cut(&cut->by_hash, &o->by_hash);
}

void zset_cut_drop(struct keyspace *k, struct zset_cut *cut)
{
    if (cut->encoding == ENCODING_LISTPACK) {
        if (cut->pack) blob_release(cut->pack);
    } else {
        tree_drop(keyspace_space(k), &cut->sorted);
        tree_drop(keyspace_space(k), &cut->by_hash);
    }
    zset_look(NULL, cut);
}

bool zset_cut_is_current(const struct zset_cut *cut, const struct entry *e)
{
    if (!e || entry_type(e) != TYPE_ZSET) return !e && cut->count == 0;
    if (entry_encoding(e) != cut->encoding) return false;
    if (cut->encoding == ENCODING_LISTPACK) return bytes_equal(value_bytes(e), cut->bytes);
    return zset_object_of(e)->sorted.root == cut->sorted.root;
}

bool zset_cut_score(struct keyspace *k, const struct zset_cut *cut, struct bytes member,
                    double *score)
{
    if (cut->count == 0) return false;
    if (cut->encoding == ENCODING_LISTPACK) {
        struct packed_needle needle;
        packed_needle_init(&needle, member);
        const uint8_t *found = zset_pack_find(cut->bytes, &needle);
        if (found) *score = zset_pair_score(found);
        return found != NULL;
    }
    struct tree_cursor c;
    if (!zset_hash_find(k, &cut->by_hash, member, &c)) return false;
    *score = zset_record_score(c.record);
    return true;
}

static uint64_t pack_rank(struct bytes pack, const uint8_t *place)
{
    uint64_t rank = 0;
    for (const uint8_t *at = pack_first(pack); at < place; at += zset_pair_size(at)) rank++;
    return rank;
}

bool zset_cut_rank(struct keyspace *k, const struct zset_cut *cut, struct bytes member,
                   uint64_t *rank, double *score)
{
    if (cut->count == 0) return false;
    if (cut->encoding == ENCODING_LISTPACK) {
        struct packed_needle needle;
        packed_needle_init(&needle, member);
        const uint8_t *found = zset_pack_find(cut->bytes, &needle);
        if (!found) return false;
        *score = zset_pair_score(found);
        *rank = pack_rank(cut->bytes, found);
        return true;
    }
    struct tree_cursor c;
    if (!zset_cut_score(k, cut, member, score)) return false;
    zset_sorted_seek(&cut->sorted, *score, member, &c);
    *rank = tree_index(&c);
    return true;
}

void zset_cut_at(const struct zset_cut *cut, uint64_t rank, char scratch[24], struct bytes *member,
                 double *score)
{
    struct tree_cursor c;
    if (cut->encoding == ENCODING_LISTPACK) {
        const uint8_t *pair = pack_at(cut->bytes, (uint32_t)(2 * rank));
        *member = packed_text(pair, scratch);
        *score = zset_pair_score(pair);
        return;
    }
    tree_at(&cut->sorted, rank, &c);
    *member = packed_text(c.record + ZSET_SCORE_BYTES, scratch);
    *score = zset_record_score(c.record);
}

// ---- iteration

static void begin_tree(struct zset_iter *i, uint64_t rank)
{
    if (!tree_at(&i->cut->sorted, rank, &i->cursor)) return;
    if (i->is_backwards) {
        tree_leaf_offsets(&i->cursor, i->leaf_offsets);
        i->offset_count = i->cursor.slot[i->cursor.depth] + 1u;
    }
}

void zset_iter_init(struct zset_iter *i, const struct zset_cut *cut, uint64_t rank, bool backwards)
{
    i->cut = cut;
    i->is_backwards = backwards;
    i->offset_count = 0;
    i->left = 0;
    if (rank >= cut->count) return;
    i->left = backwards ? rank + 1 : cut->count - rank;
    i->rank = rank + 1;
    if (cut->encoding != ENCODING_LISTPACK)
        begin_tree(i, rank);
    else if (!backwards)
        i->at = rank == 0 ? pack_first(cut->bytes) : pack_at(cut->bytes, (uint32_t)(2 * rank));
}

// Where the pairs before i->rank begin, as many as there is room for: a pack is read forwards only.
static void fill_window(struct zset_iter *i)
{
    const uint32_t room = sizeof i->pack_offsets / sizeof i->pack_offsets[0];
    uint64_t first = i->rank > room ? i->rank - room : 0;
    struct bytes pack = i->cut->bytes;
    i->at = first == 0 ? pack_first(pack) : pack_at(pack, (uint32_t)(2 * first));
    i->offset_count = (uint32_t)(i->rank - first);
    const uint8_t *at = i->at;
    for (uint32_t n = 0; n < i->offset_count; n++, at += zset_pair_size(at))
        i->pack_offsets[n] = (uint32_t)(at - i->at);
    i->rank = first;
}

static const uint8_t *next_pair(struct zset_iter *i)
{
    const uint8_t *pair = i->at;
    if (!i->is_backwards) {
        i->at += zset_pair_size(pair);
        return pair;
    }
    if (i->offset_count == 0) fill_window(i);
    return i->at + i->pack_offsets[--i->offset_count];
}

static const uint8_t *next_record(struct zset_iter *i)
{
    if (!i->is_backwards) {
        const uint8_t *record = i->cursor.record;
        if (i->left) tree_next(&i->cursor);
        return record;
    }
    if (i->offset_count == 0) {
        tree_prev_leaf(&i->cursor);
        i->offset_count = tree_leaf_offsets(&i->cursor, i->leaf_offsets);
    }
    return tree_leaf_bytes(&i->cursor) + i->leaf_offsets[--i->offset_count];
}

bool zset_iter_next(struct zset_iter *i, struct bytes *member, double *score)
{
    if (i->left == 0) return false;
    i->left--;
    if (i->cut->encoding == ENCODING_LISTPACK) {
        const uint8_t *pair = next_pair(i);
        *member = packed_text(pair, i->scratch);
        *score = zset_pair_score(pair);
        return true;
    }
    const uint8_t *record = next_record(i);
    *member = packed_text(record + ZSET_SCORE_BYTES, i->scratch);
    *score = zset_record_score(record);
    return true;
}
