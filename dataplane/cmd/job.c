#include "dataplane/cmd/job.h"
#include "dataplane/cmd/acl_call.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/call_home.h"
#include "dataplane/cmd/cmd_docs.h"
#include "dataplane/cmd/command_ids.h"
#include "dataplane/cmd/kept.h"
#include "dataplane/cmd/push.h"
#include "dataplane/cmd/script_shards.h"
#include "dataplane/cmd/transaction.h"

struct closed_key {
    struct closed_key *next;
    struct closed_key *also; // of the same job
    uint32_t db;
    size_t size;
    uint8_t name[];
};
struct held_back { // a client whose next command touches a closed key
    struct list_node link;
    struct client *client;
    struct kept_request *request;
};

void jobs_open(struct server *s)
{
    list_init(&s->jobs.list);
    list_init(&s->jobs.held);
    list_init(&s->jobs.watchers);
    s->jobs.closed = NULL;
}

// ---- beginning

void call_run_job(struct call *call, struct job *job)
{
    while (!job->ops->step(job, call, UINT64_MAX)) {
    }
    job->ops->close(job, call->server);
}

void call_start_job(struct call *call, struct job *job)
{
    struct server *s = call->server;
    struct client *c = call->client;
    if (call->no_suspend) {
        call_run_job(call, job);
        return;
    }
    job->client = c;
    job->closed = NULL;
    job->cycles = 0;
    job->is_orphan = job->is_waiting = job->must_end = false;
    job->request = kept_new(s->heap, call->argv, call->argc, call->arrival_tsc);
    c->flags |= CLIENT_IN_JOB;
    c->job = job;
    call->suspended = true;
    list_append(&s->jobs.list, &job->link);
}

void call_close_key(struct call *call, struct job *job, const struct key *key)
{
    struct server *s = call->server;
    if (!call->suspended) return;
    struct closed_key *k = heap_take(s->heap, sizeof *k + key->name.size, HEAP_OTHER);
    *k = (struct closed_key){ s->jobs.closed, job->closed, call->client->db, key->name.size };
    if (k->size) memcpy(k->name, key->name.data, k->size);
    s->jobs.closed = job->closed = k;
}

void call_start_write_job(struct call *call, struct job *job, const struct key *destination)
{
    call_start_job(call, job);
    if (call->suspended) call_close_key(call, job, destination);
}

// ---- the keys that are closed

static void open_keys(struct server *s, struct closed_key *first)
{
    while (first) {
        struct closed_key **at = &s->jobs.closed, *also = first->also;
        while (*at != first) at = &(*at)->next;
        *at = first->next;
        heap_give(s->heap, first, sizeof *first + first->size, HEAP_OTHER);
        first = also;
    }
}

static void release_held(struct server *s, struct held_back *h)
{
    list_remove(&s->jobs.held, &h->link);
    h->client->flags &= ~(uint32_t)CLIENT_HELD_BACK;
    h->client->held_back = NULL;
    kept_free(s->heap, h->request);
    heap_give(s->heap, h, sizeof *h, HEAP_SESSION);
}

// In the order in which they came; whoever meets another closed key waits again, behind the rest.
static void try_held(struct server *s)
{
    for (uint64_t left = s->jobs.held.count; left > 0; left--) {
        struct held_back *h = LIST_OWNER(list_first(&s->jobs.held), struct held_back, link);
        struct client *c = h->client;
        struct kept_request *request = h->request;
        h->request = NULL;
        release_held(s, h);
        bool done = command_execute_kept(s, c, request, false);
        kept_free(s->heap, request);
        if (done) s->ops->resume_client(s, c);
    }
}

struct touch {
    const struct call *call;
    bool is_closed;
};

static void look_at_key(void *context, uint32_t index, uint32_t flags)
{
    struct touch *t = context;
    struct bytes name = t->call->argv[index];
    (void)flags;
    for (const struct closed_key *k = t->call->server->jobs.closed; k; k = k->next)
        if (bytes_equal(bytes_make(k->name, k->size), name)) t->is_closed = true;
}

// Databases are left out: MOVE, COPY and SWAPDB reach others, and to wait for the same name in
// another database does no harm.
static bool touches_closed(const struct call *call);

static bool queued_touches_closed(void *context, const struct call *queued)
{
    (void)context;
    return touches_closed(queued);
}

static bool touches_closed(const struct call *call)
{
    const struct command *row = call->command;
    struct touch t = { call, false };
    // What keys a script touches nobody knows before.
    if (command_runs_script(row))
        return call->server->jobs.closed || !(row->flags & CMD_READONLY);
    if (row->id == CMD_ID_EXEC) return transaction_any(call, queued_touches_closed, NULL);
    if (!command_has_keys(row)) {
        if (!(row->acl_categories & ACL_KEYSPACE)) return false;
        return call->server->jobs.closed || row->flags & CMD_WRITE;
    }
    command_find_keys(row, call->argv, call->argc, look_at_key, &t);
    return t.is_closed;
}

bool jobs_hold_back(struct call *call)
{
    struct server *s = call->server;
    if (call->no_suspend || !touches_closed(call)) return false;
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
    if (list_node_is_linked(&w->link)) list_remove(&s->jobs.watchers, &w->link);
}

void jobs_tell_write(struct server *s, struct bytes key)
{
    const struct list *all = &s->jobs.watchers;
    for (struct list_node *n = list_first(all); n; n = list_next(all, n)) {
        struct job_watch *w = LIST_OWNER(n, struct job_watch, link);
        w->before_write(w, s, key);
    }
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

// ---- going on

static void make_call(struct server *s, const struct job *job, struct call *call)
{
    *call = (struct call){ .server = s,
                           .client = job->client,
                           .reply = &job->client->reply,
                           .keyspace = s->keyspace,
                           .argv = job->request->argv,
                           .argc = job->request->argc,
                           .arrival_tsc = job->request->arrival_tsc,
                           .now_ms = s->now_ms };
    command_prepare(call);
}

// What an EXEC may have made of it goes too.
static void drop_stand_in(struct server *s, struct client *c)
{
    server_forget_client(s, c);
    acl_forget_stand_in(s, c);
    client_drop_texts(c, s->heap);
    heap_give(s->heap, c, sizeof *c, HEAP_SESSION);
}

static void finish(struct server *s, struct job *job)
{
    struct client *c = job->client;
    struct kept_request *request = job->request;
    struct closed_key *closed = job->closed;
    bool is_orphan = job->is_orphan;
    list_remove(&s->jobs.list, &job->link);
    job->ops->close(job, s);
    kept_free(s->heap, request);
    c->flags &= ~(uint32_t)CLIENT_IN_JOB;
    c->job = NULL;
    if (is_orphan)
        drop_stand_in(s, c);
    else
        s->ops->resume_client(s, c);
    if (!is_orphan) client_send_pushes(s, c);
    open_keys(s, closed);
    // Those who wait for what it put come before those who came meanwhile.
    blocks_keys_opened(s);
    if (s->blocks.ready.count) blocks_serve(s);
    try_held(s); // it may have watched, too
}

// A reader that lags behind does not make a reply of millions pile up: it goes on when he has read
// some. Not while others wait for what the job writes, and not when nothing can leave before the
// reply's beginning is known.
static bool may_run(const struct job *job)
{
    const struct stream *stream = job->client->stream;
    if (job->is_waiting) return false;
    if (job->must_end || job->closed || !stream || stream->out.open_gaps) return true;
    if (job->client->flags & CLIENT_PROXY) return true; // nothing leaves before all is there
    return stream->out.bytes + stream->ops->pending(stream) < JOB_OUTPUT_MAX;
}

static struct job *next_job(struct server *s)
{
    if (UNLIKELY(s->busy_script != NULL)) return s->scripts->job;
    for (uint64_t left = s->jobs.list.count; left > 0; left--) {
        struct list_node *node = list_take_first(&s->jobs.list);
        struct job *job = LIST_OWNER(node, struct job, link);
        list_append(&s->jobs.list, node);
        if (may_run(job)) return job;
    }
    return NULL;
}

bool jobs_run(struct server *s, uint64_t cycles)
{
    struct call call;
    if (UNLIKELY(s->busy_script != NULL) && !scripts_take_shards(s)) return true; // to try again
    struct job *job = next_job(s);
    if (!job) return false;
    uint64_t start = clock_tsc();
    make_call(s, job, &call);
    call.reply->error_count = 0;
    if (UNLIKELY(s->jobs.watchers.count))
        for (const struct closed_key *k = job->closed; k; k = k->also)
            jobs_tell_write(s, bytes_make(k->name, k->size));
    s->executing = job->client;
    bool is_done = job->ops->step(job, &call, start + cycles);
    s->executing = NULL;
    if (UNLIKELY(s->held != 0)) scripts_give_shards(s);
    uint64_t used = clock_tsc() - start;
    job->cycles += used;
    tally_slice(s->tally, used);
    latency_note(s, LATENCY_SLICE, used);
    s->ops->client_wrote(s, job->client);
    // A script that begins anew is counted when it is done.
    if (is_done && !(job->client->flags & CLIENT_ELSEWHERE))
        command_finish(&call, job->cycles);
    else
        effects_end_unit(&s->effects);
    if (is_done) finish(s, job);
    return true;
}

// ---- clients that go

// A stand-in with the same database, and nobody to read what it says.
static struct client *orphan_client(struct server *s, const struct client *c)
{
    struct client *orphan = heap_take_zeroed(s->heap, sizeof *orphan, HEAP_SESSION);
    orphan->db = c->db;
    orphan->reply = (struct reply){ .version = c->reply.version, .muted = true };
    orphan->authenticated = true;
    acl_add_stand_in(s, orphan, c);
    return orphan;
}

static void leave_job(struct server *s, struct client *c)
{
    struct job *job = c->job;
    c->flags &= ~(uint32_t)CLIENT_IN_JOB;
    c->job = NULL;
    if (job->closed || job->must_end) {
        job->client = orphan_client(s, c);
        job->is_orphan = true;
        return;
    }
    list_remove(&s->jobs.list, &job->link);
    kept_free(s->heap, job->request);
    job->ops->close(job, s);
    try_held(s);
}

void jobs_forget_client(struct server *s, struct client *c)
{
    if (c->flags & CLIENT_IN_JOB) leave_job(s, c);
    if (c->flags & CLIENT_HELD_BACK) release_held(s, c->held_back);
}

// What a job was to write is not written: the server stops between two commands, and this one is
// not over.
void jobs_close(struct server *s)
{
    struct list_node *node;
    while ((node = list_first(&s->jobs.list)) != NULL) {
        struct job *job = LIST_OWNER(node, struct job, link);
        struct client *c = job->client;
        list_remove(&s->jobs.list, node);
        kept_free(s->heap, job->request);
        open_keys(s, job->closed);
        c->flags &= ~(uint32_t)CLIENT_IN_JOB;
        if (job->is_orphan) drop_stand_in(s, c);
        job->ops->close(job, s);
    }
    while ((node = list_first(&s->jobs.held)) != NULL)
        release_held(s, LIST_OWNER(node, struct held_back, link));
}
