// Field deadlines. Expectations by hand: Redis 7.4's documentation of the commands, and its
// tests/unit/type/hash-field-expire.tcl.
#include "dataplane/cmd/hash_expiry.h"
#include "tests/unit/cmd/harness.h"

static struct harness *h;
static char events[256];

static void note_event(struct server *s, uint32_t db, struct bytes key, uint32_t class,
                       const char *event)
{
    (void)s;
    (void)class;
    size_t size = strlen(events);
    snprintf(events + size, sizeof events - size, "%u:%s:%.*s ", db, event, (int)key.size,
             (const char *)key.data);
}

static void open_harness(void)
{
    h = harness_open();
    h->server.on_changed = note_event;
}
static void close_harness(void) { harness_close(h); }
TestSuite(cmd_hash_expire, .init = open_harness, .fini = close_harness);

#define EXPECT_EFFECTS(command, expected)                                                          \
    do {                                                                                           \
        harness_run(h, (command));                                                                 \
        cr_expect(eq(str, h->effects, (char *)(expected)), "%s", (command));                       \
    } while (0)

// The time passes, and what is due goes: effects and events are those of that.
static void pass_ms(uint64_t ms)
{
    h->now_ms += ms;
    h->effects_size = 0;
    h->effects[0] = events[0] = 0;
    while (hash_expiry_step(&h->server, h->now_ms, 3) >= 3) {
    }
}

Test(cmd_hash_expire, sets_and_tells_deadlines)
{
    harness_run(h, "hset h a 1 b 2 c 3");
    EXPECT_REPLY(h, "hexpire h 100 fields 2 a none", "*2\r\n:1\r\n:-2\r\n");
    EXPECT_REPLY(h, "hpexpire h 1500 FIELDS 1 b", "*1\r\n:1\r\n");
    EXPECT_REPLY(h, "httl h fields 4 a b c none", "*4\r\n:100\r\n:2\r\n:-1\r\n:-2\r\n");
    EXPECT_REPLY(h, "hpttl h fields 2 a b", "*2\r\n:100000\r\n:1500\r\n");
    EXPECT_REPLY(h, "hexpiretime h fields 2 a b", "*2\r\n:1700000100\r\n:1700000002\r\n");
    EXPECT_REPLY(h, "hpexpiretime h fields 2 a b", "*2\r\n:1700000100000\r\n:1700000001500\r\n");
    EXPECT_REPLY(h, "hexpireat h 1700000050 fields 1 a", "*1\r\n:1\r\n");
    EXPECT_REPLY(h, "hpexpireat h 1700000050123 fields 1 b", "*1\r\n:1\r\n");
    EXPECT_REPLY(h, "hpttl h fields 2 a b", "*2\r\n:50000\r\n:50123\r\n");
    EXPECT_REPLY(h, "hget h a", "$1\r\n1\r\n");
    EXPECT_REPLY(h, "object encoding h", "$10\r\nlistpackex\r\n");
}

Test(cmd_hash_expire, says_no_field_for_a_key_that_is_not_there)
{
    EXPECT_REPLY(h, "hexpire none 1 fields 2 a b", "*2\r\n:-2\r\n:-2\r\n");
    EXPECT_REPLY(h, "httl none fields 1 a", "*1\r\n:-2\r\n");
    EXPECT_REPLY(h, "hpersist none fields 1 a", "*1\r\n:-2\r\n");
    EXPECT_REPLY(h, "exists none", ":0\r\n");
}

Test(cmd_hash_expire, looks_at_conditions)
{
    harness_run(h, "hset h a 1 b 2");
    EXPECT_REPLY(h, "hpexpire h 1000 xx fields 2 a b", "*2\r\n:0\r\n:0\r\n");
    EXPECT_REPLY(h, "hpexpire h 1000 gt fields 1 a", "*1\r\n:0\r\n");
    EXPECT_REPLY(h, "hpexpire h 1000 NX fields 1 a", "*1\r\n:1\r\n");
    EXPECT_REPLY(h, "hpexpire h 2000 nx fields 2 a b", "*2\r\n:0\r\n:1\r\n");
    EXPECT_REPLY(h, "hpexpire h 1500 gt fields 2 a b", "*2\r\n:1\r\n:0\r\n");
    EXPECT_REPLY(h, "hpexpire h 1500 gt fields 1 a", "*1\r\n:0\r\n");
    EXPECT_REPLY(h, "hpexpire h 1700 lt fields 2 a b", "*2\r\n:0\r\n:1\r\n");
    EXPECT_REPLY(h, "hpttl h fields 2 a b", "*2\r\n:1500\r\n:1700\r\n");
    EXPECT_REPLY(h, "hpexpire h 1 xx fields 1 a", "*1\r\n:1\r\n");
    harness_run(h, "hset h c 3");
    EXPECT_REPLY(h, "hpexpire h 9 lt fields 1 c", "*1\r\n:1\r\n"); // lived for ever
}

Test(cmd_hash_expire, deletes_at_once_what_has_passed)
{
    harness_run(h, "hset h f1 v1 f2 v2 f4 v4");
    harness_run(h, "hexpire h 1000 nx fields 1 f4");
    EXPECT_REPLY(h, "hpexpireat h 1600000000000 nx fields 4 f1 f2 f3 f4",
                 "*4\r\n:2\r\n:2\r\n:-2\r\n:0\r\n");
    EXPECT_REPLY(h, "hkeys h", "*1\r\n$2\r\nf4\r\n");
    EXPECT_REPLY(h, "hexpire h 0 fields 2 f4 f4", "*2\r\n:2\r\n:-2\r\n");
    EXPECT_REPLY(h, "exists h", ":0\r\n");
}

Test(cmd_hash_expire, persists_fields)
{
    harness_run(h, "hset h a 1 b 2");
    harness_run(h, "hexpire h 100 fields 1 a");
    EXPECT_REPLY(h, "hpersist h fields 3 a b none", "*3\r\n:1\r\n:-1\r\n:-2\r\n");
    EXPECT_REPLY(h, "httl h fields 1 a", "*1\r\n:-1\r\n");
    EXPECT_REPLY(h, "hpersist h fields 1 a", "*1\r\n:-1\r\n");
}

Test(cmd_hash_expire, refuses_in_the_order_of_redis)
{
    static const char *const position =
        "-ERR Mandatory argument FIELDS is missing or not at the right position\r\n";
    static const char *const positive = "-ERR Number of fields must be a positive integer\r\n";
    static const char *const more = "-ERR Parameter `numFields` should be greater than 0\r\n";
    static const char *const match =
        "-ERR The `numfields` parameter must match the number of arguments\r\n";
    static const struct {
        const char *command, *const *expected;
    } cases[] = {
        { "hexpire h 1 nx 1 f", &position },           { "hexpire h 1 foo fields 1 f", &position },
        { "hexpire h 1 nx gt fields 1 f", &position }, { "httl h foo 1 f", &position },
        { "hpersist h foo 1 f", &position },           { "httl h fields 0 f", &positive },
        { "hpersist h fields x f", &positive },        { "hpttl h fields -1 f", &positive },
        { "hexpire h 1 fields 0 f", &more },           { "hexpire h 1 fields x f", &more },
        { "hexpire h 1 xx fields 0 f", &more },        { "hexpire h 1 fields 2 f", &match },
        { "hexpire h 1 fields 1 f g", &match },        { "httl h fields 2 f", &match },
        { "hpersist h fields 1 f g", &match },
    };
    harness_run(h, "hset h f v");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        EXPECT_REPLY(h, cases[i].command, *cases[i].expected);
    EXPECT_REPLY(h, "hexpire h x foo 0 f", "-ERR value is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "hexpire h -1 foo 0 f", "-ERR invalid expire time, must be >= 0\r\n");
    EXPECT_REPLY(h, "hexpire h 1 fields 1",
                 "-ERR wrong number of arguments for 'hexpire' command\r\n");
    EXPECT_REPLY(h, "httl h fields 1", "-ERR wrong number of arguments for 'httl' command\r\n");
}

// 2^46 ms is the end of time (t_hash.c of 7.4: HFE_MAX_ABS_TIME_MSEC).
Test(cmd_hash_expire, refuses_moments_that_are_too_far_away)
{
    harness_run(h, "hset h f v");
    EXPECT_REPLY(h, "hpexpireat h 70368744177663 fields 1 f", "*1\r\n:1\r\n");
    EXPECT_REPLY(h, "hpexpireat h 70368744177664 fields 1 f",
                 "-ERR invalid expire time in 'hpexpireat' command\r\n");
    EXPECT_REPLY(h, "hpexpire h 68668744177663 fields 1 f", "*1\r\n:1\r\n");
    EXPECT_REPLY(h, "hpexpire h 68668744177664 fields 1 f",
                 "-ERR invalid expire time in 'hpexpire' command\r\n");
    EXPECT_REPLY(h, "hexpireat h 70368744177 fields 1 f", "*1\r\n:1\r\n");
    EXPECT_REPLY(h, "hexpireat h 70368744178 fields 1 f",
                 "-ERR invalid expire time in 'hexpireat' command\r\n");
    EXPECT_REPLY(h, "hexpire h 9223372036854775807 fields 1 f",
                 "-ERR invalid expire time in 'hexpire' command\r\n");
}

Test(cmd_hash_expire, does_not_show_a_field_after_its_deadline)
{
    harness_run(h, "hset h a 1 b 2");
    harness_run(h, "hpexpire h 10 fields 1 a");
    h->now_ms += 10; // not removed yet
    EXPECT_REPLY(h, "hget h a", "$-1\r\n");
    EXPECT_REPLY(h, "hmget h a b", "*2\r\n$-1\r\n$1\r\n2\r\n");
    EXPECT_REPLY(h, "hexists h a", ":0\r\n");
    EXPECT_REPLY(h, "hstrlen h a", ":0\r\n");
    EXPECT_REPLY(h, "hgetall h", "*2\r\n$1\r\nb\r\n$1\r\n2\r\n");
    EXPECT_REPLY(h, "hkeys h", "*1\r\n$1\r\nb\r\n");
    EXPECT_REPLY(h, "hscan h 0", "*2\r\n$1\r\n0\r\n*2\r\n$1\r\nb\r\n$1\r\n2\r\n");
    EXPECT_REPLY(h, "hrandfield h", "$1\r\nb\r\n");
    EXPECT_REPLY(h, "hrandfield h 5", "*1\r\n$1\r\nb\r\n");
    EXPECT_REPLY(h, "hpttl h fields 1 a", "*1\r\n:-2\r\n");
    EXPECT_REPLY(h, "hexpire h 100 fields 1 a", "*1\r\n:-2\r\n");
    EXPECT_REPLY(h, "hpersist h fields 1 a", "*1\r\n:-2\r\n");
    EXPECT_REPLY(h, "hlen h", ":2\r\n"); // as Redis 7.4: counts it until it is removed
    pass_ms(0);
    EXPECT_REPLY(h, "hlen h", ":1\r\n");
}

Test(cmd_hash_expire, keeps_or_clears_the_deadline_of_a_field_that_is_written)
{
    harness_run(h, "hset h a 1 b 2 c 3 d 4");
    harness_run(h, "hexpire h 100 fields 4 a b c d");
    harness_run(h, "hset h a 5");
    harness_run(h, "hincrby h b 1");
    harness_run(h, "hincrbyfloat h c 0.5");
    harness_run(h, "hsetnx h d 9");
    EXPECT_REPLY(h, "httl h fields 4 a b c d", "*4\r\n:-1\r\n:100\r\n:100\r\n:100\r\n");
    EXPECT_REPLY(h, "hmget h a b c d", "*4\r\n$1\r\n5\r\n$1\r\n3\r\n$3\r\n3.5\r\n$1\r\n4\r\n");
}

// spec/aof.md chapter 4, 7.4
Test(cmd_hash_expire, tells_its_effects_in_absolute_time)
{
    harness_run(h, "hset h a 1 b 2 c 3");
    EXPECT_EFFECTS("hexpire h 100 fields 2 a none", "HPEXPIREAT h 1700000100000 fields 1 a;");
    EXPECT_EFFECTS("hpexpire h 5 nx fields 3 a b none",
                   "HPEXPIREAT h 1700000000005 nx fields 1 b;");
    EXPECT_EFFECTS("hpexpireat h 1700000000007 fields 2 b c",
                   "HPEXPIREAT h 1700000000007 fields 2 b c;");
    EXPECT_EFFECTS("hexpire h 100 nx fields 1 a", "");
    EXPECT_EFFECTS("hpersist h fields 2 a none", "hpersist h fields 2 a none;");
    EXPECT_EFFECTS("hpersist h fields 1 a", "");
    EXPECT_EFFECTS("hincrbyfloat h b 1",
                   "MULTI | HSET h b 3 | HPEXPIREAT h 1700000000007 FIELDS 1 b | EXEC;");
    EXPECT_EFFECTS("hexpireat h 1 fields 3 none a b", "MULTI | HDEL h a | HDEL h b | EXEC;");
    EXPECT_EFFECTS("httl h fields 1 c", "");
}

Test(cmd_hash_expire, tells_what_expired)
{
    harness_run(h, "hset h a 1 b 2 c 3");
    harness_run(h, "hpexpire h 5 fields 2 a b");
    harness_run(h, "hpexpire h 9 fields 1 c");
    pass_ms(4);
    cr_expect(eq(str, h->effects, ""));
    pass_ms(1);
    cr_expect(eq(str, h->effects, "HDEL h a;HDEL h b;"));
    cr_expect(eq(str, events, "0:hexpired:h "));
    pass_ms(10);
    cr_expect(eq(str, h->effects, "HDEL h c;"));
    cr_expect(eq(str, events, "0:hexpired:h 0:del:h "));
    EXPECT_REPLY(h, "exists h", ":0\r\n");
}

// What a replica does with the command must not depend on whether it still has the field.
Test(cmd_hash_expire, tells_of_an_expired_field_ahead_of_a_write_to_it)
{
    harness_run(h, "hset h a 1 b 2 c 3");
    harness_run(h, "hpexpire h 5 fields 2 a b");
    h->now_ms += 5;
    EXPECT_REPLY(h, "hincrby h a 7", ":7\r\n");
    cr_expect(eq(str, h->effects, "MULTI | HDEL h a | hincrby h a 7 | EXEC;"));
    EXPECT_REPLY(h, "hsetnx h b 8", ":1\r\n");
    cr_expect(eq(str, h->effects, "MULTI | HDEL h b | hsetnx h b 8 | EXEC;"));
    harness_run(h, "hpexpire h 5 fields 1 a");
    h->now_ms += 5;
    EXPECT_REPLY(h, "hdel h a", ":0\r\n");
    cr_expect(eq(str, h->effects, "HDEL h a;"));
    harness_run(h, "hpexpire h 5 fields 2 b c");
    h->now_ms += 5;
    EXPECT_REPLY(h, "hset h b 1", ":1\r\n");
    EXPECT_REPLY(h, "hgetall h", "*2\r\n$1\r\nb\r\n$1\r\n1\r\n");
}

Test(cmd_hash_expire, tells_events)
{
    static const char *const cases[][2] = {
        { "hset k a 1 b 2 c 3", "0:hset:k " },
        { "hexpire k 100 fields 1 a", "0:hexpire:k " },
        { "hexpire k 100 nx fields 1 a", "" },
        { "hpersist k fields 1 a", "0:hpersist:k " },
        { "hpersist k fields 1 a", "" },
        { "hexpire k 0 fields 1 a", "0:hdel:k " },
        { "hexpire k 0 fields 2 b c", "0:hdel:k 0:del:k " },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        events[0] = 0;
        harness_run(h, cases[i][0]);
        cr_expect(eq(str, events, (char *)cases[i][1]), "%s", cases[i][0]);
    }
}

Test(cmd_hash_expire, counts_its_changes)
{
    static const struct {
        const char *command;
        uint64_t dirty;
    } cases[] = { { "hexpire h 100 fields 3 a b none", 2 },
                  { "hexpire h 100 nx fields 1 a", 0 },
                  { "hpersist h fields 2 a b", 1 },
                  { "hexpire h 0 fields 2 a b", 2 } };
    harness_run(h, "hset h a 1 b 2 c 3");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t before = keyspace_dirty(h->server.keyspace);
        harness_run(h, cases[i].command);
        cr_expect(eq(u64, keyspace_dirty(h->server.keyspace) - before, cases[i].dirty), "%s",
                  cases[i].command);
    }
}

// By time and by a command that meets them alike; those that are deleted are none.
Test(cmd_hash_expire, counts_the_fields_that_expired)
{
    harness_run(h, "hset h a 1 b 2 c 3 d 4");
    harness_run(h, "hpexpire h 10 fields 3 a b d");
    harness_run(h, "hexpire h 0 fields 1 d");
    h->now_ms += 10;
    harness_run(h, "hset h a 5");
    cr_expect(eq(u64, h->tally.expired_subkeys, 1));
    pass_ms(1);
    cr_expect(eq(u64, h->tally.expired_subkeys, 2));
    cr_expect(zero(u64, h->tally.expired_keys));
}

Test(cmd_hash_expire, follows_the_key_through_rename_move_swap_and_copy)
{
    harness_run(h, "hset a f 1 g 2");
    harness_run(h, "hpexpire a 10 fields 1 f");
    harness_run(h, "copy a b");
    harness_run(h, "rename a c");
    harness_run(h, "move c 1");
    harness_run(h, "hset gone f 1");
    harness_run(h, "hpexpire gone 10 fields 1 f");
    harness_run(h, "del gone");
    pass_ms(10);
    cr_expect(ne(ptr, strstr(h->effects, "HDEL b f"), NULL));
    cr_expect(ne(ptr, strstr(h->effects, "HDEL c f"), NULL));
    cr_expect(ne(ptr, strstr(h->effects, "SELECT 1"), NULL));
    cr_expect(eq(ptr, strstr(h->effects, "gone"), NULL));
    EXPECT_REPLY(h, "hkeys b", "*1\r\n$1\r\ng\r\n");
    harness_run(h, "select 1");
    EXPECT_REPLY(h, "hkeys c", "*1\r\n$1\r\ng\r\n");
}
