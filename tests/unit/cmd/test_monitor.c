#include "dataplane/cmd/monitor.h"
#include "tests/unit/cmd/harness.h"

static struct harness *h;
static struct harness_client *watcher;
static const struct net_addr peer = { { [10] = 0xff, 0xff, 127, 0, 0, 1 }, 50001 };

static void open_both(void)
{
    h = harness_open();
    h->stream.kind = STREAM_SOCK_TCP;
    h->stream.remote = peer;
    watcher = harness_client_open(h);
    cr_assert(eq(str, (char *)harness_client_run(watcher, "MONITOR"), (char *)"+OK\r\n"));
}
static void close_both(void)
{
    harness_client_close(watcher);
    harness_close(h);
}
TestSuite(monitor, .init = open_both, .fini = close_both);

// The lines that came, each without its "+<seconds>.<microseconds> ".
static const char *lines(void)
{
    static char out[65536];
    char *to = out;
    for (const char *at = harness_client_wire(watcher); *at;) {
        char *end;
        cr_assert(eq(chr, *at, '+'), "%s", at);
        cr_expect(gt(long, strtol(at + 1, &end, 10), 1700000000));
        cr_assert(eq(chr, *end, '.'));
        cr_expect(eq(long, strspn(end + 1, "0123456789"), 6));
        at = end + 8;
        const char *next = strstr(at, "\r\n") + 2;
        memcpy(to, at, (size_t)(next - at));
        to += next - at;
        at = next;
    }
    *to = 0;
    return out;
}
#define EXPECT_LINES(expected) cr_expect(eq(str, (char *)lines(), (char *)(expected)))

Test(monitor, shows_commands_as_they_were_sent)
{
    harness_run(h, "Set k 1");
    harness_run(h, "GET k");
    EXPECT_LINES("[0 127.0.0.1:50001] \"Set\" \"k\" \"1\"\r\n"
                 "[0 127.0.0.1:50001] \"GET\" \"k\"\r\n");
    harness_run(h, "SELECT 5");
    EXPECT_LINES("[5 127.0.0.1:50001] \"SELECT\" \"5\"\r\n");
    h->stream.kind = STREAM_SOCK_UNIX;
    h->client.flags |= CLIENT_UNIX_SOCKET;
    harness_run(h, "CONFIG SET unixsocket /run/x");
    harness_run(h, "PING");
    EXPECT_LINES("[5 unix:] \"PING\"\r\n");
}

Test(monitor, quotes_bytes_as_c_does)
{
    static const struct bytes args[] = { BYTES_LITERAL("ECHO"),
                                         BYTES_LITERAL("a\"b\\c\n\r\t\a\b\001\377~ ") };
    harness_run_args(h, args, 2);
    EXPECT_LINES("[0 127.0.0.1:50001] \"ECHO\" "
                 "\"a\\\"b\\\\c\\n\\r\\t\\a\\b\\x01\\xff~ \"\r\n");
    static const struct bytes empty[] = { BYTES_LITERAL("ECHO"), { (const uint8_t *)"", 0 } };
    harness_run_args(h, empty, 2);
    EXPECT_LINES("[0 127.0.0.1:50001] \"ECHO\" \"\"\r\n");
}

Test(monitor, leaves_out_refusals_and_what_administrators_do)
{
    harness_run(h, "GET");
    harness_run(h, "NOSUCH a");
    harness_run(h, "CONFIG GET port");
    harness_run(h, "CLIENT LIST");
    EXPECT_LINES("");
    harness_run(h, "CLIENT ID");
    EXPECT_LINES("[0 127.0.0.1:50001] \"CLIENT\" \"ID\"\r\n");
}

// EXEC's line comes behind those of its commands, EVAL's ahead of its (Redis 7.0.15).
Test(monitor, shows_transactions_and_scripts_as_they_run)
{
    harness_run(h, "MULTI");
    harness_run(h, "GET a");
    EXPECT_LINES("[0 127.0.0.1:50001] \"MULTI\"\r\n");
    harness_run(h, "EXEC");
    EXPECT_LINES("[0 127.0.0.1:50001] \"GET\" \"a\"\r\n[0 127.0.0.1:50001] \"EXEC\"\r\n");
    harness_run(h, "EVAL \"return redis.call('get','a')\" 0");
    EXPECT_LINES("[0 127.0.0.1:50001] \"EVAL\" \"return redis.call('get','a')\" \"0\"\r\n"
                 "[0 lua] \"get\" \"a\"\r\n");
}

Test(monitor, shows_a_blocked_command_once)
{
    struct harness_client *other = harness_client_open(h);
    other->stream.kind = STREAM_SOCK_TCP;
    other->stream.remote = peer;
    harness_client_run(other, "BLPOP l 0");
    harness_run(h, "RPUSH l a");
    EXPECT_LINES("[0 127.0.0.1:50001] \"BLPOP\" \"l\" \"0\"\r\n"
                 "[0 127.0.0.1:50001] \"RPUSH\" \"l\" \"a\"\r\n");
    cr_expect(harness_client_wire(other)[0] != 0);
    harness_client_close(other);
}

Test(monitor, hides_secrets)
{
    harness_run(h, "AUTH secret");
    harness_run(h, "HELLO 3 AUTH default secret");
    EXPECT_LINES("[0 127.0.0.1:50001] \"AUTH\" \"(redacted)\"\r\n"
                 "[0 127.0.0.1:50001] \"HELLO\" \"3\" \"AUTH\" \"(redacted)\" \"(redacted)\"\r\n");
}

Test(monitor, shows_its_own_commands_behind_their_replies)
{
    watcher->stream.kind = STREAM_SOCK_TCP;
    watcher->stream.remote = peer;
    const char *wire = harness_client_run(watcher, "PING");
    cr_expect(eq(int, strncmp(wire, "+PONG\r\n+", 8), 0), "%s", wire);
    cr_expect(strstr(wire, " [0 127.0.0.1:50001] \"PING\"\r\n") != NULL, "%s", wire);
}

// Redis takes a MONITOR for a kind of replica.
Test(monitor, may_not_touch_keys)
{
    static const char refusal[] = "-ERR Replica can't interact with the keyspace\r\n";
    static const char *const refused[] = { "GET k", "SET k v", "PUBLISH a b", "KEYS *" };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        cr_expect(eq(str, (char *)harness_client_run(watcher, refused[i]), (char *)refusal));
}

Test(monitor, ends_with_reset)
{
    cr_expect(eq(str, (char *)harness_client_run(watcher, "MONITOR"), (char *)""));
    cr_expect(eq(int, client_output_class(&watcher->client), OUTPUT_LIMIT_PUBSUB));
    cr_expect(eq(str, (char *)harness_client_run(watcher, "RESET"), (char *)"+RESET\r\n"));
    harness_run(h, "PING");
    EXPECT_LINES("");
    cr_expect(not(monitor_is_on(&h->server)));
    cr_expect(eq(str, (char *)harness_client_run(watcher, "GET k"), (char *)"$-1\r\n"));
}

Test(monitor, is_refused_in_a_transaction)
{
    harness_run(h, "MULTI");
    harness_run(h, "MONITOR");
    EXPECT_REPLY(h, "EXEC", "*1\r\n-ERR MONITOR isn't allowed for DENY BLOCKING client\r\n");
}

// One copy of a line, however many look and however large it is.
Test(monitor, shares_one_line_among_all)
{
    struct harness_client *more[4];
    for (int i = 0; i < 4; i++) {
        more[i] = harness_client_open(h);
        harness_client_run(more[i], "MONITOR");
    }
    lines();
    char *text = malloc(100000);
    memset(text, 'x', 100000);
    const struct bytes args[] = { BYTES_LITERAL("ECHO"), bytes_make(text, 100000) };
    uint64_t before = h->heap.bytes[HEAP_CLIENT_OUT];
    harness_run_args(h, args, 2);
    cr_expect(lt(u64, h->heap.bytes[HEAP_CLIENT_OUT] - before, 200000));
    for (int i = 0; i < 4; i++) {
        outq_clear(&more[i]->stream.out);
        harness_client_close(more[i]);
    }
    outq_clear(&watcher->stream.out);
    free(text);
}
