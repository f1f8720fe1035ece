// info_stats.c: INFO's sections about what was served: clients, stats, commandstats, errorstats.
#include "dataplane/cmd/cmd_info.h"
#include "dataplane/cmd/info_priv.h"

void info_clients(struct text *t, struct call *call)
{
    const struct server *s = call->server;
    text_add(t, "connected_clients:%lu\r\ncluster_connections:0\r\nmaxclients:%ld\r\n",
             (unsigned long)s->clients.all.count, (long)s->settings->maxclients);
    text_add(t, "client_recent_max_input_buffer:%lu\r\nclient_recent_max_output_buffer:%lu\r\n",
             (unsigned long)s->tally->client_input_max, (unsigned long)s->tally->client_output_max);
    text_add(t,
             "blocked_clients:%lu\r\ntracking_clients:0\r\nclients_in_timeout_table:0\r\n"
             "total_blocking_keys:0\r\ntotal_blocking_keys_on_nokey:0\r\n",
             (unsigned long)s->tally->blocked_clients);
}

static void add_traffic(struct text *t, const struct server *s)
{
    const struct shard_tally *y = s->tally;
    text_add(t,
             "total_connections_received:%lu\r\ntotal_commands_processed:%lu\r\n"
             "instantaneous_ops_per_sec:%lu\r\n",
             (unsigned long)y->connections_received, (unsigned long)y->commands_processed,
             (unsigned long)s->instantaneous_ops);
    text_add(t,
             "total_net_input_bytes:%lu\r\ntotal_net_output_bytes:%lu\r\n"
             "total_net_repl_input_bytes:0\r\ntotal_net_repl_output_bytes:%lu\r\n",
             (unsigned long)y->net_input_bytes, (unsigned long)y->net_output_bytes,
             (unsigned long)y->sent_replica_bytes);
    text_add(t,
             "instantaneous_input_kbps:%.2f\r\ninstantaneous_output_kbps:%.2f\r\n"
             "instantaneous_input_repl_kbps:0.00\r\ninstantaneous_output_repl_kbps:0.00\r\n",
             (double)s->instantaneous_input_bps / 1024, (double)s->instantaneous_output_bps / 1024);
    text_add(t,
             "rejected_connections:%lu\r\nsync_full:0\r\nsync_partial_ok:0\r\n"
             "sync_partial_err:0\r\n",
             (unsigned long)y->connections_rejected);
}

static void add_keys(struct text *t, const struct server *s)
{
    const struct shard_tally *y = s->tally;
    text_add(t,
             "expired_keys:%lu\r\nexpired_subkeys:%lu\r\nexpired_stale_perc:0.00\r\n"
             "expired_time_cap_reached_count:%lu\r\nexpire_cycle_cpu_milliseconds:%lu\r\n",
             (unsigned long)y->expired_keys, (unsigned long)y->expired_subkeys,
             (unsigned long)y->expired_stale_slices,
             (unsigned long)(info_cycles_us(s, y->cycles[CYCLES_EXPIRY]) / 1000));
    text_add(t,
             "evicted_keys:%lu\r\nevicted_clients:%lu\r\ntotal_eviction_exceeded_time:0\r\n"
             "current_eviction_exceeded_time:0\r\n",
             (unsigned long)y->evicted_keys, (unsigned long)y->evicted_clients);
    text_add(t,
             "keyspace_hits:%lu\r\nkeyspace_misses:%lu\r\npubsub_channels:0\r\n"
             "pubsub_patterns:0\r\npubsubshard_channels:0\r\nlatest_fork_usec:0\r\n"
             "total_forks:0\r\nmigrate_cached_sockets:0\r\nslave_expires_tracked_keys:0\r\n",
             (unsigned long)y->keyspace_hits, (unsigned long)y->keyspace_misses);
}

static void add_absent(struct text *t)
{
    text_add(t, "active_defrag_hits:0\r\nactive_defrag_misses:0\r\nactive_defrag_key_hits:0\r\n"
                "active_defrag_key_misses:0\r\ntotal_active_defrag_time:0\r\n"
                "current_active_defrag_time:0\r\ntracking_total_keys:0\r\n"
                "tracking_total_items:0\r\ntracking_total_prefixes:0\r\n"
                "unexpected_error_replies:0\r\n");
}

// What is not idle is what Redis calls the duration of its event loop.
static uint64_t busy_cycles(const struct shard_tally *y)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < CYCLE_ACCOUNT_COUNT; i++)
        if (i != CYCLES_IDLE) sum += y->cycles[i];
    return sum;
}

static void add_loop(struct text *t, const struct server *s)
{
    const struct shard_tally *y = s->tally;
    text_add(t,
             "total_error_replies:%lu\r\ndump_payload_sanitizations:0\r\n"
             "total_reads_processed:%lu\r\ntotal_writes_processed:%lu\r\n",
             (unsigned long)y->error_replies, (unsigned long)y->reads_processed,
             (unsigned long)y->writes_processed);
    text_add(t, "io_threaded_reads_processed:0\r\nio_threaded_writes_processed:0\r\n"
                "reply_buffer_shrinks:0\r\nreply_buffer_expands:0\r\n");
    text_add(t,
             "eventloop_cycles:%lu\r\neventloop_duration_sum:%lu\r\n"
             "eventloop_duration_cmd_sum:%lu\r\n",
             (unsigned long)y->turns, (unsigned long)info_cycles_us(s, busy_cycles(y)),
             (unsigned long)info_cycles_us(s, y->cycles[CYCLES_EXECUTE]));
    text_add(t,
             "instantaneous_eventloop_cycles_per_sec:0\r\n"
             "instantaneous_eventloop_duration_usec:0\r\nacl_access_denied_auth:%lu\r\n"
             "acl_access_denied_cmd:0\r\nacl_access_denied_key:0\r\n"
             "acl_access_denied_channel:0\r\n",
             (unsigned long)y->acl_denied_auth);
    text_add(t,
             "client_query_buffer_limit_disconnections:%lu\r\n"
             "client_output_buffer_limit_disconnections:%lu\r\n",
             (unsigned long)y->query_limit_disconnections,
             (unsigned long)y->output_limit_disconnections);
}

void info_stats(struct text *t, struct call *call)
{
    const struct server *s = call->server;
    add_traffic(t, s);
    add_keys(t, s);
    add_absent(t);
    add_loop(t, s);
}

static double per_call(uint64_t us, uint64_t calls)
{
    return calls ? (double)us / (double)calls : 0;
}

// Redis's fields first; how long requests had waited before they ran comes behind them.
static void add_command(struct text *t, const struct server *s, const struct command *row)
{
    const struct command_tally *c = &s->tally->commands[row->id];
    uint64_t execute_us = info_cycles_us(s, c->execute_cycles);
    uint64_t wait_us = info_cycles_us(s, c->wait_cycles);
    if (!c->calls && !c->rejected && !c->failed) return;
    text_add(t,
             "cmdstat_%s:calls=%lu,usec=%lu,usec_per_call=%.2f,rejected_calls=%lu,failed_calls=%lu",
             row->full_name, (unsigned long)c->calls, (unsigned long)execute_us,
             per_call(execute_us, c->calls), (unsigned long)c->rejected, (unsigned long)c->failed);
    text_add(t, ",wait_usec=%lu,wait_usec_per_call=%.2f,usec_max=%lu,wait_usec_max=%lu\r\n",
             (unsigned long)wait_us, per_call(wait_us, c->calls),
             (unsigned long)info_cycles_us(s, c->execute_cycles_max),
             (unsigned long)info_cycles_us(s, c->wait_cycles_max));
}

void info_commandstats(struct text *t, struct call *call)
{
    for (uint32_t id = 0; id < command_count(); id++)
        add_command(t, call->server, command_by_id((uint16_t)id));
}

void info_errorstats(struct text *t, struct call *call)
{
    const struct server *s = call->server;
    for (uint32_t i = 0; i < s->error_stat_count; i++)
        text_add(t, "errorstat_%s:count=%lu\r\n", s->error_stats[i].code,
                 (unsigned long)s->error_stats[i].count);
    if (s->error_stats_overflow) // codes beyond the table's size, together
        text_add(t, "errorstat_OTHER:count=%lu\r\n", (unsigned long)s->error_stats_overflow);
}

// Percentiles need a histogram per command; there is none yet, so no line claims one.
void info_latencystats(struct text *t, struct call *call) {}
