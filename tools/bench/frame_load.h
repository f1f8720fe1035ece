// frame_load.h: frames without TCP: what a DPDK port carries at all. One side echoes, the other
// keeps a number of frames in flight.
//
// Thread:  the generator
// Units:   ns
#pragma once
#include <signal.h>
#include "dataplane/base/histogram.h"
#include "tools/bench/options.h"
#include "tools/bench/usage.h"

struct frame_report {
    uint64_t frames, lost, measured_ns;
    struct histogram round_trip;
    struct usage generator;
};

// Until *stop, or --duration when given. False with *error filled when the port did not open.
bool frame_echo_run(const struct options *o, struct frame_report *report,
                    const volatile sig_atomic_t *stop, char *error, uint32_t error_bytes);
bool frame_load_run(const struct options *o, struct frame_report *report,
                    const volatile sig_atomic_t *stop, char *error, uint32_t error_bytes);
