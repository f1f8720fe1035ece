#include "dataplane/cmd/shuffle.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

Test(shuffle, gives_each_number_once)
{
    static const uint64_t counts[] = { 0, 1, 2, 3, 4, 5, 16, 17, 1000, 4096, 4097, 100000 };
    struct rng rng;
    rng_seed(&rng, 3);
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        uint8_t *seen = calloc(counts[c] + 1, 1);
        struct shuffle s;
        uint64_t number, turns = 0;
        shuffle_init(&s, counts[c], &rng);
        for (; shuffle_next(&s, &number); turns++) {
            cr_assert(lt(u64, number, counts[c]));
            cr_assert(not(seen[number]++));
        }
        cr_expect(eq(u64, turns, counts[c]));
        free(seen);
    }
}

Test(shuffle, reaches_numbers_beyond_32_bits)
{
    struct shuffle s;
    struct rng rng;
    uint64_t number;
    rng_seed(&rng, 4);
    shuffle_init(&s, UINT64_MAX, &rng);
    for (int i = 0; i < 1000; i++) {
        cr_assert(shuffle_next(&s, &number));
        if (number >> 62) return;
    }
    cr_assert(false);
}

// Each of 10 numbers is the first of 10000 orders 1000 times but for 5 sigma (150); so is each pair
// of the first two (111 but for 53).
Test(shuffle, prefers_no_number_and_no_pair)
{
    struct rng rng;
    uint32_t first[10] = { 0 }, pairs[10][10] = { { 0 } };
    rng_seed(&rng, 5);
    for (int i = 0; i < 10000; i++) {
        struct shuffle s;
        uint64_t a = 0, b = 0;
        shuffle_init(&s, 10, &rng);
        shuffle_next(&s, &a);
        shuffle_next(&s, &b);
        first[a]++;
        pairs[a][b]++;
    }
    for (int a = 0; a < 10; a++) {
        cr_expect(850 < first[a] && first[a] < 1150, "%d: %u", a, first[a]);
        for (int b = 0; b < 10; b++)
            cr_expect(a == b ? pairs[a][b] == 0 : 58 < pairs[a][b] && pairs[a][b] < 165,
                      "%d %d: %u", a, b, pairs[a][b]);
    }
}
