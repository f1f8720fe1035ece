#include <string.h>
#include "dataplane/net/tcp_priv.h"

enum { OOO_FIN = 1 }; // frame.tag of an out-of-order frame: FIN follows its bytes

static uint32_t frame_end(const struct frame *f) { return f->seq + f->size; }

static void rx_keep(struct tcp_pcb *p)
{
    p->net->frames_held++;
    p->net->tcp->rx_frames++;
}

static void rx_drop(struct tcp_pcb *p, struct frame *f)
{
    p->net->tcp->rx_frames--;
    net_give_held(p->net, f);
}

void tcp_receive_clear(struct tcp_pcb *p)
{
    struct frame *f;
    while ((f = p->ooo)) {
        p->ooo = f->next;
        rx_drop(p, f);
    }
    while ((f = p->paused)) {
        p->paused = f->next;
        rx_drop(p, f);
    }
    p->ooo_tail = p->paused_tail = NULL;
    p->ooo_count = p->paused_count = p->paused_bytes = 0;
}

static bool may_keep(struct tcp_pcb *p, uint32_t already)
{
    // Small segments cost a whole frame each, so frames are counted, not bytes alone.
    // What is not in order, or not wanted yet, must never be what keeps the port from receiving.
    struct net *n = p->net;
    uint32_t most = n->config.receive_buffer_bytes_max / 1024 + 16;
    if (already < most && n->tcp->rx_frames < n->tcp->rx_frames_max && !tcp_pool_is_low(n))
        return true;
    n->tally->drop_tcp_memory++;
    return false;
}

// Hands the bytes to the application where they lie. The frame stays until net_release.
static void deliver(struct tcp_pcb *p, struct frame *f)
{
    struct net *n = p->net;
    n->frames_held++;
    f->next = n->consumed;
    n->consumed = f;
    p->stream.arrival_tsc = f->arrival_tsc;
    p->stream.rx_bytes += f->size;
    p->stream.app->on_data(p->stream.app->app, &p->stream, frame_bytes(f));
}

static bool copies_behind(struct frame *last, const struct frame *f)
{
    uint8_t *end = last->data + last->size;
    if ((size_t)(last->buffer + last->buffer_size - end) < f->size || *last->refs != 1)
        return false;
    memcpy(end, f->data, f->size);
    last->size += f->size;
    return true;
}

// Keeps in-order bytes of a paused stream. False: no room, and nothing was acknowledged yet.
static bool hold_back(struct tcp_pcb *p, struct frame *f)
{
    uint32_t size = f->size;
    if (p->paused_tail && size <= TCP_COALESCE_BYTES && copies_behind(p->paused_tail, f)) {
        net_give(p->net, f);
    } else {
        if (!may_keep(p, p->paused_count)) {
            net_give(p->net, f);
            return false;
        }
        rx_keep(p);
        f->next = NULL;
        if (p->paused_tail)
            p->paused_tail->next = f;
        else
            p->paused = f;
        p->paused_tail = f;
        p->paused_count++;
    }
    p->paused_bytes += size;
    return true;
}

// f begins at rcv_nxt. False when it had to be dropped.
static bool accept_bytes(struct tcp_pcb *p, struct frame *f)
{
    uint32_t size = f->size;
    if (size == 0 || p->flags & (TCP_F_DISCARD | TCP_F_RST_DUE)) {
        p->rcv_nxt += size;
        net_give(p->net, f);
        return true;
    }
    if (UNLIKELY(p->flags & TCP_F_PAUSED || p->paused)) {
        if (!hold_back(p, f)) return false;
        p->rcv_nxt += size;
        return true;
    }
    p->rcv_nxt += size;
    deliver(p, f);
    return true;
}

static void take_fin(struct tcp_pcb *p)
{
    p->rcv_nxt++;
    p->flags |= TCP_F_FIN_SEEN | TCP_F_ACK_NOW;
    if (p->paused)
        p->flags |= TCP_F_END_DUE;
    else
        tcp_fin_received(p);
}

// What was out of order and now is not.
static void drain_ooo(struct tcp_pcb *p)
{
    p->flags |= TCP_F_ACK_NOW; // RFC 5681 4.2: a gap was filled
    while (p->ooo && seq_le(p->ooo->seq, p->rcv_nxt) && p->state != TCP_CLOSED) {
        struct frame *f = p->ooo;
        uint32_t seen = p->rcv_nxt - f->seq;
        bool is_fin = f->tag & OOO_FIN;
        p->ooo = f->next;
        if (!p->ooo) p->ooo_tail = NULL;
        p->ooo_count--;
        p->net->tcp->rx_frames--;
        p->net->frames_held--;
        if (seen > f->size || (seen == f->size && !is_fin)) {
            net_give(p->net, f);
            continue;
        }
        frame_pull(f, seen);
        f->seq += seen;
        if (!accept_bytes(p, f)) return;
        if (is_fin) {
            take_fin(p);
            return;
        }
    }
}

static void in_order(struct tcp_pcb *p, struct frame *f, bool is_fin)
{
    uint32_t size = f->size;
    if (size > p->rcv_mss) p->rcv_mss = size;
    if (!accept_bytes(p, f)) return;
    if (is_fin) {
        take_fin(p);
        return;
    }
    if (UNLIKELY(p->ooo != NULL)) drain_ooo(p);
    uint32_t full = p->rcv_mss > TCP_MSS_DEFAULT ? p->rcv_mss : TCP_MSS_DEFAULT;
    bool is_due = p->rcv_nxt - p->ack_sent >= 2 * full; // RFC 9293 MUST-59, SHLD-18
    p->flags |= is_due || p->net->config.delayed_ack_ms == 0 ? TCP_F_ACK_NOW : TCP_F_ACK_LATER;
}

static void ooo_link(struct tcp_pcb *p, struct frame *prev, struct frame *f)
{
    f->next = prev ? prev->next : p->ooo;
    if (prev)
        prev->next = f;
    else
        p->ooo = f;
    if (!f->next) p->ooo_tail = f;
    p->ooo_count++;
    rx_keep(p);
}

// Frames behind prev that f covers go; f ends where the next one begins.
static void ooo_trim_next(struct tcp_pcb *p, struct frame *prev, struct frame *f)
{
    for (;;) {
        struct frame *next = prev ? prev->next : p->ooo;
        if (!next || seq_ge(next->seq, frame_end(f))) return;
        if (seq_gt(frame_end(next), frame_end(f))) {
            f->size = next->seq - f->seq;
            f->tag = 0;
            return;
        }
        f->tag |= next->tag & OOO_FIN;
        if (prev)
            prev->next = next->next;
        else
            p->ooo = next->next;
        if (p->ooo_tail == next) p->ooo_tail = prev;
        p->ooo_count--;
        rx_drop(p, next);
    }
}

static struct frame *ooo_before(const struct tcp_pcb *p, uint32_t seq)
{
    if (p->ooo_tail && seq_le(p->ooo_tail->seq, seq)) return p->ooo_tail;
    struct frame *prev = NULL;
    for (struct frame *f = p->ooo; f && seq_le(f->seq, seq); f = f->next) prev = f;
    return prev;
}

static bool ooo_insert(struct tcp_pcb *p, struct frame *f)
{
    struct frame *prev = ooo_before(p, f->seq);
    if (prev && seq_ge(frame_end(prev), frame_end(f)) && !(f->tag & OOO_FIN)) {
        p->net->tally->tcp_duplicates++;
        p->dsack = (struct tcp_range){ f->seq, frame_end(f) }; // RFC 2883 4.2
        p->flags |= TCP_F_DSACK;
        return false;
    }
    if (prev && seq_gt(frame_end(prev), f->seq)) {
        uint32_t seen = frame_end(prev) - f->seq;
        if (seen > f->size) return false; // a FIN inside bytes we hold: nonsense
        frame_pull(f, seen);
        f->seq += seen;
    }
    if (!may_keep(p, p->ooo_count)) return false;
    ooo_trim_next(p, prev, f);
    ooo_link(p, prev, f);
    return true;
}

static void out_of_order(struct tcp_pcb *p, struct frame *f, bool is_fin)
{
    p->net->tally->tcp_out_of_order++;
    f->tag = is_fin ? OOO_FIN : 0;
    p->ooo_last = f->seq;
    if (!ooo_insert(p, f)) net_give(p->net, f);
    tcp_send_ack(p, tcp_ack_seq(p)); // at once, one for each (RFC 5681 4.2)
}

// Cuts the segment to [rcv_nxt, rcv_adv). False when nothing new is left.
static bool trim(struct tcp_pcb *p, struct frame *f, bool *is_fin)
{
    if (seq_lt(f->seq, p->rcv_nxt)) {
        uint32_t seen = p->rcv_nxt - f->seq;
        uint32_t cut = seen < f->size ? seen : f->size;
        p->dsack = (struct tcp_range){ f->seq, f->seq + cut };
        if (cut) p->flags |= TCP_F_DSACK;
        p->net->tally->tcp_duplicates++;
        frame_pull(f, cut);
        f->seq += seen;
    }
    uint32_t room = p->rcv_adv - f->seq;
    if (f->size > room) {
        f->size = room;
        *is_fin = false;
        p->flags |= TCP_F_ACK_NOW; // the sender counts on room that is not there
    }
    return f->size != 0 || *is_fin;
}

void tcp_receive(struct tcp_pcb *p, const struct tcp_seg *seg, struct frame *f)
{
    bool is_fin = seg->flags & TCP_FIN;
    f->seq = seg->seq;
    if (UNLIKELY(p->flags & TCP_F_FIN_SEEN || !trim(p, f, &is_fin))) {
        p->flags |= TCP_F_ACK_NOW;
        net_give(p->net, f);
        return;
    }
    if (LIKELY(f->seq == p->rcv_nxt))
        in_order(p, f, is_fin);
    else
        out_of_order(p, f, is_fin);
}

static void resume(struct tcp_pcb *p)
{
    struct net *n = p->net;
    while (p->paused && !(p->flags & TCP_F_PAUSED)) {
        struct frame *f = p->paused;
        p->paused = f->next;
        if (!p->paused) p->paused_tail = NULL;
        p->paused_count--;
        p->paused_bytes -= f->size;
        n->tcp->rx_frames--;
        n->frames_held--;
        if (p->flags & (TCP_F_DISCARD | TCP_F_RST_DUE))
            net_give(n, f);
        else
            deliver(p, f);
    }
    // After the peer's FIN nobody waits for room; if it is gone, it would answer with a reset.
    if (!(p->flags & TCP_F_FIN_SEEN) && tcp_window_growth(p) >= p->mss) p->flags |= TCP_F_ACK_NOW;
    tcp_want_output(p);
    if (p->paused || !(p->flags & TCP_F_END_DUE)) return;
    p->flags &= ~(uint32_t)TCP_F_END_DUE;
    tcp_fin_received(p);
}

void tcp_resume(struct net *n)
{
    size_t count = n->tcp->resumed.count; // those that come back wait for the next turn
    while (count-- > 0) {
        struct list_node *node = list_take_first(&n->tcp->resumed);
        struct tcp_pcb *p = node ? LIST_OWNER(node, struct tcp_pcb, resume_link) : NULL;
        if (p && p->state != TCP_CLOSED) resume(p);
    }
}

static uint32_t put_block(struct tcp_range *blocks, uint32_t count, uint32_t max,
                          struct tcp_range r, bool is_first, uint32_t first_at)
{
    if (is_first) { // the others move up to make room for the latest
        uint32_t kept = count < max ? count : max - 1;
        memmove(&blocks[first_at + 1], &blocks[first_at], (kept - first_at) * sizeof r);
        blocks[first_at] = r;
        return kept + 1;
    }
    if (count < max) blocks[count++] = r;
    return count;
}

// RFC 2018 section 4: the run with the latest arrival first; RFC 2883: before it the duplicate.
uint32_t tcp_sack_blocks(const struct tcp_pcb *p, struct tcp_range *blocks, uint32_t max)
{
    uint32_t count = 0;
    if (max == 0) return 0;
    if (p->flags & TCP_F_DSACK) blocks[count++] = p->dsack;
    uint32_t first_at = count;
    for (const struct frame *f = p->ooo; f && max > first_at;) {
        struct tcp_range r = { f->seq, frame_end(f) };
        for (f = f->next; f && f->seq == r.end; f = f->next) r.end = frame_end(f);
        bool is_latest = seq_ge(p->ooo_last, r.start) && seq_lt(p->ooo_last, r.end);
        if (r.start != r.end) count = put_block(blocks, count, max, r, is_latest, first_at);
    }
    return count;
}
