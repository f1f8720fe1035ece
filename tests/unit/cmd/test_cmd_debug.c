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

Test(cmd_debug, answers_the_switches_of_test_drivers)
{
    static const char *const commands[] = { "dict-resizing 1",
                                            "client-enforce-reply-list 1",
                                            "replybuffer peak-reset-time never",
                                            "replybuffer PEAK-RESET-TIME reset",
                                            "replybuffer peak-reset-time 10",
                                            "replybuffer resizing 0",
                                            "quicklist-packed-threshold 100b",
                                            "quicklist-packed-threshold 0" };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        char line[128];
        snprintf(line, sizeof line, "debug %s", commands[i]);
        EXPECT_REPLY(h, line, "+OK\r\n");
    }
    EXPECT_REPLY(h, "debug replybuffer peak-reset-time x",
                 "-ERR value is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "debug replybuffer x 1",
                 "-ERR unknown subcommand or wrong number of arguments for 'replybuffer'. Try "
                 "DEBUG HELP.\r\n");
    EXPECT_REPLY(h, "debug quicklist-packed-threshold 4gb",
                 "-ERR argument must be a memory value bigger than 1 and smaller than 4gb\r\n");
    EXPECT_REPLY(h, "debug pause-cron 1", "+OK\r\n");
    cr_expect(h->server.cron_is_paused);
    EXPECT_REPLY(h, "debug set-disable-deny-scripts 1", "+OK\r\n");
    cr_expect(h->server.scripts_may_do_all);
    EXPECT_REPLY(h, "debug set-skip-checksum-validation 1", "+OK\r\n");
    cr_expect(h->server.skips_checksums);
}

Test(cmd_debug, measures_values_of_every_kind)
{
    h->settings.list_max_listpack_size = h->server.thresholds.list_size = 10;
    for (int i = 0; i < 600; i++) {
        char line[64];
        snprintf(line, sizeof line, "rpush list element-%d", i);
        harness_run(h, line);
        snprintf(line, sizeof line, "sadd set member-%d", i);
        harness_run(h, line);
    }
    harness_run(h, "hset hash f v");
    harness_run(h, "set text x");
    harness_run(h, "debug object list");
    cr_expect(ne(ptr, strstr(h->wire, " ql_nodes:"), NULL), "%s", h->wire);
    cr_expect(ne(ptr, strstr(h->wire, " serializedlength:"), NULL));
    harness_run(h, "debug object list fast");
    cr_expect(eq(ptr, strstr(h->wire, "serializedlength:"), NULL));
    harness_run(h, "debug htstats-key set");
    cr_expect(ne(ptr, strstr(h->wire, "number of elements: 600\n"), NULL), "%s", h->wire);
    EXPECT_REPLY(h, "debug htstats-key text",
                 "-ERR The value stored at the specified key is not represented using an hash "
                 "table\r\n");
    EXPECT_REPLY(h, "debug htstats-key hash",
                 "-ERR The value stored at the specified key is not represented using an hash "
                 "table\r\n");
    EXPECT_REPLY(h, "debug htstats-key nokey", "-ERR no such key\r\n");
    EXPECT_REPLY(h, "debug listpack text", "-ERR Not a listpack encoded object.\r\n");
    EXPECT_REPLY(h, "debug listpack nokey", "-ERR no such key\r\n");
    EXPECT_REPLY(h, "debug quicklist hash", "-ERR Not a quicklist encoded object.\r\n");
}

Test(cmd_debug, fills_a_database_in_slices)
{
    EXPECT_REPLY(h, "debug populate 5000 some 10", "+OK\r\n");
    cr_expect(gt(u32, h->slices, 10));
    EXPECT_REPLY(h, "dbsize", ":5000\r\n");
    EXPECT_REPLY(h, "strlen some:4999", ":10\r\n");
}

Test(cmd_debug, asks_the_allocator)
{
    harness_run(h, "debug mallctl epoch");
    bool is_jemalloc = h->wire[0] == ':'; // not under AddressSanitizer
    EXPECT_REPLY(h, "debug mallctl no.such.name", "-ERR No such file or directory\r\n");
    EXPECT_REPLY(h, "debug mallctl-str no.such.name", "-ERR No such file or directory\r\n");
    EXPECT_REPLY(h, "debug mallctl epoch x", "-ERR value is not an integer or out of range\r\n");
    if (!is_jemalloc) return;
    // A number is not taken for the address of a text.
    EXPECT_REPLY(h, "debug mallctl-str epoch", "-ERR Invalid argument\r\n");
    cr_expect(eq(chr, harness_run(h, "debug mallctl-str version")[0], '$'));
}

Test(cmd_debug, shows_what_clients_cost)
{
    EXPECT_REPLY(h, "debug client-eviction", "-ERR maxmemory-clients is disabled.\r\n");
    h->settings.maxmemory_clients = 1 << 30;
    cr_expect(ne(ptr, strstr(harness_run(h, "debug client-eviction"), "Clients\n"), NULL));
}
