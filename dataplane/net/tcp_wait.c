#include <string.h>
#include "dataplane/net/tcp_priv.h"

void tcp_wait_drop(struct net *n, struct tcp_wait *w)
{
    tcp_table_remove(n->tcp, &w->node);
    list_remove(&n->tcp->waiting, &w->link);
    pool_give(&n->tcp->waits, w);
}

static struct tcp_wait *wait_first(const struct net *n)
{
    struct list_node *node = list_first(&n->tcp->waiting);
    return node ? LIST_OWNER(node, struct tcp_wait, link) : NULL;
}

static void wait_arm(struct net *n)
{
    struct wheel_timer *timer = &n->tcp->wait_timer.timer;
    struct tcp_wait *w = wait_first(n);
    if (w && !wheel_is_armed(timer)) wheel_arm(&n->wheel, timer, w->expires_ns / TCP_NS_PER_MS + 1);
}

void tcp_wait_expire(struct net *n)
{
    struct tcp_wait *w;
    while ((w = wait_first(n)) && w->expires_ns <= n->now_ns) tcp_wait_drop(n, w);
    wait_arm(n);
}

// All entries wait equally long, so the list is in order of expiry.
static void wait_append(struct net *n, struct tcp_wait *w)
{
    w->expires_ns = n->now_ns + TCP_WAIT_NS;
    list_append(&n->tcp->waiting, &w->link);
    wait_arm(n);
}

static struct tcp_wait *wait_take(struct net *n)
{
    uint32_t most = n->config.time_wait_count_max;
    if (most == 0) return NULL;
    if (n->tcp->waiting.count >= most) tcp_wait_drop(n, wait_first(n));
    return pool_take(&n->tcp->waits);
}

void tcp_wait_start(struct tcp_pcb *p)
{
    struct net *n = p->net;
    if (p->flags & TCP_F_ACK_NOW) tcp_send_ack(p, tcp_ack_seq(p));
    tcp_pcb_die(p, p->flags & TCP_F_DISCARD ? STREAM_CLOSED_LOCALLY : STREAM_CLOSED_BY_PEER);
    struct tcp_wait *w = wait_take(n);
    if (!w) return;
    *w = (struct tcp_wait){ .node = p->node,
                            .ts_recent_ns = p->ts_recent_ns,
                            .snd_nxt = p->snd_max,
                            .rcv_nxt = p->rcv_nxt,
                            .rcv_wnd = p->rcv_adv - p->rcv_nxt,
                            .ts_recent = p->ts_recent,
                            .ts_offset = p->ts_offset,
                            .has_ts = p->flags & TCP_F_TS };
    w->node.kind = TCP_NODE_WAIT;
    tcp_table_add(n->tcp, &w->node);
    wait_append(n, w);
}

static void wait_ack(struct net *n, const struct tcp_wait *w)
{
    uint32_t window = w->rcv_wnd < 65535 ? w->rcv_wnd : 65535;
    struct tcp_bare bare = {
        .seq = w->snd_nxt,
        .ack = w->rcv_nxt,
        .window = (uint16_t)window,
        .flags = TCP_ACK,
        .opts = { .has_ts = w->has_ts, .tsval = tcp_ts_now(n, w->ts_offset), .tsecr = w->ts_recent }
    };
    if (!tcp_may_challenge(n)) return;
    tcp_send_bare(n, &w->node, &bare);
}

// RFC 6191 section 2, RFC 1122 4.2.2.13: a SYN that cannot be an old one begins anew.
static bool may_reuse(const struct tcp_wait *w, const struct tcp_seg *seg)
{
    if (w->has_ts && seg->opts.has_ts) {
        if (seq_gt(seg->opts.tsval, w->ts_recent)) return true;
        return seg->opts.tsval == w->ts_recent && seq_gt(seg->seq, w->rcv_nxt);
    }
    return seq_gt(seg->seq, w->rcv_nxt);
}

static void wait_reuse(struct net *n, struct tcp_wait *w, const struct tcp_seg *seg)
{
    uint32_t hash = w->node.hash, least = w->snd_nxt + 65536;
    tcp_wait_drop(n, w);
    tcp_accept_syn(n, seg, hash, least ? least : 1);
}

void tcp_wait_segment(struct net *n, struct tcp_wait *w, struct tcp_seg *seg, struct frame *f)
{
    uint8_t kind = seg->flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN);
    bool is_open = tcp_is_listening(n->tcp, seg->destination_port);
    if (kind == TCP_SYN && is_open && may_reuse(w, seg)) {
        wait_reuse(n, w, seg);
    } else if (!(kind & TCP_RST)) { // RFC 1337: a reset does not cut the wait short
        bool is_last_fin = kind & TCP_FIN && tcp_seg_end(seg) == w->rcv_nxt;
        if (tcp_seg_end(seg) != seg->seq || seg->seq != w->rcv_nxt) wait_ack(n, w);
        if (is_last_fin) {
            list_remove(&n->tcp->waiting, &w->link);
            wait_append(n, w);
        }
    }
    net_give(n, f);
}
