#include "tools/bench/homes.h"
#include <stdlib.h>
#include "dataplane/base/hash.h"

enum { SLOTS = 16384 };

uint32_t homes_shard_of_name(struct bytes name, uint32_t shard_count)
{
    return crc16(name.data, name.size) % SLOTS * shard_count / SLOTS;
}

enum status homes_open(struct homes *h, uint32_t shard_count, uint32_t key_count)
{
    *h = (struct homes){ .shard_count = shard_count };
    if (shard_count < 1 || shard_count > HOMES_SHARDS_MAX) return ERR_NO_SPACE;
    h->of_key = malloc(key_count);
    return h->of_key ? OK : ERR_NO_SPACE;
}

void homes_close(struct homes *h)
{
    free(h->of_key);
    h->of_key = NULL;
}

void homes_add(struct homes *h, uint32_t key, struct bytes name)
{
    uint32_t shard = homes_shard_of_name(name, h->shard_count);
    h->of_key[key] = (uint8_t)shard;
    h->key_counts[shard]++;
}

bool homes_are_all_used(const struct homes *h)
{
    for (uint32_t i = 0; i < h->shard_count; i++)
        if (h->key_counts[i] == 0) return false;
    return true;
}
