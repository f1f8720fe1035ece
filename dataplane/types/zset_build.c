// Sorted sets made beside the keyspace: by a builder, or as what a removal leaves.
#include "dataplane/base/check.h"
#include "dataplane/types/zset_priv.h"

void zset_build_begin(struct zset_builder *b, struct keyspace *k, const struct thresholds *t)
{
    *b = (struct zset_builder){ .keyspace = k, .thresholds = t, .object = zset_object_new(k) };
}

void zset_build_gather(struct zset_builder *b, struct keyspace *k, const struct thresholds *t)
{
    zset_build_begin(b, k, t);
    b->is_gathering = true;
}

static void note_member(struct zset_builder *b, struct bytes member)
{
    if (member.size > b->member_bytes_max) b->member_bytes_max = member.size;
}

// Members that come in order are put at the end without a search.
static void sort_in(struct zset_builder *b, struct bytes member, double score)
{
    struct tree *sorted = &b->object->sorted;
    struct zset_target target = { score, member };
    struct packed_needle needle;
    struct tree_cursor last;
    if (tree_last(sorted, &last) && zset_target_compare(&target, last.record) >= 0) {
        zset_sorted_insert(b->keyspace, sorted, member, score);
        return;
    }
    packed_needle_init(&needle, member);
    uint8_t *to = tree_append(keyspace_space(b->keyspace), sorted, zset_score_mark(score),
                              ZSET_SCORE_BYTES + needle.size);
    zset_record_write(to, &needle, score);
}

static void add_at(struct zset_builder *b, struct tree_cursor *c, struct bytes member, double score)
{
    zset_hash_insert(b->keyspace, &b->object->by_hash, c, member, score);
    note_member(b, member);
    if (!b->is_gathering) sort_in(b, member, score);
}

bool zset_build_add(struct zset_builder *b, struct bytes member, double score)
{
    struct tree_cursor c;
    CHECK(!b->is_sorting);
    if (zset_hash_find(b->keyspace, &b->object->by_hash, member, &c)) return false;
    add_at(b, &c, member, score);
    return true;
}

bool zset_build_score(const struct zset_builder *b, struct bytes member, double *score)
{
    struct tree_cursor c;
    if (!zset_hash_find(b->keyspace, &b->object->by_hash, member, &c)) return false;
    *score = zset_record_score(c.record);
    return true;
}

static double merge_by_replacing(double now, double score)
{
    (void)now;
    return score;
}

void zset_build_set(struct zset_builder *b, struct bytes member, double score)
{
    zset_build_merge(b, member, score, merge_by_replacing);
}

void zset_build_merge(struct zset_builder *b, struct bytes member, double score,
                      double (*merge)(double now, double score))
{
    struct zset_object *o = b->object;
    struct tree_cursor c;
    CHECK(!b->is_sorting);
    if (!zset_hash_find(b->keyspace, &o->by_hash, member, &c)) {
        add_at(b, &c, member, score);
        return;
    }
    score = merge(zset_record_score(c.record), score);
    if (b->is_gathering)
        memcpy(tree_write(keyspace_space(b->keyspace), &o->by_hash, &c), &score, sizeof score);
    else
        zset_object_move(b->keyspace, o, &c, member, score);
}

uint64_t zset_build_count(const struct zset_builder *b) { return b->object->by_hash.count; }

bool zset_build_sort(struct zset_builder *b, uint64_t n)
{
    struct zset_object *o = b->object;
    char scratch[24];
    if (!b->is_sorting) {
        CHECK(b->is_gathering);
        b->is_sorting = true;
        tree_first(&o->by_hash, &b->unsorted);
    }
    for (; n > 0 && b->unsorted.record; n--, tree_next(&b->unsorted))
        zset_sorted_insert(b->keyspace, &o->sorted,
                           packed_text(b->unsorted.record + ZSET_SCORE_BYTES, scratch),
                           zset_record_score(b->unsorted.record));
    return b->unsorted.record != NULL;
}

void zset_build_look(const struct zset_builder *b, struct zset_cut *look)
{
    *look = (struct zset_cut){
        .sorted = b->object->sorted,
        .by_hash = b->object->by_hash,
        .encoding = ENCODING_SKIPLIST,
        .count = b->object->sorted.count,
    };
}

void zset_build_drop(struct zset_builder *b)
{
    if (b->object) zset_object_ops.close(&b->object->object, b->keyspace);
    b->object = NULL;
}

// ---- into the keyspace

static struct entry *put_pack(struct zset_builder *b, uint32_t db, const struct key *key)
{
    struct zset_cut look;
    struct zset_iter i;
    struct zset_pair pair;
    struct bytes member;
    double score;
    uint8_t *bytes;
    size_t size = PACK_HEAD;
    zset_build_look(b, &look);
    zset_iter_init(&i, &look, 0, false);
    while (zset_iter_next(&i, &member, &score)) {
        zset_pair_init(&pair, member, score);
        size += pair.size;
    }
    struct entry *e =
        value_edit(b->keyspace, db, key, NULL, TYPE_ZSET, ENCODING_LISTPACK, size, &bytes);
    store_le32(bytes, (uint32_t)(2 * look.count));
    bytes += PACK_HEAD;
    zset_iter_init(&i, &look, 0, false);
    for (; zset_iter_next(&i, &member, &score); bytes += pair.size) {
        zset_pair_init(&pair, member, score);
        zset_pair_put(bytes, &pair);
    }
    return e;
}

struct entry *zset_build_put(struct zset_builder *b, uint32_t db, const struct key *key,
                             uint64_t now_ms)
{
    struct keyspace *k = b->keyspace;
    struct entry *e = NULL;
    if (b->is_gathering) zset_build_sort(b, UINT64_MAX);
    uint64_t count = zset_build_count(b);
    if (count == 0) {
        e = keyspace_find(k, db, key, FIND_QUIET, now_ms);
        if (e) keyspace_drop_entry(k, db, e);
        e = NULL;
    } else if (count <= (uint64_t)b->thresholds->zset_entries &&
               b->member_bytes_max <= (uint64_t)b->thresholds->zset_value_bytes) {
        e = put_pack(b, db, key);
    } else {
        e = value_set_object(k, db, key, NULL, TYPE_ZSET, ENCODING_SKIPLIST, &b->object->object);
        b->object = NULL;
    }
    zset_build_drop(b);
    return e;
}

// ---- removal

void zset_removal_begin(struct zset_removal *r, struct keyspace *k, const struct entry *e,
                        uint64_t first, uint64_t count)
{
    CHECK(!encoding_is_object(entry_encoding(e)) || count < zset_count(e));
    zset_cut(k, e, &r->cut);
    tree_cut(&r->sorted, &r->cut.sorted);
    tree_remove_range(keyspace_space(k), &r->sorted, first, count);
    r->first = first;
    r->count = count;
    r->keeps = count > r->cut.count / 2;
    r->left = r->keeps ? r->cut.count - count : count;
    if (r->keeps)
        tree_init(&r->by_hash, &zset_hash_shape);
    else
        tree_cut(&r->by_hash, &r->cut.by_hash);
    zset_iter_init(&r->iter, &r->cut, r->keeps ? 0 : first, false);
}

static void removal_step_one(struct zset_removal *r, struct keyspace *k)
{
    struct tree_cursor c;
    struct bytes member;
    double score;
    if (r->keeps && r->left == r->cut.count - r->count - r->first) // on to those behind it
        zset_iter_init(&r->iter, &r->cut, r->first + r->count, false);
    zset_iter_next(&r->iter, &member, &score);
    bool is_there = zset_hash_find(k, &r->by_hash, member, &c);
    CHECK(is_there == !r->keeps);
    if (r->keeps)
        zset_hash_insert(k, &r->by_hash, &c, member, score);
    else
        tree_remove(keyspace_space(k), &r->by_hash, &c);
    r->left--;
}

bool zset_removal_step(struct zset_removal *r, struct keyspace *k, uint32_t n)
{
    for (; n > 0 && r->left > 0; n--) removal_step_one(r, k);
    return r->left > 0;
}

void zset_removal_put(struct zset_removal *r, struct keyspace *k, struct entry *e)
{
    struct zset_object *o = zset_object_of(e);
    CHECK(r->left == 0 && o->sorted.root == r->cut.sorted.root);
    tree_drop(keyspace_space(k), &o->sorted);
    tree_drop(keyspace_space(k), &o->by_hash);
    o->sorted = r->sorted;
    o->by_hash = r->by_hash;
    zset_cut_drop(k, &r->cut);
}

void zset_removal_drop(struct zset_removal *r, struct keyspace *k)
{
    tree_drop(keyspace_space(k), &r->sorted);
    tree_drop(keyspace_space(k), &r->by_hash);
    zset_cut_drop(k, &r->cut);
}
