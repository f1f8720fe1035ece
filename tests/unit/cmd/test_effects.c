#include "tests/unit/cmd/harness.h"

#define EXPECT_EFFECT(h, command, expected)                                                        \
    do {                                                                                           \
        harness_run((h), (command));                                                               \
        cr_expect(eq(str, (h)->effects, (char *)(expected)), "%s", (command));                     \
    } while (0)

// spec/aof.md chapter 4, for the commands on strings and keys.
Test(effects, are_what_happened_not_what_was_asked)
{
    struct harness *h = harness_open();
    EXPECT_EFFECT(h, "set a 1", "set a 1;");
    EXPECT_EFFECT(h, "get a", "");
    EXPECT_EFFECT(h, "set a 2 NX", "");
    EXPECT_EFFECT(h, "SET a 2 XX GET", "SET a 2 XX;");
    EXPECT_EFFECT(h, "SET a 2 EX 10 NX", "");
    EXPECT_EFFECT(h, "SET a 2 EX 10 GET", "SET a 2 PXAT 1700000010000;");
    EXPECT_EFFECT(h, "SETEX a 10 v", "SET a v PXAT 1700000010000;");
    EXPECT_EFFECT(h, "PSETEX a 10 v", "SET a v PXAT 1700000000010;");
    EXPECT_EFFECT(h, "SET a 10 KEEPTTL", "SET a 10 KEEPTTL;");
    EXPECT_EFFECT(h, "INCRBYFLOAT a 0.5", "SET a 10.5 KEEPTTL;");
    EXPECT_EFFECT(h, "GETSET a 7", "SET a 7;");
    EXPECT_EFFECT(h, "GETEX a EX 10", "PEXPIREAT a 1700000010000;");
    EXPECT_EFFECT(h, "GETEX a", "");
    EXPECT_EFFECT(h, "GETEX a PERSIST", "PERSIST a;");
    EXPECT_EFFECT(h, "GETEX a PERSIST", "");
    EXPECT_EFFECT(h, "EXPIRE a 10 NX", "PEXPIREAT a 1700000010000 NX;");
    EXPECT_EFFECT(h, "EXPIRE a 10 NX", "");
    EXPECT_EFFECT(h, "EXPIRE a -1", "DEL a;");
    EXPECT_EFFECT(h, "INCR n", "INCR n;");
    EXPECT_EFFECT(h, "GETDEL n", "DEL n;");
    EXPECT_EFFECT(h, "DEL n", "");
    EXPECT_EFFECT(h, "MSET a 1 b 2", "MSET a 1 b 2;");
    EXPECT_EFFECT(h, "RENAME a c", "RENAME a c;");
    EXPECT_EFFECT(h, "COPY c d", "COPY c d;");
    EXPECT_EFFECT(h, "UNLINK c d nosuch", "UNLINK c d nosuch;");
    EXPECT_EFFECT(h, "FLUSHALL", "FLUSHALL;");
    EXPECT_EFFECT(h, "FLUSHDB", "FLUSHDB;");
    harness_close(h);
}

Test(effects, name_the_database_when_it_changes)
{
    struct harness *h = harness_open();
    EXPECT_EFFECT(h, "SET a 1", "SET a 1;");
    harness_run(h, "SELECT 3");
    EXPECT_EFFECT(h, "SET a 1", "SELECT 3 | SET a 1;");
    EXPECT_EFFECT(h, "SET a 2", "SET a 2;");
    harness_run(h, "SELECT 0");
    EXPECT_EFFECT(h, "SET a 2", "SET a 2;"); // the harness leaves SELECT 0 out
    harness_close(h);
}

// A key found expired goes first, in one unit with what the command did.
Test(effects, tell_of_expiry_within_the_command_s_unit)
{
    struct harness *h = harness_open();
    harness_run(h, "SET a 1 PX 5");
    harness_set_time(h, HARNESS_START_MS + 10);
    EXPECT_EFFECT(h, "INCR a", "MULTI | DEL a | INCR a | EXEC;");
    harness_run(h, "SET b 1 PX 5");
    harness_set_time(h, HARNESS_START_MS + 20);
    EXPECT_EFFECT(h, "GET b", "DEL b;");
    harness_run(h, "SET c 1 PX 5");
    h->effects_size = 0;
    harness_set_time(h, HARNESS_START_MS + 30);
    keyspace_expire_step(h->server.keyspace, h->now_ms, 100);
    cr_expect(eq(str, h->effects, "DEL c;"));
    harness_close(h);
}

Test(effects, keep_a_big_argument_that_became_the_value)
{
    struct harness *h = harness_open();
    static char big[100000];
    memset(big, 'x', sizeof big);
    struct bytes args[] = { BYTES_LITERAL("SET"),
                            BYTES_LITERAL("k"),
                            { (uint8_t *)big, sizeof big } };
    uint64_t before = h->server.effects.bytes_total;
    harness_run_args(h, args, 3);
    cr_expect(ge(u64, h->server.effects.bytes_total - before, sizeof big));
    harness_close(h);
}

Test(effects, cost_nothing_when_nobody_listens)
{
    struct harness *h = harness_open();
    effects_set_sink(&h->server.effects, NULL, NULL);
    harness_run(h, "SET a 1");
    cr_expect(zero(u64, h->server.effects.commands_total));
    harness_close(h);
}

static void add(struct harness *h, uint32_t db, const char *word)
{
    struct bytes argv[] = { bytes_text(word) };
    effects_add(&h->server.effects, db, argv, 1);
}

// What a script that was undone had added is gone, SELECT and MULTI included, wherever it began.
Test(effects, go_back_to_a_mark)
{
    static const struct {
        const char *before[3], *expected;
    } cases[] = {
        { { NULL }, "after;" },
        { { "a", NULL }, "MULTI | a | after | EXEC;" },
        { { "a", "b", NULL }, "MULTI | a | b | after | EXEC;" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (uint32_t undone = 0; undone < 4; undone++) {
            struct harness *h = harness_open();
            struct effects *e = &h->server.effects;
            harness_run(h, "SET x 1"); // so that the database is known
            h->effects_size = 0;
            effects_hold(e);
            for (const char *const *word = cases[i].before; *word; word++) add(h, 0, *word);
            struct effects_mark mark = effects_mark(e);
            for (uint32_t n = 0; n < undone; n++) add(h, 3, "undone");
            effects_back_to(e, mark);
            add(h, 0, "after");
            effects_release(e);
            cr_expect(eq(str, h->effects, (char *)cases[i].expected));
            harness_close(h);
        }
}

static uint8_t long_text[3 * EFFECTS_FRONT_MAX];

static void add_incr(struct effects *e)
{
    struct bytes incr[] = { BYTES_LITERAL("INCR"), BYTES_LITERAL("n") };
    effects_add(e, 0, incr, 2);
}

static void add_long(struct effects *e, uint32_t db)
{
    struct bytes set[] = { BYTES_LITERAL("SET"),
                           BYTES_LITERAL("k"),
                           { long_text, sizeof long_text } };
    memset(long_text, 'x', sizeof long_text);
    effects_add(e, db, set, 3);
}

// What does not fit the front goes behind it, and all that follows does.
Test(effects, that_are_long_come_in_pieces)
{
    struct harness *h = harness_open();
    struct effects *e = &h->server.effects;
    effects_hold(e);
    add_incr(e);
    add_long(e, 0);
    struct effects_mark mark = effects_mark(e);
    cr_expect(gt(u64, e->rest.size, sizeof long_text));
    add_incr(e);
    add_long(e, 7);
    effects_back_to(e, mark);
    add_incr(e);
    cr_expect(le(sz, e->room, 2 * EFFECTS_FRONT_MAX));
    effects_release(e);
    cr_expect(eq(str, h->effects, (char *)"MULTI | INCR n | SET k | INCR n | EXEC;"));
    cr_expect(zero(u64, e->rest.size));
    cr_expect(lt(u64, h->heap.bytes[HEAP_LOG], 2 * EFFECTS_FRONT_MAX + 1));
    harness_close(h);
}

// Of one command, taken back to before there was MULTI in front of it.
Test(effects, that_are_long_can_be_taken_back)
{
    struct harness *h = harness_open();
    struct effects *e = &h->server.effects;
    effects_hold(e);
    add_incr(e);
    struct effects_mark mark = effects_mark(e);
    add_long(e, 0);
    effects_back_to(e, mark);
    cr_expect(zero(u64, e->rest.size));
    effects_release(e);
    cr_expect(eq(str, h->effects, (char *)"INCR n;"));
    harness_close(h);
}
