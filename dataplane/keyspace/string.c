// String values: how text, integers and large values are held, and editing in place.
#include "dataplane/keyspace/keyspace_priv.h"
#include "dataplane/base/check.h"
#include "dataplane/base/num.h"

enum { INT_TEXT_MAX = 20 }; // longer text is not looked at as a number, as Redis

// ---- values on their way

// In as few bytes as hold it: next to a short key that is often a smaller size class.
static void value_of_int(struct value *v, int64_t n)
{
    uint32_t size = n == (int8_t)n ? 1 : n == (int16_t)n ? 2 : n == (int32_t)n ? 4 : 8;
    memcpy(v->scratch, &n, sizeof n);
    v->encoding = ENCODING_INT;
    v->bytes = v->scratch;
    v->size = v->given = size;
}

static void value_of_inline(struct value *v, struct bytes text, uint32_t flags)
{
    int64_t n;
    if (!(flags & SET_TEXT) && text.size <= INT_TEXT_MAX && num_parse_int(text, &n)) {
        value_of_int(v, n);
        return;
    }
    v->encoding = text.size <= STRING_EMBED_MAX ? ENCODING_EMBSTR : ENCODING_RAW;
    v->bytes = text.data;
    v->size = v->given = (uint32_t)text.size;
}

// Text too long for the entry: the blob that is there when nobody else holds it and the class is
// the same, else a new one.
static struct blob *blob_of_text(struct keyspace *k, const struct entry *existing,
                                 struct bytes text)
{
    struct blob *b = existing && existing->has_blob ? entry_blob(existing) : NULL;
    size_t capacity = blob_capacity(text.size);
    if (b && b->refs == 1 && b->capacity == capacity)
        blob_hold(b);
    else
        b = blob_new(k->heap, capacity, HEAP_DATASET);
    memmove(b->data, text.data, text.size);
    b->size = text.size;
    return b;
}

static struct blob *blob_of_given(struct blob *given)
{
    if (given->owner != HEAP_DATASET) blob_book(given, HEAP_DATASET);
    if (given->refs == 1 && given->capacity - given->size > given->size / 8)
        given = blob_resize(given, blob_capacity(given->size));
    return given;
}

// *given, when it goes into the value, becomes NULL.
static void value_of_text(struct keyspace *k, const struct entry *existing, struct bytes text,
                          struct blob **given, uint32_t flags, struct value *v)
{
    *v = (struct value){ .type = TYPE_STRING, .encoding = ENCODING_RAW };
    v->access = k->lfu && existing ? existing->access : entry_access_new(k);
    if (text.size <= ENTRY_INLINE_MAX) {
        value_of_inline(v, text, flags);
    } else if (*given && LIKELY((*given)->heap == k->heap)) { // else it is copied
        v->blob = blob_of_given(*given);
        *given = NULL;
    } else {
        v->blob = blob_of_text(k, existing, text);
    }
}

// ---- reading

void string_read(const struct entry *e, struct string_view *view)
{
    CHECK(e->type == TYPE_STRING);
    view->blob = NULL;
    if (e->has_blob) {
        view->blob = entry_blob(e);
        view->bytes = blob_bytes(view->blob);
    } else if (e->encoding == ENCODING_INT) {
        view->bytes = bytes_make(view->scratch, num_format_int(view->scratch, entry_int(e)));
    } else {
        view->bytes = bytes_make(entry_value_at(e), e->value_size);
    }
}

bool string_read_int(const struct entry *e, int64_t *value)
{
    CHECK(e->type == TYPE_STRING);
    if (e->encoding == ENCODING_INT) {
        *value = entry_int(e);
        return true;
    }
    if (e->has_blob) return false; // longer than any number
    return num_parse_int(bytes_make(entry_value_at(e), e->value_size), value);
}

// ---- writing

struct entry *string_set(struct keyspace *k, uint32_t db, const struct key *key, struct bytes value,
                         struct blob *given, uint64_t deadline_ms, uint32_t flags, uint64_t now_ms)
{
    k = home_of(k, key);
    k->now_ms = now_ms;
    struct table *t = keyspace_table(k, db);
    struct entry *existing = keyspace_table_find_live(k, t, key, now_ms);
    if (flags & SET_KEEP_DEADLINE)
        deadline_ms = existing ? entry_deadline_ms(existing) : KEYSPACE_NO_DEADLINE;
    struct value v;
    value_of_text(k, existing, given ? blob_bytes(given) : value, &given, flags, &v);
    struct entry *e = keyspace_table_put(k, t, key, existing, &v, deadline_ms);
    if (given) blob_release(given); // small, or of another heap: the entry has a copy
    k->dirty++;
    return e;
}

struct entry *string_set_int(struct keyspace *k, uint32_t db, const struct key *key,
                             struct entry *existing, int64_t value)
{
    k = home_of(k, key);
    struct table *t = keyspace_table(k, db);
    struct value v = { .type = TYPE_STRING };
    v.access = existing ? existing->access : entry_access_new(k);
    value_of_int(&v, value);
    k->dirty++;
    return keyspace_table_put(k, t, key, entry_in_place(t, key, existing), &v,
                              existing ? entry_deadline_ms(existing) : KEYSPACE_NO_DEADLINE);
}

// ---- editing in place

struct entry *string_edit(struct keyspace *k, uint32_t db, const struct key *key,
                          struct entry *existing, size_t size, uint8_t **bytes)
{
    k = home_of(k, key);
    struct string_view old = { .blob = NULL };
    if (existing) string_read(existing, &old);
    k->dirty++;
    struct edit edit = { .type = TYPE_STRING,
                         .encoding = ENCODING_RAW,
                         .old = old.bytes,
                         .old_blob = old.blob,
                         .size = size,
                         .grows = true };
    return keyspace_edit(k, keyspace_table(k, db), key, existing, &edit, bytes);
}
