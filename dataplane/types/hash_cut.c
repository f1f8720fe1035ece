// Versions of a hash that stay as they are, and going over them.
#include "dataplane/types/hash_priv.h"

enum { RANDOM_TRIES = 64 };

void hash_view(const struct entry *e, uint64_t now_ms, struct hash_cut *cut)
{
    cut->pack = NULL;
    cut->encoding = entry_encoding(e);
    cut->now_ms = now_ms;
    if (hash_is_object(e)) {
        const struct hash_object *o = hash_object_of(e);
        cut->bytes = bytes_make(NULL, 0);
        cut->tree = o->fields;
        cut->total = o->fields.count;
        cut->count = cut->total - hash_object_expired(o, now_ms);
    } else {
        cut->bytes = value_bytes(e);
        cut->total = cut->count = pack_count(cut->bytes) / 2;
    }
}

void hash_cut(struct keyspace *k, const struct entry *e, uint64_t now_ms, struct hash_cut *cut)
{
    hash_view(e, now_ms, cut);
    if (hash_cut_is_pack(cut)) {
        cut->pack = value_hold_bytes(k, e);
        cut->bytes = blob_bytes(cut->pack);
    } else {
        tree_cut(&cut->tree, &hash_object_of(e)->fields);
    }
}

void hash_cut_drop(struct keyspace *k, struct hash_cut *cut)
{
    if (cut->pack)
        blob_release(cut->pack);
    else
        tree_drop(keyspace_space(k), &cut->tree);
}

// ---- going over it

// True: the field is there.
static bool read_record(const struct hash_cut *cut, const uint8_t *field, char scratch[2][24],
                        struct hash_field *out)
{
    const uint8_t *value = field + packed_size(field);
    out->deadline_ms = packed_deadline_ms(value);
    if (hash_is_past(out->deadline_ms, cut->now_ms)) return false;
    out->field = packed_text(field, scratch[0]);
    out->value = packed_text(value, scratch[1]);
    return true;
}

void hash_iter_init(struct hash_iter *i, const struct hash_cut *cut)
{
    i->cut = cut;
    if (hash_cut_is_pack(cut))
        i->at = pack_first(cut->bytes);
    else
        tree_first(&cut->tree, &i->cursor);
}

bool hash_iter_next(struct hash_iter *i, struct hash_field *out)
{
    if (hash_cut_is_pack(i->cut)) {
        if (i->at == pack_end(i->cut->bytes)) return false;
        CHECK(read_record(i->cut, i->at, i->scratch, out));
        i->at += packed_size(i->at);
        i->at += packed_size(i->at);
        return true;
    }
    while (i->cursor.record) {
        bool is_there = read_record(i->cut, i->cursor.record, i->scratch, out);
        tree_next(&i->cursor); // a cut's bytes stay
        if (is_there) return true;
    }
    return false;
}

bool hash_cut_at(const struct hash_cut *cut, uint64_t index, char scratch[2][24],
                 struct hash_field *out)
{
    struct tree_cursor c;
    if (hash_cut_is_pack(cut))
        return read_record(cut, pack_at(cut->bytes, (uint32_t)index * 2), scratch, out);
    CHECK(tree_at(&cut->tree, index, &c));
    return read_record(cut, c.record, scratch, out);
}

struct scan {
    const struct hash_cut *cut;
    void (*visit)(void *context, const struct hash_field *field);
    void *context;
};

static void scan_record(void *context, const uint8_t *record)
{
    const struct scan *s = context;
    struct hash_field field;
    char scratch[2][24];
    if (read_record(s->cut, record, scratch, &field)) s->visit(s->context, &field);
}

uint64_t hash_cut_scan(const struct hash_cut *cut, uint64_t cursor, uint64_t least,
                       void (*visit)(void *context, const struct hash_field *field), void *context)
{
    struct scan s = { cut, visit, context };
    if (!hash_cut_is_pack(cut)) return tree_scan(&cut->tree, cursor, least, scan_record, &s);
    struct hash_iter i;
    struct hash_field field;
    hash_iter_init(&i, cut);
    while (hash_iter_next(&i, &field)) visit(context, &field);
    return 0;
}

// While a wave of expired fields is being removed the dice may not find another one; then it is the
// next one behind the last throw.
bool hash_random(const struct hash_cut *cut, struct rng *rng, char scratch[2][24],
                 struct hash_field *out)
{
    uint64_t index = 0;
    if (!cut->count) return false;
    for (uint32_t i = 0; i < RANDOM_TRIES; i++) {
        index = rng_below(rng, cut->total);
        if (hash_cut_at(cut, index, scratch, out)) return true;
    }
    struct tree_cursor c;
    tree_at(&cut->tree, index, &c);
    while (!read_record(cut, c.record, scratch, out))
        if (!tree_next(&c)) tree_first(&cut->tree, &c);
    return true;
}
