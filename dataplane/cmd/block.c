#include "dataplane/cmd/block.h"
#include "dataplane/base/check.h"
#include "dataplane/base/num.h"
#include "dataplane/base/wheel.h"
#include "dataplane/cmd/kept.h"
#include "dataplane/cmd/notify.h"
#include "dataplane/cmd/tracking.h"

enum { BUCKETS = 4096, EXPIRE_BUDGET = 256, NS_PER_MS = 1000000 };

struct block_key { // a name that clients wait for
    struct list_node in_bucket, in_ready;
    struct list waiters; // of block_wait.in_key, first come first
    uint32_t loss_count; // waiters that want to know of the key's end
    uint32_t db;
    size_t size;
    uint8_t name[];
};
struct block_wait {
    struct list_node in_key;
    struct block_key *key; // NULL: the same name came before
    struct blocked *blocked;
};
struct blocked { // one client
    struct list_node in_all;
    struct client *client;
    struct kept_request *request;
    struct wheel_timer timer;
    enum value_type type;
    enum block_reply reply;
    bool wants_loss;
    bool met_closed; // its last retry: to be tried again when keys open
    uint32_t wait_count;
    struct block_wait waits[];
};

bool call_may_block(const struct call *call) { return !call->no_suspend; }

// ---- names

static struct list *bucket_of(struct server *s, uint32_t db, struct bytes name)
{
    struct key key = key_make(s->keyspace, name);
    return &s->blocks.buckets[(key.hash ^ db) % BUCKETS];
}

static struct block_key *find_key(struct server *s, uint32_t db, struct bytes name)
{
    struct list *bucket = bucket_of(s, db, name);
    for (struct list_node *n = list_first(bucket); n; n = list_next(bucket, n)) {
        struct block_key *k = LIST_OWNER(n, struct block_key, in_bucket);
        if (k->db == db && bytes_equal(bytes_make(k->name, k->size), name)) return k;
    }
    return NULL;
}

static struct block_key *take_key(struct server *s, uint32_t db, struct bytes name)
{
    struct block_key *k = find_key(s, db, name);
    if (k) return k;
    k = heap_take_zeroed(s->heap, sizeof *k + name.size, HEAP_SESSION);
    k->db = db;
    k->size = name.size;
    if (name.size) memcpy(k->name, name.data, name.size);
    list_init(&k->waiters);
    list_append(bucket_of(s, db, name), &k->in_bucket);
    s->blocks.key_count++;
    return k;
}

static void give_key_if_unused(struct server *s, struct block_key *k)
{
    if (k->waiters.count || list_node_is_linked(&k->in_ready)) return;
    list_remove(bucket_of(s, k->db, bytes_make(k->name, k->size)), &k->in_bucket);
    s->blocks.key_count--;
    heap_give(s->heap, k, sizeof *k + k->size, HEAP_SESSION);
}

// ---- waiting

static uint64_t now_tick(const struct server *s) { return s->now_ns / NS_PER_MS; }

static bool waits_for(const struct blocked *b, uint32_t upto, const struct block_key *k)
{
    for (uint32_t i = 0; i < upto; i++)
        if (b->waits[i].key == k) return true;
    return false;
}

static void wait_for_keys(struct server *s, struct blocked *b, const struct bytes *names)
{
    for (uint32_t i = 0; i < b->wait_count; i++) {
        struct block_wait *w = &b->waits[i];
        struct block_key *k = take_key(s, b->client->db, names[i]);
        w->blocked = b;
        if (waits_for(b, i, k)) continue;
        w->key = k;
        s->blocks.loss_key_count += b->wants_loss && k->loss_count == 0;
        k->loss_count += b->wants_loss;
        list_append(&k->waiters, &w->in_key);
    }
}

void call_block(struct call *call, const struct block_wish *wish)
{
    struct server *s = call->server;
    struct client *c = call->client;
    CHECK(call_may_block(call));
    call->suspended = true;
    if (c->flags & CLIENT_BLOCKED) return; // a retry: the place is kept
    size_t bytes = sizeof(struct blocked) + wish->count * sizeof(struct block_wait);
    struct blocked *b = heap_take_zeroed(s->heap, bytes, HEAP_SESSION);
    const struct bytes *argv = wish->argv ? wish->argv : call->argv;
    b->client = c;
    b->request = kept_new(s->heap, argv, call->argc, call->arrival_tsc);
    b->type = wish->type;
    b->reply = wish->reply;
    b->wants_loss = wish->wants_loss;
    b->wait_count = wish->count;
    wait_for_keys(s, b, &b->request->argv[wish->first]);
    if (wish->deadline_ms) {
        uint64_t left_ms = wish->deadline_ms > call->now_ms ? wish->deadline_ms - call->now_ms : 0;
        wheel_arm(s->blocks.wheel, &b->timer, now_tick(s) + left_ms);
    }
    list_append(&s->blocks.all, &b->in_all);
    c->flags |= CLIENT_BLOCKED;
    c->blocked = b;
    blocks_count_clients(s);
    s->blocks.loss_count += b->wants_loss;
    blocks_steer_hook(s);
}

uint64_t blocks_timeout_count(const struct server *s) { return s->blocks.wheel->armed_count; }

void blocks_count_clients(struct server *s)
{
    s->tally->blocked_clients = s->blocks.all.count + s->pause.held.count;
}

// The client waits no more; whether it got an answer is the caller's business.
static void release(struct server *s, struct blocked *b)
{
    struct client *c = b->client;
    for (uint32_t i = 0; i < b->wait_count; i++) {
        struct block_key *k = b->waits[i].key;
        if (!k) continue;
        k->loss_count -= b->wants_loss;
        s->blocks.loss_key_count -= b->wants_loss && k->loss_count == 0;
        list_remove(&k->waiters, &b->waits[i].in_key);
        give_key_if_unused(s, k);
    }
    s->blocks.loss_count -= b->wants_loss;
    wheel_cancel(s->blocks.wheel, &b->timer);
    list_remove(&s->blocks.all, &b->in_all);
    kept_free(s->heap, b->request);
    heap_give(s->heap, b, sizeof *b + b->wait_count * sizeof b->waits[0], HEAP_SESSION);
    c->flags &= ~(uint32_t)CLIENT_BLOCKED;
    c->blocked = NULL;
    blocks_count_clients(s);
    blocks_steer_hook(s);
}

void block_forget_client(struct server *s, struct client *c)
{
    if (c->flags & CLIENT_BLOCKED) release(s, c->blocked);
}

// ---- serving

void block_signal(struct server *s, uint32_t db, struct bytes key)
{
    if (LIKELY(s->blocks.all.count == 0)) return;
    struct block_key *k = find_key(s, db, key);
    if (k && !list_node_is_linked(&k->in_ready)) list_append(&s->blocks.ready, &k->in_ready);
}

static void signal_keys_of(struct server *s, const struct blocked *b)
{
    for (uint32_t i = 0; i < b->wait_count; i++) {
        struct block_key *k = b->waits[i].key;
        if (k && !list_node_is_linked(&k->in_ready)) list_append(&s->blocks.ready, &k->in_ready);
    }
}

void block_signal_all(struct server *s)
{
    if (s->blocks.all.count == 0) return;
    for (struct list_node *n = list_first(&s->blocks.all); n; n = list_next(&s->blocks.all, n))
        signal_keys_of(s, LIST_OWNER(n, struct blocked, in_all));
}

void block_met_closed(struct server *s, struct client *c)
{
    s->blocks.has_met_closed = true;
    c->blocked->met_closed = true;
}

void blocks_keys_opened(struct server *s)
{
    if (!s->blocks.has_met_closed) return;
    s->blocks.has_met_closed = false;
    for (struct list_node *n = list_first(&s->blocks.all); n; n = list_next(&s->blocks.all, n)) {
        struct blocked *b = LIST_OWNER(n, struct blocked, in_all);
        if (!b->met_closed) continue;
        b->met_closed = false;
        signal_keys_of(s, b);
    }
}

static void on_created(void *context, uint32_t db, const struct entry *e)
{
    struct server *s = context;
    block_signal(s, db, entry_key(e));
    if (UNLIKELY(s->notify_classes & EVENT_NEW))
        notify_event(s, db, entry_key(e), EVENT_NEW, "new");
}

static void on_gone(void *context, uint32_t db, struct bytes key)
{
    block_signal(context, db, key);
}

void blocks_steer_hook(struct server *s)
{
    bool wants_new = s->blocks.all.count || (s->notify_classes & EVENT_NEW);
    keyspace_on_created(s->keyspace, wants_new ? on_created : NULL, s);
    keyspace_on_gone(s->keyspace, s->blocks.loss_count ? on_gone : NULL, s);
}

enum outlook { NOTHING_LEFT, NOT_FOR_THIS_ONE, WORTH_A_TRY };

static enum outlook look(struct server *s, const struct block_key *k, const struct blocked *b)
{
    struct key key = key_make(s->keyspace, bytes_make(k->name, k->size));
    const struct entry *e = keyspace_find(s->keyspace, k->db, &key, FIND_QUIET, s->now_ms);
    if (e && entry_type(e) == b->type) return WORTH_A_TRY;
    if (b->wants_loss) return WORTH_A_TRY;
    return e ? NOT_FOR_THIS_ONE : NOTHING_LEFT;
}

static void serve_client(struct server *s, struct blocked *b)
{
    struct client *c = b->client;
    bool is_done = command_execute_kept(s, c, b->request, true);
    if (!is_done && !(c->flags & CLIENT_IN_JOB)) return; // it waits on
    release(s, b);
    if (is_done) s->ops->resume_client(s, c);
}

// Each who waits now is looked at once, in the order they came.
static void serve_key(struct server *s, struct block_key *k)
{
    struct list_node *node = list_first(&k->waiters);
    for (uint64_t left = k->waiters.count; left > 0 && node; left--) {
        struct blocked *b = LIST_OWNER(node, struct block_wait, in_key)->blocked;
        node = list_next(&k->waiters, node); // serving b takes no other waiter away
        enum outlook outlook = look(s, k, b);
        if (outlook == NOTHING_LEFT && k->loss_count == 0) return; // for those behind b neither
        if (outlook == WORTH_A_TRY) serve_client(s, b);
    }
}

void blocks_serve(struct server *s)
{
    struct list_node *node;
    if (UNLIKELY(s->busy_script != NULL)) return; // after it
    while ((node = list_first(&s->blocks.ready)) != NULL) {
        struct block_key *k = LIST_OWNER(node, struct block_key, in_ready);
        // Still linked while it is served: its waiters' going must not free it.
        serve_key(s, k);
        list_remove(&s->blocks.ready, node);
        give_key_if_unused(s, k);
    }
}

// ---- giving up

static void give_up(struct server *s, struct blocked *b, enum unblock how)
{
    struct client *c = b->client;
    c->reply.error_count = 0;
    if (how == UNBLOCK_ERROR)
        reply_error(&c->reply, "UNBLOCKED client unblocked via CLIENT UNBLOCK");
    else if (b->reply == BLOCK_NULL)
        reply_null(&c->reply);
    else if (b->reply == BLOCK_ZERO)
        reply_int(&c->reply, 0);
    else
        reply_null_array(&c->reply);
    if (c->tracker) c->tracker->mode &= ~(uint32_t)TRACKING_CACHING; // it was about this command
    release(s, b);
    s->ops->resume_client(s, c);
}

bool block_unblock(struct server *s, struct client *c, enum unblock how)
{
    if (!(c->flags & CLIENT_BLOCKED)) return false;
    give_up(s, c->blocked, how);
    return true;
}

static void on_timeout(void *context, struct wheel_timer *timer)
{
    give_up(context, LIST_OWNER(timer, struct blocked, timer), UNBLOCK_TIMEOUT);
}

void blocks_expire(struct server *s)
{
    if (s->blocks.all.count)
        wheel_advance(s->blocks.wheel, now_tick(s), EXPIRE_BUDGET, on_timeout, s);
    else
        s->blocks.wheel->now = now_tick(s); // nothing is armed: no ticks to go through
}

uint64_t blocks_next_deadline_ns(const struct server *s)
{
    if (s->blocks.all.count == 0) return UINT64_MAX;
    uint64_t tick = wheel_next(s->blocks.wheel);
    return tick > UINT64_MAX / NS_PER_MS ? UINT64_MAX : tick * NS_PER_MS;
}

// ---- open and close

void blocks_open(struct server *s)
{
    struct blocks *b = &s->blocks;
    list_init(&b->all);
    list_init(&b->ready);
    b->buckets = heap_take_zeroed(s->heap, BUCKETS * sizeof *b->buckets, HEAP_OTHER);
    for (uint32_t i = 0; i < BUCKETS; i++) list_init(&b->buckets[i]);
    b->wheel = heap_take(s->heap, sizeof *b->wheel, HEAP_OTHER);
    wheel_init(b->wheel, now_tick(s));
}

void blocks_close(struct server *s)
{
    struct blocks *b = &s->blocks;
    struct list_node *node;
    if (!b->buckets) return;
    while ((node = list_first(&b->all)) != NULL)
        release(s, LIST_OWNER(node, struct blocked, in_all));
    heap_give(s->heap, b->buckets, BUCKETS * sizeof *b->buckets, HEAP_OTHER);
    heap_give(s->heap, b->wheel, sizeof *b->wheel, HEAP_OTHER);
    b->buckets = NULL;
}

// ---- the timeout argument

bool call_timeout(struct call *call, uint32_t index, uint64_t *deadline_ms)
{
    long double seconds;
    *deadline_ms = 0;
    if (!num_parse_long_double(call->argv[index], &seconds)) {
        reply_error(call->reply, "ERR timeout is not a float or out of range");
        return false;
    }
    long double ms = __builtin_ceill(seconds * 1000); // what is left of a ms below 0 is 0: never
    if (ms < 0) {
        reply_error(call->reply, "ERR timeout is negative");
        return false;
    }
    if (ms >= (long double)INT64_MAX - (long double)call->now_ms) {
        reply_error(call->reply, "ERR timeout is out of range");
        return false;
    }
    if (ms > 0) *deadline_ms = call->now_ms + (uint64_t)ms;
    return true;
}
