#include <stdlib.h>
#include <string.h>
#include "dataplane/base/prefetch.h"
#include "dataplane/net/tcp_priv.h"

void net_config_defaults(struct net_config *c)
{
    *c = (struct net_config){
        .mtu = 1500,
        .connection_count_max = 16384,
        .syn_backlog_max = 1024,
        .time_wait_count_max = 16384,
        .neighbour_count_max = 1024,
        .send_buffer_bytes_max = 1 << 20,
        .receive_buffer_bytes_max = 256 << 10,
        .keepalive_s = 300,
        .connect_timeout_ms = 30000,
        .rto_min_us = 200000,
        .delayed_ack_ms = 40,
    };
}

static void check_config(const struct net_config *c, const struct frame_pool *pool)
{
    CHECK(c->mtu >= 576 && c->mtu <= 9698);
    CHECK(c->address_count <= NET_ADDRESSES_MAX);
    CHECK(c->connection_count_max > 0);
    CHECK(c->send_buffer_bytes_max >= 4096 && c->send_buffer_bytes_max <= 1u << 30);
    CHECK(c->receive_buffer_bytes_max >= 4096 && c->receive_buffer_bytes_max <= 1u << 30);
    CHECK(pool->payload_bytes >= OUTQ_RESERVE_MAX);
}

enum status net_open(struct net **out, const struct net_config *config, struct frame_pool *pool,
                     const struct stream_app *app, struct net_tally *tally, uint64_t now_ns)
{
    check_config(config, pool);
    *out = NULL;
    struct net *n = calloc(1, sizeof *n);
    if (!n) return ERR_NO_SPACE;
    n->config = *config;
    n->pool = pool;
    n->app = app;
    n->tally = tally;
    n->now_ns = now_ns;
    rng_seed(&n->rng, config->seed);
    n->hash_key = (struct hash_key){ rng_next(&n->rng), rng_next(&n->rng) };
    wheel_init(&n->wheel, now_ns / TCP_NS_PER_MS);
    enum status status = ip_open(n);
    if (status == OK) status = tcp_open(n);
    if (status != OK) {
        net_close(n);
        return status;
    }
    *out = n;
    return OK;
}

static struct frame *out_take(struct net *n)
{
    struct frame *f = n->out_head;
    n->out_head = f->next;
    if (!n->out_head) n->out_tail = NULL;
    n->out_count--;
    f->next = NULL;
    return f;
}

void net_close(struct net *n)
{
    if (!n) return;
    tcp_close(n);
    if (n->ip) ip_close(n);
    net_release(n);
    while (n->out_head) net_give(n, out_take(n));
    free(n);
}

uint64_t net_memory_bytes(const struct net *n)
{
    const struct tcp_table *t = n->tcp;
    return sizeof *n + sizeof *t + (t->bucket_mask + 1ull) * sizeof t->buckets[0] +
           t->pcbs.object_size * t->pcbs.count + t->waits.object_size * t->waits.count +
           t->refs.object_size * t->refs.count + ip_memory_bytes(n);
}

// Stages, so that memory is on its way before it is needed: headers, table buckets, connections.
static void prefetch_connections(struct net *n, struct frame **frames, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) __builtin_prefetch(frames[i]->data + 14);
    for (uint32_t i = 0; i < count; i++) {
        frames[i]->tag = tcp_peek_hash(n, frames[i]);
        tcp_table_prefetch_bucket(n->tcp, frames[i]->tag);
    }
    for (uint32_t i = 0; i < count; i++) tcp_table_prefetch_node(n->tcp, frames[i]->tag);
}

void net_input(struct net *n, struct frame **frames, uint32_t count, uint64_t now_ns)
{
    n->now_ns = now_ns;
    if (UNLIKELY(n->tcp->resumed.count)) tcp_resume(n);
    prefetch_connections(n, frames, count);
    for (uint32_t i = 0; i < count; i++) {
        n->tally->rx_frames++;
        n->tally->rx_bytes += frames[i]->size;
        eth_input(n, frames[i]);
    }
    tcp_reap(n);
}

void net_learn(struct net *n, struct frame *f, uint64_t now_ns)
{
    n->now_ns = now_ns;
    f->flags |= FRAME_IS_COPY;
    eth_input(n, f);
}

void net_release(struct net *n)
{
    while (n->consumed) {
        struct frame *f = n->consumed;
        n->consumed = f->next;
        net_give_held(n, f);
    }
}

static void timer_fired(void *context, struct wheel_timer *timer)
{
    struct net *n = context;
    struct net_timer *t = LIST_OWNER(timer, struct net_timer, timer);
    if (t->kind == NET_TIMER_TCP)
        tcp_timer_fired(n, t);
    else
        ip_timer_fired(n, t);
}

uint32_t net_timers(struct net *n, uint64_t now_ns, uint32_t budget)
{
    n->now_ns = now_ns;
    if (UNLIKELY(n->tcp->resumed.count)) tcp_resume(n);
    uint32_t ran = wheel_advance(&n->wheel, now_ns / TCP_NS_PER_MS, budget, timer_fired, n);
    tcp_reap(n);
    return ran;
}

uint64_t net_next_deadline_ns(const struct net *n)
{
    const struct tcp_table *t = n->tcp;
    if (n->out_count || t->out.count || t->dead.count || t->resumed.count) return n->now_ns;
    uint64_t tick = wheel_next(&n->wheel);
    uint64_t at = tick > UINT64_MAX / TCP_NS_PER_MS ? UINT64_MAX : tick * TCP_NS_PER_MS;
    uint64_t retry = n->now_ns + TCP_NS_PER_MS; // frames may have come back
    return t->starved.count && retry < at ? retry : at;
}

void net_emit(struct net *n, struct frame *f)
{
    n->tally->tx_frames++;
    for (const struct frame *part = f; part; part = part->body) n->tally->tx_bytes += part->size;
    f->next = NULL;
    if (n->out_tail)
        n->out_tail->next = f;
    else
        n->out_head = f;
    n->out_tail = f;
    n->out_count++;
}

uint32_t net_output(struct net *n, struct frame **frames, uint32_t max, uint64_t now_ns)
{
    uint32_t count = 0;
    n->now_ns = now_ns;
    tcp_flush(n);
    while (count < max && n->out_head) frames[count++] = out_take(n);
    return count;
}

void net_output_return(struct net *n, struct frame **frames, uint32_t count)
{
    n->tally->tx_refused += count;
    for (uint32_t i = count; i > 0; i--) {
        struct frame *f = frames[i - 1];
        f->next = n->out_head;
        n->out_head = f;
        if (!n->out_tail) n->out_tail = f;
        n->out_count++;
    }
}

enum status net_listen(struct net *n, uint16_t port)
{
    return net_listen_as(n, STREAM_PLAIN, port);
}

enum status net_listen_as(struct net *n, enum stream_listener listener, uint16_t port)
{
    uint8_t bit = (uint8_t)(1 << (port & 7));
    if (port == 0) return ERR_IO;
    n->tcp->listening[port >> 3] |= bit;
    n->tcp->listening_tls[port >> 3] &= (uint8_t)~bit;
    if (listener == STREAM_TLS) n->tcp->listening_tls[port >> 3] |= bit;
    return OK;
}

void net_unlisten(struct net *n, uint16_t port)
{
    n->tcp->listening[port >> 3] &= (uint8_t) ~(1 << (port & 7));
}

uint32_t net_connection_count(const struct net *n)
{
    return (uint32_t)(n->tcp->all.count - n->tcp->dead.count);
}

uint32_t net_frames_held(const struct net *n)
{
    return n->frames_held + n->out_count + n->tcp->blocks_out;
}
