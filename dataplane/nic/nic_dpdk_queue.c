#include <rte_lcore.h>
#include <rte_net.h>
#include <rte_prefetch.h>
#include "dataplane/base/check.h"
#include "dataplane/base/clock.h"
#include "dataplane/nic/nic_dpdk_priv.h"

// DPDK's mempool caches belong to lcore ids; a thread that EAL did not start asks for one.
// Without (all ids taken) everything works, slower.
static void register_thread(struct nic_queue *q)
{
    if (rte_lcore_id() == LCORE_ID_ANY) (void)rte_thread_register();
}

static void attach_thread(struct dpdk_queue *q)
{
    register_thread(&q->queue);
    q->is_attached = true;
}

// Drivers give sent buffers back when they send again. On a quiet port that may be never, and a
// frame they have may not be sent again by TCP.
static void clean_up(struct dpdk_queue *q)
{
    q->has_sent = false;
    if (q->can_clean_up) (void)rte_eth_tx_done_cleanup(q->port, q->id, 0);
}

// Checksum verdicts. "None" is DPDK's word for a sum that is not filled in because the sender is on
// this machine and vouches for the bytes (virtio, vhost). Unknown sets neither flag.
static uint32_t rx_flags(uint64_t ol)
{
    uint32_t flags = 0;
    uint64_t ip = ol & RTE_MBUF_F_RX_IP_CKSUM_MASK, l4 = ol & RTE_MBUF_F_RX_L4_CKSUM_MASK;
    if (LIKELY((ip | l4) == 0)) return 0;
    if (ip == RTE_MBUF_F_RX_IP_CKSUM_GOOD || ip == RTE_MBUF_F_RX_IP_CKSUM_NONE)
        flags |= FRAME_RX_IP_GOOD;
    else if (ip == RTE_MBUF_F_RX_IP_CKSUM_BAD)
        flags |= FRAME_RX_IP_BAD;
    if (l4 == RTE_MBUF_F_RX_L4_CKSUM_GOOD || l4 == RTE_MBUF_F_RX_L4_CKSUM_NONE)
        flags |= FRAME_RX_L4_GOOD;
    else if (l4 == RTE_MBUF_F_RX_L4_CKSUM_BAD)
        flags |= FRAME_RX_L4_BAD;
    return flags;
}

// Buffers are made large enough for the MTU, so pieces come only from a peer that ignores it.
static bool is_whole(struct dpdk_queue *q, struct rte_mbuf *m)
{
    if (LIKELY(m->nb_segs == 1) || rte_pktmbuf_linearize(m) == 0) return true;
    q->rx_rejected++;
    rte_pktmbuf_free(m);
    return false;
}

// Moves a packet from a buffer that cannot be a frame into one that is.
static struct rte_mbuf *copy_out(struct dpdk_queue *q, struct rte_mbuf *m)
{
    struct rte_mbuf *fresh = rte_pktmbuf_alloc(q->pool.mbufs);
    void *to = fresh ? rte_pktmbuf_append(fresh, m->data_len) : NULL;
    if (to) {
        memcpy(to, rte_pktmbuf_mtod(m, void *), m->data_len);
    } else {
        rte_pktmbuf_free(fresh);
        fresh = NULL;
        q->rx_rejected++;
    }
    rte_pktmbuf_free(m);
    return fresh;
}

static struct frame *received(struct rte_mbuf *m, uint64_t tsc)
{
    struct frame *f = mbuf_frame(m);
    f->next = f->body = NULL;
    f->data = rte_pktmbuf_mtod(m, uint8_t *);
    f->size = m->data_len;
    f->arrival_tsc = tsc;
    f->flags = rx_flags(m->ol_flags);
    return f;
}

static void backlog_add(struct dpdk_queue *q, struct frame *f)
{
    if (q->backlog)
        q->backlog_tail->next = f;
    else
        q->backlog = f;
    q->backlog_tail = f;
    q->backlog_count++;
}

// Empties the port as far as there are frames to spare. AF_XDP posts 2048 buffers, whatever the
// descriptors: when hundreds of clients send at once, more than that arrives while one burst is
// worked on.
static void drain(struct dpdk_queue *q, uint32_t count_min)
{
    struct rte_mbuf *mbufs[NIC_BURST];
    struct frame_pool *pool = &q->pool.pool;
    for (uint32_t total = 0, got = NIC_BURST; got == NIC_BURST && total < DPDK_DRAIN_FRAMES;) {
        if (q->backlog_count >= count_min && pool->available(pool) < pool->total / 2) return;
        got = rte_eth_rx_burst(q->port, q->id, mbufs, NIC_BURST);
        uint64_t tsc = clock_tsc();
        for (uint32_t i = 0; i < got; i++) rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], void *));
        for (uint32_t i = 0; i < got; i++) {
            struct rte_mbuf *m = is_whole(q, mbufs[i]) ? copy_out(q, mbufs[i]) : NULL;
            if (m) backlog_add(q, received(m, tsc));
        }
        total += got;
    }
}

static uint32_t rx_copied(struct dpdk_queue *q, struct frame **frames, uint32_t count_max)
{
    uint32_t count = 0;
    drain(q, count_max);
    for (; count < count_max && q->backlog; count++) {
        struct frame *f = frames[count] = q->backlog;
        q->backlog = f->next;
        f->next = NULL;
    }
    q->backlog_count -= count;
    return count;
}

static uint32_t rx_in_place(struct dpdk_queue *q, struct frame **frames, uint32_t count_max)
{
    struct rte_mbuf *mbufs[NIC_BURST];
    uint32_t count = 0;
    uint16_t got = rte_eth_rx_burst(q->port, q->id, mbufs, (uint16_t)count_max);
    if (got == 0) return 0;
    uint64_t tsc = clock_tsc();
    for (uint32_t i = 0; i < got; i++) { // headers and frames, before any is looked at
        rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], void *));
        rte_prefetch0(mbufs[i] + 1); // its struct frame
        rte_prefetch0((uint8_t *)(mbufs[i] + 1) + 64);
    }
    for (uint32_t i = 0; i < got; i++)
        if (LIKELY(is_whole(q, mbufs[i]))) frames[count++] = received(mbufs[i], tsc);
    return count;
}

static uint32_t queue_rx(struct nic_queue *nq, struct frame **frames, uint32_t count_max)
{
    struct dpdk_queue *q = (struct dpdk_queue *)nq;
    CHECK(count_max <= NIC_BURST);
    if (UNLIKELY(!q->is_attached)) attach_thread(q);
    if (UNLIKELY(++q->polls >= DPDK_CLEANUP_POLLS)) {
        q->polls = 0;
        if (q->has_sent) clean_up(q);
    }
    return q->pool.plain ? rx_copied(q, frames, count_max) : rx_in_place(q, frames, count_max);
}

static uint64_t tx_flags(const struct frame *f)
{
    uint64_t ol = f->flags & FRAME_IS_IPV6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4;
    if (f->flags & FRAME_TX_IP_CSUM) ol |= RTE_MBUF_F_TX_IP_CKSUM;
    if (f->flags & FRAME_TX_TSO)
        ol |= RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_TCP_CKSUM;
    else if (f->flags & FRAME_TX_L4_CSUM)
        ol |= RTE_MBUF_F_TX_TCP_CKSUM;
    return ol;
}

static void set_offloads(struct rte_mbuf *m, const struct frame *f)
{
    if (!(f->flags & (FRAME_TX_IP_CSUM | FRAME_TX_L4_CSUM | FRAME_TX_TSO))) {
        m->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
        return;
    }
    m->ol_flags = (m->ol_flags & (RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL)) | tx_flags(f);
    m->tx_offload = 0;
    m->l2_len = f->l2_bytes & 0x7fu;
    m->l3_len = f->l3_bytes & 0x1ffu;
    m->l4_len = (uint8_t)f->l4_bytes;
    m->tso_segsz = f->tso_mss_bytes;
}

// The chain of frames as a chain of segments.
static struct rte_mbuf *chain(struct frame *head)
{
    struct rte_mbuf *first = frame_mbuf(head), *last = NULL;
    first->nb_segs = 0;
    first->pkt_len = 0;
    for (struct frame *f = head; f; f = f->body) {
        struct rte_mbuf *m = frame_mbuf(f);
        m->data_off = (uint16_t)(f->data - (uint8_t *)m->buf_addr);
        m->data_len = (uint16_t)f->size;
        first->pkt_len += f->size;
        first->nb_segs++;
        if (last) last->next = m;
        last = m;
    }
    last->next = NULL;
    set_offloads(first, head);
    return first;
}

// All bytes in one fresh buffer: for ports without segments, and for those that keep buffers. Not
// a frame: when TCP has them all, it waits for what this packet brings about. There are more copies
// than the driver can hold.
static struct rte_mbuf *copy(struct dpdk_queue *q, const struct frame *head)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(q->pool.copies);
    if (!m) return NULL;
    for (const struct frame *f = head; f; f = f->body) {
        void *to = rte_pktmbuf_append(m, (uint16_t)f->size);
        if (!to) {
            rte_pktmbuf_free(m);
            return NULL;
        }
        memcpy(to, f->data, f->size);
    }
    set_offloads(m, head);
    return m;
}

static bool must_copy(const struct dpdk_queue *q, const struct frame *f)
{
    if (f->body) return !q->queue.caps.multi_segment || q->copied_bytes_max == UINT32_MAX;
    return f->size <= q->copied_bytes_max && frame_is_busy(f);
}

// How many of mbufs may be handed to the driver. A packet that it calls impossible is dropped by
// the caller, alone.
static uint16_t prepare(struct dpdk_queue *q, struct rte_mbuf **mbufs, uint16_t count,
                        uint32_t flags)
{
    bool is_needed = (flags & FRAME_TX_TSO) ||
                     (q->prepares_plain && (flags & (FRAME_TX_L4_CSUM | FRAME_TX_IP_CSUM)));
    return is_needed ? rte_eth_tx_prepare(q->port, q->id, mbufs, count) : count;
}

static uint32_t queue_tx(struct nic_queue *nq, struct frame **frames, uint32_t count)
{
    struct dpdk_queue *q = (struct dpdk_queue *)nq;
    struct rte_mbuf *mbufs[NIC_BURST];
    uint32_t ready = 0, flags = 0, copied = 0; // copied: a bit per frame
    CHECK(count <= NIC_BURST);
    if (UNLIKELY(!q->is_attached)) attach_thread(q);
    for (; ready < count; ready++) {
        struct frame *f = frames[ready];
        bool is_copy = must_copy(q, f);
        mbufs[ready] = is_copy ? copy(q, f) : chain(f);
        if (UNLIKELY(!mbufs[ready])) break; // no buffer: the rest waits
        copied |= (uint32_t)is_copy << ready;
        flags |= f->flags;
    }
    uint16_t fit = prepare(q, mbufs, (uint16_t)ready, flags);
    // AF_XDP takes back what the kernel is done with, and wakes the kernel, even if nothing goes.
    uint32_t sent = fit || q->pool.plain ? rte_eth_tx_burst(q->port, q->id, mbufs, fit) : 0;
    q->has_sent = true;
    q->refusals = sent || ready == 0 ? 0 : q->refusals + 1;
    // Refused for what it is, and not for want of room: taken, and dropped here.
    bool is_bad = (sent == fit && fit < ready) || q->refusals > DPDK_REFUSALS_MAX;
    for (uint32_t i = 0; i < ready; i++) {
        bool is_copy = copied >> i & 1;
        if (is_copy && i >= sent) rte_pktmbuf_free(mbufs[i]);
        if (is_copy ? i < sent + is_bad : is_bad && i == sent)
            q->pool.pool.give(&q->pool.pool, frames[i]);
    }
    if (is_bad) q->refusals = 0;
    q->tx_rejected += is_bad;
    return sent + is_bad;
}

static bool queue_link_is_up(struct nic_queue *nq)
{
    struct rte_eth_link link = { 0 };
    const struct dpdk_queue *q = (struct dpdk_queue *)nq;
    return rte_eth_link_get_nowait(q->port, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

static struct nic_queue *queue_sibling(struct nic_queue *nq, uint32_t index)
{
    CHECK(index < nq->count);
    return &((struct dpdk_queue *)nq)->owner->queues[index].queue;
}

const struct nic_ops dpdk_queue_ops = { .rx = queue_rx,
                                        .tx = queue_tx,
                                        .link_is_up = queue_link_is_up,
                                        .sibling = queue_sibling,
                                        .attach = register_thread };
