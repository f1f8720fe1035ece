#include "dataplane/shard/meeting.h"
#include <sched.h>
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/kept.h"
#include "dataplane/cmd/script_run.h"
#include "dataplane/shard/far_again.h"
#include "dataplane/shard/mesh.h"
#include "dataplane/shard/shard.h"

enum {
    HOLD_PATIENCE_US = 2000,  // for one shard to stand, after it said that it could
    HOLD_COMMANDS_MAX = 32,   // in one rendezvous, while others stand
    SPINS_BEFORE_YIELD = 500, // ten us or so: then another thread may need this core
};

static inline void spin(uint32_t *spins)
{
    if (++*spins < SPINS_BEFORE_YIELD)
        __builtin_ia32_pause();
    else
        sched_yield();
}

// ---- those asked

bool meeting_is_wanted(const struct shard *s)
{
    return s->mesh.hub &&
           __atomic_load_n(&s->mesh.hub->points[s->mesh.index].wanted, __ATOMIC_RELAXED) != 0;
}

// Unless it was taken back meanwhile. wanted: what is known of those who want it.
static void stand_for_one(struct shard *s, shard_set wanted)
{
    struct meeting_point *p = &s->mesh.hub->points[s->mesh.index];
    uint8_t grant = GRANT_WANTED;
    uint32_t spins = 0;
    s->last_holder = shard_set_after(wanted, s->last_holder); // they take turns
    uint8_t *mine = &p->grants[s->last_holder];
    if (!__atomic_compare_exchange_n(mine, &grant, GRANT_STANDS, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
        return;
    while (__atomic_load_n(mine, __ATOMIC_ACQUIRE) == GRANT_STANDS) spin(&spins);
}

// Once for each: who wants it again (for the next slice of a script) lets it have a turn between.
static void stand(struct shard *s, bool for_all)
{
    struct meeting_point *p = &s->mesh.hub->points[s->mesh.index];
    struct cycle_meter *meter = &s->server.meter;
    enum cycle_account before = meter->open;
    uint64_t start = cycle_meter_switch(meter, CYCLES_PARKED);
    shard_set wanted, stood = 0;
    while ((wanted = __atomic_load_n(&p->wanted, __ATOMIC_ACQUIRE) & ~stood) != 0) {
        stand_for_one(s, wanted);
        stood |= shard_set_of(s->last_holder);
        if (!for_all) break;
    }
    uint64_t cycles = cycle_meter_switch(meter, before) - start;
    s->server.tally->rendezvous_stood++;
    if (cycles > s->server.tally->parked_cycles_max) s->server.tally->parked_cycles_max = cycles;
    latency_note(&s->server, LATENCY_RENDEZVOUS, cycles);
}

// Who waits for a key that was put meanwhile gets it before the next command can take it away.
void meeting_stand(struct shard *s)
{
    stand(s, true);
    shard_read_clocks(s);
    if (UNLIKELY(s->server.blocks.ready.count) && !s->server.busy_script) blocks_serve(&s->server);
    jobs_serve_opened(&s->server);
}

void meeting_asked(struct shard *s, uint32_t from, struct rendezvous *r)
{
    s->asked_tsc = clock_tsc();
    mesh_send(s, from, MESH_READY, r);
}

// ---- the holder

static void ask(struct shard *s, struct rendezvous *r)
{
    shard_set others = r->route.shards & ~shard_set_of(s->mesh.index);
    r->unanswered = others;
    for (; others; others = shard_set_rest(others))
        mesh_send(s, shard_set_first(others), MESH_ASK, r);
}

static void arrange(struct shard *s, const struct rendezvous *what)
{
    struct rendezvous *r = heap_take(&s->heap, sizeof *r, HEAP_SESSION);
    *r = *what;
    r->generation = s->mesh.hub->node.placement.generation;
    list_append(&s->rendezvous, &r->link);
    ask(s, r);
}

void meeting_arrange(struct shard *s, struct call *call, const struct route *route)
{
    struct rendezvous r = { .client = call->client, .route = *route };
    r.request = kept_new(&s->heap, call->argv, call->argc, call->arrival_tsc);
    call->client->flags |= CLIENT_ELSEWHERE;
    arrange(s, &r);
}

void meeting_arrange_retry(struct server *server, struct client *c,
                           const struct kept_request *request, uint64_t shards)
{
    struct rendezvous r = {
        .client = c, .request = request, .route = { ROUTE_KEYS, shards }, .is_retry = true
    };
    arrange(server->shard, &r);
}

void meeting_ready(struct shard *s, uint32_t from, struct rendezvous *r)
{
    (void)s;
    r->unanswered &= ~shard_set_of(from);
}

void meeting_forget_client(struct shard *s, struct client *c)
{
    for (struct list_node *n = list_first(&s->rendezvous); n; n = list_next(&s->rendezvous, n)) {
        struct rendezvous *r = LIST_OWNER(n, struct rendezvous, link);
        if (r->client == c) r->client = NULL;
    }
}

static void let_go(struct shard *s, shard_set held)
{
    for (; held; held = shard_set_rest(held)) {
        struct meeting_point *p = &s->mesh.hub->points[shard_set_first(held)];
        __atomic_fetch_and(&p->wanted, ~shard_set_of(s->mesh.index), __ATOMIC_RELAXED);
        __atomic_store_n(&p->grants[s->mesh.index], GRANT_NONE, __ATOMIC_RELEASE);
    }
}

// False: it does not come.
static bool hold_one(struct shard *s, uint32_t index, bool may_stand)
{
    struct hub *hub = s->mesh.hub;
    struct meeting_point *p = &hub->points[index];
    uint64_t patience = s->server.clock->tsc_hz / 1000000 * HOLD_PATIENCE_US;
    uint64_t start = clock_tsc();
    uint32_t spins = 0;
    __atomic_store_n(&p->grants[s->mesh.index], GRANT_WANTED, __ATOMIC_RELEASE);
    __atomic_fetch_or(&p->wanted, shard_set_of(s->mesh.index), __ATOMIC_RELEASE);
    waker_wake(&hub->wakers[index]);
    while (__atomic_load_n(&p->grants[s->mesh.index], __ATOMIC_ACQUIRE) != GRANT_STANDS) {
        if (UNLIKELY(clock_tsc() - start > patience)) return false;
        if (may_stand && meeting_is_wanted(s)) stand(s, false);
        spin(&spins);
    }
    return true;
}

// In ascending order, itself at its place. False: none is held.
static bool hold(struct shard *s, shard_set shards)
{
    shard_set wanted = 0;
    shards &= ~shard_set_of(s->mesh.index);
    for (shard_set left = shards; left; left = shard_set_rest(left)) {
        uint32_t index = shard_set_first(left);
        wanted |= shard_set_of(index);
        if (hold_one(s, index, index < s->mesh.index)) continue;
        let_go(s, wanted);
        s->server.tally->rendezvous_given_up++;
        return false;
    }
    return true;
}

// The holder has served nobody since start; all_stand: when it held them.
static void let_go_held(struct shard *s, shard_set held, uint64_t start, uint64_t all_stand)
{
    struct shard_tally *tally = s->server.tally;
    let_go(s, held);
    uint64_t now = clock_tsc();
    histogram_record(&tally->rendezvous_all_stand, now - all_stand);
    histogram_record(&tally->rendezvous_first_stands, now - start);
}

static void free_rendezvous(struct shard *s, struct rendezvous *r)
{
    list_remove(&s->rendezvous, &r->link);
    if (!r->is_retry) kept_free(&s->heap, (struct kept_request *)(uintptr_t)r->request);
    heap_give(&s->heap, r, sizeof *r, HEAP_SESSION);
}

// Which of the shards, all held, is in the midst of a script; NULL: none. It may be so since its
// answer, so what it said then would not tell.
static struct server *busy_one_of(struct shard *s, shard_set shards)
{
    for (shards |= shard_set_of(s->mesh.index); shards; shards = shard_set_rest(shards)) {
        struct server *server = s->mesh.hub->node.servers[shard_set_first(shards)];
        if (UNLIKELY(server->busy_script != NULL)) return server;
    }
    return NULL;
}

// Its client goes on only when that was answered.
static void run_retry(struct shard *s, struct rendezvous *r)
{
    struct client *c = r->client;
    shard_set held = r->route.shards | shard_set_of(s->mesh.index);
    if (UNLIKELY(route_of_request(&s->server, c, r->request) & ~held))
        block_reroute(&s->server, c); // one of its keys has moved, which it does not wait for
    else
        command_execute_held(&s->server, c, r->request, &r->route, true);
    if (!(c->flags & CLIENT_BLOCKED)) s->server.ops->resume_client(&s->server, c);
    free_rendezvous(s, r);
}

// Slots have come or gone since it was routed, and it needs shards that are not held: it goes
// through the router once more.
static bool must_go_again(struct shard *s, const struct rendezvous *r)
{
    shard_set held = r->route.shards | shard_set_of(s->mesh.index);
    if (LIKELY(r->generation == s->mesh.hub->node.placement.generation)) return false;
    if (r->route.kind != ROUTE_KEYS) return false;
    return (route_of_request(&s->server, r->client, r->request) & ~held) != 0;
}

// What it waited for is held: the command runs, or is refused, and its client goes on. When it
// waits for a key from here on, whether its peer is still there is looked at once more.
static void run_one(struct shard *s, struct rendezvous *r)
{
    struct client *c = r->client;
    if (!c || r->is_retry) { // its client may have gone while this shard stood itself
        c ? run_retry(s, r) : free_rendezvous(s, r);
        return;
    }
    c->flags &= ~(uint32_t)CLIENT_ELSEWHERE;
    if (UNLIKELY(must_go_again(s, r))) {
        client_keep_deadline(c, client_deadline(c, 0));
        far_run_again(&s->server, c, c->flags & CLIENT_PROXY ? NULL : r->request);
        free_rendezvous(s, r);
        return;
    }
    if (!(c->flags & (CLIENT_CLOSE_AFTER_REPLY | CLIENT_CLOSE_NOW)))
        command_execute_held(&s->server, c, r->request, &r->route, false);
    s->server.ops->resume_client(&s->server, c);
    free_rendezvous(s, r);
}

static bool is_ready(struct shard *s, struct rendezvous *r)
{
    if (r->unanswered) return false;
    return r->client || (free_rendezvous(s, r), false);
}

// A long command of one of its shards has closed a key of it, or has to see what it would change:
// those slices come first.
static bool must_wait_for_jobs(struct shard *s, const struct rendezvous *r)
{
    return r->client && jobs_must_wait(&s->server, r->client, r->request, r->route.shards);
}

// Those that can run with what is held, r first.
static uint32_t run_with(struct shard *s, struct rendezvous *r, shard_set held)
{
    uint32_t count = 1;
    struct list_node *n = list_next(&s->rendezvous, &r->link);
    run_one(s, r);
    while (n && count < HOLD_COMMANDS_MAX) {
        struct rendezvous *next = LIST_OWNER(n, struct rendezvous, link);
        n = list_next(&s->rendezvous, n);
        if (next->unanswered || !next->client || (next->route.shards & ~held)) continue;
        if (must_wait_for_jobs(s, next)) continue;
        run_one(s, next);
        count++;
    }
    return count;
}

bool meeting_hold(struct shard *s, shard_set shards)
{
    if (meeting_is_wanted(s)) meeting_stand(s);
    return hold(s, shards);
}

void meeting_let_go(struct shard *s, shard_set shards) { let_go(s, shards); }

uint32_t meeting_run(struct shard *s, uint32_t budget)
{
    uint32_t count = 0;
    jobs_serve_opened(&s->server); // when it stood while it waited for others itself
    struct list_node *n = list_first(&s->rendezvous);
    struct cycle_meter *meter = &s->server.meter;
    enum cycle_account before = meter->open;
    if (LIKELY(!n)) return 0;
    cycle_meter_switch(meter, CYCLES_EXECUTE);
    while (n && count < budget) {
        struct rendezvous *r = LIST_OWNER(n, struct rendezvous, link);
        n = list_next(&s->rendezvous, n);
        if (!is_ready(s, r)) continue;
        shard_set shards = r->route.shards;
        if (meeting_is_wanted(s)) meeting_stand(s);
        shard_set others = shards & ~shard_set_of(s->mesh.index);
        uint64_t start = clock_tsc();
        if (!hold(s, shards)) {
            ask(s, r);
            continue;
        }
        uint64_t all_stand = clock_tsc();
        if (must_wait_for_jobs(s, r) && !busy_one_of(s, shards)) {
            let_go_held(s, others, start, all_stand);
            ask(s, r);
            continue;
        }
        count += run_with(s, r, shards | shard_set_of(s->mesh.index));
        let_go_held(s, others, start, all_stand);
        n = list_first(&s->rendezvous);
    }
    cycle_meter_switch(meter, before);
    return count;
}

void meeting_close(struct shard *s)
{
    struct list_node *n;
    while ((n = list_first(&s->rendezvous)) != NULL)
        free_rendezvous(s, LIST_OWNER(n, struct rendezvous, link));
}
