#include "dataplane/cmd/job_priv.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/call_home.h"
#include "dataplane/cmd/cmd_docs.h"
#include "dataplane/cmd/command_ids.h"
#include "dataplane/cmd/held.h"
#include "dataplane/cmd/kept.h"
#include "dataplane/cmd/script_run.h"
#include "dataplane/cmd/transaction.h"

struct closed_key {
    struct closed_key *next;
    struct closed_key *also; // of the same job
    struct server *home;     // on whose list it is, and whose memory
    uint32_t db;
    size_t size;
    uint8_t name[];
};
struct held_back { // a client whose next command touches a closed key
    struct list_node link;
    struct client *client;
    struct kept_request *request;
};

void call_close_key(struct call *call, struct job *job, const struct key *key)
{
    if (!call->suspended) return;
    struct server *home = call_home(call, key->name);
    struct closed_key *k = heap_take(home->heap, sizeof *k + key->name.size, HEAP_OTHER);
    *k = (struct closed_key){ home->jobs.closed, job->closed, home, call->client->db,
                              key->name.size };
    if (k->size) memcpy(k->name, key->name.data, k->size);
    home->jobs.closed = job->closed = k;
}

static void free_closed(struct closed_key *k)
{
    heap_give(k->home->heap, k, sizeof *k + k->size, HEAP_OTHER);
}

void job_open_keys(struct closed_key *first)
{
    while (first) {
        struct closed_key **at = &first->home->jobs.closed, *also = first->also;
        while (*at != first) at = &(*at)->next;
        *at = first->next;
        first->home->jobs.were_opened = true;
        free_closed(first);
        first = also;
    }
}

void job_release_held(struct server *s, struct held_back *h)
{
    list_remove(&s->jobs.held, &h->link);
    h->client->flags &= ~(uint32_t)CLIENT_HELD_BACK;
    h->client->held_back = NULL;
    kept_free(s->heap, h->request);
    heap_give(s->heap, h, sizeof *h, HEAP_SESSION);
}

void job_forget_keys(struct server *s)
{
    struct list_node *node;
    for (struct closed_key *next, *k = s->jobs.closed; k; k = next) {
        next = k->next;
        free_closed(k);
    }
    s->jobs.closed = NULL;
    while ((node = list_first(&s->jobs.held)) != NULL)
        job_release_held(s, LIST_OWNER(node, struct held_back, link));
}

// In the order in which they came; whoever meets another closed key waits again, behind the rest.
static void try_held(struct server *s)
{
    for (uint64_t left = s->jobs.held.count; left > 0; left--) {
        struct held_back *h = LIST_OWNER(list_first(&s->jobs.held), struct held_back, link);
        struct client *c = h->client;
        struct kept_request *request = h->request;
        h->request = NULL;
        job_release_held(s, h);
        bool done = command_execute_kept(s, c, request, false);
        kept_free(s->heap, request);
        if (done) s->ops->resume_client(s, c);
    }
}

// Those who wait for what was put come before those who came meanwhile.
void job_serve_opened(struct server *s)
{
    s->jobs.were_opened = false;
    blocks_keys_opened(s);
    if (s->blocks.ready.count) blocks_serve(s);
    try_held(s); // the job may have watched, too
}

void jobs_serve_opened(struct server *s)
{
    if (UNLIKELY(s->jobs.were_opened) && !s->busy_script) job_serve_opened(s);
}

struct touch {
    const struct call *call;
    shard_set shards; // whose closed keys are looked at
    bool is_closed;
};

static void look_at_key(void *context, uint32_t index, uint32_t flags)
{
    struct touch *t = context;
    struct bytes name = t->call->argv[index];
    (void)flags;
    for (shard_set left = t->shards; left;)
        for (const struct closed_key *k = held_next(t->call->server, &left)->jobs.closed; k;
             k = k->next)
            if (bytes_equal(bytes_make(k->name, k->size), name)) t->is_closed = true;
}

static bool has_closed(const struct call *call, shard_set shards)
{
    while (shards)
        if (held_next(call->server, &shards)->jobs.closed) return true;
    return false;
}

// Databases are left out: MOVE, COPY and SWAPDB reach others, and to wait for the same name in
// another database does no harm.
static bool touches_closed(const struct call *call, shard_set shards);

static bool queued_touches_closed(void *context, const struct call *queued)
{
    return touches_closed(queued, *(const shard_set *)context);
}

// Of shards at least one has closed keys, or watchers.
static bool touches_closed(const struct call *call, shard_set shards)
{
    const struct command *row = call->command;
    struct touch t = { call, shards, false };
    // What keys a script touches nobody knows before.
    if (command_runs_script(row)) return has_closed(call, shards) || !(row->flags & CMD_READONLY);
    if (row->id == CMD_ID_EXEC) return transaction_any(call, queued_touches_closed, &shards);
    if (!command_has_keys(row)) {
        if (!(row->acl_categories & ACL_KEYSPACE)) return false;
        return has_closed(call, shards) || row->flags & CMD_WRITE;
    }
    command_find_keys(row, call->argv, call->argc, look_at_key, &t);
    return t.is_closed;
}

bool jobs_must_wait(struct server *s, struct client *c, const struct kept_request *request,
                    shard_set shards)
{
    bool is_asked = false;
    for (shard_set left = shards; left && !is_asked;) {
        const struct jobs *jobs = &held_next(s, &left)->jobs;
        is_asked = jobs->closed || jobs->watchers.count;
    }
    bool is_moving = server_is_one_of_many(s) && s->node->placement.move.is_active;
    if (LIKELY(!is_asked && !is_moving)) return false;
    struct call call = { .server = s,
                         .client = c,
                         .reply = &c->reply,
                         .keyspace = s->keyspace,
                         .argv = (struct bytes *)(uintptr_t)request->argv,
                         .argc = request->argc };
    command_prepare(&call);
    if (!call.command) return false;
    return (is_asked && touches_closed(&call, shards)) ||
           (is_moving && slot_move_must_wait(&call, shards));
}

bool jobs_hold_back(struct call *call)
{
    struct server *s = call->server;
    if (call->no_suspend || !touches_closed(call, shard_set_of(s->shard_index))) return false;
    call->suspended = true;
    if (call->is_retry) { // it keeps its place among those who wait
        block_met_closed(s, call->client);
        return true;
    }
    struct held_back *h = heap_take(s->heap, sizeof *h, HEAP_SESSION);
    *h = (struct held_back){ .client = call->client,
                             .request =
                                 kept_new(s->heap, call->argv, call->argc, call->arrival_tsc) };
    list_append(&s->jobs.held, &h->link);
    call->client->flags |= CLIENT_HELD_BACK;
    call->client->held_back = h;
    return true;
}

// ---- watchers

void jobs_watch(struct server *s, struct job_watch *w) { list_append(&s->jobs.watchers, &w->link); }

void jobs_unwatch(struct server *s, struct job_watch *w)
{
    if (!list_node_is_linked(&w->link)) return;
    list_remove(&s->jobs.watchers, &w->link);
    s->jobs.were_opened = true;
}

void jobs_tell_write(struct server *s, struct bytes key)
{
    const struct list *all = &s->jobs.watchers;
    for (struct list_node *n = list_first(all); n; n = list_next(all, n)) {
        struct job_watch *w = LIST_OWNER(n, struct job_watch, link);
        w->before_write(w, s, key);
    }
    if (s->jobs.snapshot) s->jobs.snapshot->before_write(s->jobs.snapshot, s, key);
}

static void tell_key(void *context, uint32_t index, uint32_t flags)
{
    const struct call *call = context;
    (void)flags;
    jobs_tell_write(call_home(call, call->argv[index]), call->argv[index]);
}

void jobs_tell_call(const struct call *call)
{
    if (!(call->command->flags & CMD_WRITE)) return;
    command_find_keys(call->command, call->argv, call->argc, tell_key, (void *)(uintptr_t)call);
}

// What it is about to put, who watches is told in time.
void job_tell_closed(const struct job *job)
{
    for (const struct closed_key *k = job->closed; k; k = k->also)
        if (UNLIKELY(jobs_are_watched(k->home)))
            jobs_tell_write(k->home, bytes_make(k->name, k->size));
}
