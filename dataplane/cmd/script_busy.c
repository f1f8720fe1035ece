// script_busy.c: what may be asked of a script that runs, and ending it.
#include "dataplane/cmd/script_run.h"

uint64_t script_wall_us(struct server *server)
{
    struct script_run *run = server->scripts->running;
    if (!run) return clock_wall_us();
    if (!run->now_us) run->now_us = clock_wall_us();
    return run->now_us;
}

static const char *busy_text(enum script_kind kind)
{
    return kind == SCRIPT_KIND_EVAL ? "BUSY Redis is busy running a script. You can only call "
                                      "SCRIPT KILL or SHUTDOWN NOSAVE."
                                    : "BUSY Redis is busy running a script. You can only call "
                                      "FUNCTION KILL or SHUTDOWN NOSAVE.";
}

const char *script_busy_text(const struct server *server)
{
    return busy_text(server->busy_script->kind);
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

void call_script_kill(struct call *call, enum script_kind kind)
{
    struct script_run *run = call->server->busy_script;
    const char *refusal = NULL;
    bool undo = call->argc == 3 && bytes_is_option(call->argv[2], "undo");
    if (call->argc > (undo ? 3 : 2))
        refusal = reply_text_syntax;
    else if (!run)
        refusal = "NOTBUSY No scripts in execution right now.";
    else if (!(refusal = why_unkillable(run, undo)) && run->kind != kind)
        refusal = busy_text(run->kind);
    if (refusal) {
        reply_error(call->reply, refusal);
        return;
    }
    run->kill = undo ? SCRIPT_KILL_UNDO : SCRIPT_KILL;
    reply_ok(call->reply);
}

void reply_running_script(struct call *call)
{
    const struct script_run *run = call->server->busy_script;
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
