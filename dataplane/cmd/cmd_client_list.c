#include "dataplane/base/num.h"
#include "dataplane/cmd/acl_call.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/cmd_client.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/memory.h"
#include "dataplane/cmd/peers.h"
#include "dataplane/cmd/pubsub.h"
#include "dataplane/cmd/tracking.h"
#include "dataplane/cmd/transaction.h"

enum {
    SLICED_FROM = 256, // clients: from here on CLIENT LIST is a job
    LINES_PER_LOOK = 4,
};

// ---- kinds

static const char *const kinds[] = { [CLIENT_KIND_NORMAL] = "normal",
                                     [CLIENT_KIND_REPLICA] = "replica",
                                     [CLIENT_KIND_PUBSUB] = "pubsub",
                                     [CLIENT_KIND_MASTER] = "master" };

enum client_kind client_kind(const struct client *c)
{
    return c->flags & CLIENT_SUBSCRIBED ? CLIENT_KIND_PUBSUB : CLIENT_KIND_NORMAL;
}

bool client_parse_kind(struct call *call, struct bytes word, enum client_kind *kind)
{
    *kind = CLIENT_KIND_REPLICA;
    if (bytes_is_option(word, "slave")) return true;
    for (uint32_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        *kind = (enum client_kind)i;
        if (bytes_is_option(word, kinds[i])) return true;
    }
    reply_errorf(call->reply, "ERR Unknown client type '%.*s'", text_chars(word),
                 (const char *)word.data);
    return false;
}

// ---- a line

static uint64_t output_bytes(const struct client *c)
{
    const struct stream *stream = c->stream;
    return stream->out.bytes + (stream->ops ? stream->ops->pending(stream) : 0) + c->pushes_bytes;
}

enum { FLAGS_MAX = 16 };

static void flags_text(const struct server *s, const struct client *c, char out[FLAGS_MAX])
{
    enum { WAITS = CLIENT_BLOCKED | CLIENT_HELD_BACK | CLIENT_PAUSED | CLIENT_WAITS_THERE };
    const uint32_t flags = c->flags, mode = c->tracker ? c->tracker->mode : 0;
    const struct {
        bool is_set;
        char letter;
    } letters[] = {
        { flags & CLIENT_MONITOR, 'O' },
        { flags & CLIENT_SUBSCRIBED, 'P' },
        { flags & CLIENT_IN_MULTI, 'x' },
        { flags & WAITS, 'b' },
        { c->tracker != NULL, 't' },
        { mode & TRACKING_BROKEN_REDIRECT, 'R' },
        { mode & TRACKING_BCAST, 'B' },
        { transaction_seems_stale(s, c), 'd' },
        { flags & CLIENT_CLOSE_AFTER_REPLY, 'c' },
        { flags & CLIENT_CLOSE_NOW, 'A' },
        { flags & CLIENT_UNIX_SOCKET, 'U' },
        { flags & CLIENT_NO_EVICT, 'e' },
        { flags & CLIENT_NO_TOUCH, 'T' },
    };
    _Static_assert(sizeof letters / sizeof *letters < FLAGS_MAX, "each has its place");
    uint32_t size = 0;
    for (uint32_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (letters[i].is_set) out[size++] = letters[i].letter;
    if (size == 0) out[size++] = 'N';
    out[size] = 0;
}

uint64_t client_seconds_since(uint64_t now_ms, uint64_t then_ms)
{
    return now_ms > then_ms ? (now_ms - then_ms) / 1000 : 0;
}

static const char *shown(const char *text) { return text ? text : ""; }

static void add_identity(struct text *t, const struct server *s, const struct client *c)
{
    char remote[128], local[128], flags[FLAGS_MAX];
    client_address_text(c, false, s->settings->unixsocket, remote);
    client_address_text(c, true, s->settings->unixsocket, local);
    flags_text(s, c, flags);
    text_add(t, "id=%lu addr=%s laddr=%s fd=%d name=%s age=%lu idle=%lu flags=%s db=%u",
             (unsigned long)c->id, remote, local, c->stream->fd, shown(c->name),
             (unsigned long)client_seconds_since(s->now_ms, c->created_ms),
             (unsigned long)client_seconds_since(s->now_ms, c->last_command_ms), flags, c->db);
}

void client_add_line(struct text *t, const struct server *s, const struct client *c)
{
    const struct command *last = command_by_id(c->last_command_id);
    uint64_t output = output_bytes(c);
    add_identity(t, s, c);
    text_add(t, " sub=%lu psub=%lu ssub=%lu multi=%ld",
             (unsigned long)pubsub_count(c, PUBSUB_CHANNEL),
             (unsigned long)pubsub_count(c, PUBSUB_PATTERN),
             (unsigned long)pubsub_count(c, PUBSUB_SHARD_CHANNEL),
             c->flags & CLIENT_IN_MULTI ? (long)c->transaction->count : -1L);
    text_add(t, " qbuf=%lu qbuf-free=0 argv-mem=%lu multi-mem=%lu",
             (unsigned long)c->query_buffer_bytes, (unsigned long)c->arguments_bytes,
             (unsigned long)transaction_memory(c));
    // Replies have no buffer of the client's own: rbs is 0, and what is owed is obl, or omem with
    // what the transport holds.
    text_add(t, " rbs=0 rbp=%lu obl=%lu oll=0 omem=%lu tot-mem=%lu events=%s cmd=%s",
             (unsigned long)c->output_peak_bytes, (unsigned long)c->stream->out.bytes,
             (unsigned long)output, (unsigned long)memory_of_client(c), output ? "rw" : "r",
             last ? last->full_name : "NULL");
    struct bytes user = acl_client_name(s, c);
    text_add(t, " user=%.*s redir=%ld resp=%u lib-name=%s lib-ver=%s", text_chars(user),
             (const char *)user.data, c->tracker ? (long)c->tracker->redirect : -1L,
             c->reply.version, shown(c->lib_name), shown(c->lib_version));
}

void client_info(struct call *call)
{
    struct text t;
    text_open(&t, call->server->heap);
    client_add_line(&t, call->server, call->client);
    text_add(&t, "\n");
    reply_verbatim(call->reply, "txt", text_bytes(&t));
    text_close(&t);
}

// ---- CLIENT LIST: of many clients slice by slice; each is shown as it is at its moment. With
// several shards it has to be done while they stand.

struct list_job {
    struct job job;
    struct text text;
    bool by_kind;
    enum client_kind kind;
    uint32_t walk_count;
    struct client_walk walks[]; // one of each shard's clients
};

static void add_list_line(struct text *t, const struct server *s, const struct client *c)
{
    if (client_is_gone(c)) return;
    client_add_line(t, s, c);
    text_add(t, "\n");
}

// The walk with the least id ahead: each goes by ascending ids. walk_count: none is left.
static uint32_t next_walk(const struct list_job *l)
{
    uint32_t least = l->walk_count;
    uint64_t least_id = UINT64_MAX;
    for (uint32_t i = 0; i < l->walk_count; i++) {
        const struct client *c = client_walk_peek(&l->walks[i]);
        if (!c || c->id >= least_id) continue;
        least = i;
        least_id = c->id;
    }
    return least;
}

static bool list_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct list_job *l = (struct list_job *)job;
    for (uint32_t i = 1, from; (from = next_walk(l)) < l->walk_count; i++) {
        struct server *home = server_peer(call->server, from);
        const struct client *c = client_walk_next(&home->clients, &l->walks[from]);
        if (!l->by_kind || client_kind(c) == l->kind) add_list_line(&l->text, home, c);
        if (i % LINES_PER_LOOK == 0 && !job_may_go_on(until_tsc)) return false;
    }
    reply_verbatim(call->reply, "txt", text_bytes(&l->text));
    return true;
}

static size_t list_bytes(const struct list_job *l)
{
    return sizeof *l + l->walk_count * sizeof *l->walks;
}

static void list_close(struct job *job, struct server *s)
{
    struct list_job *l = (struct list_job *)job;
    for (uint32_t i = 0; i < l->walk_count; i++)
        client_walk_end(&server_peer(s, i)->clients, &l->walks[i]);
    text_close(&l->text);
    heap_give(s->heap, l, list_bytes(l), HEAP_OTHER);
}

static struct list_job *list_begin(struct server *s)
{
    static const struct job_ops ops = { list_step, list_close };
    struct list_job like = { .job.ops = &ops, .walk_count = server_peer_count(s) };
    struct list_job *l = heap_take_zeroed(s->heap, list_bytes(&like), HEAP_OTHER);
    *l = like;
    text_open(&l->text, s->heap);
    for (uint32_t i = 0; i < l->walk_count; i++)
        client_walk_begin(&server_peer(s, i)->clients, &l->walks[i]);
    return l;
}

static void list_all(struct call *call, bool by_kind, enum client_kind kind)
{
    struct server *s = call->server;
    struct list_job *l = list_begin(s);
    l->by_kind = by_kind;
    l->kind = kind;
    if (server_is_one_of_many(s) || s->clients.all.count < SLICED_FROM)
        call_run_job(call, &l->job);
    else
        call_start_job(call, &l->job);
}

static void list_ids(struct call *call)
{
    struct text t;
    bool fine = true;
    text_open(&t, call->server->heap);
    for (uint32_t i = 3; i < call->argc && fine; i++) {
        struct server *home;
        int64_t id;
        fine = call_int(call, i, &id, "ERR Invalid client ID");
        const struct client *c = fine ? peers_find_client(call->server, (uint64_t)id, &home) : NULL;
        if (c) add_list_line(&t, home, c);
    }
    if (fine) reply_verbatim(call->reply, "txt", text_bytes(&t));
    text_close(&t);
}

// One who waits for a key of another shard is not seen by its own: each is marked for the list.
static void mark_waiting(void *context, struct server *s, struct client *proxy)
{
    const bool *on = context;
    struct server *home;
    struct client *c = peers_find_client(s, proxy->id, &home);
    if (!c) return; // it has gone
    if (*on)
        c->flags |= CLIENT_WAITS_THERE;
    else
        c->flags &= ~(uint32_t)CLIENT_WAITS_THERE;
}

static void mark_all_waiting(struct server *s, bool on)
{
    for (uint32_t i = 0; i < server_peer_count(s); i++)
        blocks_each_proxy(server_peer(s, i), mark_waiting, &on);
}

void client_list(struct call *call)
{
    enum client_kind kind = CLIENT_KIND_NORMAL;
    mark_all_waiting(call->server, true);
    if (call->argc == 4 && bytes_is_option(call->argv[2], "TYPE")) {
        if (client_parse_kind(call, call->argv[3], &kind)) list_all(call, true, kind);
    } else if (call->argc > 3 && bytes_is_option(call->argv[2], "ID")) {
        list_ids(call);
    } else if (call->argc != 2) {
        reply_error(call->reply, reply_text_syntax);
    } else {
        list_all(call, false, kind);
    }
    mark_all_waiting(call->server, false);
}
