#include "tools/bench/nic_load.h"
#include <stdio.h>
#include <stdlib.h>
#include "dataplane/base/check.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/heap.h"
#include "tools/bench/address.h"
#include "tools/bench/nic_port.h"
#include "tools/bench/report.h"

enum {
    TIMER_BUDGET = 64,
    CONNECTS_PER_TURN = 16,
    CONNECT_MS_MAX = 10000,
    CLOSE_MS_MAX = 300,
    CLOCK_TURNS = 16, // turns without a frame between looks at the progress line
    NS_PER_MS = 1000000,
    OVERFLOW_BLOCK_BYTES = 64 * 1024,
};

struct nic_load;
struct nic_conn {
    struct load_conn *conn;
    struct nic_load *owner;
    struct stream *stream; // NULL: none any more
    uint8_t *reserved;     // of scratch; NULL: of the queue
};

struct nic_load {
    struct load *load;
    struct clock clock;
    struct nic_port port;
    struct net *net;
    struct heap heap;
    struct heap_piece_source overflow; // large batches wait in memory, not in packet buffers
    struct net_tally tally;
    struct net_addr target;
    struct nic_conn *conns;
    uint64_t now_ns, idle_ns; // idle_ns: of turns that brought no frame
    bool was_idle;
    uint32_t connect_next, refused_count;
    uint8_t *scratch; // for requests larger than a queue reserves at once
    size_t scratch_bytes;
};

// ---- what the stack tells

static bool on_open(void *app, struct stream *s)
{
    struct nic_load *n = app;
    struct nic_conn *c = s->user;
    load_conn_opened(n->load, c->conn, n->now_ns);
    return true;
}

static void lose(struct nic_load *n, struct stream *s, const char *why)
{
    struct nic_conn *c = s->user;
    load_conn_lost(n->load, c->conn, why);
    if (!s->is_closing) s->ops->abort(s);
}

static void on_data(void *app, struct stream *s, struct bytes data)
{
    struct nic_load *n = app;
    struct nic_conn *c = s->user;
    if (s->is_closing) return;
    if (!load_input(n->load, c->conn, data, n->now_ns)) lose(n, s, "bytes that are no reply");
}

static void on_end(void *app, struct stream *s) { lose(app, s, "the server closed a connection"); }

static void on_drained(void *app, struct stream *s)
{
    (void)app, (void)s; // requests are few and small: nobody waits for room
}

static void on_closed(void *app, struct stream *s, enum stream_close why)
{
    static const char *const reasons[] = { "closed by the server", "closed here",
                                           "reset by the server", "timed out", "refused" };
    struct nic_load *n = app;
    struct nic_conn *c = s->user;
    c->stream = NULL;
    if (!c->conn->is_open) n->refused_count++;
    load_conn_lost(n->load, c->conn, reasons[why]);
}

// ---- what the load asks for

static uint8_t *carry_reserve(struct load_conn *conn, uint32_t size)
{
    struct nic_conn *c = conn->carrier;
    struct nic_load *n = c->owner;
    c->reserved = NULL;
    if (size <= OUTQ_RESERVE_MAX) return outq_reserve(&c->stream->out, size);
    if (n->scratch_bytes < size) {
        free(n->scratch);
        n->scratch = malloc(size);
        CHECK(n->scratch != NULL);
        n->scratch_bytes = size;
    }
    c->reserved = n->scratch;
    return n->scratch;
}

static void carry_commit(struct load_conn *conn, uint32_t size)
{
    struct nic_conn *c = conn->carrier;
    if (c->reserved)
        outq_append(&c->stream->out, bytes_make(c->reserved, size));
    else
        outq_commit(&c->stream->out, size);
}

static void carry_send(struct load_conn *conn)
{
    struct nic_conn *c = conn->carrier;
    if (!c->stream) return;
    if (c->stream->out.broken)
        lose(c->owner, c->stream, "packet buffers are spent (--frames)");
    else
        c->stream->ops->flush(c->stream);
}

static const struct load_carrier carrier = { carry_reserve, carry_commit, carry_send };

// ---- one turn

static void output(struct nic_load *n)
{
    struct frame *frames[NIC_BURST];
    uint32_t count;
    while ((count = net_output(n->net, frames, NIC_BURST, n->now_ns)) > 0) {
        uint32_t sent = nic_tx(n->port.queue, frames, count);
        if (sent == count) continue;
        net_output_return(n->net, frames + sent, count - sent);
        break; // the port is full: the rest leaves next turn
    }
}

static uint32_t turn(struct nic_load *n)
{
    struct frame *frames[NIC_BURST];
    uint32_t count = nic_rx(n->port.queue, frames, NIC_BURST);
    uint64_t before_ns = n->now_ns;
    n->now_ns = clock_now_ns(&n->clock);
    if (n->was_idle) n->idle_ns += n->now_ns - before_ns; // what the last turn took
    n->was_idle = count == 0;
    if (count) net_input(n->net, frames, count, n->now_ns);
    if (net_next_deadline_ns(n->net) <= n->now_ns) net_timers(n->net, n->now_ns, TIMER_BUDGET);
    (void)load_pump(n->load, n->now_ns);
    output(n);
    net_release(n->net);
    return count;
}

// ---- connecting and leaving

static bool connect_some(struct nic_load *n)
{
    // The first one alone: it has the server's MAC address resolved.
    uint32_t upto = n->load->open_count ? n->connect_next + CONNECTS_PER_TURN : 1;
    if (upto > n->load->config.connection_count) upto = n->load->config.connection_count;
    for (; n->connect_next < upto; n->connect_next++) {
        struct nic_conn *c = &n->conns[n->connect_next];
        if (net_connect(n->net, &n->target, 0, c, n->now_ns, &c->stream) != OK) return false;
    }
    return true;
}

static bool connect_all(struct nic_load *n, const volatile sig_atomic_t *stop, char *error,
                        uint32_t error_bytes)
{
    uint32_t count = n->load->config.connection_count;
    n->now_ns = clock_now_ns(&n->clock);
    uint64_t until = n->now_ns + CONNECT_MS_MAX * (uint64_t)NS_PER_MS;
    while (n->load->open_count < count && n->now_ns < until && !n->refused_count && !*stop &&
           !n->load->result->errors) {
        if (!connect_some(n)) {
            snprintf(error, error_bytes, "the TCP/IP stack takes no connection %u",
                     n->connect_next + 1);
            return false;
        }
        turn(n);
    }
    if (n->load->open_count == count && !n->load->result->errors) return true;
    const char *said = n->load->result->first_error;
    if (!*said) said = n->refused_count ? "refused" : "no answer";
    snprintf(error, error_bytes, "%u of %u connections were made: %s; frames in %lu, out %lu",
             n->load->open_count, count, said, (unsigned long)n->tally.rx_frames,
             (unsigned long)n->tally.tx_frames);
    return false;
}

static void leave(struct nic_load *n)
{
    uint32_t count = n->load->config.connection_count;
    uint64_t until = clock_now_ns(&n->clock) + CLOSE_MS_MAX * (uint64_t)NS_PER_MS;
    n->load->phase = LOAD_DONE;
    for (uint32_t i = 0; i < count; i++)
        if (n->conns[i].stream) n->conns[i].stream->ops->close(n->conns[i].stream);
    while (net_connection_count(n->net) && clock_now_ns(&n->clock) < until) turn(n);
    for (uint32_t i = 0; i < count; i++)
        if (n->conns[i].stream) n->conns[i].stream->ops->abort(n->conns[i].stream);
    for (uint32_t i = 0; i < CLOCK_TURNS; i++) turn(n);
}

static void run_loop(struct nic_load *n, struct progress *progress,
                     const volatile sig_atomic_t *stop, double *idle_share)
{
    uint64_t start_ns = n->now_ns, start_idle_ns = n->idle_ns;
    load_begin(n->load, n->now_ns);
    for (uint32_t quiet = 0; n->load->phase != LOAD_DONE && !*stop;) {
        if (turn(n) == 0 && ++quiet < CLOCK_TURNS) continue;
        quiet = 0;
        progress_step(progress, n->load, n->now_ns);
    }
    progress_end(progress);
    if (n->now_ns > start_ns)
        *idle_share = (double)(n->idle_ns - start_idle_ns) / (double)(n->now_ns - start_ns);
}

// ---- opening and closing

static bool configure(struct nic_load *n, const struct options *o, struct net_config *config,
                      char *error, uint32_t error_bytes)
{
    struct net_addr gateway;
    net_config_defaults(config);
    config->connection_count_max = (uint32_t)o->connections + 16;
    config->time_wait_count_max = config->connection_count_max;
    config->syn_backlog_max = 16;
    config->neighbour_count_max = 64;
    config->keepalive_s = 0;
    config->address_count = 1;
    rng_entropy(&config->seed, sizeof config->seed);
    snprintf(error, error_bytes, "--address, --target or --gateway is not an address");
    if (!address_parse_own(o->address, &config->addresses[0])) return false;
    if (!address_parse_target(o->target, (uint16_t)o->port, &n->target)) return false;
    if (!o->gateway) return true;
    if (!address_parse_target(o->gateway, 0, &gateway)) return false;
    memcpy(config->gateway4, gateway.ip, sizeof gateway.ip);
    return true;
}

static bool open_net(struct nic_load *n, const struct options *o, const struct stream_app *app,
                     char *error, uint32_t error_bytes)
{
    struct net_config config;
    if (!configure(n, o, &config, error, error_bytes)) return false;
    if (nic_port_open(&n->port, o, error, error_bytes) != OK) return false;
    const struct nic_caps *caps = &n->port.queue->caps;
    memcpy(config.mac, caps->mac, sizeof config.mac);
    config.mtu = caps->mtu;
    config.tx_ip_checksum = caps->tx_ip_checksum;
    config.tx_l4_checksum = caps->tx_l4_checksum;
    config.tso_bytes_max = caps->tso_bytes_max;
    config.overflow_source = &n->overflow.source;
    snprintf(error, error_bytes, "out of memory");
    return net_open(&n->net, &config, n->port.queue->pool, app, &n->tally,
                    clock_now_ns(&n->clock)) == OK;
}

static bool open_conns(struct nic_load *n)
{
    uint32_t count = n->load->config.connection_count;
    n->conns = calloc(count, sizeof *n->conns);
    if (!n->conns) return false;
    for (uint32_t i = 0; i < count; i++) {
        n->conns[i].conn = &n->load->conns[i];
        n->conns[i].owner = n;
        n->load->conns[i].carrier = &n->conns[i];
    }
    return true;
}

static void close_all(struct nic_load *n)
{
    net_close(n->net);
    heap_close(&n->heap);
    if (n->port.dpdk) nic_port_close(&n->port);
    free(n->conns);
    free(n->scratch);
}

bool nic_load_run(struct load *l, const struct options *o, struct progress *progress,
                  const volatile sig_atomic_t *stop, struct run_report *report, char *error,
                  uint32_t error_bytes)
{
    struct nic_load n = { .load = l };
    const struct stream_app app = { &n, on_open, on_data, on_end, on_drained, on_closed };
    bool done = false;
    l->carrier = &carrier;
    snprintf(error, error_bytes, "the CPU's time stamp counter is not usable");
    if (clock_init(&n.clock) != OK || heap_open(&n.heap) != OK) return false;
    heap_piece_source_init(&n.overflow, &n.heap, OVERFLOW_BLOCK_BYTES);
    if (open_net(&n, o, &app, error, error_bytes) && open_conns(&n)) {
        snprintf(report->transport, sizeof report->transport, "%s", n.port.driver);
        done = connect_all(&n, stop, error, error_bytes);
        if (done) run_loop(&n, progress, stop, &report->idle_share);
        leave(&n);
    }
    close_all(&n);
    return done;
}
