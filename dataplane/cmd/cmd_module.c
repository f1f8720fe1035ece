// cmd_module.c: MODULE. There are no modules: what asks for them is answered as Redis answers when
// there are none, and loading says so.
#include "dataplane/cmd/cmd_rows.h"

static command_body module_help, module_list, module_load, module_unload;

enum { MODULE_CHANGE = CMD_NO_ASYNC_LOADING | CMD_ADMIN | CMD_NOSCRIPT | CMD_PROTECTED };

// clang-format off
const struct command cmd_module_subs[] = {
    // id, container, name, body, arity, first, last, step, flags, categories
    SUBCOMMAND(MODULE_HELP, "module", "help", module_help, 2, 0, 0, 0, CMD_LOADING | CMD_STALE, 0),
    SUBCOMMAND(MODULE_LIST, "module", "list", module_list, 2, 0, 0, 0, CMD_ADMIN | CMD_NOSCRIPT, 0),
    SUBCOMMAND(MODULE_LOAD, "module", "load", module_load, -3, 0, 0, 0, MODULE_CHANGE, 0),
    SUBCOMMAND(MODULE_LOADEX, "module", "loadex", module_load, -3, 0, 0, 0, MODULE_CHANGE, 0),
    SUBCOMMAND(MODULE_UNLOAD, "module", "unload", module_unload, 3, 0, 0, 0, MODULE_CHANGE, 0),
};
const struct command cmd_module[] = {
    // id, name, body, arity, flags, categories, subcommands
    CONTAINER(MODULE, "module", NULL, -2, 0, 0, cmd_module_subs),
};
// clang-format on

static void module_list(struct call *call) { reply_array(call->reply, 0); }

static void module_load(struct call *call)
{
    reply_error(call->reply, "ERR Error loading the extension: Penstock does not support modules");
}

static void module_unload(struct call *call)
{
    reply_error(call->reply, "ERR Error unloading module: no such module with that name");
}

static void module_help(struct call *call)
{
    static const char *const lines[] = {
        "LIST",
        "    Return the loaded modules: none, as Penstock does not support modules.",
        "LOAD <path> [<arg> ...]",
        "    Refused.",
        "LOADEX <path> [[CONFIG NAME VALUE] [CONFIG NAME VALUE]] [ARGS ...]",
        "    Refused.",
        "UNLOAD <name>",
        "    Refused: there is no such module.",
        NULL,
    };
    call_reply_help(call, lines);
}
