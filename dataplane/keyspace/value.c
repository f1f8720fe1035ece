// Values of every type but the string: bytes in the entry or a blob, or an object.
#include "dataplane/base/check.h"
#include "dataplane/keyspace/keyspace_priv.h"
#include "dataplane/keyspace/object.h"

enum {
    GROW_DOUBLE_MAX = 1 << 20, // bytes: above, a growing value gets this much spare room
    ZEROS_MIN = 1 << 20,       // from here on new zeros come as fresh pages, not by writing them
};

struct tree_space *keyspace_space(struct keyspace *k)
{
    CHECK(!k->joint);
    return &k->space;
}

// ---- one buffer

struct bytes value_bytes(const struct entry *e)
{
    CHECK(!encoding_is_object(entry_encoding(e)) && e->encoding != ENCODING_INT);
    return e->has_blob ? blob_bytes(entry_blob(e)) : bytes_make(entry_value_at(e), e->value_size);
}

struct blob *value_hold_bytes(struct keyspace *k, const struct entry *e)
{
    if (e->has_blob) return blob_hold(entry_blob(e));
    struct bytes bytes = value_bytes(e);
    struct heap *heap = home_of_entry(k, e)->heap;
    struct blob *copy = blob_new(heap, bytes.size ? bytes.size : 1, HEAP_OTHER);
    if (bytes.size) memcpy(copy->data, bytes.data, bytes.size);
    copy->size = bytes.size;
    return copy;
}

// A value that grew once is likely to grow again.
static size_t capacity_for(const struct edit *edit, size_t size, bool is_growth)
{
    if (!edit->grows || !is_growth) return blob_capacity(size);
    return blob_capacity(size < GROW_DOUBLE_MAX ? size * 2 : size + GROW_DOUBLE_MAX);
}

// Mostly zeros (SETBIT far out): cheaper to copy what there is than to write them.
static bool is_mostly_new(size_t old_size, size_t size)
{
    return size > old_size && size - old_size >= ZEROS_MIN && size - old_size > old_size;
}

static struct blob *copy_with_zeros(struct heap *heap, struct bytes old, size_t capacity)
{
    struct blob *b = blob_new_zeroed(heap, capacity, HEAP_DATASET);
    if (old.size) memcpy(b->data, old.data, old.size);
    return b;
}

static struct blob *grow_own_blob(struct blob *b, const struct edit *edit)
{
    size_t capacity = capacity_for(edit, edit->size, edit->size > b->size);
    if (!is_mostly_new(b->size, edit->size)) return blob_resize(b, capacity);
    struct blob *zeroed = copy_with_zeros(b->heap, blob_bytes(b), capacity);
    zeroed->size = edit->size;
    blob_release(b);
    return zeroed;
}

static void edit_own_blob(struct entry *e, const struct edit *edit)
{
    struct blob *b = edit->old_blob;
    size_t size = edit->size;
    if (size > b->capacity || (!edit->grows && size < b->capacity / 2)) b = grow_own_blob(b, edit);
    if (size > b->size) memset(b->data + b->size, 0, size - b->size);
    b->size = size;
    memcpy(entry_value_data(e), &b, sizeof(struct blob *));
    e->encoding = (uint32_t)edit->encoding & 15;
}

static struct blob *edit_new_blob(struct keyspace *k, const struct edit *edit)
{
    size_t size = edit->size, kept = edit->old.size < size ? edit->old.size : size;
    size_t capacity = capacity_for(edit, size, kept && size > kept);
    struct blob *b;
    if (is_mostly_new(kept, size)) {
        b = copy_with_zeros(k->heap, bytes_make(edit->old.data, kept), capacity);
    } else {
        b = blob_new(k->heap, capacity, HEAP_DATASET);
        if (kept) memcpy(b->data, edit->old.data, kept);
        memset(b->data + kept, 0, size - kept);
    }
    b->size = size;
    return b;
}

static struct value edited_value(struct keyspace *k, const struct edit *edit)
{
    struct value v = { .type = edit->type, .encoding = edit->encoding };
    if (edit->size > ENTRY_INLINE_MAX) {
        v.blob = edit_new_blob(k, edit);
    } else {
        v.bytes = edit->old.data;
        v.size = (uint32_t)edit->size;
        v.given = (uint32_t)(edit->old.size < edit->size ? edit->old.size : edit->size);
    }
    return v;
}

struct entry *keyspace_edit(struct keyspace *k, struct table *t, const struct key *key,
                            struct entry *existing, const struct edit *edit, uint8_t **bytes)
{
    CHECK(!existing || existing->table_id == t->id);
    struct entry *e = existing;
    if (edit->old_blob && edit->old_blob->refs == 1 && edit->size > ENTRY_INLINE_MAX) {
        edit_own_blob(e, edit);
    } else {
        struct value v = edited_value(k, edit);
        v.access = existing ? existing->access : entry_access_new(k);
        e = keyspace_table_put(k, t, key, entry_in_place(t, key, existing), &v,
                               existing ? entry_deadline_ms(existing) : KEYSPACE_NO_DEADLINE);
    }
    *bytes = e->has_blob ? entry_blob(e)->data : entry_value_data(e);
    return e;
}

struct entry *value_edit(struct keyspace *k, uint32_t db, const struct key *key,
                         struct entry *existing, enum value_type type, enum value_encoding encoding,
                         size_t size, uint8_t **bytes)
{
    k = home_of(k, key);
    struct edit edit = { .type = type, .encoding = encoding, .size = size };
    if (existing && !encoding_is_object(entry_encoding(existing))) {
        edit.old = value_bytes(existing);
        edit.old_blob = existing->has_blob ? entry_blob(existing) : NULL;
    }
    return keyspace_edit(k, keyspace_table(k, db), key, existing, &edit, bytes);
}

// ---- objects

struct object *entry_object(const struct entry *e)
{
    struct object *o;
    CHECK(encoding_is_object(entry_encoding(e)));
    memcpy(&o, entry_value_at(e), sizeof o);
    return o;
}

struct entry *value_set_object(struct keyspace *k, uint32_t db, const struct key *key,
                               struct entry *existing, enum value_type type,
                               enum value_encoding encoding, struct object *object)
{
    k = home_of(k, key);
    struct table *t = keyspace_table(k, db);
    CHECK(encoding_is_object(encoding));
    CHECK(!existing || existing->table_id == t->id);
    struct value v = { .type = type, .encoding = encoding, .object = object };
    v.access = existing ? existing->access : entry_access_new(k);
    return keyspace_table_put(k, t, key, entry_in_place(t, key, existing), &v,
                              existing ? entry_deadline_ms(existing) : KEYSPACE_NO_DEADLINE);
}

bool entry_db(const struct keyspace *k, const struct entry *e, uint32_t *db)
{
    const struct table *t = home_of_entry(k, e)->tables[e->table_id];
    *db = (uint32_t)t->db;
    return t->db != TABLE_DETACHED;
}

void keyspace_set_hash_deadlines(struct keyspace *k, struct hash_deadlines *d)
{
    CHECK(!k->joint);
    k->hash_deadlines = d;
}
struct hash_deadlines *keyspace_hash_deadlines(const struct keyspace *k)
{
    CHECK(!k->joint);
    return k->hash_deadlines;
}

void keyspace_entry_free(struct keyspace *k, struct entry *e)
{
    if (encoding_is_object(entry_encoding(e))) {
        struct object *object = entry_object(e);
        object->ops->close(object, k);
    }
    entry_free(k->heap, e);
}

void keyspace_drop_entry(struct keyspace *k, uint32_t db, struct entry *e)
{
    k = home_of_entry(k, e);
    struct table *t = keyspace_table(k, db);
    CHECK(e->table_id == t->id);
    keyspace_table_remove(k, t, entry_hash(e, &k->hash_key), e);
}

void keyspace_on_created(struct keyspace *k,
                         void (*hook)(void *context, uint32_t db, const struct entry *e),
                         void *context)
{
    CHECK(!k->joint);
    k->on_created = hook;
    k->on_created_context = context;
}

void keyspace_on_gone(struct keyspace *k,
                      void (*hook)(void *context, uint32_t db, struct bytes key), void *context)
{
    CHECK(!k->joint);
    k->on_gone = hook;
    k->on_gone_context = context;
}

void keyspace_on_missed(struct keyspace *k,
                        void (*hook)(void *context, uint32_t db, struct bytes key), void *context)
{
    CHECK(!k->joint);
    k->on_missed = hook;
    k->on_missed_context = context;
}
