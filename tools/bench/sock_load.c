#include "tools/bench/sock_load.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <fcntl.h>
#include "dataplane/base/check.h"
#include "dataplane/base/clock.h"
#include "tools/bench/tls_link.h"

enum {
    EVENTS_MAX = 256,
    READ_BYTES = 256 * 1024,
    WAIT_MS_MAX = 50,
    SPIN_NS = 60 * 1000, // a wait shorter than this is not worth the sleep: it would wake too late
};

struct sock_load;
struct sock_conn {
    struct load_conn *conn;
    struct sock_load *owner;
    int fd;
    struct ssl_st *link;       // TLS; NULL: plain
    bool wants_write;          // the kernel took only a part
    size_t from, to, capacity; // of out: bytes that have not left yet
    uint8_t *out;
};

struct sock_load {
    struct load *load;
    int epoll_fd;
    struct ssl_ctx_st *tls; // NULL: plain
    struct sock_conn *conns;
    uint8_t *in;
};

// ---- connecting

static int connect_unix(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int connect_tcp(const struct addrinfo *list)
{
    int fd = -1, one = 1;
    for (; list; list = list->ai_next) {
        fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0) continue;
        if (connect(fd, list->ai_addr, list->ai_addrlen) == 0) break;
        int cause = errno;
        close(fd);
        errno = cause;
        fd = -1;
    }
    if (fd >= 0) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static bool open_conn(struct sock_load *s, uint32_t index, const struct sock_target *target,
                      const struct addrinfo *list, char why[160])
{
    struct sock_conn *c = &s->conns[index];
    c->fd = target->path ? connect_unix(target->path) : connect_tcp(list);
    snprintf(why, 160, "%s", strerror(errno));
    if (c->fd < 0) return false;
    if (s->tls && !(c->link = tls_link_open(s->tls, c->fd, why, 160))) return false;
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };
    if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, c->fd, &event) != 0) return false;
    load_conn_opened(s->load, c->conn, clock_monotonic_ns());
    return true;
}

static bool open_all(struct sock_load *s, const struct sock_target *target, char *error,
                     uint32_t error_bytes)
{
    char port[8], why[160];
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
    snprintf(port, sizeof port, "%u", target->port);
    int got = target->path ? 0 : getaddrinfo(target->host, port, &hints, &list);
    if (got != 0) {
        snprintf(error, error_bytes, "%s: %s", target->host, gai_strerror(got));
        return false;
    }
    uint32_t count = s->load->config.connection_count, i = 0;
    while (i < count && open_conn(s, i, target, list, why)) i++;
    if (i < count)
        snprintf(error, error_bytes, "connection %u to %s: %s", i + 1,
                 target->path ? target->path : target->host, why);
    if (list) freeaddrinfo(list);
    return i == count;
}

// ---- bytes

static ssize_t conn_send(struct sock_conn *c, const void *data, size_t size)
{
    return c->link ? tls_link_send(c->link, data, size) : send(c->fd, data, size, MSG_NOSIGNAL);
}

static ssize_t conn_receive(struct sock_conn *c, void *data, size_t size)
{
    return c->link ? tls_link_receive(c->link, data, size) : recv(c->fd, data, size, 0);
}

static void lose(struct sock_load *s, struct sock_conn *c, const char *why)
{
    if (c->fd < 0) return;
    close(c->fd);
    c->fd = -1;
    load_conn_lost(s->load, c->conn, why);
}

static void watch(struct sock_load *s, struct sock_conn *c, bool wants_write)
{
    if (c->wants_write == wants_write || c->fd < 0) return;
    c->wants_write = wants_write;
    struct epoll_event event = { .events = EPOLLIN | (wants_write ? EPOLLOUT : 0u), .data.ptr = c };
    epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, c->fd, &event);
}

static void write_out(struct sock_load *s, struct sock_conn *c)
{
    while (c->from < c->to) {
        ssize_t got = conn_send(c, c->out + c->from, c->to - c->from);
        if (got > 0) {
            c->from += (uint32_t)got;
            continue;
        }
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            watch(s, c, true);
        else
            lose(s, c, strerror(errno));
        return;
    }
    c->from = c->to = 0;
    watch(s, c, false);
}

static void read_in(struct sock_load *s, struct sock_conn *c)
{
    if (c->fd < 0) return;
    ssize_t got = conn_receive(c, s->in, READ_BYTES);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        lose(s, c, got == 0 ? "the server closed a connection" : strerror(errno));
        return;
    }
    struct bytes in = bytes_make(s->in, (size_t)got);
    if (!load_input(s->load, c->conn, in, clock_monotonic_ns()))
        lose(s, c, "bytes that are no reply");
}

static uint8_t *carry_reserve(struct load_conn *conn, uint32_t size)
{
    struct sock_conn *c = conn->carrier;
    if (c->from == c->to) c->from = c->to = 0;
    if (c->capacity - c->to < size) {
        size_t capacity = (c->to + size) * 2;
        c->out = realloc(c->out, capacity);
        CHECK(c->out != NULL);
        c->capacity = capacity;
    }
    return c->out + c->to;
}

static void carry_commit(struct load_conn *conn, uint32_t size)
{
    struct sock_conn *c = conn->carrier;
    c->to += size;
}

static void carry_send(struct load_conn *conn)
{
    struct sock_conn *c = conn->carrier;
    if (c->fd >= 0 && !c->wants_write) write_out(c->owner, c);
}

static const struct load_carrier carrier = { carry_reserve, carry_commit, carry_send };

// ---- the loop

static void handle(struct sock_load *s, const struct epoll_event *events, int count)
{
    for (int i = 0; i < count; i++) {
        struct sock_conn *c = events[i].data.ptr;
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_in(s, c);
        if (c->fd >= 0 && (events[i].events & EPOLLOUT)) write_out(s, c);
    }
}

static int wait_for(struct sock_load *s, struct epoll_event *events, uint64_t now_ns)
{
    uint64_t next = load_next_ns(s->load);
    const struct load_config *k = &s->load->config;
    if (k->tick_ns) now_ns = clock_monotonic_ns(); // sending took its time too
    uint64_t wait_ns = next > now_ns ? next - now_ns : 0;
    if (wait_ns > WAIT_MS_MAX * 1000000ull) wait_ns = WAIT_MS_MAX * 1000000ull;
    if (k->rate > 0 && !k->tick_ns) wait_ns = wait_ns > SPIN_NS ? wait_ns - SPIN_NS : 0;
    struct timespec wait = { .tv_nsec = (long)wait_ns };
    return epoll_pwait2(s->epoll_fd, events, EVENTS_MAX, &wait, NULL);
}

static void run_loop(struct sock_load *s, struct progress *progress,
                     const volatile sig_atomic_t *stop)
{
    struct epoll_event events[EVENTS_MAX];
    uint64_t now = clock_monotonic_ns();
    load_begin(s->load, now);
    while (!*stop && load_pump(s->load, now)) {
        int count = wait_for(s, events, now);
        handle(s, events, count);
        now = clock_monotonic_ns();
        progress_step(progress, s->load, now);
    }
    progress_end(progress);
}

// ---- opening and closing

static bool open_memory(struct sock_load *s)
{
    uint32_t count = s->load->config.connection_count;
    s->conns = calloc(count, sizeof *s->conns);
    s->in = malloc(READ_BYTES);
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (!s->conns || !s->in || s->epoll_fd < 0) return false;
    for (uint32_t i = 0; i < count; i++) {
        s->conns[i].conn = &s->load->conns[i];
        s->conns[i].owner = s;
        s->conns[i].fd = -1;
        s->load->conns[i].carrier = &s->conns[i];
    }
    return true;
}

static void close_all(struct sock_load *s)
{
    uint32_t count = s->conns ? s->load->config.connection_count : 0;
    for (uint32_t i = 0; i < count; i++) {
        tls_link_close(s->conns[i].link);
        if (s->conns[i].fd >= 0) close(s->conns[i].fd);
        free(s->conns[i].out);
    }
    if (s->epoll_fd >= 0) close(s->epoll_fd);
    tls_link_context_close(s->tls);
    free(s->conns);
    free(s->in);
}

bool sock_load_run(struct load *l, const struct sock_target *target, struct progress *progress,
                   const volatile sig_atomic_t *stop, char *error, uint32_t error_bytes)
{
    struct sock_load s = { .load = l, .epoll_fd = -1 };
    snprintf(error, error_bytes, "out of memory or descriptors");
    l->carrier = &carrier;
    (void)prctl(PR_SET_TIMERSLACK, 1ul); // the default lets a wait end 50 us late
    bool done = open_memory(&s);
    if (done && target->ca_file)
        done = (s.tls = tls_link_context(target->ca_file, error, error_bytes)) != NULL;
    done = done && open_all(&s, target, error, error_bytes);
    if (done) run_loop(&s, progress, stop);
    close_all(&s);
    return done;
}
