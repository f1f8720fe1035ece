#include "tests/unit/cmd/harness.h"

static struct harness *h;
static void open_harness(void) { h = harness_open(); }
static void close_harness(void) { harness_close(h); }
TestSuite(cmd_exec, .init = open_harness, .fini = close_harness);

static const struct command_tally *tally_of(const char *name)
{
    return &h->tally.commands[command_find(bytes_text(name))->id];
}

Test(cmd_exec, runs_a_command_in_any_case)
{
    EXPECT_REPLY(h, "set k v", "+OK\r\n");
    EXPECT_REPLY(h, "GeT k", "$1\r\nv\r\n");
}

Test(cmd_exec, names_an_unknown_command_and_its_arguments)
{
    EXPECT_REPLY(h, "foo bar baz",
                 "-ERR unknown command 'foo', with args beginning with: 'bar' 'baz' \r\n");
    EXPECT_REPLY(h, "foo", "-ERR unknown command 'foo', with args beginning with: \r\n");
    cr_expect(eq(u64, h->tally.commands_processed, 0));
    cr_expect(eq(u64, h->tally.error_replies, 2));
}

Test(cmd_exec, names_an_unknown_subcommand_as_it_came)
{
    EXPECT_REPLY(h, "object fOo bar", "-ERR unknown subcommand 'fOo'. Try OBJECT HELP.\r\n");
    EXPECT_REPLY(h, "object", "-ERR wrong number of arguments for 'object' command\r\n");
    EXPECT_REPLY(h, "object encoding",
                 "-ERR wrong number of arguments for 'object|encoding' command\r\n");
}

Test(cmd_exec, looks_at_the_arity_before_the_password)
{
    harness_run(h, "acl setuser default resetpass");
    h->client.authenticated = false;
    EXPECT_REPLY(h, "get", "-ERR wrong number of arguments for 'get' command\r\n");
    EXPECT_REPLY(h, "get k", "-NOAUTH Authentication required.\r\n");
    EXPECT_REPLY(h, "foo", "-ERR unknown command 'foo', with args beginning with: \r\n");
    cr_expect(eq(u64, tally_of("get")->rejected, 2));
    cr_expect(eq(u64, tally_of("get")->calls, 0));
}

Test(cmd_exec, refuses_what_grows_when_memory_is_spent)
{
    EXPECT_REPLY(h, "set k v", "+OK\r\n");
    h->settings.maxmemory = 1;
    EXPECT_REPLY(h, "set k w", "-OOM command not allowed when used memory > 'maxmemory'.\r\n");
    EXPECT_REPLY(h, "get k", "$1\r\nv\r\n");
    EXPECT_REPLY(h, "del k", ":1\r\n");
    h->settings.maxmemory = h->heap.bytes_total;
    EXPECT_REPLY(h, "set k w", "+OK\r\n");
}

Test(cmd_exec, counts_calls_failures_and_error_codes)
{
    harness_run(h, "set k abc");
    harness_run(h, "incr k");
    harness_run(h, "incr k");
    harness_run(h, "incr n");
    cr_expect(eq(u64, tally_of("incr")->calls, 3));
    cr_expect(eq(u64, tally_of("incr")->failed, 2));
    cr_expect(eq(u64, tally_of("incr")->rejected, 0));
    cr_expect(eq(u64, h->tally.commands_processed, 4));
    cr_expect(eq(u32, h->server.error_stat_count, 1));
    cr_expect(eq(str, h->server.error_stats[0].code, (char *)"ERR"));
    cr_expect(eq(u64, h->server.error_stats[0].count, 2));
    cr_expect(eq(u64, h->client.command_count, 4));
}

Test(cmd_exec, books_every_cycle_of_a_command_once)
{
    for (int i = 0; i < 100; i++) harness_run(h, "set k v");
    const struct command_tally *t = tally_of("set");
    cr_expect(gt(u64, t->execute_cycles, 0));
    cr_expect(le(u64, t->execute_cycles, h->tally.cycles[CYCLES_EXECUTE]));
    cr_expect(ge(u64, t->execute_cycles_max, t->execute_cycles / 100));
    cr_expect(eq(int, (int)h->server.meter.open, CYCLES_EXECUTE));
}

// As in Redis since 7.2.5.
Test(cmd_exec, counts_no_error_codes_any_more_when_its_table_is_full)
{
    h->server.error_stat_count = 128;
    for (uint32_t i = 0; i < 128; i++)
        snprintf(h->server.error_stats[i].code, sizeof h->server.error_stats[i].code, "CODE%u", i);
    harness_run(h, "foo");
    harness_run(h, "foo");
    cr_expect(eq(u64, h->server.error_stats_overflow, 2));
    cr_expect(eq(u32, h->server.error_stat_count, 1));
    cr_expect(eq(str, h->server.error_stats[0].code, (char *)"ERRORSTATS_DISABLED"));
    cr_expect(eq(u64, h->server.error_stats[0].count, 1));
    harness_run(h, "config resetstat");
    harness_run(h, "foo");
    cr_expect(eq(u64, h->server.error_stats_overflow, 0));
    cr_expect(eq(str, h->server.error_stats[0].code, (char *)"ERR"));
}

Test(cmd_exec, silences_one_reply_after_skip_next)
{
    h->client.flags |= CLIENT_REPLY_SKIP_NEXT; // as CLIENT REPLY SKIP leaves it
    h->client.reply.muted = true;
    EXPECT_REPLY(h, "ping", "");
    EXPECT_REPLY(h, "set k v", "");
    EXPECT_REPLY(h, "get k", "$1\r\nv\r\n");
}

Test(cmd_exec, answers_ping_echo_and_select)
{
    EXPECT_REPLY(h, "ping", "+PONG\r\n");
    EXPECT_REPLY(h, "ping \"a b\"", "$3\r\na b\r\n");
    EXPECT_REPLY(h, "ping a b", "-ERR wrong number of arguments for 'ping' command\r\n");
    EXPECT_REPLY(h, "echo hi", "$2\r\nhi\r\n");
    EXPECT_REPLY(h, "select 15", "+OK\r\n");
    EXPECT_REPLY(h, "select 16", "-ERR DB index is out of range\r\n");
    EXPECT_REPLY(h, "select -1", "-ERR DB index is out of range\r\n");
    EXPECT_REPLY(h, "select x", "-ERR value is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "select 2147483648",
                 "-ERR value is out of range, value must between -2147483648 and 2147483647\r\n");
    cr_expect(eq(u32, h->client.db, 15));
}

// Text of redis-server 7.0.15.
Test(cmd_exec, keeps_debug_from_whom_the_operator_did_not_let_in)
{
    static const char *const text =
        "-ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", "
        "you "
        "can run it from a local connection, otherwise you need to set this option in the "
        "configuration file, and then restart the server.\r\n";
    EXPECT_REPLY(h, "debug set-active-expire 1", text);
    h->settings.enable_debug_command = LOCAL_ONLY;
    EXPECT_REPLY(h, "debug set-active-expire 1", "+OK\r\n");
    h->stream.kind = STREAM_NIC_TCP;
    h->stream.remote = (struct net_addr){ { [10] = 0xff, 0xff, 10, 0, 0, 1 }, 1 };
    EXPECT_REPLY(h, "debug set-active-expire 1", text);
    h->settings.enable_debug_command = LOCAL_YES;
    EXPECT_REPLY(h, "debug set-active-expire 1", "+OK\r\n");
}
