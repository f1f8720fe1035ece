#include "dataplane/cmd/rename.h"
#include "tests/unit/cmd/harness.h"

static struct harness *h;
static void open_harness(void) { h = harness_open(); }
static void close_harness(void) { harness_close(h); }
TestSuite(rename, .init = open_harness, .fini = close_harness);

static void open_renames(const char *lines)
{
    char error[RENAME_ERROR_MAX];
    cr_assert(eq(int, renames_open(&h->server, lines, error), OK), "%s", error);
}

Test(rename, finds_a_command_by_its_new_name_only)
{
    open_renames("GET fetch\nCONFIG Secret");
    EXPECT_REPLY(h, "set a x", "+OK\r\n");
    EXPECT_REPLY(h, "FETCH a", "$1\r\nx\r\n");
    EXPECT_REPLY(h, "get a", "-ERR unknown command 'get', with args beginning with: 'a' \r\n");
    EXPECT_REPLY(h, "fetch", "-ERR wrong number of arguments for 'get' command\r\n");
    EXPECT_REPLY(h, "secret get hz", "*2\r\n$2\r\nhz\r\n$2\r\n10\r\n");
    EXPECT_REPLY(h, "secret foo", "-ERR unknown subcommand 'foo'. Try SECRET HELP.\r\n");
    EXPECT_REPLY(h, "command getkeys fetch a", "*1\r\n$1\r\na\r\n");
    EXPECT_REPLY(h, "command info get", "*1\r\n$-1\r\n");
}

Test(rename, takes_a_command_away)
{
    uint32_t before = command_top_count();
    char text[64];
    open_renames("FLUSHALL \nconfig ");
    EXPECT_REPLY(h, "flushall", "-ERR unknown command 'flushall', with args beginning with: \r\n");
    snprintf(text, sizeof text, ":%u\r\n", before - 2);
    EXPECT_REPLY(h, "command count", text);
    cr_expect(
        eq(ptr, strstr(harness_run(h, "command list filterby pattern *"), "config|get"), NULL));
    cr_expect(ne(ptr, strstr(h->wire, "\r\nset\r\n"), NULL));
}

Test(rename, goes_line_by_line)
{
    open_renames("GET tmp\nSET GET\ntmp SET"); // a swap
    EXPECT_REPLY(h, "get a x", "+OK\r\n");
    EXPECT_REPLY(h, "set a", "$1\r\nx\r\n");
    cr_expect(eq(ptr, (void *)server_find_command(&h->server, bytes_text("tmp")), NULL));
}

Test(rename, gives_a_name_back)
{
    open_renames("GET a\na GET");
    EXPECT_REPLY(h, "get x", "$-1\r\n");
    EXPECT_REPLY(h, "a x", "-ERR unknown command 'a', with args beginning with: 'x' \r\n");
}

Test(rename, refuses_lines_that_make_no_sense)
{
    static const struct {
        const char *lines, *error;
    } rows[] = {
        { "nope x", "rename-command nope x: No such command in rename-command" },
        { "get a\nget b", "rename-command get b: No such command in rename-command" },
        { "get set", "rename-command get set: Target command name already exists" },
        { "get x\nset X", "rename-command set X: Target command name already exists" },
        { "get", "rename-command get: Bad directive or wrong number of arguments" },
        { "get a b", "rename-command get a b: Bad directive or wrong number of arguments" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char error[RENAME_ERROR_MAX] = "";
        cr_expect(eq(int, renames_open(&h->server, rows[i].lines, error), ERR_PEER));
        cr_expect(eq(str, error, (char *)rows[i].error));
        cr_expect(eq(ptr, h->server.renames, NULL));
    }
    open_renames("");
    cr_expect(eq(ptr, h->server.renames, NULL));
}
