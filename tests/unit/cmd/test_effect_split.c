// Effects of commands with keys of several shards: what the stream of each says, and that each
// stream, replayed by itself, makes the keys of its shard.
#include "tests/unit/cmd/joint_giants.h"

// ---- what is said

struct split_case {
    const char *before[3]; // keys to begin with; NULL: no more
    const char *command;
    const char *effects[JOINT_SHARDS]; // NULL: none; with '*' at its end: how it begins
};

// %0 %1 %2: a key of that shard; %3 %4 %5: another one of shard 0, 1, 2.
static const char *with_keys(const struct joint_node *n, const char *text)
{
    static char lines[4][1024];
    static uint32_t turn;
    char *line = lines[turn++ % 4], *at = line;
    for (const char *in = text; *in; in++) {
        if (*in != '%') {
            *at++ = *in;
            continue;
        }
        uint32_t which = (uint32_t)(*++in - '0'), others = which / JOINT_SHARDS;
        for (uint32_t i = 0;; i++) {
            sprintf(at, "k%u", i);
            if (joint_home_of(n, at) == which % JOINT_SHARDS && others-- == 0) break;
        }
        at += strlen(at);
    }
    *at = 0;
    return line;
}

static bool is_said(const char *said, const char *expected)
{
    size_t size = strlen(expected);
    if (size && expected[size - 1] == '*') return strncmp(said, expected, size - 1) == 0;
    return strcmp(said, expected) == 0;
}

// Parts of one transaction carry one number and say how many they are; what one shard did alone has
// none.
static void expect_numbered(const struct joint_node *n, const char *command)
{
    uint64_t number = 0, parts = 0;
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) {
        if (n->shard[i]->effects[0] == 0) continue;
        parts++;
        if (number == 0) number = n->shard[i]->joint_number;
        cr_expect(eq(u64, n->shard[i]->joint_number, number), "%s: shard %u", command, i);
    }
    for (uint32_t i = 0; i < JOINT_SHARDS; i++)
        if (n->shard[i]->effects[0])
            cr_expect(eq(u64, n->shard[i]->joint_count, parts > 1 ? parts : 0), "%s: shard %u",
                      command, i);
    cr_expect(eq(int, number != 0, parts > 1), "%s", command);
}

static void expect_said(struct joint_node *n, const struct split_case *c, bool is_joint)
{
    for (uint32_t i = 0; i < 3 && c->before[i]; i++)
        joint_run_routed(n, with_keys(n, c->before[i]));
    const char *command = with_keys(n, c->command);
    const char *reply = is_joint ? joint_run(n, command) : joint_run_routed(n, command);
    cr_expect(ne(int, reply[0], '-'), "%s: %s", command, reply);
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) {
        const char *expected = c->effects[i] ? with_keys(n, c->effects[i]) : "";
        cr_expect(is_said(n->shard[i]->effects, expected), "%s\nshard %u: %s\nexpected: %s",
                  command, i, n->shard[i]->effects, expected);
    }
    expect_numbered(n, command);
    joint_run(n, "FLUSHALL");
}

static void expect_all_said(const struct split_case *cases, size_t count)
{
    struct joint_node *n = joint_open();
    for (size_t i = 0; i < count; i++) expect_said(n, &cases[i], true);
    joint_close(n);
}
#define EXPECT_SAID(...)                                                                           \
    do {                                                                                           \
        static const struct split_case cases[] = { __VA_ARGS__ };                                  \
        expect_all_said(cases, sizeof cases / sizeof cases[0]);                                    \
    } while (0)

Test(effect_split, leaves_what_concerns_one_shard_as_it_is)
{
    EXPECT_SAID({ { 0 }, "MSETNX %1 a %4 b", { NULL, "MSETNX %1 a %4 b;", NULL } },
                { { "SET %2 a" }, "rename %2 %5", { NULL, NULL, "rename %2 %5;" } },
                { { "SADD %0 a" }, "SMOVE %0 %3 a", { "SMOVE %0 %3 a;", NULL, NULL } },
                { { "RPUSH %0 a" }, "LMPOP 2 %1 %0 LEFT", { "LPOP %0 1;", NULL, NULL } },
                { { "RPUSH %2 a" }, "BLPOP %1 %2 0", { NULL, NULL, "LPOP %2;" } },
                { { "ZADD %1 1 a" }, "ZMPOP 2 %2 %1 MAX", { NULL, "ZPOPMAX %1 1;", NULL } });
}

Test(effect_split, gives_each_shard_its_own_keys)
{
    EXPECT_SAID(
        { { 0 }, "mset %0 a %1 b %3 c", { "mset %0 a %3 c;", "mset %1 b;", NULL } },
        { { 0 }, "MSETNX %0 a %1 b %4 c", { "MSET %0 a;", "MSET %1 b %4 c;", NULL } },
        { { "SET %0 a" }, "MSETNX %0 a %1 b", { NULL } },
        { { "MSET %0 a %3 b %2 c" }, "DEL %0 %1 %2 %3 %0", { "DEL %0 %3;", NULL, "DEL %2;" } },
        { { "MSET %1 a %2 b" }, "unlink %0 %1 %2", { NULL, "unlink %1;", "unlink %2;" } },
        { { 0 }, "DEL %0 %1", { NULL } });
}

Test(effect_split, takes_an_element_from_one_and_gives_it_to_the_other)
{
    EXPECT_SAID({ { "RPUSH %0 a b", "RPUSH %1 x" },
                  "LMOVE %0 %1 LEFT RIGHT",
                  { "LPOP %0;", "RPUSH %1 a;", NULL } },
                { { "RPUSH %0 a b", "RPUSH %1 x" },
                  "LMOVE %0 %1 right left",
                  { "RPOP %0;", "LPUSH %1 b;", NULL } },
                { { "RPUSH %1 1 2", "RPUSH %2 x" },
                  "BLMOVE %1 %2 RIGHT RIGHT 0",
                  { NULL, "RPOP %1;", "RPUSH %2 2;" } },
                { { "RPUSH %2 a b", "RPUSH %0 x" },
                  "RPOPLPUSH %2 %0",
                  { "LPUSH %0 b;", NULL, "RPOP %2;" } },
                { { "RPUSH %2 a" }, "BRPOPLPUSH %2 %0 0", { "LPUSH %0 a;", NULL, "RPOP %2;" } },
                { { "SADD %0 a b" }, "SMOVE %0 %2 a", { "SREM %0 a;", NULL, "SADD %2 a;" } },
                { { "SADD %0 a" }, "SMOVE %0 %2 b", { NULL } });
}

Test(effect_split, says_what_a_key_is_now)
{
    EXPECT_SAID(
        { { "SET %0 a" }, "RENAME %0 %1", { "DEL %0;", "SET %1 a;", NULL } },
        { { "SET %0 a PXAT 3000000000000" },
          "RENAMENX %0 %1",
          { "DEL %0;", "SET %1 a PXAT 3000000000000;", NULL } },
        { { "RPUSH %2 a" }, "RENAME %2 %1", { NULL, "RESTORE %1 0 *", "DEL %2;" } },
        { { "RPUSH %2 a", "PEXPIREAT %2 3000000000000" },
          "COPY %2 %1",
          { NULL, "RESTORE %1 3000000000000 *", NULL } },
        { { "SET %0 a" }, "COPY %0 %1 REPLACE DB 3", { NULL, "SELECT 3 | SET %1 a;", NULL } },
        { { "SET %0 a" }, "BITOP AND %1 %0", { NULL, "SET %1 a;", NULL } },
        { { "SET %1 a" }, "BITOP AND %1 %0", { NULL, "DEL %1;", NULL } },
        // A job, whose effect is too long for the harness to show.
        { { "SETRANGE %0 1200000 x" }, "BITOP OR %1 %0", { NULL, "SET %1;", NULL } },
        { { "PFADD %0 a" }, "PFMERGE %2 %0", { NULL, NULL, "SET %2 HYLL*" } },
        { { "RPUSH %0 2 1" }, "SORT %0 STORE %2", { NULL, NULL, "RESTORE %2 0 *" } },
        { { "SET %2 a" }, "SORT %0 STORE %2", { NULL, NULL, "DEL %2;" } },
        { { "ZADD %2 1 a" }, "GEORADIUS %0 1 1 1 m STORE %2", { NULL, NULL, "DEL %2;" } });
}

// BY may look at keys of any shard, though the command names keys of one.
Test(effect_split, says_what_was_sorted_by_keys_elsewhere)
{
    EXPECT_SAID({ { "RPUSH %0 2 1" }, "SORT %0 BY w* STORE %3", { "RESTORE %3 0 *", NULL, NULL } });
}

Test(effect_split, says_what_is_stored)
{
    EXPECT_SAID({ { "SADD %0 1", "SADD %1 2" },
                  "SUNIONSTORE %2 %0 %1",
                  { NULL, NULL, "MULTI | DEL %2 | SADD %2 1 2 | EXEC;" } },
                { { "SADD %0 1", "SADD %2 3" }, "SINTERSTORE %2 %0 %1", { NULL, NULL, "DEL %2;" } },
                { { "SADD %0 1" }, "SINTERSTORE %2 %0 %1", { NULL } },
                { { "ZADD %0 1.5 a", "ZADD %1 2 b" },
                  "ZUNIONSTORE %2 2 %0 %1",
                  { NULL, NULL, "MULTI | DEL %2 | ZADD %2 1.5 a 2 b | EXEC;" } },
                { { "ZADD %0 1 a 2 b" },
                  "ZRANGESTORE %1 %0 1 1",
                  { NULL, "MULTI | DEL %1 | ZADD %1 2 b | EXEC;", NULL } },
                { { "GEOADD %0 1 1 a" },
                  "GEOSEARCHSTORE %1 %0 FROMLONLAT 1 1 BYRADIUS 1 km",
                  { NULL, "MULTI | DEL %1 | ZADD %1 3377822707026402 a | EXEC;", NULL } });
}

Test(effect_split, tells_every_shard_of_the_whole_keyspace)
{
    EXPECT_SAID(
        { { "SET %0 a" }, "FLUSHALL", { "FLUSHALL;", "FLUSHALL;", "FLUSHALL;" } },
        { { 0 }, "FLUSHDB async", { "FLUSHDB async;", "FLUSHDB async;", "FLUSHDB async;" } },
        { { 0 }, "SWAPDB 0 1", { "SWAPDB 0 1;", "SWAPDB 0 1;", "SWAPDB 0 1;" } });
}

// What each shard has a copy of.
Test(effect_split, tells_every_shard_of_functions)
{
    static const struct split_case cases[] = {
        { { 0 },
          "FUNCTION LOAD \"#!lua name=l\\nredis.register_function('f', function() return 1 end)\"",
          { "FUNCTION LOAD #!lua name=l*", "FUNCTION LOAD #!lua name=l*",
            "FUNCTION LOAD #!lua name=l*" } },
        { { 0 },
          "FUNCTION DELETE l",
          { "FUNCTION DELETE l;", "FUNCTION DELETE l;", "FUNCTION DELETE l;" } },
    };
    struct joint_node *n = joint_open();
    for (uint32_t i = 0; i < 2; i++) expect_said(n, &cases[i], false);
    joint_run_routed(n, "FUNCTION DELETE l");
    for (uint32_t i = 0; i < JOINT_SHARDS; i++)
        cr_expect(eq(str, n->shard[i]->effects, (char *)""));
    joint_close(n);
}

Test(effect_split, makes_one_unit_of_a_script_on_each_shard)
{
    static const struct split_case script = {
        { 0 },
        "EVAL \"redis.call('mset',KEYS[1],'a',KEYS[2],'b') redis.call('rename',KEYS[1],KEYS[2]) "
        "redis.call('set',KEYS[2],'c')\" 2 %0 %1",
        { "MULTI | mset %0 a | DEL %0 | EXEC;", "MULTI | mset %1 b | SET %1 a | set %1 c | EXEC;",
          NULL }
    };
    struct joint_node *n = joint_open();
    expect_said(n, &script, false);
    joint_close(n);
}

// ---- replayed

struct stream_log {
    uint8_t *bytes;
    size_t size, room, replayed;
};
struct replay {
    struct pair pair;
    uint64_t seed;
    struct stream_log log[JOINT_SHARDS];
    struct harness *copy[JOINT_SHARDS]; // its clock stands: time alone takes nothing from it
};

static void keep_unit(void *context, struct bytes front, struct byte_queue *rest,
                      uint32_t command_count)
{
    struct stream_log *log = context;
    struct bytes whole = harness_whole_unit(front, rest), unit = whole;
    (void)command_count;
    if (unit.data[0] == '#') { // a part of a transaction
        const uint8_t *behind = memchr(unit.data, '*', unit.size);
        unit = bytes_make(behind, unit.size - (size_t)(behind - unit.data));
    }
    while (log->room - log->size < unit.size) {
        log->room = log->room ? 2 * log->room : 1 << 16;
        log->bytes = realloc(log->bytes, log->room);
    }
    memcpy(log->bytes + log->size, unit.data, unit.size);
    log->size += unit.size;
    free((void *)(uintptr_t)whole.data);
}

static void open_replay(struct replay *r, uint64_t seed)
{
    open_pair(&r->pair, seed);
    r->seed = seed;
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) {
        r->log[i] = (struct stream_log){ 0 };
        effects_set_sink(&server_at(&r->pair, i)->effects, keep_unit, &r->log[i]);
        r->pair.joint->shard[i]->settings.enable_debug_command = LOCAL_YES;
        r->copy[i] = harness_open();
        r->copy[i]->settings.enable_debug_command = LOCAL_YES;
        effects_set_sink(&r->copy[i]->server.effects, forget_effects, NULL);
    }
}

static void close_replay(struct replay *r)
{
    close_pair(&r->pair);
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) {
        harness_close(r->copy[i]);
        free(r->log[i].bytes);
    }
}

static void replay(struct replay *r, uint32_t shard)
{
    struct harness *copy = r->copy[shard];
    struct stream_log *log = &r->log[shard];
    struct resp_limits limits = { 512 << 20, 1 << 30, true };
    struct bytes in = bytes_make(log->bytes + log->replayed, log->size - log->replayed);
    struct resp_request request;
    uint64_t failed = copy->tally.error_replies;
    while (in.size) {
        cr_assert(eq(int, resp_read(&copy->reader, &in, &limits, &request), RESP_REQUEST));
        harness_execute(copy, &request);
        harness_drain(copy);
        cr_assert(eq(u64, copy->tally.error_replies, failed), "seed %lu: %.300s",
                  (unsigned long)r->seed, copy->wire);
    }
    log->replayed = log->size;
}

// The same question to a shard and to its copy.
static void compare(struct replay *r, uint32_t shard, uint32_t db, const char *format,
                    const char *key)
{
    char line[128];
    int size = snprintf(line, sizeof line, format, key);
    memcpy(line + size, "\r\n", 3);
    struct harness *one = r->pair.joint->shard[shard], *other = r->copy[shard];
    uint32_t db_of_one = one->client.db, db_of_other = other->client.db;
    one->client.db = other->client.db = db;
    run_single(one, line, (size_t)size + 2);
    run_single(other, line, (size_t)size + 2);
    one->client.db = db_of_one;
    other->client.db = db_of_other;
    cr_assert(strcmp(one->wire, other->wire) == 0,
              "seed %lu, %s: %.300s\ncopy: %.300s\nbehind: %.300s", (unsigned long)r->seed, line,
              one->wire, other->wire, r->pair.what);
}

static void compare_copy_of(struct replay *r, uint32_t db, const char *key)
{
    uint32_t shard = joint_home_of(r->pair.joint, key);
    compare(r, shard, db, "TYPE %s", key);
    bool is_stream = strstr(r->copy[shard]->wire, "stream") != NULL;
    compare(r, shard, db, "PEXPIRETIME %s", key);
    compare(r, shard, db, "DEBUG DIGEST-VALUE %s", key);
    if (!is_stream) return;
    compare(r, shard, db, "XINFO STREAM %s", key);
    compare(r, shard, db, "XINFO GROUPS %s", key);
    compare(r, shard, db, "XPENDING %s grp", key);
}

static void compare_copies(struct replay *r)
{
    move_time(&r->pair, 0); // what has expired goes: a copy hears of it, and decides nothing
    for (uint32_t i = 0; i < JOINT_SHARDS; i++) replay(r, i);
    for (uint32_t db = 0; db < 2; db++) {
        for (uint32_t i = 0; i < JOINT_SHARDS; i++) compare(r, i, db, "DBSIZE", "");
        for (const char *type = types; *type; type++)
            for (uint32_t i = 0; i < KEYS_OF_TYPE; i++) {
                char key[32];
                snprintf(key, sizeof key, "%c:%u", *type, i);
                compare_copy_of(r, db, key);
            }
    }
}

static void go_through(uint64_t seed, uint32_t commands, bool has_giants)
{
    struct replay r;
    open_replay(&r, seed);
    for (uint32_t i = 0; i < commands; i++) {
        if (has_giants && i % 400 == 0) make_giants(&r.pair);
        run_any(&r.pair);
        if (i % 100 == 99) compare_copies(&r);
    }
    compare_copies(&r);
    close_replay(&r);
}

Test(effect_split, replays_to_the_same_keys, .timeout = 120)
{
    for (uint64_t seed = 1; seed <= 3; seed++) go_through(seed_now(seed), 6000, false);
}

Test(effect_split, replays_to_the_same_keys_with_giants, .timeout = 120)
{
    for (uint64_t seed = 11; seed <= 12; seed++) go_through(seed_now(seed), 1600, true);
}
