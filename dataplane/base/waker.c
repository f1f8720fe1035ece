#include "dataplane/base/waker.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

// The thread sanitizer does not model fences, and GCC says so. Nothing here leans on them for the
// order of data: what is handed over is ordered by its own release and acquire.
#if defined(__SANITIZE_THREAD__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wtsan"
#endif
static inline void fence(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

enum status waker_open(struct waker *w)
{
    *w = (struct waker){ .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) };
    return w->fd >= 0 ? OK : ERR_IO;
}

void waker_close(struct waker *w)
{
    if (w->fd >= 0) close(w->fd);
    w->fd = -1;
}

bool waker_prepare_sleep(struct waker *w, bool (*has_work)(void *context), void *context)
{
    __atomic_store_n(&w->asleep, 1, __ATOMIC_RELAXED);
    fence();
    if (!has_work(context)) return true;
    waker_end_sleep(w);
    return false;
}

void waker_end_sleep(struct waker *w) { __atomic_store_n(&w->asleep, 0, __ATOMIC_RELAXED); }

void waker_drain(struct waker *w)
{
    uint64_t count;
    while (read(w->fd, &count, sizeof count) < 0 && errno == EINTR) {
    }
}

void waker_wake(struct waker *w)
{
    const uint64_t one = 1;
    fence();
    if (!__atomic_load_n(&w->asleep, __ATOMIC_RELAXED)) return;
    if (!__atomic_exchange_n(&w->asleep, 0, __ATOMIC_RELAXED)) return; // another's write is coming
    __atomic_fetch_add(&w->wakes, 1, __ATOMIC_RELAXED);
    int saved = errno;
    while (write(w->fd, &one, sizeof one) < 0 && errno == EINTR) {
    }
    errno = saved; // EAGAIN would mean 2^64 - 2 unread wakes, and readable anyhow
}
