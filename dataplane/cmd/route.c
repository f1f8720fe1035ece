#include "dataplane/cmd/route.h"
#include "dataplane/base/num.h"
#include "dataplane/cmd/cmd_docs.h"
#include "dataplane/cmd/command_ids.h"
#include "dataplane/cmd/kept.h"
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/script_cache.h"
#include "dataplane/cmd/transaction.h"

// ---- the table

// By id: 1 + enum route_kind; 0: nothing is said of it, its keys decide.
#define LOCAL(ID) [CMD_ID_##ID] = 1 + ROUTE_LOCAL
#define KEYS(ID) [CMD_ID_##ID] = 1 + ROUTE_KEYS
#define ALL(ID) [CMD_ID_##ID] = 1 + ROUTE_ALL
#define EACH(ID) [CMD_ID_##ID] = 1 + ROUTE_EACH
#define SCATTER(ID) [CMD_ID_##ID] = 1 + ROUTE_SCATTER
#define REFUSED(ID) [CMD_ID_##ID] = 1 + ROUTE_REFUSED

// clang-format off
static const uint8_t decided[COMMAND_COUNT] = {
    // The connection.
    LOCAL(PING), LOCAL(ECHO), LOCAL(SELECT), LOCAL(AUTH), LOCAL(HELLO), LOCAL(QUIT),
    LOCAL(CLIENT_CACHING), LOCAL(CLIENT_GETREDIR), LOCAL(CLIENT_TRACKINGINFO),
    LOCAL(CLIENT_GETNAME), LOCAL(CLIENT_HELP), LOCAL(CLIENT_ID), LOCAL(CLIENT_INFO),
    LOCAL(CLIENT_NO_EVICT), LOCAL(CLIENT_NO_TOUCH), LOCAL(CLIENT_REPLY), LOCAL(CLIENT_SETINFO),
    LOCAL(CLIENT_SETNAME),
    ALL(CLIENT_LIST), ALL(CLIENT_KILL), ALL(CLIENT_UNBLOCK),
    EACH(CLIENT_PAUSE), EACH(CLIENT_UNPAUSE),
    LOCAL(CLIENT_TRACKING), // with REDIRECT or BCAST: all shards (route_of)
    LOCAL(MONITOR),
    // Transactions: what is queued and watched (route_of). WATCH names its keys.
    LOCAL(MULTI), KEYS(EXEC), KEYS(DISCARD), KEYS(UNWATCH), KEYS(RESET),
    // Messages: a client listens on its own shard.
    LOCAL(SUBSCRIBE), LOCAL(UNSUBSCRIBE), LOCAL(PSUBSCRIBE), LOCAL(PUNSUBSCRIBE),
    LOCAL(SSUBSCRIBE), LOCAL(SUNSUBSCRIBE), LOCAL(PUBSUB_HELP),
    KEYS(PUBLISH), KEYS(SPUBLISH), // the shards that have listeners (route_of)
    ALL(PUBSUB_CHANNELS), ALL(PUBSUB_NUMPAT), ALL(PUBSUB_NUMSUB), ALL(PUBSUB_SHARDCHANNELS),
    ALL(PUBSUB_SHARDNUMSUB),
    // The same on every shard: tables, users, scripts, settings.
    LOCAL(COMMAND), LOCAL(COMMAND_COUNT), LOCAL(COMMAND_DOCS), LOCAL(COMMAND_GETKEYS),
    LOCAL(COMMAND_GETKEYSANDFLAGS), LOCAL(COMMAND_HELP), LOCAL(COMMAND_INFO), LOCAL(COMMAND_LIST),
    LOCAL(TIME), LOCAL(LOLWUT), LOCAL(WAIT), LOCAL(PFSELFTEST),
    LOCAL(OBJECT_HELP), LOCAL(XGROUP_HELP), LOCAL(XINFO_HELP), LOCAL(MEMORY_HELP),
    LOCAL(MODULE_HELP), LOCAL(MODULE_LIST), LOCAL(MODULE_LOAD), LOCAL(MODULE_LOADEX),
    LOCAL(MODULE_UNLOAD),
    LOCAL(ACL_CAT), LOCAL(ACL_DRYRUN), LOCAL(ACL_GENPASS), LOCAL(ACL_GETUSER), LOCAL(ACL_HELP),
    LOCAL(ACL_LIST), LOCAL(ACL_USERS), LOCAL(ACL_WHOAMI),
    EACH(ACL_SETUSER), EACH(ACL_DELUSER), EACH(ACL_LOAD), ALL(ACL_SAVE), ALL(ACL_LOG),
    LOCAL(CONFIG_GET), LOCAL(CONFIG_HELP),
    EACH(CONFIG_SET), EACH(CONFIG_RESETSTAT), ALL(CONFIG_REWRITE),
    LOCAL(SCRIPT_DEBUG), LOCAL(SCRIPT_EXISTS), LOCAL(SCRIPT_HELP),
    EACH(SCRIPT_LOAD), EACH(SCRIPT_FLUSH), ALL(SCRIPT_KILL),
    LOCAL(FUNCTION_DUMP), LOCAL(FUNCTION_HELP), LOCAL(FUNCTION_LIST),
    EACH(FUNCTION_LOAD), EACH(FUNCTION_DELETE), EACH(FUNCTION_FLUSH), EACH(FUNCTION_RESTORE),
    ALL(FUNCTION_KILL), ALL(FUNCTION_STATS),
    ALL(PENSTOCK_SHARDS), ALL(PENSTOCK_MOVE_SLOTS), ALL(PENSTOCK_MOVE_STATUS), LOCAL(PENSTOCK_HELP),
    // The keyspace as a whole.
    ALL(DBSIZE), SCATTER(KEYS), ALL(SCAN), ALL(RANDOMKEY), ALL(FLUSHALL), ALL(FLUSHDB), ALL(SWAPDB),
    // The server as a whole.
    ALL(INFO), ALL(SHUTDOWN), ALL(SAVE), ALL(BGSAVE), LOCAL(LASTSAVE),
    LOCAL(BGREWRITEAOF), LOCAL(WAITAOF),
    ALL(MEMORY_STATS), ALL(MEMORY_DOCTOR), ALL(MEMORY_MALLOC_STATS), ALL(MEMORY_PURGE),
    ALL(SLOWLOG_GET), ALL(SLOWLOG_LEN), EACH(SLOWLOG_RESET), LOCAL(SLOWLOG_HELP),
    ALL(LATENCY_DOCTOR), ALL(LATENCY_GRAPH), ALL(LATENCY_HISTOGRAM), ALL(LATENCY_HISTORY),
    ALL(LATENCY_LATEST), EACH(LATENCY_RESET), LOCAL(LATENCY_HELP),
    LOCAL(DEBUG), // by its subcommand (debug_kinds)
};
// clang-format on

enum route_kind route_kind_of(const struct command *row)
{
    if (decided[row->id]) return (enum route_kind)(decided[row->id] - 1);
    if (!row->body) return ROUTE_LOCAL; // a container, which its arity refuses
    return command_has_keys(row) ? ROUTE_KEYS : ROUTE_REFUSED;
}

// Of ROUTE_KEYS: argv[2], it and all that follow, or whatever there is.
enum debug_keys { DEBUG_NO_KEYS, DEBUG_KEY, DEBUG_KEYS, DEBUG_ALL_KEYS };
// What is not here only talks to its client, or crashes.
static const struct debug_kind {
    const char *name;
    enum route_kind kind;
    enum debug_keys keys;
} debug_kinds[] = {
    { "client-eviction", ROUTE_ALL, DEBUG_NO_KEYS },
    { "config-rewrite-force-all", ROUTE_ALL, DEBUG_NO_KEYS },
    { "digest", ROUTE_KEYS, DEBUG_ALL_KEYS },
    { "digest-value", ROUTE_KEYS, DEBUG_KEYS },
    { "htstats", ROUTE_ALL, DEBUG_NO_KEYS },
    { "htstats-key", ROUTE_KEYS, DEBUG_KEY },
    { "jmap", ROUTE_ALL, DEBUG_NO_KEYS },
    { "listpack", ROUTE_KEYS, DEBUG_KEY },
    { "loadaof", ROUTE_ALL, DEBUG_NO_KEYS },
    { "object", ROUTE_KEYS, DEBUG_KEY },
    { "pause-cron", ROUTE_EACH, DEBUG_NO_KEYS },
    { "populate", ROUTE_SCATTER, DEBUG_NO_KEYS },
    { "quicklist", ROUTE_KEYS, DEBUG_KEY },
    { "reload", ROUTE_ALL, DEBUG_NO_KEYS },
    { "set-active-expire", ROUTE_EACH, DEBUG_NO_KEYS },
    { "set-disable-deny-scripts", ROUTE_EACH, DEBUG_NO_KEYS },
    { "set-skip-checksum-validation", ROUTE_EACH, DEBUG_NO_KEYS },
    { "sleep", ROUTE_EACH, DEBUG_NO_KEYS },
};

// ---- sets of shards

static const struct placement *placement_of(const struct call *call)
{
    return &call->server->node->placement;
}

static shard_set all_of(const struct call *call)
{
    return shard_set_all(call->server->node->shard_count);
}

static inline shard_set shard_of(const struct call *call, struct bytes key)
{
    const struct placement *p = placement_of(call);
    if (UNLIKELY(p->move.is_active)) return slot_move_shards(call->server, key);
    return shard_set_of(placement_shard(p, key));
}

// Of argv[first], argv[first + step], ... up to argv[last].
static shard_set shards_of_range(const struct call *call, int64_t first, int64_t last, int64_t step)
{
    shard_set shards = 0;
    for (int64_t i = first; i <= last && i < (int64_t)call->argc; i += step)
        shards |= shard_of(call, call->argv[i]);
    return shards;
}

struct gather {
    const struct call *call;
    shard_set shards;
};

static void add_key(void *context, uint32_t index, uint32_t flags)
{
    struct gather *g = context;
    (void)flags;
    g->shards |= shard_of(g->call, g->call->argv[index]);
}

// Arguments that fit no rule are refused by the body; all shards, whatever it may look at before.
static shard_set shards_of_specs(const struct call *call)
{
    struct gather g = { call, 0 };
    bool fits = command_find_keys(call->command, call->argv, call->argc, add_key, &g);
    return fits ? g.shards : all_of(call);
}

static shard_set shards_of_keys(const struct call *call)
{
    const struct command *row = call->command;
    if (row->flags & CMD_MOVABLEKEYS || row->first_key <= 0) return shards_of_specs(call);
    int64_t last = row->last_key < 0 ? (int64_t)call->argc + row->last_key : row->last_key;
    return shards_of_range(call, row->first_key, last, row->key_step);
}

// ---- SORT

// The keys that a pattern makes: they are all on one shard when it has a hash tag that no element
// can change, as in "{user}:*". In transit: both, for each of them is at the one or the other.
static shard_set shards_of_pattern(const struct call *call, struct bytes pattern)
{
    const uint8_t *star = pattern.size ? memchr(pattern.data, '*', pattern.size) : NULL;
    if (!star) return 0; // looks nothing up
    size_t size = (size_t)(star - pattern.data);
    const uint8_t *open = size ? memchr(pattern.data, '{', size) : NULL;
    if (!open) return all_of(call);
    const uint8_t *close = memchr(open, '}', (size_t)(star - open));
    bool has_tag = close && close > open + 1;
    if (!has_tag) return all_of(call);
    return placement_shards(placement_of(call), bytes_make(pattern.data, size));
}

static shard_set shards_of_sort(const struct call *call)
{
    shard_set shards = shards_of_specs(call);
    for (uint32_t i = 2; i + 1 < call->argc; i++) {
        if (bytes_is_option(call->argv[i], "limit"))
            i += 2;
        else if (bytes_is_option(call->argv[i], "store"))
            i++;
        else if (bytes_is_option(call->argv[i], "by") || bytes_is_option(call->argv[i], "get"))
            shards |= shards_of_pattern(call, call->argv[++i]);
    }
    return shards;
}

// ---- scripts

// In transit: both shards, so that a script that lets them go between its slices has both again.
shard_set route_script_keys(const struct call *call, uint32_t key_count)
{
    shard_set shards = 0;
    if (!key_count) return all_of(call);
    for (uint32_t i = 3; i < 3 + key_count && i < call->argc; i++)
        shards |= placement_shards(placement_of(call), call->argv[i]);
    return shards;
}

static shard_set shards_of_script(const struct call *call)
{
    int64_t count;
    bool fits = num_parse_int(call->argv[2], &count) && count >= 0 && count <= call->argc - 3;
    if (!fits) return 0; // refused
    if (count && script_concerns_all(call)) return all_of(call);
    return route_script_keys(call, (uint32_t)count);
}

// ---- transactions

static bool add_queued(void *context, const struct call *queued)
{
    struct gather *g = context;
    struct call call = *queued;
    g->shards |= command_runs_script(call.command) ? all_of(&call) : route_of(&call).shards;
    return g->shards == all_of(g->call);
}

// Queue and watches are the client's: where they are looked at is its own shard.
static shard_set shards_of_transaction(struct call *call)
{
    const struct client *c = call->client;
    uint16_t id = call->command->id;
    struct gather g = { call, transaction_watched_shards(c) };
    bool is_open = c->flags & CLIENT_IN_MULTI, is_broken = c->flags & CLIENT_BROKEN_MULTI;
    if (id == CMD_ID_WATCH) g.shards |= shards_of_keys(call);
    if (id == CMD_ID_EXEC && is_open && !is_broken) (void)transaction_any(call, add_queued, &g);
    return g.shards ? g.shards | shard_set_of(call->server->shard_index) : 0;
}

// ---- the decision

static struct route make_route(const struct call *call, enum route_kind kind, shard_set shards)
{
    bool is_of_all = kind == ROUTE_ALL || kind == ROUTE_EACH || kind == ROUTE_SCATTER;
    if (is_of_all) shards = all_of(call);
    return (struct route){ kind, shards };
}

static shard_set shards_of_debug(const struct call *call, enum debug_keys keys)
{
    switch (keys) {
    case DEBUG_KEY:
        return shards_of_range(call, 2, 2, 1);
    case DEBUG_KEYS:
        return shards_of_range(call, 2, call->argc, 1);
    case DEBUG_ALL_KEYS:
        return all_of(call);
    case DEBUG_NO_KEYS:
        break;
    }
    return 0;
}

static struct route debug_route(const struct call *call)
{
    for (uint32_t i = 0; i < sizeof debug_kinds / sizeof *debug_kinds; i++) {
        const struct debug_kind *d = &debug_kinds[i];
        if (!bytes_is_option(call->argv[1], d->name)) continue;
        return make_route(call, d->kind, shards_of_debug(call, d->keys));
    }
    return make_route(call, ROUTE_LOCAL, 0);
}

// A redirection's target is looked for, and prefixes are known, everywhere.
static struct route tracking_route(const struct call *call)
{
    bool concerns_all = false;
    for (uint32_t i = 3; i < call->argc; i++)
        concerns_all = concerns_all || bytes_is_option(call->argv[i], "redirect") ||
                       bytes_is_option(call->argv[i], "bcast");
    return concerns_all ? make_route(call, ROUTE_KEYS, all_of(call))
                        : make_route(call, ROUTE_LOCAL, 0);
}

static shard_set listeners_of(const struct call *call)
{
    return __atomic_load_n(&call->server->node->listening, __ATOMIC_ACQUIRE);
}

static struct route find_route(struct call *call)
{
    const struct command *row = call->command;
    switch (row->id) {
    case CMD_ID_DEBUG:
        return debug_route(call);
    case CMD_ID_CLIENT_TRACKING:
        return tracking_route(call);
    case CMD_ID_PUBLISH:
    case CMD_ID_SPUBLISH:
        return make_route(call, ROUTE_KEYS, listeners_of(call));
    case CMD_ID_WATCH:
    case CMD_ID_EXEC:
    case CMD_ID_DISCARD:
    case CMD_ID_UNWATCH:
    case CMD_ID_RESET:
        return make_route(call, ROUTE_KEYS, shards_of_transaction(call));
    case CMD_ID_SORT:
    case CMD_ID_SORT_RO:
        return make_route(call, ROUTE_KEYS, shards_of_sort(call));
    default:
        break;
    }
    if (command_runs_script(row)) return make_route(call, ROUTE_KEYS, shards_of_script(call));
    enum route_kind kind = route_kind_of(row);
    return make_route(call, kind, kind == ROUTE_KEYS ? shards_of_keys(call) : 0);
}

struct route route_of(struct call *call)
{
    const struct command *row = call->command;
    bool is_plain = !decided[row->id] && !(row->flags & CMD_MOVABLEKEYS);
    if (LIKELY(is_plain && row->first_key == row->last_key && call->has_key))
        return (struct route){ ROUTE_KEYS, shard_of(call, call->argv[row->first_key]) };
    return find_route(call);
}

shard_set route_of_request(struct server *server, struct client *client,
                           const struct kept_request *request)
{
    struct call call = { .server = server,
                         .client = client,
                         .reply = &client->reply,
                         .keyspace = server->keyspace,
                         .argv = (struct bytes *)(uintptr_t)request->argv,
                         .argc = request->argc,
                         .now_ms = server->now_ms };
    command_prepare(&call);
    return call.command ? route_of(&call).shards : 0;
}

// ---- nested commands

static bool publishes(const struct command *row)
{
    return row->id == CMD_ID_PUBLISH || row->id == CMD_ID_SPUBLISH;
}

bool route_is_within(const struct call *call, const struct route *r, shard_set held)
{
    // Each of its commands is bound on its own, in the server that runs it.
    if (command_runs_script(call->command)) return true;
    return r->kind != ROUTE_REFUSED && !(r->shards & ~held);
}

void route_bind(struct call *call, const struct route *r)
{
    struct server *s = call->server;
    if (command_runs_script(call->command) || !r->shards) return;
    if (r->kind == ROUTE_LOCAL || r->kind == ROUTE_EACH) return;
    if (r->kind == ROUTE_ALL || shard_set_rest(r->shards)) {
        call->keyspace = s->joint;
        return;
    }
    call->server = s->node->servers[shard_set_first(r->shards)];
    call->keyspace = call->server->keyspace;
}

void route_run_for_others(const struct call *call)
{
    struct reply *r = call->reply, before = *r;
    r->muted = true;
    for (uint32_t i = 0; i < server_peer_count(call->server); i++) {
        struct call other = *call;
        other.server = server_peer(call->server, i);
        if (other.server == call->server) continue;
        other.keyspace = other.server->keyspace;
        other.has_effect = false;
        uint64_t dirty = keyspace_dirty(other.keyspace);
        other.command->body(&other);
        command_add_effect(&other, dirty);
    }
    r->muted = before.muted;
    r->error_count = before.error_count;
    memcpy(r->error_code, before.error_code, sizeof r->error_code);
}

void route_run_within(struct call *call, const struct route *r)
{
    route_bind(call, r);
    if (LIKELY(r->kind != ROUTE_EACH)) {
        command_run(call);
        return;
    }
    // Errors of a nested command are counted and taken out of its reply again.
    const uint64_t *failed = &call->server->tally->commands[call->command->id].failed;
    uint64_t failed_before = *failed;
    command_run(call);
    if (*failed == failed_before) route_run_for_others(call);
}

bool route_run(struct call *call, shard_set held)
{
    struct route r = route_of(call);
    // Who began to listen since it was routed is told all the same, and not counted.
    if (publishes(call->command)) r.shards &= held;
    if (!route_is_within(call, &r, held)) return false;
    route_run_within(call, &r);
    return true;
}

const char *route_refusal(struct call *call)
{
    if (route_of(call).kind == ROUTE_REFUSED)
        return "ERR This command does not work with several shards yet";
    return "ERR Transaction needs a shard that it does not hold";
}
