#include "tests/unit/cmd/harness.h"

static struct harness *h;
static void open_harness(void) { h = harness_open(); }
static void close_harness(void) { harness_close(h); }
TestSuite(cmd_lolwut, .init = open_harness, .fini = close_harness);

static bool ends_with(const char *text, const char *end)
{
    return strlen(text) >= strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

Test(cmd_lolwut, ends_with_the_version)
{
    cr_expect(ends_with(harness_run(h, "lolwut"), "\nRedis ver. 7.2.4\n\r\n"));
    cr_expect(ends_with(harness_run(h, "lolwut version 5 10 20 3"), "\nRedis ver. 7.2.4\n\r\n"));
    harness_run(h, "hello 3");
    cr_expect(ne(ptr, strstr(harness_run(h, "lolwut"), "txt:"), NULL));
}

Test(cmd_lolwut, paints_the_same_for_the_same_arguments)
{
    char *first = strdup(harness_run(h, "lolwut version 6 20 5 2"));
    cr_expect(eq(str, (char *)harness_run(h, "LOLWUT VERSION 6 20 5 2"), first));
    cr_expect(ne(str, (char *)harness_run(h, "lolwut version 7 20 5 2"), first));
    cr_expect(ne(str, (char *)harness_run(h, "lolwut version 6 20 5 3"), first));
    free(first);
}

Test(cmd_lolwut, keeps_the_picture_small)
{
    harness_run(h, "lolwut version -9223372036854775808 99999999999 99999999999 99999999999");
    cr_expect(lt(sz, h->wire_size, 121 * 41 + 200));
    harness_run(h, "lolwut 0 -5 -1");
    cr_expect(ends_with(h->wire, "\nRedis ver. 7.2.4\n\r\n"));
    EXPECT_REPLY(h, "lolwut version x", "-ERR value is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "lolwut version 5 a", "-ERR value is not an integer or out of range\r\n");
}
