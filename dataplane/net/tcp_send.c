#include "dataplane/net/tcp_priv.h"

void tcp_want_output(struct tcp_pcb *p)
{
    if (!list_node_is_linked(&p->out_link)) list_append(&p->net->tcp->out, &p->out_link);
}

// Bytes thought to be in the network, without those the peer reported.
uint32_t tcp_flight(const struct tcp_pcb *p)
{
    uint32_t flight = p->snd_nxt - p->snd_una;
    if (UNLIKELY(p->sack.count)) flight -= tcp_sack_bytes_below(&p->sack, p->snd_nxt);
    return flight;
}

static void wait_for_frames(struct tcp_pcb *p)
{
    if (!list_node_is_linked(&p->starved_link))
        list_append(&p->net->tcp->starved, &p->starved_link);
}

// What one segment may carry: with TSO several full ones.
static uint32_t chunk_bytes(const struct tcp_pcb *p)
{
    uint32_t tso = p->net->config.tso_bytes_max, most = 60000;
    if (tso < 2 * p->mss) return p->mss;
    if (tso > most) tso = most; // an IP packet's length field holds no more
    return tso - tso % p->mss;
}

static uint32_t congestion_room(const struct tcp_pcb *p)
{
    uint32_t flight = tcp_flight(p), window = p->cc.cwnd_bytes;
    if (p->dup_acks && !(p->flags & TCP_F_RECOVERY)) // limited transmit (RFC 3042)
        window += (p->dup_acks < 2 ? p->dup_acks : 2u) * p->mss;
    return window > flight ? window - flight : 0;
}

// The next run of bytes that a window-limited sender may put into one segment: SND.NXT on, around
// what the peer reported. 0 when nothing may leave.
static uint32_t next_run(struct tcp_pcb *p, uint32_t *seq)
{
    struct tcp_range hole = { p->snd_nxt, p->queue_end };
    if (UNLIKELY(p->sack.count) && !tcp_sack_find_hole(&p->sack, p->snd_nxt, p->queue_end, &hole))
        hole.start = hole.end = p->queue_end;
    p->snd_nxt = *seq = hole.start;
    uint32_t available = hole.end - hole.start, chunk = chunk_bytes(p);
    uint32_t in_window = p->snd_una + p->snd_wnd - hole.start;
    if (seq_gt(hole.start, p->snd_una + p->snd_wnd)) in_window = 0;
    uint32_t room = congestion_room(p);
    uint32_t size = in_window < room ? in_window : room;
    if (size >= available) return available < chunk ? available : chunk;
    if (size >= p->mss) {
        if (size > chunk) size = chunk;
        return size - size % p->mss;
    }
    // Less than a segment and than what waits: silly, unless it is the best that this peer ever
    // offers or the override timer ran out (RFC 1122 4.2.3.4).
    // What was sent once goes again in any size that still fits.
    if (p->flags & TCP_F_PROBE_DUE) return size;
    if (seq_lt(hole.start, p->snd_max) && in_window <= room) return size;
    bool is_window = in_window <= room;
    return is_window && size != 0 && size >= p->snd_wnd_max / 2 ? size : 0;
}

static void advance(struct tcp_pcb *p, uint32_t seq, uint32_t sent)
{
    p->snd_nxt = seq + sent;
    if (p->flags & TCP_F_FIN_SENT && p->snd_nxt == p->queue_end) p->snd_nxt++;
}

static void output_window(struct tcp_pcb *p)
{
    uint32_t seq;
    for (uint32_t i = 0; seq_lt(p->snd_nxt, p->queue_end); i++) {
        uint32_t size = next_run(p, &seq);
        if (size == 0) return;
        if (i == TCP_FLUSH_SEGMENTS) {
            tcp_want_output(p); // others first
            return;
        }
        uint32_t sent = tcp_send_data(p, seq, size);
        if (sent == 0) {
            wait_for_frames(p);
            return;
        }
        advance(p, seq, sent);
    }
}

enum next { NEXT_NONE, NEXT_HOLE, NEXT_NEW, NEXT_RESCUE };

// The end of what is in flight, once per recovery: if it was lost, nothing behind it will tell.
static enum next next_rescue(const struct tcp_pcb *p, uint32_t highest, struct tcp_range *out)
{
    if (p->flags & TCP_F_RESCUED || highest == p->snd_max) return NEXT_NONE;
    uint32_t start = p->snd_max - (p->mss < p->snd_max - highest ? p->mss : p->snd_max - highest);
    if (seq_lt(start, p->high_rxt)) return NEXT_NONE; // it went again already
    *out = (struct tcp_range){ start, p->snd_max };
    return NEXT_RESCUE;
}

// RFC 6675 section 4, NextSeg, rules (1) to (4).
static enum next next_segment(const struct tcp_pcb *p, struct tcp_range *out)
{
    uint32_t highest = tcp_sack_highest(&p->sack, p->snd_una);
    bool has_hole = tcp_sack_find_hole(&p->sack, p->high_rxt, highest, out);
    if (has_hole && tcp_sack_is_lost(&p->sack, out->start, p->mss)) return NEXT_HOLE;
    uint32_t edge = seq_min(p->snd_una + p->snd_wnd, p->queue_end);
    if (seq_lt(p->snd_nxt, edge) && (edge == p->queue_end || edge - p->snd_nxt >= p->mss)) {
        *out = (struct tcp_range){ p->snd_nxt, edge };
        return NEXT_NEW;
    }
    return has_hole ? NEXT_HOLE : next_rescue(p, highest, out);
}

// Bytes of r, at most a segment of them. Returns how many left.
static uint32_t send_run(struct tcp_pcb *p, struct tcp_range r)
{
    if (r.start == p->queue_end) return tcp_send_fin(p) ? 1 : 0;
    uint32_t end = seq_min(r.end, p->queue_end);
    uint32_t size = end - r.start < p->mss ? end - r.start : p->mss;
    return tcp_send_data(p, r.start, size);
}

static void output_recovery(struct tcp_pcb *p)
{
    struct tcp_range run;
    uint32_t pipe = tcp_sack_pipe(&p->sack, p->snd_una, p->snd_max, p->high_rxt, p->mss);
    for (uint32_t i = 0; i < TCP_FLUSH_SEGMENTS; i++) {
        if (pipe + p->mss > p->cc.cwnd_bytes) return;
        enum next kind = next_segment(p, &run);
        if (kind == NEXT_NONE) return;
        uint32_t sent = send_run(p, run);
        if (sent == 0) {
            wait_for_frames(p);
            return;
        }
        pipe += sent;
        if (kind == NEXT_NEW)
            advance(p, run.start, sent);
        else if (kind == NEXT_HOLE)
            p->high_rxt = seq_max(p->high_rxt, run.start + sent);
        else
            p->flags |= TCP_F_RESCUED;
    }
    tcp_want_output(p);
}

void tcp_retransmit_first(struct tcp_pcb *p)
{
    struct tcp_range run = { p->snd_una, p->snd_max };
    if (p->snd_una == p->snd_max) return;
    if (p->sack.count && !tcp_sack_find_hole(&p->sack, p->snd_una, p->snd_max, &run)) return;
    uint32_t sent = send_run(p, run);
    if (sent == 0) wait_for_frames(p);
    p->high_rxt = seq_max(p->high_rxt, run.start + sent);
    tcp_send_timer_start(p); // RFC 6675 5 (4.3) and 6582 3.2 step 3
}

static void output_fin(struct tcp_pcb *p)
{
    if (!(p->flags & TCP_F_FIN_WANTED) || p->stream.out.bytes) return;
    if (p->snd_nxt != p->queue_end || (p->flags & TCP_F_FIN_SENT && p->snd_nxt == p->snd_max))
        return;
    if (p->flags & TCP_F_RECOVERY && p->flags & TCP_F_FIN_SENT) return;
    if (tcp_send_fin(p))
        p->snd_nxt = p->queue_end + 1;
    else
        wait_for_frames(p);
}

// Bytes wait, nothing is in flight and no timer would bring them on: probe (RFC 9293 3.8.6.1).
static void start_persist(struct tcp_pcb *p)
{
    if (p->send_at_ns != TCP_NEVER || list_node_is_linked(&p->starved_link)) return;
    if (!seq_lt(p->snd_nxt, p->queue_end) || list_node_is_linked(&p->out_link)) return;
    p->flags |= TCP_F_PERSIST;
    tcp_send_timer_start(p);
}

static void output_ack(struct tcp_pcb *p)
{
    if (p->flags & TCP_F_ACK_NOW) {
        tcp_send_ack(p, tcp_ack_seq(p));
    } else if (p->flags & TCP_F_ACK_LATER && p->ack_at_ns == TCP_NEVER) {
        p->ack_at_ns = p->net->now_ns + p->net->config.delayed_ack_ms * TCP_NS_PER_MS;
    }
}

static void restart_after_idle(struct tcp_pcb *p) // RFC 5681 4.1
{
    if (p->snd_una != p->snd_max || p->snd_nxt == p->queue_end) return;
    if (p->net->now_ns - p->last_rx_ns > (uint64_t)p->rto.rto_us * 1000) tcp_cc_idle(&p->cc);
}

void tcp_output(struct tcp_pcb *p)
{
    if (!tcp_is_open(p)) return;
    if (!(p->flags & TCP_F_FIN_SENT)) tcp_fill(p);
    restart_after_idle(p);
    if (UNLIKELY(p->flags & TCP_F_RECOVERY && p->flags & TCP_F_SACK))
        output_recovery(p);
    else
        output_window(p);
    output_fin(p);
    output_ack(p);
    start_persist(p);
    tcp_timer_update(p);
}

static void send_abort(struct tcp_pcb *p)
{
    if (p->state != TCP_SYN_SENT) tcp_send_reset(p);
    tcp_pcb_die(p, STREAM_CLOSED_LOCALLY);
}

// Some wait for the frame of a header, which the pool's last sixteenth is for; some for room behind
// it, and come back here.
static void feed_starved(struct net *n)
{
    struct list *starved = &n->tcp->starved;
    if (starved->count == 0) return;
    uint32_t left = n->pool->available(n->pool);
    if (left == 0 || (left <= n->pool->total / 32 && n->out_count)) return;
    bool is_short = left <= n->pool->total / 16;
    size_t count = is_short && starved->count > TCP_FEED_MAX ? TCP_FEED_MAX : starved->count;
    for (size_t i = count; i > 0; i--) {
        struct list_node *node = list_take_first(starved);
        tcp_want_output(LIST_OWNER(node, struct tcp_pcb, starved_link));
    }
}

void tcp_flush(struct net *n)
{
    struct list_node *node;
    feed_starved(n);
    while (n->out_count < n->tcp->out_frames_max && (node = list_take_first(&n->tcp->out))) {
        struct tcp_pcb *p = LIST_OWNER(node, struct tcp_pcb, out_link);
        if (p->flags & TCP_F_RST_DUE && p->state != TCP_CLOSED)
            send_abort(p);
        else
            tcp_output(p);
    }
    tcp_reap(n);
}
