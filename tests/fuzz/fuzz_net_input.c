// libFuzzer harness: arbitrary frames into net_input, between handshakes that were done properly,
// the application writing, pausing and closing meanwhile, time going on.
//
// Input: a sequence of operations, one byte each, followed by what the operation takes (see step).
// Whatever happens, no sanitizer speaks, no CHECK fails and every frame comes back.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/net/net.h"
#include "dataplane/nic/nic_mem.h"

enum { CONNS = 3, PORT = 6379, FRAMES = 96, STREAMS_MAX = 16 };

struct fuzz {
    struct nic_mem *mem;
    struct net *net;
    struct net_tally tally;
    struct stream_app app;
    struct stream *streams[STREAMS_MAX];
    uint32_t iss[CONNS]; // of the stack, as its SYN-ACKs said
    uint64_t now_ns;
};

static const uint8_t macs[2][6] = { { 2, 0, 0, 0, 0, 1 }, { 2, 0, 0, 0, 0, 2 } };

static bool on_open(void *app, struct stream *s)
{
    struct fuzz *f = app;
    for (uint32_t i = 0; i < STREAMS_MAX; i++)
        if (!f->streams[i]) {
            f->streams[i] = s;
            return true;
        }
    return false;
}

static void on_data(void *app, struct stream *s, struct bytes data)
{
    volatile uint8_t sum = 0; // reads every byte, so that the sanitizer looks at them
    for (size_t i = 0; i < data.size; i++) sum = (uint8_t)(sum + data.data[i]);
    if (data.size && data.data[0] == 'e') outq_append(&s->out, data);
    s->ops->flush(s);
}

static void on_end(void *app, struct stream *s) { s->ops->close(s); }
static void on_drained(void *app, struct stream *s) {}

static void on_closed(void *app, struct stream *s, enum stream_close why)
{
    struct fuzz *f = app;
    for (uint32_t i = 0; i < STREAMS_MAX; i++)
        if (f->streams[i] == s) f->streams[i] = NULL;
}

static void learn_iss(struct fuzz *f, const struct frame *frame)
{
    const uint8_t *h = frame->data + 34;
    if (frame->size < 54 || load_be16(frame->data + 12) != 0x0800 || h[13] != 18) return;
    uint32_t index = load_be16(h + 2) - 1000u;
    if (index < CONNS) f->iss[index] = load_be32(h + 4);
}

static void turn(struct fuzz *f)
{
    struct frame *frames[NIC_BURST];
    struct nic_queue *mine = nic_mem_queue(f->mem, 0), *peer = nic_mem_queue(f->mem, 1);
    uint32_t count;
    nic_mem_advance(f->mem, f->now_ns);
    while ((count = nic_rx(mine, frames, NIC_BURST)) != 0) {
        for (uint32_t i = 0; i < count; i++) // as a port that vouches: sums are no obstacle
            frames[i]->flags |= FRAME_RX_IP_GOOD | FRAME_RX_L4_GOOD;
        net_input(f->net, frames, count, f->now_ns);
    }
    net_timers(f->net, f->now_ns, 64);
    while ((count = net_output(f->net, frames, NIC_BURST, f->now_ns)) != 0)
        nic_tx(mine, frames, count);
    net_release(f->net);
    nic_mem_advance(f->mem, f->now_ns);
    while (nic_rx(peer, frames, 1) == 1) {
        learn_iss(f, frames[0]);
        peer->pool->give(peer->pool, frames[0]);
    }
}

static void inject(struct fuzz *f, const uint8_t *bytes, size_t size)
{
    nic_mem_inject(f->mem, 0, bytes_make(bytes, size));
    turn(f);
}

static void send_tcp(struct fuzz *f, uint32_t conn, uint8_t flags, uint32_t seq, uint32_t ack,
                     uint16_t window, struct bytes options, struct bytes payload)
{
    uint8_t frame[600] = { 0 }, *ip = frame + 14, *h = ip + 20;
    uint32_t header = 20 + ((uint32_t)options.size & ~3u);
    uint32_t size = header + (uint32_t)payload.size;
    memcpy(frame, macs[0], 6);
    memcpy(frame + 6, macs[1], 6);
    store_be16(frame + 12, 0x0800);
    ip[0] = 0x45;
    store_be16(ip + 2, (uint16_t)(20 + size));
    ip[8] = 64;
    ip[9] = 6;
    memcpy(ip + 12, (const uint8_t[]){ 10, 0, 0, 2, 10, 0, 0, 1 }, 8);
    store_be16(h, (uint16_t)(1000 + conn));
    store_be16(h + 2, PORT);
    store_be32(h + 4, seq);
    store_be32(h + 8, ack);
    h[12] = (uint8_t)(header << 2);
    h[13] = flags;
    store_be16(h + 14, window);
    memcpy(h + 20, options.data, header - 20);
    memcpy(h + header, payload.data, payload.size);
    inject(f, frame, 34 + size);
}

static void send_arp(struct fuzz *f)
{
    uint8_t frame[60] = {
        [0 ... 5] = 0xff, [12] = 8, [13] = 6, [15] = 1, [16] = 8, [18] = 6, [19] = 4, [21] = 1
    };
    memcpy(frame + 6, macs[1], 6);
    memcpy(frame + 22, macs[1], 6);
    memcpy(frame + 28, (const uint8_t[]){ 10, 0, 0, 2 }, 4);
    memcpy(frame + 38, (const uint8_t[]){ 10, 0, 0, 1 }, 4);
    inject(f, frame, sizeof frame);
}

static void open_all(struct fuzz *f)
{
    static const uint8_t options[20] = { 2, 4, 5, 0xb4, 4, 2, 1, 3, 3, 7, 1, 1 };
    static const struct nic_mem_impairment none;
    struct net_config c;
    net_config_defaults(&c);
    memcpy(c.mac, macs[0], 6);
    c.addresses[0] = (struct net_address){ { [10] = 0xff, 0xff, 10, 0, 0, 1 }, 24 };
    c.addresses[1] = (struct net_address){ { 0xfd, [15] = 1 }, 64 };
    c.address_count = 2;
    c.connection_count_max = 8;
    c.time_wait_count_max = 4;
    c.neighbour_count_max = 4;
    c.syn_backlog_max = 4;
    c.receive_buffer_bytes_max = 16384;
    c.send_buffer_bytes_max = 16384;
    f->now_ns = 1000000000;
    f->app = (struct stream_app){ f, on_open, on_data, on_end, on_drained, on_closed };
    if (nic_mem_open(&f->mem, FRAMES, 1900, 1500, 1, &none) != OK) abort();
    if (net_open(&f->net, &c, nic_mem_queue(f->mem, 0)->pool, &f->app, &f->tally, f->now_ns) != OK)
        abort();
    if (net_listen(f->net, PORT) != OK) abort();
    send_arp(f);
    for (uint32_t i = 0; i < CONNS; i++) {
        struct bytes o = bytes_make(options, i == 0 ? 4 : 12), nothing = { options, 0 };
        send_tcp(f, i, 2, 5000, 0, 65535, o, nothing);
        send_tcp(f, i, 16, 5001, f->iss[i] + 1, 1000, nothing, nothing);
    }
}

static bool step_segment(struct fuzz *f, struct bytes *in)
{
    uint8_t conn, flags, option_size, size;
    uint16_t seq, ack, window;
    struct bytes options, payload;
    if (!bytes_u8(in, &conn) || !bytes_u8(in, &flags) || !bytes_le16(in, &seq) ||
        !bytes_le16(in, &ack) || !bytes_le16(in, &window) || !bytes_u8(in, &option_size) ||
        !bytes_u8(in, &size))
        return false;
    if (!bytes_take(in, option_size % 41, &options) || !bytes_take(in, size, &payload))
        return false;
    conn %= CONNS;
    send_tcp(f, conn, flags, 5001 + (uint32_t)(int16_t)seq,
             f->iss[conn] + 1 + (uint32_t)(int16_t)ack, window, options, payload);
    return true;
}

static void step_app(struct fuzz *f, uint8_t what, uint8_t index)
{
    static const uint8_t bytes[256 * 9];
    struct stream *s = f->streams[index % STREAMS_MAX];
    if (!s) return;
    switch (what % 6) {
    case 0:
        outq_append(&s->out, bytes_make(bytes, index * 9u));
        if (s->out.broken)
            s->ops->abort(s);
        else
            s->ops->flush(s);
        return;
    case 1:
        s->ops->pause(s, true);
        return;
    case 2:
        s->ops->pause(s, false);
        return;
    case 3:
        s->ops->close(s);
        return;
    case 4:
        s->ops->abort(s);
        return;
    default:
        net_shutdown(s);
        return;
    }
}

static bool step(struct fuzz *f, struct bytes *in)
{
    uint8_t op, a, b;
    struct bytes frame;
    if (!bytes_u8(in, &op)) return false;
    switch (op % 4) {
    case 0: // a frame as it is
        if (!bytes_u8(in, &a) || !bytes_take(in, a, &frame)) return false;
        inject(f, frame.data, frame.size);
        return true;
    case 1:
        return step_segment(f, in);
    case 2: // time: up to a quarter of a second, or minutes
        if (!bytes_u8(in, &a)) return false;
        f->now_ns += (op & 4 ? 1000000000ull : 1000000ull) * a;
        turn(f);
        return true;
    default:
        if (!bytes_u8(in, &a) || !bytes_u8(in, &b)) return false;
        step_app(f, a, b);
        turn(f);
        return true;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = { 0 };
    struct bytes in = bytes_make(data, size);
    open_all(&f);
    while (step(&f, &in)) {
    }
    net_close(f.net);
    nic_mem_close(f.mem);
    return 0;
}
