#include "dataplane/cmd/memory_report.h"
#include "tests/unit/cmd/admin.h"

static struct harness *h;
static struct admin admin;
static void open_harness(void) { h = admin_open(&admin); }
static void close_harness(void) { admin_close(h); }
TestSuite(cmd_memory_report, .init = open_harness, .fini = close_harness);

static bool shows(const char *text) { return strstr(h->wire, text) != NULL; }

// The integer behind a name of MEMORY STATS.
static uint64_t figure(const char *name)
{
    char start[96];
    snprintf(start, sizeof start, "$%zu\r\n%s\r\n:", strlen(name), name);
    const char *at = strstr(h->wire, start);
    cr_expect(at != NULL, "%s", name);
    return at ? strtoull(at + strlen(start), NULL, 10) : 0;
}

Test(cmd_memory_report, tells_what_a_key_takes)
{
    EXPECT_REPLY(h, "memory usage nokey", "$-1\r\n");
    uint64_t before = h->heap.bytes_total;
    harness_run(h, "set k v");
    char expected[32];
    snprintf(expected, sizeof expected, ":%lu\r\n", (unsigned long)(h->heap.bytes[HEAP_DATASET]));
    cr_expect(gt(u64, h->heap.bytes_total, before));
    EXPECT_REPLY(h, "memory usage k", expected);
    EXPECT_REPLY(h, "memory usage k samples 0", expected);
    EXPECT_REPLY(h, "MEMORY USAGE k SAMPLES 5 samples 3", expected);
    harness_run(h, "del k");
    for (int i = 0; i < 2000; i++) {
        char command[64];
        snprintf(command, sizeof command, "sadd s member:%d", i);
        harness_run(h, command);
    }
    harness_run(h, "memory usage s");
    uint64_t told = strtoull(h->wire + 1, NULL, 10), real = h->heap.bytes[HEAP_DATASET];
    cr_expect(told > real / 10 * 9 && told < real / 10 * 11, "%lu for %lu", (unsigned long)told,
              (unsigned long)real);
}

Test(cmd_memory_report, refuses_what_usage_does_not_take)
{
    harness_run(h, "set k v");
    EXPECT_REPLY(h, "memory usage k b", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "memory usage k samples", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "memory usage k samples -1", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "memory usage k samples x", "-ERR value is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "memory usage",
                 "-ERR wrong number of arguments for 'memory|usage' command\r\n");
    EXPECT_REPLY(h, "memory nosuch", "-ERR unknown subcommand 'nosuch'. Try MEMORY HELP.\r\n");
}

// The names of redis-server 7.0 and 7.2, in its order, then the ledger's.
Test(cmd_memory_report, has_every_figure_of_redis)
{
    static const char *const names[] = {
        "peak.allocated",
        "total.allocated",
        "startup.allocated",
        "replication.backlog",
        "clients.slaves",
        "clients.normal",
        "cluster.links",
        "aof.buffer",
        "lua.caches",
        "functions.caches",
        "db.0",
        "overhead.hashtable.main",
        "overhead.hashtable.expires",
        "overhead.hashtable.slot-to-keys",
        "db.3",
        "overhead.total",
        "keys.count",
        "keys.bytes-per-key",
        "dataset.bytes",
        "dataset.percentage",
        "peak.percentage",
        "allocator.allocated",
        "allocator.active",
        "allocator.resident",
        "allocator-fragmentation.ratio",
        "allocator-fragmentation.bytes",
        "allocator-rss.ratio",
        "allocator-rss.bytes",
        "rss-overhead.ratio",
        "rss-overhead.bytes",
        "fragmentation",
        "fragmentation.bytes",
        "ledger.dataset",
    };
    harness_run(h, "mset a 1 b 2");
    harness_run(h, "expire a 100");
    harness_run(h, "select 3");
    harness_run(h, "set c 3");
    harness_run(h, "memory stats");
    const char *at = h->wire;
    for (uint32_t i = 0; i < sizeof names / sizeof *names; i++) {
        char line[96];
        snprintf(line, sizeof line, "\r\n%s\r\n", names[i]);
        const char *found = strstr(at, line);
        cr_expect(found != NULL, "%s", names[i]);
        if (found) at = found;
    }
    cr_expect(eq(u32, admin.refresh_count, 1));
    cr_expect(eq(u64, figure("keys.count"), 3));
    cr_expect(eq(u64, figure("overhead.hashtable.expires"), 32));
    cr_expect(eq(u64, figure("dataset.bytes"), h->heap.bytes[HEAP_DATASET]));
    cr_expect(eq(u64, figure("ledger.dataset"), h->heap.bytes[HEAP_DATASET]));
    cr_expect(
        eq(u64, figure("overhead.total") + figure("dataset.bytes"), figure("total.allocated")));
}

Test(cmd_memory_report, answers_a_map)
{
    harness_run(h, "hello 3");
    harness_run(h, "memory stats");
    cr_expect(h->wire[0] == '%' && shows("\r\nfragmentation\r\n,"));
}

static void advise(const struct memory_report *r, char out[8192])
{
    struct text t;
    text_open(&t, &h->heap);
    memory_advise(&t, &h->server, r);
    snprintf(out, 8192, "%.*s", (int)t.size, t.data);
    text_close(&t);
}

Test(cmd_memory_report, advises)
{
    char out[8192];
    harness_run(h, "memory doctor");
    cr_expect(shows("too little data"));
    struct memory_report r = { .used = 100 << 20, .peak = 100 << 20, .dataset = 99 << 20 };
    r.allocated = r.active = r.resident = r.rss = 101 << 20;
    advise(&r, out);
    cr_expect(eq(str, out, (char *)"Nothing is unusual about the use of memory.\n"));
    r.peak = 200 << 20;
    r.active = 130 << 20;
    r.resident = 160 << 20;
    r.rss = 190 << 20;
    r.client_count = 1;
    r.script_count = 2000;
    r.owners[HEAP_CLIENT_OUT] = r.clients = 20 << 20;
    r.owners[HEAP_TABLES] = 100 << 20;
    h->settings.maxmemory = 105 << 20;
    advise(&r, out);
    static const char *const titles[] = {
        "* Peak: 200.00M",      "* Fragmentation: 29.00M",
        "* Free pages: 30.00M", "* Outside the heap: 30.00M",
        "* Clients: 20.00M",    "* Replies: 20.00M",
        "* Scripts: 0B",        "* Limit: 105.00M",
        "* Tables: 100.00M",
    };
    for (uint32_t i = 0; i < sizeof titles / sizeof *titles; i++)
        cr_expect(strstr(out, titles[i]) != NULL, "%s", titles[i]);
}

Test(cmd_memory_report, shows_the_allocators_statistics_and_purges)
{
    harness_run(h, "memory malloc-stats");
    cr_expect(shows("jemalloc statistics") || shows("Stats not supported"));
    EXPECT_REPLY(h, "memory purge", "+OK\r\n");
    EXPECT_REPLY(h, "memory purge", "+OK\r\n");
    harness_run(h, "memory help");
    cr_expect(shows("USAGE <key> [SAMPLES <count>]"));
}
