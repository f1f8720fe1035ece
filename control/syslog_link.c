#include "control/syslog_link.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/base/clock.h"

enum { HEAD_BYTES = 96, PARTS_MAX = 5 };
static const uint64_t second_ns = 1000000000, wait_max_ns = SYSLOG_WAIT_MS * 1000000ull;

enum outcome { TAKEN, FULL, LOST };

static int facility_code(const char *name)
{
    static const struct {
        const char *name;
        int code;
    } rows[] = { { "user", LOG_USER },     { "local0", LOG_LOCAL0 }, { "local1", LOG_LOCAL1 },
                 { "local2", LOG_LOCAL2 }, { "local3", LOG_LOCAL3 }, { "local4", LOG_LOCAL4 },
                 { "local5", LOG_LOCAL5 }, { "local6", LOG_LOCAL6 }, { "local7", LOG_LOCAL7 } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcasecmp(rows[i].name, name) == 0) return rows[i].code;
    return LOG_LOCAL0;
}

// ---- the socket

static void drop_socket(struct syslog_link *s)
{
    if (s->fd >= 0) close(s->fd);
    s->fd = -1;
}

// 0, or why not.
static int connect_as(struct syslog_link *s, int type)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof address.sun_path, "%s", s->path);
    s->is_stream = type == SOCK_STREAM;
    s->fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->fd < 0) return errno;
    if (connect(s->fd, (struct sockaddr *)&address, sizeof address) == 0) return 0;
    int cause = errno;
    drop_socket(s);
    return cause;
}

static void reconnect(struct syslog_link *s)
{
    drop_socket(s);
    s->opened_ns = clock_monotonic_ns();
    // Datagrams nearly everywhere; some daemons listen for connections.
    if (connect_as(s, SOCK_DGRAM) == EPROTOTYPE) (void)connect_as(s, SOCK_STREAM);
}

void syslog_link_open(struct syslog_link *s, const char *path, const char *ident,
                      const char *facility)
{
    *s = (struct syslog_link){
        .path = path, .ident = ident, .fd = -1, .facility = facility_code(facility)
    };
    reconnect(s);
}

void syslog_link_close(struct syslog_link *s) { drop_socket(s); }

// ---- lines

struct line {
    char head[HEAD_BYTES], tag_end[32];
    struct iovec parts[PARTS_MAX]; // the last one: the zero byte of a stream
    size_t bytes;                  // without it
};

static struct iovec part_of(const char *text)
{
    return (struct iovec){ (void *)text, strlen(text) };
}

static void line_make(struct line *line, const struct syslog_link *s, int severity,
                      uint64_t wall_us, const char *text)
{
    // Not strftime: the names are English in every locale.
    static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    struct tm tm;
    time_t seconds = (time_t)(wall_us / 1000000);
    localtime_r(&seconds, &tm);
    snprintf(line->head, sizeof line->head, "<%d>%s %2d %02d:%02d:%02d ", s->facility | severity,
             months[tm.tm_mon], tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    snprintf(line->tag_end, sizeof line->tag_end, "[%d]: ", (int)getpid());
    line->parts[0] = part_of(line->head);
    line->parts[1] = part_of(s->ident);
    line->parts[2] = part_of(line->tag_end);
    line->parts[3] = part_of(text);
    line->parts[4] = (struct iovec){ (void *)"", 1 };
    line->bytes = 0;
    for (int i = 0; i < PARTS_MAX - 1; i++) line->bytes += line->parts[i].iov_len;
}

static enum outcome transmit(struct syslog_link *s, struct line *line)
{
    struct msghdr message = { .msg_iov = line->parts,
                              .msg_iovlen = s->is_stream ? PARTS_MAX : PARTS_MAX - 1 };
    if (s->fd < 0) return LOST;
    ssize_t sent = sendmsg(s->fd, &message, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == ENOBUFS ? FULL : LOST;
    // Half a line into a stream: the end of the connection ends it, and it comes again as a whole.
    return (size_t)sent == line->bytes + s->is_stream ? TAKEN : LOST;
}

static bool wait_for_room(struct syslog_link *s)
{
    uint64_t now_ns = clock_monotonic_ns();
    if (now_ns - s->window_ns >= second_ns) {
        s->window_ns = now_ns;
        s->wait_ns = 0;
    }
    if (s->wait_ns >= wait_max_ns) return false;
    struct timespec left = { .tv_nsec = (long)(wait_max_ns - s->wait_ns) };
    struct pollfd room = { .fd = s->fd, .events = POLLOUT };
    bool has_room = ppoll(&room, 1, &left, NULL) > 0;
    s->wait_ns += clock_monotonic_ns() - now_ns;
    return has_room;
}

bool syslog_link_send(struct syslog_link *s, int severity, uint64_t wall_us, const char *text,
                      bool may_wait)
{
    struct line line;
    line_make(&line, s, severity, wall_us, text);
    enum outcome outcome = transmit(s, &line);
    if (outcome == FULL && may_wait && wait_for_room(s)) outcome = transmit(s, &line);
    // Lost: the daemon ended, and perhaps started anew. Still full: it may have started anew while
    // the one that hangs keeps its socket, so now and then the path is followed again.
    if (outcome == LOST || (outcome == FULL && clock_monotonic_ns() - s->opened_ns >= second_ns)) {
        reconnect(s);
        outcome = transmit(s, &line);
    }
    return outcome == TAKEN;
}
