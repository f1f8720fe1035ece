// nic.h: contract of one NIC queue pair: bursts in, bursts out. nic_dpdk.c and nic_mem.c implement
// it.
//
// Thread:  rx and tx: the shard that polls it. The queue pairs of one port are polled by as many
//          threads. Of DPDK's, the pool (take, slice, give) may be used by any thread that has
//          called nic_attach or polls a queue; frames of one pool may be given to another of the
//          same port. The memory port has one thread
// Memory:  rx gives frames to the caller; tx takes one reference of each frame it accepts
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/status.h"
#include "dataplane/nic/frame.h"

struct nic_caps {
    uint8_t mac[6];
    uint16_t mtu; // bytes of IP packet
    bool tx_ip_checksum, tx_l4_checksum;
    bool rx_checksum;
    bool multi_segment;     // a frame with a body goes out without being copied together
    uint32_t tso_bytes_max; // payload of one oversized segment; 0 = no TSO
    // Of a port with several queues: all frames of a TCP connection come in on the same one, and
    // connections are spread over all of them.
    bool keeps_flows;
};

struct nic_queue;
struct nic_ops {
    uint32_t (*rx)(struct nic_queue *q, struct frame **frames,
                   uint32_t count_max); // count_max <= NIC_BURST
    // Returns how many were accepted, from the first; the rest stay the caller's.
    uint32_t (*tx)(struct nic_queue *q, struct frame **frames, uint32_t count);
    bool (*link_is_up)(
        struct nic_queue *q); // what the driver says; virtual ones lie (spec/testbed.md)
    struct nic_queue *(*sibling)(struct nic_queue *q, uint32_t index);
    void (*attach)(struct nic_queue *q);
};

struct nic_queue {
    const struct nic_ops *ops;
    struct frame_pool *pool;
    struct nic_caps caps;
    uint32_t index, count; // this one among the queue pairs of its port
};

static inline uint32_t nic_rx(struct nic_queue *q, struct frame **frames, uint32_t count_max)
{
    return q->ops->rx(q, frames, count_max);
}
static inline uint32_t nic_tx(struct nic_queue *q, struct frame **frames, uint32_t count)
{
    return q->ops->tx(q, frames, count);
}
// Another queue pair of the same port; index < q->count.
static inline struct nic_queue *nic_sibling(struct nic_queue *q, uint32_t index)
{
    return q->ops->sibling(q, index);
}
// The calling thread will use q's pool without polling q.
static inline void nic_attach(struct nic_queue *q) { q->ops->attach(q); }
