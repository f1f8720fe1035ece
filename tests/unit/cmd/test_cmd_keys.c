#include "tests/unit/cmd/harness.h"

static struct harness *h;
static void open_harness(void) { h = harness_open(); }
static void close_harness(void) { harness_close(h); }
TestSuite(cmd_keys, .init = open_harness, .fini = close_harness);

Test(cmd_keys, deletes_and_counts_each_key_once)
{
    harness_run(h, "mset a 1 b 2 c 3");
    EXPECT_REPLY(h, "del a a none", ":1\r\n");
    EXPECT_REPLY(h, "unlink b c", ":2\r\n");
    EXPECT_REPLY(h, "exists a b c", ":0\r\n");
}

Test(cmd_keys, counts_a_key_as_often_as_it_is_named)
{
    harness_run(h, "set a 1");
    EXPECT_REPLY(h, "exists a a b", ":2\r\n");
    EXPECT_REPLY(h, "touch a a b", ":2\r\n");
    EXPECT_REPLY(h, "type a", "+string\r\n");
    EXPECT_REPLY(h, "type b", "+none\r\n");
    cr_expect(eq(u64, h->tally.keyspace_hits, 5));
    cr_expect(eq(u64, h->tally.keyspace_misses, 3));
}

Test(cmd_keys, renames_with_the_deadline)
{
    harness_run(h, "set a 1 ex 100");
    harness_run(h, "set b 2");
    EXPECT_REPLY(h, "rename a b", "+OK\r\n");
    EXPECT_REPLY(h, "get b", "$1\r\n1\r\n");
    EXPECT_REPLY(h, "ttl b", ":100\r\n");
    EXPECT_REPLY(h, "rename a b", "-ERR no such key\r\n");
    EXPECT_REPLY(h, "rename b b", "+OK\r\n");
    EXPECT_REPLY(h, "renamenx b b", ":0\r\n");
    EXPECT_REPLY(h, "renamenx a a", "-ERR no such key\r\n");
    harness_run(h, "set a 9");
    EXPECT_REPLY(h, "renamenx a b", ":0\r\n");
    EXPECT_REPLY(h, "renamenx a c", ":1\r\n");
    EXPECT_REPLY(h, "mget a b c", "*3\r\n$-1\r\n$1\r\n1\r\n$1\r\n9\r\n");
}

Test(cmd_keys, renames_onto_a_key_that_has_expired)
{
    harness_run(h, "set a 1");
    harness_run(h, "set b 2 px 10");
    h->now_ms += 10;
    EXPECT_REPLY(h, "renamenx a b", ":1\r\n");
    EXPECT_REPLY(h, "get b", "$1\r\n1\r\n");
    harness_run(h, "set a 3 px 10");
    h->now_ms += 10;
    EXPECT_REPLY(h, "rename a b", "-ERR no such key\r\n");
}

Test(cmd_keys, moves_between_databases)
{
    static const char *const same = "-ERR source and destination objects are the same\r\n";
    harness_run(h, "set a 1 ex 100");
    EXPECT_REPLY(h, "move a 0", same);
    EXPECT_REPLY(h, "move a 16", "-ERR DB index is out of range\r\n");
    EXPECT_REPLY(h, "move a x", "-ERR value is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "move a 1", ":1\r\n");
    EXPECT_REPLY(h, "move a 1", ":0\r\n");
    harness_run(h, "set a 2");
    EXPECT_REPLY(h, "move a 1", ":0\r\n");
    harness_run(h, "select 1");
    EXPECT_REPLY(h, "get a", "$1\r\n1\r\n");
    EXPECT_REPLY(h, "ttl a", ":100\r\n");
}

Test(cmd_keys, copies_within_and_between_databases)
{
    harness_run(h, "set a 1 ex 100");
    EXPECT_REPLY(h, "copy a a", "-ERR source and destination objects are the same\r\n");
    EXPECT_REPLY(h, "copy a a db 0", "-ERR source and destination objects are the same\r\n");
    EXPECT_REPLY(h, "copy a b", ":1\r\n");
    EXPECT_REPLY(h, "copy a b", ":0\r\n");
    harness_run(h, "set a 2");
    EXPECT_REPLY(h, "copy a b replace", ":1\r\n");
    EXPECT_REPLY(h, "get b", "$1\r\n2\r\n");
    EXPECT_REPLY(h, "ttl b", ":-1\r\n");
    EXPECT_REPLY(h, "copy a a db 3", ":1\r\n");
    EXPECT_REPLY(h, "copy none c", ":0\r\n");
    EXPECT_REPLY(h, "copy a c db", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "copy a c foo", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "copy a c db 99", "-ERR DB index is out of range\r\n");
    harness_run(h, "append b x");
    EXPECT_REPLY(h, "mget a b", "*2\r\n$1\r\n2\r\n$2\r\n2x\r\n"); // a copy of its own
}
