// info_ledger.c: INFO's section Ledger: where the shards' time, memory and bytes go, what their
// accounts do not explain, and a line for each shard.
#include "dataplane/cmd/cmd_info.h"
#include "dataplane/cmd/info_priv.h"
#include "dataplane/cmd/node.h"

static double share(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static uint64_t above(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

// The time of all shards: each has a core.
static void add_time(struct text *t, struct server *s, const struct server_sums *y)
{
    uint64_t booked = 0, now = clock_tsc();
    for (uint32_t i = 0; i < CYCLE_ACCOUNT_COUNT; i++) booked += y->cycles[i];
    uint64_t since = s->region ? s->region->dataplane->start_tsc : 0;
    uint64_t passed = since ? above(now, since) * server_peer_count(s) : booked;
    for (uint32_t i = 0; i < CYCLE_ACCOUNT_COUNT; i++)
        text_add(t, "time_%s:usec=%lu,share=%.2f\r\n", cycle_account_names[i],
                 (unsigned long)info_cycles_us(s, y->cycles[i]), share(y->cycles[i], passed));
    text_add(t, "time_unexplained:usec=%lu,share=%.2f\r\ntime_total_usec:%lu\r\n",
             (unsigned long)info_cycles_us(s, above(passed, booked)),
             share(above(passed, booked), passed), (unsigned long)info_cycles_us(s, passed));
}

// The upper end of the step in which one slice in a thousand is longer.
static uint64_t slice_us_p999(const struct server_sums *y)
{
    uint64_t longer = 0;
    for (uint32_t i = SLICE_LENGTHS; i > 0; i--) {
        longer += y->slice_lengths[i - 1];
        if (longer * 1000 > y->slices) return (uint64_t)i * SLICE_STEP_US;
    }
    return 0;
}

static void add_commands(struct text *t, struct server *s, const struct server_sums *y)
{
    uint64_t wait = 0, execute = 0, wait_max = 0;
    for (uint32_t i = 0; i < command_count(); i++) {
        struct command_tally c;
        server_sum_command(s, (uint16_t)i, &c);
        wait += c.wait_cycles;
        execute += c.execute_cycles;
        if (c.wait_cycles_max > wait_max) wait_max = c.wait_cycles_max;
    }
    text_add(t, "turns:%lu\r\nturns_busy:%lu\r\nturn_usec_max:%lu\r\n", (unsigned long)y->turns,
             (unsigned long)y->turns_busy, (unsigned long)info_cycles_us(s, y->turn_cycles_max));
    text_add(t, "slices:%lu\r\nslice_usec_p999:%lu\r\nslice_usec_max:%lu\r\n",
             (unsigned long)y->slices, (unsigned long)slice_us_p999(y),
             (unsigned long)info_cycles_us(s, y->slice_cycles_max));
    text_add(t,
             "commands_wait_usec:%lu\r\ncommands_wait_usec_max:%lu\r\n"
             "commands_execute_usec:%lu\r\ncommands_execute_usec_max:%lu\r\n",
             (unsigned long)info_cycles_us(s, wait), (unsigned long)info_cycles_us(s, wait_max),
             (unsigned long)info_cycles_us(s, execute),
             (unsigned long)info_cycles_us(s, y->execute_cycles_max));
}

// From the inside out: owners, what the allocator holds back for them, the pages it does not use,
// and what of the process is none of these (code, stacks, rings, packet buffers).
static void add_memory(struct text *t, const struct server_sums *y)
{
    uint64_t booked = 0, rss = info_rss_bytes();
    for (uint32_t i = 0; i < HEAP_OWNER_COUNT; i++) booked += y->heap_bytes[i];
    for (uint32_t i = 0; i < HEAP_OWNER_COUNT; i++)
        text_add(t, "memory_%s:bytes=%lu,share=%.2f\r\n", heap_owner_names[i],
                 (unsigned long)y->heap_bytes[i], share(y->heap_bytes[i], rss));
    uint64_t cached = above(y->heap_allocated, booked);
    uint64_t slack = above(y->heap_active, y->heap_allocated);
    uint64_t retained = above(y->heap_resident, y->heap_active);
    uint64_t explained = booked + cached + slack + retained;
    text_add(t, "memory_allocator_cached:bytes=%lu,share=%.2f\r\n", (unsigned long)cached,
             share(cached, rss));
    text_add(t, "memory_allocator_slack:bytes=%lu,share=%.2f\r\n", (unsigned long)slack,
             share(slack, rss));
    text_add(t, "memory_allocator_retained:bytes=%lu,share=%.2f\r\n", (unsigned long)retained,
             share(retained, rss));
    text_add(t, "memory_unexplained:bytes=%lu,share=%.2f\r\nmemory_total_bytes:%lu\r\n",
             (unsigned long)above(rss, explained), share(above(rss, explained), rss),
             (unsigned long)rss);
}

static void add_bytes(struct text *t, const struct server_sums *y)
{
    text_add(t,
             "received_bytes:%lu\r\nsent_client_bytes:%lu\r\nsent_pubsub_bytes:%lu\r\n"
             "sent_replica_bytes:%lu\r\ndisk_log_bytes:%lu\r\ndisk_snapshot_bytes:%lu\r\n",
             (unsigned long)y->net_input_bytes, (unsigned long)y->sent_client_bytes,
             (unsigned long)y->sent_pubsub_bytes, (unsigned long)y->sent_replica_bytes,
             (unsigned long)y->log_bytes, (unsigned long)y->snapshot_bytes);
    text_add(t,
             "disconnected_output_limit:%lu\r\ndisconnected_query_limit:%lu\r\n"
             "disconnected_protocol_error:%lu\r\ndisconnected_timeout:%lu\r\n",
             (unsigned long)y->output_limit_disconnections,
             (unsigned long)y->query_limit_disconnections, (unsigned long)y->protocol_errors,
             (unsigned long)y->timeout_disconnections);
}

static void add_tls(struct text *t, const struct server_sums *y)
{
    text_add(t,
             "tls_handshakes:%lu\r\ntls_resumed:%lu\r\ntls_failures:%lu\r\ntls_timeouts:%lu\r\n"
             "tls_refusals:%lu\r\n",
             (unsigned long)y->tls_handshakes, (unsigned long)y->tls_resumed,
             (unsigned long)y->tls_failures, (unsigned long)y->tls_timeouts,
             (unsigned long)y->tls_refusals);
}

static void add_frames(struct text *t, const struct server_sums *y)
{
    for (uint32_t i = 0; i < tally_row_count; i++) {
        const struct tally_row *row = &tally_rows[i];
        if (row->kind != TALLY_ROW_NET) continue;
        uint64_t value;
        memcpy(&value, (const char *)&y->net + row->offset - offsetof(struct shard_tally, net),
               sizeof value);
        text_add(t, "net_%s:%lu\r\n", row->name, (unsigned long)value);
    }
}

// Of all shards together; offset: of the histogram in a tally.
static void add_meeting_lengths(struct text *t, struct server *s, const char *name, size_t offset)
{
    struct histogram h = { 0 };
    for (uint32_t i = 0; i < server_peer_count(s); i++) {
        const char *tally = (const char *)server_peer(s, i)->tally;
        histogram_merge(&h, (const struct histogram *)(tally + offset));
    }
    double tsc_per_us = s->clock && s->clock->tsc_hz ? (double)s->clock->tsc_hz / 1e6 : 1;
    text_add(t, "%s:count=%lu,p50=%.2f,p99=%.2f,max=%.2f\r\n", name, (unsigned long)h.count,
             (double)histogram_quantile(&h, 0.5) / tsc_per_us,
             (double)histogram_quantile(&h, 0.99) / tsc_per_us, (double)h.max / tsc_per_us);
}

// Commands that went to another shard, and those for which shards stood still: stood counts each of
// these.
static void add_meetings(struct text *t, struct server *s, const struct server_sums *y)
{
    text_add(t,
             "far_calls:%lu\r\nrendezvous_held:%lu\r\nrendezvous_stood:%lu\r\n"
             "rendezvous_given_up:%lu\r\nrendezvous_usec_max:%lu\r\n",
             (unsigned long)y->far_calls, (unsigned long)y->rendezvous_held,
             (unsigned long)y->rendezvous_stood, (unsigned long)y->rendezvous_given_up,
             (unsigned long)info_cycles_us(s, y->parked_cycles_max));
    add_meeting_lengths(t, s, "rendezvous_usec_all_stand",
                        offsetof(struct shard_tally, rendezvous_all_stand));
    add_meeting_lengths(t, s, "rendezvous_usec_first_stands",
                        offsetof(struct shard_tally, rendezvous_first_stands));
}

static uint64_t keys_of(const struct server *s)
{
    uint64_t keys = 0;
    for (int64_t db = 0; db < s->settings->databases; db++)
        keys += keyspace_size(s->keyspace, (uint32_t)db);
    return keys;
}

// How the load is spread: ops is the rate of commands, busy the share of its core in percent, both
// of the last seconds.
static void add_shards(struct text *t, struct server *s)
{
    for (uint32_t i = 0; i < server_peer_count(s); i++) {
        const struct server *peer = server_peer(s, i);
        text_add(t, "shard_%u:keys=%lu,clients=%lu,memory=%lu,ops=%lu,busy=%.2f\r\n", i,
                 (unsigned long)keys_of(peer), (unsigned long)peer->clients.all.count,
                 (unsigned long)peer->heap->bytes_total, (unsigned long)peer->instantaneous_ops,
                 share(peer->instantaneous_busy_cycles, s->clock ? s->clock->tsc_hz : 0));
    }
}

void info_ledger(struct text *t, const struct info *info)
{
    struct server *s = info->server;
    const struct server_sums *y = &info->sums;
    add_time(t, s, y);
    add_commands(t, s, y);
    add_memory(t, y);
    add_bytes(t, y);
    if (s->settings->tls_port) add_tls(t, y);
    if (s->settings->transport == TRANSPORT_NIC) add_frames(t, y);
    if (server_is_one_of_many(s)) add_meetings(t, s, y);
    add_shards(t, s);
}
