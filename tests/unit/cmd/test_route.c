// Where commands run when there are several shards, and what they are given there. The nodes are
// servers in one thread, of which nobody else runs meanwhile.
#include "dataplane/cmd/route.h"
#include "dataplane/cmd/cmd_docs.h"
#include "dataplane/cmd/command_ids.h"
#include "dataplane/cmd/held.h"
#include "dataplane/cmd/kept.h"
#include "dataplane/cmd/script_cache.h"
#include "tests/unit/cmd/harness.h"

enum { SHARDS = 3, ALL = (1 << SHARDS) - 1 };

static struct harness *shard[SHARDS];
static struct node *node;
static struct harness_client *client; // of shard 0

// Where the router takes what does not run here.
static enum routed run_here(struct call *call)
{
    (void)call;
    return ROUTED_HERE;
}
static void forget_nothing(struct server *s, uint64_t client_id, uint64_t generation,
                           uint64_t homes)
{
    (void)s, (void)client_id, (void)generation, (void)homes;
}
static const struct server_ops node_ops = { .resume_client = harness_note_client,
                                            .client_wrote = harness_note_client,
                                            .route = run_here,
                                            .forget_watches = forget_nothing };

static void open_node(void)
{
    struct keyspace *homes[SHARDS];
    node = calloc(1, sizeof *node);
    node->shard_count = SHARDS;
    placement_init(&node->placement, SHARDS);
    for (uint32_t i = 0; i < SHARDS; i++) {
        shard[i] = harness_open();
        struct server *s = node->servers[i] = &shard[i]->server;
        homes[i] = s->keyspace;
        s->node = node;
        s->shard_index = i;
        s->shard_count = SHARDS;
        s->ops = &node_ops;
    }
    for (uint32_t i = 0; i < SHARDS; i++)
        cr_assert(eq(int,
                     keyspace_open_joint(&shard[i]->server.joint, &shard[i]->heap, &node->placement,
                                         homes, &shard[i]->tally),
                     OK));
    shard[0]->server.clients.next_id = 300; // of its clients: multiples of SHARDS
    client = harness_client_open(shard[0]);
}

static void close_node(void)
{
    harness_client_close(client);
    for (uint32_t i = 0; i < SHARDS; i++) {
        struct server *s = &shard[i]->server;
        cr_expect(eq(u32, s->effects.held, 0));
        cr_expect(s->executing == NULL && !s->in_command && !s->held);
        keyspace_close(s->joint);
        s->joint = NULL;
    }
    for (uint32_t i = 0; i < SHARDS; i++) harness_close(shard[i]);
    free(node);
}

TestSuite(route, .init = open_node, .fini = close_node);

// A key of that shard.
static const char *key_of(uint32_t index)
{
    static char names[SHARDS][16];
    for (int i = 0;; i++) {
        snprintf(names[index], sizeof names[index], "key%d", i);
        if (placement_shard(&node->placement, bytes_text(names[index])) == index)
            return names[index];
    }
}
// command, with %0 %1 %2 for a key of each shard.
static const char *with_keys(const char *command)
{
    static char line[1024];
    char *at = line;
    for (const char *in = command; *in; in++) {
        if (*in == '%')
            at += sprintf(at, "%s", key_of((uint32_t)(*++in - '0')));
        else
            *at++ = *in;
    }
    *at = 0;
    return line;
}

// The request stays good until the next one is read.
static struct call read_call(const char *command, struct resp_request *request)
{
    static char line[2048];
    struct harness *h = client->harness;
    struct resp_limits limits = { 512 << 20, 1 << 30, true };
    int size = snprintf(line, sizeof line, "%s\r\n", with_keys(command));
    struct bytes in = bytes_make(line, (size_t)size);
    cr_assert(eq(int, resp_read(&h->reader, &in, &limits, request), RESP_REQUEST), "%s", line);
    struct call call = { .server = &h->server,
                         .client = &client->client,
                         .reply = &client->client.reply,
                         .keyspace = h->server.keyspace,
                         .argv = request->argv,
                         .argc = request->argc,
                         .request = request,
                         .arrival_tsc = clock_tsc(),
                         .now_ms = h->now_ms };
    command_prepare(&call);
    cr_assert(call.command != NULL, "%s", line);
    return call;
}

static struct route route_text(const char *command)
{
    struct resp_request request;
    struct call call = read_call(command, &request);
    return route_of(&call);
}

static void expect_route(const char *command, enum route_kind kind, shard_set shards)
{
    struct route r = route_text(command);
    cr_expect(eq(int, r.kind, kind), "%s", command);
    cr_expect(eq(u64, r.shards, shards), "%s", command);
}
static void expect_keys(const char *command, shard_set shards)
{
    expect_route(command, ROUTE_KEYS, shards);
}

// As the router would have it run.
static const char *run(const char *command)
{
    struct resp_request request;
    struct call call = read_call(command, &request);
    struct server *s = call.server;
    struct route r = route_of(&call);
    bool is_queued = client->client.flags & CLIENT_IN_MULTI && call.command->id != CMD_ID_EXEC &&
                     call.command->id != CMD_ID_DISCARD;
    for (uint32_t i = 0; i < SHARDS; i++) {
        shard[i]->effects_size = 0;
        shard[i]->effects[0] = 0;
    }
    if (is_queued || r.kind == ROUTE_LOCAL || !(r.shards & ~1ull)) {
        command_execute(&call);
    } else {
        struct kept_request *kept = kept_new(s->heap, call.argv, call.argc, call.arrival_tsc);
        command_execute_held(s, &client->client, kept, &r, false);
        kept_free(s->heap, kept);
    }
    return harness_client_wire(client);
}
#define EXPECT_RUN(command, expected)                                                              \
    cr_expect(eq(str, (char *)run(command), (char *)(expected)), "%s", (command))

static void expect_effects(uint32_t index, const char *expected)
{
    cr_expect(eq(str, (char *)shard[index]->effects, (char *)with_keys(expected)), "shard %u",
              index);
}

static bool has_script(uint32_t index, const char *body)
{
    struct script_host *host = scripts_host(shard[index]->server.scripts, SCRIPT_KIND_EVAL);
    return script_find_body(host, bytes_text(body)) != NULL;
}

// ---- kinds

Test(route, knows_a_way_for_every_command)
{
    for (uint32_t id = 0; id < command_count(); id++) {
        const struct command *row = command_by_id((uint16_t)id);
        cr_expect(ne(int, route_kind_of(row), ROUTE_REFUSED), "%s", row->full_name);
    }
}

Test(route, sends_what_writes_or_reads_the_keyspace_to_keys_or_all)
{
    for (uint32_t id = 0; id < command_count(); id++) {
        const struct command *row = command_by_id((uint16_t)id);
        enum route_kind kind = route_kind_of(row);
        bool is_else = strncmp(row->full_name, "function|", 9) == 0 || row->id == CMD_ID_LOLWUT;
        if (!row->body || !(row->flags & (CMD_WRITE | CMD_READONLY)) || is_else) continue;
        bool is_of_all = kind == ROUTE_ALL || kind == ROUTE_SCATTER;
        cr_expect(kind == ROUTE_KEYS || is_of_all, "%s", row->full_name);
    }
}

Test(route, tells_commands_of_the_connection_from_those_of_all_shards)
{
    expect_route("PING", ROUTE_LOCAL, 0);
    expect_route("SELECT 1", ROUTE_LOCAL, 0);
    expect_route("SUBSCRIBE c", ROUTE_LOCAL, 0);
    expect_route("SSUBSCRIBE c", ROUTE_LOCAL, 0);
    expect_route("COMMAND", ROUTE_LOCAL, 0);
    expect_route("OBJECT HELP", ROUTE_LOCAL, 0);
    expect_route("CLIENT TRACKING OFF", ROUTE_LOCAL, 0);
    expect_route("CLIENT TRACKING on", ROUTE_LOCAL, 0);
    expect_route("CLIENT TRACKING on optin redirect 5", ROUTE_KEYS, ALL);
    expect_route("CLIENT TRACKING on bcast", ROUTE_KEYS, ALL);
    expect_route("MONITOR", ROUTE_LOCAL, 0);
    expect_route("INFO", ROUTE_ALL, ALL);
    expect_route("KEYS *", ROUTE_SCATTER, ALL);
    expect_route("DEBUG POPULATE 5", ROUTE_SCATTER, ALL);
    expect_route("FLUSHALL", ROUTE_ALL, ALL);
    expect_route("CONFIG SET a b", ROUTE_EACH, ALL);
    expect_route("FUNCTION FLUSH", ROUTE_EACH, ALL);
}

Test(route, decides_on_debug_by_its_subcommand)
{
    expect_route("DEBUG LOG x", ROUTE_LOCAL, 0);
    expect_route("DEBUG nonsense", ROUTE_LOCAL, 0);
    expect_route("DEBUG digest", ROUTE_KEYS, ALL);
    expect_route("DEBUG SET-ACTIVE-EXPIRE 0", ROUTE_EACH, ALL);
    expect_keys("DEBUG OBJECT %2 fast", 4);
    expect_keys("DEBUG QUICKLIST %1 1", 2);
    expect_keys("DEBUG DIGEST-VALUE %0 %2", 5);
    expect_keys("DEBUG DIGEST-VALUE", 0);
}

// ---- keys

struct gathered {
    const struct call *call;
    shard_set shards;
};
static void gather_key(void *context, uint32_t index, uint32_t flags)
{
    struct gathered *g = context;
    (void)flags;
    g->shards |= 1ull << placement_shard(&g->call->server->node->placement, g->call->argv[index]);
}

// The rows' ranges, which are quick to follow, say the same as the key specs.
Test(route, finds_the_keys_of_every_command_with_fixed_places)
{
    enum { ARGUMENTS = 12 };
    static char texts[ARGUMENTS][16];
    static struct node wide;
    struct bytes argv[ARGUMENTS];
    struct server *s = &shard[0]->server;
    uint32_t compared = 0;
    wide.shard_count = PLACEMENT_SHARDS_MAX;
    placement_init(&wide.placement, PLACEMENT_SHARDS_MAX);
    s->node = &wide;
    for (uint32_t i = 0; i < ARGUMENTS; i++) {
        snprintf(texts[i], sizeof texts[i], "argument:%u", i * 7);
        argv[i] = bytes_text(texts[i]);
    }
    for (uint32_t id = 0; id < command_count(); id++) {
        const struct command *row = command_by_id((uint16_t)id);
        bool is_fixed = row->first_key > 0 && !(row->flags & CMD_MOVABLEKEYS);
        if (!is_fixed || route_kind_of(row) != ROUTE_KEYS || row->id == CMD_ID_WATCH) continue;
        for (uint32_t more = 0; more < 4; more++) {
            if (more && row->arity > 0) break;
            uint32_t arity = (uint32_t)(row->arity < 0 ? -row->arity : row->arity);
            struct call call = { .server = s,
                                 .client = &client->client,
                                 .keyspace = s->keyspace,
                                 .command = row,
                                 .argv = argv,
                                 .argc = arity + more * (uint32_t)row->key_step,
                                 .has_key = true };
            struct gathered g = { &call, 0 };
            // PFMERGE without sources: a spec that may be left out.
            if (!command_find_keys(row, argv, call.argc, gather_key, &g)) continue;
            cr_expect(eq(u64, route_of(&call).shards, g.shards), "%s", row->full_name);
            compared++;
        }
    }
    cr_expect(gt(u32, compared, 300));
    s->node = node;
}

Test(route, goes_by_keys_that_stand_anywhere)
{
    expect_keys("GET %1", 2);
    expect_keys("MSET %0 %1 %0 %1", 1);
    expect_keys("MGET %0 %2", 5);
    expect_keys("BLPOP %0 %1 0", 3);
    expect_keys("SMOVE %2 %1 %0", 6);
    expect_keys("OBJECT ENCODING %1", 2);
    expect_keys("ZUNION 2 %0 %1 WEIGHTS 1 2", 3);
    expect_keys("ZUNIONSTORE %2 2 %0 %0", 5);
    expect_keys("ZINTERCARD 1 %2", 4);
    expect_keys("SINTERCARD 2 %1 %2 LIMIT 1", 6);
    expect_keys("LMPOP 2 %1 %1 LEFT", 2);
    expect_keys("BLMPOP 0 2 %0 %1 LEFT", 3);
    expect_keys("BZMPOP 0 1 %2 MIN", 4);
    expect_keys("ZMPOP 1 %0 MIN", 1);
    expect_keys("XREAD COUNT 2 STREAMS %0 %2 0 0", 5);
    expect_keys("XREADGROUP GROUP g c STREAMS %1 >", 2);
    expect_keys("GEORADIUS %0 1 1 1 m STORE %1", 3);
    expect_keys("GEORADIUSBYMEMBER %0 x 1 m STOREDIST %2", 5);
    expect_keys("GEOSEARCHSTORE %2 %1 FROMMEMBER x BYRADIUS 1 m", 6);
    expect_keys("COPY %0 %1 DB 2", 3);
    expect_keys("WATCH %0 %2", 5);
}

Test(route, goes_by_the_hash_tag_of_a_key)
{
    char line[128];
    snprintf(line, sizeof line, "MGET a{%%1} {%%1}b%%0 {%%1}{%%2} %%1");
    expect_keys(line, 2);
}

Test(route, takes_all_shards_when_keys_do_not_fit_their_number)
{
    expect_keys("ZUNION 9 %0 %0", ALL);
    expect_keys("LMPOP x %0 LEFT", ALL);
}

Test(route, looks_for_the_keys_that_sort_makes_of_patterns)
{
    expect_keys("SORT %0", 1);
    expect_keys("SORT %0 BY nosort GET #", 1);
    expect_keys("SORT %0 STORE %1", 3);
    expect_keys("SORT %0 BY w_* STORE %1", ALL);
    expect_keys("SORT_RO %0 GET o_*->f", ALL);
    expect_keys("SORT %0 LIMIT BY GET", 1);
    expect_keys("SORT %0 BY {%2}w_* GET {%2}o_*->f", 5);
    expect_keys("SORT %0 BY {*}%2", ALL);
    expect_keys("SORT %0 BY {}%2_*", ALL);
}

// ---- transactions

Test(route, has_a_transaction_run_where_its_queue_and_its_watches_are)
{
    expect_keys("EXEC", 0);
    expect_keys("UNWATCH", 0);
    expect_keys("RESET", 0);
    run("MULTI");
    expect_keys("EXEC", 0);
    run("PING");
    run("SET %0 x");
    expect_keys("EXEC", 1);
    run("SET %2 x");
    expect_keys("EXEC", 5);
    expect_keys("DISCARD", 0);
    run("INFO");
    expect_keys("EXEC", ALL);
    run("DISCARD");
    run("WATCH %1");
    expect_keys("UNWATCH", 3);
    expect_keys("RESET", 3);
    expect_keys("WATCH %2", 7);
    run("MULTI");
    expect_keys("EXEC", 3);
    expect_keys("DISCARD", 3);
    run("DISCARD");
    expect_keys("UNWATCH", 0);
}

Test(route, binds_each_command_of_a_transaction_to_its_shards)
{
    run("MULTI");
    run("SET %0 a");
    run("SET %1 b");
    run("RPUSH l%1 x y");
    run("APPEND %1 c");
    run("MGET %0 %1 %2");
    run("DBSIZE");
    EXPECT_RUN("EXEC",
               "*6\r\n+OK\r\n+OK\r\n:2\r\n:2\r\n*3\r\n$1\r\na\r\n$2\r\nbc\r\n$-1\r\n:3\r\n");
    cr_expect(eq(u64,
                 keyspace_size(shard[0]->server.keyspace, 0) +
                     keyspace_size(shard[1]->server.keyspace, 0) +
                     keyspace_size(shard[2]->server.keyspace, 0),
                 3));
    struct key key = key_make(shard[1]->server.keyspace, bytes_text(key_of(1)));
    cr_expect(keyspace_peek(shard[1]->server.keyspace, 0, &key) != NULL);
    expect_effects(0, "SET %0 a;");
}

Test(route, makes_one_unit_of_a_transactions_effects_on_each_shard)
{
    run("MULTI");
    run("SET %1 b");
    run("SET %2 1");
    run("APPEND %1 c");
    run("INCR %2");
    run("SET %2{%0} 1");
    EXPECT_RUN("EXEC", "*5\r\n+OK\r\n+OK\r\n:2\r\n:2\r\n+OK\r\n");
    expect_effects(0, "SET %2{%0} 1;");
    expect_effects(1, "MULTI | SET %1 b | APPEND %1 c | EXEC;");
    expect_effects(2, "MULTI | SET %2 1 | INCR %2 | EXEC;");
    run("MULTI");
    run("MSET %0 a %1 b");
    run("RENAME %0 %2");
    EXPECT_RUN("EXEC", "*2\r\n+OK\r\n+OK\r\n");
    expect_effects(0, "MULTI | MSET %0 a | DEL %0 | EXEC;");
    expect_effects(1, "MSET %1 b;");
    expect_effects(2, "SET %2 a;");
}

Test(route, runs_what_changes_every_shards_copy_on_each)
{
    run("MULTI");
    run("SCRIPT LOAD 'return 5'");
    run("FUNCTION LOAD \"#!lua name=lib\\nredis.register_function('f', function() return 6 end)\"");
    run("SCRIPT LOAD 'return ('");
    const char *wire = run("EXEC");
    cr_expect(strstr(wire, "$40\r\n") && strstr(wire, "$3\r\nlib\r\n") &&
                  strstr(wire, "-ERR Error"),
              "%s", wire);
    for (uint32_t i = 0; i < SHARDS; i++) {
        cr_expect(has_script(i, "return 5"));
        cr_expect(eq(u64, shard[i]->server.scripts->functions.function_count, 1));
        cr_expect(eq(u64, shard[i]->server.effects.commands_total, 1));
    }
}

// Each shard's scripts have a stack of their own, and this transaction stands on one already.
Test(route, loads_scripts_on_each_shard_from_within_a_transaction_of_scripts)
{
    run("MULTI");
    run("EVAL 'return 1' 0");
    run("SCRIPT LOAD 'return 7'");
    run("FUNCTION LOAD \"#!lua name=lib\\nredis.register_function('f', function() return 6 end)\"");
    run("FCALL f 1 %2");
    EXPECT_RUN("EXEC", "*4\r\n:1\r\n$40\r\n"
                       "59b6ab2fbe0ee4b25733de0f62e6cda4899ef8e9\r\n$3\r\nlib\r\n:6\r\n");
    for (uint32_t i = 0; i < SHARDS; i++) cr_expect(has_script(i, "return 7"));
}

Test(route, keeps_the_clients_database_for_commands_on_other_shards)
{
    run("MULTI");
    run("SELECT 1");
    run("SET %1 x");
    EXPECT_RUN("EXEC", "*2\r\n+OK\r\n+OK\r\n");
    expect_effects(1, "SELECT 1 | SET %1 x;");
    cr_expect(eq(u32, client->client.db, 1));
    cr_expect(eq(u64, keyspace_size(shard[1]->server.keyspace, 1), 1));
}

// ---- scripts

Test(route, gives_a_new_script_to_all_shards_and_then_goes_by_declared_keys)
{
    const char *eval = "EVAL \"return redis.call('set', KEYS[1], ARGV[1])\" 1 %1 x";
    expect_keys(eval, ALL);
    EXPECT_RUN(eval, "+OK\r\n");
    for (uint32_t i = 0; i < SHARDS; i++)
        cr_expect(has_script(i, "return redis.call('set', KEYS[1], ARGV[1])"));
    expect_keys(eval, 2);
    expect_effects(0, "");
    expect_effects(1, "set %1 x;");
    expect_keys("EVAL \"return redis.call('set', KEYS[1], ARGV[1])\" 2 %1 %2 x", 6);
    expect_keys("EVAL \"return redis.call('set', KEYS[1], ARGV[1])\" 0 %1 %2 x", ALL);
    expect_keys("EVAL \"return redis.call('set', KEYS[1], ARGV[1])\" x %1 %2 x", 0);
    expect_keys("EVAL \"return redis.call('set', KEYS[1], ARGV[1])\" 9 %1 %2 x", 0);
    expect_keys("EVALSHA 0123456789012345678901234567890123456789 2 %1 %0", 3);
    expect_keys("FCALL nosuch 1 %2", 4);
    expect_keys("FCALL nosuch 0", ALL);
}

Test(route, binds_each_command_of_a_script_to_its_shards)
{
    EXPECT_RUN("EVAL \"redis.call('set', KEYS[1], 'a') redis.call('set', KEYS[2], 'b') "
               "redis.call('append', KEYS[2], 'c') "
               "return {redis.call('mget', unpack(KEYS)), redis.call('dbsize')}\" 3 %0 %1 %2",
               "*2\r\n*3\r\n$1\r\na\r\n$2\r\nbc\r\n$-1\r\n:2\r\n");
    expect_effects(0, "set %0 a;");
    expect_effects(1, "MULTI | set %1 b | append %1 c | EXEC;");
    expect_effects(2, "");
}

Test(route, mutes_a_scripts_effects_on_every_shard)
{
    EXPECT_RUN("EVAL \"redis.set_repl(redis.REPL_NONE) redis.call('set', KEYS[1], 1) "
               "redis.set_repl(redis.REPL_ALL) redis.call('set', KEYS[2], 1)\" 2 %1 %2",
               "$-1\r\n");
    expect_effects(1, "");
    expect_effects(2, "set %2 1;");
}

Test(route, runs_a_script_in_a_transaction_on_the_shard_of_the_transaction)
{
    run("MULTI");
    run("SET %1 1");
    run("EVAL \"return redis.call('incr', KEYS[1])\" 1 %1");
    run("INCR %1");
    expect_keys("EXEC", ALL);
    EXPECT_RUN("EXEC", "*3\r\n+OK\r\n:2\r\n:3\r\n");
    expect_effects(1, "MULTI | SET %1 1 | incr %1 | INCR %1 | EXEC;");
    cr_expect(has_script(2, "return redis.call('incr', KEYS[1])"));
}
