#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include "dataplane/keyspace/index.h"

// Items are their own hashes: a test says where in hash space each lies.
struct item {
    uint64_t hash;
    uint32_t id;
    uint32_t seen;
};

static uint64_t hash_of(const void *context, const void *item)
{
    return ((const struct item *)item)->hash;
}
static bool has_id(const void *item, const void *key)
{
    return ((const struct item *)item)->id == *(const uint32_t *)key;
}
static void count_visit(void *context, void *item) { ((struct item *)item)->seen++; }
static void count_given(void *context, void *item) { ++*(uint32_t *)context; }

static struct heap heap;
static struct index x;

static void open_index(void)
{
    cr_assert(eq(int, heap_open(&heap), OK));
    index_init(&x, &heap, hash_of, NULL);
}

static void close_index(void)
{
    uint32_t given = 0;
    while (x.root) index_drain(&x, 1000, count_given, &given);
    cr_expect(eq(u64, x.count, 0));
    cr_expect(eq(u64, x.directory_bytes, 0));
    cr_expect(eq(u64, heap.bytes[HEAP_TABLES], 0));
    heap_close(&heap);
}
// A test between open and close. Not a .fini: what fails there is printed, but counts as passed.
#define INDEX_TEST(name)                                                                           \
    static void index_##name(void);                                                                \
    Test(index, name)                                                                              \
    {                                                                                              \
        open_index();                                                                              \
        index_##name();                                                                            \
        close_index();                                                                             \
    }                                                                                              \
    static void index_##name(void)

static struct item *make_items(uint32_t count, uint64_t seed)
{
    struct item *items = calloc(count, sizeof *items);
    struct rng rng;
    rng_seed(&rng, seed);
    for (uint32_t i = 0; i < count; i++) items[i] = (struct item){ rng_next(&rng), i, 0 };
    return items;
}

static struct item *find(const struct item *it)
{
    return index_find(&x, it->hash, has_id, &it->id);
}

static void insert_all(struct item *items, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) index_insert(&x, items[i].hash, &items[i]);
}

static void scan_all(void)
{
    uint64_t cursor = 0, steps = 0;
    do {
        cursor = index_scan(&x, cursor, count_visit, NULL);
        cr_assert(lt(u64, steps++, 10000000));
    } while (cursor);
}

INDEX_TEST(costs_nothing_while_empty)
{
    struct item none = { 1, 1, 0 };
    struct rng rng;
    rng_seed(&rng, 1);
    cr_expect(eq(u64, index_memory_bytes(&x), 0));
    cr_expect(eq(ptr, find(&none), NULL));
    cr_expect(not(index_remove(&x, 1, &none)));
    cr_expect(eq(u64, index_scan(&x, 0, count_visit, NULL), 0));
    cr_expect(eq(u64, index_scan(&x, UINT64_MAX, count_visit, NULL), 0));
    cr_expect(eq(ptr, index_random(&x, &rng), NULL));
    index_prefetch_bucket(&x, 5);
    index_prefetch_item(&x, 5);
}

INDEX_TEST(finds_what_it_holds_and_nothing_else_through_growth_and_decay)
{
    enum { COUNT = 60000 };
    struct item *items = make_items(COUNT, 11);
    for (uint32_t i = 0; i < COUNT; i++) {
        cr_assert(eq(ptr, find(&items[i]), NULL));
        index_insert(&x, items[i].hash, &items[i]);
        if (i % 5000 == 0) index_check(&x);
    }
    index_check(&x);
    cr_expect(gt(u32, x.segment_count, 100));
    for (uint32_t i = 0; i < COUNT; i++) cr_assert(eq(ptr, find(&items[i]), &items[i]));
    for (uint32_t i = 0; i < COUNT; i++) {
        cr_assert(index_remove(&x, items[i].hash, &items[i]));
        cr_assert(not(index_remove(&x, items[i].hash, &items[i])));
        cr_assert(eq(ptr, find(&items[i]), NULL));
        if (i % 5000 == 0) index_check(&x);
    }
    // Merging gave everything back but one segment and its directory of one word twice.
    cr_expect(eq(u32, x.segment_count, 1));
    cr_expect(eq(u32, x.depth, 0));
    cr_expect(eq(u64, x.directory_bytes, 16));
    index_check(&x);
    free(items);
}

INDEX_TEST(keeps_its_promise_of_memory_per_item)
{
    enum { COUNT = 200000 };
    struct item *items = make_items(COUNT, 12);
    insert_all(items, COUNT);
    // Between 250 and 500 items in 5120 bytes, whatever the moment.
    cr_expect(le(dbl, (double)index_memory_bytes(&x) / COUNT, 21.0));
    cr_expect(eq(u64, index_memory_bytes(&x), heap.bytes[HEAP_TABLES]));
    free(items);
}

INDEX_TEST(tells_apart_items_with_the_same_fingerprint)
{
    enum { COUNT = 5000 };
    struct item *items = make_items(COUNT, 13);
    for (uint32_t i = 0; i < COUNT; i++) items[i].hash = (items[i].hash & ~0xffffull) | 0xabcd;
    insert_all(items, COUNT);
    index_check(&x);
    for (uint32_t i = 0; i < COUNT; i++) cr_assert(eq(ptr, find(&items[i]), &items[i]));
    uint32_t absent = COUNT;
    cr_expect(eq(ptr, index_find(&x, items[0].hash, has_id, &absent), NULL));
    free(items);
}

INDEX_TEST(holds_a_zero_fingerprint)
{
    struct item items[20];
    for (uint32_t i = 0; i < 20; i++) {
        items[i] = (struct item){ (uint64_t)i << 40, i, 0 };
        index_insert(&x, items[i].hash, &items[i]);
    }
    for (uint32_t i = 0; i < 20; i++) cr_expect(eq(ptr, find(&items[i]), &items[i]));
}

// 112 items of the very same hash are what one segment can take: 7 at home, 105 in the stash.
INDEX_TEST(holds_as_many_equal_hashes_as_home_and_stash_have_slots)
{
    enum { SAME = INDEX_SLOTS * (1 + INDEX_STASHES) };
    struct item items[SAME];
    for (uint32_t i = 0; i < SAME; i++) items[i] = (struct item){ 0x123456789abcdef0, i, 0 };
    insert_all(items, SAME);
    index_check(&x);
    cr_expect(eq(u64, x.stash_count, SAME - INDEX_SLOTS));
    cr_expect(eq(u32, x.segment_count, 1));
    scan_all();
    for (uint32_t i = 0; i < SAME; i++) {
        cr_expect(eq(ptr, find(&items[i]), &items[i]));
        cr_expect(eq(u32, items[i].seen, 1));
    }
    for (uint32_t i = 0; i < SAME; i++) {
        cr_assert(index_remove(&x, items[i].hash, &items[i]));
        index_check(&x);
        for (uint32_t j = i + 1; j < SAME; j++) cr_assert(eq(ptr, find(&items[j]), &items[j]));
    }
}

// Hashes that agree in many leading bits: one path splits deep, the rest of hash space stays one
// segment per level, and the directory follows only where it must.
INDEX_TEST(splits_deep_along_one_path_with_little_memory)
{
    enum { COUNT = 2000 };
    struct item *items = make_items(COUNT, 14);
    for (uint32_t i = 0; i < COUNT; i++)
        items[i].hash = 0xdeadb00000000000ull | (items[i].hash >> 20);
    insert_all(items, COUNT);
    index_check(&x);
    cr_expect(gt(u32, x.depth, 20));
    cr_expect(lt(u64, x.directory_bytes, 4ull << 20));
    scan_all();
    for (uint32_t i = 0; i < COUNT; i++) {
        cr_assert(eq(ptr, find(&items[i]), &items[i]));
        cr_assert(eq(u32, items[i].seen, 1));
    }
    struct rng rng;
    rng_seed(&rng, 3);
    for (uint32_t i = 0; i < 50; i++) cr_expect(ne(ptr, index_random(&x, &rng), NULL));
    for (uint32_t i = 0; i < COUNT; i++) {
        cr_assert(index_remove(&x, items[i].hash, &items[i]));
        if (i % 100 == 0) index_check(&x);
    }
    index_check(&x);
    cr_expect(eq(u64, x.count, 0));
    free(items);
}

INDEX_TEST(follows_an_item_that_moves)
{
    enum { COUNT = 3000 };
    struct item *items = make_items(COUNT, 15), *moved = calloc(COUNT, sizeof *moved);
    insert_all(items, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        moved[i] = items[i];
        index_replace(&x, items[i].hash, &items[i], &moved[i]);
    }
    index_check(&x);
    for (uint32_t i = 0; i < COUNT; i++) cr_assert(eq(ptr, find(&items[i]), &moved[i]));
    free(items);
    for (uint32_t i = 0; i < COUNT; i++) index_remove(&x, moved[i].hash, &moved[i]);
    free(moved);
}

INDEX_TEST(shows_each_item_once_to_a_scan_of_a_still_table)
{
    enum { COUNT = 30000 };
    struct item *items = make_items(COUNT, 16);
    insert_all(items, COUNT);
    scan_all();
    for (uint32_t i = 0; i < COUNT; i++) cr_assert(eq(u32, items[i].seen, 1));
    free(items);
}

// What is there from first to last is shown, while others come (splits) and go (merges).
static void scan_while_changing(uint32_t first_others, bool growing, uint64_t seed)
{
    enum { STAY = 3000, OTHERS = 40000 };
    struct item *stay = make_items(STAY, seed), *others = make_items(OTHERS, seed + 1);
    insert_all(stay, STAY);
    insert_all(others, first_others);
    uint32_t at = first_others, steps = 0;
    uint64_t cursor = 0, last = 0;
    do {
        cursor = index_scan(&x, cursor, count_visit, NULL);
        cr_assert(cursor == 0 || cursor > last, "a cursor only goes forward");
        last = cursor;
        for (uint32_t i = 0; i < 20; i++) {
            if (growing && at < OTHERS) index_insert(&x, others[at].hash, &others[at]), at++;
            if (!growing && at > 0) at--, index_remove(&x, others[at].hash, &others[at]);
        }
        cr_assert(lt(u32, steps++, 1000000));
    } while (cursor);
    index_check(&x);
    for (uint32_t i = 0; i < STAY; i++) cr_assert(gt(u32, stay[i].seen, 0));
    uint32_t given = 0;
    while (x.root) index_drain(&x, 1000, count_given, &given);
    free(stay);
    free(others);
}
INDEX_TEST(shows_everything_that_stays_to_a_scan_while_segments_split)
{
    scan_while_changing(0, true, 17);
}
INDEX_TEST(shows_everything_that_stays_to_a_scan_while_segments_merge)
{
    scan_while_changing(40000, false, 18);
}

INDEX_TEST(ends_a_scan_from_any_cursor)
{
    struct item *items = make_items(2000, 19);
    struct rng rng;
    insert_all(items, 2000);
    rng_seed(&rng, 20);
    for (uint32_t i = 0; i < 200; i++) {
        uint64_t cursor = i ? rng_next(&rng) : UINT64_MAX;
        uint32_t steps = 0;
        do {
            cursor = index_scan(&x, cursor, count_visit, NULL);
            cr_assert(lt(u64, cursor, 1ull << INDEX_CURSOR_BITS));
        } while (cursor && ++steps < 100000);
        cr_expect(eq(u64, cursor, 0));
    }
    free(items);
}

// Chi-square over items of which half lie in 1/8 of hash space, so that depths differ: with 999
// degrees of freedom the statistic is 999 +- 45 (one sigma).
INDEX_TEST(draws_every_item_with_the_same_probability)
{
    enum { COUNT = 1000, DRAWS = 200000 };
    struct item *items = make_items(COUNT, 21);
    struct rng rng;
    for (uint32_t i = 0; i < COUNT / 2; i++) items[i].hash >>= 3;
    insert_all(items, COUNT);
    cr_assert(gt(u32, x.depth, 1));
    rng_seed(&rng, 22);
    for (uint32_t i = 0; i < DRAWS; i++) ((struct item *)index_random(&x, &rng))->seen++;
    double chi = 0, expected = (double)DRAWS / COUNT;
    for (uint32_t i = 0; i < COUNT; i++)
        chi += (items[i].seen - expected) * (items[i].seen - expected) / expected;
    cr_expect(lt(dbl, chi, 999 + 5 * 45.0));
    cr_expect(gt(dbl, chi, 999 - 5 * 45.0));
    free(items);
}

INDEX_TEST(drains_within_its_budget_and_gives_each_item_once)
{
    enum { COUNT = 20000 };
    for (uint32_t budget = 1; budget <= 10000; budget = budget * 10) {
        struct item *items = make_items(COUNT, budget);
        insert_all(items, COUNT);
        while (x.root) {
            uint64_t before = x.count;
            uint32_t done = index_drain(&x, budget, count_visit, NULL);
            cr_assert(le(u32, done, budget));
            cr_assert(gt(u32, done, 0));
            cr_assert(le(u64, before - x.count, done));
        }
        for (uint32_t i = 0; i < COUNT; i++) cr_assert(eq(u32, items[i].seen, 1));
        cr_expect(eq(u64, heap.bytes[HEAP_TABLES], 0));
        free(items);
    }
}

INDEX_TEST(agrees_with_a_model_under_random_changes)
{
    enum { COUNT = 8000, STEPS = 300000 };
    struct item *items = make_items(COUNT, 23);
    bool *there = calloc(COUNT, sizeof *there);
    struct rng rng;
    rng_seed(&rng, 24);
    uint64_t count = 0;
    for (uint32_t step = 0; step < STEPS; step++) {
        // Tides: mostly inserts for a while, then mostly removals.
        bool rising = step / 20000 % 2 == 0;
        struct item *it = &items[rng_below(&rng, COUNT)];
        cr_assert(eq(int, find(it) != NULL, there[it->id]));
        bool insert = rng_below(&rng, 10) < (rising ? 8 : 2);
        if (insert && !there[it->id]) {
            index_insert(&x, it->hash, it);
            there[it->id] = true;
            count++;
        } else if (!insert && there[it->id]) {
            cr_assert(index_remove(&x, it->hash, it));
            there[it->id] = false;
            count--;
        }
        cr_assert(eq(u64, x.count, count));
        if (step % 10000 == 0) index_check(&x);
    }
    free(items);
    free(there);
    uint32_t given = 0;
    while (x.root) index_drain(&x, 1000, count_given, &given);
}

// ---- room ahead

static uint64_t reserve(uint64_t items)
{
    uint64_t position = 0, steps = 1;
    while (!index_reserve_step(&x, items, &position)) cr_assert(lt(u64, steps++, 10000000));
    return steps;
}

INDEX_TEST(splits_nothing_for_items_that_room_was_reserved_for)
{
    struct item *items = make_items(25000, 7);
    cr_expect(eq(u64, reserve(25000), 2 * 64 - 1)); // 63 splits, 64 looks
    cr_expect(eq(u32, x.segment_count, 64));
    index_check(&x);
    insert_all(items, 25000);
    cr_expect(eq(u32, x.segment_count, 64));
    index_check(&x);
    for (uint32_t i = 0; i < 25000; i++) cr_assert(eq(ptr, find(&items[i]), &items[i]));
    cr_expect(eq(u64, reserve(25000), 64), "there is nothing to split any more");
    cr_expect(eq(u32, x.segment_count, 64));
    free(items);
}

INDEX_TEST(reserves_among_items_that_come_meanwhile)
{
    struct item *items = make_items(9000, 8);
    uint64_t position = 0;
    uint32_t count = 3000;
    insert_all(items, count);
    for (; !index_reserve_step(&x, 100000, &position); count++)
        if (count < 9000) index_insert(&x, items[count].hash, &items[count]);
    if (count > 9000) count = 9000;
    cr_expect(eq(u32, x.segment_count, 256));
    index_check(&x);
    for (uint32_t i = 0; i < count; i++) cr_assert(eq(ptr, find(&items[i]), &items[i]));
    free(items);
}

INDEX_TEST(reserves_nothing_for_what_a_segment_holds)
{
    cr_expect(eq(u64, reserve(INDEX_HOMES * INDEX_SLOTS), 1));
    cr_expect(eq(ptr, x.root, NULL));
}
