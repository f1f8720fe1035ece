#include "tools/bench/noise.h"
#include <sys/prctl.h>
#include <time.h>
#include "dataplane/base/clock.h"

enum { ARRIVAL_NS = 1000, NS_PER_S = 1000000000 };

static void keep_largest(struct noise_report *r, uint64_t gap_ns)
{
    for (uint32_t i = 0; i < NOISE_LARGEST; i++) {
        if (gap_ns <= r->largest_ns[i]) continue;
        uint64_t smaller = r->largest_ns[i];
        r->largest_ns[i] = gap_ns;
        gap_ns = smaller;
    }
}

static void count_gap(struct noise_report *r, uint64_t gap_ns)
{
    r->over_10_us += gap_ns > 10000;
    r->over_100_us += gap_ns > 100000;
    r->over_1_ms += gap_ns > 1000000;
    keep_largest(r, gap_ns);
}

void noise_add_gap(struct noise_report *r, uint64_t gap_ns)
{
    count_gap(r, gap_ns);
    for (; gap_ns >= ARRIVAL_NS; gap_ns -= ARRIVAL_NS) histogram_record(&r->delay, gap_ns);
}

enum status noise_measure(struct noise_report *r, uint64_t duration_ns,
                          const volatile sig_atomic_t *stop)
{
    struct clock clock;
    struct usage before, after;
    *r = (struct noise_report){ 0 };
    if (clock_init(&clock) != OK) return ERR_IO;
    usage_of_this_thread(&before);
    uint64_t start = clock_now_ns(&clock), last = start, quiet_ns = 0;
    while (last - start < duration_ns && !*stop) {
        uint64_t now = clock_now_ns(&clock);
        uint64_t gap = now - last;
        r->reads++;
        last = now;
        if (gap < ARRIVAL_NS) {
            quiet_ns += gap;
            continue;
        }
        noise_add_gap(r, gap);
        last = clock_now_ns(&clock); // the counting is no gap
    }
    usage_of_this_thread(&after);
    histogram_record_n(&r->delay, 0, quiet_ns / ARRIVAL_NS);
    r->measured_ns = last - start;
    r->thread = usage_between(&before, &after);
    return OK;
}

void noise_add_wake(struct noise_report *r, uint64_t late_ns, uint64_t tick_ns)
{
    count_gap(r, late_ns);
    histogram_record(&r->delay, late_ns);
    while (late_ns >= tick_ns) {
        late_ns -= tick_ns;
        histogram_record(&r->delay, late_ns);
    }
}

static void sleep_until(uint64_t until_ns)
{
    struct timespec until = { .tv_sec = (time_t)(until_ns / NS_PER_S),
                              .tv_nsec = (long)(until_ns % NS_PER_S) };
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL); // a signal: the caller looks
}

void noise_measure_wakes(struct noise_report *r, uint64_t duration_ns, uint64_t tick_ns,
                         const volatile sig_atomic_t *stop)
{
    struct usage before, after;
    *r = (struct noise_report){ 0 };
    (void)prctl(PR_SET_TIMERSLACK, 1ul); // the default lets a wait end 50 us late
    usage_of_this_thread(&before);
    uint64_t start = clock_monotonic_ns(), next = start + tick_ns, now = start;
    while (now - start < duration_ns && !*stop) {
        sleep_until(next);
        now = clock_monotonic_ns();
        if (now < next) continue; // woken by a signal
        r->reads++;
        noise_add_wake(r, now - next, tick_ns);
        next += ((now - next) / tick_ns + 1) * tick_ns;
    }
    usage_of_this_thread(&after);
    r->measured_ns = now - start;
    r->thread = usage_between(&before, &after);
}
