#include "dataplane/base/histogram.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include "dataplane/base/hash.h"

static struct histogram *histogram_make(void)
{
    struct histogram *h = malloc(sizeof(*h));
    histogram_reset(h);
    return h;
}

Test(histogram, empty_has_no_quantiles)
{
    struct histogram *h = histogram_make();
    cr_assert_eq(histogram_quantile(h, 0.5), 0);
    cr_assert_eq(histogram_quantile(h, 1), 0);
    free(h);
}

Test(histogram, values_below_32_are_exact)
{
    struct histogram *h = histogram_make();
    for (uint64_t v = 0; v < 32; v++) histogram_record(h, v);
    for (uint64_t v = 0; v < 32; v++) cr_assert_eq(histogram_quantile(h, (double)(v + 1) / 32), v);
    cr_assert_eq(h->sum, 31 * 16);
    free(h);
}

// Recorded beside a larger value, so that the maximum does not hide the bucket's edge.
static uint64_t edge_of(uint64_t value)
{
    struct histogram *h = histogram_make();
    histogram_record(h, value);
    histogram_record(h, (1ULL << 40) - 1);
    uint64_t edge = histogram_quantile(h, 0.5);
    free(h);
    return edge;
}

Test(histogram, every_value_is_within_one_part_in_32)
{
    struct rng r;
    rng_seed(&r, 1);
    for (int i = 0; i < 2000; i++) {
        uint64_t value = rng_next(&r) >> (24 + rng_below(&r, 40));
        uint64_t edge = edge_of(value);
        cr_assert_geq(edge, value);
        cr_assert_leq(edge - value, value / 32, "%lu is shown as %lu", value, edge);
    }
}

Test(histogram, buckets_meet_without_gap_at_every_power_of_two)
{
    for (int power = 5; power < 40; power++) {
        uint64_t value = 1ULL << power;
        cr_assert_eq(edge_of(value - 1), value - 1);
        cr_assert_geq(edge_of(value), value);
    }
}

Test(histogram, values_beyond_the_range_count_in_the_last_bucket)
{
    struct histogram *h = histogram_make();
    histogram_record(h, (1ULL << 40) - 1);
    histogram_record(h, 1ULL << 40);
    histogram_record(h, UINT64_MAX);
    cr_assert_eq(h->buckets[HISTOGRAM_BUCKETS - 1], 3);
    cr_assert_eq(histogram_quantile(h, 0.1), UINT64_MAX);
    cr_assert_eq(histogram_quantile(h, 1), UINT64_MAX);
    free(h);
}

Test(histogram, quantiles_of_a_thousand)
{
    struct histogram *h = histogram_make();
    for (uint64_t v = 1; v <= 1000; v++) histogram_record(h, v * 1000);
    uint64_t median = histogram_quantile(h, 0.5), p99 = histogram_quantile(h, 0.99);
    cr_assert(median >= 500000 && median <= 500000 * 33 / 32);
    cr_assert(p99 >= 990000 && p99 <= 1000000);
    cr_assert_eq(histogram_quantile(h, 1), 1000000);
    cr_assert_geq(histogram_quantile(h, 1e-9), 1000);
    cr_assert_leq(histogram_quantile(h, 1e-9), 1032);
    free(h);
}

Test(histogram, merge_adds_what_was_recorded_apart)
{
    struct histogram *a = histogram_make(), *b = histogram_make(), *both = histogram_make();
    for (uint64_t v = 0; v < 1000; v++) {
        histogram_record(v % 2 ? a : b, v * v);
        histogram_record(both, v * v);
    }
    histogram_record_n(a, 77, 5);
    for (int i = 0; i < 5; i++) histogram_record(both, 77);
    histogram_record_n(a, 1ULL << 50, 0);
    histogram_merge(a, b);
    cr_assert_eq(memcmp(a, both, sizeof(*a)), 0);
    histogram_reset(a);
    cr_assert_eq(a->count + a->max + a->sum + a->buckets[77], 0);
    free(a), free(b), free(both);
}
