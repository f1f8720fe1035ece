#include "dataplane/types/hash_value.h"
#include "dataplane/types/hash_priv.h"

// ---- reading

uint64_t hash_count(const struct entry *e)
{
    if (hash_is_object(e)) return hash_object_of(e)->fields.count;
    return pack_count(value_bytes(e)) / 2;
}

uint64_t hash_bytes(const struct entry *e)
{
    return hash_is_object(e) ? hash_object_of(e)->fields.bytes : value_bytes(e).size;
}

// The element of the field's value, with its deadline if it has one; NULL: not there.
static const uint8_t *find_value(struct keyspace *k, const struct entry *e, struct bytes field,
                                 uint64_t now_ms)
{
    struct packed_needle n;
    struct tree_cursor c;
    packed_needle_init(&n, field);
    if (!hash_is_object(e)) {
        const uint8_t *found = hash_pack_find(value_bytes(e), &n);
        return found ? found + n.size : NULL;
    }
    const uint8_t *value = hash_object_find(k, hash_object_of(e), &n, &c);
    if (value && hash_is_past(packed_deadline_ms(value), now_ms)) return NULL;
    return value;
}

bool hash_get(struct keyspace *k, const struct entry *e, struct bytes field, uint64_t now_ms,
              char scratch[24], struct bytes *value)
{
    const uint8_t *found = find_value(k, e, field, now_ms);
    if (!found) return false;
    *value = packed_text(found, scratch);
    return true;
}

bool hash_deadline(struct keyspace *k, const struct entry *e, struct bytes field, uint64_t now_ms,
                   uint64_t *deadline_ms)
{
    const uint8_t *found = find_value(k, e, field, now_ms);
    if (!found) return false;
    *deadline_ms = packed_deadline_ms(found);
    return true;
}

void hash_prefetch(struct keyspace *k, const struct entry *e, struct bytes field)
{
    struct packed_needle n;
    if (!hash_is_object(e)) return;
    packed_needle_init(&n, field);
    tree_prefetch(&hash_object_of(e)->fields, tree_hash(keyspace_space(k), &n));
}

// ---- changing the form

// From nothing or a pack to an object, or an object under another name.
static struct hash_object *become(struct hash_place *p, enum value_encoding encoding)
{
    struct hash_object *o;
    if (p->entry && hash_is_object(p->entry)) {
        o = hash_object_of(p->entry);
        if (entry_encoding(p->entry) == encoding) return o;
    } else {
        o = hash_object_new(p->keyspace);
        if (p->entry) hash_object_fill(p->keyspace, o, value_bytes(p->entry));
    }
    p->entry =
        value_set_object(p->keyspace, p->db, p->key, p->entry, TYPE_HASH, encoding, &o->object);
    return o;
}

static bool is_large(const struct hash_place *p, struct bytes text)
{
    return text.size > (uint64_t)p->thresholds->hash_value_bytes;
}

static bool is_long(const struct hash_place *p, uint64_t count)
{
    return count > (uint64_t)p->thresholds->hash_entries;
}

static bool is_named_small(const struct hash_place *p)
{
    return !p->entry || entry_encoding(p->entry) != ENCODING_HASHTABLE;
}

static bool fits_pack(const struct hash_place *p, uint64_t more_bytes)
{
    size_t size = p->entry ? value_bytes(p->entry).size : PACK_HEAD;
    return size + more_bytes <= HASH_PACK_BYTES;
}

void hash_expect(struct hash_place *p, const struct bytes *argv, uint32_t argc)
{
    if (!is_named_small(p)) return;
    uint64_t bytes = 0;
    bool large = is_long(p, argc / 2);
    for (uint32_t i = 0; i < argc && !large; i++) {
        large = is_large(p, argv[i]);
        bytes += argv[i].size + PACKED_HEAD_MAX;
    }
    if (large)
        become(p, ENCODING_HASHTABLE);
    else if ((!p->entry || !hash_is_object(p->entry)) && !fits_pack(p, bytes))
        become(p, ENCODING_LISTPACK_TREE);
}

// ---- writing

bool hash_put(struct hash_place *p, struct bytes field, struct bytes value, bool keep_deadline)
{
    struct packed_needle f, v;
    packed_needle_init(&f, field);
    packed_needle_init(&v, value);
    bool small = is_named_small(p), is_new;
    if (small && (is_large(p, field) || is_large(p, value))) {
        become(p, ENCODING_HASHTABLE);
        small = false;
    }
    if (small && (!p->entry || !hash_is_object(p->entry))) {
        if (fits_pack(p, (uint64_t)f.size + v.size)) {
            is_new = hash_pack_put(p, &f, &v);
            if (is_long(p, pack_count(value_bytes(p->entry)) / 2)) become(p, ENCODING_HASHTABLE);
            return is_new;
        }
        become(p, ENCODING_LISTPACK_TREE);
    }
    struct hash_object *o = hash_object_of(p->entry);
    is_new = hash_object_put(p->keyspace, o, &f, &v, keep_deadline, p->now_ms);
    if (small && is_long(p, o->fields.count)) become(p, ENCODING_HASHTABLE);
    return is_new;
}

static void remove_field(struct hash_place *p, struct hash_object *o, struct tree_cursor *c,
                         const struct packed_needle *field)
{
    hash_object_remove(p->keyspace, o, c, field);
    if (o->fields.count) return;
    keyspace_drop_entry(p->keyspace, p->db, p->entry);
    p->entry = NULL;
}

bool hash_remove(struct hash_place *p, struct bytes field)
{
    struct packed_needle n;
    struct tree_cursor c;
    packed_needle_init(&n, field);
    if (!hash_is_object(p->entry)) return hash_pack_remove(p, &n);
    struct hash_object *o = hash_object_of(p->entry);
    const uint8_t *value = hash_object_find(p->keyspace, o, &n, &c);
    if (!value || hash_is_past(packed_deadline_ms(value), p->now_ms)) return false;
    remove_field(p, o, &c, &n);
    return true;
}

bool hash_remove_expired(struct hash_place *p, struct bytes field)
{
    if (LIKELY(!p->entry || !hash_is_object(p->entry))) return false;
    struct hash_object *o = hash_object_of(p->entry);
    if (LIKELY(!o->deadlines.count)) return false;
    struct packed_needle n;
    struct tree_cursor c;
    packed_needle_init(&n, field);
    const uint8_t *value = hash_object_find(p->keyspace, o, &n, &c);
    if (!value || !hash_is_past(packed_deadline_ms(value), p->now_ms)) return false;
    remove_field(p, o, &c, &n);
    return true;
}

bool hash_set_deadline(struct hash_place *p, struct bytes field, uint64_t deadline_ms)
{
    struct packed_needle n;
    struct tree_cursor c;
    uint64_t old_ms;
    if (!hash_deadline(p->keyspace, p->entry, field, p->now_ms, &old_ms)) return false;
    if (old_ms == deadline_ms) return true;
    struct hash_object *o = become(p, is_named_small(p) ? ENCODING_LISTPACKEX : ENCODING_HASHTABLE);
    packed_needle_init(&n, field);
    CHECK(hash_object_find(p->keyspace, o, &n, &c));
    hash_object_set_deadline(p->keyspace, o, &c, &n, deadline_ms);
    return true;
}
