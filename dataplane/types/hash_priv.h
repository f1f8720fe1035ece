// hash_priv.h: what the files of hashes share.
//
// Source:  hash_value.h, hash_deadlines.h
// Thread:  the shard
// Memory:  a hash object is one allocation of HEAP_DATASET; its trees hang below it
#pragma once
#include "dataplane/base/check.h"
#include "dataplane/keyspace/object.h"
#include "dataplane/types/hash_deadlines.h"
#include "dataplane/types/hash_value.h"

struct hash_timer {
    struct wheel_timer timer; // for the earliest deadline, or an earlier time
    struct list_node due;     // or on this list
};

struct hash_object {
    struct object object;
    struct tree fields;    // by hash: field, value; the value's element carries the deadline
    struct tree deadlines; // sorted: le64 deadline, field
    struct hash_timer timer;
};

static inline struct hash_object *hash_object_of(const struct entry *e)
{
    return (struct hash_object *)(void *)entry_object(e);
}
static inline bool hash_is_object(const struct entry *e)
{
    return encoding_is_object(entry_encoding(e));
}
static inline bool hash_is_past(uint64_t deadline_ms, uint64_t now_ms)
{
    return deadline_ms != 0 && deadline_ms <= now_ms;
}

// ---- hash_pack.c: the pack form. field: the element of the field found, its value is behind it.
const uint8_t *hash_pack_find(struct bytes pack, const struct packed_needle *field);
// entry NULL: a new key. True: a new field.
bool hash_pack_put(struct hash_place *p, const struct packed_needle *field,
                   const struct packed_needle *value);
bool hash_pack_remove(struct hash_place *p, const struct packed_needle *field);

// ---- hash_object.c: the tree form
struct hash_object *hash_object_new(struct keyspace *k);
void hash_object_fill(struct keyspace *k, struct hash_object *o, struct bytes pack);
// The element of the field's value, which may be expired; NULL: no such field. c: where it is, or
// where it belongs.
const uint8_t *hash_object_find(struct keyspace *k, const struct hash_object *o,
                                const struct packed_needle *field, struct tree_cursor *c);
bool hash_object_put(struct keyspace *k, struct hash_object *o, const struct packed_needle *field,
                     const struct packed_needle *value, bool keep_deadline, uint64_t now_ms);
// The field where c is, with its deadline.
void hash_object_remove(struct keyspace *k, struct hash_object *o, struct tree_cursor *c,
                        const struct packed_needle *field);
void hash_object_set_deadline(struct keyspace *k, struct hash_object *o, struct tree_cursor *c,
                              const struct packed_needle *field, uint64_t deadline_ms);
uint64_t hash_object_expired(const struct hash_object *o, uint64_t now_ms); // how many: O(depth)
// The field that is due next. False: no field has a deadline.
bool hash_object_next(const struct hash_object *o, uint64_t *deadline_ms, char scratch[24],
                      struct bytes *field);
void hash_object_arm(struct keyspace *k, struct hash_object *o); // for the earliest deadline

// ---- hash_deadlines.c
void hash_timer_arm(struct hash_deadlines *d, struct hash_timer *t, uint64_t deadline_ms);
void hash_timer_moved(struct hash_timer *t); // its memory did: relinks its neighbours
void hash_timer_cancel(struct hash_deadlines *d, struct hash_timer *t);
