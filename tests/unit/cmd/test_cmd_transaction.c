#include "dataplane/cmd/changed.h"
#include "dataplane/cmd/transaction.h"
#include "tests/unit/cmd/harness.h"

static const char not_queued[] = "-EXECABORT Transaction discarded because of previous errors.\r\n";

Test(transaction, runs_what_was_queued_at_exec)
{
    struct harness *h = harness_open();
    EXPECT_REPLY(h, "MULTI", "+OK\r\n");
    EXPECT_REPLY(h, "SET a 1", "+QUEUED\r\n");
    EXPECT_REPLY(h, "INCR a", "+QUEUED\r\n");
    EXPECT_REPLY(h, "GET a", "+QUEUED\r\n");
    cr_expect(eq(u64, keyspace_size(h->server.keyspace, 0), 0), "nothing runs before EXEC");
    EXPECT_REPLY(h, "EXEC", "*3\r\n+OK\r\n:2\r\n$1\r\n2\r\n");
    EXPECT_REPLY(h, "GET a", "$1\r\n2\r\n");
    harness_close(h);
}

Test(transaction, goes_on_behind_a_command_that_fails)
{
    struct harness *h = harness_open();
    harness_run(h, "MULTI");
    harness_run(h, "SET a x");
    harness_run(h, "INCR a");
    harness_run(h, "LPUSH a y");
    harness_run(h, "SET b 1");
    EXPECT_REPLY(h, "EXEC",
                 "*4\r\n+OK\r\n-ERR value is not an integer or out of range\r\n"
                 "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n+OK\r\n");
    cr_expect(eq(u64, h->tally.commands[command_find(BYTES_LITERAL("incr"))->id].failed, 1));
    cr_expect(eq(u64, h->tally.commands[command_find(BYTES_LITERAL("exec"))->id].failed, 0));
    harness_close(h);
}

Test(transaction, exec_of_nothing_is_an_empty_array)
{
    struct harness *h = harness_open();
    harness_run(h, "MULTI");
    EXPECT_REPLY(h, "EXEC", "*0\r\n");
    EXPECT_REPLY(h, "EXEC", "-ERR EXEC without MULTI\r\n");
    EXPECT_REPLY(h, "DISCARD", "-ERR DISCARD without MULTI\r\n");
    harness_close(h);
}

Test(transaction, discard_drops_queue_and_watches)
{
    struct harness *h = harness_open();
    harness_run(h, "WATCH a");
    harness_run(h, "MULTI");
    harness_run(h, "SET a 1");
    EXPECT_REPLY(h, "DISCARD", "+OK\r\n");
    EXPECT_REPLY(h, "EXISTS a", ":0\r\n");
    cr_expect(eq(u64, h->server.watched_keys.count, 0));
    cr_expect(h->client.transaction == NULL);
    harness_close(h);
}

Test(transaction, a_refused_command_makes_exec_abort)
{
    static const char *const refused[] = { "NOSUCH", "SET a", "CONFIG nosuch", "DEBUG JMAP" };
    struct harness *h = harness_open();
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        harness_run(h, "MULTI");
        harness_run(h, "SET a 1");
        harness_run(h, refused[i]);
        cr_expect(eq(int, h->wire[0], '-'), "%s", refused[i]);
        EXPECT_REPLY(h, "EXEC", not_queued);
        EXPECT_REPLY(h, "EXISTS a", ":0\r\n");
    }
    harness_close(h);
}

Test(transaction, nesting_and_watching_inside_are_refused_and_break_nothing)
{
    struct harness *h = harness_open();
    harness_run(h, "MULTI");
    EXPECT_REPLY(h, "MULTI", "-ERR MULTI calls can not be nested\r\n");
    EXPECT_REPLY(h, "WATCH a", "-ERR WATCH inside MULTI is not allowed\r\n");
    harness_run(h, "PING");
    EXPECT_REPLY(h, "EXEC", "*1\r\n+PONG\r\n");
    harness_close(h);
}

Test(transaction, commands_that_may_not_be_queued_are_refused)
{
    struct harness *h = harness_open();
    harness_run(h, "MULTI");
    EXPECT_REPLY(h, "SHUTDOWN NOSAVE", "-ERR Command not allowed inside a transaction\r\n");
    EXPECT_REPLY(h, "EXEC", not_queued);
    harness_close(h);
}

Test(transaction, exec_with_arguments_ends_the_transaction)
{
    struct harness *h = harness_open();
    harness_run(h, "MULTI");
    EXPECT_REPLY(h, "EXEC now",
                 "-EXECABORT Transaction discarded because of: wrong number of arguments for "
                 "'exec' command\r\n");
    EXPECT_REPLY(h, "PING", "+PONG\r\n");
    harness_close(h);
}

// ---- WATCH

static void watch_then(const char *change, bool is_stale)
{
    struct harness *h = harness_open();
    struct harness_client *other = harness_client_open(h);
    harness_run(h, "MSET a 1 b 2");
    harness_run(h, "SELECT 1");
    harness_run(h, "SET b other");
    harness_run(h, "SELECT 0");
    EXPECT_REPLY(h, "WATCH a none", "+OK\r\n");
    harness_client_run(other, change);
    harness_run(h, "MULTI");
    harness_run(h, "PING");
    const char *reply = is_stale ? "*-1\r\n" : "*1\r\n+PONG\r\n";
    cr_expect(eq(str, (char *)harness_run(h, "EXEC"), (char *)reply), "%s", change);
    cr_expect(eq(u64, h->server.watched_keys.count, 0));
    cr_expect(h->server.on_changed == NULL);
    harness_client_close(other);
    harness_close(h);
}

Test(watch, a_changed_key_makes_exec_answer_null)
{
    static const char *const changes[] = { "SET a 2",       "DEL a",      "APPEND a x",
                                           "EXPIRE a 100",  "RENAME b a", "SET none 1",
                                           "RENAME a none", "FLUSHALL",   "FLUSHDB",
                                           "SWAPDB 0 1",    "MOVE a 1",   "COPY b none",
                                           "LPUSH none x",  "PEXPIRE a 0" };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) watch_then(changes[i], true);
}

Test(watch, other_keys_and_reads_do_not)
{
    static const char *const others[] = { "SET b 1", "GET a",      "DEL none",     "EXPIRE none 10",
                                          "DBSIZE",  "SWAPDB 3 4", "SETNX a 7",    "LPUSHX none 1",
                                          "PING",    "SWAPDB 1 1", "PERSIST none", "TOUCH a" };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) watch_then(others[i], false);
}

Test(watch, the_same_name_in_another_database_is_another_key)
{
    struct harness *h = harness_open();
    struct harness_client *other = harness_client_open(h);
    harness_run(h, "WATCH a");
    harness_client_run(other, "SELECT 3");
    harness_client_run(other, "SET a 1");
    harness_client_run(other, "FLUSHDB");
    harness_run(h, "MULTI");
    EXPECT_REPLY(h, "EXEC", "*0\r\n");
    harness_client_close(other);
    harness_close(h);
}

Test(watch, an_expired_key_has_changed_even_if_nobody_removed_it)
{
    struct harness *h = harness_open();
    harness_run(h, "SET a 1 PX 100");
    harness_run(h, "WATCH a");
    harness_set_time(h, h->now_ms + 101);
    harness_run(h, "MULTI");
    EXPECT_REPLY(h, "EXEC", "*-1\r\n");
    harness_close(h);
}

Test(watch, a_key_that_had_expired_before_does_not_count)
{
    struct harness *h = harness_open();
    harness_run(h, "SET a 1 PX 100");
    harness_set_time(h, h->now_ms + 101);
    harness_run(h, "WATCH a");
    harness_run(h, "GET a");
    harness_run(h, "MULTI");
    EXPECT_REPLY(h, "EXEC", "*0\r\n");
    harness_close(h);
}

Test(watch, an_evicted_key_has_changed)
{
    struct harness *h = harness_open();
    harness_run(h, "SET a 1");
    harness_run(h, "WATCH a");
    h->settings.maxmemory = 1;
    h->settings.maxmemory_policy = EVICT_ALLKEYS_RANDOM;
    (void)memory_make_room(&h->server);
    h->settings.maxmemory = 0;
    EXPECT_REPLY(h, "EXISTS a", ":0\r\n");
    harness_run(h, "MULTI");
    EXPECT_REPLY(h, "EXEC", "*-1\r\n");
    harness_close(h);
}

Test(watch, own_writes_count_until_unwatch)
{
    struct harness *h = harness_open();
    harness_run(h, "WATCH a a a");
    cr_expect(eq(u32, transaction_watch_count(&h->client), 1));
    harness_run(h, "SET a 1");
    EXPECT_REPLY(h, "UNWATCH", "+OK\r\n");
    harness_run(h, "MULTI");
    EXPECT_REPLY(h, "EXEC", "*0\r\n");
    harness_run(h, "WATCH a");
    harness_run(h, "SET a 2");
    harness_run(h, "MULTI");
    EXPECT_REPLY(h, "EXEC", "*-1\r\n");
    harness_close(h);
}

Test(watch, ends_with_its_client)
{
    struct harness *h = harness_open();
    struct harness_client *other = harness_client_open(h);
    harness_client_run(other, "WATCH a b c");
    harness_client_run(other, "MULTI");
    harness_client_run(other, "SET a 1");
    cr_expect(eq(u64, h->server.watched_keys.count, 3));
    harness_client_close(other);
    cr_expect(eq(u64, h->server.watched_keys.count, 0));
    cr_expect(h->server.on_changed == NULL);
    harness_close(h);
}

Test(watch, many_watchers_of_many_keys_each_learn_of_it)
{
    enum { CLIENTS = 40 };
    struct harness *h = harness_open();
    struct harness_client *clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        char line[64];
        clients[i] = harness_client_open(h);
        snprintf(line, sizeof line, "WATCH shared k%d", i);
        harness_client_run(clients[i], line);
        harness_client_run(clients[i], "MULTI");
    }
    harness_run(h, "SET k7 1");
    cr_expect(eq(str, (char *)harness_client_run(clients[7], "EXEC"), (char *)"*-1\r\n"));
    cr_expect(eq(str, (char *)harness_client_run(clients[8], "EXEC"), (char *)"*0\r\n"));
    harness_run(h, "SET shared 1");
    for (int i = 9; i < CLIENTS; i++)
        cr_expect(eq(str, (char *)harness_client_run(clients[i], "EXEC"), (char *)"*-1\r\n"));
    for (int i = 0; i < CLIENTS; i++) harness_client_close(clients[i]);
    harness_close(h);
}

// ---- memory, effects, waiting

Test(transaction, a_queue_needs_memory_and_exec_that_of_its_commands)
{
    struct harness *h = harness_open();
    harness_run(h, "MULTI");
    harness_run(h, "SET a 1");
    h->settings.maxmemory = 1;
    EXPECT_REPLY(h, "EXEC",
                 "-EXECABORT Transaction discarded because of: OOM command not allowed when used "
                 "memory > 'maxmemory'.\r\n");
    harness_run(h, "MULTI");
    EXPECT_REPLY(h, "GET a", "-OOM command not allowed when used memory > 'maxmemory'.\r\n");
    EXPECT_REPLY(h, "DISCARD", "+OK\r\n");
    harness_run(h, "MULTI");
    EXPECT_REPLY(h, "EXEC", "*0\r\n");
    harness_close(h);
}

Test(transaction, is_one_unit_of_effects)
{
    struct harness *h = harness_open();
    harness_run(h, "MULTI");
    harness_run(h, "SET a 1");
    harness_run(h, "GET a");
    harness_run(h, "SELECT 2");
    harness_run(h, "SPOP none");
    harness_run(h, "INCR n");
    harness_run(h, "EXEC");
    cr_expect(eq(str, h->effects, (char *)"MULTI | SET a 1 | SELECT 2 | INCR n | EXEC;"));
    harness_run(h, "MULTI");
    harness_run(h, "INCR n");
    harness_run(h, "EXEC");
    cr_expect(eq(str, h->effects, (char *)"INCR n;"), "one alone needs no MULTI");
    harness_run(h, "MULTI");
    harness_run(h, "GET n");
    harness_run(h, "EXEC");
    cr_expect(eq(str, h->effects, (char *)""));
    harness_close(h);
}

Test(transaction, blocking_commands_answer_at_once)
{
    struct harness *h = harness_open();
    harness_run(h, "MULTI");
    harness_run(h, "BLPOP l 0");
    harness_run(h, "BZPOPMIN z 0");
    harness_run(h, "XREAD BLOCK 0 STREAMS s $");
    EXPECT_REPLY(h, "EXEC", "*3\r\n*-1\r\n*-1\r\n*-1\r\n");
    harness_close(h);
}

Test(transaction, serves_those_who_wait_only_when_it_is_over)
{
    struct harness *h = harness_open();
    struct harness_client *waiting = harness_client_open(h);
    harness_client_run(waiting, "BLPOP l 0");
    harness_run(h, "MULTI");
    harness_run(h, "RPUSH l a b");
    harness_run(h, "LPOP l");
    EXPECT_REPLY(h, "EXEC", "*2\r\n:2\r\n$1\r\na\r\n");
    cr_expect(
        eq(str, (char *)harness_client_wire(waiting), (char *)"*2\r\n$1\r\nl\r\n$1\r\nb\r\n"));
    harness_client_close(waiting);
    harness_close(h);
}

Test(transaction, holds_long_commands_together)
{
    struct harness *h = harness_open();
    char line[64];
    for (int i = 0; i < 4000; i++) {
        snprintf(line, sizeof line, "SADD s member%d", i);
        harness_run(h, line);
    }
    harness_run(h, "MULTI");
    harness_run(h, "SUNIONSTORE t s");
    harness_run(h, "SCARD t");
    harness_run(h, "DEL s t");
    EXPECT_REPLY(h, "EXEC", "*3\r\n:4000\r\n:4000\r\n:2\r\n");
    cr_expect(eq(u32, h->slices, 0));
    harness_close(h);
}

Test(transaction, waits_while_a_key_it_touches_is_being_written)
{
    struct harness *h = harness_open();
    struct harness_client *other = harness_client_open(h);
    char line[64];
    for (int i = 0; i < 4000; i++) {
        snprintf(line, sizeof line, "SADD s member%d", i);
        harness_run(h, line);
    }
    harness_client_run(other, "MULTI");
    harness_client_run(other, "SCARD t");
    h->no_slices = true;
    harness_run(h, "SUNIONSTORE t s");
    cr_expect(eq(str, (char *)harness_client_run(other, "EXEC"), (char *)""), "it is held back");
    h->no_slices = false;
    while (jobs_run(&h->server, 1000000)) continue;
    cr_expect(eq(str, (char *)harness_client_wire(other), (char *)"*1\r\n:4000\r\n"));
    harness_drain(h);
    harness_client_close(other);
    harness_close(h);
}

Test(transaction, reset_leaves_it)
{
    struct harness *h = harness_open();
    harness_run(h, "WATCH a");
    harness_run(h, "MULTI");
    harness_run(h, "SET a 1");
    EXPECT_REPLY(h, "RESET", "+RESET\r\n");
    EXPECT_REPLY(h, "GET a", "$-1\r\n");
    cr_expect(eq(u64, h->server.watched_keys.count, 0));
    harness_close(h);
}

Test(transaction, a_skipped_reply_skips_one_queued_command)
{
    struct harness *h = harness_open();
    harness_run(h, "MULTI");
    harness_run(h, "CLIENT REPLY SKIP");
    EXPECT_REPLY(h, "PING", "+QUEUED\r\n");
    harness_run(h, "DISCARD");
    harness_run(h, "CLIENT REPLY SKIP");
    EXPECT_REPLY(h, "MULTI", "");
    EXPECT_REPLY(h, "PING", "+QUEUED\r\n");
    harness_close(h);
}

Test(watch, a_group_is_no_change_of_its_stream_but_a_stream_made_for_it_is)
{
    struct harness *h = harness_open();
    harness_run(h, "XADD s 1-1 f v");
    harness_run(h, "WATCH s");
    EXPECT_REPLY(h, "XGROUP CREATE s g 0", "+OK\r\n");
    harness_run(h, "XREADGROUP GROUP g c STREAMS s >");
    EXPECT_REPLY(h, "XGROUP SETID s g 0", "+OK\r\n");
    EXPECT_REPLY(h, "XGROUP DESTROY s g", ":1\r\n");
    harness_run(h, "MULTI");
    EXPECT_REPLY(h, "EXEC", "*0\r\n");
    harness_run(h, "WATCH t");
    EXPECT_REPLY(h, "XGROUP CREATE t g $ MKSTREAM", "+OK\r\n");
    harness_run(h, "MULTI");
    EXPECT_REPLY(h, "EXEC", "*-1\r\n");
    harness_close(h);
}
