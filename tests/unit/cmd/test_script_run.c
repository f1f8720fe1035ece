// Scripts that take long: what others get meanwhile, ending them, and undoing what they wrote.
#include "dataplane/cmd/script_run.h"
#include "dataplane/cmd/transaction.h"
#include "tests/unit/cmd/harness.h"

#define LOOP " while true do end"
static const char busy[] = "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or "
                           "SHUTDOWN NOSAVE.\r\n";

// A server on which a script is slow after 1 ms, and the clients: one that runs it, another.
struct busy {
    struct harness *h;
    struct harness_client *runs, *other;
};

static struct busy busy_open(void)
{
    struct busy b = { .h = harness_open() };
    b.h->settings.busy_reply_threshold = 1;
    b.h->no_slices = true;
    b.runs = harness_client_open(b.h);
    b.other = harness_client_open(b.h);
    return b;
}

static void busy_close(struct busy *b)
{
    if (b->runs) harness_client_close(b->runs);
    harness_client_close(b->other);
    harness_close(b->h);
}

static const char *other(struct busy *b, const char *command)
{
    return harness_client_run(b->other, command);
}
#define EXPECT_OTHER(b, command, expected)                                                         \
    cr_expect(eq(str, (char *)other((b), (command)), (char *)(expected)), "%s", (command))

// Lua text as the whole of an EVAL; it goes on until it is killed.
static void start(struct busy *b, const char *body)
{
    char command[1024];
    snprintf(command, sizeof command, "EVAL \"%s" LOOP "\" 0", body);
    cr_expect(eq(str, (char *)harness_client_run(b->runs, command), ""));
    cr_assert(b->h->server.busy_script != NULL);
    cr_expect(ne(u32, b->runs->client.flags & CLIENT_IN_JOB, 0));
}

static const char *finish(struct busy *b)
{
    b->h->effects_size = 0;
    b->h->effects[0] = 0;
    while (jobs_run(&b->h->server, 1)) continue;
    cr_expect(b->h->server.busy_script == NULL);
    return b->runs ? harness_client_wire(b->runs) : "";
}

static void expect_killed(struct busy *b, const char *how)
{
    char text[128];
    snprintf(text, sizeof text, "-ERR Script killed by user with %s", how);
    const char *wire = finish(b);
    cr_expect(eq(int, strncmp(wire, text, strlen(text)), 0), "%s", wire);
}

static const char *digest_of(struct busy *b)
{
    b->h->no_slices = false;
    const char *wire = harness_run(b->h, "DEBUG DIGEST");
    b->h->no_slices = true;
    return wire;
}

Test(script_run, goes_on_to_its_end_in_slices_when_it_takes_long)
{
    struct harness *h = harness_open();
    h->settings.busy_reply_threshold = 1;
    EXPECT_REPLY(h,
                 "EVAL \"local n = 0 for i = 1,3000000 do n = n + 1 end "
                 "redis.call('set','n',n) return n\" 0",
                 ":3000000\r\n");
    cr_expect(gt(u32, h->slices, 3));
    cr_expect(eq(str, h->effects, "set n 3000000;"));
    cr_expect(eq(u64, h->tally.commands[command_find(BYTES_LITERAL("eval"))->id].calls, 1));
    harness_close(h);
}

Test(script_run, is_never_slow_when_the_threshold_is_0)
{
    struct harness *h = harness_open();
    h->settings.busy_reply_threshold = 0;
    EXPECT_REPLY(h, "EVAL \"for i = 1,1000000 do end return 1\" 0", ":1\r\n");
    cr_expect(eq(u32, h->slices, 0));
    harness_close(h);
}

Test(script_run, answers_others_with_busy_but_for_what_may_be_asked)
{
    struct busy b = busy_open();
    start(&b, "");
    EXPECT_OTHER(&b, "GET a", busy);
    EXPECT_OTHER(&b, "PING", busy);
    EXPECT_OTHER(&b, "EVAL \"return 1\" 0", busy);
    EXPECT_OTHER(&b, "FUNCTION STATS", busy);
    EXPECT_OTHER(&b, "FUNCTION KILL", busy);
    EXPECT_OTHER(&b, "SHUTDOWN", busy);
    EXPECT_OTHER(&b, "NOSUCH", "-ERR unknown command 'NOSUCH', with args beginning with: \r\n");
    EXPECT_OTHER(&b, "MULTI", "+OK\r\n");
    EXPECT_OTHER(&b, "SET a 1", busy);
    EXPECT_OTHER(&b, "EXEC",
                 "-EXECABORT Transaction discarded because of: BUSY Redis is busy running a "
                 "script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.\r\n");
    EXPECT_OTHER(&b, "WATCH a", "+OK\r\n");
    EXPECT_OTHER(&b, "UNWATCH", "+OK\r\n");
    EXPECT_OTHER(&b, "HELLO 2 AUTH x y",
                 "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
    EXPECT_OTHER(&b, "SCRIPT KILL", "+OK\r\n");
    expect_killed(&b, "SCRIPT KILL. script: ");
    EXPECT_OTHER(&b, "PING", "+PONG\r\n");
    busy_close(&b);
}

Test(script_run, cannot_be_held_by_pcall_when_it_is_killed)
{
    struct busy b = busy_open();
    start(&b, "while true do pcall(function() while true do end end) end");
    EXPECT_OTHER(&b, "SCRIPT KILL", "+OK\r\n");
    expect_killed(&b, "SCRIPT KILL.");
    busy_close(&b);
}

Test(script_run, kill_without_a_script)
{
    struct harness *h = harness_open();
    static const char text[] = "-NOTBUSY No scripts in execution right now.\r\n";
    EXPECT_REPLY(h, "SCRIPT KILL", text);
    EXPECT_REPLY(h, "SCRIPT KILL UNDO", text);
    EXPECT_REPLY(h, "FUNCTION KILL", text);
    EXPECT_REPLY(h, "SCRIPT KILL NOSUCH", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "FUNCTION KILL UNDO x", "-ERR syntax error\r\n");
    harness_close(h);
}

Test(script_run, that_has_written_is_ended_by_undo_only)
{
    struct busy b = busy_open();
    harness_run(b.h, "SET a old");
    start(&b, "redis.call('set','a','new') redis.call('set','b','new')");
    cr_expect(eq(int,
                 strncmp(other(&b, "SCRIPT KILL"),
                         "-UNKILLABLE Sorry the script already executed write commands", 60),
                 0));
    EXPECT_OTHER(&b, "SCRIPT KILL UNDO", "+OK\r\n");
    expect_killed(&b, "SCRIPT KILL UNDO, its writes were undone.");
    cr_expect(eq(str, b.h->effects, ""));
    EXPECT_OTHER(&b, "GET a", "$3\r\nold\r\n");
    EXPECT_OTHER(&b, "EXISTS b", ":0\r\n");
    EXPECT_OTHER(&b, "DBSIZE", ":1\r\n");
    busy_close(&b);
}

Test(script_run, undo_brings_back_every_type_with_its_deadlines)
{
    struct busy b = busy_open();
    static const char *const before[] = {
        "SET str text",        "SET num 123 PX 50000",
        "RPUSH list a b c",    "SADD set a b c",
        "SADD ints 1 2 3",     "ZADD zset 1 a 2 b",
        "HSET hash f v g w",   "HPEXPIRE hash 9000 FIELDS 1 f",
        "XADD stream 1-1 f v", "XGROUP CREATE stream g 0",
        "SET gone here",       "PFADD hll a b c",
    };
    char digest[64];
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        harness_run(b.h, before[i]);
        cr_assert(ne(int, b.h->wire[0], '-'), "%s: %s", before[i], b.h->wire);
    }
    b.h->settings.enable_debug_command = LOCAL_YES;
    snprintf(digest, sizeof digest, "%s", digest_of(&b));
    start(&b, "local c = redis.call c('append','str','x') c('incr','num') c('persist','num') "
              "c('lpop','list',2) c('rpush','list','z') c('spop','set') c('sadd','ints','word') "
              "c('zadd','zset',9,'a') c('hdel','hash','f') c('hset','hash','h','x') "
              "c('xadd','stream','*','f','v') c('xgroup','destroy','stream','g') "
              "c('rename','gone','there') c('pfadd','hll','d') c('set','fresh',1,'ex',9) "
              "c('copy','list','set','replace') c('del','ints')");
    EXPECT_OTHER(&b, "SCRIPT KILL UNDO", "+OK\r\n");
    expect_killed(&b, "SCRIPT KILL UNDO");
    cr_expect(eq(str, (char *)digest_of(&b), digest));
    EXPECT_OTHER(&b, "PTTL num", ":50000\r\n");
    EXPECT_OTHER(&b, "HPTTL hash FIELDS 2 f g", "*2\r\n:9000\r\n:-1\r\n");
    EXPECT_OTHER(&b, "DBSIZE", ":10\r\n");
    busy_close(&b);
}

static void fill(struct harness *h, const char *format, uint32_t count)
{
    char command[128];
    for (uint32_t i = 0; i < count; i++) {
        snprintf(command, sizeof command, format, i, i);
        harness_run(h, command);
    }
}

Test(script_run, undo_brings_back_large_collections)
{
    struct busy b = busy_open();
    char digest[64];
    b.h->settings.enable_debug_command = LOCAL_YES;
    fill(b.h, "HSET hash field:%u value:%u", 3000);
    fill(b.h, "HPEXPIRE hash 9000 FIELDS 1 field:%u", 50);
    fill(b.h, "ZADD zset %u member:%u", 3000);
    fill(b.h, "RPUSH list element:%u", 3000);
    fill(b.h, "SADD set member:%u", 3000);
    fill(b.h, "SET key:%u %u", 300);
    snprintf(digest, sizeof digest, "%s", digest_of(&b));
    start(&b,
          "local c = redis.call for i = 0,2999,7 do c('hdel','hash','field:'..i) "
          "c('zincrby','zset',5,'member:'..i) c('lset','list',i,'x') c('srem','set','member:'..i) "
          "end for i = 0,299 do c('del','key:'..i) c('set','new:'..i,1) end c('del','zset')");
    EXPECT_OTHER(&b, "SCRIPT KILL UNDO", "+OK\r\n");
    expect_killed(&b, "SCRIPT KILL UNDO");
    cr_expect(eq(str, (char *)digest_of(&b), digest));
    EXPECT_OTHER(&b, "DBSIZE", ":304\r\n");
    EXPECT_OTHER(&b, "HPTTL hash FIELDS 1 field:7", "*1\r\n:9000\r\n");
    busy_close(&b);
}

Test(script_run, undo_reaches_other_databases)
{
    struct busy b = busy_open();
    harness_run(b.h, "SET m 1");
    harness_run(b.h, "SET c 1");
    harness_run(b.h, "SELECT 2");
    harness_run(b.h, "SET c two");
    start(&b, "local c = redis.call c('move','m',1) c('copy','c','c','db',2,'replace') "
              "c('select',3) c('set','s',1)");
    EXPECT_OTHER(&b, "SCRIPT KILL UNDO", "+OK\r\n");
    expect_killed(&b, "SCRIPT KILL UNDO");
    EXPECT_OTHER(&b, "MGET m c", "*2\r\n$1\r\n1\r\n$1\r\n1\r\n");
    EXPECT_REPLY(b.h, "GET c", "$3\r\ntwo\r\n");
    cr_expect(eq(u64, keyspace_size(b.h->server.keyspace, 1), 0));
    cr_expect(eq(u64, keyspace_size(b.h->server.keyspace, 3), 0));
    busy_close(&b);
}

Test(script_run, undo_leaves_watches_stale_and_waiters_waiting)
{
    struct busy b = busy_open();
    struct harness_client *waits = harness_client_open(b.h);
    harness_client_run(waits, "BLPOP list 0");
    harness_run(b.h, "WATCH a");
    start(&b, "redis.call('set','a',1) redis.call('rpush','list','x')");
    EXPECT_OTHER(&b, "SCRIPT KILL UNDO", "+OK\r\n");
    expect_killed(&b, "SCRIPT KILL UNDO");
    harness_run(b.h, "MULTI");
    EXPECT_REPLY(b.h, "EXEC", "*-1\r\n");
    cr_expect(eq(str, (char *)harness_client_wire(waits), ""));
    EXPECT_OTHER(&b, "RPUSH list y", ":1\r\n");
    cr_expect(eq(str, (char *)harness_client_wire(waits), "*2\r\n$4\r\nlist\r\n$1\r\ny\r\n"));
    harness_client_close(waits);
    busy_close(&b);
}

// A key whose time was over went with a DEL that is not told any more: it is there again, and goes.
Test(script_run, undo_lets_expired_keys_expire_anew)
{
    struct busy b = busy_open();
    harness_run(b.h, "SET old 1 PX 10");
    harness_set_time(b.h, HARNESS_START_MS + 20);
    start(&b, "redis.call('get','old') redis.call('set','a',1)");
    EXPECT_OTHER(&b, "SCRIPT KILL UNDO", "+OK\r\n");
    expect_killed(&b, "SCRIPT KILL UNDO");
    EXPECT_OTHER(&b, "DBSIZE", ":1\r\n");
    EXPECT_OTHER(&b, "GET old", "$-1\r\n");
    cr_expect(eq(str, b.h->effects, "DEL old;"));
    busy_close(&b);
}

Test(script_run, that_flushed_cannot_be_undone)
{
    static const char *const bodies[] = { "redis.call('flushdb')", "redis.call('flushall')",
                                          "redis.call('swapdb',0,1)" };
    for (size_t i = 0; i < 3; i++) {
        struct busy b = busy_open();
        harness_run(b.h, "SET a 1");
        char body[64];
        snprintf(body, sizeof body, "redis.call('set','b',1) %s", bodies[i]);
        start(&b, body);
        cr_expect(eq(int,
                     strncmp(other(&b, "SCRIPT KILL UNDO"),
                             "-UNKILLABLE Sorry the script has written what", 45),
                     0));
        cr_expect(eq(int, strncmp(other(&b, "SCRIPT KILL"), "-UNKILLABLE", 11), 0));
        busy_close(&b); // the server closes while it runs
    }
}

Test(script_run, keeps_no_more_for_undo_than_it_may)
{
    struct busy b = busy_open();
    b.h->settings.script_undo_memory = 2000;
    start(&b, "for i = 1,200 do redis.call('set','key:'..i,i) end");
    cr_expect(eq(int, strncmp(other(&b, "SCRIPT KILL UNDO"), "-UNKILLABLE", 11), 0));
    busy_close(&b);
    b = busy_open();
    b.h->settings.script_undo_memory = 0;
    start(&b, "redis.call('set','a',1)");
    cr_expect(eq(int, strncmp(other(&b, "SCRIPT KILL UNDO"), "-UNKILLABLE", 11), 0));
    busy_close(&b);
}

Test(script_run, goes_on_when_its_client_has_gone)
{
    struct busy b = busy_open();
    harness_client_run(b.runs, "EVAL \"redis.call('set','a',1) local n = 0 for i = 1,3000000 do "
                               "n = n + 1 end redis.call('set','n',n)\" 0");
    cr_assert(b.h->server.busy_script != NULL);
    harness_client_close(b.runs);
    b.runs = NULL;
    EXPECT_OTHER(&b, "GET a", busy);
    finish(&b);
    cr_expect(eq(str, b.h->effects, "MULTI | set a 1 | set n 3000000 | EXEC;"));
    EXPECT_OTHER(&b, "GET n", "$7\r\n3000000\r\n");
    busy_close(&b);
}

Test(script_run, is_suspended_with_the_transaction_that_it_is_part_of)
{
    struct busy b = busy_open();
    harness_client_run(b.runs, "MULTI");
    harness_client_run(b.runs, "SET a 1");
    harness_client_run(b.runs, "EVAL \"redis.call('incr','a') for i = 1,3000000 do end "
                               "return redis.call('incr','a')\" 0");
    harness_client_run(b.runs, "INCR a");
    harness_client_run(b.runs, "EVAL \"return redis.call('get','a')\" 0");
    cr_expect(eq(str, (char *)harness_client_run(b.runs, "EXEC"), "*4\r\n+OK\r\n"));
    EXPECT_OTHER(&b, "GET a", busy);
    cr_expect(eq(str, (char *)finish(&b), ":3\r\n:4\r\n$1\r\n4\r\n"));
    cr_expect(eq(str, b.h->effects, "MULTI | SET a 1 | incr a | incr a | INCR a | EXEC;"));
    busy_close(&b);
}

Test(script_run, undo_of_a_transactions_script_leaves_the_rest)
{
    struct busy b = busy_open();
    harness_client_run(b.runs, "MULTI");
    harness_client_run(b.runs, "SET a 1");
    harness_client_run(b.runs, "EVAL \"redis.call('incr','a') redis.call('set','x',1)" LOOP "\" 0");
    harness_client_run(b.runs, "INCR a");
    cr_expect(eq(str, (char *)harness_client_run(b.runs, "EXEC"), "*3\r\n+OK\r\n"));
    EXPECT_OTHER(&b, "SCRIPT KILL UNDO", "+OK\r\n");
    const char *wire = finish(&b);
    cr_expect(eq(int, strncmp(wire, "-ERR Script killed by user with SCRIPT KILL UNDO", 48), 0));
    cr_expect(eq(str, (char *)wire + strlen(wire) - 4, ":2\r\n"));
    cr_expect(eq(str, b.h->effects, "MULTI | SET a 1 | INCR a | EXEC;"));
    EXPECT_OTHER(&b, "MGET a x", "*2\r\n$1\r\n2\r\n$-1\r\n");
    busy_close(&b);
}

Test(script_run, and_its_transaction_go_on_when_the_client_has_gone)
{
    struct busy b = busy_open();
    harness_client_run(b.runs, "MULTI");
    harness_client_run(b.runs, "EVAL \"for i = 1,3000000 do end\" 0");
    harness_client_run(b.runs, "CLIENT SETNAME orphan");
    harness_client_run(b.runs, "CLIENT INFO");
    harness_client_run(b.runs, "SET a 1");
    harness_client_run(b.runs, "LPUSH a nosuch");
    harness_client_run(b.runs, "EVAL \"return redis.call('incr','a')\" 0");
    harness_client_run(b.runs, "EXEC");
    cr_assert(b.h->server.busy_script != NULL);
    harness_client_close(b.runs);
    b.runs = NULL;
    finish(&b);
    cr_expect(eq(str, b.h->effects, "MULTI | SET a 1 | incr a | EXEC;"));
    busy_close(&b);
}

Test(script_run, is_ended_with_the_server_and_writes_no_more)
{
    struct busy b = busy_open();
    harness_client_run(b.runs, "MULTI");
    harness_client_run(b.runs, "SET a 1");
    harness_client_run(b.runs, "EVAL \"redis.call('incr','a')" LOOP "\" 0");
    harness_client_run(b.runs, "SET a 5");
    harness_client_run(b.runs, "EXEC");
    cr_assert(b.h->server.busy_script != NULL);
    jobs_close(&b.h->server);
    cr_expect(b.h->server.busy_script == NULL);
    cr_expect(eq(str, b.h->effects, ""));
    busy_close(&b);
}

Test(script_run, functions_have_their_own_kill)
{
    static const char text[] = "-BUSY Redis is busy running a script. You can only call FUNCTION "
                               "KILL or SHUTDOWN NOSAVE.\r\n";
    struct busy b = busy_open();
    harness_run(b.h, "FUNCTION LOAD \"#!lua name=l\\nredis.register_function('f', function(k, a) "
                     "while true do end end)\"");
    harness_client_run(b.runs, "FCALL f 1 key arg");
    EXPECT_OTHER(&b, "GET a", text);
    EXPECT_OTHER(&b, "SCRIPT KILL", text);
    const char *stats = other(&b, "FUNCTION STATS");
    static const char begin[] =
        "*4\r\n$14\r\nrunning_script\r\n*6\r\n$4\r\nname\r\n$1\r\nf\r\n$7\r\ncommand\r\n"
        "*5\r\n$5\r\nFCALL\r\n$1\r\nf\r\n$1\r\n1\r\n$3\r\nkey\r\n$3\r\narg\r\n"
        "$11\r\nduration_ms\r\n:";
    cr_expect(eq(int, strncmp(stats, begin, strlen(begin)), 0), "%s", stats);
    EXPECT_OTHER(&b, "FUNCTION KILL", "+OK\r\n");
    expect_killed(&b, "FUNCTION KILL. script: f, on @user_function:");
    busy_close(&b);
}

Test(script_run, holds_jobs_of_others_and_expiry_still)
{
    struct busy b = busy_open();
    struct harness_client *third = harness_client_open(b.h);
    fill(b.h, "SET key:%u %u", 5000);
    harness_client_run(third, "KEYS nosuch*");
    cr_expect(ne(u32, third->client.flags & CLIENT_IN_JOB, 0));
    start(&b, "");
    for (int i = 0; i < 200; i++) jobs_run(&b.h->server, 1000);
    cr_expect(ne(u32, third->client.flags & CLIENT_IN_JOB, 0));
    EXPECT_OTHER(&b, "SCRIPT KILL", "+OK\r\n");
    expect_killed(&b, "SCRIPT KILL.");
    cr_expect(eq(str, (char *)harness_client_wire(third), "*0\r\n"));
    harness_client_close(third);
    busy_close(&b);
}
