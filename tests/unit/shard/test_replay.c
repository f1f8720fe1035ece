// Expected values: spec/aof.md chapters 7 and 10, among them the worked example of a torn tail;
// DESIGN "Storage" for logs of several shards.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include "tests/unit/shard/replay_fixture.h"

static struct story *t;
static void open_story(void) { t = story_open(); }
static void close_story(void) { story_close(t); }
TestSuite(replay, .init = open_story, .fini = close_story);

#define INCR_1 "appendonly.aof.1.incr.aof"
#define BASE_RDB "appendonly.aof.1.base.rdb"
#define BASE_AOF "appendonly.aof.1.base.aof"

#define EXPECT_ASK(line, reply) cr_expect(peer_ask(t->peer, (line), (reply)), "%s", (line))

// ---- one log

Test(replay, loads_nothing_where_nothing_is)
{
    char error[REPLAY_ERROR_MAX];
    cr_assert(story_begin(t, 1, true, error), "%s", error);
    cr_expect(not(persist_is_loading(&t->persist)), "no manifest");
    story_end_begin(t);
    story_add_log(t, "");
    cr_assert(story_begin(t, 1, true, error), "%s", error);
    cr_expect(not(persist_is_loading(&t->persist)), "an empty file");
    story_end_begin(t);
}

static uint64_t persist_dirty_of_all(void)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < t->persist.shard_count; i++)
        sum +=
            keyspace_dirty(crowd_shard(t->crowd, i)->keyspace) - t->persist.shards[i].dirty_saved;
    return sum;
}

static void expect_loaded(uint32_t shard_count)
{
    cr_assert(story_start(t, shard_count));
    EXPECT_ASK("MGET a b c d", "*4\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n5\r\n");
    EXPECT_ASK("DBSIZE", ":4\r\n");
    EXPECT_ASK("SELECT 3", "+OK\r\n");
    EXPECT_ASK("LRANGE l 0 -1", "*2\r\n$1\r\nx\r\n$1\r\ny\r\n");
    cr_expect(eq(u64, persist_dirty_of_all(), 0), "what was loaded is no change");
    cr_expect(story_says(t, "DB loaded from incr file " INCR_1 ": "));
    cr_expect(story_says(t, "DB loaded from append only file: "));
    story_stop(t);
}

Test(replay, loads_a_log_with_any_number_of_shards)
{
    story_add_log(t, "SELECT 0\nSET a 1\nMSET b 2 c 3\n#TS:1700000000\nMULTI\nSET d 4\nSELECT 3\n"
                     "RPUSH l x y\nEXEC\nSELECT 0\nINCR d\n");
    expect_loaded(1);
    expect_loaded(3);
}

// Of each file the database is 0 at first.
Test(replay, loads_files_in_the_order_of_the_manifest)
{
    story_add(t, BASE_AOF, 1, 'b', -1, "SET a 1\nSET b 1\nSELECT 5\nSET e 1\n");
    story_add(t, INCR_1, 1, 'i', -1, "INCR a\nSELECT 5\nINCR e\n");
    story_add(t, "appendonly.aof.2.incr.aof", 2, 'i', -1, "");
    story_add(t, "appendonly.aof.3.incr.aof", 3, 'i', -1, "INCR a\nDEL b\n");
    cr_assert(story_start(t, 1));
    EXPECT_ASK("MGET a b", "*2\r\n$1\r\n3\r\n$-1\r\n");
    EXPECT_ASK("SELECT 5", "+OK\r\n");
    EXPECT_ASK("GET e", "$1\r\n2\r\n");
    cr_expect(story_says(t, "DB loaded from base file " BASE_AOF));
    story_stop(t);
}

// ---- a base that is a snapshot

static void add_bytes(struct wire_text *w, const void *data, size_t size)
{
    wire_add_bytes(w, data, size);
}
static void add_string(struct wire_text *w, const char *key, const char *value)
{
    char head[2] = { 0, (char)strlen(key) };
    add_bytes(w, head, 2);
    add_bytes(w, key, strlen(key));
    head[1] = (char)strlen(value);
    add_bytes(w, head + 1, 1);
    add_bytes(w, value, strlen(value));
}
// Two keys in database 0; the time of "old" passed in 2020. Without a checksum.
static struct wire_text snapshot(void)
{
    struct wire_text w = { 0 };
    add_bytes(&w, "REDIS0010\xfe\0", 11);
    add_string(&w, "a", "1");
    add_bytes(&w, "\xfc\x00\xa0\x3f\x87\x74\x01\x00\x00", 9);
    add_string(&w, "old", "5");
    add_bytes(&w, "\xff\0\0\0\0\0\0\0\0", 9);
    return w;
}

Test(replay, loads_a_snapshot_and_what_follows_it)
{
    struct wire_text w = snapshot();
    story_add_bytes(t, BASE_RDB, 1, 'b', -1, w.data, w.size);
    story_add_log(t, "INCR a\nINCR old\nPERSIST old\n");
    for (uint32_t shards = 1; shards <= 3; shards += 2) {
        cr_assert(story_start(t, shards));
        EXPECT_ASK("MGET a old", "*2\r\n$1\r\n2\r\n$1\r\n6\r\n");
        cr_expect(story_says(t, "Done loading RDB, keys loaded: 2, keys expired: 0."));
        cr_expect(story_says(t, "DB loaded from base file " BASE_RDB));
        story_stop(t);
    }
    wire_free(&w);
}

Test(replay, loads_a_snapshot_alone)
{
    struct wire_text w = snapshot();
    story_add_bytes(t, BASE_RDB, 1, 'b', -1, w.data, w.size);
    for (uint32_t shards = 1; shards <= 3; shards += 2) {
        cr_assert(story_start(t, shards));
        EXPECT_ASK("MGET a old", "*2\r\n$1\r\n1\r\n$-1\r\n");
        story_stop(t);
    }
    wire_free(&w);
}

// Files of Redis 4 to 6: commands were appended to the snapshot.
Test(replay, loads_commands_behind_a_snapshot)
{
    struct wire_text w = snapshot(), tail = story_commands("INCR a\nSET b 1\n");
    wire_add_bytes(&w, tail.data, tail.size);
    uint64_t bytes = w.size;
    story_add_bytes(t, BASE_RDB, 1, 'b', -1, w.data, w.size);
    cr_assert(story_start(t, 3));
    EXPECT_ASK("MGET a b", "*2\r\n$1\r\n2\r\n$1\r\n1\r\n");
    cr_expect(story_says(t, "Reading the remaining AOF tail..."));
    cr_expect(eq(u64, t->persist.load_log_done, tail.size));
    cr_expect(eq(u64, t->persist.load_file_bytes + t->persist.load_log_bytes, bytes));
    story_stop(t);
    wire_free(&w);
    wire_free(&tail);
}

Test(replay, ends_with_a_snapshot_that_is_cut_off)
{
    char text[REPLAY_ERROR_MAX];
    struct wire_text w = snapshot();
    story_add_bytes(t, BASE_RDB, 1, 'b', -1, w.data, w.size - 12);
    story_add_log(t, "INCR a\n");
    for (uint32_t shards = 1; shards <= 3; shards += 2) {
        story_fails(t, shards, true, text);
        cr_expect(strstr(text, "appendonlydir/" BASE_RDB " cannot be loaded, at offset ") != NULL,
                  "%s", text);
    }
    cr_expect(eq(i64, story_bytes(BASE_RDB), (int64_t)w.size - 12));
    wire_free(&w);
}

// ---- torn tails

// spec/aof.md chapter 10: 133 bytes, cut everywhere.
static const char example[] = "SELECT 0\nSET a 1\nMULTI\nSET b 2\nSET c 3\nEXEC\n";

Test(replay, cuts_what_is_torn, .timeout = 120)
{
    struct wire_text w = story_commands(example);
    cr_assert(eq(sz, w.size, 133));
    story_list(t, INCR_1, 1, 'i', -1);
    for (size_t size = 1; size <= w.size; size++) {
        int64_t kept = size < 23 ? 0 : size < 50 ? 23 : size < 133 ? 50 : 133;
        story_write(INCR_1, w.data, size);
        cr_assert(story_start(t, 1), "%zu", size);
        EXPECT_ASK("MGET a b c", kept < 50    ? "*3\r\n$-1\r\n$-1\r\n$-1\r\n"
                                 : kept < 133 ? "*3\r\n$1\r\n1\r\n$-1\r\n$-1\r\n"
                                              : "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n");
        cr_expect(eq(i64, story_bytes(INCR_1), kept), "%zu", size);
        if (kept < (int64_t)size) {
            char line[200];
            snprintf(line, sizeof line, "!!! Truncating the AOF " INCR_1 " at offset %ld !!!",
                     (long)kept);
            cr_expect(story_says(t, line));
            cr_expect(story_says(t, "!!! Warning: short read while loading the AOF file"));
            cr_expect(story_says(t, "loaded anyway because aof-load-truncated is enabled"));
        } else {
            cr_expect(strstr(t->log, "Truncating") == NULL);
        }
        story_stop(t);
    }
    wire_free(&w);
}

Test(replay, ends_with_a_torn_tail_when_it_may_not_cut)
{
    char text[REPLAY_ERROR_MAX];
    struct wire_text w = story_commands(example);
    story_add_bytes(t, INCR_1, 1, 'i', -1, w.data, 100);
    story_fails(t, 1, false, text);
    cr_expect(strstr(text,
                     "Unexpected end of file reading the append only file appendonlydir/" INCR_1
                     ", which is whole up to offset 50") == text,
              "%s", text);
    cr_expect(strstr(text, "penstockctl check-aof --fix") != NULL);
    cr_expect(strstr(text, "aof-load-truncated") != NULL);
    cr_expect(eq(i64, story_bytes(INCR_1), 100), "the file is left alone");
    wire_free(&w);
}

// What follows was written behind it: that is no torn tail.
Test(replay, ends_with_a_torn_file_that_is_not_the_last)
{
    char text[REPLAY_ERROR_MAX];
    struct wire_text w = story_commands(example);
    story_add_bytes(t, BASE_AOF, 1, 'b', -1, w.data, w.size);
    story_add_bytes(t, INCR_1, 1, 'i', -1, w.data, 100);
    story_add(t, "appendonly.aof.2.incr.aof", 2, 'i', -1, "SET a 1\n");
    story_fails(t, 1, true, text);
    cr_expect(strstr(text, INCR_1) && strstr(text, "comes behind it"), "%s", text);
    cr_expect(eq(i64, story_bytes(INCR_1), 100), "the file is left alone");
    story_write(BASE_AOF, w.data, 100);
    story_write(INCR_1, w.data, w.size);
    story_fails(t, 1, true, text);
    cr_expect(strstr(text, BASE_AOF) && strstr(text, "comes behind it"), "%s", text);
    cr_expect(eq(i64, story_bytes(BASE_AOF), 100), "the file is left alone");
    wire_free(&w);
}

// It was whole when the other was listed.
Test(replay, ends_with_a_torn_base_that_an_empty_log_follows)
{
    char text[REPLAY_ERROR_MAX];
    struct wire_text w = story_commands(example);
    story_add_bytes(t, BASE_AOF, 1, 'b', -1, w.data, 100);
    story_add(t, INCR_1, 1, 'i', -1, "");
    story_fails(t, 1, true, text);
    cr_expect(strstr(text, "Bad file format reading the append only file appendonlydir/" BASE_AOF
                           ", at offset 50") == text,
              "%s", text);
    cr_expect(eq(i64, story_bytes(BASE_AOF), 100), "the file is left alone");
    wire_free(&w);
}

Test(replay, cuts_a_torn_base_that_is_the_last)
{
    struct wire_text w = story_commands(example);
    story_add_bytes(t, BASE_AOF, 1, 'b', -1, w.data, 100);
    cr_assert(story_start(t, 1));
    EXPECT_ASK("DBSIZE", ":1\r\n");
    cr_expect(eq(i64, story_bytes(BASE_AOF), 50));
    story_stop(t);
    wire_free(&w);
}

// A torn MULTI that a Redis left in the file, and appended behind.
Test(replay, ignores_multi_inside_of_multi)
{
    story_add_log(t, "SET a 1\nMULTI\nSET b 2\nSELECT 0\nMULTI\nSET c 3\nEXEC\n");
    cr_assert(story_start(t, 1));
    EXPECT_ASK("DBSIZE", ":3\r\n");
    cr_expect(story_says(t, "1 MULTI inside of MULTI"));
    story_stop(t);
}

// ---- damage

static void expect_damage(const char *lines, const char *says)
{
    char text[REPLAY_ERROR_MAX];
    struct wire_text w = story_commands(lines);
    story_write(INCR_1, w.data, w.size);
    story_fails(t, 1, true, text);
    cr_expect(strstr(text, says) == text, "%s", text);
    cr_expect(eq(i64, story_bytes(INCR_1), (int64_t)w.size), "the file is left alone");
    wire_free(&w);
}

Test(replay, ends_with_damage_and_says_where)
{
    story_list(t, INCR_1, 1, 'i', -1);
    expect_damage("SET a 1\nSETT a 2\n",
                  "Unknown command 'SETT' reading the append only file appendonlydir/" INCR_1
                  ", at offset 27\n");
    expect_damage("SET a 1\nGET\n", "Wrong number of arguments of command 'GET' reading");
    expect_damage("SET a 1\nSELECT 16\n",
                  "SELECT of database 16, of a server configured to handle more");
    expect_damage("SET a 1\nEXEC\n",
                  "Bad file format reading the append only file appendonlydir/" INCR_1
                  ", at offset 27 (");
}

// As after a power loss.
Test(replay, ends_with_zeros_behind_the_log)
{
    char text[REPLAY_ERROR_MAX];
    static const char log[] = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n\0\0\0\0";
    story_add_bytes(t, INCR_1, 1, 'i', -1, log, sizeof log);
    story_fails(t, 1, true, text);
    cr_expect(strstr(text, "Bad file format") && strstr(text, "at offset 27"), "%s", text);
    cr_expect(strstr(text, "the rest of the file is 5 zero bytes, likely from a power loss") !=
                  NULL,
              "%s", text);
    cr_expect(eq(i64, story_bytes(INCR_1), (int64_t)sizeof log), "the file is left alone");
}

Test(replay, ends_with_a_file_that_is_missing)
{
    char text[REPLAY_ERROR_MAX];
    story_list(t, INCR_1, 1, 'i', -1);
    story_fails(t, 1, true, text);
    cr_expect(strstr(text, INCR_1) != NULL, "%s", text);
}

Test(replay, logs_errors_of_commands_and_goes_on)
{
    story_add_log(t, "SET a x\nINCR a\nINCR a\nSET b 1\n");
    cr_assert(story_start(t, 3));
    EXPECT_ASK("MGET a b", "*2\r\n$1\r\nx\r\n$1\r\n1\r\n");
    cr_expect(story_says(t, "== CRITICAL == This server is sending an error to its "
                            "AOF-loading-client: 'ERR value is not an integer or out of range' "
                            "after processing the command 'incr'"));
    cr_expect(story_says(t, "2 commands of the append only file answered with an error"));
    story_stop(t);
}

// ---- logs of several shards

static void add_logs(const char *one, const char *two, const char *three)
{
    story_add(t, "appendonly.aof.1.incr.aof", 1, 'i', 0, one);
    story_add(t, "appendonly.aof.2.incr.aof", 2, 'i', 1, two);
    story_add(t, "appendonly.aof.3.incr.aof", 3, 'i', 2, three);
}

// Each key was one shard's at a time; where it went to another one, a point of order says so.
Test(replay, runs_what_several_shards_did_in_its_order)
{
    add_logs("SET a 1\nAPPEND m x\n#TX:1 2\nMULTI\nEXEC\nSET a 2\n",
             "SET b 1\n#TX:1 2\nMULTI\nEXEC\nAPPEND m y\n#TX:2 2\nMULTI\nSET b 2\nEXEC\n",
             "#TX:2 2\nMULTI\nEXEC\nAPPEND m z\nSET c 1\n");
    for (uint32_t shards = 1; shards <= 3; shards += 2) {
        cr_assert(story_start(t, shards));
        EXPECT_ASK("MGET a b c m", "*4\r\n$1\r\n2\r\n$1\r\n2\r\n$1\r\n1\r\n$3\r\nxyz\r\n");
        story_stop(t);
    }
}

// FLUSHALL and its like stand in each part; they are run once, between what each did before and
// behind them.
Test(replay, runs_what_is_about_the_whole_server_once)
{
    add_logs("SET a 1\n#TX:7 3\nMULTI\nSET d 1\nFLUSHALL\nSET e 1\nSWAPDB 0 1\nEXEC\nSET f 1\n",
             "SET b 1\n#TX:7 3\nMULTI\nFLUSHALL\nSWAPDB 0 1\nSET g 1\nEXEC\n",
             "SET c 1\n#TX:7 3\nMULTI\nFLUSHALL\nSET h 1\nSET i 1\nSWAPDB 0 1\nEXEC\nSET j 1\n");
    for (uint32_t shards = 1; shards <= 3; shards += 2) {
        cr_assert(story_start(t, shards));
        EXPECT_ASK("EXISTS f g j", ":3\r\n");
        EXPECT_ASK("DBSIZE", ":3\r\n");
        EXPECT_ASK("SELECT 1", "+OK\r\n");
        EXPECT_ASK("EXISTS e h i", ":3\r\n");
        EXPECT_ASK("DBSIZE", ":3\r\n");
        story_stop(t);
    }
}

Test(replay, loads_generations_one_after_the_other)
{
    add_logs("SET a 1\n", "SET b 1\n#TX:1 2\nMULTI\nINCR b\nEXEC\n",
             "#TX:1 2\nMULTI\nSET c 1\nEXEC\n");
    story_add(t, "appendonly.aof.4.incr.aof", 4, 'i', 0, "INCR b\n#TX:2 2\nMULTI\nDEL a\nEXEC\n");
    story_add(t, "appendonly.aof.5.incr.aof", 5, 'i', 1, "#TX:2 2\nMULTI\nINCR c\nEXEC\n");
    cr_assert(story_start(t, 3));
    EXPECT_ASK("MGET a b c", "*3\r\n$-1\r\n$1\r\n3\r\n$1\r\n2\r\n");
    story_stop(t);
}

// One part was not written: it was never acknowledged, and goes everywhere, with what follows it.
Test(replay, leaves_out_a_transaction_that_is_not_whole)
{
    struct wire_text whole = story_commands("SET a 1\n");
    add_logs("SET a 1\n#TX:1 3\nMULTI\nSET a 2\nEXEC\nSET x 1\n",
             "SET b 1\n#TX:1 3\nMULTI\nSET b 2\nEXEC\n", "SET c 1\n");
    cr_assert(story_start(t, 3));
    EXPECT_ASK("MGET a b c x", "*4\r\n$1\r\n1\r\n$1\r\n1\r\n$1\r\n1\r\n$-1\r\n");
    cr_expect(eq(i64, story_bytes("appendonly.aof.1.incr.aof"), (int64_t)whole.size));
    cr_expect(eq(i64, story_bytes("appendonly.aof.2.incr.aof"), (int64_t)whole.size));
    cr_expect(eq(i64, story_bytes("appendonly.aof.3.incr.aof"), (int64_t)whole.size));
    story_stop(t);
    wire_free(&whole);
}

Test(replay, ends_with_parts_that_do_not_say_the_same)
{
    char text[REPLAY_ERROR_MAX];
    add_logs("#TX:1 2\nMULTI\nFLUSHALL\nEXEC\n", "#TX:1 2\nMULTI\nFLUSHDB\nEXEC\n", "SET c 1\n");
    story_fails(t, 3, true, text);
    cr_expect(strstr(text, "transaction 1 of several shards") != NULL, "%s", text);
}

// ---- long logs

enum { MANY = 200000 };

static void add_long_log(void)
{
    struct wire_text w = { 0 };
    for (int i = 0; i < MANY; i++) {
        if (i % 1000 == 0) wire_add_request(&w, "MULTI");
        wire_add_request(&w, "APPEND key:%d x", i % (MANY / 2));
        if (i % 1000 == 700) wire_add_request(&w, "EXEC");
    }
    story_add_bytes(t, INCR_1, 1, 'i', -1, w.data, w.size);
    wire_free(&w);
}

static bool all_have(struct story *story, const char *size)
{
    char line[64];
    for (int i = 0; i < MANY / 2; i += 997) {
        snprintf(line, sizeof line, "STRLEN key:%d", i);
        if (!peer_ask(story->peer, line, size)) return false;
    }
    return true;
}

Test(replay, answers_loading_meanwhile)
{
    char error[REPLAY_ERROR_MAX];
    add_long_log();
    for (uint32_t shards = 1; shards <= 3; shards += 2) {
        cr_assert(story_begin(t, shards, true, error), "%s", error);
        story_serve(t, story_fixture(t, shards), shards);
        cr_assert(persist_is_loading(&t->persist));
        EXPECT_ASK("GET key:1", "-LOADING Redis is loading the dataset in memory\r\n");
        uint64_t done = t->persist.load_log_done, total = t->persist.load_log_bytes;
        cr_expect(gt(u64, done, 0));
        cr_expect(lt(u64, done, total));
        cr_assert(story_is_loaded(t));
        cr_expect(eq(u64, t->persist.load_log_done, total));
        EXPECT_ASK("DBSIZE", ":100000\r\n");
        cr_expect(all_have(t, ":2\r\n"));
        story_stop(t);
    }
}

Test(replay, may_be_closed_at_any_time)
{
    char error[REPLAY_ERROR_MAX];
    add_long_log();
    for (uint32_t shards = 1; shards <= 3; shards += 2) {
        cr_assert(story_begin(t, shards, true, error), "%s", error);
        story_serve(t, story_fixture(t, shards), shards);
        cr_assert(persist_is_loading(&t->persist));
        story_stop(t);
    }
}

// ---- DEBUG LOADAOF

Test(replay, loads_once_more_on_request)
{
    story_add_log(t, "SET a 1\nSELECT 2\nSET b 2\n");
    for (uint32_t shards = 1; shards <= 3; shards += 2) {
        cr_assert(story_start(t, shards));
        EXPECT_ASK("MSET x 1 y 2 z 3", "+OK\r\n");
        EXPECT_ASK("DEBUG LOADAOF", "+OK\r\n");
        EXPECT_ASK("MGET a x y z", "*4\r\n$1\r\n1\r\n$-1\r\n$-1\r\n$-1\r\n");
        EXPECT_ASK("DBSIZE", ":1\r\n");
        EXPECT_ASK("SET c 1", "+OK\r\n");
        EXPECT_ASK("DEBUG LOADAOF", "+OK\r\n");
        EXPECT_ASK("DBSIZE", ":1\r\n");
        story_stop(t);
    }
}

Test(replay, waits_for_what_is_not_written_before_it_loads_once_more)
{
    story_add_log(t, "SET a 1\n");
    cr_assert(story_start(t, 1));
    t->persist.aof.shards[0].appended = 10;
    peer_say(t->peer, "DEBUG LOADAOF\r\n");
    struct peer *other = peer_connect(t->crowd->f);
    peer_say(other, "SET x 1\r\n");
    fixture_steps(t->crowd->f, 50);
    cr_expect(peer_is_quiet(t->peer));
    cr_expect(peer_is_quiet(other), "writes wait");
    t->persist.aof.shards[0].written = 10;
    cr_expect(peer_got(t->peer, "+OK\r\n"));
    cr_expect(peer_got(other, "+OK\r\n"));
    EXPECT_ASK("DBSIZE", ":2\r\n");
    t->persist.aof.shards[0].appended = 20;
    t->persist.aof.shards[0].error = ENOSPC;
    EXPECT_ASK("DEBUG LOADAOF",
               "-ERR Error trying to load the append only file, check server logs.\r\n");
    EXPECT_ASK("SET y 1", "+OK\r\n");
    t->persist.aof.state = AOF_OFF;
    EXPECT_ASK("DEBUG LOADAOF",
               "-ERR The append only file is off, or its first base is not done\r\n");
    story_stop(t);
}
