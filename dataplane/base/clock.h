// clock.h: the one place that reads a clock. Everything else is handed the time.
//
// Source:  x86 RDTSC (constant, nonstop TSC is checked at clock_init), clock_gettime(2)
// Thread:  any; clock_init once, before threads start
// Units:   tsc cycles; ns since an arbitrary start (monotonic); ms and us since 1970 (wall)
#pragma once
#include <stdint.h>
#include "dataplane/base/status.h"

struct clock {
    uint64_t tsc_start, ns_start;
    uint64_t tsc_hz;
    uint64_t ns_mult; // ns = (tsc * ns_mult) >> 32
};

// Calibrates the TSC against CLOCK_MONOTONIC (20 ms; 2 ms to confirm CPUID leaf 15h when present).
// ERR_IO when neither the processor calls its TSC invariant nor the kernel keeps time by it.
enum status clock_init(struct clock *c) MUST_USE;

static inline uint64_t clock_tsc(void)
{
    uint32_t lo, hi;
    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return (uint64_t)hi << 32 | lo;
}
static inline uint64_t clock_tsc_to_ns(const struct clock *c, uint64_t tsc) // of a duration
{
    return (uint64_t)(((unsigned __int128)tsc * c->ns_mult) >> 32);
}
static inline uint64_t clock_now_ns(const struct clock *c)
{
    return c->ns_start + clock_tsc_to_ns(c, clock_tsc() - c->tsc_start);
}
uint64_t clock_thread_cpu_ns(void); // CPU time of the calling thread: a system call
uint64_t clock_monotonic_ns(void);  // CLOCK_MONOTONIC through the vDSO
uint64_t
clock_wall_us(void); // CLOCK_REALTIME through the vDSO; deadlines of keys are in this clock
