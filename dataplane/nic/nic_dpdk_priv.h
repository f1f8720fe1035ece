// nic_dpdk_priv.h: what the files of nic_dpdk share: a port as a queue pair, a frame as the private
// area of an mbuf.
//
//   mempool element:  | mbuf 128 | struct frame | headroom 128 | data ...
//
// A frame's references are the mbuf's own count, so whoever drops the last one, driver or stack,
// gives the buffer back. A slice is an indirect mbuf of a pool of its own.
#pragma once
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include "dataplane/nic/nic_dpdk.h"

_Static_assert(RTE_PKTMBUF_HEADROOM == FRAME_HEADROOM, "frames start where DPDK's data does");

enum {
    NIC_DPDK_PORTS_MAX = 8,
    NIC_DPDK_QUEUES_MAX = 64, // of a port
    DPDK_CLEANUP_POLLS = 256, // sent buffers are asked back every so many polls
    DPDK_REFUSALS_MAX =
        65536, // then the first frame is dropped: it may be what the driver dislikes
    DPDK_NAME_BYTES = 32,
    DPDK_RX_RESERVE = 2 * NIC_BURST, // frames; dpdk_pool.reserve
    DPDK_DRAIN_FRAMES = 2048,        // copied out of a port per poll: what AF_XDP's rings hold
};

struct dpdk_pool {
    struct frame_pool pool; // first: what the stack sees
    struct rte_mempool *mbufs, *slices;
    struct rte_mempool *copies; // what is sent as a copy, so that it needs no frame to leave
    struct rte_mempool *plain;  // without room for a struct frame: received packets are copied out
    // The last frames go to received packets and to nothing else: they bring the ACKs that set
    // other frames free. So many that DPDK_RX_RESERVE are left for the thread that receives when
    // the caches of all others are full, which it cannot reach.
    uint32_t reserve;
};

struct dpdk_queue {
    struct nic_queue queue; // first: what the shard sees
    struct dpdk_pool pool;
    struct dpdk_port *owner;
    uint16_t port, id;         // ethdev's numbers
    bool is_attached;          // the polling thread has an lcore id of its own, for mempool caches
    bool can_clean_up;         // the driver answers rte_eth_tx_done_cleanup
    uint32_t copied_bytes_max; // frames that somebody holds are sent as copies up to this size
    bool prepares_plain;       // tx_prepare for checksum offload too, not for TSO alone
    bool has_sent;             // since the last clean-up
    // Received frames that wait for the next poll, when packets are copied out of the port.
    struct frame *backlog, *backlog_tail;
    uint32_t backlog_count;
    uint32_t polls;
    uint32_t refusals;                 // calls of tx in a row that sent nothing
    uint64_t rx_rejected, tx_rejected; // frames in pieces that do not fit one buffer; unpreparable
};

struct dpdk_port {
    uint16_t id;
    bool is_started, is_configured;
    char driver[DPDK_NAME_BYTES];
    uint32_t queue_count;
    struct dpdk_queue *queues;
};

static inline struct rte_mbuf *frame_mbuf(const struct frame *f)
{
    return (struct rte_mbuf *)((uintptr_t)f - sizeof(struct rte_mbuf));
}
static inline struct frame *mbuf_frame(struct rte_mbuf *m)
{
    return (struct frame *)rte_mbuf_to_priv(m);
}

// nic_dpdk_pool.c. What a queue pair's pools hold.
struct dpdk_pool_sizes {
    uint32_t frame_count, copy_count;
    uint32_t user_count;    // threads that take frames from it
    uint32_t payload_bytes; // room behind the headroom
    // Buffers of plain_bytes in all, for a driver that allows no more (AF_XDP: a page); count 0:
    // none. They take the place of copies.
    uint32_t plain_count, plain_bytes;
};
// index: no other pool of the process has the same.
enum status dpdk_pool_open(struct dpdk_pool *p, uint32_t index, const struct dpdk_pool_sizes *sizes,
                           int socket) MUST_USE;
uint32_t dpdk_pool_reserve(uint32_t user_count);
// Memory that dpdk_pool_open asks EAL for: no element crosses a page of page_bytes.
uint64_t dpdk_pool_bytes(const struct dpdk_pool_sizes *sizes, uint32_t page_bytes);

// nic_dpdk_port.c: finds, configures and starts the port of devargs[index]. What is open of it when
// that fails is closed by dpdk_port_close, too.
enum status dpdk_port_open(struct dpdk_port *p, const struct nic_dpdk_config *config,
                           uint32_t index, char *error, uint32_t error_bytes) MUST_USE;
void dpdk_port_close(struct dpdk_port *p);
// What a queue pair's pools shall hold, when the port has queue_count of them.
struct dpdk_pool_sizes dpdk_port_pool_sizes(const struct nic_dpdk_config *config,
                                            const char *devarg, uint32_t queue_count, uint16_t mtu,
                                            uint16_t rx_count, uint16_t tx_count, bool is_xdp);

// nic_dpdk_queue.c
extern const struct nic_ops dpdk_queue_ops;

// nic_dpdk_eal.c: starts EAL with the arguments that config asks for. *words: memory that EAL may
// point into as long as it is used; free() it after that. error as in nic_dpdk_open.
enum status dpdk_eal_start(const struct nic_dpdk_config *config, void **words, char *error,
                           uint32_t error_bytes) MUST_USE;
bool dpdk_is_pci_address(const char *devarg); // [dddd:]bb:dd.f, perhaps with arguments behind it
