#include "tests/unit/cmd/admin.h"

static struct harness *h;
static struct admin admin;
static void open_harness(void) { h = admin_open(&admin); }
static void close_harness(void) { admin_close(h); }
TestSuite(cmd_config, .init = open_harness, .fini = close_harness);

#define FAILED(name, why)                                                                          \
    "-ERR CONFIG SET failed (possibly related to argument '" name "') - " why "\r\n"

Test(cmd_config, gets_directives_by_name_alias_and_pattern)
{
    EXPECT_REPLY(h, "config get maxmemory", "*2\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n");
    EXPECT_REPLY(h, "config get MaxMemory", "*2\r\n$9\r\nMaxMemory\r\n$1\r\n0\r\n");
    EXPECT_REPLY(h, "config get slave-priority", "*2\r\n$14\r\nslave-priority\r\n$3\r\n100\r\n");
    EXPECT_REPLY(h, "config get por? nosuch", "*2\r\n$4\r\nport\r\n$4\r\n6379\r\n");
    EXPECT_REPLY(h, "config get nosuch", "*0\r\n");
    harness_run(h, "hello 3");
    EXPECT_REPLY(h, "config get port", "%1\r\n$4\r\nport\r\n$4\r\n6379\r\n");
}

Test(cmd_config, shows_a_directive_once_however_many_patterns_match)
{
    EXPECT_REPLY(h, "config get timeout timeou* t[i]meout timeout",
                 "*2\r\n$7\r\ntimeout\r\n$1\r\n0\r\n");
}

Test(cmd_config, keeps_hidden_ones_for_who_knows_their_name)
{
    EXPECT_REPLY(h, "config get key-load-dela*", "*0\r\n");
    EXPECT_REPLY(h, "config get key-load-delay", "*2\r\n$14\r\nkey-load-delay\r\n$1\r\n0\r\n");
    EXPECT_REPLY(h, "config get rename-command user loadmodule", "*0\r\n"); // a file's lines
    EXPECT_REPLY(h, "config set user x",
                 "-ERR Unknown option or number of arguments for CONFIG SET - 'user'\r\n");
}

Test(cmd_config, sets_several_directives_at_once)
{
    EXPECT_REPLY(h, "config set maxmemory 1mb timeout 7 slave-priority 5", "+OK\r\n");
    cr_expect(eq(u32, admin.apply_count, 1));
    cr_expect(eq(u32, admin.row_count, 3));
    cr_expect(eq(str, (char *)admin.first_row->name, (char *)"maxmemory"));
    cr_expect(eq(u64, h->settings.maxmemory, 1048576));
    cr_expect(eq(i64, h->settings.timeout, 7));
    EXPECT_REPLY(h, "config get replica-priority", "*2\r\n$16\r\nreplica-priority\r\n$1\r\n5\r\n");
}

Test(cmd_config, sets_nothing_when_one_of_them_is_refused)
{
    EXPECT_REPLY(h, "config set timeout 7 maxmemory x",
                 FAILED("maxmemory", "argument must be a memory value"));
    EXPECT_REPLY(h, "config set timeout 7 nosuch 1",
                 "-ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'\r\n");
    EXPECT_REPLY(h, "config set timeout 7 databases 3",
                 FAILED("databases", "can't set immutable config"));
    EXPECT_REPLY(h, "config set databases 3 nosuch 1",
                 FAILED("databases", "can't set immutable config"));
    EXPECT_REPLY(h, "config set timeout 7 timeout 8", FAILED("timeout", "duplicate parameter"));
    EXPECT_REPLY(h, "config set timeout 7 TIMEOUT 8", FAILED("TIMEOUT", "duplicate parameter"));
    EXPECT_REPLY(h, "config set timeout 7 port", "-ERR syntax error\r\n");
    cr_expect(eq(u32, admin.apply_count, 0));
    cr_expect(eq(i64, h->settings.timeout, 0));
}

Test(cmd_config, takes_a_name_and_its_alias_for_two)
{
    EXPECT_REPLY(h, "config set slave-priority 7 replica-priority 8", "+OK\r\n");
    EXPECT_REPLY(h, "config get slave-priority", "*2\r\n$14\r\nslave-priority\r\n$1\r\n8\r\n");
}

Test(cmd_config, says_why_the_shard_refused)
{
    admin.refuse = "bind: Address already in use";
    EXPECT_REPLY(h, "config set port 1", FAILED("port", "bind: Address already in use"));
    cr_expect(eq(i64, h->settings.port, 6379));
}

Test(cmd_config, guards_protected_directives)
{
    EXPECT_REPLY(h, "config set dir /tmp", FAILED("dir", "can't set protected config"));
    h->settings.enable_protected_configs = LOCAL_ONLY;
    EXPECT_REPLY(h, "config set dir /tmp", "+OK\r\n"); // the harness comes by a Unix socket
    h->stream.kind = STREAM_SOCK_TCP;
    h->stream.remote = (struct net_addr){ { [10] = 0xff, 0xff, 10, 0, 0, 1 }, 1 };
    EXPECT_REPLY(h, "config set dir /tmp", FAILED("dir", "can't set protected config"));
    h->settings.enable_protected_configs = LOCAL_YES;
    EXPECT_REPLY(h, "config set dir /tmp", "+OK\r\n");
}

Test(cmd_config, takes_back_all_that_it_shows)
{
    for (uint32_t i = 0; i < setting_row_count; i++) {
        const struct setting_row *row = &setting_rows[i];
        char value[1024];
        if (row->flags & (SETTING_AT_START | SETTING_PROTECTED)) continue;
        size_t size = setting_text(&h->settings, row, value, sizeof value);
        struct bytes args[] = { BYTES_LITERAL("config"), BYTES_LITERAL("set"),
                                bytes_text(row->name), bytes_make(value, size) };
        cr_expect(eq(str, (char *)harness_run_args(h, args, 4), (char *)"+OK\r\n"), "%s",
                  row->name);
    }
}

Test(cmd_config, resets_the_counters)
{
    harness_run(h, "get nokey");
    harness_run(h, "foo");
    cr_expect(gt(u64, h->tally.keyspace_misses, 0));
    EXPECT_REPLY(h, "config resetstat", "+OK\r\n");
    cr_expect(eq(u64, h->tally.keyspace_misses, 0));
    cr_expect(eq(u64, h->tally.error_replies, 0));
    cr_expect(eq(u32, h->server.error_stat_count, 0));
}

Test(cmd_config, has_subcommands_only)
{
    EXPECT_REPLY(h, "config", "-ERR wrong number of arguments for 'config' command\r\n");
    EXPECT_REPLY(h, "config foo", "-ERR unknown subcommand 'foo'. Try CONFIG HELP.\r\n");
    EXPECT_REPLY(h, "config rewrite", "-ERR The server is running without a config file\r\n");
    EXPECT_REPLY(h, "config get", "-ERR wrong number of arguments for 'config|get' command\r\n");
    EXPECT_REPLY(h, "config set a", "-ERR wrong number of arguments for 'config|set' command\r\n");
}
