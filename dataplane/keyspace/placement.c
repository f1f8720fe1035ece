#include "dataplane/keyspace/placement.h"
#include <string.h>
#include "dataplane/base/check.h"
#include "dataplane/base/hash.h"

uint32_t key_slot(struct bytes name)
{
    const uint8_t *open = name.size ? memchr(name.data, '{', name.size) : NULL;
    if (open) {
        size_t left = name.size - (size_t)(open + 1 - name.data);
        const uint8_t *close = memchr(open + 1, '}', left);
        if (close && close > open + 1) name = bytes_make(open + 1, (size_t)(close - open - 1));
    }
    return crc16(name.data, name.size) % SLOT_COUNT;
}

void placement_init(struct placement *p, uint32_t shard_count)
{
    CHECK(shard_count >= 1 && shard_count <= PLACEMENT_SHARDS_MAX);
    *p = (struct placement){ .shard_count = shard_count };
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++)
        p->shard_of_slot[slot] = (uint8_t)((uint64_t)slot * shard_count / SLOT_COUNT);
}

void placement_begin_move(struct placement *p, const struct placement_move *move)
{
    CHECK(!p->move.is_active && move->from != move->to && move->to < p->shard_count);
    CHECK(move->first <= move->last && move->last < SLOT_COUNT);
    p->move = *move;
    p->move.is_active = true;
    p->generation++;
}

void placement_end_move(struct placement *p)
{
    for (uint32_t slot = p->move.first; slot <= p->move.last; slot++)
        if (placement_is_in_transit(p, slot)) p->shard_of_slot[slot] = p->move.to;
    p->move.is_active = false;
    p->generation++;
}
