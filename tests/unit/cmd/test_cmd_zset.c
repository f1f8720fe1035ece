// Replies were compared with redis-server 7.0.15 (tests/system/oracle_zsets.py); what 7.2 has anew
// is marked.
#include "tests/unit/cmd/zset_harness.h"

TestSuite(cmd_zset, .init = open_zsets, .fini = close_zsets);

Test(cmd_zset, adds_as_its_options_say)
{
    EXPECT_REPLY(h, "zadd k 1 a 2 b", ":2\r\n");
    EXPECT_REPLY(h, "zadd k 1 a 3 b 4 c", ":1\r\n");
    EXPECT_REPLY(h, "zadd k ch 1 a 5 b 5 c 1 d", ":3\r\n");
    EXPECT_REPLY(h, "zadd k nx 9 a 9 e", ":1\r\n");
    EXPECT_REPLY(h, "zadd k xx ch 2 a 9 f", ":1\r\n");
    EXPECT_REPLY(h, "zadd k gt ch 1 a 8 g", ":1\r\n");
    EXPECT_REPLY(h, "zadd k lt ch 1 a", ":1\r\n");
    EXPECT_REPLY(h, "zadd k incr 2.5 a", "$3\r\n3.5\r\n");
    EXPECT_REPLY(h, "zadd k gt incr -1 a", "$-1\r\n");
    EXPECT_REPLY(h, "zadd none xx 1 a", ":0\r\n");
    EXPECT_REPLY(h, "zadd none xx incr 1 a", "$-1\r\n");
    EXPECT_REPLY(h, "exists none", ":0\r\n");
    EXPECT_REPLY(h, "zincrby k 1 a", "$3\r\n4.5\r\n");
}

Test(cmd_zset, refuses_what_does_not_go_together)
{
    static const char *const syntax = "-ERR syntax error\r\n";
    static const char *const three =
        "-ERR GT, LT, and/or NX options at the same time are not compatible\r\n";
    EXPECT_REPLY(h, "zadd k 1 a 2", syntax);
    EXPECT_REPLY(h, "zadd k nx xx", syntax);
    EXPECT_REPLY(h, "zadd k nx xx 1 a",
                 "-ERR XX and NX options at the same time are not compatible\r\n");
    EXPECT_REPLY(h, "zadd k gt lt 1 a", three);
    EXPECT_REPLY(h, "zadd k gt nx 1 a", three);
    EXPECT_REPLY(h, "zadd k incr 1 a 2 b",
                 "-ERR INCR option supports a single increment-element pair\r\n");
    EXPECT_REPLY(h, "zadd k 1 a x b", "-ERR value is not a valid float\r\n");
    EXPECT_REPLY(h, "zadd k nan a", "-ERR value is not a valid float\r\n");
    EXPECT_REPLY(h, "exists k", ":0\r\n");
    harness_run(h, "zadd k inf a");
    EXPECT_REPLY(h, "zincrby k -inf a", "-ERR resulting score is not a number (NaN)\r\n");
    harness_run(h, "set s 1");
    EXPECT_REPLY(h, "zadd s 1 a",
                 "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
}

Test(cmd_zset, tells_what_changed)
{
    EXPECT_CHANGE("zadd k 1 a 2 b", 2, "z:zadd:k ", "zadd k 1 a 2 b;");
    EXPECT_CHANGE("ZADD k NX 1 a 2 c", 1, "z:zadd:k ", "ZADD k NX 1 a 2 c;");
    EXPECT_CHANGE("zadd k 1 a", 0, "", "");
    EXPECT_CHANGE("zadd k incr 1 a", 1, "z:zincr:k ", "zadd k incr 1 a;");
    EXPECT_CHANGE("zincrby k 1 a", 1, "z:zincr:k ", "zincrby k 1 a;");
    EXPECT_CHANGE("zincrby k 0 a", 0, "", "");
    EXPECT_CHANGE("zrem k a x", 1, "z:zrem:k ", "zrem k a x;");
    EXPECT_CHANGE("zrem k x", 0, "", "");
    EXPECT_CHANGE("zrem k b c", 2, "z:zrem:k g:del:k ", "zrem k b c;");
}

Test(cmd_zset, shows_scores_in_the_shortest_form)
{
    harness_run(h, "zadd k 0.1 a 3 b inf c -1e20 d 1.5e300 e");
    EXPECT_REPLY(h, "zmscore k a b c d e x",
                 "*6\r\n$3\r\n0.1\r\n$1\r\n3\r\n$3\r\ninf\r\n$6\r\n-1e+20\r\n$8\r\n1.5e+300\r\n"
                 "$-1\r\n");
    h->client.reply.version = 3;
    EXPECT_REPLY(h, "zscore k a", ",0.1\r\n");
    EXPECT_REPLY(h, "zscore k x", "_\r\n");
    EXPECT_REPLY(h, "zincrby k 1 b", ",4\r\n");
}

// ZRANK's WITHSCORE: Redis 7.2, zrank command page.
Test(cmd_zset, ranks_from_both_ends)
{
    harness_run(h, "zadd k 1 a 2 b 2 c");
    EXPECT_REPLY(h, "zrank k b", ":1\r\n");
    EXPECT_REPLY(h, "zrevrank k b", ":1\r\n");
    EXPECT_REPLY(h, "zrevrank k c", ":0\r\n");
    EXPECT_REPLY(h, "zrank k x", "$-1\r\n");
    EXPECT_REPLY(h, "zrank k c withscore", "*2\r\n:2\r\n$1\r\n2\r\n");
    EXPECT_REPLY(h, "zrank k x withscore", "*-1\r\n");
    EXPECT_REPLY(h, "zrank none x withscore", "*-1\r\n");
    EXPECT_REPLY(h, "zrank k c scores", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "zrank k c withscore 1",
                 "-ERR wrong number of arguments for 'zrank' command\r\n");
    h->client.reply.version = 3;
    EXPECT_REPLY(h, "zrevrank k a withscore", "*2\r\n:2\r\n,1\r\n");
    EXPECT_REPLY(h, "zrank k x withscore", "_\r\n");
}

Test(cmd_zset, counts)
{
    harness_run(h, "zadd k 1 a 2 b 3 c");
    EXPECT_REPLY(h, "zcard k", ":3\r\n");
    EXPECT_REPLY(h, "zcard none", ":0\r\n");
    EXPECT_REPLY(h, "zcount k (1 3", ":2\r\n");
    EXPECT_REPLY(h, "zcount k -inf +inf", ":3\r\n");
    EXPECT_REPLY(h, "zcount k 3 1", ":0\r\n");
    EXPECT_REPLY(h, "zcount k x 1", "-ERR min or max is not a float\r\n");
    EXPECT_REPLY(h, "zlexcount k - +", ":3\r\n");
    EXPECT_REPLY(h, "zlexcount k + -", ":0\r\n");
    EXPECT_REPLY(h, "zlexcount k a b", "-ERR min or max not valid string range item\r\n");
}

Test(cmd_zset, draws_members)
{
    fill_long("k", 0, LONG_COUNT);
    EXPECT_REPLY(h, "zrandmember none", "$-1\r\n");
    EXPECT_REPLY(h, "zrandmember none 3", "*0\r\n");
    EXPECT_REPLY(h, "zrandmember k 0", "*0\r\n");
    cr_expect(eq(int, strncmp(harness_run(h, "zrandmember k 7"), "*7\r\n$", 5), 0));
    cr_expect(eq(int, strncmp(harness_run(h, "zrandmember k 7 withscores"), "*14\r\n", 5), 0));
    cr_expect(eq(int, strncmp(harness_run(h, "zrandmember k 9999"), "*6000\r\n", 7), 0));
    cr_expect(gt(u32, h->slices, 100));
    cr_expect(eq(int, strncmp(harness_run(h, "zrandmember k -9999"), "*9999\r\n", 7), 0));
    h->client.reply.version = 3;
    cr_expect(eq(int, strncmp(harness_run(h, "zrandmember k 2 withscores"), "*2\r\n*2\r\n", 8), 0));
}

// NOSCORES: Valkey 8.1, as spec/commands.tsv has it. Scores of a skiplist are printed with %.17Lg.
Test(cmd_zset, scans)
{
    harness_run(h, "zadd k 0.1 a 2 b 3 10");
    EXPECT_REPLY(h, "zscan k 0",
                 "*2\r\n$1\r\n0\r\n*6\r\n$1\r\na\r\n$3\r\n0.1\r\n$1\r\nb\r\n$1\r\n2\r\n"
                 "$2\r\n10\r\n$1\r\n3\r\n");
    EXPECT_REPLY(h, "zscan k 0 noscores match [ab] count 1",
                 "*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n");
    EXPECT_REPLY(h, "zscan none 0 what", "*2\r\n$1\r\n0\r\n*0\r\n");
    EXPECT_REPLY(h, "zscan k x", "-ERR invalid cursor\r\n");
    EXPECT_REPLY(h, "zscan k 0 count 0", "-ERR syntax error\r\n");
    h->server.thresholds.zset_entries = 0;
    harness_run(h, "zadd l 0.1 a");
    EXPECT_REPLY(h, "zscan l 0",
                 "*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$19\r\n0.10000000000000001\r\n");
    fill_long("m", 0, LONG_COUNT);
    const char *wire = harness_run(h, "zscan m 0 match m1* count 100000");
    cr_expect(eq(int, strncmp(wire, "*2\r\n$1\r\n0\r\n*2222\r\n", 18), 0));
    cr_expect(gt(u32, h->slices, 50));
}
