#include "tests/unit/cmd/zset_harness.h"

TestSuite(cmd_zset_pop, .init = open_zsets, .fini = close_zsets);

Test(cmd_zset_pop, takes_from_either_end)
{
    harness_run(h, "zadd k 1 a 2 b 3 c 4 d 5 e");
    EXPECT_REPLY(h, "zpopmin k", "*2\r\n$1\r\na\r\n$1\r\n1\r\n");
    EXPECT_REPLY(h, "zpopmax k 2", "*4\r\n$1\r\ne\r\n$1\r\n5\r\n$1\r\nd\r\n$1\r\n4\r\n");
    EXPECT_REPLY(h, "zpopmin k 0", "*0\r\n");
    EXPECT_REPLY(h, "zpopmin none 1", "*0\r\n");
    EXPECT_REPLY(h, "zpopmin k -1", "-ERR value is out of range, must be positive\r\n");
    EXPECT_REPLY(h, "zpopmin k 1 1", "-ERR syntax error\r\n");
    h->client.reply.version = 3;
    EXPECT_REPLY(h, "zpopmin k 1", "*1\r\n*2\r\n$1\r\nb\r\n,2\r\n");
    EXPECT_REPLY(h, "zpopmin k", "*2\r\n$1\r\nc\r\n,3\r\n");
    EXPECT_REPLY(h, "exists k", ":0\r\n");
}

Test(cmd_zset_pop, takes_from_the_first_key_that_has_any)
{
    harness_run(h, "zadd k 1 a 2 b 3 c");
    EXPECT_REPLY(h, "zmpop 2 none k max count 2",
                 "*2\r\n$1\r\nk\r\n*2\r\n*2\r\n$1\r\nc\r\n$1\r\n3\r\n*2\r\n$1\r\nb\r\n$1\r\n2\r\n");
    EXPECT_REPLY(h, "zmpop 1 none min", "*-1\r\n");
    EXPECT_REPLY(h, "zmpop 0 k min", "-ERR numkeys should be greater than 0\r\n");
    EXPECT_REPLY(h, "zmpop 1 k mid", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "zmpop 2 k min", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "zmpop 1 k min count 0", "-ERR count should be greater than 0\r\n");
    EXPECT_REPLY(h, "zmpop 1 k min count 1 count 1", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "bzpopmin none k 0", "*3\r\n$1\r\nk\r\n$1\r\na\r\n$1\r\n1\r\n");
}

// spec/aof.md chapter 4.
Test(cmd_zset_pop, tells_what_it_took)
{
    harness_run(h, "zadd k 1 a 2 b 3 c 4 d 5 e 6 f");
    EXPECT_CHANGE("zpopmin k", 1, "z:zpopmin:k ", "zpopmin k;");
    EXPECT_CHANGE("bzpopmax none k 0", 1, "z:zpopmax:k ", "ZPOPMAX k;");
    EXPECT_CHANGE("zmpop 1 k min count 2", 2, "z:zpopmin:k ", "ZPOPMIN k 2;");
    EXPECT_CHANGE("bzmpop 0 1 k max count 9", 2, "z:zpopmax:k g:del:k ", "ZPOPMAX k 2;");
    EXPECT_CHANGE("zpopmin k", 0, "", "");
    EXPECT_CHANGE("zmpop 1 k min", 0, "", "");
}

Test(cmd_zset_pop, waits_and_is_served_in_order)
{
    struct harness_client *a = harness_client_open(h), *b = harness_client_open(h);
    EXPECT_REPLY(h, "zadd other 1 x", ":1\r\n");
    cr_expect(eq(str, (char *)harness_client_run(a, "bzpopmin k l 0"), ""));
    cr_expect(eq(str, (char *)harness_client_run(b, "bzmpop 0 2 k l max count 5"), ""));
    EXPECT_REPLY(h, "zadd k 1 a 2 b 3 c", ":3\r\n");
    cr_expect(eq(str, h->effects, (char *)"zadd k 1 a 2 b 3 c;ZPOPMIN k;ZPOPMAX k 2;"));
    EXPECT_SENT(a, "*3\r\n$1\r\nk\r\n$1\r\na\r\n$1\r\n1\r\n");
    EXPECT_SENT(b,
                "*2\r\n$1\r\nk\r\n*2\r\n*2\r\n$1\r\nc\r\n$1\r\n3\r\n*2\r\n$1\r\nb\r\n$1\r\n2\r\n");
    cr_expect(eq(str, (char *)harness_client_run(a, "bzpopmax l 0"), ""));
    harness_run(h, "zunionstore l 1 other");
    EXPECT_SENT(a, "*3\r\n$1\r\nl\r\n$1\r\nx\r\n$1\r\n1\r\n");
    cr_expect(eq(str, (char *)harness_client_run(a, "bzpopmin k 0.05"), ""));
    harness_set_time(h, h->now_ms + 50);
    blocks_expire(&h->server);
    EXPECT_SENT(a, "*-1\r\n");
    harness_client_close(a);
    harness_client_close(b);
}

Test(cmd_zset_pop, refuses_before_it_waits)
{
    EXPECT_REPLY(h, "bzpopmin k x", "-ERR timeout is not a float or out of range\r\n");
    EXPECT_REPLY(h, "bzmpop x 0 k min", "-ERR numkeys should be greater than 0\r\n");
    EXPECT_REPLY(h, "bzmpop x 1 k min", "-ERR timeout is not a float or out of range\r\n");
    harness_run(h, "set s 1");
    EXPECT_REPLY(h, "bzpopmin none s 0",
                 "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
}

Test(cmd_zset_pop, takes_thousands_in_slices)
{
    struct harness_client *c = harness_client_open(h), *d = harness_client_open(h);
    fill_long("k", 0, LONG_COUNT);
    cr_expect(send_only(c, "zpopmax k 2500"));
    cr_expect(send_only(d, "zrange k -1 -1"));
    run_slices();
    cr_expect(gt(u32, h->slices, 100));
    cr_expect(eq(str, h->effects, (char *)"zpopmax k 2500;"));
    const char *wire = harness_client_wire(c);
    static const char begin[] = "*5000\r\n$5\r\nm5999\r\n$4\r\n5999\r\n";
    cr_expect(eq(int, strncmp(wire, begin, sizeof begin - 1), 0));
    cr_expect(ne(ptr, (void *)strstr(wire, "$5\r\nm3500\r\n$4\r\n3500\r\n"), NULL));
    EXPECT_SENT(d, "*1\r\n$5\r\nm3499\r\n");
    harness_client_close(c);
    harness_client_close(d);
}

// Whoever came first is served in slices, with the key closed; who waits behind comes before those
// who come meanwhile.
Test(cmd_zset_pop, serves_who_waited_in_slices)
{
    struct harness_client *c = harness_client_open(h), *d = harness_client_open(h);
    struct harness_client *e = harness_client_open(h);
    cr_expect(eq(str, (char *)harness_client_run(c, "bzmpop 0 1 k max count 2500"), ""));
    cr_expect(eq(str, (char *)harness_client_run(d, "bzpopmax other k 0"), ""));
    fill_long("source", 0, LONG_COUNT);
    cr_expect(not(send_only(e, "rename source k")));
    cr_expect(eq(u64, h->tally.blocked_clients, 1));
    cr_expect(eq(u32, c->client.flags & CLIENT_SUSPENDED, CLIENT_IN_JOB));
    cr_expect(eq(u32, d->client.flags & CLIENT_SUSPENDED, CLIENT_BLOCKED));
    cr_expect(send_only(e, "zcard k"));
    run_slices();
    cr_expect(gt(u32, h->slices, 100));
    static const char begin[] = "*2\r\n$1\r\nk\r\n*2500\r\n*2\r\n$5\r\nm5999\r\n$4\r\n5999\r\n";
    cr_expect(eq(int, strncmp(harness_client_wire(c), begin, sizeof begin - 1), 0));
    EXPECT_SENT(d, "*3\r\n$1\r\nk\r\n$5\r\nm3499\r\n$4\r\n3499\r\n");
    EXPECT_SENT(e, "+OK\r\n:3499\r\n");
    cr_expect(zero(u64, h->tally.blocked_clients));
    harness_client_close(c);
    harness_client_close(d);
    harness_client_close(e);
}

Test(cmd_zset_pop, takes_what_a_served_client_that_goes_asked_for)
{
    struct harness_client *c = harness_client_open(h);
    harness_client_run(c, "bzmpop 0 1 k max count 2500");
    struct harness_client *d = harness_client_open(h);
    fill_long("source", 0, LONG_COUNT);
    send_only(d, "rename source k");
    jobs_run(&h->server, 1);
    harness_client_close(c);
    run_slices();
    EXPECT_REPLY(h, "zcard k", ":3500\r\n");
    harness_client_close(d);
}

// All of it is detached at once, and shown while others go on with the name.
Test(cmd_zset_pop, takes_everything_at_once)
{
    struct harness_client *c = harness_client_open(h), *d = harness_client_open(h);
    fill_long("k", 0, 2500);
    cr_expect(send_only(c, "zmpop 1 k min count 1000000"));
    cr_expect(eq(str, h->effects, (char *)"ZPOPMIN k 2500;"));
    cr_expect(not(send_only(d, "zadd k 1 new")));
    run_slices();
    const char *wire = harness_client_wire(c);
    static const char begin[] = "*2\r\n$1\r\nk\r\n*2500\r\n*2\r\n$2\r\nm0\r\n$1\r\n0\r\n";
    cr_expect(eq(int, strncmp(wire, begin, sizeof begin - 1), 0));
    EXPECT_REPLY(h, "zcard k", ":1\r\n");
    harness_client_close(c);
    harness_client_close(d);
}
