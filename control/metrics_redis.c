// metrics_redis.c: Redis's figures under the names that redis_exporter gives them, so that
// dashboards and alerts made for it go on working.
//
// What is not here has no counterpart: the exporter's own figures (redis_exporter_...), Redis's I/O
// threads, forks and modules; replication and cluster, until there is any. Percentiles of latency
// are left to who asks a shard: they cannot be added up. Persistence is in metrics_persist.c.
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "control/metrics_view.h"
#include "control/options.h"

#define TALLY(field) offsetof(struct shard_tally, field)

// Figures that are one field of the tally.
static const struct row {
    const char *name;
    enum metrics_type type;
    uint32_t offset;
    const char *help;
} rows[] = {
    { "redis_connected_clients", METRICS_GAUGE, TALLY(connected_clients), "Clients connected." },
    { "redis_blocked_clients", METRICS_GAUGE, TALLY(blocked_clients),
      "Clients waiting in a blocking command." },
    { "redis_client_recent_max_input_buffer_bytes", METRICS_GAUGE, TALLY(client_input_max),
      "Largest query buffer of a client, lately." },
    { "redis_client_recent_max_output_buffer_bytes", METRICS_GAUGE, TALLY(client_output_max),
      "Largest output owed to a client, lately." },
    { "redis_connections_received_total", METRICS_COUNTER, TALLY(connections_received),
      "Connections accepted." },
    { "redis_rejected_connections_total", METRICS_COUNTER, TALLY(connections_rejected),
      "Connections refused because maxclients was reached." },
    { "redis_commands_processed_total", METRICS_COUNTER, TALLY(commands_processed),
      "Commands executed." },
    { "redis_total_error_replies", METRICS_COUNTER, TALLY(error_replies), "Error replies sent." },
    { "redis_total_reads_processed", METRICS_COUNTER, TALLY(reads_processed),
      "Reads from clients' connections." },
    { "redis_total_writes_processed", METRICS_COUNTER, TALLY(writes_processed),
      "Writes to clients' connections." },
    { "redis_net_input_bytes_total", METRICS_COUNTER, TALLY(net_input_bytes),
      "Bytes received from clients." },
    { "redis_net_output_bytes_total", METRICS_COUNTER, TALLY(net_output_bytes),
      "Bytes sent to clients." },
    { "redis_keyspace_hits_total", METRICS_COUNTER, TALLY(keyspace_hits),
      "Reads that found their key." },
    { "redis_keyspace_misses_total", METRICS_COUNTER, TALLY(keyspace_misses),
      "Reads that found no key." },
    { "redis_expired_keys_total", METRICS_COUNTER, TALLY(expired_keys),
      "Keys removed at their deadline." },
    { "redis_expired_time_cap_reached_total", METRICS_GAUGE, TALLY(expired_stale_slices),
      "Slices of expiry that ended with work left." },
    { "redis_evicted_keys_total", METRICS_COUNTER, TALLY(evicted_keys),
      "Keys evicted because maxmemory was reached." },
    { "redis_lazyfree_pending_objects", METRICS_GAUGE, TALLY(lazyfree_pending),
      "Deleted values whose memory is still being freed." },
    { "redis_pubsub_channels", METRICS_GAUGE, TALLY(pubsub_channels),
      "Channels that somebody has subscribed to; those of several shards count on each." },
    { "redis_pubsub_patterns", METRICS_GAUGE, TALLY(pubsub_patterns),
      "Patterns that somebody has subscribed to; those of several shards count on each." },
    { "redis_clients_in_timeout_table", METRICS_GAUGE, TALLY(timeout_clients),
      "Clients that wait until a deadline." },
    { "redis_tracking_clients", METRICS_GAUGE, TALLY(tracking_clients),
      "Clients that are told of changed keys." },
    { "redis_tracking_total_keys", METRICS_GAUGE, TALLY(tracking_keys),
      "Keys remembered because clients track them." },
    { "redis_tracking_total_items", METRICS_GAUGE, TALLY(tracking_items),
      "Pairs of a tracked key and a client." },
    { "redis_tracking_total_prefixes", METRICS_GAUGE, TALLY(tracking_prefixes),
      "Prefixes that clients track by broadcasts; those of several shards count on each." },
    { "redis_slowlog_length", METRICS_GAUGE, TALLY(slowlog_entries), "Entries of SLOWLOG." },
    { "redis_number_of_cached_scripts", METRICS_GAUGE, TALLY(cached_scripts),
      "Scripts kept for EVALSHA." },
    { "redis_number_of_functions", METRICS_GAUGE, TALLY(functions), "Functions for FCALL." },
    { "redis_number_of_libraries", METRICS_GAUGE, TALLY(libraries), "Libraries of functions." },
    { "redis_memory_used_lua_bytes", METRICS_GAUGE, TALLY(script_vm_bytes),
      "Bytes that Lua holds for scripts." },
    { "redis_memory_used_scripts_bytes", METRICS_GAUGE, TALLY(script_bytes),
      "Bytes of scripts and libraries besides Lua's." },
    { "redis_active_defrag_running", METRICS_GAUGE, TALLY(defrag_percent),
      "Share of the core that defragmentation may take, in percent; 0: it does not run." },
    { "redis_defrag_hits", METRICS_GAUGE, TALLY(defrag_hits), "Allocations moved." },
    { "redis_defrag_misses", METRICS_GAUGE, TALLY(defrag_misses),
      "Allocations looked at and left in their place." },
    { "redis_defrag_key_hits", METRICS_GAUGE, TALLY(defrag_key_hits),
      "Keys of which something was moved." },
    { "redis_defrag_key_misses", METRICS_GAUGE, TALLY(defrag_key_misses),
      "Keys of which nothing was moved." },
    { "redis_allocator_allocated_bytes", METRICS_GAUGE, TALLY(heap_allocated),
      "Bytes the allocator has handed out, its caches included." },
    { "redis_allocator_active_bytes", METRICS_GAUGE, TALLY(heap_active),
      "Bytes in the allocator's pages that are in use." },
    { "redis_allocator_resident_bytes", METRICS_GAUGE, TALLY(heap_resident),
      "Bytes of the allocator's pages that the kernel backs." },
    { "redis_memory_used_peak_bytes", METRICS_GAUGE, TALLY(heap_peak),
      "Most bytes booked at any time; of several shards the sum of each one's most." },
    { "redis_memory_used_startup_bytes", METRICS_GAUGE, TALLY(heap_startup),
      "Bytes booked when the server had just started." },
};

static void write_rows(struct metrics_text *t, const struct shard_tally *sum)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const uint64_t *field = (const uint64_t *)((const char *)sum + rows[i].offset);
        metrics_single(t, rows[i].name, rows[i].type, rows[i].help, (double)*field);
    }
}

static void gauge(struct metrics_text *t, const char *name, const char *help, double value)
{
    metrics_single(t, name, METRICS_GAUGE, help, value);
}

static void counter(struct metrics_text *t, const char *name, const char *help, double value)
{
    metrics_single(t, name, METRICS_COUNTER, help, value);
}

// ---- the instance ------------------------------------------------------------------------------

static void write_info(struct metrics_text *t, const struct metrics_view *v)
{
    char policy[64], pid[16], port[16], os[256], run_id[41];
    struct utsname name;
    uname(&name);
    snprintf(os, sizeof os, "%.60s %.60s %.60s", name.sysname, name.release, name.machine);
    snprintf(pid, sizeof pid, "%u", v->source.dataplane_pid);
    const struct settings *s = v->source.settings;
    snprintf(port, sizeof port, "%lld", (long long)(s->port ? s->port : s->tls_port));
    snprintf(run_id, sizeof run_id, "%.40s", v->source.region->control->run_id);
    const struct metrics_label labels[] = {
        { "maxmemory_policy",
          options_text(v->source.settings, "maxmemory-policy", policy, sizeof policy) },
        { "os", os },
        { "process_id", pid },
        { "redis_build_id", "0" },
        { "redis_mode", "standalone" },
        { "redis_version", REDIS_VERSION },
        { "role", "master" },
        { "run_id", run_id },
        { "tcp_port", port },
    };
    metrics_family(t, "redis_instance_info", METRICS_GAUGE,
                   "The instance: what it is, as labels; always 1.");
    metrics_sample(t, labels, sizeof labels / sizeof *labels, 1);
}

static void write_instance(struct metrics_text *t, const struct metrics_view *v)
{
    const struct settings *s = v->source.settings;
    uint64_t started_us = v->source.region->dataplane->started_wall_us;
    uint64_t up_us = v->wall_us > started_us ? v->wall_us - started_us : 0;
    write_info(t, v);
    gauge(t, "redis_process_id", "Process that runs the commands.", v->source.dataplane_pid);
    gauge(t, "redis_start_time_seconds", "When that process started, since 1970.",
          (double)(started_us / 1000000));
    gauge(t, "redis_uptime_in_seconds", "Age of that process.", (double)(up_us / 1000000));
    gauge(t, "redis_config_maxclients", "Directive maxclients.", (double)s->maxclients);
    gauge(t, "redis_config_maxmemory", "Directive maxmemory, bytes; 0: no limit.",
          (double)s->maxmemory);
}

static void write_cpu(struct metrics_text *t, const struct metrics_process *p)
{
    counter(t, "redis_cpu_sys_seconds_total", "CPU time in the kernel.", p->system_s);
    counter(t, "redis_cpu_user_seconds_total", "CPU time in user space.", p->user_s);
    counter(t, "redis_cpu_sys_main_thread_seconds_total",
            "CPU time in the kernel, of the first shard's thread.", p->main_system_s);
    counter(t, "redis_cpu_user_main_thread_seconds_total",
            "CPU time in user space, of the first shard's thread.", p->main_user_s);
    counter(t, "redis_cpu_sys_children_seconds_total",
            "CPU time of child processes in the kernel: there are none.", 0);
    counter(t, "redis_cpu_user_children_seconds_total",
            "CPU time of child processes in user space: there are none.", 0);
    gauge(t, "redis_latest_fork_seconds", "Time of the last fork: there is never one.", 0);
}

// ---- memory ------------------------------------------------------------------------------------

static double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

static void write_used(struct metrics_text *t, const struct metrics_view *v, double used)
{
    double dataset = (double)v->sum.heap_bytes[HEAP_DATASET];
    const uint64_t *bytes = v->sum.heap_bytes;
    gauge(t, "redis_memory_used_bytes", "Bytes booked to an owner.", used);
    gauge(t, "redis_memory_used_dataset_bytes", "Bytes of keys and values.", dataset);
    gauge(t, "redis_memory_used_overhead_bytes", "Bytes booked to everything else.",
          used - dataset);
    gauge(t, "redis_memory_used_rss_bytes", "Bytes of the process that the kernel backs.",
          (double)v->process.rss_bytes);
    gauge(t, "redis_memory_max_bytes", "Directive maxmemory; 0: no limit.",
          (double)v->source.settings->maxmemory);
    gauge(t, "redis_total_system_memory_bytes", "Memory of the machine.",
          (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE));
    gauge(t, "redis_mem_clients_normal", "Bytes booked to clients: sessions, input and output.",
          (double)(bytes[HEAP_CLIENT_IN] + bytes[HEAP_CLIENT_OUT] + bytes[HEAP_SESSION]));
    gauge(t, "redis_mem_not_counted_for_eviction_bytes",
          "Bytes that maxmemory does not count: replication's backlog and the append-only log's.",
          (double)(bytes[HEAP_BACKLOG] + bytes[HEAP_LOG]));
}

static void write_fragmentation(struct metrics_text *t, const struct metrics_view *v, double used)
{
    double allocated = (double)v->sum.heap_allocated, active = (double)v->sum.heap_active;
    double resident = (double)v->sum.heap_resident, rss = (double)v->process.rss_bytes;
    gauge(t, "redis_allocator_frag_bytes", "Active bytes beyond the allocated.",
          active - allocated);
    gauge(t, "redis_allocator_frag_ratio", "Active bytes over allocated.",
          ratio(active, allocated));
    gauge(t, "redis_allocator_rss_bytes", "Resident bytes beyond the active.", resident - active);
    gauge(t, "redis_allocator_rss_ratio", "Resident bytes over active.", ratio(resident, active));
    gauge(t, "redis_mem_fragmentation_bytes", "Bytes of the process beyond those booked.",
          rss - used);
    gauge(t, "redis_mem_fragmentation_ratio", "Bytes of the process over those booked.",
          ratio(rss, used));
}

static void write_memory(struct metrics_text *t, const struct metrics_view *v)
{
    double used = 0;
    for (uint32_t i = 0; i < HEAP_OWNER_COUNT; i++) used += (double)v->sum.heap_bytes[i];
    write_used(t, v, used);
    write_fragmentation(t, v, used);
}

// ---- keys, commands, errors --------------------------------------------------------------------

static uint32_t database_count(const struct metrics_view *v)
{
    int64_t count = v->source.settings->databases;
    return count < DATABASE_TALLY_MAX ? (uint32_t)count : DATABASE_TALLY_MAX;
}

static void sample_database(struct metrics_text *t, uint32_t db, double value)
{
    char name[16];
    snprintf(name, sizeof name, "db%u", db);
    metrics_sample(t, &(struct metrics_label){ "db", name }, 1, value);
}

static void write_databases(struct metrics_text *t, const struct metrics_view *v)
{
    const struct database_tally *d = v->sum.databases;
    metrics_family(t, "redis_db_keys", METRICS_GAUGE, "Keys, by database.");
    for (uint32_t i = 0; i < database_count(v); i++) sample_database(t, i, (double)d[i].keys);
    metrics_family(t, "redis_db_keys_expiring", METRICS_GAUGE,
                   "Keys that have a deadline, by database.");
    for (uint32_t i = 0; i < database_count(v); i++)
        sample_database(t, i, (double)d[i].keys_with_deadline);
    metrics_family(t, "redis_db_avg_ttl_seconds", METRICS_GAUGE,
                   "Mean time left of the keys that have a deadline, by database.");
    for (uint32_t i = 0; i < database_count(v); i++)
        if (d[i].keys) sample_database(t, i, (double)d[i].ttl_ms_average / 1000);
}

enum command_figure { CALLS, DURATION, REJECTED, FAILED };

static double command_value(const struct metrics_view *v, const struct command_tally *c,
                            enum command_figure figure)
{
    switch (figure) {
    case CALLS:
        return (double)c->calls;
    case DURATION:
        return metrics_seconds(v, c->execute_cycles);
    case REJECTED:
        return (double)c->rejected;
    default:
        return (double)c->failed;
    }
}

static void write_command_family(struct metrics_text *t, const struct metrics_view *v,
                                 const char *name, const char *help, enum command_figure figure)
{
    char command[REGION_COMMAND_NAME_BYTES];
    metrics_family(t, name, METRICS_COUNTER, help);
    for (uint32_t id = 0; id < COMMAND_TALLY_MAX; id++) {
        const struct command_tally *c = &v->sum.commands[id];
        if (!c->calls && !c->rejected && !c->failed) continue;
        metrics_view_command(v, id, command);
        metrics_sample(t, &(struct metrics_label){ "cmd", command }, 1,
                       command_value(v, c, figure));
    }
}

static void write_commands(struct metrics_text *t, const struct metrics_view *v)
{
    write_command_family(t, v, "redis_commands_total", "Calls, by command.", CALLS);
    write_command_family(t, v, "redis_commands_duration_seconds_total",
                         "Time of execution, by command.", DURATION);
    write_command_family(t, v, "redis_commands_rejected_calls_total",
                         "Calls refused before execution, by command.", REJECTED);
    write_command_family(t, v, "redis_commands_failed_calls_total",
                         "Calls that ended in an error, by command.", FAILED);
}

static void write_errors(struct metrics_text *t, const struct region_errors *errors)
{
    metrics_family(t, "redis_errors_total", METRICS_COUNTER, "Error replies, by their first word.");
    for (uint64_t i = 0; i < errors->count; i++)
        metrics_sample(t, &(struct metrics_label){ "err", errors->rows[i].code }, 1,
                       (double)errors->rows[i].count);
    if (errors->others)
        metrics_sample(t, &(struct metrics_label){ "err", "OTHER" }, 1, (double)errors->others);
}

// ---- what was slow -----------------------------------------------------------------------------

// As with the exporter, a family without a sample is not there.
static void write_spikes(struct metrics_text *t, const struct metrics_view *v, const char *name,
                         const char *help, bool is_time)
{
    char event[REGION_EVENT_NAME_BYTES];
    bool has_head = false;
    for (uint32_t i = 0; i < LATENCY_TALLY_MAX; i++) {
        const struct latency_tally sample = v->sum.latencies[i];
        if (!sample.time_s) continue;
        if (!has_head) metrics_family(t, name, METRICS_GAUGE, help);
        has_head = true;
        metrics_view_event(v, i, event);
        metrics_sample(t, &(struct metrics_label){ "event_name", event }, 1,
                       is_time ? (double)sample.time_s : (double)sample.latency_ms / 1000);
    }
}

static void write_slow(struct metrics_text *t, const struct metrics_view *v)
{
    const struct slowlog_tally last = v->sum.slowlog_last;
    gauge(t, "redis_slowlog_last_id", "Id of the newest entry of SLOWLOG.", (double)last.id);
    gauge(t, "redis_last_slow_execution_duration_seconds",
          "Time of execution of the newest entry of SLOWLOG.", (double)last.execute_us / 1e6);
    write_spikes(t, v, "redis_latency_spike_last",
                 "When LATENCY's newest sample was taken, since 1970, by kind of event.", true);
    write_spikes(t, v, "redis_latency_spike_duration_seconds",
                 "LATENCY's newest sample, by kind of event.", false);
}

void metrics_write_redis(struct metrics_text *t, const struct metrics_view *v)
{
    gauge(t, "redis_up", "1 when the dataplane serves and every shard shows life, else 0.",
          v->is_up);
    if (!v->is_alive) return;
    write_instance(t, v);
    write_cpu(t, &v->process);
    write_rows(t, &v->sum);
    write_memory(t, v);
    write_databases(t, v);
    write_commands(t, v);
    write_errors(t, &v->errors);
    write_slow(t, v);
}
