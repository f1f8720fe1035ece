#include "tests/unit/cmd/zset_harness.h"

TestSuite(cmd_zset_range, .init = open_zsets, .fini = close_zsets);

static void three(void) { harness_run(h, "zadd k 1 a 2 b 3 c"); }

Test(cmd_zset_range, shows_ranks)
{
    three();
    EXPECT_REPLY(h, "zrange k 0 -1", "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n");
    EXPECT_REPLY(h, "zrange k -2 100 rev withscores",
                 "*4\r\n$1\r\nb\r\n$1\r\n2\r\n$1\r\na\r\n$1\r\n1\r\n");
    EXPECT_REPLY(h, "zrevrange k 0 0", "*1\r\n$1\r\nc\r\n");
    EXPECT_REPLY(h, "zrange k 2 1", "*0\r\n");
    EXPECT_REPLY(h, "zrange none 0 -1", "*0\r\n");
    h->client.reply.version = 3;
    EXPECT_REPLY(h, "zrange k 0 1 withscores",
                 "*2\r\n*2\r\n$1\r\na\r\n,1\r\n*2\r\n$1\r\nb\r\n,2\r\n");
}

Test(cmd_zset_range, shows_scores_and_members)
{
    three();
    EXPECT_REPLY(h, "zrange k (1 +inf byscore limit 1 1", "*1\r\n$1\r\nc\r\n");
    EXPECT_REPLY(h, "zrange k 3 (1 byscore rev", "*2\r\n$1\r\nc\r\n$1\r\nb\r\n");
    EXPECT_REPLY(h, "zrevrangebyscore k 3 1 limit 0 1", "*1\r\n$1\r\nc\r\n");
    EXPECT_REPLY(h, "zrangebyscore k 1 3 limit -1 1", "*0\r\n");
    EXPECT_REPLY(h, "zrangebyscore k 1 3 limit 2 -1", "*1\r\n$1\r\nc\r\n");
    EXPECT_REPLY(h, "zrangebylex k [b +", "*2\r\n$1\r\nb\r\n$1\r\nc\r\n");
    EXPECT_REPLY(h, "zrevrangebylex k (c -", "*2\r\n$1\r\nb\r\n$1\r\na\r\n");
    EXPECT_REPLY(h, "zrange k + (a bylex rev limit 1 5", "*1\r\n$1\r\nb\r\n");
}

Test(cmd_zset_range, refuses_options_that_do_not_fit)
{
    three();
    EXPECT_REPLY(h, "zrange k 0 1 limit 0 1",
                 "-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or "
                 "BYLEX\r\n");
    EXPECT_REPLY(h, "zrange k - + bylex withscores",
                 "-ERR syntax error, WITHSCORES not supported in combination with BYLEX\r\n");
    EXPECT_REPLY(h, "zrange k 0 1 byscore bylex", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "zrevrange k 0 1 rev", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "zrange k x 1", "-ERR value is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "zrange k x 1 byscore", "-ERR min or max is not a float\r\n");
    EXPECT_REPLY(h, "zrangestore d k 0 1 withscores", "-ERR syntax error\r\n");
}

Test(cmd_zset_range, stores_a_range)
{
    three();
    EXPECT_CHANGE("zrangestore d k 1 2", 1, "z:zrangestore:d ", "zrangestore d k 1 2;");
    EXPECT_REPLY(h, "zrange d 0 -1", "*2\r\n$1\r\nb\r\n$1\r\nc\r\n");
    EXPECT_CHANGE("zrangestore d k 5 6", 1, "g:del:d ", "zrangestore d k 5 6;");
    EXPECT_CHANGE("zrangestore d none 0 1", 0, "", "");
    EXPECT_REPLY(h, "zrangestore k k 0 0", ":1\r\n");
    EXPECT_REPLY(h, "zcard k", ":1\r\n");
}

Test(cmd_zset_range, removes_ranges)
{
    harness_run(h, "zadd k 1 a 2 b 3 c 4 d 5 e");
    EXPECT_CHANGE("zremrangebyrank k 0 0", 1, "z:zremrangebyrank:k ", "zremrangebyrank k 0 0;");
    EXPECT_CHANGE("zremrangebyscore k (2 4", 2, "z:zremrangebyscore:k ",
                  "zremrangebyscore k (2 4;");
    EXPECT_REPLY(h, "zrange k 0 -1", "*2\r\n$1\r\nb\r\n$1\r\ne\r\n");
    EXPECT_CHANGE("zremrangebyscore k 7 8", 0, "", "");
    EXPECT_CHANGE("zremrangebylex k - +", 2, "z:zremrangebylex:k g:del:k ",
                  "zremrangebylex k - +;");
}

// ---- long ones: in slices, and of one moment

static bool shows_all(const char *wire, uint32_t count, bool backwards)
{
    char expected[64];
    int size = snprintf(expected, sizeof expected, "*%u\r\n", count);
    if (strncmp(wire, expected, (size_t)size) != 0) return false;
    wire += size;
    for (uint32_t i = 0; i < count; i++) {
        char name[24];
        int name_size = snprintf(name, sizeof name, "m%u", backwards ? count - 1 - i : i);
        size = snprintf(expected, sizeof expected, "$%d\r\n%s\r\n", name_size, name);
        if (strncmp(wire, expected, (size_t)size) != 0) return false;
        wire += size;
    }
    return *wire == 0;
}

Test(cmd_zset_range, shows_a_long_range_in_slices)
{
    fill_long("k", 0, LONG_COUNT);
    cr_expect(shows_all(harness_run(h, "zrange k 0 -1"), LONG_COUNT, false));
    cr_expect(gt(u32, h->slices, 100));
    cr_expect(shows_all(harness_run(h, "zrevrangebyscore k inf 0"), LONG_COUNT, true));
    cr_expect(gt(u32, h->slices, 100));
}

Test(cmd_zset_range, shows_the_moment_of_the_command)
{
    struct harness_client *c = harness_client_open(h), *d = harness_client_open(h);
    fill_long("k", 0, 3000);
    cr_expect(send_only(c, "zrange k 0 -1"));
    cr_expect(not(send_only(d, "zadd k -1 new 5000 m1")));
    cr_expect(not(send_only(d, "zremrangebyrank k 100 200")));
    cr_expect(not(send_only(d, "del k")));
    run_slices();
    cr_expect(shows_all(harness_client_wire(c), 3000, false));
    harness_client_close(c);
    harness_client_close(d);
}

Test(cmd_zset_range, removes_a_long_range_at_one_moment)
{
    struct harness_client *c = harness_client_open(h), *d = harness_client_open(h);
    static const char *const commands[] = { "zremrangebyscore k 100 2899",
                                            "zremrangebyrank k 700 3499" };
    for (uint32_t i = 0; i < 2; i++) { // little is left; much is left
        fill_long("k", 0, i ? 9000 : 3000);
        cr_expect(send_only(c, commands[i]));
        cr_expect(send_only(d, "zcard k")); // waits for what will be
        run_slices();
        cr_expect(gt(u32, h->slices, 100));
        EXPECT_SENT(c, ":2800\r\n");
        EXPECT_SENT(d, i ? ":6200\r\n" : ":200\r\n");
        char effect[64];
        snprintf(effect, sizeof effect, "%s;", commands[i]);
        cr_expect(eq(str, h->effects, (char *)effect));
        EXPECT_REPLY(h, "zscore k m99", "$2\r\n99\r\n");
        EXPECT_REPLY(h, i ? "zscore k m700" : "zscore k m100", "$-1\r\n");
        EXPECT_REPLY(h, i ? "zrank k m3500" : "zrank k m2900", i ? ":700\r\n" : ":100\r\n");
        harness_run(h, "del k");
    }
    harness_client_close(c);
    harness_client_close(d);
}

Test(cmd_zset_range, ends_a_removal_whose_client_or_key_has_gone)
{
    struct harness_client *c = harness_client_open(h);
    fill_long("k", 0, 3000);
    cr_expect(send_only(c, "zremrangebyrank k 0 2499"));
    harness_client_close(c);
    run_slices();
    EXPECT_REPLY(h, "zcard k", ":500\r\n");
    c = harness_client_open(h);
    fill_long("e", 0, 3000);
    harness_run(h, "pexpire e 10");
    cr_expect(send_only(c, "zremrangebyrank e 0 2499"));
    harness_set_time(h, h->now_ms + 10);
    run_slices();
    EXPECT_SENT(c, ":2500\r\n");
    cr_expect(eq(str, h->effects, (char *)"DEL e;"));
    harness_client_close(c);
}

Test(cmd_zset_range, stores_a_long_range_of_one_moment)
{
    struct harness_client *c = harness_client_open(h), *d = harness_client_open(h);
    fill_long("k", 0, 3000);
    cr_expect(send_only(c, "zrangestore d k 0 2499"));
    cr_expect(send_only(d, "zcard d"));
    run_slices();
    EXPECT_SENT(c, ":2500\r\n");
    EXPECT_SENT(d, ":2500\r\n");
    cr_expect(eq(str, h->effects, (char *)"zrangestore d k 0 2499;"));
    // The source is another one by now, so the command would not give the same.
    cr_expect(send_only(c, "zrangestore d k 0 2499"));
    cr_expect(not(send_only(d, "zrem k m0")));
    run_slices();
    EXPECT_REPLY(h, "zscore d m0", "$1\r\n0\r\n");
    harness_client_close(c);
    harness_client_close(d);
}

Test(cmd_zset_range, says_what_it_stored_when_the_source_has_changed)
{
    struct harness_client *c = harness_client_open(h), *d = harness_client_open(h);
    fill_long("k", 0, 3000);
    cr_expect(send_only(c, "zrangestore d k 0 2499"));
    cr_expect(not(send_only(d, "zrem k m0")));
    run_slices();
    static const char begin[] = "MULTI | DEL d | ZADD d 0 m0 1 m1 2 m2 3 m3 ";
    cr_expect(eq(int, strncmp(h->effects, begin, sizeof begin - 1), 0));
    harness_client_close(c);
    harness_client_close(d);
}
