// What INFO and MEMORY say of a server with several shards.
#include "dataplane/cmd/server_sums.h"
#include "tests/unit/cmd/node_harness.h"

static struct node_harness *n;
static const char *wire;
static void open_node(void) { n = node_open(); }
static void close_node(void) { node_close(n); }
TestSuite(server_sums, .init = open_node, .fini = close_node);

static const char *field(const char *name)
{
    static char value[512];
    char start[128];
    snprintf(start, sizeof start, "\r\n%s:", name);
    const char *at = strstr(wire, start);
    if (!at) return NULL;
    at += strlen(start);
    snprintf(value, sizeof value, "%.*s", (int)strcspn(at, "\r"), at);
    return value;
}
#define EXPECT_FIELD(name, value)                                                                  \
    do {                                                                                           \
        const char *shown_ = field(name);                                                          \
        cr_expect(shown_ &&strcmp(shown_, (value)) == 0, "%s: %s", name,                           \
                  shown_ ? shown_ : "none");                                                       \
    } while (0)
static uint64_t number(const char *name)
{
    const char *value = field(name);
    cr_expect(value != NULL, "%s", name);
    return value ? strtoull(value, NULL, 10) : 0;
}

Test(server_sums, adds_up_what_each_shard_has)
{
    for (uint32_t i = 0; i < NODE_SHARDS; i++) {
        struct server *s = &n->shard[i]->server;
        struct shard_tally *t = &n->shard[i]->tally;
        harness_run(n->shard[i], "set a 1");
        harness_run(n->shard[i], "set b 1 px 100000");
        t->connections_received = 10 * (i + 1);
        t->net_input_bytes = 1000 * (i + 1);
        t->client_input_max = 100 * (i + 1);
        t->blocked_clients = i;
        t->commands[command_find(BYTES_LITERAL("get"))->id].calls = i + 1;
        s->instantaneous_ops = 7;
        s->instantaneous_input_bps = 1024;
        s->defrag.hits = 5;
        strcpy(s->error_stats[0].code, "ERR");
        strcpy(s->error_stats[1].code, i ? "LATE" : "OOM");
        s->error_stats[0].count = s->error_stats[1].count = i + 1;
        s->error_stat_count = 2;
    }
    wire = node_run(n, "info everything");
    EXPECT_FIELD("connected_clients", "4");
    EXPECT_FIELD("blocked_clients", "3");
    EXPECT_FIELD("client_recent_max_input_buffer", "300");
    EXPECT_FIELD("total_connections_received", "60");
    EXPECT_FIELD("total_net_input_bytes", "6000");
    EXPECT_FIELD("instantaneous_ops_per_sec", "21");
    EXPECT_FIELD("instantaneous_input_kbps", "3.00");
    EXPECT_FIELD("active_defrag_hits", "15");
    EXPECT_FIELD("rdb_changes_since_last_save", "6");
    EXPECT_FIELD("db0", "keys=6,expires=3,avg_ttl=100000");
    EXPECT_FIELD("errorstat_ERR", "count=6");
    EXPECT_FIELD("errorstat_OOM", "count=1");
    EXPECT_FIELD("errorstat_LATE", "count=5");
    cr_expect(strncmp(field("cmdstat_get"), "calls=6,", 8) == 0);
    cr_expect(strncmp(field("cmdstat_set"), "calls=6,", 8) == 0);
    cr_expect(field("latency_percentiles_usec_set") != NULL);
    for (uint32_t i = 0; i < NODE_SHARDS; i++)
        cr_expect(eq(u64, n->shard[i]->tally.refreshed_wall_us, 1));
}

Test(server_sums, shows_each_shard_in_the_ledger)
{
    n->shard[1]->server.instantaneous_ops = 11;
    n->shard[1]->server.instantaneous_busy_cycles = n->shard[1]->clock.tsc_hz / 4;
    harness_run(n->shard[1], "set a 1");
    n->shard[0]->tally.rendezvous_held = 3;
    n->shard[2]->tally.rendezvous_held = 4;
    histogram_record(&n->shard[0]->tally.rendezvous_all_stand, 0);
    histogram_record(&n->shard[2]->tally.rendezvous_all_stand, n->shard[0]->clock.tsc_hz / 100000);
    wire = node_run(n, "info ledger");
    EXPECT_FIELD("rendezvous_usec_all_stand", "count=2,p50=0.00,p99=10.00,max=10.00");
    EXPECT_FIELD("rendezvous_usec_first_stands", "count=0,p50=0.00,p99=0.00,max=0.00");
    cr_expect(strncmp(field("shard_0"), "keys=0,clients=2,memory=", 24) == 0);
    cr_expect(strncmp(field("shard_1"), "keys=1,clients=1,memory=", 24) == 0);
    cr_expect(strstr(field("shard_1"), ",ops=11,busy=25.00") != NULL, "%s", field("shard_1"));
    cr_expect(field("shard_2") && !field("shard_3"));
    EXPECT_FIELD("rendezvous_held", "7");
}

Test(server_sums, memory_is_the_sum_of_the_heaps)
{
    uint64_t before = 0, dataset = 0;
    for (uint32_t i = 0; i < NODE_SHARDS; i++) {
        harness_run(n->shard[i], "set a 1");
        before += n->shard[i]->heap.bytes_total;
        dataset += n->shard[i]->heap.bytes[HEAP_DATASET];
    }
    wire = node_run(n, "info memory");
    uint64_t used = number("used_memory");
    cr_expect(ge(u64, used, before));
    cr_expect(lt(u64, used, before + 65536)); // the request, the reply
    cr_expect(eq(u64, number("used_memory_dataset"), dataset));
    cr_expect(ge(u64, number("used_memory_peak"), used));
    wire = node_run(n, "memory stats");
    char expected[96];
    snprintf(expected, sizeof expected, "$14\r\nledger.dataset\r\n:%lu\r\n",
             (unsigned long)dataset);
    cr_expect(strstr(wire, expected) != NULL);
    cr_expect(strstr(wire, "$10\r\nkeys.count\r\n:3\r\n") != NULL);
    cr_expect(strstr(wire, "$4\r\ndb.0\r\n") != NULL);
    cr_expect(strstr(node_run(n, "memory doctor"), "too little data") != NULL);
    EXPECT_NODE(n, "memory purge", "+OK\r\n");
}

Test(server_sums, forgets_the_statistics_of_all_shards)
{
    for (uint32_t i = 0; i < NODE_SHARDS; i++) n->shard[i]->tally.connections_received = 10;
    EXPECT_NODE(n, "config resetstat", "+OK\r\n");
    wire = node_run(n, "info stats");
    EXPECT_FIELD("total_connections_received", "0");
}
