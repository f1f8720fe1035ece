#include "tests/unit/cmd/harness.h"

static struct harness *h;
static void open_harness(void) { h = harness_open(); }
static void close_harness(void) { harness_close(h); }
TestSuite(cmd_object, .init = open_harness, .fini = close_harness);

static void expect_encoding(const char *set, const char *encoding)
{
    char expected[64];
    snprintf(expected, sizeof expected, "$%zu\r\n%s\r\n", strlen(encoding), encoding);
    harness_run(h, set);
    EXPECT_REPLY(h, "object encoding k", expected);
}

Test(cmd_object, shows_encodings)
{
    EXPECT_REPLY(h, "object encoding k", "$-1\r\n");
    expect_encoding("set k 1", "int");
    expect_encoding("set k -9223372036854775808", "int");
    expect_encoding("set k 9223372036854775808", "embstr");
    expect_encoding("set k 12345678901234567890123456789012345678901234", "embstr");
    expect_encoding("set k 123456789012345678901234567890123456789012345", "raw");
    expect_encoding("set k abc", "embstr");
    expect_encoding("append k d", "raw");
    harness_run(h, "del k");
    expect_encoding("append k 5", "int");
    harness_run(h, "del k");
    expect_encoding("setrange k 0 5", "raw");
    expect_encoding("incr k", "int");
}

Test(cmd_object, shows_idle_time_and_does_not_touch)
{
    harness_run(h, "set k v");
    h->now_ms += 5000;
    EXPECT_REPLY(h, "object idletime k", ":5\r\n");
    EXPECT_REPLY(h, "type k", "+string\r\n");
    EXPECT_REPLY(h, "object idletime k", ":5\r\n");
    EXPECT_REPLY(h, "touch k", ":1\r\n");
    EXPECT_REPLY(h, "object idletime k", ":0\r\n");
}

Test(cmd_object, lets_a_no_touch_client_touch_only_with_touch)
{
    static const char *const quiet[] = { "get k",     "strlen k",       "incr k",
                                         "mget k",    "getrange k 0 1", "append k 1",
                                         "persist k", "lcs k k",        "copy k k2" };
    harness_run(h, "set k 1");
    h->client.flags |= CLIENT_NO_TOUCH;
    h->now_ms += 7000;
    harness_run(h, "get k");
    EXPECT_REPLY(h, "object idletime k", ":7\r\n");
    for (size_t i = 0; i < sizeof quiet / sizeof quiet[0]; i++) {
        harness_run(h, quiet[i]);
        EXPECT_REPLY(h, "object idletime k", ":7\r\n");
    }
    harness_run(h, "touch k");
    EXPECT_REPLY(h, "object idletime k", ":0\r\n");
}

Test(cmd_object, answers_frequency_only_under_an_lfu_policy)
{
    harness_run(h, "set k v");
    harness_run(h, "object freq k");
    cr_expect(memcmp(h->wire, "-ERR An LFU maxmemory policy is not selected", 44) == 0);
    h->settings.maxmemory_policy = EVICT_ALLKEYS_LFU;
    keyspace_set_access_clock(h->server.keyspace, true);
    harness_run(h, "set n v");
    EXPECT_REPLY(h, "object freq n", ":5\r\n");
    harness_run(h, "object idletime n");
    cr_expect(memcmp(h->wire, "-ERR An LFU maxmemory policy is selected", 40) == 0);
    EXPECT_REPLY(h, "object freq none", "$-1\r\n");
}

Test(cmd_object, counts_references_as_redis_shows_them)
{
    harness_run(h, "mset a 0 b 9999 c 10000 d x e -1");
    EXPECT_REPLY(h, "object refcount a", ":2147483647\r\n");
    EXPECT_REPLY(h, "object refcount b", ":2147483647\r\n");
    EXPECT_REPLY(h, "object refcount c", ":1\r\n");
    EXPECT_REPLY(h, "object refcount d", ":1\r\n");
    EXPECT_REPLY(h, "object refcount e", ":1\r\n");
}

Test(cmd_object, helps)
{
    harness_run(h, "object help");
    cr_expect(memcmp(h->wire, "*15\r\n+OBJECT <subcommand> [<arg> [value] [opt] ...]. ", 53) == 0);
    cr_expect(ne(ptr, strstr(h->wire, "+HELP\r\n+    Prints this help.\r\n"), NULL));
}
