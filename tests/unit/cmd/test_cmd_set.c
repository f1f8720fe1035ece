#include "dataplane/types/set_value.h"
#include "tests/unit/cmd/harness.h"

static struct harness *h;
static void open_harness(void) { h = harness_open(); }
static void close_harness(void) { harness_close(h); }
TestSuite(cmd_set, .init = open_harness, .fini = close_harness);

#define WRONG_TYPE "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
#define NOT_AN_INTEGER "-ERR value is not an integer or out of range\r\n"

static void expect_encoding(const char *key, const char *encoding)
{
    char command[64], want[64];
    snprintf(command, sizeof command, "object encoding %s", key);
    snprintf(want, sizeof want, "$%zu\r\n%s\r\n", strlen(encoding), encoding);
    EXPECT_REPLY(h, command, want);
}

// count members: prefix and a number from first on, step apart.
static void fill(const char *name, const char *prefix, int64_t first, int64_t step, uint32_t count)
{
    struct set_builder b;
    char text[64];
    struct key key = key_make(h->server.keyspace, bytes_text(name));
    set_build_begin(&b, h->server.keyspace, &h->server.thresholds);
    for (uint32_t i = 0; i < count; i++) {
        int size = snprintf(text, sizeof text, "%s%ld", prefix, (long)(first + step * i));
        set_build_add(&b, bytes_make(text, (size_t)size));
    }
    set_build_put(&b, 0, &key, h->now_ms);
}

static uint64_t count_at(const char *name)
{
    struct key key = key_make(h->server.keyspace, bytes_text(name));
    struct entry *e = keyspace_find(h->server.keyspace, 0, &key, FIND_QUIET, h->now_ms);
    return e ? set_count(e) : 0;
}

static bool is_in(const char *name, const char *member)
{
    struct key key = key_make(h->server.keyspace, bytes_text(name));
    struct entry *e = keyspace_find(h->server.keyspace, 0, &key, FIND_QUIET, h->now_ms);
    return e && set_has(h->server.keyspace, e, bytes_text(member));
}

// The numbers in a reply of bulks behind its header, each at most once. Returns how many.
static uint32_t numbers_in(const char *wire, uint8_t *seen, uint32_t seen_count)
{
    uint32_t count = 0;
    memset(seen, 0, seen_count);
    for (const char *at = strchr(wire, '\n') + 1; *at == '$';) {
        char *end;
        long size = strtol(at + 1, &end, 10);
        long number = strtol(end + 2, NULL, 10);
        cr_assert(number >= 0 && number < (long)seen_count);
        cr_assert(not(seen[number]), "%ld twice", number);
        seen[number] = 1;
        count++;
        at = end + 2 + size + 2;
    }
    return count;
}

static bool starts(const char *text) { return strncmp(h->wire, text, strlen(text)) == 0; }

// A command that goes on as a job: other clients' commands run between its slices.
struct started {
    struct call call;
    struct bytes argv[8];
    struct resp_request request;
};
static void start(struct started *s, uint32_t argc, const char *const *words)
{
    for (uint32_t i = 0; i < argc; i++) s->argv[i] = bytes_text(words[i]);
    s->request = (struct resp_request){ .argv = s->argv, .argc = argc };
    s->call = (struct call){ .server = &h->server,
                             .client = &h->client,
                             .reply = &h->client.reply,
                             .keyspace = h->server.keyspace,
                             .argv = s->argv,
                             .argc = argc,
                             .request = &s->request,
                             .now_ms = h->now_ms };
    h->effects_size = 0;
    command_prepare(&s->call);
    command_execute(&s->call);
    cr_assert(s->call.suspended);
    cr_assert(jobs_run(&h->server, 1));
}
#define START(s, ...)                                                                              \
    do {                                                                                           \
        const char *const words_[] = { __VA_ARGS__ };                                              \
        start((s), sizeof words_ / sizeof words_[0], words_);                                      \
    } while (0)
static void finish(void)
{
    while (jobs_run(&h->server, 1)) continue;
    harness_drain(h);
}

// ---- SADD and the like

Test(cmd_set, adds_and_counts_what_is_new)
{
    EXPECT_REPLY(h, "sadd s a b a", ":2\r\n");
    cr_expect(eq(str, h->effects, "sadd s a b a;"));
    EXPECT_REPLY(h, "sadd s a", ":0\r\n");
    cr_expect(eq(str, h->effects, ""));
    EXPECT_REPLY(h, "scard s", ":2\r\n");
    EXPECT_REPLY(h, "scard none", ":0\r\n");
    EXPECT_REPLY(h, "sismember s a", ":1\r\n");
    EXPECT_REPLY(h, "sismember s c", ":0\r\n");
    EXPECT_REPLY(h, "sismember none c", ":0\r\n");
    EXPECT_REPLY(h, "smismember s a c b", "*3\r\n:1\r\n:0\r\n:1\r\n");
    EXPECT_REPLY(h, "smismember none a c", "*2\r\n:0\r\n:0\r\n");
    EXPECT_REPLY(h, "type s", "+set\r\n");
}

Test(cmd_set, refuses_other_types)
{
    static const char *const commands[] = {
        "sadd k a",          "srem k a",          "scard k",         "sismember k a",
        "smismember k a",    "smembers k",        "spop k",          "spop k 2",
        "srandmember k",     "srandmember k 2",   "smove k s a",     "smove s k a",
        "sinter s k",        "sinter none k",     "sunion s k",      "sdiff s k",
        "sinterstore d s k", "sunionstore d k s", "sdiffstore d k",  "sintercard 2 s k",
        "sscan k 0",         "sdiff none k",      "sinter k none s", "sunionstore k k",
    };
    harness_run(h, "set k v");
    harness_run(h, "sadd s a");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        EXPECT_REPLY(h, commands[i], WRONG_TYPE);
        cr_expect(eq(str, h->effects, ""));
    }
}

// t_set.c of Redis 7.2: what is added decides, and how many there are.
Test(cmd_set, chooses_the_encodings_of_redis_7_2)
{
    harness_run(h, "sadd i 1 2 3");
    expect_encoding("i", "intset");
    harness_run(h, "sadd i x");
    expect_encoding("i", "listpack");
    EXPECT_REPLY(h, "smembers i", "*4\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\nx\r\n");
    harness_run(h, "sadd i 0123456789012345678901234567890123456789012345678901234567890123"); // 64
    expect_encoding("i", "listpack");
    harness_run(h,
                "sadd i 01234567890123456789012345678901234567890123456789012345678901234"); // 65
    expect_encoding("i", "hashtable");
    h->server.thresholds.set_entries = 2;
    harness_run(h, "sadd t a b");
    expect_encoding("t", "listpack");
    harness_run(h, "sadd t a b c"); // three are more than two, whatever is new among them
    expect_encoding("t", "hashtable");
    harness_run(h, "sadd u a a a");
    expect_encoding("u", "hashtable");
    h->server.thresholds.set_intset_entries = 2;
    harness_run(h, "sadd v 1 1 1");
    expect_encoding("v", "hashtable");
    harness_run(h, "sadd w 1 2");
    expect_encoding("w", "intset");
    harness_run(h, "sadd w 3");
    expect_encoding("w", "hashtable");
}

Test(cmd_set, shows_members_in_the_order_of_redis)
{
    harness_run(h, "sadd i 300 -5 7");
    EXPECT_REPLY(h, "smembers i", "*3\r\n$2\r\n-5\r\n$1\r\n7\r\n$3\r\n300\r\n");
    harness_run(h, "sadd p b a 12 c");
    EXPECT_REPLY(h, "smembers p", "*4\r\n$1\r\nb\r\n$1\r\na\r\n$2\r\n12\r\n$1\r\nc\r\n");
    h->client.reply.version = 3;
    EXPECT_REPLY(h, "smembers i", "~3\r\n$2\r\n-5\r\n$1\r\n7\r\n$3\r\n300\r\n");
    EXPECT_REPLY(h, "smembers none", "~0\r\n");
    EXPECT_REPLY(h, "spop none", "_\r\n");
    EXPECT_REPLY(h, "spop none 1", "~0\r\n");
    EXPECT_REPLY(h, "srandmember none", "_\r\n");
    EXPECT_REPLY(h, "srandmember none 1", "*0\r\n");
    EXPECT_REPLY(h, "srandmember i 5", "*3\r\n$2\r\n-5\r\n$1\r\n7\r\n$3\r\n300\r\n");
    EXPECT_REPLY(h, "sinter i none", "~0\r\n");
    EXPECT_REPLY(h, "sunion none", "~0\r\n");
    EXPECT_REPLY(h, "sscan none 0", "*2\r\n$1\r\n0\r\n*0\r\n");
}

Test(cmd_set, removes_the_key_with_its_last_member)
{
    harness_run(h, "sadd s a b c");
    EXPECT_REPLY(h, "srem s a x", ":1\r\n");
    cr_expect(eq(str, h->effects, "srem s a x;"));
    EXPECT_REPLY(h, "srem s x", ":0\r\n");
    cr_expect(eq(str, h->effects, ""));
    EXPECT_REPLY(h, "srem s b c d e", ":2\r\n");
    EXPECT_REPLY(h, "exists s", ":0\r\n");
    EXPECT_REPLY(h, "srem s a", ":0\r\n");
}

Test(cmd_set, counts_changes_as_redis)
{
    uint64_t dirty = keyspace_dirty(h->server.keyspace);
    harness_run(h, "sadd s 1 2 3 4 5 6 7 8"); // 8
    harness_run(h, "srem s 1 2 99");          // 2
    harness_run(h, "smove s d 3");            // 2: both keys
    harness_run(h, "sadd s 3");               // 1
    harness_run(h, "smove s d 3");            // 1: it is there
    harness_run(h, "spop s");                 // 1
    harness_run(h, "spop s 2");               // 2
    harness_run(h, "sunionstore x s d");      // 1
    harness_run(h, "sinterstore x none s");   // 1: x went
    harness_run(h, "sinterstore x none s");   // 0
    harness_run(h, "spop s 99");              // 2
    cr_expect(eq(u64, keyspace_dirty(h->server.keyspace) - dirty, 21));
}

Test(cmd_set, moves_members)
{
    harness_run(h, "sadd a 1 2");
    EXPECT_REPLY(h, "smove a b 1", ":1\r\n");
    cr_expect(eq(str, h->effects, "smove a b 1;"));
    EXPECT_REPLY(h, "smove a b 1", ":0\r\n");
    EXPECT_REPLY(h, "smove none b 1", ":0\r\n");
    EXPECT_REPLY(h, "smove a a 2", ":1\r\n");
    cr_expect(eq(str, h->effects, ""));
    EXPECT_REPLY(h, "smove a a 3", ":0\r\n");
    EXPECT_REPLY(h, "smove a b 2", ":1\r\n");
    EXPECT_REPLY(h, "exists a", ":0\r\n");
    EXPECT_REPLY(h, "smembers b", "*2\r\n$1\r\n1\r\n$1\r\n2\r\n");
    harness_run(h, "set k v");
    EXPECT_REPLY(h, "smove none k 1", ":0\r\n"); // before types are looked at
}

Test(cmd_set, moves_onto_a_key_that_has_expired)
{
    harness_run(h, "sadd a 1");
    harness_run(h, "set b v px 10");
    h->now_ms += 10;
    EXPECT_REPLY(h, "smove a b 1", ":1\r\n");
    EXPECT_REPLY(h, "smembers b", "*1\r\n$1\r\n1\r\n");
}

Test(cmd_set, keeps_the_deadline)
{
    harness_run(h, "sadd s 1 2 3 4 5 6 7 8");
    harness_run(h, "expire s 100");
    harness_run(h, "sadd s x");
    harness_run(h, "srem s 1");
    harness_run(h, "spop s 7");
    EXPECT_REPLY(h, "ttl s", ":100\r\n");
    harness_run(h, "sunionstore s s");
    EXPECT_REPLY(h, "ttl s", ":-1\r\n");
}

// ---- SMEMBERS of thousands

Test(cmd_set, shows_a_large_set_as_it_was)
{
    static uint8_t seen[5000];
    struct started s;
    fill("s", "", 0, 1, 5000);
    START(&s, "smembers", "s");
    struct harness_client *other = harness_client_open(h);
    // Jobs are run to their end when another client's command is done.
    struct key key = key_make(h->server.keyspace, BYTES_LITERAL("s"));
    cr_expect(keyspace_delete(h->server.keyspace, 0, &key, h->now_ms));
    fill("s", "", 10000, 1, 10);
    finish();
    harness_client_close(other);
    cr_expect(starts("*5000\r\n"));
    cr_expect(eq(u32, numbers_in(h->wire, seen, 5000), 5000));
}

// ---- SPOP

Test(cmd_set, pops_one)
{
    harness_run(h, "sadd s 42");
    EXPECT_REPLY(h, "spop s", "$2\r\n42\r\n");
    cr_expect(eq(str, h->effects, "SREM s 42;"));
    EXPECT_REPLY(h, "exists s", ":0\r\n");
    EXPECT_REPLY(h, "spop s", "$-1\r\n");
    EXPECT_REPLY(h, "spop s 1", "*0\r\n");
    EXPECT_REPLY(h, "spop s -1", "-ERR value is out of range, must be positive\r\n");
    EXPECT_REPLY(h, "spop s x", "-ERR value is out of range, must be positive\r\n");
    EXPECT_REPLY(h, "spop s 1 2", "-ERR syntax error\r\n");
}

Test(cmd_set, pops_some_and_says_which)
{
    uint8_t seen[10];
    harness_run(h, "sadd s 0 1 2 3 4 5 6 7 8 9");
    harness_run(h, "spop s 3");
    cr_expect(eq(u32, numbers_in(h->wire, seen, 10), 3));
    cr_expect(eq(u64, count_at("s"), 7));
    cr_expect(eq(int, strncmp(h->effects, "SREM s ", 7), 0));
    cr_expect(eq(sz, strlen(h->effects), strlen("SREM s 1 2 3;")));
    for (int i = 0; i < 10; i++) {
        char text[2] = { (char)('0' + i), 0 };
        cr_expect(eq(int, is_in("s", text), !seen[i]));
    }
    EXPECT_REPLY(h, "spop s 0", "*0\r\n");
    cr_expect(eq(str, h->effects, ""));
}

Test(cmd_set, pops_all)
{
    harness_run(h, "sadd s 1 2 3");
    EXPECT_REPLY(h, "spop s 3", "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n");
    cr_expect(eq(str, h->effects, "DEL s;"));
    EXPECT_REPLY(h, "exists s", ":0\r\n");
}

// spopWithCountCommand: of what is left when it took five of six it makes a new set.
Test(cmd_set, makes_a_new_set_of_a_small_rest)
{
    fill("s", "x", 0, 1, 200);
    expect_encoding("s", "hashtable");
    harness_run(h, "spop s 160");
    expect_encoding("s", "hashtable");
    harness_run(h, "spop s 33"); // 7 stay: 35 would have had to go
    expect_encoding("s", "hashtable");
    harness_run(h, "spop s 6");
    expect_encoding("s", "listpack");
}

Test(cmd_set, pops_thousands_in_slices)
{
    static uint8_t seen[10000];
    fill("s", "", 0, 1, 10000);
    harness_run(h, "expire s 100");
    harness_run(h, "spop s 4000");
    cr_expect(gt(u32, h->slices, 100));
    cr_expect(starts("*4000\r\n$"));
    cr_expect(eq(u32, numbers_in(h->wire, seen, 10000), 4000));
    cr_expect(eq(u64, count_at("s"), 6000));
    for (int i = 0; i < 10000; i += 37) {
        char text[24];
        snprintf(text, sizeof text, "%d", i);
        cr_expect(eq(int, is_in("s", text), !seen[i]));
    }
    EXPECT_REPLY(h, "ttl s", ":100\r\n");
}

Test(cmd_set, tells_what_thousands_were_popped)
{
    static uint8_t seen[10000];
    fill("s", "", 0, 1, 10000);
    harness_run(h, "spop s 2500");
    cr_expect(gt(u32, h->slices, 100));
    cr_expect(eq(u32, numbers_in(h->wire, seen, 10000), 2500));
    uint32_t commands = 1;
    for (const char *at = h->effects; (at = strstr(at, " | ")); at++) commands++;
    cr_expect(eq(u32, commands, 5)); // MULTI, two full ones, the rest, EXEC
    cr_expect(eq(int, strncmp(h->effects, "MULTI | SREM s ", 15), 0));
}

Test(cmd_set, pops_most_of_a_large_set_into_a_small_one)
{
    static uint8_t seen[3000];
    fill("s", "", 0, 1, 3000);
    harness_run(h, "spop s 2900");
    cr_expect(gt(u32, h->slices, 100));
    cr_expect(eq(u32, numbers_in(h->wire, seen, 3000), 2900));
    cr_expect(eq(u64, count_at("s"), 100));
    expect_encoding("s", "listpack");
    for (int i = 0; i < 3000; i++) {
        char text[24];
        snprintf(text, sizeof text, "%d", i);
        cr_assert(eq(int, is_in("s", text), !seen[i]));
    }
}

Test(cmd_set, pops_all_of_a_large_set_and_shows_it_in_slices)
{
    static uint8_t seen[5000];
    fill("s", "", 0, 1, 5000);
    harness_run(h, "spop s 9223372036854775807");
    cr_expect(gt(u32, h->slices, 100));
    cr_expect(eq(str, h->effects, "DEL s;"));
    cr_expect(eq(u32, numbers_in(h->wire, seen, 5000), 5000));
    EXPECT_REPLY(h, "exists s", ":0\r\n");
}

// The others wait for the key, and see the result.
Test(cmd_set, a_key_is_closed_while_thousands_are_popped)
{
    struct started s;
    struct harness_client *other = harness_client_open(h);
    fill("s", "", 0, 1, 10000);
    START(&s, "spop", "s", "3000");
    cr_expect(eq(str, (char *)harness_client_run(other, "scard s"), ":7000\r\n"));
    finish();
    cr_expect(starts("*3000\r\n"));
    harness_client_close(other);
}

Test(cmd_set, a_pop_goes_on_when_its_client_has_gone)
{
    struct harness_client *other = harness_client_open(h);
    fill("s", "", 0, 1, 10000);
    struct bytes argv[] = { BYTES_LITERAL("spop"), BYTES_LITERAL("s"), BYTES_LITERAL("3000") };
    struct resp_request request = { .argv = argv, .argc = 3 };
    struct call call = { .server = &h->server,
                         .client = &other->client,
                         .reply = &other->client.reply,
                         .keyspace = h->server.keyspace,
                         .argv = argv,
                         .argc = 3,
                         .request = &request,
                         .now_ms = h->now_ms };
    command_prepare(&call);
    command_execute(&call);
    cr_assert(call.suspended);
    jobs_run(&h->server, 1);
    harness_client_close(other);
    finish();
    cr_expect(eq(u64, count_at("s"), 7000));
}

Test(cmd_set, a_pop_from_a_set_that_expires_meanwhile_puts_nothing)
{
    struct started s;
    fill("s", "", 0, 1, 10000);
    harness_run(h, "pexpire s 10");
    START(&s, "spop", "s", "3000");
    harness_set_time(h, h->now_ms + 10);
    keyspace_expire_step(h->server.keyspace, h->now_ms, 10);
    finish();
    cr_expect(starts("*3000\r\n"));
    EXPECT_REPLY(h, "exists s", ":0\r\n");
}

// ---- SRANDMEMBER

Test(cmd_set, shows_random_members)
{
    uint8_t seen[10];
    EXPECT_REPLY(h, "srandmember none", "$-1\r\n");
    EXPECT_REPLY(h, "srandmember none 3", "*0\r\n");
    harness_run(h, "sadd s 7");
    EXPECT_REPLY(h, "srandmember s", "$1\r\n7\r\n");
    EXPECT_REPLY(h, "srandmember s -2", "*2\r\n$1\r\n7\r\n$1\r\n7\r\n");
    EXPECT_REPLY(h, "srandmember s 0", "*0\r\n");
    EXPECT_REPLY(h, "srandmember s x", NOT_AN_INTEGER);
    EXPECT_REPLY(h, "srandmember s 1 2", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "srandmember s -9223372036854775808",
                 "-ERR value is out of range, value must between -9223372036854775807 and "
                 "9223372036854775807\r\n");
    harness_run(h, "sadd s 0 1 2 3 4 5 6 8 9");
    for (int i = 0; i < 100; i++) {
        harness_run(h, "srandmember s 4");
        cr_expect(eq(u32, numbers_in(h->wire, seen, 10), 4));
    }
    harness_run(h, "srandmember s -25");
    cr_expect(starts("*25\r\n"));
    cr_expect(eq(str, h->effects, ""));
}

Test(cmd_set, draws_from_a_large_set_by_rank)
{
    static uint8_t seen[10000];
    fill("s", "", 0, 1, 10000);
    harness_run(h, "srandmember s 20");
    cr_expect(zero(u32, h->slices));
    cr_expect(eq(u32, numbers_in(h->wire, seen, 10000), 20));
    harness_run(h, "srandmember s 5000");
    cr_expect(gt(u32, h->slices, 10));
    cr_expect(eq(u32, numbers_in(h->wire, seen, 10000), 5000));
    harness_run(h, "srandmember s 10000");
    cr_expect(eq(u32, numbers_in(h->wire, seen, 10000), 10000));
    harness_run(h, "srandmember s -5000");
    cr_expect(gt(u32, h->slices, 10));
    cr_expect(starts("*5000\r\n"));
}

// 200 draws of 100 of 10000: each tenth of the numbers is met 2000 times but for 5 sigma (215).
Test(cmd_set, draws_no_part_more_often_than_another)
{
    static uint8_t seen[10000];
    uint32_t tenths[10] = { 0 };
    fill("s", "", 0, 1, 10000);
    for (int i = 0; i < 200; i++) {
        harness_run(h, "srandmember s 100");
        numbers_in(h->wire, seen, 10000);
        for (int n = 0; n < 10000; n++) tenths[n / 1000] += seen[n];
    }
    for (int i = 0; i < 10; i++) cr_expect(1785 < tenths[i] && tenths[i] < 2215, "%u", tenths[i]);
}

// ---- SINTER, SUNION, SDIFF

Test(cmd_set, intersects_unites_and_subtracts)
{
    harness_run(h, "sadd a 1 2 3 4");
    harness_run(h, "sadd b 3 4 5");
    harness_run(h, "sadd c x 4");
    EXPECT_REPLY(h, "sinter a b", "*2\r\n$1\r\n3\r\n$1\r\n4\r\n");
    EXPECT_REPLY(h, "sinter a b c", "*1\r\n$1\r\n4\r\n");
    EXPECT_REPLY(h, "sinter a", "*4\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n");
    EXPECT_REPLY(h, "sinter a none", "*0\r\n");
    EXPECT_REPLY(h, "sunion a b", "*5\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n$1\r\n5\r\n");
    EXPECT_REPLY(h, "sunion c none c", "*2\r\n$1\r\nx\r\n$1\r\n4\r\n");
    EXPECT_REPLY(h, "sdiff a b", "*2\r\n$1\r\n1\r\n$1\r\n2\r\n");
    EXPECT_REPLY(h, "sdiff a none", "*4\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n");
    EXPECT_REPLY(h, "sdiff none a", "*0\r\n");
    EXPECT_REPLY(h, "sdiff a b a", "*0\r\n");
    EXPECT_REPLY(h, "sunion none none", "*0\r\n");
    EXPECT_REPLY(h, "sdiff a b c a none b b b b b b", "*0\r\n"); // more than few
    EXPECT_REPLY(h, "sunion a a a a a a a a a c",
                 "*5\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n$1\r\nx\r\n");
}

Test(cmd_set, subtracts_by_removing_when_that_is_less)
{
    harness_run(h, "sadd a 1 2 3 4 5 6 7 8 9 10");
    harness_run(h, "sadd b 1");
    harness_run(h, "sadd c 2");
    EXPECT_REPLY(h, "sdiff a b c b c",
                 "*8\r\n$1\r\n3\r\n$1\r\n4\r\n$1\r\n5\r\n$1\r\n6\r\n$1\r\n7\r\n$1\r\n8\r\n"
                 "$1\r\n9\r\n$2\r\n10\r\n");
    harness_run(h, "sadd all 1 2 3 4 5 6 7 8 9 10");
    EXPECT_REPLY(h, "sdiff a b c b c b c b c all b c", "*0\r\n");
}

Test(cmd_set, counts_an_intersection)
{
    harness_run(h, "sadd a 1 2 3 4");
    harness_run(h, "sadd b 2 3 4 5");
    EXPECT_REPLY(h, "sintercard 2 a b", ":3\r\n");
    EXPECT_REPLY(h, "sintercard 2 a b limit 2", ":2\r\n");
    EXPECT_REPLY(h, "sintercard 2 a b LIMIT 0", ":3\r\n");
    EXPECT_REPLY(h, "sintercard 2 a b limit 9 limit 1", ":1\r\n");
    EXPECT_REPLY(h, "sintercard 2 a none", ":0\r\n");
    EXPECT_REPLY(h, "sintercard 0 a", "-ERR numkeys should be greater than 0\r\n");
    EXPECT_REPLY(h, "sintercard x a", "-ERR numkeys should be greater than 0\r\n");
    EXPECT_REPLY(h, "sintercard 3 a b",
                 "-ERR Number of keys can't be greater than number of args\r\n");
    EXPECT_REPLY(h, "sintercard 2 a b limit -1", "-ERR LIMIT can't be negative\r\n");
    EXPECT_REPLY(h, "sintercard 2 a b limit x", "-ERR LIMIT can't be negative\r\n");
    EXPECT_REPLY(h, "sintercard 2 a b limit", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "sintercard 1 a b", "-ERR syntax error\r\n");
}

Test(cmd_set, stores_results)
{
    harness_run(h, "sadd a 1 2 3 x");
    harness_run(h, "sadd b 2 3 4");
    harness_run(h, "set d v ex 100");
    EXPECT_REPLY(h, "sinterstore d a b", ":2\r\n");
    cr_expect(eq(str, h->effects, "sinterstore d a b;"));
    expect_encoding("d", "intset");
    EXPECT_REPLY(h, "ttl d", ":-1\r\n");
    EXPECT_REPLY(h, "sunionstore d a b", ":5\r\n");
    expect_encoding("d", "listpack");
    EXPECT_REPLY(h, "sdiffstore a a b", ":2\r\n"); // into a source
    EXPECT_REPLY(h, "smembers a", "*2\r\n$1\r\n1\r\n$1\r\nx\r\n");
    EXPECT_REPLY(h, "sdiffstore d a a", ":0\r\n");
    cr_expect(eq(str, h->effects, "sdiffstore d a a;"));
    EXPECT_REPLY(h, "exists d", ":0\r\n");
    EXPECT_REPLY(h, "sdiffstore d a a", ":0\r\n");
    cr_expect(eq(str, h->effects, ""));
    EXPECT_REPLY(h, "sunionstore none none none", ":0\r\n");
}

// sinterGenericCommand starts with a pack and ends as an intset when all are numbers.
Test(cmd_set, stores_numbers_of_any_set_as_an_intset)
{
    fill("a", "", 0, 1, 600);
    fill("b", "", 300, 1, 600);
    expect_encoding("a", "hashtable");
    EXPECT_REPLY(h, "sinterstore d a b", ":300\r\n");
    expect_encoding("d", "intset");
    harness_run(h, "sadd c 1 2 x");
    EXPECT_REPLY(h, "sinterstore d a c", ":2\r\n");
    expect_encoding("d", "intset");
    EXPECT_REPLY(h, "sunionstore d c", ":3\r\n");
    expect_encoding("d", "listpack");
}

// sunionDiffGenericCommand, second way: the first set's members were all in the result once.
Test(cmd_set, keeps_a_hashtable_that_lost_members)
{
    fill("a", "x", 0, 1, 200);
    fill("b", "x", 5, 1, 20);
    fill("c", "x", 25, 1, 175);
    EXPECT_REPLY(h, "sdiffstore d a b c", ":5\r\n");
    expect_encoding("d", "listpack"); // 300 <= 395: the first way
    harness_run(h, "sadd few x1");
    harness_run(h, "sdiffstore d a few few few");
    expect_encoding("d", "hashtable"); // 400 > 203
    EXPECT_REPLY(h, "scard d", ":199\r\n");
}

// ---- the same with thousands

Test(cmd_set, intersects_large_sets_in_slices)
{
    static uint8_t seen[12000];
    fill("a", "", 0, 2, 6000);
    fill("b", "", 0, 3, 4000);
    harness_run(h, "sinter a b");
    cr_expect(gt(u32, h->slices, 100));
    cr_expect(starts("*2000\r\n"));
    cr_expect(eq(u32, numbers_in(h->wire, seen, 12000), 2000));
    for (int i = 0; i < 12000; i++) cr_expect(eq(int, seen[i], i % 6 == 0));
    EXPECT_REPLY(h, "sintercard 2 a b", ":2000\r\n");
    cr_expect(gt(u32, h->slices, 100));
    EXPECT_REPLY(h, "sintercard 2 a b limit 100", ":100\r\n");
    EXPECT_REPLY(h, "sinterstore d b a", ":2000\r\n");
    cr_expect(eq(str, h->effects, "sinterstore d b a;"));
    cr_expect(eq(u64, count_at("d"), 2000));
}

Test(cmd_set, unites_large_sets_in_slices)
{
    static uint8_t seen[12000];
    fill("a", "", 0, 2, 6000);
    fill("b", "", 0, 3, 4000);
    harness_run(h, "sunion b a none");
    cr_expect(eq(u32, numbers_in(h->wire, seen, 12000), 8000));
    cr_expect(starts("*8000\r\n"));
    for (int i = 0; i < 12000; i++) cr_expect(eq(int, seen[i], i % 2 == 0 || i % 3 == 0));
    EXPECT_REPLY(h, "sunionstore d b a", ":8000\r\n");
    EXPECT_REPLY(h, "scard a", ":6000\r\n"); // it lent its tree
    EXPECT_REPLY(h, "scard b", ":4000\r\n");
    EXPECT_REPLY(h, "sunionstore a a", ":6000\r\n");
}

Test(cmd_set, subtracts_large_sets_in_slices_both_ways)
{
    static uint8_t seen[12000];
    fill("a", "", 0, 2, 6000);
    fill("b", "", 0, 3, 4000);
    harness_run(h, "sdiff a b");
    cr_expect(eq(u32, numbers_in(h->wire, seen, 12000), 4000));
    for (int i = 0; i < 12000; i++) cr_expect(eq(int, seen[i], i % 2 == 0 && i % 3 != 0));
    harness_run(h, "sadd few 2 4 8");
    harness_run(h, "sdiff a few few few"); // by removing
    cr_expect(eq(u32, numbers_in(h->wire, seen, 12000), 5997));
    cr_expect(gt(u32, h->slices, 100));
    EXPECT_REPLY(h, "sdiffstore d a few few few", ":5997\r\n");
    EXPECT_REPLY(h, "scard a", ":6000\r\n");
    cr_expect(is_in("a", "4"));
    cr_expect(not(is_in("d", "4")));
}

Test(cmd_set, a_stored_result_is_of_one_moment_and_tells_its_contents)
{
    struct started s;
    struct harness_client *other = harness_client_open(h);
    struct key key = key_make(h->server.keyspace, BYTES_LITERAL("a"));
    fill("a", "", 0, 1, 3000);
    fill("b", "", 2998, 1, 3000);
    START(&s, "sinterstore", "d", "a", "b");
    cr_expect(keyspace_delete(h->server.keyspace, 0, &key, h->now_ms));
    // Whoever wants the destination waits for it.
    cr_expect(eq(str, (char *)harness_client_run(other, "scard d"), ":2\r\n"));
    finish();
    cr_expect(eq(str, h->wire, ":2\r\n"));
    cr_expect(eq(str, h->effects, "MULTI | DEL d | SADD d 2998 2999 | EXEC;"));
    harness_client_close(other);
}

// What is told of a result whose sources have gone is encoded in slices, too: thousands of members
// after the last of them was found.
Test(cmd_set, a_stored_result_is_told_in_slices)
{
    struct started s;
    fill("a", "", 0, 1, 3000);
    fill("b", "", 3000, 1, 3000);
    harness_run(h, "sunionstore d a b");
    uint32_t slices = h->slices;
    START(&s, "sunionstore", "d", "a", "b");
    harness_run(h, "srem a 0");
    cr_expect(gt(u32, h->slices, slices + slices / 2));
    harness_drain(h);
    cr_expect(eq(int, strncmp(h->effects, "srem a 0;MULTI | DEL d | SADD d ", 32), 0));
    EXPECT_REPLY(h, "scard d", ":6000\r\n");
}

Test(cmd_set, an_empty_stored_result_tells_that_the_key_went)
{
    struct started s;
    struct key key = key_make(h->server.keyspace, BYTES_LITERAL("a"));
    fill("a", "", 0, 1, 3000);
    fill("b", "", 3000, 1, 3000);
    harness_run(h, "set d v");
    START(&s, "sinterstore", "d", "a", "b");
    cr_expect(keyspace_delete(h->server.keyspace, 0, &key, h->now_ms));
    finish();
    cr_expect(eq(str, h->wire, ":0\r\n"));
    cr_expect(eq(str, h->effects, "DEL d;"));
}

Test(cmd_set, answers_at_once_where_it_must)
{
    struct bytes argv[] = { BYTES_LITERAL("sunionstore"), BYTES_LITERAL("d"), BYTES_LITERAL("a"),
                            BYTES_LITERAL("b") };
    struct resp_request request = { .argv = argv, .argc = 4 };
    struct call call = { .server = &h->server,
                         .client = &h->client,
                         .reply = &h->client.reply,
                         .keyspace = h->server.keyspace,
                         .argv = argv,
                         .argc = 4,
                         .request = &request,
                         .now_ms = h->now_ms,
                         .no_suspend = true };
    fill("a", "", 0, 1, 3000);
    fill("b", "", 2000, 1, 3000);
    h->effects_size = 0;
    command_prepare(&call);
    command_execute(&call);
    harness_drain(h);
    cr_expect(eq(str, h->wire, ":5000\r\n"));
    cr_expect(eq(str, h->effects, "sunionstore d a b;"));
}

// ---- SSCAN

Test(cmd_set, scans_small_sets_whole)
{
    harness_run(h, "sadd s 1 2 30");
    EXPECT_REPLY(h, "sscan s 0 count 1",
                 "*2\r\n$1\r\n0\r\n*3\r\n$1\r\n1\r\n$1\r\n2\r\n$2\r\n30\r\n");
    EXPECT_REPLY(h, "sscan s 99 match 3*", "*2\r\n$1\r\n0\r\n*1\r\n$2\r\n30\r\n");
    EXPECT_REPLY(h, "sscan s 0 MATCH * COUNT 5 match ?",
                 "*2\r\n$1\r\n0\r\n*2\r\n$1\r\n1\r\n$1\r\n2\r\n");
    EXPECT_REPLY(h, "sscan s 0 match x", "*2\r\n$1\r\n0\r\n*0\r\n");
}

Test(cmd_set, refuses_bad_scans)
{
    harness_run(h, "sadd s 1");
    EXPECT_REPLY(h, "sscan none x", "-ERR invalid cursor\r\n");
    EXPECT_REPLY(h, "sscan s \" 1\"", "-ERR invalid cursor\r\n");
    EXPECT_REPLY(h, "sscan s 18446744073709551616", "-ERR invalid cursor\r\n");
    EXPECT_REPLY(h, "sscan none 0 foo", "*2\r\n$1\r\n0\r\n*0\r\n");
    EXPECT_REPLY(h, "sscan s 0 foo bar", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "sscan s 0 count", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "sscan s 0 count 0", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "sscan s 0 count x", NOT_AN_INTEGER);
    EXPECT_REPLY(h, "sscan s 0 type string", "-ERR syntax error\r\n");
}

Test(cmd_set, scans_a_large_set_in_parts)
{
    uint64_t cursor = 0, members = 0, calls = 0;
    fill("s", "", 0, 1, 5000);
    do {
        char command[64], *end;
        snprintf(command, sizeof command, "sscan s %lu count 100", (unsigned long)cursor);
        const char *wire = harness_run(h, command);
        cr_assert(eq(int, strncmp(wire, "*2\r\n$", 5), 0));
        strtol(wire + 5, &end, 10);
        cursor = strtoull(end + 2, &end, 10);
        cr_assert(le(u64, cursor, INT64_MAX));
        uint64_t count = strtoull(end + 3, NULL, 10);
        cr_expect(cursor == 0 || (count >= 100 && count < 500));
        members += count;
        cr_assert(lt(u64, ++calls, 100));
    } while (cursor);
    cr_expect(eq(u64, members, 5000));
    cr_expect(gt(u64, calls, 10));
}

Test(cmd_set, scans_thousands_at_once_in_slices)
{
    fill("s", "", 0, 1, 5000);
    harness_run(h, "sscan s 0 count 9223372036854775807 match *7");
    cr_expect(gt(u32, h->slices, 20)); // a leaf each, twice
    cr_expect(starts("*2\r\n$1\r\n0\r\n*500\r\n"));
}
