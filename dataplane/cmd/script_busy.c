// script_busy.c: what may be asked of a script that runs, and ending it.
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/script_run.h"

uint64_t script_wall_us(struct server *server)
{
    struct script_run *run = server->scripts->running;
    if (!run) return clock_wall_us();
    if (!run->now_us) run->now_us = clock_wall_us();
    return run->now_us;
}

const char *script_kind_busy_text(enum script_kind kind)
{
    return kind == SCRIPT_KIND_EVAL ? "BUSY Redis is busy running a script. You can only call "
                                      "SCRIPT KILL or SHUTDOWN NOSAVE."
                                    : "BUSY Redis is busy running a script. You can only call "
                                      "FUNCTION KILL or SHUTDOWN NOSAVE.";
}

const char *script_busy_text(const struct server *server)
{
    return script_kind_busy_text(server->busy_script->kind);
}

static const char *why_unkillable(const struct script_run *run, bool undo)
{
    if (!run->has_written) return NULL;
    if (!undo)
        return "UNKILLABLE Sorry the script already executed write commands against the dataset. "
               "You can either wait the script termination or kill the server in a hard way using "
               "the SHUTDOWN NOSAVE command. Or let KILL UNDO end it and undo what it wrote.";
    if (!run->undo.is_on)
        return "UNKILLABLE Sorry the script has written what cannot be undone (a whole database, "
               "a string of more than 32 KiB, or more than script-undo-memory). You can either "
               "wait the script termination or kill the server in a hard way using the SHUTDOWN "
               "NOSAVE command.";
    return NULL;
}

static struct script_run *find_busy(struct server *s, enum script_kind kind)
{
    struct script_run *other = NULL;
    for (uint32_t i = 0; i < server_peer_count(s); i++) {
        struct script_run *run = server_peer(s, i)->busy_script;
        if (run && run->kind == kind) return run;
        if (run) other = run;
    }
    return other;
}

// Of each shard one may run: all of this kind that can be ended are.
static uint32_t kill_all(struct server *s, enum script_kind kind, bool undo)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < server_peer_count(s); i++) {
        struct script_run *run = server_peer(s, i)->busy_script;
        if (!run || run->kind != kind || why_unkillable(run, undo)) continue;
        run->kill = undo ? SCRIPT_KILL_UNDO : SCRIPT_KILL;
        count++;
    }
    return count;
}

void call_script_kill(struct call *call, enum script_kind kind)
{
    const struct script_run *run = find_busy(call->server, kind);
    const char *refusal = NULL;
    bool undo = call->argc == 3 && bytes_is_option(call->argv[2], "undo");
    if (call->argc > (undo ? 3 : 2))
        refusal = reply_text_syntax;
    else if (!run)
        refusal = "NOTBUSY No scripts in execution right now.";
    else if (!kill_all(call->server, kind, undo) && !(refusal = why_unkillable(run, undo)))
        refusal = script_kind_busy_text(run->kind); // of the other kind
    if (refusal) {
        reply_error(call->reply, refusal);
        return;
    }
    reply_ok(call->reply);
}

const struct script_run *script_find_busy(struct server *s)
{
    return find_busy(s, SCRIPT_KIND_FUNCTIONS);
}

void reply_running_script(struct call *call)
{
    const struct script_run *run = script_find_busy(call->server);
    struct reply *r = call->reply;
    if (!run) {
        reply_null(r);
        return;
    }
    uint64_t elapsed_ns = clock_now_ns(call->server->clock) - run->started_ns;
    reply_map(r, 3);
    reply_bulk_text(r, "name");
    reply_bulk(r, run->name);
    reply_bulk_text(r, "command");
    reply_array(r, run->call->argc);
    for (uint32_t i = 0; i < run->call->argc; i++) reply_bulk(r, run->call->argv[i]);
    reply_bulk_text(r, "duration_ms");
    reply_int(r, (int64_t)(elapsed_ns / 1000000));
}
