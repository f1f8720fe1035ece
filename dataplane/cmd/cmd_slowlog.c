#include "dataplane/cmd/cmd_client.h"
#include "dataplane/cmd/cmd_rows.h"

static command_body slowlog_get, slowlog_help, slowlog_len, slowlog_reset_body;

enum { SLOWLOG_OPERATOR = CMD_ADMIN | CMD_LOADING | CMD_STALE };

// clang-format off
const struct command cmd_slowlog_subs[] = {
    // id, container, name, body, arity, first, last, step, flags, categories
    SUBCOMMAND(SLOWLOG_GET, "slowlog", "get", slowlog_get, -2, 0, 0, 0, SLOWLOG_OPERATOR, 0),
    SUBCOMMAND(SLOWLOG_HELP, "slowlog", "help", slowlog_help, 2, 0, 0, 0, CMD_LOADING | CMD_STALE, 0),
    SUBCOMMAND(SLOWLOG_LEN, "slowlog", "len", slowlog_len, 2, 0, 0, 0, SLOWLOG_OPERATOR, 0),
    SUBCOMMAND(SLOWLOG_RESET, "slowlog", "reset", slowlog_reset_body, 2, 0, 0, 0, SLOWLOG_OPERATOR, 0),
};
const struct command cmd_slowlog[] = {
    // id, name, body, arity, flags, categories, subcommands
    CONTAINER(SLOWLOG, "slowlog", NULL, -2, 0, 0, cmd_slowlog_subs),
};
// clang-format on

enum { SLOWLOG_GET_NORMALLY = 10 };

// Redis's six fields, then ours: how long the request had waited, and its execution apart from
// that.
static void reply_entry(struct reply *r, const struct slowlog_entry *e)
{
    reply_array(r, 8);
    reply_int(r, (int64_t)e->id);
    reply_int(r, (int64_t)e->time_s);
    reply_int(r, (int64_t)e->execute_us);
    reply_array(r, e->argc);
    for (uint32_t i = 0; i < e->argc; i++) reply_bulk(r, e->argv[i]);
    reply_bulk(r, e->address);
    reply_bulk(r, e->name);
    reply_int(r, (int64_t)e->wait_us);
    reply_int(r, (int64_t)e->execute_us);
}

static bool count_asked_for(struct call *call, uint64_t *count)
{
    int64_t given = SLOWLOG_GET_NORMALLY;
    const char *error = "ERR count should be greater than or equal to -1";
    if (call->argc == 3 && !call_int(call, 2, &given, error)) return false;
    if (given < -1) {
        reply_error(call->reply, error);
        return false;
    }
    *count = given < 0 ? UINT64_MAX : (uint64_t)given;
    return true;
}

static void slowlog_get(struct call *call)
{
    const struct list *all = &call->server->slowlog.all;
    uint64_t left;
    if (call->argc > 3) {
        reply_errorf(call->reply,
                     "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try "
                     "SLOWLOG HELP.",
                     text_chars(call->argv[1]), (const char *)call->argv[1].data);
        return;
    }
    if (!count_asked_for(call, &left)) return;
    if (left > all->count) left = all->count;
    reply_array(call->reply, left);
    for (struct list_node *n = list_first(all); left > 0; n = list_next(all, n), left--)
        reply_entry(call->reply, LIST_OWNER(n, struct slowlog_entry, link));
}

static void slowlog_len(struct call *call)
{
    reply_int(call->reply, (int64_t)call->server->slowlog.all.count);
}

static void slowlog_reset_body(struct call *call)
{
    slowlog_reset(call->server);
    reply_ok(call->reply);
}

static void slowlog_help(struct call *call)
{
    static const char *const lines[] = {
        "GET [<count>]",
        "    Return top <count> entries from the slowlog (default: 10, -1 mean all).",
        "    Entries are made of:",
        "    id, timestamp, time in microseconds, arguments array, client IP and port,",
        "    client name, microseconds waited before the start, microseconds of execution",
        "LEN",
        "    Return the length of the slowlog.",
        "RESET",
        "    Reset the slowlog.",
        NULL,
    };
    call_reply_help(call, lines);
}
