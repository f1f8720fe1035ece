// digest.h: what DEBUG DIGEST says of data: equal data, equal digest, whoever holds it.
//
// Source:  Redis 7.2's behaviour (DEBUG DIGEST, DIGEST-VALUE), compared with a real server by tests
// Thread:  the shard
// Memory:  none beyond cuts during the call, which runs to its end however much there is
#pragma once
#include <stdint.h>
#include "dataplane/keyspace/keyspace.h"

enum { DIGEST_BYTES = 20 };

// ---- its two ways to add bytes to a digest, which begins as zeros
void digest_add(uint8_t digest[DIGEST_BYTES], struct bytes bytes); // in any order
void digest_mix(uint8_t digest[DIGEST_BYTES], struct bytes bytes); // in this order
// digest_mix of a long text, a piece at a time.
struct digest_text {
    uint64_t state[12];
};
void digest_text_begin(struct digest_text *t);
void digest_text_add(struct digest_text *t, struct bytes piece);
void digest_mix_text(uint8_t digest[DIGEST_BYTES], struct digest_text *t); // the end of it

// ---- all data: databases that have keys, in their order, each with the sum of its keys
void digest_key(uint8_t digest[DIGEST_BYTES], struct bytes name); // zeros: then its value's
void digest_add_key(uint8_t keys[DIGEST_BYTES], const uint8_t key[DIGEST_BYTES]);
void digest_add_database(uint8_t digest[DIGEST_BYTES], uint32_t db,
                         const uint8_t keys[DIGEST_BYTES]);

// In one go, for tests. A value: its type, and that it has a deadline, too. value_digest.h does it
// in slices, cmd/cmd_debug_digest.c all data.
void digest_value(struct keyspace *k, const struct entry *e, uint64_t now_ms,
                  uint8_t digest[DIGEST_BYTES]);
void digest_dataset(struct keyspace *k, uint32_t database_count, uint64_t now_ms,
                    uint8_t digest[DIGEST_BYTES]);

// SHA-1 of data in lower case, without a terminator: what scripts are named by.
enum { DIGEST_HEX_CHARS = 2 * DIGEST_BYTES };
void digest_sha1_hex(struct bytes data, char hex[DIGEST_HEX_CHARS]);
// Of a thread that ends and may have asked for one: what OpenSSL keeps of it goes.
void digest_end_thread(void);
