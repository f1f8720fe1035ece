#include "tests/unit/cmd/harness.h"

static struct harness *h;
static void open_harness(void) { h = harness_open(); }
static void close_harness(void) { harness_close(h); }
TestSuite(cmd_expire, .init = open_harness, .fini = close_harness);

Test(cmd_expire, sets_and_shows_deadlines)
{
    EXPECT_REPLY(h, "expire k 10", ":0\r\n");
    EXPECT_REPLY(h, "ttl k", ":-2\r\n");
    harness_run(h, "set k v");
    EXPECT_REPLY(h, "pttl k", ":-1\r\n");
    EXPECT_REPLY(h, "expire k 10", ":1\r\n");
    EXPECT_REPLY(h, "expiretime k", ":1700000010\r\n");
    EXPECT_REPLY(h, "pexpire k 1499", ":1\r\n");
    EXPECT_REPLY(h, "ttl k", ":1\r\n"); // rounded to the nearest second
    EXPECT_REPLY(h, "pexpire k 1500", ":1\r\n");
    EXPECT_REPLY(h, "ttl k", ":2\r\n");
    EXPECT_REPLY(h, "expireat k 1700000020", ":1\r\n");
    EXPECT_REPLY(h, "pexpireat k 1700000020001", ":1\r\n");
    EXPECT_REPLY(h, "pexpiretime k", ":1700000020001\r\n");
    EXPECT_REPLY(h, "persist k", ":1\r\n");
    EXPECT_REPLY(h, "persist k", ":0\r\n");
    EXPECT_REPLY(h, "persist none", ":0\r\n");
}

Test(cmd_expire, removes_a_key_whose_moment_has_passed)
{
    static const char *const commands[] = { "expire k 0",
                                            "expire k -1",
                                            "pexpire k -99999999999999",
                                            "expireat k 0",
                                            "pexpireat k 1700000000000",
                                            "pexpireat k -5" };
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        harness_run(h, "set k v");
        EXPECT_REPLY(h, commands[i], ":1\r\n");
        EXPECT_REPLY(h, "exists k", ":0\r\n");
    }
    cr_expect(eq(u64, h->tally.expired_keys, 0)); // deleted, not expired
}

Test(cmd_expire, obeys_nx_xx_gt_and_lt)
{
    harness_run(h, "set k v");
    EXPECT_REPLY(h, "expire k 10 xx", ":0\r\n");
    EXPECT_REPLY(h, "expire k 10 gt", ":0\r\n"); // without a deadline it lives for ever
    EXPECT_REPLY(h, "expire k 10 lt", ":1\r\n");
    EXPECT_REPLY(h, "expire k 5 nx", ":0\r\n");
    EXPECT_REPLY(h, "expire k 10 gt", ":0\r\n");
    EXPECT_REPLY(h, "expire k 11 gt", ":1\r\n");
    EXPECT_REPLY(h, "expire k 11 lt", ":0\r\n");
    EXPECT_REPLY(h, "expire k 9 xx lt", ":1\r\n");
    EXPECT_REPLY(h, "expire k -1 gt", ":0\r\n");
    EXPECT_REPLY(h, "ttl k", ":9\r\n");
    EXPECT_REPLY(h, "persist k", ":1\r\n");
    EXPECT_REPLY(h, "expire k 7 nx", ":1\r\n");
    EXPECT_REPLY(h, "expire k -1 lt", ":1\r\n");
    EXPECT_REPLY(h, "exists k", ":0\r\n");
}

Test(cmd_expire, refuses_conditions_before_times_before_keys)
{
    EXPECT_REPLY(h, "expire k x foo", "-ERR Unsupported option foo\r\n");
    EXPECT_REPLY(h, "expire k x nx xx",
                 "-ERR NX and XX, GT or LT options at the same time are not compatible\r\n");
    EXPECT_REPLY(h, "expire k x gt lt",
                 "-ERR GT and LT options at the same time are not compatible\r\n");
    EXPECT_REPLY(h, "expire k x", "-ERR value is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "expire k 9223372036854775807",
                 "-ERR invalid expire time in 'expire' command\r\n");
    EXPECT_REPLY(h, "expire k -9223372036854775807",
                 "-ERR invalid expire time in 'expire' command\r\n");
    EXPECT_REPLY(h, "pexpire k 9223372036854775807",
                 "-ERR invalid expire time in 'pexpire' command\r\n");
    EXPECT_REPLY(h, "pexpire k -9223372036854775808", ":0\r\n");
    EXPECT_REPLY(h, "pexpireat k 9223372036854775807", ":0\r\n");
}
