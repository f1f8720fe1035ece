#include "tests/unit/cmd/harness.h"

static struct harness *h;
static void open_harness(void) { h = harness_open(); }
static void close_harness(void) { harness_close(h); }
TestSuite(cmd_scan, .init = open_harness, .fini = close_harness);

static void fill(int count)
{
    char command[64];
    for (int i = 0; i < count; i++) {
        snprintf(command, sizeof command, "set key:%d v", i);
        harness_run(h, command);
    }
}

// Scans with options to the end; how often each of the count keys was seen. Returns calls made.
static int scan_all(const char *options, int count, int *seen)
{
    char cursor[32] = "0", command[160];
    int calls = 0;
    do {
        snprintf(command, sizeof command, "scan %s %s", cursor, options);
        harness_run(h, command);
        cr_assert(lt(int, ++calls, 100000));
        char *at = h->wire;
        int cursor_size = 0, used = 0;
        cr_assert(
            eq(int, sscanf(at, "*2\r\n$%d\r\n%31[0-9]\r\n*%n", &cursor_size, cursor, &used), 2));
        cr_assert(eq(sz, strlen(cursor), (size_t)cursor_size));
        for (at = strstr(at + used, "key:"); at; at = strstr(at + 1, "key:")) {
            int i = atoi(at + 4);
            cr_assert(i >= 0 && i < count);
            seen[i]++;
        }
    } while (strcmp(cursor, "0") != 0);
    return calls;
}

Test(cmd_scan, shows_every_key_that_stays)
{
    static int seen[2000];
    fill(2000);
    int calls = scan_all("", 2000, seen);
    for (int i = 0; i < 2000; i++) cr_expect(ge(int, seen[i], 1), "key:%d", i);
    cr_expect(gt(int, calls, 10));
    memset(seen, 0, sizeof seen);
    cr_expect(eq(int, scan_all("count 100000", 2000, seen), 1));
}

Test(cmd_scan, takes_slices_for_a_large_count)
{
    static int seen[5000];
    fill(5000);
    cr_expect(eq(int, scan_all("count 1000000 match key:*", 5000, seen), 1));
    cr_expect(gt(u32, h->slices, 100));
    for (int i = 0; i < 5000; i++) cr_expect(ge(int, seen[i], 1), "key:%d", i);
    memset(seen, 0, sizeof seen);
    cr_expect(eq(int, scan_all("count 2500 type string", 5000, seen), 2));
    cr_expect(eq(int, scan_all("count 2500 type hash", 5000, seen), 2));
    for (int i = 0; i < 5000; i++) cr_expect(ge(int, seen[i], 1), "key:%d", i);
}

Test(cmd_scan, filters_by_pattern_and_type)
{
    int seen[100] = { 0 };
    fill(100);
    scan_all("match key:1? count 7", 100, seen);
    for (int i = 0; i < 100; i++) cr_expect(eq(int, seen[i] > 0, i >= 10 && i < 20), "key:%d", i);
    memset(seen, 0, sizeof seen);
    scan_all("type STRING match *", 100, seen);
    for (int i = 0; i < 100; i++) cr_expect(eq(int, seen[i], 1));
    EXPECT_REPLY(h, "scan 0 type foo count 1000", "*2\r\n$1\r\n0\r\n*0\r\n");
    EXPECT_REPLY(h, "scan 0 type list count 1000", "*2\r\n$1\r\n0\r\n*0\r\n");
}

Test(cmd_scan, reads_cursors_as_redis_does)
{
    static const char *const empty = "*2\r\n$1\r\n0\r\n*0\r\n", *const bad =
                                                                    "-ERR invalid cursor\r\n";
    EXPECT_REPLY(h, "scan 0", empty);
    EXPECT_REPLY(h, "scan \"\"", empty);
    EXPECT_REPLY(h, "scan +0", empty);
    EXPECT_REPLY(h, "scan \" 0\"", bad);
    EXPECT_REPLY(h, "scan 0x", bad);
    EXPECT_REPLY(h, "scan abc count 0", bad);
    EXPECT_REPLY(h, "scan 18446744073709551616", bad);
    EXPECT_REPLY(h, "scan 00000000000000000000000000000000000", bad);
    EXPECT_REPLY(h, "scan 0 count 0", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "scan 0 count x", "-ERR value is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "scan 0 count", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "scan 0 foo bar", "-ERR syntax error\r\n");
}

Test(cmd_scan, hides_what_has_expired)
{
    harness_run(h, "set a 1 px 10");
    harness_run(h, "set b 1");
    h->now_ms += 10;
    EXPECT_REPLY(h, "keys *", "*1\r\n$1\r\nb\r\n");
    EXPECT_REPLY(h, "scan 0", "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nb\r\n");
    EXPECT_REPLY(h, "randomkey", "$1\r\nb\r\n");
}

Test(cmd_scan, lists_keys_by_pattern)
{
    EXPECT_REPLY(h, "keys *", "*0\r\n");
    EXPECT_REPLY(h, "randomkey", "$-1\r\n");
    fill(3000);
    EXPECT_REPLY(h, "keys key:2999", "*1\r\n$8\r\nkey:2999\r\n");
    EXPECT_REPLY(h, "keys k[e]y:299[^0-8]", "*1\r\n$8\r\nkey:2999\r\n");
    harness_run(h, "keys *");
    cr_expect(memcmp(h->wire, "*3000\r\n", 7) == 0);
}
