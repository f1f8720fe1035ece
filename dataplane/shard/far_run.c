#include "dataplane/shard/far_priv.h"
#include "dataplane/base/prefetch.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/kept.h"
#include "dataplane/cmd/log_wait.h"
#include "dataplane/cmd/pause.h"
#include "dataplane/cmd/tracking.h"
#include "dataplane/shard/meeting.h"
#include "dataplane/shard/mesh.h"
#include "dataplane/shard/shard.h"

static uint64_t no_pending(const struct stream *stream)
{
    (void)stream;
    return 0;
}
static void no_act(struct stream *stream) { (void)stream; }
static void no_pause(struct stream *stream, bool paused)
{
    (void)stream;
    (void)paused;
}
static const struct stream_ops proxy_stream_ops = {
    .flush = no_act, .close = no_act, .abort = no_act, .pause = no_pause, .pending = no_pending
};

static struct proxy *proxy_of(struct client *c) { return LIST_OWNER(c, struct proxy, client); }

static struct proxy *take_proxy(struct shard *s)
{
    struct list_node *node = list_take_first(&s->proxies_idle);
    if (LIKELY(node != NULL)) return LIST_OWNER(node, struct proxy, link);
    struct proxy *p = heap_take_zeroed(&s->heap, sizeof *p, HEAP_SESSION);
    p->stream.ops = &proxy_stream_ops;
    p->stream.fd = -1;
    p->client.stream = &p->stream;
    p->client.last_command_id = UINT16_MAX;
    list_init(&p->tracker.prefixes);
    return p;
}

static void give_proxy(struct shard *s, struct proxy *p)
{
    outq_clear(&p->stream.out);
    p->call = NULL;
    if (s->proxies_idle.count < FAR_PROXIES_KEPT)
        list_prepend(&s->proxies_idle, &p->link);
    else
        heap_give(&s->heap, p, sizeof *p, HEAP_SESSION);
}

static void bind_proxy(struct shard *s, struct proxy *p, uint32_t from, struct far_call *f)
{
    struct client *c = &p->client;
    p->call = f;
    f->is_returned = false;
    p->from = from;
    far_source_init(&p->source, &s->overflow.source, f->reply);
    outq_init(&p->stream.out, &p->source.source);
    p->stream.remote = f->remote;
    p->stream.kind = (enum stream_kind)f->kind;
    c->id = f->client_id;
    c->name = (char *)(uintptr_t)f->client_name; // borrowed; nobody frees it
    c->flags = f->client_flags | CLIENT_PROXY;
    c->db = f->db;
    c->kept_deadline_ms = f->kept_deadline_ms;
    c->kept_for = c->command_count + 1;
    c->log_position = 0;
    c->log_joint.shards = 0;
    p->tracker.mode = f->tracking_mode;
    c->tracker = f->is_tracking ? &p->tracker : NULL;
    c->authenticated = true;
    c->reply = (struct reply){
        .out = &p->stream.out, .heap = &s->heap, .version = f->version, .muted = f->is_muted
    };
}

// The command is done: its reply goes back.
static void reply_from(struct shard *s, struct proxy *p)
{
    struct far_call *f = p->call;
    uint32_t to = p->from;
    struct outq *out = &p->stream.out;
    f->cycles = p->client.part_cycles;
    f->closes = p->client.flags & (CLIENT_CLOSE_AFTER_REPLY | CLIENT_CLOSE_NOW);
    p->call = NULL;
    if (LIKELY(out->head == out->tail && (!out->head || out->head == &p->source.first))) {
        f->reply_bytes = (uint32_t)out->bytes;
        f->proxy = NULL;
        give_proxy(s, p);
    } else {
        f->proxy = p;
    }
    if (UNLIKELY(to == s->mesh.index))
        far_replied(s, f); // a part, or it runs here after it came back
    else
        mesh_send(s, to, MESH_REPLY, f);
}

static void settle(struct shard *s, struct proxy *p)
{
    bool is_waiting = list_node_is_linked(&p->link);
    bool is_suspended = p->client.flags & CLIENT_SUSPENDED;
    if (UNLIKELY(log_waits_are_on(&s->server)) && !is_suspended)
        is_suspended = log_wait_begin(&s->server, &p->client);
    if (UNLIKELY(is_suspended)) {
        if (!is_waiting) list_append(&s->proxies_waiting, &p->link);
        return;
    }
    if (is_waiting) list_remove(&s->proxies_waiting, &p->link);
    reply_from(s, p);
}

void far_prefetch(const struct far_call *f)
{
    prefetch_two(&f->command);
    prefetch(&f->behind);
    prefetch_two(f + 1); // the arguments
}

void far_prefetch_bucket(const struct shard *s, const struct far_call *f)
{
    if (f->has_key) keyspace_prefetch_bucket(s->keyspace, f->db, &f->key);
}

void far_prefetch_entry(const struct shard *s, const struct far_call *f)
{
    if (f->has_key) keyspace_prefetch_entry(s->keyspace, f->db, &f->key);
}

static struct call make_call(struct shard *s, struct proxy *p, struct far_call *f)
{
    p->request = (struct resp_request){ f->argv, NULL, f->argc, f->request_bytes };
    return (struct call){
        .server = &s->server,
        .client = &p->client,
        .reply = &p->client.reply,
        .keyspace = s->keyspace,
        .command = f->command,
        .argv = f->argv,
        .argc = f->argc,
        .request = &p->request,
        .key = f->key,
        .has_key = f->has_key,
        .arrival_tsc = f->arrival_tsc,
        .now_ms = s->server.now_ms,
    };
}

// A command of its client, sent before it, has not begun: it waits here for a rendezvous (a script
// that begins anew), for a key that is closed, or for the end of a pause. What comes behind it may
// have a key in common with it.
enum { NOT_BEGUN = CLIENT_ELSEWHERE | CLIENT_HELD_BACK | CLIENT_PAUSED };

static bool must_wait(const struct shard *s, const struct far_call *f)
{
    const struct list *behind = &s->far_behind, *waiting = &s->proxies_waiting;
    for (struct list_node *n = list_first(behind); n; n = list_next(behind, n)) {
        const struct far_call *other = LIST_OWNER(n, struct far_call, behind);
        if (other == f) break;
        if (other->client_id == f->client_id) return true;
    }
    for (struct list_node *n = list_first(waiting); n; n = list_next(waiting, n)) {
        const struct client *c = &LIST_OWNER(n, struct proxy, link)->client;
        if (c->id == f->client_id && (c->flags & NOT_BEGUN)) return true;
    }
    return false;
}

static void run(struct shard *s, uint32_t from, struct far_call *f)
{
    struct proxy *p = take_proxy(s);
    bind_proxy(s, p, from, f);
    if (UNLIKELY(meeting_is_wanted(s))) meeting_stand(s);
    struct call call = make_call(s, p, f);
    command_execute(&call);
    settle(s, p);
}

void far_run_part(struct shard *s, uint32_t from, struct far_call *f, uint64_t now_ms)
{
    struct proxy *p = take_proxy(s);
    bind_proxy(s, p, from, f);
    p->client.flags |= CLIENT_PART;
    p->client.part_cycles = 0;
    struct call call = make_call(s, p, f);
    call.now_ms = now_ms;
    uint64_t start = clock_tsc();
    call.command->body(&call);
    p->client.part_cycles += clock_tsc() - start;
    s->job_ran = true; // it may have one now: not to sleep
    settle(s, p);
}

void far_run(struct shard *s, uint32_t from, struct far_call *f)
{
    bool may_wait = s->rendezvous.count != 0 || s->far_behind.count != 0 ||
                    s->server.jobs.held.count != 0 || s->server.pause.held.count != 0;
    if (UNLIKELY(may_wait) && must_wait(s, f))
        list_append(&s->far_behind, &f->behind);
    else
        run(s, from, f);
}

static void run_behind(struct shard *s)
{
    for (struct list_node *next, *n = list_first(&s->far_behind); n; n = next) {
        struct far_call *f = LIST_OWNER(n, struct far_call, behind);
        next = list_next(&s->far_behind, n);
        if (must_wait(s, f)) continue;
        list_remove(&s->far_behind, n);
        run(s, client_home_index(&s->server, f->client_id), f);
    }
}

void far_resume(struct shard *s, struct client *c)
{
    struct proxy *p = proxy_of(c);
    if (!list_node_is_linked(&p->resumed)) list_append(&s->proxies_resumed, &p->resumed);
}

uint32_t far_settle(struct shard *s)
{
    uint32_t count = 0;
    for (size_t left = s->proxies_resumed.count; left > 0; left--, count++) {
        struct list_node *node = list_take_first(&s->proxies_resumed);
        settle(s, LIST_OWNER(node, struct proxy, resumed));
    }
    if (UNLIKELY(s->far_behind.count != 0)) run_behind(s);
    return count;
}

void far_release(struct shard *s, struct proxy *p) { give_proxy(s, p); }

bool far_is_outdated(const struct shard *s, struct client *c)
{
    const struct far_call *f = proxy_of(c)->call;
    return UNLIKELY(f->generation != s->mesh.hub->node.placement.generation);
}

bool far_is_own(const struct shard *s, struct client *c)
{
    return proxy_of(c)->from == s->mesh.index;
}

void far_mark_returned(struct client *c) { proxy_of(c)->call->is_returned = true; }

static void replace_request(struct far_call *f, struct heap *heap,
                            const struct kept_request *request)
{
    struct kept_request *before = f->again;
    f->again = kept_new(heap, request->argv, request->argc, request->arrival_tsc);
    f->argv = (struct bytes *)(uintptr_t)f->again->argv;
    if (f->has_key) f->key.name = f->argv[f->command->first_key];
    if (before) kept_free(heap, before);
}

void far_return(struct shard *s, struct client *c, const struct kept_request *request)
{
    struct proxy *p = proxy_of(c);
    struct far_call *f = p->call;
    if (request) replace_request(f, s->mesh.hub->node.servers[p->from]->heap, request);
    f->kept_deadline_ms = c->kept_deadline_ms;
    f->is_returned = true;
    outq_clear(&p->stream.out);
    c->flags &= ~(uint32_t)CLIENT_SUSPENDED;
    far_resume(s, c); // not at once: others may be held
}

static bool is_behind(const struct shard *s, const struct far_call *f)
{
    const struct list *behind = &s->far_behind;
    for (struct list_node *n = list_first(behind); n; n = list_next(behind, n))
        if (n == &f->behind) return true;
    return false;
}

// The address alone is compared: when it is not found the call may be gone already.
void far_cancelled(struct shard *s, struct far_call *f)
{
    if (UNLIKELY(s->far_behind.count != 0) && is_behind(s, f)) {
        struct proxy *p = take_proxy(s);
        list_remove(&s->far_behind, &f->behind);
        bind_proxy(s, p, client_home_index(&s->server, f->client_id), f);
        reply_from(s, p);
        return;
    }
    struct list *waiting = &s->proxies_waiting;
    for (struct list_node *n = list_first(waiting); n; n = list_next(waiting, n)) {
        struct proxy *p = LIST_OWNER(n, struct proxy, link);
        if (p->call != f) continue;
        block_forget_client(&s->server, &p->client);
        jobs_forget_client(&s->server, &p->client);
        pause_forget_client(&s->server, &p->client);
        log_wait_forget_client(&s->server, &p->client);
        meeting_forget_client(s, &p->client);
        p->client.flags &= ~(uint32_t)CLIENT_SUSPENDED;
        if (list_node_is_linked(&p->resumed)) list_remove(&s->proxies_resumed, &p->resumed);
        settle(s, p);
        return;
    }
}

void far_cancel_part(struct shard *s, struct far_call *f)
{
    if (f->to == s->mesh.index)
        far_cancelled(s, f);
    else
        mesh_send(s, f->to, MESH_CANCEL, f);
}

void far_open(struct shard *s)
{
    list_init(&s->proxies_idle);
    list_init(&s->proxies_waiting);
    list_init(&s->proxies_resumed);
    list_init(&s->far_behind);
}

void far_close(struct shard *s)
{
    struct list_node *node;
    while ((node = list_take_first(&s->proxies_waiting)) != NULL) {
        struct proxy *p = LIST_OWNER(node, struct proxy, link);
        outq_clear(&p->stream.out);
        heap_give(&s->heap, p, sizeof *p, HEAP_SESSION);
    }
    while ((node = list_take_first(&s->proxies_idle)) != NULL)
        heap_give(&s->heap, LIST_OWNER(node, struct proxy, link), sizeof(struct proxy),
                  HEAP_SESSION);
    far_free_kept(s);
}
