// Two stacks, a wire that hurts, simulated time. One seed is one run: several connections move
// bytes both ways with pauses, half closes and aborts; then everything must be as it was before.
//
//   test_tcp_sim [first_seed [count [trace]]]   a failing seed is printed with the command that
//                                               replays it
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/base/hash.h"
#include "dataplane/base/heap.h"
#include "dataplane/net/net.h"
#include "dataplane/nic/nic_mem.h"
#include "tests/sim/replay.h"

enum { CONNS_MAX = 8, PORT = 6379, WRITE_MAX = 20000 };
#define MS 1000000ull
#define S (1000 * MS)
#define PATIENCE (3000 * S) // simulated; heavy loss makes long back-offs

struct way { // bytes from one end to the other
    uint64_t total, written, received;
    bool is_ended;     // the receiver saw the end
    bool is_finishing; // the sender asked for its FIN
};

struct conn {
    struct stream *ends[2]; // side 0 opened it; NULL before and after
    bool is_opened[2], is_closed[2], is_paused[2];
    uint64_t resume_at[2];
    struct way ways[2]; // ways[i] is sent by side i
    uint32_t key;
    bool is_aborting; // one end will abort at this many bytes written
    uint32_t abort_side;
    uint64_t abort_at;
};

struct sim;
struct side {
    struct sim *sim;
    uint32_t number;
    struct net *net;
    struct nic_queue *queue;
    struct net_tally tally;
    struct stream_app app;
    struct heap heap;
    struct heap_piece_source overflow;
    bool has_heap;
};

struct sim {
    uint64_t seed, now;
    struct rng rng;
    struct nic_mem *mem;
    struct side sides[2];
    struct conn conns[CONNS_MAX];
    uint32_t conn_count, frame_count;
    uint32_t refs_out;
    struct net_addr server;
    bool has_overflow, has_cookies;
    struct nic_mem_impairment wire;
    uint64_t dark_from_ns, dark_until_ns; // after the start: nothing arrives
};

static bool is_tracing;
static struct net_tally totals; // over all runs

static void sim_show(const struct sim *sim)
{
    fprintf(stderr, "  at %.6f s\n", (double)sim->now / 1e9);
    for (uint32_t i = 0; i < sim->conn_count; i++) {
        const struct conn *c = &sim->conns[i];
        for (uint32_t d = 0; d < 2; d++)
            fprintf(stderr,
                    "  conn %u way %u: total %llu written %llu received %llu ended %d open %d "
                    "closed %d paused %d\n",
                    i, d, (unsigned long long)c->ways[d].total,
                    (unsigned long long)c->ways[d].written, (unsigned long long)c->ways[d].received,
                    c->ways[d].is_ended, c->is_opened[d], c->is_closed[d], c->is_paused[d]);
    }
}

static uint64_t pick(struct sim *sim, uint64_t below) { return rng_below(&sim->rng, below); }
static bool once_in(struct sim *sim, uint64_t n) { return pick(sim, n) == 0; }

// The byte at a position of a way: any mix-up of positions, ways or connections shows.
static uint8_t byte_at(const struct conn *c, uint32_t way, uint64_t at)
{
    uint64_t x = (at + 1) * 0x9e3779b97f4a7c15ull + c->key * 2 + way;
    return (uint8_t)((x ^ x >> 29) * 0xbf58476d1ce4e5b9ull >> 56);
}

static struct conn *conn_of(struct side *side, const struct stream *s)
{
    return &side->sim->conns[(struct conn *)s->user - side->sim->conns];
}

// ---- the application of both sides

static bool app_open(void *app, struct stream *s)
{
    struct side *side = app;
    struct sim *sim = side->sim;
    if (side->number == 1) {
        uint32_t index = s->remote.port - 40000u;
        if (index >= sim->conn_count) fail(sim, "unknown port %u", s->remote.port);
        // A SYN cookie outlives its connection: a late copy of the first segment, or what comes
        // after an abort whose reset was lost, opens it anew.
        if (sim->has_cookies && sim->conns[index].is_closed[1]) return false;
        if (sim->conns[index].is_opened[1]) fail(sim, "conn %u opened twice", index);
        s->user = &sim->conns[index];
    }
    struct conn *c = conn_of(side, s);
    c->ends[side->number] = s;
    c->is_opened[side->number] = true;
    return true;
}

static void app_data(void *app, struct stream *s, struct bytes data)
{
    struct side *side = app;
    struct conn *c = conn_of(side, s);
    struct way *way = &c->ways[!side->number];
    if (c->is_paused[side->number]) fail(side->sim, "data while paused");
    if (way->is_ended) fail(side->sim, "data after the end");
    if (way->received + data.size > way->written) fail(side->sim, "more bytes than were written");
    for (size_t i = 0; i < data.size; i++)
        if (data.data[i] != byte_at(c, !side->number, way->received + i))
            fail(side->sim, "conn %u: wrong byte at %llu", (uint32_t)(c - side->sim->conns),
                 (unsigned long long)(way->received + i));
    way->received += data.size;
    if (once_in(side->sim, 30)) {
        c->is_paused[side->number] = true;
        c->resume_at[side->number] = side->sim->now + pick(side->sim, 400) * MS;
        s->ops->pause(s, true);
    }
}

static void app_end(void *app, struct stream *s)
{
    struct side *side = app;
    struct conn *c = conn_of(side, s);
    struct way *way = &c->ways[!side->number];
    if (way->is_ended) fail(side->sim, "two ends");
    way->is_ended = true;
    if (!c->is_aborting && way->received != way->total) fail(side->sim, "end before the last byte");
}

static void app_drained(void *app, struct stream *s)
{
    struct side *side = app;
    if (s->out.bytes || s->ops->pending(s)) fail(side->sim, "drained with bytes pending");
}

static void app_closed(void *app, struct stream *s, enum stream_close why)
{
    struct side *side = app;
    struct conn *c = conn_of(side, s);
    if (c->is_closed[side->number]) fail(side->sim, "closed twice");
    c->is_closed[side->number] = true;
    c->ends[side->number] = NULL;
    // With bad luck a FIN goes again after the other end's TIME_WAIT is over.
    bool is_late = c->ways[0].received == c->ways[0].total &&
                   c->ways[1].received == c->ways[1].total && why == STREAM_RESET;
    if (!c->is_aborting && !is_late && why != STREAM_CLOSED_BY_PEER && why != STREAM_CLOSED_LOCALLY)
        fail(side->sim, "conn %u side %u closed for reason %d", (uint32_t)(c - side->sim->conns),
             side->number, (int)why);
}

struct lent_bytes {
    struct sim *sim;
    uint8_t bytes[WRITE_MAX];
};

static void give_back(void *value)
{
    struct lent_bytes *lent = value;
    lent->sim->refs_out--;
    memset(lent->bytes, 0xee, sizeof lent->bytes);
    free(lent);
}

static void write_some(struct side *side, struct conn *c, struct stream *s, uint64_t size)
{
    struct way *way = &c->ways[side->number];
    if (size > way->total - way->written) size = way->total - way->written;
    if (size == 0) return;
    struct lent_bytes *lent = malloc(sizeof *lent);
    lent->sim = side->sim;
    side->sim->refs_out++;
    for (uint64_t i = 0; i < size; i++) lent->bytes[i] = byte_at(c, side->number, way->written + i);
    struct bytes bytes = bytes_make(lent->bytes, size);
    uint64_t how = pick(side->sim, 4);
    if (how == 0) {
        outq_append_ref(&s->out, bytes, give_back, lent);
    } else if (how == 1 && size <= OUTQ_RESERVE_MAX) {
        memcpy(outq_reserve(&s->out, (uint32_t)size), lent->bytes, size);
        outq_commit(&s->out, (uint32_t)size);
        give_back(lent);
    } else {
        outq_append(&s->out, bytes);
        give_back(lent);
    }
    if (s->out.broken) fail(side->sim, "output queue broke");
    way->written += size;
}

static bool has_room(struct side *side, const struct stream *s)
{
    struct frame_pool *pool = side->queue->pool;
    if (s->out.bytes > 60000) return false;
    return side->sim->has_overflow || pool->available(pool) > pool->total / 2;
}

static void finish(struct side *side, struct conn *c, struct stream *s)
{
    uint32_t me = side->number;
    const struct way *in = &c->ways[!me];
    bool has_all = in->is_ended || (in->received == in->total && once_in(side->sim, 3));
    if (c->is_aborting) has_all = in->is_ended;
    if (has_all) {
        c->ways[me].is_finishing = true;
        s->ops->close(s);
    } else if (!c->ways[me].is_finishing) {
        c->ways[me].is_finishing = true;
        net_shutdown(s);
    }
}

static void act(struct side *side, struct conn *c)
{
    uint32_t me = side->number;
    struct sim *sim = side->sim;
    struct stream *s = c->ends[me];
    if (!s || !c->is_opened[me] || s->is_closing) return;
    if (c->is_paused[me] && sim->now >= c->resume_at[me]) {
        c->is_paused[me] = false;
        s->ops->pause(s, false);
    }
    if (c->is_aborting && c->abort_side == me && c->ways[me].written >= c->abort_at &&
        once_in(sim, 4)) {
        s->ops->abort(s);
        return;
    }
    if (c->ways[me].written < c->ways[me].total) {
        if (!has_room(side, s) || once_in(sim, 3)) return;
        uint64_t most = once_in(sim, 4) ? WRITE_MAX : once_in(sim, 2) ? 1460 : 100;
        write_some(side, c, s, 1 + pick(sim, most));
        s->ops->flush(s);
    } else {
        finish(side, c, s);
    }
}

// ---- what leaves each side, one line per segment, when a third argument is given

static void trace(const struct side *side, const struct frame *f)
{
    uint32_t size = 0;
    const uint8_t *h = f->data + f->l2_bytes + f->l3_bytes;
    for (const struct frame *part = f; part; part = part->body) size += part->size;
    uint32_t header = f->l2_bytes + f->l3_bytes + (h[12] >> 4) * 4u;
    if (!is_tracing || f->l4_bytes == 0) return;
    printf("%.6f side %u  %5u > %-5u %s%s%s%s%s seq %u +%u ack %u win %u\n",
           (double)side->sim->now / 1e9, side->number, load_be16(h), load_be16(h + 2),
           h[13] & 2 ? "S" : "", h[13] & 1 ? "F" : "", h[13] & 4 ? "R" : "", h[13] & 8 ? "P" : "",
           h[13] & 16 ? "." : "", load_be32(h + 4), size - header, load_be32(h + 8),
           load_be16(h + 14));
}

// ---- one turn of a side, as a shard would run it

static void turn(struct side *side)
{
    struct frame *frames[NIC_BURST];
    uint32_t count;
    struct sim *sim = side->sim;
    while ((count = nic_rx(side->queue, frames, NIC_BURST)) != 0)
        net_input(side->net, frames, count, sim->now);
    for (uint32_t i = 0; i < sim->conn_count; i++) act(side, &sim->conns[i]);
    while (net_timers(side->net, sim->now, 16) == 16) {
    }
    while ((count = net_output(side->net, frames, NIC_BURST, sim->now)) != 0) {
        uint32_t taken = once_in(sim, 50) ? (uint32_t)pick(sim, count + 1) : count;
        for (uint32_t i = 0; i < taken; i++) trace(side, frames[i]);
        if (nic_tx(side->queue, frames, taken) != taken) fail(sim, "tx");
        if (taken != count) {
            net_output_return(side->net, frames + taken, count - taken);
            break;
        }
    }
    net_release(side->net);
}

static bool is_done(const struct sim *sim)
{
    for (uint32_t i = 0; i < sim->conn_count; i++)
        for (uint32_t d = 0; d < 2; d++) {
            const struct conn *c = &sim->conns[i];
            if (c->is_opened[d] && !c->is_closed[d]) return false;
            if (!c->is_opened[d] && !c->is_closed[d] && (d == 0 || !c->is_aborting)) return false;
        }
    return true;
}

static void black_out(struct sim *sim, uint64_t start)
{
    struct nic_mem_impairment wire = sim->wire;
    uint64_t at = sim->now - start;
    if (sim->dark_until_ns == 0) return;
    if (at >= sim->dark_from_ns && at < sim->dark_until_ns) wire.loss_ppm = 1000000;
    nic_mem_set_impairment(sim->mem, &wire);
}

static uint64_t next_event(const struct sim *sim)
{
    uint64_t at = nic_mem_next_ns(sim->mem);
    for (uint32_t i = 0; i < 2; i++) {
        uint64_t deadline = net_next_deadline_ns(sim->sides[i].net);
        if (deadline < at) at = deadline;
    }
    return at;
}

static void step(struct sim *sim, uint64_t step_max)
{
    uint64_t at = next_event(sim), least = sim->now + 1000;
    if (at > sim->now + step_max) at = sim->now + step_max;
    sim->now = at > least ? at : least;
    nic_mem_advance(sim->mem, sim->now);
    turn(&sim->sides[0]);
    turn(&sim->sides[1]);
}

// ---- a run

static struct nic_mem_impairment make_wire(struct sim *sim)
{
    struct nic_mem_impairment w = { .delay_ns = 1000 + pick(sim, 20 * MS) };
    if (once_in(sim, 3)) w.delay_ns = 10000;
    if (!once_in(sim, 4)) w.loss_ppm = (uint32_t)pick(sim, once_in(sim, 3) ? 100000 : 10000);
    if (once_in(sim, 2)) w.duplicate_ppm = (uint32_t)pick(sim, 50000);
    if (once_in(sim, 2)) w.reorder_ppm = (uint32_t)pick(sim, 200000);
    if (once_in(sim, 2)) w.corrupt_ppm = (uint32_t)pick(sim, 20000);
    if (once_in(sim, 2)) w.jitter_ns = pick(sim, 5 * MS);
    if (once_in(sim, 3)) w.bits_per_s = 1000000 + pick(sim, 100000000);
    if (once_in(sim, 4)) w.queue_frames_max = 10 + (uint32_t)pick(sim, 200);
    w.reorder_extra_ns = 1 + pick(sim, 10 * MS);
    return w;
}

static void set_address(struct net_config *c, uint32_t number, bool is_ipv6)
{
    static const uint8_t v4[16] = { [10] = 0xff, 0xff, 10, 0, 0 };
    static const uint8_t v6[16] = { 0xfd, 1 };
    memcpy(c->addresses[0].ip, is_ipv6 ? v6 : v4, 16);
    c->addresses[0].ip[15] = (uint8_t)(number + 1);
    c->addresses[0].prefix_bits = is_ipv6 ? 64 : 24;
    c->address_count = 1;
}

static void open_side(struct sim *sim, uint32_t number, const struct net_config *shared,
                      bool is_ipv6)
{
    struct side *side = &sim->sides[number];
    struct net_config c = *shared;
    side->sim = sim;
    side->number = number;
    side->queue = nic_mem_queue(sim->mem, number);
    side->app = (struct stream_app){ side, app_open, app_data, app_end, app_drained, app_closed };
    memcpy(c.mac, side->queue->caps.mac, 6);
    set_address(&c, number, is_ipv6);
    c.seed = sim->seed * 2 + number;
    c.congestion_reno = once_in(sim, 3);
    c.tx_l4_checksum = c.tx_ip_checksum = once_in(sim, 2);
    if (c.tx_l4_checksum && once_in(sim, 2)) c.tso_bytes_max = side->queue->caps.tso_bytes_max;
    if (once_in(sim, 3)) c.delayed_ack_ms = 0;
    if (once_in(sim, 3)) c.send_buffer_bytes_max = 4096 + (uint32_t)pick(sim, 20000);
    if (once_in(sim, 3)) c.receive_buffer_bytes_max = 4096 + (uint32_t)pick(sim, 100000);
    if (sim->has_cookies) c.syn_backlog_max = 0;
    if (sim->has_overflow) {
        if (heap_open(&side->heap) != OK) fail(sim, "heap");
        side->has_heap = true;
        heap_piece_source_init(&side->overflow, &side->heap, 4096);
        c.overflow_source = &side->overflow.source;
    }
    if (net_open(&side->net, &c, side->queue->pool, &side->app, &side->tally, sim->now) != OK)
        fail(sim, "net_open");
    if (net_listen(side->net, PORT) != OK) fail(sim, "net_listen");
    if (number == 1) {
        memcpy(sim->server.ip, c.addresses[0].ip, 16);
        sim->server.port = PORT;
    }
}

static void open_sim(struct sim *sim)
{
    bool is_ipv6 = once_in(sim, 3);
    uint16_t mtus[] = { 1500, 1500, 1500, 576, 1400, 3500, 9000 };
    struct net_config c;
    net_config_defaults(&c);
    c.mtu = mtus[pick(sim, 7)];
    if (is_ipv6 && c.mtu < 1280) c.mtu = 1280;
    c.connection_count_max = 32;
    c.time_wait_count_max = 32;
    c.neighbour_count_max = 16;
    c.connect_timeout_ms = 300000; // six lost SYNs in a row do happen in thousands of runs
    c.rto_min_us = once_in(sim, 2) ? 200000 : 20000;
    sim->wire = make_wire(sim);
    if (once_in(sim, 6)) {
        sim->dark_from_ns = pick(sim, 500 * MS);
        sim->dark_until_ns = sim->dark_from_ns + pick(sim, 5 * S);
    }
    uint32_t payload = c.mtu > 1600 ? c.mtu + 200u : 1900;
    sim->frame_count = once_in(sim, 3) ? 192 : 768;
    sim->has_overflow = once_in(sim, 4);
    sim->has_cookies = once_in(sim, 5);
    if (nic_mem_open(&sim->mem, sim->frame_count, payload, c.mtu, sim->seed, &sim->wire) != OK)
        fail(sim, "nic_mem_open");
    open_side(sim, 0, &c, is_ipv6);
    open_side(sim, 1, &c, is_ipv6);
}

static uint64_t pick_total(struct sim *sim)
{
    if (once_in(sim, 60)) return pick(sim, 3000000);
    switch (pick(sim, 5)) {
    case 0:
        return 0;
    case 1:
        return 1 + pick(sim, 100);
    case 2:
        return pick(sim, 200000);
    default:
        return pick(sim, 30000);
    }
}

static void open_conns(struct sim *sim)
{
    sim->conn_count = 1 + (uint32_t)pick(sim, CONNS_MAX);
    for (uint32_t i = 0; i < sim->conn_count; i++) {
        struct conn *c = &sim->conns[i];
        c->key = (uint32_t)pick(sim, 1u << 30);
        for (uint32_t d = 0; d < 2; d++) c->ways[d].total = pick_total(sim);
        c->is_aborting = once_in(sim, 12);
        c->abort_side = (uint32_t)pick(sim, 2);
        c->abort_at = pick(sim, c->ways[c->abort_side].total + 1);
        if (net_connect(sim->sides[0].net, &sim->server, (uint16_t)(40000 + i), c, sim->now,
                        &c->ends[0]) != OK)
            fail(sim, "net_connect");
    }
}

static void check_quiet(struct sim *sim)
{
    for (uint32_t i = 0; i < 2; i++) {
        if (net_connection_count(sim->sides[i].net) != 0)
            fail(sim, "side %u: a connection left", i);
        if (net_frames_held(sim->sides[i].net) != 0)
            fail(sim, "side %u holds %u frames", i, net_frames_held(sim->sides[i].net));
        if (nic_mem_free_frames(sim->mem, i) != sim->frame_count)
            fail(sim, "side %u: %u of %u frames came back", i, nic_mem_free_frames(sim->mem, i),
                 sim->frame_count);
    }
    if (sim->refs_out) fail(sim, "%u borrowed values were not released", sim->refs_out);
}

static void check_content(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->conn_count; i++)
        for (uint32_t d = 0; d < 2; d++) {
            const struct way *way = &sim->conns[i].ways[d];
            if (!sim->conns[i].is_aborting && way->received != way->total)
                fail(sim, "conn %u way %u incomplete", i, d);
        }
}

static void add_tally(struct net_tally *sum, const struct net_tally *t)
{
#define ADD(name) sum->name += t->name;
    TALLY_NET(ADD)
#undef ADD
}

static void close_sim(struct sim *sim)
{
    for (uint32_t i = 0; i < 2; i++) {
        add_tally(&totals, &sim->sides[i].tally);
        net_close(sim->sides[i].net);
        if (!sim->sides[i].has_heap) continue;
        if (sim->sides[i].heap.bytes_total) fail(sim, "heap bytes left");
        heap_close(&sim->sides[i].heap);
    }
    nic_mem_close(sim->mem);
}

static void run(uint64_t seed)
{
    struct sim *sim = calloc(1, sizeof *sim);
    replay_seed = sim->seed = seed;
    sim->now = S + seed % 1000 * 123456789;
    rng_seed(&sim->rng, seed);
    open_sim(sim);
    open_conns(sim);
    uint64_t start = sim->now;
    while (!is_done(sim)) {
        black_out(sim, start);
        step(sim, 5 * MS);
        if (sim->now - start > PATIENCE) fail(sim, "not done in time");
    }
    check_content(sim);
    uint64_t until = sim->now + 300 * S; // TIME_WAIT, and neighbours that nobody asks for any more
    while (sim->now < until) step(sim, 300 * S);
    check_quiet(sim);
    close_sim(sim);
    free(sim);
}

int main(int argc, char **argv)
{
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : argc > 1 ? 1 : 2000;
    is_tracing = argc > 3;
    replay_watch("test_tcp_sim");
    for (uint64_t seed = first; seed < first + count; seed++) run(seed);
    printf("# segments %llu, retransmitted %llu, fast %llu, timeouts %llu, out of order %llu, "
           "duplicates %llu, probes %llu, cookies %llu, bad checksums %llu, old timestamps %llu\n",
           (unsigned long long)totals.tx_frames, (unsigned long long)totals.tcp_retransmits,
           (unsigned long long)totals.tcp_fast_retransmits, (unsigned long long)totals.tcp_timeouts,
           (unsigned long long)totals.tcp_out_of_order, (unsigned long long)totals.tcp_duplicates,
           (unsigned long long)totals.tcp_zero_window_probes,
           (unsigned long long)totals.tcp_syn_cookies_ok,
           (unsigned long long)totals.drop_l4_checksum, (unsigned long long)totals.drop_tcp_paws);
    printf("%llu seeds from %llu: all bytes arrived, all frames came back\n",
           (unsigned long long)count, (unsigned long long)first);
    return 0;
}
