#include "tests/unit/cmd/harness.h"

static struct harness *h;
static void open_harness(void) { h = harness_open(); }
static void close_harness(void) { harness_close(h); }
TestSuite(cmd_number, .init = open_harness, .fini = close_harness);

Test(cmd_number, counts_up_and_down_from_nothing)
{
    EXPECT_REPLY(h, "incr k", ":1\r\n");
    EXPECT_REPLY(h, "decrby k 5", ":-4\r\n");
    EXPECT_REPLY(h, "incrby k 104", ":100\r\n");
    EXPECT_REPLY(h, "decr k", ":99\r\n");
    EXPECT_REPLY(h, "get k", "$2\r\n99\r\n");
    EXPECT_REPLY(h, "expire k 100", ":1\r\n");
    EXPECT_REPLY(h, "incr k", ":100\r\n");
    EXPECT_REPLY(h, "ttl k", ":100\r\n");
}

Test(cmd_number, stops_at_the_ends_of_the_range)
{
    static const char *const overflow = "-ERR increment or decrement would overflow\r\n";
    harness_run(h, "set k 9223372036854775806");
    EXPECT_REPLY(h, "incr k", ":9223372036854775807\r\n");
    EXPECT_REPLY(h, "incr k", overflow);
    EXPECT_REPLY(h, "decrby k -1", overflow);
    EXPECT_REPLY(h, "get k", "$19\r\n9223372036854775807\r\n");
    harness_run(h, "set k -9223372036854775807");
    EXPECT_REPLY(h, "decr k", ":-9223372036854775808\r\n");
    EXPECT_REPLY(h, "decr k", overflow);
    EXPECT_REPLY(h, "decrby k -9223372036854775808", "-ERR decrement would overflow\r\n");
}

Test(cmd_number, refuses_text_that_is_no_canonical_integer)
{
    static const char *const error = "-ERR value is not an integer or out of range\r\n";
    static const char *const values[] = { "abc", "\"\"", "\" 1\"", "+1",
                                          "01",  "-0",   "1.0",    "9223372036854775808" };
    char command[64];
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        snprintf(command, sizeof command, "set k %s", values[i]);
        harness_run(h, command);
        EXPECT_REPLY(h, "incr k", error);
        snprintf(command, sizeof command, "incrby n %s", values[i]);
        EXPECT_REPLY(h, command, error);
    }
    EXPECT_REPLY(h, "exists n", ":0\r\n");
}

Test(cmd_number, adds_floats_in_plain_notation)
{
    EXPECT_REPLY(h, "incrbyfloat k 10.50", "$4\r\n10.5\r\n");
    EXPECT_REPLY(h, "incrbyfloat k 0.1", "$4\r\n10.6\r\n");
    EXPECT_REPLY(h, "incrbyfloat k -5.6", "$1\r\n5\r\n");
    EXPECT_REPLY(h, "object encoding k", "$6\r\nembstr\r\n"); // text, though it reads as an integer
    EXPECT_REPLY(h, "incrbyfloat k 5.0e3", "$4\r\n5005\r\n");
    EXPECT_REPLY(h, "incrbyfloat k x", "-ERR value is not a valid float\r\n");
    EXPECT_REPLY(h, "incrbyfloat k nan", "-ERR value is not a valid float\r\n");
    EXPECT_REPLY(h, "incrbyfloat k inf", "-ERR increment would produce NaN or Infinity\r\n");
    harness_run(h, "set t abc");
    EXPECT_REPLY(h, "incrbyfloat t 1", "-ERR value is not a valid float\r\n");
    EXPECT_REPLY(h, "get k", "$4\r\n5005\r\n");
}
