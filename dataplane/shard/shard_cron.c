#include "dataplane/shard/shard.h"

enum { ROTATION_PER_CRON_MIN = 16, ROTATION_CRONS = 10 };

static uint64_t rate_sample(struct rate *r, uint32_t index, uint64_t value, uint64_t elapsed_ns)
{
    uint64_t delta = value - r->last_value, sum = 0;
    if (value < r->last_value) delta = 0; // CONFIG RESETSTAT in between
    r->last_value = value;
    r->samples[index] = elapsed_ns ? delta * 1000000000u / elapsed_ns : 0;
    for (uint32_t i = 0; i < SHARD_RATE_SAMPLES; i++) sum += r->samples[i];
    return sum / SHARD_RATE_SAMPLES;
}

static void shard_sample_rates(struct shard *s)
{
    const struct shard_tally *t = s->server.tally;
    uint64_t elapsed_ns = s->server.now_ns - s->last_rate_ns;
    uint32_t index = s->rate_index++ % SHARD_RATE_SAMPLES;
    s->last_rate_ns = s->server.now_ns;
    s->server.instantaneous_ops =
        rate_sample(&s->rate_ops, index, t->commands_processed, elapsed_ns);
    s->server.instantaneous_input_bps =
        rate_sample(&s->rate_input, index, t->net_input_bytes, elapsed_ns);
    s->server.instantaneous_output_bps =
        rate_sample(&s->rate_output, index, t->net_output_bytes, elapsed_ns);
}

void shard_refresh_tally(struct shard *s)
{
    struct shard_tally *t = s->server.tally;
    struct heap_pages pages;
    heap_measure(&s->heap, &pages);
    for (uint32_t i = 0; i < HEAP_OWNER_COUNT; i++) t->heap_bytes[i] = s->heap.bytes[i];
    t->heap_allocated = pages.allocated_bytes;
    t->heap_active = pages.active_bytes;
    t->heap_resident = pages.resident_bytes;
    t->heap_peak = s->heap.bytes_peak;
    t->connected_clients = s->server.clients.all.count;
    t->lazyfree_pending = keyspace_reap_pending(s->keyspace);
    t->dirty = keyspace_dirty(s->keyspace);
    if (s->heap.bytes_total > s->server.peak_memory_bytes) {
        s->server.peak_memory_bytes = s->heap.bytes_total;
        s->server.peak_memory_ms = s->server.now_ms;
    }
}

// A tenth of the clients each time, so each is seen once a second whatever their number.
static void shard_check_sessions(struct shard *s)
{
    uint64_t count = s->rotation.count / ROTATION_CRONS + ROTATION_PER_CRON_MIN;
    if (count > s->rotation.count) count = s->rotation.count;
    for (uint64_t i = 0; i < count; i++) {
        struct list_node *node = list_take_first(&s->rotation);
        list_append(&s->rotation, node);
        session_check(s, LIST_OWNER(node, struct session, rotation));
    }
}

void shard_cron(struct shard *s)
{
    shard_sample_rates(s);
    shard_check_sessions(s);
    shard_refresh_tally(s);
}
