#include "dataplane/cmd/aof_play.h"
#include <stdio.h>
#include "dataplane/base/check.h"
#include "dataplane/base/num.h"
#include "dataplane/cmd/call_home.h"
#include "dataplane/cmd/changed.h"
#include "dataplane/cmd/command_ids.h"
#include "dataplane/cmd/held.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/rename.h"
#include "dataplane/cmd/route.h"
#include "dataplane/cmd/script_run.h"

// ---- what is as it never is else

static uint64_t nothing_pending(const struct stream *stream)
{
    (void)stream;
    return 0;
}
static void nothing_to_do(struct stream *stream) { (void)stream; }
static const struct stream_ops nowhere = { .flush = nothing_to_do,
                                           .close = nothing_to_do,
                                           .abort = nothing_to_do,
                                           .pending = nothing_pending };

void aof_play_open(struct aof_play *p, struct server *first)
{
    *p = (struct aof_play){ .commands_left = UINT64_MAX, .server = first };
    heap_piece_source_init(&p->pieces, first->heap, 4096);
    p->stream = (struct stream){ .ops = &nowhere, .fd = -1 };
    outq_init(&p->stream.out, &p->pieces.source);
    p->client = (struct client){
        .stream = &p->stream,
        .reply = { .out = &p->stream.out,
                   .heap = first->heap,
                   .version = 2,
                   .muted = true,
                   .error_text = p->error_text },
        .authenticated = true,
    };
}

void aof_play_close(struct aof_play *p) { outq_clear(&p->stream.out); }

static void set_apart(struct aof_play *p, bool on)
{
    for (uint32_t i = 0; i < server_peer_count(p->server); i++) {
        struct server *s = server_peer(p->server, i);
        s->replays_log = on;
        keyspace_ignore_expiry(s->keyspace, on);
        if (on)
            s->on_changed = NULL;
        else
            changed_steer(s);
    }
}

static void stop_effects(struct aof_play *p)
{
    for (uint32_t i = 0; i < server_peer_count(p->server); i++) {
        struct effects *e = &server_peer(p->server, i)->effects;
        CHECK(e->count == 0 && e->held == 0);
        p->sinks[i] = (struct aof_play_sink){ e->sink, e->muted };
        e->sink = NULL;
    }
}

static void restore_effects(struct aof_play *p)
{
    for (uint32_t i = 0; i < server_peer_count(p->server); i++) {
        struct effects *e = &server_peer(p->server, i)->effects;
        e->sink = p->sinks[i].sink;
        e->muted = p->sinks[i].is_muted; // redis.set_repl in a script of the log
    }
}

void aof_play_begin(struct aof_play *p)
{
    struct server *s = p->server;
    stop_effects(p);
    set_apart(p, true);
    s->held = shard_set_all(server_peer_count(s));
    s->executing = &p->client;
    s->in_command = true;
    if (held_are_others(s)) held_join(s);
}

void aof_play_end(struct aof_play *p)
{
    struct server *s = p->server;
    held_leave(s);
    s->executing = NULL;
    s->in_command = false;
    s->held = 0;
    set_apart(p, false);
    restore_effects(p);
}

// ---- what a command is

enum kind { KIND_RUNS, KIND_SELECTS, KIND_IS_PASSED, KIND_IS_REFUSED };

static enum kind kind_of(const struct command *row)
{
    if (row->id == CMD_ID_SELECT) return KIND_SELECTS;
    if (row->id == CMD_ID_PING) return KIND_IS_PASSED;
    if (!row->body || row->flags & CMD_ADMIN) return KIND_IS_REFUSED;
    if (row->flags & CMD_PUBSUB) // who publishes tells nobody, who listens has no business here
        return row->flags & CMD_MAY_REPLICATE ? KIND_IS_PASSED : KIND_IS_REFUSED;
    if (row->flags & (CMD_WRITE | CMD_MAY_REPLICATE)) return KIND_RUNS;
    if (row->id == CMD_ID_SCRIPT_LOAD || row->id == CMD_ID_SCRIPT_FLUSH) return KIND_RUNS;
    return row->flags & CMD_READONLY ? KIND_IS_PASSED : KIND_IS_REFUSED;
}

// By the name that clients use, as Redis writes and looks it up; or by its own, which rewritten
// effects have.
static const struct command *find_row(const struct server *s, const struct bytes *argv,
                                      uint32_t argc)
{
    const struct command *row = server_find_command(s, argv[0]);
    if (UNLIKELY(!row)) row = command_find(argv[0]);
    if (LIKELY(!row || !row->subcommand_count || argc < 2)) return row;
    return command_find_sub(row, argv[1]);
}

static bool arity_fits(const struct command *row, uint32_t argc)
{
    return row->arity >= 0 ? argc == (uint32_t)row->arity : argc >= (uint32_t)-row->arity;
}

static bool is_of_whole_server(const struct command *row)
{
    enum route_kind kind = route_kind_of(row);
    return kind == ROUTE_ALL || kind == ROUTE_EACH;
}

// ---- refusals

static int shown(struct bytes text) { return text.size < 64 ? (int)text.size : 64; }

static bool refuse_name(struct aof_play *p, struct bytes name, const char *why)
{
    snprintf(p->refusal, sizeof p->refusal, "%s '%.*s'", why, shown(name),
             name.size ? (const char *)name.data : "");
    return false;
}

static bool select_database(struct aof_play *p, struct bytes text, uint32_t *db)
{
    int64_t count = p->server->settings->databases;
    uint64_t value;
    if (!num_parse_uint(text, &value)) return refuse_name(p, text, "SELECT of no database:");
    if (value >= (uint64_t)count) {
        snprintf(p->refusal, sizeof p->refusal,
                 "SELECT of database %lu, of a server configured to handle more than %ld databases",
                 (unsigned long)value, (long)count);
        return false;
    }
    *db = (uint32_t)value;
    return true;
}

// ---- one command

struct prepared {
    struct call call;
    enum route_kind kind;
    uint32_t db;
};

// Where its keys are, as for a command of a transaction (route.h).
static void bind(struct call *call, enum route_kind *kind)
{
    *kind = ROUTE_KEYS;
    if (LIKELY(!server_is_one_of_many(call->server))) return;
    struct route route = route_of(call);
    *kind = route.kind;
    route_bind(call, &route);
}

// False: it is refused. command NULL: there is nothing to run.
static bool prepare(struct aof_play *p, struct bytes *argv, uint32_t argc, uint32_t *db,
                    struct prepared *out)
{
    struct server *s = p->server;
    const struct command *row = find_row(s, argv, argc);
    out->call.command = NULL;
    if (UNLIKELY(!row)) return refuse_name(p, argv[0], "Unknown command");
    if (UNLIKELY(!arity_fits(row, argc)))
        return refuse_name(p, argv[0], "Wrong number of arguments of command");
    enum kind kind = kind_of(row);
    if (UNLIKELY(kind != KIND_RUNS)) {
        if (kind == KIND_SELECTS) return select_database(p, argv[1], db);
        return kind == KIND_IS_PASSED || refuse_name(p, argv[0], "Not a command that a log holds:");
    }
    out->db = p->client.db = *db;
    out->call = (struct call){ .server = s,
                               .client = &p->client,
                               .reply = &p->client.reply,
                               .keyspace = s->keyspace,
                               .command = row,
                               .argv = argv,
                               .argc = argc,
                               .now_ms = s->now_ms,
                               .no_suspend = true };
    struct call *call = &out->call;
    call->has_key = row->first_key > 0 && (uint32_t)row->first_key < argc;
    if (LIKELY(call->has_key)) call->key = key_make(s->keyspace, argv[row->first_key]);
    bind(call, &out->kind);
    if (LIKELY(call->has_key)) keyspace_prefetch_bucket(call->keyspace, *db, &call->key);
    return true;
}

// One that answers with an error has changed nothing, or as much as when it was written: Redis
// goes on, too.
static void note_error(struct aof_play *p, const struct call *call)
{
    struct server *s = p->server;
    struct call first = { .server = s }; // whose log tells of the load
    uint64_t every_ns = AOF_PLAY_LOG_EVERY_S * 1000000000ull;
    p->errors++;
    if (p->error_logged_ns && s->now_ns < p->error_logged_ns + every_ns) return;
    call_log(&first, LOG_WARNING,
             "== CRITICAL == This server is sending an error to its AOF-loading-client: '%.200s' "
             "after processing the command '%s'",
             p->error_text, call->command->full_name);
    if (p->errors - p->errors_logged > 1)
        call_log(&first, LOG_WARNING, "%lu such errors were not logged",
                 (unsigned long)(p->errors - p->errors_logged - 1));
    p->error_logged_ns = s->now_ns;
    p->errors_logged = p->errors;
}

static void run(struct aof_play *p, struct prepared *one)
{
    struct call *call = &one->call;
    struct reply *r = call->reply;
    p->client.db = one->db;
    r->error_count = 0;
    if (UNLIKELY(jobs_are_watched(call->server)) || call_is_joint(call)) jobs_tell_call(call);
    call->command->body(call);
    if (UNLIKELY(one->kind == ROUTE_EACH) && !r->error_count) route_run_for_others(call);
    if (UNLIKELY(command_runs_script(call->command)) && held_are_others(p->server))
        held_join(p->server); // a script lets them go at its end
    if (UNLIKELY(r->error_count)) note_error(p, call);
}

// ---- several

static uint32_t prepare_some(struct aof_play *p, struct aof_queue *q, uint32_t *db, bool is_part,
                             struct prepared *out, enum aof_play_result *result)
{
    size_t count = q->whole - q->done;
    uint32_t made = 0;
    if (count > AOF_PLAY_AHEAD) count = AOF_PLAY_AHEAD;
    if (count > p->commands_left) count = p->commands_left;
    *result = AOF_PLAY_GOES_ON;
    for (; made < count; made++) {
        const struct aof_command *c = &q->commands[q->done + made];
        struct prepared *one = &out[made];
        if (UNLIKELY(!prepare(p, aof_queue_argv(q, c), c->argc, db, one)))
            *result = AOF_PLAY_REFUSED;
        else if (is_part && one->call.command && is_of_whole_server(one->call.command))
            *result = AOF_PLAY_WAITS;
        if (UNLIKELY(*result != AOF_PLAY_GOES_ON)) return made;
    }
    return made;
}

enum aof_play_result aof_play_step(struct aof_play *p, struct aof_queue *q, uint32_t *db,
                                   bool is_part)
{
    struct prepared some[AOF_PLAY_AHEAD];
    enum aof_play_result result;
    uint32_t count = prepare_some(p, q, db, is_part, some, &result);
    for (uint32_t i = 0; i < count; i++)
        if (LIKELY(some[i].call.command && some[i].call.has_key))
            keyspace_prefetch_entry(some[i].call.keyspace, some[i].db, &some[i].call.key);
    for (uint32_t i = 0; i < count; i++, q->done++)
        if (LIKELY(some[i].call.command != NULL)) run(p, &some[i]);
    p->commands_left -= count;
    if (result != AOF_PLAY_GOES_ON) return result;
    return aof_queue_may_run(q) ? AOF_PLAY_GOES_ON : AOF_PLAY_DONE;
}

void aof_play_whole(struct aof_play *p, struct aof_queue *q, uint32_t db)
{
    struct prepared one;
    const struct aof_command *c = &q->commands[q->done];
    CHECK(aof_queue_may_run(q) && prepare(p, aof_queue_argv(q, c), c->argc, &db, &one));
    run(p, &one);
    q->done++;
}
