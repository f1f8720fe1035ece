#include "tools/penstockctl_client.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "dataplane/base/num.h"

static void set_time_limit(int fd)
{
    struct timeval limit = { .tv_sec = CLIENT_TIMEOUT_S };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

static int connect_unix(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    set_time_limit(fd);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    close(fd);
    return -1;
}

static int connect_tcp(const char *host, int port)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC }, *list;
    char service[16];
    int fd = -1;
    snprintf(service, sizeof service, "%d", port);
    if (getaddrinfo(host, service, &hints, &list) != 0) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (fd < 0) continue;
        set_time_limit(fd); // bounds connect too
        if (connect(fd, a->ai_addr, a->ai_addrlen) == 0) break;
        int saved = errno;
        close(fd);
        fd = -1;
        errno = saved;
    }
    freeaddrinfo(list);
    return fd;
}

static enum ctl_exit client_authenticate(struct client *c, const struct ctl_options *o)
{
    const char *argv[3] = { "AUTH", o->user, o->password };
    struct reply reply;
    if (!o->password) return CTL_OK;
    if (!o->user) argv[1] = o->password;
    enum ctl_exit result = client_call(c, o->user ? 3 : 2, argv, &reply);
    if (result != CTL_OK) return result;
    if (reply.type == '-') {
        ctl_complain("%s", reply.text);
        result = CTL_ANSWERED_ERROR;
    }
    reply_free(&reply);
    return result;
}

enum ctl_exit client_open(struct client *c, const struct ctl_options *o)
{
    c->at = c->end = 0;
    c->fd = o->socket ? connect_unix(o->socket) : connect_tcp(o->host, o->port);
    if (c->fd < 0) {
        if (o->socket)
            ctl_complain("cannot connect to %s: %s", o->socket, strerror(errno));
        else
            ctl_complain("cannot connect to %s port %d: %s", o->host, o->port, strerror(errno));
        return CTL_NOT_RUNNING;
    }
    enum ctl_exit result = client_authenticate(c, o);
    if (result != CTL_OK) client_close(c);
    return result;
}

void client_close(struct client *c)
{
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
}

static bool send_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        data += n;
        size -= (size_t)n;
    }
    return true;
}

static bool send_command(struct client *c, int argc, const char *const *argv)
{
    char head[48];
    int size = snprintf(head, sizeof head, "*%d\r\n", argc);
    if (!send_all(c->fd, head, (size_t)size)) return false;
    for (int i = 0; i < argc; i++) {
        size = snprintf(head, sizeof head, "$%zu\r\n", strlen(argv[i]));
        if (!send_all(c->fd, head, (size_t)size) || !send_all(c->fd, argv[i], strlen(argv[i])) ||
            !send_all(c->fd, "\r\n", 2))
            return false;
    }
    return true;
}

static bool fill(struct client *c)
{
    ssize_t n;
    do n = recv(c->fd, c->buffer, sizeof c->buffer, 0);
    while (n < 0 && errno == EINTR);
    if (n == 0) errno = ECONNRESET;
    if (n <= 0) return false;
    c->at = 0;
    c->end = (size_t)n;
    return true;
}

static bool read_exactly(struct client *c, char *out, size_t size)
{
    while (size > 0) {
        if (c->at == c->end && !fill(c)) return false;
        size_t n = c->end - c->at < size ? c->end - c->at : size;
        memcpy(out, c->buffer + c->at, n);
        c->at += n;
        out += n;
        size -= n;
    }
    return true;
}

// A line without its CRLF, as a heap text; NULL when it does not end in time or in bounds.
static char *read_line(struct client *c, size_t *size)
{
    char *line = malloc(CLIENT_LINE_BYTES_MAX);
    for (size_t n = 0; line && n < CLIENT_LINE_BYTES_MAX && read_exactly(c, line + n, 1); n++) {
        if (line[n] != '\n' || n == 0 || line[n - 1] != '\r') continue;
        line[n - 1] = '\0';
        *size = n - 1;
        return line;
    }
    free(line);
    return NULL;
}

static bool read_bulk(struct client *c, struct reply *r, int64_t size)
{
    char end[2];
    if (size == -1) {
        r->type = '_';
        return true;
    }
    if (size < 0 || size > CLIENT_BULK_BYTES_MAX) return false;
    r->size = (size_t)size;
    r->text = malloc(r->size + 1);
    if (!r->text || !read_exactly(c, r->text, r->size)) return false;
    r->text[r->size] = '\0';
    return read_exactly(c, end, 2) && end[0] == '\r' && end[1] == '\n';
}

static bool read_reply(struct client *c, struct reply *r, int depth);

static bool read_items(struct client *c, struct reply *r, int64_t count, int depth)
{
    if (count == -1) {
        r->type = '_';
        return true;
    }
    if (count < 0 || count > CLIENT_ITEMS_MAX || depth == CLIENT_DEPTH_MAX) return false;
    r->items = calloc((size_t)count + 1, sizeof *r->items);
    if (!r->items) return false;
    r->count = (size_t)count;
    for (size_t i = 0; i < r->count; i++)
        if (!read_reply(c, &r->items[i], depth + 1)) return false;
    return true;
}

// On failure what was read so far hangs on r: reply_free takes it.
static bool read_reply(struct client *c, struct reply *r, int depth)
{
    size_t size;
    *r = (struct reply){ 0 };
    char *line = read_line(c, &size);
    if (!line) return false;
    r->type = line[0];
    if (r->type == '+' || r->type == '-') {
        r->size = size - 1;
        memmove(line, line + 1, size);
        r->text = line;
        return true;
    }
    bool ok = size > 1 && num_parse_int(bytes_make(line + 1, size - 1), &r->integer);
    free(line);
    if (!ok) return false;
    if (r->type == '$') return read_bulk(c, r, r->integer);
    if (r->type == '*') return read_items(c, r, r->integer, depth);
    return r->type == ':';
}

enum ctl_exit client_call(struct client *c, int argc, const char *const *argv, struct reply *reply)
{
    errno = 0;
    *reply = (struct reply){ 0 };
    if (send_command(c, argc, argv) && read_reply(c, reply, 0)) return CTL_OK;
    reply_free(reply);
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        ctl_complain("no answer within %d seconds", CLIENT_TIMEOUT_S);
    else
        ctl_complain("the answer broke off or is not RESP%s%s", errno ? ": " : "",
                     errno ? strerror(errno) : "");
    return CTL_BROKEN;
}

void reply_free(struct reply *r)
{
    for (size_t i = 0; i < r->count; i++) reply_free(&r->items[i]);
    free(r->items);
    free(r->text);
    *r = (struct reply){ 0 };
}
