// OpenSSL 3 deprecates the functions on a context of one's own: those that are to replace them look
// their algorithm up and allocate each time, which takes three times as long as a short text does.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "dataplane/types/digest.h"
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include "dataplane/base/check.h"
#include "dataplane/keyspace/joint.h"
#include "dataplane/keyspace/walk.h"
#include "dataplane/types/value_digest.h"

_Static_assert(DIGEST_BYTES == SHA_DIGEST_LENGTH, "a digest is a SHA-1");

_Static_assert(sizeof(SHA_CTX) <= sizeof(struct digest_text), "a text's sum has room");

static SHA_CTX *context_of(struct digest_text *t) { return (SHA_CTX *)(void *)t->state; }

// ---- bytes

void digest_text_begin(struct digest_text *t) { CHECK(SHA1_Init(context_of(t))); }

void digest_text_add(struct digest_text *t, struct bytes piece)
{
    CHECK(SHA1_Update(context_of(t), piece.data, piece.size));
}

static void text_end(struct digest_text *t, uint8_t sum[DIGEST_BYTES])
{
    CHECK(SHA1_Final(sum, context_of(t)));
}

static void sha1(struct bytes bytes, uint8_t sum[DIGEST_BYTES])
{
    struct digest_text t;
    digest_text_begin(&t);
    digest_text_add(&t, bytes);
    text_end(&t, sum);
}

static void add_sum(uint8_t digest[DIGEST_BYTES], const uint8_t sum[DIGEST_BYTES])
{
    for (uint32_t i = 0; i < DIGEST_BYTES; i++) digest[i] ^= sum[i];
}

void digest_add(uint8_t digest[DIGEST_BYTES], struct bytes bytes)
{
    uint8_t sum[DIGEST_BYTES];
    sha1(bytes, sum);
    add_sum(digest, sum);
}

static void mix_sum(uint8_t digest[DIGEST_BYTES], const uint8_t sum[DIGEST_BYTES])
{
    uint8_t before[DIGEST_BYTES];
    add_sum(digest, sum);
    memcpy(before, digest, DIGEST_BYTES);
    sha1(bytes_make(before, DIGEST_BYTES), digest);
}

void digest_mix(uint8_t digest[DIGEST_BYTES], struct bytes bytes)
{
    uint8_t sum[DIGEST_BYTES];
    sha1(bytes, sum);
    mix_sum(digest, sum);
}

void digest_mix_text(uint8_t digest[DIGEST_BYTES], struct digest_text *t)
{
    uint8_t sum[DIGEST_BYTES];
    text_end(t, sum);
    mix_sum(digest, sum);
}

// ---- all data

void digest_key(uint8_t digest[DIGEST_BYTES], struct bytes name)
{
    memset(digest, 0, DIGEST_BYTES);
    digest_mix(digest, name);
}

void digest_add_key(uint8_t keys[DIGEST_BYTES], const uint8_t key[DIGEST_BYTES])
{
    digest_add(keys, bytes_make(key, DIGEST_BYTES));
}

void digest_add_database(uint8_t digest[DIGEST_BYTES], uint32_t db,
                         const uint8_t keys[DIGEST_BYTES])
{
    uint8_t number[4];
    store_be32(number, db);
    digest_mix(digest, bytes_make(number, sizeof number));
    add_sum(digest, keys);
}

// ---- in one go

void digest_value(struct keyspace *k, const struct entry *e, uint64_t now_ms,
                  uint8_t digest[DIGEST_BYTES])
{
    struct value_digest d;
    memcpy(d.digest, digest, DIGEST_BYTES);
    value_digest_begin(&d, keyspace_home(k, entry_key(e)), e, now_ms);
    while (!value_digest_step(&d, UINT32_MAX)) continue;
    value_digest_end(&d);
    memcpy(digest, d.digest, DIGEST_BYTES);
}

struct sum {
    struct keyspace *keyspace;
    uint64_t now_ms;
    uint8_t keys[DIGEST_BYTES];
};

static void add_key(void *context, const struct entry *e)
{
    struct sum *sum = context;
    uint8_t one[DIGEST_BYTES];
    digest_key(one, entry_key(e));
    digest_value(sum->keyspace, e, sum->now_ms, one);
    digest_add_key(sum->keys, one);
}

void digest_dataset(struct keyspace *k, uint32_t database_count, uint64_t now_ms,
                    uint8_t digest[DIGEST_BYTES])
{
    memset(digest, 0, DIGEST_BYTES);
    for (uint32_t db = 0; db < database_count; db++) {
        struct sum sum = { .keyspace = k, .now_ms = now_ms };
        struct keyspace_walk walk;
        if (keyspace_size(k, db) == 0) continue;
        keyspace_walk_begin(&walk, k, db, now_ms, add_key, &sum);
        while (!keyspace_walk_step(&walk)) continue;
        keyspace_walk_end(&walk);
        digest_add_database(digest, db, sum.keys);
    }
}

void digest_sha1_hex(struct bytes data, char hex[DIGEST_HEX_CHARS])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t sum[DIGEST_BYTES];
    sha1(data, sum);
    for (uint32_t i = 0; i < DIGEST_BYTES; i++) {
        hex[2 * i] = digits[sum[i] >> 4];
        hex[2 * i + 1] = digits[sum[i] & 15];
    }
}

void digest_end_thread(void) { OPENSSL_thread_stop(); }
