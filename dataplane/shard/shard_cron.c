#include "dataplane/cmd/memory.h"
#include "dataplane/shard/shard.h"

#define BUSY_BELOW_ASLEEP 0.5 // share of its time that a busy shard sleeps at most
#define IDLE_ABOVE_ASLEEP 0.75
enum { ROTATION_PER_CRON_MIN = 16, ROTATION_CRONS = 10 };

_Static_assert(sizeof(((struct server *)0)->error_stats) ==
                   sizeof(((struct region_errors *)0)->rows),
               "what is copied has the same rows");

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
    s->server.instantaneous_turns = rate_sample(&s->rate_turns, index, t->turns, elapsed_ns);
    s->server.instantaneous_busy_cycles =
        rate_sample(&s->rate_busy, index, tally_busy_cycles(t), elapsed_ns);
}

static void publish_databases(struct shard *s)
{
    struct database_tally *rows = s->server.tally->databases;
    int64_t count = s->settings->databases;
    if (count > DATABASE_TALLY_MAX) count = DATABASE_TALLY_MAX;
    for (uint32_t db = 0; db < (uint32_t)count; db++)
        rows[db] = (struct database_tally){
            .keys = keyspace_size(s->keyspace, db),
            .keys_with_deadline = keyspace_deadline_count(s->keyspace, db),
            .ttl_ms_average = keyspace_average_ttl_ms(s->keyspace, db, s->server.now_ms),
        };
}

static void publish_errors(struct shard *s)
{
    const struct server *from = &s->server;
    struct region_errors *to = &from->region_shard->errors;
    uint64_t writing = to->sequence + 1;
    __atomic_store_n(&to->sequence, writing, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    to->count = from->error_stat_count;
    to->others = from->error_stats_overflow;
    for (uint32_t i = 0; i < from->error_stat_count; i++) {
        memcpy(to->rows[i].code, from->error_stats[i].code, sizeof to->rows[i].code);
        to->rows[i].count = from->error_stats[i].count;
    }
    __atomic_store_n(&to->sequence, writing + 1, __ATOMIC_RELEASE);
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
    t->heap_startup = s->server.startup_memory_bytes;
    t->pubsub_channels = s->server.pubsub.names[PUBSUB_CHANNEL].count;
    t->pubsub_patterns = s->server.pubsub.names[PUBSUB_PATTERN].count;
    t->pubsub_shard_channels = s->server.pubsub.names[PUBSUB_SHARD_CHANNEL].count;
    publish_databases(s);
    publish_errors(s);
    if (s->heap.bytes_total > s->server.peak_memory_bytes) {
        s->server.peak_memory_bytes = s->heap.bytes_total;
        s->server.peak_memory_ms = s->server.now_ms;
    }
    // Last: who finds it recent finds the rest recent.
    __atomic_store_n(&t->refreshed_wall_us, clock_wall_us(), __ATOMIC_RELEASE);
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
    if (++s->pass_crons < ROTATION_CRONS) return;
    s->server.tally->client_input_max = s->pass_input_max;
    s->server.tally->client_output_max = s->pass_output_max;
    s->pass_input_max = s->pass_output_max = 0;
    s->pass_crons = 0;
}

static void publish_cycles(struct shard *s)
{
    struct shard_tally *t = s->server.tally;
    // What is open counts too.
    t->settled_tsc = cycle_meter_switch(&s->server.meter, s->server.meter.open);
    memcpy(t->settled_cycles, t->cycles, sizeof t->settled_cycles);
}

// The kernel call at the end of a turn both sends and sleeps, and is booked as idle. The thread's
// CPU time tells how much of it was work: that part belongs to tx.
static void shard_settle_idle(struct shard *s)
{
    uint64_t *cycles = s->server.tally->cycles;
    uint64_t now_tsc = clock_tsc(), cpu_ns = clock_thread_cpu_ns();
    uint64_t wall_ns = clock_tsc_to_ns(s->server.clock, now_tsc - s->settled_tsc);
    uint64_t used_ns = cpu_ns - s->settled_cpu_ns;
    uint64_t booked = cycles[CYCLES_IDLE] - s->settled_idle_cycles;
    double asleep = wall_ns > used_ns ? (double)(wall_ns - used_ns) / (double)wall_ns : 0;
    uint64_t slept = (uint64_t)(asleep * (double)(now_tsc - s->settled_tsc));
    if (slept < booked) {
        cycles[CYCLES_IDLE] -= booked - slept;
        cycles[CYCLES_TX] += booked - slept;
    }
    if (asleep < BUSY_BELOW_ASLEEP) s->is_busy = true;
    if (asleep > IDLE_ABOVE_ASLEEP) s->is_busy = false;
    s->settled_tsc = now_tsc;
    s->settled_cpu_ns = cpu_ns;
    s->settled_idle_cycles = cycles[CYCLES_IDLE];
    publish_cycles(s);
}

void shard_cron(struct shard *s)
{
    shard_read_wall_clock(s);
    shard_settle_idle(s);
    shard_sample_rates(s);
    shard_check_sessions(s);
    memory_check_clients(&s->server);
    memory_note_level(&s->server);
    sock_verify(s->sock, sock_connection_count(s->sock) / ROTATION_CRONS + ROTATION_PER_CRON_MIN);
    shard_refresh_tally(s);
    defrag_cron(&s->server);
}
