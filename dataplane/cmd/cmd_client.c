#include "dataplane/cmd/cmd_client.h"
#include "dataplane/base/num.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/pause.h"
#include "dataplane/cmd/peers.h"
#include "dataplane/cmd/tracking.h"

static command_body client_getname, client_help, client_id, client_no_evict, client_no_touch,
    client_reply, client_setinfo, client_setname, client_unblock;

enum {
    CLIENT_ANY = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL,
    CLIENT_OPERATOR = CLIENT_ANY | CMD_ADMIN,
};

// clang-format off
const struct command cmd_client_subs[] = {
    // id, container, name, body, arity, first, last, step, flags, categories
    SUBCOMMAND(CLIENT_CACHING, "client", "caching", client_caching, 3, 0, 0, 0, CLIENT_ANY, ACL_CONNECTION),
    SUBCOMMAND(CLIENT_GETREDIR, "client", "getredir", client_getredir, 2, 0, 0, 0, CLIENT_ANY, ACL_CONNECTION),
    SUBCOMMAND(CLIENT_TRACKING, "client", "tracking", client_tracking, -3, 0, 0, 0, CLIENT_ANY, ACL_CONNECTION),
    SUBCOMMAND(CLIENT_TRACKINGINFO, "client", "trackinginfo", client_trackinginfo, 2, 0, 0, 0, CLIENT_ANY, ACL_CONNECTION),
    SUBCOMMAND(CLIENT_GETNAME, "client", "getname", client_getname, 2, 0, 0, 0, CLIENT_ANY, ACL_CONNECTION),
    SUBCOMMAND(CLIENT_HELP, "client", "help", client_help, 2, 0, 0, 0, CMD_LOADING | CMD_STALE | CMD_SENTINEL, ACL_CONNECTION),
    SUBCOMMAND(CLIENT_ID, "client", "id", client_id, 2, 0, 0, 0, CLIENT_ANY, ACL_CONNECTION),
    SUBCOMMAND(CLIENT_INFO, "client", "info", client_info, 2, 0, 0, 0, CLIENT_ANY, ACL_CONNECTION),
    SUBCOMMAND(CLIENT_KILL, "client", "kill", client_kill, -3, 0, 0, 0, CLIENT_OPERATOR, ACL_CONNECTION),
    SUBCOMMAND(CLIENT_LIST, "client", "list", client_list, -2, 0, 0, 0, CLIENT_OPERATOR, ACL_CONNECTION),
    SUBCOMMAND(CLIENT_NO_EVICT, "client", "no-evict", client_no_evict, 3, 0, 0, 0, CLIENT_OPERATOR, ACL_CONNECTION),
    SUBCOMMAND(CLIENT_NO_TOUCH, "client", "no-touch", client_no_touch, 3, 0, 0, 0, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE, ACL_CONNECTION),
    SUBCOMMAND(CLIENT_PAUSE, "client", "pause", client_pause, -3, 0, 0, 0, CLIENT_OPERATOR, ACL_CONNECTION),
    SUBCOMMAND(CLIENT_REPLY, "client", "reply", client_reply, 3, 0, 0, 0, CLIENT_ANY, ACL_CONNECTION),
    SUBCOMMAND(CLIENT_SETINFO, "client", "setinfo", client_setinfo, 4, 0, 0, 0, CLIENT_ANY, ACL_CONNECTION),
    SUBCOMMAND(CLIENT_SETNAME, "client", "setname", client_setname, 3, 0, 0, 0, CLIENT_ANY, ACL_CONNECTION),
    SUBCOMMAND(CLIENT_UNBLOCK, "client", "unblock", client_unblock, -3, 0, 0, 0, CLIENT_OPERATOR, ACL_CONNECTION),
    SUBCOMMAND(CLIENT_UNPAUSE, "client", "unpause", client_unpause, 2, 0, 0, 0, CLIENT_OPERATOR, ACL_CONNECTION),
};
const struct command cmd_client[] = {
    // id, name, body, arity, flags, categories, subcommands
    CONTAINER(CLIENT, "client", NULL, -2, CMD_SENTINEL, 0, cmd_client_subs),
};
// clang-format on

void client_reply_syntax(struct call *call)
{
    reply_errorf(call->reply,
                 "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try CLIENT HELP.",
                 text_chars(call->argv[1]), (const char *)call->argv[1].data);
}

// ---- texts

const char *const client_name_error =
    "ERR Client names cannot contain spaces, newlines or special characters.";

bool client_text_is_valid(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < '!' || text.data[i] > '~') return false;
    return true;
}

void client_set_text(struct server *s, char **field, struct bytes text)
{
    if (*field) heap_give(s->heap, *field, strlen(*field) + 1, HEAP_SESSION);
    *field = NULL;
    if (text.size == 0) return;
    *field = heap_take(s->heap, text.size + 1, HEAP_SESSION);
    memcpy(*field, text.data, text.size);
    (*field)[text.size] = 0;
}

static void client_getname(struct call *call)
{
    if (call->client->name)
        reply_bulk_text(call->reply, call->client->name);
    else
        reply_null(call->reply);
}

static void client_setname(struct call *call)
{
    if (!client_text_is_valid(call->argv[2])) {
        reply_error(call->reply, client_name_error);
        return;
    }
    client_set_text(call->server, &call->client->name, call->argv[2]);
    reply_ok(call->reply);
}

static void client_setinfo(struct call *call)
{
    struct bytes attribute = call->argv[2], value = call->argv[3];
    char **field;
    if (bytes_is_option(attribute, "lib-name")) {
        field = &call->client->lib_name;
    } else if (bytes_is_option(attribute, "lib-ver")) {
        field = &call->client->lib_version;
    } else {
        reply_errorf(call->reply, "ERR Unrecognized option '%.*s'", text_chars(attribute),
                     (const char *)attribute.data);
        return;
    }
    if (!client_text_is_valid(value)) {
        reply_errorf(call->reply, "ERR %.*s cannot contain spaces, newlines or special characters.",
                     text_chars(attribute), (const char *)attribute.data);
        return;
    }
    client_set_text(call->server, field, value);
    reply_ok(call->reply);
}

static void client_id(struct call *call) { reply_int(call->reply, (int64_t)call->client->id); }

// ---- switches

// False after replying the syntax error.
static bool parse_on_off(struct call *call, bool *on)
{
    *on = bytes_is_option(call->argv[2], "ON");
    if (*on || bytes_is_option(call->argv[2], "OFF")) return true;
    reply_error(call->reply, reply_text_syntax);
    return false;
}

static void set_flag(struct call *call, uint32_t flag)
{
    bool on;
    if (!parse_on_off(call, &on)) return;
    if (on)
        call->client->flags |= flag;
    else
        call->client->flags &= ~flag;
    reply_ok(call->reply);
}

static void client_no_evict(struct call *call) { set_flag(call, CLIENT_NO_EVICT); }

static void client_no_touch(struct call *call) { set_flag(call, CLIENT_NO_TOUCH); }

// OFF and SKIP are not answered themselves; ON is, even after OFF.
static void client_reply(struct call *call)
{
    struct client *c = call->client;
    if (bytes_is_option(call->argv[2], "ON")) {
        c->flags &= ~(uint32_t)(CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP);
        c->reply.muted = false;
        reply_ok(call->reply);
    } else if (bytes_is_option(call->argv[2], "OFF")) {
        c->flags |= CLIENT_REPLY_OFF;
        c->reply.muted = true;
    } else if (bytes_is_option(call->argv[2], "SKIP")) {
        if (!(c->flags & CLIENT_REPLY_OFF)) c->flags |= CLIENT_REPLY_SKIP_NEXT;
        c->reply.muted = true;
    } else {
        reply_error(call->reply, reply_text_syntax);
    }
}

static void client_help(struct call *call)
{
    static const char *const lines[] = {
        "CACHING (YES|NO)",
        "    Whether the keys of the next command are tracked, in OPTIN or OPTOUT mode.",
        "GETNAME",
        "    The name of this connection.",
        "GETREDIR",
        "    The ID of the client that is told in place of this one, when keys it read change.",
        "ID",
        "    The ID of this connection.",
        "INFO",
        "    What is known of this connection.",
        "KILL <ip:port>",
        "    Close the connection that comes from <ip:port>.",
        "KILL <option> <value> [<option> <value> [...]]",
        "    Close connections. Options are:",
        "    * ADDR (<ip:port>|<unixsocket>:0)",
        "      Connections from this address",
        "    * LADDR (<ip:port>|<unixsocket>:0)",
        "      Connections to this address of ours",
        "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
        "      Connections of this type",
        "    * USER <username>",
        "      Connections authenticated by <username>",
        "    * SKIPME (YES|NO)",
        "      Spare the connection that asks (default: yes)",
        "    * ID <client-id>",
        "      The connection with this ID",
        "    * MAXAGE <maxage>",
        "      Connections that are at least so many seconds old",
        "LIST [options ...]",
        "    What is known of connections. Options:",
        "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
        "      Clients of this type",
        "    * ID <client-id> [<client-id> ...]",
        "      Clients with these IDs",
        "NO-EVICT (ON|OFF)",
        "    Never close this connection to save memory (maxmemory-clients).",
        "NO-TOUCH (ON|OFF)",
        "    Let this connection's commands leave the access clock of keys alone.",
        "PAUSE <timeout> [WRITE|ALL]",
        "    Hold all commands, or those that may write, of every client for <timeout> ms.",
        "REPLY (ON|OFF|SKIP)",
        "    Whether this connection gets replies.",
        "SETINFO <option> <value>",
        "    Say which client library this is. Options are:",
        "    * LIB-NAME: its name",
        "    * LIB-VER: its version",
        "SETNAME <name>",
        "    Give this connection a name.",
        "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]",
        "         [OPTIN] [OPTOUT] [NOLOOP]",
        "    Tell this client, or the one with that ID, when keys that it read (BCAST: keys with",
        "    these prefixes) change.",
        "TRACKINGINFO",
        "    How tracking is set for this connection.",
        "UNBLOCK <clientid> [TIMEOUT|ERROR]",
        "    End the wait of a client in a blocking command.",
        "UNPAUSE",
        "    End a pause.",
        NULL,
    };
    call_reply_help(call, lines);
}

struct unblocking {
    uint64_t id;
    enum unblock how;
    bool done;
};

static void unblock_proxy(void *context, struct server *s, struct client *proxy)
{
    struct unblocking *u = context;
    if (proxy->id == u->id && !u->done) u->done = block_unblock(s, proxy, u->how);
}

// It may wait for a key of its own shard or, by a proxy, of another.
static bool unblock_anywhere(struct server *s, uint64_t id, enum unblock how)
{
    struct unblocking u = { .id = id, .how = how };
    struct server *home;
    struct client *c = peers_find_client(s, id, &home);
    if (!c) return false;
    u.done = block_unblock(home, c, how);
    for (uint32_t i = 0; i < server_peer_count(s) && !u.done; i++)
        blocks_each_proxy(server_peer(s, i), unblock_proxy, &u);
    return u.done;
}

static void client_unblock(struct call *call)
{
    enum unblock how = UNBLOCK_TIMEOUT;
    int64_t id;
    if (call->argc == 4 && bytes_is_option(call->argv[3], "error")) {
        how = UNBLOCK_ERROR;
    } else if (call->argc > 4) {
        client_reply_syntax(call);
        return;
    } else if (call->argc == 4 && !bytes_is_option(call->argv[3], "timeout")) {
        reply_error(call->reply, "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
        return;
    }
    if (!call_int(call, 2, &id, NULL)) return;
    reply_int(call->reply, unblock_anywhere(call->server, (uint64_t)id, how));
}
