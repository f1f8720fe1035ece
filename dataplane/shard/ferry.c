#include "dataplane/shard/ferry.h"
#include <string.h>
#include "dataplane/base/check.h"
#include "dataplane/base/prefetch.h"
#include "dataplane/net/flow.h"
#include "dataplane/shard/shard.h"

enum {
    WINDOW_MIN = 32,
    WINDOW_MAX = 2048,
    WINDOW_SHARE = 16, // one in so many of a stack's frames may be under way to or from one shard
};

static uint32_t shard_count(const struct shard *s) { return s->server.shard_count; }
static uint32_t own_index(const struct shard *s) { return s->server.shard_index; }

static struct ferry_ledger *ledger_of(const struct shard *s, uint32_t index)
{
    struct server *peer = s->mesh.hub->node.servers[index];
    return &((struct shard *)peer->shard)->ferry.ledger;
}

static void append(struct ferry_queue *q, struct frame *f)
{
    f->next = NULL;
    if (q->head)
        q->tail->next = f;
    else
        q->head = f;
    q->tail = f;
}

static struct frame *take_first(struct ferry_queue *q)
{
    struct frame *f = q->head;
    if (!f) return NULL;
    q->head = f->next;
    f->next = NULL;
    return f;
}

static void give(struct shard *s, struct frame *f)
{
    struct frame_pool *pool = s->ferry.port->pool;
    pool->give(pool, f);
}

// ---- opening and closing

uint32_t ferry_pool_sharers(const struct shard *s)
{
    uint32_t queues = s->ferry.port->count;
    return (shard_count(s) + queues - 1) / queues;
}

void ferry_open(struct shard *s, struct nic_queue *first)
{
    struct ferry *y = &s->ferry;
    uint32_t index = own_index(s);
    s->nic = index < first->count ? nic_sibling(first, index) : NULL;
    y->port = nic_sibling(first, index % first->count);
    if (!s->mesh.hub) return;
    y->key = s->mesh.hub->node.hash_key;
    y->sender = index % first->count;
    if (!s->nic) nic_attach(y->port);
    y->window = y->port->pool->total / ferry_pool_sharers(s) / WINDOW_SHARE;
    if (y->window < WINDOW_MIN) y->window = WINDOW_MIN;
    if (y->window > WINDOW_MAX) y->window = WINDOW_MAX;
}

static void give_all(struct shard *s, struct ferry_queue *q)
{
    struct frame *f;
    while ((f = take_first(q)) != NULL) give(s, f);
}

void ferry_close(struct shard *s)
{
    give_all(s, &s->ferry.in);
    for (uint32_t i = 0; i < PLACEMENT_SHARDS_MAX; i++) give_all(s, &s->ferry.out[i]);
}

void ferry_lost(struct shard *s, struct frame *f) { give(s, f); }

// ---- in

static bool hand_in(struct shard *s, uint32_t to, struct frame *f)
{
    struct ferry *y = &s->ferry;
    uint32_t done = __atomic_load_n(&ledger_of(s, to)->done[own_index(s)].in, __ATOMIC_RELAXED);
    if (y->given[to].in - done >= y->window) return false;
    y->given[to].in++;
    mesh_send(s, to, MESH_FRAME_IN, f);
    return true;
}

static struct frame *copy_of(struct shard *s, const struct frame *f)
{
    struct frame_pool *pool = s->ferry.port->pool;
    struct frame *copy = f->size <= pool->payload_bytes ? pool->take(pool) : NULL;
    if (!copy) return NULL;
    memcpy(copy->data, f->data, f->size);
    copy->size = f->size;
    copy->flags = f->flags | FRAME_IS_COPY;
    return copy;
}

static void teach_others(struct shard *s, const struct frame *f)
{
    for (uint32_t i = 0; i < shard_count(s); i++) {
        struct frame *copy = i == own_index(s) ? NULL : copy_of(s, f);
        if (copy && !hand_in(s, i, copy)) give(s, copy);
    }
}

// True: it is for our own stack.
static bool sort_one(struct shard *s, struct frame *f)
{
    struct flow flow = flow_of(f);
    if (UNLIKELY(flow.kind == FLOW_TEACHES)) teach_others(s, f);
    if (flow.kind != FLOW_TCP || s->nic->caps.keeps_flows) return true;
    uint32_t to = flow_choose(&flow, &s->ferry.key, shard_count(s));
    if (to == own_index(s)) return true;
    if (!hand_in(s, to, f)) {
        s->server.tally->net.drop_no_buffer++;
        give(s, f);
    }
    return false;
}

uint32_t ferry_sort(struct shard *s, struct frame **frames, uint32_t count)
{
    uint32_t own = 0;
    for (uint32_t i = 0; i < count; i++) prefetch(frames[i]->data + 14);
    for (uint32_t i = 0; i < count; i++)
        if (sort_one(s, frames[i])) frames[own++] = frames[i];
    mesh_flush(s); // so that the others work on theirs meanwhile
    return own;
}

void ferry_arrived_in(struct shard *s, uint32_t from, struct frame *f)
{
    uint32_t *done = &s->ferry.ledger.done[from].in;
    append(&s->ferry.in, f);
    __atomic_store_n(done, *done + 1, __ATOMIC_RELAXED); // read within this turn
}

uint32_t ferry_take(struct shard *s, struct frame **frames, uint32_t max)
{
    uint32_t count = 0;
    struct frame *f;
    while (count < max && (f = take_first(&s->ferry.in)) != NULL) {
        if (UNLIKELY(f->flags & FRAME_IS_COPY))
            net_learn(s->net, f, s->server.now_ns);
        else
            frames[count++] = f;
    }
    return count;
}

// ---- out

uint32_t ferry_send(struct shard *s, struct frame **frames, uint32_t count)
{
    struct ferry *y = &s->ferry;
    const struct ferry_ledger *ledger = ledger_of(s, y->sender);
    uint32_t done = __atomic_load_n(&ledger->done[own_index(s)].out, __ATOMIC_RELAXED);
    uint32_t room = y->window - (y->given[y->sender].out - done);
    if (count > room) count = room;
    for (uint32_t i = 0; i < count; i++) mesh_send(s, y->sender, MESH_FRAME_OUT, frames[i]);
    y->given[y->sender].out += count;
    mesh_flush(s);
    return count;
}

void ferry_arrived_out(struct shard *s, uint32_t from, struct frame *f)
{
    append(&s->ferry.out[from], f);
    s->ferry.out_waiting |= shard_set_of(from);
}

// False: the port is full.
static bool send_burst(struct shard *s, uint32_t origin)
{
    struct ferry *y = &s->ferry;
    struct ferry_queue *q = &y->out[origin];
    struct frame *frames[NIC_BURST], *f = q->head;
    uint32_t count = 0;
    for (; count < NIC_BURST && f; f = f->next) frames[count++] = f;
    uint32_t sent = nic_tx(s->nic, frames, count);
    // Those that the port took may be written by others by now, and next with them.
    q->head = sent < count ? frames[sent] : f;
    if (!q->head) y->out_waiting &= ~shard_set_of(origin);
    uint32_t *done = &y->ledger.done[origin].out;
    __atomic_store_n(done, *done + sent, __ATOMIC_RELAXED);
    return sent == count;
}

void ferry_send_others(struct shard *s)
{
    struct ferry *y = &s->ferry;
    do {
        y->last_origin = shard_set_after(y->out_waiting, y->last_origin); // they take turns
        if (!send_burst(s, y->last_origin)) return;
    } while (y->out_waiting);
}

// ---- the end

bool ferry_is_over(struct shard *s)
{
    if (!s->net || !s->mesh.hub) return true;
    __atomic_store_n(&s->ferry.ledger.is_over, 1, __ATOMIC_RELEASE);
    for (uint32_t i = 0; i < shard_count(s); i++)
        if (!__atomic_load_n(&ledger_of(s, i)->is_over, __ATOMIC_ACQUIRE)) return false;
    return true;
}
