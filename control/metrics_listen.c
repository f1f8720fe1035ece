#include "control/metrics_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 64 };

union address {
    struct sockaddr any;
    struct sockaddr_in ip4;
    struct sockaddr_in6 ip6;
};

// Bytes of the address, 0 when the word is none.
static socklen_t address_read(union address *a, const char *word, uint16_t port)
{
    memset(a, 0, sizeof *a);
    if (strcmp(word, "*") == 0) word = "0.0.0.0";
    if (strcmp(word, "::*") == 0) word = "::";
    if (inet_pton(AF_INET, word, &a->ip4.sin_addr) == 1) {
        a->ip4.sin_family = AF_INET;
        a->ip4.sin_port = htons(port);
        return sizeof a->ip4;
    }
    if (inet_pton(AF_INET6, word, &a->ip6.sin6_addr) != 1) return 0;
    a->ip6.sin6_family = AF_INET6;
    a->ip6.sin6_port = htons(port);
    return sizeof a->ip6;
}

// A descriptor, or -1 and errno.
static int listen_on(const char *word, uint16_t port)
{
    union address a;
    const int on = 1;
    socklen_t size = address_read(&a, word, port);
    if (size == 0) {
        errno = EINVAL;
        return -1;
    }
    int fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a.any.sa_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, &a.any, size) == 0 && listen(fd, BACKLOG) == 0) return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

// The machine has no such address, or no such family: what '-' tolerates.
static bool is_absent(int error)
{
    return error == EADDRNOTAVAIL || error == EAFNOSUPPORT || error == EPROTONOSUPPORT;
}

enum status metrics_listen(struct metrics_listeners *l, const struct setting_words *bind,
                           uint16_t port, char error[METRICS_ERROR_BYTES])
{
    l->count = 0;
    for (uint32_t i = 0; i < bind->count && l->count < METRICS_LISTENERS_MAX; i++) {
        const char *word = bind->words[i];
        bool may_be_absent = word[0] == '-';
        word += may_be_absent;
        int fd = listen_on(word, port);
        if (fd >= 0) {
            l->fds[l->count++] = fd;
            continue;
        }
        if (may_be_absent && is_absent(errno)) continue;
        snprintf(error, METRICS_ERROR_BYTES, "%.60s port %u: %s", word, port, strerror(errno));
        metrics_listen_close(l);
        return ERR_IO;
    }
    if (l->count > 0) return OK;
    snprintf(error, METRICS_ERROR_BYTES, "none of the addresses of metrics-bind is there");
    return ERR_IO;
}

void metrics_listen_close(struct metrics_listeners *l)
{
    for (uint32_t i = 0; i < l->count; i++) close(l->fds[i]);
    l->count = 0;
}
