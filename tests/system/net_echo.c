// net_echo: the stack on a DPDK port, with three services for tests to talk to.
//
//   net_echo --dev net_af_xdp0,iface=v0,busy_budget=0 --address 10.0.0.1/24 [--address fd00::1/64]
//            [--gateway a.b.c.d] [--port 7] [--mtu 1500] [--frames 8192] [--memory 128] [--huge]
//            [--software-checksum] [--sink] [--source bytes] [--busy]
//
// port      echo: every byte comes back; half close is answered when all are back
// port + 1  sink (--sink): counts, and answers the peer's end with "bytes adler32\n"
// port + 2  source (--source n): sends n bytes of pattern() and closes
//
// Prints "ready ..." when it listens, and on SIGTERM "name value" lines: its tallies and what is
// still held; before that it waits DRAIN_NS at most for connections that are being closed. Sleeps
// when there is nothing to do, unless --busy.
#include <arpa/inet.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "dataplane/base/clock.h"
#include "dataplane/base/tally.h"
#include "dataplane/net/net.h"
#include "dataplane/nic/nic_dpdk.h"

enum {
    PATTERN_BYTES = 65521,
    ECHO_PENDING_MAX = 512 << 10, // unacknowledged replies that hold back further reading
    SOURCE_CHUNK_BYTES = 256 << 10,
    TIMER_BUDGET = 4096,
    IDLE_SLEEP_NS = 20000,
};
#define DRAIN_NS 5000000000ull

enum service { SERVICE_ECHO, SERVICE_SINK, SERVICE_SOURCE };

struct session {
    enum service service;
    bool is_paused, has_ended;
    uint64_t bytes; // sink: received; source: still to send
    uint32_t adler_a, adler_b;
};

struct echo {
    struct net *net;
    struct nic_queue *nic;
    struct net_tally tally;
    uint16_t port;
    uint64_t source_bytes;
    uint8_t pattern[PATTERN_BYTES * 2]; // twice, so that a chunk from any offset is one piece
    uint64_t opened, closed, reset;
};

static volatile sig_atomic_t stop_asked;
static void on_signal(int number) { stop_asked = 1; }

// ---- services

static void source_more(struct echo *e, struct stream *s)
{
    struct session *x = s->user;
    uint64_t room = SOURCE_CHUNK_BYTES;
    while (x->bytes && room) {
        uint64_t at = (e->source_bytes - x->bytes) % PATTERN_BYTES;
        uint64_t part = x->bytes < room ? x->bytes : room;
        if (part > PATTERN_BYTES) part = PATTERN_BYTES;
        outq_append(&s->out, bytes_make(e->pattern + at, part));
        x->bytes -= part;
        room -= part;
    }
    s->ops->flush(s);
    if (!x->bytes) s->ops->close(s);
}

static bool on_open(void *app, struct stream *s)
{
    struct echo *e = app;
    struct session *x = calloc(1, sizeof *x);
    if (!x) return false;
    x->service = (enum service)(s->local.port - e->port);
    x->adler_a = 1;
    x->bytes = x->service == SERVICE_SOURCE ? e->source_bytes : 0;
    s->user = x;
    e->opened++;
    if (x->service == SERVICE_SOURCE) source_more(e, s);
    return true;
}

static void adler(struct session *x, struct bytes data) // RFC 1950 section 8.2
{
    x->bytes += data.size;
    for (size_t i = 0; i < data.size; i++) {
        x->adler_a += data.data[i];
        if (x->adler_a >= 65521) x->adler_a -= 65521;
        x->adler_b += x->adler_a;
        if (x->adler_b >= 65521) x->adler_b -= 65521;
    }
}

static void on_data(void *app, struct stream *s, struct bytes data)
{
    struct session *x = s->user;
    if (x->service == SERVICE_SINK) adler(x, data);
    if (x->service != SERVICE_ECHO) return;
    outq_append(&s->out, data);
    s->ops->flush(s);
    if (!x->is_paused && s->ops->pending(s) + s->out.bytes > ECHO_PENDING_MAX) {
        x->is_paused = true;
        s->ops->pause(s, true);
    }
}

static void on_end(void *app, struct stream *s)
{
    struct session *x = s->user;
    char line[64];
    x->has_ended = true;
    if (x->service == SERVICE_SINK) {
        int size = snprintf(line, sizeof line, "%llu %08x\n", (unsigned long long)x->bytes,
                            x->adler_b << 16 | x->adler_a);
        outq_append(&s->out, bytes_make(line, (size_t)size));
        s->ops->flush(s);
    }
    if (x->service != SERVICE_SOURCE) s->ops->close(s);
}

static void on_drained(void *app, struct stream *s)
{
    struct session *x = s->user;
    if (x->service == SERVICE_SOURCE && x->bytes) source_more(app, s);
    if (x->is_paused) {
        x->is_paused = false;
        s->ops->pause(s, false);
    }
}

static void on_closed(void *app, struct stream *s, enum stream_close why)
{
    struct echo *e = app;
    e->closed++;
    e->reset += why == STREAM_RESET;
    free(s->user);
}

// ---- loop

static bool transmit(struct echo *e, uint64_t now_ns)
{
    struct frame *frames[NIC_BURST];
    bool any = false;
    for (;;) {
        uint32_t count = net_output(e->net, frames, NIC_BURST, now_ns);
        uint32_t sent = count ? nic_tx(e->nic, frames, count) : 0;
        any |= sent != 0;
        if (sent < count) {
            net_output_return(e->net, frames + sent, count - sent);
            return any;
        }
        if (count == 0) return any;
    }
}

static bool turn(struct echo *e)
{
    struct frame *frames[NIC_BURST];
    uint64_t now_ns = clock_monotonic_ns();
    uint32_t count = nic_rx(e->nic, frames, NIC_BURST);
    bool any = count != 0;
    net_input(e->net, frames, count, now_ns);
    net_release(e->net);
    any |= net_timers(e->net, now_ns, TIMER_BUDGET) != 0;
    return transmit(e, now_ns) | any;
}

static bool is_over(const struct echo *e, uint64_t *give_up_ns)
{
    if (!stop_asked) return false;
    uint64_t now_ns = clock_monotonic_ns();
    if (!*give_up_ns) *give_up_ns = now_ns + DRAIN_NS;
    bool is_quiet = net_connection_count(e->net) == 0 && net_frames_held(e->net) == 0;
    return is_quiet || now_ns >= *give_up_ns;
}

static void run(struct echo *e, bool is_busy)
{
    const struct timespec nap = { .tv_nsec = IDLE_SLEEP_NS };
    uint32_t idle = 0;
    uint64_t give_up_ns = 0;
    while (!is_over(e, &give_up_ns)) {
        idle = turn(e) ? 0 : idle + 1;
        if (idle > 16 && !is_busy) nanosleep(&nap, NULL);
    }
}

static void report(const struct echo *e, const struct nic_dpdk *nic, uint32_t free_frames)
{
    for (uint32_t i = 0; i < tally_row_count; i++) {
        if (tally_rows[i].kind != TALLY_ROW_NET) continue;
        size_t at = tally_rows[i].offset - offsetof(struct shard_tally, net);
        uint64_t value;
        memcpy(&value, (const char *)&e->tally + at, sizeof value);
        if (value) printf("%s %llu\n", tally_rows[i].name, (unsigned long long)value);
    }
    printf("opened %llu\nclosed %llu\nreset %llu\n", (unsigned long long)e->opened,
           (unsigned long long)e->closed, (unsigned long long)e->reset);
    printf("connections %u\nheld %u\n", net_connection_count(e->net), net_frames_held(e->net));
    printf("rejected %llu\n", (unsigned long long)nic_dpdk_rejected(nic, 0));
    printf("frames_free_start %u\nframes_free_end %u\n", free_frames,
           e->nic->pool->available(e->nic->pool));
    fflush(stdout);
}

// ---- start

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "net_echo: %s: %s\n", what, why);
    exit(1);
}

// "a.b.c.d" or an IPv6 address, mapped into 16 bytes; returns the family's bits, 0 when malformed.
static uint32_t parse_ip(const char *text, uint8_t out[16])
{
    memset(out, 0, 16);
    if (inet_pton(AF_INET6, text, out) == 1) return 128;
    memset(out + 10, 0xff, 2);
    return inet_pton(AF_INET, text, out + 12) == 1 ? 32 : 0;
}

static void add_address(struct net_config *c, char *text)
{
    char *slash = strchr(text, '/');
    struct net_address *a = &c->addresses[c->address_count];
    if (slash) *slash = 0;
    uint32_t bits = parse_ip(text, a->ip);
    if (!bits || c->address_count == NET_ADDRESSES_MAX - 1) fail("--address", text);
    a->prefix_bits = (uint8_t)(slash ? strtoul(slash + 1, NULL, 10) : bits);
    c->address_count++;
}

static void set_gateway(struct net_config *c, const char *text)
{
    uint8_t ip[16];
    uint32_t bits = parse_ip(text, ip);
    if (!bits) fail("--gateway", text);
    memcpy(bits == 32 ? c->gateway4 : c->gateway6, ip, 16);
}

struct options {
    const char *device;
    struct nic_dpdk_config nic;
    struct net_config net;
    bool has_sink, is_busy;
};

static void parse(struct echo *e, struct options *o, int count, char **words)
{
    static const struct option table[] = { { "dev", 1, 0, 'd' },
                                           { "address", 1, 0, 'a' },
                                           { "gateway", 1, 0, 'g' },
                                           { "port", 1, 0, 'p' },
                                           { "mtu", 1, 0, 'm' },
                                           { "frames", 1, 0, 'f' },
                                           { "memory", 1, 0, 'M' },
                                           { "huge", 0, 0, 'H' },
                                           { "sink", 0, 0, 's' },
                                           { "source", 1, 0, 'S' },
                                           { "busy", 0, 0, 'b' },
                                           { "vlan", 1, 0, 'v' },
                                           { "eal", 1, 0, 'e' },
                                           { "software-checksum", 0, 0, 'c' },
                                           { 0, 0, 0, 0 } };
    for (int c; (c = getopt_long(count, words, "", table, NULL)) != -1;) {
        switch (c) {
        case 'd':
            o->device = optarg;
            break;
        case 'a':
            add_address(&o->net, optarg);
            break;
        case 'g':
            set_gateway(&o->net, optarg);
            break;
        case 'p':
            e->port = (uint16_t)atoi(optarg);
            break;
        case 'm':
            o->nic.mtu = (uint16_t)atoi(optarg);
            break;
        case 'f':
            o->nic.frame_count = (uint32_t)atoi(optarg);
            break;
        case 'M':
            o->nic.memory_mb = (uint32_t)atoi(optarg);
            break;
        case 'H':
            o->nic.no_huge = false;
            break;
        case 's':
            o->has_sink = true;
            break;
        case 'S':
            e->source_bytes = strtoull(optarg, NULL, 10);
            break;
        case 'b':
            o->is_busy = true;
            break;
        case 'v':
            o->net.vlan = (uint16_t)atoi(optarg);
            break;
        case 'e':
            o->nic.eal_args = optarg;
            break;
        case 'c':
            o->nic.software_checksum = true;
            break;
        default:
            exit(2);
        }
    }
    if (!o->device || !o->net.address_count) fail("usage", "--dev and --address are needed");
}

static void take_caps(struct net_config *c, const struct nic_caps *caps)
{
    memcpy(c->mac, caps->mac, 6);
    c->mtu = caps->mtu;
    c->tx_ip_checksum = caps->tx_ip_checksum;
    c->tx_l4_checksum = caps->tx_l4_checksum;
    c->tso_bytes_max = caps->tso_bytes_max;
}

static void listen_on(struct echo *e, const struct options *o)
{
    if (net_listen(e->net, e->port) != OK) fail("listen", "echo");
    if (o->has_sink && net_listen(e->net, (uint16_t)(e->port + 1)) != OK) fail("listen", "sink");
    if (e->source_bytes && net_listen(e->net, (uint16_t)(e->port + 2)) != OK)
        fail("listen", "source");
}

int main(int count, char **words)
{
    char error[256], prefix[32];
    struct echo *e = calloc(1, sizeof *e);
    struct nic_dpdk *nic;
    struct options o = { .nic = { .devarg_count = 1,
                                  .eal_args = "",
                                  .no_huge = true,
                                  .memory_mb = 128,
                                  .frame_count = 8192,
                                  .rx_descriptors = 1024,
                                  .tx_descriptors = 1024,
                                  .core = -1 } };
    if (!e) return 1;
    e->port = 7;
    net_config_defaults(&o.net);
    parse(e, &o, count, words);
    for (uint32_t i = 0; i < PATTERN_BYTES * 2; i++)
        e->pattern[i] = (uint8_t)(i % PATTERN_BYTES * 7 + i % PATTERN_BYTES / 256);
    snprintf(prefix, sizeof prefix, "net-echo-%d", (int)getpid());
    o.nic.devargs = &o.device;
    o.nic.file_prefix = prefix;
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    signal(SIGPIPE, SIG_IGN);
    if (nic_dpdk_open(&nic, &o.nic, error, sizeof error) != OK) fail("port", error);
    e->nic = nic_dpdk_queue(nic, 0);
    uint32_t free_frames = e->nic->pool->available(e->nic->pool);
    take_caps(&o.net, &e->nic->caps);
    o.net.seed = clock_monotonic_ns();
    const struct stream_app app = { e, on_open, on_data, on_end, on_drained, on_closed };
    if (net_open(&e->net, &o.net, e->nic->pool, &app, &e->tally, clock_monotonic_ns()) != OK)
        fail("stack", "wrong addresses, or out of memory");
    listen_on(e, &o);
    const uint8_t *mac = e->nic->caps.mac;
    printf("ready driver=%s mac=%02x:%02x:%02x:%02x:%02x:%02x mtu=%u\n",
           nic_dpdk_driver_name(nic, 0), mac[0], mac[1], mac[2], mac[3], mac[4], mac[5],
           e->nic->caps.mtu);
    fflush(stdout);
    run(e, o.is_busy);
    report(e, nic, free_frames);
    net_close(e->net);
    nic_dpdk_close(nic);
    free(e);
    return 0;
}
