// hash_value.h: hashes, with deadlines on fields.
//
// Source:  Redis 7.2 (listpack, hashtable); field deadlines as Redis 7.4 (listpackex)
// Thread:  the shard
// Memory:  an entry's value: a pack of field, value, field, value ... in the order they came; or
//          struct hash_object: a tree by hash of (field, value), and of the fields with a deadline
//          a second tree sorted by time, with a timer for the earliest (hash_deadlines.h)
// Units:   deadlines in ms since 1970
//
// The encoding's name follows Redis's rules, whatever the form: a hash leaves its pack for a tree
// when it outgrows the thresholds ("hashtable"), when a field gets a deadline ("listpackex"; Redis
// says so from the first HEXPIRE on, whether that set one or not), or at HASH_PACK_BYTES, to which
// only thresholds far above the normal ones let it come ("listpack" still). It does not go back.
//
// A field whose deadline has passed is not there for anything below but hash_count and
// hash_cut.total: as HLEN in Redis 7.4 these include what has not been removed yet, which is for
// some ms at most.
#pragma once
#include "dataplane/keyspace/keyspace.h"
#include "dataplane/keyspace/tree.h"
#include "dataplane/types/thresholds.h"

enum { HASH_PACK_BYTES = 128 * 1024 };

struct hash_object;

// Where a hash is changed; entry follows the value as it moves, NULL when the key is gone or not
// there yet.
struct hash_place {
    struct keyspace *keyspace;
    const struct thresholds *thresholds;
    uint32_t db;
    const struct key *key;
    struct entry *entry;
    uint64_t now_ms; // fields whose deadline has passed are not there
};
uint64_t hash_count(const struct entry *e);
uint64_t hash_bytes(const struct entry *e); // of fields and values, as they are stored
// The text is good until the hash is changed or scratch is used again. False: no such field.
bool hash_get(struct keyspace *k, const struct entry *e, struct bytes field, uint64_t now_ms,
              char scratch[24], struct bytes *value);
// False: no such field. *deadline_ms 0: it has none.
bool hash_deadline(struct keyspace *k, const struct entry *e, struct bytes field, uint64_t now_ms,
                   uint64_t *deadline_ms);
void hash_prefetch(struct keyspace *k, const struct entry *e, struct bytes field); // ahead of get

// Field and value may not lie in the hash itself. True: a new field. Clears the field's deadline
// unless keep_deadline.
bool hash_put(struct hash_place *p, struct bytes field, struct bytes value, bool keep_deadline);
// What is about to be put, field, value, field, value ...: so that a hash that will outgrow its
// pack does so at once, when Redis does.
void hash_expect(struct hash_place *p, const struct bytes *argv, uint32_t argc);
// False: was not there. The key goes with its last field (entry is NULL then).
bool hash_remove(struct hash_place *p, struct bytes field);
// 0: none. False: no such field. It may lie in the past: then the field is not there any more, but
// still has to be removed.
bool hash_set_deadline(struct hash_place *p, struct bytes field, uint64_t deadline_ms);
// A field whose deadline has passed and that the timer has not come to yet: removed, and true. To
// be asked before a field is written, because the log and the replicas have to hear of the removal
// first.
bool hash_remove_expired(struct hash_place *p, struct bytes field);

// ---- a version that stays as it is
struct hash_cut {
    struct blob *pack;  // held; NULL in a view
    struct bytes bytes; // pack form
    struct tree tree;
    enum value_encoding encoding;
    uint64_t count, total; // fields that are there; with those expired by now_ms
    uint64_t now_ms;
};
void hash_cut(struct keyspace *k, const struct entry *e, uint64_t now_ms, struct hash_cut *cut);
void hash_cut_drop(struct keyspace *k, struct hash_cut *cut);
// The same without holding anything: good until the hash changes, and not to be dropped.
void hash_view(const struct entry *e, uint64_t now_ms, struct hash_cut *cut);
static inline bool hash_cut_is_pack(const struct hash_cut *cut) { return cut->bytes.data != NULL; }

struct hash_field {
    struct bytes field, value; // good until the iterator's next step, or as the scratch
    uint64_t deadline_ms;      // 0: none
};
struct hash_iter {
    const struct hash_cut *cut;
    struct tree_cursor cursor;
    const uint8_t *at;
    char scratch[2][24];
};
void hash_iter_init(struct hash_iter *i, const struct hash_cut *cut);
bool hash_iter_next(struct hash_iter *i, struct hash_field *out);
// Field number index of 0..total-1, in the order of the iterator; a pack is walked. False: expired.
bool hash_cut_at(const struct hash_cut *cut, uint64_t index, char scratch[2][24],
                 struct hash_field *out);
// As tree_scan: whole leaves from cursor on, at least so many fields (expired ones count but are
// not shown), a pack at once. Returns the next cursor, 0: done. HSCAN shows a hash at once whose
// encoding is not hashtable, whatever its COUNT.
uint64_t hash_cut_scan(const struct hash_cut *cut, uint64_t cursor, uint64_t least,
                       void (*visit)(void *context, const struct hash_field *field), void *context);
// Any of the fields that are there, by the dice; false: there is none.
bool hash_random(const struct hash_cut *cut, struct rng *rng, char scratch[2][24],
                 struct hash_field *out);

// ---- a hash made elsewhere (RESTORE, loading): add, then put it at a key in place of what is
// there (deadline dropped).
struct hash_builder {
    struct keyspace *keyspace;
    const struct thresholds *thresholds;
    struct blob *pack; // while it is small, and has no deadlines
    struct hash_object *object;
    uint64_t count;
    bool is_large; // beyond the thresholds
};
void hash_build_begin(struct hash_builder *b, struct keyspace *k, const struct thresholds *t);
bool hash_build_add(struct hash_builder *b, struct bytes field, struct bytes value,
                    uint64_t deadline_ms); // false: the field is there already
// An empty one deletes the key. Returns the entry or NULL.
struct entry *hash_build_put(struct hash_builder *b, uint32_t db, const struct key *key,
                             uint64_t now_ms);
void hash_build_drop(struct hash_builder *b); // instead of put
