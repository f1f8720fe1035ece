#include "tests/wire/wire.h"
#include <string.h>

static const uint8_t stack_mac[6] = { 2, 0, 0, 0, 0, 1 }, peer_mac[6] = { 2, 0, 0, 0, 0, 2 };
static const uint8_t stack_ip[4] = { 10, 0, 0, 1 }, peer_ip[4] = { 10, 0, 0, 2 };

uint8_t app_byte(uint32_t at) { return (uint8_t)(at * 7 + at / 251); }

// ---- the application

static bool on_open(void *app, struct stream *s)
{
    struct wire_app *a = app;
    a->opened++;
    a->stream = s;
    return !a->refuse;
}

static void on_data(void *app, struct stream *s, struct bytes data)
{
    struct wire_app *a = app;
    cr_assert(le(u64, a->size + data.size, sizeof a->data));
    memcpy(a->data + a->size, data.data, data.size);
    a->size += (uint32_t)data.size;
}

static void on_end(void *app, struct stream *s) { ((struct wire_app *)app)->ended++; }
static void on_drained(void *app, struct stream *s) { ((struct wire_app *)app)->drained++; }

static void on_closed(void *app, struct stream *s, enum stream_close why)
{
    struct wire_app *a = app;
    a->closed++;
    a->reason = why;
    a->stream = NULL;
}

// ---- frames by hand

static uint32_t sum16(uint32_t sum, const uint8_t *p, uint32_t size)
{
    for (uint32_t i = 0; i + 1 < size; i += 2) sum += (uint32_t)p[i] << 8 | p[i + 1];
    if (size & 1) sum += (uint32_t)p[size - 1] << 8;
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static uint32_t pseudo(const uint8_t *from, const uint8_t *to, uint32_t size)
{
    return sum16(sum16(6 + size, from, 4), to, 4);
}

static void inject(struct wire *w, const uint8_t *bytes, uint32_t size)
{
    cr_assert(nic_mem_inject(w->mem, 0, bytes_make(bytes, size)));
    wire_turn(w);
}

void peer_raw(struct wire *w, const uint8_t *tcp, uint32_t size, bool good_checksum)
{
    uint8_t frame[2048] = { 0 }, *ip = frame + 14, *h = ip + 20;
    memcpy(frame, stack_mac, 6);
    memcpy(frame + 6, peer_mac, 6);
    store_be16(frame + 12, 0x0800);
    ip[0] = 0x45;
    store_be16(ip + 2, (uint16_t)(20 + size));
    ip[8] = 64;
    ip[9] = 6;
    memcpy(ip + 12, peer_ip, 4);
    memcpy(ip + 16, stack_ip, 4);
    store_be16(ip + 10, (uint16_t)~sum16(0, ip, 20));
    memcpy(h, tcp, size);
    if (good_checksum && size >= 20) {
        store_be16(h + 16, 0);
        store_be16(h + 16, (uint16_t)~sum16(pseudo(peer_ip, stack_ip, size), h, size));
    }
    inject(w, frame, 34 + size);
}

void peer_send(struct wire *w, uint8_t flags, uint32_t seq, uint32_t ack, const void *data,
               uint32_t size)
{
    uint8_t h[2000] = { 0 };
    struct tcp_opts opts = w->next_opts;
    w->next_opts = (struct tcp_opts){ 0 };
    if (w->use_ts) {
        opts.has_ts = true;
        opts.tsval = w->ts;
        opts.tsecr = w->ts_echo;
    }
    uint32_t header = 20 + tcp_opt_encode(&opts, h + 20);
    store_be16(h, w->port);
    store_be16(h + 2, WIRE_PORT);
    store_be32(h + 4, seq);
    store_be32(h + 8, ack);
    h[12] = (uint8_t)(header << 2);
    h[13] = flags;
    store_be16(h + 14, w->window);
    if (size) memcpy(h + header, data, size);
    peer_raw(w, h, header + size, true);
}

void peer_data(struct wire *w, const void *data, uint32_t size)
{
    peer_send(w, ACK | PSH, w->seq, w->ack, data, size);
    w->seq += size;
}

void peer_ack(struct wire *w) { peer_send(w, ACK, w->seq, w->ack, NULL, 0); }

static void answer_arp(struct wire *w, const uint8_t *request)
{
    uint8_t reply[60] = { 0 };
    memcpy(reply, stack_mac, 6);
    memcpy(reply + 6, peer_mac, 6);
    memcpy(reply + 12, request + 12, 8);
    store_be16(reply + 20, 2);
    memcpy(reply + 22, peer_mac, 6);
    memcpy(reply + 28, peer_ip, 4);
    memcpy(reply + 32, request + 22, 10);
    cr_assert(nic_mem_inject(w->mem, 0, bytes_make(reply, sizeof reply)));
}

static void parse(struct wire *w, const uint8_t *bytes, struct seg *s)
{
    const uint8_t *ip = bytes + 14, *h = ip + 20;
    uint32_t total = load_be16(ip + 2) - 20u, header = (h[12] >> 4) * 4u;
    cr_assert(eq(u32, sum16(0, ip, 20), 0xffff), "IP checksum");
    cr_assert(eq(u32, sum16(pseudo(stack_ip, peer_ip, total), h, total), 0xffff), "TCP checksum");
    s->local_port = load_be16(h);
    s->remote_port = load_be16(h + 2);
    s->seq = load_be32(h + 4);
    s->ack = load_be32(h + 8);
    s->flags = h[13];
    s->window = load_be16(h + 14);
    s->size = total - header;
    cr_assert(eq(int, tcp_opt_decode(bytes_make(h + 20, header - 20), &s->opts), TCP_OPT_OK));
    cr_assert(le(u32, s->size, sizeof s->data));
    memcpy(s->data, h + header, s->size);
}

// What left: ARP is answered, segments wait to be taken.
static void pump(struct wire *w)
{
    struct nic_queue *q = nic_mem_queue(w->mem, 1);
    struct frame *f;
    while (nic_rx(q, &f, 1) == 1) {
        uint16_t type = load_be16(f->data + 12);
        if (type == 0x0800) {
            cr_assert(w->left_count < WIRE_LEFT_MAX);
            parse(w, f->data, &w->left[(w->left_first + w->left_count++) % WIRE_LEFT_MAX]);
        } else if (load_be16(f->data + 20) == 1) {
            answer_arp(w, f->data);
        }
        q->pool->give(q->pool, f);
    }
}

bool peer_take(struct wire *w, struct seg *s)
{
    if (w->left_count == 0) return false;
    *s = w->left[w->left_first];
    w->left_first = (w->left_first + 1) % WIRE_LEFT_MAX;
    w->left_count--;
    if (s->opts.has_ts) w->ts_echo = s->opts.tsval;
    if (s->flags & SYN) w->ack = s->seq;
    if (s->seq == w->ack) w->ack += s->size + ((s->flags & SYN) != 0) + ((s->flags & FIN) != 0);
    return true;
}

void peer_expect(struct wire *w, struct seg *s, uint8_t flags, uint32_t seq, uint32_t ack,
                 uint32_t size, int line)
{
    cr_assert(peer_take(w, s), "line %d: nothing left", line);
    cr_assert(s->flags == flags && s->seq == seq && s->ack == ack && s->size == size,
              "line %d: flags %d seq %u ack %u size %u instead of %d %u %u %u", line, s->flags,
              s->seq, s->ack, s->size, flags, seq, ack, size);
}

// ---- the stack

void wire_turn(struct wire *w)
{
    struct frame *frames[NIC_BURST];
    struct nic_queue *q = nic_mem_queue(w->mem, 0);
    uint32_t count;
    nic_mem_advance(w->mem, w->now_ns);
    while ((count = nic_rx(q, frames, NIC_BURST)) != 0) net_input(w->net, frames, count, w->now_ns);
    while (net_timers(w->net, w->now_ns, 64) == 64) {
    }
    while ((count = net_output(w->net, frames, NIC_BURST, w->now_ns)) != 0)
        cr_assert(eq(u32, nic_tx(q, frames, count), count));
    net_release(w->net);
    nic_mem_advance(w->mem, w->now_ns);
    pump(w);
}

void wire_run_ms(struct wire *w, uint64_t ms)
{
    uint64_t end = w->now_ns + ms * 1000000;
    while (w->now_ns < end) {
        uint64_t next = net_next_deadline_ns(w->net);
        if (next > end) next = end;
        w->now_ns = next > w->now_ns ? next : w->now_ns + 1000;
        wire_turn(w);
    }
}

void wire_defaults(struct net_config *c)
{
    static const uint8_t address[16] = { [10] = 0xff, 0xff, 10, 0, 0, 1 };
    net_config_defaults(c);
    memcpy(c->mac, stack_mac, 6);
    memcpy(c->addresses[0].ip, address, 16);
    c->addresses[0].prefix_bits = 24;
    c->address_count = 1;
    c->connection_count_max = 16;
    c->time_wait_count_max = 4;
    c->neighbour_count_max = 8;
    c->receive_buffer_bytes_max = 65535;
    c->congestion_reno = true; // windows that a script can count
    c->seed = 1;
}

static void greet(struct wire *w) // so that the stack knows the peer's address
{
    uint8_t request[60] = { [0 ... 5] = 0xff };
    memcpy(request + 6, peer_mac, 6);
    store_be16(request + 12, 0x0806);
    store_be16(request + 14, 1);
    store_be16(request + 16, 0x0800);
    request[18] = 6;
    request[19] = 4;
    store_be16(request + 20, 1);
    memcpy(request + 22, peer_mac, 6);
    memcpy(request + 28, peer_ip, 4);
    memcpy(request + 38, stack_ip, 4);
    inject(w, request, sizeof request);
    EXPECT_SILENCE(w);
}

void wire_open(struct wire *w, const struct net_config *c)
{
    static const struct nic_mem_impairment none;
    struct net_config defaults;
    memset(w, 0, sizeof *w);
    w->now_ns = 1000000000ull;
    w->port = WIRE_PEER_PORT;
    w->window = 65535;
    w->ts = 5000;
    wire_defaults(&defaults);
    cr_assert(eq(int, nic_mem_open(&w->mem, WIRE_FRAMES, 1900, 1500, 1, &none), OK));
    w->calls = (struct stream_app){ &w->app, on_open, on_data, on_end, on_drained, on_closed };
    struct frame_pool *pool = nic_mem_queue(w->mem, 0)->pool;
    cr_assert(
        eq(int, net_open(&w->net, c ? c : &defaults, pool, &w->calls, &w->tally, w->now_ns), OK));
    cr_assert(eq(int, net_listen(w->net, WIRE_PORT), OK));
    greet(w);
}

void wire_close(struct wire *w)
{
    struct seg s;
    while (peer_take(w, &s)) {
    }
    net_close(w->net);
    nic_mem_close(w->mem);
}

void wire_establish(struct wire *w, const struct tcp_opts *opts)
{
    static const struct tcp_opts usual = { .has_mss = true, .mss_bytes = 1460 };
    struct seg s;
    uint32_t opened = w->app.opened;
    w->next_opts = opts ? *opts : usual;
    peer_send(w, SYN, WIRE_ISN, 0, NULL, 0);
    cr_assert(peer_take(w, &s));
    cr_assert(eq(int, s.flags, SYN | ACK));
    w->iss = s.seq;
    w->seq = WIRE_ISN + 1;
    peer_ack(w);
    cr_assert(eq(u32, w->app.opened, opened + 1));
    EXPECT_SILENCE(w);
}

void wire_establish_all(struct wire *w)
{
    struct tcp_opts all = {
        .has_mss = true, .mss_bytes = 1460, .has_wscale = true, .wscale = 7, .sack_permitted = true
    };
    w->use_ts = true;
    wire_establish(w, &all);
}

void app_send(struct wire *w, uint32_t size)
{
    struct stream *s = w->app.stream;
    for (uint32_t i = 0; i < size; i++) {
        uint8_t byte = app_byte((uint32_t)s->out.bytes_total);
        outq_append(&s->out, bytes_make(&byte, 1));
    }
    s->ops->flush(s);
    wire_turn(w);
}
