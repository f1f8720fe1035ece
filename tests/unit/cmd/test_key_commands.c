// Expected values: spec/aof.md chapter 6, and what redis-server 7.0 wrote of the same keys.
#include "dataplane/cmd/key_commands.h"
#include "tests/unit/cmd/command_file.h"

static struct harness *h;

static void open_all(void)
{
    h = harness_open();
    h->settings.enable_debug_command = LOCAL_YES;
}
static void close_all(void) { harness_close(h); }
TestSuite(key_commands, .init = open_all, .fini = close_all);

__attribute__((format(printf, 1, 2))) static void run(const char *format, ...)
{
    char command[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    cr_expect(harness_run(h, command)[0] != '-', "%s: %s", command, h->wire);
}

static const struct entry *find(struct bytes name)
{
    struct key key = key_make(h->server.keyspace, name);
    const struct entry *e = keyspace_peek(h->server.keyspace, 0, &key);
    cr_assert(e != NULL);
    return e;
}

// Of what is written in steps of so many elements.
static void write_steps(struct rdb_buffer *out, struct bytes name, uint32_t budget)
{
    struct key_commands c;
    rdb_buffer_init(out, &h->heap, HEAP_OTHER);
    if (!key_commands_begin(&c, h->server.keyspace, find(name), name, out, h->now_ms)) return;
    while (!key_commands_step(&c, budget)) continue;
    key_commands_end(&c);
}

// Whatever the steps, and in one go, it is the same. The caller closes out.
static void write_key(struct rdb_buffer *out, struct bytes name)
{
    static const uint32_t budgets[] = { 1, 3, 64, 1000 };
    rdb_buffer_init(out, &h->heap, HEAP_OTHER);
    key_commands_put(h->server.keyspace, find(name), out, h->now_ms);
    for (uint32_t i = 0; i < sizeof budgets / sizeof *budgets; i++) {
        struct rdb_buffer other;
        write_steps(&other, name, budgets[i]);
        cr_expect(bytes_equal(rdb_buffer_bytes(out), rdb_buffer_bytes(&other)), "budget %u",
                  budgets[i]);
        rdb_buffer_close(&other);
    }
}

static void expect_text(struct bytes name, const char *expected)
{
    struct rdb_buffer out;
    write_key(&out, name);
    cr_expect(eq(str, command_file_text(h, rdb_buffer_bytes(&out)), (char *)(uintptr_t)expected));
    rdb_buffer_close(&out);
}

static void expect_same(struct harness *other, const char *command)
{
    char *here = strdup(harness_run(h, command));
    cr_expect(eq(str, (char *)(uintptr_t)harness_run(other, command), here), "%s", command);
    free(here);
}

// Run on another server, the key is what it was. shows: a command whose reply has to be the same,
// too; NULL: none.
static void expect_made_again(const char *name, const char *shows)
{
    char digest[64];
    struct rdb_buffer out;
    struct harness *other = harness_open();
    other->settings.enable_debug_command = LOCAL_YES;
    write_key(&out, bytes_text(name));
    command_file_run(other, rdb_buffer_bytes(&out));
    snprintf(digest, sizeof digest, "DEBUG DIGEST-VALUE %s", name);
    expect_same(other, digest);
    if (shows) expect_same(other, shows);
    EXPECT_REPLY(other, "DBSIZE", ":1\r\n");
    rdb_buffer_close(&out);
    harness_close(other);
}

// ---- strings, and what all types have

Test(key_commands, of_strings)
{
    run("SET k v");
    expect_text(BYTES_LITERAL("k"), "SET k v\n");
    run("SET k -9223372036854775808");
    expect_text(BYTES_LITERAL("k"), "SET k -9223372036854775808\n");
    run("SET k \"\"");
    expect_text(BYTES_LITERAL("k"), "SET k \"\"\n");
    run("SET \"\" x");
    expect_text(BYTES_LITERAL(""), "SET \"\" x\n");
}

Test(key_commands, of_keys_and_texts_of_any_bytes)
{
    run("SET \"a\\x00\\r\\n$1\" \"\\xff\\r\\n*1\\x00\"");
    expect_text(bytes_make("a\0\r\n$1", 6), "SET a\\x00\\x0d\\x0a$1 \\xff\\x0d\\x0a*1\\x00\n");
    run("HSET \"\\x00\" \"\\r\\n\" \"\\x00\"");
    expect_text(bytes_make("", 1), "HMSET \\x00 \\x0d\\x0a \\x00\n");
}

Test(key_commands, end_with_the_deadline)
{
    run("SET k v PXAT 1700000000001");
    expect_text(BYTES_LITERAL("k"), "SET k v\nPEXPIREAT k 1700000000001\n");
    run("RPUSH l a");
    run("PEXPIREAT l 4102444800000");
    expect_text(BYTES_LITERAL("l"), "RPUSH l a\nPEXPIREAT l 4102444800000\n");
    run("XADD s 1-1 f v");
    run("PEXPIREAT s 4102444800000");
    expect_text(BYTES_LITERAL("s"), "XADD s 1-1 f v\nXSETID s 1-1 ENTRIESADDED 1 MAXDELETEDID 0-0\n"
                                    "PEXPIREAT s 4102444800000\n");
}

// ---- collections

Test(key_commands, of_collections)
{
    run("RPUSH l a 12 \"\" -1");
    expect_text(BYTES_LITERAL("l"), "RPUSH l a 12 \"\" -1\n");
    run("SADD ints 3 -1 20000000000");
    expect_text(BYTES_LITERAL("ints"), "SADD ints -1 3 20000000000\n");
    run("SADD s b a 7");
    expect_text(BYTES_LITERAL("s"), "SADD s b a 7\n");
    run("ZADD z inf i -inf j 0.1 a 3 b 1e17 c -2.5 d");
    expect_text(BYTES_LITERAL("z"), "ZADD z -inf j -2.5 d 0.1 a 3 b 100000000000000000 c inf i\n");
    run("HSET h f v 1 2 \"\" \"\"");
    expect_text(BYTES_LITERAL("h"), "HMSET h f v 1 2 \"\" \"\"\n");
}

static void note_length(void *context, const struct bytes *argv, uint32_t argc)
{
    (void)argv;
    uint32_t *lengths = context;
    lengths[++lengths[0]] = argc;
}

// How many texts each command has, in lengths[1..]; lengths[0]: commands.
static void measure(const char *name, uint32_t lengths[16])
{
    struct rdb_buffer out;
    lengths[0] = 0;
    write_key(&out, bytes_text(name));
    command_file_read(&h->heap, rdb_buffer_bytes(&out), note_length, lengths);
    rdb_buffer_close(&out);
}

Test(key_commands, have_up_to_64_elements)
{
    static const struct {
        const char *add;
        uint32_t texts;
    } kinds[] = { { "RPUSH k e%d", 1 },
                  { "SADD k %d", 1 },
                  { "SADD k m%d", 1 },
                  { "ZADD k %1$d m%1$d", 2 },
                  { "HSET k f%1$d v%1$d", 2 } };
    uint32_t lengths[16];
    for (uint32_t kind = 0; kind < 5; kind++) {
        uint32_t texts = kinds[kind].texts;
        run("DEL k");
        for (int i = 1; i <= 129; i++) {
            char command[64];
            snprintf(command, sizeof command, kinds[kind].add, i);
            run("%s", command);
            if (i != 1 && i != 63 && i != 64 && i != 65 && i != 128 && i != 129) continue;
            uint32_t last = (uint32_t)(i - 1) % 64 + 1;
            measure("k", lengths);
            cr_expect(eq(u32, lengths[0], (uint32_t)(i + 63) / 64), "%s at %d", command, i);
            for (uint32_t at = 1; at <= lengths[0]; at++)
                cr_expect(eq(u32, lengths[at], 2 + texts * (at < lengths[0] ? 64 : last)));
            expect_made_again("k", NULL);
        }
    }
}

Test(key_commands, of_large_collections)
{
    for (int i = 0; i < 3000; i++) {
        run("RPUSH list %d-%050d", i, i);
        run("SADD set m%d", i);
        run("SADD ints %d", i);
        run("ZADD zset %d.25 m%d", i % 100, i);
        run("HSET hash f%d v%d", i, i);
        run("XADD stream %d-%d f%d v", i / 3, i + 1, i % 5);
    }
    run("PEXPIREAT zset 4102444800000");
    expect_made_again("list", NULL);
    expect_made_again("set", NULL);
    expect_made_again("ints", "OBJECT ENCODING ints");
    expect_made_again("zset", "PEXPIRETIME zset");
    expect_made_again("hash", NULL);
    expect_made_again("stream", NULL);
}

// ---- hashes whose fields have deadlines: Redis 7.4

Test(key_commands, set_the_deadlines_of_fields)
{
    run("HSET h a 1 b 2 c 3");
    run("HPEXPIREAT h 4102444800000 FIELDS 1 b");
    expect_text(BYTES_LITERAL("h"), "HMSET h a 1 b 2 c 3\nHPEXPIREAT h 4102444800000 FIELDS 1 b\n");
    expect_made_again("h", "HPEXPIRETIME h FIELDS 3 a b c");
    for (int i = 0; i < 300; i++) {
        run("HSET h f%d %d", i, i);
        if (i % 3 == 0) run("HPEXPIREAT h %lu FIELDS 1 f%d", 4102444800000 + (unsigned long)i, i);
    }
    run("PEXPIREAT h 4102444900000");
    expect_made_again("h", "HPEXPIRETIME h FIELDS 6 a b f0 f1 f150 f299");
}

Test(key_commands, leave_out_fields_that_have_expired)
{
    struct rdb_buffer out;
    run("HSET h a 1 b 2");
    run("HPEXPIREAT h %llu FIELDS 1 a", HARNESS_START_MS + 5);
    run("HSET gone a 1");
    run("HPEXPIREAT gone %llu FIELDS 1 a", HARNESS_START_MS + 5);
    h->now_ms = HARNESS_START_MS + 10; // nothing was removed yet
    expect_text(BYTES_LITERAL("h"), "HMSET h b 2\n");
    write_key(&out, BYTES_LITERAL("gone"));
    cr_expect(zero(sz, rdb_buffer_size(&out)));
}

// ---- streams

Test(key_commands, of_streams)
{
    run("XADD s 1-1 a 1 b 2");
    run("XADD s 2-5 \"\" x");
    run("XADD s 3-0 c 3");
    run("XDEL s 3-0");
    expect_text(BYTES_LITERAL("s"), "XADD s 1-1 a 1 b 2\nXADD s 2-5 \"\" x\n"
                                    "XSETID s 3-0 ENTRIESADDED 3 MAXDELETEDID 3-0\n");
    expect_made_again("s", "XINFO STREAM s FULL");
    run("XSETID s 18446744073709551615-18446744073709551615");
    expect_made_again("s", "XINFO STREAM s FULL");
}

Test(key_commands, of_streams_without_entries)
{
    run("XGROUP CREATE s g $ MKSTREAM");
    expect_text(BYTES_LITERAL("s"), "XADD s MAXLEN 0 0-1 x y\n"
                                    "XSETID s 0-0 ENTRIESADDED 0 MAXDELETEDID 0-0\n"
                                    "XGROUP CREATE s g 0-0 ENTRIESREAD -1\n");
    expect_made_again("s", "XINFO STREAM s FULL");
    run("XADD t 5-5 f v");
    run("XDEL t 5-5");
    expect_text(BYTES_LITERAL("t"), "XADD t MAXLEN 0 0-1 x y\n"
                                    "XSETID t 5-5 ENTRIESADDED 1 MAXDELETEDID 5-5\n");
    expect_made_again("t", "XINFO STREAM t FULL");
}

Test(key_commands, of_groups)
{
    for (int i = 1; i <= 5; i++) run("XADD s %d-1 f v", i);
    run("XGROUP CREATE s g 0");
    run("XGROUP CREATE s \"h h\" 3-1");
    run("XREADGROUP GROUP g alice COUNT 2 STREAMS s >");
    run("XGROUP CREATECONSUMER s g idle");
    run("XREADGROUP GROUP g bob COUNT 1 STREAMS s >");
    run("XCLAIM s g bob 0 2-1 TIME 1600000000000 RETRYCOUNT 7");
    expect_text(BYTES_LITERAL("s"),
                "XADD s 1-1 f v\nXADD s 2-1 f v\nXADD s 3-1 f v\nXADD s 4-1 f v\nXADD s 5-1 f v\n"
                "XSETID s 5-1 ENTRIESADDED 5 MAXDELETEDID 0-0\n"
                "XGROUP CREATE s g 3-1 ENTRIESREAD 3\n"
                "XGROUP CREATECONSUMER s g alice\n"
                "XCLAIM s g alice 0 1-1 TIME 1700000000000 RETRYCOUNT 1 JUSTID FORCE\n"
                "XGROUP CREATECONSUMER s g bob\n"
                "XCLAIM s g bob 0 2-1 TIME 1600000000000 RETRYCOUNT 7 JUSTID FORCE\n"
                "XCLAIM s g bob 0 3-1 TIME 1700000000000 RETRYCOUNT 1 JUSTID FORCE\n"
                "XGROUP CREATECONSUMER s g idle\n"
                "XGROUP CREATE s h\\x20h 3-1 ENTRIESREAD -1\n");
    expect_made_again("s", "XPENDING s g - + 10");
}

// XCLAIM takes no entry that is not there; who owned it stays.
Test(key_commands, of_consumers_whose_entries_were_deleted)
{
    run("XADD s 1-1 f v");
    run("XADD s 2-1 f v");
    run("XGROUP CREATE s g 0");
    run("XREADGROUP GROUP g alice COUNT 1 STREAMS s >");
    run("XDEL s 1-1");
    expect_made_again("s", "XINFO CONSUMERS s h");
    struct harness *other = harness_open();
    struct rdb_buffer out;
    write_key(&out, BYTES_LITERAL("s"));
    command_file_run(other, rdb_buffer_bytes(&out));
    cr_expect(strstr(harness_run(other, "XINFO CONSUMERS s g"), "alice") != NULL);
    EXPECT_REPLY(other, "XPENDING s g", "*4\r\n:0\r\n$-1\r\n$-1\r\n*-1\r\n");
    rdb_buffer_close(&out);
    harness_close(other);
}

// ---- in slices

enum { LONG_BYTES = 1000000 };

// Bytes that a step adds, at most, of a key whose texts are long.
static size_t longest_step(const char *name, uint32_t *steps)
{
    struct key_commands c;
    struct rdb_buffer out;
    size_t longest = 0, before = 0;
    rdb_buffer_init(&out, &h->heap, HEAP_OTHER);
    cr_assert(key_commands_begin(&c, h->server.keyspace, find(bytes_text(name)), bytes_text(name),
                                 &out, h->now_ms));
    bool is_over;
    *steps = 0;
    do {
        is_over = key_commands_step(&c, 64);
        if (rdb_buffer_size(&out) - before > longest) longest = rdb_buffer_size(&out) - before;
        before = rdb_buffer_size(&out);
        ++*steps;
    } while (!is_over);
    key_commands_end(&c);
    rdb_buffer_close(&out);
    return longest;
}

// Not the same in any two places.
static char *long_text(void)
{
    char *text = malloc(LONG_BYTES);
    for (size_t i = 0; i < LONG_BYTES; i++) text[i] = (char)(i * 7 + i / 250);
    return text;
}

// With two long texts, but for the string. Returns its name.
static const char *make_long(uint32_t kind, struct bytes text)
{
    static const char *const commands[] = { "SET", "RPUSH", "HSET", "XADD" };
    static const char *const names[] = { "string", "list", "hash", "stream" };
    struct bytes args[7] = { bytes_text(commands[kind]), bytes_text(names[kind]) };
    uint32_t count = 2;
    if (kind == 3) args[count++] = BYTES_LITERAL("1-1");
    for (uint32_t i = 0; i < (kind == 0 ? 1 : 2); i++) {
        if (kind >= 2) args[count++] = i ? BYTES_LITERAL("g") : BYTES_LITERAL("f");
        args[count++] = bytes_make(text.data, text.size - i);
    }
    harness_run_args(h, args, count);
    return names[kind];
}

Test(key_commands, write_long_texts_in_pieces)
{
    char *text = long_text();
    for (uint32_t kind = 0; kind < 4; kind++) {
        uint32_t steps;
        const char *name = make_long(kind, bytes_make(text, LONG_BYTES));
        size_t longest = longest_step(name, &steps);
        cr_expect(lt(sz, longest, (size_t)KEY_COMMANDS_ONCE_BYTES + 256), "%s", name);
        cr_expect(gt(u32, steps, (uint32_t)LONG_BYTES / KEY_COMMANDS_ONCE_BYTES), "%s", name);
        expect_made_again(name, NULL);
    }
    for (size_t size = KEY_COMMANDS_ONCE_BYTES - 1; size <= KEY_COMMANDS_ONCE_BYTES + 1; size++)
        expect_made_again(make_long(1, bytes_make(text, size)), NULL);
    free(text);
}

// A step is about as much work as was asked for.
Test(key_commands, take_steps)
{
    uint32_t steps;
    for (int i = 0; i < 6400; i++) run("SADD s member%d", i);
    cr_expect(lt(sz, longest_step("s", &steps), (size_t)64 * 32));
    cr_expect(ge(u32, steps, 100u));
    for (int i = 0; i < 6400; i++) run("HSET h f%d v", i);
    run("HPEXPIREAT h 4102444800000 FIELDS 1 f6399");
    longest_step("h", &steps);
    cr_expect(ge(u32, steps, 120u), "those without a deadline are passed over in steps, too");
}

// Between any two steps it is changed, or goes.
Test(key_commands, are_those_of_the_beginning)
{
    static const char *const names[] = { "string", "list", "set", "zset", "hash", "stream" };
    static const char *const changes[] = {
        "APPEND string x",  "RPUSH list new", "SADD set new",
        "ZADD zset -1 new", "HSET hash f1 x", "XADD stream * n m"
    };
    for (int i = 0; i < 300; i++) {
        run("APPEND string abcdefghijklmnopqrstuvwxyz");
        run("RPUSH list e%d", i);
        run("SADD set m%d", i);
        run("ZADD zset %d m%d", i, i);
        run("HSET hash f%d v", i);
        run("XADD stream %d-1 f v", i + 1);
    }
    run("XGROUP CREATE stream g 0");
    run("XREADGROUP GROUP g c COUNT 10 STREAMS stream >");
    for (uint32_t i = 0; i < 6; i++) {
        struct key_commands c;
        struct rdb_buffer before, out;
        struct bytes name = bytes_text(names[i]);
        write_key(&before, name);
        rdb_buffer_init(&out, &h->heap, HEAP_OTHER);
        cr_assert(key_commands_begin(&c, h->server.keyspace, find(name), name, &out, h->now_ms));
        for (uint32_t step = 0; !key_commands_step(&c, 10); step++) {
            run("%s", step < 5 ? changes[i] : "PING");
            if (step == 2 && i == 5) run("XACK stream g 1-1 2-1");
            if (step == 5) run("DEL %s", names[i]);
        }
        key_commands_end(&c);
        cr_expect(bytes_equal(rdb_buffer_bytes(&before), rdb_buffer_bytes(&out)), "%s", names[i]);
        rdb_buffer_close(&before);
        rdb_buffer_close(&out);
    }
}

// Dropped at any time.
Test(key_commands, end_in_the_midst)
{
    run("RPUSH k a b c");
    run("SET s x");
    for (uint32_t steps = 0; steps < 6; steps++) {
        static const char *const names[] = { "k", "s" };
        for (uint32_t i = 0; i < 2; i++) {
            struct key_commands c;
            struct rdb_buffer out;
            struct bytes name = bytes_text(names[i]);
            rdb_buffer_init(&out, &h->heap, HEAP_OTHER);
            cr_assert(
                key_commands_begin(&c, h->server.keyspace, find(name), name, &out, h->now_ms));
            for (uint32_t at = 0; at < steps && !key_commands_step(&c, 1); at++) continue;
            key_commands_end(&c);
            rdb_buffer_close(&out);
        }
    }
}
