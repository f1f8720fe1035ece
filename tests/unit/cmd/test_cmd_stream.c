// Replies are those of redis-server 7.0.15 unless a line says otherwise; effects of spec/aof.md.
#include "tests/unit/cmd/stream_harness.h"

TestSuite(cmd_stream, .init = open_streams, .fini = close_streams);

// ---- XADD

Test(cmd_stream, adds_with_ids_that_rise)
{
    static const char *const too_small =
        "-ERR The ID specified in XADD is equal or smaller than the target stream top item\r\n";
    EXPECT_REPLY(h, "xadd s 5-3 f v", "$3\r\n5-3\r\n");
    EXPECT_REPLY(h, "xadd s 5-* f v", "$3\r\n5-4\r\n");
    EXPECT_REPLY(h, "xadd s 6 f v", "$3\r\n6-0\r\n");
    EXPECT_REPLY(h, "xadd s 7-* f v", "$3\r\n7-0\r\n");
    EXPECT_REPLY(h, "xadd s 6-* f v", too_small);
    EXPECT_REPLY(h, "xadd s 5-9 f v", too_small);
    EXPECT_REPLY(h, "xadd s 7-0 f v", too_small);
    EXPECT_REPLY(h, "xadd s 0-0 f v", "-ERR The ID specified in XADD must be greater than 0-0\r\n");
    EXPECT_REPLY(h, "xlen s", ":4\r\n");
    EXPECT_REPLY(h, "xadd new 0-* f v", "$3\r\n0-1\r\n");
    EXPECT_REPLY(h, "type s", "+stream\r\n");
    EXPECT_REPLY(h, "object encoding s", "$6\r\nstream\r\n");
}

Test(cmd_stream, takes_the_time_as_the_id)
{
    EXPECT_REPLY(h, "xadd s * f v", "$15\r\n1700000000000-0\r\n");
    EXPECT_REPLY(h, "xadd s * f v", "$15\r\n1700000000000-1\r\n");
    harness_set_time(h, h->now_ms - 10); // a clock that goes back
    EXPECT_REPLY(h, "xadd s * f v", "$15\r\n1700000000000-2\r\n");
    harness_set_time(h, h->now_ms + 11);
    EXPECT_REPLY(h, "xadd s * f v", "$15\r\n1700000000001-0\r\n");
}

Test(cmd_stream, refuses_what_is_no_id)
{
    static const char *const ids[] = { "x",
                                       "-5",
                                       "5-",
                                       "5-0-0",
                                       "5-x",
                                       "$",
                                       "+",
                                       "-",
                                       "(5",
                                       "\"\"",
                                       "18446744073709551616",
                                       "1-18446744073709551616",
                                       "*-1" };
    char command[64];
    for (uint32_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        snprintf(command, sizeof command, "xadd s %s f v", ids[i]);
        EXPECT_REPLY(h, command, STREAM_BAD_ID);
    }
    EXPECT_REPLY(h, "exists s", ":0\r\n");
}

Test(cmd_stream, stops_at_the_last_id)
{
    static const char *const exhausted =
        "-ERR The stream has exhausted the last possible ID, unable to add more items\r\n";
    harness_run(h, "xadd s 18446744073709551615-18446744073709551614 f v");
    EXPECT_REPLY(h, "xadd s 18446744073709551615-* f v",
                 "$41\r\n18446744073709551615-18446744073709551615\r\n");
    EXPECT_REPLY(h, "xadd s * f v", exhausted);
    EXPECT_REPLY(h, "xadd s 3-* f v", exhausted);
}

Test(cmd_stream, wants_pairs_of_field_and_value)
{
    static const char *const commands[] = {
        "xadd s *",
        "xadd s * f",
        "xadd s * f v g",
        "xadd s maxlen 5 * f",
        "xadd s 1-1",
        "xadd s maxlen 5 5",
        "xadd s maxlen = 5",
        "xadd",
        "xadd s nomkstream maxlen 5 nomkstream",
    };
    for (uint32_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        EXPECT_REPLY(h, commands[i], "-ERR wrong number of arguments for 'xadd' command\r\n");
}

Test(cmd_stream, refuses_bad_trimming)
{
    static const char *const no_limit =
        "-ERR syntax error, LIMIT cannot be used without the special ~ option\r\n";
    EXPECT_REPLY(h, "xadd s maxlen x * f v", STREAM_NOT_INTEGER);
    EXPECT_REPLY(h, "xadd s maxlen -1 * f v", "-ERR The MAXLEN argument must be >= 0.\r\n");
    EXPECT_REPLY(h, "xadd s minid ~ x * f v", STREAM_BAD_ID);
    EXPECT_REPLY(h, "xadd s maxlen 1 minid 1 * f v",
                 "-ERR syntax error, MAXLEN and MINID options at the same time are not "
                 "compatible\r\n");
    EXPECT_REPLY(h, "xadd s limit 5 * f v",
                 "-ERR syntax error, LIMIT cannot be used without specifying a trimming "
                 "strategy\r\n");
    EXPECT_REPLY(h, "xadd s limit 0 * f v", no_limit);
    EXPECT_REPLY(h, "xadd s maxlen 5 limit 5 * f v", no_limit);
    EXPECT_REPLY(h, "xadd s maxlen = 5 limit 5 * f v", no_limit);
    EXPECT_REPLY(h, "xadd s maxlen ~ 5 limit -1 * f v",
                 "-ERR The LIMIT argument must be >= 0.\r\n");
    EXPECT_REPLY(h, "xadd s maxlen ~ 5 limit x * f v", STREAM_NOT_INTEGER);
    EXPECT_REPLY(h, "exists s", ":0\r\n");
}

Test(cmd_stream, makes_no_stream_when_told_so)
{
    EXPECT_CHANGE("xadd s nomkstream * f v", 0, "", "");
    EXPECT_REPLY(h, "xadd s NoMkStream maxlen 5 * f v", "$-1\r\n");
    h->client.reply.version = 3;
    EXPECT_REPLY(h, "xadd s nomkstream * f v", "_\r\n");
    EXPECT_REPLY(h, "exists s", ":0\r\n");
    harness_run(h, "xadd s 1 f v");
    EXPECT_REPLY(h, "xadd s nomkstream 2 f v", "$3\r\n2-0\r\n");
}

Test(cmd_stream, keeps_the_deadline_of_its_key)
{
    fill_stream("s", 3);
    harness_run(h, "pexpire s 5000");
    harness_run(h, "xadd s 4 f v");
    harness_run(h, "xdel s 1");
    harness_run(h, "xtrim s maxlen 0");
    EXPECT_REPLY(h, "pttl s", ":5000\r\n");
}

Test(cmd_stream, refuses_other_types)
{
    static const char *const commands[] = {
        "xadd t * f v",
        "xlen t",
        "xrange t - +",
        "xrevrange t + -",
        "xdel t 1",
        "xtrim t maxlen 1",
        "xsetid t 1",
        "xread streams t 0",
        "xread block 0 streams t $",
        "xreadgroup group g c streams t >",
        "xack t g 1",
        "xpending t g",
        "xpending t g - + 10",
        "xclaim t g c 0 1",
        "xautoclaim t g c 0 0",
        "xinfo stream t",
        "xinfo stream t full",
        "xinfo groups t",
        "xinfo consumers t g",
        "xgroup create t g 0 mkstream",
        "xgroup setid t g 0",
        "xgroup destroy t g",
        "xgroup createconsumer t g c",
        "xgroup delconsumer t g c",
    };
    harness_run(h, "setbit t 1 1");
    for (uint32_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        EXPECT_REPLY(h, commands[i],
                     "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
}

// ---- what changed

Test(cmd_stream, tells_what_was_added_and_trimmed)
{
    EXPECT_CHANGE("xadd s * f v", 1, "s:xadd ", "xadd s 1700000000000-0 f v;");
    EXPECT_CHANGE("xadd s 1700000000000-* f v", 1, "s:xadd ", "xadd s 1700000000000-1 f v;");
    EXPECT_CHANGE("xadd s 1700000000001 f v", 1, "s:xadd ", "xadd s 1700000000001 f v;");
    EXPECT_CHANGE("xadd s maxlen 2 * f v", 1, "s:xadd s:xtrim ",
                  "xadd s maxlen 2 1700000000001-1 f v;");
    EXPECT_CHANGE("xadd s 5-5 f v", 0, "", "");
    EXPECT_CHANGE("xtrim s maxlen 5", 0, "", "");
    EXPECT_CHANGE("xtrim s maxlen 1", 1, "s:xtrim ", "xtrim s maxlen 1;");
    EXPECT_CHANGE("xsetid s 1700000000005-0", 1, "s:xsetid ", "xsetid s 1700000000005-0;");
    EXPECT_CHANGE("xsetid s 1", 0, "", "");
}

// LIMIT goes with '~' only, so what is replayed does without (spec/aof.md keeps it; Redis's loader
// takes both).
Test(cmd_stream, tells_approximate_trimming_as_what_it_came_to)
{
    set_node_entries(2);
    fill_stream("s", 7);
    EXPECT_CHANGE("xadd s maxlen ~ 5 8-0 f v", 1, "s:xadd s:xtrim ", "xadd s maxlen = 6 8-0 f v;");
    EXPECT_CHANGE("xtrim s maxlen ~ 3 limit 2", 2, "s:xtrim ", "xtrim s maxlen = 4;");
    EXPECT_CHANGE("xtrim s maxlen ~ 3", 0, "", "");
    EXPECT_CHANGE("xadd s nomkstream minid ~ 7-0 limit 100 * f v", 1, "s:xadd s:xtrim ",
                  "xadd s nomkstream minid = 7-0 1700000000000-0 f v;");
    EXPECT_CHANGE("xtrim s minid ~ 1700000000001", 3, "s:xtrim ",
                  "xtrim s minid = 18446744073709551615-18446744073709551615;");
}

Test(cmd_stream, does_the_same_when_its_effects_are_run)
{
    set_node_entries(3);
    fill_stream("a", 10);
    fill_stream("b", 10);
    static const char *const commands[] = { "xadd a maxlen ~ 5 * f v", "xtrim a minid ~ 10 limit 3",
                                            "xadd a minid 11 * g w" };
    for (uint32_t i = 0; i < 3; i++) {
        char effect[256];
        harness_run(h, commands[i]);
        cr_assert_gt(h->effects_size, 0);
        snprintf(effect, sizeof effect, "%.*s", (int)h->effects_size - 1, h->effects);
        effect[strcspn(effect, " ") + 1] = 'b';
        harness_run(h, effect);
        char *expected = strdup(harness_run(h, "xrange a - +"));
        EXPECT_REPLY(h, "xrange b - +", expected);
        free(expected);
    }
}

// ---- XTRIM

Test(cmd_stream, trims_whole_nodes_when_it_need_not_be_exact)
{
    set_node_entries(10);
    fill_stream("s", 35);
    EXPECT_REPLY(h, "xtrim s maxlen ~ 26", ":0\r\n");
    EXPECT_REPLY(h, "xtrim s maxlen ~ 25", ":10\r\n");
    EXPECT_REPLY(h, "xtrim s minid ~ 20", ":0\r\n");
    EXPECT_REPLY(h, "xtrim s minid ~ 21 limit 9", ":0\r\n");
    EXPECT_REPLY(h, "xtrim s minid ~ 21 limit 10", ":10\r\n");
    EXPECT_REPLY(h, "xtrim s maxlen = 12", ":3\r\n");
    EXPECT_REPLY(h, "xrange s - + count 1",
                 "*1\r\n*2\r\n$4\r\n24-0\r\n*2\r\n$1\r\nf\r\n$2\r\n24\r\n");
    EXPECT_REPLY(h, "xtrim s minid 30", ":6\r\n");
    EXPECT_REPLY(h, "xtrim s maxlen ~ 0 limit 0", ":6\r\n");
    EXPECT_REPLY(h, "xtrim s maxlen 0", ":0\r\n");
    EXPECT_REPLY(h, "exists s", ":1\r\n"); // an empty stream stays
    EXPECT_REPLY(h, "xtrim none maxlen 0", ":0\r\n");
}

Test(cmd_stream, refuses_to_trim_without_saying_how)
{
    EXPECT_REPLY(h, "xtrim s maxlen", "-ERR wrong number of arguments for 'xtrim' command\r\n");
    EXPECT_REPLY(h, "xtrim s foo 5", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "xtrim s limit 1 x", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "xtrim s maxlen 5 nomkstream", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "xtrim s limit 0",
                 "-ERR syntax error, XTRIM must be called with a trimming strategy\r\n");
    EXPECT_REPLY(h, "xtrim s limit 5",
                 "-ERR syntax error, LIMIT cannot be used without specifying a trimming "
                 "strategy\r\n");
    EXPECT_REPLY(h, "xtrim s maxlen = 5 limit 5",
                 "-ERR syntax error, LIMIT cannot be used without the special ~ option\r\n");
    EXPECT_REPLY(h, "xtrim none maxlen x", STREAM_NOT_INTEGER);
    EXPECT_REPLY(h, "xtrim none minid x", STREAM_BAD_ID);
}

// ---- XSETID

Test(cmd_stream, sets_the_last_id)
{
    fill_stream("s", 3);
    EXPECT_REPLY(h, "xsetid s 9-0 entriesadded 7 maxdeletedid 8-0", "+OK\r\n");
    const struct stream_facts *f = &stream_now(stream_at("s"))->facts;
    cr_expect(f->last.ms == 9 && f->entries_added == 7 && f->max_deleted.ms == 8);
    EXPECT_REPLY(h, "xsetid s 8-5", "+OK\r\n");
    EXPECT_REPLY(h, "xadd s 8-5 f v",
                 "-ERR The ID specified in XADD is equal or smaller than the target stream top "
                 "item\r\n");
    EXPECT_REPLY(h, "xadd s 8-* f v", "$3\r\n8-6\r\n");
}

Test(cmd_stream, refuses_a_last_id_that_contradicts_the_stream)
{
    fill_stream("s", 3);
    EXPECT_REPLY(h, "xsetid s 2-0",
                 "-ERR The ID specified in XSETID is smaller than the target stream top item\r\n");
    EXPECT_REPLY(h, "xsetid s 9-0 entriesadded 2 maxdeletedid 0-0",
                 "-ERR The entries_added specified in XSETID is smaller than the target stream "
                 "length\r\n");
    EXPECT_REPLY(h, "xsetid s 9-0 entriesadded -1", "-ERR entries_added must be positive\r\n");
    EXPECT_REPLY(h, "xsetid s 9-0 maxdeletedid 9-1",
                 "-ERR The ID specified in XSETID is smaller than the provided "
                 "max_deleted_entry_id\r\n");
    EXPECT_REPLY(h, "xsetid s 9-0 x", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "xsetid s 9-0 entriesadded", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "xsetid s x", STREAM_BAD_ID);
    EXPECT_REPLY(h, "xsetid s", "-ERR wrong number of arguments for 'xsetid' command\r\n");
    EXPECT_REPLY(h, "xsetid none 9-0", "-ERR no such key\r\n");
    // 7.2 only: 7.0 looks at what is there alone.
    harness_run(h, "xsetid s 9-0 entriesadded 7 maxdeletedid 8-0");
    EXPECT_REPLY(
        h, "xsetid s 7-0",
        "-ERR The ID specified in XSETID is smaller than current max_deleted_entry_id\r\n");
}

// ---- many

enum { GIANT = 6000 };

// 600 nodes, more than are planned at a time.
static void fill_giant(void)
{
    set_node_entries(10);
    fill_stream("s", GIANT);
}

Test(cmd_stream, trims_many_in_slices_while_others_wait)
{
    fill_giant();
    cr_assert(begin_for(&h->client, "xtrim s maxlen 100"));
    run_slices(1);
    cr_expect(begin_for(&other->client, "xlen s"));
    run_to_the_end();
    cr_expect_str_eq(h->wire, ":5900\r\n");
    EXPECT_SENT(other, ":100\r\n");
    cr_expect_str_eq(h->effects, "xtrim s maxlen 100;");
}

Test(cmd_stream, adds_before_a_long_trimming_and_tells_both)
{
    fill_giant();
    EXPECT_BLOCKS(other, "xread block 0 streams s $");
    EXPECT_CHANGE("xadd s maxlen 5 * f v", 1, "s:xadd s:xtrim ",
                  "xadd s 1700000000000-0 f v;XTRIM s MAXLEN = 5;");
    cr_expect_gt(h->slices, 1);
    cr_expect_str_eq(h->wire, "$15\r\n1700000000000-0\r\n");
    EXPECT_SENT(other,
                "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$15\r\n1700000000000-0\r\n*2\r\n$1\r\nf\r\n"
                "$1\r\nv\r\n");
    EXPECT_REPLY(h, "xlen s", ":5\r\n");
}

// Which may go on while the key is closed to others.
Test(cmd_stream, plans_again_when_a_transaction_changed_what_it_trims)
{
    fill_giant();
    cr_assert(begin_for(&h->client, "xtrim s maxlen 100"));
    run_slices(1);
    stream_remove(h->server.keyspace, stream_at("s"), (struct stream_id){ 10, 0 });
    stream_remove(h->server.keyspace, stream_at("s"), (struct stream_id){ 5950, 0 });
    run_to_the_end();
    cr_expect_str_eq(h->wire, ":5898\r\n");
    EXPECT_REPLY(h, "xlen s", ":100\r\n");
}

Test(cmd_stream, survives_the_end_of_a_key_that_it_trims)
{
    fill_giant();
    harness_run(h, "pexpire s 1000");
    cr_assert(begin_for(&h->client, "xadd s maxlen 5 * f v"));
    run_slices(1);
    harness_set_time(h, h->now_ms + 2000);
    run_to_the_end();
    cr_expect_str_eq(h->wire, "$15\r\n1700000000000-0\r\n");
    cr_expect_str_eq(h->effects, "xadd s 1700000000000-0 f v;DEL s;");
}
