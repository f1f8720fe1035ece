#include "dataplane/cmd/cmd_client.h"
#include "dataplane/base/num.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/tracking.h"

static command_body client_getname, client_help, client_id, client_info, client_kill, client_list,
    client_no_evict, client_no_touch, client_reply, client_setinfo, client_setname, client_unblock;

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
    SUBCOMMAND(CLIENT_REPLY, "client", "reply", client_reply, 3, 0, 0, 0, CLIENT_ANY, ACL_CONNECTION),
    SUBCOMMAND(CLIENT_SETINFO, "client", "setinfo", client_setinfo, 4, 0, 0, 0, CLIENT_ANY, ACL_CONNECTION),
    SUBCOMMAND(CLIENT_SETNAME, "client", "setname", client_setname, 3, 0, 0, 0, CLIENT_ANY, ACL_CONNECTION),
    SUBCOMMAND(CLIENT_UNBLOCK, "client", "unblock", client_unblock, -3, 0, 0, 0, CLIENT_OPERATOR, ACL_CONNECTION),
};
const struct command cmd_client[] = {
    // id, name, body, arity, flags, categories, subcommands
    CONTAINER(CLIENT, "client", NULL, -2, CMD_SENTINEL, 0, cmd_client_subs),
};
// clang-format on

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

// ---- showing clients

static uint64_t output_bytes(const struct client *c)
{
    const struct stream *stream = c->stream;
    return stream->out.bytes + (stream->ops ? stream->ops->pending(stream) : 0);
}

static uint64_t text_size(const char *text) { return text ? strlen(text) + 1 : 0; }

// What the client costs here: its record, its texts, what it sent and is owed.
static uint64_t client_memory(const struct client *c)
{
    return sizeof *c + text_size(c->name) + text_size(c->lib_name) + text_size(c->lib_version) +
           c->query_buffer_bytes + c->arguments_bytes + output_bytes(c);
}

static void flags_text(const struct client *c, char out[8])
{
    static const struct {
        uint32_t flag;
        char letter;
    } letters[] = {
        { CLIENT_UNIX_SOCKET, 'U' }, { CLIENT_CLOSE_AFTER_REPLY, 'c' }, { CLIENT_CLOSE_NOW, 'A' },
        { CLIENT_NO_EVICT, 'e' },    { CLIENT_NO_TOUCH, 'T' },          { CLIENT_BLOCKED, 'b' },
    };
    uint32_t size = 0;
    for (uint32_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (c->flags & letters[i].flag) out[size++] = letters[i].letter;
    if (size == 0) out[size++] = 'N';
    out[size] = 0;
}

static uint64_t seconds_since(uint64_t now_ms, uint64_t then_ms)
{
    return now_ms > then_ms ? (now_ms - then_ms) / 1000 : 0;
}

static const char *shown(const char *text) { return text ? text : ""; }

void client_add_line(struct text *t, const struct server *s, const struct client *c)
{
    char remote[128], local[128], flags[8];
    const struct command *last = command_by_id(c->last_command_id);
    uint64_t output = output_bytes(c);
    client_address_text(c, false, s->settings->unixsocket, remote);
    client_address_text(c, true, s->settings->unixsocket, local);
    flags_text(c, flags);
    text_add(t, "id=%lu addr=%s laddr=%s fd=%d name=%s age=%lu idle=%lu flags=%s db=%u",
             (unsigned long)c->id, remote, local, c->stream->fd, shown(c->name),
             (unsigned long)seconds_since(s->now_ms, c->created_ms),
             (unsigned long)seconds_since(s->now_ms, c->last_command_ms), flags, c->db);
    // Subscriptions and transactions come with their commands. Replies have no buffer of the
    // client's own: rbs is 0, and what is owed is obl, or omem with what the transport holds.
    text_add(t, " sub=0 psub=0 ssub=0 multi=-1 qbuf=%lu qbuf-free=0 argv-mem=%lu multi-mem=0",
             (unsigned long)c->query_buffer_bytes, (unsigned long)c->arguments_bytes);
    text_add(t, " rbs=0 rbp=%lu obl=%lu oll=0 omem=%lu tot-mem=%lu events=%s cmd=%s",
             (unsigned long)c->output_peak_bytes, (unsigned long)c->stream->out.bytes,
             (unsigned long)output, (unsigned long)client_memory(c), output ? "rw" : "r",
             last ? last->full_name : "NULL");
    text_add(t, " user=default redir=-1 resp=%u lib-name=%s lib-ver=%s", c->reply.version,
             shown(c->lib_name), shown(c->lib_version));
}

static void client_info(struct call *call)
{
    struct text t;
    text_open(&t, call->server->heap);
    client_add_line(&t, call->server, call->client);
    text_add(&t, "\n");
    reply_verbatim(call->reply, "txt", text_bytes(&t));
    text_close(&t);
}

// Killed ones are gone for everybody, though their connection closes only at the end of the turn.
static bool is_gone(const struct client *c) { return c->flags & CLIENT_CLOSE_NOW; }

static void add_list_line(struct text *t, const struct call *call, const struct client *c)
{
    if (is_gone(c)) return;
    client_add_line(t, call->server, c);
    text_add(t, "\n");
}

static void add_all(struct text *t, const struct call *call)
{
    const struct list *all = &call->server->clients.all;
    for (struct list_node *n = list_first(all); n; n = list_next(all, n))
        add_list_line(t, call, LIST_OWNER(n, struct client, all));
}

// Every client here is a normal one; the other classes are known words without members.
static bool parse_type(struct call *call, struct bytes word, bool *is_normal)
{
    static const char *const others[] = { "slave", "replica", "pubsub", "master" };
    *is_normal = bytes_is_option(word, "normal");
    if (*is_normal) return true;
    for (uint32_t i = 0; i < sizeof others / sizeof *others; i++)
        if (bytes_is_option(word, others[i])) return true;
    reply_errorf(call->reply, "ERR Unknown client type '%.*s'", text_chars(word),
                 (const char *)word.data);
    return false;
}

static bool add_ids(struct text *t, struct call *call)
{
    for (uint32_t i = 3; i < call->argc; i++) {
        int64_t id;
        if (!call_int(call, i, &id, "ERR Invalid client ID")) return false;
        const struct client *c = client_table_find(&call->server->clients, (uint64_t)id);
        if (c) add_list_line(t, call, c);
    }
    return true;
}

static bool list_clients(struct call *call, struct text *t)
{
    bool is_normal = true;
    if (call->argc == 4 && bytes_is_option(call->argv[2], "TYPE")) {
        if (!parse_type(call, call->argv[3], &is_normal)) return false;
    } else if (call->argc > 3 && bytes_is_option(call->argv[2], "ID")) {
        return add_ids(t, call);
    } else if (call->argc != 2) {
        reply_error(call->reply, reply_text_syntax);
        return false;
    }
    if (is_normal) add_all(t, call);
    return true;
}

static void client_list(struct call *call)
{
    struct text t;
    text_open(&t, call->server->heap);
    if (list_clients(call, &t)) reply_verbatim(call->reply, "txt", text_bytes(&t));
    text_close(&t);
}

// ---- CLIENT KILL

struct kill_filter {
    bool by_address, by_local, by_type, is_normal, skip_self;
    struct bytes address, local;
    uint64_t id;       // 0: any
    int64_t max_age_s; // 0: any; else at least that old
};

static bool address_is(const struct call *call, const struct client *c, bool local,
                       struct bytes text)
{
    char own[128];
    uint32_t size = client_address_text(c, local, call->server->settings->unixsocket, own);
    return bytes_equal(bytes_make(own, size), text);
}

static bool kill_matches(const struct call *call, const struct kill_filter *f,
                         const struct client *c)
{
    if (is_gone(c)) return false;
    if (f->by_address && !address_is(call, c, false, f->address)) return false;
    if (f->by_local && !address_is(call, c, true, f->local)) return false;
    if (f->by_type && !f->is_normal) return false;
    if (f->id && c->id != f->id) return false;
    if (f->max_age_s && seconds_since(call->now_ms, c->created_ms) < (uint64_t)f->max_age_s)
        return false;
    return !(f->skip_self && c == call->client);
}

static bool parse_kill_id(struct call *call, uint32_t i, struct kill_filter *f)
{
    int64_t id;
    if (!num_parse_int(call->argv[i], &id) || id < 1) {
        reply_error(call->reply, "ERR client-id should be greater than 0");
        return false;
    }
    f->id = (uint64_t)id;
    return true;
}

static bool parse_kill_age(struct call *call, uint32_t i, struct kill_filter *f)
{
    if (!call_int(call, i, &f->max_age_s, "ERR maxage is not an integer or out of range"))
        return false;
    if (f->max_age_s > 0) return true;
    reply_error(call->reply, "ERR maxage should be greater than 0");
    return false;
}

static bool parse_kill_user(struct call *call, uint32_t i)
{
    struct bytes user = call->argv[i];
    if (bytes_equal(user, BYTES_LITERAL("default"))) return true;
    reply_errorf(call->reply, "ERR No such user '%.*s'", text_chars(user), (const char *)user.data);
    return false;
}

static bool parse_skip_self(struct call *call, struct bytes word, struct kill_filter *f)
{
    f->skip_self = bytes_is_option(word, "yes");
    if (f->skip_self || bytes_is_option(word, "no")) return true;
    reply_error(call->reply, reply_text_syntax);
    return false;
}

// argv[i] names the filter, argv[i + 1] is its value.
static bool parse_kill_option(struct call *call, uint32_t i, struct kill_filter *f)
{
    struct bytes option = call->argv[i], value = i + 1 < call->argc ? call->argv[i + 1] : option;
    if (i + 1 == call->argc) {
        reply_error(call->reply, reply_text_syntax);
        return false;
    }
    if (bytes_is_option(option, "ID")) return parse_kill_id(call, i + 1, f);
    if (bytes_is_option(option, "MAXAGE")) return parse_kill_age(call, i + 1, f);
    if (bytes_is_option(option, "USER")) return parse_kill_user(call, i + 1);
    if (bytes_is_option(option, "SKIPME")) return parse_skip_self(call, value, f);
    if (bytes_is_option(option, "TYPE")) {
        f->by_type = true;
        return parse_type(call, value, &f->is_normal);
    }
    if (bytes_is_option(option, "ADDR")) {
        f->by_address = true;
        f->address = value;
    } else if (bytes_is_option(option, "LADDR")) {
        f->by_local = true;
        f->local = value;
    } else {
        reply_error(call->reply, reply_text_syntax);
        return false;
    }
    return true;
}

static bool parse_kill(struct call *call, struct kill_filter *f)
{
    if (call->argc == 3) { // the old form; one may name oneself
        f->by_address = true;
        f->address = call->argv[2];
        return true;
    }
    f->skip_self = true;
    for (uint32_t i = 2; i < call->argc; i += 2)
        if (!parse_kill_option(call, i, f)) return false;
    return true;
}

static uint32_t kill_clients(struct call *call, const struct kill_filter *f, bool *self)
{
    const struct list *all = &call->server->clients.all;
    uint32_t count = 0;
    *self = false;
    for (struct list_node *n = list_first(all); n; n = list_next(all, n)) {
        struct client *c = LIST_OWNER(n, struct client, all);
        if (!kill_matches(call, f, c)) continue;
        count++;
        if (c == call->client)
            *self = true;
        else
            call->server->ops->kill_client(call->server, c);
    }
    return count;
}

static void client_kill(struct call *call)
{
    struct kill_filter filter = { 0 };
    bool self;
    if (!parse_kill(call, &filter)) return;
    uint32_t count = kill_clients(call, &filter, &self);
    if (call->argc > 3)
        reply_int(call->reply, count);
    else if (count)
        reply_ok(call->reply);
    else
        reply_error(call->reply, "ERR No such client");
    if (self) call->client->flags |= CLIENT_CLOSE_AFTER_REPLY;
}

static void client_help(struct call *call)
{
    static const char *const lines[] = {
        "GETNAME",
        "    Return the name of the current connection.",
        "ID",
        "    Return the ID of the current connection.",
        "INFO",
        "    Return information about the current client connection.",
        "KILL <ip:port>",
        "    Kill connection made from <ip:port>.",
        "KILL <option> <value> [<option> <value> [...]]",
        "    Kill connections. Options are:",
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
        "    Return information about client connections. Options:",
        "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
        "      Clients of this type",
        "    * ID <client-id> [<client-id> ...]",
        "      Clients with these IDs",
        "REPLY (ON|OFF|SKIP)",
        "    Control the replies sent to the current connection.",
        "SETNAME <name>",
        "    Assign the name <name> to the current connection.",
        "SETINFO <option> <value>",
        "    Say which client library this is. Options are:",
        "    * LIB-NAME: its name",
        "    * LIB-VER: its version",
        "NO-EVICT (ON|OFF)",
        "    Protect current client connection from eviction.",
        "NO-TOUCH (ON|OFF)",
        "    Let this connection's commands leave the access clock of keys alone.",
        NULL,
    };
    call_reply_help(call, lines);
}

static void client_unblock(struct call *call)
{
    enum unblock how = UNBLOCK_TIMEOUT;
    int64_t id;
    if (call->argc == 4 && bytes_is_option(call->argv[3], "error")) {
        how = UNBLOCK_ERROR;
    } else if (call->argc > 4 || (call->argc == 4 && !bytes_is_option(call->argv[3], "timeout"))) {
        reply_error(call->reply, "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
        return;
    }
    if (!call_int(call, 2, &id, NULL)) return;
    struct client *c = client_table_find(&call->server->clients, (uint64_t)id);
    reply_int(call->reply, c && block_unblock(call->server, c, how));
}
