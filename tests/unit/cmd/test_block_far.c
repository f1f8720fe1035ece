// A node of three servers in one thread. What shards tell each other is kept until a test delivers
// it, and a retry that was arranged runs when the test says so.
#include "dataplane/cmd/block_far.h"
#include "dataplane/cmd/script_run.h"
#include "tests/unit/cmd/node_harness.h"

enum { NOTES = 64, WAITERS = 3 };

static struct node_harness *node;
static struct harness_client *waiter[WAITERS]; // waiter[i] is of shard i

static struct note {
    bool is_tell;
    uint64_t client_id, ticket, homes;
} notes[NOTES];
static uint32_t note_count;

static struct retry {
    struct server *server;
    struct client *client; // NULL: dropped
    const struct kept_request *request;
    uint64_t shards;
} retries[NOTES];
static uint32_t retry_count;

static void keep_tell(struct server *home, uint64_t client_id, uint64_t ticket)
{
    (void)home;
    cr_assert(lt(u32, note_count, NOTES));
    notes[note_count++] = (struct note){ true, client_id, ticket, 0 };
}
static void keep_forget(struct server *s, uint64_t client_id, uint64_t ticket, uint64_t homes)
{
    (void)s;
    cr_assert(lt(u32, note_count, NOTES));
    notes[note_count++] = (struct note){ false, client_id, ticket, homes };
}
static void keep_retry(struct server *s, struct client *c, const struct kept_request *request,
                       uint64_t shards)
{
    cr_assert(lt(u32, retry_count, NOTES));
    retries[retry_count++] = (struct retry){ s, c, request, shards };
}
static void drop_retry(struct server *s, struct client *c)
{
    (void)s;
    for (uint32_t i = 0; i < retry_count; i++)
        if (retries[i].client == c) retries[i].client = NULL;
}
static struct server_ops ops;

static struct server *server(uint32_t index) { return &node->shard[index]->server; }

static void open_all(void)
{
    node = node_open();
    note_count = retry_count = 0;
    ops = node_harness_ops;
    ops.tell_try = keep_tell;
    ops.forget_waits = keep_forget;
    ops.retry_together = keep_retry;
    ops.drop_retry = drop_retry;
    for (uint32_t i = 0; i < WAITERS; i++) {
        server(i)->ops = &ops;
        waiter[i] = harness_client_open(node->shard[i]);
    }
}

static void serve_all(void)
{
    for (uint32_t i = 0; i < NODE_SHARDS; i++) blocks_serve(server(i));
}

static void deliver(const struct note *n)
{
    if (n->is_tell) block_try(server_of_client(server(0), n->client_id), n->client_id, n->ticket);
    for (uint32_t i = 0; i < NODE_SHARDS; i++)
        if (n->homes >> i & 1) far_waiter_forget(server(i), n->client_id, n->ticket);
}
static void deliver_all(void)
{
    for (uint32_t i = 0; i < note_count; i++) deliver(&notes[i]);
    note_count = 0;
    serve_all();
}
static uint32_t tells(void)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < note_count; i++) count += notes[i].is_tell;
    return count;
}

static void run_retries(void)
{
    for (uint32_t i = 0; i < retry_count; i++) {
        struct retry *r = &retries[i];
        struct route route = { ROUTE_KEYS, r->shards };
        if (r->client) command_execute_held(r->server, r->client, r->request, &route, true);
    }
    retry_count = 0;
    serve_all();
}
// Until nothing is under way.
static void settle(void)
{
    for (uint32_t i = 0; i < NOTES && (note_count || retry_count); i++) {
        deliver_all();
        run_retries();
    }
    cr_assert(eq(u32, note_count + retry_count, 0));
}

static void close_all(void)
{
    for (uint32_t i = 0; i < WAITERS; i++) harness_client_close(waiter[i]);
    settle();
    for (uint32_t i = 0; i < NODE_SHARDS; i++) {
        const struct blocks *b = &server(i)->blocks;
        cr_expect(eq(u64, b->all.count + b->far.count + b->told.count, 0));
        cr_expect(eq(u64, b->key_count + b->loss_count + b->loss_key_count, 0));
        cr_expect(eq(u64, b->far_ids.count, 0));
        cr_expect(eq(u64, server(i)->tally->blocked_clients, 0));
    }
    node_close(node);
}

TestSuite(block_far, .init = open_all, .fini = close_all);

// command, with %0 %1 %2 for a key of each shard.
static const char *with_keys(const char *command)
{
    static const char *const names[NODE_SHARDS] = { "key2", "key1", "key0" };
    static char line[512];
    char *at = line;
    for (const char *in = command; *in; in++) {
        if (*in == '%') {
            uint32_t index = (uint32_t)(*++in - '0');
            cr_assert(
                eq(u32, placement_shard(&node->node.placement, bytes_text(names[index])), index));
            at += sprintf(at, "%s", names[index]);
        } else {
            *at++ = *in;
        }
    }
    *at = 0;
    return line;
}

// By that waiter, with all shards held.
static void wait_for(uint32_t index, const char *command)
{
    cr_expect(eq(str, (char *)node_run_as(node, waiter[index], with_keys(command)), (char *)""),
              "%s", command);
    cr_expect(ne(u32, waiter[index]->client.flags & CLIENT_BLOCKED, 0));
}
static void on_shard(uint32_t index, const char *command)
{
    harness_run(node->shard[index], with_keys(command));
    cr_expect(ne(int, node->shard[index]->wire[0], '-'), "%s", command);
}
#define EXPECT_SENT(index, expected)                                                               \
    cr_expect(eq(str, (char *)harness_client_wire(waiter[index]), (char *)(expected)))

static void pass_time(uint64_t ms)
{
    for (uint32_t i = 0; i < NODE_SHARDS; i++) {
        harness_set_time(node->shard[i], node->shard[i]->now_ms + ms);
        blocks_expire(server(i));
    }
    serve_all();
}

Test(block_far, serves_from_whichever_shard_gets_a_key)
{
    for (uint32_t i = 0; i < NODE_SHARDS; i++) {
        char line[32], expected[64];
        wait_for(0, "BLPOP %0 %1 %2 0");
        cr_expect(eq(u64, server(0)->tally->blocked_clients, 1));
        cr_expect(eq(u64, server(1)->tally->blocked_clients, 0));
        cr_expect(eq(u64, server(1)->blocks.key_count, 1));
        snprintf(line, sizeof line, "RPUSH %%%u x", i);
        on_shard(i, line);
        EXPECT_SENT(0, "");
        cr_expect(eq(u32, tells(), 1));
        settle();
        snprintf(line, sizeof line, "%%%u", i);
        snprintf(expected, sizeof expected, "*2\r\n$4\r\n%s\r\n$1\r\nx\r\n", with_keys(line));
        EXPECT_SENT(0, expected);
        cr_expect(eq(u64, server(0)->tally->blocked_clients, 0));
        cr_expect(eq(u64, server(1)->blocks.key_count, 0));
    }
}

Test(block_far, tells_each_shard_what_a_move_that_was_served_did)
{
    wait_for(0, "BLMOVE %1 %2 LEFT LEFT 0");
    on_shard(1, "RPUSH %1 x");
    for (uint32_t i = 0; i < NODE_SHARDS; i++)
        node->shard[i]->effects_size = node->shard[i]->effects[0] = 0;
    settle();
    cr_expect(eq(str, node->shard[0]->effects, (char *)""));
    cr_expect(eq(str, node->shard[1]->effects, (char *)(uintptr_t)with_keys("LPOP %1;")));
    cr_expect(eq(str, node->shard[2]->effects, (char *)(uintptr_t)with_keys("LPUSH %2 x;")));
}

Test(block_far, answers_at_once_when_there_is_something)
{
    on_shard(2, "RPUSH %2 x");
    cr_expect(eq(str, (char *)node_run_as(node, waiter[0], with_keys("BLPOP %0 %2 0")),
                 (char *)"*2\r\n$4\r\nkey0\r\n$1\r\nx\r\n"));
    cr_expect(eq(u64, server(2)->blocks.far.count, 0));
}

Test(block_far, serves_all_kinds_of_commands)
{
    static const struct {
        const char *wait, *put, *reply;
        uint32_t at;
    } kinds[] = {
        { "BRPOP %1 %2 0", "RPUSH %2 x", "*2\r\n$4\r\nkey0\r\n$1\r\nx\r\n", 2 },
        { "BLMPOP 0 2 %0 %1 LEFT", "RPUSH %1 x", "*2\r\n$4\r\nkey1\r\n*1\r\n$1\r\nx\r\n", 1 },
        { "BLMOVE %1 %2 LEFT LEFT 0", "RPUSH %1 x", "$1\r\nx\r\n", 1 },
        { "BRPOPLPUSH %0 %2 0", "RPUSH %0 x", "$1\r\nx\r\n", 0 },
        { "BZPOPMIN %0 %1 0", "ZADD %1 1 x", "*3\r\n$4\r\nkey1\r\n$1\r\nx\r\n$1\r\n1\r\n", 1 },
        { "BZPOPMAX %0 %1 0", "ZADD %0 1 x", "*3\r\n$4\r\nkey2\r\n$1\r\nx\r\n$1\r\n1\r\n", 0 },
        { "BZMPOP 0 2 %0 %2 MIN", "ZADD %2 1 x",
          "*2\r\n$4\r\nkey0\r\n*1\r\n*2\r\n$1\r\nx\r\n$1\r\n1\r\n", 2 },
        { "XREAD BLOCK 0 STREAMS %0 %1 $ $", "XADD %1 1-1 a b",
          "*1\r\n*2\r\n$4\r\nkey1\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n", 1 },
    };
    for (uint32_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        wait_for(0, kinds[i].wait);
        on_shard(kinds[i].at, kinds[i].put);
        settle();
        EXPECT_SENT(0, kinds[i].reply);
        cr_expect(eq(u32, waiter[0]->client.flags & CLIENT_BLOCKED, 0), "%s", kinds[i].wait);
        node_run(node, "FLUSHALL");
    }
}

Test(block_far, keeps_its_place_among_those_of_the_shard)
{
    struct harness_client *before = harness_client_open(node->shard[1]);
    struct harness_client *behind = harness_client_open(node->shard[1]);
    harness_client_run(before, with_keys("BLPOP %1 0"));
    wait_for(0, "BLPOP %0 %1 0");
    harness_client_run(behind, with_keys("BLPOP %1 0"));
    on_shard(1, "RPUSH %1 a b c");
    cr_expect(
        eq(str, (char *)harness_client_wire(before), (char *)"*2\r\n$4\r\nkey1\r\n$1\r\na\r\n"));
    cr_expect(eq(str, (char *)harness_client_wire(behind), (char *)""));
    settle();
    EXPECT_SENT(0, "*2\r\n$4\r\nkey1\r\n$1\r\nb\r\n");
    cr_expect(
        eq(str, (char *)harness_client_wire(behind), (char *)"*2\r\n$4\r\nkey1\r\n$1\r\nc\r\n"));
    harness_client_close(before);
    harness_client_close(behind);
}

Test(block_far, serves_several_in_the_order_in_which_they_came)
{
    wait_for(2, "BLPOP %0 %1 0");
    wait_for(0, "BLPOP %1 %2 0");
    wait_for(1, "BLPOP %1 %0 0");
    on_shard(1, "RPUSH %1 a b");
    settle();
    EXPECT_SENT(2, "*2\r\n$4\r\nkey1\r\n$1\r\na\r\n");
    EXPECT_SENT(0, "*2\r\n$4\r\nkey1\r\n$1\r\nb\r\n");
    EXPECT_SENT(1, "");
    on_shard(0, "RPUSH %0 c");
    settle();
    EXPECT_SENT(1, "*2\r\n$4\r\nkey2\r\n$1\r\nc\r\n");
}

Test(block_far, a_try_that_finds_nothing_keeps_the_place_and_lets_others_go_on)
{
    struct harness_client *behind = harness_client_open(node->shard[1]);
    wait_for(0, "BLPOP %0 %1 0");
    harness_client_run(behind, with_keys("BLPOP %1 0"));
    on_shard(1, "RPUSH %1 a");
    on_shard(1, "LPOP %1"); // taken before the other shard could try
    deliver_all();
    on_shard(1, "RPUSH %1 b"); // comes meanwhile: nobody else gets it
    cr_expect(eq(str, (char *)harness_client_wire(behind), (char *)""));
    on_shard(1, "LPOP %1");
    run_retries();
    EXPECT_SENT(0, "");
    settle();
    cr_expect(eq(u64, server(1)->blocks.told.count, 0));
    on_shard(1, "RPUSH %1 c d");
    settle();
    EXPECT_SENT(0, "*2\r\n$4\r\nkey1\r\n$1\r\nc\r\n");
    cr_expect(
        eq(str, (char *)harness_client_wire(behind), (char *)"*2\r\n$4\r\nkey1\r\n$1\r\nd\r\n"));
    harness_client_close(behind);
}

Test(block_far, sees_what_comes_between_its_try_and_the_next_turn_of_the_home)
{
    wait_for(0, "BLPOP %0 %1 0");
    on_shard(1, "RPUSH %1 a");
    on_shard(1, "LPOP %1");
    deliver_all();
    struct route route = { ROUTE_KEYS, retries[0].shards };
    command_execute_held(retries[0].server, retries[0].client, retries[0].request, &route, true);
    retry_count = 0;
    node_run(node, with_keys("RPUSH %1 b")); // in the same rendezvous
    serve_all();
    settle();
    EXPECT_SENT(0, "*2\r\n$4\r\nkey1\r\n$1\r\nb\r\n");
}

Test(block_far, does_not_hold_up_those_behind_for_long)
{
    struct harness_client *behind = harness_client_open(node->shard[1]);
    wait_for(0, "BLPOP %0 %1 0");
    harness_client_run(behind, with_keys("BLPOP %1 0"));
    on_shard(1, "RPUSH %1 a");
    cr_expect(
        le(u64, blocks_next_deadline_ns(server(1)), server(1)->now_ns + FAR_TRY_MS * 1000000));
    pass_time(FAR_TRY_MS - 1);
    cr_expect(eq(str, (char *)harness_client_wire(behind), (char *)""));
    pass_time(1);
    cr_expect(
        eq(str, (char *)harness_client_wire(behind), (char *)"*2\r\n$4\r\nkey1\r\n$1\r\na\r\n"));
    settle(); // late, and nothing is left
    EXPECT_SENT(0, "");
    on_shard(0, "RPUSH %0 b");
    settle();
    EXPECT_SENT(0, "*2\r\n$4\r\nkey2\r\n$1\r\nb\r\n");
    harness_client_close(behind);
}

Test(block_far, tries_once_when_two_shards_tell_at_once)
{
    wait_for(0, "BLPOP %0 %1 %2 0");
    on_shard(1, "RPUSH %1 a");
    on_shard(2, "RPUSH %2 b");
    cr_expect(eq(u32, tells(), 2));
    deliver_all();
    cr_expect(eq(u32, retry_count, 1));
    settle();
    EXPECT_SENT(0, "*2\r\n$4\r\nkey1\r\n$1\r\na\r\n");
    cr_expect(eq(u64, server(2)->blocks.told.count, 0));
}

Test(block_far, gives_up_at_the_time_that_was_named)
{
    struct harness_client *behind = harness_client_open(node->shard[1]);
    wait_for(0, "BLPOP %0 %1 0.05");
    harness_client_run(behind, with_keys("BLPOP %1 0"));
    on_shard(1, "RPUSH %1 a");
    deliver_all(); // the retry is arranged when the time is over
    pass_time(50);
    EXPECT_SENT(0, "*-1\r\n");
    cr_expect(retries[0].client == NULL);
    settle();
    cr_expect(
        eq(str, (char *)harness_client_wire(behind), (char *)"*2\r\n$4\r\nkey1\r\n$1\r\na\r\n"));
    harness_client_close(behind);
}

Test(block_far, messages_of_an_earlier_wait_change_nothing)
{
    wait_for(0, "BLPOP %0 %1 0.01");
    on_shard(1, "RPUSH %1 a");
    on_shard(1, "LPOP %1");
    pass_time(10);
    EXPECT_SENT(0, "*-1\r\n");
    cr_expect(eq(u32, note_count, 2)); // to try, and to be forgotten; both are still under way
    wait_for(0, "BLPOP %1 %2 0");
    cr_expect(eq(u64, server(1)->blocks.far.count, 1));
    deliver_all();
    cr_expect(eq(u32, retry_count, 0));
    cr_expect(eq(u64, server(1)->blocks.far.count, 1));
    on_shard(2, "RPUSH %2 b");
    settle();
    EXPECT_SENT(0, "*2\r\n$4\r\nkey0\r\n$1\r\nb\r\n");
}

Test(block_far, forgets_clients_that_go)
{
    struct harness_client *gone = harness_client_open(node->shard[0]);
    node_run_as(node, gone, with_keys("BLPOP %0 %1 0"));
    wait_for(2, "BLPOP %1 %2 0");
    on_shard(1, "RPUSH %1 a");
    deliver_all();
    harness_client_close(gone);
    settle();
    EXPECT_SENT(2, "*2\r\n$4\r\nkey1\r\n$1\r\na\r\n");
    cr_expect(eq(u64, server(0)->blocks.far.count + server(1)->blocks.far.count, 0));
}

Test(block_far, ends_by_client_unblock)
{
    char line[64];
    wait_for(2, "BLPOP %0 %1 0");
    snprintf(line, sizeof line, "CLIENT UNBLOCK %lu ERROR", (unsigned long)waiter[2]->client.id);
    EXPECT_NODE(node, line, ":1\r\n");
    EXPECT_SENT(2, "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
    settle();
    cr_expect(eq(u64, server(0)->blocks.far.count + server(1)->blocks.far.count, 0));
}

Test(block_far, is_told_of_a_stream_that_goes)
{
    on_shard(1, "XGROUP CREATE %1 g $ MKSTREAM");
    on_shard(2, "XGROUP CREATE %2 g $ MKSTREAM");
    wait_for(0, "XREADGROUP GROUP g c BLOCK 0 STREAMS %1 %2 > >");
    cr_expect(eq(u64, server(1)->blocks.loss_key_count, 1));
    on_shard(1, "DEL %1");
    settle();
    cr_expect(eq(int, strncmp(harness_client_wire(waiter[0]), "-NOGROUP", 8), 0));
}

Test(block_far, is_told_of_streams_that_are_flushed)
{
    on_shard(1, "XGROUP CREATE %1 g $ MKSTREAM");
    on_shard(2, "XGROUP CREATE %2 g $ MKSTREAM");
    wait_for(0, "XREADGROUP GROUP g c BLOCK 0 STREAMS %1 %2 > >");
    node_run(node, "FLUSHALL");
    serve_all();
    settle();
    cr_expect(eq(int, strncmp(harness_client_wire(waiter[0]), "-NOGROUP", 8), 0));
}

Test(block_far, is_served_by_another_database)
{
    wait_for(0, "BLPOP %1 %2 0");
    node->caller->client.db = 1;
    node_run(node, with_keys("RPUSH %1 a"));
    node_run(node, "SWAPDB 0 1");
    serve_all();
    settle();
    EXPECT_SENT(0, "*2\r\n$4\r\nkey1\r\n$1\r\na\r\n");
}

Test(block_far, groups_that_have_nothing_new_pass_the_turn_on)
{
    struct harness_client *behind = harness_client_open(node->shard[1]);
    on_shard(1, "XGROUP CREATE %1 g $ MKSTREAM");
    on_shard(2, "XGROUP CREATE %2 g $ MKSTREAM");
    wait_for(0, "XREADGROUP GROUP g one BLOCK 0 STREAMS %1 %2 > >");
    wait_for(2, "XREADGROUP GROUP g two BLOCK 0 STREAMS %2 %1 > >");
    harness_client_run(behind, with_keys("XREAD BLOCK 0 STREAMS %1 $"));
    on_shard(1, "XADD %1 1-1 a b");
    settle();
    cr_expect(ne(int, harness_client_wire(waiter[0])[0], 0));
    EXPECT_SENT(2, "");
    cr_expect(ne(int, harness_client_wire(behind)[0], 0));
    harness_client_close(behind);
}

Test(block_far, waits_until_a_pause_is_over)
{
    wait_for(0, "BLPOP %1 %2 0");
    node_run(node, "CLIENT PAUSE 1000 WRITE");
    for (uint32_t i = 0; i < NODE_SHARDS; i++)
        cr_expect(ne(u64, server(i)->pause.until_ns, 0), "%u", i);
    node_run(node, with_keys("RPUSH %1 a")); // one that was under way
    serve_all();
    settle();
    EXPECT_SENT(0, "");
    node_run(node, "CLIENT UNPAUSE");
    serve_all();
    settle();
    EXPECT_SENT(0, "*2\r\n$4\r\nkey1\r\n$1\r\na\r\n");
}

Test(block_far, waits_until_a_busy_shard_has_time)
{
    struct script_run busy = { 0 };
    wait_for(0, "BLMOVE %1 %2 LEFT LEFT 0");
    on_shard(1, "RPUSH %1 a");
    deliver_all();
    cr_assert(eq(u32, retry_count, 1));
    server(2)->busy_script = &busy;
    run_retries();
    settle();
    EXPECT_SENT(0, "");
    pass_time(FAR_TRY_MS);
    settle(); // it is not over yet
    EXPECT_SENT(0, "");
    server(2)->busy_script = NULL;
    pass_time(FAR_TRY_MS);
    settle();
    EXPECT_SENT(0, "$1\r\na\r\n");
}

Test(block_far, is_executed_with_the_rights_that_the_user_has_by_then)
{
    struct harness_client *c = waiter[0];
    node_run(node, "ACL SETUSER u on nopass ~* +@all");
    node_run_as(node, c, "AUTH u p");
    wait_for(0, "BLPOP %1 %2 0");
    node_run(node, "ACL SETUSER u -blpop");
    on_shard(1, "RPUSH %1 a");
    settle();
    cr_expect(eq(int, strncmp(harness_client_wire(c), "-NOPERM", 7), 0));
}
