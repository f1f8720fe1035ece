#include <string.h>
#include "dataplane/net/tcp_priv.h"

uint32_t tcp_window_scale(uint32_t receive_buffer_bytes)
{
    uint32_t scale = 0;
    while (scale < TCP_WSCALE_MAX && receive_buffer_bytes >> scale > 65535) scale++;
    return scale;
}

uint32_t tcp_window_growth(const struct tcp_pcb *p)
{
    uint32_t buffer = p->net->config.receive_buffer_bytes_max;
    uint32_t space = buffer > p->paused_bytes ? buffer - p->paused_bytes : 0;
    uint32_t offered = p->rcv_adv - p->rcv_nxt;
    return space > offered ? space - offered : 0;
}

// The window field. Its right edge moves on only by steps worth a segment (RFC 1122 4.2.3.3), and
// never back.
static uint16_t window_field(struct tcp_pcb *p)
{
    uint32_t growth = tcp_window_growth(p);
    uint32_t half = p->net->config.receive_buffer_bytes_max / 2;
    uint32_t step = p->mss < half ? p->mss : half;
    if (growth >= step) p->rcv_adv += growth;
    uint32_t window = (p->rcv_adv - p->rcv_nxt) >> p->rcv_wscale;
    return (uint16_t)(window > 65535 ? 65535 : window);
}

static void put_header(uint8_t *h, const struct tcp_node *tuple, uint32_t seq, uint32_t ack,
                       uint8_t flags, uint32_t header_bytes, uint16_t window)
{
    store_be16(h, tuple->local_port);
    store_be16(h + 2, tuple->remote_port);
    store_be32(h + 4, seq);
    store_be32(h + 8, ack);
    h[12] = (uint8_t)(header_bytes << 2);
    h[13] = flags;
    store_be16(h + 14, window);
    store_le32(h + 16, 0); // checksum: ip_output; no urgent data
}

static uint32_t header_bytes(const struct tcp_pcb *p)
{
    return TCP_HEADER + (p->flags & TCP_F_TS ? TCP_TS_BYTES : 0);
}

// Everything that leaves a synchronised connection acknowledges.
static void note_ack_sent(struct tcp_pcb *p)
{
    p->flags &= ~(uint32_t)(TCP_F_ACK_NOW | TCP_F_ACK_LATER);
    p->ack_at_ns = TCP_NEVER;
    p->ack_sent = p->rcv_nxt;
}

// The header of a data segment, without SACK blocks: those go on ACKs of their own.
static void write_header(struct tcp_pcb *p, uint8_t *h, uint32_t seq, uint8_t flags)
{
    uint32_t size = header_bytes(p);
    put_header(h, &p->node, seq, p->rcv_nxt, flags, size, window_field(p));
    if (p->flags & TCP_F_TS) {
        store_be32(h + 20, 0x0101080a);
        store_be32(h + 24, tcp_ts_now(p->net, p->ts_offset));
        store_be32(h + 28, p->ts_recent);
    }
    note_ack_sent(p);
}

static void emit(struct tcp_pcb *p, struct frame *f, uint32_t l4_bytes)
{
    f->l4_bytes = (uint16_t)l4_bytes;
    ip_output(p->net, f, &p->route, TCP_PROTOCOL, 0);
}

static bool may_go_in_place(const struct piece *piece, uint32_t seq, uint32_t size, uint32_t mss)
{
    const struct frame *f = LIST_OWNER(piece, struct frame, piece);
    return f->seq == seq && piece->used <= size && piece->used <= mss &&
           (piece->used == size || (size <= mss && 2 * piece->used >= mss)) && !frame_is_busy(f);
}

// The frame that holds the bytes carries its own headers, in the room in front of them. data and
// size are the wire's view; the payload's stays in piece.
static void send_in_place(struct tcp_pcb *p, struct piece *piece, uint8_t flags)
{
    struct frame *f = tcp_piece_frame(piece);
    uint32_t header = header_bytes(p);
    f->data = piece->data;
    f->size = piece->used;
    f->flags = 0;
    f->body = NULL;
    CHECK(frame_push(f, header));
    write_header(p, f->data, f->seq, flags);
    frame_hold(f);
    emit(p, f, header);
}

// Chains slices of the queue, from offset in piece on, behind header. Returns the bytes chained.
static uint32_t chain_slices(struct tcp_pcb *p, struct frame *header, struct piece *piece,
                             uint32_t offset, uint32_t size)
{
    struct frame_pool *pool = p->net->pool;
    struct frame *last = header;
    uint32_t total = 0;
    for (uint32_t i = 0; i < TCP_CHAIN_MAX && piece && total < size; i++) {
        uint32_t part = piece->used - offset;
        if (part > size - total) part = size - total;
        last->body = pool->slice(pool, tcp_piece_frame(piece), piece->data + offset, part);
        if (!last->body) break;
        last = last->body;
        last->body = NULL;
        total += part;
        offset = 0;
        piece = piece->next;
    }
    return total;
}

static struct frame *take_header(struct net *n)
{
    struct frame *f = n->pool->take(n->pool);
    if (!f) {
        n->tally->drop_no_buffer++;
        return NULL;
    }
    f->body = NULL;
    f->flags = 0;
    return f;
}

static struct piece *locate(struct tcp_pcb *p, uint32_t seq)
{
    struct piece *piece = p->cursor;
    if (!piece || seq_lt(seq, tcp_piece_frame(piece)->seq)) piece = p->queue;
    while (piece && seq_ge(seq, tcp_piece_frame(piece)->seq + piece->used)) piece = piece->next;
    p->cursor = piece;
    return piece;
}

static void mark_fin(struct tcp_pcb *p)
{
    if (p->flags & TCP_F_FIN_SENT) return;
    p->flags |= TCP_F_FIN_SENT;
    if (p->state == TCP_ESTABLISHED)
        p->state = TCP_FIN_WAIT_1;
    else if (p->state == TCP_CLOSE_WAIT)
        p->state = TCP_LAST_ACK;
    if (p->snd_nxt == p->queue_end) p->snd_nxt++;
}

// PSH and FIN ride on the last byte queued.
static uint8_t end_flags(const struct tcp_pcb *p, uint32_t end)
{
    uint8_t flags = TCP_ACK;
    if (end != p->queue_end) return flags;
    flags |= TCP_PSH;
    if (p->flags & TCP_F_FIN_WANTED && p->stream.out.bytes == 0) flags |= TCP_FIN;
    return flags;
}

static void note_sent(struct tcp_pcb *p, uint32_t seq, uint32_t end, bool is_fin)
{
    bool is_new = seq_ge(seq, p->snd_max);
    if (is_fin) {
        mark_fin(p);
        end++;
    }
    if (!is_new) {
        p->net->tally->tcp_retransmits++;
        p->rxt_mark = p->snd_max;
        p->flags &= ~(uint32_t)TCP_F_TIMING; // Karn: which transmission an ACK means is not known
    } else if (!(p->flags & TCP_F_TIMING)) {
        p->flags |= TCP_F_TIMING;
        p->timed_seq = end;
        p->timed_ns = p->net->now_ns;
    }
    p->snd_max = seq_max(p->snd_max, end);
    if (UNLIKELY(p->flags & TCP_F_PERSIST) && !(p->flags & TCP_F_PROBE_DUE)) {
        p->flags &= ~(uint32_t)TCP_F_PERSIST;
        p->send_at_ns = TCP_NEVER;
    }
    if (p->send_at_ns == TCP_NEVER || p->flags & TCP_F_PERSIST) tcp_send_timer_start(p);
}

// The last frames are for ACKs, and for data when none is on its way out that would come back.
static bool may_take_data_header(const struct net *n)
{
    return n->out_count == 0 || n->pool->available(n->pool) > n->pool->total / 32;
}

static uint32_t send_chained(struct tcp_pcb *p, struct piece *piece, uint32_t seq, uint32_t size)
{
    struct frame *header = may_take_data_header(p->net) ? take_header(p->net) : NULL;
    if (!header) return 0;
    uint32_t offset = seq - tcp_piece_frame(piece)->seq;
    uint32_t total = chain_slices(p, header, piece, offset, size);
    if (total == 0) {
        net_give(p->net, header);
        return 0;
    }
    uint32_t header_size = header_bytes(p);
    CHECK(frame_push(header, header_size));
    write_header(p, header->data, seq, end_flags(p, seq + total));
    if (total > p->mss) {
        header->flags |= FRAME_TX_TSO;
        header->tso_mss_bytes = (uint16_t)p->mss;
    }
    emit(p, header, header_size);
    return total;
}

uint32_t tcp_send_data(struct tcp_pcb *p, uint32_t seq, uint32_t size)
{
    struct piece *piece = locate(p, seq);
    CHECK(piece != NULL);
    uint32_t sent = piece->used;
    bool is_fin;
    if (LIKELY(may_go_in_place(piece, seq, size, p->mss))) {
        uint8_t flags = end_flags(p, seq + sent);
        send_in_place(p, piece, flags);
    } else {
        sent = send_chained(p, piece, seq, size);
        if (sent == 0) return 0;
    }
    is_fin = end_flags(p, seq + sent) & TCP_FIN;
    if (seq_gt(seq + sent, p->snd_max)) p->stream.tx_bytes += seq + sent - seq_max(seq, p->snd_max);
    note_sent(p, seq, seq + sent, is_fin);
    return sent;
}

bool tcp_send_fin(struct tcp_pcb *p)
{
    struct frame *f = take_header(p->net);
    if (!f) return false;
    uint32_t size = header_bytes(p);
    CHECK(frame_push(f, size));
    write_header(p, f->data, p->queue_end, TCP_ACK | TCP_FIN);
    emit(p, f, size);
    note_sent(p, p->queue_end, p->queue_end, true);
    return true;
}

static void send_options(struct tcp_pcb *p, uint32_t seq, uint8_t flags, uint16_t window,
                         const struct tcp_opts *opts)
{
    uint8_t options[TCP_OPTIONS_MAX];
    struct frame *f = take_header(p->net);
    if (!f) return;
    uint32_t size = TCP_HEADER + tcp_opt_encode(opts, options);
    CHECK(frame_push(f, size));
    put_header(f->data, &p->node, seq, flags & TCP_ACK ? p->rcv_nxt : 0, flags, size, window);
    memcpy(f->data + TCP_HEADER, options, size - TCP_HEADER);
    emit(p, f, size);
}

void tcp_send_ack(struct tcp_pcb *p, uint32_t seq)
{
    struct tcp_opts opts = { 0 };
    if (p->flags & TCP_F_TS) {
        opts.has_ts = true;
        opts.tsval = tcp_ts_now(p->net, p->ts_offset);
        opts.tsecr = p->ts_recent;
    }
    if (UNLIKELY((p->ooo || p->flags & TCP_F_DSACK) && p->flags & TCP_F_SACK)) {
        uint32_t most = opts.has_ts ? 3 : 4; // what 40 bytes of options hold
        opts.sack_count = (uint8_t)tcp_sack_blocks(p, opts.sack, most);
    }
    p->flags &= ~(uint32_t)TCP_F_DSACK;
    send_options(p, seq, TCP_ACK, window_field(p), &opts);
    note_ack_sent(p);
}

void tcp_send_syn(struct tcp_pcb *p)
{
    const struct net_config *c = &p->net->config;
    uint32_t window = c->receive_buffer_bytes_max;
    bool is_answer = p->state == TCP_SYN_RECEIVED;
    struct tcp_opts opts = {
        .has_mss = true,
        .mss_bytes = (uint16_t)(c->mtu - (p->route.is_ipv6 ? 40 : 20) - TCP_HEADER),
        .has_wscale = p->flags & TCP_F_WSCALE,
        .wscale = p->rcv_wscale,
        .sack_permitted = p->flags & TCP_F_SACK,
        .has_ts = p->flags & TCP_F_TS,
        .tsval = tcp_ts_now(p->net, p->ts_offset),
        .tsecr = is_answer ? p->ts_recent : 0,
    };
    uint8_t flags = is_answer ? TCP_SYN | TCP_ACK : TCP_SYN;
    bool is_first = p->snd_max == p->iss;
    send_options(p, p->iss, flags, (uint16_t)(window < 65535 ? window : 65535), &opts);
    p->snd_nxt = p->snd_max = p->iss + 1;
    if (is_first) {
        p->flags |= TCP_F_TIMING;
        p->timed_seq = p->snd_max;
        p->timed_ns = p->net->now_ns;
    }
    tcp_send_timer_start(p);
}

void tcp_send_reset(struct tcp_pcb *p)
{
    struct tcp_opts opts = { 0 };
    p->net->tally->tcp_resets_out++;
    if (p->flags & TCP_F_TS) {
        opts.has_ts = true; // RFC 7323 3.2
        opts.tsval = tcp_ts_now(p->net, p->ts_offset);
        opts.tsecr = p->ts_recent;
    }
    send_options(p, tcp_ack_seq(p), TCP_RST | TCP_ACK, 0, &opts);
}

void tcp_send_bare(struct net *n, const struct tcp_node *tuple, const struct tcp_bare *bare)
{
    uint8_t options[TCP_OPTIONS_MAX];
    struct ip_route route = { .neighbour_index = UINT16_MAX };
    memcpy(route.local, tuple->local, 16);
    if (ip_route_find(n, tuple->remote, &route) != OK) {
        n->tally->drop_no_route++;
        return;
    }
    struct frame *f = take_header(n);
    if (!f) return;
    uint32_t size = TCP_HEADER + tcp_opt_encode(&bare->opts, options);
    CHECK(frame_push(f, size));
    put_header(f->data, tuple, bare->seq, bare->ack, bare->flags, size, bare->window);
    memcpy(f->data + TCP_HEADER, options, size - TCP_HEADER);
    f->l4_bytes = (uint16_t)size;
    ip_output(n, f, &route, TCP_PROTOCOL, 0);
}
