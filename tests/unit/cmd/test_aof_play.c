// Expected values: spec/aof.md chapters 4, 7 and 10; what Redis 7.0 does with such a log.
#include "dataplane/cmd/aof_play.h"
#include "dataplane/cmd/script_run.h"
#include "tests/unit/cmd/node_harness.h"

// ---- a log as lines, and what becomes of it

enum { WORDS_MAX = 32 };

struct rig {
    struct aof_play play;
    struct aof_queue queue;
    uint32_t db;
    uint32_t waits; // for a command about the whole server
};

static void open_rig(struct rig *r, struct server *s)
{
    memset(r, 0, sizeof *r);
    aof_play_open(&r->play, s);
    aof_queue_init(&r->queue, s->heap);
}

static void close_rig(struct rig *r)
{
    aof_queue_close(&r->queue);
    aof_play_close(&r->play);
}

// Words with single spaces between them; good as long as line is.
static void add(struct rig *r, const char *line)
{
    struct bytes argv[WORDS_MAX];
    uint32_t argc = 0;
    while (line) {
        const char *end = strchr(line, ' ');
        argv[argc++] = bytes_make(line, end ? (size_t)(end - line) : strlen(line));
        line = end ? end + 1 : NULL;
    }
    aof_queue_add(&r->queue, argv, argc, r->queue.count);
    aof_queue_end_unit(&r->queue);
}

static enum aof_play_result play(struct rig *r, bool is_part)
{
    enum aof_play_result result;
    aof_play_begin(&r->play);
    do {
        result = aof_play_step(&r->play, &r->queue, &r->db, is_part);
    } while (result == AOF_PLAY_GOES_ON);
    aof_play_end(&r->play);
    return result;
}

// lines end with NULL. All of it runs.
static void play_lines(struct server *s, const char *const *lines)
{
    struct rig r;
    open_rig(&r, s);
    for (; *lines; lines++) add(&r, *lines);
    enum aof_play_result result = play(&r, false);
    cr_expect(eq(int, result, AOF_PLAY_DONE), "%s", r.play.refusal);
    cr_expect(eq(sz, r.queue.done, r.queue.count));
    cr_expect(eq(u64, r.play.errors, 0), "%s", r.play.error_text);
    close_rig(&r);
}
#define PLAY(server, ...) play_lines((server), (const char *const[]){ __VA_ARGS__, NULL })

static struct harness *h;
static void open_harness(void) { h = harness_open(); }
static void close_harness(void) { harness_close(h); }
TestSuite(aof_play, .init = open_harness, .fini = close_harness);

// ---- what runs

Test(aof_play, runs_writes_of_every_database)
{
    PLAY(&h->server, "SET a 1", "SELECT 3", "RPUSH l x y", "set a 2", "SELECT 0", "INCR a");
    EXPECT_REPLY(h, "GET a", "$1\r\n2\r\n");
    harness_run(h, "SELECT 3");
    EXPECT_REPLY(h, "GET a", "$1\r\n2\r\n");
    EXPECT_REPLY(h, "LLEN l", ":2\r\n");
}

// More than are prepared together, and each rests on the one before.
Test(aof_play, runs_in_the_order_of_the_log)
{
    struct rig r;
    open_rig(&r, &h->server);
    for (int i = 0; i < 10 * AOF_PLAY_AHEAD; i++) {
        add(&r, "APPEND s x");
        add(&r, i % 2 ? "SWAPDB 0 1" : "RENAME s t");
        if (i % 2 == 0) add(&r, "RENAME t s");
        if (i % 2) add(&r, "SWAPDB 1 0");
    }
    cr_expect(eq(int, play(&r, false), AOF_PLAY_DONE));
    close_rig(&r);
    EXPECT_REPLY(h, "STRLEN s", ":160\r\n");
}

// For key-load-delay.
Test(aof_play, runs_no_more_commands_than_it_may)
{
    struct rig r;
    open_rig(&r, &h->server);
    for (int i = 0; i < 3 * AOF_PLAY_AHEAD; i++) add(&r, "INCR a");
    aof_play_begin(&r.play);
    for (size_t some = 0; some < 4; some++) {
        size_t done = r.queue.done;
        r.play.commands_left = some;
        cr_expect(eq(int, aof_play_step(&r.play, &r.queue, &r.db, false), AOF_PLAY_GOES_ON));
        cr_expect(eq(sz, r.queue.done, done + some));
        cr_expect(eq(u64, r.play.commands_left, 0));
    }
    aof_play_end(&r.play);
    close_rig(&r);
    EXPECT_REPLY(h, "GET a", "$1\r\n6\r\n");
}

Test(aof_play, reads_past_what_changes_nothing)
{
    PLAY(&h->server, "PING", "PUBLISH c hello", "GET a", "SET a 1", "KEYS *",
         "XREAD BLOCK 0 STREAMS s 0");
    EXPECT_REPLY(h, "DBSIZE", ":1\r\n");
}

Test(aof_play, runs_blocking_writes_without_waiting)
{
    PLAY(&h->server, "BLPOP l 0", "RPUSH l a b", "BLPOP l 0");
    EXPECT_REPLY(h, "LRANGE l 0 -1", "*1\r\n$1\r\nb\r\n");
}

// A log that Redis wrote before version 7 holds scripts as they were called.
Test(aof_play, runs_scripts)
{
    PLAY(&h->server, "SCRIPT LOAD return\tredis.call('INCR',KEYS[1])",
         "EVAL return\tredis.call('SET',KEYS[1],ARGV[1]) 1 k 5",
         "EVALSHA f69399fc64ef6862cfba357027e9d89dcc18a934 1 k", "PFADD hll a b", "PFCOUNT hll");
    EXPECT_REPLY(h, "GET k", "$1\r\n6\r\n");
}

Test(aof_play, refuses_what_no_log_holds)
{
    static const char *const lines[] = { "SHUTDOWN",
                                         "SAVE",
                                         "DEBUG SEGFAULT",
                                         "SUBSCRIBE c",
                                         "CONFIG SET maxclients 1",
                                         "MONITOR",
                                         "CLIENT PAUSE 1000",
                                         "ACL SETUSER x",
                                         "BGREWRITEAOF",
                                         "MULTI",
                                         "QUIT",
                                         "FUNCTION KILL" };
    for (uint32_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct rig r;
        open_rig(&r, &h->server);
        add(&r, "SET a 1");
        add(&r, lines[i]);
        add(&r, "SET b 1");
        cr_expect(eq(int, play(&r, false), AOF_PLAY_REFUSED), "%s", lines[i]);
        cr_expect(eq(sz, r.queue.done, 1), "%s", lines[i]);
        close_rig(&r);
    }
    EXPECT_REPLY(h, "EXISTS a b", ":1\r\n");
}

// Every command that is about the server, its clients or its settings, whatever is added to the
// table later.
Test(aof_play, refuses_every_command_of_administrators)
{
    for (uint16_t id = 0; id < command_count(); id++) {
        const struct command *row = command_by_id(id);
        if (!(row->flags & (CMD_ADMIN | CMD_PROTECTED)) || row->flags & CMD_PUBSUB) continue;
        struct rig r;
        char line[256] = "";
        snprintf(line, sizeof line, "%s", row->full_name);
        char *bar = strchr(line, '|');
        if (bar) *bar = ' ';
        for (int have = bar ? 2 : 1, want = abs(row->arity); have < want; have++)
            strcat(line, " x");
        open_rig(&r, &h->server);
        add(&r, line);
        cr_expect(eq(int, play(&r, false), AOF_PLAY_REFUSED), "%s", line);
        close_rig(&r);
    }
}

static void expect_refusal(const char *line, const char *why)
{
    struct rig r;
    open_rig(&r, &h->server);
    add(&r, line);
    cr_expect(eq(int, play(&r, false), AOF_PLAY_REFUSED), "%s", line);
    cr_expect(eq(str, r.play.refusal, (char *)(uintptr_t)why));
    close_rig(&r);
}

Test(aof_play, says_why_it_refuses)
{
    expect_refusal("SETT a 1", "Unknown command 'SETT'");
    expect_refusal("FUNCTION FOO", "Unknown command 'FUNCTION'");
    expect_refusal("SET a", "Wrong number of arguments of command 'SET'");
    expect_refusal("SAVE", "Not a command that a log holds: 'SAVE'");
    expect_refusal("SELECT 16", "SELECT of database 16, of a server configured to handle more than "
                                "16 databases");
    expect_refusal("SELECT x", "SELECT of no database: 'x'");
}

// As Redis: an error that a command answers with is logged, and the rest is loaded.
Test(aof_play, goes_on_behind_errors)
{
    struct rig r;
    open_rig(&r, &h->server);
    add(&r, "SET a x");
    add(&r, "RPUSH a y");
    add(&r, "INCR a");
    add(&r, "SET b 1");
    cr_expect(eq(int, play(&r, false), AOF_PLAY_DONE));
    cr_expect(eq(u64, r.play.errors, 2));
    cr_expect(eq(str, r.play.error_text, (char *)"ERR value is not an integer or out of range"));
    close_rig(&r);
    EXPECT_REPLY(h, "MGET a b", "*2\r\n$1\r\nx\r\n$1\r\n1\r\n");
}

// ---- time

// 1600000000000 is long past. What is alive afterwards, PERSIST made so.
Test(aof_play, finds_keys_whose_time_has_passed)
{
    PLAY(&h->server, "SET a 5 PXAT 1600000000000", "INCR a", "PERSIST a",
         "SET b 1 PXAT 1600000000000", "RPUSH l x", "PEXPIREAT l 1600000000000", "RPUSH l y",
         "RENAME l m", "PERSIST m");
    EXPECT_REPLY(h, "GET a", "$1\r\n6\r\n");
    EXPECT_REPLY(h, "GET b", "$-1\r\n");
    EXPECT_REPLY(h, "LLEN m", ":2\r\n");
}

Test(aof_play, stores_a_time_that_has_passed)
{
    PLAY(&h->server, "SET a 5", "EXPIRE a -5", "SET b 5", "EXPIREAT b 0", "SET c 5",
         "GETEX c PXAT 1600000000000");
    EXPECT_REPLY(h, "DBSIZE", ":3\r\n");
    EXPECT_REPLY(h, "MGET a b c", "*3\r\n$-1\r\n$-1\r\n$-1\r\n");
    EXPECT_REPLY(h, "DBSIZE", ":0\r\n");
    PLAY(&h->server, "SET a 5", "EXPIRE a -5", "INCR a", "PERSIST a");
    EXPECT_REPLY(h, "GET a", "$1\r\n6\r\n");
}

Test(aof_play, counts_relative_times_from_now)
{
    PLAY(&h->server, "SET a 5 EX 100", "SET b 1", "EXPIRE b 50");
    EXPECT_REPLY(h, "TTL a", ":100\r\n");
    EXPECT_REPLY(h, "TTL b", ":50\r\n");
}

Test(aof_play, finds_fields_whose_time_has_passed)
{
    PLAY(&h->server, "HSET h f 5 g 1", "HPEXPIREAT h 1600000000000 FIELDS 1 f", "HINCRBY h f 1",
         "HPERSIST h FIELDS 1 f");
    EXPECT_REPLY(h, "HGET h f", "$1\r\n6\r\n");
}

// ---- nobody is in its way, and nobody hears of it

Test(aof_play, knows_no_limit_of_memory)
{
    h->settings.maxmemory = 1;
    PLAY(&h->server, "SET a 1", "EVAL return\tredis.call('SET','b','2') 0");
    h->settings.maxmemory = 0;
    EXPECT_REPLY(h, "MGET a b", "*2\r\n$1\r\n1\r\n$1\r\n2\r\n");
}

Test(aof_play, runs_a_long_script_to_its_end)
{
    h->settings.busy_reply_threshold = 1;
    PLAY(&h->server, "EVAL for\ti=1,3000000\tdo\tend\treturn\tredis.call('SET','a','1') 0");
    EXPECT_REPLY(h, "GET a", "$1\r\n1\r\n");
}

static uint32_t heard;
static void hear(struct server *s, uint32_t db, struct bytes key, uint32_t class, const char *event)
{
    heard++;
}

Test(aof_play, tells_nobody)
{
    struct harness_client *watcher = harness_client_open(h);
    harness_client_run(watcher, "WATCH a");
    cr_assert(h->server.on_changed != NULL);
    heard = 0;
    h->server.on_changed = hear;
    h->effects_size = 0;
    PLAY(&h->server, "SET a 1", "DEL a", "SET a 2");
    cr_expect(eq(u32, heard, 0));
    cr_expect(eq(sz, h->effects_size, 0));
    cr_expect(h->server.on_changed != NULL && h->server.on_changed != hear, "as it is to be");
    harness_client_close(watcher);
    harness_run(h, "SET b 1");
    cr_expect(eq(str, h->effects, (char *)"SET b 1;"), "the log goes on");
}

Test(aof_play, counts_no_command)
{
    uint64_t before = h->tally.commands_processed;
    PLAY(&h->server, "SET a 1", "SET b 1");
    cr_expect(eq(u64, h->tally.commands_processed, before));
}

// ---- several shards

static struct node_harness *n;
static void open_node(void) { n = node_open(); }
static void close_node(void) { node_close(n); }
TestSuite(aof_play_shards, .init = open_node, .fini = close_node);

Test(aof_play_shards, puts_each_key_where_it_belongs)
{
    struct rig r;
    uint32_t homes = 0;
    open_rig(&r, n->node.servers[0]);
    char lines[100][32];
    for (int i = 0; i < 100; i++) {
        snprintf(lines[i], sizeof lines[i], "SET k%d %d", i, i);
        add(&r, lines[i]);
    }
    cr_expect(eq(int, play(&r, false), AOF_PLAY_DONE));
    close_rig(&r);
    EXPECT_NODE(n, "DBSIZE", ":100\r\n");
    for (uint32_t i = 0; i < NODE_SHARDS; i++)
        homes += keyspace_size(n->node.servers[i]->keyspace, 0) > 10;
    cr_expect(eq(u32, homes, NODE_SHARDS));
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "k%d", i);
        struct server *home = server_home(n->node.servers[0], bytes_text(name));
        struct key key = key_make(home->keyspace, bytes_text(name));
        cr_expect(keyspace_peek(home->keyspace, 0, &key) != NULL, "%s", name);
    }
}

Test(aof_play_shards, runs_commands_over_several_shards)
{
    PLAY(n->node.servers[0], "MSET a 1 b 2 c 3 d 4 e 5 f 6", "RENAME a g", "SUNIONSTORE s x y",
         "COPY b h", "SELECT 1", "SET a 9", "SWAPDB 0 1");
    EXPECT_NODE(n, "DBSIZE", ":1\r\n");
    PLAY(n->node.servers[0], "FLUSHDB");
    EXPECT_NODE(n, "DBSIZE", ":0\r\n");
    PLAY(n->node.servers[0], "SWAPDB 0 1");
    EXPECT_NODE(n, "DBSIZE", ":7\r\n");
    PLAY(n->node.servers[0], "FLUSHALL ASYNC");
    EXPECT_NODE(n, "DBSIZE", ":0\r\n");
}

static void add_library(struct rig *r)
{
    static const char code[] = "#!lua name=lib\n"
                               "redis.register_function('f', function(keys) "
                               "return redis.call('INCR', keys[1]) end)";
    struct bytes argv[] = { BYTES_LITERAL("FUNCTION"), BYTES_LITERAL("LOAD"), BYTES_LITERAL(code) };
    aof_queue_add(&r->queue, argv, 3, 0);
    aof_queue_end_unit(&r->queue);
}

Test(aof_play_shards, loads_functions_on_each_shard)
{
    struct rig r;
    open_rig(&r, n->node.servers[0]);
    add_library(&r);
    add(&r, "FCALL f 1 a");
    add(&r, "FCALL f 1 b");
    add(&r, "FCALL f 1 c");
    cr_expect(eq(int, play(&r, false), AOF_PLAY_DONE), "%s", r.play.refusal);
    cr_expect(eq(u64, r.play.errors, 0), "%s", r.play.error_text);
    close_rig(&r);
    for (uint32_t i = 0; i < NODE_SHARDS; i++)
        cr_expect(function_find(&n->node.servers[i]->scripts->functions, BYTES_LITERAL("f")) !=
                  NULL);
    EXPECT_NODE(n, "MGET a b c", "*3\r\n$1\r\n1\r\n$1\r\n1\r\n$1\r\n1\r\n");
}

// EVAL may touch any shard, declared or not.
Test(aof_play_shards, runs_scripts_over_all_shards)
{
    PLAY(n->node.servers[0], "EVAL for\ti=1,50\tdo\tredis.call('SET','k'..i,i)\tend 1 k1",
         "SET z 1", "EVAL for\ti=1,50\tdo\tredis.call('INCR','k'..i)\tend 0");
    EXPECT_NODE(n, "DBSIZE", ":51\r\n");
    EXPECT_NODE(n, "MGET k1 k2 k3 k50", "*4\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n$2\r\n51\r\n");
}

Test(aof_play_shards, finds_what_has_passed_on_every_shard)
{
    PLAY(n->node.servers[0], "MSET a 1 b 2 c 3 d 4", "PEXPIREAT a 1600000000000",
         "PEXPIREAT b 1600000000000", "PEXPIREAT c 1600000000000", "INCR a", "INCR b", "INCR c",
         "RENAME a d", "PERSIST b", "PERSIST c", "PERSIST d");
    EXPECT_NODE(n, "MGET b c d", "*3\r\n$1\r\n3\r\n$1\r\n4\r\n$1\r\n2\r\n");
}

// A part of a transaction stops where all have to be at hand; a command about the whole server is
// run once then.
Test(aof_play_shards, stops_a_part_before_what_concerns_all)
{
    struct rig r;
    open_rig(&r, n->node.servers[0]);
    add(&r, "SELECT 2");
    add(&r, "SET a 1");
    add(&r, "FLUSHDB");
    add(&r, "SET b 1");
    add_library(&r);
    cr_expect(eq(int, play(&r, true), AOF_PLAY_WAITS));
    cr_expect(eq(sz, r.queue.done, 2));
    cr_expect(eq(int, play(&r, true), AOF_PLAY_WAITS), "it stays there");
    aof_play_begin(&r.play);
    aof_play_whole(&r.play, &r.queue, r.db);
    aof_play_end(&r.play);
    cr_expect(eq(sz, r.queue.done, 3));
    cr_expect(eq(int, play(&r, true), AOF_PLAY_WAITS));
    cr_expect(eq(sz, r.queue.done, 4));
    close_rig(&r);
    node_run(n, "SELECT 2");
    EXPECT_NODE(n, "KEYS *", "*1\r\n$1\r\nb\r\n");
}

// ---- the queue

Test(aof_play, keeps_the_begin_of_a_unit)
{
    struct rig r;
    open_rig(&r, &h->server);
    add(&r, "SET a 1");
    struct bytes half[] = { BYTES_LITERAL("SET"), BYTES_LITERAL("b"), BYTES_LITERAL("2") };
    aof_queue_add(&r.queue, half, 3, 77);
    cr_expect(eq(int, play(&r, false), AOF_PLAY_DONE));
    aof_queue_trim(&r.queue);
    EXPECT_REPLY(h, "DBSIZE", ":1\r\n");
    cr_expect(eq(sz, r.queue.count, 1));
    cr_expect(eq(u64, r.queue.commands[0].offset, 77));
    aof_queue_end_unit(&r.queue);
    cr_expect(eq(int, play(&r, false), AOF_PLAY_DONE));
    EXPECT_REPLY(h, "MGET a b", "*2\r\n$1\r\n1\r\n$1\r\n2\r\n");
    close_rig(&r);
}

Test(aof_play, gives_back_what_a_giant_unit_took)
{
    enum { MANY = 300000 };
    struct rig r;
    open_rig(&r, &h->server);
    for (int i = 0; i < MANY; i++) add(&r, "INCR a");
    uint64_t most = h->heap.bytes_total;
    cr_expect(eq(int, play(&r, false), AOF_PLAY_DONE));
    aof_queue_trim(&r.queue);
    cr_expect(lt(u64, h->heap.bytes_total, most / 2));
    close_rig(&r);
    EXPECT_REPLY(h, "GET a", "$6\r\n300000\r\n");
}
