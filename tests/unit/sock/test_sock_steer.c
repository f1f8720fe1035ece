#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "dataplane/base/clock.h"
#include "dataplane/base/heap.h"
#include "dataplane/base/waker.h"
#include "dataplane/base/word_ring.h"
#include "dataplane/sock/sock.h"

// Two socks in one thread, the front that listens and the back that adopts, and their clients as
// plain sockets; at the end, the same with a thread for each.

enum { STREAMS_MAX = 64 };

struct side {
    struct heap heap;
    struct sock *sock;
    struct stream *streams[STREAMS_MAX]; // in the order of opening; NULL once closed
    uint32_t opened, closed, ends;
    enum stream_close why;
    uint64_t received;
    bool refuse;
};

static bool on_open(void *app, struct stream *st)
{
    struct side *side = app;
    if (side->refuse) return false;
    cr_assert(side->opened < STREAMS_MAX);
    st->user = &side->streams[side->opened];
    side->streams[side->opened++] = st;
    return true;
}
static void on_data(void *app, struct stream *st, struct bytes data)
{
    struct side *side = app;
    side->received += data.size;
    outq_append(&st->out, data);
    st->ops->flush(st);
}
static void on_end(void *app, struct stream *st)
{
    struct side *side = app;
    side->ends++;
    st->ops->close(st);
}
static void on_drained(void *app, struct stream *st) {}
static void on_closed(void *app, struct stream *st, enum stream_close why)
{
    struct side *side = app;
    *(struct stream **)st->user = NULL;
    side->closed++;
    side->why = why;
}

static void side_open(struct side *side, uint32_t connections)
{
    const struct stream_app app = { .app = side,
                                    .on_open = on_open,
                                    .on_data = on_data,
                                    .on_end = on_end,
                                    .on_drained = on_drained,
                                    .on_closed = on_closed };
    const struct sock_config config = { .connection_count_max = connections,
                                        .receive_buffer_count = 64,
                                        .receive_buffer_bytes = 16384,
                                        .keepalive_s = 300 };
    *side = (struct side){ 0 };
    cr_assert(heap_open(&side->heap) == OK);
    cr_assert(sock_open(&side->sock, &config, &side->heap, &app) == OK, "%s", strerror(errno));
}

// Closing tells every stream, and leaves nothing on the heap.
static void side_close(struct side *side)
{
    sock_close(side->sock);
    cr_expect(side->opened == side->closed);
    for (uint32_t i = 0; i < HEAP_OWNER_COUNT; i++) cr_expect(side->heap.bytes[i] == 0);
    heap_close(&side->heap);
}

struct steering {
    struct sock *to; // NULL: kept in fds
    uint32_t every;  // this many-th connection goes
    uint32_t asked, adopted, failed;
    int fds[8];
    uint32_t fd_count;
    enum stream_kind kind;
    enum stream_listener listener;
};

static bool steer(void *context, int fd, enum stream_kind kind, enum stream_listener listener)
{
    struct steering *s = context;
    s->kind = kind;
    s->listener = listener;
    if (++s->asked % s->every != 0) return false;
    if (!s->to)
        s->fds[s->fd_count++] = fd;
    else if (sock_adopt(s->to, fd, kind, listener))
        s->adopted++;
    else
        s->failed++;
    return true;
}

struct world {
    struct side front, back;
    struct steering steering;
};

static struct world *world_open(uint32_t every, uint32_t back_connections)
{
    struct world *w = calloc(1, sizeof *w);
    char error[128];
    side_open(&w->front, 64);
    side_open(&w->back, back_connections);
    cr_assert(sock_listen_tcp(w->front.sock, "127.0.0.1", 0, 511, error, sizeof error) == OK, "%s",
              error);
    w->steering = (struct steering){ .to = w->back.sock, .every = every };
    sock_set_steer(w->front.sock, steer, &w->steering);
    return w;
}

static void world_close(struct world *w)
{
    side_close(&w->front);
    side_close(&w->back);
    free(w);
}

static void side_turn(struct side *side)
{
    (void)sock_poll(side->sock, 256);
    sock_submit(side->sock, clock_monotonic_ns() + 500000);
}
static void turn(struct world *w)
{
    side_turn(&w->front);
    side_turn(&w->back);
}

#define UNTIL(w, condition)                                                                        \
    do {                                                                                           \
        uint64_t end_ns_ = clock_monotonic_ns() + 20000000000ULL;                                  \
        while (!(condition)) {                                                                     \
            cr_assert(clock_monotonic_ns() < end_ns_, "never: " #condition);                       \
            turn(w);                                                                               \
        }                                                                                          \
    } while (0)

static int client_open_port(uint16_t port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0, "%s", strerror(errno));
    cr_assert(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    return fd;
}
static int client_open(struct world *w)
{
    return client_open_port(sock_listener_port(w->front.sock, 0));
}

// A client of the back; its stream is the newest there.
static int adopted_open(struct world *w)
{
    uint32_t before = w->back.opened;
    int fd = client_open(w);
    UNTIL(w, w->back.opened > before);
    return fd;
}

static void expect_echo(struct world *w, int fd, const char *text)
{
    char got[64] = { 0 };
    size_t size = strlen(text);
    cr_assert(size < sizeof got && send(fd, text, size, MSG_NOSIGNAL) == (ssize_t)size);
    UNTIL(w, recv(fd, got, sizeof got, MSG_PEEK) >= (ssize_t)size);
    cr_expect(recv(fd, got, sizeof got, 0) == (ssize_t)size && memcmp(got, text, size) == 0);
}

// What a receive says once it says anything: 0 for the end, or -errno.
static int client_outcome(struct world *w, int fd)
{
    char byte;
    ssize_t n = -1;
    UNTIL(w, (n = recv(fd, &byte, 1, 0)) >= 0 || errno != EAGAIN);
    return n < 0 ? -errno : (int)n;
}

static void reset(int fd)
{
    const struct linger at_once = { .l_onoff = 1 };
    cr_assert(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
    close(fd);
}

Test(sock_steer, serves_every_second_connection_elsewhere)
{
    struct world *w = world_open(2, 64);
    int fds[10];
    for (uint32_t i = 0; i < 10; i++) {
        fds[i] = client_open(w);
        UNTIL(w, w->front.opened + w->back.opened == i + 1);
    }
    cr_expect(w->front.opened == 5 && w->back.opened == 5 && w->steering.adopted == 5);
    cr_expect(sock_connection_count(w->front.sock) == 5);
    cr_expect(sock_connection_count(w->back.sock) == 5);
    for (int round = 0; round < 3; round++)
        for (uint32_t i = 0; i < 10; i++) expect_echo(w, fds[i], i % 2 ? "to the back" : "front");
    cr_expect(w->front.received == 3 * 5 * 5 && w->back.received == 3 * 5 * 11);
    cr_expect(sock_tally(w->front.sock)->accepted == 5);
    cr_expect(sock_tally(w->front.sock)->steered == 5);
    cr_expect(sock_tally(w->back.sock)->accepted == 5);
    cr_expect(sock_tally(w->back.sock)->steered == 0);
    for (uint32_t i = 0; i < 10; i++) close(fds[i]);
    UNTIL(w, w->front.closed == 5 && w->back.closed == 5);
    world_close(w);
}

Test(sock_steer, serves_here_what_the_steerer_leaves_and_all_when_there_is_none)
{
    struct world *w = world_open(UINT32_MAX, 64);
    int first = client_open(w), second;
    UNTIL(w, w->front.opened == 1);
    cr_expect(w->steering.asked == 1);
    sock_set_steer(w->front.sock, NULL, NULL);
    second = client_open(w);
    UNTIL(w, w->front.opened == 2);
    cr_expect(w->steering.asked == 1 && w->back.opened == 0);
    expect_echo(w, first, "here");
    expect_echo(w, second, "here");
    close(first);
    close(second);
    world_close(w);
}

Test(sock_steer, tells_the_app_how_an_adopted_connection_ended)
{
    struct world *w = world_open(1, 64);
    int fd = adopted_open(w);
    close(fd);
    UNTIL(w, w->back.closed == 1);
    cr_expect(w->back.ends == 1 && w->back.why == STREAM_CLOSED_BY_PEER);
    fd = adopted_open(w);
    reset(fd);
    UNTIL(w, w->back.closed == 2);
    cr_expect(w->back.ends == 1 && w->back.why == STREAM_RESET);
    world_close(w);
}

Test(sock_steer, closes_and_aborts_an_adopted_connection)
{
    struct world *w = world_open(1, 64);
    int fd = adopted_open(w);
    w->back.streams[0]->ops->close(w->back.streams[0]);
    cr_expect(client_outcome(w, fd) == 0);
    cr_expect(w->back.closed == 1 && w->back.why == STREAM_CLOSED_LOCALLY);
    close(fd);
    fd = adopted_open(w);
    w->back.streams[1]->ops->abort(w->back.streams[1]);
    cr_expect(client_outcome(w, fd) == -ECONNRESET);
    cr_expect(w->back.closed == 2 && w->back.why == STREAM_CLOSED_LOCALLY);
    close(fd);
    world_close(w);
}

Test(sock_steer, closes_adopted_connections_with_their_sock_and_not_with_the_one_that_accepted_them)
{
    struct world *w = world_open(1, 64);
    int fd = adopted_open(w);
    sock_stop_listening(w->front.sock);
    turn(w);
    expect_echo(w, fd, "still there");
    world_close(w);
    char byte;
    cr_expect(recv(fd, &byte, 1, 0) == 0);
    close(fd);
}

Test(sock_steer, closes_what_exceeds_the_adopting_side)
{
    struct world *w = world_open(1, 1);
    int first = adopted_open(w), second = client_open(w);
    cr_expect(client_outcome(w, second) == 0);
    cr_expect(w->steering.adopted == 1 && w->steering.failed == 1 && w->back.opened == 1);
    cr_expect(sock_tally(w->back.sock)->over_limit == 1);
    expect_echo(w, first, "unharmed");
    close(first);
    close(second);
    UNTIL(w, sock_connection_count(w->back.sock) == 0);
    turn(w);
    close(adopted_open(w)); // the slot is free again
    UNTIL(w, w->back.closed == 2);
    world_close(w);
}

Test(sock_steer, closes_what_the_adopting_app_refuses)
{
    struct world *w = world_open(1, 64);
    w->back.refuse = true;
    int fd = client_open(w);
    cr_expect(client_outcome(w, fd) == 0);
    cr_expect(w->steering.adopted == 0 && w->steering.failed == 1);
    cr_expect(sock_connection_count(w->back.sock) == 0);
    cr_expect(sock_tally(w->back.sock)->accepted == 0);
    close(fd);
    world_close(w);
}

static int int_option(int fd, int level, int option)
{
    int value = -1;
    socklen_t size = sizeof value;
    cr_assert(getsockopt(fd, level, option, &value, &size) == 0);
    return value;
}

Test(sock_steer, gives_an_adopted_connection_its_addresses_and_its_listeners_options)
{
    struct world *w = world_open(1, 64);
    struct sockaddr_in own;
    socklen_t size = sizeof own;
    static const uint8_t loopback[16] = { [10] = 0xff, 0xff, 127, 0, 0, 1 };
    int fd = adopted_open(w);
    const struct stream *st = w->back.streams[0];
    cr_assert(getsockname(fd, (struct sockaddr *)&own, &size) == 0);
    cr_expect(memcmp(st->remote.ip, loopback, 16) == 0);
    cr_expect(st->remote.port == ntohs(own.sin_port));
    cr_expect(memcmp(st->local.ip, loopback, 16) == 0);
    cr_expect(st->local.port == sock_listener_port(w->front.sock, 0));
    cr_expect(st->kind == STREAM_SOCK_TCP && st->listener == STREAM_PLAIN);
    cr_expect(int_option(st->fd, IPPROTO_TCP, TCP_NODELAY) != 0);
    cr_expect(int_option(st->fd, IPPROTO_TCP, TCP_KEEPIDLE) == 300);
    cr_expect((fcntl(st->fd, F_GETFD) & FD_CLOEXEC) != 0);
    close(fd);
    world_close(w);
}

Test(sock_steer, says_which_kind_of_listener_a_connection_came_in_by)
{
    struct world *w = world_open(1, 64);
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    char error[128];
    cr_assert(sock_listen_tcp_as(w->front.sock, STREAM_TLS, "127.0.0.1", 0, 511, error,
                                 sizeof error) == OK);
    int tls = client_open_port(sock_listener_port(w->front.sock, 1));
    UNTIL(w, w->back.opened == 1);
    cr_expect(w->steering.kind == STREAM_SOCK_TCP && w->steering.listener == STREAM_TLS);
    cr_expect(w->back.streams[0]->listener == STREAM_TLS);

    (void)snprintf(a.sun_path, sizeof a.sun_path, "sock-steer-%d", (int)getpid());
    cr_assert(sock_listen_unix(w->front.sock, a.sun_path, 0, 511, error, sizeof error) == OK, "%s",
              error);
    int local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(connect(local, (struct sockaddr *)&a, sizeof a) == 0);
    cr_assert(fcntl(local, F_SETFL, O_NONBLOCK) == 0);
    UNTIL(w, w->back.opened == 2);
    cr_expect(w->steering.kind == STREAM_SOCK_UNIX && w->steering.listener == STREAM_PLAIN);
    cr_expect(w->back.streams[1]->kind == STREAM_SOCK_UNIX);
    cr_expect(w->back.streams[1]->remote.port == 0);
    expect_echo(w, local, "through a file");
    close(local);
    close(tls);
    UNTIL(w, w->back.closed == 2);
    world_close(w);
}

// The steerer keeps the descriptor; the client goes on meanwhile.
static int taken_over(struct world *w, int *client)
{
    w->steering.to = NULL;
    *client = client_open(w);
    UNTIL(w, w->steering.fd_count == 1);
    return w->steering.fds[0];
}

Test(sock_steer, receives_what_came_before_the_adoption)
{
    struct world *w = world_open(1, 64);
    char got[8] = { 0 };
    int client, fd = taken_over(w, &client);
    cr_assert(send(client, "early", 5, 0) == 5 && shutdown(client, SHUT_WR) == 0);
    for (int i = 0; i < 3; i++) turn(w);
    cr_expect(w->front.opened == 0);
    cr_assert(sock_adopt(w->back.sock, fd, STREAM_SOCK_TCP, STREAM_PLAIN));
    cr_expect(w->back.opened == 1, "on_open is called from within");
    UNTIL(w, recv(client, got, sizeof got, MSG_PEEK) == 5);
    cr_expect(memcmp(got, "early", 5) == 0);
    UNTIL(w, w->back.closed == 1);
    cr_expect(w->back.ends == 1);
    close(client);
    world_close(w);
}

Test(sock_steer, adopts_no_connection_whose_peer_is_gone)
{
    struct world *w = world_open(1, 64);
    int client, fd = taken_over(w, &client);
    reset(client);
    struct pollfd p = { .fd = fd, .events = POLLIN };
    cr_assert(poll(&p, 1, 5000) == 1);
    cr_expect(!sock_adopt(w->back.sock, fd, STREAM_SOCK_TCP, STREAM_PLAIN));
    cr_expect(w->back.opened == 0 && sock_tally(w->back.sock)->over_limit == 0);
    cr_expect(fcntl(fd, F_GETFD) < 0 && errno == EBADF, "closed");
    world_close(w);
}

// A thread for each sock: descriptors cross through a ring, and a waker ends the other's sleep.

struct threads {
    struct waker waker;
    struct word_ring *ring;
    struct side back;
    bool over;
};

static bool threads_steer(void *context, int fd, enum stream_kind kind,
                          enum stream_listener listener)
{
    struct threads *t = context;
    uint64_t word = (uint64_t)fd;
    cr_assert(word_ring_put(t->ring, &word, 1) == 1);
    waker_wake(&t->waker);
    return true;
}

static bool threads_have_work(void *context)
{
    struct threads *t = context;
    return !word_ring_is_empty(t->ring) || __atomic_load_n(&t->over, __ATOMIC_ACQUIRE);
}

static void threads_drain(void *context) { waker_drain(context); }

static void *back_run(void *context)
{
    struct threads *t = context;
    uint64_t word;
    side_open(&t->back, 64);
    cr_assert(sock_watch(t->back.sock, waker_fd(&t->waker), threads_drain, &t->waker) == OK);
    while (!__atomic_load_n(&t->over, __ATOMIC_ACQUIRE)) {
        (void)sock_poll(t->back.sock, 256);
        while (word_ring_take(t->ring, &word, 1) == 1)
            cr_expect(sock_adopt(t->back.sock, (int)word, STREAM_SOCK_TCP, STREAM_PLAIN));
        bool sleeps = waker_prepare_sleep(&t->waker, threads_have_work, t);
        sock_submit(t->back.sock, sleeps ? UINT64_MAX : 0);
        if (sleeps) waker_end_sleep(&t->waker);
    }
    side_close(&t->back);
    return NULL;
}

static void front_until_echoed(struct side *front, int client)
{
    char got[4] = { 0 };
    uint64_t end_ns = clock_monotonic_ns() + 20000000000ULL;
    cr_assert(send(client, "ping", 4, MSG_NOSIGNAL) == 4);
    while (recv(client, got, 4, 0) < 0) {
        cr_assert(clock_monotonic_ns() < end_ns, "no answer");
        side_turn(front);
    }
    cr_expect(memcmp(got, "ping", 4) == 0);
}

Test(sock_steer, hands_connections_to_a_sleeping_thread, .timeout = 50)
{
    struct threads t = { 0 };
    struct side front;
    pthread_t thread;
    char error[128];
    int fds[40];
    cr_assert(waker_open(&t.waker) == OK && word_ring_open(&t.ring, 64) == OK);
    cr_assert(pthread_create(&thread, NULL, back_run, &t) == 0);
    side_open(&front, 64);
    sock_set_steer(front.sock, threads_steer, &t);
    cr_assert(sock_listen_tcp(front.sock, "127.0.0.1", 0, 511, error, sizeof error) == OK);
    for (uint32_t i = 0; i < 40; i++) {
        fds[i] = client_open_port(sock_listener_port(front.sock, 0));
        front_until_echoed(&front, fds[i]);
    }
    for (uint32_t i = 0; i < 40; i++) close(fds[i]);
    __atomic_store_n(&t.over, true, __ATOMIC_RELEASE);
    waker_wake(&t.waker);
    cr_assert(pthread_join(thread, NULL) == 0);
    cr_expect(t.back.opened == 40 && front.opened == 0);
    cr_expect(waker_wakes(&t.waker) >= 1 && waker_wakes(&t.waker) <= 41);
    word_ring_close(t.ring);
    waker_close(&t.waker);
    side_close(&front);
}
