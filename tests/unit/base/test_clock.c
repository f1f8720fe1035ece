#include "dataplane/base/clock.h"
#include <criterion/criterion.h>
#include <time.h>

Test(clock, calibrates_to_the_monotonic_clock)
{
    struct clock c;
    cr_assert_eq(clock_init(&c), OK);
    cr_assert_gt(c.tsc_hz, 100000000);
    uint64_t tsc_start = clock_tsc(), ns_start = clock_monotonic_ns();
    struct timespec pause = { 0, 50000000 };
    nanosleep(&pause, NULL);
    uint64_t by_tsc = clock_tsc_to_ns(&c, clock_tsc() - tsc_start);
    uint64_t by_kernel = clock_monotonic_ns() - ns_start;
    // 1% of 50 ms is far more than the calibration's error, and room for a stolen time slice
    cr_assert(by_tsc * 100 > by_kernel * 99 && by_tsc * 99 < by_kernel * 100);
}

Test(clock, now_is_on_the_monotonic_scale)
{
    struct clock c;
    cr_assert_eq(clock_init(&c), OK);
    uint64_t before = clock_monotonic_ns(), now = clock_now_ns(&c), after = clock_monotonic_ns();
    cr_assert_gt(now + 1000000, before);
    cr_assert_lt(now, after + 1000000);
}

Test(clock, conversion_keeps_its_precision_over_a_year)
{
    struct clock c = { .tsc_hz = 3000000000,
                       .ns_mult = ((__uint128_t)1000000000 << 32) / 3000000000 };
    uint64_t year_s = 365 * 86400;
    uint64_t ns = clock_tsc_to_ns(&c, year_s * 3000000000);
    uint64_t exact = year_s * 1000000000;
    cr_assert_leq(exact - ns, exact / 1000000000);
}

Test(clock, never_runs_backwards_on_one_core)
{
    struct clock c;
    cr_assert_eq(clock_init(&c), OK);
    uint64_t last = 0;
    for (int i = 0; i < 100000; i++) {
        uint64_t now = clock_now_ns(&c);
        cr_assert_geq(now, last);
        last = now;
    }
}

Test(clock, wall_time_is_the_kernels)
{
    uint64_t us = clock_wall_us();
    uint64_t s = (uint64_t)time(NULL);
    cr_assert(us / 1000000 + 1 >= s && us / 1000000 <= s + 1);
}
