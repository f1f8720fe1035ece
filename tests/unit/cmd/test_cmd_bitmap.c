#include "tests/unit/cmd/harness.h"

static struct harness *h;
static void open_harness(void) { h = harness_open(); }
static void close_harness(void) { harness_close(h); }
TestSuite(cmd_bitmap, .init = open_harness, .fini = close_harness);

static const char *const no_offset = "-ERR bit offset is not an integer or out of range\r\n";
static const char *const no_bit = "-ERR bit is not an integer or out of range\r\n";
static const char *const wrong_type =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

Test(cmd_bitmap, sets_and_reads_bits_and_grows_the_string)
{
    EXPECT_REPLY(h, "setbit k 7 1", ":0\r\n");
    EXPECT_REPLY(h, "setbit k 7 1", ":1\r\n");
    EXPECT_REPLY(h, "getbit k 7", ":1\r\n");
    EXPECT_REPLY(h, "getbit k 6", ":0\r\n");
    EXPECT_REPLY(h, "getbit k 4294967295", ":0\r\n");
    EXPECT_REPLY(h, "getbit none 0", ":0\r\n");
    EXPECT_REPLY(h, "setbit k 16 0", ":0\r\n");
    harness_run(h, "get k");
    cr_expect_arr_eq(h->wire, "$3\r\n\1\0\0\r\n", 9);
    EXPECT_REPLY(h, "setbit k 7 0", ":1\r\n");
    EXPECT_REPLY(h, "bitcount k", ":0\r\n");
}

Test(cmd_bitmap, keeps_the_deadline_and_counts_only_what_changed)
{
    harness_run(h, "set k abc ex 100");
    uint64_t dirty = keyspace_dirty(h->server.keyspace);
    EXPECT_REPLY(h, "setbit k 1 1", ":1\r\n");
    cr_expect_eq(keyspace_dirty(h->server.keyspace), dirty);
    cr_expect_str_eq(h->effects, "");
    EXPECT_REPLY(h, "object encoding k", "$3\r\nraw\r\n");
    EXPECT_REPLY(h, "setbit k 0 1", ":0\r\n");
    cr_expect_eq(keyspace_dirty(h->server.keyspace), dirty + 1);
    cr_expect_str_eq(h->effects, "setbit k 0 1;");
    EXPECT_REPLY(h, "ttl k", ":100\r\n");
}

Test(cmd_bitmap, edits_an_integer_as_its_digits)
{
    harness_run(h, "set k 12");
    EXPECT_REPLY(h, "getbit k 3", ":1\r\n");
    EXPECT_REPLY(h, "setbit k 15 1", ":0\r\n");
    EXPECT_REPLY(h, "get k", "$2\r\n13\r\n");
}

Test(cmd_bitmap, refuses_what_is_no_offset_or_no_bit)
{
    EXPECT_REPLY(h, "setbit k -1 1", no_offset);
    EXPECT_REPLY(h, "setbit k 4294967296 1", no_offset);
    EXPECT_REPLY(h, "setbit k x 1", no_offset);
    EXPECT_REPLY(h, "setbit k #1 1", no_offset);
    EXPECT_REPLY(h, "getbit k 9223372036854775808", no_offset);
    EXPECT_REPLY(h, "setbit k 0 2", no_bit);
    EXPECT_REPLY(h, "setbit k 0 -1", no_bit);
    EXPECT_REPLY(h, "setbit k 0 x", no_bit);
    EXPECT_REPLY(h, "exists k", ":0\r\n");
}

Test(cmd_bitmap, counts_by_bytes_and_by_bits)
{
    harness_run(h, "set k foobar");
    EXPECT_REPLY(h, "bitcount k", ":26\r\n");
    EXPECT_REPLY(h, "bitcount k 0 0", ":4\r\n");
    EXPECT_REPLY(h, "bitcount k 1 1 byte", ":6\r\n");
    EXPECT_REPLY(h, "bitcount k 5 30 BIT", ":17\r\n");
    EXPECT_REPLY(h, "bitcount k -2 -1", ":7\r\n");
    EXPECT_REPLY(h, "bitcount k -1 -2", ":0\r\n");
    EXPECT_REPLY(h, "bitcount k 9 20", ":0\r\n");
    EXPECT_REPLY(h, "bitcount k 0 -1 byt", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "bitcount k 0", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "bitcount k 0 1 bit bit", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "bitcount k 0 x", "-ERR value is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "bitcount none 0", ":0\r\n"); // 7.2 looks at the key first
}

Test(cmd_bitmap, finds_bits_as_if_zeros_followed_unless_an_end_is_given)
{
    harness_run(h, "set ones \"\\xff\\xff\\xff\"");
    harness_run(h, "set k \"\\x00\\xff\\xf0\"");
    EXPECT_REPLY(h, "bitpos ones 0", ":24\r\n");
    EXPECT_REPLY(h, "bitpos ones 0 1", ":24\r\n");
    EXPECT_REPLY(h, "bitpos ones 0 0 -1", ":-1\r\n");
    EXPECT_REPLY(h, "bitpos ones 0 3", ":-1\r\n");
    EXPECT_REPLY(h, "bitpos k 1", ":8\r\n");
    EXPECT_REPLY(h, "bitpos k 1 2", ":16\r\n");
    EXPECT_REPLY(h, "bitpos k 0 1", ":20\r\n");
    EXPECT_REPLY(h, "bitpos k 1 7 15 bit", ":8\r\n");
    EXPECT_REPLY(h, "bitpos k 1 0 7 bit", ":-1\r\n");
    EXPECT_REPLY(h, "bitpos none 1", ":-1\r\n");
    EXPECT_REPLY(h, "bitpos none 0 5", ":0\r\n");
    EXPECT_REPLY(h, "bitpos k 2", "-ERR The bit argument must be 1 or 0.\r\n");
    EXPECT_REPLY(h, "bitpos k x", "-ERR value is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "bitpos k 1 0 1 bits", "-ERR syntax error\r\n");
    harness_run(h, "set empty \"\"");
    EXPECT_REPLY(h, "bitpos empty 0", ":-1\r\n");
}

Test(cmd_bitmap, combines_strings_of_different_lengths)
{
    harness_run(h, "set a \"\\xf0\\x0f\\xff\"");
    harness_run(h, "set b \"\\x3c\"");
    EXPECT_REPLY(h, "bitop and d a b none2", ":3\r\n");
    EXPECT_REPLY(h, "bitcount d", ":0\r\n");
    EXPECT_REPLY(h, "bitop and d a b", ":3\r\n");
    cr_expect_str_eq(h->effects, "bitop and d a b;");
    EXPECT_REPLY(h, "bitcount d", ":2\r\n");
    EXPECT_REPLY(h, "bitop or d a b", ":3\r\n");
    EXPECT_REPLY(h, "bitcount d", ":18\r\n");
    EXPECT_REPLY(h, "bitop xor d a b none", ":3\r\n");
    EXPECT_REPLY(h, "bitcount d", ":16\r\n");
    EXPECT_REPLY(h, "bitop not d a", ":3\r\n");
    EXPECT_REPLY(h, "bitcount d", ":8\r\n");
    EXPECT_REPLY(h, "object encoding d", "$3\r\nraw\r\n");
}

Test(cmd_bitmap, combines_into_one_of_the_sources)
{
    harness_run(h, "set a \"\\xf0\" ex 100");
    harness_run(h, "set b 12");
    EXPECT_REPLY(h, "bitop or a a b", ":2\r\n");
    EXPECT_REPLY(h, "get a", "$2\r\n\xf1\x32\r\n");
    EXPECT_REPLY(h, "ttl a", ":-1\r\n"); // as SET
}

Test(cmd_bitmap, deletes_the_destination_when_there_is_nothing_to_put)
{
    harness_run(h, "set d x");
    EXPECT_REPLY(h, "bitop or d none1 none2", ":0\r\n");
    cr_expect_str_eq(h->effects, "bitop or d none1 none2;");
    EXPECT_REPLY(h, "exists d", ":0\r\n");
    EXPECT_REPLY(h, "bitop or d none1 none2", ":0\r\n");
    cr_expect_str_eq(h->effects, "");
}

Test(cmd_bitmap, refuses_operations_it_does_not_know)
{
    EXPECT_REPLY(h, "bitop nand d a b", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "bitop not d a b",
                 "-ERR BITOP NOT must be called with a single source key.\r\n");
}

Test(cmd_bitmap, leaves_other_types_alone)
{
    harness_run(h, "rpush l x");
    EXPECT_REPLY(h, "setbit l 0 1", wrong_type);
    EXPECT_REPLY(h, "getbit l 0", wrong_type);
    EXPECT_REPLY(h, "bitcount l", wrong_type);
    EXPECT_REPLY(h, "bitpos l 1", wrong_type);
    EXPECT_REPLY(h, "bitop or d none l", wrong_type);
    EXPECT_REPLY(h, "bitop or l none none", ":0\r\n"); // the destination's type does not matter
    EXPECT_REPLY(h, "exists l", ":0\r\n");
}

// ---- in slices

Test(cmd_bitmap, counts_and_finds_in_a_large_string_in_slices)
{
    EXPECT_REPLY(h, "setbit k 16777216 1", ":0\r\n"); // 2 MiB and a byte
    EXPECT_REPLY(h, "bitcount k", ":1\r\n");
    cr_expect_gt(h->slices, 20);
    EXPECT_REPLY(h, "bitpos k 1", ":16777216\r\n");
    cr_expect_gt(h->slices, 20);
    EXPECT_REPLY(h, "bitcount k 3 16777215 bit", ":0\r\n");
    EXPECT_REPLY(h, "bitcount k 3 16777216 bit", ":1\r\n");
    EXPECT_REPLY(h, "bitpos k 1 5 16777215 bit", ":-1\r\n");
    EXPECT_REPLY(h, "bitpos k 0 0", ":0\r\n");
    EXPECT_REPLY(h, "bitcount k 0 99", ":0\r\n");
    cr_expect_eq(h->slices, 0);
}

Test(cmd_bitmap, combines_large_strings_in_slices_and_gives_the_result_as_the_effect)
{
    harness_run(h, "setbit a 8388608 1");
    harness_run(h, "setbit b 5 1");
    EXPECT_REPLY(h, "bitop or d a b", ":1048577\r\n");
    cr_expect_gt(h->slices, 20);
    cr_expect(strncmp(h->effects, "SET d", 5) == 0);
    EXPECT_REPLY(h, "bitcount d", ":2\r\n");
    EXPECT_REPLY(h, "getbit d 8388608", ":1\r\n");
    EXPECT_REPLY(h, "getbit d 5", ":1\r\n");
}

// As harness_run, but the jobs that it began wait until somebody's next command is over.
static void begin(const char *command)
{
    char line[256];
    struct resp_limits limits = { 512 << 20, 1 << 30, true };
    struct bytes in = bytes_make(line, (size_t)snprintf(line, sizeof line, "%s\r\n", command));
    struct resp_request request;
    cr_assert_eq(resp_read(&h->reader, &in, &limits, &request), RESP_REQUEST);
    struct call call = { .server = &h->server,
                         .client = &h->client,
                         .reply = &h->client.reply,
                         .keyspace = h->server.keyspace,
                         .argv = request.argv,
                         .argc = request.argc,
                         .request = &request,
                         .arrival_tsc = clock_tsc(),
                         .now_ms = h->now_ms };
    command_prepare(&call);
    command_execute(&call);
    cr_expect(call.suspended);
}

Test(cmd_bitmap, answers_for_the_moment_in_which_it_was_asked)
{
    struct harness_client *other = harness_client_open(h);
    harness_run(h, "setbit a 8388608 1");
    begin("bitcount a");
    cr_expect_str_eq(harness_client_run(other, "setbit a 8388600 1"), ":0\r\n");
    harness_drain(h);
    cr_expect_str_eq(h->wire, ":1\r\n");
    begin("bitop or d a a");
    cr_expect_str_eq(harness_client_run(other, "del a"), ":1\r\n");
    harness_drain(h);
    cr_expect_str_eq(h->wire, ":1048577\r\n");
    EXPECT_REPLY(h, "bitcount d 1048570 1048576", ":2\r\n");
    begin("bitop or d d d");
    cr_expect_str_eq(harness_client_run(other, "strlen d"), ":1048577\r\n"); // waited for it
    harness_drain(h);
    harness_client_close(other);
}

Test(cmd_bitmap, gives_everything_back_when_the_client_goes)
{
    harness_run(h, "setbit a 8388608 1");
    begin("bitcount a");
    jobs_forget_client(&h->server, &h->client);
    begin("bitpos a 1 2");
    jobs_forget_client(&h->server, &h->client);
    begin("bitop not d a");
    jobs_forget_client(&h->server, &h->client); // a write goes on
    EXPECT_REPLY(h, "strlen d", ":1048577\r\n");
    EXPECT_REPLY(h, "bitcount d", ":8388615\r\n");
}
