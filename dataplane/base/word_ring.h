// word_ring.h: single-producer single-consumer ring of 64-bit words between two threads.
//
// Source:  Lamport's ring with each side's last sight of the other's position kept beside its own,
//          so a line crosses between the cores once per batch, not once per word
// Thread:  one producer (has_room, room, put), one consumer (is_empty, take); open and close by
//          whoever has both standing still
// Memory:  one block of its own, aligned; a word is whatever the two sides agree on. What a word
//          points to was written before word_ring_put and may be read after word_ring_take
// Units:   words; positions count for ever and are masked where they are used
#pragma once
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/status.h"

// Processors fetch cache lines in pairs: what different threads write stays two lines apart.
enum { WORD_RING_APART_BYTES = 128, WORD_RING_CAPACITY_MAX = 1 << 30 };

struct word_ring {
    alignas(WORD_RING_APART_BYTES) uint64_t head;     // next to write; the producer's
    uint64_t tail_seen;                               // the producer's last sight of tail
    alignas(WORD_RING_APART_BYTES) uint64_t tail;     // next to read; the consumer's
    uint64_t head_seen;                               // the consumer's last sight of head
    alignas(WORD_RING_APART_BYTES) uint64_t capacity; // never changes
    alignas(64) uint64_t words[];
};

// capacity: a power of two, 1 to WORD_RING_CAPACITY_MAX. ERR_NO_SPACE when memory is refused.
enum status word_ring_open(struct word_ring **out, uint32_t capacity) MUST_USE;
void word_ring_close(struct word_ring *r); // words left inside are forgotten; NULL is tolerated

// The producer's side

// How many words fit now; looks at the consumer's position.
static inline uint32_t word_ring_room(struct word_ring *r)
{
    r->tail_seen = __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE);
    return (uint32_t)(r->capacity - (r->head - r->tail_seen));
}
// Whether count words fit: for messages of several words, which must not be cut. Looks at the
// consumer's position only when its last sight of it is not enough.
static inline bool word_ring_has_room(struct word_ring *r, uint32_t count)
{
    if (r->capacity - (r->head - r->tail_seen) >= count) return true;
    return word_ring_room(r) >= count;
}
// Appends the words, or as many of them as fit, and shows them to the consumer together. Returns
// how many.
static inline MUST_USE uint32_t word_ring_put(struct word_ring *r, const uint64_t *words,
                                              uint32_t count)
{
    uint64_t head = r->head, mask = r->capacity - 1;
    if (!word_ring_has_room(r, count)) count = (uint32_t)(r->capacity - (head - r->tail_seen));
    if (count == 0) return 0;
    for (uint32_t i = 0; i < count; i++) r->words[(head + i) & mask] = words[i];
    __atomic_store_n(&r->head, head + count, __ATOMIC_RELEASE);
    return count;
}

// The consumer's side

// Looks at the producer's position unless words are known to wait.
static inline bool word_ring_is_empty(struct word_ring *r)
{
    if (r->head_seen != r->tail) return false;
    r->head_seen = __atomic_load_n(&r->head, __ATOMIC_ACQUIRE);
    return r->head_seen == r->tail;
}
// Takes up to max words, oldest first; their room is the producer's again. Returns how many; more
// may wait even when that is fewer than max (one look at the producer serves a batch), none when it
// is 0 (and max is not).
static inline uint32_t word_ring_take(struct word_ring *r, uint64_t *out, uint32_t max)
{
    if (word_ring_is_empty(r)) return 0;
    uint64_t tail = r->tail, mask = r->capacity - 1;
    uint64_t ready = r->head_seen - tail;
    uint32_t count = ready < max ? (uint32_t)ready : max;
    for (uint32_t i = 0; i < count; i++) out[i] = r->words[(tail + i) & mask];
    __atomic_store_n(&r->tail, tail + count, __ATOMIC_RELEASE);
    return count;
}
