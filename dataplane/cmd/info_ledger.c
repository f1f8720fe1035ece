// info_ledger.c: INFO's section Ledger: where the shard's time, memory and bytes go, and what its
// accounts do not explain.
#include "dataplane/cmd/cmd_info.h"
#include "dataplane/cmd/info_priv.h"

static double share(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static uint64_t above(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

static void add_time(struct text *t, struct server *s)
{
    const struct shard_tally *y = s->tally;
    uint64_t booked = 0;
    uint64_t now = cycle_meter_switch(&s->meter, s->meter.open); // what is open counts too
    for (uint32_t i = 0; i < CYCLE_ACCOUNT_COUNT; i++) booked += y->cycles[i];
    uint64_t since = s->region ? s->region->dataplane->start_tsc : 0;
    uint64_t passed = since ? above(now, since) : booked;
    for (uint32_t i = 0; i < CYCLE_ACCOUNT_COUNT; i++)
        text_add(t, "time_%s:usec=%lu,share=%.2f\r\n", cycle_account_names[i],
                 (unsigned long)info_cycles_us(s, y->cycles[i]), share(y->cycles[i], passed));
    text_add(t, "time_unexplained:usec=%lu,share=%.2f\r\ntime_total_usec:%lu\r\n",
             (unsigned long)info_cycles_us(s, above(passed, booked)),
             share(above(passed, booked), passed), (unsigned long)info_cycles_us(s, passed));
}

// The upper end of the step in which one slice in a thousand is longer.
static uint64_t slice_us_p999(const struct shard_tally *y)
{
    uint64_t longer = 0;
    for (uint32_t i = SLICE_LENGTHS; i > 0; i--) {
        longer += y->slice_lengths[i - 1];
        if (longer * 1000 > y->slices) return (uint64_t)i * SLICE_STEP_US;
    }
    return 0;
}

static void add_commands(struct text *t, const struct server *s)
{
    const struct shard_tally *y = s->tally;
    uint64_t wait = 0, execute = 0, wait_max = 0;
    for (uint32_t i = 0; i < command_count(); i++) {
        const struct command_tally *c = &y->commands[i];
        wait += c->wait_cycles;
        execute += c->execute_cycles;
        if (c->wait_cycles_max > wait_max) wait_max = c->wait_cycles_max;
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
static void add_memory(struct text *t, const struct server *s)
{
    const struct shard_tally *y = s->tally;
    uint64_t booked = 0, rss = info_rss_bytes();
    for (uint32_t i = 0; i < HEAP_OWNER_COUNT; i++) booked += s->heap->bytes[i];
    for (uint32_t i = 0; i < HEAP_OWNER_COUNT; i++)
        text_add(t, "memory_%s:bytes=%lu,share=%.2f\r\n", heap_owner_names[i],
                 (unsigned long)s->heap->bytes[i], share(s->heap->bytes[i], rss));
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

static void add_bytes(struct text *t, const struct shard_tally *y)
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

static void add_tls(struct text *t, const struct shard_tally *y)
{
    text_add(t,
             "tls_handshakes:%lu\r\ntls_resumed:%lu\r\ntls_failures:%lu\r\ntls_timeouts:%lu\r\n"
             "tls_refusals:%lu\r\n",
             (unsigned long)y->tls_handshakes, (unsigned long)y->tls_resumed,
             (unsigned long)y->tls_failures, (unsigned long)y->tls_timeouts,
             (unsigned long)y->tls_refusals);
}

static void add_frames(struct text *t, const struct shard_tally *y)
{
    for (uint32_t i = 0; i < tally_row_count; i++) {
        const struct tally_row *row = &tally_rows[i];
        if (row->kind != TALLY_ROW_NET) continue;
        uint64_t value;
        memcpy(&value, (const char *)y + row->offset, sizeof value);
        text_add(t, "net_%s:%lu\r\n", row->name, (unsigned long)value);
    }
}

void info_ledger(struct text *t, struct call *call)
{
    struct server *s = call->server;
    add_time(t, s);
    add_commands(t, s);
    add_memory(t, s);
    add_bytes(t, s->tally);
    if (s->settings->tls_port) add_tls(t, s->tally);
    if (s->settings->transport == TRANSPORT_NIC) add_frames(t, s->tally);
}
