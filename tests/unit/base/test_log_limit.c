#include "dataplane/base/log_limit.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#define MS 1000000ull

enum { PER_SECOND = 3 };

// How many of count lines at now_ns were let through.
static uint32_t try_lines(struct log_limit *l, uint64_t now_ns, uint32_t count)
{
    uint32_t admitted = 0;
    for (uint32_t i = 0; i < count; i++) admitted += log_limit_admits(l, now_ns, PER_SECOND);
    return admitted;
}

Test(log_limit, lets_the_first_lines_of_a_second_through)
{
    struct log_limit l = { 0 };
    cr_expect(eq(u32, try_lines(&l, 500 * MS, 2), 2));
    cr_expect(eq(u32, try_lines(&l, 900 * MS, 2), 1));
    cr_expect(eq(u32, try_lines(&l, 1499 * MS, 10), 0), "a second since the first");
    cr_expect(eq(u32, try_lines(&l, 1500 * MS, 10), 3));
    cr_expect(eq(u32, try_lines(&l, 90000 * MS, 10), 3));
}

Test(log_limit, tells_once_how_many_were_left_out_when_the_second_is_over)
{
    struct log_limit l = { 0 };
    try_lines(&l, 500 * MS, 10);
    cr_expect(eq(u64, log_limit_take_left_out(&l, 1499 * MS), 0));
    cr_expect(eq(u64, log_limit_take_left_out(&l, 1500 * MS), 7));
    cr_expect(eq(u64, log_limit_take_left_out(&l, 9000 * MS), 0));
    try_lines(&l, 9000 * MS, 4);
    cr_expect(eq(u64, log_limit_take_left_out(&l, 10000 * MS), 1));
}

Test(log_limit, keeps_the_count_when_the_next_second_begins_first)
{
    struct log_limit l = { 0 };
    try_lines(&l, 0, 10);
    try_lines(&l, 1200 * MS, 5);
    cr_expect(eq(u64, log_limit_take_left_out(&l, 1300 * MS), 0));
    cr_expect(eq(u64, log_limit_take_left_out(&l, 2200 * MS), 9));
}

Test(log_limit, has_nothing_to_tell_when_lines_are_rare)
{
    struct log_limit l = { 0 };
    for (uint64_t s = 0; s < 100; s++) {
        cr_expect(log_limit_admits(&l, s * 400 * MS, PER_SECOND));
        cr_expect(eq(u64, log_limit_take_left_out(&l, s * 400 * MS), 0));
    }
}
