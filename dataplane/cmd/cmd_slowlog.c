#include "dataplane/cmd/cmd_client.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/peers.h"

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

static void reply_client(struct call *call, const struct slowlog_entry *e)
{
    char address[128];
    struct server *s = call->server, *home;
    const struct client *c = e->proxy_of ? peers_find_client(s, e->proxy_of, &home) : NULL;
    if (c) {
        uint32_t size = client_address_text(c, false, s->settings->unixsocket, address);
        reply_bulk(call->reply, bytes_make(address, size));
        reply_bulk_text(call->reply, c->name ? c->name : "");
    } else {
        reply_bulk(call->reply, e->address);
        reply_bulk(call->reply, e->name);
    }
}

// Redis's six fields, then ours: how long the request had waited, and its execution apart from
// that.
static void reply_entry(struct call *call, const struct slowlog_entry *e)
{
    struct reply *r = call->reply;
    reply_array(r, 8);
    reply_int(r, (int64_t)e->id);
    reply_int(r, (int64_t)e->time_s);
    reply_int(r, (int64_t)e->execute_us);
    reply_array(r, e->argc);
    for (uint32_t i = 0; i < e->argc; i++) reply_bulk(r, e->argv[i]);
    reply_client(call, e);
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
    struct slowlog_walk walk;
    uint64_t left, count = slowlog_walk_begin(call->server, &walk);
    if (call->argc > 3) {
        reply_errorf(call->reply,
                     "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try "
                     "SLOWLOG HELP.",
                     text_chars(call->argv[1]), (const char *)call->argv[1].data);
        return;
    }
    if (!count_asked_for(call, &left)) return;
    if (left > count) left = count;
    reply_array(call->reply, left);
    for (; left > 0; left--) reply_entry(call, slowlog_walk_next(call->server, &walk));
}

static void slowlog_len(struct call *call)
{
    struct slowlog_walk walk;
    reply_int(call->reply, (int64_t)slowlog_walk_begin(call->server, &walk));
}

static void slowlog_reset_body(struct call *call)
{
    for (uint32_t i = 0; i < server_peer_count(call->server); i++)
        slowlog_reset(server_peer(call->server, i));
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
