#include "dataplane/types/zset_value.h"
#include <math.h>
#include "dataplane/types/zset_priv.h"

static bool is_pack(const struct entry *e) { return entry_encoding(e) == ENCODING_LISTPACK; }

uint64_t zset_count(const struct entry *e)
{
    return is_pack(e) ? pack_count(value_bytes(e)) / 2 : zset_object_of(e)->sorted.count;
}

bool zset_score(struct keyspace *k, const struct entry *e, struct bytes member, double *score)
{
    struct zset_cut look;
    zset_look(e, &look);
    return zset_cut_score(k, &look, member, score);
}

bool zset_rank(struct keyspace *k, const struct entry *e, struct bytes member, uint64_t *rank,
               double *score)
{
    struct zset_cut look;
    zset_look(e, &look);
    return zset_cut_rank(k, &look, member, rank, score);
}

// ---- adding

// What to do with a member that has the score now, given what ZADD was told.
static enum zset_added decide(double now, double *score, uint32_t flags)
{
    if (flags & ZSET_NX) return ZSET_REFUSED;
    if (flags & ZSET_INCR) {
        *score += now;
        if (isnan(*score)) return ZSET_NAN;
    }
    if ((flags & ZSET_LT) && *score >= now) return ZSET_REFUSED;
    if ((flags & ZSET_GT) && *score <= now) return ZSET_REFUSED;
    return *score == now ? ZSET_SAME : ZSET_CHANGED;
}

// The pack becomes an object: its records come in order, so only the hash needs searching.
static void leave_pack(struct zset_place *p)
{
    struct keyspace *k = p->keyspace;
    struct zset_builder b;
    struct zset_cut look;
    struct zset_iter i;
    struct bytes member;
    double score;
    zset_build_begin(&b, k, p->thresholds);
    zset_look(p->entry, &look);
    zset_iter_init(&i, &look, 0, false);
    while (zset_iter_next(&i, &member, &score)) zset_build_add(&b, member, score);
    p->entry = value_set_object(k, p->db, p->key, p->entry, TYPE_ZSET, ENCODING_SKIPLIST,
                                &b.object->object);
}

// Whether one more member of this size may stay in a pack of count members.
static bool fits_pack(const struct zset_place *p, uint64_t count, struct bytes member)
{
    return (int64_t)count < p->thresholds->zset_entries &&
           (int64_t)member.size <= p->thresholds->zset_value_bytes;
}

static bool is_too_much(const struct zset_place *p)
{
    return p->adds_expected > (uint64_t)p->thresholds->zset_entries;
}

static enum zset_added object_add(struct zset_place *p, struct bytes member, double *score,
                                  uint32_t flags)
{
    struct zset_object *o = zset_object_of(p->entry);
    struct tree_cursor c;
    if (!zset_hash_find(p->keyspace, &o->by_hash, member, &c)) {
        if (flags & ZSET_XX) return ZSET_REFUSED;
        zset_object_add(p->keyspace, o, &c, member, *score);
        return ZSET_ADDED;
    }
    enum zset_added added = decide(zset_record_score(c.record), score, flags);
    if (added == ZSET_CHANGED) zset_object_move(p->keyspace, o, &c, member, *score);
    return added;
}

static enum zset_added pack_add(struct zset_place *p, struct bytes member, double *score,
                                uint32_t flags)
{
    struct packed_needle needle;
    packed_needle_init(&needle, member);
    struct bytes pack = value_bytes(p->entry);
    const uint8_t *found = zset_pack_find(pack, &needle);
    if (found) {
        enum zset_added added = decide(zset_pair_score(found), score, flags);
        if (added == ZSET_CHANGED) zset_pack_put(p, found, member, *score);
        return added;
    }
    if (flags & ZSET_XX) return ZSET_REFUSED;
    if (fits_pack(p, pack_count(pack) / 2, member)) {
        zset_pack_put(p, NULL, member, *score);
        return ZSET_ADDED;
    }
    leave_pack(p);
    return object_add(p, member, score, flags);
}

static void create(struct zset_place *p, struct bytes member, double score)
{
    if (fits_pack(p, 0, member) && !is_too_much(p)) {
        zset_pack_put(p, NULL, member, score);
        return;
    }
    struct zset_object *o = zset_object_new(p->keyspace);
    struct tree_cursor c;
    zset_hash_find(p->keyspace, &o->by_hash, member, &c);
    zset_object_add(p->keyspace, o, &c, member, score);
    p->entry = value_set_object(p->keyspace, p->db, p->key, NULL, TYPE_ZSET, ENCODING_SKIPLIST,
                                &o->object);
}

enum zset_added zset_add(struct zset_place *p, struct bytes member, double *score, uint32_t flags)
{
    if (!p->entry) {
        if (flags & ZSET_XX) return ZSET_REFUSED;
        create(p, member, *score);
        return ZSET_ADDED;
    }
    if (is_pack(p->entry) && is_too_much(p)) leave_pack(p);
    return is_pack(p->entry) ? pack_add(p, member, score, flags)
                             : object_add(p, member, score, flags);
}

bool zset_put(struct zset_place *p, struct bytes member, double score)
{
    return zset_add(p, member, &score, 0) == ZSET_ADDED;
}

// ---- removing

static void drop_if_empty(struct zset_place *p)
{
    if (zset_count(p->entry) != 0) return;
    keyspace_drop_entry(p->keyspace, p->db, p->entry);
    p->entry = NULL;
}

bool zset_remove(struct zset_place *p, struct bytes member)
{
    if (!p->entry) return false;
    if (is_pack(p->entry)) {
        struct packed_needle needle;
        packed_needle_init(&needle, member);
        const uint8_t *found = zset_pack_find(value_bytes(p->entry), &needle);
        if (found) zset_pack_remove(p, found, found + zset_pair_size(found), 1);
        return found != NULL;
    }
    struct zset_object *o = zset_object_of(p->entry);
    struct tree_cursor c;
    if (!zset_hash_find(p->keyspace, &o->by_hash, member, &c)) return false;
    zset_object_remove(p->keyspace, o, &c, member);
    drop_if_empty(p);
    return true;
}

static void remove_pairs(struct zset_place *p, uint32_t first, uint32_t count)
{
    struct bytes pack = value_bytes(p->entry);
    const uint8_t *from = first == 0 ? pack_first(pack) : pack_at(pack, 2 * first), *to = from;
    for (uint32_t i = 0; i < count; i++) to += zset_pair_size(to);
    zset_pack_remove(p, from, to, count);
}

void zset_remove_ranks(struct zset_place *p, uint64_t first, uint64_t count)
{
    if (count == 0) return;
    if (count == zset_count(p->entry)) {
        keyspace_drop_entry(p->keyspace, p->db, p->entry);
        p->entry = NULL;
        return;
    }
    if (is_pack(p->entry)) {
        remove_pairs(p, (uint32_t)first, (uint32_t)count);
        return;
    }
    struct zset_object *o = zset_object_of(p->entry);
    struct tree_cursor c, by_hash;
    char scratch[24];
    tree_at(&o->sorted, first, &c);
    for (uint64_t i = 0; i < count; i++, tree_next(&c))
        if (zset_hash_find(p->keyspace, &o->by_hash,
                           packed_text(c.record + ZSET_SCORE_BYTES, scratch), &by_hash))
            tree_remove(keyspace_space(p->keyspace), &o->by_hash, &by_hash);
    tree_remove_range(keyspace_space(p->keyspace), &o->sorted, first, count);
}
