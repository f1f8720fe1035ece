#include <string.h>
#include "dataplane/net/tcp_priv.h"

enum { CHALLENGES_PER_S = 500, RESETS_PER_S = 2000 };

// RFC 5961 section 7. The budget is not a constant, so that nobody can count what is left of it.
static void limits_refresh(struct net *n)
{
    struct tcp_table *t = n->tcp;
    uint64_t second = n->now_ns / TCP_NS_PER_S;
    if (second == t->limit_second) return;
    t->limit_second = second;
    t->challenges_left = CHALLENGES_PER_S + (uint32_t)rng_below(&n->rng, CHALLENGES_PER_S);
    t->resets_left = RESETS_PER_S + (uint32_t)rng_below(&n->rng, RESETS_PER_S);
}

bool tcp_may_challenge(struct net *n)
{
    limits_refresh(n);
    if (n->tcp->challenges_left == 0) return false;
    n->tcp->challenges_left--;
    return true;
}

bool tcp_may_reset(struct net *n)
{
    limits_refresh(n);
    if (n->tcp->resets_left == 0) return false;
    n->tcp->resets_left--;
    return true;
}

static void tuple_of(const struct tcp_seg *seg, uint32_t hash, struct tcp_node *tuple)
{
    *tuple = (struct tcp_node){ .hash = hash,
                                .local_port = seg->destination_port,
                                .remote_port = seg->source_port };
    memcpy(tuple->local, seg->ip->destination, 16);
    memcpy(tuple->remote, seg->ip->source, 16);
}

static void refuse(struct net *n, const struct tcp_seg *seg, const struct tcp_node *tuple)
{
    struct tcp_bare bare = { .flags = TCP_RST };
    n->tally->drop_tcp_no_connection++;
    if (seg->flags & TCP_RST || !tcp_may_reset(n)) return;
    if (seg->flags & TCP_ACK) { // RFC 9293 3.10.7.1
        bare.seq = seg->ack;
    } else {
        bare.flags |= TCP_ACK;
        bare.ack = tcp_seg_end(seg);
    }
    n->tally->tcp_resets_out++;
    tcp_send_bare(n, tuple, &bare);
}

static void send_cookie(struct net *n, const struct tcp_seg *seg, const struct tcp_node *tuple)
{
    const struct tcp_opts *o = &seg->opts;
    uint32_t window = n->config.receive_buffer_bytes_max;
    uint32_t headers = (seg->ip->is_ipv6 ? 40u : 20u) + TCP_HEADER;
    struct tcp_bare bare = {
        .seq = tcp_cookie_make(n, tuple, seg->seq, o),
        .ack = seg->seq + 1,
        .window = (uint16_t)(window < 65535 ? window : 65535),
        .flags = TCP_SYN | TCP_ACK,
        .opts = { .has_mss = true, .mss_bytes = (uint16_t)(n->config.mtu - headers) },
    };
    if (o->has_ts) { // without an echo there is nowhere to keep what was agreed
        bare.opts.has_ts = true;
        bare.opts.tsval = tcp_cookie_ts(n, tcp_ts_offset(n, tuple), o);
        bare.opts.tsecr = o->tsval;
        bare.opts.has_wscale = o->has_wscale;
        bare.opts.wscale = (uint8_t)tcp_window_scale(window);
        bare.opts.sack_permitted = o->sack_permitted;
    }
    n->tcp->cookie_sent_ns = n->now_ns;
    n->tally->tcp_syn_cookies_sent++;
    tcp_send_bare(n, tuple, &bare);
}

void tcp_take_syn_options(struct tcp_pcb *p, const struct tcp_opts *o)
{
    if (o->has_mss) p->peer_mss = o->mss_bytes > TCP_MSS_MIN ? o->mss_bytes : TCP_MSS_MIN;
    if (o->has_wscale) {
        p->flags |= TCP_F_WSCALE;
        p->snd_wscale = o->wscale;
        p->rcv_wscale = (uint8_t)tcp_window_scale(p->net->config.receive_buffer_bytes_max);
    } else {
        p->flags &= ~(uint32_t)TCP_F_WSCALE;
        p->snd_wscale = p->rcv_wscale = 0;
    }
    if (o->has_ts) {
        p->flags |= TCP_F_TS;
        p->ts_recent = o->tsval;
        p->ts_recent_ns = p->net->now_ns;
    } else {
        p->flags &= ~(uint32_t)TCP_F_TS;
    }
    if (o->sack_permitted)
        p->flags |= TCP_F_SACK;
    else
        p->flags &= ~(uint32_t)TCP_F_SACK;
    tcp_pcb_set_mss(p);
    tcp_cc_init(&p->cc, p->net->config.congestion_reno, p->mss);
}

static void pcb_set_iss(struct tcp_pcb *p, uint32_t iss)
{
    p->iss = iss;
    p->snd_una = p->snd_nxt = p->snd_max = p->recover = p->high_rxt = iss;
    p->queue_end = iss + 1;
}

static void pcb_set_irs(struct tcp_pcb *p, uint32_t irs)
{
    uint32_t window = p->net->config.receive_buffer_bytes_max;
    p->irs = irs;
    p->rcv_nxt = p->ack_sent = irs + 1;
    p->rcv_adv = p->rcv_nxt + (window < 65535 ? window : 65535); // what the SYN-ACK can say
}

void tcp_accept_syn(struct net *n, const struct tcp_seg *seg, uint32_t hash, uint32_t iss_least)
{
    struct tcp_node tuple;
    tuple_of(seg, hash, &tuple);
    if (n->tcp->half_open_count >= n->config.syn_backlog_max) {
        send_cookie(n, seg, &tuple);
        return;
    }
    struct tcp_pcb *p =
        tcp_pcb_new(n, tuple.local, tuple.local_port, tuple.remote, tuple.remote_port);
    if (!p) return;
    uint32_t iss = tcp_isn(n, &p->node);
    if (iss_least && seq_lt(iss, iss_least)) iss = iss_least;
    pcb_set_iss(p, iss);
    pcb_set_irs(p, seg->seq);
    p->ts_offset = tcp_ts_offset(n, &p->node);
    tcp_take_syn_options(p, &seg->opts);
    p->snd_wnd = p->snd_wnd_max = seg->window; // never scaled in a SYN (RFC 7323 2.2)
    p->snd_wl1 = seg->seq;
    p->state = TCP_SYN_RECEIVED;
    p->flags |= TCP_F_HALF_OPEN;
    n->tcp->half_open_count++;
    tcp_send_syn(p);
    tcp_timer_update(p);
}

// The ACK that answers a cookie: the connection exists from here on, and the segment is its first.
static bool accept_cookie(struct net *n, const struct tcp_seg *seg, struct frame *f,
                          const struct tcp_node *tuple)
{
    struct tcp_cookie cookie;
    if (!tcp_cookie_check(n, tuple, seg, &cookie)) return false;
    struct tcp_pcb *p =
        tcp_pcb_new(n, tuple->local, tuple->local_port, tuple->remote, tuple->remote_port);
    if (!p) {
        net_give(n, f);
        return true;
    }
    struct tcp_opts opts = { .has_mss = true,
                             .mss_bytes = cookie.mss,
                             .has_wscale = cookie.has_wscale,
                             .wscale = cookie.wscale,
                             .sack_permitted = cookie.has_sack,
                             .has_ts = cookie.has_ts,
                             .tsval = seg->opts.tsval };
    pcb_set_iss(p, seg->ack - 1);
    pcb_set_irs(p, seg->seq - 1);
    p->snd_nxt = p->snd_max = seg->ack;
    p->ts_offset = tcp_ts_offset(n, &p->node);
    tcp_take_syn_options(p, &opts);
    p->snd_wl1 = seg->seq - 1;
    p->state = TCP_SYN_RECEIVED;
    n->tally->tcp_syn_cookies_ok++;
    tcp_send_timer_start(p);
    tcp_segment(p, seg, f);
    return true;
}

void tcp_no_connection(struct net *n, struct tcp_seg *seg, struct frame *f, uint32_t hash)
{
    struct tcp_node tuple;
    bool is_listening = tcp_is_listening(n->tcp, seg->destination_port);
    uint8_t kind = seg->flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN);
    tuple_of(seg, hash, &tuple);
    if (is_listening && kind == TCP_SYN) { // RFC 9293 3.10.7.2, third
        tcp_accept_syn(n, seg, hash, 0);
        net_give(n, f);
        return;
    }
    bool may_be_cookie = kind == TCP_ACK || kind == (TCP_ACK | TCP_FIN);
    if (is_listening && may_be_cookie && accept_cookie(n, seg, f, &tuple)) return;
    // A reset, or nothing of use: silence. So too for what may be the second segment of a
    // connection whose cookie was lost or overtaken on its way: the first will come again.
    may_be_cookie &= tcp_cookies_in_use(n);
    if (is_listening && (may_be_cookie || !(seg->flags & TCP_ACK)))
        n->tally->drop_tcp_no_connection++;
    else
        refuse(n, seg, &tuple);
    net_give(n, f);
}

static uint16_t pick_port(struct net *n, const uint8_t local[16], const struct net_addr *remote)
{
    enum { FIRST = 32768, COUNT = 28232 }; // RFC 6056: a random start, then the next free one
    uint32_t start = (uint32_t)rng_below(&n->rng, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        uint16_t port = (uint16_t)(FIRST + (start + i) % COUNT);
        uint32_t hash = tcp_hash(n, local, port, remote->ip, remote->port);
        if (tcp_is_listening(n->tcp, port)) continue;
        if (!tcp_table_find(n->tcp, hash, local, port, remote->ip, remote->port)) return port;
    }
    return 0;
}

enum status net_connect(struct net *n, const struct net_addr *remote, uint16_t local_port,
                        void *user, uint64_t now_ns, struct stream **out)
{
    struct ip_route route = { .neighbour_index = UINT16_MAX };
    *out = NULL;
    n->now_ns = now_ns;
    if (ip_route_find(n, remote->ip, &route) != OK) return ERR_IO;
    if (local_port == 0) local_port = pick_port(n, route.local, remote);
    uint32_t hash = tcp_hash(n, route.local, local_port, remote->ip, remote->port);
    struct tcp_node *old =
        tcp_table_find(n->tcp, hash, route.local, local_port, remote->ip, remote->port);
    if (local_port == 0 || old) return ERR_NO_SPACE;
    struct tcp_pcb *p = tcp_pcb_new(n, route.local, local_port, remote->ip, remote->port);
    if (!p) return ERR_NO_SPACE;
    pcb_set_iss(p, tcp_isn(n, &p->node));
    p->ts_offset = tcp_ts_offset(n, &p->node);
    p->rcv_wscale = (uint8_t)tcp_window_scale(n->config.receive_buffer_bytes_max);
    p->flags |= TCP_F_ACTIVE | TCP_F_TOLD | TCP_F_TS | TCP_F_SACK | TCP_F_WSCALE;
    p->state = TCP_SYN_SENT;
    p->idle_at_ns = now_ns + n->config.connect_timeout_ms * TCP_NS_PER_MS;
    p->stream.user = user;
    tcp_send_syn(p);
    tcp_timer_update(p);
    *out = &p->stream;
    return OK;
}
