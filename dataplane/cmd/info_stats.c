// info_stats.c: INFO's sections about what was served: clients and stats.
#include "dataplane/cmd/cmd_info.h"
#include "dataplane/cmd/info_priv.h"
#include "dataplane/cmd/peers.h"

void info_clients(struct text *t, const struct info *info)
{
    const struct server_sums *y = &info->sums;
    text_add(t, "connected_clients:%lu\r\ncluster_connections:0\r\nmaxclients:%ld\r\n",
             (unsigned long)y->clients, (long)info->server->settings->maxclients);
    text_add(t, "client_recent_max_input_buffer:%lu\r\nclient_recent_max_output_buffer:%lu\r\n",
             (unsigned long)y->client_input_max, (unsigned long)y->client_output_max);
    text_add(t,
             "blocked_clients:%lu\r\ntracking_clients:%lu\r\npubsub_clients:%lu\r\n"
             "watching_clients:%lu\r\nclients_in_timeout_table:%lu\r\n",
             (unsigned long)y->blocked_clients, (unsigned long)y->tracking_clients,
             (unsigned long)y->pubsub_clients, (unsigned long)y->watching_clients,
             (unsigned long)y->timeout_clients);
    text_add(t,
             "total_watched_keys:%lu\r\ntotal_blocking_keys:%lu\r\n"
             "total_blocking_keys_on_nokey:%lu\r\n",
             (unsigned long)y->watched_keys, (unsigned long)y->blocking_keys,
             (unsigned long)y->loss_keys);
}

static void add_traffic(struct text *t, const struct server_sums *y)
{
    text_add(t,
             "total_connections_received:%lu\r\ntotal_commands_processed:%lu\r\n"
             "instantaneous_ops_per_sec:%lu\r\n",
             (unsigned long)y->connections_received, (unsigned long)y->commands_processed,
             (unsigned long)y->ops);
    text_add(t,
             "total_net_input_bytes:%lu\r\ntotal_net_output_bytes:%lu\r\n"
             "total_net_repl_input_bytes:0\r\ntotal_net_repl_output_bytes:%lu\r\n",
             (unsigned long)y->net_input_bytes, (unsigned long)y->net_output_bytes,
             (unsigned long)y->sent_replica_bytes);
    text_add(t,
             "instantaneous_input_kbps:%.2f\r\ninstantaneous_output_kbps:%.2f\r\n"
             "instantaneous_input_repl_kbps:0.00\r\ninstantaneous_output_repl_kbps:0.00\r\n",
             (double)y->input_bps / 1024, (double)y->output_bps / 1024);
    text_add(t,
             "rejected_connections:%lu\r\nsync_full:0\r\nsync_partial_ok:0\r\n"
             "sync_partial_err:0\r\n",
             (unsigned long)y->connections_rejected);
}

static uint64_t names(const struct info *info, enum pubsub_kind kind)
{
    return peer_names_count(info->server, PUBSUB_NAMES(kind));
}

static void add_keys(struct text *t, const struct info *info)
{
    const struct server_sums *y = &info->sums;
    text_add(t,
             "expired_keys:%lu\r\nexpired_subkeys:%lu\r\nexpired_stale_perc:0.00\r\n"
             "expired_time_cap_reached_count:%lu\r\nexpire_cycle_cpu_milliseconds:%lu\r\n",
             (unsigned long)y->expired_keys, (unsigned long)y->expired_subkeys,
             (unsigned long)y->expired_stale_slices,
             (unsigned long)(info_cycles_us(info->server, y->cycles[CYCLES_EXPIRY]) / 1000));
    text_add(t,
             "evicted_keys:%lu\r\nevicted_clients:%lu\r\ntotal_eviction_exceeded_time:%lu\r\n"
             "current_eviction_exceeded_time:%lu\r\n",
             (unsigned long)y->evicted_keys, (unsigned long)y->evicted_clients,
             (unsigned long)(y->over_total_ns / 1000000),
             (unsigned long)(y->over_now_ns / 1000000));
    text_add(t,
             "keyspace_hits:%lu\r\nkeyspace_misses:%lu\r\npubsub_channels:%lu\r\n"
             "pubsub_patterns:%lu\r\npubsubshard_channels:%lu\r\n",
             (unsigned long)y->keyspace_hits, (unsigned long)y->keyspace_misses,
             (unsigned long)names(info, PUBSUB_CHANNEL), (unsigned long)names(info, PUBSUB_PATTERN),
             (unsigned long)names(info, PUBSUB_SHARD_CHANNEL));
    text_add(t, "latest_fork_usec:0\r\ntotal_forks:0\r\nmigrate_cached_sockets:0\r\n"
                "slave_expires_tracked_keys:0\r\n");
}

static void add_defrag_and_tracking(struct text *t, const struct info *info)
{
    const struct server_sums *y = &info->sums;
    text_add(t,
             "active_defrag_hits:%lu\r\nactive_defrag_misses:%lu\r\n"
             "active_defrag_key_hits:%lu\r\nactive_defrag_key_misses:%lu\r\n",
             (unsigned long)y->defrag_hits, (unsigned long)y->defrag_misses,
             (unsigned long)y->defrag_key_hits, (unsigned long)y->defrag_key_misses);
    text_add(t, "total_active_defrag_time:%lu\r\ncurrent_active_defrag_time:%lu\r\n",
             (unsigned long)(y->defrag_total_ns / 1000000),
             (unsigned long)(y->defrag_now_ns / 1000000));
    text_add(
        t,
        "tracking_total_keys:%lu\r\ntracking_total_items:%lu\r\n"
        "tracking_total_prefixes:%lu\r\nunexpected_error_replies:0\r\n",
        (unsigned long)y->tracking_keys, (unsigned long)y->tracking_items,
        (unsigned long)peer_names_count(info->server, offsetof(struct server, tracking.prefixes)));
}

static uint64_t busy_cycles(const struct server_sums *y)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < CYCLE_ACCOUNT_COUNT; i++)
        if (i != CYCLES_IDLE) sum += y->cycles[i];
    return sum;
}

static void add_loop(struct text *t, const struct info *info)
{
    const struct server *s = info->server;
    const struct server_sums *y = &info->sums;
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
             "instantaneous_eventloop_cycles_per_sec:%lu\r\n"
             "instantaneous_eventloop_duration_usec:%lu\r\n",
             (unsigned long)y->turns_per_s,
             (unsigned long)info_cycles_us(s, y->turns_per_s ? y->busy_cycles_per_s / y->turns_per_s
                                                             : 0));
    text_add(t,
             "acl_access_denied_auth:%lu\r\n"
             "acl_access_denied_cmd:%lu\r\nacl_access_denied_key:%lu\r\n"
             "acl_access_denied_channel:%lu\r\n",
             (unsigned long)y->acl_denied_auth, (unsigned long)y->acl_denied_command,
             (unsigned long)y->acl_denied_key, (unsigned long)y->acl_denied_channel);
    text_add(t,
             "client_query_buffer_limit_disconnections:%lu\r\n"
             "client_output_buffer_limit_disconnections:%lu\r\n",
             (unsigned long)y->query_limit_disconnections,
             (unsigned long)y->output_limit_disconnections);
}

void info_stats(struct text *t, const struct info *info)
{
    add_traffic(t, &info->sums);
    add_keys(t, info);
    add_defrag_and_tracking(t, info);
    add_loop(t, info);
}
