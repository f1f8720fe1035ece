#include "dataplane/types/value_digest.h"
#include <stdio.h>
#include "dataplane/base/check.h"

enum { PIECE_BYTES = 4096 };

static void add_pair(uint8_t digest[DIGEST_BYTES], struct bytes a, struct bytes b)
{
    uint8_t pair[DIGEST_BYTES] = { 0 };
    digest_mix(pair, a);
    digest_mix(pair, b);
    digest_add(digest, bytes_make(pair, DIGEST_BYTES));
}

// ---- strings: one text, which may be long

// Most keys are small strings: they are read without a cut.
static bool read_small(struct value_digest *d, const struct entry *e)
{
    struct string_view view;
    string_read(e, &view);
    if (view.blob) return false;
    digest_mix(d->digest, view.bytes);
    return true;
}

static bool step_string(struct value_digest *d, uint32_t budget)
{
    struct bytes text = blob_bytes(d->cut.string);
    for (; d->string.at < text.size && budget > 0; budget--) {
        size_t left = text.size - d->string.at, size = left < PIECE_BYTES ? left : PIECE_BYTES;
        digest_text_add(&d->string.text, bytes_make(text.data + d->string.at, size));
        d->string.at += size;
    }
    if (d->string.at < text.size) return false;
    digest_mix_text(d->digest, &d->string.text);
    return true;
}

// ---- the next element of the others; false: no more

static bool next_of_list(struct value_digest *d)
{
    struct bytes text;
    if (!list_iter_next(&d->iter.list, &text)) return false;
    digest_mix(d->digest, text);
    return true;
}

static bool next_of_set(struct value_digest *d)
{
    struct bytes member;
    if (!set_iter_next(&d->iter.set, &member)) return false;
    digest_add(d->digest, member);
    return true;
}

static bool next_of_zset(struct value_digest *d)
{
    struct bytes member;
    double score;
    char text[64];
    if (!zset_iter_next(&d->iter.zset, &member, &score)) return false;
    int size = snprintf(text, sizeof text, "%.17g", score);
    add_pair(d->digest, member, bytes_make(text, (size_t)size));
    return true;
}

static bool next_of_hash(struct value_digest *d)
{
    struct hash_field field;
    if (!hash_iter_next(&d->iter.hash, &field)) return false;
    add_pair(d->digest, field.field, field.value);
    return true;
}

static bool next_of_stream(struct value_digest *d)
{
    struct stream_item item;
    struct bytes field, value;
    char text[48];
    if (!stream_iter_next(&d->iter.stream, &item)) return false;
    int size = snprintf(text, sizeof text, "%llu.%llu", (unsigned long long)item.id.ms,
                        (unsigned long long)item.id.seq);
    digest_mix(d->digest, bytes_make(text, (size_t)size));
    while (stream_iter_pair(&d->iter.stream, &field, &value)) {
        digest_mix(d->digest, field);
        digest_mix(d->digest, value);
    }
    return true;
}

static bool next_element(struct value_digest *d)
{
    switch (d->cut.type) {
    case TYPE_LIST:
        return next_of_list(d);
    case TYPE_SET:
        return next_of_set(d);
    case TYPE_ZSET:
        return next_of_zset(d);
    case TYPE_HASH:
        return next_of_hash(d);
    default:
        return next_of_stream(d);
    }
}

// ---- all types

static bool step_collection(struct value_digest *d, uint32_t budget)
{
    for (; budget > 0; budget--)
        if (!next_element(d)) return true;
    return false;
}

void value_digest_begin(struct value_digest *d, struct keyspace *k, const struct entry *e,
                        uint64_t now_ms)
{
    uint8_t type[4];
    bool is_string = entry_type(e) == TYPE_STRING;
    d->has_deadline = entry_deadline_ms(e) != KEYSPACE_NO_DEADLINE;
    store_be32(type, (uint32_t)entry_type(e));
    digest_mix(d->digest, bytes_make(type, sizeof type));
    d->is_read = is_string && read_small(d, e);
    if (d->is_read) return;
    value_cut(k, e, false, now_ms, &d->cut);
    if (is_string) {
        d->string.at = 0;
        digest_text_begin(&d->string.text);
    } else {
        value_iter_init(&d->iter, &d->cut);
    }
}

bool value_digest_step(struct value_digest *d, uint32_t budget)
{
    if (!d->is_read) {
        bool is_string = d->cut.type == TYPE_STRING;
        if (!(is_string ? step_string(d, budget) : step_collection(d, budget))) return false;
    }
    if (d->has_deadline) digest_add(d->digest, bytes_text("!!expire!!"));
    return true;
}

void value_digest_end(struct value_digest *d)
{
    if (!d->is_read) value_cut_drop(&d->cut);
}
