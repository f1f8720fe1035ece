// BGREWRITEAOF, WAITAOF: the append-only log is begun anew, and waited for.
//
// Source:  Redis 7.2: replies and errors; aof.h. Who begins a rewrite is the first shard's cron
#include <string.h>
#include "dataplane/base/num.h"
#include "dataplane/cmd/aof_wait.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/persist.h"

static command_body cmd_bgrewriteaof, cmd_waitaof;

// clang-format off
const struct command cmd_aof[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(BGREWRITEAOF, "bgrewriteaof", cmd_bgrewriteaof, 1, 0, 0, 0, CMD_ADMIN | CMD_NOSCRIPT | CMD_NO_ASYNC_LOADING, 0),
    COMMAND(WAITAOF, "waitaof", cmd_waitaof, 4, 0, 0, 0, CMD_BLOCKING, ACL_CONNECTION),
};
// clang-format on

static void cmd_bgrewriteaof(struct call *call)
{
    bool is_scheduled = call->no_suspend; // in a transaction
    const char *error = aof_rewrite(call->server, &is_scheduled);
    if (error)
        reply_error(call->reply, error);
    else
        reply_status(call->reply, is_scheduled ? "Background append only file rewriting scheduled"
                                               : "Background append only file rewriting started");
}

// ---- WAITAOF

// One client. It is listed when it waits for the logs: in the order of coming, which is that of
// its positions, in each shard.
struct aof_wait {
    struct list_node link;
    struct client *client;
    bool wants_local, wants_replicas;
    uint32_t shard_count;
    uint64_t positions[]; // of the shards' logs
};

static const char is_off[] =
    "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";

void aof_waits_open(struct server *s)
{
    list_init(&s->aof_waits.local);
    list_init(&s->aof_waits.replicas);
}

static struct list *list_of(struct server *s, const struct aof_wait *w)
{
    return w->wants_replicas ? &s->aof_waits.replicas : &s->aof_waits.local;
}

// Who makes logs durable wakes those shards whose clients wait. The caller looks once more, behind
// this, before it sleeps.
static void tell_waiting(struct server *s)
{
    uint64_t *waiting = &s->persist->aof.waiting;
    shard_set bit = shard_set_of(s->shard_index);
    if (s->aof_waits.local.count)
        __atomic_fetch_or(waiting, bit, __ATOMIC_SEQ_CST);
    else
        __atomic_fetch_and(waiting, ~bit, __ATOMIC_SEQ_CST);
}

static void reply_counts(struct reply *reply, bool is_durable)
{
    reply_array(reply, 2);
    reply_int(reply, is_durable);
    reply_int(reply, 0); // there are no replicas
}

void aof_wait_reply(struct server *s, struct client *c, const struct aof_wait *w)
{
    if (w->wants_local && !s->settings->appendonly)
        reply_error(&c->reply, is_off);
    else
        reply_counts(&c->reply, aof_is_durable(s, w->positions));
}

static size_t bytes_of(uint32_t shard_count)
{
    return sizeof(struct aof_wait) + shard_count * sizeof(uint64_t);
}

void aof_wait_close(struct server *s, struct aof_wait *w)
{
    if (list_node_is_linked(&w->link)) list_remove(list_of(s, w), &w->link);
    heap_give(s->heap, w, bytes_of(w->shard_count), HEAP_SESSION);
    if (s->persist) tell_waiting(s);
}

static struct aof_wait *first_of(const struct list *all)
{
    return all->count ? LIST_OWNER(list_first(all), struct aof_wait, link) : NULL;
}

static void go_on(struct server *s, struct aof_wait *w)
{
    (void)block_unblock(s, w->client, UNBLOCK_TIMEOUT); // says how far it is, and closes w
}

void aof_waits_look(struct server *s)
{
    struct aof_wait *w;
    bool is_on = s->settings->appendonly;
    if (s->busy_script) return; // after it
    while ((w = first_of(&s->aof_waits.local)) && (!is_on || aof_is_durable(s, w->positions)))
        go_on(s, w);
    while (!is_on && (w = first_of(&s->aof_waits.replicas))) go_on(s, w);
}

struct wait_args {
    int64_t local, replicas;
    uint64_t deadline_ms; // 0: never
};

static bool parse_counts(struct call *call, struct wait_args *a)
{
    static const char negative[] = "ERR value is out of range, must be positive";
    if (!call_int(call, 1, &a->local, NULL)) return false;
    if (a->local < 0 || a->local > 1) {
        reply_error(call->reply, "ERR value is out of range, value must between 0 and 1");
        return false;
    }
    if (num_parse_int(call->argv[2], &a->replicas) && a->replicas >= 0) return true;
    reply_error(call->reply, negative);
    return false;
}

static bool parse_timeout(struct call *call, struct wait_args *a)
{
    int64_t ms;
    if (!call_timeout_ms(call, 3, &ms)) return false;
    a->deadline_ms = ms ? call->now_ms + (uint64_t)ms : 0;
    return true;
}

static struct aof_wait *wait_new(struct server *s, struct client *c, const struct wait_args *a,
                                 const uint64_t *positions)
{
    uint32_t shard_count = s->persist ? s->persist->shard_count : 0;
    struct aof_wait *w = heap_take_zeroed(s->heap, bytes_of(shard_count), HEAP_SESSION);
    w->client = c;
    w->wants_local = a->local > 0;
    w->wants_replicas = a->replicas > 0;
    w->shard_count = shard_count;
    if (shard_count) memcpy(w->positions, positions, shard_count * sizeof *positions);
    if (!w->wants_local) return w;
    list_append(list_of(s, w), &w->link);
    if (s->persist) tell_waiting(s);
    return w;
}

static void cmd_waitaof(struct call *call)
{
    struct wait_args a;
    struct server *s = call->server;
    uint64_t positions[PLACEMENT_SHARDS_MAX];
    if (!parse_counts(call, &a) || !parse_timeout(call, &a)) return;
    if (a.local && !s->settings->appendonly) {
        reply_error(call->reply, is_off);
        return;
    }
    aof_positions(s, positions);
    bool is_durable = aof_is_durable(s, positions);
    if ((a.replicas == 0 && is_durable >= a.local) || !call_may_block(call)) {
        reply_counts(call->reply, is_durable);
        return;
    }
    struct block_wish wish = { .deadline_ms = a.deadline_ms };
    wish.aof = wait_new(s, call->client, &a, positions);
    call_block(call, &wish);
}
