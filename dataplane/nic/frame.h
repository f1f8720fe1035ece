// frame.h: one packet in a buffer, seen without knowing what driver it came from.
//
// Thread:  the frame's owner: the shard that polled or took it, or the one it was handed to. While
//          a driver polled by another thread has a reference, the count is all that both touch
// Memory:  frames come from a frame_pool and go back to it. A frame has one owner at a time, and a
//          count of references: the driver holds one of its own while the frame is on its way out
//          (frame_is_busy).
// The DPDK driver keeps a struct frame in each mbuf's private area; the memory driver carves its
// own.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/outq.h"

enum {
    NIC_BURST = 32, // frames per rx or tx call
    FRAME_HEADROOM =
        128, // before the payload of a frame taken for output: room for every header we prepend
};

enum frame_flags {
    FRAME_RX_IP_GOOD = 1 << 0, // the port verified the IPv4 header checksum
    FRAME_RX_IP_BAD = 1 << 1,
    FRAME_RX_L4_GOOD = 1 << 2, // the port verified (or vouches for) the TCP/UDP checksum
    FRAME_RX_L4_BAD = 1 << 3,
    FRAME_TX_IP_CSUM = 1 << 4, // the port shall fill in the IPv4 header checksum (field is 0)
    FRAME_TX_L4_CSUM =
        1 << 5, // the port shall fill in the TCP checksum (field holds the pseudo-header sum)
    FRAME_TX_TSO = 1 << 6, // the port shall cut this into segments of tso_mss_bytes
    FRAME_IS_IPV6 = 1 << 7,
    FRAME_IS_COPY = 1 << 8, // of what another stack of the same addresses received, and answers
};

struct frame {
    struct piece piece; // used while the frame carries reply bytes in an outq or a TCP send queue
    struct frame *next; // for whoever owns the frame: queues, out-of-order lists
    uint8_t *buffer;    // start of the buffer
    uint8_t *data;      // first valid byte; moves as headers are parsed or prepended
    uint32_t size;      // valid bytes at data, in this frame
    uint32_t buffer_size;
    uint16_t *refs; // the buffer's reference count, 1 when only its owner has it
    struct frame
        *body; // tx: payload that follows this one's bytes on the wire (a slice); NULL when none
    uint64_t arrival_tsc;                  // rx: when the burst was read
    uint32_t flags;                        // enum frame_flags
    uint16_t l2_bytes, l3_bytes, l4_bytes; // tx header lengths, for offloads
    uint16_t tso_mss_bytes;
    uint32_t seq; // TCP: first sequence number of the payload
    uint32_t tag; // for its owner
};

// Prepend: false (and nothing done) when there is no headroom.
static inline bool frame_push(struct frame *f, uint32_t size)
{
    if ((size_t)(f->data - f->buffer) < size) return false;
    f->data -= size;
    f->size += size;
    return true;
}
static inline bool frame_pull(struct frame *f, uint32_t size)
{
    if (f->size < size) return false;
    f->data += size;
    f->size -= size;
    return true;
}
static inline struct bytes frame_bytes(const struct frame *f)
{
    return bytes_make(f->data, f->size);
}
// True while the driver still has the frame: its bytes, headers too, must not be touched.
static inline bool frame_is_busy(const struct frame *f)
{
    return __atomic_load_n(f->refs, __ATOMIC_ACQUIRE) > 1;
}
// One more reference to the frame and to each body chained to it. References always count for the
// whole chain: drivers give the buffers of a chain back one by one, each by its own count. Nobody
// else has one yet: the driver that lets go of it in another thread gets it later.
static inline void frame_hold(struct frame *f)
{
    for (; f; f = f->body) ++*f->refs;
}

// Where frames come from.
struct frame_pool {
    // An empty frame: data at buffer + FRAME_HEADROOM, size 0; NULL when the pool is spent.
    struct frame *(*take)(struct frame_pool *pool);
    // A frame that stands for size bytes of body at data (within body's buffer): no copy, body's
    // buffer is held until the slice is given back. It has no headroom; chain it behind a header
    // frame (header->body). NULL when spent.
    struct frame *(*slice)(struct frame_pool *pool, struct frame *body, const uint8_t *data,
                           uint32_t size);
    // Drops one reference of f and of each body chained to it. A body is chained before the first
    // frame_hold, while every frame of the chain has one reference.
    void (*give)(struct frame_pool *pool, struct frame *f);
    uint32_t (*available)(struct frame_pool *pool); // frames left, roughly: for back-pressure
    uint32_t total;
    uint32_t payload_bytes; // room behind FRAME_HEADROOM
};
