#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include "dataplane/base/check.h"
#include "dataplane/base/hash.h"
#include "storage/aof/number_runs.h"

enum { NUMBERS = 200 };

// Against a field of flags; the runs have to be as few as there can be.
Test(number_runs, holds_what_was_added_in_any_order)
{
    struct heap heap;
    struct rng rng;
    cr_assert_eq(heap_open(&heap), OK);
    for (uint64_t seed = 0; seed < 300; seed++) {
        bool has[NUMBERS + 2] = { false };
        struct number_runs runs;
        uint64_t base = seed % 3 ? 0 : UINT64_MAX - NUMBERS + 1; // up to the last number
        rng_seed(&rng, seed);
        number_runs_init(&runs, &heap);
        for (uint64_t i = rng_below(&rng, 2 * NUMBERS); i > 0; i--) {
            uint64_t number = rng_below(&rng, NUMBERS);
            cr_assert_eq(number_runs_has(&runs, base + number), has[number], "seed %lu", seed);
            if (!has[number]) number_runs_add(&runs, base + number);
            has[number] = true;
        }
        size_t count = 0;
        for (uint64_t i = 0; i < NUMBERS; i++) {
            cr_assert_eq(number_runs_has(&runs, base + i), has[i], "seed %lu: %lu", seed, i);
            count += has[i] && !has[i + 1];
        }
        cr_assert_eq(runs.count, count, "seed %lu: %zu runs", seed, runs.count);
        number_runs_close(&runs);
    }
    CHECK(heap.bytes_total == 0);
    heap_close(&heap);
}

Test(number_runs, keeps_a_counter_as_one_run)
{
    struct heap heap;
    struct number_runs runs;
    cr_assert_eq(heap_open(&heap), OK);
    number_runs_init(&runs, &heap);
    for (uint64_t i = 1; i <= 100000; i++) number_runs_add(&runs, i);
    cr_expect_eq(runs.count, 1);
    number_runs_close(&runs);
    heap_close(&heap);
}

Test(number_runs, refuses_one_that_it_has, .signal = SIGABRT)
{
    struct heap heap;
    struct number_runs runs;
    cr_assert_eq(heap_open(&heap), OK);
    number_runs_init(&runs, &heap);
    number_runs_add(&runs, 7);
    number_runs_add(&runs, 7);
}
