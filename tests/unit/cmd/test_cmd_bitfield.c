#include "tests/unit/cmd/harness.h"

static struct harness *h;
static void open_harness(void) { h = harness_open(); }
static void close_harness(void) { harness_close(h); }
TestSuite(cmd_bitfield, .init = open_harness, .fini = close_harness);

static const char *const no_type = "-ERR Invalid bitfield type. Use something like i16 u8. Note "
                                   "that u64 is not supported but i64 is.\r\n";
static const char *const no_offset = "-ERR bit offset is not an integer or out of range\r\n";

Test(cmd_bitfield, sets_and_gets_signed_and_unsigned_fields)
{
    EXPECT_REPLY(h, "bitfield k set u8 0 255 set i8 0 -128 get u8 0 get i8 0",
                 "*4\r\n:0\r\n:-1\r\n:128\r\n:-128\r\n");
    EXPECT_REPLY(h, "bitfield k set i64 3 -5 get i64 3 get u63 4 get i1 3",
                 "*4\r\n:0\r\n:-5\r\n:9223372036854775803\r\n:-1\r\n");
    EXPECT_REPLY(h, "strlen k", ":9\r\n");
    EXPECT_REPLY(h, "bitfield k get i64 1000", "*1\r\n:0\r\n");
    EXPECT_REPLY(h, "strlen k", ":9\r\n");
    EXPECT_REPLY(h, "bitfield none get u8 0", "*1\r\n:0\r\n");
    EXPECT_REPLY(h, "exists none", ":0\r\n");
    EXPECT_REPLY(h, "bitfield k", "*0\r\n");
}

Test(cmd_bitfield, counts_offsets_in_fields_behind_a_hash)
{
    EXPECT_REPLY(h, "bitfield k set u8 #0 65 set u8 #1 66 set u8 #2 67",
                 "*3\r\n:0\r\n:0\r\n:0\r\n");
    EXPECT_REPLY(h, "get k", "$3\r\nABC\r\n");
    EXPECT_REPLY(h, "bitfield k get u8 #x", no_offset);
    EXPECT_REPLY(h, "bitfield k get u8 #-1", no_offset);
    EXPECT_REPLY(h, "bitfield k get u8 #9223372036854775807", no_offset);
    EXPECT_REPLY(h, "bitfield k get u8 #536870912", no_offset); // 8 * proto-max-bulk-len
    EXPECT_REPLY(h, "bitfield k get u8 #536870911", "*1\r\n:0\r\n");
}

struct overflow_case {
    const char *operation; // on a field of 8 bits
    const char *signed_reply, *unsigned_reply;
};
static const struct overflow_case overflow_cases[] = {
    { "overflow wrap incrby %c8 0 1", ":-128\r\n", ":128\r\n" },
    { "overflow sat incrby %c8 0 1", ":127\r\n", ":128\r\n" },
    { "overflow fail incrby %c8 0 1", "$-1\r\n", ":128\r\n" },
    { "overflow wrap incrby %c8 0 -256", ":127\r\n", ":127\r\n" },
    { "overflow sat incrby %c8 0 -256", ":-128\r\n", ":0\r\n" },
    { "overflow fail incrby %c8 0 -128", ":-1\r\n", "$-1\r\n" },
    { "incrby %c8 0 9223372036854775807", ":126\r\n", ":126\r\n" },
    { "overflow sat incrby %c8 0 9223372036854775807", ":127\r\n", ":255\r\n" },
    { "overflow sat incrby %c8 0 -9223372036854775808", ":-128\r\n", ":0\r\n" },
    { "overflow sat set %c8 0 -9223372036854775680", ":127\r\n", ":127\r\n" },
    { "overflow sat set %c8 0 1000", ":127\r\n", ":127\r\n" },
    { "overflow fail set %c8 0 1000", "$-1\r\n", "$-1\r\n" },
    { "overflow fail set %c8 0 -1", ":127\r\n", "$-1\r\n" }, // unsigned: 2^64 - 1
};

Test(cmd_bitfield, wraps_saturates_or_fails)
{
    for (size_t i = 0; i < sizeof overflow_cases / sizeof overflow_cases[0]; i++) {
        const struct overflow_case *c = &overflow_cases[i];
        for (int is_signed = 0; is_signed < 2; is_signed++) {
            char operation[128], command[160], reply[64];
            harness_run(h, "set k \"\\x7f\"");
            snprintf(operation, sizeof operation, c->operation, is_signed ? 'i' : 'u');
            snprintf(command, sizeof command, "bitfield k %s", operation);
            snprintf(reply, sizeof reply, "*1\r\n%s",
                     is_signed ? c->signed_reply : c->unsigned_reply);
            EXPECT_REPLY(h, command, reply);
        }
    }
}

Test(cmd_bitfield, wraps_and_saturates_at_64_bits)
{
    EXPECT_REPLY(h, "bitfield k set i64 0 9223372036854775807 incrby i64 0 1",
                 "*2\r\n:0\r\n:-9223372036854775808\r\n");
    EXPECT_REPLY(h, "bitfield k overflow sat incrby i64 0 -1", "*1\r\n:-9223372036854775808\r\n");
    EXPECT_REPLY(h, "bitfield k overflow fail incrby i64 0 -1", "*1\r\n$-1\r\n");
    EXPECT_REPLY(h, "bitfield k incrby i64 0 -1", "*1\r\n:9223372036854775807\r\n");
    EXPECT_REPLY(h, "bitfield k overflow sat set u63 1 -1", "*1\r\n:9223372036854775807\r\n");
}

Test(cmd_bitfield, keeps_the_overflow_that_was_said_last)
{
    EXPECT_REPLY(h,
                 "bitfield k overflow sat set u2 0 9 overflow wrap set u2 0 5 overflow fail "
                 "incrby u2 0 3 get u2 0",
                 "*4\r\n:0\r\n:3\r\n$-1\r\n:1\r\n");
    EXPECT_REPLY(h, "bitfield k overflow wrap overflow", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "bitfield k overflow sat", "*0\r\n");
    EXPECT_REPLY(h, "bitfield k overflow foo", "-ERR Invalid OVERFLOW type specified\r\n");
}

Test(cmd_bitfield, changes_nothing_when_any_argument_is_wrong)
{
    EXPECT_REPLY(h, "bitfield k set u8 0 1 get u64 0", no_type);
    EXPECT_REPLY(h, "bitfield k set u8 0 1 get i65 0", no_type);
    EXPECT_REPLY(h, "bitfield k set u8 0 1 get u0 0", no_type);
    EXPECT_REPLY(h, "bitfield k set u8 0 1 get U8 0", no_type);
    EXPECT_REPLY(h, "bitfield k set u8 0 1 get x8 0", no_type);
    EXPECT_REPLY(h, "bitfield k set u8 0 1 get \"\" 0", no_type);
    EXPECT_REPLY(h, "bitfield k set u8 0 1 get u8 -1", no_offset);
    EXPECT_REPLY(h, "bitfield k set u8 0 1 set u8 0 x",
                 "-ERR value is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "bitfield k set u8 0 1 set u8 0", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "bitfield k set u8 0 1 foo u8 0", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "exists k", ":0\r\n");
}

Test(cmd_bitfield, reads_only_in_its_ro_form)
{
    harness_run(h, "set k A");
    EXPECT_REPLY(h, "bitfield_ro k get u8 0 overflow sat get u4 4", "*2\r\n:65\r\n:1\r\n");
    EXPECT_REPLY(h, "bitfield_ro k get u8 0 set u8 0 1",
                 "-ERR BITFIELD_RO only supports the GET subcommand\r\n");
    harness_run(h, "rpush l x");
    EXPECT_REPLY(h, "bitfield_ro l get u8 0",
                 "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
    EXPECT_REPLY(h, "bitfield l set u8 0 0",
                 "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
}

Test(cmd_bitfield, counts_and_propagates_what_changed)
{
    uint64_t dirty = keyspace_dirty(h->server.keyspace);
    EXPECT_REPLY(h, "bitfield k set u8 0 1 set u8 8 2", "*2\r\n:0\r\n:0\r\n");
    cr_expect_eq(keyspace_dirty(h->server.keyspace), dirty + 2);
    cr_expect_str_eq(h->effects, "bitfield k set u8 0 1 set u8 8 2;");
    EXPECT_REPLY(h, "bitfield k set u8 0 1 get u8 8", "*2\r\n:1\r\n:2\r\n");
    cr_expect_eq(keyspace_dirty(h->server.keyspace), dirty + 2);
    cr_expect_str_eq(h->effects, "");
    // It grew, though every write was refused.
    EXPECT_REPLY(h, "bitfield k overflow fail set u8 16 256", "*1\r\n$-1\r\n");
    cr_expect_eq(keyspace_dirty(h->server.keyspace), dirty + 3);
    EXPECT_REPLY(h, "strlen k", ":3\r\n");
    h->client.reply.version = 3;
    EXPECT_REPLY(h, "bitfield k overflow fail set u8 16 256", "*1\r\n_\r\n");
}
