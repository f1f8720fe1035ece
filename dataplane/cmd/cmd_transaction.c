#include "dataplane/cmd/transaction.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/held.h"
#include "dataplane/cmd/kept.h"
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/route.h"
#include "dataplane/cmd/script_run.h"

static command_body cmd_multi, cmd_exec, cmd_discard, cmd_watch, cmd_unwatch;

enum { ANYTIME = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_ALLOW_BUSY };

// clang-format off
const struct command cmd_transaction[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(MULTI, "multi", cmd_multi, 1, 0, 0, 0, ANYTIME, ACL_TRANSACTION),
    COMMAND(EXEC, "exec", cmd_exec, 1, 0, 0, 0, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SKIP_SLOWLOG, ACL_TRANSACTION),
    COMMAND(DISCARD, "discard", cmd_discard, 1, 0, 0, 0, ANYTIME, ACL_TRANSACTION),
    COMMAND(WATCH, "watch", cmd_watch, -2, 1, -1, 1, ANYTIME, ACL_TRANSACTION),
    COMMAND(UNWATCH, "unwatch", cmd_unwatch, 1, 0, 0, 0, ANYTIME, ACL_TRANSACTION),
};
// clang-format on

// The queue and the watches are the business of the client's shard, also when the keys are bound to
// another.
static struct server *own_server(const struct call *call)
{
    return server_of_client(call->server, call->client->id);
}

static struct transaction *transaction_of(struct server *s, struct client *c)
{
    if (c->transaction) return c->transaction;
    c->transaction = heap_take_zeroed(s->heap, sizeof *c->transaction, HEAP_SESSION);
    watches_init(&c->transaction->watches);
    return c->transaction;
}

static void give_if_unused(struct server *s, struct client *c)
{
    struct transaction *t = c->transaction;
    if (!t || t->watches.shards || t->first || (c->flags & CLIENT_IN_MULTI)) return;
    heap_give(s->heap, t, sizeof *t, HEAP_SESSION);
    c->transaction = NULL;
}

// ---- WATCH

void transaction_unwatch(struct server *s, struct client *c)
{
    if (!c->transaction) return;
    watches_drop(s, c->id, &c->transaction->watches);
    give_if_unused(s, c);
}

static void cmd_watch(struct call *call)
{
    if (call->client->flags & CLIENT_IN_MULTI) {
        reply_error(call->reply, "ERR WATCH inside MULTI is not allowed");
        return;
    }
    struct transaction *t = transaction_of(own_server(call), call->client);
    for (uint32_t i = 1; i < call->argc; i++) {
        struct key key = call_key(call, i);
        watch_key(call, &t->watches, &key);
    }
    reply_ok(call->reply);
}

static void cmd_unwatch(struct call *call)
{
    transaction_unwatch(own_server(call), call->client);
    reply_ok(call->reply);
}

// ---- the queue

static void cmd_multi(struct call *call)
{
    if (call->client->flags & CLIENT_IN_MULTI) {
        reply_error(call->reply, "ERR MULTI calls can not be nested");
        return;
    }
    (void)transaction_of(own_server(call), call->client);
    call->client->flags |= CLIENT_IN_MULTI;
    reply_ok(call->reply);
}

static bool runs_at_once(uint16_t id)
{
    return id == CMD_ID_EXEC || id == CMD_ID_DISCARD || id == CMD_ID_MULTI || id == CMD_ID_WATCH ||
           id == CMD_ID_QUIT || id == CMD_ID_RESET;
}

bool transaction_takes(struct call *call)
{
    struct transaction *t = call->client->transaction;
    if (runs_at_once(call->command->id)) return false;
    // It will not run: its arguments are not kept.
    if (!(call->client->flags & CLIENT_BROKEN_MULTI) && !t->watches.own.is_stale) {
        struct kept_request *r =
            kept_new(own_server(call)->heap, call->argv, call->argc, call->arrival_tsc);
        if (t->last)
            t->last->next = r;
        else
            t->first = r;
        t->last = r;
        t->bytes += r->bytes;
    }
    t->count++;
    t->command_flags |= script_command_flags(call);
    t->needs_dataset |= !(call->command->flags & CMD_LOADING);
    reply_status(call->reply, "QUEUED");
    return true;
}

static void drop_queue(struct server *s, struct transaction *t)
{
    while (t->first) {
        struct kept_request *r = t->first;
        t->first = r->next;
        kept_free(s->heap, r);
    }
    t->last = NULL;
    t->count = t->command_flags = 0;
    t->needs_dataset = false;
    t->bytes = 0;
}

void transaction_discard(struct server *s, struct client *c)
{
    c->flags &= ~(uint32_t)(CLIENT_IN_MULTI | CLIENT_BROKEN_MULTI);
    if (!c->transaction) return;
    drop_queue(s, c->transaction);
    transaction_unwatch(s, c);
}

static void cmd_discard(struct call *call)
{
    if (!(call->client->flags & CLIENT_IN_MULTI)) {
        reply_error(call->reply, "ERR DISCARD without MULTI");
        return;
    }
    transaction_discard(own_server(call), call->client);
    reply_ok(call->reply);
}

uint64_t transaction_memory(const struct client *c)
{
    const struct transaction *t = c->transaction;
    return t ? sizeof *t + t->bytes + watches_bytes(&t->watches) : 0;
}

uint32_t transaction_watch_count(const struct client *c)
{
    return c->transaction ? watches_count(&c->transaction->watches) : 0;
}

bool transaction_seems_stale(const struct server *s, const struct client *c)
{
    return c->transaction && watches_seem_stale(s, c->id, &c->transaction->watches);
}

shard_set transaction_watched_shards(const struct client *c)
{
    return c->transaction ? c->transaction->watches.shards : 0;
}

void transaction_forget_watcher(struct server *home, uint64_t client_id, uint64_t generation)
{
    watches_forget_client(home, client_id, generation);
}

// ---- EXEC

static struct call make_call(const struct call *exec, const struct kept_request *r)
{
    struct call call = { .server = exec->server,
                         .client = exec->client,
                         .reply = exec->reply,
                         .keyspace = exec->server->keyspace,
                         .argv = (struct bytes *)(uintptr_t)r->argv,
                         .argc = r->argc,
                         .arrival_tsc = exec->arrival_tsc,
                         .now_ms = exec->now_ms,
                         .no_suspend = true };
    command_prepare(&call);
    return call;
}

bool transaction_any(const struct call *exec, transaction_look *look, void *context)
{
    const struct transaction *t = exec->client->transaction;
    for (const struct kept_request *r = t ? t->first : NULL; r; r = r->next) {
        struct call call = make_call(exec, r);
        if (call.command && look(context, &call)) return true;
    }
    return false;
}

static void run_queued(struct call *call)
{
    if (!command_may_run_queued(call)) return;
    if (LIKELY(!server_is_one_of_many(call->server)))
        command_run(call);
    else if (!route_run(call, held_shards(call->server)))
        reply_error(call->reply, route_refusal(call));
}

static void run_queue(struct call *exec, struct transaction *queue)
{
    struct held_marks marks;
    reply_array(exec->reply, queue->count);
    held_begin(exec->server);
    held_mark(exec->server, &marks);
    struct call next = { 0 };
    if (queue->first) next = make_call(exec, queue->first);
    for (const struct kept_request *r = queue->first; r; r = r->next) {
        struct call call = next;
        // A script before it may have lost the client it was made for.
        call.client = exec->client;
        call.reply = exec->reply;
        if (r->next) next = make_call(exec, r->next); // asks for its bucket meanwhile
        run_queued(&call);
        if (UNLIKELY(scripts_must_stop(exec->server))) {
            held_back_to(exec->server, &marks);
            break;
        }
    }
    held_end(exec->server);
}

// On the scripts' stack, where all of EXEC is suspended when a script of it takes long: the queue
// is to be there too.
static void run_scripted_queue(struct call *exec, void *context)
{
    struct transaction queue = *(struct transaction *)context;
    run_queue(exec, &queue);
    drop_queue(own_server(exec), &queue);
}

static void cmd_exec(struct call *call)
{
    struct server *s = own_server(call);
    struct client *c = call->client;
    if (!(c->flags & CLIENT_IN_MULTI)) {
        reply_error(call->reply, "ERR EXEC without MULTI");
        return;
    }
    if (c->flags & CLIENT_BROKEN_MULTI) {
        reply_error(call->reply, "EXECABORT Transaction discarded because of previous errors.");
        transaction_discard(s, c);
        return;
    }
    if (watches_are_stale(call, &c->transaction->watches)) {
        reply_null_array(call->reply);
        transaction_discard(s, c);
        return;
    }
    // The client may queue and watch anew by what it runs: its present queue is taken from it.
    struct transaction queue = *c->transaction;
    c->transaction->first = c->transaction->last = NULL;
    transaction_discard(s, c);
    if (UNLIKELY(queue.command_flags & CMD_NO_MANDATORY_KEYS)) {
        script_on_stack(call, run_scripted_queue, &queue);
        return;
    }
    run_queue(call, &queue);
    drop_queue(s, &queue);
}
