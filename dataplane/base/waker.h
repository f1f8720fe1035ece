// waker.h: lets one thread sleep in the kernel until another has something for it, at no system
// call while it is awake.
//
// Source:  eventfd(2); the flag protocol is Dekker's: each side writes its word, then reads the
//          other's
// Thread:  the sleeper owns it (all but waker_wake); waker_wake from any number of other threads,
//          which must have stopped before waker_close
// Memory:  a cache line of the owner's; one descriptor
//
// The sleeper:  if (waker_prepare_sleep(w, has_work, context)) { sleep until waker_fd is readable,
//               or anything else happens; waker_end_sleep(w); }   then look for work, and again
//               before each sleep. Its watch on the descriptor calls waker_drain.
// The others:   publish the work (a release store: word_ring_put), then waker_wake(w).
//
// Why no work is slept through. The sleeper stores asleep = 1, fences (sequentially consistent),
// and then reads the work; a waker stores its work, fences, and then reads asleep. Of the two
// fences one comes first in their single order. If it is the sleeper's, the waker reads asleep = 1
// (or what was stored since, see below); if it is the waker's, has_work sees the work and there is
// no sleep. So at least one of the two notices. Release and acquire alone do not give that: both
// could read what was before, each with its own store still on the way (x86 reorders just this
// pair). A waker that reads 1 exchanges it for 0, and who got the 1 writes the eventfd: one write
// per sleep, however many come. Who reads or gets 0 may leave: either another waker took the 1 and
// its write ends the sleep, or the sleeper is awake. Both ways the sleeper's next fence comes after
// this waker's, so has_work sees the work at the latest before the next sleep. A waker may be slow
// between exchange and write; its write then ends a later sleep early. That is all it does: a sleep
// that ends for nothing.
#pragma once
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/status.h"

struct waker {
    alignas(64) uint32_t asleep; // 1: about to sleep, or sleeping, and nobody wrote yet
    int fd;                      // eventfd, non-blocking; -1 when closed
    uint64_t wakes;              // writes to fd since it was opened: read it with waker_wakes
};

enum status waker_open(struct waker *w) MUST_USE; // ERR_IO when the kernel refuses (errno says why)
void waker_close(struct waker *w);                // opened or zero with fd -1; twice is fine
static inline int waker_fd(const struct waker *w) { return w->fd; } // readable once woken

// True: whoever has work from now on writes the descriptor; sleep, then call waker_end_sleep.
// False: has_work says there is work; as awake as before. has_work must look at what the others
// publish anew (acquire loads), not at a copy.
bool waker_prepare_sleep(struct waker *w, bool (*has_work)(void *context), void *context) MUST_USE;
void waker_end_sleep(struct waker *w);
// Reads the descriptor empty. While awake only, never between prepare_sleep and end_sleep.
void waker_drain(struct waker *w);

// After the work was published, once per batch. Costs a fence and a read while the sleeper is
// awake.
void waker_wake(struct waker *w);
static inline uint64_t waker_wakes(const struct waker *w)
{
    return __atomic_load_n(&w->wakes, __ATOMIC_RELAXED);
}
