// fixture.h: a whole shard turned by hand, with its clients in the same thread: over kernel
// sockets, or over a wire in memory with a second TCP/IP stack at its other end.
//
// Thread:  one
// Memory:  fixture_close frees all of it, peers too; the region's name is removed as soon as it is
//          open, so that a test that dies leaves nothing behind
// Time:    with sockets the real clock. With a wire the shard's clock stands still and is moved by
//          fixture_step to the next event, so long timeouts pass at once; the wall clock (deadlines
//          of keys, idle timeouts) is real in both
// Knows nothing of Criterion: the simulation uses it too.
#pragma once
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "dataplane/base/check.h"
#include "dataplane/conf/conf_file.h"
#include "dataplane/nic/nic_mem.h"
#include "dataplane/shard/shard.h"

enum {
    FIXTURE_PEERS_MAX = 1024,
    FIXTURE_FRAMES = 4096,
    FIXTURE_FRAME_BYTES = 1900,
    FIXTURE_NIC_PORT = 6379, // on the wire in memory only
};
#define FIXTURE_PATIENCE_NS 10000000000ull
#define FIXTURE_STEP_NS 5000000ull
// Tests run beside each other: each listens on a loopback address made from its pid.
#define FIXTURE_DIRECTIVES                                                                         \
    "bind %s\nport %u\nbusy-poll yes\nsave \"\"\nenable-debug-command yes\nloglevel debug\n"

struct fixture;
struct peer { // a client
    struct fixture *fixture;
    int fd;                // -1: on the wire
    struct stream *stream; // on the wire: ours; NULL once closed
    bool is_open, is_deaf; // is_deaf: reads nothing
    bool is_ended;         // the server sent its end
    bool is_reset;         // or reset the connection
    uint8_t *data;         // everything received
    size_t size, room;
    size_t taken; // of it by peer_got
};

struct fixture_host { // the other end of the wire
    struct net *net;
    struct net_tally tally;
    struct stream_app app;
    struct heap heap;
    struct heap_piece_source overflow;
};

struct fixture {
    struct region region;
    struct bell bell;
    struct clock clock;
    struct shard *shard;
    struct nic_mem *wire; // NULL: sockets
    struct fixture_host host;
    uint64_t now_ns; // of a wire
    char address[32];
    uint16_t port;
    char folder[64], unix_path[96]; // folder "": no Unix socket
    char error[512];                // of fixture_try_open
    struct peer *peers[FIXTURE_PEERS_MAX];
    uint32_t peer_count;
    uint32_t idle_turns;
    struct hub *hub; // of several shards (crowd.h): this is the first of them
    struct persist *persist; // the shards'; NULL: nothing is loaded
    void (*turn_others)(struct fixture *f); // NULL: they turn themselves, or there are none
    void *others;
};

// ---- text to send

struct wire_text {
    char *data;
    size_t size, room;
};
static inline void wire_add_bytes(struct wire_text *t, const void *data, size_t size)
{
    if (t->size + size + 1 > t->room) {
        t->room = 2 * (t->size + size + 1);
        t->data = realloc(t->data, t->room);
        CHECK(t->data != NULL);
    }
    memcpy(t->data + t->size, data, size);
    t->size += size;
    t->data[t->size] = 0;
}
__attribute__((format(printf, 2, 3))) static inline void wire_add(struct wire_text *t,
                                                                  const char *format, ...)
{
    char part[1024];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(part, sizeof part, format, args);
    va_end(args);
    CHECK(size >= 0 && (size_t)size < sizeof part);
    wire_add_bytes(t, part, (size_t)size);
}
static inline void wire_add_bulk(struct wire_text *t, const void *data, size_t size)
{
    wire_add(t, "$%zu\r\n", size);
    wire_add_bytes(t, data, size);
    wire_add_bytes(t, "\r\n", 2);
}
// A request from words with single spaces between them.
__attribute__((format(printf, 2, 3))) static inline void wire_add_request(struct wire_text *t,
                                                                          const char *format, ...)
{
    char line[1024], *rest = line, *word;
    uint32_t count = 1;
    va_list args;
    va_start(args, format);
    int size = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    CHECK(size > 0 && (size_t)size < sizeof line);
    for (const char *c = line; *c; c++) count += *c == ' ';
    wire_add(t, "*%u\r\n", count);
    while ((word = strsep(&rest, " ")) != NULL) wire_add_bulk(t, word, strlen(word));
}
static inline void wire_free(struct wire_text *t)
{
    free(t->data);
    *t = (struct wire_text){ 0 };
}

// ---- what a peer receives

static inline void peer_keep(struct peer *p, const void *data, size_t size)
{
    if (p->size + size > p->room) {
        p->room = 2 * (p->size + size);
        p->data = realloc(p->data, p->room);
        CHECK(p->data != NULL);
    }
    memcpy(p->data + p->size, data, size);
    p->size += size;
}

static inline void peer_read(struct peer *p)
{
    char bytes[65536];
    while (p->fd >= 0 && !p->is_deaf && !p->is_ended && !p->is_reset) {
        ssize_t got = recv(p->fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got < 0 && errno == EAGAIN) return;
        if (got > 0) peer_keep(p, bytes, (size_t)got);
        p->is_ended = got == 0;
        p->is_reset = got < 0;
    }
}

// ---- the other end of the wire

static inline bool host_on_open(void *app, struct stream *s)
{
    ((struct peer *)s->user)->is_open = true;
    return true;
}
static inline void host_on_data(void *app, struct stream *s, struct bytes data)
{
    peer_keep(s->user, data.data, data.size);
}
static inline void host_on_end(void *app, struct stream *s)
{
    ((struct peer *)s->user)->is_ended = true;
}
static inline void host_on_drained(void *app, struct stream *s) {}
static inline void host_on_closed(void *app, struct stream *s, enum stream_close why)
{
    struct peer *p = s->user;
    p->stream = NULL;
    if (why != STREAM_CLOSED_BY_PEER && why != STREAM_CLOSED_LOCALLY) p->is_reset = true;
}

static inline void host_open(struct fixture *f, uint64_t seed)
{
    struct fixture_host *h = &f->host;
    struct nic_queue *queue = nic_mem_queue(f->wire, 1);
    struct net_config c;
    net_config_defaults(&c);
    memcpy(c.mac, queue->caps.mac, sizeof c.mac);
    c.addresses[0] = (struct net_address){ { [10] = 0xff, 0xff, 10, 0, 0, 2 }, 24 };
    c.address_count = 1;
    c.connect_timeout_ms = 300000;
    c.connection_count_max = c.time_wait_count_max = FIXTURE_PEERS_MAX;
    c.tx_ip_checksum = c.tx_l4_checksum = true;
    c.seed = seed;
    CHECK(heap_open(&h->heap) == OK);
    heap_piece_source_init(&h->overflow, &h->heap, 4096);
    c.overflow_source = &h->overflow.source;
    h->app = (struct stream_app){ f,           host_on_open,    host_on_data,
                                  host_on_end, host_on_drained, host_on_closed };
    CHECK(net_open(&h->net, &c, queue->pool, &h->app, &h->tally, f->now_ns) == OK);
}

static inline void host_turn(struct fixture *f)
{
    struct frame *frames[NIC_BURST];
    struct nic_queue *queue = nic_mem_queue(f->wire, 1);
    struct net *net = f->host.net;
    uint32_t count;
    while ((count = nic_rx(queue, frames, NIC_BURST)) != 0)
        net_input(net, frames, count, f->now_ns);
    (void)net_timers(net, f->now_ns, 64);
    while ((count = net_output(net, frames, NIC_BURST, f->now_ns)) != 0)
        CHECK(nic_tx(queue, frames, count) == count);
    net_release(net);
}

// ---- time and turns

static inline void fixture_move_time(struct fixture *f, uint64_t most_ns)
{
    uint64_t at = f->now_ns + most_ns, next = nic_mem_next_ns(f->wire);
    if (next < at) at = next;
    if ((next = net_next_deadline_ns(f->host.net)) < at) at = next;
    if ((next = net_next_deadline_ns(f->shard->net)) < at) at = next;
    if (at < f->now_ns + 1000) at = f->now_ns + 1000;
    f->now_ns = f->clock.ns_start = at;
    nic_mem_advance(f->wire, at);
}

// One turn of the shard; then the peers read. With a wire time moves on to the next event.
static inline void fixture_step(struct fixture *f)
{
    if (f->wire) {
        fixture_move_time(f, FIXTURE_STEP_NS);
        host_turn(f);
    }
    f->idle_turns = shard_turn(f->shard) ? 0 : f->idle_turns + 1;
    if (f->turn_others) f->turn_others(f);
    for (uint32_t i = 0; i < f->peer_count; i++) peer_read(f->peers[i]);
    if (!f->wire && f->idle_turns > 10) usleep(100);
}
static inline void fixture_steps(struct fixture *f, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) fixture_step(f);
}
static inline bool fixture_is(bool condition) { return condition; } // a name for Criterion's macros
// Steps until condition holds; false when it does not in FIXTURE_PATIENCE_NS.
#define FIXTURE_WAIT(f, condition)                                                                 \
    fixture_is(({                                                                                  \
        uint64_t give_up_ns_ = clock_monotonic_ns() + FIXTURE_PATIENCE_NS;                         \
        while (!(condition) && clock_monotonic_ns() < give_up_ns_) fixture_step(f);                \
        (condition);                                                                               \
    }))

// ---- opening and closing

static inline uint16_t fixture_free_port(const char *address)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && inet_pton(AF_INET, address, &at.sin_addr) == 1);
    CHECK(bind(fd, (struct sockaddr *)&at, sizeof at) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&at, &size) == 0);
    close(fd);
    return ntohs(at.sin_port);
}

static inline void fixture_open_region(struct fixture *f, uint32_t shard_count)
{
    char name[96], path[160], folder[64];
    snprintf(folder, sizeof folder, "/shard-fixture/%d/%p", (int)getpid(), (void *)f);
    region_name(name, (uint32_t)getuid(), 0, "", folder);
    snprintf(path, sizeof path, "/dev/shm/%s", name);
    CHECK(region_open(&f->region, name, REGION_CONTROL, shard_count) == REGION_CREATED);
    unlink(path);
    CHECK(bell_open(&f->bell, name, REGION_DATAPLANE) == OK);
}

// The shard takes the settings over.
static inline struct settings *fixture_settings(struct fixture *f, const char *directives)
{
    struct settings *settings = malloc(sizeof *settings);
    struct conf_error error;
    char all[4096];
    int size =
        snprintf(all, sizeof all, FIXTURE_DIRECTIVES "%s\n", f->address, f->port, directives);
    CHECK(settings != NULL && size > 0 && (size_t)size < sizeof all);
    if (f->folder[0])
        size += snprintf(all + size, sizeof all - (size_t)size, "unixsocket %s\n", f->unix_path);
    settings_init(settings);
    if (conf_read_text(settings, bytes_make(all, (size_t)size), "fixture", &error) != OK) {
        fprintf(stderr, "%s: %s\n", error.directive, error.text);
        CHECK(!"directives");
    }
    return settings;
}

static inline struct fixture *fixture_new_of(uint32_t shard_count)
{
    struct fixture *f = calloc(1, sizeof *f);
    CHECK(f != NULL);
    uint32_t pid = (uint32_t)getpid();
    snprintf(f->address, sizeof f->address, "127.%u.%u.%u", 1 + (pid >> 16) % 250, pid >> 8 & 255,
             1 + (pid & 255) % 250);
    f->port = fixture_free_port(f->address);
    fixture_open_region(f, shard_count);
    return f;
}
static inline struct fixture *fixture_new(void) { return fixture_new_of(1); }

static inline void fixture_add_folder(struct fixture *f)
{
    snprintf(f->folder, sizeof f->folder, "/tmp/penstock-shard-XXXXXX");
    CHECK(mkdtemp(f->folder) != NULL);
    snprintf(f->unix_path, sizeof f->unix_path, "%s/socket", f->folder);
}

static inline enum status fixture_try_open(struct fixture *f, const char *directives)
{
    struct shard_config config = { .settings = fixture_settings(f, directives),
                                   .region = &f->region,
                                   .bell = &f->bell,
                                   .clock = &f->clock,
                                   .nic = f->wire ? nic_mem_queue(f->wire, 0) : NULL,
                                   .hub = f->hub,
                                   .persist = f->persist,
                                   .count = f->hub ? f->hub->shard_count : 1 };
    if (!f->wire) CHECK(clock_init(&f->clock) == OK);
    return shard_open(&f->shard, &config, f->error, sizeof f->error);
}

static inline struct fixture *fixture_open(const char *directives)
{
    struct fixture *f = fixture_new();
    if (fixture_try_open(f, directives) != OK) {
        fprintf(stderr, "%s\n", f->error);
        CHECK(!"shard_open");
    }
    fixture_steps(f, 3); // the listeners are armed
    return f;
}

// With a Unix socket too.
static inline struct fixture *fixture_open_unix(const char *directives)
{
    struct fixture *f = fixture_new();
    fixture_add_folder(f);
    CHECK(fixture_try_open(f, directives) == OK);
    fixture_steps(f, 3);
    return f;
}

// A wire between 10.0.0.1 (the shard) and 10.0.0.2. The clock does not run: ns_mult is 0.
static inline void fixture_add_wire(struct fixture *f, const struct nic_mem_impairment *hurt,
                                    uint64_t seed, uint32_t frame_count)
{
    f->now_ns = f->clock.ns_start = 1000000000;
    f->clock.tsc_hz = 1000000000;
    f->port = FIXTURE_NIC_PORT;
    CHECK(nic_mem_open(&f->wire, frame_count, FIXTURE_FRAME_BYTES, 1500, seed, hurt) == OK);
    nic_mem_advance(f->wire, f->now_ns);
    host_open(f, seed);
}

#define FIXTURE_NIC_DIRECTIVES "transport nic\nnic-devargs memory\nnic-address 10.0.0.1/24\n"
static inline struct fixture *fixture_open_wire(const char *directives,
                                                const struct nic_mem_impairment *hurt,
                                                uint64_t seed, uint32_t frame_count)
{
    char all[2048];
    struct fixture *f = fixture_new();
    fixture_add_wire(f, hurt, seed, frame_count);
    snprintf(all, sizeof all, FIXTURE_NIC_DIRECTIVES "%s", directives);
    CHECK(fixture_try_open(f, all) == OK);
    return f;
}

static inline struct fixture *fixture_open_nic(const char *directives,
                                               const struct nic_mem_impairment *hurt, uint64_t seed)
{
    return fixture_open_wire(directives, hurt, seed, FIXTURE_FRAMES);
}

static inline void peer_close(struct peer *p)
{
    if (p->fd >= 0) close(p->fd);
    if (p->stream && !p->stream->is_closing) p->stream->ops->close(p->stream);
    p->fd = -1;
}

static inline void fixture_close_shard(struct fixture *f)
{
    shard_close(f->shard);
    f->shard = NULL;
}

static inline void fixture_close(struct fixture *f)
{
    if (!f) return;
    fixture_close_shard(f);
    for (uint32_t i = 0; i < f->peer_count; i++) {
        if (f->peers[i]->fd >= 0) close(f->peers[i]->fd);
        free(f->peers[i]->data);
    }
    if (f->wire) {
        net_close(f->host.net);
        heap_close(&f->host.heap);
        nic_mem_close(f->wire);
    }
    for (uint32_t i = 0; i < f->peer_count; i++) free(f->peers[i]);
    bell_close(&f->bell);
    region_close(&f->region, false);
    if (f->folder[0]) {
        unlink(f->unix_path);
        rmdir(f->folder);
    }
    free(f);
}

// ---- peers

static inline struct peer *peer_new(struct fixture *f)
{
    struct peer *p = calloc(1, sizeof *p);
    CHECK(p != NULL && f->peer_count < FIXTURE_PEERS_MAX);
    p->fixture = f;
    p->fd = -1;
    f->peers[f->peer_count++] = p;
    return p;
}

// NULL when nobody listens.
static inline struct peer *peer_connect_socket(struct fixture *f, const struct sockaddr *at,
                                               socklen_t size)
{
    int fd = socket(at->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    if (connect(fd, at, size) != 0) {
        close(fd);
        return NULL;
    }
    CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    int one = 1;
    if (at->sa_family == AF_INET)
        CHECK(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0);
    struct peer *p = peer_new(f);
    p->fd = fd;
    p->is_open = true;
    return p;
}
static inline struct peer *peer_connect_to(struct fixture *f, const char *address, uint16_t port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
    CHECK(inet_pton(AF_INET, address, &at.sin_addr) == 1);
    return peer_connect_socket(f, (struct sockaddr *)&at, sizeof at);
}
static inline struct peer *peer_connect_unix(struct fixture *f)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    snprintf(at.sun_path, sizeof at.sun_path, "%s", f->unix_path);
    return peer_connect_socket(f, (struct sockaddr *)&at, sizeof at);
}
static inline struct peer *peer_connect_nic(struct fixture *f, uint16_t port)
{
    struct peer *p = peer_new(f);
    struct net_addr server = { { [10] = 0xff, 0xff, 10, 0, 0, 1 }, port };
    CHECK(net_connect(f->host.net, &server, 0, p, f->now_ns, &p->stream) == OK);
    (void)FIXTURE_WAIT(f, p->is_open || p->is_reset);
    return p->is_open ? p : NULL;
}
// By the fixture's usual way in.
static inline struct peer *peer_connect(struct fixture *f)
{
    struct peer *p =
        f->wire ? peer_connect_nic(f, f->port) : peer_connect_to(f, f->address, f->port);
    CHECK(p != NULL);
    return p;
}

// Hands over what can be sent without a turn; returns how much that was.
static inline size_t peer_push(struct peer *p, const void *data, size_t size)
{
    if (p->fd >= 0) {
        ssize_t sent = send(p->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        return sent < 0 ? 0 : (size_t)sent;
    }
    if (!p->stream || p->stream->is_closing) return size;
    outq_append(&p->stream->out, bytes_make(data, size));
    CHECK(!p->stream->out.broken);
    p->stream->ops->flush(p->stream);
    return size;
}
// All of it, with turns in between where the way is full. What a closed connection does not take is
// dropped.
static inline void peer_send(struct peer *p, const void *data, size_t size)
{
    size_t sent = 0;
    while (sent < size && !p->is_reset && !p->is_ended) {
        size_t now = peer_push(p, (const char *)data + sent, size - sent);
        if (now == 0) fixture_step(p->fixture);
        sent += now;
    }
}
static inline void peer_say(struct peer *p, const char *text) { peer_send(p, text, strlen(text)); }
static inline void peer_send_text(struct peer *p, struct wire_text *t) // and frees it
{
    peer_send(p, t->data, t->size);
    wire_free(t);
}
// Several requests, each a word list that ends with \n, as arrays in one piece: unlike inline ones,
// which live in the reader, they stay in the batch until it is run.
static inline void peer_say_requests(struct peer *p, const char *lines)
{
    struct wire_text t = { 0 };
    for (const char *end; (end = strchr(lines, '\n')) != NULL; lines = end + 1)
        wire_add_request(&t, "%.*s", (int)(end - lines), lines);
    peer_send_text(p, &t);
}
static inline void peer_shut(struct peer *p) // the peer's end: it still reads
{
    if (p->fd >= 0)
        shutdown(p->fd, SHUT_WR);
    else
        net_shutdown(p->stream);
}

static inline void peer_show(const char *title, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    fprintf(stderr, "%s %zu bytes: ", title, size);
    for (size_t i = 0; i < size && i < 300; i++) {
        bool plain = bytes[i] >= 32 && bytes[i] < 127;
        fprintf(stderr, plain ? "%c" : "\\x%02x", bytes[i]);
    }
    fprintf(stderr, "\n");
}

// The next bytes received are these; waits for them.
static inline bool peer_got_bytes(struct peer *p, const void *data, size_t size)
{
    (void)FIXTURE_WAIT(p->fixture, p->size - p->taken >= size || p->is_ended || p->is_reset);
    size_t had = p->size - p->taken < size ? p->size - p->taken : size;
    bool same = had == size && (size == 0 || memcmp(p->data + p->taken, data, size) == 0);
    if (!same) {
        peer_show("expected", data, size);
        peer_show("received", p->data ? p->data + p->taken : NULL, had);
    }
    p->taken += had;
    return same;
}
static inline bool peer_got(struct peer *p, const char *text)
{
    return peer_got_bytes(p, text, strlen(text));
}
// An inline command and its whole reply.
static inline bool peer_ask(struct peer *p, const char *line, const char *reply)
{
    struct wire_text t = { 0 };
    wire_add_bytes(&t, line, strlen(line));
    wire_add_bytes(&t, "\r\n", 2);
    peer_send_text(p, &t);
    if (peer_got(p, reply)) return true;
    fprintf(stderr, "to: %s\n", line);
    return false;
}
// Nothing that was not taken by peer_got.
static inline bool peer_is_quiet(struct peer *p)
{
    if (p->size > p->taken) peer_show("received", p->data + p->taken, p->size - p->taken);
    return p->size == p->taken;
}
// The connection is closed in order, and nothing comes before that.
static inline bool peer_got_end(struct peer *p)
{
    return FIXTURE_WAIT(p->fixture, p->is_ended || p->is_reset) && p->is_ended && peer_is_quiet(p);
}
static inline bool peer_got_last(struct peer *p, const char *text) // these bytes, then the end
{
    return peer_got(p, text) && peer_got_end(p);
}
static inline bool peer_got_cut(struct peer *p) // closed in whatever way
{
    return FIXTURE_WAIT(p->fixture, p->is_ended || p->is_reset);
}
// It is let in and gets answers.
static inline bool peer_is_served(struct peer *p) { return peer_ask(p, "PING", "+PONG\r\n"); }
// A client that has its session already, which is fixture_last_session.
static inline struct peer *peer_connect_served(struct fixture *f)
{
    struct peer *p = peer_connect(f);
    CHECK(peer_is_served(p));
    return p;
}

static inline struct shard_tally *fixture_tally(struct fixture *f)
{
    return f->shard->server.tally;
}
static inline uint64_t fixture_client_count(struct fixture *f)
{
    return f->shard->server.clients.all.count;
}
// The shard's client that came last.
static inline struct session *fixture_last_session(struct fixture *f)
{
    struct list *all = &f->shard->rotation;
    struct session *last = NULL;
    for (struct list_node *n = list_first(all); n; n = list_next(all, n)) {
        struct session *s = LIST_OWNER(n, struct session, rotation);
        if (!last || s->client.id > last->client.id) last = s;
    }
    CHECK(last != NULL);
    return last;
}
