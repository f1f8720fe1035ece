#include "dataplane/cmd/pubsub.h"
#include "dataplane/base/glob.h"
#include "dataplane/base/status.h"
#include "dataplane/cmd/cmd_client.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/held.h"
#include "dataplane/cmd/peers.h"
#include "dataplane/cmd/push.h"

static command_body cmd_subscribe, cmd_unsubscribe, cmd_psubscribe, cmd_punsubscribe,
    cmd_ssubscribe, cmd_sunsubscribe, cmd_publish, cmd_spublish, pubsub_channels, pubsub_numpat,
    pubsub_numsub, pubsub_shardchannels, pubsub_shardnumsub, pubsub_help;

enum {
    LISTEN = CMD_PUBSUB | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL,
    TELL = CMD_PUBSUB | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_MAY_REPLICATE,
    ASK = CMD_PUBSUB | CMD_LOADING | CMD_STALE,
};

// clang-format off
const struct command cmd_pubsub_subs[] = {
    SUBCOMMAND(PUBSUB_CHANNELS, "pubsub", "channels", pubsub_channels, -2, 0, 0, 0, ASK, 0),
    SUBCOMMAND(PUBSUB_NUMPAT, "pubsub", "numpat", pubsub_numpat, 2, 0, 0, 0, ASK, 0),
    SUBCOMMAND(PUBSUB_NUMSUB, "pubsub", "numsub", pubsub_numsub, -2, 0, 0, 0, ASK, 0),
    SUBCOMMAND(PUBSUB_SHARDCHANNELS, "pubsub", "shardchannels", pubsub_shardchannels, -2, 0, 0, 0, ASK, 0),
    SUBCOMMAND(PUBSUB_SHARDNUMSUB, "pubsub", "shardnumsub", pubsub_shardnumsub, -2, 0, 0, 0, ASK, 0),
    SUBCOMMAND(PUBSUB_HELP, "pubsub", "help", pubsub_help, 2, 0, 0, 0, CMD_LOADING | CMD_STALE, 0),
};
const struct command cmd_pubsub[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(SUBSCRIBE, "subscribe", cmd_subscribe, -2, 0, 0, 0, LISTEN, 0),
    COMMAND(UNSUBSCRIBE, "unsubscribe", cmd_unsubscribe, -1, 0, 0, 0, LISTEN, 0),
    COMMAND(PSUBSCRIBE, "psubscribe", cmd_psubscribe, -2, 0, 0, 0, LISTEN, 0),
    COMMAND(PUNSUBSCRIBE, "punsubscribe", cmd_punsubscribe, -1, 0, 0, 0, LISTEN, 0),
    COMMAND(SSUBSCRIBE, "ssubscribe", cmd_ssubscribe, -2, 1, -1, 1, LISTEN & ~CMD_SENTINEL, 0),
    COMMAND(SUNSUBSCRIBE, "sunsubscribe", cmd_sunsubscribe, -1, 1, -1, 1, LISTEN & ~CMD_SENTINEL, 0),
    COMMAND(PUBLISH, "publish", cmd_publish, 3, 0, 0, 0, TELL | CMD_SENTINEL, 0),
    COMMAND(SPUBLISH, "spublish", cmd_spublish, 3, 1, 1, 1, TELL, 0),
    CONTAINER(PUBSUB, "pubsub", NULL, -2, 0, 0, cmd_pubsub_subs),
};
// clang-format on

struct subscription {
    struct list_node in_name, in_client;
    struct name *name;
    struct client *client;
};

static const struct kind_words {
    const char *command, *subscribed, *unsubscribed, *message;
} words[PUBSUB_KIND_COUNT] = {
    [PUBSUB_CHANNEL] = { "SUBSCRIBE", "subscribe", "unsubscribe", "message" },
    [PUBSUB_PATTERN] = { "PSUBSCRIBE", "psubscribe", "punsubscribe", "pmessage" },
    [PUBSUB_SHARD_CHANNEL] = { "SSUBSCRIBE", "ssubscribe", "sunsubscribe", "smessage" },
};

void pubsub_open(struct server *s)
{
    for (uint32_t kind = 0; kind < PUBSUB_KIND_COUNT; kind++)
        names_open(&s->pubsub.names[kind], s->heap);
}

void pubsub_close(struct server *s)
{
    for (uint32_t kind = 0; kind < PUBSUB_KIND_COUNT; kind++) names_close(&s->pubsub.names[kind]);
}

// ---- who listens

uint64_t pubsub_count(const struct client *c, enum pubsub_kind kind)
{
    return c->subscriber ? c->subscriber->subscriptions[kind].count : 0;
}

uint64_t pubsub_memory(const struct client *c)
{
    uint64_t count = 0;
    for (uint32_t kind = 0; kind < PUBSUB_KIND_COUNT; kind++) count += pubsub_count(c, kind);
    return count * sizeof(struct subscription) + (count ? sizeof *c->subscriber : 0);
}

// Redis counts channels and patterns together, shard channels apart.
static int64_t told_count(const struct client *c, enum pubsub_kind kind)
{
    if (kind == PUBSUB_SHARD_CHANNEL) return (int64_t)pubsub_count(c, kind);
    return (int64_t)(pubsub_count(c, PUBSUB_CHANNEL) + pubsub_count(c, PUBSUB_PATTERN));
}

// Both lists hold it: the shorter one is looked through.
static struct subscription *find_subscription(const struct client *c, const struct name *name,
                                              enum pubsub_kind kind)
{
    if (!c->subscriber || !name) return NULL;
    const struct list *own = &c->subscriber->subscriptions[kind], *members = &name->members;
    if (own->count <= members->count) {
        for (struct list_node *n = list_first(own); n; n = list_next(own, n))
            if (LIST_OWNER(n, struct subscription, in_client)->name == name)
                return LIST_OWNER(n, struct subscription, in_client);
    } else {
        for (struct list_node *n = list_first(members); n; n = list_next(members, n))
            if (LIST_OWNER(n, struct subscription, in_name)->client == c)
                return LIST_OWNER(n, struct subscription, in_name);
    }
    return NULL;
}

static struct subscriber *subscriber_of(struct server *s, struct client *c)
{
    if (c->subscriber) return c->subscriber;
    c->subscriber = heap_take(s->heap, sizeof *c->subscriber, HEAP_SESSION);
    for (uint32_t kind = 0; kind < PUBSUB_KIND_COUNT; kind++)
        list_init(&c->subscriber->subscriptions[kind]);
    c->flags |= CLIENT_SUBSCRIBED;
    s->pubsub.clients++;
    if (server_is_one_of_many(s)) posted_mark(s, &s->node->listening, true);
    return c->subscriber;
}

static void give_subscriber_if_unused(struct server *s, struct client *c)
{
    if (!c->subscriber) return;
    for (uint32_t kind = 0; kind < PUBSUB_KIND_COUNT; kind++)
        if (c->subscriber->subscriptions[kind].count) return;
    heap_give(s->heap, c->subscriber, sizeof *c->subscriber, HEAP_SESSION);
    c->subscriber = NULL;
    c->flags &= ~(uint32_t)CLIENT_SUBSCRIBED;
    s->pubsub.clients--;
    if (server_is_one_of_many(s) && !s->pubsub.clients) posted_mark(s, &s->node->listening, false);
}

static void add(struct server *s, struct client *c, struct bytes text, enum pubsub_kind kind)
{
    struct name *name = names_find(&s->pubsub.names[kind], 0, text);
    if (find_subscription(c, name, kind)) return;
    struct subscription *sub = heap_take(s->heap, sizeof *sub, HEAP_SESSION);
    *sub = (struct subscription){ .name = name ? name : names_take(&s->pubsub.names[kind], 0, text),
                                  .client = c };
    list_append(&sub->name->members, &sub->in_name);
    list_append(&subscriber_of(s, c)->subscriptions[kind], &sub->in_client);
}

static void drop(struct server *s, struct subscription *sub, enum pubsub_kind kind)
{
    struct client *c = sub->client;
    list_remove(&sub->name->members, &sub->in_name);
    list_remove(&c->subscriber->subscriptions[kind], &sub->in_client);
    if (sub->name->members.count == 0) names_give(&s->pubsub.names[kind], sub->name);
    heap_give(s->heap, sub, sizeof *sub, HEAP_SESSION);
    give_subscriber_if_unused(s, c);
}

static struct subscription *first_of(const struct client *c, enum pubsub_kind kind)
{
    if (!pubsub_count(c, kind)) return NULL;
    return LIST_OWNER(list_first(&c->subscriber->subscriptions[kind]), struct subscription,
                      in_client);
}

void pubsub_forget_client(struct server *s, struct client *c)
{
    struct subscription *sub;
    for (uint32_t kind = 0; kind < PUBSUB_KIND_COUNT; kind++)
        while ((sub = first_of(c, kind)) != NULL) drop(s, sub, kind);
}

void pubsub_each(const struct client *c, pubsub_visit *visit, void *context)
{
    for (uint32_t kind = 0; kind < PUBSUB_KIND_COUNT && c->subscriber; kind++) {
        const struct list *own = &c->subscriber->subscriptions[kind];
        for (struct list_node *n = list_first(own); n; n = list_next(own, n))
            if (!visit(context, name_text(LIST_OWNER(n, struct subscription, in_client)->name),
                       kind))
                return;
    }
}

// ---- messages

struct message { // its wire forms are made when the first receiver that speaks them is met
    struct server *server;
    enum pubsub_kind kind;
    struct bytes pattern, channel, body;
    struct blob *wire[2]; // RESP2, RESP3
    bool is_counted_only;
};

static struct blob *make_wire(const struct message *m, uint32_t version)
{
    struct bytes parts[4] = { bytes_text(words[m->kind].message) };
    uint32_t count = 1;
    if (m->kind == PUBSUB_PATTERN) parts[count++] = m->pattern;
    parts[count++] = m->channel;
    parts[count++] = m->body;
    size_t room = RESP_HEAD_MAX;
    for (uint32_t i = 0; i < count; i++) room += RESP_HEAD_MAX + parts[i].size + 2;
    struct blob *wire = blob_new(m->server->heap, room, HEAP_CLIENT_OUT);
    wire->size = resp_put_head(wire->data, version == 3 ? '>' : '*', count);
    for (uint32_t i = 0; i < count; i++)
        wire->size += resp_put_bulk(wire->data + wire->size, parts[i]);
    return wire;
}

static void deliver(struct message *m, const struct list *members)
{
    if (m->is_counted_only) return;
    for (struct list_node *n = list_first(members); n; n = list_next(members, n)) {
        struct client *c = LIST_OWNER(n, struct subscription, in_name)->client;
        struct blob **wire = &m->wire[c->reply.version == 3];
        if (!*wire) *wire = make_wire(m, c->reply.version);
        m->server->tally->sent_pubsub_bytes += (*wire)->size;
        client_push(m->server, c, *wire);
    }
}

static void forget_wires(struct message *m)
{
    for (uint32_t i = 0; i < 2; i++) {
        if (m->wire[i]) blob_release(m->wire[i]);
        m->wire[i] = NULL;
    }
}

static uint64_t publish_to_patterns(struct message *m)
{
    const struct names *patterns = &m->server->pubsub.names[PUBSUB_PATTERN];
    struct name *name = NULL;
    uint32_t position = 0;
    uint64_t count = 0;
    if (!patterns->count) return 0;
    m->kind = PUBSUB_PATTERN;
    while ((name = names_next(patterns, &position, name)) != NULL) {
        if (!glob_match(name_text(name), m->channel, false)) continue;
        m->pattern = name_text(name);
        deliver(m, &name->members);
        forget_wires(m);
        count += name->members.count;
    }
    return count;
}

static uint64_t tell_message(struct message *m)
{
    bool is_shard_channel = m->kind == PUBSUB_SHARD_CHANNEL;
    uint64_t count = 0;
    if (!pubsub_has_listeners(&m->server->pubsub)) return 0;
    const struct name *name = names_find(&m->server->pubsub.names[m->kind], 0, m->channel);
    if (name) {
        deliver(m, &name->members);
        forget_wires(m);
        count = name->members.count;
    }
    return is_shard_channel ? count : count + publish_to_patterns(m);
}

static void tell_posted(struct server *s, const struct posted *p)
{
    struct message m = { .server = s,
                         .kind = p->numbers[0] ? PUBSUB_SHARD_CHANNEL : PUBSUB_CHANNEL,
                         .channel = p->texts[0],
                         .body = p->texts[1] };
    (void)tell_message(&m);
}

uint64_t pubsub_publish(struct server *s, struct bytes channel, struct bytes body,
                        bool is_shard_channel)
{
    struct message m = { .server = s,
                         .kind = is_shard_channel ? PUBSUB_SHARD_CHANNEL : PUBSUB_CHANNEL,
                         .channel = channel,
                         .body = body };
    if (LIKELY(!server_is_one_of_many(s)) || posted_is_quiet(s)) return tell_message(&m);
    // Messages that were sent before are still on their way.
    struct posted p = { .numbers = { is_shard_channel }, .texts = { channel, body } };
    m.is_counted_only = true;
    uint64_t count = tell_message(&m);
    if (count) post(s, s->shard_index, POSTED_MESSAGE, tell_posted, &p);
    return count;
}

void pubsub_tell_all(struct server *s, struct bytes channel, struct bytes body)
{
    if (pubsub_has_listeners(&s->pubsub)) (void)pubsub_publish(s, channel, body, false);
    if (LIKELY(!server_is_one_of_many(s))) return;
    struct posted p = { .texts = { channel, body } };
    post_to_all(s, posted_others(s, &s->node->listening), POSTED_MESSAGE, tell_posted, &p);
}

static void tell_others(const struct call *call, shard_set but, bool is_shard_channel)
{
    struct server *s = call->server;
    struct posted p = { .numbers = { is_shard_channel },
                        .texts = { call->argv[1], call->argv[2] } };
    post_to_all(s, posted_others(s, &s->node->listening) & ~but, POSTED_MESSAGE, tell_posted, &p);
}

// Each shard makes the message anew, of its own memory, for those who listen there. Which ones have
// listeners the router has found (route.c): they are this shard, or held, and counted exactly. On
// others somebody began to listen after that: as if a moment too late to be counted.
static void publish(struct call *call, bool is_shard_channel)
{
    struct server *s = call->server;
    shard_set shards = held_shards(s);
    uint64_t count = 0;
    for (uint32_t i = 0; i < server_peer_count(s); i++)
        if (shards & 1ull << server_peer(s, i)->shard_index)
            count +=
                pubsub_publish(server_peer(s, i), call->argv[1], call->argv[2], is_shard_channel);
    if (server_is_one_of_many(s)) tell_others(call, shards, is_shard_channel);
    call_no_effect(call);
    reply_int(call->reply, (int64_t)count);
}

static void cmd_publish(struct call *call) { publish(call, false); }

static void cmd_spublish(struct call *call) { publish(call, true); }

// ---- SUBSCRIBE and its like. What they answer are pushes: also to a client that wants no replies.

static void reply_subscription(struct call *call, const char *what, const struct bytes *name,
                               int64_t count)
{
    struct reply *r = call->reply;
    bool muted = r->muted;
    r->muted = false;
    reply_push(r, 3);
    reply_bulk_text(r, what);
    if (name)
        reply_bulk(r, *name);
    else
        reply_null(r);
    reply_int(r, count);
    r->muted = muted;
}

// Where nobody could read the messages: in a script. Redis lets EXEC subscribe, but not to shard
// channels.
static bool refuse_where_none_reads(struct call *call, enum pubsub_kind kind)
{
    bool is_in_script = !call->client->stream;
    if (!call->no_suspend || (!is_in_script && kind != PUBSUB_SHARD_CHANNEL)) return false;
    reply_errorf(call->reply, "ERR %s isn't allowed for a DENY BLOCKING client",
                 words[kind].command);
    return true;
}

static void subscribe(struct call *call, enum pubsub_kind kind)
{
    if (refuse_where_none_reads(call, kind)) return;
    for (uint32_t i = 1; i < call->argc; i++) {
        add(call->server, call->client, call->argv[i], kind);
        reply_subscription(call, words[kind].subscribed, &call->argv[i],
                           told_count(call->client, kind));
    }
}

static void unsubscribe_all(struct call *call, enum pubsub_kind kind)
{
    struct client *c = call->client;
    struct subscription *sub = first_of(c, kind);
    if (!sub) reply_subscription(call, words[kind].unsubscribed, NULL, told_count(c, kind));
    for (; sub; sub = first_of(c, kind)) {
        struct bytes text = name_text(sub->name); // it may go with this subscription
        reply_subscription(call, words[kind].unsubscribed, &text, told_count(c, kind) - 1);
        drop(call->server, sub, kind);
    }
}

static void unsubscribe(struct call *call, enum pubsub_kind kind)
{
    struct server *s = call->server;
    if (call->argc == 1) {
        unsubscribe_all(call, kind);
        return;
    }
    for (uint32_t i = 1; i < call->argc; i++) {
        struct name *name = names_find(&s->pubsub.names[kind], 0, call->argv[i]);
        struct subscription *sub = find_subscription(call->client, name, kind);
        if (sub) drop(s, sub, kind);
        reply_subscription(call, words[kind].unsubscribed, &call->argv[i],
                           told_count(call->client, kind));
    }
}

static void cmd_subscribe(struct call *call) { subscribe(call, PUBSUB_CHANNEL); }

static void cmd_psubscribe(struct call *call) { subscribe(call, PUBSUB_PATTERN); }

static void cmd_ssubscribe(struct call *call) { subscribe(call, PUBSUB_SHARD_CHANNEL); }

static void cmd_unsubscribe(struct call *call) { unsubscribe(call, PUBSUB_CHANNEL); }

static void cmd_punsubscribe(struct call *call) { unsubscribe(call, PUBSUB_PATTERN); }

static void cmd_sunsubscribe(struct call *call) { unsubscribe(call, PUBSUB_SHARD_CHANNEL); }

// ---- PUBSUB

static void reply_names(struct call *call, enum pubsub_kind kind)
{
    struct peer_names names = { .offset = PUBSUB_NAMES(kind) };
    struct name *name;
    uint64_t count = 0;
    if (call->argc > 3) {
        reply_errorf(call->reply,
                     "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try PUBSUB "
                     "HELP.",
                     text_chars(call->argv[1]), (const char *)call->argv[1].data);
        return;
    }
    struct reply_later later = reply_later_begin(call->reply);
    while ((name = peer_names_next(call->server, &names)) != NULL) {
        if (call->argc == 3 && !glob_match(call->argv[2], name_text(name), false)) continue;
        reply_bulk(call->reply, name_text(name));
        count++;
    }
    reply_later_array(call->reply, later, count);
}

static uint64_t count_members(struct server *s, enum pubsub_kind kind, struct bytes text)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < server_peer_count(s); i++) {
        const struct name *name = names_find(&server_peer(s, i)->pubsub.names[kind], 0, text);
        count += name ? name->members.count : 0;
    }
    return count;
}

static void reply_counts(struct call *call, enum pubsub_kind kind)
{
    reply_array(call->reply, 2 * (uint64_t)(call->argc - 2));
    for (uint32_t i = 2; i < call->argc; i++) {
        reply_bulk(call->reply, call->argv[i]);
        reply_int(call->reply, (int64_t)count_members(call->server, kind, call->argv[i]));
    }
}

static void pubsub_channels(struct call *call) { reply_names(call, PUBSUB_CHANNEL); }

static void pubsub_shardchannels(struct call *call) { reply_names(call, PUBSUB_SHARD_CHANNEL); }

static void pubsub_numsub(struct call *call) { reply_counts(call, PUBSUB_CHANNEL); }

static void pubsub_shardnumsub(struct call *call) { reply_counts(call, PUBSUB_SHARD_CHANNEL); }

static void pubsub_numpat(struct call *call)
{
    uint64_t count = peer_names_count(call->server, PUBSUB_NAMES(PUBSUB_PATTERN));
    reply_int(call->reply, (int64_t)count);
}

static void pubsub_help(struct call *call)
{
    static const char *const lines[] = {
        "CHANNELS [<pattern>]",
        "    Lists the channels that have subscribers, those that match the pattern only.",
        "NUMPAT",
        "    How many patterns are subscribed to.",
        "NUMSUB [<channel> ...]",
        "    How many subscribers each of these channels has, patterns left out.",
        "SHARDCHANNELS [<pattern>]",
        "    Lists the shard channels that have subscribers, those that match the pattern only.",
        "SHARDNUMSUB [<shardchannel> ...]",
        "    How many subscribers each of these shard channels has.",
        NULL,
    };
    call_reply_help(call, lines);
}
