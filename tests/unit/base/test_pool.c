#include "dataplane/base/pool.h"
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

Test(pool, gives_each_object_once_and_then_none)
{
    struct pool p;
    cr_assert_eq(pool_open(&p, 100, 10), OK);
    cr_assert_eq(p.object_size, 128);
    void *taken[10];
    for (int i = 0; i < 10; i++) {
        taken[i] = pool_take(&p);
        cr_assert_not_null(taken[i]);
        cr_assert_eq((uintptr_t)taken[i] % 64, 0);
        memset(taken[i], i + 1, 100);
    }
    cr_assert_null(pool_take(&p));
    cr_assert_eq(p.free_count, 0);
    for (int i = 0; i < 10; i++) {
        for (int k = 0; k < 100; k++) cr_assert_eq(((char *)taken[i])[k], i + 1);
        pool_give(&p, taken[i]);
    }
    cr_assert_eq(p.free_count, 10);
    pool_close(&p);
}

Test(pool, serves_again_what_was_given_back_and_remembers_its_lowest)
{
    struct pool p;
    cr_assert_eq(pool_open(&p, 1, 3), OK);
    cr_assert_eq(p.free_min, 3);
    void *a = pool_take(&p), *b = pool_take(&p);
    pool_give(&p, a);
    pool_give(&p, b);
    cr_assert_eq(pool_take(&p), b);
    cr_assert_eq(p.free_min, 1);
    pool_close(&p);
}

Test(pool, refuses_what_cannot_be_had)
{
    struct pool p;
    cr_assert_eq(pool_open(&p, SIZE_MAX / 4, 1000), ERR_NO_SPACE);
#ifndef PENSTOCK_SLOW_CHECKS // AddressSanitizer stops at such a size before we see its answer
    cr_assert_eq(pool_open(&p, 1ULL << 40, 1 << 20), ERR_NO_SPACE);
#endif
}

Test(pool, an_object_of_others_is_refused, .signal = SIGABRT)
{
    struct pool p;
    cr_assert_eq(pool_open(&p, 64, 2), OK);
    char *object = pool_take(&p);
    pool_give(&p, object + 8);
}

Test(pool, more_than_was_taken_is_refused, .signal = SIGABRT)
{
    struct pool p;
    cr_assert_eq(pool_open(&p, 64, 2), OK);
    void *object = pool_take(&p);
    pool_give(&p, object);
    pool_give(&p, object);
}
