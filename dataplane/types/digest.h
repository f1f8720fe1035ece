// digest.h: what DEBUG DIGEST says of data: equal data, equal digest, whoever holds it.
//
// Source:  Redis 7.2's behaviour (DEBUG DIGEST, DIGEST-VALUE), compared with a real server by tests
// Thread:  the shard
// Memory:  none beyond cuts during the call, which runs to its end however much there is: for tests
#pragma once
#include <stdint.h>
#include "dataplane/keyspace/keyspace.h"

enum { DIGEST_BYTES = 20 };

// Adds the value of e (its type and that it has a deadline too) to digest, which begins as zeros.
void digest_value(struct keyspace *k, const struct entry *e, uint64_t now_ms,
                  uint8_t digest[DIGEST_BYTES]);
// SHA-1 of data in lower case, without a terminator: what scripts are named by.
enum { DIGEST_HEX_CHARS = 2 * DIGEST_BYTES };
void digest_sha1_hex(struct bytes data, char hex[DIGEST_HEX_CHARS]);
// Of all keys of all databases.
void digest_dataset(struct keyspace *k, uint32_t database_count, uint64_t now_ms,
                    uint8_t digest[DIGEST_BYTES]);
