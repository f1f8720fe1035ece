// outq.h: bytes on their way out: a queue of pieces, written once, sent by whichever transport owns
// the connection.
//
// Thread:  the shard that owns the connection
// Memory:  the queue owns its pieces. A piece is a block the queue may append to (a packet buffer
// of the NIC, or heap),
//          or a reference to bytes that live elsewhere (a large value) and are released when sent.
// Writers append; the transport takes pieces, or parts of them, from the head. Reply bytes are
// written straight into the packet buffer they leave in when the transport's source hands out
// packet buffers.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"

enum { OUTQ_RESERVE_MAX = 512 }; // largest contiguous reservation, bytes

struct outq;
struct piece;

struct piece {
    struct piece *next;
    uint8_t *data; // first byte not yet taken by the transport
    uint32_t used; // bytes at data
    uint32_t room; // bytes behind data + used that may still be written; 0 once sealed or borrowed
    void (*release)(struct piece *p); // gives the piece (and what it refers to) back to its maker
    void *owner;                      // for release: pool, heap or value
};

// Where a queue gets its blocks. One per transport and shard; it may choose by how much q already
// holds.
struct piece_source {
    // A block with room >= want (want <= OUTQ_RESERVE_MAX), used == 0; NULL when the budget is
    // spent.
    struct piece *(*take)(struct piece_source *source, const struct outq *q, uint32_t want);
    // A borrowed piece over bytes that are released by release_value(value) once sent; NULL when
    // the budget is spent.
    struct piece *(*take_ref)(struct piece_source *source, struct bytes bytes,
                              void (*release_value)(void *value), void *value);
    uint8_t sink[OUTQ_RESERVE_MAX]; // where a broken queue's writes go
};

struct outq {
    struct piece *head, *tail;
    uint64_t bytes;              // not yet taken by the transport
    uint64_t bytes_total;        // ever appended
    struct piece_source *source; // borrowed
    uint32_t open_gaps;          // outq_gap without its outq_gap_fill: nothing may leave
    bool is_held;                // nothing may leave, though there is no gap: cmd/log_wait.h
    bool broken; // a block could not be had: output is lost, the connection must be closed
};

void outq_init(struct outq *q, struct piece_source *source);
void outq_clear(struct outq *q); // releases everything

// want contiguous writable bytes, 1..OUTQ_RESERVE_MAX; never NULL (a broken queue writes to the
// sink). Valid until the next call on the queue. outq_commit says how many were used.
uint8_t *outq_reserve_slow(struct outq *q, uint32_t want);
static inline uint8_t *outq_reserve(struct outq *q, uint32_t want)
{
    struct piece *p = q->tail;
    if (p && p->room >= want && !q->broken) return p->data + p->used;
    return outq_reserve_slow(q, want);
}
static inline void outq_commit(struct outq *q, uint32_t size)
{
    if (q->broken) return;
    q->tail->used += size;
    q->tail->room -= size;
    q->bytes += size;
    q->bytes_total += size;
}
void outq_append(struct outq *q, struct bytes bytes); // copies, over as many blocks as needed
// Refers to bytes instead of copying; release_value(value) is called exactly once, also when it
// fails or is cleared.
void outq_append_ref(struct outq *q, struct bytes bytes, void (*release_value)(void *value),
                     void *value);
// Seals the tail and appends an empty block of its own whose bytes are written later through the
// returned piece (outq_gap_fill, at most OUTQ_GAP_MAX bytes): reply lengths that are known only at
// the end. NULL when broken. The transport must not be flushed while a gap is open.
enum { OUTQ_GAP_MAX = 32 };
struct piece *outq_gap(struct outq *q);
void outq_gap_fill(struct outq *q, struct piece *gap, struct bytes bytes);
// Transport side: drop the first size bytes (<= q->bytes), releasing pieces that are used up.
void outq_drop(struct outq *q, uint64_t size);
// Transport side: unlink and return the head piece; NULL when empty.
struct piece *outq_take(struct outq *q);

// A source that hands out blocks of block_size bytes from the shard's heap, booked to
// HEAP_CLIENT_OUT.
struct heap;
struct heap_piece_source {
    struct piece_source source;
    struct heap *heap; // borrowed
    uint32_t block_size;
};
void heap_piece_source_init(struct heap_piece_source *s, struct heap *heap, uint32_t block_size);
