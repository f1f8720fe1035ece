// The large form: the same records in two trees.
#include "dataplane/base/check.h"
#include "dataplane/keyspace/relocate.h"
#include "dataplane/types/zset_priv.h"

// ---- records and their order

static uint64_t record_mark(const uint8_t *record)
{
    return zset_score_mark(zset_record_score(record));
}

const struct tree_shape zset_sorted_shape = {
    .order = TREE_SORTED,
    .prefix_bytes = ZSET_SCORE_BYTES,
    .elements = 1,
    .leaf_bytes = TREE_LEAF_BYTES,
    .mark = record_mark,
};
const struct tree_shape zset_hash_shape = {
    .order = TREE_BY_HASH,
    .prefix_bytes = ZSET_SCORE_BYTES,
    .elements = 1,
    .leaf_bytes = TREE_LEAF_BYTES,
};

// IEEE 754 doubles are sign and magnitude: as integers they rise with the number once negative ones
// are turned around and put below the others.
uint64_t zset_score_mark(double score)
{
    uint64_t bits;
    score += 0.0; // -0 becomes 0
    memcpy(&bits, &score, sizeof bits);
    return bits >> 63 ? ~bits : bits | 1ull << 63;
}

int zset_member_compare(struct bytes a, struct bytes b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common ? memcmp(a.data, b.data, common) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

int zset_target_compare(const void *target, const uint8_t *record)
{
    const struct zset_target *t = target;
    double score = zset_record_score(record);
    char scratch[24];
    if (score != t->score) return score < t->score ? -1 : 1;
    return zset_member_compare(packed_text(record + ZSET_SCORE_BYTES, scratch), t->member);
}

bool zset_sorted_seek(const struct tree *sorted, double score, struct bytes member,
                      struct tree_cursor *c)
{
    struct zset_target target = { score, member };
    return tree_seek(sorted, zset_score_mark(score), zset_target_compare, &target, c);
}

bool zset_hash_find(struct keyspace *k, const struct tree *by_hash, struct bytes member,
                    struct tree_cursor *c)
{
    struct packed_needle needle;
    packed_needle_init(&needle, member);
    return tree_find(by_hash, tree_hash(keyspace_space(k), &needle), &needle, c);
}

// ---- changes

void zset_record_write(uint8_t *to, const struct packed_needle *member, double score)
{
    memcpy(to, &score, sizeof score);
    packed_put(to + ZSET_SCORE_BYTES, member);
}

void zset_hash_insert(struct keyspace *k, struct tree *by_hash, struct tree_cursor *c,
                      struct bytes member, double score)
{
    struct tree_space *space = keyspace_space(k);
    struct packed_needle needle;
    packed_needle_init(&needle, member);
    uint8_t *to =
        tree_insert(space, by_hash, c, tree_hash(space, &needle), ZSET_SCORE_BYTES + needle.size);
    zset_record_write(to, &needle, score);
}

void zset_sorted_insert(struct keyspace *k, struct tree *sorted, struct bytes member, double score)
{
    struct tree_cursor c;
    struct packed_needle needle;
    packed_needle_init(&needle, member);
    bool is_there = zset_sorted_seek(sorted, score, member, &c);
    CHECK(!is_there);
    uint8_t *to = tree_insert(keyspace_space(k), sorted, &c, zset_score_mark(score),
                              ZSET_SCORE_BYTES + needle.size);
    zset_record_write(to, &needle, score);
}

static void sorted_remove(struct keyspace *k, struct tree *sorted, struct bytes member,
                          double score)
{
    struct tree_cursor c;
    bool is_there = zset_sorted_seek(sorted, score, member, &c);
    CHECK(is_there);
    tree_remove(keyspace_space(k), sorted, &c);
}

void zset_object_add(struct keyspace *k, struct zset_object *o, struct tree_cursor *c,
                     struct bytes member, double score)
{
    zset_hash_insert(k, &o->by_hash, c, member, score);
    zset_sorted_insert(k, &o->sorted, member, score);
}

void zset_object_move(struct keyspace *k, struct zset_object *o, struct tree_cursor *c,
                      struct bytes member, double score)
{
    sorted_remove(k, &o->sorted, member, zset_record_score(c->record));
    memcpy(tree_write(keyspace_space(k), &o->by_hash, c), &score, sizeof score);
    zset_sorted_insert(k, &o->sorted, member, score);
}

void zset_object_remove(struct keyspace *k, struct zset_object *o, struct tree_cursor *c,
                        struct bytes member)
{
    sorted_remove(k, &o->sorted, member, zset_record_score(c->record));
    tree_remove(keyspace_space(k), &o->by_hash, c);
}

// ---- as an entry holds it

static void close_object(struct object *object, struct keyspace *k)
{
    struct zset_object *o = (struct zset_object *)object;
    struct tree_space *space = keyspace_space(k);
    tree_drop(space, &o->sorted);
    tree_drop(space, &o->by_hash);
    heap_give(space->heap, o, sizeof *o, HEAP_DATASET);
}

static struct object *copy_object(const struct object *object, struct keyspace *k)
{
    const struct zset_object *from = (const struct zset_object *)object;
    struct zset_object *o = zset_object_new(k);
    tree_cut(&o->sorted, &from->sorted);
    tree_cut(&o->by_hash, &from->by_hash);
    return &o->object;
}

static uint64_t memory_bytes(const struct object *object)
{
    const struct zset_object *o = (const struct zset_object *)object;
    return heap_usable(sizeof *o) + tree_memory_bytes(&o->sorted) + tree_memory_bytes(&o->by_hash);
}

static uint64_t count(const struct object *object)
{
    return ((const struct zset_object *)object)->sorted.count;
}

static struct object *relocate(struct object *object, struct relocate_pass *p, uint64_t *position,
                               uint64_t until_tsc)
{
    struct zset_object *o = (struct zset_object *)object;
    if (*position == 0) o = relocate_block(p, o, sizeof *o);
    struct tree *trees[] = { &o->sorted, &o->by_hash };
    *position = relocate_trees(p, trees, 2, *position, until_tsc);
    return &o->object;
}

static struct tree *next_tree(struct object *object, struct object_place *place)
{
    struct zset_object *o = (struct zset_object *)object;
    struct tree *trees[] = { &o->sorted, &o->by_hash };
    return place->member < 2 ? trees[place->member++] : NULL;
}

const struct object_ops zset_object_ops = {
    .close = close_object,
    .copy = copy_object,
    .memory_bytes = memory_bytes,
    .count = count,
    .relocate = relocate,
    .next_tree = next_tree,
};

struct zset_object *zset_object_new(struct keyspace *k)
{
    struct zset_object *o = heap_take(keyspace_space(k)->heap, sizeof *o, HEAP_DATASET);
    o->object.ops = &zset_object_ops;
    tree_init(&o->sorted, &zset_sorted_shape);
    tree_init(&o->by_hash, &zset_hash_shape);
    return o;
}
