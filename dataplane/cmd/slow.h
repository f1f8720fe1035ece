// slow.h: what took long: which commands go to SLOWLOG, which events to LATENCY.
//
// Source:  Redis 7.2: slowlog-log-slower-than, latency-monitor-threshold; DESIGN: wait and service
//          apart
// Thread:  the shard
// Memory:  embedded in struct server; its two parts own what they keep
// Units:   TSC cycles
//
// A command costs two compares here. Only who is above a threshold comes to slow_note.
#pragma once
#include <stdint.h>

struct server;
struct call;

struct slow_thresholds { // the lowest of those that look at it; UINT64_MAX: nobody does
    uint64_t execute_cycles, wait_cycles;
    uint64_t latency_cycles; // of events that are not commands
};

void slow_configure(struct server *server); // at the start, and after CONFIG SET
// A command above one of the thresholds, when it is done.
void slow_note(struct call *call, uint64_t wait_cycles, uint64_t execute_cycles);
