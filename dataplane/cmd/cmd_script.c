#include "dataplane/base/num.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/script_cache.h"

static command_body cmd_eval, cmd_evalsha, script_load, script_exists, script_flush, script_kill,
    script_debug, script_help;

enum {
    EVAL_FLAGS =
        CMD_NOSCRIPT | CMD_SKIP_MONITOR | CMD_NO_MANDATORY_KEYS | CMD_STALE | CMD_MOVABLEKEYS
};

// clang-format off
const struct command cmd_script_subs[] = {
    // id, of, name, body, arity, first, last, step, flags, categories
    SUBCOMMAND(SCRIPT_DEBUG, "script", "debug", script_debug, 3, 0, 0, 0, CMD_NOSCRIPT, ACL_SCRIPTING),
    SUBCOMMAND(SCRIPT_EXISTS, "script", "exists", script_exists, -3, 0, 0, 0, CMD_NOSCRIPT, ACL_SCRIPTING),
    SUBCOMMAND(SCRIPT_FLUSH, "script", "flush", script_flush, -2, 0, 0, 0, CMD_NOSCRIPT, ACL_SCRIPTING),
    SUBCOMMAND(SCRIPT_HELP, "script", "help", script_help, 2, 0, 0, 0, CMD_LOADING | CMD_STALE, ACL_SCRIPTING),
    // Redis takes no further argument; ours may be UNDO.
    SUBCOMMAND(SCRIPT_KILL, "script", "kill", script_kill, -2, 0, 0, 0, CMD_NOSCRIPT | CMD_ALLOW_BUSY, ACL_SCRIPTING),
    SUBCOMMAND(SCRIPT_LOAD, "script", "load", script_load, 3, 0, 0, 0, CMD_NOSCRIPT | CMD_STALE, ACL_SCRIPTING),
};
const struct command cmd_scripts[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(EVAL, "eval", cmd_eval, -3, 0, 0, 0, EVAL_FLAGS | CMD_MAY_REPLICATE, ACL_SCRIPTING),
    COMMAND(EVAL_RO, "eval_ro", cmd_eval, -3, 0, 0, 0, EVAL_FLAGS | CMD_READONLY, ACL_SCRIPTING),
    COMMAND(EVALSHA, "evalsha", cmd_evalsha, -3, 0, 0, 0, EVAL_FLAGS | CMD_MAY_REPLICATE, ACL_SCRIPTING),
    COMMAND(EVALSHA_RO, "evalsha_ro", cmd_evalsha, -3, 0, 0, 0, EVAL_FLAGS | CMD_READONLY, ACL_SCRIPTING),
    CONTAINER(SCRIPT, "script", NULL, -2, 0, 0, cmd_script_subs),
};
// clang-format on

// ---- EVAL and EVALSHA

static bool parse_key_count(struct call *call, uint32_t *count)
{
    int64_t value;
    if (!call_int(call, 2, &value, NULL)) return false;
    const char *error = NULL;
    if (value > (int64_t)call->argc - 3)
        error = "ERR Number of keys can't be greater than number of args";
    else if (value < 0)
        error = "ERR Number of keys can't be negative";
    if (error) reply_error(call->reply, error);
    *count = (uint32_t)value;
    return !error;
}

static struct script_host *host_of(const struct call *call)
{
    return scripts_host(call->server->scripts, SCRIPT_KIND_EVAL);
}

static void refuse_unknown(struct call *call)
{
    reply_error(call->reply, "NOSCRIPT No matching script. Please use EVAL.");
}

// NULL: its error is the reply.
static struct script *add_script(struct call *call, struct bytes body)
{
    struct bytes error;
    struct script *script = scripts_add(call->server->scripts, body, &error);
    if (!script) reply_error_bytes(call->reply, error);
    return script;
}

static void run_body(struct call *call, void *context)
{
    uint32_t key_count;
    (void)context;
    if (!parse_key_count(call, &key_count)) return;
    struct script *script = script_find_body(host_of(call), call->argv[1]);
    if (!script) {
        script = add_script(call, call->argv[1]);
        if (script) scripts_add_to_peers(call->server, script->body);
    }
    if (script) script_start(call, script, NULL, key_count);
}

static void run_sha(struct call *call, void *context)
{
    uint32_t key_count;
    (void)context;
    if (!parse_key_count(call, &key_count)) return;
    struct script *script = script_find_sha(host_of(call), call->argv[1]);
    if (script)
        script_start(call, script, NULL, key_count);
    else
        refuse_unknown(call);
}

static void cmd_eval(struct call *call) { script_on_stack(call, run_body, NULL); }

static void cmd_evalsha(struct call *call)
{
    if (call->argv[1].size != SCRIPT_SHA_CHARS)
        refuse_unknown(call); // whatever comes behind
    else
        script_on_stack(call, run_sha, NULL);
}

// ---- SCRIPT

static void load_body(struct call *call, void *context)
{
    (void)context;
    struct script *script = add_script(call, call->argv[2]);
    if (script) reply_bulk(call->reply, bytes_make(script->sha, SCRIPT_SHA_CHARS));
}

static void script_load(struct call *call) { script_on_stack(call, load_body, NULL); }

static void script_exists(struct call *call)
{
    reply_array(call->reply, call->argc - 2);
    for (uint32_t i = 2; i < call->argc; i++)
        reply_int(call->reply, script_find_sha(host_of(call), call->argv[i]) != NULL);
}

static void script_flush(struct call *call)
{
    bool at_once;
    if (call->argc > 3 || !script_flush_mode(call, &at_once)) {
        reply_error(call->reply, "ERR SCRIPT FLUSH only support SYNC|ASYNC option");
        return;
    }
    scripts_flush(call->server->scripts, SCRIPT_KIND_EVAL, at_once);
    reply_ok(call->reply);
}

static void script_kill(struct call *call) { call_script_kill(call, SCRIPT_KIND_EVAL); }

static void script_debug(struct call *call)
{
    struct bytes mode = call->argv[2];
    if (bytes_is_option(mode, "no"))
        reply_ok(call->reply);
    else if (bytes_is_option(mode, "yes") || bytes_is_option(mode, "sync"))
        reply_error(call->reply, "ERR The Lua debugger is not supported");
    else
        reply_error(call->reply, "ERR Use SCRIPT DEBUG YES/SYNC/NO");
}

static void script_help(struct call *call)
{
    static const char *const lines[] = {
        "DEBUG (YES|SYNC|NO)",
        "    Accepts NO: there is no debugger.",
        "EXISTS <sha1> [<sha1> ...]",
        "    Tell which of these scripts are in the script cache.",
        "FLUSH [ASYNC|SYNC]",
        "    Empty the script cache: SYNC frees its memory at once, else in the background.",
        "KILL [UNDO]",
        "    End the script that runs for too long, if it has not written. UNDO: also if it has,",
        "    and undo its writes.",
        "LOAD <script>",
        "    Put a script into the script cache without running it.",
        NULL,
    };
    call_reply_help(call, lines);
}
