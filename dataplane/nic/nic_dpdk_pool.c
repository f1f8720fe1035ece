#include <stdio.h>
#include "dataplane/nic/nic_dpdk_priv.h"

enum { POOL_CACHE_MAX = 256 };

static uint32_t left(const struct rte_mempool *mp)
{
    const struct rte_mempool_cache *cache =
        rte_mempool_default_cache((struct rte_mempool *)mp, rte_lcore_id());
    return rte_mempool_get_ops(mp->ops_index)->get_count(mp) + (cache ? cache->len : 0);
}

static bool is_down_to_reserve(struct rte_mempool *mp)
{
    const struct rte_mempool_cache *cache = rte_mempool_default_cache(mp, rte_lcore_id());
    if (LIKELY(cache && cache->len > DPDK_RX_RESERVE)) return false;
    return left(mp) <= DPDK_RX_RESERVE;
}

static struct frame *pool_take_frame(struct frame_pool *pool)
{
    struct dpdk_pool *p = (struct dpdk_pool *)pool;
    struct rte_mbuf *m = is_down_to_reserve(p->mbufs) ? NULL : rte_pktmbuf_alloc(p->mbufs);
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
    uint32_t count = left(((struct dpdk_pool *)pool)->mbufs);
    return count > DPDK_RX_RESERVE ? count - DPDK_RX_RESERVE : 0;
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

static uint32_t cache_size(uint32_t count)
{
    return count / 8 < POOL_CACHE_MAX ? count / 8 : POOL_CACHE_MAX;
}

static const uint32_t frame_bytes_private = RTE_ALIGN(sizeof(struct frame), RTE_MBUF_PRIV_ALIGN);

static struct rte_mempool *make_pool(const char *kind, uint32_t index, uint32_t count,
                                     uint32_t data_bytes, int socket)
{
    char name[RTE_MEMPOOL_NAMESIZE];
    snprintf(name, sizeof name, "%s%u", kind, index);
    return rte_pktmbuf_pool_create(name, count, cache_size(count), frame_bytes_private,
                                   (uint16_t)data_bytes, socket);
}

// Not spread over memory channels: that would pad an element beyond its limit.
static struct rte_mempool *make_plain_pool(uint32_t index, uint32_t count, uint32_t element_bytes,
                                           int socket)
{
    char name[RTE_MEMPOOL_NAMESIZE];
    uint32_t object_bytes = element_bytes - RTE_CACHE_LINE_SIZE; // after the pool's own header
    struct rte_pktmbuf_pool_private private = {
        .mbuf_data_room_size = (uint16_t)(object_bytes - sizeof(struct rte_mbuf))
    };
    snprintf(name, sizeof name, "plain%u", index);
    struct rte_mempool *mp =
        rte_mempool_create_empty(name, count, object_bytes, cache_size(count), sizeof private,
                                 socket, RTE_MEMPOOL_F_NO_SPREAD);
    if (!mp) return NULL;
    rte_pktmbuf_pool_init(mp, &private);
    if (rte_mempool_populate_default(mp) < 0) {
        rte_mempool_free(mp);
        return NULL;
    }
    rte_mempool_obj_iter(mp, rte_pktmbuf_init, NULL);
    return mp;
}

static bool make_pools(struct dpdk_pool *p, uint32_t index, const struct dpdk_pool_sizes *s,
                       int socket)
{
    uint32_t room = s->payload_bytes + FRAME_HEADROOM;
    p->mbufs = make_pool("frames", index, s->frame_count, room, socket);
    if (!p->mbufs) return false; // rte_errno is of the first that fails
    p->slices = make_pool("slices", index, s->frame_count, 0, socket);
    if (!p->slices) return false;
    if (s->plain_count)
        p->plain = p->copies = make_plain_pool(index, s->plain_count, s->plain_bytes, socket);
    else
        p->copies = make_pool("copies", index, s->copy_count, room, socket);
    return p->copies != NULL;
}

enum status dpdk_pool_open(struct dpdk_pool *p, uint32_t index, const struct dpdk_pool_sizes *sizes,
                           int socket)
{
    if (!make_pools(p, index, sizes, socket)) return ERR_NO_SPACE;
    rte_mempool_obj_iter(p->mbufs, frame_init, NULL);
    // A ring's receiver gets the very copy that was sent, and takes it for a frame.
    if (!p->plain) rte_mempool_obj_iter(p->copies, frame_init, NULL);
    p->pool = (struct frame_pool){ .take = pool_take_frame,
                                   .slice = pool_slice,
                                   .give = pool_give_frame,
                                   .available = pool_available,
                                   .total = sizes->frame_count,
                                   .payload_bytes = sizes->payload_bytes };
    return OK;
}

// With the ring that holds what is free, the pool's own header and its caches.
static uint64_t mempool_bytes(uint32_t count, uint32_t element_bytes, uint32_t page_bytes)
{
    uint32_t per_page = page_bytes / element_bytes;
    uint64_t elements = per_page
                            ? RTE_ALIGN_MUL_CEIL((uint64_t)count, per_page) / per_page * page_bytes
                            : (uint64_t)count * RTE_ALIGN(element_bytes, page_bytes);
    uint64_t ring = rte_align64pow2(count + 1ull) * sizeof(void *);
    uint64_t caches = (uint64_t)RTE_MAX_LCORE * sizeof(struct rte_mempool_cache);
    return elements + page_bytes + ring + caches;
}

uint64_t dpdk_pool_bytes(const struct dpdk_pool_sizes *s, uint32_t page_bytes)
{
    uint32_t slice_bytes = (uint32_t)sizeof(struct rte_mbuf) + frame_bytes_private;
    uint32_t frame_bytes = slice_bytes + FRAME_HEADROOM + s->payload_bytes;
    uint32_t slice = rte_mempool_calc_obj_size(slice_bytes, 0, NULL);
    uint32_t frame = rte_mempool_calc_obj_size(frame_bytes, 0, NULL);
    uint64_t bytes = mempool_bytes(s->frame_count, frame, page_bytes) +
                     mempool_bytes(s->frame_count, slice, page_bytes);
    return bytes + (s->plain_count ? mempool_bytes(s->plain_count, s->plain_bytes, page_bytes)
                                   : mempool_bytes(s->copy_count, frame, page_bytes));
}
