#include "dataplane/cmd/slow.h"
#include "dataplane/cmd/cmd.h"

// threshold: in units of a millionth of a second times scale; negative: nobody asks.
static uint64_t cycles_of(const struct server *s, int64_t threshold, uint64_t scale)
{
    if (threshold < 0 || !s->clock) return UINT64_MAX;
    unsigned __int128 us = (unsigned __int128)(uint64_t)threshold * scale;
    unsigned __int128 cycles = us * s->clock->tsc_hz / 1000000;
    return cycles < UINT64_MAX ? (uint64_t)cycles : UINT64_MAX;
}

void slow_configure(struct server *s)
{
    const struct settings *f = s->settings;
    bool has_log = f->slowlog_log_slower_than >= 0 && f->slowlog_max_len > 0;
    int64_t latency_ms = f->latency_monitor_threshold ? f->latency_monitor_threshold : -1;
    uint64_t execute = cycles_of(s, has_log ? f->slowlog_log_slower_than : -1, 1);
    uint64_t wait = cycles_of(s, has_log ? f->slowlog_log_wait_slower_than : -1, 1);
    uint64_t latency = cycles_of(s, latency_ms, 1000);
    s->slow = (struct slow_thresholds){ .execute_cycles = execute < latency ? execute : latency,
                                        .wait_cycles = wait < latency ? wait : latency,
                                        .latency_cycles = latency };
    s->command_latencies.is_on = f->latency_tracking;
    slowlog_shrink(s);
}

void slow_note(struct call *call, uint64_t wait_cycles, uint64_t execute_cycles)
{
    struct server *s = call->server;
    slowlog_note(call, clock_tsc_to_ns(s->clock, wait_cycles) / 1000,
                 clock_tsc_to_ns(s->clock, execute_cycles) / 1000);
    bool is_fast = call->command->flags & CMD_FAST;
    latency_note(s, is_fast ? LATENCY_FAST_COMMAND : LATENCY_COMMAND, execute_cycles);
    latency_note(s, LATENCY_QUEUE_WAIT, wait_cycles);
}
