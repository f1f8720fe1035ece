// lane.h: single-producer single-consumer ring of 64-byte records, between threads or processes.
//
// Thread:  one sender, one receiver
// Memory:  lies in the shared region; holds no pointers. The receiver treats indices as hostile
// after a peer's crash:
//          they are masked, and a distance beyond the capacity counts as an empty lane (and is
//          reported).
#pragma once
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/status.h"

enum { LANE_RECORDS = 256 }; // power of two

struct lane_msg {
    uint16_t kind; // enum lane_kind
    uint16_t shard;
    uint32_t flags;
    uint64_t a, b, c; // meaning by kind: lane_msg.h
    uint8_t data[32];
};
_Static_assert(sizeof(struct lane_msg) == 64, "one message, one cache line, no pointers");

struct lane {
    alignas(64) uint64_t head; // next to write; sender's
    alignas(64) uint64_t tail; // next to read; receiver's
    alignas(64) struct lane_msg records[LANE_RECORDS];
};

// ERR_AGAIN when full.
static inline MUST_USE enum status lane_send(struct lane *l, const struct lane_msg *m)
{
    uint64_t head = __atomic_load_n(&l->head, __ATOMIC_RELAXED);
    uint64_t tail = __atomic_load_n(&l->tail, __ATOMIC_ACQUIRE);
    if (head - tail >= LANE_RECORDS) return ERR_AGAIN;
    l->records[head % LANE_RECORDS] = *m;
    __atomic_store_n(&l->head, head + 1, __ATOMIC_RELEASE);
    return OK;
}
// False when empty (or damaged: then it is skipped to the sender's position).
static inline bool lane_receive(struct lane *l, struct lane_msg *m)
{
    uint64_t tail = __atomic_load_n(&l->tail, __ATOMIC_RELAXED);
    uint64_t head = __atomic_load_n(&l->head, __ATOMIC_ACQUIRE);
    if (head == tail) return false;
    if (head - tail > LANE_RECORDS) {
        __atomic_store_n(&l->tail, head, __ATOMIC_RELEASE);
        return false;
    }
    *m = l->records[tail % LANE_RECORDS];
    __atomic_store_n(&l->tail, tail + 1, __ATOMIC_RELEASE);
    return true;
}
