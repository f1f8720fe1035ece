#include "tools/bench/sizes.h"
#include <criterion/criterion.h>

Test(sizes, one_size_is_always_that)
{
    struct sizes s;
    struct rng rng;
    rng_seed(&rng, 1);
    cr_assert_eq(sizes_parse(&s, "64"), OK);
    for (int i = 0; i < 10; i++) cr_expect_eq(sizes_next(&s, &rng), 64);
}

Test(sizes, a_range_reaches_both_ends_and_no_further)
{
    struct sizes s;
    struct rng rng;
    uint32_t seen[8] = { 0 };
    rng_seed(&rng, 1);
    cr_assert_eq(sizes_parse(&s, "3:6"), OK);
    for (int i = 0; i < 4000; i++) seen[sizes_next(&s, &rng)]++;
    for (uint32_t i = 0; i < 8; i++)
        cr_expect(i >= 3 && i <= 6 ? seen[i] > 800 && seen[i] < 1200 : seen[i] == 0, "%u: %u", i,
                  seen[i]);
}

Test(sizes, a_list_follows_its_weights)
{
    struct sizes s;
    struct rng rng;
    uint32_t small = 0, large = 0;
    rng_seed(&rng, 1);
    cr_assert_eq(sizes_parse(&s, "10*9,1000,7*0"), OK);
    cr_expect_eq(s.min, 10); // a weight of nothing never comes
    cr_expect_eq(s.max, 1000);
    for (int i = 0; i < 10000; i++) {
        uint32_t size = sizes_next(&s, &rng);
        small += size == 10;
        large += size == 1000;
    }
    cr_expect_eq(small + large, 10000);
    cr_expect(large > 900 && large < 1100);
}

Test(sizes, refuses_what_is_malformed_or_out_of_range)
{
    static const char *const wrong[] = {
        "",   "x",    "64x",       "6:3",
        "1:", ":5",   "1:2:3",     "1,",
        ",1", "5*",   "5*0",       "5**2",
        "-1", "1 ,2", "536870913", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"
    };
    struct sizes s;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect_eq(sizes_parse(&s, wrong[i]), ERR_PEER, "%s", wrong[i]);
    cr_expect_eq(sizes_parse(&s, "536870912"), OK);
    cr_expect_eq(sizes_parse(&s, "0"), OK);
    cr_expect_eq(sizes_parse(&s, "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16"), OK);
}
