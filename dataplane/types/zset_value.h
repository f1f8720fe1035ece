// zset_value.h: sorted sets.
//
// Source:  Redis 7.2: listpack, then skiplist; order by score, then by bytes of the member
// Thread:  the shard
// Memory:  an entry's value: a pack of member, score, member, score ... in order (scores as
//          zset_priv.h writes them); or struct zset_object: the records (8 bytes of score, member)
//          in a tree sorted by (score, member) and in one by hash of the member
// Units:   ranks from the lowest score, 0..count-1
#pragma once
#include "dataplane/keyspace/keyspace.h"
#include "dataplane/keyspace/tree.h"
#include "dataplane/types/thresholds.h"

struct zset_object;
// Where a sorted set is changed; entry follows the value as it moves, NULL: no key (yet, or any
// more).
struct zset_place {
    struct keyspace *keyspace;
    const struct thresholds *thresholds;
    uint32_t db;
    const struct key *key;
    struct entry *entry;
    uint64_t adds_expected; // pairs in ZADD: more than zset_entries leave the pack at once; 0: any
};
uint64_t zset_count(const struct entry *e);
bool zset_score(struct keyspace *k, const struct entry *e, struct bytes member, double *score);

enum zset_add_flags { // ZADD's
    ZSET_NX = 1,
    ZSET_XX = 2,
    ZSET_GT = 4,
    ZSET_LT = 8,
    ZSET_INCR = 16,
};
enum zset_added {
    ZSET_ADDED,
    ZSET_CHANGED,
    ZSET_SAME,    // it had that score already
    ZSET_REFUSED, // by the flags
    ZSET_NAN,     // ZSET_INCR of opposite infinities; nothing happened
};
// score is not NaN; with ZSET_INCR it is what to add, and becomes the member's score. Creates the
// key when there is none.
enum zset_added zset_add(struct zset_place *p, struct bytes member, double *score, uint32_t flags);
bool zset_put(struct zset_place *p, struct bytes member, double score); // true: a new member
bool zset_remove(struct zset_place *p, struct bytes member); // the key goes with its last member
// In one go: for more than a few thousand use struct zset_removal.
void zset_remove_ranks(struct zset_place *p, uint64_t first, uint64_t count);

// ---- reading. A cut is a version that stays as it is; a look is the value itself, good until it
// is changed, and is not dropped.
struct zset_cut {
    struct bytes bytes; // pack form: what is read
    struct blob *pack;  // NULL: a look, or
    struct tree sorted, by_hash;
    enum value_encoding encoding;
    uint64_t count;
};
void zset_cut(struct keyspace *k, const struct entry *e, struct zset_cut *cut);
void zset_cut_drop(struct keyspace *k, struct zset_cut *cut);
void zset_look(const struct entry *e, struct zset_cut *look); // e NULL: an empty one
// Whether e (NULL: no key) is still what was cut.
bool zset_cut_is_current(const struct zset_cut *cut, const struct entry *e);
bool zset_cut_score(struct keyspace *k, const struct zset_cut *cut, struct bytes member,
                    double *score);
bool zset_cut_rank(struct keyspace *k, const struct zset_cut *cut, struct bytes member,
                   uint64_t *rank, double *score);
// The member of that rank, below count; good as long as the cut and scratch.
void zset_cut_at(const struct zset_cut *cut, uint64_t rank, char scratch[24], struct bytes *member,
                 double *score);
bool zset_rank(struct keyspace *k, const struct entry *e, struct bytes member, uint64_t *rank,
               double *score);

// The rank of the first member that a range holds, and how many it holds.
struct zset_range { // of scores
    double min, max;
    bool min_exclusive, max_exclusive;
};
struct zset_lex_range { // of members, all scores being equal; data NULL: no bound on that side
    struct bytes min, max;
    bool min_exclusive, max_exclusive, is_empty;
};
uint64_t zset_cut_rank_of_range(const struct zset_cut *cut, const struct zset_range *r,
                                uint64_t *count);
// backwards: searched from the other end, which tells when scores differ.
uint64_t zset_cut_rank_of_lex(const struct zset_cut *cut, const struct zset_lex_range *r,
                              bool backwards, uint64_t *count);

// By rank, upwards or downwards. The member is good until the next call.
struct zset_iter {
    const struct zset_cut *cut;
    struct tree_cursor cursor;
    const uint8_t *at; // pack form: the next pair, or what the window counts from
    uint64_t rank;     // pack form, backwards: of the pair behind the next one
    uint64_t left;
    bool is_backwards;
    char scratch[24];
    union { // backwards: where the records of a leaf or a part of the pack begin
        uint16_t leaf_offsets[TREE_LEAF_BYTES];
        uint32_t pack_offsets[TREE_LEAF_BYTES / 2];
    };
    uint32_t offset_count;
};
void zset_iter_init(struct zset_iter *i, const struct zset_cut *cut, uint64_t rank, bool backwards);
bool zset_iter_next(struct zset_iter *i, struct bytes *member, double *score);
// ZSCAN: as tree_scan, with cursors below 2^63; a pack is shown whole, in order.
typedef void zset_visit(void *context, struct bytes member, double score);
uint64_t zset_scan(const struct zset_cut *cut, uint64_t cursor, uint64_t least, zset_visit *visit,
                   void *context);

// ---- a sorted set made elsewhere. Members that come in order, either way, cost least.
struct zset_builder {
    struct keyspace *keyspace;
    const struct thresholds *thresholds;
    struct zset_object *object;
    uint64_t member_bytes_max;
    bool is_gathering;           // the sorted tree waits for zset_build_sort
    struct tree_cursor unsorted; // gathering: the next record to sort
    bool is_sorting;
};
void zset_build_begin(struct zset_builder *b, struct keyspace *k, const struct thresholds *t);
bool zset_build_add(struct zset_builder *b, struct bytes member, double score); // false: was there
bool zset_build_score(const struct zset_builder *b, struct bytes member, double *score);
void zset_build_set(struct zset_builder *b, struct bytes member, double score); // add or change
// Adds it, or gives it merge(the score it has, score).
void zset_build_merge(struct zset_builder *b, struct bytes member, double score,
                      double (*merge)(double now, double score));
uint64_t zset_build_count(const struct zset_builder *b);
// Puts it in place of what is at key (deadline dropped); empty, it deletes the key. Returns the
// entry or NULL. O(zset_entries).
struct entry *zset_build_put(struct zset_builder *b, uint32_t db, const struct key *key,
                             uint64_t now_ms);
void zset_build_drop(struct zset_builder *b);
// Instead of begin, for scores that change while it is made (unions): members are kept by name
// alone, and sorted at the end. sort brings up to n of them in place; false: all are, and the
// builder may be read and put, but not added to any more.
void zset_build_gather(struct zset_builder *b, struct keyspace *k, const struct thresholds *t);
bool zset_build_sort(struct zset_builder *b, uint64_t n);
void zset_build_look(const struct zset_builder *b, struct zset_cut *look); // its members, in order

// ---- a range leaves a large sorted set, a bit at a time: the trees to come are made beside the
// value (from a cut: what is common is shared), whichever way round is less work, and take its
// place at once.
struct zset_removal {
    struct zset_cut cut; // as it was
    struct zset_iter iter;
    struct tree sorted, by_hash;
    uint64_t left;
    bool keeps; // iter goes over what stays, in two parts, and by_hash is made anew
    uint64_t first, count;
};
// count is less than all, e an object.
void zset_removal_begin(struct zset_removal *r, struct keyspace *k, const struct entry *e,
                        uint64_t first, uint64_t count);
bool zset_removal_step(struct zset_removal *r, struct keyspace *k, uint32_t n); // false: all done
// e is what it was at the beginning. Ends the removal.
void zset_removal_put(struct zset_removal *r, struct keyspace *k, struct entry *e);
void zset_removal_drop(struct zset_removal *r, struct keyspace *k); // instead of put
