// BGREWRITEAOF as redis-server 7.0.15 answers it; WAITAOF as Redis 7.2 does.
#include "tests/unit/cmd/aof_harness.h"

TestSuite(cmd_aof, .init = aof_harness_open, .fini = aof_harness_close);

#define NONE "*2\r\n:0\r\n:0\r\n"
#define LOCAL "*2\r\n:1\r\n:0\r\n"
#define IS_OFF "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.\r\n"
#define EXPECT_WIRE(c, expected)                                                                   \
    cr_expect(eq(str, (char *)harness_client_wire(c), (char *)(expected)))
#define EXPECT_OF(c, command, expected)                                                            \
    cr_expect(eq(str, (char *)harness_client_run((c), (command)), (char *)(expected)), "%s",       \
              (command))

// ---- BGREWRITEAOF

#define STARTED "+Background append only file rewriting started\r\n"
#define SCHEDULED "+Background append only file rewriting scheduled\r\n"
#define IN_PROGRESS "-ERR Background append only file rewriting already in progress\r\n"

Test(cmd_aof, asks_for_a_rewrite_once)
{
    EXPECT_REPLY(h, "bgrewriteaof", STARTED);
    cr_expect(eq(u32, aof->is_wanted, 1));
    EXPECT_REPLY(h, "bgrewriteaof", IN_PROGRESS);
    aof->is_wanted = 0; // begun
    aof->is_rewriting = true;
    EXPECT_REPLY(h, "bgrewriteaof", IN_PROGRESS);
    cr_expect(eq(u32, aof->is_wanted, 0));
    aof->is_rewriting = false;
    EXPECT_REPLY(h, "bgrewriteaof", STARTED);
    EXPECT_REPLY(h, "bgrewriteaof x",
                 "-ERR wrong number of arguments for 'bgrewriteaof' command\r\n");
    EXPECT_REPLY(h, "eval 'return redis.pcall(\"bgrewriteaof\")' 0",
                 "-ERR This Redis command is not allowed from script\r\n");
    h->server.persist = NULL;
    EXPECT_REPLY(h, "bgrewriteaof", "-ERR This server has no disk\r\n");
}

Test(cmd_aof, schedules_a_rewrite_behind_a_snapshot)
{
    persist.saving = PERSIST_SAVING;
    EXPECT_REPLY(h, "bgrewriteaof", SCHEDULED);
    cr_expect(eq(u32, aof->is_wanted, 1));
    EXPECT_REPLY(h, "bgrewriteaof", SCHEDULED);
    aof->is_wanted = 0; // the first shard has seen it
    aof->is_scheduled = true;
    persist.saving = PERSIST_IDLE; // it has not seen this yet
    EXPECT_REPLY(h, "bgrewriteaof", SCHEDULED);
    aof->is_scheduled = false; // and has begun its own snapshot
    aof->is_rewriting = true;
    aof->is_wanted = 0;
    EXPECT_REPLY(h, "bgrewriteaof", IN_PROGRESS);
}

Test(cmd_aof, schedules_a_rewrite_of_a_transaction)
{
    harness_run(h, "multi");
    harness_run(h, "bgrewriteaof");
    EXPECT_REPLY(h, "exec", "*1\r\n" SCHEDULED);
    cr_expect(eq(u32, aof->is_wanted, 1));
}

// ---- WAITAOF

Test(cmd_aof, refuses_counts_and_times_that_are_none)
{
    log_stands_at(0, 0);
    EXPECT_REPLY(h, "waitaof x 0 0", "-ERR value is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "waitaof 2 0 0", "-ERR value is out of range, value must between 0 and 1\r\n");
    EXPECT_REPLY(h, "waitaof -1 0 0", "-ERR value is out of range, value must between 0 and 1\r\n");
    EXPECT_REPLY(h, "waitaof 0 x 0", "-ERR value is out of range, must be positive\r\n");
    EXPECT_REPLY(h, "waitaof 0 -1 0", "-ERR value is out of range, must be positive\r\n");
    EXPECT_REPLY(h, "waitaof 0 0 x", "-ERR timeout is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "waitaof 0 0 -1", "-ERR timeout is negative\r\n");
    EXPECT_REPLY(h, "waitaof 0 0 9223372036854775807", "-ERR timeout is out of range\r\n");
    EXPECT_REPLY(h, "waitaof 0 0", "-ERR wrong number of arguments for 'waitaof' command\r\n");
}

Test(cmd_aof, does_not_wait_for_a_log_that_is_off)
{
    EXPECT_REPLY(h, "waitaof 1 0 0", IS_OFF);
    EXPECT_REPLY(h, "waitaof 0 0 0", NONE);
    h->server.persist = NULL;
    EXPECT_REPLY(h, "waitaof 1 0 0", IS_OFF);
    EXPECT_REPLY(h, "waitaof 0 0 0", NONE);
}

Test(cmd_aof, answers_at_once_when_all_is_durable)
{
    log_stands_at(100, 100);
    EXPECT_REPLY(h, "waitaof 1 0 0", LOCAL);
    EXPECT_REPLY(h, "waitaof 0 0 0", LOCAL);
    log_stands_at(101, 100);
    EXPECT_REPLY(h, "waitaof 0 0 0", NONE);
}

Test(cmd_aof, waits_until_what_was_written_before_is_durable)
{
    struct harness_client *c = harness_client_open(h);
    log_stands_at(100, 60);
    EXPECT_OF(c, "waitaof 1 0 0", "");
    cr_expect(eq(u64, h->tally.blocked_clients, 1));
    cr_expect(eq(u64, aof->waiting, 1));
    aof_waits_run(&h->server);
    EXPECT_WIRE(c, "");
    log_stands_at(200, 99); // what comes behind does not matter
    aof_waits_run(&h->server);
    EXPECT_WIRE(c, "");
    aof->shards[0].durable = 100;
    aof_waits_run(&h->server);
    EXPECT_WIRE(c, LOCAL);
    cr_expect(zero(u64, h->tally.blocked_clients));
    cr_expect(zero(u64, aof->waiting));
    harness_client_close(c);
}

// While the log is turned on nothing of it counts before its first snapshot does.
Test(cmd_aof, waits_for_the_first_snapshot)
{
    struct harness_client *c = harness_client_open(h);
    log_stands_at(100, 100);
    aof->state = AOF_STARTING;
    EXPECT_OF(c, "waitaof 1 0 0", "");
    aof_waits_run(&h->server);
    EXPECT_WIRE(c, "");
    aof->state = AOF_ON;
    aof_waits_run(&h->server);
    EXPECT_WIRE(c, LOCAL);
    harness_client_close(c);
}

Test(cmd_aof, lets_each_go_on_in_its_time)
{
    struct harness_client *a = harness_client_open(h), *b = harness_client_open(h),
                          *c = harness_client_open(h);
    log_stands_at(10, 0);
    EXPECT_OF(a, "waitaof 1 0 0", "");
    aof->shards[0].appended = 20;
    EXPECT_OF(b, "waitaof 1 0 0", "");
    EXPECT_OF(c, "waitaof 1 0 0", "");
    aof->shards[0].durable = 10;
    aof_waits_run(&h->server);
    EXPECT_WIRE(a, LOCAL);
    EXPECT_WIRE(b, "");
    cr_expect(eq(u64, aof->waiting, 1));
    aof->shards[0].durable = 20;
    aof_waits_run(&h->server);
    EXPECT_WIRE(b, LOCAL);
    EXPECT_WIRE(c, LOCAL);
    harness_client_close(a);
    harness_client_close(b);
    harness_client_close(c);
}

static void pass(uint64_t ms)
{
    harness_set_time(h, h->now_ms + ms);
    blocks_expire(&h->server);
}

Test(cmd_aof, says_at_the_timeout_how_far_it_is)
{
    struct harness_client *c = harness_client_open(h);
    log_stands_at(10, 0);
    EXPECT_OF(c, "waitaof 1 0 50", "");
    pass(49);
    EXPECT_WIRE(c, "");
    pass(1);
    EXPECT_WIRE(c, NONE);
    // Of a replica, which there is none; the log's part is done meanwhile.
    EXPECT_OF(c, "waitaof 1 1 50", "");
    cr_expect(zero(u64, aof->waiting));
    aof->shards[0].durable = 10;
    aof_waits_run(&h->server);
    EXPECT_WIRE(c, "");
    pass(50);
    EXPECT_WIRE(c, LOCAL);
    EXPECT_OF(c, "waitaof 0 1 50", "");
    pass(50);
    EXPECT_WIRE(c, LOCAL);
    harness_client_close(c);
}

Test(cmd_aof, ends_by_client_unblock)
{
    struct harness_client *c = harness_client_open(h);
    char command[64];
    log_stands_at(10, 0);
    EXPECT_OF(c, "waitaof 1 0 0", "");
    snprintf(command, sizeof command, "client unblock %lu", (unsigned long)c->client.id);
    EXPECT_REPLY(h, command, ":1\r\n");
    EXPECT_WIRE(c, NONE);
    EXPECT_OF(c, "waitaof 1 0 0", "");
    snprintf(command, sizeof command, "client unblock %lu error", (unsigned long)c->client.id);
    EXPECT_REPLY(h, command, ":1\r\n");
    EXPECT_WIRE(c, "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
    cr_expect(zero(u64, aof->waiting));
    harness_client_close(c);
}

Test(cmd_aof, ends_the_wait_when_the_log_is_turned_off)
{
    struct harness_client *a = harness_client_open(h), *b = harness_client_open(h),
                          *c = harness_client_open(h);
    log_stands_at(10, 0);
    EXPECT_OF(a, "waitaof 1 0 0", "");
    EXPECT_OF(b, "waitaof 1 1 0", "");
    EXPECT_OF(c, "waitaof 0 1 10", "");
    EXPECT_REPLY(h, "config set appendonly no", "+OK\r\n");
    aof_waits_run(&h->server);
    EXPECT_WIRE(a, IS_OFF);
    EXPECT_WIRE(b, IS_OFF);
    EXPECT_WIRE(c, ""); // it did not ask for the log
    pass(10);
    EXPECT_WIRE(c, NONE);
    harness_client_close(a);
    harness_client_close(b);
    harness_client_close(c);
}

Test(cmd_aof, forgets_who_goes)
{
    struct harness_client *c = harness_client_open(h);
    log_stands_at(10, 0);
    EXPECT_OF(c, "waitaof 1 0 0", "");
    harness_client_close(c);
    cr_expect(zero(u64, aof->waiting));
    aof->shards[0].durable = 10;
    aof_waits_run(&h->server);
}

Test(cmd_aof, does_not_wait_in_transactions_and_scripts)
{
    log_stands_at(10, 0);
    harness_run(h, "multi");
    harness_run(h, "waitaof 1 0 0");
    EXPECT_REPLY(h, "exec", "*1\r\n" NONE);
    EXPECT_REPLY(h, "eval 'return redis.call(\"waitaof\", 1, 0, 0)' 0", NONE);
    log_stands_at(10, 10);
    EXPECT_REPLY(h, "eval 'return redis.call(\"waitaof\", 1, 0, 0)' 0", LOCAL);
}

Test(cmd_aof, waits_for_the_logs_of_all_shards)
{
    struct node_harness *n = node_open();
    persist_open(&persist, NODE_SHARDS, HARNESS_START_MS);
    aof->state = AOF_ON;
    for (uint32_t i = 0; i < NODE_SHARDS; i++) {
        n->node.servers[i]->persist = &persist;
        n->node.servers[i]->settings->appendonly = true;
        aof->shards[i].appended = 10 * (i + 1);
    }
    struct harness_client *c = harness_client_open(n->shard[1]);
    EXPECT_OF(c, "waitaof 1 0 0", "");
    cr_expect(eq(u64, aof->waiting, 2)); // shard 1 is to be woken
    for (uint32_t i = 0; i < NODE_SHARDS; i++) {
        aof_waits_run(n->node.servers[1]);
        EXPECT_WIRE(c, "");
        aof->shards[i].durable = 10 * (i + 1);
    }
    aof_waits_run(n->node.servers[1]);
    EXPECT_WIRE(c, LOCAL);
    harness_client_close(c);
    node_close(n);
}
