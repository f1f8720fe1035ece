#include "dataplane/types/intset.h"
#include <signal.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

enum { ROOM = 4096 };
struct set {
    uint8_t bytes[ROOM];
    size_t size;
};

static struct bytes of(const struct set *s) { return bytes_make(s->bytes, s->size); }

static void start(struct set *s)
{
    memset(s, 0, sizeof *s);
    intset_init(s->bytes, INTSET_WIDTH_MIN);
    s->size = INTSET_HEAD;
}

static bool add(struct set *s, int64_t value)
{
    uint32_t index;
    if (intset_find(of(s), value, &index)) return false;
    s->size = intset_bytes_with(of(s), value);
    cr_assert(le(sz, s->size, ROOM));
    intset_insert(s->bytes, index, value);
    return true;
}

static bool take(struct set *s, int64_t value)
{
    uint32_t index;
    if (!intset_find(of(s), value, &index)) return false;
    intset_remove(s->bytes, index);
    s->size -= intset_width(of(s));
    return true;
}

static void expect(const struct set *s, uint32_t width, const int64_t *values, uint32_t count)
{
    cr_expect(eq(u32, intset_width(of(s)), width));
    cr_assert(eq(u32, intset_count(of(s)), count));
    cr_expect(eq(sz, s->size, intset_bytes(width, count)));
    for (uint32_t i = 0; i < count; i++) cr_expect(eq(i64, intset_at(of(s), i), values[i]));
}
#define EXPECT_SET(s, width, ...)                                                                  \
    do {                                                                                           \
        const int64_t values_[] = { __VA_ARGS__ };                                                 \
        expect((s), (width), values_, sizeof values_ / sizeof values_[0]);                         \
    } while (0)

// DUMP of Redis 7.0 after SADD k 1 2 3: 0b 0e 02000000 03000000 0100 0200 0300.
Test(intset, has_the_bytes_of_redis)
{
    static const uint8_t want[] = { 2, 0, 0, 0, 3, 0, 0, 0, 1, 0, 2, 0, 3, 0 };
    struct set s;
    start(&s);
    add(&s, 3);
    add(&s, 1);
    add(&s, 2);
    cr_assert(eq(sz, s.size, sizeof want));
    cr_expect(eq(int, memcmp(s.bytes, want, sizeof want), 0));
}

Test(intset, keeps_numbers_sorted_and_once)
{
    struct set s;
    start(&s);
    cr_expect(add(&s, 5));
    cr_expect(add(&s, -5));
    cr_expect(add(&s, 0));
    cr_expect(not(add(&s, 5)));
    cr_expect(not(add(&s, -5)));
    EXPECT_SET(&s, 2, -5, 0, 5);
}

Test(intset, widens_at_either_end)
{
    struct set s;
    start(&s);
    add(&s, 1);
    add(&s, INT16_MAX);
    add(&s, INT16_MIN);
    EXPECT_SET(&s, 2, INT16_MIN, 1, INT16_MAX);
    cr_expect(add(&s, INT16_MAX + 1));
    EXPECT_SET(&s, 4, INT16_MIN, 1, INT16_MAX, INT16_MAX + 1);
    cr_expect(add(&s, (int64_t)INT32_MIN - 1));
    EXPECT_SET(&s, 8, (int64_t)INT32_MIN - 1, INT16_MIN, 1, INT16_MAX, INT16_MAX + 1);
    cr_expect(add(&s, INT64_MAX));
    cr_expect(add(&s, INT64_MIN));
    EXPECT_SET(&s, 8, INT64_MIN, (int64_t)INT32_MIN - 1, INT16_MIN, 1, INT16_MAX, INT16_MAX + 1,
               INT64_MAX);
}

Test(intset, widens_by_two_steps_below)
{
    struct set s;
    start(&s);
    add(&s, 7);
    add(&s, 8);
    cr_expect(add(&s, INT64_MIN));
    EXPECT_SET(&s, 8, INT64_MIN, 7, 8);
}

Test(intset, never_narrows)
{
    struct set s;
    start(&s);
    add(&s, 100000);
    add(&s, 1);
    cr_expect(take(&s, 100000));
    EXPECT_SET(&s, 4, 1);
    cr_expect(take(&s, 1));
    cr_expect(eq(sz, s.size, INTSET_HEAD));
}

Test(intset, finds_nothing_that_is_wider_than_all)
{
    struct set s;
    start(&s);
    add(&s, 1);
    uint32_t index;
    cr_expect(not(intset_find(of(&s), 1 << 20, &index)));
    cr_expect(eq(u32, index, 1));
    cr_expect(not(intset_find(of(&s), -(1 << 20), &index)));
    cr_expect(eq(u32, index, 0));
    cr_expect(not(take(&s, 1 << 20)));
}

Test(intset, removes_from_every_place)
{
    struct set s;
    start(&s);
    for (int64_t v = 1; v <= 5; v++) add(&s, v);
    cr_expect(take(&s, 1));
    EXPECT_SET(&s, 2, 2, 3, 4, 5);
    cr_expect(take(&s, 5));
    cr_expect(take(&s, 3));
    EXPECT_SET(&s, 2, 2, 4);
    cr_expect(not(take(&s, 3)));
}

Test(intset, refuses_an_index_beyond_its_end, .signal = SIGABRT)
{
    struct set s;
    start(&s);
    add(&s, 1);
    intset_at(of(&s), 1);
}
