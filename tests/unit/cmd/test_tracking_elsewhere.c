#include "dataplane/cmd/tracking.h"
#include "dataplane/cmd/monitor.h"
#include "dataplane/cmd/notify.h"
#include "tests/unit/cmd/node_harness.h"

// What clients are told of keys and commands of other shards than their own.

#define EXPECT_WIRE(client, expected)                                                              \
    cr_expect(eq(str, (char *)(uintptr_t)harness_client_wire(client), (char *)(expected)))
#define INVALIDATE(key) ">2\r\n$10\r\ninvalidate\r\n*1\r\n$2\r\n" key "\r\n"

static const char flushed[] = ">2\r\n$10\r\ninvalidate\r\n_\r\n";

static struct node_harness *n;
static struct harness_client *own[NODE_SHARDS]; // RESP3
static char key[NODE_SHARDS][3];                // of two letters, on that shard

static void find_keys(void)
{
    uint32_t found = 0;
    for (char letter = 'a'; found < NODE_SHARDS; letter++) {
        char text[3] = { 'k', letter, 0 };
        uint32_t home = placement_shard(&n->node.placement, bytes_text(text));
        if (key[home][0]) continue;
        memcpy(key[home], text, sizeof text);
        found++;
    }
}

static void open_node(void)
{
    n = node_open();
    find_keys();
    for (uint32_t i = 0; i < NODE_SHARDS; i++) {
        own[i] = harness_client_open(n->shard[i]);
        own[i]->client.reply.version = 3;
    }
}
static void close_node(void)
{
    for (uint32_t i = 0; i < NODE_SHARDS; i++) harness_client_close(own[i]);
    node_close(n);
}
TestSuite(tracking_elsewhere, .init = open_node, .fini = close_node);

// A command about the key of shard home that a client of another sends: as a far call runs it.
static void run_there(struct harness_client *c, uint32_t home, const char *command,
                      const char *tail)
{
    char line[128];
    struct harness_client *proxy = node_proxy_open(n, home, &c->client);
    struct tracker copy;
    snprintf(line, sizeof line, "%s %s %s", command, key[home], tail);
    proxy->client.reply.version = 3;
    if (c->client.tracker) copy = *c->client.tracker;
    proxy->client.tracker = c->client.tracker ? &copy : NULL;
    harness_client_run(proxy, line);
    proxy->client.tracker = NULL;
    node_proxy_close(proxy);
}

static void expect_told(struct harness_client *c, const char *name)
{
    char wire[128];
    snprintf(wire, sizeof wire, INVALIDATE("%s"), name);
    EXPECT_WIRE(c, wire);
}

static void turn_all(void)
{
    for (uint32_t i = 0; i < NODE_SHARDS; i++)
        while (tracking_turn(n->node.servers[i])) continue;
    node_carry(n);
}

// ---- keys that were read

Test(tracking_elsewhere, tells_a_reader_of_another_shard_once)
{
    harness_client_run(own[0], "CLIENT TRACKING ON");
    node_carry(n);
    run_there(own[0], 1, "GET", "");
    run_there(own[2], 1, "SET", "1");
    EXPECT_WIRE(own[0], "");
    node_carry(n);
    expect_told(own[0], key[1]);
    run_there(own[2], 1, "SET", "2");
    node_carry(n);
    EXPECT_WIRE(own[0], "");
}

Test(tracking_elsewhere, remembers_all_keys_of_a_command_at_a_rendezvous)
{
    char line[64];
    node_run_as(n, own[0], "CLIENT TRACKING ON");
    node_carry(n);
    snprintf(line, sizeof line, "MGET %s %s %s", key[0], key[1], key[2]);
    node_run_as(n, own[0], line);
    for (uint32_t i = 0; i < NODE_SHARDS; i++) {
        cr_expect(eq(u64, n->node.servers[i]->tracking.keys.count, 1));
        run_there(own[1], i, "SET", "1");
        node_carry(n);
        expect_told(own[0], key[i]);
    }
}

Test(tracking_elsewhere, knows_whose_write_it_was)
{
    harness_client_run(own[0], "CLIENT TRACKING ON NOLOOP");
    node_carry(n);
    run_there(own[0], 1, "GET", "");
    run_there(own[0], 1, "SET", "1");
    node_carry(n);
    EXPECT_WIRE(own[0], "");
    run_there(own[0], 1, "GET", "");
    run_there(own[1], 1, "SET", "1");
    node_carry(n);
    expect_told(own[0], key[1]);
}

Test(tracking_elsewhere, carries_what_client_caching_said)
{
    harness_client_run(own[0], "CLIENT TRACKING ON OPTIN");
    node_carry(n);
    run_there(own[0], 1, "GET", "");
    cr_expect(zero(u64, n->node.servers[1]->tracking.keys.count));
    harness_client_run(own[0], "CLIENT CACHING YES");
    run_there(own[0], 1, "GET", "");
    cr_expect(eq(u64, n->node.servers[1]->tracking.keys.count, 1));
}

Test(tracking_elsewhere, uses_up_client_caching_at_a_rendezvous)
{
    char line[64];
    harness_client_run(own[0], "CLIENT TRACKING ON OPTIN");
    node_carry(n);
    harness_client_run(own[0], "CLIENT CACHING YES");
    snprintf(line, sizeof line, "MGET %s %s", key[1], key[2]);
    node_run_as(n, own[0], line);
    node_run_as(n, own[0], line);
    cr_expect(eq(u64, n->node.servers[1]->tracking.keys.count, 1));
    cr_expect(zero(u32, own[0]->client.tracker->mode & TRACKING_CACHING));
}

Test(tracking_elsewhere, tells_the_target_of_a_redirection_on_a_third_shard)
{
    char line[64];
    snprintf(line, sizeof line, "CLIENT TRACKING ON REDIRECT %lu",
             (unsigned long)own[2]->client.id);
    cr_expect(eq(str, (char *)(uintptr_t)node_run_as(n, own[0], line), (char *)"+OK\r\n"));
    node_carry(n);
    run_there(own[0], 1, "GET", "");
    run_there(own[1], 1, "SET", "1");
    node_carry(n);
    expect_told(own[2], key[1]);
    EXPECT_WIRE(own[0], "");
}

Test(tracking_elsewhere, says_that_a_redirection_to_another_shard_is_broken)
{
    char line[128];
    uint64_t id = own[2]->client.id;
    snprintf(line, sizeof line, "CLIENT TRACKING ON REDIRECT %lu", (unsigned long)id);
    node_run_as(n, own[0], line);
    node_carry(n);
    harness_client_close(own[2]);
    run_there(own[0], 1, "GET", "");
    run_there(own[1], 1, "SET", "1");
    node_carry(n);
    snprintf(line, sizeof line, ">2\r\n$21\r\ntracking-redir-broken\r\n:%lu\r\n",
             (unsigned long)id);
    EXPECT_WIRE(own[0], line);
    cr_expect(eq(u32, own[0]->client.tracker->mode, TRACKING_BROKEN_REDIRECT));
    own[2] = harness_client_open(n->shard[2]);
}

Test(tracking_elsewhere, ends_everywhere_with_the_last_client)
{
    harness_client_run(own[0], "CLIENT TRACKING ON");
    node_carry(n);
    cr_expect(tracking_is_on(&n->node.servers[2]->tracking));
    run_there(own[0], 1, "GET", "");
    harness_client_run(own[0], "CLIENT TRACKING OFF");
    node_carry(n);
    for (uint32_t i = 0; i < NODE_SHARDS; i++) {
        cr_expect(not(tracking_is_on(&n->node.servers[i]->tracking)));
        cr_expect(n->node.servers[i]->on_changed == NULL);
        cr_expect(zero(u64, n->node.servers[i]->tracking.keys.count));
    }
}

Test(tracking_elsewhere, bounds_the_keys_of_all_shards_together)
{
    for (uint32_t i = 0; i < NODE_SHARDS; i++)
        n->node.servers[i]->settings->tracking_table_max_keys = 2;
    harness_client_run(own[0], "CLIENT TRACKING ON");
    node_carry(n);
    for (uint32_t i = 0; i < NODE_SHARDS; i++) run_there(own[0], i, "GET", "");
    uint64_t count = 0;
    for (uint32_t i = 0; i < NODE_SHARDS; i++) count += n->node.servers[i]->tracking.keys.count;
    cr_expect(eq(u64, count, 2));
    node_carry(n);
    expect_told(own[0], key[2]);
}

Test(tracking_elsewhere, tells_each_tracker_once_of_a_flush)
{
    harness_client_run(own[1], "CLIENT TRACKING ON");
    node_carry(n);
    node_run(n, "FLUSHALL");
    node_carry(n);
    EXPECT_WIRE(own[1], flushed);
}

// ---- BCAST

Test(tracking_elsewhere, broadcasts_changes_of_every_shard)
{
    node_run_as(n, own[0], "CLIENT TRACKING ON BCAST PREFIX k");
    node_run_as(n, own[1], "CLIENT TRACKING ON BCAST PREFIX x");
    run_there(own[2], 2, "SET", "1");
    turn_all();
    expect_told(own[0], key[2]);
    EXPECT_WIRE(own[1], "");
    run_there(own[2], 0, "SET", "1");
    turn_all();
    expect_told(own[0], key[0]);
}

Test(tracking_elsewhere, leaves_own_writes_out_of_what_noloop_clients_are_broadcast)
{
    node_run_as(n, own[0], "CLIENT TRACKING ON BCAST NOLOOP");
    run_there(own[0], 2, "SET", "1");
    turn_all();
    EXPECT_WIRE(own[0], "");
    run_there(own[1], 2, "SET", "1");
    turn_all();
    expect_told(own[0], key[2]);
}

Test(tracking_elsewhere, forgets_a_prefix_when_its_last_client_goes)
{
    node_run_as(n, own[0], "CLIENT TRACKING ON BCAST PREFIX k");
    node_run_as(n, own[1], "CLIENT TRACKING ON BCAST PREFIX k");
    harness_client_run(own[0], "CLIENT TRACKING OFF");
    node_carry(n);
    cr_expect(eq(u64, n->node.servers[2]->tracking.prefixes.count, 1));
    harness_client_run(own[1], "CLIENT TRACKING OFF");
    node_run_as(n, own[1], "CLIENT TRACKING ON BCAST PREFIX k"); // before the others hear of it
    node_carry(n);
    cr_expect(eq(u64, n->node.servers[2]->tracking.prefixes.count, 1));
    run_there(own[0], 2, "SET", "1");
    turn_all();
    expect_told(own[1], key[2]);
}

// ---- events and messages

Test(tracking_elsewhere, brings_events_to_subscribers_of_other_shards_in_order)
{
    for (uint32_t i = 0; i < NODE_SHARDS; i++) {
        char **setting = &n->node.servers[i]->settings->notify_keyspace_events;
        free(*setting);
        *setting = strdup("KEA");
        notify_configure(n->node.servers[i]);
    }
    harness_client_run(own[0], "PSUBSCRIBE __keyevent*");
    run_there(own[1], 1, "SET", "1");
    run_there(own[1], 2, "SET", "1");
    cr_expect(not(posted_is_quiet(n->node.servers[0])));
    // The same shard's and the message of a PUBLISH wait for what was before.
    run_there(own[1], 0, "SET", "1");
    EXPECT_WIRE(own[0], "");
    node_carry_some(n, 2, 0);
    EXPECT_WIRE(own[0], "");
    node_carry(n);
    char wire[512];
    size_t at = 0;
    static const uint32_t order[] = { 1, 2, 0 };
    for (uint32_t i = 0; i < 3; i++)
        at += (size_t)snprintf(wire + at, sizeof wire - at,
                               ">4\r\n$8\r\npmessage\r\n$11\r\n__keyevent*\r\n$18\r\n"
                               "__keyevent@0__:set\r\n$2\r\n%s\r\n",
                               key[order[i]]);
    EXPECT_WIRE(own[0], wire);
}

Test(tracking_elsewhere, counts_receivers_on_all_shards_that_are_held)
{
    harness_client_run(own[1], "SUBSCRIBE c");
    harness_client_run(own[2], "PSUBSCRIBE *");
    cr_expect(eq(u64, n->node.listening, 6));
    EXPECT_NODE(n, "PUBLISH c m", ":2\r\n");
    cr_expect(zero(sz, n->posts.count));
    EXPECT_WIRE(own[1], ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n");
    harness_client_run(own[1], "UNSUBSCRIBE");
    cr_expect(eq(u64, n->node.listening, 4));
}

Test(tracking_elsewhere, brings_a_message_to_who_began_to_listen_a_moment_ago)
{
    struct harness_client *proxy = node_proxy_open(n, 1, &own[0]->client);
    harness_client_run(own[2], "SUBSCRIBE c");
    cr_expect(eq(str, (char *)harness_client_run(proxy, "PUBLISH c m"), (char *)":0\r\n"));
    node_carry(n);
    EXPECT_WIRE(own[2], ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n");
    node_proxy_close(proxy);
}

// ---- MONITOR

static uint32_t count_lines(const char *wire)
{
    uint32_t count = 0;
    for (; *wire; wire++) count += *wire == '\n';
    return count;
}

Test(tracking_elsewhere, shows_every_monitor_the_same_lines_in_one_order)
{
    harness_client_run(own[1], "MONITOR");
    harness_client_run(own[2], "MONITOR");
    run_there(own[0], 2, "SET", "1");
    run_there(own[0], 0, "SET", "2");
    run_there(own[0], 1, "SET", "3");
    node_carry_some(n, 1, UINT32_MAX);
    node_carry(n);
    char *one = strdup(harness_client_wire(own[1]));
    EXPECT_WIRE(own[2], one);
    cr_expect(eq(u32, count_lines(one), 3));
    const char *first = strstr(one, "\"1\""), *second = strstr(one, "\"2\"");
    const char *third = strstr(one, "\"3\"");
    cr_expect(first && second && third && first < second && second < third);
    free(one);
}

Test(tracking_elsewhere, shows_a_monitor_nothing_of_what_ran_before_it)
{
    harness_client_run(own[1], "MONITOR");
    run_there(own[0], 1, "SET", "1");
    harness_client_run(own[2], "MONITOR");
    node_carry(n);
    EXPECT_WIRE(own[2], "");
    cr_expect(eq(u32, count_lines(harness_client_wire(own[1])), 1));
}

Test(tracking_elsewhere, sends_no_lines_when_the_last_monitor_is_gone)
{
    harness_client_run(own[1], "MONITOR");
    monitor_forget_client(n->node.servers[1], &own[1]->client);
    cr_expect(not(monitor_is_on(n->node.servers[0])));
    run_there(own[0], 2, "SET", "1");
    cr_expect(zero(sz, n->posts.count));
}

Test(tracking_elsewhere, disconnects_monitors_who_would_miss_a_line)
{
    harness_client_run(own[1], "MONITOR");
    run_there(own[0], 2, "SET", "1");
    n->node.mail[0].bytes += POSTED_BYTES_MAX;
    run_there(own[0], 2, "SET", "2");
    n->node.mail[0].bytes -= POSTED_BYTES_MAX;
    node_carry(n);
    cr_assert(eq(u32, n->killed_count, 1));
    cr_expect(eq(u64, n->killed[0].id, own[1]->client.id));
}
