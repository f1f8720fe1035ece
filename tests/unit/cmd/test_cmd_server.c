#include "tests/unit/cmd/admin.h"

static struct harness *h;
static struct admin admin;
static void open_harness(void) { h = admin_open(&admin); }
static void close_harness(void) { admin_close(h); }
TestSuite(cmd_server, .init = open_harness, .fini = close_harness);

static void expect_sizes(const char *first, const char *second)
{
    harness_run(h, "select 0");
    EXPECT_REPLY(h, "dbsize", first);
    harness_run(h, "select 1");
    EXPECT_REPLY(h, "dbsize", second);
    harness_run(h, "select 0");
}

static void fill(void)
{
    harness_run(h, "mset a 1 b 2 c 3");
    harness_run(h, "select 1");
    harness_run(h, "set d 4");
    harness_run(h, "select 0");
}

Test(cmd_server, flushes_one_database_or_all)
{
    fill();
    expect_sizes(":3\r\n", ":1\r\n");
    EXPECT_REPLY(h, "flushdb ASYNC", "+OK\r\n");
    expect_sizes(":0\r\n", ":1\r\n");
    fill();
    EXPECT_REPLY(h, "flushall sync", "+OK\r\n");
    expect_sizes(":0\r\n", ":0\r\n");
    EXPECT_REPLY(h, "flushall", "+OK\r\n");
}

Test(cmd_server, counts_flushed_keys_as_changes)
{
    fill();
    uint64_t before = keyspace_dirty(h->server.keyspace);
    harness_run(h, "flushall");
    cr_expect(eq(u64, keyspace_dirty(h->server.keyspace), before + 4));
}

Test(cmd_server, refuses_other_words_to_flush)
{
    fill();
    EXPECT_REPLY(h, "flushdb now", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "flushall sync async", "-ERR syntax error\r\n");
    expect_sizes(":3\r\n", ":1\r\n");
}

Test(cmd_server, swaps_two_databases)
{
    fill();
    uint64_t before = keyspace_dirty(h->server.keyspace);
    EXPECT_REPLY(h, "swapdb 0 1", "+OK\r\n");
    cr_expect(eq(u64, keyspace_dirty(h->server.keyspace), before + 1));
    EXPECT_REPLY(h, "get d", "$1\r\n4\r\n");
    expect_sizes(":1\r\n", ":3\r\n");
    EXPECT_REPLY(h, "swapdb 0 0", "+OK\r\n");
    EXPECT_REPLY(h, "swapdb x 0", "-ERR invalid first DB index\r\n");
    EXPECT_REPLY(h, "swapdb 0 2147483648", "-ERR invalid second DB index\r\n");
    EXPECT_REPLY(h, "swapdb 0 16", "-ERR DB index is out of range\r\n");
    EXPECT_REPLY(h, "swapdb -1 0", "-ERR DB index is out of range\r\n");
    expect_sizes(":1\r\n", ":3\r\n");
}

Test(cmd_server, tells_the_time_in_seconds_and_microseconds)
{
    uint64_t before = clock_wall_us();
    unsigned long seconds, micros;
    unsigned s_size, u_size;
    harness_run(h, "time");
    cr_assert(eq(
        int,
        sscanf(h->wire, "*2\r\n$%u\r\n%lu\r\n$%u\r\n%lu\r\n", &s_size, &seconds, &u_size, &micros),
        4));
    cr_expect(lt(u64, micros, 1000000));
    uint64_t told = seconds * 1000000 + micros;
    cr_expect(told >= before && told <= clock_wall_us());
}

Test(cmd_server, stops_without_a_reply)
{
    EXPECT_REPLY(h, "shutdown", "");
    EXPECT_REPLY(h, "shutdown NOSAVE now force", "");
    cr_expect(eq(u32, admin.stop_count, 2));
    cr_expect(eq(u32, admin.stop_flags, LANE_STOP_NOSAVE | LANE_STOP_NOW | LANE_STOP_FORCE));
}

Test(cmd_server, does_not_stop_when_it_is_told_so_wrongly)
{
    EXPECT_REPLY(h, "shutdown foo", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "shutdown save nosave", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "shutdown abort now", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "shutdown abort", "-ERR No shutdown in progress.\r\n");
    EXPECT_REPLY(h, "shutdown save", "-ERR Errors trying to SHUTDOWN. Check logs.\r\n");
    cr_expect(eq(u32, admin.stop_count, 0));
}
