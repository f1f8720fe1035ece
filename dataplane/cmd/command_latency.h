// command_latency.h: how long each command executes: a histogram per command.
//
// Source:  Redis 7.2 latency-tracking: LATENCY HISTOGRAM, INFO latencystats
// Thread:  the shard
// Memory:  8 KB for a command from its first call on (HEAP_OTHER), so 4 MB when all are called
// Units:   TSC cycles from 2^6 to 2^38 (a minute and a half at 3 GHz), in steps of 1/32; what is
//          shorter or longer counts as those
//
// Cycles are counted as they are and turned into time when somebody looks.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/clock.h"
#include "dataplane/base/status.h"
#include "dataplane/base/tally.h"

struct server;

enum {
    COMMAND_LATENCY_SUB_BITS = 5,
    COMMAND_LATENCY_LOW_BITS = 6,
    COMMAND_LATENCY_HIGH_BITS = 38,
    COMMAND_LATENCY_BUCKETS = (COMMAND_LATENCY_HIGH_BITS - COMMAND_LATENCY_LOW_BITS)
                              << COMMAND_LATENCY_SUB_BITS,
};

struct command_latency {
    uint64_t counts[COMMAND_LATENCY_BUCKETS];
};

struct command_latencies {
    bool is_on;                                       // latency-tracking
    struct command_latency *by_id[COMMAND_TALLY_MAX]; // NULL: never called
};

struct command_latency *command_latency_start(struct server *server, uint16_t id);
void command_latency_reset(struct server *server); // CONFIG RESETSTAT: all are gone
// Of all shards, into *out. False: none has run it.
bool command_latency_sum(struct server *server, uint16_t id, struct command_latency *out);
uint64_t command_latency_count(const struct command_latency *h);
// How many took at most so long.
uint64_t command_latency_below(const struct command_latency *h, uint64_t cycles);
// What percent of the calls took at most; the upper edge of a step. 0 < count.
uint64_t command_latency_percentile(const struct command_latency *h, double percent);

static inline uint32_t command_latency_bucket(uint64_t cycles)
{
    const uint64_t low = 1ull << COMMAND_LATENCY_LOW_BITS;
    const uint64_t high = (1ull << COMMAND_LATENCY_HIGH_BITS) - 1;
    if (cycles < low) cycles = low;
    if (cycles > high) cycles = high;
    uint32_t log = 63u - (uint32_t)__builtin_clzll(cycles);
    uint32_t sub = (uint32_t)(cycles >> (log - COMMAND_LATENCY_SUB_BITS)); // its top bit is set
    return ((log - COMMAND_LATENCY_LOW_BITS) << COMMAND_LATENCY_SUB_BITS) +
           (sub & ((1u << COMMAND_LATENCY_SUB_BITS) - 1));
}
