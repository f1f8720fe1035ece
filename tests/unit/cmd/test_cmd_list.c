#include "tests/unit/cmd/harness.h"

static struct harness *h;
static char events[4096]; // of keys that changed: "l:lpush "
static void note_event(struct server *s, uint32_t db, struct bytes key, uint32_t class,
                       const char *event)
{
    (void)s;
    (void)db;
    (void)class;
    size_t at = strlen(events);
    snprintf(events + at, sizeof events - at, "%.*s:%s ", (int)key.size, (const char *)key.data,
             event);
}
static void open_harness(void)
{
    h = harness_open();
    h->server.on_changed = note_event;
}
static void close_harness(void) { harness_close(h); }
TestSuite(cmd_list, .init = open_harness, .fini = close_harness);

static const char *const wrong_type =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
static const char *const not_integer = "-ERR value is not an integer or out of range\r\n";
static const char *const syntax = "-ERR syntax error\r\n";

// What the command changed, as Redis counts it, told and recorded.
#define EXPECT_CHANGE(command, dirty, told, effect)                                                \
    do {                                                                                           \
        uint64_t before = keyspace_dirty(h->server.keyspace);                                      \
        events[0] = 0;                                                                             \
        harness_run(h, (command));                                                                 \
        cr_expect(eq(u64, keyspace_dirty(h->server.keyspace) - before, (dirty)), "%s", (command)); \
        cr_expect(eq(str, events, (char *)(told)), "%s", (command));                               \
        cr_expect(eq(str, h->effects, (char *)(effect)), "%s", (command));                         \
    } while (0)

// ---- pushing and looking

Test(cmd_list, pushes_in_the_order_of_the_arguments)
{
    EXPECT_REPLY(h, "rpush l a b c", ":3\r\n");
    EXPECT_REPLY(h, "lpush l x y", ":5\r\n");
    EXPECT_REPLY(h, "lrange l 0 -1",
                 "*5\r\n$1\r\ny\r\n$1\r\nx\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n");
    EXPECT_REPLY(h, "llen l", ":5\r\n");
    EXPECT_REPLY(h, "type l", "+list\r\n");
    EXPECT_REPLY(h, "rpush l", "-ERR wrong number of arguments for 'rpush' command\r\n");
}

Test(cmd_list, pushes_only_onto_what_is_there_when_told_so)
{
    EXPECT_REPLY(h, "lpushx l a", ":0\r\n");
    EXPECT_REPLY(h, "rpushx l a", ":0\r\n");
    EXPECT_REPLY(h, "exists l", ":0\r\n");
    harness_run(h, "rpush l m");
    EXPECT_REPLY(h, "lpushx l a b", ":3\r\n");
    EXPECT_REPLY(h, "rpushx l z", ":4\r\n");
    EXPECT_REPLY(h, "lrange l 0 -1", "*4\r\n$1\r\nb\r\n$1\r\na\r\n$1\r\nm\r\n$1\r\nz\r\n");
}

Test(cmd_list, refuses_keys_of_another_type)
{
    static const char *const commands[] = {
        "lpush s a",
        "rpush s a",
        "lpushx s a",
        "rpushx s a",
        "llen s",
        "lindex s 0",
        "lset s 0 a",
        "lrange s 0 1",
        "ltrim s 0 1",
        "linsert s before a b",
        "lrem s 0 a",
        "lpos s a",
        "lpop s",
        "rpop s 2",
        "lpop s 0",
        "lmpop 1 s left",
        "lmove s l left left",
        "lmove l s left left",
        "rpoplpush s l",
        "rpoplpush l s",
        "blpop s 0",
        "brpop none s 0",
        "blmpop 0 2 none s left",
        "blmove s l left left 0",
        "brpoplpush l s 0",
    };
    harness_run(h, "set s x");
    harness_run(h, "rpush l a");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        EXPECT_REPLY(h, commands[i], wrong_type);
        cr_expect(eq(str, h->effects, (char *)""), "%s", commands[i]);
    }
    EXPECT_REPLY(h, "get s", "$1\r\nx\r\n");
    EXPECT_REPLY(h, "llen l", ":1\r\n");
}

Test(cmd_list, indexes_from_both_ends)
{
    harness_run(h, "rpush l a 10 c");
    EXPECT_REPLY(h, "lindex l 1", "$2\r\n10\r\n");
    EXPECT_REPLY(h, "lindex l -1", "$1\r\nc\r\n");
    EXPECT_REPLY(h, "lindex l -3", "$1\r\na\r\n");
    EXPECT_REPLY(h, "lindex l 3", "$-1\r\n");
    EXPECT_REPLY(h, "lindex l -4", "$-1\r\n");
    EXPECT_REPLY(h, "lindex l -9223372036854775808", "$-1\r\n");
    EXPECT_REPLY(h, "lindex l x", not_integer);
    EXPECT_REPLY(h, "lindex none x", "$-1\r\n");
    h->client.reply.version = 3;
    EXPECT_REPLY(h, "lindex l 3", "_\r\n");
}

Test(cmd_list, cuts_ranges_to_what_is_there)
{
    harness_run(h, "rpush l a b c");
    EXPECT_REPLY(h, "lrange l 1 1", "*1\r\n$1\r\nb\r\n");
    EXPECT_REPLY(h, "lrange l -2 100", "*2\r\n$1\r\nb\r\n$1\r\nc\r\n");
    EXPECT_REPLY(h, "lrange l -100 0", "*1\r\n$1\r\na\r\n");
    EXPECT_REPLY(h, "lrange l 2 1", "*0\r\n");
    EXPECT_REPLY(h, "lrange l 3 5", "*0\r\n");
    EXPECT_REPLY(h, "lrange l 0 -4", "*0\r\n");
    EXPECT_REPLY(h, "lrange none 0 -1", "*0\r\n");
    EXPECT_REPLY(h, "lrange l -9223372036854775808 9223372036854775807",
                 "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n");
    EXPECT_REPLY(h, "lrange none x 1", not_integer);
}

Test(cmd_list, sets_elements)
{
    harness_run(h, "rpush l a b c");
    EXPECT_REPLY(h, "lset l 1 x", "+OK\r\n");
    EXPECT_REPLY(h, "lset l -1 y", "+OK\r\n");
    EXPECT_REPLY(h, "lrange l 0 -1", "*3\r\n$1\r\na\r\n$1\r\nx\r\n$1\r\ny\r\n");
    EXPECT_REPLY(h, "lset l 3 z", "-ERR index out of range\r\n");
    EXPECT_REPLY(h, "lset l -4 z", "-ERR index out of range\r\n");
    EXPECT_REPLY(h, "lset l x z", not_integer);
    EXPECT_REPLY(h, "lset none x z", "-ERR no such key\r\n");
}

Test(cmd_list, trims_to_a_range)
{
    harness_run(h, "rpush l a b c d e");
    EXPECT_REPLY(h, "ltrim l 1 -2", "+OK\r\n");
    EXPECT_REPLY(h, "lrange l 0 -1", "*3\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\nd\r\n");
    EXPECT_REPLY(h, "ltrim l -100 100", "+OK\r\n");
    EXPECT_REPLY(h, "llen l", ":3\r\n");
    EXPECT_REPLY(h, "ltrim l 3 1", "+OK\r\n");
    EXPECT_REPLY(h, "exists l", ":0\r\n");
    EXPECT_REPLY(h, "ltrim none 0 1", "+OK\r\n");
    EXPECT_REPLY(h, "ltrim none 0 x", not_integer);
}

// ---- popping and moving

Test(cmd_list, pops_one)
{
    harness_run(h, "rpush l a 2 c");
    EXPECT_REPLY(h, "lpop l", "$1\r\na\r\n");
    EXPECT_REPLY(h, "rpop l", "$1\r\nc\r\n");
    EXPECT_REPLY(h, "rpop l", "$1\r\n2\r\n");
    EXPECT_REPLY(h, "exists l", ":0\r\n");
    EXPECT_REPLY(h, "lpop l", "$-1\r\n");
    EXPECT_REPLY(h, "lpop l 1 2", "-ERR wrong number of arguments for 'lpop' command\r\n");
}

Test(cmd_list, pops_a_count)
{
    static const char *const bad = "-ERR value is out of range, must be positive\r\n";
    harness_run(h, "rpush l a b c d e");
    EXPECT_REPLY(h, "lpop l 2", "*2\r\n$1\r\na\r\n$1\r\nb\r\n");
    EXPECT_REPLY(h, "rpop l 2", "*2\r\n$1\r\ne\r\n$1\r\nd\r\n");
    EXPECT_REPLY(h, "rpop l 0", "*0\r\n");
    EXPECT_REPLY(h, "lpop l 9223372036854775807", "*1\r\n$1\r\nc\r\n");
    EXPECT_REPLY(h, "exists l", ":0\r\n");
    EXPECT_REPLY(h, "lpop l 0", "*-1\r\n");
    EXPECT_REPLY(h, "lpop l -1", bad);
    EXPECT_REPLY(h, "lpop l x", bad);
    h->client.reply.version = 3;
    EXPECT_REPLY(h, "lpop l", "_\r\n");
    EXPECT_REPLY(h, "lpop l 2", "_\r\n");
}

Test(cmd_list, pops_from_the_first_list_of_several)
{
    harness_run(h, "rpush b 1 2 3");
    EXPECT_REPLY(h, "lmpop 3 a b c left", "*2\r\n$1\r\nb\r\n*1\r\n$1\r\n1\r\n");
    EXPECT_REPLY(h, "lmpop 2 a b RIGHT COUNT 10", "*2\r\n$1\r\nb\r\n*2\r\n$1\r\n3\r\n$1\r\n2\r\n");
    EXPECT_REPLY(h, "lmpop 2 a b right", "*-1\r\n");
    EXPECT_REPLY(h, "lmpop 0 a left", "-ERR numkeys should be greater than 0\r\n");
    EXPECT_REPLY(h, "lmpop x a left", "-ERR numkeys should be greater than 0\r\n");
    EXPECT_REPLY(h, "lmpop 1 a left count 0", "-ERR count should be greater than 0\r\n");
    static const char *const malformed[] = {
        "lmpop 2 a left",       "lmpop 1 a middle",
        "lmpop 1 a left count", "lmpop 1 a left count 1 count 1",
        "lmpop 1 a left foo 1", "lmpop 9223372036854775807 a left"
    };
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
        EXPECT_REPLY(h, malformed[i], syntax);
}

Test(cmd_list, moves_between_lists)
{
    harness_run(h, "rpush a 1 2 3");
    EXPECT_REPLY(h, "lmove a b left right", "$1\r\n1\r\n");
    EXPECT_REPLY(h, "lmove a b RIGHT LEFT", "$1\r\n3\r\n");
    EXPECT_REPLY(h, "rpoplpush a b", "$1\r\n2\r\n");
    EXPECT_REPLY(h, "lrange b 0 -1", "*3\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n1\r\n");
    EXPECT_REPLY(h, "exists a", ":0\r\n");
    EXPECT_REPLY(h, "lmove a b left right", "$-1\r\n");
    EXPECT_REPLY(h, "lmove b a left up", syntax);
    EXPECT_REPLY(h, "lmove a b down left", syntax);
}

Test(cmd_list, turns_a_list_around_and_keeps_its_deadline)
{
    harness_run(h, "rpush a 1 2");
    EXPECT_REPLY(h, "lmove a a left right", "$1\r\n1\r\n");
    EXPECT_REPLY(h, "lrange a 0 -1", "*2\r\n$1\r\n2\r\n$1\r\n1\r\n");
    EXPECT_REPLY(h, "rpop a", "$1\r\n1\r\n");
    harness_run(h, "expire a 100");
    EXPECT_REPLY(h, "rpoplpush a a", "$1\r\n2\r\n");
    EXPECT_REPLY(h, "lmove a a left left", "$1\r\n2\r\n");
    EXPECT_REPLY(h, "ttl a", ":100\r\n");
    EXPECT_REPLY(h, "llen a", ":1\r\n");
}

Test(cmd_list, moves_large_elements)
{
    static char text[5000], want[5100];
    memset(text, 'x', sizeof text);
    struct bytes args[] = { bytes_text("rpush"), bytes_text("a"), bytes_make(text, sizeof text) };
    harness_run_args(h, args, 3);
    sprintf(want, "$5000\r\n%.5000s\r\n", text);
    EXPECT_REPLY(h, "lmove a b left left", want);
    EXPECT_REPLY(h, "rpoplpush b b", want);
    EXPECT_REPLY(h, "lindex b 0", want);
}

// ---- elements by value

Test(cmd_list, inserts_beside_a_pivot)
{
    harness_run(h, "rpush l a b a");
    EXPECT_REPLY(h, "linsert l before a x", ":4\r\n");
    EXPECT_REPLY(h, "linsert l AFTER b y", ":5\r\n");
    EXPECT_REPLY(h, "lrange l 0 -1",
                 "*5\r\n$1\r\nx\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\ny\r\n$1\r\na\r\n");
    EXPECT_REPLY(h, "linsert l after none x", ":-1\r\n");
    EXPECT_REPLY(h, "linsert none after a x", ":0\r\n");
    EXPECT_REPLY(h, "linsert l beside a x", syntax);
    harness_run(h, "rpush m 1");
    EXPECT_REPLY(h, "linsert m after 1 2", ":2\r\n");
    EXPECT_REPLY(h, "linsert m after 01 2", ":-1\r\n");
}

Test(cmd_list, removes_by_value_from_either_end)
{
    harness_run(h, "rpush l a b a a c a");
    EXPECT_REPLY(h, "lrem l 1 a", ":1\r\n");
    EXPECT_REPLY(h, "lrem l -2 a", ":2\r\n");
    EXPECT_REPLY(h, "lrange l 0 -1", "*3\r\n$1\r\nb\r\n$1\r\na\r\n$1\r\nc\r\n");
    EXPECT_REPLY(h, "lrem l 0 none", ":0\r\n");
    EXPECT_REPLY(h, "lrem none 0 a", ":0\r\n");
    EXPECT_REPLY(h, "lrem none x a", not_integer);
    harness_run(h, "rpush m 7 7 7");
    EXPECT_REPLY(h, "lrem m -9223372036854775808 7", ":3\r\n");
    EXPECT_REPLY(h, "exists m", ":0\r\n");
}

Test(cmd_list, tells_positions)
{
    harness_run(h, "rpush l a b c 1 2 3 c c");
    EXPECT_REPLY(h, "lpos l c", ":2\r\n");
    EXPECT_REPLY(h, "lpos l c rank 2", ":6\r\n");
    EXPECT_REPLY(h, "lpos l c rank -1", ":7\r\n");
    EXPECT_REPLY(h, "lpos l c rank 4", "$-1\r\n");
    EXPECT_REPLY(h, "lpos l c count 2", "*2\r\n:2\r\n:6\r\n");
    EXPECT_REPLY(h, "lpos l c count 0", "*3\r\n:2\r\n:6\r\n:7\r\n");
    EXPECT_REPLY(h, "lpos l c count 2 rank -1", "*2\r\n:7\r\n:6\r\n");
    EXPECT_REPLY(h, "lpos l c count 0 rank 2", "*2\r\n:6\r\n:7\r\n");
    EXPECT_REPLY(h, "lpos l c count 0 maxlen 3", "*1\r\n:2\r\n");
    EXPECT_REPLY(h, "lpos l c maxlen 2", "$-1\r\n");
    EXPECT_REPLY(h, "lpos l c count 0 maxlen 2 rank -1", "*2\r\n:7\r\n:6\r\n");
    EXPECT_REPLY(h, "lpos l none count 1", "*0\r\n");
    EXPECT_REPLY(h, "lpos none c count 1", "*0\r\n");
    EXPECT_REPLY(h, "lpos none c", "$-1\r\n");
    EXPECT_REPLY(h, "lpos l 3", ":5\r\n");
    EXPECT_REPLY(h, "lpos l c count 9223372036854775807 rank 9223372036854775807", "*0\r\n");
}

// Redis 7.2; 7.0.15 takes the smallest integer for a rank and finds nothing.
Test(cmd_list, refuses_positions_that_make_no_sense)
{
    harness_run(h, "rpush l a");
    EXPECT_REPLY(h, "lpos l a rank 0",
                 "-ERR RANK can't be zero: use 1 to start from the first match, 2 from the second "
                 "... or use negative to start from the end of the list\r\n");
    EXPECT_REPLY(h, "lpos l a rank -9223372036854775808",
                 "-ERR value is out of range, value must between -9223372036854775807 and "
                 "9223372036854775807\r\n");
    EXPECT_REPLY(h, "lpos l a rank x", not_integer);
    EXPECT_REPLY(h, "lpos l a count -1", "-ERR COUNT can't be negative\r\n");
    EXPECT_REPLY(h, "lpos l a count x", "-ERR COUNT can't be negative\r\n");
    EXPECT_REPLY(h, "lpos l a maxlen -1", "-ERR MAXLEN can't be negative\r\n");
    EXPECT_REPLY(h, "lpos l a rank", syntax);
    EXPECT_REPLY(h, "lpos l a foo 1", syntax);
}

// ---- what others hear of it (effects: spec/aof.md chapter 4)

Test(cmd_list, tells_what_changed)
{
    EXPECT_CHANGE("rpush l a b c d", 4, "l:rpush ", "rpush l a b c d;");
    EXPECT_CHANGE("lpush l x", 1, "l:lpush ", "lpush l x;");
    EXPECT_CHANGE("lset l 0 y", 1, "l:lset ", "lset l 0 y;");
    EXPECT_CHANGE("linsert l before y z", 1, "l:linsert ", "linsert l before y z;");
    EXPECT_CHANGE("linsert l before none z", 0, "", "");
    EXPECT_CHANGE("lrem l 1 z", 1, "l:lrem ", "lrem l 1 z;");
    EXPECT_CHANGE("lrem l 0 none", 0, "", "");
    EXPECT_CHANGE("ltrim l 0 -2", 1, "l:ltrim ", "ltrim l 0 -2;");
    EXPECT_CHANGE("ltrim l 0 -1", 0, "l:ltrim ", "");
    EXPECT_CHANGE("lpop l", 1, "l:lpop ", "lpop l;");
    EXPECT_CHANGE("rpop l 2", 2, "l:rpop ", "rpop l 2;");
    EXPECT_CHANGE("lpop l 0", 0, "", "");
    EXPECT_CHANGE("lpop l 5", 1, "l:lpop l:del ", "lpop l 5;");
    EXPECT_CHANGE("lpop l 5", 0, "", "");
    harness_run(h, "rpush l a a");
    EXPECT_CHANGE("lrem l 0 a", 2, "l:lrem l:del ", "lrem l 0 a;");
    harness_run(h, "rpush l a a");
    EXPECT_CHANGE("ltrim l 5 6", 2, "l:ltrim l:del ", "ltrim l 5 6;");
}

Test(cmd_list, tells_moves_and_pops_as_they_are_replayed)
{
    harness_run(h, "rpush l a b c d e f");
    EXPECT_CHANGE("lmove l m left right", 1, "m:rpush l:lpop ", "lmove l m left right;");
    EXPECT_CHANGE("rpoplpush l m", 1, "m:lpush l:rpop ", "rpoplpush l m;");
    EXPECT_CHANGE("blmove l m left right 0", 1, "m:rpush l:lpop ", "LMOVE l m left right;");
    EXPECT_CHANGE("brpoplpush l m 0", 1, "m:lpush l:rpop ", "RPOPLPUSH l m;");
    EXPECT_CHANGE("lmove l l left right", 1, "l:rpush l:lpop ", "lmove l l left right;");
    EXPECT_CHANGE("blpop l 0", 1, "l:lpop ", "LPOP l;");
    EXPECT_CHANGE("brpop l 0", 1, "l:rpop l:del ", "RPOP l;");
    EXPECT_CHANGE("lmpop 2 l m left count 3", 3, "m:lpop ", "LPOP m 3;");
    EXPECT_CHANGE("blmpop 0 2 l m right count 3", 1, "m:rpop m:del ", "RPOP m 1;");
}

Test(cmd_list, shows_the_encoding_that_redis_shows)
{
    h->server.thresholds.list_size = 3;
    harness_run(h, "rpush l a b c");
    EXPECT_REPLY(h, "object encoding l", "$8\r\nlistpack\r\n");
    harness_run(h, "linsert l before none d"); // added nothing, but was to
    EXPECT_REPLY(h, "object encoding l", "$9\r\nquicklist\r\n");
    harness_run(h, "rpop l 2");
    EXPECT_REPLY(h, "object encoding l", "$8\r\nlistpack\r\n");
    harness_run(h, "rpush m a b c d");
    EXPECT_REPLY(h, "object encoding m", "$9\r\nquicklist\r\n");
    harness_run(h, "ltrim m 1 1");
    EXPECT_REPLY(h, "object encoding m", "$8\r\nlistpack\r\n");
    harness_run(h, "rpush n a a a d");
    harness_run(h, "lrem n 3 a");
    EXPECT_REPLY(h, "object encoding n", "$8\r\nlistpack\r\n");
}

// ---- giants: in slices, and for one moment

static void make_giant(const char *key, uint32_t count) // e0, e1, ... every 4th one is x
{
    char command[8192];
    for (uint32_t i = 0; i < count;) {
        int at = sprintf(command, "rpush %s", key);
        for (; i < count && at < 8000; i++)
            at += i % 4 == 3 ? sprintf(command + at, " x") : sprintf(command + at, " e%u", i);
        harness_run(h, command);
    }
}

Test(cmd_list, gives_a_long_range_in_slices)
{
    make_giant("l", 10000);
    harness_run(h, "lrange l 0 -1");
    cr_expect(gt(u32, h->slices, 100));
    cr_expect(eq(int, strncmp(h->wire, "*10000\r\n$2\r\ne0\r\n", 16), 0));
    cr_expect(eq(str, h->wire + h->wire_size - 18, (char *)"$5\r\ne9998\r\n$1\r\nx\r\n"));
    harness_run(h, "lrange l 0 2047");
    cr_expect(eq(u32, h->slices, 0));
}

Test(cmd_list, pops_many_at_once_and_tells_them_in_slices)
{
    make_giant("l", 10000);
    EXPECT_CHANGE("rpop l 9000", 9000, "l:rpop ", "rpop l 9000;");
    cr_expect(gt(u32, h->slices, 100));
    cr_expect(eq(int, strncmp(h->wire, "*9000\r\n$1\r\nx\r\n$5\r\ne9998\r\n", 25), 0));
    EXPECT_REPLY(h, "llen l", ":1000\r\n");
    make_giant("m", 10000);
    EXPECT_CHANGE("lmpop 1 m left count 100000", 10000, "m:lpop m:del ", "LPOP m 10000;");
    cr_expect(gt(u32, h->slices, 100));
    EXPECT_REPLY(h, "exists m", ":0\r\n");
}

Test(cmd_list, removes_from_a_giant_in_slices)
{
    make_giant("l", 10000);
    EXPECT_CHANGE("lrem l 1000 x", 1000, "l:lrem ", "lrem l 1000 x;");
    cr_expect(eq(str, h->wire, (char *)":1000\r\n"));
    cr_expect(gt(u32, h->slices, 50));
    EXPECT_REPLY(h, "lindex l 2999", "$5\r\ne3998\r\n");
    EXPECT_REPLY(h, "lindex l 3003", "$1\r\nx\r\n");
    EXPECT_CHANGE("lrem l -1000 x", 1000, "l:lrem ", "lrem l -1000 x;");
    EXPECT_REPLY(h, "lindex l -1", "$5\r\ne9998\r\n");
    EXPECT_REPLY(h, "lrem l 0 x", ":500\r\n");
    EXPECT_REPLY(h, "llen l", ":7500\r\n");
    EXPECT_CHANGE("lrem l 0 none", 0, "", "");
}

Test(cmd_list, removes_all_of_a_giant)
{
    char command[8192];
    int at = sprintf(command, "rpush l");
    for (uint32_t i = 0; i < 4000; i++) at += sprintf(command + at, " x");
    harness_run(h, command);
    EXPECT_CHANGE("lrem l 0 x", 4000, "l:lrem l:del ", "lrem l 0 x;");
    EXPECT_REPLY(h, "exists l", ":0\r\n");
}

Test(cmd_list, finds_places_in_a_giant_in_slices)
{
    make_giant("l", 10000);
    EXPECT_REPLY(h, "lpos l e9998", ":9998\r\n");
    cr_expect(gt(u32, h->slices, 100));
    EXPECT_REPLY(h, "lpos l x rank -2500 count 1", "*1\r\n:3\r\n");
    EXPECT_REPLY(h, "lpos l none count 0", "*0\r\n");
    harness_run(h, "lpos l x count 0");
    cr_expect(eq(int, strncmp(h->wire, "*2500\r\n:3\r\n:7\r\n", 15), 0));
    cr_expect(eq(str, h->wire + h->wire_size - 7, (char *)":9999\r\n"));
    EXPECT_CHANGE("linsert l after e9998 new", 1, "l:linsert ", "linsert l after e9998 new;");
    cr_expect(eq(str, h->wire, (char *)":10001\r\n"));
    EXPECT_REPLY(h, "lindex l 9999", "$3\r\nnew\r\n");
    EXPECT_REPLY(h, "linsert l after none new", ":-1\r\n");
}

Test(cmd_list, trims_a_giant_at_once)
{
    make_giant("l", 10000);
    EXPECT_CHANGE("ltrim l 5000 5001", 9998, "l:ltrim ", "ltrim l 5000 5001;");
    cr_expect(eq(u32, h->slices, 0));
    EXPECT_REPLY(h, "lrange l 0 -1", "*2\r\n$5\r\ne5000\r\n$5\r\ne5001\r\n");
}

// The reader's reply is that of its moment, whatever is done to the list meanwhile.
static const char *start_on(struct harness_client *c, const char *command)
{
    uint64_t slice = h->job_slice_cycles;
    char line[256];
    struct resp_limits limits = { 512 << 20, 1 << 30, true };
    struct bytes in = bytes_make(line, (size_t)sprintf(line, "%s\r\n", command));
    struct resp_request request;
    cr_assert(eq(int, resp_read(&h->reader, &in, &limits, &request), RESP_REQUEST));
    struct call call = { .server = &h->server,
                         .client = &c->client,
                         .reply = &c->client.reply,
                         .keyspace = h->server.keyspace,
                         .argv = request.argv,
                         .argc = request.argc,
                         .request = &request,
                         .now_ms = h->now_ms };
    command_prepare(&call);
    command_execute(&call);
    cr_expect(call.suspended);
    jobs_run(&h->server, slice);
    return "";
}

Test(cmd_list, answers_for_the_moment_of_the_command)
{
    make_giant("l", 4000);
    struct harness_client *c = harness_client_open(h);
    start_on(c, "lrange l 0 -1");
    harness_run(h, "del l"); // runs the job to its end, too
    const char *wire = harness_client_wire(c);
    cr_expect(eq(int, strncmp(wire, "*4000\r\n$2\r\ne0\r\n", 15), 0));
    cr_expect(eq(str, (char *)wire + strlen(wire) - 18, (char *)"$5\r\ne3998\r\n$1\r\nx\r\n"));
    harness_client_close(c);
}

Test(cmd_list, drops_what_it_held_when_the_reader_goes)
{
    make_giant("l", 4000);
    struct harness_client *c = harness_client_open(h);
    start_on(c, "lpos l none");
    harness_client_close(c);
    EXPECT_REPLY(h, "llen l", ":4000\r\n");
}

Test(cmd_list, goes_on_removing_when_the_client_goes)
{
    make_giant("l", 4000);
    struct harness_client *c = harness_client_open(h);
    start_on(c, "lrem l 0 x");
    harness_client_close(c);
    while (jobs_run(&h->server, 1)) continue;
    EXPECT_REPLY(h, "llen l", ":3000\r\n");
}

Test(cmd_list, shows_nobody_half_of_a_removal)
{
    make_giant("l", 4000);
    struct harness_client *c = harness_client_open(h), *d = harness_client_open(h);
    start_on(c, "lrem l 0 x");
    cr_expect(eq(str, (char *)harness_client_run(d, "llen l"), (char *)":3000\r\n"));
    cr_expect(eq(str, (char *)harness_client_wire(c), (char *)":1000\r\n"));
    start_on(c, "linsert l after e3998 last");
    cr_expect(eq(str, (char *)harness_client_run(d, "lindex l -1"), (char *)"$4\r\nlast\r\n"));
    harness_client_close(c);
    harness_client_close(d);
}

// As if the command had come when it was over: nothing is there to be changed.
Test(cmd_list, finds_the_key_expired_when_a_long_change_ends)
{
    make_giant("l", 4000);
    harness_run(h, "pexpire l 1000");
    struct harness_client *c = harness_client_open(h);
    start_on(c, "lrem l 0 x");
    harness_set_time(h, h->now_ms + 1000);
    while (jobs_run(&h->server, 1)) continue;
    cr_expect(eq(str, (char *)harness_client_wire(c), (char *)":0\r\n"));
    harness_client_close(c);
    EXPECT_REPLY(h, "exists l", ":0\r\n");
}
