#include <stdlib.h>
#include <string.h>
#include "dataplane/net/tcp_priv.h"

static uint32_t table_power_of_two(uint32_t least)
{
    uint32_t n = 64;
    while (n < least && n < 1u << 30) n *= 2;
    return n;
}

static enum status table_carve(struct tcp_table *t, const struct net_config *c)
{
    uint32_t nodes = c->connection_count_max + c->time_wait_count_max;
    uint32_t buckets = table_power_of_two(2 * nodes);
    uint32_t refs = c->connection_count_max < 4096 ? c->connection_count_max + 64 : 4096;
    t->bucket_mask = buckets - 1;
    t->buckets = calloc(buckets, sizeof *t->buckets);
    if (!t->buckets) return ERR_NO_SPACE;
    if (pool_open(&t->pcbs, sizeof(struct tcp_pcb), c->connection_count_max)) return ERR_NO_SPACE;
    if (pool_open(&t->waits, sizeof(struct tcp_wait), c->time_wait_count_max + 1))
        return ERR_NO_SPACE;
    return pool_open(&t->refs, 64, refs);
}

static void table_seed_keys(struct tcp_table *t, struct net *n)
{
    t->isn_key = (struct hash_key){ rng_next(&n->rng), rng_next(&n->rng) };
    t->cookie_key = (struct hash_key){ rng_next(&n->rng), rng_next(&n->rng) };
}

enum status tcp_open(struct net *n)
{
    struct tcp_table *t = calloc(1, sizeof *t);
    if (!t) return ERR_NO_SPACE;
    n->tcp = t;
    t->net = n;
    list_init(&t->all);
    list_init(&t->out);
    list_init(&t->dead);
    list_init(&t->resumed);
    list_init(&t->starved);
    list_init(&t->waiting);
    t->wait_timer.kind = NET_TIMER_TCP;
    t->rx_frames_max = net_pool_share(n) / 4;
    t->out_frames_max = net_pool_share(n) / 8;
    if (t->out_frames_max > TCP_OUT_FRAMES_MAX) t->out_frames_max = TCP_OUT_FRAMES_MAX;
    if (t->out_frames_max < TCP_OUT_FRAMES_MIN) t->out_frames_max = TCP_OUT_FRAMES_MIN;
    t->limit_second = UINT64_MAX;
    table_seed_keys(t, n);
    tcp_source_init(t, n);
    return table_carve(t, &n->config);
}

static void pcb_free(struct tcp_pcb *p)
{
    struct net *n = p->net;
    wheel_cancel(&n->wheel, &p->timer.timer);
    outq_clear(&p->stream.out);
    tcp_queue_clear(p);
    tcp_receive_clear(p);
    if (list_node_is_linked(&p->out_link)) list_remove(&n->tcp->out, &p->out_link);
    if (list_node_is_linked(&p->resume_link)) list_remove(&n->tcp->resumed, &p->resume_link);
    if (list_node_is_linked(&p->starved_link)) list_remove(&n->tcp->starved, &p->starved_link);
    if (list_node_is_linked(&p->dead_link)) list_remove(&n->tcp->dead, &p->dead_link);
    list_remove(&n->tcp->all, &p->all_link);
    pool_give(&n->tcp->pcbs, p);
}

void tcp_close(struct net *n)
{
    struct tcp_table *t = n->tcp;
    struct list_node *node;
    if (!t) return;
    while (t->pcbs.memory && (node = list_first(&t->all)))
        pcb_free(LIST_OWNER(node, struct tcp_pcb, all_link));
    if (t->wait_timer.timer.next) wheel_cancel(&n->wheel, &t->wait_timer.timer);
    pool_close(&t->refs);
    pool_close(&t->waits);
    pool_close(&t->pcbs);
    free(t->buckets);
    free(t);
    n->tcp = NULL;
}

// Keyed, because the peer chooses its address and port.
uint32_t tcp_hash(const struct net *n, const uint8_t local[16], uint16_t local_port,
                  const uint8_t remote[16], uint16_t remote_port)
{
    uint8_t tuple[36];
    memcpy(tuple, local, 16);
    memcpy(tuple + 16, remote, 16);
    memcpy(tuple + 32, &local_port, 2);
    memcpy(tuple + 34, &remote_port, 2);
    return (uint32_t)siphash_13(tuple, sizeof tuple, &n->hash_key);
}

static bool node_matches(const struct tcp_node *node, uint32_t hash, const uint8_t *local,
                         uint16_t local_port, const uint8_t *remote, uint16_t remote_port)
{
    return node->hash == hash && node->local_port == local_port &&
           node->remote_port == remote_port && memcmp(node->remote, remote, 16) == 0 &&
           memcmp(node->local, local, 16) == 0;
}

struct tcp_node *tcp_table_find(const struct tcp_table *t, uint32_t hash, const uint8_t local[16],
                                uint16_t local_port, const uint8_t remote[16], uint16_t remote_port)
{
    struct tcp_node *node = t->buckets[hash & t->bucket_mask];
    while (node && !node_matches(node, hash, local, local_port, remote, remote_port))
        node = node->next;
    return node;
}

void tcp_table_add(struct tcp_table *t, struct tcp_node *node)
{
    struct tcp_node **bucket = &t->buckets[node->hash & t->bucket_mask];
    node->next = *bucket;
    *bucket = node;
}

void tcp_table_remove(struct tcp_table *t, struct tcp_node *node)
{
    struct tcp_node **at = &t->buckets[node->hash & t->bucket_mask];
    while (*at && *at != node) at = &(*at)->next;
    CHECK(*at == node);
    *at = node->next;
    node->next = NULL;
}

static void pcb_init_stream(struct tcp_pcb *p)
{
    struct stream *s = &p->stream;
    s->ops = &tcp_stream_ops;
    s->app = p->net->app;
    s->kind = STREAM_NIC_TCP;
    s->fd = -1;
    memcpy(s->local.ip, p->node.local, 16);
    memcpy(s->remote.ip, p->node.remote, 16);
    s->local.port = p->node.local_port;
    s->remote.port = p->node.remote_port;
    outq_init(&s->out, &p->net->tcp->source);
}

static void pcb_init(struct tcp_pcb *p, struct net *n)
{
    p->net = n;
    p->timer.kind = NET_TIMER_TCP;
    p->send_at_ns = p->ack_at_ns = p->idle_at_ns = TCP_NEVER;
    p->last_rx_ns = n->now_ns;
    p->ooo_reply_ns = p->confirmed_ns =
        n->now_ns - TCP_NS_PER_S; // may wrap: only differences count
    p->peer_mss = p->route.is_ipv6 ? TCP_MSS_DEFAULT6 : TCP_MSS_DEFAULT;
    tcp_rto_init(&p->rto, n->config.rto_min_us);
    pcb_init_stream(p);
    tcp_pcb_set_mss(p);
    tcp_cc_init(&p->cc, n->config.congestion_reno, p->mss);
}

struct tcp_pcb *tcp_pcb_new(struct net *n, const uint8_t local[16], uint16_t local_port,
                            const uint8_t remote[16], uint16_t remote_port)
{
    struct ip_route route = { .neighbour_index = UINT16_MAX };
    memcpy(route.local, local, 16);
    if (ip_route_find(n, remote, &route) != OK) {
        n->tally->drop_no_route++;
        return NULL;
    }
    struct tcp_pcb *p = pool_take(&n->tcp->pcbs);
    if (!p) {
        n->tally->drop_tcp_memory++;
        return NULL;
    }
    memset(p, 0, offsetof(struct tcp_pcb, sack.ranges));
    p->route = route;
    p->node.kind = TCP_NODE_PCB;
    p->node.local_port = local_port;
    p->node.remote_port = remote_port;
    memcpy(p->node.local, route.local, 16);
    memcpy(p->node.remote, remote, 16);
    p->node.hash = tcp_hash(n, p->node.local, local_port, remote, remote_port);
    pcb_init(p, n);
    tcp_table_add(n->tcp, &p->node);
    list_append(&n->tcp->all, &p->all_link);
    return p;
}

void tcp_pcb_set_mss(struct tcp_pcb *p)
{
    uint32_t headers = (p->route.is_ipv6 ? 40u : 20u) + TCP_HEADER;
    uint32_t options = p->flags & TCP_F_TS ? TCP_TS_BYTES : 0;
    uint32_t path = p->route.mtu > headers + TCP_MSS_MIN ? p->route.mtu - headers : TCP_MSS_MIN;
    uint32_t mss = p->peer_mss < path ? p->peer_mss : path; // RFC 6691: options come off
    p->mss = mss - options;
}

void tcp_pcb_die(struct tcp_pcb *p, enum stream_close why)
{
    struct tcp_table *t = p->net->tcp;
    if (list_node_is_linked(&p->dead_link)) return;
    tcp_table_remove(t, &p->node);
    if (p->flags & TCP_F_HALF_OPEN) t->half_open_count--;
    p->flags &= ~(uint32_t)TCP_F_HALF_OPEN;
    p->state = TCP_CLOSED;
    p->close_reason = (uint8_t)why;
    list_append(&t->dead, &p->dead_link);
}

void tcp_reap(struct net *n)
{
    struct list_node *node;
    while ((node = list_first(&n->tcp->dead))) {
        struct tcp_pcb *p = LIST_OWNER(node, struct tcp_pcb, dead_link);
        list_remove(&n->tcp->dead, node);
        if (p->flags & TCP_F_TOLD) {
            n->tally->tcp_closed++;
            const struct stream_app *app = p->stream.app;
            app->on_closed(app->app, &p->stream, (enum stream_close)p->close_reason);
        }
        pcb_free(p);
    }
}

void tcp_path_mtu(struct net *n, const uint8_t local[16], uint16_t local_port,
                  const uint8_t remote[16], uint16_t remote_port, uint32_t seq, uint16_t mtu)
{
    uint32_t hash = tcp_hash(n, local, local_port, remote, remote_port);
    struct tcp_node *node = tcp_table_find(n->tcp, hash, local, local_port, remote, remote_port);
    if (!node || node->kind != TCP_NODE_PCB) return;
    struct tcp_pcb *p = LIST_OWNER(node, struct tcp_pcb, node);
    // RFC 5927 4.2: only about what is in flight; a router cannot ask for less than the minimum.
    uint16_t least = p->route.is_ipv6 ? 1280 : 552;
    if (mtu < least) mtu = least;
    if (seq_lt(seq, p->snd_una) || seq_ge(seq, p->snd_max) || mtu >= p->route.mtu) return;
    p->route.mtu = mtu;
    tcp_pcb_set_mss(p);
    tcp_cc_set_mss(&p->cc, p->mss);
    if (!tcp_is_open(p)) return;
    p->snd_nxt = p->snd_una; // RFC 1191 6.5: what was too large goes again, without back-off
    p->flags &= ~(uint32_t)(TCP_F_RECOVERY | TCP_F_TIMING);
    p->recover = p->snd_max;
    tcp_want_output(p);
}

void tcp_unreachable(struct net *n, const uint8_t local[16], uint16_t local_port,
                     const uint8_t remote[16], uint16_t remote_port, uint32_t seq, bool hard_error)
{
    uint32_t hash = tcp_hash(n, local, local_port, remote, remote_port);
    struct tcp_node *node = tcp_table_find(n->tcp, hash, local, local_port, remote, remote_port);
    if (!node || node->kind != TCP_NODE_PCB || !hard_error) return;
    struct tcp_pcb *p = LIST_OWNER(node, struct tcp_pcb, node);
    // RFC 5927 5.2: established connections take it as a hint, and have a retransmission timer.
    if (p->state == TCP_SYN_SENT && seq == p->iss) tcp_pcb_die(p, STREAM_REFUSED);
}
