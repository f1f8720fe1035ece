#include "dataplane/cmd/tracking.h"
#include "dataplane/cmd/changed.h"
#include "tests/unit/cmd/harness.h"

#define EXPECT_WIRE(client, expected)                                                              \
    cr_expect(eq(str, (char *)harness_client_wire(client), (char *)(expected)))
#define EXPECT_CLIENT(client, command, expected)                                                   \
    cr_expect(eq(str, (char *)harness_client_run(client, command), (char *)(expected)), "%s",      \
              command)
#define INVALIDATE(size, key) ">2\r\n$10\r\ninvalidate\r\n*1\r\n$" size "\r\n" key "\r\n"

static const char flushed[] = ">2\r\n$10\r\ninvalidate\r\n_\r\n";

static struct harness *h;
static struct harness_client *cache; // RESP3, that tracks

static void open_both(void)
{
    h = harness_open();
    cache = harness_client_open(h);
    cache->client.reply.version = 3;
}
static void close_both(void)
{
    harness_client_close(cache);
    harness_close(h);
}
TestSuite(tracking, .init = open_both, .fini = close_both);

static void track(const char *options)
{
    char command[256];
    snprintf(command, sizeof command, "CLIENT TRACKING ON %s", options);
    EXPECT_CLIENT(cache, command, "+OK\r\n");
}
static void turn(void)
{
    while (tracking_turn(&h->server)) continue;
}

// ---- what was read (Redis 7.2: the default mode)

Test(tracking, tells_a_reader_once_that_a_key_changed)
{
    track("");
    EXPECT_CLIENT(cache, "GET k", "_\r\n");
    EXPECT_REPLY(h, "SET k 1", "+OK\r\n");
    EXPECT_WIRE(cache, INVALIDATE("1", "k"));
    EXPECT_REPLY(h, "SET k 2", "+OK\r\n");
    EXPECT_WIRE(cache, "");
    EXPECT_REPLY(h, "SET other 2", "+OK\r\n");
    EXPECT_WIRE(cache, "");
}

Test(tracking, remembers_every_key_of_a_read_and_none_of_a_write)
{
    track("");
    harness_client_run(cache, "MGET a b a");
    harness_client_run(cache, "APPEND c x");
    cr_expect(eq(u64, h->server.tracking.keys.count, 2));
    cr_expect(eq(u64, h->server.tracking.items, 2));
    harness_run(h, "MSET a 1 b 2 c 3");
    EXPECT_WIRE(cache, INVALIDATE("1", "a") INVALIDATE("1", "b"));
    cr_expect(zero(u64, h->server.tracking.items));
}

// Keys have no database here, as in Redis.
Test(tracking, takes_a_name_for_the_same_in_every_database)
{
    track("");
    harness_client_run(cache, "GET k");
    harness_run(h, "SELECT 5");
    harness_run(h, "SET k 1");
    EXPECT_WIRE(cache, INVALIDATE("1", "k"));
    harness_client_run(cache, "GET k");
    harness_run(h, "SWAPDB 0 5");
    EXPECT_WIRE(cache, flushed);
}

Test(tracking, tells_of_an_own_write_behind_its_reply)
{
    track("");
    harness_client_run(cache, "GET k");
    EXPECT_CLIENT(cache, "SET k 1", "+OK\r\n" INVALIDATE("1", "k"));
    EXPECT_CLIENT(cache, "MULTI", "+OK\r\n");
    EXPECT_CLIENT(cache, "GET k", "+QUEUED\r\n");
    EXPECT_CLIENT(cache, "SET k 2", "+QUEUED\r\n");
    EXPECT_CLIENT(cache, "GET k", "+QUEUED\r\n");
    EXPECT_CLIENT(cache, "EXEC", "*3\r\n$1\r\n1\r\n+OK\r\n$1\r\n2\r\n" INVALIDATE("1", "k"));
    harness_run(h, "DEL k");
    EXPECT_WIRE(cache, INVALIDATE("1", "k"));
}

Test(tracking, tells_of_what_expires_and_of_flushes)
{
    track("");
    harness_run(h, "SET k 1 PX 10");
    harness_client_run(cache, "GET k");
    harness_set_time(h, h->now_ms + 20);
    keyspace_expire_step(h->server.keyspace, h->now_ms, 10);
    EXPECT_WIRE(cache, INVALIDATE("1", "k"));
    harness_client_run(cache, "GET k");
    harness_run(h, "FLUSHDB");
    EXPECT_WIRE(cache, flushed);
    harness_run(h, "FLUSHALL");
    EXPECT_WIRE(cache, flushed);
    harness_run(h, "SET k 1");
    EXPECT_WIRE(cache, "");
}

// What goes on its own is nobody's act: also NOLOOP hears of it.
Test(tracking, tells_noloop_clients_of_others_writes_only)
{
    track("NOLOOP");
    harness_client_run(cache, "GET k");
    EXPECT_CLIENT(cache, "SET k 1", "+OK\r\n");
    harness_run(h, "SET k 2"); // as in Redis its own write has ended the interest
    EXPECT_WIRE(cache, "");
    harness_client_run(cache, "GET k");
    harness_run(h, "PEXPIRE k 10");
    EXPECT_WIRE(cache, INVALIDATE("1", "k"));
    EXPECT_CLIENT(cache, "GET k", "$1\r\n2\r\n");
    harness_set_time(h, h->now_ms + 20);
    EXPECT_CLIENT(cache, "GET k", "_\r\n" INVALIDATE("1", "k"));
}

Test(tracking, says_nothing_to_who_switched_it_off)
{
    track("");
    harness_client_run(cache, "GET k");
    EXPECT_CLIENT(cache, "CLIENT TRACKING OFF", "+OK\r\n");
    harness_run(h, "SET k 1");
    EXPECT_WIRE(cache, "");
    cr_expect(eq(ptr, (void *)h->server.on_changed, NULL));
}

Test(tracking, gives_its_keys_back_when_the_last_client_goes)
{
    track("");
    for (int i = 0; i < 3000; i++) {
        char command[64];
        snprintf(command, sizeof command, "GET key:%d", i);
        harness_client_run(cache, command);
    }
    EXPECT_CLIENT(cache, "RESET", "+RESET\r\n");
    cr_expect(zero(u64, h->server.tracking.keys.count));
    cr_expect(tracking_has_work(&h->server.tracking));
    cr_expect(tracking_turn(&h->server)); // in slices
    turn();
    cr_expect(not(tracking_has_work(&h->server.tracking)));
}

// ---- scripts and long commands

Test(tracking, remembers_what_a_script_reads_for_its_caller)
{
    track("");
    EXPECT_CLIENT(cache, "EVAL \"return redis.call('get',KEYS[1])\" 1 k", "_\r\n");
    harness_run(h, "SET k 1");
    EXPECT_WIRE(cache, INVALIDATE("1", "k"));
    EXPECT_CLIENT(cache,
                  "EVAL \"redis.call('get',KEYS[1]) return redis.call('set',KEYS[1],'5')\" 1 k",
                  "+OK\r\n" INVALIDATE("1", "k"));
}

// SUNIONSTORE of many members is a job: what it puts is still its client's act.
Test(tracking, knows_whose_a_long_write_is)
{
    char command[128];
    for (int i = 0; i < 6000; i++) {
        snprintf(command, sizeof command, "SADD s %d", i);
        harness_run(h, command);
    }
    track("NOLOOP");
    harness_client_run(cache, "SCARD to");
    EXPECT_CLIENT(cache, "SUNIONSTORE to s", ":6000\r\n");
    harness_client_run(cache, "SCARD to");
    harness_run(h, "SUNIONSTORE to s");
    EXPECT_WIRE(cache, INVALIDATE("2", "to"));
}

// ---- OPTIN, OPTOUT

Test(tracking, optin_remembers_what_follows_caching_yes)
{
    track("OPTIN");
    harness_client_run(cache, "GET a");
    EXPECT_CLIENT(cache, "CLIENT CACHING YES", "+OK\r\n");
    harness_client_run(cache, "CLIENT ID"); // CLIENT is not the command that was meant
    harness_client_run(cache, "GET b");
    harness_client_run(cache, "GET c");
    harness_run(h, "MSET a 1 b 2 c 3");
    EXPECT_WIRE(cache, INVALIDATE("1", "b"));
    harness_client_run(cache, "CLIENT CACHING YES");
    harness_client_run(cache, "GET"); // refused: it was the next command
    harness_client_run(cache, "GET a");
    harness_run(h, "SET a 1");
    EXPECT_WIRE(cache, "");
}

Test(tracking, caching_holds_for_a_whole_transaction)
{
    track("OPTIN");
    harness_client_run(cache, "CLIENT CACHING YES");
    harness_client_run(cache, "MULTI");
    harness_client_run(cache, "GET a");
    harness_client_run(cache, "GET b");
    harness_client_run(cache, "EXEC");
    harness_client_run(cache, "GET c");
    harness_run(h, "MSET a 1 b 2 c 3");
    EXPECT_WIRE(cache, INVALIDATE("1", "a") INVALIDATE("1", "b"));
}

Test(tracking, caching_holds_until_a_blocked_command_ends)
{
    track("OPTOUT");
    harness_client_run(cache, "CLIENT CACHING NO");
    EXPECT_CLIENT(cache, "BLPOP l 0.1", "");
    cr_expect(ne(u32, cache->client.tracker->mode & TRACKING_CACHING, 0));
    harness_set_time(h, h->now_ms + 200);
    blocks_expire(&h->server);
    EXPECT_WIRE(cache, "_\r\n");
    cr_expect(zero(u32, cache->client.tracker->mode & TRACKING_CACHING));
}

Test(tracking, optout_leaves_out_what_follows_caching_no)
{
    track("OPTOUT");
    harness_client_run(cache, "GET a");
    EXPECT_CLIENT(cache, "CLIENT CACHING NO", "+OK\r\n");
    harness_client_run(cache, "GET b");
    harness_client_run(cache, "GET c");
    harness_run(h, "MSET a 1 b 2 c 3");
    EXPECT_WIRE(cache, INVALIDATE("1", "a") INVALIDATE("1", "c"));
}

// ---- BCAST

Test(tracking, broadcasts_keys_with_a_prefix_once_a_turn)
{
    track("BCAST PREFIX k PREFIX user:");
    harness_run(h, "MSET user:1 1 other 1");
    harness_run(h, "SET user:1 2");
    EXPECT_WIRE(cache, "");
    turn();
    EXPECT_WIRE(cache, INVALIDATE("6", "user:1"));
    EXPECT_CLIENT(cache, "SET k 1", "+OK\r\n");
    turn();
    EXPECT_WIRE(cache, INVALIDATE("1", "k"));
    harness_run(h, "SET other 2");
    turn();
    EXPECT_WIRE(cache, "");
    harness_run(h, "FLUSHALL");
    EXPECT_WIRE(cache, flushed);
}

Test(tracking, without_a_prefix_broadcasts_every_key)
{
    track("BCAST");
    harness_run(h, "SET anything 1");
    turn();
    EXPECT_WIRE(cache, INVALIDATE("8", "anything"));
}

Test(tracking, leaves_own_writes_out_of_a_noloop_broadcast)
{
    struct harness_client *other = harness_client_open(h);
    other->client.reply.version = 3;
    track("BCAST NOLOOP");
    EXPECT_CLIENT(other, "CLIENT TRACKING ON BCAST", "+OK\r\n");
    EXPECT_CLIENT(cache, "SET a 1", "+OK\r\n");
    turn();
    EXPECT_WIRE(cache, "");
    EXPECT_WIRE(other, INVALIDATE("1", "a"));
    EXPECT_CLIENT(cache, "SET a 1", "+OK\r\n");
    harness_run(h, "SET a 2"); // another one in the same turn: everybody is told
    turn();
    EXPECT_WIRE(cache, INVALIDATE("1", "a"));
    harness_client_close(other);
}

Test(tracking, refuses_prefixes_that_overlap)
{
    EXPECT_CLIENT(cache, "CLIENT TRACKING ON BCAST PREFIX foo PREFIX foobar",
                  "-ERR Prefix 'foo' overlaps with another provided prefix 'foobar'. Prefixes for "
                  "a single client must not overlap.\r\n");
    track("BCAST PREFIX foo PREFIX bar");
    EXPECT_CLIENT(cache, "CLIENT TRACKING ON BCAST PREFIX f",
                  "-ERR Prefix 'f' overlaps with an existing prefix 'foo'. Prefixes for a single "
                  "client must not overlap.\r\n");
    track("BCAST PREFIX x");
    EXPECT_CLIENT(cache, "CLIENT TRACKINGINFO",
                  "%3\r\n$5\r\nflags\r\n~2\r\n$2\r\non\r\n$5\r\nbcast\r\n$8\r\nredirect\r\n:0\r\n"
                  "$8\r\nprefixes\r\n*3\r\n$3\r\nbar\r\n$3\r\nfoo\r\n$1\r\nx\r\n");
}

Test(tracking, finds_an_overlap_among_many_prefixes)
{
    enum { COUNT = 200 };
    struct bytes args[4 + 2 * COUNT] = { BYTES_LITERAL("CLIENT"), BYTES_LITERAL("TRACKING"),
                                         BYTES_LITERAL("ON"), BYTES_LITERAL("BCAST") };
    char texts[COUNT][16];
    for (int i = 0; i < COUNT; i++) {
        args[4 + 2 * i] = BYTES_LITERAL("PREFIX");
        args[5 + 2 * i] = bytes_make(texts[i], (size_t)sprintf(texts[i], "p%03d:", i));
    }
    h->client.reply.version = 3;
    cr_expect(eq(str, (char *)harness_run_args(h, args, 4 + 2 * COUNT), (char *)"+OK\r\n"));
    cr_expect(eq(u64, h->server.tracking.prefixes.count, COUNT));
    cr_expect(eq(sz, h->server.tracking.prefix_sizes.count, 1));
    harness_client_run(cache, "MSET p007:a 1 p200:a 1 p00 1");
    turn();
    harness_drain(h);
    cr_expect(eq(str, h->wire, (char *)INVALIDATE("6", "p007:a")));
    EXPECT_REPLY(h, "CLIENT TRACKING OFF", "+OK\r\n");
    cr_expect(zero(sz, h->server.tracking.prefix_sizes.count));
    sprintf(texts[100], "p0"); // of one hundred of them
    args[5 + 200] = bytes_make(texts[100], 2);
    cr_expect(eq(str, (char *)harness_run_args(h, args, 4 + 2 * COUNT),
                 (char *)"-ERR Prefix 'p0' overlaps with another prefix 'p000:'. Prefixes for a "
                         "single client must not overlap.\r\n"));
}

// ---- REDIRECT

Test(tracking, redirects_to_a_subscriber_of_resp2)
{
    struct harness_client *to = harness_client_open(h);
    char options[64];
    snprintf(options, sizeof options, "REDIRECT %lu", (unsigned long)to->client.id);
    track(options);
    harness_client_run(cache, "GET k");
    harness_run(h, "SET k 1"); // who listens to nothing cannot be told in RESP2
    EXPECT_WIRE(to, "");
    harness_client_run(to, "SUBSCRIBE __redis__:invalidate");
    harness_client_run(cache, "GET k");
    harness_run(h, "SET k 1");
    EXPECT_WIRE(cache, "");
    EXPECT_WIRE(to, "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n*1\r\n$1\r\nk\r\n");
    harness_run(h, "FLUSHALL");
    EXPECT_WIRE(to, "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n$-1\r\n");
    harness_client_close(to);
}

Test(tracking, says_that_a_redirection_broke)
{
    struct harness_client *to = harness_client_open(h);
    char text[128];
    snprintf(text, sizeof text, "REDIRECT %lu", (unsigned long)to->client.id);
    track(text);
    harness_client_run(cache, "GET k");
    snprintf(text, sizeof text, ">2\r\n$21\r\ntracking-redir-broken\r\n:%lu\r\n",
             (unsigned long)to->client.id);
    harness_client_close(to);
    harness_run(h, "SET k 1");
    EXPECT_WIRE(cache, text);
    cr_expect(strstr(harness_client_run(cache, "CLIENT TRACKINGINFO"), "broken_redirect") != NULL);
}

Test(tracking, says_nothing_to_resp2_itself)
{
    cache->client.reply.version = 2;
    track("");
    harness_client_run(cache, "GET k");
    harness_run(h, "SET k 1");
    EXPECT_WIRE(cache, "");
}

// ---- tracking-table-max-keys

Test(tracking, gives_keys_up_beyond_the_limit_and_says_so)
{
    h->settings.tracking_table_max_keys = 10;
    track("");
    for (int i = 0; i < 30; i++) {
        char command[64];
        snprintf(command, sizeof command, "MGET a%d b%d", i, i);
        harness_client_run(cache, command);
        cr_expect(le(u64, h->server.tracking.keys.count, 10));
    }
    cr_expect(eq(u64, h->server.tracking.items, h->server.tracking.keys.count));
    h->settings.tracking_table_max_keys = 4;
    turn();
    cr_expect(eq(u64, h->server.tracking.keys.count, 4));
    uint32_t told = 0;
    for (const char *at = harness_client_wire(cache); (at = strstr(at, "invalidate")); at++) told++;
    cr_expect(eq(u32, told, 6));
    h->settings.tracking_table_max_keys = 0; // no limit
    harness_client_run(cache, "MGET c d e f g h i j");
    cr_expect(eq(u64, h->server.tracking.keys.count, 12));
}

// ---- CLIENT TRACKING's errors (Redis 7.0.15's texts)

Test(tracking, refuses_modes_that_do_not_go_together)
{
    static const char *const cases[][2] = {
        { "ON OPTIN OPTOUT", "You can't specify both OPTIN mode and OPTOUT mode" },
        { "ON BCAST OPTIN", "OPTIN and OPTOUT are not compatible with BCAST" },
        { "ON PREFIX x", "PREFIX option requires BCAST mode to be enabled" },
        { "ON REDIRECT 999", "The client ID you want redirect to does not exist" },
        { "ON REDIRECT x", "value is not an integer or out of range" },
        { "ON REDIRECT 1 REDIRECT 1", "A client can only redirect to a single other client" },
        { "ON REDIRECT", "syntax error" },
        { "ON PREFIX", "syntax error" },
        { "MAYBE", "syntax error" },
        { "OFF foo", "syntax error" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char command[128], expected[256];
        snprintf(command, sizeof command, "CLIENT TRACKING %s", cases[i][0]);
        snprintf(expected, sizeof expected, "-ERR %s\r\n", cases[i][1]);
        EXPECT_CLIENT(cache, command, expected);
    }
    track("OPTIN");
    EXPECT_CLIENT(cache, "CLIENT TRACKING ON BCAST",
                  "-ERR You can't switch BCAST mode on/off before disabling tracking for this "
                  "client, and then re-enabling it with a different mode.\r\n");
    EXPECT_CLIENT(cache, "CLIENT TRACKING ON OPTOUT",
                  "-ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this "
                  "client, and then re-enabling it with a different mode.\r\n");
    EXPECT_CLIENT(cache, "CLIENT CACHING NO",
                  "-ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT "
                  "mode.\r\n");
    EXPECT_CLIENT(cache, "CLIENT CACHING MAYBE", "-ERR syntax error\r\n");
}

Test(tracking, tells_its_state)
{
    EXPECT_CLIENT(cache, "CLIENT GETREDIR", ":-1\r\n");
    EXPECT_CLIENT(cache, "CLIENT TRACKINGINFO",
                  "%3\r\n$5\r\nflags\r\n~1\r\n$3\r\noff\r\n$8\r\nredirect\r\n:-1\r\n"
                  "$8\r\nprefixes\r\n*0\r\n");
    track("OPTIN NOLOOP");
    EXPECT_CLIENT(cache, "CLIENT GETREDIR", ":0\r\n");
    harness_client_run(cache, "CLIENT CACHING YES");
    EXPECT_CLIENT(cache, "CLIENT TRACKINGINFO",
                  "%3\r\n$5\r\nflags\r\n~4\r\n$2\r\non\r\n$5\r\noptin\r\n$11\r\ncaching-yes\r\n"
                  "$6\r\nnoloop\r\n$8\r\nredirect\r\n:0\r\n$8\r\nprefixes\r\n*0\r\n");
}
