#include "tests/unit/cmd/harness.h"

static struct harness *h;
static void open_harness(void) { h = harness_open(); }
static void close_harness(void) { harness_close(h); }
TestSuite(cmd_hash, .init = open_harness, .fini = close_harness);

#define EXPECT_EFFECTS(command, expected)                                                          \
    do {                                                                                           \
        harness_run(h, (command));                                                                 \
        cr_expect(eq(str, h->effects, (char *)(expected)), "%s", (command));                       \
    } while (0)
static const char *const wrong_type =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

// count fields f0.. with values v0.., in one command.
static void fill(const char *key, uint32_t count)
{
    struct bytes *argv = malloc((2 + 2 * (size_t)count) * sizeof *argv);
    char *text = malloc((size_t)count * 32);
    argv[0] = bytes_text("hset");
    argv[1] = bytes_text(key);
    for (uint32_t i = 0; i < count; i++) {
        char *field = text + (size_t)i * 32, *value = field + 16;
        argv[2 + 2 * i] = bytes_make(field, (size_t)sprintf(field, "f%u", i));
        argv[3 + 2 * i] = bytes_make(value, (size_t)sprintf(value, "v%u", i));
    }
    harness_run_args(h, argv, 2 + 2 * count);
    free(text);
    free(argv);
}

Test(cmd_hash, sets_and_gets_fields)
{
    EXPECT_REPLY(h, "hset h a 1 b 2 a 3", ":2\r\n");
    EXPECT_REPLY(h, "hset h a 4 c 5", ":1\r\n");
    EXPECT_REPLY(h, "hget h a", "$1\r\n4\r\n");
    EXPECT_REPLY(h, "hget h none", "$-1\r\n");
    EXPECT_REPLY(h, "hget none a", "$-1\r\n");
    EXPECT_REPLY(h, "hmset h d 6", "+OK\r\n");
    EXPECT_REPLY(h, "hmget h a none d", "*3\r\n$1\r\n4\r\n$-1\r\n$1\r\n6\r\n");
    EXPECT_REPLY(h, "hmget none a b", "*2\r\n$-1\r\n$-1\r\n");
    EXPECT_REPLY(h, "hsetnx h a 9", ":0\r\n");
    EXPECT_REPLY(h, "hsetnx h e 9", ":1\r\n");
    EXPECT_REPLY(h, "hlen h", ":5\r\n");
    EXPECT_REPLY(h, "hlen none", ":0\r\n");
    EXPECT_REPLY(h, "hexists h e", ":1\r\n");
    EXPECT_REPLY(h, "hexists h x", ":0\r\n");
    EXPECT_REPLY(h, "hset h e \"three words here\"", ":0\r\n");
    EXPECT_REPLY(h, "hstrlen h e", ":16\r\n");
    EXPECT_REPLY(h, "hstrlen h x", ":0\r\n");
    EXPECT_REPLY(h, "hstrlen h a", ":1\r\n");
}

Test(cmd_hash, wants_a_value_for_each_field)
{
    EXPECT_REPLY(h, "hset h a 1 b", "-ERR wrong number of arguments for 'hset' command\r\n");
    EXPECT_REPLY(h, "hmset h a 1 b", "-ERR wrong number of arguments for 'hmset' command\r\n");
    EXPECT_REPLY(h, "exists h", ":0\r\n");
}

Test(cmd_hash, deletes_the_key_with_its_last_field)
{
    harness_run(h, "hset h a 1 b 2 c 3");
    EXPECT_REPLY(h, "hdel h a none a", ":1\r\n");
    EXPECT_REPLY(h, "hdel h b c d", ":2\r\n");
    EXPECT_REPLY(h, "exists h", ":0\r\n");
    EXPECT_REPLY(h, "hdel h b", ":0\r\n");
}

Test(cmd_hash, refuses_other_types)
{
    static const char *const commands[] = { "hset s a 1",
                                            "hmset s a 1",
                                            "hsetnx s a 1",
                                            "hget s a",
                                            "hmget s a",
                                            "hdel s a",
                                            "hlen s",
                                            "hstrlen s a",
                                            "hexists s a",
                                            "hgetall s",
                                            "hkeys s",
                                            "hvals s",
                                            "hincrby s a 1",
                                            "hincrbyfloat s a 1",
                                            "hrandfield s",
                                            "hrandfield s 3",
                                            "hscan s 0",
                                            "hexpire s 1 fields 1 a",
                                            "httl s fields 1 a",
                                            "hpersist s fields 1 a" };
    harness_run(h, "set s text");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        EXPECT_REPLY(h, commands[i], wrong_type);
    EXPECT_REPLY(h, "get s", "$4\r\ntext\r\n");
}

Test(cmd_hash, adds_to_numbers)
{
    EXPECT_REPLY(h, "hincrby h n 5", ":5\r\n");
    EXPECT_REPLY(h, "hincrby h n -7", ":-2\r\n");
    EXPECT_REPLY(h, "hincrby h n x", "-ERR value is not an integer or out of range\r\n");
    harness_run(h, "hset h text abc big 9223372036854775807");
    EXPECT_REPLY(h, "hincrby h text 1", "-ERR hash value is not an integer\r\n");
    EXPECT_REPLY(h, "hincrby h big 1", "-ERR increment or decrement would overflow\r\n");
    EXPECT_REPLY(h, "hincrbyfloat h f 10.50", "$4\r\n10.5\r\n");
    EXPECT_REPLY(h, "hincrbyfloat h f -5", "$3\r\n5.5\r\n");
    EXPECT_REPLY(h, "hincrbyfloat h n 2", "$1\r\n0\r\n");
    EXPECT_REPLY(h, "hincrbyfloat h text 1", "-ERR hash value is not a float\r\n");
    EXPECT_REPLY(h, "hincrbyfloat h f x", "-ERR value is not a valid float\r\n");
    EXPECT_REPLY(h, "hincrbyfloat h f inf", "-ERR value is NaN or Infinity\r\n");
    EXPECT_REPLY(h, "hincrbyfloat none f inf", "-ERR value is NaN or Infinity\r\n");
    EXPECT_REPLY(h, "exists none", ":0\r\n");
}

Test(cmd_hash, shows_the_whole_hash_in_order)
{
    harness_run(h, "hset h a 1 b 2");
    EXPECT_REPLY(h, "hgetall h", "*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n");
    EXPECT_REPLY(h, "hkeys h", "*2\r\n$1\r\na\r\n$1\r\nb\r\n");
    EXPECT_REPLY(h, "hvals h", "*2\r\n$1\r\n1\r\n$1\r\n2\r\n");
    EXPECT_REPLY(h, "hgetall none", "*0\r\n");
    h->client.reply.version = 3;
    EXPECT_REPLY(h, "hgetall h", "%2\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n");
    EXPECT_REPLY(h, "hkeys h", "*2\r\n$1\r\na\r\n$1\r\nb\r\n");
    EXPECT_REPLY(h, "hgetall none", "%0\r\n");
    EXPECT_REPLY(h, "hvals none", "*0\r\n");
    EXPECT_REPLY(h, "hget none a", "_\r\n");
}

// How many times each of f0.. was in the reply's lines.
static void count_fields(const char *wire, uint32_t *seen, uint32_t count)
{
    for (const char *at = strstr(wire, "\r\nf"); at; at = strstr(at + 1, "\r\nf")) {
        uint32_t n = (uint32_t)atoi(at + 3);
        cr_assert(lt(u32, n, count));
        seen[n]++;
    }
}

Test(cmd_hash, shows_a_large_hash_in_slices_as_it_was)
{
    enum { COUNT = 5000 };
    static const char *const commands[] = { "hgetall h", "hkeys h" };
    fill("h", COUNT);
    for (size_t c = 0; c < 2; c++) {
        uint32_t seen[COUNT] = { 0 };
        harness_run(h, commands[c]);
        cr_expect(gt(u32, h->slices, 1));
        cr_expect(eq(int, strncmp(h->wire, c ? "*5000\r\n" : "*10000\r\n", c ? 7 : 8), 0));
        count_fields(h->wire, seen, COUNT);
        for (uint32_t i = 0; i < COUNT; i++) cr_expect(eq(u32, seen[i], 1));
    }
    EXPECT_REPLY(h, "hlen h", ":5000\r\n");
}

Test(cmd_hash, shows_few_large_values_in_slices)
{
    char *value = malloc(100000);
    memset(value, 'x', 100000);
    for (uint32_t i = 0; i < 10; i++) {
        char field[8];
        sprintf(field, "f%u", i);
        struct bytes argv[] = { bytes_text("hset"), bytes_text("h"), bytes_text(field),
                                bytes_make(value, 100000) };
        harness_run_args(h, argv, 4);
    }
    harness_run(h, "hvals h");
    cr_expect(gt(u32, h->slices, 1));
    cr_expect(gt(sz, h->wire_size, 1000000));
    harness_run(h, "hget h f3");
    cr_expect(eq(u32, h->slices, 0));
    free(value);
}

Test(cmd_hash, picks_random_fields)
{
    harness_run(h, "hset h f0 a f1 b f2 c");
    EXPECT_REPLY(h, "hrandfield none", "$-1\r\n");
    EXPECT_REPLY(h, "hrandfield none 3", "*0\r\n");
    EXPECT_REPLY(h, "hrandfield h 0", "*0\r\n");
    cr_expect(eq(int, strncmp(harness_run(h, "hrandfield h"), "$2\r\nf", 5), 0));
    EXPECT_REPLY(h, "hrandfield h 9", "*3\r\n$2\r\nf0\r\n$2\r\nf1\r\n$2\r\nf2\r\n");
    EXPECT_REPLY(h, "hrandfield h 3 withvalues",
                 "*6\r\n$2\r\nf0\r\n$1\r\na\r\n$2\r\nf1\r\n$1\r\nb\r\n$2\r\nf2\r\n$1\r\nc\r\n");
    uint32_t seen[3] = { 0 };
    harness_run(h, "hrandfield h -3000");
    cr_expect(eq(int, strncmp(h->wire, "*3000\r\n", 7), 0));
    count_fields(h->wire, seen, 3);
    for (uint32_t i = 0; i < 3; i++) cr_expect(gt(u32, seen[i], 800));
    EXPECT_REPLY(h, "hrandfield h x", "-ERR value is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "hrandfield h 1 foo", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "hrandfield h 1 withvalues x", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "hrandfield h -9223372036854775808",
                 "-ERR value is out of range, value must between -9223372036854775807 and "
                 "9223372036854775807\r\n");
    EXPECT_REPLY(h, "hrandfield h 9223372036854775807 withvalues",
                 "-ERR value is out of range\r\n");
    h->client.reply.version = 3;
    EXPECT_REPLY(h, "hrandfield h 3 withvalues",
                 "*3\r\n*2\r\n$2\r\nf0\r\n$1\r\na\r\n*2\r\n$2\r\nf1\r\n$1\r\nb\r\n"
                 "*2\r\n$2\r\nf2\r\n$1\r\nc\r\n");
    EXPECT_REPLY(h, "hrandfield none", "_\r\n");
}

Test(cmd_hash, picks_no_field_of_a_large_hash_twice)
{
    enum { COUNT = 10000 };
    fill("h", COUNT);
    for (uint32_t wanted = 10; wanted <= COUNT; wanted = wanted * 3 - 1) {
        static uint32_t seen[COUNT];
        char command[64];
        uint32_t total = 0, low = 0;
        memset(seen, 0, sizeof seen);
        snprintf(command, sizeof command, "hrandfield h %u", wanted);
        harness_run(h, command);
        count_fields(h->wire, seen, COUNT);
        for (uint32_t i = 0; i < COUNT; i++) {
            cr_expect(le(u32, seen[i], 1));
            total += seen[i];
            if (i < COUNT / 2) low += seen[i];
        }
        cr_expect(eq(u32, total, wanted));
        if (wanted < 200) continue;
        cr_expect(gt(u32, low, wanted * 2 / 5));
        cr_expect(lt(u32, low, wanted * 3 / 5));
    }
}

Test(cmd_hash, scans_a_small_hash_at_once)
{
    harness_run(h, "hset h a 1 b 2");
    EXPECT_REPLY(h, "hscan h 0",
                 "*2\r\n$1\r\n0\r\n*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n");
    EXPECT_REPLY(h, "hscan h 7 count 1 novalues", "*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n");
    EXPECT_REPLY(h, "hscan h 0 match [b-c]", "*2\r\n$1\r\n0\r\n*2\r\n$1\r\nb\r\n$1\r\n2\r\n");
    EXPECT_REPLY(h, "hscan none 0", "*2\r\n$1\r\n0\r\n*0\r\n");
    EXPECT_REPLY(h, "hscan none 0 count", "*2\r\n$1\r\n0\r\n*0\r\n");
    EXPECT_REPLY(h, "hscan h x", "-ERR invalid cursor\r\n");
    EXPECT_REPLY(h, "hscan h 0 count", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "hscan h 0 count 0", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "hscan h 0 count x", "-ERR value is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "hscan h 0 type hash", "-ERR syntax error\r\n");
}

Test(cmd_hash, scans_a_large_hash_in_parts)
{
    enum { COUNT = 6000 };
    static const uint32_t counts[] = { 1, 100, 2500, 1000000 };
    fill("h", COUNT);
    for (size_t c = 0; c < 4; c++) {
        static uint32_t seen[COUNT];
        uint64_t cursor = 0;
        uint32_t rounds = 0;
        memset(seen, 0, sizeof seen);
        do {
            char command[96];
            snprintf(command, sizeof command, "hscan h %lu count %u", cursor, counts[c]);
            harness_run(h, command);
            cursor =
                strtoul(strstr(h->wire, "\r\n") + 2 + strcspn(h->wire + 4, "\n") + 1, NULL, 10);
            count_fields(h->wire, seen, COUNT);
            rounds++;
        } while (cursor);
        for (uint32_t i = 0; i < COUNT; i++) cr_expect(eq(u32, seen[i], 1));
        if (c == 0) cr_expect(gt(u32, rounds, 100));
        if (c == 3) cr_expect(eq(u32, rounds, 1));
    }
    harness_run(h, "hscan h 0 count 1000000 match f77? novalues");
    cr_expect(eq(int, strncmp(h->wire, "*2\r\n$1\r\n0\r\n*10\r\n", 16), 0));
}

// spec/aof.md chapter 4
Test(cmd_hash, tells_its_effects)
{
    EXPECT_EFFECTS("hset h a 1 b 2", "hset h a 1 b 2;");
    EXPECT_EFFECTS("hmset h a 1", "hmset h a 1;");
    EXPECT_EFFECTS("hsetnx h a 1", "");
    EXPECT_EFFECTS("hsetnx h c 1", "hsetnx h c 1;");
    EXPECT_EFFECTS("hincrby h a 1", "hincrby h a 1;");
    EXPECT_EFFECTS("hincrby h a x", "");
    EXPECT_EFFECTS("hincrbyfloat h a 1.5", "HSET h a 3.5;");
    EXPECT_EFFECTS("hdel h none", "");
    EXPECT_EFFECTS("hdel h a none", "hdel h a none;");
    EXPECT_EFFECTS("hgetall h", "");
}

// As many as Redis adds to server.dirty.
Test(cmd_hash, counts_its_changes)
{
    static const struct {
        const char *command;
        uint64_t dirty;
    } cases[] = { { "hset h a 1 b 2 a 3", 3 }, { "hmset h a 1", 1 },
                  { "hsetnx h a 1", 0 },       { "hsetnx h c 1", 1 },
                  { "hincrby h c 1", 1 },      { "hincrbyfloat h c 1", 1 },
                  { "hdel h a none b", 2 },    { "hincrby h c none", 0 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t before = keyspace_dirty(h->server.keyspace);
        harness_run(h, cases[i].command);
        cr_expect(eq(u64, keyspace_dirty(h->server.keyspace) - before, cases[i].dirty), "%s",
                  cases[i].command);
    }
}

static char events[256];
static void note_event(struct server *s, uint32_t db, struct bytes key, uint32_t class,
                       const char *event)
{
    (void)s;
    (void)db;
    size_t size = strlen(events);
    snprintf(events + size, sizeof events - size, "%c:%s:%.*s ", class == EVENT_HASH ? 'h' : 'g',
             event, (int)key.size, (const char *)key.data);
}

// Keyspace notifications of Redis 7.2.
Test(cmd_hash, tells_what_changed)
{
    static const char *const cases[][2] = {
        { "hset k a 1 b 2", "h:hset:k " },   { "hsetnx k a 1", "" },
        { "hincrby k a 1", "h:hincrby:k " }, { "hincrbyfloat k a 1", "h:hincrbyfloat:k " },
        { "hdel k a x", "h:hdel:k " },       { "hdel k x", "" },
        { "hdel k b", "h:hdel:k g:del:k " },
    };
    h->server.on_changed = note_event;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        events[0] = 0;
        harness_run(h, cases[i][0]);
        cr_expect(eq(str, events, (char *)cases[i][1]), "%s", cases[i][0]);
    }
}
