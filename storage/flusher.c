#include "storage/flusher.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "dataplane/base/check.h"
#include "dataplane/base/clock.h"
#include "dataplane/lane/crash.h"
#include "storage/flusher_priv.h"

// Turns

bool flusher_is_time(struct flusher *f, uint64_t at_ns)
{
    if (f->now_ns >= at_ns) return true;
    if (at_ns < f->deadline_ns) f->deadline_ns = at_ns;
    return false;
}

void flusher_submit(struct flusher *f, struct flush_io *io, void *owner,
                    void (*complete)(struct flusher *f, void *owner, int64_t result))
{
    io->owner = owner;
    io->complete = complete;
    io->op.context = io;
    f->disk->ops->submit(f->disk, &io->op);
}

// What the ports sent, and what is due of every file. Behind it there is nothing to do until an
// operation completes, a port sends, or the deadline comes.
static uint32_t begin_turn(struct flusher *f, uint64_t now_ns)
{
    uint32_t count = 0;
    CHECK(now_ns >= f->now_ns && now_ns > 0);
    f->now_ns = now_ns;
    f->deadline_ns = UINT64_MAX;
    for (uint32_t i = 0; i < f->port_count; i++) count += flusher_port_take(f->ports[i]);
    struct list_node *node = list_first(&f->works);
    while (node) {
        struct list_node *next = list_next(&f->works, node);
        flush_work_step(f, LIST_OWNER(node, struct flush_work, link));
        node = next;
    }
    flusher_wake_ports(f);
    return count;
}

static uint32_t end_turn(struct flusher *f, int wake_fd, uint64_t timeout_ns)
{
    struct list done;
    struct list_node *node;
    list_init(&done);
    uint32_t count = f->disk->ops->wait(f->disk, &done, wake_fd, timeout_ns);
    while ((node = list_take_first(&done))) {
        struct disk_op *op = LIST_OWNER(node, struct disk_op, link);
        struct flush_io *io = op->context;
        io->complete(f, io->owner, op->result);
    }
    flusher_wake_ports(f);
    return count;
}

static uint64_t until_deadline_ns(const struct flusher *f)
{
    return f->deadline_ns == UINT64_MAX ? UINT64_MAX : f->deadline_ns - f->now_ns;
}

uint32_t flusher_turn(struct flusher *f, uint64_t now_ns, uint64_t timeout_ns)
{
    uint32_t count = begin_turn(f, now_ns);
    uint64_t rest_ns = until_deadline_ns(f);
    return count + end_turn(f, -1, timeout_ns < rest_ns ? timeout_ns : rest_ns);
}

// The thread

static bool has_input(void *context)
{
    struct flusher *f = context;
    if (__atomic_load_n(&f->must_stop, __ATOMIC_ACQUIRE)) return true;
    for (uint32_t i = 0; i < f->port_count; i++)
        if (flusher_port_has_input(f->ports[i])) return true;
    return false;
}

static void thread_turn(struct flusher *f)
{
    begin_turn(f, clock_monotonic_ns());
    if (!waker_prepare_sleep(&f->waker, has_input, f)) {
        end_turn(f, -1, 0);
        return;
    }
    end_turn(f, waker_fd(&f->waker), until_deadline_ns(f));
    waker_end_sleep(&f->waker);
    waker_drain(&f->waker);
}

static bool has_unfinished(struct flusher *f)
{
    if (f->disk->is_off) return false;
    if (f->works.count > 0 || f->jobs.count > 0) return true;
    for (uint32_t i = 0; i < f->port_count; i++)
        if (f->ports[i]->staged_count > 0 || flusher_port_has_input(f->ports[i])) return true;
    return false;
}

// The ports' threads stand still: what they staged is shown for them. Time does not go back, and
// not on where a test's is ahead: nothing here waits for a time.
static void finish_all(struct flusher *f)
{
    enum { CLOSING_WAIT_NS = 100 * MS_NS };
    f->is_closing = true;
    while (has_unfinished(f)) {
        for (uint32_t i = 0; i < f->port_count; i++) flush_flush(f->ports[i]);
        uint64_t now_ns = clock_monotonic_ns();
        begin_turn(f, now_ns > f->now_ns ? now_ns : f->now_ns);
        bool is_idle = f->works.count == 0 && f->jobs.count == 0;
        end_turn(f, -1, is_idle ? 0 : CLOSING_WAIT_NS);
    }
}

static enum status pin(int core)
{
    cpu_set_t cores;
    if (core < 0) return OK;
    CPU_ZERO(&cores);
    CPU_SET((size_t)core, &cores);
    return sched_setaffinity(0, sizeof cores, &cores) == 0 ? OK : ERR_IO;
}

// What is under way is the thread's: the kernel would cancel it with the thread.
static void *run(void *context)
{
    struct flusher *f = context;
    (void)pthread_setname_np(pthread_self(), "flusher");
    f->thread_status = crash_thread_open() == OK ? pin(f->core) : ERR_IO;
    bool is_up = f->thread_status == OK;
    pthread_barrier_wait(&f->started);
    while (is_up && !__atomic_load_n(&f->must_stop, __ATOMIC_ACQUIRE)) thread_turn(f);
    if (is_up) finish_all(f);
    return NULL;
}

// Signals are for the shards' threads, but those of a crash: they are the thread's own.
static int create_thread(struct flusher *f)
{
    static const int own[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
    sigset_t blocked, before;
    sigfillset(&blocked);
    for (uint32_t i = 0; i < sizeof own / sizeof *own; i++) sigdelset(&blocked, own[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    int result = pthread_create(&f->thread, NULL, run, f);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

static void join(struct flusher *f)
{
    pthread_join(f->thread, NULL);
    pthread_barrier_destroy(&f->started);
    f->has_thread = false;
}

enum status flusher_start(struct flusher *f)
{
    CHECK(!f->has_thread);
    pthread_barrier_init(&f->started, NULL, 2);
    if (create_thread(f) != 0) {
        pthread_barrier_destroy(&f->started);
        return ERR_NO_SPACE;
    }
    pthread_barrier_wait(&f->started);
    f->has_thread = true;
    if (f->thread_status != OK) join(f);
    return f->thread_status;
}

// Opening and closing

static enum status open_parts(struct flusher *f, const struct flusher_config *config)
{
    size_t size = (size_t)config->port_count * FLUSH_CHUNKS_PER_PORT * FLUSH_CHUNK_BYTES;
    if (waker_open(&f->waker) != OK) return ERR_IO;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return ERR_NO_SPACE;
    f->memory = memory;
    f->memory_bytes = size;
    for (uint32_t i = 0; i < config->port_count; i++) {
        struct waker *waker = config->wakers ? config->wakers[i] : NULL;
        f->port_count = i + 1;
        if (flusher_port_open(&f->ports[i], f, i, waker) != OK) return ERR_NO_SPACE;
    }
    return f->disk->ops->register_memory(f->disk, memory, size);
}

static void close_parts(struct flusher *f)
{
    for (uint32_t i = 0; i < f->port_count; i++) flusher_port_close(f->ports[i]);
    if (f->memory) munmap(f->memory, f->memory_bytes);
    waker_close(&f->waker);
    free(f);
}

enum status flusher_open(struct flusher **out, const struct flusher_config *config)
{
    CHECK(config->port_count >= 1 && config->port_count <= FLUSH_PORTS_MAX);
    struct flusher *f = calloc(1, sizeof *f);
    if (!f) return ERR_NO_SPACE;
    f->waker.fd = -1;
    f->disk = config->disk;
    f->core = config->core;
    list_init(&f->works);
    list_init(&f->jobs);
    enum status status = open_parts(f, config);
    if (status != OK) {
        int reason = errno;
        close_parts(f);
        errno = reason;
        return status;
    }
    *out = f;
    return OK;
}

static void forget_job(struct flusher *f, struct flush_job *j)
{
    if (j->request) flusher_answer(f, j->request, ECANCELED, "crash");
    free(j);
}

// The disk is off: what was under way ends here.
static void forget_all(struct flusher *f)
{
    struct list_node *node;
    while ((node = list_take_first(&f->jobs)))
        forget_job(f, LIST_OWNER(node, struct flush_job, link));
    while ((node = list_take_first(&f->works))) {
        struct flush_work *w = LIST_OWNER(node, struct flush_work, link);
        if (w->ending && !w->is_ending) forget_job(f, w->ending);
        w->file->work = NULL;
        free(w);
    }
}

void flusher_close(struct flusher *f)
{
    if (!f) return;
    if (f->has_thread) {
        __atomic_store_n(&f->must_stop, 1, __ATOMIC_RELEASE);
        waker_wake(&f->waker);
        join(f);
    } else {
        finish_all(f);
    }
    forget_all(f);
    (void)f->disk->ops->register_memory(f->disk, NULL, 0);
    close_parts(f);
}

struct flusher_port *flusher_port_of(struct flusher *f, uint32_t index)
{
    CHECK(index < f->port_count);
    return f->ports[index];
}
