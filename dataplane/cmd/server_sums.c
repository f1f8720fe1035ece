#include "dataplane/cmd/server_sums.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/memory.h"
#include "dataplane/cmd/node.h"

static void raise_to(uint64_t *most, uint64_t value)
{
    if (value > *most) *most = value;
}

// What is open in another's stopwatch is read, not switched: its next reading may come from another
// core, whose TSC must not seem to go back.
static uint64_t open_cycles(const struct cycle_meter *m)
{
    uint64_t now = clock_tsc();
    return now > m->since ? now - m->since : 0;
}

static void add_time(struct server_sums *sum, const struct server *s)
{
    const struct shard_tally *y = s->tally;
    sum->turns += y->turns;
    sum->turns_busy += y->turns_busy;
    sum->slices += y->slices;
    for (uint32_t i = 0; i < SLICE_LENGTHS; i++) sum->slice_lengths[i] += y->slice_lengths[i];
    for (uint32_t i = 0; i < CYCLE_ACCOUNT_COUNT; i++) sum->cycles[i] += y->cycles[i];
    sum->cycles[s->meter.open] += open_cycles(&s->meter);
    raise_to(&sum->turn_cycles_max, y->turn_cycles_max);
    raise_to(&sum->execute_cycles_max, y->execute_cycles_max);
    raise_to(&sum->slice_cycles_max, y->slice_cycles_max);
    raise_to(&sum->parked_cycles_max, y->parked_cycles_max);
    sum->ops += s->instantaneous_ops;
    sum->input_bps += s->instantaneous_input_bps;
    sum->output_bps += s->instantaneous_output_bps;
    sum->turns_per_s += s->instantaneous_turns;
    sum->busy_cycles_per_s += s->instantaneous_busy_cycles;
}

static void add_counters(struct server_sums *sum, const struct shard_tally *y)
{
#define ADD_FIELD(field) sum->field += y->field;
#define ADD_NET_FIELD(field) sum->net.field += y->net.field;
    TALLY_RESETTABLE(ADD_FIELD)
    TALLY_NET(ADD_NET_FIELD)
    ADD_FIELD(log_bytes)
    ADD_FIELD(snapshot_bytes)
    ADD_FIELD(sent_client_bytes)
    ADD_FIELD(sent_pubsub_bytes)
    ADD_FIELD(sent_replica_bytes)
    ADD_FIELD(heap_allocated)
    ADD_FIELD(heap_active)
    ADD_FIELD(heap_resident)
    ADD_FIELD(blocked_clients)
#undef ADD_NET_FIELD
#undef ADD_FIELD
    raise_to(&sum->client_input_max, y->client_input_max);
    raise_to(&sum->client_output_max, y->client_output_max);
}

static void add_memory(struct server_sums *sum, const struct server *s)
{
    const struct heap *heap = s->heap;
    for (uint32_t i = 0; i < HEAP_OWNER_COUNT; i++) sum->heap_bytes[i] += heap->bytes[i];
    sum->used_bytes += heap->bytes_total;
    sum->peak_bytes += heap->bytes_peak;
    sum->startup_bytes += s->startup_memory_bytes;
    sum->lazyfree_pending += keyspace_reap_pending(s->keyspace);
    sum->dirty += keyspace_dirty(s->keyspace);
    raise_to(&sum->over_now_ns, memory_over_ns(s, false));
    raise_to(&sum->over_total_ns, memory_over_ns(s, true));
}

static void add_clients(struct server_sums *sum, const struct server *s)
{
    sum->clients += s->clients.all.count;
    sum->timeout_clients += blocks_timeout_count(s);
    sum->tracking_clients += s->tracking.clients;
    sum->pubsub_clients += s->pubsub.clients;
    sum->watching_clients += s->watching_clients;
    sum->watched_keys += s->watched_keys.count;
    sum->blocking_keys += s->blocks.key_count;
    sum->loss_keys += s->blocks.loss_key_count;
    sum->tracking_keys += s->tracking.keys.count;
    sum->tracking_items += s->tracking.items;
}

static void add_defrag(struct server_sums *sum, const struct server *s)
{
    const struct defrag *d = &s->defrag;
    sum->defrag_hits += d->hits;
    sum->defrag_misses += d->misses;
    sum->defrag_key_hits += d->key_hits;
    sum->defrag_key_misses += d->key_misses;
    sum->defrag_now_ns += defrag_time_ns(s, false);
    sum->defrag_total_ns += defrag_time_ns(s, true);
    raise_to(&sum->defrag_percent, d->percent);
}

void server_sums_make(struct server *s, struct server_sums *out)
{
    *out = (struct server_sums){ 0 };
    for (uint32_t i = 0; i < server_peer_count(s); i++) {
        const struct server *peer = server_peer(s, i);
        add_time(out, peer);
        add_counters(out, peer->tally);
        add_memory(out, peer);
        add_clients(out, peer);
        add_defrag(out, peer);
    }
}

void server_sum_command(struct server *s, uint16_t id, struct command_tally *out)
{
    *out = (struct command_tally){ 0 };
    for (uint32_t i = 0; i < server_peer_count(s); i++) {
        const struct command_tally *c = &server_peer(s, i)->tally->commands[id];
        out->calls += c->calls;
        out->rejected += c->rejected;
        out->failed += c->failed;
        out->wait_cycles += c->wait_cycles;
        out->execute_cycles += c->execute_cycles;
        raise_to(&out->wait_cycles_max, c->wait_cycles_max);
        raise_to(&out->execute_cycles_max, c->execute_cycles_max);
    }
}
