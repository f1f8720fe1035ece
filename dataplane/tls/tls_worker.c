#include "dataplane/tls/tls_worker.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "dataplane/base/check.h"

// A tenth of a core that is otherwise busy: newcomers are not starved, and who is connected hardly
// notices where there is one core for both.
enum { NICENESS = 10 };

// One side writes tail, the other head; neither can overtake: TLS_WORKER_JOBS_MAX bounds both.
struct ring {
    alignas(64) uint32_t head;
    alignas(64) uint32_t tail;
    void *jobs[TLS_WORKER_JOBS_MAX];
};

struct tls_worker {
    struct tls_worker_config config;
    struct ring given, done;
    alignas(64) uint32_t is_asleep; // a futex
    bool is_stopping;
    uint32_t count; // given and not taken back; the owner's
    int bell_fd;
    bool has_thread;
    pthread_t thread;
};

static bool ring_is_empty(const struct ring *r)
{
    return __atomic_load_n(&r->head, __ATOMIC_ACQUIRE) ==
           __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE);
}

static void ring_put(struct ring *r, void *job)
{
    uint32_t tail = r->tail;
    CHECK(tail - __atomic_load_n(&r->head, __ATOMIC_ACQUIRE) < TLS_WORKER_JOBS_MAX);
    r->jobs[tail % TLS_WORKER_JOBS_MAX] = job;
    __atomic_store_n(&r->tail, tail + 1, __ATOMIC_SEQ_CST);
}

static void *ring_take(struct ring *r)
{
    uint32_t head = r->head;
    if (head == __atomic_load_n(&r->tail, __ATOMIC_SEQ_CST)) return NULL;
    void *job = r->jobs[head % TLS_WORKER_JOBS_MAX];
    __atomic_store_n(&r->head, head + 1, __ATOMIC_RELEASE);
    return job;
}

// ---- the worker's side

static void sleep_until_woken(struct tls_worker *w)
{
    __atomic_store_n(&w->is_asleep, 1, __ATOMIC_SEQ_CST);
    if (ring_is_empty(&w->given) && !__atomic_load_n(&w->is_stopping, __ATOMIC_SEQ_CST))
        syscall(SYS_futex, &w->is_asleep, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
    __atomic_store_n(&w->is_asleep, 0, __ATOMIC_SEQ_CST);
}

static void keep_off(const struct tls_worker_config *config)
{
    cpu_set_t cores;
    CPU_ZERO(&cores);
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (config->own_core >= 0 ? i == config->own_core : i != config->avoid_core)
            CPU_SET((size_t)i, &cores);
    // Refused where there is no other core: then it shares the owner's, at its low priority.
    (void)sched_setaffinity(0, sizeof cores, &cores);
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICENESS);
}

static void *work(void *context)
{
    struct tls_worker *w = context;
    keep_off(&w->config);
    (void)pthread_setname_np(pthread_self(), "tls-handshakes");
    while (!__atomic_load_n(&w->is_stopping, __ATOMIC_SEQ_CST)) {
        void *job = ring_take(&w->given);
        if (!job) {
            sleep_until_woken(w);
            continue;
        }
        w->config.run(job);
        ring_put(&w->done, job);
        (void)eventfd_write(w->bell_fd, 1);
    }
    return NULL;
}

// ---- the owner's side

static void wake(struct tls_worker *w)
{
    if (!__atomic_load_n(&w->is_asleep, __ATOMIC_SEQ_CST)) return;
    __atomic_store_n(&w->is_asleep, 0, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, &w->is_asleep, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static bool thread_start(struct tls_worker *w)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    w->has_thread = pthread_create(&w->thread, NULL, work, w) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return w->has_thread;
}

enum status tls_worker_open(struct tls_worker **out, const struct tls_worker_config *config)
{
    struct tls_worker *w = aligned_alloc(64, sizeof *w);
    *out = NULL;
    if (!w) return ERR_NO_SPACE;
    *w = (struct tls_worker){ .config = *config };
    w->bell_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (w->bell_fd < 0 || !thread_start(w)) {
        tls_worker_close(w);
        return ERR_IO;
    }
    *out = w;
    return OK;
}

void tls_worker_stop(struct tls_worker *w)
{
    if (!w->has_thread) return;
    __atomic_store_n(&w->is_stopping, true, __ATOMIC_SEQ_CST);
    wake(w);
    pthread_join(w->thread, NULL);
    w->has_thread = false;
    for (void *job; (job = ring_take(&w->given));) ring_put(&w->done, job);
}

void tls_worker_close(struct tls_worker *w)
{
    if (!w) return;
    CHECK(!w->has_thread && w->count == 0);
    if (w->bell_fd >= 0) close(w->bell_fd);
    free(w);
}

bool tls_worker_has_room(const struct tls_worker *w) { return w->count < TLS_WORKER_JOBS_MAX; }

void tls_worker_give(struct tls_worker *w, void *job)
{
    w->count++;
    ring_put(&w->given, job);
    wake(w);
}

void *tls_worker_take(struct tls_worker *w)
{
    void *job = ring_take(&w->done);
    w->count -= job != NULL;
    return job;
}

bool tls_worker_has_done(const struct tls_worker *w) { return !ring_is_empty(&w->done); }
int tls_worker_bell(const struct tls_worker *w) { return w->bell_fd; }
