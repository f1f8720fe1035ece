#include <stdio.h>
#include "dataplane/nic/nic_dpdk_priv.h"

// What lies in a thread's cache no other thread can have. Of several that share a pool one might
// starve beside the full cache of another that has nothing to send: seen for half a minute, with
// caches of an eighth of the pool.
enum {
    POOL_CACHE_MAX = 256,                     // of a pool that one thread uses
    SHARED_CACHE = NIC_BURST,                 // of a shared one
    SHARED_CACHE_FULL = SHARED_CACHE * 3 / 2, // DPDK lets a cache grow to this
};

uint32_t dpdk_pool_reserve(uint32_t user_count)
{
    return DPDK_RX_RESERVE + (user_count - 1) * SHARED_CACHE_FULL;
}

// As far as the calling thread can reach them.
static uint32_t left(const struct rte_mempool *mp)
{
    const struct rte_mempool_cache *cache =
        rte_mempool_default_cache((struct rte_mempool *)mp, rte_lcore_id());
    return rte_mempool_get_ops(mp->ops_index)->get_count(mp) + (cache ? cache->len : 0);
}

static bool is_down_to_reserve(const struct dpdk_pool *p)
{
    const struct rte_mempool_cache *cache = rte_mempool_default_cache(p->mbufs, rte_lcore_id());
    if (LIKELY(cache && cache->len > p->reserve)) return false;
    return left(p->mbufs) <= p->reserve;
}

static struct frame *pool_take_frame(struct frame_pool *pool)
{
    struct dpdk_pool *p = (struct dpdk_pool *)pool;
    struct rte_mbuf *m = is_down_to_reserve(p) ? NULL : rte_pktmbuf_alloc(p->mbufs);
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

// A thread's cache of a pool that it never takes from would only hide frames from those who do.
static void give_past_cache(struct rte_mbuf *m)
{
    void *object = rte_pktmbuf_prefree_seg(m);
    if (object) rte_mempool_generic_put(m->pool, &object, 1, NULL);
}

static void pool_give_frame(struct frame_pool *pool, struct frame *f)
{
    const struct dpdk_pool *p = (struct dpdk_pool *)pool;
    while (f) {
        struct frame *body = f->body;
        struct rte_mbuf *m = frame_mbuf(f);
        if (LIKELY(m->pool == p->mbufs || m->pool == p->slices))
            rte_pktmbuf_free_seg(m);
        else
            give_past_cache(m);
        f = body;
    }
}

static uint32_t pool_available(struct frame_pool *pool)
{
    const struct dpdk_pool *p = (struct dpdk_pool *)pool;
    uint32_t count = left(p->mbufs);
    return count > p->reserve ? count - p->reserve : 0;
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

static uint32_t cache_size(uint32_t count, uint32_t user_count)
{
    uint32_t most = user_count > 1 ? SHARED_CACHE : POOL_CACHE_MAX;
    return count / 8 < most ? count / 8 : most;
}

static const uint32_t frame_bytes_private = RTE_ALIGN(sizeof(struct frame), RTE_MBUF_PRIV_ALIGN);

static struct rte_mempool *make_pool(const char *kind, uint32_t index, uint32_t count,
                                     uint32_t user_count, uint32_t data_bytes, int socket)
{
    char name[RTE_MEMPOOL_NAMESIZE];
    snprintf(name, sizeof name, "%s%u", kind, index);
    return rte_pktmbuf_pool_create(name, count, cache_size(count, user_count), frame_bytes_private,
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
        rte_mempool_create_empty(name, count, object_bytes, cache_size(count, 1), sizeof private,
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
    uint32_t room = s->payload_bytes + FRAME_HEADROOM, users = s->user_count;
    p->mbufs = make_pool("frames", index, s->frame_count, users, room, socket);
    if (!p->mbufs) return false; // rte_errno is of the first that fails
    p->slices = make_pool("slices", index, s->frame_count, users, 0, socket);
    if (!p->slices) return false;
    if (s->plain_count)
        p->plain = p->copies = make_plain_pool(index, s->plain_count, s->plain_bytes, socket);
    else
        p->copies = make_pool("copies", index, s->copy_count, 1, room, socket);
    return p->copies != NULL;
}

enum status dpdk_pool_open(struct dpdk_pool *p, uint32_t index, const struct dpdk_pool_sizes *sizes,
                           int socket)
{
    if (!make_pools(p, index, sizes, socket)) return ERR_NO_SPACE;
    p->reserve = dpdk_pool_reserve(sizes->user_count);
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
