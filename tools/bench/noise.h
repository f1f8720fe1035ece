// noise.h: what the machine takes away from a thread that never waits: the floor under any latency.
//
// Thread:  the measuring one
// Units:   ns
#pragma once
#include <signal.h>
#include "dataplane/base/histogram.h"
#include "tools/bench/usage.h"

enum { NOISE_LARGEST = 8 };

struct noise_report {
    uint64_t measured_ns, reads;
    uint64_t over_10_us, over_100_us, over_1_ms;
    uint64_t largest_ns[NOISE_LARGEST]; // largest first
    // What requests that arrive once a microsecond would have waited for the thread to look.
    struct histogram delay;
    struct usage thread;
};

// Reads the clock without pause for duration_ns. ERR_IO when there is no usable TSC.
enum status noise_measure(struct noise_report *report, uint64_t duration_ns,
                          const volatile sig_atomic_t *stop) MUST_USE;
// One gap, into the counts. For tests.
void noise_add_gap(struct noise_report *report, uint64_t gap_ns);
