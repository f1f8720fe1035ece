#include "dataplane/cmd/script_run.h"
#include <stdarg.h>
#include <stdio.h>
#include "dataplane/base/check.h"
#include "dataplane/base/fiber.h"
#include "dataplane/cmd/command_ids.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/kept.h"
#include "dataplane/cmd/memory.h"
#include "dataplane/cmd/script_cache.h"
#include "dataplane/cmd/script_shards.h"

enum {
    // What scripts need (script_host.h), and the commands that they run.
    STACK_BYTES = SCRIPT_STACK_BYTES + 512 * 1024,
};

// ---- opening and closing

void scripts_open(struct server *server)
{
    struct scripts *s = heap_take_zeroed(server->heap, sizeof *s, HEAP_SCRIPTS);
    s->server = server;
    s->client.authenticated = true;
    list_init(&s->dying);
    function_store_open(&s->functions, server->heap);
    server->scripts = s;
}

void scripts_close(struct server *server)
{
    struct scripts *s = server->scripts;
    while (scripts_shrink(server)) {
    }
    scripts_flush(s, SCRIPT_KIND_EVAL, true);
    scripts_flush(s, SCRIPT_KIND_FUNCTIONS, true);
    fiber_close(s->fiber);
    heap_give(server->heap, s, sizeof *s, HEAP_SCRIPTS);
    server->scripts = NULL;
}

void script_log(struct server *server, int level, const char *format, ...)
{
    if (!server->region_shard || level < server->settings->loglevel) return;
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    region_log_write(server->region_shard, server->bell, level, server->now_us, "%s", line);
}

// ---- the scripts' stack

static void run_work(void *context)
{
    struct scripts *s = context;
    s->work(&s->call, s->context);
}

// Begins the work, or goes on with it. True: it is done.
static bool enter(struct scripts *s, bool is_new)
{
    struct server *server = s->server;
    struct client *executing = server->executing;
    bool in_command = server->in_command;
    server->executing = s->call.client;
    server->in_command = s->is_inside = true;
    if (held_are_others(server)) held_join(server);
    bool done = is_new ? fiber_start(s->fiber, run_work, s) : fiber_enter(s->fiber);
    if (held_are_others(server)) held_leave(server);
    server->executing = executing;
    server->in_command = in_command;
    s->is_inside = false;
    return done;
}

struct script_job {
    struct job job;
    struct scripts *scripts;
};

static uint64_t nothing_pending(const struct stream *stream)
{
    (void)stream;
    return 0;
}
static void nothing_to_do(struct stream *stream) { (void)stream; }
static void nothing_to_pause(struct stream *stream, bool paused)
{
    (void)stream;
    (void)paused;
}
static const struct stream_ops nowhere_ops = { .flush = nothing_to_do,
                                               .close = nothing_to_do,
                                               .abort = nothing_to_do,
                                               .pause = nothing_to_pause,
                                               .pending = nothing_pending };

// A script may do what its client may, and what it reads its client has read, for client-side
// caching.
static void act_for(struct scripts *s, const struct client *c)
{
    s->client.id = c->id;
    s->client.tracker = c->tracker;
    s->client.user = c->user;
    s->client.is_restricted = c->is_restricted;
}

// Whose command it is may have changed since the last slice: he has gone, and c stands in for him.
static void set_client(struct scripts *s, struct client *c)
{
    struct script_run *run = s->running;
    s->call.client = c;
    s->call.reply = &c->reply;
    if (!run) return;
    run->call->client = c;
    run->call->reply = &c->reply;
    run->reply.out = c->reply.out;
    run->reply.muted = c->reply.muted;
    act_for(s, c);
}

static bool script_job_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct scripts *s = ((struct script_job *)job)->scripts;
    struct client *c = call->client;
    // Commands of an EXEC look at their client's connection. There is none: nothing reaches it.
    if (job->is_orphan) {
        s->nowhere = (struct stream){ .ops = &nowhere_ops, .fd = -1 };
        c->stream = &s->nowhere;
        c->flags |= CLIENT_CLOSE_NOW;
    }
    set_client(s, c);
    s->until_tsc = until_tsc;
    bool done = enter(s, false);
    if (job->is_orphan) c->stream = NULL;
    return done;
}

// The server is closing: it is brought to its end without running any further command.
static void stop_running(struct scripts *s)
{
    s->is_stopping = true;
    s->running->kill = SCRIPT_STOP;
    s->client.reply = (struct reply){ .version = 2, .muted = true };
    set_client(s, &s->client);
    CHECK(enter(s, false));
}

void scripts_stop(struct server *server)
{
    struct scripts *s = server->scripts;
    if (!s->running || !s->shards) return;
    server->held = s->shards;
    stop_running(s);
    server->held = 0;
}

static void script_job_close(struct job *job, struct server *server)
{
    struct scripts *s = ((struct script_job *)job)->scripts;
    if (s->running) stop_running(s);
    s->job = NULL;
    s->shards = 0;
    fiber_trim(s->fiber);
    heap_give(server->heap, job, sizeof(struct script_job), HEAP_SCRIPTS);
}

static const struct job_ops script_job_ops = { script_job_step, script_job_close };

static void suspend(struct call *call, struct scripts *s)
{
    struct script_job *job = heap_take_zeroed(s->server->heap, sizeof *job, HEAP_SCRIPTS);
    CHECK(!call->no_suspend);
    job->job.ops = &script_job_ops;
    job->scripts = s;
    call_start_job(call, &job->job);
    job->job.must_end = true;
    s->job = &job->job;
    s->call.argv = job->job.request->argv;
    s->call.request = NULL;
}

void script_on_stack(struct call *call, void (*work)(struct call *call, void *context),
                     void *context)
{
    struct scripts *s = call->server->scripts;
    if (s->is_inside) {
        work(call, context);
        return;
    }
    CHECK(!s->server->busy_script); // scripts are refused then
    if (UNLIKELY(!s->fiber)) CHECK(fiber_open(&s->fiber, STACK_BYTES) == OK);
    s->call = *call;
    s->work = work;
    s->context = context;
    if (LIKELY(enter(s, true))) {
        call->has_effect = s->call.has_effect;
        call->suspended = s->call.suspended;
    } else {
        suspend(call, s);
    }
}

bool scripts_must_stop(const struct server *server) { return server->scripts->is_stopping; }

// ---- before it runs

static uint32_t flags_of(const struct script *script, const struct script_function *function)
{
    return script ? script->flags : function->flags;
}

static bool is_read_only_command(const struct call *call)
{
    return call->command->flags & CMD_READONLY; // EVAL_RO and its like
}

// What the flags say that were declared; without them each command is looked at when it comes.
static bool may_start(struct call *call, uint32_t flags, bool is_over_memory)
{
    const char *refusal = NULL;
    if (flags & SCRIPT_COMPATIBLE) return true;
    if (!(flags & SCRIPT_NO_WRITES) && is_read_only_command(call))
        refusal = "ERR Can not execute a script with write flag using *_ro command.";
    else if (is_over_memory && !(flags & (SCRIPT_ALLOW_OOM | SCRIPT_NO_WRITES)))
        refusal = "OOM allow-oom flag is not set on the script, can not run it when used memory > "
                  "'maxmemory'";
    if (refusal) reply_error(call->reply, refusal);
    return !refusal;
}

void script_find_declared(const struct call *call, const struct script **script,
                          const struct script_function **function)
{
    struct scripts *s = call->server->scripts;
    uint16_t id = call->command->id;
    *script = NULL;
    *function = NULL;
    if (id == CMD_ID_FCALL || id == CMD_ID_FCALL_RO)
        *function = function_find(&s->functions, call->argv[1]);
    else if (id == CMD_ID_EVALSHA || id == CMD_ID_EVALSHA_RO)
        *script = script_find_sha(scripts_host(s, SCRIPT_KIND_EVAL), call->argv[1]);
    else
        *script = script_find_body(scripts_host(s, SCRIPT_KIND_EVAL), call->argv[1]);
}

static uint32_t declared_flags(const struct call *call)
{
    const struct script *script;
    const struct script_function *function;
    struct script_head head;
    struct bytes error;
    uint16_t id = call->command->id;
    script_find_declared(call, &script, &function);
    if (script || function) return flags_of(script, function);
    if (id != CMD_ID_EVAL && id != CMD_ID_EVAL_RO) return SCRIPT_COMPATIBLE;
    struct script_host *host = scripts_host(call->server->scripts, SCRIPT_KIND_EVAL);
    bool is_clear = script_parse_shebang(host, call->argv[1], &head, &error);
    return is_clear ? head.flags : SCRIPT_COMPATIBLE;
}

uint32_t script_command_flags(const struct call *call)
{
    uint32_t flags = call->command->flags;
    if (!command_runs_script(call->command)) return flags;
    uint32_t declared = declared_flags(call);
    if (declared & SCRIPT_COMPATIBLE) return flags;
    flags &= ~(uint32_t)(CMD_STALE | CMD_DENYOOM | CMD_WRITE | CMD_MAY_REPLICATE);
    if (!(declared & (SCRIPT_ALLOW_OOM | SCRIPT_NO_WRITES))) flags |= CMD_DENYOOM;
    if (!(declared & SCRIPT_NO_WRITES)) flags |= CMD_WRITE;
    if (declared & SCRIPT_ALLOW_STALE) flags |= CMD_STALE;
    return flags;
}

// ---- the run

static void begin(struct scripts *s, struct script_run *run, uint32_t flags)
{
    struct server *server = s->server;
    const struct client *caller = run->call->client;
    bool has_flags = !(flags & SCRIPT_COMPATIBLE);
    run->is_read_only = is_read_only_command(run->call) || (has_flags && flags & SCRIPT_NO_WRITES);
    run->may_exceed_memory = has_flags && flags & SCRIPT_ALLOW_OOM;
    run->reply = *run->call->reply;
    run->reply.error_count = 0;
    run->reply.error_code[0] = 0;
    run->now_ms = run->call->now_ms;
    run->started_ns = clock_now_ns(server->clock);
    s->client.db = caller->db;
    s->client.flags = caller->flags & CLIENT_NO_TOUCH;
    act_for(s, caller);
    s->running = run;
    if (!run->is_read_only) script_undo_begin(&run->undo, server, &s->client);
    held_begin(server);
    held_mark(server, &run->marks);
    script_shards_begin(s, run);
}

// Errors that commands of it have replied were counted with them, but the script has failed, too.
static void book_end(struct script_run *run)
{
    struct call *call = run->call;
    struct reply *r = call->reply;
    if (!run->reply.error_code[0]) return;
    if (!run->reply.error_count) {
        call->server->tally->commands[call->command->id].failed++;
        return;
    }
    r->error_count += run->reply.error_count;
    memcpy(r->error_code, run->reply.error_code, sizeof r->error_code);
}

static void undo_or_not(struct script_run *run, struct server *server)
{
    bool begins_again = run->kill == SCRIPT_AGAIN;
    bool is_undone = (run->kill == SCRIPT_KILL_UNDO || begins_again) && run->undo.is_on;
    // Who is to begin anew and cannot be undone has not written: only keys have expired.
    if (is_undone || run->kill == SCRIPT_KILL_UNDO || run->kill == SCRIPT_STOP)
        held_back_to(server, &run->marks);
    if (is_undone)
        script_undo_all(&run->undo, run->call, !begins_again);
    else
        script_undo_end(&run->undo);
}

static void finish(struct scripts *s, struct script_run *run, enum script_end end)
{
    struct server *server = s->server;
    held_mute(server, false);
    script_shards_end(s, run);
    undo_or_not(run, server);
    held_end(server);
    s->running = NULL;
    script_end_busy(s);
    if (run->kill == SCRIPT_AGAIN) return;
    book_end(run);
    if (end == SCRIPT_KILLED)
        script_log(server, LOG_NOTICE, "Script %.*s killed by user%s.", (int)run->name.size,
                   (const char *)run->name.data,
                   run->kill == SCRIPT_KILL_UNDO ? ", its writes undone" : "");
}

void script_start(struct call *call, const struct script *script,
                  const struct script_function *function, uint32_t key_count)
{
    struct scripts *s = call->server->scripts;
    struct script_run run;
    bool is_over = memory_is_over(s->server) && !s->server->replays_log;
    if (UNLIKELY(is_over)) is_over = !memory_make_room(s->server);
    if (s->is_stopping || !may_start(call, flags_of(script, function), is_over)) return;
    if (UNLIKELY(script_lacks_shards(s, call, script, function))) {
        script_begin_again(s, call);
        return;
    }
    run.call = call;
    run.kind = script ? SCRIPT_KIND_EVAL : SCRIPT_KIND_FUNCTIONS;
    run.name = script ? bytes_make(script->sha, SCRIPT_SHA_CHARS) : function->name;
    run.kill = SCRIPT_GOES_ON;
    run.shards = script_shards(call, script, function, key_count);
    run.needs_all = script_needs_all(script, function);
    run.is_over_memory = is_over;
    run.has_written = run.is_slow = run.undo.is_on = false;
    run.now_us = 0;
    begin(s, &run, flags_of(script, function));
    struct script_call with = { .keys = &call->argv[3],
                                .key_count = key_count,
                                .args = &call->argv[3 + key_count],
                                .arg_count = call->argc - 3 - key_count,
                                .reply = &run.reply };
    enum script_end end = script ? script_run(s->hosts[run.kind], script, &with)
                                 : script_function_run(s->hosts[run.kind], function, &with);
    finish(s, &run, end);
    if (UNLIKELY(run.kill == SCRIPT_AGAIN)) script_begin_again(s, call);
}
