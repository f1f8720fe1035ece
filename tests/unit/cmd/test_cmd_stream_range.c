// Replies are those of redis-server 7.0.15.
#include "tests/unit/cmd/stream_harness.h"

TestSuite(cmd_stream_range, .init = open_streams, .fini = close_streams);

// ---- XRANGE and XREVRANGE

#define E1 "*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n"
#define E2 "*2\r\n$3\r\n1-2\r\n*4\r\n$1\r\na\r\n$1\r\n2\r\n$1\r\nb\r\n$4\r\ntext\r\n"
#define E3 "*2\r\n$3\r\n2-0\r\n*2\r\n$1\r\nc\r\n$0\r\n\r\n"

static void fill_three(void)
{
    harness_run(h, "xadd s 1-1 a 1");
    harness_run(h, "xadd s 1-2 a 2 b text");
    harness_run(h, "xadd s 2-0 c \"\"");
}

Test(cmd_stream_range, gives_ranges_in_both_directions)
{
    fill_three();
    EXPECT_REPLY(h, "xlen s", ":3\r\n");
    EXPECT_REPLY(h, "xlen none", ":0\r\n");
    EXPECT_REPLY(h, "xrange s - +", "*3\r\n" E1 E2 E3);
    EXPECT_REPLY(h, "xrevrange s + -", "*3\r\n" E3 E2 E1);
    EXPECT_REPLY(h, "xrange s 3 +", "*0\r\n");
    EXPECT_REPLY(h, "xrange s + -", "*0\r\n");
    EXPECT_REPLY(h, "xrevrange s - +", "*0\r\n");
    EXPECT_REPLY(h, "xrange none - +", "*0\r\n");
    h->client.reply.version = 3;
    EXPECT_REPLY(h, "xrange s - +", "*3\r\n" E1 E2 E3);
}

Test(cmd_stream_range, completes_ids_that_are_ms_alone)
{
    fill_three();
    EXPECT_REPLY(h, "xrange s 1 1", "*2\r\n" E1 E2);
    EXPECT_REPLY(h, "xrevrange s 1 1", "*2\r\n" E2 E1);
    EXPECT_REPLY(h, "xrange s 1-2 2", "*2\r\n" E2 E3);
}

Test(cmd_stream_range, leaves_out_what_is_excluded)
{
    fill_three();
    EXPECT_REPLY(h, "xrange s (1-1 (2-0", "*1\r\n" E2);
    EXPECT_REPLY(h, "xrange s (1-1 (2", "*2\r\n" E2 E3); // all of its ms but the very last ID
    EXPECT_REPLY(h, "xrange s (1 +", "*3\r\n" E1 E2 E3); // all but 1-0
    EXPECT_REPLY(h, "xrevrange s (2-0 (1-1", "*1\r\n" E2);
    EXPECT_REPLY(h, "xrange s (18446744073709551615-18446744073709551615 +",
                 "-ERR invalid start ID for the interval\r\n");
    EXPECT_REPLY(h, "xrange s - (0-0", "-ERR invalid end ID for the interval\r\n");
    EXPECT_REPLY(h, "xrange s (+ +", STREAM_BAD_ID);
    EXPECT_REPLY(h, "xrange s - (-", STREAM_BAD_ID);
}

Test(cmd_stream_range, gives_as_many_as_asked_for)
{
    fill_three();
    EXPECT_REPLY(h, "xrange s - + count 1", "*1\r\n" E1);
    EXPECT_REPLY(h, "xrange s - + count 10", "*3\r\n" E1 E2 E3);
    EXPECT_REPLY(h, "xrevrange s + - count 1 count 2", "*2\r\n" E3 E2);
    EXPECT_REPLY(h, "xrange s - + count 0", "*-1\r\n");
    EXPECT_REPLY(h, "xrange s - + count -5", "*-1\r\n");
    EXPECT_REPLY(h, "xrange none - + count 0", "*0\r\n");
    h->client.reply.version = 3;
    EXPECT_REPLY(h, "xrange s - + count 0", "_\r\n");
}

Test(cmd_stream_range, refuses_bad_arguments)
{
    static const char *const wrong[] = { "xrange s -", "xrevrange s +", "xlen", "xlen s t" };
    fill_three();
    EXPECT_REPLY(h, "xrange s - + count x", STREAM_NOT_INTEGER);
    EXPECT_REPLY(h, "xrange s - + count", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "xrange s - + limit 1", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "xrange s x +", STREAM_BAD_ID);
    EXPECT_REPLY(h, "xrange s - x", STREAM_BAD_ID);
    EXPECT_REPLY(h, "xrange s - 1-*", STREAM_BAD_ID);
    for (uint32_t i = 0; i < 4; i++)
        EXPECT_STARTS(harness_run(h, wrong[i]), "-ERR wrong number of arguments for 'x");
}

// ---- XDEL

Test(cmd_stream_range, deletes_by_id)
{
    fill_three();
    EXPECT_CHANGE("xdel s 1 9-9", 0, "", "");
    EXPECT_CHANGE("xdel s 1-2 7-7 1-1 1-2", 2, "s:xdel ", "xdel s 1-2 7-7 1-1 1-2;");
    cr_expect_str_eq(h->wire, ":2\r\n");
    EXPECT_REPLY(h, "xrange s - +", "*1\r\n" E3);
    EXPECT_REPLY(h, "xdel s 2", ":1\r\n");
    EXPECT_REPLY(h, "xlen s", ":0\r\n");
    EXPECT_REPLY(h, "exists s", ":1\r\n"); // an empty stream stays
    EXPECT_REPLY(h, "xadd s 1-5 f v",
                 "-ERR The ID specified in XADD is equal or smaller than the target stream top "
                 "item\r\n");
    EXPECT_REPLY(h, "xdel none 1", ":0\r\n");
}

Test(cmd_stream_range, deletes_nothing_when_one_id_is_bad)
{
    fill_three();
    EXPECT_REPLY(h, "xdel s 1-1 x", STREAM_BAD_ID);
    EXPECT_REPLY(h, "xdel none x", ":0\r\n");
    EXPECT_REPLY(h, "xdel s", "-ERR wrong number of arguments for 'xdel' command\r\n");
    EXPECT_REPLY(h, "xlen s", ":3\r\n");
}

// ---- many

enum { GIANT = 6000 };

static void expect_giant_range(const char *command, uint32_t count, uint32_t first, int step)
{
    char expected[128];
    harness_run(h, command);
    cr_expect_gt(h->slices, 50, "%s", command);
    int size = snprintf(expected, sizeof expected, "*%u\r\n", count);
    EXPECT_STARTS(h->wire, expected);
    const char *at = h->wire + size;
    for (uint32_t i = 0, n = first; i < count; i++, n += (uint32_t)step) {
        int digits = snprintf(NULL, 0, "%u", n);
        size = snprintf(expected, sizeof expected,
                        "*2\r\n$%d\r\n%u-0\r\n*2\r\n$1\r\nf\r\n$%d\r\n%u\r\n", digits + 2, n,
                        digits, n);
        cr_assert(strncmp(at, expected, (size_t)size) == 0, "%s: entry %u", command, i);
        at += size;
    }
    cr_expect_eq(*at, 0);
}

Test(cmd_stream_range, gives_long_ranges_in_slices)
{
    fill_stream("s", GIANT);
    expect_giant_range("xrange s - +", GIANT, 1, 1);
    expect_giant_range("xrevrange s + -", GIANT, GIANT, -1);
    expect_giant_range("xrange s 5 (5000-0", 4995, 5, 1);
    expect_giant_range("xrevrange s 5500 - count 3000", 3000, 5500, -1);
    harness_run(h, "xrange s 100 200");
    cr_expect_eq(h->slices, 0);
}

Test(cmd_stream_range, gives_a_long_range_of_one_moment)
{
    fill_stream("s", GIANT);
    cr_assert(begin_for(&h->client, "xrange s - +"));
    run_slices(10);
    begin_for(&other->client, "xadd s 7000-0 f new");
    begin_for(&other->client, "xdel s 5999-0 6000-0");
    begin_for(&other->client, "xtrim s maxlen 10");
    begin_for(&other->client, "del s");
    cr_expect_neq(h->server.jobs.list.count, 0);
    run_to_the_end();
    EXPECT_STARTS(h->wire, "*6000\r\n");
    EXPECT_ENDS(h->wire, "*2\r\n$6\r\n6000-0\r\n*2\r\n$1\r\nf\r\n$4\r\n6000\r\n");
}

Test(cmd_stream_range, deletes_many_ids_in_slices)
{
    enum { COUNT = 5000 };
    fill_stream("s", GIANT);
    struct bytes *args = calloc(COUNT + 2, sizeof *args);
    char(*ids)[16] = calloc(COUNT, sizeof *ids);
    args[0] = BYTES_LITERAL("XDEL");
    args[1] = BYTES_LITERAL("s");
    effects_set_sink(&h->server.effects, NULL, NULL); // its one effect is longer than the harness's
    for (uint32_t i = 0; i < COUNT; i++) {
        snprintf(ids[i], sizeof ids[i], "%u-%u", i + 1, i % 2);
        args[i + 2] = bytes_text(ids[i]);
    }
    cr_expect_str_eq(harness_run_args(h, args, COUNT + 2), ":2500\r\n");
    cr_expect_gt(h->slices, 50);
    EXPECT_REPLY(h, "xlen s", ":3500\r\n");
    args[COUNT + 1] = BYTES_LITERAL("x"); // then none is deleted
    ids[1][strlen(ids[1]) - 1] = '0';
    cr_expect_str_eq(harness_run_args(h, args, COUNT + 2), STREAM_BAD_ID);
    EXPECT_REPLY(h, "xlen s", ":3500\r\n");
    free(args);
    free(ids);
}
