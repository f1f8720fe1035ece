// Replies are those of redis-server 7.0.15 unless a line says otherwise; effects of spec/aof.md.
#include "tests/unit/cmd/stream_harness.h"

TestSuite(cmd_stream_claim, .init = open_streams, .fini = close_streams);

#define PENDING(id, consumer, idle, count)                                                         \
    "*4\r\n$3\r\n" id "\r\n$1\r\n" consumer "\r\n:" idle "\r\n:" count "\r\n"
#define NO_GROUP(key, group) "-NOGROUP No such key '" key "' or consumer group '" group "'\r\n"
#define ID(id) "$3\r\n" id "\r\n"

// Three entries, which a has had for half a second.
static void give_three_to_a(void)
{
    fill_stream("s", 3);
    harness_run(h, "xgroup create s g 0");
    harness_run(h, "xreadgroup group g a streams s >");
    harness_set_time(h, h->now_ms + 500);
}

// ---- XACK

Test(cmd_stream_claim, confirms_entries)
{
    give_three_to_a();
    EXPECT_CHANGE("xack s g 1 9 1", 1, "", "xack s g 1 9 1;");
    cr_expect_str_eq(h->wire, ":1\r\n");
    EXPECT_CHANGE("xack s g 1", 0, "", "");
    cr_expect_str_eq(h->wire, ":0\r\n");
    EXPECT_REPLY(h, "xack s g 2 3", ":2\r\n");
    EXPECT_REPLY(h, "xpending s g", "*4\r\n:0\r\n$-1\r\n$-1\r\n*-1\r\n");
    EXPECT_REPLY(h, "xlen s", ":3\r\n");
}

Test(cmd_stream_claim, confirms_nothing_when_one_id_is_bad)
{
    give_three_to_a();
    EXPECT_REPLY(h, "xack s g 1 x", STREAM_BAD_ID);
    EXPECT_REPLY(h, "xack s nope x", ":0\r\n");
    EXPECT_REPLY(h, "xack none g 1", ":0\r\n");
    EXPECT_REPLY(h, "xack s g", "-ERR wrong number of arguments for 'xack' command\r\n");
    EXPECT_STARTS(harness_run(h, "xpending s g"), "*4\r\n:3\r\n");
}

// ---- XPENDING

Test(cmd_stream_claim, sums_up_what_is_pending)
{
    give_three_to_a();
    harness_run(h, "xadd s 4-0 f 4");
    harness_run(h, "xreadgroup group g b streams s >");
    harness_run(h, "xgroup createconsumer s g c");
    EXPECT_REPLY(h, "xpending s g",
                 "*4\r\n:4\r\n" ID("1-0")
                     ID("4-0") "*2\r\n*2\r\n$1\r\na\r\n$1\r\n3\r\n*2\r\n$1\r\nb\r\n"
                               "$1\r\n1\r\n");
    harness_run(h, "xgroup create s empty 0");
    h->client.reply.version = 3;
    EXPECT_REPLY(h, "xpending s empty", "*4\r\n:0\r\n_\r\n_\r\n_\r\n");
    EXPECT_REPLY(h, "xpending s nope", NO_GROUP("s", "nope"));
    EXPECT_REPLY(h, "xpending none g", NO_GROUP("none", "g"));
}

Test(cmd_stream_claim, lists_what_is_pending)
{
    give_three_to_a();
    harness_run(h, "xclaim s g b 0 2");
    EXPECT_REPLY(h, "xpending s g - + 10",
                 "*3\r\n" PENDING("1-0", "a", "500", "1") PENDING("2-0", "b", "0", "2")
                     PENDING("3-0", "a", "500", "1"));
    EXPECT_REPLY(h, "xpending s g - + 1", "*1\r\n" PENDING("1-0", "a", "500", "1"));
    EXPECT_REPLY(h, "xpending s g (1 (3 10", // up to 3-18446744073709551614
                 "*2\r\n" PENDING("2-0", "b", "0", "2") PENDING("3-0", "a", "500", "1"));
    EXPECT_REPLY(h, "xpending s g (1-0 (3-0 10", "*1\r\n" PENDING("2-0", "b", "0", "2"));
    EXPECT_REPLY(h, "xpending s g - + 10 b", "*1\r\n" PENDING("2-0", "b", "0", "2"));
    EXPECT_REPLY(h, "xpending s g 3 + 10 a", "*1\r\n" PENDING("3-0", "a", "500", "1"));
    EXPECT_REPLY(h, "xpending s g idle 400 - + 10",
                 "*2\r\n" PENDING("1-0", "a", "500", "1") PENDING("3-0", "a", "500", "1"));
    EXPECT_REPLY(h, "xpending s g idle 400 - + 1 a", "*1\r\n" PENDING("1-0", "a", "500", "1"));
    EXPECT_REPLY(h, "xpending s g idle 400 - + 10 b", "*0\r\n");
    EXPECT_REPLY(h, "xpending s g - + 10 nope", "*0\r\n");
    EXPECT_REPLY(h, "xpending s g - + -1", "*0\r\n");
    EXPECT_REPLY(h, "xpending s g - + 0", "*0\r\n");
}

Test(cmd_stream_claim, refuses_bad_ranges)
{
    give_three_to_a();
    EXPECT_REPLY(h, "xpending s g - +", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "xpending s g -", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "xpending s g idle 5 - +", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "xpending s g idle 0 - + 10 a b", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "xpending s g - + x", STREAM_NOT_INTEGER);
    EXPECT_REPLY(h, "xpending s g idle x - + 10", STREAM_NOT_INTEGER);
    EXPECT_REPLY(h, "xpending s g x + 10", STREAM_BAD_ID);
    EXPECT_REPLY(h, "xpending s g - x 10", STREAM_BAD_ID);
    EXPECT_REPLY(h, "xpending s nope - + 10", NO_GROUP("s", "nope"));
    EXPECT_REPLY(h, "xpending s", "-ERR wrong number of arguments for 'xpending' command\r\n");
}

// ---- XCLAIM

Test(cmd_stream_claim, changes_hands)
{
    give_three_to_a();
    EXPECT_REPLY(h, "xclaim s g b 0 2", "*1\r\n" ENTRY("2-0", "2"));
    EXPECT_REPLY(h, "xclaim s g b 0 2 justid", "*1\r\n" ID("2-0"));
    EXPECT_REPLY(h, "xclaim s g b 500 1 2", "*1\r\n" ENTRY("1-0", "1")); // 2-0 is too young
    EXPECT_REPLY(h, "xclaim s g b -5 3 justid", "*1\r\n" ID("3-0"));
    EXPECT_REPLY(h, "xclaim s g b 0 9", "*0\r\n");
    EXPECT_REPLY(h, "xclaim s g b 0 justid", "*0\r\n");
    EXPECT_REPLY(h, "xpending s g - + 10",
                 "*3\r\n" PENDING("1-0", "b", "0", "2") PENDING("2-0", "b", "0", "2")
                     PENDING("3-0", "b", "0", "1"));
}

Test(cmd_stream_claim, claims_what_nobody_had_when_forced)
{
    give_three_to_a();
    harness_run(h, "xack s g 1");
    EXPECT_REPLY(h, "xclaim s g b 0 1", "*0\r\n");
    EXPECT_REPLY(h, "xclaim s g b 1000 1 force justid", "*1\r\n" ID("1-0"));
    EXPECT_REPLY(h, "xclaim s g b 0 9 force", "*0\r\n"); // it is not in the stream
    EXPECT_REPLY(h, "xpending s g - + 10 b", "*1\r\n" PENDING("1-0", "b", "0", "1"));
}

Test(cmd_stream_claim, sets_time_count_and_last_id)
{
    give_three_to_a();
    EXPECT_REPLY(h, "xclaim s g b 0 1 idle 5000 retrycount 9 justid", "*1\r\n" ID("1-0"));
    EXPECT_REPLY(h, "xclaim s g b 0 2 time 1700000000400", "*1\r\n" ENTRY("2-0", "2"));
    EXPECT_REPLY(h, "xclaim s g b 0 3 time 9900000000000", "*1\r\n" ENTRY("3-0", "3")); // is now
    EXPECT_REPLY(h, "xpending s g - + 10",
                 "*3\r\n" PENDING("1-0", "b", "5000", "9") PENDING("2-0", "b", "100", "2")
                     PENDING("3-0", "b", "0", "2"));
    EXPECT_REPLY(h, "xclaim s g b 0 1 justid lastid 2", "*1\r\n" ID("1-0")); // below what it is
    cr_expect(stream_groups(stream_at("s"))->groups[0]->last.ms == 3);
    EXPECT_REPLY(h, "xclaim s g b 0 1 justid lastid 7", "*1\r\n" ID("1-0"));
    cr_expect(stream_groups(stream_at("s"))->groups[0]->last.ms == 7);
}

// 7.0 as 7.2: entries that are no more are nobody's any more.
Test(cmd_stream_claim, forgets_what_was_deleted)
{
    give_three_to_a();
    harness_run(h, "xdel s 2");
    EXPECT_CHANGE("xclaim s g a 0 2", 1, "",
                  "XCLAIM s g a 0 2-0 TIME 1700000000000 RETRYCOUNT 1 FORCE JUSTID LASTID 3-0;");
    cr_expect_str_eq(h->wire, "*0\r\n");
    EXPECT_REPLY(h, "xpending s g - + 10",
                 "*2\r\n" PENDING("1-0", "a", "500", "1") PENDING("3-0", "a", "500", "1"));
}

Test(cmd_stream_claim, refuses_bad_claims)
{
    give_three_to_a();
    EXPECT_REPLY(h, "xclaim s g b x 1", "-ERR Invalid min-idle-time argument for XCLAIM\r\n");
    EXPECT_REPLY(h, "xclaim s g b 0 1 foo", "-ERR Unrecognized XCLAIM option 'foo'\r\n");
    EXPECT_REPLY(h, "xclaim s g b 0 x justid", "-ERR Unrecognized XCLAIM option 'x'\r\n");
    EXPECT_REPLY(h, "xclaim s g b 0 1 idle", "-ERR Unrecognized XCLAIM option 'idle'\r\n");
    EXPECT_REPLY(h, "xclaim s g b 0 1 idle x", "-ERR Invalid IDLE option argument for XCLAIM\r\n");
    EXPECT_REPLY(h, "xclaim s g b 0 1 time x", "-ERR Invalid TIME option argument for XCLAIM\r\n");
    EXPECT_REPLY(h, "xclaim s g b 0 1 retrycount x",
                 "-ERR Invalid RETRYCOUNT option argument for XCLAIM\r\n");
    EXPECT_REPLY(h, "xclaim s g b 0 1 lastid x", STREAM_BAD_ID);
    EXPECT_REPLY(h, "xclaim s nope b 0 1", NO_GROUP("s", "nope"));
    EXPECT_REPLY(h, "xclaim none g b x 1", NO_GROUP("none", "g"));
    EXPECT_REPLY(h, "xclaim s g b 0", "-ERR wrong number of arguments for 'xclaim' command\r\n");
    EXPECT_REPLY(h, "xpending s g - + 10 b", "*0\r\n");
}

// That a consumer is made where there is nothing to claim is 7.2.
Test(cmd_stream_claim, tells_what_changed_hands)
{
    give_three_to_a();
    EXPECT_CHANGE("xclaim s g b 0 1", 2, "s:xgroup-createconsumer ",
                  "XCLAIM s g b 0 1-0 TIME 1700000000500 RETRYCOUNT 2 FORCE JUSTID LASTID 3-0;");
    EXPECT_CHANGE("xclaim s g b 0 1 2 justid", 2, "",
                  "MULTI | XCLAIM s g b 0 1-0 TIME 1700000000500 RETRYCOUNT 2 FORCE JUSTID LASTID "
                  "3-0 | XCLAIM s g b 0 2-0 TIME 1700000000500 RETRYCOUNT 1 FORCE JUSTID LASTID "
                  "3-0 | EXEC;");
    EXPECT_CHANGE("xclaim s g c 9999 1", 1, "s:xgroup-createconsumer ",
                  "XGROUP CREATECONSUMER s g c;");
    EXPECT_CHANGE("xclaim s g c 9999 1", 0, "", "");
    EXPECT_CHANGE("xautoclaim s g d 500 0", 2, "s:xgroup-createconsumer ",
                  "XCLAIM s g d 0 3-0 TIME 1700000000500 RETRYCOUNT 2 FORCE JUSTID LASTID 3-0;");
    EXPECT_CHANGE("xautoclaim s g e 9999 0", 1, "s:xgroup-createconsumer ",
                  "XGROUP CREATECONSUMER s g e;");
}

// ---- XAUTOCLAIM

Test(cmd_stream_claim, searches_for_what_to_claim)
{
    give_three_to_a();
    EXPECT_REPLY(h, "xautoclaim s g c 0 0 count 1",
                 "*3\r\n" ID("2-0") "*1\r\n" ENTRY("1-0", "1") "*0\r\n");
    EXPECT_REPLY(h, "xautoclaim s g c 0 2 count 1 justid",
                 "*3\r\n" ID("3-0") "*1\r\n" ID("2-0") "*0\r\n");
    EXPECT_REPLY(h, "xautoclaim s g c 0 (2 justid", "*3\r\n" ID("0-0") "*1\r\n" ID("3-0") "*0\r\n");
    EXPECT_REPLY(h, "xautoclaim s g c 100000 0", "*3\r\n" ID("0-0") "*0\r\n*0\r\n");
    EXPECT_REPLY(h, "xpending s g - + 10",
                 "*3\r\n" PENDING("1-0", "c", "0", "2") PENDING("2-0", "c", "0", "1")
                     PENDING("3-0", "c", "0", "1"));
}

Test(cmd_stream_claim, names_what_it_found_deleted)
{
    give_three_to_a();
    harness_run(h, "xdel s 1 2");
    EXPECT_CHANGE("xautoclaim s g a 0 - count 2 justid", 2, "",
                  "MULTI | XCLAIM s g a 0 1-0 TIME 1700000000000 RETRYCOUNT 1 FORCE JUSTID LASTID "
                  "3-0 | XCLAIM s g a 0 2-0 TIME 1700000000000 RETRYCOUNT 1 FORCE JUSTID LASTID "
                  "3-0 | EXEC;");
    cr_expect_str_eq(h->wire, "*3\r\n" ID("3-0") "*0\r\n*2\r\n" ID("1-0") ID("2-0"));
    EXPECT_REPLY(h, "xautoclaim s g a 0 -", "*3\r\n" ID("0-0") "*1\r\n" ENTRY("3-0", "3") "*0\r\n");
}

Test(cmd_stream_claim, looks_at_ten_times_as_many_as_asked_for)
{
    fill_stream("s", 30);
    harness_run(h, "xgroup create s g 0");
    harness_run(h, "xreadgroup group g a streams s >");
    EXPECT_REPLY(h, "xautoclaim s g b 100 0 count 2", "*3\r\n$4\r\n21-0\r\n*0\r\n*0\r\n");
}

Test(cmd_stream_claim, refuses_bad_searches)
{
    give_three_to_a();
    EXPECT_REPLY(h, "xautoclaim s g c x 0",
                 "-ERR Invalid min-idle-time argument for XAUTOCLAIM\r\n");
    EXPECT_REPLY(h, "xautoclaim s g c 0 x", STREAM_BAD_ID);
    EXPECT_REPLY(h, "xautoclaim s g c 0 0 count 0", "-ERR COUNT must be > 0\r\n");
    EXPECT_REPLY(h, "xautoclaim s g c 0 0 count x", "-ERR COUNT must be > 0\r\n");
    EXPECT_REPLY(h, "xautoclaim s g c 0 0 count 9223372036854775807", "-ERR COUNT must be > 0\r\n");
    EXPECT_REPLY(h, "xautoclaim s g c 0 0 foo", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "xautoclaim s g c 0 0 count", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "xautoclaim s nope c 0 0", NO_GROUP("s", "nope"));
    EXPECT_REPLY(h, "xautoclaim none g c 0 0", NO_GROUP("none", "g"));
    EXPECT_REPLY(h, "xautoclaim none g c 0 x", STREAM_BAD_ID);
    EXPECT_REPLY(h, "xautoclaim s g c 0",
                 "-ERR wrong number of arguments for 'xautoclaim' command\r\n");
}

// ---- many

enum { GIANT = 5000 };

static void give_thousands_to_a(void)
{
    effects_set_sink(&h->server.effects, NULL, NULL); // the harness does not keep thousands
    fill_stream("s", GIANT);
    harness_run(h, "xgroup create s g 0");
    harness_run(h, "xreadgroup group g a streams s >");
}

Test(cmd_stream_claim, claims_thousands_in_slices)
{
    give_thousands_to_a();
    harness_run(h, "xautoclaim s g b 0 0 count 4000");
    cr_expect_gt(h->slices, 100);
    EXPECT_STARTS(h->wire, "*3\r\n$6\r\n4001-0\r\n*4000\r\n*2\r\n$3\r\n1-0\r\n");
    EXPECT_ENDS(h->wire, "*2\r\n$6\r\n4000-0\r\n*2\r\n$1\r\nf\r\n$4\r\n4000\r\n*0\r\n");
    EXPECT_REPLY(h, "xpending s g",
                 "*4\r\n:5000\r\n" ID("1-0") "$6\r\n5000-0\r\n*2\r\n*2\r\n$1\r\na\r\n"
                                             "$4\r\n1000\r\n*2\r\n$1\r\nb\r\n$4\r\n4000\r\n");
}

Test(cmd_stream_claim, ends_a_long_claim_well_when_its_group_vanishes)
{
    give_thousands_to_a();
    cr_assert(begin_for(&h->client, "xautoclaim s g b 0 0 count 4000"));
    run_slices(10);
    struct stream_groups *groups = stream_groups(stream_at("s")); // as a transaction does
    stream_group_drop(keyspace_space(h->server.keyspace), groups, groups->groups[0]);
    run_to_the_end();
    EXPECT_STARTS(h->wire, "*3\r\n$3\r\n0-0\r\n*");
    EXPECT_ENDS(h->wire, "*0\r\n");
}

Test(cmd_stream_claim, lists_thousands_of_one_moment)
{
    give_thousands_to_a();
    cr_assert(begin_for(&h->client, "xpending s g - + 5000"));
    run_slices(5);
    begin_for(&other->client, "xack s g 4999");
    begin_for(&other->client, "xgroup destroy s g");
    cr_expect_neq(h->server.jobs.list.count, 0);
    run_to_the_end();
    EXPECT_STARTS(h->wire, "*5000\r\n" PENDING("1-0", "a", "0", "1"));
    EXPECT_ENDS(h->wire,
                "$6\r\n4999-0\r\n$1\r\na\r\n:0\r\n:1\r\n*4\r\n$6\r\n5000-0\r\n$1\r\na\r\n:0\r\n"
                ":1\r\n");
}

// XCLAIM and XACK with as many IDs.
static const char *run_with_ids(const char *const *words, uint32_t word_count)
{
    static char ids[GIANT][16];
    static struct bytes args[GIANT + 8];
    for (uint32_t i = 0; i < word_count; i++) args[i] = bytes_text(words[i]);
    for (uint32_t i = 0; i < GIANT; i++) {
        snprintf(ids[i], sizeof ids[i], "%u", i + 1);
        args[word_count + i] = bytes_text(ids[i]);
    }
    harness_run_args(h, args, word_count + GIANT);
    cr_expect_gt(h->slices, 50);
    return h->wire;
}

Test(cmd_stream_claim, takes_thousands_of_ids_in_slices)
{
    static const char *const claim[] = { "xclaim", "s", "g", "b", "0" };
    static const char *const ack[] = { "xack", "s", "g" };
    give_thousands_to_a();
    EXPECT_STARTS(run_with_ids(claim, 5), "*5000\r\n" ENTRY("1-0", "1"));
    EXPECT_ENDS(h->wire, "*2\r\n$6\r\n5000-0\r\n*2\r\n$1\r\nf\r\n$4\r\n5000\r\n");
    cr_expect_str_eq(run_with_ids(ack, 3), ":5000\r\n");
    EXPECT_REPLY(h, "xpending s g", "*4\r\n:0\r\n$-1\r\n$-1\r\n*-1\r\n");
}
