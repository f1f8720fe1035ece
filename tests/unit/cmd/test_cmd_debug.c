#include <signal.h>
#include "tests/unit/cmd/admin.h"

static struct harness *h;
static struct admin admin;
static struct clock ticks;
static void open_harness(void)
{
    h = admin_open(&admin);
    h->settings.enable_debug_command = LOCAL_YES;
}
static void close_harness(void) { admin_close(h); }
TestSuite(cmd_debug, .init = open_harness, .fini = close_harness);

#define CLOSED                                                                                     \
    "-ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you " \
    "can run it from a local connection, otherwise you need to set this option in the "            \
    "configuration file, and then restart the server.\r\n"

Test(cmd_debug, is_open_as_far_as_the_operator_said)
{
    EXPECT_REPLY(h, "debug log x", "+OK\r\n");
    h->settings.enable_debug_command = LOCAL_NO;
    EXPECT_REPLY(h, "debug log x", CLOSED);
    h->settings.enable_debug_command = LOCAL_ONLY;
    EXPECT_REPLY(h, "debug log x", "+OK\r\n");
    h->stream.kind = STREAM_SOCK_TCP;
    h->stream.remote = (struct net_addr){ { [10] = 0xff, 0xff, 10, 0, 0, 1 }, 1 };
    EXPECT_REPLY(h, "debug log x", CLOSED);
}

Test(cmd_debug, names_a_subcommand_it_does_not_know)
{
    EXPECT_REPLY(
        h, "debug fOo",
        "-ERR unknown subcommand or wrong number of arguments for 'fOo'. Try DEBUG HELP.\r\n");
    EXPECT_REPLY(
        h, "debug sleep",
        "-ERR unknown subcommand or wrong number of arguments for 'sleep'. Try DEBUG HELP.\r\n");
    EXPECT_REPLY(h, "debug", "-ERR wrong number of arguments for 'debug' command\r\n");
}

Test(cmd_debug, asks_the_shard_to_sleep)
{
    cr_assert(eq(int, clock_init(&ticks), OK));
    h->server.clock = &ticks;
    uint64_t before = clock_now_ns(&ticks);
    EXPECT_REPLY(h, "debug sleep 1.5", "+OK\r\n");
    uint64_t after = clock_now_ns(&ticks);
    cr_expect(h->server.busy_until_ns >= before + 1500000000u &&
              h->server.busy_until_ns <= after + 1500000000u);
    EXPECT_REPLY(h, "debug sleep -5", "+OK\r\n");
    cr_expect(le(u64, h->server.busy_until_ns, clock_now_ns(&ticks)));
}

Test(cmd_debug, shows_what_is_behind_a_key)
{
    harness_run(h, "set n 12345");
    harness_run(h, "set s abc");
    EXPECT_REPLY(h, "debug object nokey", "-ERR no such key\r\n");
    harness_run(h, "debug object n");
    cr_expect(strstr(h->wire, " refcount:1 encoding:int serializedlength:3 lru:") != NULL);
    harness_run(h, "debug object s");
    cr_expect(strstr(h->wire, " encoding:embstr serializedlength:4 lru:") != NULL);
    cr_expect(strstr(h->wire, " lru_seconds_idle:0\r\n") != NULL);
}

Test(cmd_debug, switches_the_expiry_of_keys_nobody_asks_for)
{
    EXPECT_REPLY(h, "debug set-active-expire 0", "+OK\r\n");
    harness_run(h, "set k v px 10");
    h->now_ms += 1000;
    keyspace_expire_step(h->server.keyspace, h->now_ms, 100);
    EXPECT_REPLY(h, "dbsize", ":1\r\n");
    EXPECT_REPLY(h, "debug set-active-expire 1", "+OK\r\n");
    keyspace_expire_step(h->server.keyspace, h->now_ms, 100);
    EXPECT_REPLY(h, "dbsize", ":0\r\n");
}

Test(cmd_debug, fills_a_database)
{
    harness_run(h, "set p:1 mine");
    EXPECT_REPLY(h, "debug populate 3 p 2", "+OK\r\n");
    EXPECT_REPLY(h, "mget p:0 p:1 p:2 p:3", "*4\r\n$2\r\nva\r\n$4\r\nmine\r\n$2\r\nva\r\n$-1\r\n");
    EXPECT_REPLY(h, "debug populate 1", "+OK\r\n");
    EXPECT_REPLY(h, "get key:0", "$7\r\nvalue:0\r\n");
    EXPECT_REPLY(h, "debug populate 1 q 9", "+OK\r\n");
    EXPECT_REPLY(h, "strlen q:0", ":9\r\n");
    EXPECT_REPLY(h, "debug populate -1", "-ERR value is out of range, must be positive\r\n");
    EXPECT_REPLY(h, "debug populate 1 q x", "-ERR value is out of range, must be positive\r\n");
}

Test(cmd_debug, matches_patterns)
{
    EXPECT_REPLY(h, "debug stringmatch-len a*c abbc", ":1\r\n");
    EXPECT_REPLY(h, "debug stringmatch-len a*c abbd", ":0\r\n");
}

Test(cmd_debug, shows_the_heap_and_the_table)
{
    harness_run(h, "debug jmap");
    cr_expect(strstr(h->wire, "dataset:0\n") && strstr(h->wire, "\ntotal:"));
    EXPECT_REPLY(h, "debug htstats x", "-ERR value is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "debug htstats 16", "-ERR Out of range database\r\n");
    cr_expect(eq(int, harness_run(h, "debug htstats 0")[0], '$'));
}

Test(cmd_debug, gives_a_sample_of_each_kind_of_reply)
{
    EXPECT_REPLY(h, "debug error \"CODE what\"", "-CODE what\r\n");
    EXPECT_REPLY(h, "debug protocol double", "$5\r\n3.141\r\n");
    EXPECT_REPLY(h, "debug protocol push", "-ERR RESP2 is not supported by this command\r\n");
    EXPECT_REPLY(h, "debug protocol attrib", "$39\r\nSome real reply following the attribute\r\n");
    harness_run(h, "hello 3");
    EXPECT_REPLY(h, "debug protocol double", ",3.141\r\n");
    EXPECT_REPLY(h, "debug protocol map", "%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n");
    EXPECT_REPLY(h, "debug protocol null", "_\r\n");
    EXPECT_REPLY(h, "debug protocol push",
                 ">2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n$40\r\nSome real reply following the "
                 "push reply\r\n");
    EXPECT_REPLY(h, "debug protocol verbatim", "=29\r\ntxt:This is a verbatim\nstring\r\n");
    EXPECT_REPLY(
        h, "debug protocol foo",
        "-ERR Wrong protocol type name. Please use one of the following: "
        "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false\r\n");
}

Test(cmd_debug, crashes_on_demand, .signal = SIGSEGV)
{
    signal(SIGSEGV, SIG_DFL); // whatever a sanitizer does with it
    harness_run(h, "debug segfault");
}

Test(cmd_debug, aborts_on_demand, .signal = SIGABRT) { harness_run(h, "debug panic"); }
