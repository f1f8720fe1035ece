#include "tests/unit/cmd/harness.h"

static struct harness *h;
static void open_harness(void) { h = harness_open(); }
static void close_harness(void) { harness_close(h); }
TestSuite(cmd_hll, .init = open_harness, .fini = close_harness);

static const char *const no_hll = "-WRONGTYPE Key is not a valid HyperLogLog string value.\r\n";
static const char *const corrupt = "-INVALIDOBJ Corrupted HLL object detected\r\n";
static const char *const wrong_type =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

// first, first + 1, ... as PFADDs of ten.
static void add(const char *key, int first, int end)
{
    for (int i = first; i < end; i += 10) {
        char command[512];
        int at = snprintf(command, sizeof command, "pfadd %s", key);
        for (int j = i; j < i + 10; j++)
            at += snprintf(command + at, sizeof command - (size_t)at, " element%d", j);
        harness_run(h, command);
    }
}

Test(cmd_hll, adds_and_counts)
{
    EXPECT_REPLY(h, "pfadd k", ":1\r\n"); // creates it
    EXPECT_REPLY(h, "pfadd k", ":0\r\n");
    EXPECT_REPLY(h, "pfcount k", ":0\r\n");
    EXPECT_REPLY(h, "pfadd k a b c d e f g", ":1\r\n");
    EXPECT_REPLY(h, "pfadd k a b c", ":0\r\n");
    EXPECT_REPLY(h, "pfcount k", ":7\r\n");
    EXPECT_REPLY(h, "strlen k", ":38\r\n"); // as redis-server 7.0.15
    EXPECT_REPLY(h, "pfcount none", ":0\r\n");
    EXPECT_REPLY(h, "type k", "+string\r\n");
}

Test(cmd_hll, counts_registers_that_changed_and_propagates_itself)
{
    uint64_t dirty = keyspace_dirty(h->server.keyspace);
    harness_run(h, "pfadd k a b c ");
    cr_expect_eq(keyspace_dirty(h->server.keyspace), dirty + 4); // and the key
    cr_expect_str_eq(h->effects, "pfadd k a b c;");
    harness_run(h, "pfadd k a b c");
    cr_expect_str_eq(h->effects, "");
    harness_run(h, "pfcount k");
    cr_expect_eq(keyspace_dirty(h->server.keyspace), dirty + 5);
    cr_expect_str_eq(h->effects, "pfcount k;"); // the count it keeps
    harness_run(h, "pfcount k");
    cr_expect_str_eq(h->effects, "");
    harness_run(h, "pfmerge k");
    cr_expect_eq(keyspace_dirty(h->server.keyspace), dirty + 6);
    cr_expect_str_eq(h->effects, "pfmerge k;");
}

Test(cmd_hll, becomes_dense_at_the_operators_size)
{
    h->settings.hll_sparse_max_bytes = 100;
    add("k", 0, 20);
    EXPECT_REPLY(h, "pfdebug encoding k", "+sparse\r\n");
    add("k", 20, 60);
    EXPECT_REPLY(h, "pfdebug encoding k", "+dense\r\n");
    EXPECT_REPLY(h, "pfcount k", ":60\r\n");
    EXPECT_REPLY(h, "pfadd k element3", ":0\r\n");
    EXPECT_REPLY(h, "pfadd k other", ":1\r\n");
    EXPECT_REPLY(h, "pfcount k", ":61\r\n");
}

// The counts are those of redis-server 7.0.15.
Test(cmd_hll, counts_and_merges_unions)
{
    add("x", 0, 300);
    add("y", 200, 600);
    EXPECT_REPLY(h, "pfcount x y none", ":603\r\n");
    harness_run(h, "expire x 100");
    EXPECT_REPLY(h, "pfmerge z x y", "+OK\r\n");
    EXPECT_REPLY(h, "pfcount z", ":603\r\n");
    EXPECT_REPLY(h, "strlen z", ":1238\r\n");
    EXPECT_REPLY(h, "pfmerge x y", "+OK\r\n");
    EXPECT_REPLY(h, "pfcount x", ":603\r\n");
    EXPECT_REPLY(h, "ttl x", ":100\r\n");
    EXPECT_REPLY(h, "pfmerge new", "+OK\r\n");
    EXPECT_REPLY(h, "pfcount new", ":0\r\n");
    EXPECT_REPLY(h, "pfdebug todense y", ":1\r\n");
    EXPECT_REPLY(h, "pfdebug todense y", ":0\r\n");
    EXPECT_REPLY(h, "pfmerge new y", "+OK\r\n");
    EXPECT_REPLY(h, "pfdebug encoding new", "+dense\r\n");
}

Test(cmd_hll, merges_many_in_slices_and_gives_the_result_as_the_effect)
{
    char command[4096];
    int at = snprintf(command, sizeof command, "all");
    for (int i = 0; i < 40; i++) {
        char key[16], dense[32];
        snprintf(key, sizeof key, "k%d", i);
        snprintf(dense, sizeof dense, "pfdebug todense %s", key);
        add(key, i * 10, i * 10 + 20);
        harness_run(h, dense);
        at += snprintf(command + at, sizeof command - (size_t)at, " %s", key);
    }
    char merge[4200], count[4200];
    snprintf(merge, sizeof merge, "pfmerge %s", command);
    snprintf(count, sizeof count, "pfcount %s", command);
    EXPECT_REPLY(h, count, ":411\r\n");
    cr_expect_gt(h->slices, 30);
    EXPECT_REPLY(h, merge, "+OK\r\n");
    cr_expect_gt(h->slices, 30);
    EXPECT_REPLY(h, "pfcount all", ":411\r\n");
}

Test(cmd_hll, refuses_what_is_none)
{
    harness_run(h, "set s hello");
    harness_run(h, "set n 12");
    harness_run(h, "rpush l x");
    harness_run(h, "pfadd k a");
    EXPECT_REPLY(h, "pfadd s a", no_hll);
    EXPECT_REPLY(h, "pfcount n", no_hll);
    EXPECT_REPLY(h, "pfcount k s l", no_hll);
    EXPECT_REPLY(h, "pfcount k l s", wrong_type);
    EXPECT_REPLY(h, "pfmerge d s", no_hll);
    EXPECT_REPLY(h, "pfmerge l k", wrong_type);
    EXPECT_REPLY(h, "pfadd l a", wrong_type);
    EXPECT_REPLY(h, "pfdebug encoding s", no_hll);
    EXPECT_REPLY(h, "exists d", ":0\r\n");
}

Test(cmd_hll, refuses_registers_that_do_not_add_up)
{
    harness_run(h, "pfadd k a b c");
    harness_run(h, "append k x");
    EXPECT_REPLY(h, "pfcount k", corrupt);
    EXPECT_REPLY(h, "pfcount k none", corrupt);
    EXPECT_REPLY(h, "pfmerge d k", corrupt);
    EXPECT_REPLY(h, "pfdebug todense k", corrupt);
    EXPECT_REPLY(h, "pfdebug getreg k", corrupt);
    harness_run(h, "pfadd k2 a b c");
    harness_run(h, "setrange k2 16 \"\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\"");
    EXPECT_REPLY(h, "pfadd k2 foo bar", corrupt);
}

Test(cmd_hll, shows_its_insides)
{
    harness_run(h, "pfadd k a b c");
    EXPECT_REPLY(h, "pfdebug decode k", "$44\r\nZ:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603\r\n");
    EXPECT_REPLY(h, "pfdebug decode none", "-ERR The specified key does not exist\r\n");
    EXPECT_REPLY(h, "pfdebug foo k", "-ERR Unknown PFDEBUG subcommand 'foo'\r\n");
    harness_run(h, "pfdebug getreg k");
    cr_expect_str_eq(h->effects, "pfdebug getreg k;"); // it is dense now
    cr_expect(strncmp(h->wire, "*16384\r\n:0\r\n", 12) == 0);
    EXPECT_REPLY(h, "pfdebug decode k", "-ERR HLL encoding is not sparse\r\n");
    EXPECT_REPLY(h, "pfcount k", ":3\r\n");
}

Test(cmd_hll, tests_itself_in_slices)
{
    h->job_slice_cycles = 1000000;
    EXPECT_REPLY(h, "PFSELFTEST", "+OK\r\n");
    cr_expect_gt(h->slices, 5);
}
