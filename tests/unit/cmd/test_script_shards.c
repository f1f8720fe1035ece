// Scripts of a server of several shards: keys that they did not declare, and shards that they hold
// for long. The shards are servers in one thread, of which nobody else runs meanwhile.
#include "dataplane/cmd/script_shards.h"
#include "dataplane/cmd/command_ids.h"
#include "dataplane/cmd/notify.h"
#include "dataplane/cmd/script_cache.h"
#include "tests/unit/cmd/node_harness.h"

#define LOOP " while true do end"

static struct node_harness *node;
static struct kept_request *again; // what is to begin anew
static struct client *again_client;
static uint32_t begun_again, holds;
static uint64_t held_now;
static bool refuses_hold;

static void begin_again(struct call *call)
{
    cr_assert(again == NULL);
    again = kept_new(call->server->heap, call->argv, call->argc, call->arrival_tsc);
    again_client = call->client;
    call->client->flags |= CLIENT_ELSEWHERE;
    begun_again++;
}
static bool hold(struct server *s, uint64_t shards)
{
    cr_expect(eq(u64, held_now, 0));
    cr_expect(eq(u64, s->held, 0));
    if (refuses_hold) return false;
    held_now = shards;
    holds++;
    return true;
}
static void let_go(struct server *s, uint64_t shards)
{
    (void)s;
    cr_expect(eq(u64, held_now, shards));
    held_now = 0;
}
static struct server_ops ops;

static struct server *server(uint32_t index) { return &node->shard[index]->server; }

static void open_node(void)
{
    node = node_open();
    ops = node_harness_ops;
    ops.begin_again = begin_again;
    ops.hold = hold;
    ops.let_go = let_go;
    for (uint32_t i = 0; i < NODE_SHARDS; i++) {
        server(i)->ops = &ops;
        node->shard[i]->no_slices = true;
        node->shard[i]->settings.busy_reply_threshold = 0;
    }
}

static void close_node(void)
{
    for (uint32_t i = 0; i < NODE_SHARDS; i++) {
        cr_expect(eq(u32, server(i)->effects.held, 0));
        cr_expect(server(i)->executing == NULL && !server(i)->in_command && !server(i)->held);
        cr_expect(server(i)->kept_changes == NULL && server(i)->busy_script == NULL);
        cr_expect(eq(u64, server(i)->jobs.watchers.count, 0));
    }
    node_close(node);
}

TestSuite(script_shards, .init = open_node, .fini = close_node);

// A key of that shard.
static const char *key_of(uint32_t index)
{
    static char names[NODE_SHARDS][16];
    for (int i = 0;; i++) {
        snprintf(names[index], sizeof names[index], "key%d", i);
        if (placement_shard(&node->node.placement, bytes_text(names[index])) == index)
            return names[index];
    }
}
// text, with %0 %1 %2 for a key of each shard.
static const char *with_keys(const char *text)
{
    static char line[1024];
    char *at = line;
    for (const char *in = text; *in; in++) {
        if (*in == '%')
            at += sprintf(at, "%s", key_of((uint32_t)(*++in - '0')));
        else
            *at++ = *in;
    }
    *at = 0;
    return line;
}

static void execute_held(const struct kept_request *request, shard_set shards)
{
    struct route route = { ROUTE_KEYS, shards };
    command_execute_held(server(0), &node->caller->client, request, &route, false);
}

// A command of shard 0's client with these shards held; 0: as one of shard 0 alone.
static const char *run_with(shard_set shards, const char *command)
{
    static char line[2048];
    struct harness *h = node->shard[0];
    struct resp_limits limits = { 512 << 20, 1 << 30, true };
    struct resp_request request;
    int size = snprintf(line, sizeof line, "%s\r\n", with_keys(command));
    struct bytes in = bytes_make(line, (size_t)size);
    for (uint32_t i = 0; i < NODE_SHARDS; i++)
        node->shard[i]->effects_size = node->shard[i]->effects[0] = 0;
    cr_assert(eq(int, resp_read(&h->reader, &in, &limits, &request), RESP_REQUEST));
    struct kept_request *kept = kept_new(&h->heap, request.argv, request.argc, clock_tsc());
    if (shards)
        execute_held(kept, shards);
    else
        (void)command_execute_kept(server(0), &node->caller->client, kept, false);
    kept_free(&h->heap, kept);
    return harness_client_wire(node->caller);
}
#define EXPECT(shards, command, expected)                                                          \
    cr_expect(eq(str, (char *)(uintptr_t)run_with((shards), (command)), (char *)(expected)), "%s", \
              (command))
// On each shard, where it is about what each has a copy of.
static void run_all(const char *command) { node_run(node, with_keys(command)); }

// What was put off runs, with all shards.
static const char *begin_anew(void)
{
    struct kept_request *request = again;
    cr_assert(request != NULL);
    again = NULL;
    again_client->flags &= ~(uint32_t)CLIENT_ELSEWHERE;
    execute_held(request, 7);
    kept_free(&node->shard[0]->heap, request);
    return harness_client_wire(node->caller);
}

static void expect_effects(uint32_t index, const char *expected)
{
    cr_expect(eq(str, (char *)node->shard[index]->effects, (char *)(uintptr_t)with_keys(expected)));
}

static bool is_known_to_need_all(uint32_t index, const char *body)
{
    struct script_host *host = scripts_host(server(index)->scripts, SCRIPT_KIND_EVAL);
    const struct script *script = script_find_body(host, bytes_text(body));
    return script && script_needs_all(script, NULL);
}

// ---- keys that were not declared

#define OUT "redis.call('incr', KEYS[1]) return redis.call('incr', ARGV[1])"

Test(script_shards, a_new_script_may_touch_any_key_and_is_known_by_it)
{
    EXPECT(7, "EVAL \"" OUT "\" 1 %0 %1", ":1\r\n");
    cr_expect(eq(u32, begun_again, 0));
    expect_effects(0, "incr %0;");
    expect_effects(1, "incr %1;");
    for (uint32_t i = 0; i < NODE_SHARDS; i++) cr_expect(is_known_to_need_all(i, OUT));
}

Test(script_shards, begins_anew_with_all_shards_when_it_meets_an_undeclared_key)
{
    run_all("SCRIPT LOAD \"" OUT "\"");
    EXPECT(1, "EVAL \"" OUT "\" 1 %0 %1", "");
    cr_expect(eq(u32, begun_again, 1));
    cr_expect(is_known_to_need_all(0, OUT) && !is_known_to_need_all(1, OUT));
    expect_effects(0, "");
    EXPECT(1, "EXISTS %0", ":0\r\n");
    cr_expect(eq(str, (char *)(uintptr_t)begin_anew(), ":1\r\n"));
    cr_expect(eq(u64, server(0)->tally->commands[CMD_ID_EVAL].calls, 1));
    for (uint32_t i = 0; i < NODE_SHARDS; i++) cr_expect(is_known_to_need_all(i, OUT));
    EXPECT(7, "MGET %0 %1", "*2\r\n$1\r\n1\r\n$1\r\n1\r\n");
}

Test(script_shards, undoes_what_it_wrote_on_each_of_its_shards)
{
#define BODY                                                                                       \
    "redis.call('del', KEYS[1]) redis.call('rpush', KEYS[2], 'c') redis.call('set', "              \
    "'n{'..KEYS[2]..'}', 1) redis.pcall('get', ARGV[1]) redis.pcall('set', KEYS[1], 'no') "        \
    "return redis.call('llen', KEYS[2])"
    run_all("SCRIPT LOAD \"" BODY "\"");
    run_all("SET %0 x");
    run_all("RPUSH %1 a b");
    EXPECT(3, "EVAL \"" BODY "\" 2 %0 %1 %2", "");
    cr_expect(eq(u32, begun_again, 1));
    expect_effects(0, "");
    expect_effects(1, "");
    EXPECT(7, "DBSIZE", ":2\r\n");
    EXPECT(1, "GET %0", "$1\r\nx\r\n");
    EXPECT(2, "LRANGE %1 0 -1", "*2\r\n$1\r\na\r\n$1\r\nb\r\n");
    cr_expect(eq(str, (char *)(uintptr_t)begin_anew(), ":3\r\n"));
    EXPECT(1, "GET %0", "$2\r\nno\r\n");
#undef BODY
}

static void tell_events(void)
{
    for (uint32_t i = 0; i < NODE_SHARDS; i++) {
        char **setting = &server(i)->settings->notify_keyspace_events;
        free(*setting);
        *setting = strdup("EA");
        notify_configure(server(i));
    }
}

Test(script_shards, tells_nobody_of_the_first_try)
{
    tell_events();
    run_all("SCRIPT LOAD \"" OUT "\"");
    struct harness_client *listens = harness_client_open(node->shard[0]);
    struct harness_client *watches = harness_client_open(node->shard[0]);
    harness_client_run(listens, "PSUBSCRIBE __keyevent@0__:*");
    harness_client_run(watches, with_keys("WATCH %0"));
    EXPECT(1, "EVAL \"" OUT "\" 1 %0 %1", "");
    cr_expect(eq(str, (char *)(uintptr_t)harness_client_wire(listens), ""));
    harness_client_run(watches, "MULTI");
    cr_expect(eq(str, (char *)(uintptr_t)harness_client_run(watches, "EXEC"), "*0\r\n"));
    begin_anew();
    const char *heard = harness_client_wire(listens);
    cr_expect(strstr(heard, "incrby") != NULL, "%s", heard);
    cr_expect(strstr(strstr(heard, "incrby") + 1, key_of(0)) != NULL, "%s", heard);
    harness_client_close(listens);
    harness_client_close(watches);
}

Test(script_shards, tells_changes_at_its_end_in_their_order)
{
    tell_events();
#define BODY "redis.call('set', KEYS[1], 1) redis.call('del', KEYS[1])"
    run_all("SCRIPT LOAD \"" BODY "\"");
    struct harness_client *listens = harness_client_open(node->shard[0]);
    harness_client_run(listens, "PSUBSCRIBE *");
    EXPECT(1, "EVAL \"" BODY "\" 1 %0", "$-1\r\n");
    const char *heard = harness_client_wire(listens);
    const char *set = strstr(heard, "__:set"), *del = strstr(heard, "__:del");
    cr_expect(set && del && set < del, "%s", heard);
    harness_client_close(listens);
#undef BODY
}

Test(script_shards, begins_anew_for_what_concerns_all_keys)
{
    static const char *const bodies[] = {
        "redis.call('set', KEYS[1], 1) return redis.call('dbsize')",
        "redis.call('set', KEYS[1], 1) return #redis.call('keys', '*')",
        "redis.call('set', KEYS[1], 1) return #redis.call('scan', 0)[2]",
    };
    run_all("SET %1 x");
    for (uint32_t i = 0; i < 3; i++) {
        char line[256];
        snprintf(line, sizeof line, "SCRIPT LOAD \"%s\"", bodies[i]);
        run_all(line);
        snprintf(line, sizeof line, "EVAL \"%s\" 1 %%0", bodies[i]);
        EXPECT(1, line, "");
        cr_expect(eq(str, (char *)(uintptr_t)begin_anew(), ":2\r\n"), "%s", line);
    }
}

Test(script_shards, begins_anew_for_functions_too)
{
    run_all("FUNCTION LOAD \"#!lua name=lib\\nredis.register_function('f', function(keys, args) "
            "redis.call('incr', keys[1]) return redis.call('incr', args[1]) end)\"");
    EXPECT(1, "FCALL f 1 %0 %1", "");
    cr_expect(eq(str, (char *)(uintptr_t)begin_anew(), ":1\r\n"));
    for (uint32_t i = 0; i < NODE_SHARDS; i++) {
        const struct function_store *store = &server(i)->scripts->functions;
        cr_expect(script_needs_all(NULL, function_find(store, BYTES_LITERAL("f"))));
    }
}

Test(script_shards, fails_when_what_it_wrote_cannot_be_undone)
{
    static const char why[] = "-ERR Script accessed a key on another shard that it did not declare";
    server(0)->settings->script_undo_memory = 0;
    run_all("SCRIPT LOAD \"" OUT "\"");
    const char *wire = run_with(1, "EVAL \"" OUT "\" 1 %0 %1");
    cr_expect(eq(int, strncmp(wire, why, sizeof why - 1), 0), "%s", wire);
    cr_expect(eq(u32, begun_again, 0));
    expect_effects(0, "incr %0;");
    cr_expect(is_known_to_need_all(0, OUT));
    EXPECT(7, "EVAL \"" OUT "\" 1 %0 %1", ":1\r\n");
    cr_expect(is_known_to_need_all(2, OUT));
}

Test(script_shards, needs_nothing_undone_when_it_only_read)
{
    server(0)->settings->script_undo_memory = 0;
#define BODY "redis.call('get', KEYS[1]) return redis.call('incr', ARGV[1])"
    run_all("SCRIPT LOAD \"" BODY "\"");
    EXPECT(1, "EVAL \"" BODY "\" 1 %0 %1", "");
    cr_expect(eq(str, (char *)(uintptr_t)begin_anew(), ":1\r\n"));
#undef BODY
}

Test(script_shards, gives_a_transaction_of_scripts_all_shards)
{
    run_all("SCRIPT LOAD \"" OUT "\"");
    run_with(0, "MULTI");
    run_with(0, "EVAL \"" OUT "\" 1 %0 %1");
    run_with(0, "INCR %0");
    EXPECT(7, "EXEC", "*2\r\n:1\r\n:2\r\n");
    cr_expect(eq(u32, begun_again, 0));
    expect_effects(0, "MULTI | incr %0 | INCR %0 | EXEC;");
    expect_effects(1, "incr %1;");
}

// ---- shards held for long

static void make_slow(void) { server(0)->settings->busy_reply_threshold = 1; }

static void expect_busy(shard_set shards)
{
    for (uint32_t i = 0; i < NODE_SHARDS; i++) {
        cr_expect(eq(int, server(i)->busy_script != NULL, shards >> i & 1), "shard %u", i);
        cr_expect(server(i)->executing == NULL && !server(i)->in_command, "shard %u", i);
    }
}

static void finish(void)
{
    while (jobs_run(server(0), 1)) continue;
    expect_busy(0);
    cr_expect(eq(u64, held_now, 0));
}

// Of another client.
static void expect_of_other(uint32_t index, const char *command, const char *begins)
{
    struct harness_client *c = harness_client_open(node->shard[index]);
    const char *wire = harness_client_run(c, with_keys(command));
    cr_expect(eq(int, strncmp(wire, begins, strlen(begins)), 0), "%s: %s", command, wire);
    harness_client_close(c);
}

static void kill_with(const char *command)
{
    expect_of_other(0, command, "+OK");
    for (uint32_t i = 0; i < NODE_SHARDS; i++)
        node->shard[i]->effects_size = node->shard[i]->effects[0] = 0;
    finish();
    const char *wire = harness_client_wire(node->caller);
    cr_expect(eq(int, strncmp(wire, "-ERR Script killed", 18), 0), "%s", wire);
}

#define SLOW_OUT                                                                                   \
    "redis.call('incr', KEYS[1]) for i = 1,3000000 do end return redis.call('incr', ARGV[1])"
#define WRITES "for i, key in ipairs(KEYS) do redis.call('rpush', key, i) end"

Test(script_shards, makes_the_shards_of_its_keys_busy_and_no_others)
{
    make_slow();
    EXPECT(7, "EVAL \"" WRITES LOOP "\" 2 %0 %1", ""); // new: all are held
    expect_busy(3);
    cr_expect(eq(u64, server(2)->jobs.watchers.count, 0));
    cr_expect(eq(u32, server(2)->effects.held, 0));
    expect_of_other(1, "GET %1", "-BUSY ");
    expect_of_other(1, "PING", "-BUSY ");
    expect_of_other(2, "SET %2 1", "+OK");
    kill_with("SCRIPT KILL UNDO");
}

Test(script_shards, is_undone_on_each_of_its_shards_when_it_is_killed)
{
    make_slow();
    run_all("SET %0 x");
    run_all("RPUSH %1 a");
    run_with(3, "EVAL \"redis.call('del', KEYS[1]) " WRITES LOOP "\" 2 %0 %1");
    expect_busy(3);
    expect_of_other(0, "SCRIPT KILL", "-UNKILLABLE ");
    kill_with("SCRIPT KILL UNDO");
    expect_effects(0, "");
    expect_effects(1, "");
    EXPECT(7, "GET %0", "$1\r\nx\r\n");
    EXPECT(7, "LRANGE %1 0 -1", "*1\r\n$1\r\na\r\n");
}

Test(script_shards, begins_anew_when_it_is_slow_too)
{
    make_slow();
    run_all("SCRIPT LOAD \"" SLOW_OUT "\"");
    run_with(1, "EVAL \"" SLOW_OUT "\" 1 %0 %1");
    expect_busy(1);
    finish();
    cr_expect(eq(u32, begun_again, 1));
    EXPECT(7, "EXISTS %0", ":0\r\n");
    server(0)->settings->busy_reply_threshold = 0;
    cr_expect(eq(str, (char *)(uintptr_t)begin_anew(), ":1\r\n"));
    cr_expect(eq(u64, server(0)->tally->commands[CMD_ID_EVAL].calls, 1));
}

Test(script_shards, refuses_what_needs_a_busy_shard_and_ends_its_transaction)
{
    make_slow();
    run_with(3, "EVAL \"" LOOP "\" 2 %0 %1");
    struct harness_client *runs = node->caller;
    node->caller = harness_client_open(node->shard[0]);
    EXPECT(3, "MGET %0 %1",
           "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or "
           "SHUTDOWN NOSAVE.\r\n");
    server(0)->busy_script = NULL; // to be let in at all, as on a shard that is not busy
    run_with(0, "MULTI");
    server(0)->busy_script = server(1)->busy_script;
    EXPECT(3, "EXEC",
           "-EXECABORT Transaction discarded because of: BUSY Redis is busy running a "
           "script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.\r\n");
    cr_expect(eq(u32, node->caller->client.flags & CLIENT_IN_MULTI, 0));
    harness_client_close(node->caller);
    node->caller = runs;
    kill_with("SCRIPT KILL");
}

Test(script_shards, is_ended_before_the_shards_close_and_writes_no_more)
{
    make_slow();
    run_with(3, "EVAL \"" WRITES LOOP "\" 2 %0 %1");
    scripts_stop(server(0));
    expect_busy(0);
    jobs_close(server(0));
    expect_effects(0, "");
    expect_effects(1, "");
}

Test(script_shards, takes_its_shards_for_each_slice)
{
    make_slow();
    run_with(7, "EVAL \"" WRITES " for i = 1,3000000 do end return 5\" 2 %0 %1");
    expect_busy(3);
    refuses_hold = true;
    cr_expect(jobs_run(server(0), 1)); // not to sleep
    expect_busy(3);
    cr_expect(eq(u32, holds, 0));
    refuses_hold = false;
    finish();
    cr_expect(gt(u32, holds, 3));
    cr_expect(eq(str, (char *)(uintptr_t)harness_client_wire(node->caller), ":5\r\n"));
    expect_effects(0, "rpush %0 1;");
    expect_effects(1, "rpush %1 2;");
}
