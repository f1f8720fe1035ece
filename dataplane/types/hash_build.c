// Hashes made field by field, away from the keyspace.
#include "dataplane/types/hash_priv.h"

enum { PACK_ROOM_FIRST = 256 };

void hash_build_begin(struct hash_builder *b, struct keyspace *k, const struct thresholds *t)
{
    *b = (struct hash_builder){ .keyspace = k, .thresholds = t };
}

static void become_object(struct hash_builder *b)
{
    if (b->object) return;
    b->object = hash_object_new(b->keyspace);
    if (!b->pack) return;
    hash_object_fill(b->keyspace, b->object, blob_bytes(b->pack));
    blob_release(b->pack);
    b->pack = NULL;
}

static bool pack_add(struct hash_builder *b, const struct packed_needle *field,
                     const struct packed_needle *value)
{
    size_t more = (size_t)field->size + value->size;
    if (!b->pack) {
        b->pack = blob_new(keyspace_space(b->keyspace)->heap, PACK_ROOM_FIRST, HEAP_OTHER);
        b->pack->size = PACK_HEAD;
        store_le32(b->pack->data, 0);
    }
    if (hash_pack_find(blob_bytes(b->pack), field)) return false;
    if (b->pack->capacity - b->pack->size < more)
        b->pack = blob_resize(b->pack, 2 * b->pack->capacity + more);
    uint8_t *to = b->pack->data + b->pack->size;
    packed_put(to, field);
    packed_put(to + field->size, value);
    b->pack->size += more;
    store_le32(b->pack->data, load_le32(b->pack->data) + 2);
    return true;
}

static bool object_add(struct hash_builder *b, const struct packed_needle *field,
                       const struct packed_needle *value, uint64_t deadline_ms)
{
    struct tree_cursor c;
    if (hash_object_find(b->keyspace, b->object, field, &c)) return false;
    hash_object_put(b->keyspace, b->object, field, value, false, 0);
    if (!deadline_ms) return true;
    CHECK(hash_object_find(b->keyspace, b->object, field, &c));
    hash_object_set_deadline(b->keyspace, b->object, &c, field, deadline_ms);
    return true;
}

bool hash_build_add(struct hash_builder *b, struct bytes field, struct bytes value,
                    uint64_t deadline_ms)
{
    struct packed_needle f, v;
    uint64_t value_max = (uint64_t)b->thresholds->hash_value_bytes;
    packed_needle_init(&f, field);
    packed_needle_init(&v, value);
    size_t size = (b->pack ? b->pack->size : PACK_HEAD) + f.size + v.size;
    bool is_large = field.size > value_max || value.size > value_max;
    if (is_large || deadline_ms || size > HASH_PACK_BYTES) become_object(b);
    bool added = b->object ? object_add(b, &f, &v, deadline_ms) : pack_add(b, &f, &v);
    if (!added) return false;
    b->count++;
    b->is_large = b->is_large || is_large || b->count > (uint64_t)b->thresholds->hash_entries;
    if (b->is_large) become_object(b);
    return true;
}

static enum value_encoding object_encoding(const struct hash_builder *b)
{
    if (b->is_large) return ENCODING_HASHTABLE;
    return b->object->deadlines.count ? ENCODING_LISTPACKEX : ENCODING_LISTPACK_TREE;
}

struct entry *hash_build_put(struct hash_builder *b, uint32_t db, const struct key *key,
                             uint64_t now_ms)
{
    struct entry *e = NULL;
    if (b->object && b->count) {
        e = value_set_object(b->keyspace, db, key, NULL, TYPE_HASH, object_encoding(b),
                             &b->object->object);
        hash_object_arm(b->keyspace, b->object);
        b->object = NULL;
    } else if (b->count) {
        uint8_t *to;
        e = value_edit(b->keyspace, db, key, NULL, TYPE_HASH, ENCODING_LISTPACK, b->pack->size,
                       &to);
        memcpy(to, b->pack->data, b->pack->size);
    } else {
        struct entry *old = keyspace_find(b->keyspace, db, key, FIND_QUIET, now_ms);
        if (old) keyspace_drop_entry(b->keyspace, db, old);
    }
    hash_build_drop(b);
    return e;
}

void hash_build_drop(struct hash_builder *b)
{
    if (b->pack) blob_release(b->pack);
    if (b->object) b->object->object.ops->close(&b->object->object, b->keyspace);
    b->pack = NULL;
    b->object = NULL;
    b->count = 0;
}
