#include "dataplane/cmd/slow.h"
#include "tests/unit/cmd/harness.h"

static struct harness *h;
static void open_harness(void)
{
    h = harness_open();
    h->settings.slowlog_log_slower_than = 10000;
    h->settings.slowlog_log_wait_slower_than = -1;
    slow_configure(&h->server);
}
static void close_harness(void) { harness_close(h); }
TestSuite(cmd_slowlog, .init = open_harness, .fini = close_harness);

#define EXPECT_START(text) cr_expect(eq(int, strncmp(h->wire, text, sizeof text - 1), 0))

static void log_all(void)
{
    h->settings.slowlog_log_slower_than = 0;
    slow_configure(&h->server);
}

// A command that took, and waited, so long.
static void note(const char *name, uint64_t wait_us, uint64_t execute_us)
{
    struct bytes argv[] = { bytes_text(name) };
    struct call call = { .server = &h->server,
                         .client = &h->client,
                         .command = command_find(argv[0]),
                         .argv = argv,
                         .argc = 1 };
    slowlog_note(&call, wait_us, execute_us);
}

// Argument i of the newest entry; a copy until the next call.
static const char *argument(uint32_t i)
{
    static char text[512];
    const struct list *all = &h->server.slowlog.all;
    const struct slowlog_entry *e = LIST_OWNER(list_first(all), struct slowlog_entry, link);
    cr_assert(lt(u32, i, e->argc));
    snprintf(text, sizeof text, "%.*s", (int)e->argv[i].size, (const char *)e->argv[i].data);
    return text;
}
#define EXPECT_ARGUMENT(i, expected)                                                               \
    cr_expect(eq(str, (char *)(uintptr_t)argument(i), (char *)(expected)))

Test(cmd_slowlog, shows_redis_fields_and_then_wait_and_execution)
{
    note("get", 0, 9999);
    EXPECT_REPLY(h, "slowlog len", ":0\r\n");
    note("get", 3, 12345);
    EXPECT_REPLY(h, "slowlog len", ":1\r\n");
    harness_run(h, "slowlog get");
    long time_s;
    int end = 0;
    cr_expect(eq(int, sscanf(h->wire, "*1\r\n*8\r\n:0\r\n:%ld\r\n:12345\r\n%n", &time_s, &end), 1));
    cr_expect(gt(i64, time_s, 1700000000));
    cr_expect(eq(str, h->wire + end,
                 (char *)"*1\r\n$3\r\nget\r\n$2\r\n:0\r\n$0\r\n\r\n:3\r\n:12345\r\n"));
}

Test(cmd_slowlog, names_the_client)
{
    log_all();
    harness_run(h, "client setname joe");
    harness_run(h, "ping");
    const struct slowlog_entry *e =
        LIST_OWNER(list_first(&h->server.slowlog.all), struct slowlog_entry, link);
    cr_expect(bytes_equal(e->name, BYTES_LITERAL("joe")));
    harness_run(h, "client setname \"\""); // the session frees it in real life
}

// As redis-server 7.0 shows them.
Test(cmd_slowlog, cuts_long_arguments_and_long_lists_of_them)
{
    log_all();
    char command[8192] = "mset";
    for (int i = 1; i <= 200; i++)
        snprintf(command + strlen(command), sizeof command - strlen(command), " %d", i);
    harness_run(h, command);
    EXPECT_ARGUMENT(30, "30");
    EXPECT_ARGUMENT(31, "... (170 more arguments)");
    char value[301];
    memset(value, 'x', 300);
    value[300] = 0;
    snprintf(command, sizeof command, "set x %s", value);
    harness_run(h, command);
    cr_expect(eq(int, strncmp(argument(2), value, 128), 0));
    cr_expect(eq(str, (char *)(uintptr_t)argument(2) + 128, (char *)"... (172 more bytes)"));
    value[128] = 0;
    snprintf(command, sizeof command, "set x %s", value);
    harness_run(h, command);
    EXPECT_ARGUMENT(2, value);
    strcpy(command, "del");
    for (int i = 1; i < 32; i++)
        snprintf(command + strlen(command), sizeof command - strlen(command), " %d", i);
    harness_run(h, command);
    EXPECT_ARGUMENT(31, "31");
}

Test(cmd_slowlog, answers_as_many_as_asked_for)
{
    for (int i = 0; i < 12; i++) note("get", 0, 20000);
    harness_run(h, "slowlog get");
    EXPECT_START("*10\r\n*8\r\n:11\r\n");
    harness_run(h, "slowlog get -1");
    EXPECT_START("*12\r\n");
    harness_run(h, "slowlog get 2");
    EXPECT_START("*2\r\n");
    EXPECT_REPLY(h, "slowlog get 0", "*0\r\n");
    const char *wrong = "-ERR count should be greater than or equal to -1\r\n";
    EXPECT_REPLY(h, "slowlog get -2", wrong);
    EXPECT_REPLY(h, "slowlog get x", wrong);
    EXPECT_REPLY(h, "slowlog get 1 2",
                 "-ERR unknown subcommand or wrong number of arguments for 'get'. Try SLOWLOG "
                 "HELP.\r\n");
    EXPECT_REPLY(h, "slowlog nosuch", "-ERR unknown subcommand 'nosuch'. Try SLOWLOG HELP.\r\n");
    EXPECT_REPLY(h, "slowlog len x",
                 "-ERR wrong number of arguments for 'slowlog|len' command\r\n");
}

Test(cmd_slowlog, counts_on_after_a_reset)
{
    note("get", 0, 20000);
    EXPECT_REPLY(h, "slowlog reset", "+OK\r\n");
    EXPECT_REPLY(h, "slowlog len", ":0\r\n");
    note("get", 0, 20000);
    harness_run(h, "slowlog get");
    EXPECT_START("*1\r\n*8\r\n:1\r\n");
}

Test(cmd_slowlog, keeps_the_newest)
{
    h->settings.slowlog_max_len = 3;
    for (int i = 0; i < 5; i++) note("get", 0, 20000);
    harness_run(h, "slowlog get");
    EXPECT_START("*3\r\n*8\r\n:4\r\n");
    h->settings.slowlog_max_len = 1;
    slow_configure(&h->server);
    EXPECT_REPLY(h, "slowlog len", ":1\r\n");
    h->settings.slowlog_max_len = 0;
    slow_configure(&h->server);
    note("get", 0, 20000);
    EXPECT_REPLY(h, "slowlog len", ":0\r\n");
}

Test(cmd_slowlog, is_off_below_zero)
{
    h->settings.slowlog_log_slower_than = -1;
    h->settings.slowlog_log_wait_slower_than = 0;
    note("get", 1 << 30, 1 << 30);
    EXPECT_REPLY(h, "slowlog len", ":0\r\n");
    slow_configure(&h->server);
    cr_expect(eq(u64, h->server.slow.execute_cycles, UINT64_MAX));
    cr_expect(eq(u64, h->server.slow.wait_cycles, UINT64_MAX));
}

Test(cmd_slowlog, logs_who_waited_long)
{
    h->settings.slowlog_log_wait_slower_than = 10000;
    note("get", 9999, 5);
    EXPECT_REPLY(h, "slowlog len", ":0\r\n");
    note("get", 10000, 5);
    EXPECT_REPLY(h, "slowlog len", ":1\r\n");
    note("get", 15000, 5); // at the same time as the one before
    EXPECT_REPLY(h, "slowlog len", ":1\r\n");
    h->server.slowlog.wait_logged_ns -= 10000 * 1000;
    note("get", 15000, 5);
    EXPECT_REPLY(h, "slowlog len", ":2\r\n");
    note("get", 15000, 20000); // for its execution: always
    EXPECT_REPLY(h, "slowlog len", ":3\r\n");
}

Test(cmd_slowlog, keeps_half_of_its_room_from_those_who_waited)
{
    h->settings.slowlog_log_wait_slower_than = 0;
    h->settings.slowlog_max_len = 4;
    note("ping", 0, 20000);
    for (int i = 0; i < 6; i++) note("get", 1, 5);
    EXPECT_REPLY(h, "slowlog len", ":3\r\n");
    harness_run(h, "slowlog get");
    cr_expect(strstr(h->wire, "ping") != NULL);
}

Test(cmd_slowlog, sees_arrival_and_execution_of_what_runs)
{
    h->settings.slowlog_log_wait_slower_than = 1000000;
    slow_configure(&h->server);
    struct bytes argv[] = { BYTES_LITERAL("ping") };
    struct call call = { .server = &h->server,
                         .client = &h->client,
                         .reply = &h->client.reply,
                         .keyspace = h->server.keyspace,
                         .argv = argv,
                         .argc = 1,
                         .arrival_tsc = clock_tsc() - 2 * h->clock.tsc_hz };
    command_prepare(&call);
    command_execute(&call);
    const struct list *all = &h->server.slowlog.all;
    cr_assert(eq(sz, all->count, 1));
    const struct slowlog_entry *e = LIST_OWNER(list_first(all), struct slowlog_entry, link);
    cr_expect(ge(u64, e->wait_us, 1999000));
    cr_expect(lt(u64, e->execute_us, 1000000));
    harness_drain(h);
}

// EXEC does not count; what it runs does, as in Redis.
Test(cmd_slowlog, logs_the_commands_of_a_transaction)
{
    log_all();
    harness_run(h, "multi");
    harness_run(h, "set a 1");
    h->server.slowlog.next_id = 100;
    harness_run(h, "exec");
    EXPECT_ARGUMENT(0, "set");
    const struct slowlog_entry *e =
        LIST_OWNER(list_first(&h->server.slowlog.all), struct slowlog_entry, link);
    cr_expect(eq(u64, e->id, 100));
    h->settings.slowlog_log_slower_than = 1000000;
    h->settings.slowlog_log_wait_slower_than = 10;
    note("exec", 20, 5); // but nobody else tells how long it waited
    EXPECT_ARGUMENT(0, "exec");
}

Test(cmd_slowlog, counts_the_sleep_of_debug_sleep)
{
    h->settings.enable_debug_command = LOCAL_YES;
    harness_run(h, "debug sleep 1.5");
    const struct list_node *n = list_first(&h->server.slowlog.all);
    cr_assert(n != NULL);
    const struct slowlog_entry *e = LIST_OWNER(n, struct slowlog_entry, link);
    cr_expect(ge(u64, e->execute_us, 1500000)); // and what it took beside the sleep
    cr_expect(lt(u64, e->execute_us, 2500000));
}

// A client that waits for a key waits on purpose.
Test(cmd_slowlog, does_not_count_blocking_as_waiting)
{
    h->settings.slowlog_log_wait_slower_than = 1000;
    slow_configure(&h->server);
    struct harness_client *other = harness_client_open(h);
    harness_client_run(other, "blpop q 0");
    uint64_t until = clock_tsc() + h->clock.tsc_hz / 100;
    while (clock_tsc() < until) continue;
    harness_run(h, "rpush q x");
    cr_expect(strstr(harness_client_wire(other), "x") != NULL);
    for (struct list_node *n = list_first(&h->server.slowlog.all); n;
         n = list_next(&h->server.slowlog.all, n)) {
        const struct slowlog_entry *e = LIST_OWNER(n, struct slowlog_entry, link);
        cr_expect(eq(int, bytes_equal(e->argv[0], BYTES_LITERAL("blpop")), 0));
    }
    harness_client_close(other);
}

Test(cmd_slowlog, hides_secrets)
{
    log_all();
    harness_run(h, "auth secret");
    EXPECT_ARGUMENT(1, "(redacted)");
    harness_run(h, "auth user secret");
    EXPECT_ARGUMENT(1, "(redacted)");
    EXPECT_ARGUMENT(2, "(redacted)");
    harness_run(h, "hello 3 auth user secret setname n");
    EXPECT_ARGUMENT(1, "3");
    EXPECT_ARGUMENT(2, "auth");
    EXPECT_ARGUMENT(3, "(redacted)");
    EXPECT_ARGUMENT(4, "(redacted)");
    EXPECT_ARGUMENT(6, "n");
    harness_run(h, "config set masterauth x maxclients y MasterUser z");
    EXPECT_ARGUMENT(3, "(redacted)");
    EXPECT_ARGUMENT(5, "y");
    EXPECT_ARGUMENT(7, "(redacted)");
}
