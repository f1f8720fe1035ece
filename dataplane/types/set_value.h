// set_value.h: sets.
//
// Source:  Redis 7.2: intset, listpack, hashtable, and when one becomes the next
// Thread:  the shard
// Memory:  an entry's value: an intset (intset.h), a pack, or struct set_object with one tree by
//          hash
// Units:   ranks in the order of iteration, 0..count-1: intset ascending, pack by insertion, tree
//          by hash
#pragma once
#include "dataplane/base/hash.h"
#include "dataplane/keyspace/keyspace.h"
#include "dataplane/keyspace/tree.h"
#include "dataplane/types/thresholds.h"

struct set_object;
// Where a set is changed; entry follows the value as it moves, NULL: no key (yet, or any more).
// Members given to the functions below never lie in the set itself.
struct set_place {
    struct keyspace *keyspace;
    const struct thresholds *thresholds;
    uint32_t db;
    const struct key *key;
    struct entry *entry;
    enum value_encoding first_encoding; // of a new set; 0: what suits its first member
};
uint64_t set_count(const struct entry *e);
bool set_has(struct keyspace *k, const struct entry *e, struct bytes member);
// What SADD does ahead of adding n members, the first being `first`: more of them than a small
// encoding may hold make it a hashtable at once, whatever is new among them.
void set_expect(struct set_place *p, struct bytes first, uint64_t n);
bool set_add(struct set_place *p, struct bytes member); // false: was there. Creates the key
bool set_remove(struct set_place *p,
                struct bytes member); // false: was not; the key goes when empty

// ---- taking at random
typedef void set_take(void *context, struct bytes member); // before the member goes
void set_pop(struct set_place *p, uint64_t rank, set_take *take, void *context);
// count members, less than all, each subset as likely as any other. In one go.
void set_pop_some(struct set_place *p, uint64_t count, struct rng *rng, set_take *take,
                  void *context);
// What SPOP does when it took at least five of six: the rest becomes as small as it can be.
void set_repack(struct set_place *p);

// ---- reading. A cut is a version that stays as it is; a look is the value itself, good until it
// is changed, and is not dropped.
struct set_cut {
    struct bytes bytes; // intset or pack
    struct blob *blob;  // that bytes lie in; NULL: a look, or
    struct tree tree;
    enum value_encoding encoding;
    uint64_t count;
};
void set_cut(struct keyspace *k, const struct entry *e, struct set_cut *cut); // e NULL: empty
void set_cut_drop(struct keyspace *k, struct set_cut *cut);
void set_look(const struct entry *e, struct set_cut *look); // e NULL: an empty one
// Whether e (NULL: no key) is still what was cut.
bool set_cut_is_current(const struct set_cut *cut, const struct entry *e);
bool set_cut_has(struct keyspace *k, const struct set_cut *cut, struct bytes member);
// A member to be looked for in many sets: hashed once.
struct set_needle {
    struct packed_needle packed;
    int64_t number;
    uint64_t hash;
    bool is_int, is_hashed;
};
void set_needle_init(struct set_needle *n, struct bytes member);
bool set_cut_has_needle(struct keyspace *k, const struct set_cut *cut, struct set_needle *n);
// Work of one set_cut_has or set_cut_at, in lookups in a tree.
uint64_t set_cut_find_cost(const struct set_cut *cut);
// Member number rank. The text is good as long as the cut and scratch.
struct bytes set_cut_at(const struct set_cut *cut, uint64_t rank, char scratch[24]);
struct set_iter {
    const struct set_cut *cut;
    struct tree_cursor cursor;
    uint64_t at; // intset: number; pack: bytes from its start
    uint64_t left;
    char scratch[24];
};
void set_iter_init(struct set_iter *i, const struct set_cut *cut);
bool set_iter_next(struct set_iter *i, struct bytes *member); // in the order Redis shows it
bool set_iter_skip(struct set_iter *i);
void set_iter_seek(struct set_iter *i, uint64_t rank); // to a member, or to the end
// SSCAN: visits at least `least` members from cursor on and returns the next cursor, below 2^63; 0:
// done. Small encodings are shown whole. Guarantees as tree_scan.
uint64_t set_scan(const struct set_cut *cut, uint64_t cursor, uint64_t least, set_take *visit,
                  void *context);

// ---- a set made elsewhere: duplicates are dropped (add says false). It goes through the encodings
// as if it were a key from its first member on.
struct set_builder {
    struct keyspace *keyspace;
    const struct thresholds *thresholds;
    struct blob *blob;         // intset or pack
    struct set_object *object; // hashtable
    enum value_encoding encoding;
};
void set_build_begin(struct set_builder *b, struct keyspace *k, const struct thresholds *t);
// As a pack, even if the members turn out to be numbers.
void set_build_begin_pack(struct set_builder *b, struct keyspace *k, const struct thresholds *t);
// With everything in a cut of a hashtable: O(1).
void set_build_begin_cut(struct set_builder *b, struct keyspace *k, const struct thresholds *t,
                         const struct set_cut *cut);
bool set_build_add(struct set_builder *b, struct bytes member);
bool set_build_remove(struct set_builder *b, struct bytes member); // false: was not there
uint64_t set_build_count(const struct set_builder *b);
void set_build_look(const struct set_builder *b, struct set_cut *look);
// Nothing but numbers, few enough for an intset: becomes one. O(set_intset_entries).
void set_build_settle(struct set_builder *b);
// Puts it in place of what is at key (deadline dropped); empty, it deletes the key. Returns the
// entry or NULL.
struct entry *set_build_put(struct set_builder *b, uint32_t db, const struct key *key,
                            uint64_t now_ms);
// Puts it in place of the set that e holds, which keeps its deadline (NULL: of whatever is there,
// with its deadline). Not empty.
struct entry *set_build_replace(struct set_builder *b, uint32_t db, const struct key *key,
                                struct entry *e);
void set_build_drop(struct set_builder *b);
