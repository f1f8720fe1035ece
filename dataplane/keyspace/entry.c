#include "dataplane/keyspace/entry.h"
#include "dataplane/base/check.h"
#include "dataplane/keyspace/object.h"

struct entry *entry_new(struct heap *heap, const struct key *key, size_t value_size,
                        bool has_deadline)
{
    CHECK(key->name.size <= ENTRY_KEY_MAX && value_size <= UINT16_MAX);
    uint8_t *base =
        heap_take(heap, entry_class(has_deadline, key->name.size, value_size), HEAP_DATASET);
    if (has_deadline) memset(base, 0, sizeof(struct entry_deadline));
    struct entry *e = (void *)(base + (has_deadline ? sizeof(struct entry_deadline) : 0));
    e->key_size = (uint32_t)key->name.size & 0x3fffffff;
    e->has_deadline = has_deadline;
    e->has_blob = 0;
    e->value_size = (uint16_t)value_size;
    if (entry_hash_bytes(key->name.size)) store_le64(e->data, key->hash);
    if (key->name.size)
        memcpy(e->data + entry_hash_bytes(key->name.size), key->name.data, key->name.size);
    return e;
}

void entry_free(struct heap *heap, struct entry *e)
{
    if (e->has_blob) blob_release(entry_blob(e));
    uint8_t *base = (uint8_t *)e - (e->has_deadline ? sizeof(struct entry_deadline) : 0);
    heap_give(heap, base, entry_class_of(e), HEAP_DATASET);
}

void entry_set_value(struct entry *e, const struct value *v)
{
    e->access = v->access & 0xffffff;
    e->type = (uint32_t)v->type & 15;
    e->encoding = (uint32_t)v->encoding & 15;
    e->has_blob = v->blob != NULL;
    e->value_size = (uint16_t)value_inline_bytes(v);
    uint8_t *to = entry_value_data(e);
    if (v->blob) {
        memcpy(to, &v->blob, sizeof v->blob);
        return;
    }
    if (v->object) {
        v->object->entry = e;
        memcpy(to, &v->object, sizeof v->object);
        return;
    }
    if (v->given) memmove(to, v->bytes, v->given);
    if (v->given < v->size) memset(to + v->given, 0, v->size - v->given);
}

struct value entry_value(const struct entry *e)
{
    struct value v = { .type = (enum value_type)e->type,
                       .encoding = (enum value_encoding)e->encoding,
                       .access = e->access };
    if (e->has_blob) {
        v.blob = blob_hold(entry_blob(e));
    } else if (encoding_is_object(v.encoding)) {
        v.object = entry_object(e);
    } else {
        v.bytes = entry_value_at(e);
        v.size = v.given = e->value_size;
    }
    return v;
}

int64_t entry_int(const struct entry *e)
{
    const uint8_t *at = entry_value_at(e);
    switch (e->value_size) {
    case 1:
        return (int8_t)*at;
    case 2:
        return (int16_t)load_le16(at);
    case 4:
        return (int32_t)load_le32(at);
    default:
        CHECK(e->value_size == 8);
        return (int64_t)load_le64(at);
    }
}

// ---- what others see of an entry

struct bytes entry_key(const struct entry *e) { return bytes_make(entry_key_data(e), e->key_size); }
enum value_type entry_type(const struct entry *e) { return (enum value_type)e->type; }
enum value_encoding entry_encoding(const struct entry *e)
{
    return (enum value_encoding)e->encoding;
}
uint64_t entry_deadline_ms(const struct entry *e)
{
    return e->has_deadline ? entry_deadline_of(e)->at_ms : KEYSPACE_NO_DEADLINE;
}
uint32_t entry_lru_clock(const struct entry *e) { return e->access; }

uint64_t entry_memory_bytes(const struct entry *e)
{
    uint64_t bytes = entry_class_of(e);
    if (e->has_blob) bytes += heap_usable(sizeof(struct blob) + entry_blob(e)->capacity);
    if (encoding_is_object(entry_encoding(e))) {
        const struct object *object = entry_object(e);
        bytes += object->ops->memory_bytes(object);
    }
    return bytes;
}

const char *value_type_name(enum value_type type)
{
    switch (type) {
    case TYPE_STRING:
        return "string";
    case TYPE_LIST:
        return "list";
    case TYPE_SET:
        return "set";
    case TYPE_ZSET:
        return "zset";
    case TYPE_HASH:
        return "hash";
    case TYPE_STREAM:
        return "stream";
    }
    return "unknown";
}

const char *value_encoding_name(enum value_encoding encoding)
{
    static const char *const names[] = {
        [ENCODING_INT] = "int",
        [ENCODING_EMBSTR] = "embstr",
        [ENCODING_RAW] = "raw",
        [ENCODING_LISTPACK] = "listpack",
        [ENCODING_QUICKLIST] = "quicklist",
        [ENCODING_INTSET] = "intset",
        [ENCODING_HASHTABLE] = "hashtable",
        [ENCODING_SKIPLIST] = "skiplist",
        [ENCODING_STREAM] = "stream",
        [ENCODING_LISTPACK_TREE] = "listpack",
        [ENCODING_LISTPACKEX] = "listpackex",
    };
    return (uint32_t)encoding < sizeof names / sizeof names[0] ? names[encoding] : "unknown";
}
