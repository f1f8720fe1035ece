#include "tools/bench/noise.h"
#include <criterion/criterion.h>
#include <stdlib.h>

Test(noise, an_arrival_in_a_gap_waits_for_its_end)
{
    struct noise_report *r = calloc(1, sizeof *r);
    noise_add_gap(r, 10000); // ten arrivals: 10, 9, ... 1 us
    cr_expect_eq(r->delay.count, 10);
    cr_expect_eq(r->delay.max, 10000);
    cr_expect_eq(r->delay.sum, 55000);
    free(r);
}

Test(noise, keeps_the_largest_in_order)
{
    struct noise_report *r = calloc(1, sizeof *r);
    for (uint64_t us = 1; us <= 20; us++) noise_add_gap(r, us * 8 % 21 * 1000);
    for (uint32_t i = 0; i < NOISE_LARGEST; i++) cr_expect_eq(r->largest_ns[i], (20 - i) * 1000);
    cr_expect_eq(r->over_10_us, 10);
    cr_expect_eq(r->over_100_us, 0);
    free(r);
}

Test(noise, a_late_wake_counts_for_every_tick_that_it_missed)
{
    struct noise_report *r = calloc(1, sizeof *r);
    noise_add_wake(r, 4000, 10000);
    cr_expect_eq(r->delay.count, 1);
    noise_add_wake(r, 25000, 10000); // 25, 15, 5 us
    cr_expect_eq(r->delay.count, 4);
    cr_expect_eq(r->delay.sum, 49000);
    cr_expect_eq(r->largest_ns[0], 25000);
    cr_expect_eq(r->over_10_us, 1);
    free(r);
}

Test(noise, a_sleeping_thread_meets_every_tick_once)
{
    static const volatile sig_atomic_t go = 0;
    enum { TICK_NS = 1000000 };
    struct noise_report *r = calloc(1, sizeof *r);
    noise_measure_wakes(r, 20 * TICK_NS, TICK_NS, &go);
    cr_expect_geq(r->measured_ns, 20 * TICK_NS);
    cr_expect_eq(r->delay.count, r->measured_ns / TICK_NS);
    cr_expect_gt(r->reads, 0);
    free(r);
}

Test(noise, measures_for_as_long_as_asked)
{
    static const volatile sig_atomic_t go = 0;
    struct noise_report *r = calloc(1, sizeof *r);
    cr_assert_eq(noise_measure(r, 5000000, &go), OK);
    cr_expect_geq(r->measured_ns, 5000000);
    cr_expect_gt(r->reads, 0);
    free(r);
}
