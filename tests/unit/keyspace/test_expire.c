#include "keyspace_fixture.h"

static struct entry *set_numbered(uint32_t db, uint32_t i, uint64_t deadline_ms, uint64_t now_ms)
{
    char name[32];
    snprintf(name, sizeof name, "key:%u", i);
    struct key key = named(name);
    return string_set(k, db, &key, BYTES_LITERAL("value"), NULL, deadline_ms, 0, now_ms);
}
static void expire_all_due(uint64_t now_ms)
{
    while (keyspace_expire_step(k, now_ms, 100) == 100) {
    }
}

struct told {
    uint32_t count, db;
    char last[64];
};
static void on_expired(void *context, uint32_t db, struct bytes key)
{
    struct told *told = context;
    told->count++;
    told->db = db;
    snprintf(told->last, sizeof told->last, "%.*s", (int)key.size, (const char *)key.data);
}

KEYSPACE_TEST(expire, removes_a_key_at_its_deadline_and_not_before)
{
    struct told told = { 0 };
    keyspace_on_expired(k, on_expired, &told);
    set(2, "soon", "x", START_MS + 100);
    expire_all_due(START_MS + 99);
    cr_expect(eq(u64, keyspace_size(k, 2), 1));
    expire_all_due(START_MS + 100);
    cr_expect(eq(u64, keyspace_size(k, 2), 0));
    cr_expect(eq(u32, told.count, 1));
    cr_expect(eq(u32, told.db, 2));
    cr_expect_str_eq(told.last, "soon");
    cr_expect(eq(u64, tally.expired_keys, 1));
    cr_expect(eq(u64, tally.keys, 0));
    cr_expect(eq(u64, tally.keys_with_deadline, 0));
    cr_expect(eq(u64, heap.bytes[HEAP_DATASET], 0));
}

KEYSPACE_TEST(expire, hides_and_removes_an_expired_key_when_it_is_looked_up)
{
    struct told told = { 0 };
    struct key key = named("soon");
    keyspace_on_expired(k, on_expired, &told);
    set(0, "soon", "x", START_MS + 100);
    cr_expect(ne(ptr, keyspace_find(k, 0, &key, FIND_READ, START_MS + 99), NULL));
    cr_expect(eq(ptr, keyspace_find(k, 0, &key, FIND_READ, START_MS + 100), NULL));
    cr_expect(eq(u32, told.count, 1));
    cr_expect(eq(u64, tally.keyspace_hits, 1));
    cr_expect(eq(u64, tally.keyspace_misses, 1));
    cr_expect(eq(u64, tally.expired_keys, 1));
    expire_all_due(START_MS + 1000); // nothing is left to fire
    cr_expect(eq(u32, told.count, 1));
}

KEYSPACE_TEST(expire, deleting_an_expired_key_finds_nothing)
{
    struct key key = named("soon");
    set(0, "soon", "x", START_MS + 100);
    uint64_t dirty = keyspace_dirty(k);
    cr_expect(not(keyspace_delete(k, 0, &key, START_MS + 100)));
    cr_expect(eq(u64, keyspace_dirty(k), dirty));
}

KEYSPACE_TEST(expire, fires_a_deadline_that_has_passed_already)
{
    set(0, "late", "x", 1);
    cr_expect(le(u64, keyspace_next_deadline_ms(k), START_MS));
    expire_all_due(START_MS);
    cr_expect(eq(u64, keyspace_size(k, 0), 0));
}

KEYSPACE_TEST(expire, keeps_deadlines_of_centuries)
{
    static const uint64_t far[] = { START_MS + (1ull << 40), START_MS + (1ull << 41) + 12345,
                                    INT64_MAX, UINT64_MAX };
    for (uint32_t i = 0; i < 4; i++) {
        struct entry *e = set_numbered(0, i, far[i], START_MS);
        cr_expect(eq(u64, entry_deadline_ms(e), far[i]));
    }
    expire_all_due(far[0] - 1);
    cr_expect(eq(u64, keyspace_size(k, 0), 4));
    expire_all_due(far[0]);
    cr_expect(eq(u64, keyspace_size(k, 0), 3));
    expire_all_due(far[1] + 1);
    cr_expect(eq(u64, keyspace_size(k, 0), 2));
    cr_expect(gt(u64, keyspace_average_ttl_ms(k, 0, START_MS), INT64_MAX / 2));
}

// However the wall clock is set, a key goes between its deadline and the next step after it.
KEYSPACE_TEST(expire, never_early_when_the_clock_is_set_back)
{
    set_numbered(0, 1, START_MS + 1000, START_MS);
    set_numbered(0, 2, START_MS + 5000, START_MS);
    expire_all_due(START_MS + 900);
    uint64_t now_ms = START_MS - 3600000; // an hour back
    expire_all_due(now_ms);
    set_numbered(0, 3, now_ms + 50, now_ms);
    set_numbered(0, 4, now_ms + 60, now_ms);
    expire_all_due(now_ms + 49);
    cr_expect(eq(u64, keyspace_size(k, 0), 4));
    expire_all_due(now_ms + 50);
    cr_expect(eq(u64, keyspace_size(k, 0), 3));
    expire_all_due(now_ms + 60);
    cr_expect(eq(u64, keyspace_size(k, 0), 2));
    for (uint64_t t = now_ms + 61; t < START_MS + 1000; t += 7919) expire_all_due(t);
    expire_all_due(START_MS + 999);
    cr_expect(eq(u64, keyspace_size(k, 0), 2));
    expire_all_due(START_MS + 1000);
    cr_expect(eq(u64, keyspace_size(k, 0), 1));
    expire_all_due(START_MS + 4999);
    cr_expect(eq(u64, keyspace_size(k, 0), 1));
    expire_all_due(START_MS + 5000);
    cr_expect(eq(u64, keyspace_size(k, 0), 0));
}

KEYSPACE_TEST(expire, never_late_nor_early_under_a_wandering_clock)
{
    enum { COUNT = 2000, STEPS = 3000 };
    uint64_t deadline[COUNT] = { 0 }, now_ms = START_MS, latest[COUNT] = { 0 };
    uint64_t seed = seed_from_environment();
    struct rng rng;
    rng_seed(&rng, seed);
    for (uint32_t step = 0; step < STEPS; step++) {
        uint32_t i = (uint32_t)rng_below(&rng, COUNT);
        char name[32];
        deadline[i] = now_ms + 1 + rng_below(&rng, 4000);
        latest[i] = now_ms;
        set_numbered(0, i, deadline[i], now_ms);
        now_ms += rng_below(&rng, 40);
        if (rng_below(&rng, 50) == 0) now_ms -= rng_below(&rng, 3000);
        if (rng_below(&rng, 50) == 0) now_ms += rng_below(&rng, 3000);
        expire_all_due(now_ms);
        for (uint32_t j = 0; j < COUNT; j++) {
            if (!deadline[j]) continue;
            if (now_ms > latest[j]) latest[j] = now_ms;
            snprintf(name, sizeof name, "key:%u", j);
            struct key key = named(name);
            // Without lazy expiry: what the table really holds.
            bool there = table_find(keyspace_table(k, 0), &key) != NULL;
            cr_assert(eq(int, there, latest[j] < deadline[j]), "seed %llu step %u",
                      (unsigned long long)seed, step);
            if (!there) deadline[j] = 0;
        }
    }
}

KEYSPACE_TEST(expire, spends_no_more_than_its_budget_on_a_jump_forward)
{
    enum { COUNT = 20000 };
    for (uint32_t i = 0; i < COUNT; i++) set_numbered(i % 3, i, START_MS + 1 + i % 977, START_MS);
    uint64_t steps = 0, left = COUNT;
    while (left) {
        cr_assert(le(u32, keyspace_expire_step(k, START_MS + 365ull * 86400000, 64), 64));
        uint64_t now_left = keyspace_size(k, 0) + keyspace_size(k, 1) + keyspace_size(k, 2);
        cr_assert(le(u64, left - now_left, 64));
        left = now_left;
        cr_assert(lt(u64, steps++, COUNT));
    }
    cr_expect(eq(u64, tally.expired_keys, COUNT));
    cr_expect(eq(u64, heap.bytes[HEAP_DATASET], 0));
}

KEYSPACE_TEST(expire, follows_a_deadline_that_is_changed_cleared_and_set_again)
{
    struct entry *e = set(0, "k", "value", 0);
    e = keyspace_set_deadline(k, 0, e, START_MS + 10);
    e = keyspace_set_deadline(k, 0, e, START_MS + 500);
    expire_all_due(START_MS + 400);
    cr_expect(says(find(0, "k", START_MS + 400), "value"));
    e = keyspace_set_deadline(k, 0, e, KEYSPACE_NO_DEADLINE);
    cr_expect(eq(u64, keyspace_deadline_count(k, 0), 0));
    expire_all_due(START_MS + 600);
    cr_expect(says(find(0, "k", START_MS + 600), "value"));
    cr_expect(eq(u64, keyspace_next_deadline_ms(k), UINT64_MAX));
    e = keyspace_set_deadline(k, 0, e, START_MS + 700);
    cr_expect(eq(u64, entry_deadline_ms(e), START_MS + 700));
    expire_all_due(START_MS + 700);
    cr_expect(eq(u64, keyspace_size(k, 0), 0));
}

KEYSPACE_TEST(expire, tells_when_it_is_next_due)
{
    cr_expect(eq(u64, keyspace_next_deadline_ms(k), UINT64_MAX));
    set_numbered(0, 1, START_MS + 77, START_MS);
    uint64_t next_ms = keyspace_next_deadline_ms(k);
    cr_expect(le(u64, next_ms, START_MS + 77));
    cr_expect(gt(u64, next_ms, START_MS));
    expire_all_due(START_MS - 5000); // set back: the same deadline in wall clock, or sooner
    cr_expect(le(u64, keyspace_next_deadline_ms(k), START_MS + 77));
    keyspace_set_active_expire(k, false);
    cr_expect(eq(u64, keyspace_next_deadline_ms(k), UINT64_MAX));
}

KEYSPACE_TEST(expire, leaves_dead_keys_to_lookups_when_active_expiry_is_off)
{
    keyspace_set_active_expire(k, false);
    set(0, "dead", "x", START_MS + 1);
    expire_all_due(START_MS + 100);
    cr_expect(eq(u64, keyspace_size(k, 0), 1));
    cr_expect(eq(ptr, find(0, "dead", START_MS + 100), NULL));
    set(0, "dead2", "x", START_MS + 1);
    keyspace_set_active_expire(k, true);
    expire_all_due(START_MS + 100);
    cr_expect(eq(u64, keyspace_size(k, 0), 0));
}

KEYSPACE_TEST(expire, knows_the_average_without_sampling)
{
    cr_expect(eq(u64, keyspace_average_ttl_ms(k, 0, START_MS), 0));
    set_numbered(0, 1, START_MS + 100, START_MS);
    set_numbered(0, 2, START_MS + 300, START_MS);
    set_numbered(0, 3, 0, START_MS);
    cr_expect(eq(u64, keyspace_average_ttl_ms(k, 0, START_MS), 200));
    cr_expect(eq(u64, keyspace_average_ttl_ms(k, 0, START_MS + 500), 0));
    set_numbered(0, 1, 0, START_MS);
    cr_expect(eq(u64, keyspace_average_ttl_ms(k, 0, START_MS), 300));
}

KEYSPACE_TEST(expire, tells_nobody_of_keys_that_were_flushed_before_their_time)
{
    struct told told = { 0 };
    keyspace_on_expired(k, on_expired, &told);
    for (uint32_t i = 0; i < 1000; i++) set_numbered(1, i, START_MS + 50, START_MS);
    cr_expect(eq(u64, keyspace_flush(k, 1), 1000));
    set_numbered(1, 5, START_MS + 60, START_MS);
    keyspace_reap_step(k, 300); // some are freed, the rest fire while detached
    expire_all_due(START_MS + 55);
    cr_expect(eq(u32, told.count, 0));
    cr_expect(eq(u64, keyspace_size(k, 1), 1));
    while (keyspace_reap_step(k, 100)) {
    }
    cr_expect(eq(u64, keyspace_reap_pending(k), 0));
    expire_all_due(START_MS + 60);
    cr_expect(eq(u32, told.count, 1));
}

KEYSPACE_TEST(expire, names_the_database_where_swapped_keys_are_now)
{
    struct told told = { 0 };
    keyspace_on_expired(k, on_expired, &told);
    set(0, "traveller", "x", START_MS + 5);
    keyspace_swap(k, 0, 3);
    expire_all_due(START_MS + 5);
    cr_expect(eq(u32, told.count, 1));
    cr_expect(eq(u32, told.db, 3));
}
