// entry.h: a key, its deadline and its small value in one allocation. Internal to keyspace/.
//
// Thread:  the shard that owns the keyspace
// Memory:  one allocation of the heap's size class, booked to HEAP_DATASET; a value larger than
//          ENTRY_INLINE_MAX is a blob that the entry holds one reference to
//
//   [ struct entry_deadline, 32 bytes ]  only with a deadline; lies before the address of the entry
//   [ struct entry, 12 bytes ]           <- the address that everybody holds
//   [ hash, 8 bytes ]                    only when the key is longer than ENTRY_HASH_FREE_MAX
//   [ key ]
//   [ value ]                            text, a small collection, or an integer of 1, 2, 4 or 8
//                                        bytes, or the address of a blob or of an object; not
//                                        aligned
//
// So a key of 16 bytes with a value of 32 takes 60 bytes of the 64-byte class. A long key carries
// its hash because splitting a segment asks for the hashes of some 500 keys, which must not depend
// on how long clients make them.
// Two bits of the key's length (30 bits tell 512 MB) are flags, so that every entry can name its
// table: deadlines fire without a lookup, and an entry of a flushed database is known as such.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "dataplane/base/blob.h"
#include "dataplane/base/bytes.h"
#include "dataplane/base/heap.h"
#include "dataplane/base/wheel.h"
#include "dataplane/keyspace/keyspace.h"

enum {
    ENTRY_HASH_FREE_MAX = 128, // key bytes
    // Larger values are blobs, which replies refer to. Measured with values of 200 to 2000 bytes:
    // up to here copying into the reply costs a GET no more than the reference and the second cache
    // miss, and a blob takes up to 300 bytes more of memory.
    ENTRY_INLINE_MAX = 1024,
    ENTRY_KEY_MAX = 512 << 20,
};

struct entry {
    uint32_t access : 24; // LRU clock or LFU counter
    uint32_t type : 4;
    uint32_t encoding : 4;
    uint32_t key_size : 30;
    uint32_t has_deadline : 1;
    uint32_t has_blob : 1; // value is the address of a blob
    uint16_t value_size;   // bytes in the entry
    uint16_t table_id;
    uint8_t data[];
};
_Static_assert(sizeof(struct entry) == 12 && _Alignof(struct entry) == 4, "entry header");

struct entry_deadline {
    struct wheel_timer timer; // its deadline is a tick of the keyspace's wheel, not wall clock
    uint64_t at_ms;
};
_Static_assert(sizeof(struct entry_deadline) == 32, "entry prefix");

// A value on its way into an entry. blob: NULL, or a reference that goes to the entry; object:
// NULL, or the object itself, whose only owner the entry becomes.
struct value {
    enum value_type type;
    enum value_encoding encoding;
    uint32_t access;
    struct blob *blob;
    struct object *object;
    const uint8_t *bytes; // inline: given of the size bytes; the rest is zeroed. May lie in the
    uint32_t size, given; // entry that is overwritten
    uint8_t scratch[8];
};

static inline uint32_t entry_hash_bytes(size_t key_size)
{
    return key_size > ENTRY_HASH_FREE_MAX ? 8 : 0;
}
static inline const uint8_t *entry_key_data(const struct entry *e)
{
    return e->data + entry_hash_bytes(e->key_size);
}
static inline uint8_t *entry_value_data(struct entry *e)
{
    return e->data + entry_hash_bytes(e->key_size) + e->key_size;
}
static inline const uint8_t *entry_value_at(const struct entry *e)
{
    return e->data + entry_hash_bytes(e->key_size) + e->key_size;
}
static inline struct blob *entry_blob(const struct entry *e)
{
    struct blob *b;
    memcpy(&b, entry_value_at(e), sizeof b);
    return b;
}
static inline struct entry_deadline *entry_deadline_of(const struct entry *e)
{
    return (struct entry_deadline *)(void *)((uint8_t *)(uintptr_t)e -
                                             sizeof(struct entry_deadline));
}
static inline struct entry *entry_of_timer(struct wheel_timer *t)
{
    return (struct entry *)(void *)((uint8_t *)t + sizeof(struct entry_deadline));
}
// The bytes of an allocation with these parts, rounded to what jemalloc spends anyway.
static inline size_t entry_class(bool has_deadline, size_t key_size, size_t value_size)
{
    return heap_usable((has_deadline ? sizeof(struct entry_deadline) : 0) + sizeof(struct entry) +
                       entry_hash_bytes(key_size) + key_size + value_size);
}
static inline size_t entry_class_of(const struct entry *e)
{
    return entry_class(e->has_deadline, e->key_size, e->value_size);
}
static inline uint64_t entry_hash(const struct entry *e, const struct hash_key *hash_key)
{
    if (e->key_size > ENTRY_HASH_FREE_MAX) return load_le64(e->data);
    return siphash_13(e->data, e->key_size, hash_key);
}

// A new entry for key with its deadline unarmed; type and value are not set yet.
struct entry *entry_new(struct heap *heap, const struct key *key, size_t value_size,
                        bool has_deadline);
// Not in a table any more, its timer not armed. Releases its blob; an object is the caller's
// (keyspace_entry_free).
void entry_free(struct heap *heap, struct entry *e);
// Writes v into e, whose class has room for it. What v refers to may be the value that is there;
// the blob that was there is not released.
void entry_set_value(struct entry *e, const struct value *v);
// The value of e as it stands, for another place; a blob's reference count grows by one. An object
// has one owner: e must forget it, or be freed without it.
struct value entry_value(const struct entry *e);
int64_t entry_int(const struct entry *e); // encoding is ENCODING_INT
static inline uint32_t value_inline_bytes(const struct value *v)
{
    return v->blob || v->object ? (uint32_t)sizeof v->blob : v->size;
}
