// key_image.h: what a key was at one moment, and the way back to it: a script's writes are undone.
//
// Thread:  the shard
// Memory:  one allocation (HEAP_SCRIPTS) that holds name and small value; a larger one by reference
//          (blob.h), a collection of many pieces as a cut (object.h), which is O(1)
// The key may be changed, removed, replaced by another type or moved away meanwhile; its database
// may not be flushed or swapped.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/keyspace/keyspace.h"

struct key_image {
    struct key_image *next; // for its owner
    uint64_t hash;
    size_t key_size;
    uint32_t db;
    uint32_t bytes;       // of this allocation
    bool existed;         // the key was there; the rest is its value
    uint64_t deadline_ms; // KEYSPACE_NO_DEADLINE: none. May have passed
    struct image_value {
        uint32_t type, encoding, access, size;
        struct blob *blob;
        struct object *object;
    } value;
    uint8_t text[]; // the key, then a value that an entry would hold in itself
};
static inline struct bytes key_image_name(const struct key_image *i)
{
    return bytes_make(i->text, i->key_size);
}

// As it stands, also when its time has passed; nothing else happens to it. NULL: its value is a
// string, or a collection in one buffer, of more than buffer_bytes_max, which has to be copied if
// it is edited after this.
struct key_image *key_image_take(struct keyspace *k, uint32_t db, const struct key *key,
                                 size_t buffer_bytes_max);
// The key is again what it was, deadline and access clock included. Uses the image up.
void key_image_restore(struct keyspace *k, struct key_image *i);
void key_image_drop(struct keyspace *k, struct key_image *i);
