#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "dataplane/base/check.h"
#include "dataplane/base/clock.h"
#include "dataplane/sock/sock_priv.h"

enum { CLOSE_ROUNDS = 200, CLOSE_ROUND_NS = 5000000 }; // at most a second until the kernel lets go

// Opening and closing

static void *map_zeroed(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

// Room for a receive and a send of every connection, within reason: beyond it the kernel keeps
// completions in an overflow list.
static uint32_t completion_entries(uint32_t connections)
{
    uint32_t entries = 2 * SOCK_SQ_ENTRIES;
    while (entries < 2 * connections && entries < SOCK_CQ_ENTRIES_MAX) entries *= 2;
    return entries;
}

static enum status ring_open(struct sock *s)
{
    struct io_uring_params p = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                 IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL,
        .cq_entries = completion_entries(s->conn_count_max),
    };
    int r = io_uring_queue_init_params(SOCK_SQ_ENTRIES, &s->ring, &p);
    if (r < 0) {
        errno = -r;
        return ERR_IO;
    }
    s->ring_is_open = true;
    (void)io_uring_register_ring_fd(&s->ring); // saves a file lookup per call; works without
    return OK;
}

static enum status memory_open(struct sock *s)
{
    s->conns = map_zeroed(s->conn_count_max * sizeof *s->conns);
    s->free_index = map_zeroed(s->conn_count_max * sizeof *s->free_index);
    s->quiet_index = map_zeroed(s->conn_count_max * sizeof *s->quiet_index);
    s->messages = map_zeroed(SOCK_MESSAGES_MAX * sizeof *s->messages);
    return s->conns && s->free_index && s->quiet_index && s->messages ? OK : ERR_NO_SPACE;
}

enum status sock_open(struct sock **out, const struct sock_config *config, struct heap *heap,
                      const struct stream_app *app)
{
    CHECK(config->connection_count_max >= 1 &&
          config->connection_count_max <= SOCK_CONNECTIONS_MAX);
    struct sock *s = calloc(1, sizeof *s);
    if (!s) return ERR_NO_SPACE;
    s->app = *app;
    s->heap = heap;
    s->keepalive_s = config->keepalive_s;
    s->conn_count_max = config->connection_count_max;
    list_init(&s->wanting);
    list_init(&s->due);
    sock_blocks_open(&s->blocks, heap);
    for (uint32_t i = 0; i < SOCK_LISTENERS_MAX; i++) s->listeners[i].fd = -1;
    enum status st = memory_open(s);
    if (st == OK) st = ring_open(s);
    if (st == OK) st = sock_receive_open(s, config);
    if (st != OK) {
        int reason = errno;
        sock_close(s);
        errno = reason;
        return st;
    }
    *out = s;
    return OK;
}

static void end_all(struct sock *s)
{
    sock_stop_listening(s);
    sock_conns_end(s);
    for (uint32_t i = 0; i < CLOSE_ROUNDS; i++) {
        (void)sock_poll(s, UINT32_MAX);
        if (s->conn_count == 0 && s->conn_gone == 0 && i > 0) break;
        sock_submit(s, clock_monotonic_ns() + CLOSE_ROUND_NS);
    }
    (void)sock_flush_requests(s); // the last closes
}

void sock_close(struct sock *s)
{
    if (!s) return;
    if (s->ring_is_open) {
        if (s->receive.ring) end_all(s);
        sock_held_release(s);
        io_uring_queue_exit(&s->ring);
    }
    sock_blocks_close(&s->blocks);
    sock_receive_close(s);
    if (s->conns) munmap(s->conns, s->conn_count_max * sizeof *s->conns);
    if (s->free_index) munmap(s->free_index, s->conn_count_max * sizeof *s->free_index);
    if (s->quiet_index) munmap(s->quiet_index, s->conn_count_max * sizeof *s->quiet_index);
    if (s->messages) munmap(s->messages, SOCK_MESSAGES_MAX * sizeof *s->messages);
    free(s);
}

// Requests

bool sock_flush_requests(struct sock *s)
{
    s->tally.enters++;
    (void)io_uring_submit(&s->ring); // an error leaves requests in the ring: seen below
    if (io_uring_sq_ready(&s->ring) > 0) return false;
    s->message_count = 0;
    return true;
}

struct io_uring_sqe *sock_sqe(struct sock *s)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&s->ring);
    if (sqe || !sock_flush_requests(s)) return sqe;
    return io_uring_get_sqe(&s->ring);
}

bool sock_cancel(struct sock *s, uint64_t tag, uint64_t own_tag)
{
    struct io_uring_sqe *sqe = sock_sqe(s);
    if (!sqe) return false;
    io_uring_prep_cancel64(sqe, tag, 0);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = own_tag;
    return true;
}

// A turn

static void dispatch(struct sock *s, const struct io_uring_cqe *cqe)
{
    switch ((enum sock_op)(cqe->user_data >> 56)) {
    case SOCK_OP_RECEIVE:
        sock_on_receive(s, cqe);
        break;
    case SOCK_OP_SEND:
        sock_on_send(s, cqe);
        break;
    case SOCK_OP_ACCEPT:
        sock_on_accept(s, cqe);
        break;
    case SOCK_OP_CANCEL:
        sock_on_cancel(s, cqe);
        break;
    case SOCK_OP_WATCH:
        sock_on_watch(s, cqe);
        break;
    case SOCK_OP_VERIFY:
        sock_on_verify(s, cqe);
        break;
    case SOCK_OP_SEND_QUIET: // settled already
    case SOCK_OP_NONE:
        break;
    }
}

static bool kernel_has_work(const struct sock *s)
{
    return IO_URING_READ_ONCE(*s->ring.sq.kflags) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
}

// How many completions from head on arrived together; poll_tsc is when they were first seen. A
// small budget leaves some of them for later polls: their wait counts from here. Those seen while
// an older group is still being handled share one stamp, that of the first.
static uint32_t group_size(struct sock *s, uint32_t head)
{
    uint32_t tail = io_uring_smp_load_acquire(s->ring.cq.ktail);
    if (tail != s->seen_tail) {
        if (s->seen_tail == s->group_tail) s->seen_tsc = clock_tsc();
        s->seen_tail = tail;
    }
    if (head == s->group_tail) {
        s->group_tail = s->seen_tail;
        s->poll_tsc = s->seen_tsc;
    }
    return s->group_tail - head;
}

// Callbacks prepare no requests, so a completion stays where it is while it is handled.
static uint32_t reap_group(struct sock *s, uint32_t budget)
{
    uint32_t head = *s->ring.cq.khead, mask = *s->ring.cq.kring_mask;
    uint32_t count = group_size(s, head);
    if (count > budget) count = budget;
    for (uint32_t i = 0; i < count; i++) dispatch(s, &s->ring.cq.cqes[(head + i) & mask]);
    io_uring_cq_advance(&s->ring, count);
    return count;
}

static uint32_t reap(struct sock *s, uint32_t budget)
{
    uint32_t total = 0, count;
    if (io_uring_cq_ready(&s->ring) == 0 && kernel_has_work(s)) {
        s->tally.enters++;
        (void)io_uring_get_events(&s->ring);
    }
    if (UNLIKELY(io_uring_cq_has_overflow(&s->ring))) s->tally.overflows++;
    sock_send_settle(s);
    while (total < budget && (count = reap_group(s, budget - total)) > 0) total += count;
    s->tally.completions += total;
    s->awake_count += total;
    return total;
}

uint32_t sock_poll(struct sock *s, uint32_t budget)
{
    uint32_t count = sock_conns_run_due(s);
    count += reap(s, budget);
    return count + sock_conns_run_due(s);
}

// Sleeping until as many completions are there as came lately, but gather_ns at most: waking for
// each alone costs more than a short request's own work. With one client at a time the goal is one,
// and nothing waits. False: none came, sleep on.
static bool enter_and_gather(struct sock *s)
{
    struct io_uring_cqe *cqe;
    struct __kernel_timespec ts = { .tv_nsec = (int64_t)s->gather_ns };
    s->gather_goal = (s->gather_goal * 3 + s->awake_count * 16) / 4;
    s->awake_count = 0;
    uint32_t goal = s->gather_goal / 16;
    if (goal < 2 || s->gather_ns == 0) return false;
    (void)io_uring_submit_and_wait_timeout(&s->ring, &cqe, goal, &ts, NULL);
    if (io_uring_cq_ready(&s->ring) > 0) return true;
    s->gather_goal = 0;
    return false;
}

static void enter_and_wait(struct sock *s, uint64_t sleep_until_ns)
{
    struct io_uring_cqe *cqe;
    if (enter_and_gather(s)) return;
    if (sleep_until_ns == UINT64_MAX) {
        (void)io_uring_submit_and_wait(&s->ring, 1);
        return;
    }
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t rest_ns = sleep_until_ns > now_ns ? sleep_until_ns - now_ns : 0;
    struct __kernel_timespec ts = { .tv_sec = (int64_t)(rest_ns / 1000000000),
                                    .tv_nsec = (int64_t)(rest_ns % 1000000000) };
    (void)io_uring_submit_and_wait_timeout(&s->ring, &cqe, 1, &ts, NULL);
}

// Any error of entering (a signal, a full completion queue) is met by the next turn.
static void enter(struct sock *s, uint64_t sleep_until_ns)
{
    if (sleep_until_ns == 0 && io_uring_sq_ready(&s->ring) == 0) return;
    s->tally.enters++;
    if (sleep_until_ns == 0)
        (void)io_uring_submit_and_get_events(&s->ring);
    else
        enter_and_wait(s, sleep_until_ns);
    if (io_uring_sq_ready(&s->ring) == 0) s->message_count = 0;
}

void sock_submit(struct sock *s, uint64_t sleep_until_ns)
{
    sock_receive_give_back(&s->receive);
    sock_held_release(s);
    uint64_t retry_ns = UINT64_MAX;
    if (UNLIKELY(s->accept_paused)) {
        sock_listeners_wake(s);
        retry_ns = sock_listeners_retry_ns(s);
    }
    if (s->listeners_wanting) (void)sock_listeners_prepare(s);
    sock_conns_prepare(s);
    bool unfinished = s->due.count > 0 || s->wanting.count > 0 || s->listeners_wanting;
    if (unfinished) sleep_until_ns = 0;
    if (sleep_until_ns > retry_ns) sleep_until_ns = retry_ns;
    enter(s, sleep_until_ns);
}

void sock_set_gather(struct sock *s, uint64_t gather_ns) { s->gather_ns = gather_ns; }
uint32_t sock_connection_count(const struct sock *s) { return s->conn_count; }
const struct sock_tally *sock_tally(const struct sock *s) { return &s->tally; }
