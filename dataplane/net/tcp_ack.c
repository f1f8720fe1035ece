#include "dataplane/net/tcp_priv.h"

static void piece_give(struct tcp_pcb *p, struct piece *piece)
{
    if (p->cursor == piece) p->cursor = NULL;
    piece->release(piece);
}

void tcp_queue_clear(struct tcp_pcb *p)
{
    while (p->queue) {
        struct piece *piece = p->queue;
        p->queue = piece->next;
        piece_give(p, piece);
    }
    p->queue_tail = NULL;
}

// Everything before ack is the peer's now.
static void queue_drop(struct tcp_pcb *p, uint32_t ack)
{
    while (p->queue) {
        struct piece *piece = p->queue;
        struct frame *f = tcp_piece_frame(piece);
        uint32_t acked = ack - f->seq;
        if (seq_le(ack, f->seq)) return;
        if (acked < piece->used) { // bytes of a frame the driver may still have stay untouched
            piece->data += acked;
            piece->used -= acked;
            f->seq = ack;
            return;
        }
        p->queue = piece->next;
        if (!p->queue) p->queue_tail = NULL;
        piece_give(p, piece);
    }
}

static void take_sample(struct tcp_pcb *p, uint64_t us)
{
    if (us > TCP_RTO_MAX_US) us = TCP_RTO_MAX_US;
    tcp_rto_sample(&p->rto, us ? (uint32_t)us : 1);
}

// After a timeout the back-off stays until there is a sample again (RFC 6298 section 5). Karn's
// rule gives none from what was retransmitted; an echo of the retransmission itself does (RFC 7323
// 4.1). An older echo would not: the peer repeats it when it had the bytes already.
static void sample_rtt(struct tcp_pcb *p, const struct tcp_seg *seg)
{
    if (p->flags & TCP_F_TIMING && seq_ge(seg->ack, p->timed_seq)) {
        p->flags &= ~(uint32_t)TCP_F_TIMING;
        take_sample(p, (p->net->now_ns - p->timed_ns) / 1000);
    } else if (p->retries != 0 && p->flags & TCP_F_TS && seq_ge(seg->opts.tsecr, p->retry_ts)) {
        take_sample(p, (uint64_t)(tcp_ts_now(p->net, p->ts_offset) - seg->opts.tsecr) * 1000);
    }
}

static bool update_window(struct tcp_pcb *p, const struct tcp_seg *seg)
{
    if (!seq_lt(p->snd_wl1, seg->seq) && !(p->snd_wl1 == seg->seq && seq_le(p->snd_wl2, seg->ack)))
        return false;
    uint32_t window = seg->flags & TCP_SYN ? seg->window : (uint32_t)seg->window << p->snd_wscale;
    bool is_changed = window != p->snd_wnd;
    p->snd_wl1 = seg->seq;
    p->snd_wl2 = seg->ack;
    p->snd_wnd = window;
    if (window > p->snd_wnd_max) p->snd_wnd_max = window;
    return is_changed;
}

// RFC 2018 section 5; blocks below the cumulative ACK are D-SACKs (RFC 2883) and tell nothing here.
static bool take_sacks(struct tcp_pcb *p, const struct tcp_seg *seg)
{
    bool is_new = false;
    if (!(p->flags & TCP_F_SACK)) return false;
    for (uint32_t i = 0; i < seg->opts.sack_count; i++) {
        const struct tcp_range *r = &seg->opts.sack[i];
        if (seq_ge(r->start, r->end) || seq_gt(r->end, p->snd_max)) continue;
        if (seq_lt(r->start, seg->ack) || seq_lt(r->start, p->snd_una)) continue;
        is_new |= tcp_sack_add(&p->sack, r->start, r->end);
    }
    return is_new;
}

static void enter_recovery(struct tcp_pcb *p)
{
    uint32_t flight = p->snd_nxt - p->snd_una; // FlightSize counts what is SACKed too
    p->net->tally->tcp_fast_retransmits++;
    p->flags |= TCP_F_RECOVERY;
    p->flags &= ~(uint32_t)(TCP_F_TIMING | TCP_F_RESCUED); // no sample now: Karn
    p->recover = p->snd_max;
    p->high_rxt = p->snd_una;
    tcp_cc_loss(&p->cc, flight);
    if (!(p->flags & TCP_F_SACK)) p->cc.cwnd_bytes += TCP_DUP_THRESHOLD * p->mss; // RFC 6582 3.2
    tcp_retransmit_first(p);
}

// Segments that left after the last retransmission arrived, as many as tell of a loss, and what was
// retransmitted at snd_una did not: it is lost once more. RFC 6675 would wait for the timer.
static bool is_lost_again(const struct tcp_pcb *p)
{
    uint32_t later =
        tcp_sack_bytes_below(&p->sack, p->snd_max) - tcp_sack_bytes_below(&p->sack, p->rxt_mark);
    return later > (TCP_DUP_THRESHOLD - 1) * p->mss;
}

static void recover_again(struct tcp_pcb *p)
{
    if (seq_le(p->high_rxt, p->snd_una) || !is_lost_again(p)) return;
    p->net->tally->tcp_fast_retransmits++;
    tcp_cc_loss(&p->cc, p->cc.cwnd_bytes); // RFC 5681 4.3: lowered twice
    tcp_retransmit_first(p);
}

// May a loss be declared at snd_una? Not again for the one that a timeout repaired (RFC 6582 3.2
// step 1; RFC 6675 5), unless that repair was lost.
static bool may_recover(const struct tcp_pcb *p)
{
    if (p->flags & TCP_F_SACK) return seq_ge(p->snd_una, p->recover) || is_lost_again(p);
    return seq_gt(p->snd_una, p->recover);
}

static void on_duplicate(struct tcp_pcb *p)
{
    if (p->dup_acks < UINT16_MAX) p->dup_acks++;
    if (p->flags & TCP_F_RECOVERY) {
        if (p->flags & TCP_F_SACK)
            recover_again(p);
        else
            p->cc.cwnd_bytes += p->mss; // RFC 6582 3.2 step 3
        return;
    }
    bool is_lost = p->dup_acks >= TCP_DUP_THRESHOLD;
    if (p->flags & TCP_F_SACK) is_lost |= tcp_sack_is_lost(&p->sack, p->snd_una, p->mss);
    if (is_lost && may_recover(p)) enter_recovery(p);
}

// RFC 6582 3.2 step 3 for a new ACK during recovery; RFC 6675 5 (C) goes on from the scoreboard.
static void recovery_ack(struct tcp_pcb *p, uint32_t acked)
{
    struct tcp_cc *cc = &p->cc;
    if (seq_ge(p->snd_una, p->recover)) {
        uint32_t flight = tcp_flight(p);
        uint32_t least = (flight > p->mss ? flight : p->mss) + p->mss;
        p->flags &= ~(uint32_t)TCP_F_RECOVERY;
        p->dup_acks = 0;
        cc->cwnd_bytes =
            cc->ssthresh_bytes < least || p->flags & TCP_F_SACK ? cc->ssthresh_bytes : least;
        return;
    }
    p->high_rxt = seq_max(p->high_rxt, p->snd_una);
    if (p->flags & TCP_F_SACK) return;
    uint32_t kept = cc->cwnd_bytes > acked ? cc->cwnd_bytes - acked : 0;
    if (acked >= p->mss) kept += p->mss;
    cc->cwnd_bytes = kept > p->mss ? kept : p->mss;
    tcp_retransmit_first(p);
}

static void grow_window(struct tcp_pcb *p, uint32_t acked, uint32_t flight_before)
{
    const struct tcp_cc *cc = &p->cc;
    bool is_slow_start = cc->cwnd_bytes < cc->ssthresh_bytes;
    bool is_limited = is_slow_start ? cc->cwnd_bytes < 2 * flight_before
                                    : flight_before + p->mss >= cc->cwnd_bytes;
    tcp_cc_ack(&p->cc, acked, is_limited, p->net->now_ns / 1000, p->rto.srtt_us);
}

static void fin_acked(struct tcp_pcb *p)
{
    switch (p->state) {
    case TCP_FIN_WAIT_1:
        p->state = TCP_FIN_WAIT_2;
        if (p->flags & TCP_F_DISCARD) p->idle_at_ns = p->net->now_ns + TCP_FIN_WAIT_NS;
        return;
    case TCP_CLOSING:
        tcp_wait_start(p);
        return;
    case TCP_LAST_ACK:
        tcp_pcb_die(p, STREAM_CLOSED_BY_PEER);
        return;
    default:
        return;
    }
}

static void tell_drained(struct tcp_pcb *p)
{
    const struct stream_app *app = p->stream.app;
    if (!(p->flags & TCP_F_DRAIN_DUE) || p->queue || p->stream.out.bytes) return;
    p->flags &= ~(uint32_t)TCP_F_DRAIN_DUE;
    if (app->on_drained && p->flags & TCP_F_TOLD && !(p->flags & TCP_F_RST_DUE))
        app->on_drained(app->app, &p->stream);
}

static void confirm_neighbour(struct tcp_pcb *p)
{
    if (p->net->now_ns - p->confirmed_ns < TCP_NS_PER_S) return;
    p->confirmed_ns = p->net->now_ns;
    ip_confirm_neighbour(p->net, &p->route);
}

static void ack_new(struct tcp_pcb *p, const struct tcp_seg *seg)
{
    uint32_t acked = seg->ack - p->snd_una, flight_before = p->snd_max - p->snd_una;
    p->snd_una = seg->ack;
    p->snd_nxt = seq_max(p->snd_nxt, seg->ack);
    queue_drop(p, seg->ack);
    sample_rtt(p, seg);
    if (p->flags & TCP_F_PERSIST) tcp_rto_restore(&p->rto); // what it backed off was no timeout
    p->retries = 0;
    p->stuck_since_ns = 0;
    if (UNLIKELY(p->sack.count)) tcp_sack_drop_below(&p->sack, seg->ack);
    if (UNLIKELY(p->flags & TCP_F_RECOVERY)) {
        recovery_ack(p, acked);
    } else {
        p->dup_acks = 0;
        grow_window(p, acked, flight_before);
    }
    p->send_at_ns = TCP_NEVER; // RFC 6298 5.2, 5.3
    p->flags &= ~(uint32_t)TCP_F_PERSIST;
    if (p->snd_una != p->snd_max) tcp_send_timer_start(p);
    confirm_neighbour(p);
    tell_drained(p);
    if (p->flags & TCP_F_FIN_SENT && seg->ack == p->queue_end + 1) fin_acked(p);
}

void tcp_ack(struct tcp_pcb *p, const struct tcp_seg *seg)
{
    bool is_window_update = update_window(p, seg);
    bool has_new_sack = UNLIKELY(seg->opts.sack_count) && take_sacks(p, seg);
    if (p->flags & TCP_F_PERSIST) { // an answer to a probe: the peer lives (RFC 1122 4.2.2.17)
        p->retries = 0;
        if (!(p->flags & TCP_F_DISCARD)) p->stuck_since_ns = 0;
    }
    if (seq_gt(seg->ack, p->snd_una)) {
        ack_new(p, seg);
        if (!has_new_sack || p->state == TCP_CLOSED) return;
        if (p->flags & TCP_F_RECOVERY)
            recover_again(p);
        else if (may_recover(p) && tcp_sack_is_lost(&p->sack, p->snd_una, p->mss))
            enter_recovery(p);
        return;
    }
    if (seg->ack != p->snd_una || p->snd_una == p->snd_max || p->flags & TCP_F_PERSIST) return;
    if (p->flags & TCP_F_SACK) { // RFC 6675 section 2: a duplicate brings new SACK information
        if (has_new_sack) on_duplicate(p);
    } else if (seg->size == 0 && !is_window_update && !(seg->flags & (TCP_SYN | TCP_FIN))) {
        on_duplicate(p); // RFC 5681 section 2
    }
}
