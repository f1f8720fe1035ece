// zset_priv.h: the two forms of a sorted set, between the files of zset_*.c.
//
// Memory:  pack form: member, score, member, score ... A score is a number when it is whole and at
//          most 2^53 in size (-0 is 0 there, as in Redis's listpacks), else a text of 8 bytes, the
//          IEEE double. Object form: records of 8 bytes of score (the double), then the member.
#pragma once
#include "dataplane/keyspace/object.h"
#include "dataplane/types/zset_value.h"

enum { ZSET_SCORE_BYTES = 8, ZSET_PACK_SCORE_MAX = 9 };

// ---- scores
uint32_t zset_score_encode(uint8_t out[ZSET_PACK_SCORE_MAX], double score); // returns bytes
double zset_score_decode(const uint8_t *at);
uint64_t zset_score_mark(double score); // rises with the score; 0 and -0 are one

// ---- pack form
struct zset_pair {
    struct packed_needle member;
    uint8_t score[ZSET_PACK_SCORE_MAX];
    uint32_t score_bytes;
    uint32_t size; // of both
};
void zset_pair_init(struct zset_pair *pair, struct bytes member, double score);
void zset_pair_put(uint8_t *to, const struct zset_pair *pair);
// The pair's member, or NULL.
const uint8_t *zset_pack_find(struct bytes pack, const struct packed_needle *member);
// The first pair that is not before (score, member); the end when all are.
const uint8_t *zset_pack_place(struct bytes pack, double score, struct bytes member);
static inline uint32_t zset_pair_size(const uint8_t *at)
{
    uint32_t member = packed_size(at);
    return member + packed_size(at + member);
}
static inline double zset_pair_score(const uint8_t *at)
{
    return zset_score_decode(at + packed_size(at));
}
// found: the pair whose score changes, NULL for a new one (p->entry may be NULL then).
void zset_pack_put(struct zset_place *p, const uint8_t *found, struct bytes member, double score);
// The count pairs from first to end.
void zset_pack_remove(struct zset_place *p, const uint8_t *first, const uint8_t *end,
                      uint32_t count);

// ---- object form
struct zset_object {
    struct object object;
    struct tree sorted, by_hash;
};
extern const struct tree_shape zset_sorted_shape, zset_hash_shape;
extern const struct object_ops zset_object_ops;
struct zset_object *zset_object_new(struct keyspace *k);
static inline struct zset_object *zset_object_of(const struct entry *e)
{
    return (struct zset_object *)entry_object(e);
}
static inline double zset_record_score(const uint8_t *record)
{
    double score;
    memcpy(&score, record, sizeof score);
    return score;
}
// A place in the sorted tree, and the order of its records.
struct zset_target {
    double score;
    struct bytes member;
};
int zset_target_compare(const void *target, const uint8_t *record);
int zset_member_compare(struct bytes a, struct bytes b); // by bytes, a beginning before the whole
bool zset_sorted_seek(const struct tree *sorted, double score, struct bytes member,
                      struct tree_cursor *c);
bool zset_hash_find(struct keyspace *k, const struct tree *by_hash, struct bytes member,
                    struct tree_cursor *c);
void zset_record_write(uint8_t *to, const struct packed_needle *member, double score);
void zset_sorted_insert(struct keyspace *k, struct tree *sorted, struct bytes member, double score);
void zset_hash_insert(struct keyspace *k, struct tree *by_hash, struct tree_cursor *c,
                      struct bytes member, double score);
void zset_object_add(struct keyspace *k, struct zset_object *o, struct tree_cursor *c,
                     struct bytes member, double score);
void zset_object_move(struct keyspace *k, struct zset_object *o, struct tree_cursor *c,
                      struct bytes member, double score);
void zset_object_remove(struct keyspace *k, struct zset_object *o, struct tree_cursor *c,
                        struct bytes member);
