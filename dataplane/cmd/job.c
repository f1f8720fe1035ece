#include "dataplane/cmd/job_priv.h"
#include "dataplane/cmd/acl_call.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/call_home.h"
#include "dataplane/cmd/held.h"
#include "dataplane/cmd/kept.h"
#include "dataplane/cmd/push.h"
#include "dataplane/cmd/script_shards.h"
#include "dataplane/cmd/tracking.h"

void jobs_open(struct server *s)
{
    list_init(&s->jobs.list);
    list_init(&s->jobs.held);
    list_init(&s->jobs.watchers);
    s->jobs.closed = NULL;
    s->jobs.were_opened = false;
}

// ---- beginning

void call_run_job(struct call *call, struct job *job)
{
    while (!job->ops->step(job, call, UINT64_MAX)) {
    }
    job->ops->close(job, call->server);
}

// At a rendezvous by its keys, as a command of its own. A retry has to answer now, as it waits for
// what comes then.
static bool may_go_on_held(const struct call *call)
{
    return call->may_wait_held && !call->is_retry && call->server->ops->hold;
}

void call_start_job(struct call *call, struct job *job)
{
    struct server *s = call->server;
    struct client *c = call->client;
    bool is_held = call->no_suspend;
    if (is_held && !may_go_on_held(call)) {
        call_run_job(call, job);
        return;
    }
    job->server = s;
    if (is_held && s->holder) s = s->holder; // which has the client
    job->client = c;
    job->closed = NULL;
    job->cycles = 0;
    job->shards = is_held ? held_shards(s) : 0;
    job->is_joint = call_is_joint(call);
    job->is_orphan = job->is_dropped = job->is_waiting = job->must_end = false;
    job->request = kept_new(s->heap, call->argv, call->argc, call->arrival_tsc);
    c->flags |= CLIENT_IN_JOB;
    c->job = job;
    call->suspended = true;
    list_append(&s->jobs.list, &job->link);
}

void call_start_write_job(struct call *call, struct job *job, const struct key *destination)
{
    call_start_job(call, job);
    if (call->suspended) call_close_key(call, job, destination);
}

// ---- going on

static void make_call(struct server *s, const struct job *job, struct call *call)
{
    struct server *bound = job->server;
    *call = (struct call){ .server = bound,
                           .client = job->client,
                           .reply = &job->client->reply,
                           .keyspace = job->is_joint ? bound->joint : bound->keyspace,
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

// Its shards stand still. What is left of it is its client.
static void close_job(struct server *s, struct job *job)
{
    struct closed_key *closed = job->closed;
    struct kept_request *request = job->request;
    list_remove(&s->jobs.list, &job->link);
    job->ops->close(job, job->server);
    kept_free(s->heap, request);
    job_open_keys(closed);
}

static void finish(struct server *s, struct client *c, bool is_orphan)
{
    c->flags &= ~(uint32_t)CLIENT_IN_JOB;
    c->job = NULL;
    if (is_orphan)
        drop_stand_in(s, c);
    else
        s->ops->resume_client(s, c);
    if (!is_orphan) client_send_pushes(s, c);
    job_serve_opened(s);
}

// A reader that lags behind does not make a reply of millions pile up: it goes on when he has read
// some. Not while others wait for what the job writes, and not when nothing can leave before the
// reply's beginning is known.
static bool may_run(const struct job *job)
{
    const struct stream *stream = job->client->stream;
    if (job->is_waiting) return false;
    if (job->is_dropped || job->must_end || job->closed || !stream || stream->out.open_gaps)
        return true;
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

static void give_shards(struct server *s)
{
    shard_set others = held_others(s);
    s->held = 0;
    s->ops->let_go(s, others);
}

// False: they cannot be had now, or one is in the midst of a script.
static bool take_shards(struct server *s, const struct job *job)
{
    if (!s->ops->hold(s, job->shards & ~shard_set_of(s->shard_index))) return false;
    s->held = job->shards;
    if (LIKELY(!script_busy_among(s, job->shards))) return true;
    give_shards(s);
    return false;
}

// In the name of its client, at each shard that it has.
static bool step_held(struct server *s, struct job *job, struct call *call, uint64_t until_tsc)
{
    held_join(s);
    bool is_done = job->is_dropped || job->ops->step(job, call, until_tsc);
    if (UNLIKELY(tracking_is_on(&s->tracking))) tracking_end_held(s);
    call_end_effects(call);
    if (is_done && UNLIKELY(job->client->tracker)) tracking_caching_over(call);
    held_leave(s);
    call->server = s; // that counts it
    return is_done;
}

static bool step(struct server *s, struct job *job, struct call *call, uint64_t until_tsc)
{
    make_call(s, job, call);
    call->reply->error_count = 0;
    job_tell_closed(job);
    s->executing = job->client;
    bool is_done = UNLIKELY(job->shards != 0) ? step_held(s, job, call, until_tsc)
                                              : job->ops->step(job, call, until_tsc);
    effects_end_unit(&s->effects); // in the client's name
    s->executing = NULL;
    return is_done;
}

static void note_slice(struct server *s, struct job *job, uint64_t cycles)
{
    job->cycles += cycles;
    tally_slice(s->tally, cycles);
    latency_note(s, LATENCY_SLICE, cycles);
}

bool jobs_run(struct server *s, uint64_t cycles)
{
    struct call call;
    if (UNLIKELY(s->busy_script != NULL) && !scripts_take_shards(s)) return true; // to try again
    struct job *job = next_job(s);
    if (!job) return false;
    bool is_held = UNLIKELY(job->shards != 0);
    if (is_held && !take_shards(s, job)) return true;
    uint64_t start = clock_tsc();
    bool is_done = step(s, job, &call, start + cycles);
    if (UNLIKELY(s->held != 0) && !is_held) scripts_give_shards(s);
    note_slice(s, job, clock_tsc() - start);
    s->ops->client_wrote(s, job->client);
    // A script that begins anew is counted when it is done.
    if (is_done && !job->is_dropped && !(job->client->flags & CLIENT_ELSEWHERE))
        command_finish(&call, job->cycles);
    struct client *c = job->client;
    bool is_orphan = job->is_orphan;
    if (is_done) close_job(s, job);
    if (is_held) give_shards(s);
    if (is_done) finish(s, c, is_orphan);
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
    if (job->closed || job->must_end || job->shards) {
        job->is_dropped = !job->closed && !job->must_end;
        job->client = orphan_client(s, c);
        job->is_orphan = true;
        return;
    }
    list_remove(&s->jobs.list, &job->link);
    kept_free(s->heap, job->request);
    job->ops->close(job, s);
    job_serve_opened(s);
}

void jobs_forget_client(struct server *s, struct client *c)
{
    if (c->flags & CLIENT_IN_JOB) leave_job(s, c);
    if (c->flags & CLIENT_HELD_BACK) job_release_held(s, c->held_back);
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
        c->flags &= ~(uint32_t)CLIENT_IN_JOB;
        if (job->is_orphan) drop_stand_in(s, c);
        if (!job->shards) job->ops->close(job, s);
    }
    job_forget_keys(s);
}
