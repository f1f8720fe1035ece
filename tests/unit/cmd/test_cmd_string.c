#include "tests/unit/cmd/harness.h"

static struct harness *h;
static void open_harness(void) { h = harness_open(); }
static void close_harness(void) { harness_close(h); }
TestSuite(cmd_string, .init = open_harness, .fini = close_harness);

#define SYNTAX "-ERR syntax error\r\n"
#define NOT_INTEGER "-ERR value is not an integer or out of range\r\n"

Test(cmd_string, sets_and_gets)
{
    EXPECT_REPLY(h, "get k", "$-1\r\n");
    EXPECT_REPLY(h, "set k v", "+OK\r\n");
    EXPECT_REPLY(h, "get k", "$1\r\nv\r\n");
    EXPECT_REPLY(h, "set k 12345", "+OK\r\n");
    EXPECT_REPLY(h, "get k", "$5\r\n12345\r\n");
    EXPECT_REPLY(h, "set \"\" \"\"", "+OK\r\n");
    EXPECT_REPLY(h, "get \"\"", "$0\r\n\r\n");
    h->client.reply.version = 3;
    EXPECT_REPLY(h, "get none", "_\r\n");
}

Test(cmd_string, takes_a_big_argument_as_the_value_and_sends_it_from_there)
{
    size_t size = 1 << 20;
    char *value = malloc(size);
    for (size_t i = 0; i < size; i++) value[i] = (char)(i * 7 + i / 251);
    struct bytes set[] = { BYTES_LITERAL("SET"), BYTES_LITERAL("k"), bytes_make(value, size) };
    cr_expect(eq(str, (char *)harness_run_args(h, set, 3), (char *)"+OK\r\n"));
    cr_expect(lt(u64, h->heap.bytes[HEAP_CLIENT_IN], 64 * 1024)); // nothing of it was kept behind
    harness_run(h, "get k");
    cr_assert(eq(sz, h->wire_size, size + sizeof "$1048576\r\n\r\n" - 1));
    cr_expect(memcmp(h->wire, "$1048576\r\n", 10) == 0);
    cr_expect(memcmp(h->wire + 10, value, size) == 0);
    EXPECT_REPLY(h, "append k xyz", ":1048579\r\n");
    harness_run(h, "getrange k -4 -1");
    cr_expect(eq(sz, h->wire_size, 10));
    cr_expect(memcmp(h->wire + 4, value + size - 1, 1) == 0);
    cr_expect(memcmp(h->wire + 5, "xyz\r\n", 5) == 0);
    free(value);
}

Test(cmd_string, keeps_an_unsent_reply_whole_while_its_value_changes)
{
    size_t size = 256 * 1024;
    char *value = malloc(size);
    memset(value, 'a', size);
    struct bytes set[] = { BYTES_LITERAL("SET"), BYTES_LITERAL("k"), bytes_make(value, size) };
    harness_run_args(h, set, 3);
    struct bytes argv[] = { BYTES_LITERAL("GET"), BYTES_LITERAL("k") };
    struct resp_request get = { .argv = argv, .argc = 2 };
    harness_execute(h, &get); // not drained: the reply still refers to the value
    struct bytes patch[] = { BYTES_LITERAL("SETRANGE"), BYTES_LITERAL("k"), BYTES_LITERAL("0"),
                             BYTES_LITERAL("bbbb") };
    struct resp_request setrange = { .argv = patch, .argc = 4 };
    harness_execute(h, &setrange);
    harness_drain(h);
    cr_expect(memcmp(h->wire, "$262144\r\naaaa", 13) == 0);
    EXPECT_REPLY(h, "getrange k 0 4", "$5\r\nbbbba\r\n");
    free(value);
}

Test(cmd_string, obeys_nx_xx_and_get)
{
    EXPECT_REPLY(h, "set k 1 xx", "$-1\r\n");
    EXPECT_REPLY(h, "set k 1 nx", "+OK\r\n");
    EXPECT_REPLY(h, "set k 2 NX", "$-1\r\n");
    EXPECT_REPLY(h, "set k 2 xx", "+OK\r\n");
    EXPECT_REPLY(h, "set k 3 get", "$1\r\n2\r\n");
    EXPECT_REPLY(h, "set k 4 nx get", "$1\r\n3\r\n");
    EXPECT_REPLY(h, "set n 1 get nx", "$-1\r\n");
    EXPECT_REPLY(h, "set m 1 xx get", "$-1\r\n");
    EXPECT_REPLY(h, "mget k n m", "*3\r\n$1\r\n3\r\n$1\r\n1\r\n$-1\r\n");
}

Test(cmd_string, refuses_options_that_exclude_each_other)
{
    static const char *const refused[] = {
        "set k v nx xx",        "set k v xx nx",        "set k v ex",           "set k v foo",
        "set k v ex 1 px 1",    "set k v keepttl ex 1", "set k v ex 1 keepttl", "set k v persist",
        "set k v exat 1 ex 1",  "getex k nx",           "getex k keepttl",      "getex k get",
        "getex k persist ex 1", "getex k px 1 persist", "getex k ex",
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        EXPECT_REPLY(h, refused[i], SYNTAX);
    EXPECT_REPLY(h, "exists k", ":0\r\n");
    EXPECT_REPLY(h, "set k v ex 10 ex 20", "+OK\r\n"); // the same twice: the last one counts
    EXPECT_REPLY(h, "ttl k", ":20\r\n");
}

Test(cmd_string, checks_the_range_of_every_kind_of_time)
{
    static const char *const refused[] = {
        "ex 0",
        "ex -1",
        "ex 9223372036854775807",
        "ex 9223372036854776",
        "px 9223372036854775807",
        "exat 9223372036854776",
        "pxat 0",
        "px -9223372036854775808",
    };
    char command[64];
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        snprintf(command, sizeof command, "set k v %s", refused[i]);
        EXPECT_REPLY(h, command, "-ERR invalid expire time in 'set' command\r\n");
    }
    EXPECT_REPLY(h, "set k v ex x", NOT_INTEGER);
    EXPECT_REPLY(h, "set k v px 9223372036854775808", NOT_INTEGER);
    EXPECT_REPLY(h, "setex k 0 v", "-ERR invalid expire time in 'setex' command\r\n");
    EXPECT_REPLY(h, "psetex k 0 v", "-ERR invalid expire time in 'psetex' command\r\n");
    EXPECT_REPLY(h, "set k v pxat 9223372036854775807", "+OK\r\n");
    EXPECT_REPLY(h, "pexpiretime k", ":9223372036854775807\r\n");
}

Test(cmd_string, expires_what_was_set_with_a_time)
{
    EXPECT_REPLY(h, "set a v px 100", "+OK\r\n");
    EXPECT_REPLY(h, "setex b 1 v", "+OK\r\n");
    EXPECT_REPLY(h, "psetex c 100 v", "+OK\r\n");
    EXPECT_REPLY(h, "set d v pxat 1700000000100", "+OK\r\n");
    EXPECT_REPLY(h, "set e v exat 1600000000", "+OK\r\n"); // long gone
    h->now_ms += 99;
    EXPECT_REPLY(h, "exists a b c d e", ":4\r\n");
    h->now_ms += 1;
    EXPECT_REPLY(h, "exists a b c d e", ":1\r\n");
    h->now_ms += 900;
    EXPECT_REPLY(h, "get b", "$-1\r\n");
    cr_expect(eq(u64, h->tally.expired_keys, 5));
}

Test(cmd_string, keeps_the_deadline_only_when_asked)
{
    harness_run(h, "set k v ex 100");
    EXPECT_REPLY(h, "set k w keepttl", "+OK\r\n");
    EXPECT_REPLY(h, "ttl k", ":100\r\n");
    EXPECT_REPLY(h, "append k x", ":2\r\n");
    EXPECT_REPLY(h, "setrange k 0 ab", ":2\r\n");
    EXPECT_REPLY(h, "ttl k", ":100\r\n");
    EXPECT_REPLY(h, "getset k v", "$2\r\nab\r\n");
    EXPECT_REPLY(h, "ttl k", ":-1\r\n");
    harness_run(h, "expire k 100");
    EXPECT_REPLY(h, "mset k v", "+OK\r\n");
    EXPECT_REPLY(h, "ttl k", ":-1\r\n");
}

Test(cmd_string, getex_changes_the_deadline_and_nothing_else)
{
    EXPECT_REPLY(h, "getex k ex 0", "$-1\r\n"); // no key: the time is not looked at
    harness_run(h, "set k v");
    EXPECT_REPLY(h, "getex k", "$1\r\nv\r\n");
    EXPECT_REPLY(h, "getex k ex 0", "-ERR invalid expire time in 'getex' command\r\n");
    EXPECT_REPLY(h, "getex k ex 10", "$1\r\nv\r\n");
    EXPECT_REPLY(h, "pttl k", ":10000\r\n");
    EXPECT_REPLY(h, "getex k", "$1\r\nv\r\n");
    EXPECT_REPLY(h, "pttl k", ":10000\r\n");
    EXPECT_REPLY(h, "getex k persist", "$1\r\nv\r\n");
    EXPECT_REPLY(h, "pttl k", ":-1\r\n");
    EXPECT_REPLY(h, "getex k exat 1600000000", "$1\r\nv\r\n");
    EXPECT_REPLY(h, "exists k", ":0\r\n");
}

Test(cmd_string, counts_a_change_only_for_what_changes)
{
    harness_run(h, "set k v");
    uint64_t dirty = keyspace_dirty(h->server.keyspace);
    static const char *const silent[] = {
        "get k",          "getex k",           "getex k persist", "set k v nx",    "setnx k v",
        "msetnx a 1 k 2", "setrange k 9 \"\"", "getdel none",     "strlen k",      "lcs k k",
        "del none",       "persist k",         "expire none 1",   "expire k 1 xx", "renamenx k k",
        "copy none k2",   "move none 1"
    };
    for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++) {
        harness_run(h, silent[i]);
        cr_expect(eq(u64, keyspace_dirty(h->server.keyspace), dirty), "%s", silent[i]);
    }
    harness_run(h, "append k x");
    cr_expect(eq(u64, keyspace_dirty(h->server.keyspace), dirty + 1));
}

Test(cmd_string, cuts_ranges_as_redis_does)
{
    harness_run(h, "set k \"This is a string\"");
    EXPECT_REPLY(h, "getrange k 0 3", "$4\r\nThis\r\n");
    EXPECT_REPLY(h, "getrange k -3 -1", "$3\r\ning\r\n");
    EXPECT_REPLY(h, "getrange k 0 -1", "$16\r\nThis is a string\r\n");
    EXPECT_REPLY(h, "getrange k 10 100", "$6\r\nstring\r\n");
    EXPECT_REPLY(h, "getrange k -100 3", "$4\r\nThis\r\n");
    EXPECT_REPLY(h, "getrange k -1 -3", "$0\r\n\r\n");
    EXPECT_REPLY(h, "getrange k -100 -99", "$1\r\nT\r\n");
    EXPECT_REPLY(h, "getrange k 16 16", "$0\r\n\r\n");
    EXPECT_REPLY(h, "getrange k 9223372036854775807 9223372036854775807", "$0\r\n\r\n");
    EXPECT_REPLY(h, "substr k -9223372036854775808 0", "$1\r\nT\r\n");
    EXPECT_REPLY(h, "getrange none 0 -1", "$0\r\n\r\n");
    EXPECT_REPLY(h, "getrange none x -1", NOT_INTEGER);
}

Test(cmd_string, writes_ranges_and_pads_with_zeros)
{
    EXPECT_REPLY(h, "setrange k 0 \"\"", ":0\r\n");
    EXPECT_REPLY(h, "exists k", ":0\r\n");
    EXPECT_REPLY(h, "setrange k 2 ab", ":4\r\n");
    harness_run(h, "get k");
    cr_expect(eq(sz, h->wire_size, 10));
    cr_expect(memcmp(h->wire, "$4\r\n\0\0ab\r\n", 10) == 0);
    EXPECT_REPLY(h, "setrange k 1 xyzzy", ":6\r\n");
    EXPECT_REPLY(h, "setrange k -1 x", "-ERR offset is out of range\r\n");
    EXPECT_REPLY(h, "set i 12345", "+OK\r\n");
    EXPECT_REPLY(h, "setrange i 1 x", ":5\r\n");
    EXPECT_REPLY(h, "get i", "$5\r\n1x345\r\n");
}

Test(cmd_string, holds_strings_to_the_longest_bulk)
{
    static const char *const text =
        "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n";
    h->settings.proto_max_bulk_len = 10;
    EXPECT_REPLY(h, "setrange k 9 x", ":10\r\n");
    EXPECT_REPLY(h, "setrange k 10 x", text);
    EXPECT_REPLY(h, "setrange k 9223372036854775807 x", text);
    EXPECT_REPLY(h, "append k x", text);
    EXPECT_REPLY(h, "append k \"\"", ":10\r\n");
    EXPECT_REPLY(h, "strlen k", ":10\r\n");
}

Test(cmd_string, sets_many_all_or_none)
{
    EXPECT_REPLY(h, "mset a 1 b 2", "+OK\r\n");
    EXPECT_REPLY(h, "mset a 1 b", "-ERR wrong number of arguments for 'mset' command\r\n");
    EXPECT_REPLY(h, "msetnx c 1 b 2", ":0\r\n");
    EXPECT_REPLY(h, "exists c", ":0\r\n");
    EXPECT_REPLY(h, "msetnx c 1 d 2 c 3", ":1\r\n");
    EXPECT_REPLY(h, "mget a b c d e", "*5\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n2\r\n$-1\r\n");
}

// Keys are fetched in groups of CALL_KEYS_MAX: every count around the groups' edges.
Test(cmd_string, takes_any_number_of_keys)
{
    for (int count = 1; count <= 2 * CALL_KEYS_MAX + 1; count++) {
        char mset[1024] = "mset", mget[1024] = "mget", del[1024] = "del", values[2048], text[32];
        snprintf(values, sizeof values, "*%d\r\n", count);
        for (int i = 0; i < count; i++) {
            snprintf(text, sizeof text, " k%d %d", i, i);
            strcat(mset, text);
            snprintf(text, sizeof text, " k%d", i);
            strcat(mget, text);
            strcat(del, text);
            snprintf(text, sizeof text, "$%d\r\n%d\r\n", i < 10 ? 1 : 2, i);
            strcat(values, text);
        }
        EXPECT_REPLY(h, mset, "+OK\r\n");
        EXPECT_REPLY(h, mget, values);
        snprintf(text, sizeof text, ":%d\r\n", count);
        EXPECT_REPLY(h, del, text);
        EXPECT_REPLY(h, del, ":0\r\n");
    }
}

Test(cmd_string, deletes_what_getdel_returned)
{
    harness_run(h, "set k v");
    EXPECT_REPLY(h, "getdel k", "$1\r\nv\r\n");
    EXPECT_REPLY(h, "getdel k", "$-1\r\n");
}
