// Replies are those of redis-server 7.0.15 unless a line says otherwise; effects of spec/aof.md.
#include "tests/unit/cmd/stream_harness.h"

TestSuite(cmd_stream_group, .init = open_streams, .fini = close_streams);

#define NO_KEY                                                                                     \
    "-ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to "  \
    "use the MKSTREAM option to create an empty stream automatically.\r\n"
#define FROM_S(entries) "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n" entries

static const char *const no_group = "-NOGROUP No such consumer group 'nope' for key name 's'\r\n";

// What XGROUP and XINFO say of words they do not understand.
static void expect_bad_words(const char *command, const char *sub)
{
    char expected[128];
    snprintf(expected, sizeof expected,
             "-ERR unknown subcommand or wrong number of arguments for '%s'. Try XGROUP HELP.\r\n",
             sub);
    EXPECT_REPLY(h, command, expected);
}

// ---- groups

Test(cmd_stream_group, makes_groups)
{
    EXPECT_REPLY(h, "xgroup create s g 0", NO_KEY);
    EXPECT_CHANGE("xgroup create s g 0 mkstream", 1, "s:xgroup-create ",
                  "xgroup create s g 0 mkstream;");
    cr_expect_str_eq(h->wire, "+OK\r\n");
    EXPECT_REPLY(h, "xlen s", ":0\r\n");
    EXPECT_CHANGE("xgroup create s g 0 mkstream", 0, "", "");
    cr_expect_str_eq(h->wire, "-BUSYGROUP Consumer Group name already exists\r\n");
    EXPECT_CHANGE("xgroup create s h 5-5 entriesread 7", 1, "s:xgroup-create ",
                  "xgroup create s h 5-5 entriesread 7;");
    EXPECT_REPLY(h, "xgroup create s i $ entriesread -1", "+OK\r\n");
}

Test(cmd_stream_group, refuses_bad_groups)
{
    fill_stream("s", 1);
    EXPECT_REPLY(h, "xgroup create s i x", STREAM_BAD_ID);
    EXPECT_REPLY(h, "xgroup create s i -", STREAM_BAD_ID);
    EXPECT_REPLY(h, "xgroup create s i $ entriesread -2",
                 "-ERR value for ENTRIESREAD must be positive or -1\r\n");
    EXPECT_REPLY(h, "xgroup create s i $ entriesread x", STREAM_NOT_INTEGER);
    expect_bad_words("xgroup create s i $ entriesread", "create");
    expect_bad_words("xgroup create s i $ foo", "create");
    expect_bad_words("xgroup create s i $ mkstream mkstream entriesread 3", "create");
    expect_bad_words("xgroup create none g 0 foo", "create");
    EXPECT_REPLY(h, "xgroup create none g",
                 "-ERR wrong number of arguments for 'xgroup|create' command\r\n");
    EXPECT_REPLY(h, "xgroup foo s", "-ERR unknown subcommand 'foo'. Try XGROUP HELP.\r\n");
    EXPECT_REPLY(h, "xgroup", "-ERR wrong number of arguments for 'xgroup' command\r\n");
    EXPECT_REPLY(h, "xinfo groups s", "*0\r\n");
}

Test(cmd_stream_group, sets_where_a_group_reads_on)
{
    fill_stream("s", 3);
    harness_run(h, "xgroup create s g 0");
    EXPECT_CHANGE("xgroup setid s g 2", 1, "s:xgroup-setid ", "xgroup setid s g 2;");
    EXPECT_REPLY(h, "xreadgroup group g a streams s >", FROM_S(ENTRY("3-0", "3")));
    EXPECT_REPLY(h, "xgroup setid s g $ entriesread 4", "+OK\r\n");
    cr_expect(stream_groups(stream_at("s"))->groups[0]->entries_read == 4);
    EXPECT_REPLY(h, "xgroup setid s g -", "+OK\r\n"); // 0-0
    EXPECT_REPLY(h, "xgroup setid s g +", "+OK\r\n");
    EXPECT_REPLY(h, "xreadgroup group g a streams s >", "*-1\r\n");
    EXPECT_REPLY(h, "xgroup setid s g x", STREAM_BAD_ID);
    expect_bad_words("xgroup setid s g 3 entriesread", "setid");
    expect_bad_words("xgroup setid s g 3 mkstream", "setid");
    EXPECT_REPLY(h, "xgroup setid s nope 0", no_group);
    EXPECT_REPLY(h, "xgroup setid none g 0", NO_KEY);
}

Test(cmd_stream_group, destroys_groups)
{
    fill_stream("s", 3);
    harness_run(h, "xgroup create s g 0");
    harness_run(h, "xreadgroup group g a streams s >");
    EXPECT_CHANGE("xgroup destroy s g", 1, "s:xgroup-destroy ", "xgroup destroy s g;");
    cr_expect_str_eq(h->wire, ":1\r\n");
    EXPECT_CHANGE("xgroup destroy s g", 0, "", "");
    cr_expect_str_eq(h->wire, ":0\r\n");
    EXPECT_REPLY(h, "xgroup destroy none g", NO_KEY);
}

Test(cmd_stream_group, makes_and_removes_consumers)
{
    fill_stream("s", 3);
    harness_run(h, "xgroup create s g 0");
    EXPECT_CHANGE("xgroup createconsumer s g c", 1, "s:xgroup-createconsumer ",
                  "xgroup createconsumer s g c;");
    cr_expect_str_eq(h->wire, ":1\r\n");
    EXPECT_CHANGE("xgroup createconsumer s g c", 0, "", "");
    cr_expect_str_eq(h->wire, ":0\r\n");
    harness_run(h, "xreadgroup group g c count 2 streams s >");
    EXPECT_CHANGE("xgroup delconsumer s g c", 1, "s:xgroup-delconsumer ",
                  "xgroup delconsumer s g c;");
    cr_expect_str_eq(h->wire, ":2\r\n");
    EXPECT_REPLY(h, "xpending s g", "*4\r\n:0\r\n$-1\r\n$-1\r\n*-1\r\n");
    EXPECT_CHANGE("xgroup delconsumer s g c", 0, "", "");
    cr_expect_str_eq(h->wire, ":0\r\n");
    EXPECT_REPLY(h, "xgroup createconsumer s nope c", no_group);
    EXPECT_REPLY(h, "xgroup delconsumer s nope c", no_group);
    EXPECT_REPLY(h, "xgroup createconsumer none g c", NO_KEY);
    EXPECT_REPLY(h, "xgroup delconsumer none g c", NO_KEY);
}

Test(cmd_stream_group, helps)
{
    harness_run(h, "xgroup help");
    EXPECT_STARTS(h->wire, "*17\r\n+XGROUP <subcommand> [<arg> [value] [opt] ...]. Subcommands "
                           "are:\r\n+CREATE <key> <groupname> <id|$> [option]\r\n");
    EXPECT_ENDS(h->wire, "+HELP\r\n+    Prints this help.\r\n");
}

// ---- XREADGROUP

Test(cmd_stream_group, gives_each_entry_to_one_member)
{
    fill_stream("s", 3);
    harness_run(h, "xgroup create s g 0");
    EXPECT_REPLY(h, "xreadgroup group g a count 2 streams s >",
                 "*1\r\n*2\r\n$1\r\ns\r\n*2\r\n" ENTRY("1-0", "1") ENTRY("2-0", "2"));
    EXPECT_REPLY(h, "xreadgroup group g b streams s >", FROM_S(ENTRY("3-0", "3")));
    EXPECT_REPLY(h, "xreadgroup group g b streams s >", "*-1\r\n");
    EXPECT_REPLY(h, "xpending s g",
                 "*4\r\n:3\r\n$3\r\n1-0\r\n$3\r\n3-0\r\n*2\r\n*2\r\n$1\r\na\r\n$1\r\n2\r\n*2\r\n"
                 "$1\r\nb\r\n$1\r\n1\r\n");
    h->client.reply.version = 3;
    EXPECT_REPLY(h, "xreadgroup group g a streams s 5", "%1\r\n$1\r\ns\r\n*0\r\n");
    EXPECT_REPLY(h, "xreadgroup group g b streams s >", "_\r\n");
}

Test(cmd_stream_group, gives_a_member_its_history_again)
{
    fill_stream("s", 3);
    harness_run(h, "xgroup create s g 0");
    harness_run(h, "xreadgroup group g a streams s >");
    harness_run(h, "xdel s 2-0");
    harness_set_time(h, h->now_ms + 500);
    EXPECT_REPLY(h, "xreadgroup group g a streams s 1",
                 "*1\r\n*2\r\n$1\r\ns\r\n*2\r\n*2\r\n$3\r\n2-0\r\n*-1\r\n" ENTRY("3-0", "3"));
    EXPECT_REPLY(h, "xreadgroup group g a count 1 streams s 0", FROM_S(ENTRY("1-0", "1")));
    EXPECT_REPLY(h, "xreadgroup group g b block 0 streams s 0", "*1\r\n*2\r\n$1\r\ns\r\n*0\r\n");
    EXPECT_REPLY(h, "xpending s g - + 10",
                 "*3\r\n*4\r\n$3\r\n1-0\r\n$1\r\na\r\n:0\r\n:2\r\n"
                 "*4\r\n$3\r\n2-0\r\n$1\r\na\r\n:500\r\n:1\r\n"
                 "*4\r\n$3\r\n3-0\r\n$1\r\na\r\n:0\r\n:2\r\n");
}

Test(cmd_stream_group, takes_entries_over_that_were_given_out_before)
{
    fill_stream("s", 2);
    harness_run(h, "xgroup create s g 0");
    harness_run(h, "xreadgroup group g a streams s >");
    harness_run(h, "xgroup setid s g 0");
    harness_run(h, "xreadgroup group g b count 1 streams s >");
    EXPECT_REPLY(
        h, "xpending s g - + 10",
        "*2\r\n*4\r\n$3\r\n1-0\r\n$1\r\nb\r\n:0\r\n:1\r\n*4\r\n$3\r\n2-0\r\n$1\r\na\r\n:0\r\n"
        ":1\r\n");
}

Test(cmd_stream_group, refuses_bad_reads)
{
    fill_stream("s", 1);
    harness_run(h, "xgroup create s g 0");
    EXPECT_REPLY(h, "xreadgroup count 1 noack streams s >",
                 "-ERR Missing GROUP option for XREADGROUP\r\n");
    EXPECT_REPLY(h, "xreadgroup group g c streams s $",
                 "-ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the "
                 "history of this consumer by specifying a proper ID, or use the > ID to get new "
                 "messages. The $ ID would just return an empty result set.\r\n");
    EXPECT_REPLY(h, "xreadgroup group none c streams s >",
                 "-NOGROUP No such key 's' or consumer group 'none' in XREADGROUP with GROUP "
                 "option\r\n");
    EXPECT_REPLY(h, "xreadgroup group g c streams s none > >",
                 "-NOGROUP No such key 'none' or consumer group 'g' in XREADGROUP with GROUP "
                 "option\r\n");
    EXPECT_REPLY(h, "xreadgroup group g c streams s x", STREAM_BAD_ID);
    EXPECT_REPLY(h, "xreadgroup group g c foo s >", "-ERR syntax error\r\n");
    // 7.2: 7.0 speaks of XREAD and '$'.
    EXPECT_REPLY(h, "xreadgroup group g c streams s t >",
                 "-ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' "
                 "must be specified.\r\n");
    EXPECT_REPLY(h, "xinfo consumers s g", "*0\r\n");
}

// spec/aof.md chapter 4: one XCLAIM for each entry; XGROUP SETID behind them as 7.4, because
// entries-read is in no XCLAIM. That a consumer is made where there is nothing to read is 7.2.
Test(cmd_stream_group, tells_what_it_gave_as_claims)
{
    fill_stream("s", 3);
    harness_run(h, "xgroup create s g 0");
    EXPECT_CHANGE("xreadgroup group g a count 1 streams s >", 2, "s:xgroup-createconsumer ",
                  "MULTI | XCLAIM s g a 0 1-0 TIME 1700000000000 RETRYCOUNT 1 FORCE JUSTID LASTID "
                  "1-0 | XGROUP SETID s g 1-0 ENTRIESREAD 1 | EXEC;");
    EXPECT_CHANGE("xreadgroup group g a noack count 1 streams s >", 1, "",
                  "XGROUP SETID s g 2-0 ENTRIESREAD 2;");
    EXPECT_CHANGE("xreadgroup group g b noack streams s >", 2, "s:xgroup-createconsumer ",
                  "MULTI | XGROUP CREATECONSUMER s g b | XGROUP SETID s g 3-0 ENTRIESREAD 3 | "
                  "EXEC;");
    EXPECT_CHANGE("xreadgroup group g a streams s 0", 1, "", "");
    EXPECT_CHANGE("xreadgroup group g c streams s >", 1, "s:xgroup-createconsumer ",
                  "XGROUP CREATECONSUMER s g c;");
    EXPECT_CHANGE("xreadgroup group g d streams s 0", 2, "s:xgroup-createconsumer ",
                  "XGROUP CREATECONSUMER s g d;");
    EXPECT_CHANGE("xreadgroup group g d streams s >", 0, "", "");
}

// ---- waiting

Test(cmd_stream_group, serves_waiting_members_one_entry_each)
{
    struct harness_client *third = harness_client_open(h);
    harness_run(h, "xgroup create s g 0 mkstream");
    EXPECT_BLOCKS(other, "xreadgroup group g a block 0 streams s >");
    // The consumer is made at once, in 7.2; later a claim would tell of it.
    cr_expect_str_eq(h->effects, "XGROUP CREATECONSUMER s g a;");
    EXPECT_BLOCKS(third, "xreadgroup group g b block 0 streams s >");
    harness_run(h, "xadd s 1-0 f 1");
    EXPECT_SENT(other, FROM_S(ENTRY("1-0", "1")));
    EXPECT_SENT(third, "");
    cr_expect_str_eq(h->effects, "xadd s 1-0 f 1;MULTI | XCLAIM s g a 0 1-0 TIME 1700000000000 "
                                 "RETRYCOUNT 1 FORCE JUSTID LASTID 1-0 | XGROUP SETID s g 1-0 "
                                 "ENTRIESREAD 1 | EXEC;");
    harness_run(h, "xadd s 2-0 f 2");
    EXPECT_SENT(third, FROM_S(ENTRY("2-0", "2")));
    harness_client_close(third);
}

Test(cmd_stream_group, gives_a_waiting_member_up_when_its_time_is_over)
{
    harness_run(h, "xgroup create s g 0 mkstream");
    EXPECT_BLOCKS(other, "xreadgroup group g a block 20 streams s >");
    harness_set_time(h, h->now_ms + 21);
    blocks_expire(&h->server);
    EXPECT_SENT(other, "*-1\r\n");
}

// 7.2: 7.0 says -UNBLOCKED for some of them.
Test(cmd_stream_group, tells_waiting_members_that_their_group_has_gone)
{
    static const char *const gone = "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP "
                                    "with GROUP option\r\n";
    static const char *const ends[] = { "xgroup destroy s g", "del s",     "unlink s",
                                        "rename s t",         "move s 5",  "flushall",
                                        "flushdb async",      "swapdb 0 1" };
    for (uint32_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        harness_run(h, "xgroup create s g $ mkstream");
        EXPECT_BLOCKS(other, "xreadgroup group g a block 0 streams s >");
        harness_run(h, ends[i]);
        EXPECT_SENT(other, gone);
    }
    harness_run(h, "flushall");
    harness_run(h, "xgroup create s g $ mkstream");
    harness_run(h, "setbit t 1 1");
    EXPECT_BLOCKS(other, "xreadgroup group g a block 0 streams s >");
    harness_run(h, "rename t s");
    EXPECT_SENT(other, "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
}

// ---- many

enum { GIANT = 5000 };

static void fill_giant(void)
{
    fill_stream("s", GIANT);
    harness_run(h, "xgroup create s g 0");
    effects_set_sink(&h->server.effects, NULL, NULL); // the harness does not keep thousands
}

Test(cmd_stream_group, gives_a_member_thousands_in_slices_while_others_wait)
{
    fill_giant();
    fill_stream("t", 3000);
    harness_run(h, "xgroup create t g 0");
    cr_assert(begin_for(&h->client, "xreadgroup group g a streams s t > >"));
    run_slices(10);
    cr_expect(begin_for(&other->client, "xpending t g"));
    harness_set_time(h, h->now_ms + 100);
    run_to_the_end();
    EXPECT_STARTS(h->wire, "*2\r\n*2\r\n$1\r\ns\r\n*5000\r\n");
    EXPECT_SENT(other, "*4\r\n:3000\r\n$3\r\n1-0\r\n$6\r\n3000-0\r\n*1\r\n*2\r\n$1\r\na\r\n$4\r\n"
                       "3000\r\n");
    EXPECT_REPLY(h, "xpending s g 5000 5000 1", // all of one moment
                 "*1\r\n*4\r\n$6\r\n5000-0\r\n$1\r\na\r\n:100\r\n:1\r\n");
    harness_run(h, "xreadgroup group g a streams s 0");
    cr_expect_gt(h->slices, 100);
    EXPECT_STARTS(h->wire, "*1\r\n*2\r\n$1\r\ns\r\n*5000\r\n");
    EXPECT_REPLY(h, "xpending s g 5000 5000 1",
                 "*1\r\n*4\r\n$6\r\n5000-0\r\n$1\r\na\r\n:0\r\n:2\r\n");
}

Test(cmd_stream_group, goes_on_when_its_client_has_gone)
{
    struct harness_client *third = harness_client_open(h);
    fill_giant();
    cr_assert(begin_for(&third->client, "xreadgroup group g a streams s >"));
    run_slices(10);
    harness_client_close(third);
    run_to_the_end();
    EXPECT_REPLY(
        h, "xpending s g",
        "*4\r\n:5000\r\n$3\r\n1-0\r\n$6\r\n5000-0\r\n*1\r\n*2\r\n$1\r\na\r\n$4\r\n5000\r\n");
}

Test(cmd_stream_group, ends_well_when_group_or_key_vanish_meanwhile)
{
    fill_giant();
    cr_assert(begin_for(&h->client, "xreadgroup group g a streams s >"));
    run_slices(10);
    struct stream_groups *groups = stream_groups(stream_at("s")); // as a transaction does
    stream_group_drop(keyspace_space(h->server.keyspace), groups, groups->groups[0]);
    run_to_the_end();
    EXPECT_STARTS(h->wire, "*1\r\n*2\r\n$1\r\ns\r\n*");
    harness_run(h, "pexpire s 100");
    harness_run(h, "xgroup create s g 0");
    cr_assert(begin_for(&h->client, "xreadgroup group g a streams s >"));
    harness_set_time(h, h->now_ms + 200);
    run_to_the_end();
    cr_expect_str_eq(h->wire, "*-1\r\n");
}

Test(cmd_stream_group, removes_a_consumer_of_thousands_in_slices)
{
    fill_giant();
    harness_run(h, "xreadgroup group g a streams s >");
    EXPECT_REPLY(h, "xgroup delconsumer s g a", ":5000\r\n");
    cr_expect_gt(h->slices, 50);
    EXPECT_REPLY(h, "xinfo consumers s g", "*0\r\n");
    EXPECT_REPLY(h, "xpending s g", "*4\r\n:0\r\n$-1\r\n$-1\r\n*-1\r\n");
}
