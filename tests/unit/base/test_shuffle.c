#include "dataplane/base/shuffle.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include "dataplane/base/hash.h"

enum { COUNT_MAX = 3000 };

Test(shuffle, gives_every_number_once)
{
    struct rng rng;
    rng_seed(&rng, 1);
    for (uint64_t count = 0; count < COUNT_MAX; count = count * 2 + 1) {
        uint8_t seen[COUNT_MAX] = { 0 };
        struct shuffle s;
        uint64_t number, shown = 0;
        shuffle_init(&s, count, &rng);
        for (; shuffle_next(&s, &number); shown++) {
            cr_assert(lt(u64, number, count));
            cr_assert(eq(u8, seen[number]++, 0));
        }
        cr_expect(eq(u64, shown, count));
    }
}

// Each number comes first about as often: 100 of 100,000 drawn 1,000 times each on average; four
// standard deviations are 127.
Test(shuffle, prefers_no_number)
{
    enum { NUMBERS = 100, DRAWS = 100000 };
    uint32_t first[NUMBERS] = { 0 };
    struct rng rng;
    rng_seed(&rng, 2);
    for (uint32_t i = 0; i < DRAWS; i++) {
        struct shuffle s;
        uint64_t number;
        shuffle_init(&s, NUMBERS, &rng);
        cr_assert(shuffle_next(&s, &number));
        first[number]++;
    }
    for (uint32_t i = 0; i < NUMBERS; i++) {
        cr_expect(gt(u32, first[i], 1000 - 127));
        cr_expect(lt(u32, first[i], 1000 + 127));
    }
}
