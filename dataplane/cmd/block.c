#include "dataplane/cmd/block.h"
#include "dataplane/base/check.h"
#include "dataplane/base/num.h"
#include "dataplane/base/wheel.h"
#include "dataplane/cmd/aof_wait.h"
#include "dataplane/cmd/block_far.h"
#include "dataplane/cmd/held.h"
#include "dataplane/cmd/kept.h"
#include "dataplane/cmd/notify.h"
#include "dataplane/cmd/persist.h"
#include "dataplane/cmd/tracking.h"

enum { EXPIRE_BUDGET = 256, NS_PER_MS = 1000000 };

struct blocked { // one client
    struct list_node in_all;
    struct client *client;
    struct kept_request *request;
    struct wheel_timer timer;
    enum block_reply reply;
    struct aof_wait *aof;            // owned; NULL: it does not wait for the log
    uint64_t deadline_ms;            // wall clock; 0: never
    uint32_t first_name, name_count; // of request
    bool met_closed;                 // its last retry: to be tried again when keys open
    bool is_trying;                  // a retry is arranged, with homes held
    uint64_t ticket;                 // block_far.h
    shard_set homes;                 // that know of it; 0: its keys are all of this shard
    struct block_waiter waiter;      // of this shard, with its waits behind it
};

bool call_may_block(const struct call *call) { return !call->no_suspend || call->may_wait_held; }

// ---- waiting

static uint64_t now_tick(const struct server *s) { return s->now_ns / NS_PER_MS; }

static struct server *take_home(struct server *s, shard_set *left)
{
    uint32_t index = (uint32_t)__builtin_ctzll(*left);
    *left &= *left - 1;
    return server_peer(s, index);
}

// At all homes while they are held: nothing can come between the look at its keys and this.
static void wait_at_homes(struct server *s, struct blocked *b, const struct block_wish *wish)
{
    struct far_wish far = { .client_id = b->client->id,
                            .ticket = ++s->blocks.last_ticket,
                            .db = b->client->db,
                            .type = wish->type,
                            .wants_loss = wish->wants_loss,
                            .names = &b->request->argv[wish->first],
                            .name_count = wish->count };
    CHECK(s->held);
    b->ticket = far.ticket;
    b->homes = s->held;
    for (shard_set left = b->homes; left;) far_waiter_begin(take_home(s, &left), &far);
}

static size_t bytes_of(const struct blocked *b)
{
    return sizeof *b + b->waiter.wait_count * sizeof b->waiter.waits[0];
}

static struct blocked *new_blocked(struct server *s, struct call *call,
                                   const struct block_wish *wish, uint32_t wait_count)
{
    size_t bytes = sizeof(struct blocked) + wait_count * sizeof(struct block_wait);
    struct blocked *b = heap_take_zeroed(s->heap, bytes, HEAP_SESSION);
    const struct bytes *argv = wish->argv ? wish->argv : call->argv;
    b->client = call->client;
    b->request = kept_new(s->heap, argv, call->argc, call->arrival_tsc);
    b->reply = wish->reply;
    b->aof = wish->aof;
    b->deadline_ms = wish->deadline_ms;
    b->first_name = wish->first;
    b->name_count = wish->count;
    b->waiter.wait_count = wait_count;
    b->waiter.waits = (struct block_wait *)(b + 1);
    return b;
}

void call_block(struct call *call, const struct block_wish *wish)
{
    struct client *c = call->client;
    bool is_held = UNLIKELY(call->may_wait_held);
    struct server *s = is_held ? server_of_client(call->server, c->id) : call->server;
    CHECK(call_may_block(call));
    call->suspended = true;
    if (c->flags & CLIENT_BLOCKED) return; // a retry: the place is kept
    struct blocked *b = new_blocked(s, call, wish, is_held ? 0 : wish->count);
    if (is_held) {
        wait_at_homes(s, b, wish);
    } else {
        b->waiter.type = wish->type;
        b->waiter.wants_loss = wish->wants_loss;
        block_waiter_begin(s, &b->waiter, c->db, &b->request->argv[wish->first]);
    }
    if (wish->deadline_ms) {
        uint64_t left_ms = wish->deadline_ms > call->now_ms ? wish->deadline_ms - call->now_ms : 0;
        wheel_arm(s->blocks.wheel, &b->timer, now_tick(s) + left_ms);
    }
    list_append(&s->blocks.all, &b->in_all);
    c->flags |= CLIENT_BLOCKED;
    c->blocked = b;
    blocks_count_clients(s);
    blocks_steer_hook(s);
}

uint64_t blocks_timeout_count(const struct server *s) { return s->blocks.wheel->armed_count; }

void blocks_count_clients(struct server *s)
{
    s->tally->blocked_clients = s->blocks.all.count + s->pause.held.count;
}

// Homes that are not held are told: a try that is under way there finds nobody.
static void leave_homes(struct server *s, struct blocked *b)
{
    uint64_t id = b->client->id;
    shard_set here = b->homes & held_shards(s), others = b->homes & ~here;
    if (b->is_trying) s->ops->drop_retry(s, b->client);
    while (here) far_waiter_forget(take_home(s, &here), id, b->ticket);
    if (others) s->ops->forget_waits(s, id, b->ticket, others);
}

static void free_blocked(struct server *s, struct blocked *b)
{
    struct client *c = b->client;
    block_waiter_end(s, &b->waiter);
    if (UNLIKELY(b->aof != NULL)) aof_wait_close(s, b->aof);
    wheel_cancel(s->blocks.wheel, &b->timer);
    list_remove(&s->blocks.all, &b->in_all);
    kept_free(s->heap, b->request);
    heap_give(s->heap, b, bytes_of(b), HEAP_SESSION);
    c->flags &= ~(uint32_t)CLIENT_BLOCKED;
    c->blocked = NULL;
}

// The client waits no more; whether it got an answer is the caller's business.
static void release(struct server *s, struct blocked *b)
{
    if (UNLIKELY(b->homes)) leave_homes(s, b);
    free_blocked(s, b);
    blocks_count_clients(s);
    blocks_steer_hook(s);
}

void block_forget_client(struct server *s, struct client *c)
{
    if (c->flags & CLIENT_BLOCKED) release(s, c->blocked);
}

// ---- with homes held

void block_try(struct server *s, uint64_t client_id, uint64_t ticket)
{
    struct client *c = client_table_find(&s->clients, client_id);
    struct blocked *b = c && c->flags & CLIENT_BLOCKED ? c->blocked : NULL;
    if (!b || b->ticket != ticket || b->is_trying) return;
    b->is_trying = true;
    b->met_closed = false;
    s->ops->retry_together(s, c, b->request, b->homes);
}

void block_tried(struct server *s, struct client *c, bool is_done)
{
    struct blocked *b = c->blocked;
    b->is_trying = false;
    if (is_done) {
        release(s, b);
        return;
    }
    for (shard_set left = b->homes; left;) far_waiter_tried(take_home(s, &left), c->id);
}

void block_put_off(struct server *s, struct client *c) { far_waiter_put_off(s, c->id); }

// ---- serving

void block_signal(struct server *s, uint32_t db, struct bytes key)
{
    if (LIKELY(s->blocks.key_count == 0)) return;
    struct block_key *k = block_key_find(s, db, key);
    if (k) block_key_signal(s, k);
}

void block_signal_all(struct server *s)
{
    for (struct list_node *n = list_first(&s->blocks.all); n; n = list_next(&s->blocks.all, n))
        block_waiter_signal(s, &LIST_OWNER(n, struct blocked, in_all)->waiter);
    far_waiters_signal_all(s);
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
        if (UNLIKELY(b->homes))
            block_try(s, b->client->id, b->ticket);
        else
            block_waiter_signal(s, &b->waiter);
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
    bool is_waited_for = s->blocks.all.count || s->blocks.far.count;
    bool wants_new = is_waited_for || (s->notify_classes & EVENT_NEW);
    keyspace_on_created(s->keyspace, wants_new ? on_created : NULL, s);
    keyspace_on_gone(s->keyspace, s->blocks.loss_count ? on_gone : NULL, s);
}

enum outlook { NOTHING_LEFT, NOT_FOR_THIS_ONE, WORTH_A_TRY };

static enum outlook look(struct server *s, const struct block_key *k, const struct block_waiter *w)
{
    struct key key = key_make(s->keyspace, bytes_make(k->name, k->size));
    const struct entry *e = keyspace_find(s->keyspace, k->db, &key, FIND_QUIET, s->now_ms);
    if (e && entry_type(e) == w->type) return WORTH_A_TRY;
    if (w->wants_loss) return WORTH_A_TRY;
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

// Each who waits now is looked at once, in the order they came; from one that is told on, later.
static void serve_key(struct server *s, struct block_key *k)
{
    const struct list *all = &k->waiters;
    struct list_node *node = k->last_served ? list_next(all, k->last_served) : list_first(all);
    if (UNLIKELY(k->told != NULL)) return;
    k->last_served = NULL;
    for (uint64_t left = all->count; left > 0 && node; left--) {
        struct block_wait *wait = LIST_OWNER(node, struct block_wait, in_key);
        struct block_waiter *w = wait->waiter;
        node = list_next(all, node); // serving w takes no other waiter away
        enum outlook outlook = look(s, k, w);
        if (outlook == NOTHING_LEFT && k->loss_count == 0) return; // for those behind w neither
        if (outlook != WORTH_A_TRY) continue;
        if (UNLIKELY(w->is_far)) {
            far_waiter_tell(s, wait);
            return;
        }
        serve_client(s, LIST_OWNER(w, struct blocked, waiter));
    }
}

void blocks_serve(struct server *s)
{
    struct list_node *node;
    if (UNLIKELY(s->busy_script != NULL) || UNLIKELY(persist_is_loading(s->persist)))
        return; // after it
    while ((node = list_first(&s->blocks.ready)) != NULL) {
        struct block_key *k = LIST_OWNER(node, struct block_key, in_ready);
        // Still linked while it is served: its waiters' going must not free it.
        serve_key(s, k);
        list_remove(&s->blocks.ready, node);
        block_key_give_if_unused(s, k);
    }
}

// ---- giving up

static void give_up(struct server *s, struct blocked *b, enum unblock how)
{
    struct client *c = b->client;
    c->reply.error_count = 0;
    if (how == UNBLOCK_ERROR)
        reply_error(&c->reply, "UNBLOCKED client unblocked via CLIENT UNBLOCK");
    else if (b->aof)
        aof_wait_reply(s, c, b->aof);
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

void blocks_each_proxy(struct server *s, block_visit *visit, void *context)
{
    struct list_node *next, *n = s->node ? list_first(&s->blocks.all) : NULL;
    for (; n; n = next) {
        struct client *c = LIST_OWNER(n, struct blocked, in_all)->client;
        next = list_next(&s->blocks.all, n);
        if (c->flags & CLIENT_PROXY) visit(context, s, c);
    }
}

static bool waits_for_one(const struct blocked *b,
                          bool (*concerns)(void *context, struct bytes name), void *context)
{
    for (uint32_t i = 0; i < b->name_count; i++)
        if (concerns(context, b->request->argv[b->first_name + i])) return true;
    return false;
}

void block_reroute(struct server *s, struct client *c)
{
    struct blocked *b = c->blocked;
    const struct kept_request *r = b->request;
    struct kept_request *request = kept_new(s->heap, r->argv, r->argc, r->arrival_tsc);
    client_keep_deadline(c, b->deadline_ms);
    release(s, b);
    s->ops->run_again(s, c, request);
    kept_free(s->heap, request);
}

void blocks_reroute(struct server *s, bool (*concerns)(void *context, struct bytes name),
                    void *context)
{
    struct list_node *next, *n = list_first(&s->blocks.all);
    for (; n; n = next) {
        struct blocked *b = LIST_OWNER(n, struct blocked, in_all);
        next = list_next(&s->blocks.all, n);
        if (waits_for_one(b, concerns, context)) block_reroute(s, b->client);
    }
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
    if (UNLIKELY(s->blocks.told.count)) far_waiters_expire(s);
}

uint64_t blocks_next_deadline_ns(const struct server *s)
{
    uint64_t tick = s->blocks.all.count ? wheel_next(s->blocks.wheel) : UINT64_MAX;
    uint64_t at = tick > UINT64_MAX / NS_PER_MS ? UINT64_MAX : tick * NS_PER_MS;
    uint64_t told = s->busy_script ? UINT64_MAX : far_waiters_next_ns(s); // after it
    return told < at ? told : at;
}

// ---- open and close

void blocks_open(struct server *s)
{
    struct blocks *b = &s->blocks;
    list_init(&b->all);
    list_init(&b->ready);
    far_waiters_open(s);
    block_keys_open(s);
    b->wheel = heap_take(s->heap, sizeof *b->wheel, HEAP_OTHER);
    wheel_init(b->wheel, now_tick(s));
}

// Who waited elsewhere, too, is forgotten there as those shards close.
void blocks_close(struct server *s)
{
    struct blocks *b = &s->blocks;
    struct list_node *node;
    if (!b->buckets) return;
    while ((node = list_first(&b->all)) != NULL)
        free_blocked(s, LIST_OWNER(node, struct blocked, in_all));
    far_waiters_close(s);
    while ((node = list_take_first(&b->ready)) != NULL)
        block_key_give_if_unused(s, LIST_OWNER(node, struct block_key, in_ready));
    block_keys_close(s);
    heap_give(s->heap, b->wheel, sizeof *b->wheel, HEAP_OTHER);
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
    if (ms > 0) *deadline_ms = client_deadline(call->client, call->now_ms + (uint64_t)ms);
    return true;
}

bool call_timeout_ms(struct call *call, uint32_t index, int64_t *ms)
{
    const char *error = NULL;
    if (!num_parse_int(call->argv[index], ms))
        error = "ERR timeout is not an integer or out of range";
    else if (*ms < 0)
        error = "ERR timeout is negative";
    else if (*ms > INT64_MAX - (int64_t)call->now_ms)
        error = "ERR timeout is out of range";
    if (error) reply_error(call->reply, error);
    return !error;
}
