#include "dataplane/cmd/cmd_rows.h"

static command_body cmd_ping, cmd_echo, cmd_select;

// clang-format off
const struct command cmd_connection[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(PING, "ping", cmd_ping, -1, 0, 0, 0, CMD_FAST | CMD_SENTINEL, ACL_CONNECTION),
    COMMAND(ECHO, "echo", cmd_echo, 2, 0, 0, 0, CMD_LOADING | CMD_STALE | CMD_FAST, ACL_CONNECTION),
    COMMAND(SELECT, "select", cmd_select, 2, 0, 0, 0, CMD_LOADING | CMD_STALE | CMD_FAST, ACL_CONNECTION),
};
// clang-format on

static void cmd_ping(struct call *call)
{
    if (call->argc > 2)
        reply_error_arity(call->reply, call->command->full_name);
    else if (call->argc == 2)
        reply_bulk(call->reply, call->argv[1]);
    else
        reply_status(call->reply, "PONG");
}

static void cmd_echo(struct call *call) { reply_bulk(call->reply, call->argv[1]); }

static void cmd_select(struct call *call)
{
    if (call_db_index(call, 1, &call->client->db)) reply_ok(call->reply);
}
