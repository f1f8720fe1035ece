#include "dataplane/cmd/script_call.h"
#include <stdio.h>
#include "dataplane/base/fiber.h"
#include "dataplane/cmd/acl_call.h"
#include "dataplane/cmd/script_shards.h"
#include "dataplane/cmd/persist.h"
#include "dataplane/types/digest.h"

_Static_assert((int)DIGEST_HEX_CHARS == (int)SCRIPT_SHA_CHARS, "scripts are named by a SHA-1");

// ---- redis.call

static bool refuse(struct call *call, const char *text)
{
    if (call->command) call->server->tally->commands[call->command->id].rejected++;
    reply_error(call->reply, text);
    command_book_errors(call);
    return false;
}

static bool arity_fits(const struct command *row, uint32_t argc)
{
    return row->arity >= 0 ? argc == (uint32_t)row->arity : argc >= (uint32_t)-row->arity;
}

// What a script has begun to write it may go on writing.
static bool memory_fits(const struct script_run *run, const struct call *call)
{
    return LIKELY(!run->is_over_memory) || run->may_exceed_memory || run->has_written ||
           !(call->command->flags & CMD_DENYOOM);
}

// Whoever runs the script may do no more by it than else.
static bool is_permitted(const struct script_run *run, struct call *call)
{
    char why[ACL_REFUSAL_MAX], text[ACL_REFUSAL_MAX + 32];
    if (acl_allows_script(call, run->call->client, why)) return true;
    snprintf(text, sizeof text, "ERR ACL failure in script: %s", why);
    return refuse(call, text);
}

static bool may_run(struct script_run *run, struct call *call)
{
    const struct command *row = call->command;
    if (UNLIKELY(!row)) return refuse(call, "ERR Unknown Redis command called from script");
    if (UNLIKELY(!arity_fits(row, call->argc)))
        return refuse(call, "ERR Wrong number of args calling Redis command from script");
    if (UNLIKELY(row->flags & CMD_NOSCRIPT) && !call->server->scripts_may_do_all)
        return refuse(call, "ERR This Redis command is not allowed from script");
    if (UNLIKELY(run->call->client->is_restricted) && !is_permitted(run, call)) return false;
    if (UNLIKELY(run->is_read_only && row->flags & (CMD_WRITE | CMD_MAY_REPLICATE)))
        return refuse(call, "ERR Write commands are not allowed from read-only scripts.");
    if (UNLIKELY(!memory_fits(run, call))) return refuse(call, reply_text_oom);
    if (UNLIKELY(persist_has_failed(call->server->persist)) && row->flags & CMD_WRITE) {
        char text[PERSIST_REFUSAL_MAX];
        const char *why = persist_refusal(call->server, text);
        if (why) return refuse(call, why);
    }
    return true;
}

static const char *why_killed(const struct script_run *run)
{
    switch (run->kill) {
    case SCRIPT_GOES_ON:
        break;
    case SCRIPT_KILL:
        return run->kind == SCRIPT_KIND_EVAL ? "ERR Script killed by user with SCRIPT KILL."
                                             : "ERR Script killed by user with FUNCTION KILL.";
    case SCRIPT_KILL_UNDO:
        return run->kind == SCRIPT_KIND_EVAL
                   ? "ERR Script killed by user with SCRIPT KILL UNDO, its writes were undone."
                   : "ERR Script killed by user with FUNCTION KILL UNDO, its writes were undone.";
    case SCRIPT_AGAIN:
        return "ERR Script begins anew with all shards.";
    case SCRIPT_STOP:
        return "ERR Script ended by the server's shutdown.";
    }
    return NULL;
}

static void note_write(struct script_run *run, const struct call *call)
{
    if (!(call->command->flags & CMD_WRITE)) return;
    script_undo_prepare(&run->undo, call);
    run->has_written = true;
}

static void run_routed(struct scripts *s, struct script_run *run, struct call *call)
{
    struct route route = route_of(call);
    const char *refusal;
    if (UNLIKELY(!route_is_within(call, &route, run->shards)) &&
        !script_reaches_out(s, run, &route, &refusal)) {
        if (refusal)
            refuse(call, refusal);
        else
            reply_error(call->reply, why_killed(run));
        return;
    }
    note_write(run, call);
    route_run_within(call, &route);
}

static void op_command(void *context, const struct bytes *argv, uint32_t argc, struct reply *reply)
{
    struct scripts *s = context;
    struct script_run *run = s->running;
    struct call call = { .server = s->server,
                         .client = &s->client,
                         .reply = reply,
                         .keyspace = s->server->keyspace,
                         .argv = (struct bytes *)(uintptr_t)argv,
                         .argc = argc,
                         .now_ms = run->now_ms,
                         .no_suspend = true };
    command_prepare(&call);
    if (UNLIKELY(run->kill == SCRIPT_AGAIN)) { // until it sees that it has been ended
        reply_error(reply, why_killed(run));
        return;
    }
    if (!may_run(run, &call)) return;
    if (UNLIKELY(server_is_one_of_many(s->server))) {
        run_routed(s, run, &call);
        return;
    }
    note_write(run, &call);
    command_run(&call);
}

// ---- time

static bool is_slow(struct scripts *s, struct script_run *run)
{
    struct server *server = s->server;
    int64_t threshold_ms = server->settings->busy_reply_threshold;
    if (threshold_ms <= 0 || server->replays_log) return false;
    uint64_t elapsed_ms = (clock_now_ns(server->clock) - run->started_ns) / 1000000;
    if (elapsed_ms < (uint64_t)threshold_ms) return false;
    script_log(server, LOG_WARNING,
               "Slow script detected: still in execution after %llu milliseconds. You can try "
               "killing the script using the %s command. Script name is: %.*s.",
               (unsigned long long)elapsed_ms,
               run->kind == SCRIPT_KIND_EVAL ? "SCRIPT KILL" : "FUNCTION KILL", (int)run->name.size,
               (const char *)run->name.data);
    return true;
}

static const char *poll_load(const struct scripts *s)
{
    bool is_late = clock_now_ns(s->server->clock) > s->load_until_ns;
    return is_late ? "ERR FUNCTION LOAD timeout" : NULL;
}

static const char *op_poll(void *context)
{
    struct scripts *s = context;
    struct script_run *run = s->running;
    if (!run) return poll_load(s);
    if (UNLIKELY(run->kill == SCRIPT_AGAIN)) return why_killed(run);
    if (!run->is_slow) {
        if (LIKELY(!is_slow(s, run))) return NULL;
        run->is_slow = true;
        script_set_busy(s, run);
    } else if (clock_tsc() < s->until_tsc) {
        return NULL;
    }
    if (run->kill == SCRIPT_GOES_ON) fiber_yield(s->fiber);
    return why_killed(run);
}

// ---- the rest

static void op_log(void *context, enum script_log_level level, struct bytes text)
{
    static const int levels[] = { [SCRIPT_LOG_DEBUG] = LOG_DEBUG,
                                  [SCRIPT_LOG_VERBOSE] = LOG_VERBOSE,
                                  [SCRIPT_LOG_NOTICE] = LOG_NOTICE,
                                  [SCRIPT_LOG_WARNING] = LOG_WARNING };
    enum { TEXT_MAX = 1000 };
    int size = text.size < TEXT_MAX ? (int)text.size : TEXT_MAX;
    struct scripts *s = context;
    if (s->running && s->running->kill == SCRIPT_AGAIN) return;
    script_log(s->server, levels[level], "%.*s", size, (const char *)text.data);
}

static void op_sha1hex(void *context, struct bytes data, char hex[SCRIPT_SHA_CHARS])
{
    (void)context;
    digest_sha1_hex(data, hex);
}

static enum script_acl op_acl_check(void *context, const struct bytes *argv, uint32_t argc)
{
    struct scripts *s = context;
    struct call call = { .server = s->server,
                         .client = &s->client,
                         .keyspace = s->server->keyspace,
                         .argv = (struct bytes *)(uintptr_t)argv,
                         .argc = argc };
    command_prepare(&call);
    if (!call.command) return SCRIPT_ACL_UNKNOWN_COMMAND;
    const struct acl_user *user = acl_client_user(s->server, s->running->call->client);
    struct acl_verdict verdict = acl_judge(user, call.command, argv, argc);
    return verdict.denial == ACL_ALLOWED ? SCRIPT_ACL_ALLOWED : SCRIPT_ACL_DENIED;
}

// There is one stream of effects, for log and replicas alike: it gets what either is to have.
static void op_set_repl(void *context, unsigned mask)
{
    struct scripts *s = context;
    held_mute(s->server, mask == SCRIPT_REPL_NONE);
}

const struct script_host_ops script_call_ops = {
    .command = op_command,
    .poll = op_poll,
    .log = op_log,
    .sha1hex = op_sha1hex,
    .acl_check = op_acl_check,
    .set_repl = op_set_repl,
};
