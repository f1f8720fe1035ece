#include "dataplane/shard/hub.h"
#include <stdlib.h>
#include <string.h>

static enum status open_rings(struct hub *h)
{
    for (uint32_t from = 0; from < h->shard_count; from++)
        for (uint32_t to = 0; to < h->shard_count; to++) {
            if (from == to) continue;
            enum status status = word_ring_open(&h->rings[from][to], HUB_RING_WORDS);
            if (status != OK) return status;
        }
    return OK;
}

enum status hub_open(struct hub **out, uint32_t shard_count)
{
    struct hub *h = aligned_alloc(64, sizeof *h);
    enum status status = OK;
    *out = NULL;
    if (!h) return ERR_NO_SPACE;
    memset(h, 0, sizeof *h);
    h->shard_count = shard_count;
    h->node.shard_count = shard_count;
    placement_init(&h->node.placement, shard_count);
    h->node.joint_last = clock_wall_us();
    rng_entropy(&h->node.hash_key, sizeof h->node.hash_key);
    for (uint32_t i = 0; i < shard_count; i++) h->wakers[i].fd = -1;
    for (uint32_t i = 0; i < shard_count && status == OK; i++) status = waker_open(&h->wakers[i]);
    if (status == OK) status = open_rings(h);
    if (status != OK) {
        hub_close(h);
        return status;
    }
    *out = h;
    return OK;
}

void hub_close(struct hub *h)
{
    if (!h) return;
    for (uint32_t i = 0; i < h->shard_count; i++) waker_close(&h->wakers[i]);
    for (uint32_t from = 0; from < h->shard_count; from++)
        for (uint32_t to = 0; to < h->shard_count; to++) word_ring_close(h->rings[from][to]);
    free(h);
}
