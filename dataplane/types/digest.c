#include "dataplane/types/digest.h"
#include <openssl/sha.h>
#include <stdio.h>
#include "dataplane/keyspace/joint.h"
#include "dataplane/keyspace/walk.h"
#include "dataplane/types/hash_value.h"
#include "dataplane/types/list_value.h"
#include "dataplane/types/set_value.h"
#include "dataplane/types/stream_value.h"
#include "dataplane/types/zset_value.h"

_Static_assert(DIGEST_BYTES == SHA_DIGEST_LENGTH, "a digest is a SHA-1");

// ---- two ways to add bytes: in any order, and in this order

static void add(uint8_t digest[DIGEST_BYTES], struct bytes bytes)
{
    uint8_t sum[DIGEST_BYTES];
    SHA1(bytes.data, bytes.size, sum);
    for (uint32_t i = 0; i < DIGEST_BYTES; i++) digest[i] ^= sum[i];
}

static void mix(uint8_t digest[DIGEST_BYTES], struct bytes bytes)
{
    uint8_t before[DIGEST_BYTES];
    add(digest, bytes);
    memcpy(before, digest, DIGEST_BYTES);
    SHA1(before, DIGEST_BYTES, digest);
}

static void add_digest(uint8_t digest[DIGEST_BYTES], const uint8_t other[DIGEST_BYTES])
{
    add(digest, bytes_make(other, DIGEST_BYTES));
}

static void mix_be32(uint8_t digest[DIGEST_BYTES], uint32_t number)
{
    uint8_t wire[4];
    store_be32(wire, number);
    mix(digest, bytes_make(wire, sizeof wire));
}

static void add_pair(uint8_t digest[DIGEST_BYTES], struct bytes a, struct bytes b)
{
    uint8_t pair[DIGEST_BYTES] = { 0 };
    mix(pair, a);
    mix(pair, b);
    add_digest(digest, pair);
}

// ---- by type

static void digest_string(const struct entry *e, uint8_t digest[DIGEST_BYTES])
{
    struct string_view view;
    string_read(e, &view);
    mix(digest, view.bytes);
}

static void digest_list(struct keyspace *k, const struct entry *e, uint8_t digest[DIGEST_BYTES])
{
    struct list_cut cut;
    struct list_iter i;
    struct bytes text;
    list_cut(k, e, &cut);
    list_iter_init(&i, &cut, 0, false);
    while (list_iter_next(&i, &text)) mix(digest, text);
    list_cut_drop(k, &cut);
}

static void digest_set(struct keyspace *k, const struct entry *e, uint8_t digest[DIGEST_BYTES])
{
    struct set_cut cut;
    struct set_iter i;
    struct bytes member;
    set_cut(k, e, &cut);
    set_iter_init(&i, &cut);
    while (set_iter_next(&i, &member)) add(digest, member);
    set_cut_drop(k, &cut);
}

static void digest_zset(struct keyspace *k, const struct entry *e, uint8_t digest[DIGEST_BYTES])
{
    struct zset_cut cut;
    struct zset_iter i;
    struct bytes member;
    double score;
    char text[64];
    zset_cut(k, e, &cut);
    zset_iter_init(&i, &cut, 0, false);
    while (zset_iter_next(&i, &member, &score)) {
        int size = snprintf(text, sizeof text, "%.17g", score);
        add_pair(digest, member, bytes_make(text, (size_t)size));
    }
    zset_cut_drop(k, &cut);
}

static void digest_hash(struct keyspace *k, const struct entry *e, uint64_t now_ms,
                        uint8_t digest[DIGEST_BYTES])
{
    struct hash_cut cut;
    struct hash_iter i;
    struct hash_field field;
    hash_cut(k, e, now_ms, &cut);
    hash_iter_init(&i, &cut);
    while (hash_iter_next(&i, &field)) add_pair(digest, field.field, field.value);
    hash_cut_drop(k, &cut);
}

static void digest_stream(const struct entry *e, uint8_t digest[DIGEST_BYTES])
{
    struct stream_iter i;
    struct stream_item item;
    struct bytes field, value;
    stream_iter_init(&i, stream_now(stream_of(e)), STREAM_ID_ZERO, STREAM_ID_MAX, false);
    while (stream_iter_next(&i, &item)) {
        char text[48];
        int size = snprintf(text, sizeof text, "%llu.%llu", (unsigned long long)item.id.ms,
                            (unsigned long long)item.id.seq);
        mix(digest, bytes_make(text, (size_t)size));
        while (stream_iter_pair(&i, &field, &value)) {
            mix(digest, field);
            mix(digest, value);
        }
    }
}

void digest_value(struct keyspace *k, const struct entry *e, uint64_t now_ms,
                  uint8_t digest[DIGEST_BYTES])
{
    k = keyspace_home(k, entry_key(e));
    mix_be32(digest, (uint32_t)entry_type(e));
    switch (entry_type(e)) {
    case TYPE_STRING:
        digest_string(e, digest);
        break;
    case TYPE_LIST:
        digest_list(k, e, digest);
        break;
    case TYPE_SET:
        digest_set(k, e, digest);
        break;
    case TYPE_ZSET:
        digest_zset(k, e, digest);
        break;
    case TYPE_HASH:
        digest_hash(k, e, now_ms, digest);
        break;
    case TYPE_STREAM:
        digest_stream(e, digest);
        break;
    }
    if (entry_deadline_ms(e) != KEYSPACE_NO_DEADLINE) add(digest, bytes_text("!!expire!!"));
}

// ---- everything

struct sum {
    struct keyspace *keyspace;
    uint64_t now_ms;
    uint8_t *digest;
};

static void add_key(void *context, const struct entry *e)
{
    struct sum *sum = context;
    uint8_t one[DIGEST_BYTES] = { 0 };
    mix(one, entry_key(e));
    digest_value(sum->keyspace, e, sum->now_ms, one);
    add_digest(sum->digest, one);
}

void digest_dataset(struct keyspace *k, uint32_t database_count, uint64_t now_ms,
                    uint8_t digest[DIGEST_BYTES])
{
    memset(digest, 0, DIGEST_BYTES);
    for (uint32_t db = 0; db < database_count; db++) {
        struct sum sum = { k, now_ms, digest };
        struct keyspace_walk walk;
        if (keyspace_size(k, db) == 0) continue;
        mix_be32(digest, db);
        keyspace_walk_begin(&walk, k, db, now_ms, add_key, &sum);
        while (!keyspace_walk_step(&walk)) continue;
        keyspace_walk_end(&walk);
    }
}

void digest_sha1_hex(struct bytes data, char hex[DIGEST_HEX_CHARS])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t sum[DIGEST_BYTES];
    SHA1(data.data, data.size, sum);
    for (uint32_t i = 0; i < DIGEST_BYTES; i++) {
        hex[2 * i] = digits[sum[i] >> 4];
        hex[2 * i + 1] = digits[sum[i] & 15];
    }
}
