#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/monitor.h"

static command_body cmd_monitor;

// clang-format off
const struct command cmd_monitor_rows[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(MONITOR, "monitor", cmd_monitor, 1, 0, 0, 0, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE, 0),
};
// clang-format on

static void cmd_monitor(struct call *call)
{
    struct client *c = call->client;
    if (call->no_suspend) {
        reply_error(call->reply, "ERR MONITOR isn't allowed for DENY BLOCKING client");
        return;
    }
    if (c->flags & CLIENT_MONITOR) return; // as Redis: it gets lines already, and no answer
    monitor_add(call->server, c);
    reply_ok(call->reply);
}
