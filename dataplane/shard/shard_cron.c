#include "dataplane/cmd/memory.h"
#include "dataplane/shard/far.h"
#include "dataplane/shard/keeper.h"
#include "dataplane/shard/shard_tls.h"

#define BUSY_BELOW_ASLEEP 0.5 // share of its time that a busy shard sleeps at most
#define IDLE_ABOVE_ASLEEP 0.75
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
    s->server.instantaneous_turns = rate_sample(&s->rate_turns, index, t->turns, elapsed_ns);
    s->server.instantaneous_busy_cycles =
        rate_sample(&s->rate_busy, index, tally_busy_cycles(t), elapsed_ns);
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
    shard_tls_cron(s);
    saver_cron(s);
    keeper_cron(s);
    far_trim_kept(s);
}
