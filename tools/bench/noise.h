// noise.h: what the machine takes away from a thread that never waits, or how late it wakes one
// that does: the floor under any latency.
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
    // What requests that arrive once a microsecond would have waited for the thread to look; of a
    // sleeping thread, how late it woke at each tick.
    struct histogram delay;
    struct usage thread;
};

// Reads the clock without pause for duration_ns. ERR_IO when there is no usable TSC.
enum status noise_measure(struct noise_report *report, uint64_t duration_ns,
                          const volatile sig_atomic_t *stop) MUST_USE;
// Sleeps from tick to tick of tick_ns (above 0) for duration_ns. A wake that is later than a whole
// tick counts once for each tick that it missed, with what that one waited.
void noise_measure_wakes(struct noise_report *report, uint64_t duration_ns, uint64_t tick_ns,
                         const volatile sig_atomic_t *stop);
// One gap, or one late wake, into the counts. For tests.
void noise_add_gap(struct noise_report *report, uint64_t gap_ns);
void noise_add_wake(struct noise_report *report, uint64_t late_ns, uint64_t tick_ns);
