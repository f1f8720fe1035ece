#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "dataplane/base/check.h"
#include "dataplane/base/clock.h"
#include "dataplane/sock/sock_priv.h"

static void say(char *error, uint32_t error_bytes, const char *what, const char *why)
{
    if (error_bytes > 0) (void)snprintf(error, error_bytes, "%s: %s", what, why);
}

// Options that Linux hands down from a listener to the sockets it accepts, so accepting costs no
// calls of its own.

static void set_int(int fd, int level, int option, int value)
{
    (void)setsockopt(fd, level, option, &value, sizeof value);
}

static void keepalive_apply(int fd, uint32_t keepalive_s)
{
    int idle = keepalive_s > 32767 ? 32767 : (int)keepalive_s; // the kernel's own maximum
    set_int(fd, SOL_SOCKET, SO_KEEPALIVE, idle > 0);
    if (idle == 0) return;
    set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle);
    set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, idle >= 3 ? idle / 3 : 1);
    set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

void sock_set_keepalive(struct sock *s, uint32_t keepalive_s)
{
    s->keepalive_s = keepalive_s;
    for (uint32_t i = 0; i < SOCK_LISTENERS_MAX; i++) {
        const struct sock_listener *l = &s->listeners[i];
        if (l->fd >= 0 && l->kind == STREAM_SOCK_TCP) keepalive_apply(l->fd, keepalive_s);
    }
}

// Opening

static struct sock_listener *listener_find_free(struct sock *s)
{
    for (uint32_t i = 0; i < SOCK_LISTENERS_MAX; i++)
        if (s->listeners[i].fd < 0 && !s->listeners[i].armed) return &s->listeners[i];
    return NULL;
}

static void listener_start(struct sock *s, struct sock_listener *l, int fd, enum stream_kind kind,
                           char *path)
{
    *l = (struct sock_listener){
        .fd = fd, .generation = l->generation + 1, .kind = kind, .path = path
    };
    if (kind == STREAM_SOCK_TCP) {
        static const uint8_t any6[16], any4[16] = { [10] = 0xff, [11] = 0xff };
        (void)sock_address(fd, false, &l->local);
        l->port = l->local.port;
        l->local_known = memcmp(l->local.ip, any6, 16) != 0 && memcmp(l->local.ip, any4, 16) != 0;
    }
    s->listeners_wanting = true;
}

// A listening socket, or -1 with the error line written.
static int open_tcp(const struct addrinfo *a, int backlog, char *error, uint32_t error_bytes)
{
    const char *what = "socket";
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
        set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
        if (a->ai_family == AF_INET6) set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
        what = "bind";
        if (bind(fd, a->ai_addr, a->ai_addrlen) == 0) {
            what = "listen";
            if (listen(fd, backlog) == 0) return fd;
        }
    }
    say(error, error_bytes, what, strerror(errno));
    if (fd >= 0) close(fd);
    return -1;
}

enum status sock_listen_tcp(struct sock *s, const char *ip, uint16_t port, int backlog, char *error,
                            uint32_t error_bytes)
{
    return sock_listen_tcp_as(s, STREAM_PLAIN, ip, port, backlog, error, error_bytes);
}

enum status sock_listen_tcp_as(struct sock *s, enum stream_listener listener, const char *ip,
                               uint16_t port, int backlog, char *error, uint32_t error_bytes)
{
    const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                                    .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    char service[8];
    struct sock_listener *l = listener_find_free(s);
    if (!l) {
        say(error, error_bytes, "listen", "too many listeners");
        return ERR_NO_SPACE;
    }
    (void)snprintf(service, sizeof service, "%u", port);
    int r = getaddrinfo(ip, service, &hints, &found);
    if (r != 0) {
        say(error, error_bytes, "address", gai_strerror(r));
        return ERR_IO;
    }
    int fd = open_tcp(found, backlog, error, error_bytes);
    freeaddrinfo(found);
    if (fd < 0) return ERR_IO;
    keepalive_apply(fd, s->keepalive_s);
    listener_start(s, l, fd, STREAM_SOCK_TCP, NULL);
    l->listener = listener;
    return OK;
}

static int open_unix(const struct sockaddr_un *a, uint32_t mode, int backlog, char *error,
                     uint32_t error_bytes)
{
    const char *what = "socket";
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        (void)unlink(a->sun_path);
        what = "bind";
        if (bind(fd, (const struct sockaddr *)a, sizeof *a) == 0) {
            what = "chmod";
            if (mode == 0 || chmod(a->sun_path, mode) == 0) {
                what = "listen";
                if (listen(fd, backlog) == 0) return fd;
            }
            int reason = errno;
            (void)unlink(a->sun_path);
            errno = reason;
        }
    }
    say(error, error_bytes, what, strerror(errno));
    if (fd >= 0) close(fd);
    return -1;
}

enum status sock_listen_unix(struct sock *s, const char *path, uint32_t mode, int backlog,
                             char *error, uint32_t error_bytes)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    struct sock_listener *l = listener_find_free(s);
    if (!l) {
        say(error, error_bytes, "listen", "too many listeners");
        return ERR_NO_SPACE;
    }
    if (strlen(path) >= sizeof a.sun_path) {
        say(error, error_bytes, "bind", strerror(ENAMETOOLONG));
        return ERR_IO;
    }
    memcpy(a.sun_path, path, strlen(path) + 1);
    int fd = open_unix(&a, mode, backlog, error, error_bytes);
    if (fd < 0) return ERR_IO;
    char *own_path = strdup(path);
    CHECK(own_path);
    listener_start(s, l, fd, STREAM_SOCK_UNIX, own_path);
    return OK;
}

void sock_stop_listening(struct sock *s)
{
    for (uint32_t i = 0; i < SOCK_LISTENERS_MAX; i++) {
        struct sock_listener *l = &s->listeners[i];
        if (l->fd < 0) continue;
        // The accept in flight keeps the socket alive; shutdown refuses newcomers at once.
        (void)shutdown(l->fd, SHUT_RDWR);
        close(l->fd);
        l->fd = -1;
        l->retry_at_ns = 0;
        if (l->path) (void)unlink(l->path);
        free(l->path);
        l->path = NULL;
        s->listeners_wanting = true;
    }
}

uint32_t sock_listener_count(const struct sock *s)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < SOCK_LISTENERS_MAX; i++) count += s->listeners[i].fd >= 0;
    return count;
}

uint16_t sock_listener_port(const struct sock *s, uint32_t index)
{
    for (uint32_t i = 0; i < SOCK_LISTENERS_MAX; i++)
        if (s->listeners[i].fd >= 0 && index-- == 0) return s->listeners[i].port;
    return 0;
}

// Accepting

// One connection was lost, the next may be had at once. Anything else (out of descriptors or memory
// above all) would only fail again, in a busy loop.
static bool is_passing(int error)
{
    return error == ECONNABORTED || error == EPROTO || error == EINTR || error == EAGAIN ||
           error == ECANCELED;
}

void sock_on_accept(struct sock *s, const struct io_uring_cqe *cqe)
{
    uint32_t index = (uint32_t)cqe->user_data;
    CHECK(index < SOCK_LISTENERS_MAX);
    struct sock_listener *l = &s->listeners[index];
    if (!(cqe->flags & IORING_CQE_F_MORE)) {
        l->armed = l->cancelled = false;
        s->listeners_wanting = true;
    }
    if (cqe->res >= 0) {
        if (l->fd >= 0)
            sock_accepted(s, l, cqe->res);
        else
            close(cqe->res); // came in while we stopped listening
    } else if (!is_passing(-cqe->res)) {
        s->tally.accept_errors++;
        s->accept_paused = true;
        l->retry_at_ns = clock_monotonic_ns() + SOCK_ACCEPT_RETRY_MS * 1000000ULL;
    }
}

static bool accept_prepare(struct sock *s, uint32_t index)
{
    struct sock_listener *l = &s->listeners[index];
    uint64_t tag = sock_tag(SOCK_OP_ACCEPT, l->generation, index);
    if (l->fd < 0) {
        if (!l->armed || l->cancelled) return true;
        l->cancelled = sock_cancel(s, tag, sock_tag(SOCK_OP_NONE, 0, 0));
        return l->cancelled;
    }
    if (l->armed || l->retry_at_ns > 0) return true;
    struct io_uring_sqe *sqe = sock_sqe(s);
    if (!sqe) return false;
    io_uring_prep_multishot_accept(sqe, l->fd, NULL, NULL, SOCK_CLOEXEC);
    sqe->user_data = tag;
    l->armed = true;
    return true;
}

uint64_t sock_listeners_retry_ns(struct sock *s)
{
    uint64_t earliest_ns = UINT64_MAX;
    for (uint32_t i = 0; i < SOCK_LISTENERS_MAX; i++) {
        uint64_t at_ns = s->listeners[i].retry_at_ns;
        if (at_ns > 0 && at_ns < earliest_ns) earliest_ns = at_ns;
    }
    s->accept_paused = earliest_ns != UINT64_MAX;
    return earliest_ns;
}

void sock_listeners_wake(struct sock *s)
{
    uint64_t now_ns = clock_monotonic_ns();
    for (uint32_t i = 0; i < SOCK_LISTENERS_MAX; i++) {
        struct sock_listener *l = &s->listeners[i];
        if (l->retry_at_ns == 0 || l->retry_at_ns > now_ns) continue;
        l->retry_at_ns = 0;
        s->listeners_wanting = true;
    }
}

// Watching a descriptor of the caller

enum status sock_watch(struct sock *s, int fd, void (*on_ready)(void *context), void *context)
{
    if (s->watch_count == SOCK_WATCHES_MAX) return ERR_NO_SPACE;
    s->watches[s->watch_count++] =
        (struct sock_watch){ .fd = fd, .on_ready = on_ready, .context = context };
    s->listeners_wanting = true;
    return OK;
}

void sock_on_watch(struct sock *s, const struct io_uring_cqe *cqe)
{
    uint32_t index = (uint32_t)cqe->user_data;
    CHECK(index < s->watch_count);
    struct sock_watch *w = &s->watches[index];
    if (!(cqe->flags & IORING_CQE_F_MORE)) {
        w->armed = false;
        if (cqe->res < 0 && cqe->res != -EAGAIN && cqe->res != -EINTR) w->fd = -1; // not pollable
        s->listeners_wanting = true;
    }
    if (cqe->res > 0) w->on_ready(w->context);
}

static bool watch_prepare(struct sock *s, uint32_t index)
{
    struct sock_watch *w = &s->watches[index];
    if (w->armed || w->fd < 0) return true;
    struct io_uring_sqe *sqe = sock_sqe(s);
    if (!sqe) return false;
    io_uring_prep_poll_multishot(sqe, w->fd, POLLIN);
    sqe->user_data = sock_tag(SOCK_OP_WATCH, 0, index);
    w->armed = true;
    return true;
}

bool sock_listeners_prepare(struct sock *s)
{
    bool all = true;
    for (uint32_t i = 0; i < SOCK_LISTENERS_MAX; i++) all &= accept_prepare(s, i);
    for (uint32_t i = 0; i < s->watch_count; i++) all &= watch_prepare(s, i);
    s->listeners_wanting = !all;
    return all;
}
