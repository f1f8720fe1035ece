#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "dataplane/base/clock.h"
#include "dataplane/base/hash.h"
#include "dataplane/base/heap.h"
#include "dataplane/sock/sock.h"

// One thread plays both sides: the transport under test through its turns, and its clients through
// plain non-blocking sockets.

enum { MEGABYTE = 1 << 20 };

struct world;

// What the app has seen of one stream.
struct seen {
    struct world *world;
    struct stream *stream; // NULL once closed
    uint8_t *data;         // everything received, when kept
    size_t size, room;
    uint64_t mismatches; // against the pattern, when checked instead of kept
    uint32_t ends, closes, drains;
    enum stream_close why;
};

struct world {
    struct heap heap;
    struct sock *sock;
    struct seen *seen[20000]; // in the order of opening
    uint32_t seen_count;
    bool refuse, echo, check_pattern, abort_on_data, close_on_data, close_on_end, pause_on_data;
    bool write_on_closed;
    bool in_op; // inside a stream op: no callback may come
    uint32_t closes;
};

static uint8_t pattern(uint64_t position) { return (uint8_t)(position * 31 + (position >> 13)); }

static bool on_open(void *app, struct stream *st)
{
    struct world *w = app;
    if (w->refuse) return false;
    struct seen *seen = calloc(1, sizeof *seen);
    seen->world = w;
    seen->stream = st;
    st->user = seen;
    w->seen[w->seen_count++] = seen;
    return true;
}

static void keep(struct seen *seen, struct bytes data)
{
    if (seen->size + data.size > seen->room) {
        seen->room = 2 * (seen->size + data.size);
        seen->data = realloc(seen->data, seen->room);
    }
    memcpy(seen->data + seen->size, data.data, data.size);
    seen->size += data.size;
}

static void op_abort(struct stream *st)
{
    struct world *w = ((struct seen *)st->user)->world;
    w->in_op = true;
    st->ops->abort(st);
    w->in_op = false;
}
static void op_close(struct stream *st)
{
    struct world *w = ((struct seen *)st->user)->world;
    w->in_op = true;
    st->ops->close(st);
    w->in_op = false;
}
static void op_pause(struct stream *st, bool paused)
{
    struct world *w = ((struct seen *)st->user)->world;
    w->in_op = true;
    st->ops->pause(st, paused);
    w->in_op = false;
}

static void on_data(void *app, struct stream *st, struct bytes data)
{
    struct world *w = app;
    struct seen *seen = st->user;
    cr_assert(!w->in_op && seen->closes == 0 && seen->ends == 0 && data.size > 0);
    cr_assert(!st->is_closing);
    cr_assert(st->arrival_tsc != 0 && st->arrival_tsc <= clock_tsc());
    if (w->check_pattern) {
        for (size_t i = 0; i < data.size; i++)
            seen->mismatches += data.data[i] != pattern(seen->size + i);
        seen->size += data.size;
    } else {
        keep(seen, data);
    }
    if (w->echo) {
        outq_append(&st->out, data);
        st->ops->flush(st);
    }
    if (w->pause_on_data) op_pause(st, true);
    if (w->close_on_data) op_close(st);
    if (w->abort_on_data) op_abort(st);
}

static void on_end(void *app, struct stream *st)
{
    struct seen *seen = st->user;
    cr_assert(!((struct world *)app)->in_op && seen->closes == 0);
    seen->ends++;
    if (((struct world *)app)->close_on_end) op_close(st);
}

static void on_drained(void *app, struct stream *st)
{
    struct seen *seen = st->user;
    cr_assert(!((struct world *)app)->in_op && seen->closes == 0);
    cr_assert(st->out.bytes == 0 && st->ops->pending(st) == 0);
    seen->drains++;
}

static void say(struct seen *seen, const char *text)
{
    outq_append(&seen->stream->out, bytes_text(text));
    seen->stream->ops->flush(seen->stream);
}

static void on_closed(void *app, struct stream *st, enum stream_close why)
{
    struct world *w = app;
    struct seen *seen = st->user;
    cr_assert(!w->in_op);
    if (w->write_on_closed) say(seen, "too late");
    seen->closes++;
    seen->why = why;
    seen->stream = NULL;
    w->closes++;
}

static struct world *world_open_config(const struct sock_config *config)
{
    struct world *w = calloc(1, sizeof *w);
    const struct stream_app app = { .app = w,
                                    .on_open = on_open,
                                    .on_data = on_data,
                                    .on_end = on_end,
                                    .on_drained = on_drained,
                                    .on_closed = on_closed };
    char error[128];
    cr_assert(heap_open(&w->heap) == OK);
    cr_assert(sock_open(&w->sock, config, &w->heap, &app) == OK, "%s", strerror(errno));
    cr_assert(sock_listen_tcp(w->sock, "127.0.0.1", 0, 511, error, sizeof error) == OK, "%s",
              error);
    return w;
}

static struct world *world_open_with(uint32_t connections, uint32_t buffers, uint32_t buffer_bytes)
{
    return world_open_config(&(struct sock_config){ .connection_count_max = connections,
                                                    .receive_buffer_count = buffers,
                                                    .receive_buffer_bytes = buffer_bytes,
                                                    .keepalive_s = 300 });
}

static struct world *world_open_whole_buffers(uint32_t buffers, uint32_t buffer_bytes)
{
    return world_open_config(&(struct sock_config){ .connection_count_max = 64,
                                                    .receive_buffer_count = buffers,
                                                    .receive_buffer_bytes = buffer_bytes,
                                                    .receive_whole_buffers = true });
}

static struct world *world_open(void) { return world_open_with(64, 64, 16384); }

// Closing tells every stream, and leaves nothing on the heap.
static void world_close(struct world *w)
{
    sock_close(w->sock);
    for (uint32_t i = 0; i < w->seen_count; i++) {
        cr_assert(w->seen[i]->closes == 1, "on_closed came %u times", w->seen[i]->closes);
        free(w->seen[i]->data);
        free(w->seen[i]);
    }
    for (uint32_t i = 0; i < HEAP_OWNER_COUNT; i++)
        cr_assert(w->heap.bytes[i] == 0, "owner %u keeps %lu bytes", i,
                  (unsigned long)w->heap.bytes[i]);
    heap_close(&w->heap);
    free(w);
}

static void turn(struct world *w)
{
    (void)sock_poll(w->sock, 256);
    sock_submit(w->sock, clock_monotonic_ns() + 1000000);
}

#define UNTIL(w, condition)                                                                        \
    do {                                                                                           \
        uint64_t end_ns_ = clock_monotonic_ns() + 20000000000ULL;                                  \
        while (!(condition)) {                                                                     \
            cr_assert(clock_monotonic_ns() < end_ns_, "never: " #condition);                       \
            turn(w);                                                                               \
        }                                                                                          \
    } while (0)

static void turns(struct world *w, uint32_t count)
{
    while (count-- > 0) turn(w);
}

static int client_open(struct world *w)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons(sock_listener_port(w->sock, 0)) };
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0, "%s", strerror(errno));
    cr_assert(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    return fd;
}

// A connected client and what the app sees of it.
static struct seen *pair_open(struct world *w, int *fd)
{
    uint32_t before = w->seen_count;
    *fd = client_open(w);
    UNTIL(w, w->seen_count > before);
    return w->seen[before];
}

// Reads what the client has, up to size; 0 at the end of the stream, -1 when there is nothing now.
static ssize_t client_read(int fd, void *out, size_t size) { return recv(fd, out, size, 0); }

static void client_expect(struct world *w, int fd, const char *text)
{
    char got[256] = { 0 };
    size_t size = 0, want = strlen(text);
    cr_assert(want < sizeof got);
    uint64_t end_ns = clock_monotonic_ns() + 5000000000ULL;
    while (size < want) {
        cr_assert(clock_monotonic_ns() < end_ns, "got only '%s'", got);
        ssize_t n = client_read(fd, got + size, want - size);
        cr_assert(n != 0, "ended after '%s'", got);
        if (n > 0)
            size += (size_t)n;
        else
            turn(w);
    }
    cr_expect_str_eq(got, text);
}

static void client_expect_end(struct world *w, int fd)
{
    char byte;
    ssize_t n;
    uint64_t end_ns = clock_monotonic_ns() + 5000000000ULL;
    while ((n = client_read(fd, &byte, 1)) < 0 && errno == EAGAIN) {
        cr_assert(clock_monotonic_ns() < end_ns, "no end");
        turn(w);
    }
    cr_expect(n == 0, "n %zd %s", n, strerror(errno));
}

static void reset(int fd)
{
    const struct linger l = { .l_onoff = 1 };
    cr_assert(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l) == 0);
    close(fd);
}

Test(sock, answers_what_it_receives)
{
    struct world *w = world_open();
    int fd;
    w->echo = true;
    struct seen *seen = pair_open(w, &fd);
    cr_expect(sock_connection_count(w->sock) == 1);
    cr_assert(send(fd, "hello", 5, 0) == 5);
    client_expect(w, fd, "hello");
    UNTIL(w, seen->drains == 1);
    cr_expect(seen->stream->rx_bytes == 5 && seen->stream->tx_bytes == 5);
    close(fd);
    UNTIL(w, seen->ends == 1);
    cr_expect(seen->closes == 0); // the app decides
    op_close(seen->stream);
    UNTIL(w, seen->closes == 1);
    cr_expect(seen->why == STREAM_CLOSED_BY_PEER);
    cr_expect(sock_connection_count(w->sock) == 0);
    world_close(w);
}

// What waits behind a spent budget arrived no later than what was handled first.
Test(sock, stamps_arrival_when_the_completion_was_first_seen)
{
    struct world *w = world_open();
    int fd[4];
    for (uint32_t i = 0; i < 4; i++) (void)pair_open(w, &fd[i]);
    turns(w, 3);
    for (uint32_t i = 0; i < 4; i++) cr_assert(send(fd[i], "x", 1, 0) == 1);
    uint64_t before = clock_tsc();
    for (uint32_t seen = 0; seen < 4;) { // no turn: all arrive through the first of these polls
        (void)sock_poll(w->sock, 1);
        for (uint32_t i = seen = 0; i < 4; i++) seen += w->seen[i]->size > 0;
    }
    uint64_t first = w->seen[0]->stream->arrival_tsc;
    cr_expect(first > before);
    for (uint32_t i = 1; i < 4; i++) cr_expect(w->seen[i]->stream->arrival_tsc == first);
    for (uint32_t i = 0; i < 4; i++) close(fd[i]);
    world_close(w);
}

Test(sock, keeps_bytes_in_order_when_they_come_one_at_a_time)
{
    struct world *w = world_open();
    int fd;
    struct seen *seen = pair_open(w, &fd);
    for (uint32_t i = 0; i < 300; i++) {
        uint8_t byte = pattern(i);
        cr_assert(send(fd, &byte, 1, 0) == 1);
        if (i % 3 == 0) turn(w);
    }
    UNTIL(w, seen->size == 300);
    for (uint32_t i = 0; i < 300; i++) cr_assert(seen->data[i] == pattern(i));
    close(fd);
    world_close(w);
}

static void take_in(struct world *w, uint64_t total)
{
    uint8_t *block = malloc(MEGABYTE);
    uint64_t sent = 0;
    int fd;
    w->check_pattern = true;
    struct seen *seen = pair_open(w, &fd);
    while (sent < total) {
        size_t part = total - sent < MEGABYTE ? total - sent : MEGABYTE;
        for (size_t i = 0; i < part; i++) block[i] = pattern(sent + i);
        for (size_t at = 0; at < part;) {
            ssize_t n = send(fd, block + at, part - at, 0);
            if (n > 0) at += (size_t)n;
            turn(w);
        }
        sent += part;
    }
    UNTIL(w, seen->size == total);
    cr_expect(seen->mismatches == 0);
    free(block);
    close(fd);
    world_close(w);
}

Test(sock, takes_in_100_megabytes) { take_in(world_open(), 100ULL * MEGABYTE); }
Test(sock, takes_in_20_megabytes_in_whole_buffers)
{
    take_in(world_open_whole_buffers(64, 16384), 20ULL * MEGABYTE);
}
Test(sock, takes_in_5_megabytes_through_one_buffer)
{
    take_in(world_open_with(4, 1, 4096), 5ULL * MEGABYTE);
}

static void count_release(void *value) { ++*(uint32_t *)value; }

// The reader stops for a while: output waits, in bounded requests, and nothing is lost.
Test(sock, sends_100_megabytes_to_a_reader_that_stops)
{
    struct world *w = world_open();
    const uint64_t total = 100ULL * MEGABYTE;
    uint8_t *values = malloc(total), *got = malloc(MEGABYTE);
    uint32_t released = 0;
    uint64_t size = 0, mismatches = 0;
    int fd;
    struct seen *seen = pair_open(w, &fd);
    for (uint64_t i = 0; i < total; i++) values[i] = pattern(i);
    for (uint64_t i = 0; i < total; i += MEGABYTE) // by reference and by copy in turns
        if ((i / MEGABYTE) % 2)
            outq_append_ref(&seen->stream->out, bytes_make(values + i, MEGABYTE), count_release,
                            &released);
        else
            outq_append(&seen->stream->out, bytes_make(values + i, MEGABYTE));
    seen->stream->ops->flush(seen->stream);
    turns(w, 20);
    cr_expect(seen->stream->ops->pending(seen->stream) > 0);
    cr_expect(seen->stream->ops->pending(seen->stream) <= 8ULL * MEGABYTE);
    cr_expect(seen->stream->out.bytes > total / 2);
    while (size < total) {
        ssize_t n = client_read(fd, got, MEGABYTE);
        cr_assert(n != 0);
        for (ssize_t i = 0; i < n; i++) mismatches += got[i] != pattern(size + (uint64_t)i);
        if (n > 0) size += (uint64_t)n;
        turn(w);
    }
    UNTIL(w, seen->drains == 1);
    cr_expect(mismatches == 0);
    cr_expect(released == 50);
    cr_expect(seen->stream->tx_bytes == total);
    free(values);
    free(got);
    close(fd);
    world_close(w);
}

// The kernel's buffers fill and hold the client back; what had arrived comes after resuming.
Test(sock, holds_the_peer_back_while_paused)
{
    struct world *w = world_open();
    uint8_t block[4096];
    uint64_t sent = 0;
    uint32_t refused = 0;
    int fd;
    w->check_pattern = true;
    struct seen *seen = pair_open(w, &fd);
    op_pause(seen->stream, true);
    while (refused < 20) {
        for (size_t i = 0; i < sizeof block; i++) block[i] = pattern(sent + i);
        ssize_t n = send(fd, block, sizeof block, 0);
        if (n > 0)
            sent += (uint64_t)n;
        else
            refused++;
        turn(w);
        cr_assert(sent < 64ULL * MEGABYTE, "nothing holds the peer back");
    }
    cr_expect(seen->size == 0);
    cr_expect(w->heap.bytes[HEAP_CLIENT_IN] < 4 * MEGABYTE);
    op_pause(seen->stream, false);
    cr_expect(seen->size == 0); // never inside the call
    UNTIL(w, seen->size == sent);
    cr_expect(seen->mismatches == 0);
    cr_expect(w->heap.bytes[HEAP_CLIENT_IN] == 0);
    cr_assert(send(fd, "x", 1, 0) == 1);
    UNTIL(w, seen->size == sent + 1);
    close(fd);
    UNTIL(w, seen->ends == 1);
    world_close(w);
}

Test(sock, keeps_what_follows_a_pause_made_in_on_data)
{
    struct world *w = world_open_with(64, 64, 1024);
    uint8_t block[20 * 1024];
    int fd;
    w->check_pattern = w->pause_on_data = true;
    struct seen *seen = pair_open(w, &fd);
    for (size_t i = 0; i < sizeof block; i++) block[i] = pattern(i);
    cr_assert(send(fd, block, sizeof block, 0) == sizeof block);
    close(fd); // the end waits behind the data
    UNTIL(w, seen->size > 0);
    size_t first = seen->size;
    turns(w, 5);
    cr_expect(seen->size == first && first < sizeof block);
    while (seen->size < sizeof block) {
        size_t before = seen->size;
        cr_expect(seen->ends == 0);
        op_pause(seen->stream, false);
        UNTIL(w, seen->size > before);
    }
    cr_expect(seen->mismatches == 0);
    op_pause(seen->stream, false);
    UNTIL(w, seen->ends == 1);
    world_close(w);
}

Test(sock, drops_held_bytes_of_a_stream_that_is_aborted_or_closed)
{
    struct world *w = world_open_with(64, 64, 1024);
    uint8_t block[8 * 1024] = { 0 };
    int fd[2];
    w->pause_on_data = true;
    struct seen *a = pair_open(w, &fd[0]), *b = pair_open(w, &fd[1]);
    cr_assert(send(fd[0], block, sizeof block, 0) == sizeof block);
    cr_assert(send(fd[1], block, sizeof block, 0) == sizeof block);
    UNTIL(w, a->size > 0 && b->size > 0);
    turns(w, 3);
    cr_expect(w->heap.bytes[HEAP_CLIENT_IN] > 0);
    op_abort(a->stream);
    op_close(b->stream);
    UNTIL(w, a->closes && b->closes);
    cr_expect(w->heap.bytes[HEAP_CLIENT_IN] == 0);
    close(fd[0]);
    close(fd[1]);
    world_close(w);
}

Test(sock, still_sends_after_the_peer_ended_its_side)
{
    struct world *w = world_open();
    int fd;
    struct seen *seen = pair_open(w, &fd);
    cr_assert(send(fd, "last", 4, 0) == 4);
    cr_assert(shutdown(fd, SHUT_WR) == 0);
    UNTIL(w, seen->ends == 1);
    cr_expect(seen->size == 4);
    say(seen, "reply");
    client_expect(w, fd, "reply");
    say(seen, "bye");
    op_close(seen->stream);
    client_expect(w, fd, "bye");
    client_expect_end(w, fd);
    UNTIL(w, seen->closes == 1);
    cr_expect(seen->why == STREAM_CLOSED_BY_PEER);
    cr_expect(seen->ends == 1);
    close(fd);
    world_close(w);
}

Test(sock, reports_a_reset)
{
    struct world *w = world_open();
    int fd;
    struct seen *seen = pair_open(w, &fd);
    reset(fd);
    UNTIL(w, seen->closes == 1);
    cr_expect(seen->why == STREAM_RESET);
    cr_expect(seen->ends == 0);
    world_close(w);
}

Test(sock, reports_a_reset_met_while_sending)
{
    struct world *w = world_open();
    uint8_t *value = calloc(1, 8 * MEGABYTE);
    uint32_t released = 0;
    int fd;
    struct seen *seen = pair_open(w, &fd);
    outq_append_ref(&seen->stream->out, bytes_make(value, 8 * MEGABYTE), count_release, &released);
    seen->stream->ops->flush(seen->stream);
    turns(w, 3);
    reset(fd);
    UNTIL(w, seen->closes == 1);
    cr_expect(seen->why == STREAM_RESET);
    turns(w, 3);
    cr_expect(released == 1);
    free(value);
    world_close(w);
}

Test(sock, aborts_with_a_reset_and_tells_before_the_next_poll_returns)
{
    struct world *w = world_open();
    uint8_t *value = calloc(1, 8 * MEGABYTE);
    uint32_t released = 0;
    char byte;
    int fd;
    struct seen *seen = pair_open(w, &fd);
    outq_append_ref(&seen->stream->out, bytes_make(value, 8 * MEGABYTE), count_release, &released);
    seen->stream->ops->flush(seen->stream);
    turns(w, 3);
    op_abort(seen->stream);
    cr_expect(seen->closes == 0);
    (void)sock_poll(w->sock, 1);
    cr_expect(seen->closes == 1 && seen->why == STREAM_CLOSED_LOCALLY);
    turns(w, 5);
    cr_expect(released == 1);
    ssize_t n;
    while ((n = client_read(fd, value, MEGABYTE)) > 0) {
    }
    cr_expect(n < 0 && errno == ECONNRESET);
    cr_expect(recv(fd, &byte, 1, 0) <= 0);
    free(value);
    close(fd);
    world_close(w);
}

// An app may answer what it received before it heard of the end, even inside on_closed.
Test(sock, drops_what_is_written_to_a_stream_that_is_gone)
{
    struct world *w = world_open();
    int fd[3];
    w->write_on_closed = true;
    struct seen *a = pair_open(w, &fd[0]), *b = pair_open(w, &fd[1]), *c = pair_open(w, &fd[2]);
    reset(fd[0]);
    op_abort(b->stream);
    say(b, "after abort");
    op_close(c->stream);
    outq_append(&c->stream->out, BYTES_LITERAL("after close"));
    UNTIL(w, a->closes && b->closes && c->closes);
    client_expect_end(w, fd[2]);
    close(fd[1]);
    close(fd[2]);
    world_close(w);
}

Test(sock, may_be_aborted_or_closed_inside_on_data)
{
    struct world *w = world_open_with(64, 64, 512);
    uint8_t block[4096] = { 0 };
    int fd[2];
    struct seen *a = pair_open(w, &fd[0]);
    w->abort_on_data = true;
    cr_assert(send(fd[0], block, sizeof block, 0) == sizeof block);
    UNTIL(w, a->closes == 1);
    cr_expect(a->size > 0 && a->size <= 512);
    w->abort_on_data = false;
    w->close_on_data = w->echo = true;
    struct seen *b = pair_open(w, &fd[1]);
    cr_assert(send(fd[1], "QUIT", 4, 0) == 4);
    client_expect(w, fd[1], "QUIT");
    client_expect_end(w, fd[1]);
    UNTIL(w, b->closes == 1);
    cr_expect(b->why == STREAM_CLOSED_LOCALLY);
    close(fd[0]);
    close(fd[1]);
    world_close(w);
}

Test(sock, closes_after_all_output_has_left)
{
    struct world *w = world_open();
    const size_t total = 10 * MEGABYTE;
    uint8_t *value = malloc(total), *got = malloc(total);
    uint32_t released = 0;
    size_t size = 0;
    ssize_t n;
    int fd;
    struct seen *seen = pair_open(w, &fd);
    for (size_t i = 0; i < total; i++) value[i] = pattern(i);
    outq_append_ref(&seen->stream->out, bytes_make(value, total), count_release, &released);
    op_close(seen->stream);
    turns(w, 5);
    cr_expect(seen->closes == 0); // the client has not read
    while ((n = client_read(fd, got + size, total - size)) != 0 || size < total) {
        cr_assert(n > 0 || errno == EAGAIN, "%s after %zu", strerror(errno), size);
        if (n > 0) size += (size_t)n;
        turn(w);
        if (size == total) break;
    }
    cr_expect(memcmp(value, got, total) == 0);
    UNTIL(w, seen->closes == 1);
    client_expect_end(w, fd);
    cr_expect(released == 1);
    free(value);
    free(got);
    close(fd);
    world_close(w);
}

Test(sock, closes_a_refused_connection_without_another_call)
{
    struct world *w = world_open();
    w->refuse = true;
    int fd = client_open(w);
    client_expect_end(w, fd);
    cr_expect(w->seen_count == 0 && w->closes == 0);
    cr_expect(sock_connection_count(w->sock) == 0);
    cr_expect(sock_tally(w->sock)->accepted == 0);
    close(fd);
    world_close(w);
}

Test(sock, closes_unseen_what_exceeds_its_slots)
{
    struct world *w = world_open_with(2, 64, 4096);
    int fd[3];
    (void)pair_open(w, &fd[0]);
    struct seen *second = pair_open(w, &fd[1]);
    fd[2] = client_open(w);
    client_expect_end(w, fd[2]);
    cr_expect(sock_tally(w->sock)->over_limit == 1);
    close(fd[2]);
    op_close(second->stream);
    UNTIL(w, second->closes == 1);
    client_expect_end(w, fd[1]);
    close(fd[1]);
    (void)pair_open(w, &fd[1]); // the slot serves again
    close(fd[0]);
    close(fd[1]);
    world_close(w);
}

// Interleaved blocks, references and a gap; what is not flushed stays.
Test(sock, sends_pieces_in_order_and_not_past_what_was_flushed)
{
    struct world *w = world_open();
    static uint8_t big[3000];
    uint32_t released = 0;
    char got[8192];
    size_t size = 0;
    int fd;
    memset(big, 'b', sizeof big);
    struct seen *seen = pair_open(w, &fd);
    struct outq *out = &seen->stream->out;
    for (uint32_t i = 0; i < 100; i++) { // more pieces than one request takes
        outq_append(out, BYTES_LITERAL("a"));
        outq_append_ref(out, bytes_make(big, 10), count_release, &released);
    }
    seen->stream->ops->flush(seen->stream);
    struct piece *gap = outq_gap(out);
    outq_append(out, BYTES_LITERAL("tail"));
    uint64_t end_ns = clock_monotonic_ns() + 5000000000ULL;
    while (size < 1100 && clock_monotonic_ns() < end_ns) {
        turn(w);
        ssize_t n = client_read(fd, got + size, sizeof got - size);
        if (n > 0) size += (size_t)n;
    }
    cr_assert(size == 1100, "%zu", size);
    for (size_t i = 0; i < size; i++) cr_assert(got[i] == (i % 11 == 0 ? 'a' : 'b'));
    UNTIL(w, released == 100);
    turns(w, 3);
    cr_expect(client_read(fd, got, sizeof got) < 0); // the gap is open
    outq_gap_fill(out, gap, BYTES_LITERAL("gap+"));
    seen->stream->ops->flush(seen->stream);
    client_expect(w, fd, "gap+tail");
    close(fd);
    world_close(w);
}

static void serve_50_clients(struct world *w)
{
    enum { CLIENTS = 50, EACH = 20000 };
    int fd[CLIENTS];
    uint8_t block[EACH];
    w->check_pattern = true;
    for (size_t i = 0; i < EACH; i++) block[i] = pattern(i);
    for (uint32_t i = 0; i < CLIENTS; i++) (void)pair_open(w, &fd[i]);
    for (uint32_t i = 0; i < CLIENTS; i++) cr_assert(send(fd[i], block, EACH, 0) == EACH);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        UNTIL(w, w->seen[i]->size == EACH);
        cr_expect(w->seen[i]->mismatches == 0);
        close(fd[i]);
    }
    cr_expect(sock_tally(w->sock)->receive_starved > 0);
    for (uint32_t i = 0; i < CLIENTS; i++) UNTIL(w, w->seen[i]->ends == 1);
    world_close(w);
}

Test(sock, serves_50_clients_with_two_small_buffers)
{
    serve_50_clients(world_open_with(64, 2, 1024));
}
Test(sock, serves_50_clients_with_two_small_whole_buffers)
{
    serve_50_clients(world_open_whole_buffers(2, 1024));
}

static void expect_bytes(struct world *w, int fd, const uint8_t *want, size_t want_size)
{
    uint8_t got[8192];
    for (size_t size = 0; size < want_size;) {
        size_t part = want_size - size < sizeof got ? want_size - size : sizeof got;
        ssize_t n = client_read(fd, got, part);
        cr_assert(n != 0);
        if (n < 0) {
            turn(w);
            continue;
        }
        cr_assert(memcmp(got, want + size, (size_t)n) == 0);
        size += (size_t)n;
    }
}

// More completions at once than the queue has places: the kernel keeps the rest, in order.
static void overflow(struct world *w)
{
    enum { CLIENTS = 40, EACH = 16000 };
    int fd[CLIENTS];
    uint8_t block[EACH];
    w->echo = true;
    for (size_t i = 0; i < EACH; i++) block[i] = pattern(i);
    for (uint32_t i = 0; i < CLIENTS; i++) (void)pair_open(w, &fd[i]);
    for (uint32_t round = 0; round < 2; round++) { // the first makes the buffer ring grow
        for (uint32_t i = 0; i < CLIENTS; i++) cr_assert(send(fd[i], block, EACH, 0) == EACH);
        for (uint32_t i = 0; round == 1 && i < CLIENTS; i++) {
            say(w->seen[i], "!"); // turns that submit something and poll nothing
            sock_submit(w->sock, 0);
        }
        for (uint32_t i = 0; i < CLIENTS; i++) {
            if (round == 1) client_expect(w, fd[i], "!");
            expect_bytes(w, fd[i], block, EACH);
        }
    }
    cr_expect(sock_tally(w->sock)->overflows > 0);
    for (uint32_t i = 0; i < CLIENTS; i++) close(fd[i]);
    world_close(w);
}

Test(sock, survives_a_full_completion_queue) { overflow(world_open_with(64, 32768, 24)); }
Test(sock, survives_a_full_completion_queue_with_whole_buffers)
{
    overflow(world_open_whole_buffers(32768, 16));
}

// Short replies are sent without a completion each; when the socket is full they must wait all the
// same, and go on by themselves.
Test(sock, keeps_short_replies_for_a_reader_that_stopped)
{
    struct world *w = world_open();
    enum { EACH = 4000, COUNT = 10000 };
    uint8_t reply[EACH];
    static uint8_t got[MEGABYTE];
    uint64_t size = 0, mismatches = 0;
    int fd;
    struct seen *seen = pair_open(w, &fd);
    for (uint64_t i = 0; i < COUNT; i++) {
        for (uint64_t j = 0; j < EACH; j++) reply[j] = pattern(i * EACH + j);
        outq_append(&seen->stream->out, bytes_make(reply, EACH));
        seen->stream->ops->flush(seen->stream);
        (void)sock_poll(w->sock, 256);
        sock_submit(w->sock, 0);
    }
    cr_expect(seen->stream->out.bytes + seen->stream->ops->pending(seen->stream) > MEGABYTE);
    while (size < EACH * COUNT) {
        ssize_t n = client_read(fd, got, sizeof got);
        cr_assert(n != 0);
        for (ssize_t i = 0; i < n; i++) mismatches += got[i] != pattern(size + (uint64_t)i);
        if (n > 0) size += (uint64_t)n;
        turn(w);
    }
    cr_expect(mismatches == 0);
    UNTIL(w, seen->stream->tx_bytes == EACH * COUNT);
    cr_expect(seen->stream->out.bytes == 0);
    say(seen, "short again");
    client_expect(w, fd, "short again");
    close(fd);
    world_close(w);
}

static bool all_descriptors(uint32_t count)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max < count) return false;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

// The clients' side, in a process of its own: exit status 0 when every answer was right.
static int clients_run(struct world *w, uint32_t count)
{
    int *fd = calloc(count, sizeof *fd);
    for (uint32_t i = 0; i < count; i++) {
        fd[i] = client_open(w);
        if (fcntl(fd[i], F_SETFL, 0) != 0) return 1;
    }
    for (uint32_t round = 0; round < 3; round++) {
        char got[4];
        for (uint32_t i = 0; i < count; i++)
            if (send(fd[i], &i, sizeof i, 0) != sizeof i) return 2;
        for (uint32_t i = 0; i < count; i++)
            if (recv(fd[i], got, 4, MSG_WAITALL) != 4 || memcmp(got, &i, 4) != 0) return 3;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (i % 2)
            close(fd[i]);
        else
            reset(fd[i]);
    }
    return 0;
}

Test(sock, serves_10000_connections)
{
    enum { CLIENTS = 10000 };
    int status = -1;
    if (!all_descriptors(CLIENTS + 100)) cr_skip_test("too few descriptors");
    struct world *w = world_open_with(CLIENTS, 256, 16384);
    w->echo = w->close_on_end = true;
    pid_t child = fork();
    cr_assert(child >= 0);
    if (child == 0) _exit(clients_run(w, CLIENTS));
    UNTIL(w, w->seen_count == CLIENTS);
    cr_expect(w->heap.bytes[HEAP_CLIENT_OUT] < 4 * MEGABYTE); // idle ones hold no block
    UNTIL(w, w->closes == CLIENTS);
    cr_assert(waitpid(child, &status, 0) == child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
    cr_expect(sock_connection_count(w->sock) == 0);
    world_close(w);
}

// Slots are used again and again; nothing of an old connection reaches the new one.
Test(sock, reuses_slots)
{
    struct world *w = world_open_with(4, 16, 4096);
    w->echo = true;
    for (uint32_t i = 0; i < 600; i++) {
        char text[16];
        int fd;
        struct seen *seen = pair_open(w, &fd);
        (void)snprintf(text, sizeof text, "n%u", i);
        cr_assert(send(fd, text, strlen(text), 0) == (ssize_t)strlen(text));
        UNTIL(w, seen->size == strlen(text));
        cr_assert(memcmp(seen->data, text, seen->size) == 0);
        if (i % 3 == 0)
            op_abort(seen->stream);
        else
            op_close(seen->stream);
        if (i % 2)
            reset(fd);
        else
            close(fd);
        UNTIL(w, seen->closes == 1);
    }
    cr_expect(sock_tally(w->sock)->over_limit == 0);
    world_close(w);
}

Test(sock, knows_the_addresses_of_both_ends)
{
    struct world *w = world_open();
    struct sockaddr_in a;
    socklen_t size = sizeof a;
    const uint8_t loopback[16] = { [10] = 0xff, 0xff, 127, 0, 0, 1 };
    int fd;
    struct seen *seen = pair_open(w, &fd);
    cr_assert(getsockname(fd, (struct sockaddr *)&a, &size) == 0);
    cr_expect(memcmp(seen->stream->remote.ip, loopback, 16) == 0);
    cr_expect(seen->stream->remote.port == ntohs(a.sin_port));
    cr_expect(memcmp(seen->stream->local.ip, loopback, 16) == 0);
    cr_expect(seen->stream->local.port == sock_listener_port(w->sock, 0));
    cr_expect(seen->stream->kind == STREAM_SOCK_TCP && seen->stream->fd >= 0);
    close(fd);
    world_close(w);
}

Test(sock, finds_the_local_address_behind_a_wildcard)
{
    struct world *w = world_open();
    char error[128];
    const uint8_t address[16] = { [10] = 0xff, 0xff, 127, 0, 0, 9 };
    cr_assert(sock_listen_tcp(w->sock, "0.0.0.0", 0, 16, error, sizeof error) == OK);
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons(sock_listener_port(w->sock, 1)) };
    a.sin_addr.s_addr = htonl(0x7f000009);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert(connect(fd, (struct sockaddr *)&a, sizeof a) == 0);
    UNTIL(w, w->seen_count == 1);
    cr_expect(memcmp(w->seen[0]->stream->local.ip, address, 16) == 0);
    close(fd);
    world_close(w);
}

Test(sock, listens_on_ipv6)
{
    struct world *w = world_open();
    char error[128];
    if (sock_listen_tcp(w->sock, "::1", 0, 16, error, sizeof error) != OK)
        cr_skip_test("no IPv6 loopback");
    struct sockaddr_in6 a = { .sin6_family = AF_INET6,
                              .sin6_port = htons(sock_listener_port(w->sock, 1)),
                              .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    cr_assert(connect(fd, (struct sockaddr *)&a, sizeof a) == 0);
    UNTIL(w, w->seen_count == 1);
    const struct stream *st = w->seen[0]->stream;
    cr_expect(memcmp(st->remote.ip, &in6addr_loopback, 16) == 0 && st->remote.port != 0);
    cr_expect(memcmp(st->local.ip, &in6addr_loopback, 16) == 0);
    cr_expect(st->local.port == sock_listener_port(w->sock, 1));
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

Test(sock, sets_the_options_of_accepted_sockets)
{
    struct world *w = world_open();
    int fd;
    int own = pair_open(w, &fd)->stream->fd;
    cr_expect(int_option(own, IPPROTO_TCP, TCP_NODELAY) != 0);
    cr_expect(int_option(own, SOL_SOCKET, SO_KEEPALIVE) != 0);
    cr_expect(int_option(own, IPPROTO_TCP, TCP_KEEPIDLE) == 300);
    cr_expect(int_option(own, IPPROTO_TCP, TCP_KEEPINTVL) == 100);
    cr_expect(int_option(own, IPPROTO_TCP, TCP_KEEPCNT) == 3);
    cr_expect((fcntl(own, F_GETFD) & FD_CLOEXEC) != 0);
    close(fd);
    sock_set_keepalive(w->sock, 2);
    own = pair_open(w, &fd)->stream->fd;
    cr_expect(int_option(own, IPPROTO_TCP, TCP_KEEPIDLE) == 2);
    cr_expect(int_option(own, IPPROTO_TCP, TCP_KEEPINTVL) == 1);
    close(fd);
    sock_set_keepalive(w->sock, 0);
    own = pair_open(w, &fd)->stream->fd;
    cr_expect(int_option(own, SOL_SOCKET, SO_KEEPALIVE) == 0);
    close(fd);
    world_close(w);
}

Test(sock, serves_a_unix_socket)
{
    struct world *w = world_open();
    char error[128];
    struct stat info;
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    (void)snprintf(a.sun_path, sizeof a.sun_path, "/tmp/penstock-test-%d.sock", getpid());
    for (uint32_t i = 0; i < 2; i++) { // the second finds the file of one that did not clean up
        cr_assert(sock_listen_unix(w->sock, a.sun_path, 0700, 16, error, sizeof error) == OK, "%s",
                  error);
        cr_assert(stat(a.sun_path, &info) == 0 && (info.st_mode & 0777) == 0700);
    }
    cr_expect(sock_listener_port(w->sock, 1) == 0);
    w->echo = true;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    cr_assert(connect(fd, (struct sockaddr *)&a, sizeof a) == 0);
    cr_assert(send(fd, "local", 5, 0) == 5);
    client_expect(w, fd, "local");
    cr_expect(w->seen[0]->stream->kind == STREAM_SOCK_UNIX);
    cr_expect(w->seen[0]->stream->remote.port == 0 && w->seen[0]->stream->local.port == 0);
    sock_stop_listening(w->sock);
    cr_expect(stat(a.sun_path, &info) != 0);
    close(fd);
    UNTIL(w, w->seen[0]->ends == 1);
    world_close(w);
}

Test(sock, says_why_it_cannot_listen)
{
    struct world *w = world_open();
    char error[128];
    uint16_t taken = sock_listener_port(w->sock, 0);
    cr_expect(sock_listen_tcp(w->sock, "127.0.0.1", taken, 16, error, sizeof error) == ERR_IO);
    cr_expect_str_eq(error, "bind: Address already in use");
    cr_expect(sock_listen_tcp(w->sock, "192.0.2.1", 0, 16, error, sizeof error) == ERR_IO);
    cr_expect_str_eq(error, "bind: Cannot assign requested address");
    cr_expect(sock_listen_tcp(w->sock, "no address", 0, 16, error, sizeof error) == ERR_IO);
    cr_expect(strncmp(error, "address: ", 9) == 0);
    cr_expect(sock_listen_unix(w->sock, "/nowhere/x", 0, 16, error, sizeof error) == ERR_IO);
    cr_expect_str_eq(error, "bind: No such file or directory");
    char path[200];
    memset(path, 'p', sizeof path);
    path[199] = 0;
    cr_expect(sock_listen_unix(w->sock, path, 0, 16, error, sizeof error) == ERR_IO);
    cr_expect_str_eq(error, "bind: File name too long");
    uint32_t count = sock_listener_count(w->sock);
    while (sock_listen_tcp(w->sock, "127.0.0.1", 0, 16, error, sizeof error) == OK) count++;
    cr_expect(count == SOCK_LISTENERS_MAX);
    cr_expect_str_eq(error, "listen: too many listeners");
    world_close(w);
}

Test(sock, refuses_newcomers_after_it_stopped_listening)
{
    struct world *w = world_open();
    int fd;
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons(sock_listener_port(w->sock, 0)) };
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    w->echo = true;
    (void)pair_open(w, &fd);
    sock_stop_listening(w->sock);
    cr_expect(sock_listener_count(w->sock) == 0);
    int late = socket(AF_INET, SOCK_STREAM, 0);
    cr_expect(connect(late, (struct sockaddr *)&a, sizeof a) != 0 && errno == ECONNREFUSED);
    cr_assert(send(fd, "still", 5, 0) == 5);
    client_expect(w, fd, "still");
    char error[128]; // the port is free at once
    cr_expect(sock_listen_tcp(w->sock, "127.0.0.1", ntohs(a.sin_port), 16, error, sizeof error) ==
                  OK,
              "%s", error);
    close(late);
    late = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert(connect(late, (struct sockaddr *)&a, sizeof a) == 0);
    UNTIL(w, w->seen_count == 2);
    close(late);
    close(fd);
    world_close(w);
}

struct bell {
    int fd;
    uint32_t rings;
};
static void on_ready(void *context)
{
    struct bell *b = context;
    uint64_t value;
    b->rings++;
    cr_expect(read(b->fd, &value, sizeof value) == sizeof value);
}

Test(sock, wakes_for_a_watched_descriptor)
{
    struct world *w = world_open();
    struct bell bell = { .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) };
    cr_assert(sock_watch(w->sock, bell.fd, on_ready, &bell) == OK);
    turns(w, 2);
    for (uint32_t i = 1; i <= 100; i++) {
        cr_assert(eventfd_write(bell.fd, 1) == 0);
        uint64_t before_ns = clock_monotonic_ns();
        sock_submit(w->sock, before_ns + 5000000000ULL);
        cr_assert(clock_monotonic_ns() - before_ns < 2000000000ULL);
        UNTIL(w, bell.rings == i);
    }
    turns(w, 3);
    cr_expect(bell.rings == 100);
    world_close(w);
    close(bell.fd);
}

static uint64_t cpu_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

Test(sock, sleeps_until_the_deadline_without_burning_cpu)
{
    struct world *w = world_open();
    int fd;
    (void)pair_open(w, &fd);
    turns(w, 5);
    uint64_t start_ns = clock_monotonic_ns(), start_cpu_ns = cpu_ns();
    uint32_t count = 0;
    while (clock_monotonic_ns() < start_ns + 200000000ULL) {
        (void)sock_poll(w->sock, 256);
        sock_submit(w->sock, start_ns + 200000000ULL);
        count++;
    }
    cr_expect(count <= 3, "%u turns", count);
    cr_expect(cpu_ns() - start_cpu_ns < 100000000ULL);
    uint64_t enters = sock_tally(w->sock)->enters;
    for (uint32_t i = 0; i < 1000; i++) { // busy polling an idle ring costs no system call
        (void)sock_poll(w->sock, 256);
        sock_submit(w->sock, 0);
    }
    cr_expect(sock_tally(w->sock)->enters == enters);
    close(fd);
    world_close(w);
}

// Out of descriptors: connections wait in the backlog, the loop stays calm, and goes on later.
Test(sock, does_not_spin_when_descriptors_run_out)
{
    int client[4], filler[64];
    uint32_t filler_count = 0;
    struct rlimit limit = { .rlim_cur = 60, .rlim_max = 60 };
    cr_assert(setrlimit(RLIMIT_NOFILE, &limit) == 0); // an accept takes the limit when it is armed
    struct world *w = world_open();
    turns(w, 2);
    for (uint32_t i = 0; i < 4; i++) client[i] = client_open(w);
    while ((filler[filler_count] = dup(0)) >= 0) filler_count++;
    uint64_t start_ns = clock_monotonic_ns();
    uint32_t count = 0;
    while (clock_monotonic_ns() < start_ns + 350000000ULL) {
        (void)sock_poll(w->sock, 256);
        sock_submit(w->sock, start_ns + 350000000ULL);
        count++;
    }
    cr_expect(w->seen_count == 0);
    cr_expect(sock_tally(w->sock)->accept_errors >= 2);
    cr_expect(count < 30, "%u turns", count);
    while (filler_count > 0) close(filler[--filler_count]);
    UNTIL(w, w->seen_count == 4);
    for (uint32_t i = 0; i < 4; i++) close(client[i]);
    world_close(w);
}

Test(sock, tells_every_stream_when_it_is_closed_itself)
{
    struct world *w = world_open();
    uint8_t *value = calloc(1, 8 * MEGABYTE);
    uint32_t released = 0;
    int fd[3];
    for (uint32_t i = 0; i < 3; i++) (void)pair_open(w, &fd[i]);
    struct stream *st = w->seen[1]->stream;
    outq_append_ref(&st->out, bytes_make(value, 8 * MEGABYTE), count_release, &released);
    st->ops->flush(st);
    turns(w, 3);
    world_close(w); // checks on_closed and the heap
    cr_expect(released == 1);
    free(value);
    for (uint32_t i = 0; i < 3; i++) close(fd[i]);
}

// Many clients that send, stop reading, end, reset; an app that echoes, pauses, closes, aborts: by
// chance, from a seed. Every byte that comes back is the right one, and nothing is left over.

enum { CHANCE_CLIENTS = 24 };

struct chance_client {
    int fd; // -1: none
    bool ended;
    uint64_t sent, got;
};

static void chance_client_step(struct world *w, struct chance_client *c, struct rng *rng)
{
    uint8_t block[9000];
    if (c->fd < 0) {
        *c = (struct chance_client){ .fd = client_open(w) };
        return;
    }
    uint64_t what = rng_below(rng, 100);
    if (what < 45 && !c->ended) {
        size_t size = 1 + rng_below(rng, rng_below(rng, 2) ? 40 : sizeof block);
        for (size_t i = 0; i < size; i++) block[i] = pattern(c->sent + i);
        ssize_t n = send(c->fd, block, size, MSG_NOSIGNAL);
        if (n > 0) c->sent += (uint64_t)n;
    } else if (what < 94) {
        ssize_t n = recv(c->fd, block, sizeof block, 0);
        for (ssize_t i = 0; i < n; i++) cr_assert(block[i] == pattern(c->got + (uint64_t)i));
        if (n > 0) c->got += (uint64_t)n;
        cr_assert(c->got <= c->sent);
        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            close(c->fd);
            c->fd = -1;
        }
    } else if (what < 96) {
        c->ended = shutdown(c->fd, SHUT_WR) == 0;
    } else if (what < 98) {
        close(c->fd);
        c->fd = -1;
    } else {
        reset(c->fd);
        c->fd = -1;
    }
}

static void chance_app_step(struct world *w, struct rng *rng)
{
    uint32_t open = sock_connection_count(w->sock);
    if (open == 0) return;
    uint32_t span = w->seen_count < 64 ? w->seen_count : 64;
    struct seen *seen = w->seen[w->seen_count - 1 - rng_below(rng, span)];
    if (!seen->stream || seen->stream->is_closing) return;
    uint64_t what = rng_below(rng, 100);
    if (what < 40)
        op_pause(seen->stream, true);
    else if (what < 90)
        op_pause(seen->stream, false);
    else if (what < 96)
        op_close(seen->stream);
    else
        op_abort(seen->stream);
}

static void chance(uint64_t seed, bool whole_buffers)
{
    struct world *w =
        world_open_config(&(struct sock_config){ .connection_count_max = CHANCE_CLIENTS + 8,
                                                 .receive_buffer_count = 8,
                                                 .receive_buffer_bytes = 2048,
                                                 .receive_whole_buffers = whole_buffers });
    struct chance_client clients[CHANCE_CLIENTS];
    struct rng rng;
    rng_seed(&rng, seed);
    w->echo = w->close_on_end = true;
    for (uint32_t i = 0; i < CHANCE_CLIENTS; i++) clients[i].fd = -1;
    for (uint32_t step = 0; step < 30000 && w->seen_count < 10000; step++) {
        chance_client_step(w, &clients[rng_below(&rng, CHANCE_CLIENTS)], &rng);
        if (rng_below(&rng, 8) == 0) chance_app_step(w, &rng);
        if (rng_below(&rng, 3) == 0) (void)sock_poll(w->sock, 1 + (uint32_t)rng_below(&rng, 20));
        if (rng_below(&rng, 3) == 0) sock_submit(w->sock, 0);
    }
    for (uint32_t i = 0; i < CHANCE_CLIENTS; i++)
        if (clients[i].fd >= 0) close(clients[i].fd);
    for (uint32_t i = 0; i < w->seen_count; i++)
        if (w->seen[i]->stream && !w->seen[i]->stream->is_closing)
            op_pause(w->seen[i]->stream, false);
    UNTIL(w, sock_connection_count(w->sock) == 0); // each end or reset was noticed
    world_close(w);
}

Test(sock, keeps_every_byte_whatever_happens_seed_1) { chance(1, false); }
Test(sock, keeps_every_byte_whatever_happens_seed_2) { chance(2, false); }
Test(sock, keeps_every_byte_whatever_happens_seed_3) { chance(3, true); }
