#include <string.h>
#include "dataplane/net/tcp_priv.h"

static void give_counted(struct net *n, struct frame *f, uint64_t *why)
{
    ++*why;
    net_give(n, f);
}

// RFC 9293 3.10.7.3: a segment in SYN_SENT. The frame stays the caller's.
static void reset_half_open(struct tcp_pcb *p, const struct tcp_seg *seg)
{
    struct tcp_bare bare = { .flags = TCP_RST, .seq = seg->ack };
    if (seg->flags & TCP_RST || !tcp_may_reset(p->net)) return;
    p->net->tally->tcp_resets_out++;
    tcp_send_bare(p->net, &p->node, &bare);
}

static void establish(struct tcp_pcb *p)
{
    struct net *n = p->net;
    if (p->flags & TCP_F_HALF_OPEN) n->tcp->half_open_count--;
    p->flags &= ~(uint32_t)TCP_F_HALF_OPEN;
    p->state = TCP_ESTABLISHED;
    p->idle_at_ns = TCP_NEVER;
    if (n->config.keepalive_s) p->idle_at_ns = n->now_ns + n->config.keepalive_s * TCP_NS_PER_S;
    if (p->flags & TCP_F_ACTIVE)
        n->tally->tcp_opened++;
    else
        n->tally->tcp_accepted++;
    if (!(p->flags & TCP_F_ACTIVE)) p->stream.listener = tcp_listener(n->tcp, p->node.local_port);
    p->flags |= TCP_F_TOLD;
    if (n->app->on_open(n->app->app, &p->stream)) return;
    p->flags &= ~(uint32_t)TCP_F_TOLD; // refused: no other call
    if (p->flags & TCP_F_RST_DUE) return;
    p->flags |= TCP_F_RST_DUE;
    tcp_want_output(p);
}

static void take_peer_syn(struct tcp_pcb *p, const struct tcp_seg *seg)
{
    uint32_t window = p->net->config.receive_buffer_bytes_max;
    p->irs = seg->seq;
    p->rcv_nxt = p->ack_sent = seg->seq + 1;
    p->rcv_adv = p->rcv_nxt + (window < 65535 ? window : 65535);
    p->snd_wnd = p->snd_wnd_max = seg->window; // not scaled in a SYN
    p->snd_wl1 = seg->seq;
    p->snd_wl2 = seg->ack;
    tcp_take_syn_options(p, &seg->opts);
}

static void syn_sent_segment(struct tcp_pcb *p, const struct tcp_seg *seg)
{
    bool has_ack = seg->flags & TCP_ACK;
    if (has_ack && (seq_le(seg->ack, p->iss) || seq_gt(seg->ack, p->snd_max))) {
        reset_half_open(p, seg);
        return;
    }
    if (seg->flags & TCP_RST) {
        p->net->tally->tcp_resets_in++;
        if (has_ack) tcp_pcb_die(p, STREAM_REFUSED);
        return;
    }
    if (!(seg->flags & TCP_SYN)) return;
    take_peer_syn(p, seg);
    if (!has_ack) { // simultaneous open (RFC 9293 3.5 figure 8)
        p->state = TCP_SYN_RECEIVED;
        p->flags &= ~(uint32_t)TCP_F_TIMING;
        tcp_send_syn(p);
        tcp_timer_update(p);
        return;
    }
    tcp_ack(p, seg);
    p->flags |= TCP_F_ACK_NOW;
    establish(p);
    tcp_want_output(p);
}

// RFC 5961: an answer that gives nothing away; rationed for the whole stack.
static void challenge(struct tcp_pcb *p)
{
    if (!tcp_may_challenge(p->net)) return;
    p->net->tally->tcp_challenge_acks++;
    tcp_send_ack(p, tcp_ack_seq(p));
}

// An unacceptable segment is answered with an ACK. Two confused ends must not answer each other's
// empty ACKs for ever, so those are answered a few times a second only.
static void answer_unacceptable(struct tcp_pcb *p, const struct tcp_seg *seg)
{
    struct net *n = p->net;
    if (seg->flags & TCP_RST) return;
    if (tcp_seg_end(seg) == seg->seq) {
        if (n->now_ns - p->ooo_reply_ns < 100 * TCP_NS_PER_MS) return;
        p->ooo_reply_ns = n->now_ns;
    } else if (seq_le(tcp_seg_end(seg), p->rcv_nxt)) {
        n->tally->tcp_duplicates++;
        p->dsack = (struct tcp_range){ seg->seq, seg->seq + seg->size }; // RFC 2883 4.1
        if (seg->size) p->flags |= TCP_F_DSACK;
    }
    tcp_send_ack(p, tcp_ack_seq(p));
}

// RFC 7323 5.3 R1. False: old, or without the option that both ends promised to send.
static bool passes_paws(struct tcp_pcb *p, const struct tcp_seg *seg)
{
    if (!(p->flags & TCP_F_TS) || seg->flags & TCP_RST) return true;
    if (!seg->opts.has_ts) {
        p->net->tally->drop_tcp_paws++;
        return false;
    }
    if (seq_ge(seg->opts.tsval, p->ts_recent)) return true;
    if (p->net->now_ns - p->ts_recent_ns > TCP_PAWS_IDLE_NS)
        return true; // 5.5: it may have wrapped
    p->net->tally->drop_tcp_paws++;
    answer_unacceptable(p, seg);
    return false;
}

// RFC 9293 3.4. A segment at rcv_nxt passes with a closed window too: its ACK and RST count, and
// its bytes are cut off.
static bool is_in_window(const struct tcp_pcb *p, const struct tcp_seg *seg)
{
    if (seg->seq == p->rcv_nxt) return true;
    uint32_t end = tcp_seg_end(seg);
    if (end == seg->seq) return seq_gt(seg->seq, p->rcv_nxt) && seq_lt(seg->seq, p->rcv_adv);
    return seq_lt(seg->seq, p->rcv_adv) && seq_gt(end, p->rcv_nxt);
}

static void take_reset(struct tcp_pcb *p, const struct tcp_seg *seg)
{
    if (seg->seq != p->rcv_nxt) { // RFC 5961 3.2
        challenge(p);
        return;
    }
    p->net->tally->tcp_resets_in++;
    // Both FINs are through and only the application lags behind: as in TIME_WAIT (RFC 1337).
    if (p->flags & TCP_F_FIN_SEEN && p->state == TCP_FIN_WAIT_2) return;
    bool is_refusal = p->state == TCP_SYN_RECEIVED && p->flags & TCP_F_ACTIVE;
    tcp_pcb_die(p, is_refusal ? STREAM_REFUSED : STREAM_RESET);
}

// A SYN on a connection that has seen one. True: go on with *seg, which may have been changed.
static bool take_second_syn(struct tcp_pcb *p, struct tcp_seg *seg)
{
    if (p->state != TCP_SYN_RECEIVED || seg->seq != p->irs) {
        challenge(p); // RFC 5961 4.2
        return false;
    }
    if (!(seg->flags & TCP_ACK)) { // our SYN-ACK was lost
        p->net->tally->tcp_retransmits++;
        p->flags &= ~(uint32_t)TCP_F_TIMING;
        tcp_send_syn(p);
        tcp_timer_update(p);
        return false;
    }
    seg->seq++; // the other half of a simultaneous open
    seg->flags &= (uint8_t)~TCP_SYN;
    return true;
}

// RFC 9293 3.10.7.4 fifth, with RFC 5961 5.2.
static bool passes_ack(struct tcp_pcb *p, const struct tcp_seg *seg)
{
    if (!(seg->flags & TCP_ACK)) return false;
    if (p->state == TCP_SYN_RECEIVED) {
        if (seq_gt(seg->ack, p->snd_una) && seq_le(seg->ack, p->snd_max)) return true;
        reset_half_open(p, seg);
        return false;
    }
    if (seq_le(seg->ack, p->snd_max) && seq_ge(seg->ack, p->snd_una - p->snd_wnd_max)) return true;
    challenge(p);
    return false;
}

static void update_ts_recent(struct tcp_pcb *p, const struct tcp_seg *seg)
{
    if (!seg->opts.has_ts || seq_gt(seg->seq, p->ack_sent)) return; // RFC 7323 4.3
    p->ts_recent = seg->opts.tsval;
    p->ts_recent_ns = p->net->now_ns;
}

static bool is_acceptable(struct tcp_pcb *p, struct tcp_seg *seg)
{
    if (UNLIKELY((seg->flags & (TCP_SYN | TCP_RST)) == TCP_SYN) && !take_second_syn(p, seg))
        return false;
    if (UNLIKELY(!passes_paws(p, seg))) return false;
    if (UNLIKELY(!is_in_window(p, seg))) {
        p->net->tally->drop_tcp_window++;
        answer_unacceptable(p, seg);
        return false;
    }
    if (UNLIKELY(seg->flags & TCP_RST)) {
        take_reset(p, seg);
        return false;
    }
    return passes_ack(p, seg);
}

void tcp_segment(struct tcp_pcb *p, const struct tcp_seg *in, struct frame *f)
{
    struct tcp_seg seg = *in;
    struct net *n = p->net;
    if (UNLIKELY(p->flags & TCP_F_RST_DUE)) { // aborted, the reset leaves this turn
        net_give(n, f);
        return;
    }
    if (UNLIKELY(p->state == TCP_SYN_SENT)) {
        syn_sent_segment(p, &seg);
        net_give(n, f);
        return;
    }
    if (!is_acceptable(p, &seg)) {
        net_give(n, f);
        return;
    }
    update_ts_recent(p, &seg);
    p->last_rx_ns = n->now_ns;
    p->probes = 0;
    bool is_opening = p->state == TCP_SYN_RECEIVED;
    tcp_ack(p, &seg);
    if (is_opening) establish(p);
    if (p->state != TCP_CLOSED && (seg.size != 0 || seg.flags & TCP_FIN))
        tcp_receive(p, &seg, f);
    else
        net_give(n, f);
    if (p->state != TCP_CLOSED) tcp_want_output(p);
}

void tcp_fin_received(struct tcp_pcb *p)
{
    const struct stream_app *app = p->stream.app;
    if (p->state == TCP_ESTABLISHED)
        p->state = TCP_CLOSE_WAIT;
    else if (p->state == TCP_FIN_WAIT_1)
        p->state = TCP_CLOSING;
    bool is_last = p->state == TCP_FIN_WAIT_2;
    if (!(p->flags & (TCP_F_DISCARD | TCP_F_RST_DUE)) && p->flags & TCP_F_TOLD)
        app->on_end(app->app, &p->stream);
    if (is_last) tcp_wait_start(p);
}

// The usual options: timestamps alone, aligned by two no-ops (RFC 7323 appendix A).
static bool decode_options(const uint8_t *options, uint32_t size, struct tcp_opts *out)
{
    if (LIKELY(size == TCP_TS_BYTES && load_be32(options) == 0x0101080a)) {
        *out = (struct tcp_opts){ .has_ts = true,
                                  .tsval = load_be32(options + 4),
                                  .tsecr = load_be32(options + 8) };
        return true;
    }
    return tcp_opt_decode(bytes_make(options, size), out) == TCP_OPT_OK;
}

static bool checksum_is_good(const struct frame *f, const struct ip_packet *ip)
{
    if (f->flags & FRAME_RX_L4_GOOD) return true;
    if (f->flags & FRAME_RX_L4_BAD) return false;
    uint32_t sum = checksum_pseudo(ip->source, ip->destination, TCP_PROTOCOL, f->size, ip->is_ipv6);
    return checksum_fold(checksum_add(sum, f->data, f->size)) == 0;
}

// Takes the header apart and off the frame. NULL, or the counter to blame.
static uint64_t *parse(struct net *n, struct frame *f, const struct ip_packet *ip,
                       struct tcp_seg *seg)
{
    const uint8_t *h = f->data;
    if (f->size < TCP_HEADER) return &n->tally->drop_tcp_header;
    uint32_t header = (uint32_t)(h[12] >> 4) * 4;
    if (header < TCP_HEADER || header > f->size) return &n->tally->drop_tcp_header;
    if (!checksum_is_good(f, ip)) return &n->tally->drop_l4_checksum;
    seg->ip = ip;
    seg->source_port = load_be16(h);
    seg->destination_port = load_be16(h + 2);
    seg->seq = load_be32(h + 4);
    seg->ack = load_be32(h + 8);
    seg->flags = h[13] & 63;
    seg->window = load_be16(h + 14);
    if (!decode_options(h + TCP_HEADER, header - TCP_HEADER, &seg->opts))
        return &n->tally->drop_tcp_option;
    frame_pull(f, header);
    seg->size = f->size;
    f->seq = seg->seq;
    return seg->source_port ? NULL : &n->tally->drop_tcp_header;
}

// The hash of the connection that an untouched frame seems to belong to, so that its memory can be
// asked for before the layers below have looked at it. 0: no idea.
uint32_t tcp_peek_hash(const struct net *n, const struct frame *f)
{
    static const uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff };
    const uint8_t *ip = f->data + 14;
    uint8_t ends[2][16];
    uint16_t type = f->size < 54 ? 0 : load_be16(f->data + 12);
    if (LIKELY(type == 0x0800 && ip[0] == 0x45 && ip[9] == TCP_PROTOCOL)) {
        memcpy(ends[0], mapped, 16);
        memcpy(ends[1], mapped, 16);
        memcpy(ends[0] + 12, ip + 12, 4);
        memcpy(ends[1] + 12, ip + 16, 4);
        return tcp_hash(n, ends[1], load_be16(ip + 22), ends[0], load_be16(ip + 20));
    }
    if (type == 0x86dd && ip[6] == TCP_PROTOCOL && f->size >= 74)
        return tcp_hash(n, ip + 24, load_be16(ip + 42), ip + 8, load_be16(ip + 40));
    return 0;
}

void tcp_input(struct net *n, struct frame *f, const struct ip_packet *ip)
{
    struct tcp_seg seg;
    uint64_t *blame =
        ip->to_multicast ? &n->tally->drop_not_for_us : parse(n, f, ip, &seg); // RFC 9293 MUST-57
    if (UNLIKELY(blame != NULL)) {
        give_counted(n, f, blame);
        return;
    }
    uint32_t hash = f->tag; // tcp_peek_hash saw the same bytes
    if (hash == 0)
        hash = tcp_hash(n, ip->destination, seg.destination_port, ip->source, seg.source_port);
    struct tcp_node *node = tcp_table_find(n->tcp, hash, ip->destination, seg.destination_port,
                                           ip->source, seg.source_port);
    if (LIKELY(node && node->kind == TCP_NODE_PCB))
        tcp_segment(LIST_OWNER(node, struct tcp_pcb, node), &seg, f);
    else if (node)
        tcp_wait_segment(n, LIST_OWNER(node, struct tcp_wait, node), &seg, f);
    else
        tcp_no_connection(n, &seg, f, hash);
}
