// Hashes: a listpack while they are small, else field by field; with deadlines in types of their
// own.
#include <stdlib.h>
#include "dataplane/base/check.h"
#include "dataplane/types/hash_priv.h"
#include "dataplane/types/value_dump.h"

enum { SMALL_DEADLINES = 512 }; // fields of a hash that is written as one listpack

static void put_pair(struct value_dump *d, struct bytes a, struct bytes b)
{
    value_dump_text(d, a);
    d->texts[1] = b;
    d->text_count = 2;
}

static void begin_small_hash(struct value_dump *d)
{
    struct listpack_writer w;
    struct hash_field f;
    value_iter_init(&d->iter, &d->cut);
    listpack_begin(&w, &d->scratch);
    while (hash_iter_next(&d->iter.hash, &f)) {
        listpack_put(&w, f.field);
        listpack_put(&w, f.value);
    }
    listpack_end(&w);
    d->rdb_type = RDB_HASH_LISTPACK;
    value_dump_scratch(d);
}

struct field_order {
    uint64_t deadline_ms; // UINT64_MAX: none; those come last
    uint64_t index;
};

static int by_deadline(const void *a, const void *b)
{
    const struct field_order *x = a, *y = b;
    if (x->deadline_ms != y->deadline_ms) return x->deadline_ms < y->deadline_ms ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static uint32_t sort_by_deadline(const struct hash_cut *cut,
                                 struct field_order order[SMALL_DEADLINES])
{
    uint32_t count = 0;
    for (uint64_t i = 0; i < cut->total && count < SMALL_DEADLINES; i++) {
        char scratch[2][24];
        struct hash_field f;
        if (!hash_cut_at(cut, i, scratch, &f)) continue;
        order[count++] = (struct field_order){ f.deadline_ms ? f.deadline_ms : UINT64_MAX, i };
    }
    qsort(order, count, sizeof order[0], by_deadline);
    return count;
}

// Triples of field, value and deadline, sorted by deadline.
static void begin_small_deadlines(struct value_dump *d, uint64_t earliest_ms)
{
    struct field_order order[SMALL_DEADLINES];
    struct listpack_writer w;
    uint32_t count = sort_by_deadline(&d->cut.hash, order);
    listpack_begin(&w, &d->scratch);
    for (uint32_t i = 0; i < count; i++) {
        char scratch[2][24];
        struct hash_field f;
        CHECK(hash_cut_at(&d->cut.hash, order[i].index, scratch, &f));
        listpack_put(&w, f.field);
        listpack_put(&w, f.value);
        listpack_put_int(&w, (int64_t)f.deadline_ms);
    }
    listpack_end(&w);
    d->rdb_type = RDB_HASH_PACK_DEADLINES;
    d->rdb_version = RDB_VERSION_DEADLINES;
    d->deadline_ms = earliest_ms;
    value_dump_scratch(d);
}

// The deadlines are written as distances from now: all that are left lie ahead.
static void begin_large_deadlines(struct value_dump *d, uint64_t now_ms)
{
    d->rdb_type = RDB_HASH_DEADLINES;
    d->rdb_version = RDB_VERSION_DEADLINES;
    d->deadline_ms = now_ms;
    d->left = d->cut.hash.count;
    value_iter_init(&d->iter, &d->cut);
}

bool value_dump_hash_begin(struct value_dump *d, const struct entry *e, uint64_t now_ms)
{
    const struct hash_cut *cut = &d->cut.hash;
    uint64_t earliest_ms;
    char scratch[24];
    struct bytes field;
    if (cut->count == 0) return false;
    if (hash_is_object(e) && hash_object_next(hash_object_of(e), &earliest_ms, scratch, &field)) {
        bool is_small = cut->encoding == ENCODING_LISTPACKEX && cut->total <= SMALL_DEADLINES &&
                        cut->tree.bytes <= VALUE_DUMP_SMALL_BYTES;
        if (is_small)
            begin_small_deadlines(d, earliest_ms);
        else
            begin_large_deadlines(d, now_ms);
    } else if (hash_cut_is_pack(cut) && cut->bytes.size <= VALUE_DUMP_SMALL_BYTES) {
        begin_small_hash(d);
    } else {
        d->rdb_type = RDB_HASH;
        d->left = cut->count;
        value_iter_init(&d->iter, &d->cut);
    }
    return true;
}

void value_dump_hash_item(struct value_dump *d)
{
    struct hash_field f;
    CHECK(hash_iter_next(&d->iter.hash, &f));
    if (d->rdb_type == RDB_HASH_DEADLINES)
        rdb_put_length(d->out, f.deadline_ms ? f.deadline_ms - d->deadline_ms + 1 : 0);
    put_pair(d, f.field, f.value);
}
