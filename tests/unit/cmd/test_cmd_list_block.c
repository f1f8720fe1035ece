#include "tests/unit/cmd/harness.h"

static struct harness *h;
static struct harness_client *a, *b;
static void open_harness(void)
{
    h = harness_open();
    a = harness_client_open(h);
    b = harness_client_open(h);
}
static void close_harness(void)
{
    harness_client_close(a);
    harness_client_close(b);
    harness_close(h);
}
TestSuite(cmd_list_block, .init = open_harness, .fini = close_harness);

#define EXPECT_BLOCKS(c, command)                                                                  \
    cr_expect(eq(str, (char *)harness_client_run((c), (command)), (char *)""), "%s", (command))
#define EXPECT_SENT(c, expected)                                                                   \
    cr_expect(eq(str, (char *)harness_client_wire(c), (char *)(expected)))

Test(cmd_list_block, takes_what_is_there_without_waiting)
{
    harness_run(h, "rpush l 1 2 3 4 5");
    EXPECT_REPLY(h, "blpop none l 0", "*2\r\n$1\r\nl\r\n$1\r\n1\r\n");
    EXPECT_REPLY(h, "brpop l none 1.5", "*2\r\n$1\r\nl\r\n$1\r\n5\r\n");
    EXPECT_REPLY(h, "blmpop 0 1 l left count 2", "*2\r\n$1\r\nl\r\n*2\r\n$1\r\n2\r\n$1\r\n3\r\n");
    EXPECT_REPLY(h, "blmove l m left right 0", "$1\r\n4\r\n");
    EXPECT_REPLY(h, "brpoplpush m l 0", "$1\r\n4\r\n");
}

Test(cmd_list_block, refuses_bad_arguments_before_it_waits)
{
    static const char *const not_float = "-ERR timeout is not a float or out of range\r\n";
    EXPECT_REPLY(h, "blpop l x", not_float);
    EXPECT_REPLY(h, "blpop l -1", "-ERR timeout is negative\r\n");
    EXPECT_REPLY(h, "blpop l nan", not_float);
    EXPECT_REPLY(h, "blpop l -0.00101", "-ERR timeout is negative\r\n");
    EXPECT_REPLY(h, "blpop l -inf", "-ERR timeout is negative\r\n");
    EXPECT_REPLY(h, "blpop l inf", "-ERR timeout is out of range\r\n");
    EXPECT_REPLY(h, "blpop l 9223372036854775", "-ERR timeout is out of range\r\n");
    EXPECT_REPLY(h, "blmove l m left right x", not_float);
    EXPECT_REPLY(h, "blmove l m left up x", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "brpoplpush l m x", not_float);
    EXPECT_REPLY(h, "blmpop x 1 l left", not_float);
    EXPECT_REPLY(h, "blmpop x 1 l up", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "blmpop x 0 l left", "-ERR numkeys should be greater than 0\r\n");
    EXPECT_REPLY(h, "blmpop 0 1 l left count -1", "-ERR count should be greater than 0\r\n");
}

Test(cmd_list_block, serves_first_come_first)
{
    EXPECT_BLOCKS(a, "blpop l m 0");
    EXPECT_BLOCKS(b, "brpop l 0");
    EXPECT_REPLY(h, "rpush l 1 2 3", ":3\r\n");
    cr_expect(eq(str, h->effects, (char *)"rpush l 1 2 3;LPOP l;RPOP l;"));
    EXPECT_SENT(a, "*2\r\n$1\r\nl\r\n$1\r\n1\r\n");
    EXPECT_SENT(b, "*2\r\n$1\r\nl\r\n$1\r\n3\r\n");
    EXPECT_REPLY(h, "lrange l 0 -1", "*1\r\n$1\r\n2\r\n");
}

Test(cmd_list_block, waits_for_more_when_others_were_quicker)
{
    EXPECT_BLOCKS(a, "blpop l 0");
    EXPECT_BLOCKS(b, "blpop l 0");
    harness_run(h, "rpush l 1");
    EXPECT_SENT(a, "*2\r\n$1\r\nl\r\n$1\r\n1\r\n");
    EXPECT_SENT(b, "");
    harness_run(h, "rpush l 2");
    EXPECT_SENT(b, "*2\r\n$1\r\nl\r\n$1\r\n2\r\n");
    EXPECT_REPLY(h, "exists l", ":0\r\n");
}

Test(cmd_list_block, passes_elements_on_along_a_chain)
{
    EXPECT_BLOCKS(a, "blmove one two left right 0");
    EXPECT_BLOCKS(b, "blmpop 0 2 none two left count 5");
    harness_run(h, "rpush one x");
    EXPECT_SENT(a, "$1\r\nx\r\n");
    EXPECT_SENT(b, "*2\r\n$3\r\ntwo\r\n*1\r\n$1\r\nx\r\n");
    cr_expect(eq(str, h->effects, (char *)"rpush one x;LMOVE one two left right;LPOP two 1;"));
    EXPECT_REPLY(h, "dbsize", ":0\r\n");
}

Test(cmd_list_block, tells_a_served_client_of_a_wrong_destination)
{
    harness_run(h, "set s x");
    EXPECT_BLOCKS(a, "brpoplpush l s 0");
    harness_run(h, "rpush l 1");
    EXPECT_SENT(a, "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
    EXPECT_REPLY(h, "llen l", ":1\r\n");
}

// So many elements that they are shown in slices; the next in line is served at once.
Test(cmd_list_block, serves_thousands_in_slices)
{
    EXPECT_BLOCKS(a, "blmpop 0 1 l left count 5000");
    EXPECT_BLOCKS(b, "blpop l 0");
    for (int i = 0; i < 1000; i++) harness_run(h, "rpush source a b c d e f");
    harness_run(h, "rename source l");
    cr_expect(gt(u32, h->slices, 50));
    cr_expect(eq(str, h->effects, (char *)"rename source l;LPOP l 5000;LPOP l;"));
    static const char begin[] = "*2\r\n$1\r\nl\r\n*5000\r\n$1\r\na\r\n$1\r\nb\r\n";
    const char *wire = harness_client_wire(a);
    cr_expect(eq(int, strncmp(wire, begin, sizeof begin - 1), 0));
    cr_expect(eq(sz, strlen(wire), sizeof begin - 1 + 4998 * 7));
    EXPECT_SENT(b, "*2\r\n$1\r\nl\r\n$1\r\nc\r\n");
    cr_expect(zero(u64, h->tally.blocked_clients));
}

// The destination is being changed by another's long command: the move waits for its end.
Test(cmd_list_block, moves_to_a_closed_key_when_it_opens)
{
    for (int i = 0; i < 1000; i++) harness_run(h, "rpush to a b c d e f");
    EXPECT_BLOCKS(a, "blmove from to left right 0");
    h->no_slices = true;
    EXPECT_BLOCKS(b, "lrem to 0 b");
    EXPECT_REPLY(h, "rpush from x", ":1\r\n");
    EXPECT_SENT(a, "");
    h->no_slices = false;
    EXPECT_REPLY(h, "lrange from 0 -1", "*1\r\n$1\r\nx\r\n");
    EXPECT_SENT(b, ":1000\r\n");
    EXPECT_SENT(a, "$1\r\nx\r\n");
    EXPECT_REPLY(h, "lindex to -1", "$1\r\nx\r\n");
    EXPECT_REPLY(h, "llen to", ":5001\r\n");
}

// Less than a ms below 0 is no time at all: it waits for ever.
Test(cmd_list_block, rounds_its_time_up)
{
    EXPECT_BLOCKS(a, "blpop l -0.0009");
    EXPECT_BLOCKS(b, "blpop l 0.0001");
    cr_expect(eq(u64, h->tally.blocked_clients, 2));
    harness_set_time(h, h->now_ms + 1);
    blocks_expire(&h->server);
    EXPECT_SENT(a, "");
    EXPECT_SENT(b, "*-1\r\n");
}

Test(cmd_list_block, does_not_wake_for_another_type)
{
    EXPECT_BLOCKS(a, "blpop l 0");
    harness_run(h, "set l x");
    EXPECT_SENT(a, "");
    harness_run(h, "del l");
    harness_run(h, "rpush other 1");
    harness_run(h, "rename other l");
    EXPECT_SENT(a, "*2\r\n$1\r\nl\r\n$1\r\n1\r\n");
}

// Redis 7.2 gives a null array, for those that reply with one element, too.
Test(cmd_list_block, gives_a_null_array_when_the_time_is_over)
{
    static const char *const commands[] = { "blpop l 0.5", "blmpop 0.5 1 l left",
                                            "blmove l m left left 0.5", "brpoplpush l m 0.5" };
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        EXPECT_BLOCKS(a, commands[i]);
        harness_set_time(h, h->now_ms + 499);
        blocks_expire(&h->server);
        EXPECT_SENT(a, "");
        harness_set_time(h, h->now_ms + 1);
        blocks_expire(&h->server);
        EXPECT_SENT(a, "*-1\r\n");
    }
}

// A transaction, a script: nobody may wait there.
Test(cmd_list_block, answers_at_once_where_it_may_not_wait)
{
    static const struct {
        const char *command, *reply;
    } cases[] = { { "blpop l 0", "*-1\r\n" },
                  { "blmpop 0 1 l left", "*-1\r\n" },
                  { "blmove l m left left 0", "$-1\r\n" },
                  { "brpoplpush l m 0", "$-1\r\n" } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[64];
        struct resp_limits limits = { 512 << 20, 1 << 30, true };
        struct bytes in = bytes_make(line, (size_t)sprintf(line, "%s\r\n", cases[i].command));
        struct resp_request request;
        cr_assert(eq(int, resp_read(&h->reader, &in, &limits, &request), RESP_REQUEST));
        struct call call = { .server = &h->server,
                             .client = &a->client,
                             .reply = &a->client.reply,
                             .keyspace = h->server.keyspace,
                             .argv = request.argv,
                             .argc = request.argc,
                             .request = &request,
                             .now_ms = h->now_ms,
                             .no_suspend = true };
        command_prepare(&call);
        command_execute(&call);
        cr_expect(not(call.suspended));
        EXPECT_SENT(a, cases[i].reply);
    }
}

// More than a command may write in one go, to a client that waited: it is served in one go.
Test(cmd_list_block, gives_a_giant_to_a_client_that_waited)
{
    char command[8192];
    int at = sprintf(command, "rpush l");
    for (uint32_t i = 0; i < 4000; i++) at += sprintf(command + at, " x");
    EXPECT_BLOCKS(a, "blmpop 0 1 l left count 4000");
    harness_run(h, command);
    const char *wire = harness_client_wire(a);
    cr_expect(eq(int, strncmp(wire, "*2\r\n$1\r\nl\r\n*4000\r\n$1\r\nx\r\n", 25), 0));
    cr_expect(eq(sz, strlen(wire), 18 + 4000 * 7));
    EXPECT_REPLY(h, "exists l", ":0\r\n");
}
