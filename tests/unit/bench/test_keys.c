#include "tools/bench/keys.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

Test(keys, refuses_counts_and_thetas_out_of_range)
{
    struct keys k;
    cr_expect_eq(keys_init(&k, 0, 0), ERR_NO_SPACE);
    cr_expect_eq(keys_init(&k, (uint64_t)KEYS_COUNT_MAX + 1, 0), ERR_NO_SPACE);
    cr_expect_eq(keys_init(&k, 10, 1), ERR_NO_SPACE);
    cr_expect_eq(keys_init(&k, 10, -0.5), ERR_NO_SPACE);
    cr_expect_eq(keys_init(&k, 10, NAN), ERR_NO_SPACE);
    cr_expect_eq(keys_init(&k, KEYS_COUNT_MAX, 0), OK);
}

Test(keys, uniform_keys_come_alike_often)
{
    enum { COUNT = 10, DRAWS = 100000 };
    struct keys k;
    struct rng rng;
    uint32_t seen[COUNT] = { 0 };
    rng_seed(&rng, 7);
    cr_assert_eq(keys_init(&k, COUNT, 0), OK);
    for (uint32_t i = 0; i < DRAWS; i++) seen[keys_next(&k, &rng)]++; // also: none out of range
    for (uint32_t i = 0; i < COUNT; i++)
        cr_expect(seen[i] > DRAWS / COUNT * 9 / 10 && seen[i] < DRAWS / COUNT * 11 / 10, "%u: %u",
                  i, seen[i]);
}

// The probability of rank r is (1/(r+1))^theta / zeta(n, theta).
Test(keys, zipf_ranks_have_their_share)
{
    enum { COUNT = 1000, DRAWS = 400000 };
    struct keys k;
    struct rng rng;
    double zeta = 0;
    uint32_t *seen = calloc(COUNT, sizeof *seen);
    rng_seed(&rng, 7);
    cr_assert_eq(keys_init(&k, COUNT, 0.99), OK);
    for (uint32_t i = 0; i < DRAWS; i++) seen[keys_next(&k, &rng)]++;
    for (uint32_t i = 1; i <= COUNT; i++) zeta += pow(i, -0.99);
    for (uint32_t rank = 0; rank < 2; rank++) { // exact in Gray's method; the rest is approximate
        double wanted = DRAWS * pow(rank + 1, -0.99) / zeta;
        double got = seen[keys_of_rank(&k, rank)];
        cr_expect(fabs(got - wanted) < wanted * 0.05, "rank %u: %.0f, not %.0f", rank, got, wanted);
    }
    double top = 0, wanted_top = 0;
    for (uint32_t rank = 0; rank < 100; rank++) {
        top += seen[keys_of_rank(&k, rank)];
        wanted_top += DRAWS * pow(rank + 1, -0.99) / zeta;
    }
    cr_expect(fabs(top - wanted_top) < wanted_top * 0.05);
    free(seen);
}

Test(keys, every_rank_has_a_key_of_its_own)
{
    static const uint32_t counts[] = { 1, 2, 3, 4, 5, 6, 10, 100, 617, 618, 1000, 4096 };
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        struct keys k;
        uint8_t *seen = calloc(counts[c], 1);
        cr_assert_eq(keys_init(&k, counts[c], 0.5), OK);
        for (uint32_t rank = 0; rank < counts[c]; rank++) {
            uint32_t key = keys_of_rank(&k, rank);
            cr_assert_lt(key, counts[c]);
            cr_expect_eq(seen[key]++, 0, "%u keys, rank %u", counts[c], rank);
        }
        free(seen);
    }
}

Test(keys, tiny_zipf_ranges_stay_inside)
{
    for (uint64_t count = 1; count < 5; count++) {
        struct keys k;
        struct rng rng;
        rng_seed(&rng, count);
        cr_assert_eq(keys_init(&k, count, 0.99), OK);
        for (uint32_t i = 0; i < 1000; i++) cr_assert_lt(keys_next(&k, &rng), count);
    }
}

Test(keys, digits_are_those_of_the_last_index)
{
    cr_expect_eq(keys_digits(1), 1);
    cr_expect_eq(keys_digits(10), 1);
    cr_expect_eq(keys_digits(11), 2);
    cr_expect_eq(keys_digits(100), 2);
    cr_expect_eq(keys_digits(101), 3);
    cr_expect_eq(keys_digits(KEYS_COUNT_MAX), 9);
}

Test(keys, format_pads_with_zeros_and_writes_no_more)
{
    uint8_t out[12];
    memset(out, '.', sizeof out);
    keys_format(out + 1, 9, 1234567);
    cr_expect_eq(memcmp(out, ".001234567..", 12), 0);
    keys_format(out, 1, 7);
    cr_expect_eq(memcmp(out, "7001234567", 10), 0);
    keys_format(out, 2, 7);
    cr_expect_eq(memcmp(out, "0701234567", 10), 0);
}
