#include "dataplane/cmd/cmd_info.h"
#include "tests/unit/cmd/admin.h"

static struct harness *h;
static struct admin admin;
static struct clock ticks = { .tsc_hz = 1000000000, .ns_mult = 1ull << 32 };
static void open_harness(void)
{
    h = admin_open(&admin);
    h->server.clock = &ticks;
    h->server.started_wall_ms = HARNESS_START_MS;
    h->tally.connections_received = 3;
}
static void close_harness(void) { admin_close(h); }
TestSuite(cmd_info, .init = open_harness, .fini = close_harness);

// The value of a field, NULL when there is none. Valid until the next call.
static const char *field(const char *name)
{
    static char value[512];
    char start[128];
    snprintf(start, sizeof start, "\r\n%s:", name);
    const char *at = strstr(h->wire, start);
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

static bool has_section(const char *title)
{
    char line[64];
    snprintf(line, sizeof line, "# %s\r\n", title);
    return strstr(h->wire, line) != NULL;
}

Test(cmd_info, names_the_redis_version_before_its_own)
{
    harness_run(h, "info server");
    const char *body = strchr(h->wire, '\n') + 1;
    cr_expect(
        eq(int, strncmp(body, "# Server\r\nredis_version:7.2.4\r\npenstock_version:", 47), 0));
    EXPECT_FIELD("multiplexing_api", "io_uring");
    EXPECT_FIELD("redis_mode", "standalone");
}

Test(cmd_info, shows_the_sections_asked_for)
{
    harness_run(h, "info");
    cr_expect(has_section("Server") && has_section("Keyspace") && has_section("Ledger"));
    cr_expect(eq(int, !has_section("Commandstats") && !has_section("Latencystats"), 1));
    harness_run(h, "info ALL");
    cr_expect(has_section("Commandstats") && has_section("Latencystats"));
    harness_run(h, "info everything");
    cr_expect(has_section("Modules"));
    harness_run(h, "info cpu Replication nosuch cpu");
    cr_expect(has_section("CPU") && has_section("Replication") && !has_section("Server"));
    EXPECT_REPLY(h, "info nosuch", "$0\r\n\r\n");
    harness_run(h, "info default commandstats");
    cr_expect(has_section("Server") && has_section("Commandstats"));
    cr_expect(eq(u32, admin.refresh_count, 6));
    harness_run(h, "hello 3");
    harness_run(h, "info cpu");
    cr_expect(h->wire[0] == '=' && strstr(h->wire, "txt:# CPU\r\n"));
}

// Every field that redis-server 7.0.15 and 7.2.4 show: a missing one makes programs wait in vain.
Test(cmd_info, has_every_field_of_redis)
{
    static const char *const names[] = {
        "redis_git_sha1",
        "redis_git_dirty",
        "redis_build_id",
        "os",
        "arch_bits",
        "monotonic_clock",
        "atomicvar_api",
        "gcc_version",
        "process_id",
        "process_supervised",
        "run_id",
        "tcp_port",
        "server_time_usec",
        "uptime_in_seconds",
        "uptime_in_days",
        "hz",
        "configured_hz",
        "lru_clock",
        "executable",
        "config_file",
        "io_threads_active",
        "listener0",
        "connected_clients",
        "cluster_connections",
        "maxclients",
        "client_recent_max_input_buffer",
        "client_recent_max_output_buffer",
        "blocked_clients",
        "tracking_clients",
        "pubsub_clients",
        "watching_clients",
        "total_watched_keys",
        "clients_in_timeout_table",
        "total_blocking_keys",
        "total_blocking_keys_on_nokey",
        "used_memory",
        "used_memory_human",
        "used_memory_rss",
        "used_memory_rss_human",
        "used_memory_peak",
        "used_memory_peak_human",
        "used_memory_peak_perc",
        "used_memory_overhead",
        "used_memory_startup",
        "used_memory_dataset",
        "used_memory_dataset_perc",
        "allocator_allocated",
        "allocator_active",
        "allocator_resident",
        "total_system_memory",
        "total_system_memory_human",
        "used_memory_lua",
        "used_memory_vm_eval",
        "used_memory_lua_human",
        "used_memory_scripts_eval",
        "number_of_cached_scripts",
        "number_of_functions",
        "number_of_libraries",
        "used_memory_vm_functions",
        "used_memory_vm_total",
        "used_memory_vm_total_human",
        "used_memory_functions",
        "used_memory_scripts",
        "used_memory_scripts_human",
        "maxmemory",
        "maxmemory_human",
        "maxmemory_policy",
        "allocator_frag_ratio",
        "allocator_frag_bytes",
        "allocator_rss_ratio",
        "allocator_rss_bytes",
        "rss_overhead_ratio",
        "rss_overhead_bytes",
        "mem_fragmentation_ratio",
        "mem_fragmentation_bytes",
        "mem_not_counted_for_evict",
        "mem_overhead_db_hashtable_rehashing",
        "mem_replication_backlog",
        "mem_total_replication_buffers",
        "mem_clients_slaves",
        "mem_clients_normal",
        "mem_cluster_links",
        "mem_aof_buffer",
        "mem_allocator",
        "active_defrag_running",
        "lazyfree_pending_objects",
        "lazyfreed_objects",
        "loading",
        "async_loading",
        "current_cow_peak",
        "current_cow_size",
        "current_cow_size_age",
        "current_fork_perc",
        "current_save_keys_processed",
        "current_save_keys_total",
        "rdb_changes_since_last_save",
        "rdb_bgsave_in_progress",
        "rdb_last_save_time",
        "rdb_last_bgsave_status",
        "rdb_last_bgsave_time_sec",
        "rdb_current_bgsave_time_sec",
        "rdb_saves",
        "rdb_last_cow_size",
        "rdb_last_load_keys_expired",
        "rdb_last_load_keys_loaded",
        "aof_enabled",
        "aof_rewrite_in_progress",
        "aof_rewrite_scheduled",
        "aof_last_rewrite_time_sec",
        "aof_current_rewrite_time_sec",
        "aof_last_bgrewrite_status",
        "aof_rewrites",
        "aof_rewrites_consecutive_failures",
        "aof_last_write_status",
        "aof_last_cow_size",
        "module_fork_in_progress",
        "module_fork_last_cow_size",
        "total_connections_received",
        "total_commands_processed",
        "instantaneous_ops_per_sec",
        "total_net_input_bytes",
        "total_net_output_bytes",
        "total_net_repl_input_bytes",
        "total_net_repl_output_bytes",
        "instantaneous_input_kbps",
        "instantaneous_output_kbps",
        "instantaneous_input_repl_kbps",
        "instantaneous_output_repl_kbps",
        "rejected_connections",
        "sync_full",
        "sync_partial_ok",
        "sync_partial_err",
        "expired_keys",
        "expired_stale_perc",
        "expired_time_cap_reached_count",
        "expire_cycle_cpu_milliseconds",
        "evicted_keys",
        "evicted_clients",
        "total_eviction_exceeded_time",
        "current_eviction_exceeded_time",
        "keyspace_hits",
        "keyspace_misses",
        "pubsub_channels",
        "pubsub_patterns",
        "pubsubshard_channels",
        "latest_fork_usec",
        "total_forks",
        "migrate_cached_sockets",
        "slave_expires_tracked_keys",
        "active_defrag_hits",
        "active_defrag_misses",
        "active_defrag_key_hits",
        "active_defrag_key_misses",
        "total_active_defrag_time",
        "current_active_defrag_time",
        "tracking_total_keys",
        "tracking_total_items",
        "tracking_total_prefixes",
        "unexpected_error_replies",
        "total_error_replies",
        "dump_payload_sanitizations",
        "total_reads_processed",
        "total_writes_processed",
        "io_threaded_reads_processed",
        "io_threaded_writes_processed",
        "reply_buffer_shrinks",
        "reply_buffer_expands",
        "eventloop_cycles",
        "eventloop_duration_sum",
        "eventloop_duration_cmd_sum",
        "instantaneous_eventloop_cycles_per_sec",
        "instantaneous_eventloop_duration_usec",
        "acl_access_denied_auth",
        "acl_access_denied_cmd",
        "acl_access_denied_key",
        "acl_access_denied_channel",
        "role",
        "connected_slaves",
        "master_failover_state",
        "master_replid",
        "master_replid2",
        "master_repl_offset",
        "second_repl_offset",
        "repl_backlog_active",
        "repl_backlog_size",
        "repl_backlog_first_byte_offset",
        "repl_backlog_histlen",
        "used_cpu_sys",
        "used_cpu_user",
        "used_cpu_sys_children",
        "used_cpu_user_children",
        "used_cpu_sys_main_thread",
        "used_cpu_user_main_thread",
        "cluster_enabled",
    };
    harness_run(h, "info everything");
    for (uint32_t i = 0; i < sizeof names / sizeof *names; i++)
        cr_expect(field(names[i]) != NULL, "%s", names[i]);
}

Test(cmd_info, counts_what_was_served)
{
    harness_run(h, "set k v");
    harness_run(h, "get k");
    harness_run(h, "get nokey");
    harness_run(h, "foo");
    h->tally.expired_subkeys = 7;
    harness_run(h, "info stats");
    EXPECT_FIELD("expired_subkeys", "7");
    EXPECT_FIELD("total_commands_processed", "3");
    EXPECT_FIELD("keyspace_hits", "1");
    EXPECT_FIELD("keyspace_misses", "1");
    EXPECT_FIELD("total_error_replies", "1");
    EXPECT_FIELD("total_connections_received", "3");
    harness_run(h, "info persistence");
    EXPECT_FIELD("rdb_changes_since_last_save", "1");
}

Test(cmd_info, shows_databases_that_hold_keys)
{
    harness_run(h, "info keyspace");
    cr_expect(eq(str, h->wire, (char *)"$12\r\n# Keyspace\r\n\r\n"));
    harness_run(h, "set a 1");
    harness_run(h, "set b 1 px 1000");
    harness_run(h, "select 5");
    harness_run(h, "set c 1");
    harness_run(h, "info keyspace");
    const char *value = field("db0");
    cr_expect(value && strncmp(value, "keys=2,expires=1,avg_ttl=", 25) == 0, "%s", value);
    EXPECT_FIELD("db5", "keys=1,expires=0,avg_ttl=0");
    cr_expect(field("db1") == NULL);
}

Test(cmd_info, books_commands_with_their_wait)
{
    harness_run(h, "set k v");
    harness_run(h, "set k v");
    harness_run(h, "incr k");
    harness_run(h, "get");
    struct command_tally *t = &h->tally.commands[command_find(bytes_text("set"))->id];
    *t = (struct command_tally){ .calls = 4,
                                 .execute_cycles = 6000,
                                 .wait_cycles = 10000,
                                 .execute_cycles_max = 2000,
                                 .wait_cycles_max = 5000 };
    harness_run(h, "info commandstats");
    EXPECT_FIELD("cmdstat_set", "calls=4,usec=6,usec_per_call=1.50,rejected_calls=0,failed_calls=0,"
                                "wait_usec=10,wait_usec_per_call=2.50,usec_max=2,wait_usec_max=5");
    cr_expect(strstr(field("cmdstat_incr"), "failed_calls=1") != NULL);
    cr_expect(strstr(field("cmdstat_get"), "calls=0,usec=0,usec_per_call=0.00,rejected_calls=1") !=
              NULL);
    cr_expect(field("cmdstat_del") == NULL);
    harness_run(h, "client id");
    harness_run(h, "info commandstats");
    cr_expect(field("cmdstat_client|id") != NULL);
}

Test(cmd_info, shows_the_percentiles_asked_for)
{
    harness_run(h, "set k v");
    harness_run(h, "info latencystats");
    const char *shown = field("latency_percentiles_usec_set");
    double p50, p99, p999;
    cr_assert(ne(ptr, (void *)(uintptr_t)shown, NULL));
    cr_expect(eq(int, sscanf(shown, "p50=%lf,p99=%lf,p99.9=%lf", &p50, &p99, &p999), 3));
    cr_expect(p50 > 0 && p50 == p99 && p99 == p999);
    cr_expect(field("latency_percentiles_usec_get") == NULL);
    harness_run(h, "config set latency-tracking-info-percentiles 100");
    harness_run(h, "info latencystats");
    cr_expect(eq(int, strncmp(field("latency_percentiles_usec_set"), "p100=", 5), 0));
    harness_run(h, "config set latency-tracking-info-percentiles \"\"");
    harness_run(h, "info latencystats");
    EXPECT_FIELD("latency_percentiles_usec_set", "");
    harness_run(h, "config set latency-tracking no");
    EXPECT_REPLY(h, "info latencystats", "$16\r\n# Latencystats\r\n\r\n");
}

Test(cmd_info, counts_clients_by_what_they_wait_for)
{
    struct harness_client *a = harness_client_open(h), *b = harness_client_open(h);
    harness_run(h, "watch k l");
    harness_client_run(a, "blpop k q 100");
    harness_client_run(b, "subscribe c");
    harness_run(h, "info clients");
    EXPECT_FIELD("blocked_clients", "1");
    EXPECT_FIELD("clients_in_timeout_table", "1");
    EXPECT_FIELD("total_blocking_keys", "2");
    EXPECT_FIELD("total_blocking_keys_on_nokey", "0");
    EXPECT_FIELD("watching_clients", "1");
    EXPECT_FIELD("total_watched_keys", "2");
    EXPECT_FIELD("pubsub_clients", "1");
    harness_run(h, "unwatch");
    harness_run(h, "xgroup create k g $ mkstream");
    harness_client_close(a);
    a = harness_client_open(h);
    harness_client_run(a, "xreadgroup group g c block 0 streams k >");
    harness_run(h, "info clients");
    EXPECT_FIELD("watching_clients", "0");
    EXPECT_FIELD("clients_in_timeout_table", "0");
    EXPECT_FIELD("total_blocking_keys_on_nokey", "1");
    harness_run(h, "info stats");
    EXPECT_FIELD("pubsub_channels", "1");
    harness_client_close(a);
    harness_client_close(b);
    harness_run(h, "info clients");
    EXPECT_FIELD("total_blocking_keys_on_nokey", "0");
    EXPECT_FIELD("pubsub_clients", "0");
}

Test(cmd_info, counts_the_time_above_maxmemory)
{
    h->settings.maxmemory = 1;
    harness_run(h, "set k v");
    harness_set_time(h, h->now_ms + 50);
    harness_run(h, "info stats");
    EXPECT_FIELD("current_eviction_exceeded_time", "50");
    EXPECT_FIELD("total_eviction_exceeded_time", "50");
    h->settings.maxmemory = 0;
    memory_note_level(&h->server);
    harness_set_time(h, h->now_ms + 50);
    harness_run(h, "info stats");
    EXPECT_FIELD("current_eviction_exceeded_time", "0");
    EXPECT_FIELD("total_eviction_exceeded_time", "50");
}

Test(cmd_info, counts_errors_by_code)
{
    harness_run(h, "foo");
    harness_run(h, "foo");
    harness_run(h, "hello 9");
    harness_run(h, "info errorstats");
    EXPECT_FIELD("errorstat_ERR", "count=2");
    EXPECT_FIELD("errorstat_NOPROTO", "count=1");
}

Test(cmd_info, explains_memory_by_owner)
{
    harness_run(h, "set k v");
    harness_run(h, "info memory");
    cr_expect(gt(u64, number("used_memory"), 0));
    cr_expect(le(u64, number("used_memory"), number("used_memory_peak")));
    cr_expect(eq(u64, number("used_memory_dataset"), h->heap.bytes[HEAP_DATASET]));
    cr_expect(gt(u64, number("used_memory_rss"), 4096));
    EXPECT_FIELD("maxmemory_policy", "noeviction");
    harness_run(h, "info ledger");
    uint64_t sum = 0;
    for (uint32_t i = 0; i < HEAP_OWNER_COUNT; i++) {
        char name[64];
        snprintf(name, sizeof name, "memory_%s", heap_owner_names[i]);
        const char *value = field(name);
        cr_assert(value && strncmp(value, "bytes=", 6) == 0, "%s", name);
        sum += strtoull(value + 6, NULL, 10);
    }
    cr_expect(gt(u64, sum, h->heap.bytes[HEAP_DATASET]));
    cr_expect(field("memory_unexplained") != NULL);
}

Test(cmd_info, adds_up_the_accounts_of_time)
{
    uint64_t sum = 0;
    memset(h->tally.cycles, 0, sizeof h->tally.cycles);
    h->tally.cycles[CYCLES_IDLE] = 30 * 1000000;
    h->tally.cycles[CYCLES_RX] = 10 * 1000000;
    harness_run(h, "info ledger");
    for (uint32_t i = 0; i < CYCLE_ACCOUNT_COUNT; i++) {
        char name[64];
        snprintf(name, sizeof name, "time_%s", cycle_account_names[i]);
        const char *value = field(name);
        cr_assert(value && strncmp(value, "usec=", 5) == 0, "%s", name);
        sum += strtoull(value + 5, NULL, 10);
    }
    uint64_t total = number("time_total_usec");
    cr_expect(sum <= total && total - sum <= CYCLE_ACCOUNT_COUNT, "%lu of %lu", sum, total);
    cr_expect(strncmp(field("time_idle"), "usec=30000,", 11) == 0);
    EXPECT_FIELD("time_unexplained", "usec=0,share=0.00");
}

Test(cmd_info, shows_frames_by_reason_on_the_nic_transport_only)
{
    h->tally.net.drop_ip_checksum = 4;
    harness_run(h, "info ledger");
    cr_expect(field("net_drop_ip_checksum") == NULL);
    h->settings.transport = TRANSPORT_NIC;
    harness_run(h, "info ledger");
    EXPECT_FIELD("net_drop_ip_checksum", "4");
}
