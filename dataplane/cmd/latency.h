// latency.h: the latency monitor: what took longer than latency-monitor-threshold, by kind of
// event, over time.
//
// Source:  Redis 7.2 LATENCY: names of its events, 160 samples of each, one per second
// Thread:  the shard
// Memory:  a series is allocated at its event's first sample (HEAP_OTHER)
// Units:   milliseconds; unix seconds
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"
#include "dataplane/cmd/text.h"

struct server;

enum latency_event {
    LATENCY_COMMAND,        // a command that is not fast by its flags
    LATENCY_FAST_COMMAND,   // one that is
    LATENCY_EXPIRE_CYCLE,   // a slice of removing keys whose time is over
    LATENCY_EXPIRE_DEL,     // telling others about one of them
    LATENCY_EVICTION_CYCLE, // a slice of making room
    LATENCY_EVICTION_DEL,   // one key of it
    LATENCY_DEFRAG,         // a slice of moving values out of sparse pages
    // Ours:
    LATENCY_QUEUE_WAIT, // a request waited before it was executed
    LATENCY_SLICE,      // a slice of a long command
    LATENCY_TURN,       // a turn of the shard's loop
    LATENCY_RENDEZVOUS, // this shard stood still for a command of another
    LATENCY_EVENT_COUNT
};
extern const char *const latency_event_names[LATENCY_EVENT_COUNT];

enum { LATENCY_SAMPLES = 160 };
struct latency_sample {
    uint32_t time_s, latency_ms;
};
struct latency_series {
    uint32_t count, next; // of samples, which is a ring
    uint32_t max_ms;      // since the series began
    struct latency_sample samples[LATENCY_SAMPLES];
};
struct latency {
    struct latency_series *series[LATENCY_EVENT_COUNT]; // NULL: no sample
};

void latency_close(struct server *server);
// One that took so long; kept when it is at or above the threshold. Of one second the longest is
// kept.
void latency_note(struct server *server, enum latency_event event, uint64_t cycles);
bool latency_find(struct bytes name, enum latency_event *event);     // as it is spelled
bool latency_reset(struct server *server, enum latency_event event); // false: there was none
// The i-th sample, oldest first.
const struct latency_sample *latency_at(const struct latency_series *series, uint32_t i);

// Of all shards, into *out: of one second the longest, the newest LATENCY_SAMPLES. False: none has
// a sample.
bool latency_merge(struct server *server, enum latency_event event, struct latency_series *out);

struct latency_summary {
    uint32_t samples, min_ms, max_ms, all_time_ms, average_ms, deviation_ms; // mean deviation
    double period_s;                                                         // between two samples
};
void latency_summarize(const struct latency_series *series, uint32_t now_s,
                       struct latency_summary *out);

// latency_graph.c: LATENCY GRAPH's drawing of a series
void latency_draw(struct text *out, const char *name, const struct latency_series *series,
                  uint32_t now_s);
// latency_doctor.c: LATENCY DOCTOR's report
void latency_report(struct text *out, struct server *server);
