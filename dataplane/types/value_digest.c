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

static void begin_string(struct value_digest *d, const struct entry *e)
{
    string_read(e, &d->string.view);
    d->string.blob = d->string.view.blob;
    d->string.at = 0;
    if (!d->string.blob) {
        digest_mix(d->digest, d->string.view.bytes);
        return;
    }
    blob_hold(d->string.blob);
    digest_text_begin(&d->string.text);
}

static bool step_string(struct value_digest *d, uint32_t budget)
{
    struct bytes text = d->string.view.bytes;
    if (!d->string.blob) return true;
    for (; d->string.at < text.size && budget > 0; budget--) {
        size_t left = text.size - d->string.at, size = left < PIECE_BYTES ? left : PIECE_BYTES;
        digest_text_add(&d->string.text, bytes_make(text.data + d->string.at, size));
        d->string.at += size;
    }
    if (d->string.at < text.size) return false;
    digest_mix_text(d->digest, &d->string.text);
    return true;
}

static void end_string(struct value_digest *d)
{
    if (d->string.blob) blob_release(d->string.blob);
}

// ---- the next element of the others; false: no more

static bool next_of_list(struct value_digest *d)
{
    struct bytes text;
    if (!list_iter_next(&d->list.iter, &text)) return false;
    digest_mix(d->digest, text);
    return true;
}

static bool next_of_set(struct value_digest *d)
{
    struct bytes member;
    if (!set_iter_next(&d->set.iter, &member)) return false;
    digest_add(d->digest, member);
    return true;
}

static bool next_of_zset(struct value_digest *d)
{
    struct bytes member;
    double score;
    char text[64];
    if (!zset_iter_next(&d->zset.iter, &member, &score)) return false;
    int size = snprintf(text, sizeof text, "%.17g", score);
    add_pair(d->digest, member, bytes_make(text, (size_t)size));
    return true;
}

static bool next_of_hash(struct value_digest *d)
{
    struct hash_field field;
    if (!hash_iter_next(&d->hash.iter, &field)) return false;
    add_pair(d->digest, field.field, field.value);
    return true;
}

static bool next_of_stream(struct value_digest *d)
{
    struct stream_item item;
    struct bytes field, value;
    char text[48];
    if (!stream_iter_next(&d->stream.iter, &item)) return false;
    int size = snprintf(text, sizeof text, "%llu.%llu", (unsigned long long)item.id.ms,
                        (unsigned long long)item.id.seq);
    digest_mix(d->digest, bytes_make(text, (size_t)size));
    while (stream_iter_pair(&d->stream.iter, &field, &value)) {
        digest_mix(d->digest, field);
        digest_mix(d->digest, value);
    }
    return true;
}

static bool next_element(struct value_digest *d)
{
    switch (d->type) {
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

static void begin_collection(struct value_digest *d, const struct entry *e, uint64_t now_ms)
{
    struct keyspace *k = d->keyspace;
    switch (d->type) {
    case TYPE_LIST:
        list_cut(k, e, &d->list.cut);
        list_iter_init(&d->list.iter, &d->list.cut, 0, false);
        break;
    case TYPE_SET:
        set_cut(k, e, &d->set.cut);
        set_iter_init(&d->set.iter, &d->set.cut);
        break;
    case TYPE_ZSET:
        zset_cut(k, e, &d->zset.cut);
        zset_iter_init(&d->zset.iter, &d->zset.cut, 0, false);
        break;
    case TYPE_HASH:
        hash_cut(k, e, now_ms, &d->hash.cut);
        hash_iter_init(&d->hash.iter, &d->hash.cut);
        break;
    default:
        stream_cut(k, e, false, &d->stream.cut);
        stream_iter_init(&d->stream.iter, &d->stream.cut, STREAM_ID_ZERO, STREAM_ID_MAX, false);
    }
}

void value_digest_begin(struct value_digest *d, struct keyspace *k, const struct entry *e,
                        uint64_t now_ms)
{
    uint8_t type[4];
    d->keyspace = k;
    d->type = entry_type(e);
    d->has_deadline = entry_deadline_ms(e) != KEYSPACE_NO_DEADLINE;
    store_be32(type, (uint32_t)d->type);
    digest_mix(d->digest, bytes_make(type, sizeof type));
    if (d->type == TYPE_STRING)
        begin_string(d, e);
    else
        begin_collection(d, e, now_ms);
}

bool value_digest_step(struct value_digest *d, uint32_t budget)
{
    if (d->type == TYPE_STRING) {
        if (!step_string(d, budget)) return false;
    } else {
        for (; budget > 0; budget--)
            if (!next_element(d)) break;
        if (budget == 0) return false;
    }
    if (d->has_deadline) digest_add(d->digest, bytes_text("!!expire!!"));
    return true;
}

void value_digest_end(struct value_digest *d)
{
    struct keyspace *k = d->keyspace;
    switch (d->type) {
    case TYPE_STRING:
        end_string(d);
        break;
    case TYPE_LIST:
        list_cut_drop(k, &d->list.cut);
        break;
    case TYPE_SET:
        set_cut_drop(k, &d->set.cut);
        break;
    case TYPE_ZSET:
        zset_cut_drop(k, &d->zset.cut);
        break;
    case TYPE_HASH:
        hash_cut_drop(k, &d->hash.cut);
        break;
    case TYPE_STREAM:
        stream_cut_drop(k, &d->stream.cut);
        break;
    }
}
