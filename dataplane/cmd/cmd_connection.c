#include "dataplane/cmd/acl_call.h"
#include "dataplane/cmd/cmd_client.h"
#include "dataplane/cmd/cmd_info.h"
#include "dataplane/cmd/cmd_rows.h"

static command_body cmd_ping, cmd_echo, cmd_select, cmd_auth, cmd_hello, cmd_reset, cmd_quit;

enum { ALWAYS = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_NO_AUTH | CMD_ALLOW_BUSY };

// clang-format off
const struct command cmd_connection[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(PING, "ping", cmd_ping, -1, 0, 0, 0, CMD_FAST | CMD_SENTINEL, ACL_CONNECTION),
    COMMAND(ECHO, "echo", cmd_echo, 2, 0, 0, 0, CMD_LOADING | CMD_STALE | CMD_FAST, ACL_CONNECTION),
    COMMAND(SELECT, "select", cmd_select, 2, 0, 0, 0, CMD_LOADING | CMD_STALE | CMD_FAST, ACL_CONNECTION),
    COMMAND(AUTH, "auth", cmd_auth, -2, 0, 0, 0, ALWAYS | CMD_SENTINEL, ACL_CONNECTION),
    COMMAND(HELLO, "hello", cmd_hello, -1, 0, 0, 0, ALWAYS | CMD_SENTINEL, ACL_CONNECTION),
    COMMAND(RESET, "reset", cmd_reset, 1, 0, 0, 0, ALWAYS, ACL_CONNECTION),
    COMMAND(QUIT, "quit", cmd_quit, -1, 0, 0, 0, ALWAYS, ACL_CONNECTION),
};
// clang-format on

static void cmd_ping(struct call *call)
{
    bool listens = (call->client->flags & CLIENT_SUBSCRIBED) && call->reply->version == 2;
    if (call->argc > 2) {
        reply_error_arity(call->reply, call->command->full_name);
    } else if (listens) { // in the shape of a message
        reply_array(call->reply, 2);
        reply_bulk_text(call->reply, "pong");
        reply_bulk(call->reply, call->argc == 2 ? call->argv[1] : bytes_make("", 0));
    } else if (call->argc == 2)
        reply_bulk(call->reply, call->argv[1]);
    else
        reply_status(call->reply, "PONG");
}

static void cmd_echo(struct call *call) { reply_bulk(call->reply, call->argv[1]); }

static void cmd_select(struct call *call)
{
    if (call_db_index(call, 1, &call->client->db)) reply_ok(call->reply);
}

// ---- who the client is

static void cmd_auth(struct call *call)
{
    if (call->argc > 3) {
        reply_error(call->reply, reply_text_syntax);
        return;
    }
    if (call->argc == 2 && call->server->acl->users.default_user->needs_no_password) {
        reply_error(call->reply,
                    "ERR AUTH <password> called without any password configured for the default "
                    "user. Are you sure your configuration is correct?");
        return;
    }
    struct bytes user = call->argc == 3 ? call->argv[1] : ACL_DEFAULT_NAME;
    if (acl_login(call, user, call->argv[call->argc - 1])) reply_ok(call->reply);
}

struct hello {
    int64_t version; // 0: keep
    struct bytes user, password, name;
    bool has_login, has_name;
};

static bool parse_hello_option(struct call *call, uint32_t *i, struct hello *hello)
{
    struct bytes option = call->argv[*i];
    uint32_t left = call->argc - 1 - *i;
    if (bytes_is_option(option, "AUTH") && left >= 2) {
        hello->user = call->argv[*i + 1];
        hello->password = call->argv[*i + 2];
        hello->has_login = true;
        *i += 2;
    } else if (bytes_is_option(option, "SETNAME") && left >= 1) {
        hello->name = call->argv[++*i];
        hello->has_name = true;
        if (!client_text_is_valid(hello->name)) {
            reply_error(call->reply, client_name_error);
            return false;
        }
    } else {
        reply_errorf(call->reply, "ERR Syntax error in HELLO option '%.*s'", text_chars(option),
                     (const char *)option.data);
        return false;
    }
    return true;
}

static bool parse_hello(struct call *call, struct hello *hello)
{
    if (call->argc < 2) return true;
    if (!call_int(call, 1, &hello->version,
                  "ERR Protocol version is not an integer or out of range"))
        return false;
    if (hello->version < 2 || hello->version > 3) {
        reply_error(call->reply, "NOPROTO unsupported protocol version");
        return false;
    }
    for (uint32_t i = 2; i < call->argc; i++)
        if (!parse_hello_option(call, &i, hello)) return false;
    return true;
}

static void reply_hello(struct call *call)
{
    struct reply *r = call->reply;
    reply_map(r, 7);
    reply_bulk_text(r, "server");
    reply_bulk_text(r, "redis");
    reply_bulk_text(r, "version");
    reply_bulk_text(r, SERVER_REDIS_VERSION);
    reply_bulk_text(r, "proto");
    reply_int(r, r->version);
    reply_bulk_text(r, "id");
    reply_int(r, (int64_t)call->client->id);
    reply_bulk_text(r, "mode");
    reply_bulk_text(r, "standalone");
    reply_bulk_text(r, "role");
    reply_bulk_text(r, "master");
    reply_bulk_text(r, "modules");
    reply_array(r, 0);
}

static void cmd_hello(struct call *call)
{
    struct hello hello = { 0 };
    if (!parse_hello(call, &hello)) return;
    if (hello.has_login && !acl_login(call, hello.user, hello.password)) return;
    if (!call->client->authenticated) {
        reply_error(call->reply,
                    "NOAUTH HELLO must be called with the client already authenticated, otherwise "
                    "the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the "
                    "client and select the RESP protocol version at the same time");
        return;
    }
    if (hello.has_name) client_set_text(call->server, &call->client->name, hello.name);
    if (hello.version) call->reply->version = (uint8_t)hello.version;
    reply_hello(call);
}

// Back to what a new connection is; the library's name stays.
static void cmd_reset(struct call *call)
{
    struct client *c = call->client;
    c->flags &= ~(uint32_t)(CLIENT_NO_EVICT | CLIENT_NO_TOUCH | CLIENT_REPLY_OFF |
                            CLIENT_REPLY_SKIP_NEXT | CLIENT_REPLY_SKIP);
    c->reply.muted = false;
    c->reply.version = 2;
    c->db = 0;
    acl_greet(call->server, c);
    client_set_text(call->server, &c->name, bytes_make("", 0));
    server_forget_client(call->server, c);
    reply_status(call->reply, "RESET");
}

static void cmd_quit(struct call *call)
{
    reply_ok(call->reply);
    call->client->flags |= CLIENT_CLOSE_AFTER_REPLY;
}
