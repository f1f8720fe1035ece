#include "tests/unit/cmd/zset_harness.h"

TestSuite(cmd_zset_algebra, .init = open_zsets, .fini = close_zsets);

static void three(void)
{
    harness_run(h, "zadd k 1 a 2 b 3 c");
    harness_run(h, "zadd l 10 b 20 c 30 d");
    harness_run(h, "sadd s c d e");
}

Test(cmd_zset_algebra, unites)
{
    three();
    EXPECT_REPLY(
        h, "zunion 2 k l withscores",
        "*8\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$2\r\n12\r\n$1\r\nc\r\n$2\r\n23\r\n$1\r\nd\r\n"
        "$2\r\n30\r\n");
    EXPECT_REPLY(h, "zunion 3 k s none weights 2 5 1 aggregate max",
                 "*5\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nd\r\n$1\r\ne\r\n$1\r\nc\r\n");
    EXPECT_REPLY(h, "zunionstore d 2 k l aggregate min", ":4\r\n");
    EXPECT_REPLY(h, "zrange d 0 0 withscores", "*2\r\n$1\r\na\r\n$1\r\n1\r\n");
    h->client.reply.version = 3;
    EXPECT_REPLY(h, "zunion 1 k withscores",
                 "*3\r\n*2\r\n$1\r\na\r\n,1\r\n*2\r\n$1\r\nb\r\n,2\r\n*2\r\n$1\r\nc\r\n,3\r\n");
}

Test(cmd_zset_algebra, intersects_and_subtracts)
{
    three();
    EXPECT_REPLY(h, "zinter 3 k l s withscores", "*2\r\n$1\r\nc\r\n$2\r\n24\r\n");
    EXPECT_REPLY(h, "zinter 2 k none", "*0\r\n");
    EXPECT_REPLY(h, "zintercard 2 k l", ":2\r\n");
    EXPECT_REPLY(h, "zintercard 2 k l limit 1", ":1\r\n");
    EXPECT_REPLY(h, "zdiff 2 k s withscores", "*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n");
    EXPECT_REPLY(h, "zdiff 2 none k", "*0\r\n");
    EXPECT_REPLY(h, "zinterstore k 2 k l", ":2\r\n");
    EXPECT_REPLY(h, "zdiffstore k 2 k l", ":0\r\n");
    EXPECT_REPLY(h, "exists k", ":0\r\n");
}

// Redis: what is not a number counts as nothing.
Test(cmd_zset_algebra, makes_numbers_of_infinities)
{
    harness_run(h, "zadd k inf a");
    harness_run(h, "zadd l -inf a");
    EXPECT_REPLY(h, "zunion 2 k l withscores", "*2\r\n$1\r\na\r\n$1\r\n0\r\n");
    EXPECT_REPLY(h, "zunion 1 k weights 0 withscores", "*2\r\n$1\r\na\r\n$1\r\n0\r\n");
    EXPECT_REPLY(h, "zinter 2 k l weights 1 0 withscores", "*2\r\n$1\r\na\r\n$1\r\n0\r\n");
}

Test(cmd_zset_algebra, refuses_bad_arguments)
{
    three();
    EXPECT_REPLY(h, "zunion 0 k", "-ERR at least 1 input key is needed for 'zunion' command\r\n");
    EXPECT_REPLY(h, "zunionstore d 0 k",
                 "-ERR at least 1 input key is needed for 'zunionstore' command\r\n");
    EXPECT_REPLY(h, "zunion 3 k l", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "zunion x k", "-ERR value is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "zunion 2 k l weights 1", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "zunion 2 k l weights 1 x", "-ERR weight value is not a float\r\n");
    EXPECT_REPLY(h, "zunion 2 k l aggregate avg", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "zdiff 1 k weights 1", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "zunionstore d 1 k withscores", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "zintercard 1 k limit -1", "-ERR LIMIT can't be negative\r\n");
    harness_run(h, "set x 1");
    EXPECT_REPLY(h, "zunion 2 k x nonsense",
                 "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
}

Test(cmd_zset_algebra, tells_what_it_stored)
{
    three();
    EXPECT_CHANGE("zunionstore d 2 k l", 1, "z:zunionstore:d ", "zunionstore d 2 k l;");
    EXPECT_CHANGE("zinterstore d 2 k l", 1, "z:zinterstore:d ", "zinterstore d 2 k l;");
    EXPECT_CHANGE("zdiffstore d 2 k l", 1, "z:zdiffstore:d ", "zdiffstore d 2 k l;");
    EXPECT_CHANGE("zdiffstore d 1 none", 1, "g:del:d ", "zdiffstore d 1 none;");
    EXPECT_CHANGE("zdiffstore d 1 none", 0, "", "");
    harness_run(h, "set d 1 ex 100");
    EXPECT_CHANGE("zunionstore d 1 k", 1, "z:zunionstore:d ", "zunionstore d 1 k;");
    EXPECT_REPLY(h, "ttl d", ":-1\r\n");
}

Test(cmd_zset_algebra, combines_thousands_in_slices)
{
    fill_long("k", 0, 4000);
    fill_long("l", 2000, 4000);
    EXPECT_REPLY(h, "zunionstore u 2 k l", ":6000\r\n");
    cr_expect(gt(u32, h->slices, 1000));
    EXPECT_REPLY(h, "zrange u 0 1", "*2\r\n$2\r\nm0\r\n$2\r\nm1\r\n");
    EXPECT_REPLY(h, "zrange u -1 -1 withscores", "*2\r\n$5\r\nm3999\r\n$4\r\n7998\r\n");
    EXPECT_REPLY(h, "zinterstore i 2 k l weights 1 0", ":2000\r\n");
    EXPECT_REPLY(h, "zrange i 0 0 withscores", "*2\r\n$5\r\nm2000\r\n$4\r\n2000\r\n");
    EXPECT_REPLY(h, "zintercard 2 k l", ":2000\r\n");
    EXPECT_REPLY(h, "zdiffstore d 2 k l", ":2000\r\n");
    EXPECT_REPLY(h, "zrange d -1 -1", "*1\r\n$5\r\nm1999\r\n");
    cr_expect(eq(int, strncmp(harness_run(h, "zunion 2 k l"), "*6000\r\n$2\r\nm0\r\n", 15), 0));
    cr_expect(eq(int, strncmp(harness_run(h, "zdiff 2 l k"), "*2000\r\n$5\r\nm4000\r\n", 18), 0));
}

// The sources are those of the moment when the command came; so is the effect.
Test(cmd_zset_algebra, combines_what_was_there_at_one_moment)
{
    struct harness_client *c = harness_client_open(h), *d = harness_client_open(h);
    fill_long("k", 0, 3000);
    harness_run(h, "zadd l 1 m0 1 x");
    cr_expect(send_only(c, "zunionstore d 2 k l"));
    cr_expect(send_only(d, "zcard d"));
    run_slices();
    EXPECT_SENT(c, ":3001\r\n");
    EXPECT_SENT(d, ":3001\r\n");
    cr_expect(eq(str, h->effects, (char *)"zunionstore d 2 k l;"));
    cr_expect(send_only(c, "zunionstore d 2 k l"));
    cr_expect(not(send_only(d, "del l")));
    run_slices();
    EXPECT_SENT(c, ":3001\r\n");
    cr_expect(eq(int, strncmp(h->effects, "MULTI | DEL d | ZADD d 1 m0 1 m1 1 x 2 m2", 41), 0));
    harness_client_close(c);
    harness_client_close(d);
}
