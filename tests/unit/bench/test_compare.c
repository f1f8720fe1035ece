#include "tools/bench/compare.h"
#include <criterion/criterion.h>

Test(compare, median_is_the_middle)
{
    double odd[] = { 3, 1, 2 }, even[] = { 4, 1, 3, 2 }, one[] = { 7 };
    cr_expect_eq(compare_median(odd, 3), 2);
    cr_expect_eq(compare_median(even, 4), 2.5);
    cr_expect_eq(compare_median(one, 1), 7);
    cr_expect_eq(compare_median(one, 0), 0);
}

Test(compare, one_outlier_does_not_move_the_median)
{
    double values[] = { 100, 101, 99, 100, 100000 };
    cr_expect_eq(compare_median(values, 5), 100);
}
