#include "dataplane/cmd/latency.h"
#include "dataplane/cmd/node.h"

const char *const latency_event_names[LATENCY_EVENT_COUNT] = {
    [LATENCY_COMMAND] = "command",
    [LATENCY_FAST_COMMAND] = "fast-command",
    [LATENCY_EXPIRE_CYCLE] = "expire-cycle",
    [LATENCY_EXPIRE_DEL] = "expire-del",
    [LATENCY_EVICTION_CYCLE] = "eviction-cycle",
    [LATENCY_EVICTION_DEL] = "eviction-del",
    [LATENCY_DEFRAG] = "active-defrag-cycle",
    [LATENCY_QUEUE_WAIT] = "queue-wait",
    [LATENCY_SLICE] = "slice",
    [LATENCY_TURN] = "turn",
    [LATENCY_RENDEZVOUS] = "rendezvous",
};

bool latency_reset(struct server *s, enum latency_event event)
{
    struct latency_series *series = s->latency.series[event];
    if (!series) return false;
    heap_give(s->heap, series, sizeof *series, HEAP_OTHER);
    s->latency.series[event] = NULL;
    return true;
}

void latency_close(struct server *s)
{
    for (uint32_t i = 0; i < LATENCY_EVENT_COUNT; i++) latency_reset(s, (enum latency_event)i);
}

bool latency_find(struct bytes name, enum latency_event *event)
{
    for (uint32_t i = 0; i < LATENCY_EVENT_COUNT; i++) {
        if (!bytes_equal(name, bytes_text(latency_event_names[i]))) continue;
        *event = (enum latency_event)i;
        return true;
    }
    return false;
}

const struct latency_sample *latency_at(const struct latency_series *series, uint32_t i)
{
    uint32_t oldest = series->next + LATENCY_SAMPLES - series->count;
    return &series->samples[(oldest + i) % LATENCY_SAMPLES];
}

static void add_sample(struct server *s, enum latency_event event, uint32_t latency_ms)
{
    struct latency_series *series = s->latency.series[event];
    uint32_t now_s = (uint32_t)(s->now_ms / 1000);
    if (!series)
        s->latency.series[event] = series = heap_take_zeroed(s->heap, sizeof *series, HEAP_OTHER);
    if (latency_ms > series->max_ms) series->max_ms = latency_ms;
    uint32_t last = (series->next + LATENCY_SAMPLES - 1) % LATENCY_SAMPLES;
    if (series->count && series->samples[last].time_s == now_s) {
        if (latency_ms > series->samples[last].latency_ms)
            series->samples[last].latency_ms = latency_ms;
        return;
    }
    series->samples[series->next] = (struct latency_sample){ now_s, latency_ms };
    series->next = (series->next + 1) % LATENCY_SAMPLES;
    if (series->count < LATENCY_SAMPLES) series->count++;
}

void latency_note(struct server *s, enum latency_event event, uint64_t cycles)
{
    if (LIKELY(cycles < s->slow.latency_cycles)) return;
    uint64_t ms = clock_tsc_to_ns(s->clock, cycles) / 1000000;
    add_sample(s, event, ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX);
}

// How many samples of each series are not taken yet: from the newest one down.
struct merge {
    uint32_t left[PLACEMENT_SHARDS_MAX];
};

// The newest second of those left, and the longest of it. False: none is left.
static bool take_newest(struct server *s, enum latency_event event, struct merge *m,
                        struct latency_sample *out)
{
    *out = (struct latency_sample){ 0 };
    bool is_any = false;
    for (uint32_t i = 0; i < server_peer_count(s); i++) {
        if (!m->left[i]) continue;
        const struct latency_sample *last =
            latency_at(server_peer(s, i)->latency.series[event], m->left[i] - 1);
        if (last->time_s > out->time_s) *out = (struct latency_sample){ .time_s = last->time_s };
        is_any = true;
    }
    for (uint32_t i = 0; i < server_peer_count(s) && is_any; i++) {
        if (!m->left[i]) continue;
        const struct latency_sample *last =
            latency_at(server_peer(s, i)->latency.series[event], m->left[i] - 1);
        if (last->time_s != out->time_s) continue;
        if (last->latency_ms > out->latency_ms) out->latency_ms = last->latency_ms;
        m->left[i]--;
    }
    return is_any;
}

bool latency_merge(struct server *s, enum latency_event event, struct latency_series *out)
{
    struct merge m;
    struct latency_sample sample;
    *out = (struct latency_series){ 0 };
    for (uint32_t i = 0; i < server_peer_count(s); i++) {
        const struct latency_series *series = server_peer(s, i)->latency.series[event];
        m.left[i] = series ? series->count : 0;
        if (series && series->max_ms > out->max_ms) out->max_ms = series->max_ms;
    }
    // Filled from the end of the ring down, so that the newest is the last one.
    while (out->count < LATENCY_SAMPLES && take_newest(s, event, &m, &sample))
        out->samples[LATENCY_SAMPLES - ++out->count] = sample;
    return out->count > 0;
}

void latency_summarize(const struct latency_series *series, uint32_t now_s,
                       struct latency_summary *out)
{
    uint64_t sum = 0, deviations = 0;
    *out = (struct latency_summary){ .samples = series->count,
                                     .min_ms = UINT32_MAX,
                                     .all_time_ms = series->max_ms };
    for (uint32_t i = 0; i < series->count; i++) {
        uint32_t ms = latency_at(series, i)->latency_ms;
        if (ms < out->min_ms) out->min_ms = ms;
        if (ms > out->max_ms) out->max_ms = ms;
        sum += ms;
    }
    if (!series->count) return;
    out->average_ms = (uint32_t)(sum / series->count);
    for (uint32_t i = 0; i < series->count; i++) {
        uint32_t ms = latency_at(series, i)->latency_ms;
        deviations += ms > out->average_ms ? ms - out->average_ms : out->average_ms - ms;
    }
    out->deviation_ms = (uint32_t)(deviations / series->count);
    uint32_t first_s = latency_at(series, 0)->time_s;
    out->period_s = (double)(now_s > first_s ? now_s - first_s : 1) / series->count;
}
