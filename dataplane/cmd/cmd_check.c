// cmd_check.c: why a command does not run: the refusals, in the order in which Redis looks.
#include <stdio.h>
#include <string.h>
#include "dataplane/base/status.h"
#include "dataplane/cmd/acl_call.h"
#include "dataplane/cmd/cmd.h"
#include "dataplane/cmd/command_ids.h"
#include "dataplane/cmd/memory.h"
#include "dataplane/cmd/persist.h"
#include "dataplane/cmd/script_run.h"
#include "dataplane/cmd/rename.h"
#include "dataplane/cmd/transaction.h"

// Every refusal ends here. One inside MULTI makes EXEC abort; a refused EXEC ends the transaction.
// text: with its code ("ERR ...").
bool command_refuse(struct call *call, const char *text)
{
    struct client *c = call->client;
    if (call->command) call->server->tally->commands[call->command->id].rejected++;
    if (call->command && call->command->id == CMD_ID_EXEC) {
        transaction_discard(call->server, c);
        bool is_plain = strncmp(text, "ERR ", 4) == 0; // its code is left out, others stay
        reply_errorf(call->reply, "EXECABORT Transaction discarded because of: %s",
                     is_plain ? text + 4 : text);
        return false;
    }
    if (c->flags & CLIENT_IN_MULTI) c->flags |= CLIENT_BROKEN_MULTI;
    reply_error(call->reply, text);
    return false;
}

// A web page made a browser send us an HTTP request (cross-protocol scripting): its lines are not
// to be run as commands. Redis does the same, for the same two words.
static bool is_web_request(struct bytes name)
{
    return bytes_is_word(name, "post") || bytes_is_word(name, "host:");
}

static bool refuse_web_request(struct call *call)
{
    char address[128];
    client_address_text(call->client, false, call->server->settings->unixsocket, address);
    call_log(call, LOG_WARNING,
             "Possible SECURITY ATTACK detected: POST or Host: was sent as a command, as by a web "
             "page that uses a browser against this server. Connection from %s aborted.",
             address);
    call->client->flags |= CLIENT_CLOSE_NOW;
    return false;
}

static bool refuse_unknown(struct call *call)
{
    const struct command *container = server_find_command(call->server, call->argv[0]);
    if (!container && is_web_request(call->argv[0])) return refuse_web_request(call);
    if (call->client->flags & CLIENT_IN_MULTI) call->client->flags |= CLIENT_BROKEN_MULTI;
    if (!container)
        reply_error_unknown_command(call->reply, call->argv, call->argc);
    else
        reply_error_unknown_subcommand(call->reply, call->argv[0], call->argv[1]);
    return false;
}

static bool arity_fits(const struct command *row, uint32_t argc)
{
    return row->arity >= 0 ? argc == (uint32_t)row->arity : argc >= (uint32_t)-row->arity;
}

static bool refuse_arity(struct call *call)
{
    char text[128];
    snprintf(text, sizeof text, "ERR wrong number of arguments for '%s' command",
             call->command->full_name);
    return command_refuse(call, text);
}

// DEBUG and MODULE are open only as far as the operator said.
static bool protected_fits(const struct call *call)
{
    const struct settings *s = call->server->settings;
    int64_t open_to =
        call->command->id == CMD_ID_DEBUG ? s->enable_debug_command : s->enable_module_command;
    return open_to == LOCAL_YES || (open_to == LOCAL_ONLY && client_is_local(call->client));
}

static bool refuse_protected(struct call *call)
{
    char text[320];
    bool is_debug = call->command->id == CMD_ID_DEBUG;
    snprintf(text, sizeof text,
             "ERR %s command not allowed. If the %s option is set to \"local\", you can run it "
             "from a local connection, otherwise you need to set this option in the configuration "
             "file, and then restart the server.",
             is_debug ? "DEBUG" : "MODULE",
             is_debug ? "enable-debug-command" : "enable-module-command");
    return command_refuse(call, text);
}

// Over the limit room is made first; what cannot be made in a slice is made later, and only when
// nothing may go is the command refused, as in Redis.
static bool memory_fits(const struct call *call)
{
    return LIKELY(!memory_is_over(call->server)) || persist_is_loading(call->server->persist) ||
           memory_make_room(call->server);
}

// A queue takes memory too, whatever is queued; and EXEC needs what its commands need.
static bool needs_memory(const struct call *call)
{
    const struct client *c = call->client;
    if (call->command->flags & CMD_DENYOOM) return true;
    if (UNLIKELY(command_runs_script(call->command)) && memory_is_over(call->server) &&
        script_command_flags(call) & CMD_DENYOOM)
        return true;
    if (LIKELY(!(c->flags & CLIENT_IN_MULTI))) return false;
    switch (call->command->id) {
    case CMD_ID_EXEC:
        return c->transaction->command_flags & CMD_DENYOOM;
    case CMD_ID_DISCARD:
    case CMD_ID_MULTI:
    case CMD_ID_WATCH:
    case CMD_ID_QUIT:
    case CMD_ID_RESET:
        return false;
    default:
        return true;
    }
}

// RESP2 cannot tell a message from a reply: a client that listens may say little else.
static bool may_say_while_listening(uint16_t id)
{
    static const uint16_t allowed[] = { CMD_ID_PING,         CMD_ID_SUBSCRIBE,   CMD_ID_SSUBSCRIBE,
                                        CMD_ID_SUNSUBSCRIBE, CMD_ID_UNSUBSCRIBE, CMD_ID_PSUBSCRIBE,
                                        CMD_ID_PUNSUBSCRIBE, CMD_ID_QUIT,        CMD_ID_RESET };
    for (uint32_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        if (allowed[i] == id) return true;
    return false;
}

static bool refuse_while_listening(struct call *call)
{
    char text[192];
    snprintf(text, sizeof text,
             "ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET "
             "are allowed in this context",
             call->command->full_name);
    return command_refuse(call, text);
}

static bool is_permitted(struct call *call)
{
    char why[ACL_REFUSAL_MAX], text[ACL_REFUSAL_MAX + 8];
    bool in_multi = call->client->flags & CLIENT_IN_MULTI;
    if (acl_allows(call, in_multi ? ACL_IN_MULTI : ACL_AT_TOP, why)) return true;
    snprintf(text, sizeof text, "NOPERM %s", why);
    return command_refuse(call, text);
}

// What a MONITOR may not: Redis takes it for a kind of replica, and words the refusal so.
static bool touches_keys(const struct call *call)
{
    enum { TOUCHES = CMD_WRITE | CMD_MAY_REPLICATE | CMD_READONLY };
    const struct transaction *t = call->client->transaction;
    if (call->command->id == CMD_ID_EXEC) return t && (t->command_flags & TOUCHES);
    return script_command_flags(call) & TOUCHES;
}

// What was queued before it began waits in vain.
static bool may_run_while_loading(const struct call *call)
{
    const struct transaction *t = call->client->transaction;
    if (call->command->id == CMD_ID_EXEC && t && t->needs_dataset) return false;
    return call->command->flags & CMD_LOADING;
}

// Who asks whether the server is well hears of a disk that is not.
static bool needs_disk(const struct call *call)
{
    const struct command *row = call->command;
    const struct transaction *t = call->client->transaction;
    if (row->id == CMD_ID_EXEC) return t && (t->command_flags & CMD_WRITE);
    return row->flags & (CMD_WRITE | CMD_DENYOOM) || row->id == CMD_ID_PING;
}

static bool disk_is_well(struct call *call)
{
    char text[PERSIST_REFUSAL_MAX];
    const char *why = needs_disk(call) ? persist_refusal(call->server, text) : NULL;
    return !why || command_refuse(call, why);
}

bool command_may_run(struct call *call)
{
    const struct command *row = call->command;
    const struct client *c = call->client;
    if (UNLIKELY(!row)) return refuse_unknown(call);
    if (UNLIKELY(!arity_fits(row, call->argc))) return refuse_arity(call);
    if (UNLIKELY((row->flags & CMD_PROTECTED) && !protected_fits(call)))
        return refuse_protected(call);
    if (UNLIKELY(!c->authenticated && !(row->flags & CMD_NO_AUTH)) &&
        acl_requires_login(call->server))
        return command_refuse(call, reply_text_no_auth);
    if (UNLIKELY((row->flags & CMD_NO_MULTI) && (c->flags & CLIENT_IN_MULTI)))
        return command_refuse(call, "ERR Command not allowed inside a transaction");
    if (UNLIKELY(c->is_restricted) && !is_permitted(call)) return false;
    bool is_busy = UNLIKELY(call->server->busy_script != NULL); // then nothing is evicted
    if (UNLIKELY(needs_memory(call) && !is_busy && !memory_fits(call)))
        return command_refuse(call, reply_text_oom);
    if (UNLIKELY(persist_has_failed(call->server->persist)) && !disk_is_well(call)) return false;
    if (UNLIKELY((c->flags & CLIENT_SUBSCRIBED) && c->reply.version == 2 &&
                 !may_say_while_listening(row->id)))
        return refuse_while_listening(call);
    if (UNLIKELY(persist_is_loading(call->server->persist)) && !may_run_while_loading(call))
        return command_refuse(call, "LOADING Redis is loading the dataset in memory");
    if (UNLIKELY(is_busy) && !(row->flags & CMD_ALLOW_BUSY))
        return command_refuse(call, script_busy_text(call->server));
    if (UNLIKELY(c->flags & CLIENT_MONITOR) && touches_keys(call))
        return command_refuse(call, "ERR Replica can't interact with the keyspace");
    return true;
}

bool command_may_run_queued(struct call *call)
{
    if (UNLIKELY(!call->command)) {
        reply_error_unknown_command(call->reply, call->argv, call->argc); // renamed meanwhile
        return false;
    }
    return LIKELY(!call->client->is_restricted) || acl_allows_queued(call);
}
