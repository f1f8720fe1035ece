#include <stdio.h>
#include "dataplane/nic/nic_dpdk_priv.h"

enum { POOL_CACHE_MAX = 256 };

static struct frame *pool_take_frame(struct frame_pool *pool)
{
    struct dpdk_pool *p = (struct dpdk_pool *)pool;
    struct rte_mbuf *m = rte_pktmbuf_alloc(p->mbufs);
    if (UNLIKELY(!m)) return NULL;
    struct frame *f = mbuf_frame(m);
    f->next = f->body = NULL;
    f->data = f->buffer + FRAME_HEADROOM;
    f->size = 0;
    f->flags = 0;
    return f;
}

static struct frame *pool_slice(struct frame_pool *pool, struct frame *body, const uint8_t *data,
                                uint32_t size)
{
    struct dpdk_pool *p = (struct dpdk_pool *)pool;
    struct rte_mbuf *m = rte_pktmbuf_alloc(p->slices);
    if (UNLIKELY(!m)) return NULL;
    rte_pktmbuf_attach(m, frame_mbuf(body));
    struct frame *f = (struct frame *)(m + 1); // priv_size is the body's now, the place is not
    f->next = f->body = NULL;
    f->buffer = f->data = (uint8_t *)(uintptr_t)data;
    f->buffer_size = f->size = size;
    f->refs = &m->refcnt;
    f->flags = 0;
    return f;
}

static void pool_give_frame(struct frame_pool *pool, struct frame *f)
{
    while (f) {
        struct frame *body = f->body;
        rte_pktmbuf_free_seg(frame_mbuf(f));
        f = body;
    }
}

static uint32_t pool_available(struct frame_pool *pool)
{
    struct rte_mempool *mp = ((struct dpdk_pool *)pool)->mbufs;
    const struct rte_mempool_cache *cache = rte_mempool_default_cache(mp, rte_lcore_id());
    return rte_mempool_get_ops(mp->ops_index)->get_count(mp) + (cache ? cache->len : 0);
}

// Runs once per mbuf after DPDK's own set-up: what never changes about its frame.
static void frame_init(struct rte_mempool *mp, void *context, void *object, unsigned index)
{
    struct rte_mbuf *m = object;
    struct frame *f = mbuf_frame(m);
    memset(f, 0, sizeof *f);
    f->buffer = m->buf_addr;
    f->buffer_size = m->buf_len;
    f->refs = &m->refcnt;
}

static struct rte_mempool *make_pool(const char *kind, uint32_t index, uint32_t count,
                                     uint32_t data_bytes, int socket)
{
    char name[RTE_MEMPOOL_NAMESIZE];
    uint32_t cache = count / 8 < POOL_CACHE_MAX ? count / 8 : POOL_CACHE_MAX;
    snprintf(name, sizeof name, "%s%u", kind, index);
    return rte_pktmbuf_pool_create(name, count, cache,
                                   RTE_ALIGN(sizeof(struct frame), RTE_MBUF_PRIV_ALIGN),
                                   (uint16_t)data_bytes, socket);
}

enum status dpdk_pool_open(struct dpdk_pool *p, uint32_t index, uint32_t frame_count,
                           uint32_t payload_bytes, int socket)
{
    p->mbufs = make_pool("frames", index, frame_count, payload_bytes + FRAME_HEADROOM, socket);
    p->slices = make_pool("slices", index, frame_count, 0, socket);
    if (!p->mbufs || !p->slices) return ERR_NO_SPACE;
    rte_mempool_obj_iter(p->mbufs, frame_init, NULL);
    p->pool = (struct frame_pool){ .take = pool_take_frame,
                                   .slice = pool_slice,
                                   .give = pool_give_frame,
                                   .available = pool_available,
                                   .total = frame_count,
                                   .payload_bytes = payload_bytes };
    return OK;
}

// Not spread over memory channels: that would pad an element beyond its limit.
enum status dpdk_pool_add_plain(struct dpdk_pool *p, uint32_t index, uint32_t count,
                                uint32_t element_bytes, int socket)
{
    char name[RTE_MEMPOOL_NAMESIZE];
    uint32_t object_bytes = element_bytes - RTE_CACHE_LINE_SIZE; // after the pool's own header
    struct rte_pktmbuf_pool_private private = {
        .mbuf_data_room_size = (uint16_t)(object_bytes - sizeof(struct rte_mbuf))
    };
    snprintf(name, sizeof name, "plain%u", index);
    p->plain = rte_mempool_create_empty(name, count, object_bytes, POOL_CACHE_MAX, sizeof private,
                                        socket, RTE_MEMPOOL_F_NO_SPREAD);
    if (!p->plain) return ERR_NO_SPACE;
    rte_pktmbuf_pool_init(p->plain, &private);
    if (rte_mempool_populate_default(p->plain) < 0) return ERR_NO_SPACE;
    rte_mempool_obj_iter(p->plain, rte_pktmbuf_init, NULL);
    return OK;
}
