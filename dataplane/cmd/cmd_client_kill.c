#include "dataplane/base/num.h"
#include "dataplane/cmd/acl_call.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/cmd_client.h"
#include "dataplane/cmd/peers.h"

struct kill_filter {
    bool by_address, by_local, by_kind, skip_self;
    enum client_kind kind;
    struct bytes address, local;
    uint64_t id;       // 0: any
    int64_t max_age_s; // 0: any; else at least that old
    bool by_user;
    struct bytes user; // each shard has an account of its own under that name
};

// What follows the last colon is looked at first: of thousands of clients few have that port.
static bool port_may_be(const struct stream *stream, bool local, struct bytes text)
{
    if (stream->kind == STREAM_SOCK_UNIX) return true;
    char port[NUM_INT_MAX];
    uint32_t size = num_format_uint(port, local ? stream->local.port : stream->remote.port);
    return text.size > size && memcmp(text.data + text.size - size, port, size) == 0;
}

static bool address_is(const struct call *call, const struct client *c, bool local,
                       struct bytes text)
{
    char own[128];
    if (!port_may_be(c->stream, local, text)) return false;
    uint32_t size = client_address_text(c, local, call->server->settings->unixsocket, own);
    return bytes_equal(bytes_make(own, size), text);
}

// By id: the caller may be a proxy of the client that it stands for.
static bool is_caller(const struct call *call, const struct client *c)
{
    return c->id == call->client->id;
}

// user: of home; NULL: any.
static bool kill_matches(const struct call *call, const struct kill_filter *f,
                         const struct acl_user *user, struct server *home, const struct client *c)
{
    if (client_is_gone(c)) return false;
    if (f->by_address && !address_is(call, c, false, f->address)) return false;
    if (f->by_local && !address_is(call, c, true, f->local)) return false;
    if (f->by_kind && client_kind(c) != f->kind) return false;
    if (f->id && c->id != f->id) return false;
    if (user && acl_client_user(home, c) != user) return false;
    if (f->max_age_s && client_seconds_since(call->now_ms, c->created_ms) < (uint64_t)f->max_age_s)
        return false;
    return !(f->skip_self && is_caller(call, c));
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

static bool parse_kill_user(struct call *call, uint32_t i, struct kill_filter *f)
{
    struct bytes user = call->argv[i];
    f->by_user = true;
    f->user = user;
    if (acl_users_find(&call->server->acl->users, user)) return true;
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
    if (bytes_is_option(option, "USER")) return parse_kill_user(call, i + 1, f);
    if (bytes_is_option(option, "SKIPME")) return parse_skip_self(call, value, f);
    if (bytes_is_option(option, "TYPE")) {
        f->by_kind = true;
        return client_parse_kind(call, value, &f->kind);
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

static uint32_t kill_clients(struct call *call, const struct kill_filter *f, struct server *home,
                             bool *self)
{
    const struct list *all = &home->clients.all;
    const struct acl_user *user = f->by_user ? acl_users_find(&home->acl->users, f->user) : NULL;
    uint32_t count = 0;
    for (struct list_node *n = list_first(all); n; n = list_next(all, n)) {
        struct client *c = LIST_OWNER(n, struct client, all);
        if (!kill_matches(call, f, user, home, c)) continue;
        count++;
        if (is_caller(call, c))
            *self = true;
        else
            home->ops->kill_client(home, c);
    }
    return count;
}

// Nothing is taken from a key for one who will not get it.
static void end_wait_of_killed(void *context, struct server *s, struct client *proxy)
{
    struct server *home;
    const struct client *c = peers_find_client(s, proxy->id, &home);
    (void)context;
    if (c && client_is_gone(c)) block_unblock(s, proxy, UNBLOCK_ERROR);
}

static uint32_t kill_everywhere(struct call *call, const struct kill_filter *f, bool *self)
{
    struct server *s = call->server;
    uint32_t count = 0;
    *self = false;
    for (uint32_t i = 0; i < server_peer_count(s); i++)
        count += kill_clients(call, f, server_peer(s, i), self);
    for (uint32_t i = 0; i < server_peer_count(s); i++)
        blocks_each_proxy(server_peer(s, i), end_wait_of_killed, NULL);
    return count;
}

void client_kill(struct call *call)
{
    struct kill_filter filter = { 0 };
    bool self;
    if (!parse_kill(call, &filter)) return;
    uint32_t count = kill_everywhere(call, &filter, &self);
    if (call->argc > 3)
        reply_int(call->reply, count);
    else if (count)
        reply_ok(call->reply);
    else
        reply_error(call->reply, "ERR No such client");
    if (self) call->client->flags |= CLIENT_CLOSE_AFTER_REPLY;
}
