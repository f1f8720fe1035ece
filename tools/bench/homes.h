// homes.h: which shard of the server each key is on, so that a connection can ask for keys of its
// own shard only.
//
// Source:  the cluster specification's slot of a key: CRC16 of its name, modulo 16384; shards own
//          ranges of slots of equal size, in order
// Thread:  the generator
// Memory:  a byte for each key
// A connection's shard is its CLIENT ID modulo the number of shards.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"
#include "dataplane/base/status.h"

enum { HOMES_SHARDS_MAX = 64 };

struct homes {
    uint32_t shard_count; // 0: nothing is steered
    uint32_t key_counts[HOMES_SHARDS_MAX];
    uint8_t *of_key; // owned
};

// Names have no hash tags.
uint32_t homes_shard_of_name(struct bytes name, uint32_t shard_count);
static inline uint32_t homes_shard_of_client(uint64_t client_id, uint32_t shard_count)
{
    return (uint32_t)(client_id % shard_count);
}

// ERR_NO_SPACE: too many shards, or no memory.
enum status homes_open(struct homes *h, uint32_t shard_count, uint32_t key_count) MUST_USE;
void homes_close(struct homes *h);
// Each key once.
void homes_add(struct homes *h, uint32_t key, struct bytes name);
// All keys are added: there is something to ask of every shard.
bool homes_are_all_used(const struct homes *h);
static inline bool homes_is_at(const struct homes *h, uint32_t key, uint32_t shard)
{
    return h->of_key[key] == shard;
}
