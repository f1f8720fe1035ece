// Commands that speak for all shards: of clients, messages and what was logged.
#include "dataplane/cmd/peers.h"
#include "dataplane/cmd/acl_log.h"
#include "dataplane/cmd/cmd_client.h"
#include "dataplane/cmd/script_run.h"
#include "tests/unit/cmd/node_harness.h"

static struct node_harness *n;
static struct harness_client *other[NODE_SHARDS]; // a further client of each shard
static void open_node(void)
{
    n = node_open();
    for (uint32_t i = 0; i < NODE_SHARDS; i++) other[i] = harness_client_open(n->shard[i]);
}
static void close_node(void)
{
    for (uint32_t i = 0; i < NODE_SHARDS; i++) harness_client_close(other[i]);
    node_close(n);
}
TestSuite(peers, .init = open_node, .fini = close_node);

static struct server *server_at(uint32_t i) { return &n->shard[i]->server; }

static uint32_t lines_of(const char *text)
{
    uint32_t count = 0;
    while ((text = strstr(text, "id=")) != NULL) {
        count += text[-1] != '-';
        text += 3;
    }
    return count;
}

// ---- clients

Test(peers, ids_tell_the_shard_of_their_connection)
{
    // Shard 0: the harness's own, the caller, another.
    cr_expect(eq(u64, n->shard[0]->client.id, 3));
    cr_expect(eq(u64, n->caller->client.id, 6));
    cr_expect(eq(u64, other[0]->client.id, 9));
    cr_expect(eq(u64, n->shard[1]->client.id, 1));
    cr_expect(eq(u64, other[2]->client.id, 5));
    for (uint32_t i = 0; i < NODE_SHARDS; i++) {
        struct server *home;
        cr_expect(eq(u32, client_home_index(server_at(0), other[i]->client.id), i));
        cr_expect(eq(ptr, peers_find_client(server_at(0), other[i]->client.id, &home),
                     &other[i]->client));
        cr_expect(eq(ptr, home, server_at(i)));
    }
}

Test(peers, lists_the_clients_of_all_shards_by_id)
{
    const char *text = node_run(n, "client list");
    const char *const ids[] = { "id=1 ", "id=2 ", "id=3 ", "id=4 ", "id=5 ", "id=6 ", "id=9 " };
    cr_expect(eq(u32, lines_of(text), 7));
    for (uint32_t i = 0; i < 7; i++) {
        const char *at = strstr(text, ids[i]);
        cr_assert(at != NULL, "%s", ids[i]);
        text = at;
    }
    text = node_run(n, "client list id 5 1 8 6");
    cr_expect(eq(u32, lines_of(text), 3));
    cr_expect(lt(ptr, (void *)strstr(text, "id=5 "), (void *)strstr(text, "id=1 ")));
    harness_client_run(other[2], "subscribe a");
    text = node_run(n, "client list type pubsub");
    cr_expect(eq(u32, lines_of(text), 1));
    cr_expect(strstr(text, "id=5 ") != NULL);
    for (uint32_t i = 0; i < NODE_SHARDS; i++)
        cr_expect(eq(sz, server_at(i)->clients.walks.count, 0));
}

Test(peers, kills_a_client_through_its_own_shard)
{
    EXPECT_NODE(n, "client kill id 5", ":1\r\n");
    cr_expect(eq(u32, n->killed_count, 1));
    cr_expect(eq(u64, n->killed[0].id, 5));
    cr_expect(eq(u32, n->killed[0].shard_index, 2));
    EXPECT_NODE(n, "client kill id 5", ":0\r\n"); // gone already
    harness_client_run(other[1], "subscribe a");
    EXPECT_NODE(n, "client kill type pubsub", ":1\r\n");
    cr_expect(eq(u32, n->killed[1].shard_index, 1));
    EXPECT_NODE(n, "client kill user nobody", "-ERR No such user 'nobody'\r\n");
    EXPECT_NODE(n, "client kill user default", ":4\r\n"); // not the caller
    cr_expect(eq(u32, n->killed_count, 6));
    cr_expect(zero(u32, n->caller->client.flags & CLIENT_CLOSE_AFTER_REPLY));
}

// The proxy is told; the real one is closed by its shard, behind the reply.
Test(peers, one_that_kills_itself_from_afar_is_answered)
{
    struct harness_client *proxy = node_proxy_open(n, 0, &other[1]->client);
    char command[64];
    snprintf(command, sizeof command, "client kill id %lu skipme no",
             (unsigned long)other[1]->client.id);
    cr_expect(eq(str, (char *)(uintptr_t)node_run_as(n, proxy, command), (char *)":1\r\n"));
    cr_expect(zero(u32, n->killed_count));
    cr_expect(proxy->client.flags & CLIENT_CLOSE_AFTER_REPLY);
    snprintf(command, sizeof command, "client kill id %lu", (unsigned long)other[1]->client.id);
    cr_expect(eq(str, (char *)(uintptr_t)node_run_as(n, proxy, command), (char *)":0\r\n"));
    node_proxy_close(proxy);
}

Test(peers, finds_who_waits_for_a_key_of_another_shard)
{
    struct harness_client *proxy = node_proxy_open(n, 2, &other[1]->client);
    cr_expect(eq(str, (char *)(uintptr_t)harness_client_run(proxy, "blpop q 0"), (char *)""));
    char command[64];
    snprintf(command, sizeof command, "client list id %lu", (unsigned long)other[1]->client.id);
    cr_expect(strstr(node_run(n, command), " flags=b ") != NULL);
    cr_expect(zero(u32, other[1]->client.flags & CLIENT_WAITS_THERE));
    snprintf(command, sizeof command, "client unblock %lu", (unsigned long)other[1]->client.id);
    EXPECT_NODE(n, command, ":1\r\n");
    cr_expect(eq(str, (char *)(uintptr_t)harness_client_wire(proxy), (char *)"*-1\r\n"));
    EXPECT_NODE(n, command, ":0\r\n");
    EXPECT_NODE(n, "client unblock 1000", ":0\r\n");
    // On its own shard.
    harness_client_run(other[2], "blpop q 0");
    EXPECT_NODE(n, "client unblock 5 error", ":1\r\n");
    cr_expect(strncmp(harness_client_wire(other[2]), "-UNBLOCKED", 10) == 0);
    // Who is killed takes nothing from a key.
    harness_client_run(proxy, "blpop q 0");
    snprintf(command, sizeof command, "client kill id %lu", (unsigned long)other[1]->client.id);
    EXPECT_NODE(n, command, ":1\r\n");
    cr_expect(eq(sz, server_at(2)->blocks.all.count, 0));
    harness_client_wire(proxy);
    node_proxy_close(proxy);
}

// ---- messages

Test(peers, publishes_to_the_clients_of_all_shards)
{
    for (uint32_t i = 0; i < NODE_SHARDS; i++) {
        harness_client_run(other[i], "subscribe a");
        harness_client_run(other[i], "ssubscribe s");
    }
    harness_client_run(other[2], "psubscribe a*");
    size_t before[NODE_SHARDS];
    for (uint32_t i = 0; i < NODE_SHARDS; i++) before[i] = n->shard[i]->heap.bytes_total;
    char line[1024] = "publish a ";
    memset(line + 10, 'x', 600); // by reference
    line[610] = 0;
    EXPECT_NODE(n, line, ":4\r\n");
    // Each shard's memory is its own: what is on its way out lies there.
    for (uint32_t i = 0; i < NODE_SHARDS; i++) {
        cr_expect(gt(sz, n->shard[i]->heap.bytes_total, before[i]));
        cr_expect(gt(u64, n->shard[i]->tally.sent_pubsub_bytes, 600));
        cr_expect(strstr(harness_client_wire(other[i]), "xxx") != NULL);
    }
    EXPECT_NODE(n, "spublish s hi", ":3\r\n");
    EXPECT_NODE(n, "publish b hi", ":0\r\n");
    for (uint32_t i = 0; i < NODE_SHARDS; i++)
        cr_expect(strstr(harness_client_wire(other[i]), "smessage") != NULL);
}

Test(peers, counts_names_once_and_subscribers_all)
{
    harness_client_run(other[0], "subscribe a b");
    harness_client_run(other[1], "subscribe a c");
    harness_client_run(other[2], "subscribe a");
    harness_client_run(other[2], "psubscribe x* y*");
    harness_client_run(other[1], "psubscribe x*");
    const char *channels = node_run(n, "pubsub channels");
    cr_expect(strncmp(channels, "*3\r\n", 4) == 0, "%s", channels);
    EXPECT_NODE(n, "pubsub channels c*", "*1\r\n$1\r\nc\r\n");
    EXPECT_NODE(n, "pubsub numsub a c z",
                "*6\r\n$1\r\na\r\n:3\r\n$1\r\nc\r\n:1\r\n$1\r\nz\r\n:0\r\n");
    EXPECT_NODE(n, "pubsub numpat", ":2\r\n");
    EXPECT_NODE(n, "pubsub shardchannels", "*0\r\n");
    EXPECT_NODE(n, "pubsub shardnumsub s", "*2\r\n$1\r\ns\r\n:0\r\n");
    cr_expect(strstr(node_run(n, "info"), "pubsub_channels:3\r\npubsub_patterns:2\r\n") != NULL);
}

// ---- slow log

static void note_slow(uint32_t i, const struct client *c, const char *name)
{
    struct bytes argv[] = { bytes_text(name) };
    struct call call = { .server = server_at(i),
                         .client = (struct client *)(uintptr_t)c,
                         .command = command_find(argv[0]),
                         .argv = argv,
                         .argc = 1 };
    slowlog_note(&call, 0, 20000);
}

Test(peers, merges_slow_logs_by_ids_that_ascend_over_all)
{
    for (uint32_t i = 0; i < NODE_SHARDS; i++)
        server_at(i)->settings->slowlog_log_slower_than = 10000;
    note_slow(2, &other[2]->client, "get");
    note_slow(0, &other[0]->client, "set");
    note_slow(2, &other[2]->client, "del");
    note_slow(1, &other[1]->client, "ping");
    EXPECT_NODE(n, "slowlog len", ":4\r\n");
    const char *text = node_run(n, "slowlog get");
    const char *const order[] = { "*8\r\n:3\r\n", "ping", "*8\r\n:2\r\n", "del",
                                  "*8\r\n:1\r\n", "set",  "*8\r\n:0\r\n", "get" };
    cr_expect(strncmp(text, "*4\r\n", 4) == 0);
    for (uint32_t i = 0; i < 8; i++) {
        const char *at = strstr(text, order[i]);
        cr_assert(at != NULL, "%s in %s", order[i], text);
        text = at;
    }
    for (uint32_t i = 0; i < NODE_SHARDS; i++) server_at(i)->settings->slowlog_max_len = 3;
    EXPECT_NODE(n, "slowlog len", ":3\r\n"); // the newest of all
    cr_expect(strncmp(node_run(n, "slowlog get -1"), "*3\r\n*8\r\n:3\r\n", 12) == 0);
    EXPECT_NODE(n, "slowlog reset", "+OK\r\n");
    EXPECT_NODE(n, "slowlog len", ":0\r\n");
    note_slow(1, &other[1]->client, "ping");
    cr_expect(strncmp(node_run(n, "slowlog get"), "*1\r\n*8\r\n:4\r\n", 12) == 0);
}

Test(peers, slow_log_names_the_client_that_a_proxy_stood_for)
{
    struct harness_client *proxy = node_proxy_open(n, 2, &other[1]->client);
    proxy->client.stream = NULL;
    server_at(2)->settings->slowlog_log_slower_than = 0;
    harness_client_run(other[1], "client setname joe");
    note_slow(2, &proxy->client, "get");
    cr_expect(strstr(node_run(n, "slowlog get"), "$3\r\njoe\r\n") != NULL);
    client_set_text(server_at(1), &other[1]->client.name, bytes_make("", 0));
    proxy->client.stream = &proxy->stream;
    node_proxy_close(proxy);
}

// ---- latency

static void set_second(uint32_t at_s)
{
    for (uint32_t i = 0; i < NODE_SHARDS; i++)
        harness_set_time(n->shard[i], HARNESS_START_MS + at_s * 1000ull);
}
static void note_latency(uint32_t i, uint32_t at_s, uint32_t ms)
{
    set_second(at_s);
    latency_note(server_at(i), LATENCY_TURN, n->shard[i]->clock.tsc_hz / 2000 * (2 * ms + 1));
}
static void watch_latency(void)
{
    for (uint32_t i = 0; i < NODE_SHARDS; i++) {
        server_at(i)->settings->latency_monitor_threshold = 1;
        slow_configure(server_at(i));
    }
}

Test(peers, merges_latency_series_by_second)
{
    watch_latency();
    note_latency(0, 0, 20);
    note_latency(1, 0, 30); // of one second the longest
    note_latency(2, 1, 90);
    note_latency(1, 2, 40);
    EXPECT_NODE(n, "latency history turn",
                "*3\r\n*2\r\n:1700000000\r\n:30\r\n*2\r\n:1700000001\r\n:90\r\n"
                "*2\r\n:1700000002\r\n:40\r\n");
    EXPECT_NODE(n, "latency latest", "*1\r\n*4\r\n$4\r\nturn\r\n:1700000002\r\n:40\r\n:90\r\n");
    cr_expect(strstr(node_run(n, "latency graph turn"), "turn - high 90 ms, low 30 ms") != NULL);
    cr_expect(strstr(node_run(n, "latency doctor"), "seen in 3 seconds, average 53 ms") != NULL);
    EXPECT_NODE(n, "latency reset turn", ":1\r\n"); // one event
    EXPECT_NODE(n, "latency history turn", "*0\r\n");
}

Test(peers, keeps_the_newest_seconds_of_all_shards)
{
    struct latency_series merged;
    watch_latency();
    for (uint32_t i = 0; i < LATENCY_SAMPLES + 40; i++) note_latency(i % 2, i, 2 + i % 7);
    cr_assert(latency_merge(server_at(0), LATENCY_TURN, &merged));
    cr_expect(eq(u32, merged.count, LATENCY_SAMPLES));
    for (uint32_t i = 0; i < LATENCY_SAMPLES; i++)
        cr_expect(eq(u32, latency_at(&merged, i)->time_s, 1700000000 + 40 + i));
}

Test(peers, adds_up_histograms)
{
    const struct command *get = command_find(BYTES_LITERAL("get"));
    for (uint32_t i = 0; i < NODE_SHARDS; i++)
        command_latency_start(server_at(i), get->id)
            ->counts[command_latency_bucket(n->shard[i]->clock.tsc_hz / 100000)] += i + 1; // 10 us
    const char *text = node_run(n, "latency histogram get");
    cr_expect(strstr(text, "$5\r\ncalls\r\n:6\r\n$14\r\nhistogram_usec\r\n*2\r\n:16\r\n:6\r\n") !=
                  NULL,
              "%s", text);
}

// ---- ACL LOG

Test(peers, merges_what_was_denied)
{
    struct bytes user = BYTES_LITERAL("joe");
    acl_log_add(server_at(1), &other[1]->client, ACL_DENIED_AUTH, ACL_AT_TOP, BYTES_LITERAL("AUTH"),
                user);
    set_second(1);
    acl_log_add(server_at(2), &other[2]->client, ACL_DENIED_KEY, ACL_AT_TOP, BYTES_LITERAL("k"),
                user);
    set_second(2);
    acl_log_add(server_at(0), &other[0]->client, ACL_DENIED_AUTH, ACL_AT_TOP, BYTES_LITERAL("AUTH"),
                user);
    const char *text = node_run(n, "acl log");
    // The same, denied by two shards within a minute, is one; it is the newest.
    cr_expect(strncmp(text, "*2\r\n*20\r\n$5\r\ncount\r\n:2\r\n$6\r\nreason\r\n$4\r\nauth", 44) ==
                  0,
              "%s", text);
    cr_expect(strstr(text, "$8\r\nentry-id\r\n:0\r\n") != NULL);
    cr_expect(strstr(text, "$8\r\nentry-id\r\n:1\r\n") != NULL);
    cr_expect(strncmp(node_run(n, "acl log 1"), "*1\r\n", 4) == 0);
    EXPECT_NODE(n, "acl log reset", "+OK\r\n");
    EXPECT_NODE(n, "acl log", "*0\r\n");
}

// ---- scripts

Test(peers, finds_the_script_that_runs_on_any_shard)
{
    EXPECT_NODE(n, "script kill", "-NOTBUSY No scripts in execution right now.\r\n");
    struct call call = { .argc = 0 };
    struct script_run eval = { .kind = SCRIPT_KIND_EVAL, .call = &call };
    struct script_run function = { .kind = SCRIPT_KIND_FUNCTIONS,
                                   .call = &call,
                                   .name = BYTES_LITERAL("f"),
                                   .started_ns = clock_now_ns(&n->shard[0]->clock) };
    server_at(2)->busy_script = &function;
    cr_expect(strstr(node_run(n, "function stats"), "$1\r\nf\r\n") != NULL);
    cr_expect(strncmp(node_run(n, "script kill"), "-BUSY", 5) == 0); // the other kind
    server_at(1)->busy_script = &eval;
    EXPECT_NODE(n, "script kill", "+OK\r\n");
    cr_expect(eq(int, eval.kill, SCRIPT_KILL));
    cr_expect(eq(int, function.kill, SCRIPT_GOES_ON));
    function.has_written = true;
    cr_expect(strncmp(node_run(n, "function kill"), "-UNKILLABLE", 11) == 0);
    function.has_written = false;
    EXPECT_NODE(n, "function kill", "+OK\r\n");
    cr_expect(eq(int, function.kill, SCRIPT_KILL));
    server_at(1)->busy_script = server_at(2)->busy_script = NULL;
}

// ---- DEBUG

Test(peers, switches_all_shards)
{
    for (uint32_t i = 0; i < NODE_SHARDS; i++)
        server_at(i)->settings->enable_debug_command = LOCAL_YES;
    EXPECT_NODE(n, "debug set-active-expire 0", "+OK\r\n");
    EXPECT_NODE(n, "debug pause-cron 1", "+OK\r\n");
    EXPECT_NODE(n, "debug sleep 1", "+OK\r\n");
    for (uint32_t i = 0; i < NODE_SHARDS; i++) {
        cr_expect(not(keyspace_active_expire(server_at(i)->keyspace)));
        cr_expect(server_at(i)->cron_is_paused);
        cr_expect(gt(u64, server_at(i)->busy_until_ns, 0));
    }
}

// Equal data, equal digest: however it is spread.
Test(peers, digests_the_data_of_all_shards)
{
    struct harness *alone = harness_open();
    alone->settings.enable_debug_command = LOCAL_YES;
    for (uint32_t i = 0; i < NODE_SHARDS; i++)
        server_at(i)->settings->enable_debug_command = LOCAL_YES;
    for (uint32_t i = 0; i < 30; i++) {
        char name[16], command[64];
        int size = snprintf(name, sizeof name, "key%u", i);
        snprintf(command, sizeof command, "rpush %s a b %u", name, i);
        harness_run(alone, command);
        harness_run(n->shard[placement_shard(&n->node.placement, bytes_make(name, (size_t)size))],
                    command);
    }
    cr_expect(eq(str, (char *)(uintptr_t)node_run(n, "debug digest"),
                 (char *)(uintptr_t)harness_run(alone, "debug digest")));
    harness_close(alone);
}
