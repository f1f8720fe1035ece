// metrics_ledger.c: the ledger under names of our own: by shard, where its time, memory and bytes
// go, and what its accounts do not explain. Units are in the names, seconds and bytes.
#include <stdio.h>

#include "control/metrics_view.h"
#include "control/options.h"

static uint32_t shard_count(const struct metrics_view *v) { return v->source.region->shard_count; }

static uint64_t word(const uint64_t *field) { return __atomic_load_n(field, __ATOMIC_RELAXED); }

static uint64_t above(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

// One sample of shard index, with one more label unless its name is NULL.
static void sample(struct metrics_text *t, uint32_t index, const char *label, const char *value,
                   double figure)
{
    char shard[16];
    snprintf(shard, sizeof shard, "%u", index);
    const struct metrics_label labels[] = { { "shard", shard }, { label, value } };
    metrics_sample(t, labels, label ? 2 : 1, figure);
}

// ---- the instance ------------------------------------------------------------------------------

static void write_states(struct metrics_text *t, const struct metrics_view *v)
{
    static const char *const names[] = {
        "none", "starting", "ready", "stopping", "gone", "saving"
    };
    enum { COUNT = sizeof names / sizeof *names };
    const struct region *r = v->source.region;
    uint32_t state = __atomic_load_n(&r->dataplane->state, __ATOMIC_RELAXED);
    if (!region_role_is_alive(r, REGION_DATAPLANE)) state = DATAPLANE_NONE;
    metrics_family(t, "penstock_dataplane_state", METRICS_GAUGE,
                   "1 for the state that the dataplane is in.");
    for (uint32_t i = 0; i < COUNT; i++)
        metrics_sample(t, &(struct metrics_label){ "state", names[i] }, 1, i == state);
}

static void write_instance(struct metrics_text *t, const struct metrics_view *v)
{
    const struct region_control *c = v->source.region->control;
    const struct metrics_label labels[] = { { "version", PENSTOCK_VERSION },
                                            { "redis_version", REDIS_VERSION } };
    metrics_family(t, "penstock_build_info", METRICS_GAUGE, "Versions, as labels; always 1.");
    metrics_sample(t, labels, 2, 1);
    metrics_single(t, "penstock_control_start_time_seconds", METRICS_GAUGE,
                   "When the control process started, since 1970.",
                   (double)c->started_wall_us / 1e6);
    metrics_single(t, "penstock_dataplane_restarts_total", METRICS_COUNTER,
                   "Crashes of the dataplane that the instance survived.", c->dataplane_restarts);
    metrics_single(t, "penstock_metrics_scrapes_total", METRICS_COUNTER,
                   "Requests answered with these figures.", (double)v->source.scrapes);
    metrics_single(t, "penstock_metrics_refused_connections_total", METRICS_COUNTER,
                   "Connections to this page refused because there were too many.",
                   (double)v->source.refusals);
    write_states(t, v);
}

// ---- shards ------------------------------------------------------------------------------------

static void write_slots(struct metrics_text *t, const struct metrics_view *v)
{
    uint8_t shard_of_slot[REGION_SLOTS];
    uint32_t counts[REGION_SHARDS_MAX] = { 0 };
    metrics_single(t, "penstock_shards", METRICS_GAUGE, "Shards: threads that serve.",
                   shard_count(v));
    if (!region_slots_read(&v->source.region->dataplane->slots, shard_count(v), shard_of_slot))
        return;
    for (uint32_t i = 0; i < REGION_SLOTS; i++) counts[shard_of_slot[i]]++;
    metrics_family(t, "penstock_shard_slots", METRICS_GAUGE,
                   "Hash slots whose keys a shard has, of 16384.");
    for (uint32_t s = 0; s < shard_count(v); s++) sample(t, s, NULL, NULL, counts[s]);
}

// ---- time --------------------------------------------------------------------------------------

static void write_time(struct metrics_text *t, const struct metrics_view *v)
{
    metrics_family(t, "penstock_shard_time_seconds_total", METRICS_COUNTER,
                   "A shard's time, by account; exactly one is open at any time.");
    for (uint32_t s = 0; s < shard_count(v); s++)
        for (uint32_t a = 0; a < CYCLE_ACCOUNT_COUNT; a++)
            sample(t, s, "account", cycle_account_names[a],
                   metrics_seconds(v, word(&metrics_view_shard(v, s)->settled_cycles[a])));
    uint64_t since = v->source.region->dataplane->start_tsc;
    metrics_family(t, "penstock_shard_time_unexplained_seconds", METRICS_GAUGE,
                   "Time since the dataplane's start that no account explains.");
    for (uint32_t s = 0; s < shard_count(v); s++) {
        const struct shard_tally *y = metrics_view_shard(v, s);
        uint64_t booked = 0, passed = above(word(&y->settled_tsc), since);
        for (uint32_t a = 0; a < CYCLE_ACCOUNT_COUNT; a++) booked += word(&y->settled_cycles[a]);
        sample(t, s, NULL, NULL, metrics_seconds(v, above(passed, booked)));
    }
}

static const struct figure {
    const char *name;
    enum metrics_type type;
    enum { PLAIN, CYCLES, MICROSECONDS } unit;
    uint32_t offset;
    const char *help;
} figures[] = {
#define FIELD(field) offsetof(struct shard_tally, field)
    { "penstock_shard_refreshed_timestamp_seconds", METRICS_GAUGE, MICROSECONDS,
      FIELD(refreshed_wall_us), "When a shard last renewed its levels, since 1970." },
    { "penstock_shard_turns_total", METRICS_COUNTER, PLAIN, FIELD(turns), "Turns of the loop." },
    { "penstock_shard_busy_turns_total", METRICS_COUNTER, PLAIN, FIELD(turns_busy),
      "Turns of the loop that found work." },
    { "penstock_shard_turn_seconds_max", METRICS_GAUGE, CYCLES, FIELD(turn_cycles_max),
      "Longest turn of the loop." },
    { "penstock_shard_command_seconds_max", METRICS_GAUGE, CYCLES, FIELD(execute_cycles_max),
      "Longest execution of a command in one piece." },
    { "penstock_shard_slice_seconds_max", METRICS_GAUGE, CYCLES, FIELD(slice_cycles_max),
      "Longest slice of a long command, of expiry, eviction or freeing." },
    { "penstock_shard_snapshot_slice_seconds_max", METRICS_GAUGE, CYCLES,
      FIELD(snapshot_slice_cycles_max),
      "Longest slice of the snapshot under way, or of the last one." },
    { "penstock_shard_snapshot_extra_bytes", METRICS_GAUGE, PLAIN, FIELD(snapshot_extra_bytes),
      "Memory that is there for a snapshot alone." },
    { "penstock_shard_log_appended_bytes_total", METRICS_COUNTER, PLAIN, FIELD(log_appended_bytes),
      "Bytes that a shard's log was given." },
    { "penstock_shard_log_file_bytes", METRICS_GAUGE, PLAIN, FIELD(log_file_bytes),
      "Size of the file that a shard's log is appended to." },
    { "penstock_shard_log_buffered_bytes", METRICS_GAUGE, PLAIN, FIELD(log_buffered_bytes),
      "Bytes of a shard's log that the kernel has not taken yet." },
    { "penstock_shard_log_unsynced_bytes", METRICS_GAUGE, PLAIN, FIELD(log_unsynced_bytes),
      "Bytes of a shard's log that the kernel has, and the disk perhaps not." },
    { "penstock_shard_log_lag_bytes", METRICS_GAUGE, PLAIN, FIELD(log_lag_bytes),
      "Bytes of a shard's log that are not durable: what a power loss would cost." },
    { "penstock_shard_log_delayed_syncs_total", METRICS_COUNTER, PLAIN, FIELD(log_delayed_syncs),
      "Times that writing a shard's log had to wait for a sync." },
    { "penstock_shard_parked_seconds_max", METRICS_GAUGE, CYCLES, FIELD(parked_cycles_max),
      "Longest time that a shard stood still while another ran a command on its keys." },
    { "penstock_shard_far_calls_total", METRICS_COUNTER, PLAIN, FIELD(far_calls),
      "Commands of a shard's clients that were sent to the shard of their keys." },
    { "penstock_shard_rendezvous_held_total", METRICS_COUNTER, PLAIN, FIELD(rendezvous_held),
      "Commands that a shard ran while others stood still for it." },
    { "penstock_shard_rendezvous_stood_total", METRICS_COUNTER, PLAIN, FIELD(rendezvous_stood),
      "Times that a shard stood still for another's command." },
    { "penstock_shard_rendezvous_given_up_total", METRICS_COUNTER, PLAIN,
      FIELD(rendezvous_given_up), "Times that a rendezvous was given up and asked for again." },
    { "penstock_shard_clients", METRICS_GAUGE, PLAIN, FIELD(connected_clients),
      "Clients whose connections a shard serves." },
    { "penstock_shard_commands_total", METRICS_COUNTER, PLAIN, FIELD(commands_processed),
      "Commands executed by a shard." },
    { "penstock_shard_keys", METRICS_GAUGE, PLAIN, FIELD(keys), "Keys, over all databases." },
    { "penstock_shard_keys_expiring", METRICS_GAUGE, PLAIN, FIELD(keys_with_deadline),
      "Keys that have a deadline, over all databases." },
    { "penstock_shard_received_bytes_total", METRICS_COUNTER, PLAIN, FIELD(net_input_bytes),
      "Bytes received from clients." },
    { "penstock_shard_evicted_clients_total", METRICS_COUNTER, PLAIN, FIELD(evicted_clients),
      "Clients closed because maxmemory-clients was reached." },
    { "penstock_shard_expired_subkeys_total", METRICS_COUNTER, PLAIN, FIELD(expired_subkeys),
      "Fields of hashes removed at their deadline." },
    { "penstock_shard_tls_handshakes_total", METRICS_COUNTER, PLAIN, FIELD(tls_handshakes),
      "TLS handshakes completed, those that resumed a session among them." },
    { "penstock_shard_tls_resumed_total", METRICS_COUNTER, PLAIN, FIELD(tls_resumed),
      "TLS handshakes that resumed a session." },
    { "penstock_shard_tls_failures_total", METRICS_COUNTER, PLAIN, FIELD(tls_failures),
      "TLS handshakes that failed." },
    { "penstock_shard_tls_timeouts_total", METRICS_COUNTER, PLAIN, FIELD(tls_timeouts),
      "TLS handshakes that failed because they took too long." },
    { "penstock_shard_tls_refusals_total", METRICS_COUNTER, PLAIN, FIELD(tls_refusals),
      "TLS connections refused: no certificate, or too many handshakes under way." },
    { "penstock_shard_pubsub_shard_channels", METRICS_GAUGE, PLAIN, FIELD(pubsub_shard_channels),
      "Shard channels that somebody has subscribed to." },
    { "penstock_shard_denied_logins_total", METRICS_COUNTER, PLAIN, FIELD(acl_denied_auth),
      "Logins with a wrong name or password." },
    { "penstock_shard_lazyfreed_objects_total", METRICS_COUNTER, PLAIN, FIELD(lazyfreed_objects),
      "Objects freed in slices, after their command." },
    { "penstock_shard_denied_commands_total", METRICS_COUNTER, PLAIN, FIELD(acl_denied_command),
      "Commands that their user may not run." },
    { "penstock_shard_denied_keys_total", METRICS_COUNTER, PLAIN, FIELD(acl_denied_key),
      "Commands with a key that their user may not touch." },
    { "penstock_shard_denied_channels_total", METRICS_COUNTER, PLAIN, FIELD(acl_denied_channel),
      "Commands with a channel that their user may not use." },
#undef FIELD
};

static void write_figures(struct metrics_text *t, const struct metrics_view *v)
{
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        const struct figure *f = &figures[i];
        metrics_family(t, f->name, f->type, f->help);
        for (uint32_t s = 0; s < shard_count(v); s++) {
            const char *tally = (const char *)metrics_view_shard(v, s);
            uint64_t value = word((const uint64_t *)(tally + f->offset));
            sample(t, s, NULL, NULL,
                   f->unit == CYCLES         ? metrics_seconds(v, value)
                   : f->unit == MICROSECONDS ? (double)value / 1e6
                                             : (double)value);
        }
    }
}

// What the buckets hold is what is counted, so a slice that ends meanwhile cannot make them
// disagree.
static void write_slices_of(struct metrics_text *t, const struct metrics_view *v, uint32_t index)
{
    static const uint8_t ends[] = { 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 40 }; // in SLICE_STEP_US
    const struct shard_tally *y = metrics_view_shard(v, index);
    char shard[16], end[32];
    uint64_t count = 0;
    uint32_t length = 0;
    snprintf(shard, sizeof shard, "%u", index);
    const struct metrics_label labels[] = { { "shard", shard }, { "le", end } };
    for (size_t i = 0; i < sizeof ends; i++) {
        while (length < ends[i]) count += word(&y->slice_lengths[length++]);
        snprintf(end, sizeof end, "%g", (double)ends[i] * SLICE_STEP_US / 1e6);
        metrics_sample_of(t, "_bucket", labels, 2, (double)count);
    }
    while (length < SLICE_LENGTHS) count += word(&y->slice_lengths[length++]);
    snprintf(end, sizeof end, "+Inf");
    metrics_sample_of(t, "_bucket", labels, 2, (double)count);
    metrics_sample_of(t, "_sum", labels, 1, metrics_seconds(v, word(&y->slice_cycles)));
    metrics_sample_of(t, "_count", labels, 1, (double)count);
}

static void write_slices(struct metrics_text *t, const struct metrics_view *v)
{
    metrics_family(t, "penstock_shard_slice_seconds", METRICS_HISTOGRAM,
                   "Lengths of the slices of work that shares the core with commands.");
    for (uint32_t s = 0; s < shard_count(v); s++) write_slices_of(t, v, s);
}

enum command_figure { WAIT_SUM, WAIT_MAX, EXECUTE_MAX };

static uint64_t command_cycles(const struct command_tally *c, enum command_figure figure)
{
    switch (figure) {
    case WAIT_SUM:
        return c->wait_cycles;
    case WAIT_MAX:
        return c->wait_cycles_max;
    default:
        return c->execute_cycles_max;
    }
}

static void write_command_family(struct metrics_text *t, const struct metrics_view *v,
                                 const char *name, enum metrics_type type, const char *help,
                                 enum command_figure figure)
{
    char command[REGION_COMMAND_NAME_BYTES];
    metrics_family(t, name, type, help);
    for (uint32_t id = 0; id < COMMAND_TALLY_MAX; id++) {
        const struct command_tally *c = &v->sum.commands[id];
        if (!c->calls) continue;
        metrics_view_command(v, id, command);
        metrics_sample(t, &(struct metrics_label){ "cmd", command }, 1,
                       metrics_seconds(v, command_cycles(c, figure)));
    }
}

static void write_commands(struct metrics_text *t, const struct metrics_view *v)
{
    write_command_family(t, v, "penstock_command_wait_seconds_total", METRICS_COUNTER,
                         "Time between arrival and execution, by command.", WAIT_SUM);
    write_command_family(t, v, "penstock_command_wait_seconds_max", METRICS_GAUGE,
                         "Longest time between arrival and execution, by command.", WAIT_MAX);
    write_command_family(t, v, "penstock_command_execute_seconds_max", METRICS_GAUGE,
                         "Longest execution in one piece, by command.", EXECUTE_MAX);
}

// ---- memory and bytes --------------------------------------------------------------------------

static uint64_t heap_booked(const struct shard_tally *y)
{
    uint64_t booked = 0;
    for (uint32_t i = 0; i < HEAP_OWNER_COUNT; i++) booked += word(&y->heap_bytes[i]);
    return booked;
}

// From the inside out: owners, what the allocator holds back for them, the rest of the pages it
// uses, and the pages that the kernel still backs.
static void write_heap(struct metrics_text *t, const struct metrics_view *v)
{
    metrics_family(t, "penstock_shard_heap_bytes", METRICS_GAUGE,
                   "A shard's memory, by owner; allocator_cached, _slack and _retained are what "
                   "the allocator holds beyond them.");
    for (uint32_t s = 0; s < shard_count(v); s++) {
        const struct shard_tally *y = metrics_view_shard(v, s);
        uint64_t allocated = word(&y->heap_allocated), active = word(&y->heap_active);
        for (uint32_t i = 0; i < HEAP_OWNER_COUNT; i++)
            sample(t, s, "owner", heap_owner_names[i], (double)word(&y->heap_bytes[i]));
        sample(t, s, "owner", "allocator_cached", (double)above(allocated, heap_booked(y)));
        sample(t, s, "owner", "allocator_slack", (double)above(active, allocated));
        sample(t, s, "owner", "allocator_retained", (double)above(word(&y->heap_resident), active));
    }
    metrics_single(t, "penstock_memory_unexplained_bytes", METRICS_GAUGE,
                   "Memory of the process outside the shards' heaps: code, stacks, rings, packet "
                   "buffers.",
                   (double)above(v->process.rss_bytes, v->sum.heap_resident));
}

struct class_row {
    const char *name;
    uint32_t offset;
};

static void write_classes(struct metrics_text *t, const struct metrics_view *v, const char *label,
                          const struct class_row *rows, uint32_t count)
{
    for (uint32_t s = 0; s < shard_count(v); s++)
        for (uint32_t i = 0; i < count; i++) {
            const char *tally = (const char *)metrics_view_shard(v, s);
            sample(t, s, label, rows[i].name,
                   (double)word((const uint64_t *)(tally + rows[i].offset)));
        }
}

static void write_bytes(struct metrics_text *t, const struct metrics_view *v)
{
#define ROW(name, field)                                                                           \
    {                                                                                              \
        name, offsetof(struct shard_tally, field)                                                  \
    }
    static const struct class_row sent[] = { ROW("client", sent_client_bytes),
                                             ROW("pubsub", sent_pubsub_bytes),
                                             ROW("replica", sent_replica_bytes) };
    static const struct class_row disk[] = { ROW("log", log_bytes),
                                             ROW("snapshot", snapshot_bytes) };
    static const struct class_row closed[] = { ROW("output_limit", output_limit_disconnections),
                                               ROW("query_limit", query_limit_disconnections),
                                               ROW("protocol_error", protocol_errors),
                                               ROW("timeout", timeout_disconnections) };
#undef ROW
    metrics_family(t, "penstock_shard_sent_bytes_total", METRICS_COUNTER,
                   "Bytes sent, by who gets them.");
    write_classes(t, v, "class", sent, 3);
    metrics_family(t, "penstock_shard_disk_written_bytes_total", METRICS_COUNTER,
                   "Bytes written to disk, by purpose.");
    write_classes(t, v, "class", disk, 2);
    metrics_family(t, "penstock_shard_disconnections_total", METRICS_COUNTER,
                   "Clients that the server closed, by reason.");
    write_classes(t, v, "reason", closed, 4);
    metrics_family(t, "penstock_shard_log_lines_dropped_total", METRICS_COUNTER,
                   "Log lines that found no room on their way to the control process.");
    for (uint32_t s = 0; s < shard_count(v); s++)
        sample(t, s, NULL, NULL, (double)word(&region_shard(v->source.region, s)->log.dropped));
}

static void write_net(struct metrics_text *t, const struct metrics_view *v)
{
    char name[96];
    for (uint32_t i = 0; i < tally_row_count; i++) {
        const struct tally_row *row = &tally_rows[i];
        if (row->kind != TALLY_ROW_NET) continue;
        snprintf(name, sizeof name, "penstock_net_%s_total", row->name);
        metrics_family(t, name, METRICS_COUNTER, "Of the NIC transport; see dataplane/net.");
        const struct class_row field = { NULL, row->offset };
        write_classes(t, v, NULL, &field, 1);
    }
}

void metrics_write_ledger(struct metrics_text *t, const struct metrics_view *v)
{
    write_instance(t, v);
    if (!v->is_alive) return;
    write_slots(t, v);
    write_time(t, v);
    write_figures(t, v);
    write_slices(t, v);
    write_commands(t, v);
    write_heap(t, v);
    write_bytes(t, v);
    if (v->source.settings->transport == TRANSPORT_NIC) write_net(t, v);
}
