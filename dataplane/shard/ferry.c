#include "dataplane/shard/ferry.h"
#include <string.h>
#include "dataplane/base/check.h"
#include "dataplane/base/prefetch.h"
#include "dataplane/net/flow.h"
#include "dataplane/shard/shard.h"

enum {
    WINDOW_MIN = 32,
    WINDOW_MAX = 2048,
    WINDOW_SHARE = 2, // one in so many of a stack's frames may be under way to or from one shard
    POLL_WORDS = 64,
};
enum purpose { FOR_STACK, FOR_PORT }; // in the lowest bit of a word

static uint32_t shard_count(const struct shard *s) { return s->server.shard_count; }
static uint32_t own_index(const struct shard *s) { return s->server.shard_index; }

static struct ferry *ferry_of(const struct shard *s, uint32_t index)
{
    struct server *peer = s->mesh.hub->node.servers[index];
    return &((struct shard *)peer->shard)->ferry;
}
static struct ferry_ledger *ledger_of(const struct shard *s, uint32_t index)
{
    return &ferry_of(s, index)->ledger;
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

static void open_rings(struct shard *s)
{
    uint32_t capacity = 1;
    while (capacity < 2 * s->ferry.window) capacity *= 2;
    for (uint32_t i = 0; i < shard_count(s); i++)
        if (i != own_index(s)) CHECK(word_ring_open(&s->ferry.rings[i], capacity) == OK);
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
    if (y->port->caps.keeps_flows) y->window = WINDOW_MIN; // of what teaches; nothing else crosses
    open_rings(s);
}

static void give_all(struct shard *s, struct ferry_queue *q)
{
    struct frame *f;
    while ((f = take_first(q)) != NULL) give(s, f);
}

void ferry_close(struct shard *s)
{
    ferry_poll(s); // under way when all stopped
    give_all(s, &s->ferry.in);
    for (uint32_t i = 0; i < PLACEMENT_SHARDS_MAX; i++) {
        give_all(s, &s->ferry.out[i]);
        word_ring_close(s->ferry.rings[i]);
    }
}

// ---- across

static bool pass_on(struct shard *s, uint32_t to, struct frame *f, enum purpose purpose)
{
    uint64_t word = (uint64_t)(uintptr_t)f | purpose;
    if (!word_ring_put(ferry_of(s, to)->rings[own_index(s)], &word, 1)) return false;
    s->ferry.told |= shard_set_of(to);
    return true;
}

// With the mesh's words for them: they work on both meanwhile.
static void wake_told(struct shard *s)
{
    mesh_flush(s);
    for (shard_set set = s->ferry.told; set; set = shard_set_rest(set))
        waker_wake(&s->mesh.hub->wakers[shard_set_first(set)]);
    s->ferry.told = 0;
}

static void arrived(struct shard *s, uint32_t from, uint64_t word)
{
    struct ferry *y = &s->ferry;
    struct frame *f = (struct frame *)(uintptr_t)(word & ~(uint64_t)FOR_PORT);
    if (word & FOR_PORT) {
        append(&y->out[from], f);
        y->out_waiting |= shard_set_of(from);
        return;
    }
    uint32_t *done = &y->ledger.done[from].in;
    append(&y->in, f);
    __atomic_store_n(done, *done + 1, __ATOMIC_RELAXED); // read within this turn
}

void ferry_poll(struct shard *s)
{
    uint64_t words[POLL_WORDS];
    for (uint32_t from = 0; s->mesh.hub && from < shard_count(s); from++) {
        struct word_ring *ring = s->ferry.rings[from];
        uint32_t total = 0, count;
        while (ring && total < ring->capacity &&
               (count = word_ring_take(ring, words, POLL_WORDS)) > 0) {
            for (uint32_t i = 0; i < count; i++) arrived(s, from, words[i]);
            total += count;
        }
    }
}

bool ferry_has_input(const struct shard *s)
{
    for (uint32_t from = 0; from < shard_count(s); from++)
        if (s->ferry.rings[from] && !word_ring_is_empty(s->ferry.rings[from])) return true;
    return false;
}

// ---- in

static bool hand_in(struct shard *s, uint32_t to, struct frame *f)
{
    struct ferry *y = &s->ferry;
    uint32_t done = __atomic_load_n(&ledger_of(s, to)->done[own_index(s)].in, __ATOMIC_RELAXED);
    if (y->given[to].in - done >= y->window || !pass_on(s, to, f, FOR_STACK)) return false;
    y->given[to].in++;
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
    wake_told(s);
    return own;
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
    uint32_t room = y->window - (y->given[y->sender].out - done), sent = 0;
    if (count > room) count = room;
    while (sent < count && pass_on(s, y->sender, frames[sent], FOR_PORT)) sent++;
    y->given[y->sender].out += sent;
    wake_told(s);
    return sent;
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
