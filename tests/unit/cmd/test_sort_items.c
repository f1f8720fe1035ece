#include "dataplane/cmd/sort_items.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include "dataplane/base/hash.h"

static struct sort_item of_text(const char *text, size_t size)
{
    return (struct sort_item){ .data = (const uint8_t *)text, .size = (uint32_t)size };
}

static int sign(int n) { return (n > 0) - (n < 0); }

Test(sort_items, compares_numbers_then_bytes)
{
    struct sort_order order = { .by = SORT_BY_SCORE, .ends_at_nul = true };
    struct sort_item a = of_text("1", 1), b = of_text("1.0", 3), c = of_text("1.0\0x", 5);
    a.score = b.score = c.score = 1;
    cr_expect(eq(int, sign(sort_compare(&order, &a, &b)), -1));
    cr_expect(eq(int, sign(sort_compare(&order, &c, &b)), 1)); // all bytes count here
    b.score = -1;
    cr_expect(eq(int, sign(sort_compare(&order, &a, &b)), 1));
    order.descends = true;
    cr_expect(eq(int, sign(sort_compare(&order, &a, &b)), -1));
    cr_expect(eq(int, sign(sort_compare(&order, &a, &a)), 0));
}

Test(sort_items, compares_texts_up_to_a_nul_when_asked_to)
{
    struct sort_order order = { .by = SORT_BY_TEXT };
    struct sort_item a = of_text("a\0b", 3), b = of_text("a\0c", 3), c = of_text("a", 1),
                     high = of_text("\xff", 1), empty = of_text(NULL, 0);
    cr_expect(eq(int, sign(sort_compare(&order, &a, &b)), -1));
    cr_expect(eq(int, sign(sort_compare(&order, &a, &c)), 1));
    cr_expect(eq(int, sign(sort_compare(&order, &high, &a)), 1));
    cr_expect(eq(int, sign(sort_compare(&order, &empty, &c)), -1));
    order.ends_at_nul = true;
    cr_expect(eq(int, sort_compare(&order, &a, &b), 0));
    cr_expect(eq(int, sort_compare(&order, &a, &c), 0));
}

Test(sort_items, puts_what_has_no_weight_first)
{
    static const uint8_t one[] = { 1, 0, 0, 0, 'x' }, none[] = { 0, 0, 0, 0 };
    struct sort_order order = { .by = SORT_BY_WEIGHT };
    struct sort_item a = of_text("a", 1), b = of_text("b", 1);
    a.weight = b.weight = NULL;
    cr_expect(eq(int, sort_compare(&order, &a, &b), 0));
    b.weight = none;
    cr_expect(eq(int, sign(sort_compare(&order, &a, &b)), -1));
    a.weight = one;
    cr_expect(eq(int, sign(sort_compare(&order, &a, &b)), 1));
}

// Every length around those where runs and passes end; few different scores, so that it shows
// whether equal ones keep their order.
Test(sort_items, sorts_any_number_of_items_and_keeps_equal_ones_in_order)
{
    static const uint64_t counts[] = { 0,  1,  2,  15, 16,  17,  31,  32,  33,
                                       47, 48, 63, 64, 100, 255, 256, 257, 5000 };
    struct rng rng;
    rng_seed(&rng, 9);
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        uint64_t count = counts[c];
        struct sort_item *items = calloc(count + 1, sizeof *items);
        struct sort_item *other = calloc(count + 1, sizeof *other);
        struct sort_order order = { .by = SORT_BY_WEIGHT, .descends = c % 2 };
        static const uint8_t weights[3][5] = { { 1, 0, 0, 0, 'a' },
                                               { 1, 0, 0, 0, 'b' },
                                               { 1, 0, 0, 0, 'c' } };
        for (uint64_t i = 0; i < count; i++)
            items[i] =
                (struct sort_item){ .weight = weights[rng_below(&rng, 3)], .number = (uint32_t)i };
        struct sort_merge m;
        sort_merge_begin(&m, &order, items, other, count);
        while (!sort_merge_step(&m)) continue;
        for (uint64_t i = 1; i < count; i++) {
            int way = sort_compare(&order, &m.items[i - 1], &m.items[i]);
            cr_assert(le(int, way, 0));
            cr_assert(way < 0 || m.items[i - 1].number < m.items[i].number);
        }
        free(items);
        free(other);
    }
}
