// How fast one connection moves bytes over a line of known speed, in simulated time: congestion
// control and recovery must fill most of it, with and without loss.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>
#include "dataplane/net/net.h"
#include "dataplane/nic/nic_mem.h"

enum { PORT = 6379, BLOCK = 8192 };
#define MS 1000000ull

struct rate {
    struct nic_mem *mem;
    struct net *nets[2];
    struct net_tally tallies[2];
    struct stream_app apps[2];
    uint64_t now_ns, left, received;
    struct stream *sender;
    bool is_open;
};

static bool on_open(void *app, struct stream *s)
{
    struct rate *r = app;
    if (s == r->sender) r->is_open = true;
    return true;
}
static void on_data(void *app, struct stream *s, struct bytes data)
{
    ((struct rate *)app)->received += data.size;
}
static void on_nothing(void *app, struct stream *s) {}
static void on_closed(void *app, struct stream *s, enum stream_close why) { cr_fatal("closed"); }

static void open_side(struct rate *r, uint8_t i, bool is_reno)
{
    struct net_config c;
    struct nic_queue *q = nic_mem_queue(r->mem, i);
    net_config_defaults(&c);
    memcpy(c.mac, q->caps.mac, 6);
    c.addresses[0] = (struct net_address){ { [10] = 0xff, 0xff, 10, 0, 0, (uint8_t)(i + 1) }, 24 };
    c.address_count = 1;
    c.connection_count_max = 8;
    c.receive_buffer_bytes_max = 1 << 20;
    c.congestion_reno = is_reno;
    c.seed = i;
    r->apps[i] = (struct stream_app){ r, on_open, on_data, on_nothing, on_nothing, on_closed };
    cr_assert(
        eq(int, net_open(&r->nets[i], &c, q->pool, &r->apps[i], &r->tallies[i], r->now_ns), OK));
    cr_assert(eq(int, net_listen(r->nets[i], PORT), OK));
}

static void feed(struct rate *r)
{
    static const uint8_t bytes[BLOCK];
    struct stream *s = r->sender;
    while (r->is_open && r->left && s->out.bytes + s->ops->pending(s) < 1 << 20) {
        uint64_t size = r->left < BLOCK ? r->left : BLOCK;
        outq_append(&s->out, bytes_make(bytes, size));
        cr_assert(not(s->out.broken));
        s->ops->flush(s);
        r->left -= size;
    }
}

static void turn(struct rate *r, uint32_t i)
{
    struct frame *frames[NIC_BURST];
    struct nic_queue *q = nic_mem_queue(r->mem, i);
    uint32_t count;
    while ((count = nic_rx(q, frames, NIC_BURST)) != 0)
        net_input(r->nets[i], frames, count, r->now_ns);
    if (i == 0) feed(r);
    net_timers(r->nets[i], r->now_ns, 64);
    while ((count = net_output(r->nets[i], frames, NIC_BURST, r->now_ns)) != 0)
        nic_tx(q, frames, count);
    net_release(r->nets[i]);
}

static void step(struct rate *r)
{
    uint64_t next = nic_mem_next_ns(r->mem);
    for (uint32_t i = 0; i < 2; i++) {
        uint64_t at = net_next_deadline_ns(r->nets[i]);
        if (at < next) next = at;
    }
    r->now_ns = next > r->now_ns + 1000 ? next : r->now_ns + 1000;
    nic_mem_advance(r->mem, r->now_ns);
    turn(r, 0);
    turn(r, 1);
}

// Megabits of payload per second of simulated time.
static double run(const struct nic_mem_impairment *line, uint64_t size, bool is_reno)
{
    struct rate r = { .now_ns = 1000 * MS, .left = size };
    struct net_addr remote = { { [10] = 0xff, 0xff, 10, 0, 0, 2 }, PORT };
    cr_assert(eq(int, nic_mem_open(&r.mem, 4096, 1900, 1500, 5, line), OK));
    open_side(&r, 0, is_reno);
    open_side(&r, 1, is_reno);
    cr_assert(eq(int, net_connect(r.nets[0], &remote, 0, NULL, r.now_ns, &r.sender), OK));
    uint64_t start = r.now_ns;
    while (r.received < size) {
        step(&r);
        cr_assert(r.now_ns - start < 600000 * MS, "too slow");
    }
    double megabits = (double)size * 8 / ((double)(r.now_ns - start) / 1000);
    net_close(r.nets[0]);
    net_close(r.nets[1]);
    nic_mem_close(r.mem);
    return megabits;
}

// 100 Mbit/s, 20 ms round trip, a queue of about one bandwidth-delay product.
static struct nic_mem_impairment line_of(uint32_t loss_ppm)
{
    return (struct nic_mem_impairment){
        .bits_per_s = 100000000, .delay_ns = 10 * MS, .queue_frames_max = 330, .loss_ppm = loss_ppm
    };
}

Test(tcp_rate, cubic_fills_a_clean_line)
{
    struct nic_mem_impairment line = line_of(0);
    double rate = run(&line, 30000000, false);
    cr_expect(rate > 75, "%f", rate);
}

Test(tcp_rate, reno_fills_a_clean_line)
{
    struct nic_mem_impairment line = line_of(0);
    double rate = run(&line, 30000000, true);
    cr_expect(rate > 75, "%f", rate);
}

// Reno's model: 1.22 MSS / (RTT sqrt(p)), about 22 Mbit/s at p = 0.1 %; CUBIC no less.
Test(tcp_rate, cubic_keeps_going_under_loss)
{
    struct nic_mem_impairment line = line_of(1000);
    double rate = run(&line, 10000000, false);
    cr_expect(rate > 15, "%f", rate);
}

Test(tcp_rate, reno_keeps_going_under_loss)
{
    struct nic_mem_impairment line = line_of(1000);
    double rate = run(&line, 10000000, true);
    cr_expect(rate > 12, "%f", rate);
}

// A local network: no delay to speak of; what is lost there comes back by fast retransmit.
Test(tcp_rate, recovers_fast_on_a_short_path)
{
    struct nic_mem_impairment line = {
        .bits_per_s = 1000000000, .delay_ns = 50000, .loss_ppm = 1000, .queue_frames_max = 1000
    };
    double rate = run(&line, 20000000, false);
    cr_expect(rate > 200, "%f", rate);
}
