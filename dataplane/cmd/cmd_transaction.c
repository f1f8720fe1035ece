#include "dataplane/cmd/transaction.h"
#include "dataplane/cmd/changed.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/kept.h"
#include "dataplane/cmd/pause.h"
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

struct watch { // one client's of one key
    struct list_node in_key, in_client;
    struct name *key;
    struct client *client;
    bool was_over; // its key's time was, when it was watched, and it was still there (pause.h)
};

static struct transaction *transaction_of(struct server *s, struct client *c)
{
    if (c->transaction) return c->transaction;
    c->transaction = heap_take_zeroed(s->heap, sizeof *c->transaction, HEAP_SESSION);
    list_init(&c->transaction->watched);
    return c->transaction;
}

static void give_if_unused(struct server *s, struct client *c)
{
    struct transaction *t = c->transaction;
    if (!t || t->watched.count || t->first || (c->flags & CLIENT_IN_MULTI)) return;
    heap_give(s->heap, t, sizeof *t, HEAP_SESSION);
    c->transaction = NULL;
}

// ---- WATCH

static bool is_watching(const struct transaction *t, const struct name *key)
{
    for (struct list_node *n = list_first(&t->watched); n; n = list_next(&t->watched, n))
        if (LIST_OWNER(n, struct watch, in_client)->key == key) return true;
    return false;
}

// Looks key up, so that it goes when its time is over. True: it is, and it stays for now.
static bool is_over(const struct call *call, uint32_t db, const struct key *key)
{
    if (keyspace_find(call->keyspace, db, key, FIND_QUIET, call->now_ms)) return false;
    return pause_is_on(call->server) && keyspace_peek(call->keyspace, db, key);
}

static void watch_key(struct call *call, const struct key *key)
{
    struct server *s = call->server;
    struct client *c = call->client;
    // A key whose time is over goes now: from here on its going would be a change.
    bool was_over = is_over(call, c->db, key);
    struct transaction *t = transaction_of(s, c);
    struct name *name = names_take(&s->watched_keys, c->db, key->name);
    if (is_watching(t, name)) return;
    struct watch *w = heap_take(s->heap, sizeof *w, HEAP_SESSION);
    *w = (struct watch){ .key = name, .client = c, .was_over = was_over };
    list_append(&name->members, &w->in_key);
    s->watching_clients += t->watched.count == 0;
    list_append(&t->watched, &w->in_client);
}

static void drop_watch(struct server *s, struct watch *w)
{
    list_remove(&w->key->members, &w->in_key);
    list_remove(&w->client->transaction->watched, &w->in_client);
    s->watching_clients -= w->client->transaction->watched.count == 0;
    if (w->key->members.count == 0) names_give(&s->watched_keys, w->key);
    heap_give(s->heap, w, sizeof *w, HEAP_SESSION);
}

static void unwatch_all(struct server *s, struct client *c)
{
    struct list_node *node;
    if (!c->transaction || !c->transaction->watched.count) return;
    while ((node = list_first(&c->transaction->watched)) != NULL)
        drop_watch(s, LIST_OWNER(node, struct watch, in_client));
    changed_steer(s);
}

void transaction_unwatch(struct server *s, struct client *c)
{
    unwatch_all(s, c);
    c->flags &= ~(uint32_t)CLIENT_STALE_WATCH;
    give_if_unused(s, c);
}

// Once stale, always stale: what else changes is of no interest to those clients.
static void touch(struct server *s, struct name *name)
{
    struct list *members = &name->members;
    for (size_t left = members->count; left > 0; left--) {
        struct client *c = LIST_OWNER(list_first(members), struct watch, in_key)->client;
        bool is_last = left == 1;
        c->flags |= CLIENT_STALE_WATCH;
        drop_watch(s, LIST_OWNER(list_first(members), struct watch, in_key));
        if (is_last) break; // and the name is gone
    }
    if (s->watched_keys.count == 0) changed_steer(s);
}

void watch_touch(struct server *s, uint32_t db, struct bytes key)
{
    struct name *name = names_find(&s->watched_keys, db, key);
    if (name) touch(s, name);
}

static bool key_is_there(struct server *s, uint32_t db, const struct name *name)
{
    struct key key = key_make(s->keyspace, name_text(name));
    return keyspace_peek(s->keyspace, db, &key) != NULL;
}

void watch_touch_database(struct server *s, uint32_t db, uint32_t other_db)
{
    uint32_t position = 0;
    struct name *name = names_next(&s->watched_keys, &position, NULL);
    while (name) {
        struct name *next = names_next(&s->watched_keys, &position, name);
        bool concerned = db == CHANGED_ALL_DATABASES || name->db == db;
        if (concerned && (key_is_there(s, name->db, name) ||
                          (other_db != CHANGED_ALL_DATABASES && key_is_there(s, other_db, name))))
            touch(s, name);
        name = next;
    }
}

static void cmd_watch(struct call *call)
{
    if (call->client->flags & CLIENT_IN_MULTI) {
        reply_error(call->reply, "ERR WATCH inside MULTI is not allowed");
        return;
    }
    // One that is stale already cannot become more so.
    for (uint32_t i = 1; i < call->argc && !(call->client->flags & CLIENT_STALE_WATCH); i++) {
        struct key key = call_key(call, i);
        watch_key(call, &key);
    }
    changed_steer(call->server);
    reply_ok(call->reply);
}

static void cmd_unwatch(struct call *call)
{
    transaction_unwatch(call->server, call->client);
    reply_ok(call->reply);
}

// ---- the queue

static void cmd_multi(struct call *call)
{
    if (call->client->flags & CLIENT_IN_MULTI) {
        reply_error(call->reply, "ERR MULTI calls can not be nested");
        return;
    }
    (void)transaction_of(call->server, call->client);
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
    if (!(call->client->flags & (CLIENT_BROKEN_MULTI | CLIENT_STALE_WATCH))) {
        struct kept_request *r =
            kept_new(call->server->heap, call->argv, call->argc, call->arrival_tsc);
        if (t->last)
            t->last->next = r;
        else
            t->first = r;
        t->last = r;
        t->bytes += r->bytes;
    }
    t->count++;
    t->command_flags |= script_command_flags(call);
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
    t->bytes = 0;
}

void transaction_discard(struct server *s, struct client *c)
{
    c->flags &= ~(uint32_t)(CLIENT_IN_MULTI | CLIENT_BROKEN_MULTI | CLIENT_STALE_WATCH);
    if (!c->transaction) return;
    drop_queue(s, c->transaction);
    unwatch_all(s, c);
    give_if_unused(s, c);
}

static void cmd_discard(struct call *call)
{
    if (!(call->client->flags & CLIENT_IN_MULTI)) {
        reply_error(call->reply, "ERR DISCARD without MULTI");
        return;
    }
    transaction_discard(call->server, call->client);
    reply_ok(call->reply);
}

uint64_t transaction_memory(const struct client *c)
{
    return c->transaction ? sizeof *c->transaction + c->transaction->bytes +
                                c->transaction->watched.count * sizeof(struct watch)
                          : 0;
}

uint32_t transaction_watch_count(const struct client *c)
{
    return c->transaction ? (uint32_t)c->transaction->watched.count : 0;
}

// ---- EXEC

static struct call make_call(const struct call *exec, const struct kept_request *r)
{
    struct call call = { .server = exec->server,
                         .client = exec->client,
                         .reply = exec->reply,
                         .keyspace = exec->keyspace,
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

// A key whose time is over, though nobody has removed it yet, has changed.
static bool is_stale(struct call *call)
{
    struct client *c = call->client;
    struct transaction *t = c->transaction;
    struct list_node *n = list_first(&t->watched);
    while (n && !(c->flags & CLIENT_STALE_WATCH)) {
        const struct watch *w = LIST_OWNER(n, struct watch, in_client);
        struct key key = key_make(call->keyspace, name_text(w->key));
        bool was_over = w->was_over;
        n = list_next(&t->watched, n); // finding it may drop the watch, and no other of this client
        if (is_over(call, w->key->db, &key) && !was_over) c->flags |= CLIENT_STALE_WATCH;
    }
    return c->flags & CLIENT_STALE_WATCH;
}

static void run_queue(struct call *exec, struct transaction *queue)
{
    struct effects *effects = &exec->server->effects;
    reply_array(exec->reply, queue->count);
    effects_hold(effects);
    struct effects_mark mark = effects_mark(effects);
    struct call next = { 0 };
    if (queue->first) next = make_call(exec, queue->first);
    for (const struct kept_request *r = queue->first; r; r = r->next) {
        struct call call = next;
        // A script before it may have lost the client it was made for.
        call.client = exec->client;
        call.reply = exec->reply;
        if (r->next) next = make_call(exec, r->next); // asks for its bucket meanwhile
        if (command_may_run_queued(&call)) command_run(&call);
        if (UNLIKELY(scripts_must_stop(exec->server))) {
            effects_back_to(effects, mark);
            break;
        }
    }
    effects_release(effects);
}

// On the scripts' stack, where all of EXEC is suspended when a script of it takes long: the queue
// is to be there too.
static void run_scripted_queue(struct call *exec, void *context)
{
    struct transaction queue = *(struct transaction *)context;
    run_queue(exec, &queue);
    drop_queue(exec->server, &queue);
}

static void cmd_exec(struct call *call)
{
    struct server *s = call->server;
    struct client *c = call->client;
    if (!(c->flags & CLIENT_IN_MULTI)) {
        reply_error(call->reply, "ERR EXEC without MULTI");
        return;
    }
    bool stale = is_stale(call);
    if (c->flags & CLIENT_BROKEN_MULTI) {
        reply_error(call->reply, "EXECABORT Transaction discarded because of previous errors.");
        transaction_discard(s, c);
        return;
    }
    if (stale) {
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
