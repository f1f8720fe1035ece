// Replies are those of redis-server 7.0.15 unless a line says otherwise.
#include "tests/unit/cmd/stream_harness.h"

TestSuite(cmd_stream_info, .init = open_streams, .fini = close_streams);

#define ID(id) "$3\r\n" id "\r\n"
#define NAME(name) "$4\r\nname\r\n$1\r\n" name "\r\n"
#define FACTS(length, last, deleted, added, first)                                                 \
    "$6\r\nlength\r\n:" length "\r\n$15\r\nradix-tree-keys\r\n:1\r\n$16\r\nradix-tree-nodes\r\n:2" \
    "\r\n$17\r\nlast-generated-id\r\n" ID(last) "$20\r\nmax-deleted-entry-id\r\n" ID(              \
        deleted) "$13\r\nentries-added\r\n:" added                                                 \
                 "\r\n$23\r\nrecorded-first-entry-id\r\n" ID(first)
#define PROGRESS(entries_read, lag) "$12\r\nentries-read\r\n" entries_read "$3\r\nlag\r\n" lag

// Of three entries, a has two.
static void give_two_to_a(void)
{
    fill_stream("s", 3);
    harness_run(h, "xgroup create s g 0");
    harness_run(h, "xreadgroup group g a count 2 streams s >");
}

static bool says(const char *text) { return strstr(h->wire, text) != NULL; }

// ---- XINFO STREAM

Test(cmd_stream_info, describes_a_stream)
{
#define SHORT                                                                                      \
    FACTS("3", "3-0", "0-0", "3", "1-0")                                                           \
    "$6\r\ngroups\r\n:1\r\n$11\r\nfirst-entry\r\n" ENTRY(                                          \
        "1-0", "1") "$10\r\nlast-entry\r\n" ENTRY("3-0", "3")
    give_two_to_a();
    EXPECT_REPLY(h, "xinfo stream s", "*20\r\n" SHORT);
    h->client.reply.version = 3;
    EXPECT_REPLY(h, "xinfo stream s", "%10\r\n" SHORT);
}

Test(cmd_stream_info, describes_what_is_left_of_a_stream)
{
    fill_stream("s", 3);
    harness_run(h, "xdel s 1 2");
    EXPECT_REPLY(h, "xinfo stream s",
                 "*20\r\n" FACTS("1", "3-0", "2-0", "3",
                                 "3-0") "$6\r\ngroups\r\n:0\r\n$11\r\n"
                                        "first-entry\r\n" ENTRY(
                                            "3-0", "3") "$10\r\nlast-entry\r\n" ENTRY("3-0", "3"));
    harness_run(h, "xtrim s maxlen 0");
    harness_run(h, "xinfo stream s");
    cr_expect(
        says("$6\r\nlength\r\n:0\r\n$15\r\nradix-tree-keys\r\n:0\r\n$16\r\nradix-tree-nodes\r\n"
             ":1\r\n"));
    cr_expect(says("$23\r\nrecorded-first-entry-id\r\n" ID("0-0")));
    EXPECT_ENDS(h->wire, "$11\r\nfirst-entry\r\n$-1\r\n$10\r\nlast-entry\r\n$-1\r\n");
}

Test(cmd_stream_info, counts_nodes_as_redis_does)
{
    set_node_entries(10);
    fill_stream("s", 35);
    harness_run(h, "xinfo stream s");
    cr_expect(says("$15\r\nradix-tree-keys\r\n:4\r\n"));
}

// active-time is 7.2's; seen-time and active-time are the same moment here.
Test(cmd_stream_info, describes_a_stream_in_full)
{
#define AT "1700000000000"
#define TWO(head)                                                                                  \
    "$9\r\npel-count\r\n:2\r\n$7\r\npending\r\n*2\r\n" head(ID("1-0")) ":" AT "\r\n:1\r\n" head(   \
        ID("2-0")) ":" AT "\r\n:1\r\n"
#define GROUP_HEAD(id) "*4\r\n" id "$1\r\na\r\n"
#define CONSUMER_HEAD(id) "*3\r\n" id
#define FULL_ENTRIES "$7\r\nentries\r\n*3\r\n" ENTRY("1-0", "1") ENTRY("2-0", "2") ENTRY("3-0", "3")
#define FULL_GROUP                                                                                 \
    NAME("g")                                                                                      \
    "$17\r\nlast-delivered-id\r\n" ID("2-0") PROGRESS(":2\r\n", ":1\r\n") TWO(GROUP_HEAD)
#define FULL_CONSUMER                                                                              \
    NAME("a")                                                                                      \
    "$9\r\nseen-time\r\n:" AT "\r\n$11\r\nactive-time\r\n:" AT "\r\n" TWO(CONSUMER_HEAD)
    give_two_to_a();
    EXPECT_REPLY(h, "xinfo stream s full",
                 "*18\r\n" FACTS("3", "3-0", "0-0", "3", "1-0") FULL_ENTRIES
                 "$6\r\ngroups\r\n*1\r\n*14\r\n" FULL_GROUP "$9\r\nconsumers\r\n*1\r\n*10\r\n" //
                 FULL_CONSUMER);
    h->client.reply.version = 3;
    EXPECT_REPLY(h, "xinfo stream s full",
                 "%9\r\n" FACTS("3", "3-0", "0-0", "3", "1-0") FULL_ENTRIES
                 "$6\r\ngroups\r\n*1\r\n%7\r\n" FULL_GROUP "$9\r\nconsumers\r\n*1\r\n%5\r\n" //
                 FULL_CONSUMER);
}

Test(cmd_stream_info, shows_no_more_than_asked_for)
{
    fill_stream("s", 12);
    harness_run(h, "xgroup create s g 0");
    harness_run(h, "xreadgroup group g a streams s >");
    harness_run(h, "xinfo stream s full");
    cr_expect(says("$7\r\nentries\r\n*10\r\n"));
    cr_expect(says("$9\r\npel-count\r\n:12\r\n$7\r\npending\r\n*10\r\n*4\r\n"));
    cr_expect(says("$9\r\npel-count\r\n:12\r\n$7\r\npending\r\n*10\r\n*3\r\n"));
    harness_run(h, "xinfo stream s full count 2");
    cr_expect(says("$7\r\nentries\r\n*2\r\n"));
    cr_expect(says("$7\r\npending\r\n*2\r\n*3\r\n"));
    harness_run(h, "xinfo stream s full count 0"); // all
    cr_expect(says("$7\r\nentries\r\n*12\r\n"));
    cr_expect(says("$7\r\npending\r\n*12\r\n*3\r\n"));
    harness_run(h, "xinfo stream s full count -1");
    cr_expect(says("$7\r\nentries\r\n*10\r\n"));
}

Test(cmd_stream_info, describes_thousands_of_one_moment)
{
    enum { GIANT = 3000 };
    effects_set_sink(&h->server.effects, NULL, NULL); // the harness does not keep thousands
    fill_stream("s", GIANT);
    harness_run(h, "xgroup create s g 0");
    harness_run(h, "xreadgroup group g a streams s >");
    cr_assert(begin_for(&h->client, "xinfo stream s full count 0"));
    run_slices(10);
    begin_for(&other->client, "xgroup destroy s g");
    begin_for(&other->client, "del s");
    cr_expect_neq(h->server.jobs.list.count, 0);
    run_to_the_end();
    cr_expect(says("$7\r\nentries\r\n*3000\r\n"));
    cr_expect(says("$7\r\npending\r\n*3000\r\n*4\r\n"));
    cr_expect(says("$7\r\npending\r\n*3000\r\n*3\r\n"));
    EXPECT_ENDS(h->wire, "*3\r\n$6\r\n3000-0\r\n:" AT "\r\n:1\r\n");
}

// ---- XINFO GROUPS

Test(cmd_stream_info, describes_groups)
{
#define G                                                                                          \
    NAME("g")                                                                                      \
    "$9\r\nconsumers\r\n:1\r\n$7\r\npending\r\n:2\r\n$17\r\nlast-delivered-id\r\n" ID("2-0")       \
        PROGRESS(":2\r\n", ":1\r\n")
    give_two_to_a();
    EXPECT_REPLY(h, "xinfo groups s", "*1\r\n*12\r\n" G);
    h->client.reply.version = 3;
    EXPECT_REPLY(h, "xinfo groups s", "*1\r\n%6\r\n" G);
    harness_run(h, "xgroup destroy s g");
    EXPECT_REPLY(h, "xinfo groups s", "*0\r\n");
}

Test(cmd_stream_info, orders_groups_and_consumers_by_name)
{
    static const char *const commands[] = { "xgroup create s c $", "xgroup create s a $",
                                            "xgroup create s b $", "xgroup createconsumer s b z",
                                            "xgroup createconsumer s b x" };
    fill_stream("s", 1);
    for (uint32_t i = 0; i < sizeof commands / sizeof commands[0]; i++) harness_run(h, commands[i]);
    harness_run(h, "xinfo groups s");
    const char *a = strstr(h->wire, NAME("a")), *b = strstr(h->wire, NAME("b"));
    const char *c = strstr(h->wire, NAME("c"));
    cr_expect(a && a < b && b < c);
    harness_run(h, "xinfo consumers s b");
    cr_expect(strstr(h->wire, NAME("x")) < strstr(h->wire, NAME("z")));
}

static void expect_progress(const char *progress)
{
    harness_run(h, "xinfo groups s");
    EXPECT_ENDS(h->wire, progress);
}

Test(cmd_stream_info, tells_how_far_behind_a_group_is)
{
    fill_stream("s", 5);
    harness_run(h, "xgroup create s g 0");
    expect_progress(PROGRESS("$-1\r\n", ":5\r\n"));
    harness_run(h, "xreadgroup group g a count 2 streams s >");
    expect_progress(PROGRESS(":2\r\n", ":3\r\n"));
    harness_run(h, "xdel s 1-0"); // which the group has behind it
    expect_progress(PROGRESS(":2\r\n", ":3\r\n"));
    harness_run(h, "xdel s 4-0"); // which it has not: a hole
    expect_progress(PROGRESS(":2\r\n", "$-1\r\n"));
    harness_run(h, "xreadgroup group g a streams s >");
    expect_progress(PROGRESS(":5\r\n", ":0\r\n"));
    harness_run(h, "xgroup setid s g 3");
    expect_progress(PROGRESS("$-1\r\n", "$-1\r\n"));
    harness_run(h, "xgroup setid s g 0 entriesread 1");
    expect_progress(PROGRESS(":1\r\n", "$-1\r\n"));
}

// ---- XINFO CONSUMERS

// inactive, and -1 for one that never read anything, are 7.2's.
Test(cmd_stream_info, describes_consumers)
{
#define CONSUMERS(map)                                                                             \
    "*2\r\n" map NAME(                                                                             \
        "a") "$7\r\npending\r\n:2\r\n$4\r\nidle\r\n:300\r\n$8\r\ninactive\r\n:500\r\n" map         \
        NAME("b") "$7\r\npending\r\n:0\r\n$4\r\nidle\r\n:300\r\n$8\r\ninactive\r\n:-1\r\n"
    give_two_to_a();
    harness_set_time(h, h->now_ms + 200);
    harness_run(h, "xgroup createconsumer s g b");
    harness_run(h, "xreadgroup group g a streams s 9"); // seen, but nothing was read
    harness_set_time(h, h->now_ms + 300);
    EXPECT_REPLY(h, "xinfo consumers s g", CONSUMERS("*8\r\n"));
    h->client.reply.version = 3;
    EXPECT_REPLY(h, "xinfo consumers s g", CONSUMERS("%4\r\n"));
    harness_run(h, "xgroup create s empty 0");
    EXPECT_REPLY(h, "xinfo consumers s empty", "*0\r\n");
}

// ---- what it does not understand

Test(cmd_stream_info, refuses_bad_questions)
{
    static const char *const words[] = { "xinfo stream s full foo", "xinfo stream s foo",
                                         "xinfo stream s full count",
                                         "xinfo stream s full count 1 2" };
    fill_stream("s", 1);
    for (uint32_t i = 0; i < sizeof words / sizeof words[0]; i++)
        EXPECT_REPLY(h, words[i],
                     "-ERR unknown subcommand or wrong number of arguments for 'stream'. Try XINFO "
                     "HELP.\r\n");
    EXPECT_REPLY(h, "xinfo stream s full count x", STREAM_NOT_INTEGER);
    EXPECT_REPLY(h, "xinfo foo s", "-ERR unknown subcommand 'foo'. Try XINFO HELP.\r\n");
    EXPECT_REPLY(h, "xinfo stream",
                 "-ERR wrong number of arguments for 'xinfo|stream' command\r\n");
    EXPECT_REPLY(h, "xinfo consumers s",
                 "-ERR wrong number of arguments for 'xinfo|consumers' command\r\n");
    EXPECT_REPLY(h, "xinfo consumers s nope",
                 "-NOGROUP No such consumer group 'nope' for key name 's'\r\n");
    EXPECT_REPLY(h, "xinfo stream none", "-ERR no such key\r\n");
    EXPECT_REPLY(h, "xinfo stream none full", "-ERR no such key\r\n");
    EXPECT_REPLY(h, "xinfo groups none", "-ERR no such key\r\n");
    EXPECT_REPLY(h, "xinfo consumers none g", "-ERR no such key\r\n");
}

Test(cmd_stream_info, helps)
{
    harness_run(h, "xinfo help");
    EXPECT_STARTS(h->wire, "*9\r\n+XINFO <subcommand> [<arg> [value] [opt] ...]. Subcommands "
                           "are:\r\n+CONSUMERS <key> <groupname>\r\n");
    EXPECT_ENDS(h->wire, "+HELP\r\n+    Prints this help.\r\n");
}
