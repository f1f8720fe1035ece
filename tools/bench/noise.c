#include "tools/bench/noise.h"
#include "dataplane/base/clock.h"

enum { ARRIVAL_NS = 1000 };

static void keep_largest(struct noise_report *r, uint64_t gap_ns)
{
    for (uint32_t i = 0; i < NOISE_LARGEST; i++) {
        if (gap_ns <= r->largest_ns[i]) continue;
        uint64_t smaller = r->largest_ns[i];
        r->largest_ns[i] = gap_ns;
        gap_ns = smaller;
    }
}

void noise_add_gap(struct noise_report *r, uint64_t gap_ns)
{
    r->over_10_us += gap_ns > 10000;
    r->over_100_us += gap_ns > 100000;
    r->over_1_ms += gap_ns > 1000000;
    keep_largest(r, gap_ns);
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
