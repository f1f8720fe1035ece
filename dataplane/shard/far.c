#include "dataplane/shard/far.h"
#include "dataplane/base/check.h"
#include "dataplane/base/prefetch.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/kept.h"
#include "dataplane/cmd/pause.h"
#include "dataplane/cmd/tracking.h"
#include "dataplane/shard/lent.h"
#include "dataplane/shard/far_again.h"
#include "dataplane/shard/meeting.h"
#include "dataplane/shard/mesh.h"
#include "dataplane/shard/scatter.h"
#include "dataplane/shard/shard.h"

// What of a client's flags concerns how its command runs on another shard.
enum { CARRIED_FLAGS = CLIENT_NO_TOUCH | CLIENT_UNIX_SOCKET };

struct proxy {
    struct client client;
    struct stream stream;   // its addresses and output; no connection
    struct tracker tracker; // what of the client's concerns how it reads
    struct far_source source;
    struct far_call *call; // what it runs; NULL: nothing
    uint32_t from;
    struct list_node link; // on shard->proxies_idle, or ->proxies_waiting
    struct list_node resumed;
};

struct far_slot { // a reply that keeps its place behind others
    struct far_call call;
    struct outq out;
    struct far_source source;
    uint64_t pushed_bytes; // in client->pushes_bytes
    uint8_t bytes[FAR_REPLY_BYTES];
};

// ---- output whose first block is in the far call

static void release_nothing(struct piece *p) { (void)p; }

static struct piece *source_take(struct piece_source *source, const struct outq *q, uint32_t want)
{
    struct far_source *f = (struct far_source *)source;
    if (f->is_used) return f->beyond->take(f->beyond, q, want);
    f->is_used = true;
    f->first =
        (struct piece){ .data = f->bytes, .room = FAR_REPLY_BYTES, .release = release_nothing };
    return &f->first;
}

static struct piece *source_take_ref(struct piece_source *source, struct bytes bytes,
                                     void (*release_value)(void *value), void *value)
{
    struct far_source *f = (struct far_source *)source;
    return f->beyond->take_ref(f->beyond, bytes, release_value, value);
}

static void source_init(struct far_source *f, struct piece_source *beyond, uint8_t *bytes)
{
    f->source.take = source_take;
    f->source.take_ref = source_take_ref;
    f->beyond = beyond;
    f->bytes = bytes;
    f->is_used = false;
}

// ---- the sender: making and sending a call

static size_t argument_bytes(const struct call *call)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < call->argc; i++) bytes += call->argv[i].size;
    return bytes;
}

// The client's name goes along for SLOWLOG.
static struct far_call *far_new(struct shard *s, const struct call *call)
{
    const char *name = call->client->name;
    size_t name_bytes = name ? strlen(name) + 1 : 0;
    size_t bytes = sizeof(struct far_call) + call->argc * sizeof(struct bytes) +
                   argument_bytes(call) + name_bytes;
    struct far_call *f = heap_take(&s->heap, bytes, HEAP_CLIENT_IN);
    memset(f, 0, offsetof(struct far_call, reply));
    f->bytes = bytes;
    f->argv = (struct bytes *)(f + 1);
    uint8_t *at = (uint8_t *)&f->argv[call->argc];
    for (uint32_t i = 0; i < call->argc; i++) {
        f->argv[i] = bytes_make(at, call->argv[i].size);
        if (call->argv[i].size) memcpy(at, call->argv[i].data, call->argv[i].size);
        at += call->argv[i].size;
    }
    if (name) f->client_name = memcpy(at, name, name_bytes);
    f->argc = call->argc;
    return f;
}

static bool has_block_option(const struct call *call)
{
    for (uint32_t i = 1; i < call->argc; i++)
        if (bytes_is_word(call->argv[i], "block")) return true;
    return false;
}

bool far_may_block(const struct call *call)
{
    if (LIKELY(!(call->command->flags & CMD_BLOCKING))) return false;
    bool is_read = call->command->name[0] == 'x'; // XREAD, XREADGROUP
    return !is_read || has_block_option(call);
}

static struct far_call *far_fill(struct shard *s, const struct call *call, uint32_t to)
{
    const struct client *c = call->client;
    struct far_call *f = far_new(s, call);
    f->to = to;
    f->command = call->command;
    f->has_key = call->has_key;
    if (f->has_key) f->key = (struct key){ f->argv[call->command->first_key], call->key.hash };
    f->client_id = c->id;
    f->arrival_tsc = call->arrival_tsc;
    f->is_tracking = c->tracker != NULL;
    if (UNLIKELY(f->is_tracking)) f->tracking_mode = c->tracker->mode;
    f->remote = c->stream->remote;
    f->kind = c->stream->kind;
    f->db = c->db;
    f->client_flags = c->flags & CARRIED_FLAGS;
    f->version = c->reply.version;
    f->is_muted = c->reply.muted;
    f->generation = s->mesh.hub->node.placement.generation;
    f->kept_deadline_ms = client_deadline(c, 0);
    f->request_bytes = call->request ? call->request->bytes : 0;
    s->far_calls_open++;
    return f;
}

void far_send(struct shard *s, struct session *session, struct call *call, uint32_t to)
{
    struct far_call *f = far_fill(s, call, to);
    f->session = session;
    f->may_block = far_may_block(call);
    session->far_generation = f->generation;
    list_append(&session->far, &f->link);
    if (f->may_block) session_wait_for_far(session); // nothing of it runs meanwhile
    mesh_send(s, to, MESH_CALL, f);
}

struct far_call *far_new_part(struct shard *s, const struct call *call, uint32_t to)
{
    struct far_call *f = far_fill(s, call, to);
    f->is_part = true;
    return f;
}

// ---- the sender: replies

void far_free(struct shard *s, struct far_call *f)
{
    if (UNLIKELY(f->again != NULL)) kept_free(&s->heap, f->again);
    heap_give(&s->heap, f, f->bytes, HEAP_CLIENT_IN);
}

const struct outq *far_output(const struct far_call *f)
{
    return f->proxy ? &f->proxy->stream.out : NULL;
}

void far_give_back(struct shard *s, uint32_t to, struct proxy *p)
{
    if (to == s->mesh.index)
        far_release(s, p);
    else
        mesh_send(s, to, MESH_RELEASE, p);
}

static void append_pieces(struct outq *to, const struct outq *from)
{
    for (const struct piece *p = from->head; p; p = p->next)
        outq_append(to, bytes_make(p->data, p->used));
}

// Much is sent from where it is.
static void append_output(struct shard *s, struct outq *to, const struct far_call *f)
{
    const struct outq *from = &f->proxy->stream.out;
    if (from->bytes < LENT_OUTPUT_MIN) {
        append_pieces(to, from);
        far_give_back(s, f->to, f->proxy);
        return;
    }
    struct lent *l = lent_open(s, f->to, f->proxy);
    for (const struct piece *p = from->head; p; p = p->next)
        lent_add(l, to, bytes_make(p->data, p->used));
    lent_done(l);
}

// f's reply, behind what is in the session's output; f is gone.
static void deliver(struct shard *s, struct session *session, struct far_call *f)
{
    struct client *c = &session->client;
    struct outq *out = &c->stream->out;
    if (f->is_slot) {
        struct far_slot *slot = (struct far_slot *)f;
        if (!session->closing) append_pieces(out, &slot->out);
        outq_clear(&slot->out);
        c->pushes_bytes -= slot->pushed_bytes;
    } else if (f->proxy && !session->closing) {
        append_output(s, out, f);
    } else if (f->proxy) {
        far_give_back(s, f->to, f->proxy);
    } else if (f->reply_bytes && !session->closing) {
        outq_append(out, bytes_make(f->reply, f->reply_bytes));
    }
    if (f->closes) c->flags |= CLIENT_CLOSE_AFTER_REPLY;
    far_free(s, f);
}

static void deliver_ready(struct shard *s, struct session *session)
{
    struct list_node *node;
    while ((node = list_first(&session->far)) != NULL) {
        struct far_call *f = LIST_OWNER(node, struct far_call, link);
        if (!f->is_done) break;
        list_remove(&session->far, node);
        deliver(s, session, f);
    }
    if (UNLIKELY(session->returned_count)) far_send_again(s, session);
    session_enforce_output_limit(s, session);
    session_mark_dirty(s, session);
    if (session->far.count == 0 && session->waits_for_far) {
        session->waits_for_far = false;
        session->client.flags &= ~(uint32_t)CLIENT_ELSEWHERE;
        resume_later(s, session);
    }
}

void far_replied(struct shard *s, struct far_call *f)
{
    struct session *session = f->session;
    s->far_calls_open--;
    f->is_done = true;
    if (UNLIKELY(f->is_part)) {
        scatter_part_is_done(s, f);
        return;
    }
    if (session) {
        if (UNLIKELY(f->is_returned)) far_came_back(session, f);
        deliver_ready(s, session);
        return;
    }
    if (f->proxy) far_give_back(s, f->to, f->proxy);
    far_free(s, f);
}

static struct far_slot *new_slot(struct shard *s, struct session *session)
{
    struct far_slot *slot = heap_take(&s->heap, sizeof *slot, HEAP_CLIENT_IN);
    memset(&slot->call, 0, offsetof(struct far_call, reply));
    slot->call.bytes = sizeof *slot;
    slot->call.session = session;
    slot->call.is_slot = true;
    slot->pushed_bytes = 0;
    source_init(&slot->source, &s->overflow.source, slot->bytes);
    outq_init(&slot->out, &slot->source.source);
    return slot;
}

void far_slot_begin(struct shard *s, struct session *session)
{
    if (LIKELY(session->far.count == 0) || session->slot) return;
    session->slot = new_slot(s, session);
    session->client.reply.out = &session->slot->out;
}

// Behind the last reply that does not have to be waited for long. NULL: there is none.
static struct list_node *last_reply(const struct session *session)
{
    struct list_node *n = session->far.root.prev;
    for (; n != &session->far.root; n = n->prev) {
        const struct far_call *f = LIST_OWNER(n, struct far_call, link);
        if (f->is_done || (!f->may_block && !f->is_slot)) return n;
    }
    return NULL;
}

struct outq *far_push_output(struct server *server, struct client *c, size_t bytes)
{
    struct shard *s = server->shard;
    if (c->flags & CLIENT_PROXY) return c->reply.out;
    struct session *session = session_of(c);
    struct far_slot *own = session->slot;
    // What its own command brought about, or the reply to it has begun.
    if (own && (!list_node_is_linked(&own->call.link) || own->out.bytes)) return c->reply.out;
    struct list_node *after = last_reply(session);
    if (LIKELY(!after)) return &c->stream->out;
    struct far_call *f = LIST_OWNER(after, struct far_call, link);
    struct far_slot *slot = (struct far_slot *)f;
    if (!f->is_slot) {
        slot = new_slot(s, session);
        slot->call.is_done = true;
        list_insert_between(&session->far, after, after->next, &slot->call.link);
    }
    slot->pushed_bytes += bytes;
    c->pushes_bytes += bytes;
    return &slot->out;
}

// A command that was suspended goes on writing to its slot: far_slot_end comes again when the
// client goes on (resume.c).
void far_slot_end(struct shard *s, struct session *session)
{
    struct far_slot *slot = session->slot;
    struct client *c = &session->client;
    if (LIKELY(!slot)) return;
    bool is_linked = list_node_is_linked(&slot->call.link);
    if ((c->flags & CLIENT_SUSPENDED & ~(uint32_t)CLIENT_ELSEWHERE)) {
        if (!is_linked) list_append(&session->far, &slot->call.link);
        return;
    }
    session->slot = NULL;
    c->reply.out = &c->stream->out;
    slot->call.is_done = true;
    if (is_linked) {
        deliver_ready(s, session);
    } else if (slot->out.bytes == 0 || session->far.count == 0) {
        deliver(s, session, &slot->call); // it said nothing, or all before it has left
    } else {
        list_append(&session->far, &slot->call.link);
    }
}

void far_forget_session(struct shard *s, struct session *session)
{
    struct list_node *node;
    struct far_slot *slot = session->slot;
    session->slot = NULL;
    session->client.reply.out = &session->client.stream->out;
    if (slot && !list_node_is_linked(&slot->call.link)) {
        outq_clear(&slot->out);
        far_free(s, &slot->call);
    }
    while ((node = list_take_first(&session->far)) != NULL) {
        struct far_call *f = LIST_OWNER(node, struct far_call, link);
        if (!f->is_done && !f->is_slot && !f->is_back) {
            f->session = NULL;
            far_cancel_part(s, f);
            continue;
        }
        if (f->is_slot) {
            outq_clear(&((struct far_slot *)f)->out);
            session->client.pushes_bytes -= ((struct far_slot *)f)->pushed_bytes;
        }
        if (!f->is_slot && f->proxy) far_give_back(s, f->to, f->proxy);
        far_free(s, f);
    }
    session->returned_count = 0;
    session->waits_for_far = false;
}

bool far_has_blocked(const struct session *session)
{
    for (struct list_node *n = list_first(&session->far); n; n = list_next(&session->far, n)) {
        const struct far_call *f = LIST_OWNER(n, struct far_call, link);
        if (f->may_block && !f->is_done) return true;
    }
    return false;
}

// ---- the runner

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
    p->from = from;
    source_init(&p->source, &s->overflow.source, f->reply);
    outq_init(&p->stream.out, &p->source.source);
    p->stream.remote = f->remote;
    p->stream.kind = f->kind;
    c->id = f->client_id;
    c->name = (char *)(uintptr_t)f->client_name; // borrowed; nobody frees it
    c->flags = f->client_flags | CLIENT_PROXY;
    c->db = f->db;
    c->kept_deadline_ms = f->kept_deadline_ms;
    c->kept_for = c->command_count + 1;
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
    if (UNLIKELY(p->client.flags & CLIENT_SUSPENDED)) {
        if (!is_waiting) list_append(&s->proxies_waiting, &p->link);
        return;
    }
    if (is_waiting) list_remove(&s->proxies_waiting, &p->link);
    reply_from(s, p);
}

void far_prefetch(struct shard *s, const uint64_t *words, uint32_t count)
{
    (void)s;
    for (uint32_t i = 0; i < count; i++) prefetch((const void *)(uintptr_t)(words[i] & ~15ull));
}

static struct call make_call(struct shard *s, struct proxy *p, struct far_call *f)
{
    f->request = (struct resp_request){ f->argv, NULL, f->argc, f->request_bytes };
    return (struct call){
        .server = &s->server,
        .client = &p->client,
        .reply = &p->client.reply,
        .keyspace = s->keyspace,
        .command = f->command,
        .argv = f->argv,
        .argc = f->argc,
        .request = &f->request,
        .key = f->key,
        .has_key = f->has_key,
        .arrival_tsc = f->arrival_tsc,
        .now_ms = s->server.now_ms,
    };
}

// A command of its client, sent before it, waits here for a rendezvous (a script that begins anew).
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
        if (c->id == f->client_id && (c->flags & CLIENT_ELSEWHERE)) return true;
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
    bool may_wait = s->rendezvous.count != 0 || s->far_behind.count != 0;
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
}
