#include "dataplane/cmd/pause.h"
#include "tests/unit/cmd/harness.h"

#define EXPECT_WIRE(client, expected)                                                              \
    cr_expect(eq(str, (char *)harness_client_wire(client), (char *)(expected)))
#define EXPECT_CLIENT(client, command, expected)                                                   \
    cr_expect(eq(str, (char *)harness_client_run(client, command), (char *)(expected)), "%s",      \
              command)

static struct harness *h;
static struct harness_client *c;

static void open_both(void)
{
    h = harness_open();
    c = harness_client_open(h);
}
static void close_both(void)
{
    harness_client_close(c);
    harness_close(h);
}
TestSuite(pause, .init = open_both, .fini = close_both);

static void pass_ms(uint64_t ms)
{
    harness_set_time(h, h->now_ms + ms);
    blocks_expire(&h->server);
    keyspace_expire_step(h->server.keyspace, h->now_ms, 100);
    pause_run(&h->server, 100);
}

Test(pause, holds_writes_until_its_time_is_over)
{
    EXPECT_REPLY(h, "CLIENT PAUSE 100 WRITE", "+OK\r\n");
    EXPECT_CLIENT(c, "SET k 1", "");
    cr_expect(ne(u32, c->client.flags & CLIENT_PAUSED, 0));
    EXPECT_REPLY(h, "GET k", "$-1\r\n");
    cr_expect(eq(u64, h->tally.blocked_clients, 1));
    cr_expect(eq(u64, pause_next_ns(&h->server), h->server.now_ns + 100000000));
    pass_ms(99);
    EXPECT_WIRE(c, "");
    pass_ms(1);
    EXPECT_WIRE(c, "+OK\r\n");
    EXPECT_REPLY(h, "GET k", "$1\r\n1\r\n");
    cr_expect(zero(u64, h->tally.blocked_clients));
    cr_expect(eq(u64, pause_next_ns(&h->server), UINT64_MAX));
}

// Redis 7.2: what may write or propagate, by flags: PUBLISH, PFCOUNT, EVAL, EXEC of writes.
Test(pause, of_writes_holds_what_may_write)
{
    static const struct {
        const char *command;
        bool is_held;
    } cases[] = {
        { "PUBLISH a b", true },
        { "PFCOUNT k", true },
        { "EVAL \"return 1\" 0", true },
        { "EVAL \"#!lua flags=no-writes\\nreturn 1\" 0", false },
        { "EVAL_RO \"return 1\" 0", false },
        { "FLUSHALL", true },
        { "BLPOP k 1", true },
        { "PING", false },
        { "KEYS *", false },
        { "SUBSCRIBE a", false },
    };
    EXPECT_REPLY(h, "CLIENT PAUSE 100 WRITE", "+OK\r\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct harness_client *one = harness_client_open(h);
        const char *reply = harness_client_run(one, cases[i].command);
        cr_expect(eq(int, reply[0] == 0, cases[i].is_held), "%s", cases[i].command);
        harness_client_close(one);
    }
}

Test(pause, holds_an_exec_by_what_is_queued)
{
    EXPECT_CLIENT(c, "MULTI", "+OK\r\n");
    EXPECT_CLIENT(c, "SET k 1", "+QUEUED\r\n");
    EXPECT_REPLY(h, "MULTI", "+OK\r\n");
    EXPECT_REPLY(h, "GET k", "+QUEUED\r\n");
    struct harness_client *other = harness_client_open(h);
    EXPECT_CLIENT(other, "CLIENT PAUSE 100 WRITE", "+OK\r\n");
    EXPECT_REPLY(h, "EXEC", "*1\r\n$-1\r\n");
    EXPECT_CLIENT(c, "EXEC", "");
    EXPECT_CLIENT(other, "MULTI", "+OK\r\n");
    EXPECT_CLIENT(other, "SET k 2", ""); // not even queued
    pass_ms(100);
    EXPECT_WIRE(c, "*1\r\n+OK\r\n");
    EXPECT_WIRE(other, "+QUEUED\r\n");
    harness_client_close(other);
}

Test(pause, of_all_holds_everything_also_unpause)
{
    EXPECT_REPLY(h, "CLIENT PAUSE 100", "+OK\r\n");
    EXPECT_CLIENT(c, "CLIENT UNPAUSE", "");
    EXPECT_REPLY(h, "PING", "");
    pass_ms(100);
    EXPECT_WIRE(c, "+OK\r\n");
    harness_drain(h);
    cr_expect(eq(str, h->wire, (char *)"+PONG\r\n"));
}

Test(pause, ends_when_it_is_told_to)
{
    EXPECT_REPLY(h, "CLIENT PAUSE 100000 WRITE", "+OK\r\n");
    EXPECT_CLIENT(c, "SET k 1", "");
    EXPECT_REPLY(h, "CLIENT UNPAUSE", "+OK\r\n");
    cr_expect(zero(u64, pause_next_ns(&h->server)));
    cr_expect(eq(u32, pause_run(&h->server, 100), 1));
    EXPECT_WIRE(c, "+OK\r\n");
    EXPECT_REPLY(h, "CLIENT UNPAUSE", "+OK\r\n");
}

Test(pause, lets_clients_go_on_in_order_and_a_few_at_a_time)
{
    enum { COUNT = 5 };
    struct harness_client *all[COUNT];
    char command[32];
    EXPECT_REPLY(h, "CLIENT PAUSE 100 WRITE", "+OK\r\n");
    for (int i = 0; i < COUNT; i++) {
        all[i] = harness_client_open(h);
        snprintf(command, sizeof command, "RPUSH l %d", i);
        EXPECT_CLIENT(all[i], command, "");
    }
    harness_set_time(h, h->now_ms + 100);
    cr_expect(eq(u32, pause_run(&h->server, 3), 3));
    EXPECT_REPLY(h, "LRANGE l 0 -1", "*3\r\n$1\r\n0\r\n$1\r\n1\r\n$1\r\n2\r\n");
    cr_expect(eq(u32, pause_run(&h->server, 3), 2));
    EXPECT_REPLY(h, "LLEN l", ":5\r\n");
    for (int i = 0; i < COUNT; i++) harness_client_close(all[i]);
}

Test(pause, goes_on_when_a_held_command_pauses_anew)
{
    struct harness_client *other = harness_client_open(h);
    EXPECT_REPLY(h, "CLIENT PAUSE 100", "+OK\r\n");
    EXPECT_CLIENT(c, "CLIENT PAUSE 50", "");
    EXPECT_CLIENT(other, "PING", "");
    pass_ms(100);
    EXPECT_WIRE(c, "+OK\r\n");
    EXPECT_WIRE(other, "");
    pass_ms(50);
    EXPECT_WIRE(other, "+PONG\r\n");
    harness_client_close(other);
}

// Of two pauses the longer and the stricter holds.
Test(pause, keeps_the_longer_and_the_stricter_of_two)
{
    EXPECT_REPLY(h, "MULTI", "+OK\r\n");
    EXPECT_REPLY(h, "CLIENT PAUSE 100 ALL", "+QUEUED\r\n");
    EXPECT_REPLY(h, "CLIENT PAUSE 10 WRITE", "+QUEUED\r\n");
    EXPECT_REPLY(h, "EXEC", "*2\r\n+OK\r\n+OK\r\n");
    pass_ms(50);
    EXPECT_CLIENT(c, "PING", "");
    pass_ms(50);
    EXPECT_WIRE(c, "+PONG\r\n");
    EXPECT_REPLY(h, "CLIENT PAUSE 0", "+OK\r\n");
    EXPECT_REPLY(h, "PING", "+PONG\r\n");
}

Test(pause, keeps_keys_whose_time_is_over_and_hides_them)
{
    EXPECT_REPLY(h, "SET k v PX 10", "+OK\r\n");
    EXPECT_REPLY(h, "MULTI", "+OK\r\n");
    EXPECT_REPLY(h, "CLIENT PAUSE 100 WRITE", "+QUEUED\r\n");
    EXPECT_REPLY(h, "EXEC", "*1\r\n+OK\r\n");
    pass_ms(20);
    EXPECT_REPLY(h, "GET k", "$-1\r\n");
    EXPECT_REPLY(h, "EXISTS k", ":0\r\n");
    EXPECT_REPLY(h, "KEYS *", "*0\r\n");
    EXPECT_REPLY(h, "DBSIZE", ":1\r\n");
    cr_expect(eq(str, h->effects, (char *)""));
    cr_expect(zero(u64, h->tally.expired_keys));
    cr_expect(eq(u64, keyspace_next_deadline_ms(h->server.keyspace), UINT64_MAX));
    pass_ms(80);
    pass_ms(1);
    EXPECT_REPLY(h, "DBSIZE", ":0\r\n");
    cr_expect(eq(u64, h->tally.expired_keys, 1));
}

// A transaction that pauses goes on writing: what is hidden is not there for it, and does not stay
// beside what it puts.
Test(pause, puts_over_a_hidden_key)
{
    EXPECT_REPLY(h, "SET k v PX 10", "+OK\r\n");
    EXPECT_REPLY(h, "MULTI", "+OK\r\n");
    harness_run(h, "CLIENT PAUSE 100 WRITE");
    harness_run(h, "APPEND k new");
    harness_run(h, "RPUSH l a");
    harness_run(h, "RENAME l k");
    harness_set_time(h, h->now_ms + 20);
    EXPECT_REPLY(h, "EXEC", "*4\r\n+OK\r\n:3\r\n:1\r\n+OK\r\n");
    EXPECT_REPLY(h, "TYPE k", "+list\r\n");
    EXPECT_REPLY(h, "DBSIZE", ":1\r\n");
}

Test(pause, makes_a_watch_of_a_hidden_key_stale)
{
    EXPECT_REPLY(h, "SET k v PX 10", "+OK\r\n");
    EXPECT_CLIENT(c, "WATCH k", "+OK\r\n");
    EXPECT_REPLY(h, "CLIENT PAUSE 100 WRITE", "+OK\r\n");
    pass_ms(20);
    EXPECT_CLIENT(c, "MULTI", "+OK\r\n");
    EXPECT_CLIENT(c, "GET k", "+QUEUED\r\n");
    EXPECT_CLIENT(c, "EXEC", "*-1\r\n");
    EXPECT_CLIENT(c, "WATCH k", "+OK\r\n"); // it was over before
    EXPECT_CLIENT(c, "MULTI", "+OK\r\n");
    EXPECT_CLIENT(c, "GET k", "+QUEUED\r\n");
    EXPECT_CLIENT(c, "EXEC", "*1\r\n$-1\r\n");
}

Test(pause, evicts_nothing)
{
    EXPECT_REPLY(h, "SET k v", "+OK\r\n");
    EXPECT_REPLY(h, "CLIENT PAUSE 100 WRITE", "+OK\r\n");
    h->settings.maxmemory = 1;
    h->settings.maxmemory_policy = EVICT_ALLKEYS_LRU;
    cr_expect(memory_make_room(&h->server));
    EXPECT_REPLY(h, "GET k", "$1\r\nv\r\n");
    pass_ms(100);
    (void)memory_make_room(&h->server);
    cr_expect(eq(u64, h->tally.evicted_keys, 1));
}

Test(pause, answers_timeouts_of_clients_that_wait_for_a_key)
{
    EXPECT_CLIENT(c, "BLPOP l 0.05", "");
    EXPECT_REPLY(h, "CLIENT PAUSE 100", "+OK\r\n");
    pass_ms(60);
    EXPECT_WIRE(c, "*-1\r\n");
}

// What comes by a transaction that pauses is given out afterwards.
Test(pause, serves_clients_that_wait_for_a_key_afterwards)
{
    EXPECT_CLIENT(c, "BLPOP l 0", "");
    EXPECT_REPLY(h, "MULTI", "+OK\r\n");
    harness_run(h, "CLIENT PAUSE 100 WRITE");
    harness_run(h, "RPUSH l a");
    EXPECT_REPLY(h, "EXEC", "*2\r\n+OK\r\n:1\r\n");
    EXPECT_WIRE(c, "");
    EXPECT_REPLY(h, "LLEN l", ":1\r\n");
    pass_ms(100);
    EXPECT_WIRE(c, "*2\r\n$1\r\nl\r\n$1\r\na\r\n");
}

Test(pause, forgets_clients_that_go)
{
    struct harness_client *other = harness_client_open(h);
    EXPECT_REPLY(h, "CLIENT PAUSE 100 WRITE", "+OK\r\n");
    EXPECT_CLIENT(other, "SET k 1", "");
    harness_client_close(other);
    pass_ms(100);
    EXPECT_REPLY(h, "EXISTS k", ":0\r\n");
}

Test(pause, does_not_hold_a_monitor)
{
    EXPECT_CLIENT(c, "MONITOR", "+OK\r\n");
    EXPECT_REPLY(h, "CLIENT PAUSE 100", "+OK\r\n");
    cr_expect(strncmp(harness_client_run(c, "PING"), "+PONG\r\n", 7) == 0);
}

Test(pause, refuses_times_and_words_it_does_not_know)
{
    EXPECT_REPLY(h, "CLIENT PAUSE x", "-ERR timeout is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "CLIENT PAUSE 1.5", "-ERR timeout is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "CLIENT PAUSE -1", "-ERR timeout is negative\r\n");
    EXPECT_REPLY(h, "CLIENT PAUSE 9223372036854775807", "-ERR timeout is out of range\r\n");
    EXPECT_REPLY(h, "CLIENT PAUSE 1 SOME", "-ERR CLIENT PAUSE mode must be WRITE or ALL\r\n");
    EXPECT_REPLY(h, "CLIENT PAUSE 1 WRITE x",
                 "-ERR unknown subcommand or wrong number of arguments for 'PAUSE'. Try CLIENT "
                 "HELP.\r\n");
    EXPECT_REPLY(h, "PING", "+PONG\r\n");
}
