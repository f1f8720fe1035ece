#include "keyspace_fixture.h"

KEYSPACE_TEST(keyspace, starts_empty_and_small)
{
    cr_expect(eq(u64, keyspace_size(k, 0), 0));
    cr_expect(eq(u64, keyspace_dirty(k), 0));
    cr_expect(eq(ptr, find(0, "nothing", START_MS), NULL));
    struct rng rng;
    rng_seed(&rng, 1);
    cr_expect(eq(ptr, keyspace_random(k, 0, &rng, START_MS), NULL));
    cr_expect(eq(u64, keyspace_flush(k, 0), 0));
    cr_expect(eq(u32, keyspace_reap_step(k, 100), 0));
    cr_expect(lt(u64, heap.bytes_total, 64 << 10)); // the wheel's slots, mostly
}

KEYSPACE_TEST(keyspace, finds_keys_of_every_length)
{
    static const size_t sizes[] = { 0, 1, 7, 8, 127, 128, 129, 200, 4096, 70000, 3 << 20 };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t *name = pattern(sizes[i], 3);
        struct key key = key_make(k, bytes_make(name, sizes[i]));
        struct entry *e = string_set(k, 0, &key, BYTES_LITERAL("v"), NULL, 0, 0, START_MS);
        cr_expect(eq(u64, entry_key(e).size, sizes[i]));
        cr_expect(bytes_equal(entry_key(e), key.name));
        e = keyspace_set_deadline(k, 0, e, START_MS + 5);
        cr_expect(eq(ptr, keyspace_find(k, 0, &key, FIND_READ, START_MS), e), "%zu", sizes[i]);
        e = string_set_int(k, 0, &key, e, 1234567);
        cr_expect(says(e, "1234567"));
        free(name);
    }
    struct key empty = key_make(k, (struct bytes){ NULL, 0 });
    cr_expect(ne(ptr, keyspace_find(k, 0, &empty, FIND_READ, START_MS), NULL));
    cr_expect(keyspace_delete(k, 0, &empty, START_MS));
}

static struct key long_key(uint32_t i, char *name)
{
    memset(name, 'n', 400);
    memcpy(name + sprintf(name, "%08u", i), "-", 1);
    return key_make(k, bytes_make(name, 100 + i % 100));
}

KEYSPACE_TEST(keyspace, keeps_keys_around_the_length_that_carries_its_hash_through_splits)
{
    char name[400];
    for (uint32_t i = 0; i < 3000; i++) {
        struct key key = long_key(i, name);
        string_set_int(k, 0, &key, NULL, i);
    }
    for (uint32_t i = 0; i < 3000; i++) {
        int64_t n;
        struct key key = long_key(i, name);
        struct entry *e = keyspace_find(k, 0, &key, FIND_READ, START_MS);
        cr_assert(ne(ptr, e, NULL));
        cr_assert(string_read_int(e, &n) && n == i);
    }
    cr_expect(eq(u64, keyspace_size(k, 0), 3000));
}

KEYSPACE_TEST(keyspace, counts_hits_and_misses_of_reads_only)
{
    struct key there = named("there"), absent = named("absent");
    set(0, "there", "1", 0);
    keyspace_find(k, 0, &there, FIND_READ, START_MS);
    keyspace_find(k, 0, &there, FIND_PEEK, START_MS);
    keyspace_find(k, 0, &there, FIND_WRITE, START_MS);
    keyspace_find(k, 0, &there, FIND_QUIET, START_MS);
    keyspace_find(k, 0, &absent, FIND_READ, START_MS);
    keyspace_find(k, 0, &absent, FIND_PEEK, START_MS);
    keyspace_find(k, 0, &absent, FIND_WRITE, START_MS);
    keyspace_find(k, 0, &absent, FIND_QUIET, START_MS);
    cr_expect(eq(u64, tally.keyspace_hits, 2));
    cr_expect(eq(u64, tally.keyspace_misses, 2));
}

KEYSPACE_TEST(keyspace, shows_idle_seconds_since_the_last_touch)
{
    struct key key = named("key");
    struct entry *e = set(0, "key", "1", 0);
    uint64_t now_ms = START_MS + 100000;
    cr_expect(eq(u32, entry_idle_s(k, e, now_ms), 100));
    keyspace_find(k, 0, &key, FIND_PEEK, now_ms);
    keyspace_find(k, 0, &key, FIND_QUIET, now_ms);
    cr_expect(eq(u32, entry_idle_s(k, e, now_ms), 100));
    keyspace_find(k, 0, &key, FIND_READ, now_ms);
    cr_expect(eq(u32, entry_idle_s(k, e, now_ms), 0));
    cr_expect(eq(u32, entry_lru_clock(e), (now_ms / 1000) & 0xffffff));
    keyspace_find(k, 0, &key, FIND_WRITE, now_ms + 5000);
    cr_expect(eq(u32, entry_idle_s(k, e, now_ms + 7000), 2));
    // The clock has 24 bits: it wraps every 194 days.
    keyspace_find(k, 0, &key, FIND_READ, 0xffffffull * 1000);
    cr_expect(eq(u32, entry_idle_s(k, e, (1ull << 24) * 1000 + 3000), 3));
}

KEYSPACE_TEST(keyspace, counts_uses_logarithmically_under_lfu)
{
    keyspace_set_access_clock(k, true);
    struct key key = named("key");
    struct entry *e = set(0, "key", "1", 0);
    cr_expect(eq(u32, entry_frequency(k, e, START_MS), 5));
    for (uint32_t i = 0; i < 100000; i++) keyspace_find(k, 0, &key, FIND_READ, START_MS);
    // redis.conf: factor 10 and 100,000 hits give about 142.
    uint32_t often = entry_frequency(k, e, START_MS);
    cr_expect(gt(u32, often, 120));
    cr_expect(lt(u32, often, 165));
    cr_expect(eq(u32, entry_frequency(k, e, START_MS + 10 * 60000), often - 10));
    cr_expect(eq(u32, entry_frequency(k, e, START_MS + 60000ull * 60000), 0));
    keyspace_set_lfu(k, 10, 0);
    cr_expect(eq(u32, entry_frequency(k, e, START_MS + 10 * 60000), often));
    // An overwrite keeps the counter, as Redis's.
    e = set(0, "key", "some other value, which is longer than before", 0);
    cr_expect(eq(u32, entry_frequency(k, e, START_MS), often));
    keyspace_set_lfu(k, 0, 1); // factor 0: every use counts
    for (uint32_t i = 0; i < 300; i++) keyspace_find(k, 0, &key, FIND_READ, START_MS);
    cr_expect(eq(u32, entry_frequency(k, e, START_MS), 255));
}

KEYSPACE_TEST(keyspace, renames_with_value_deadline_and_access_clock)
{
    uint8_t *big = pattern(3000, 4);
    struct key to = named("to"), big_key = named("big");
    struct entry *e = set(0, "from", "value", START_MS + 100);
    set(0, "to", "old", 0);
    uint64_t dirty = keyspace_dirty(k);
    keyspace_rename(k, 0, e, 0, &to, START_MS + 50);
    cr_expect(eq(u64, keyspace_dirty(k), dirty + 1));
    cr_expect(eq(ptr, find(0, "from", START_MS), NULL));
    e = find(0, "to", START_MS);
    cr_expect(says(e, "value"));
    cr_expect(eq(u64, entry_deadline_ms(e), START_MS + 100));
    cr_expect(eq(u64, keyspace_size(k, 0), 1));
    cr_expect(eq(u64, keyspace_deadline_count(k, 0), 1));
    cr_expect(eq(u64, tally.keys_with_deadline, 1));
    cr_expect(eq(u32, entry_idle_s(k, e, START_MS + 50000), 50));
    // A blob goes along, it is not copied.
    struct string_view before, after;
    e = string_set(k, 0, &big_key, bytes_make(big, 3000), NULL, 0, 0, START_MS);
    string_read(e, &before);
    e = keyspace_rename(k, 0, e, 1, &to, START_MS);
    string_read(e, &after);
    cr_expect(eq(ptr, after.blob, before.blob));
    cr_expect(eq(u32, after.blob->refs, 1));
    cr_expect(eq(u64, keyspace_size(k, 1), 1));
    cr_expect(eq(u64, keyspace_size(k, 0), 1));
    free(big);
}

KEYSPACE_TEST(keyspace, renaming_to_itself_changes_nothing)
{
    struct key key = named("self");
    struct entry *e = set(0, "self", "value", START_MS + 5);
    cr_expect(eq(ptr, keyspace_rename(k, 0, e, 0, &key, START_MS), e));
    cr_expect(eq(ptr, keyspace_copy(k, 0, e, 0, &key, START_MS), e));
    cr_expect(says(find(0, "self", START_MS), "value"));
    cr_expect(eq(u64, keyspace_size(k, 0), 1));
}

KEYSPACE_TEST(keyspace, copies_between_databases)
{
    struct key key = named("k");
    struct entry *e = set(0, "k", "12", START_MS + 500);
    set(1, "k", "a much longer value that was there before, with no deadline at all", 0);
    struct entry *f = keyspace_copy(k, 0, e, 1, &key, START_MS);
    cr_expect(says(f, "12"));
    cr_expect(eq(int, entry_encoding(f), ENCODING_INT));
    cr_expect(eq(u64, entry_deadline_ms(f), START_MS + 500));
    cr_expect(eq(u64, tally.keys, 2));
    cr_expect(eq(u64, tally.keys_with_deadline, 2));
    string_set_int(k, 1, &key, f, 13);
    cr_expect(says(find(0, "k", START_MS), "12"));
    keyspace_delete_entry(k, 0, e);
    cr_expect(says(find(1, "k", START_MS), "13"));
}

KEYSPACE_TEST(keyspace, swaps_databases)
{
    set(0, "a", "zero", START_MS + 10);
    set(1, "a", "one", 0);
    set(1, "b", "one", 0);
    keyspace_swap(k, 0, 1);
    cr_expect(says(find(0, "a", START_MS), "one"));
    cr_expect(says(find(1, "a", START_MS), "zero"));
    cr_expect(eq(u64, keyspace_size(k, 0), 2));
    cr_expect(eq(u64, keyspace_deadline_count(k, 1), 1));
    keyspace_swap(k, 2, 2);
    keyspace_swap(k, 1, 1);
    cr_expect(says(find(1, "a", START_MS), "zero"));
}

static void fill(uint32_t db, uint32_t count)
{
    char name[32];
    for (uint32_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "key:%u", i);
        set(db, name, "value", i % 2 ? START_MS + 1000 : 0);
    }
}

KEYSPACE_TEST(keyspace, flushes_at_once_and_frees_in_slices)
{
    fill(0, 20000);
    uint64_t before = heap.bytes[HEAP_DATASET];
    cr_expect(eq(u64, keyspace_flush(k, 0), 20000));
    cr_expect(eq(u64, keyspace_size(k, 0), 0));
    cr_expect(eq(u64, tally.keys, 0));
    cr_expect(eq(u64, tally.keys_with_deadline, 0));
    cr_expect(eq(u64, keyspace_reap_pending(k), 20000));
    cr_expect(eq(u64, heap.bytes[HEAP_DATASET], before));
    set(0, "new", "life", 0);
    uint32_t done;
    do {
        uint64_t pending = keyspace_reap_pending(k);
        done = keyspace_reap_step(k, 50);
        cr_assert(le(u32, done, 50));
        cr_assert(le(u64, pending - keyspace_reap_pending(k), 50));
    } while (done);
    cr_expect(eq(u64, keyspace_reap_pending(k), 0));
    cr_expect(eq(u64, tally.lazyfree_pending, 0));
    cr_expect(lt(u64, heap.bytes[HEAP_DATASET], 100));
    cr_expect(says(find(0, "new", START_MS), "life"));
}

KEYSPACE_TEST(keyspace, flushes_again_and_again_before_anything_is_freed)
{
    for (uint32_t round = 0; round < 200; round++) {
        fill(round % 4, 20);
        keyspace_swap(k, round % 4, (round + 1) % 4);
        cr_expect(eq(u64, keyspace_flush(k, (round + 1) % 4), 20));
    }
    cr_expect(eq(u64, keyspace_reap_pending(k), 200 * 20));
}

struct seen {
    uint32_t times[5000];
    uint32_t count;
};
static void see(void *context, const struct entry *e)
{
    struct seen *seen = context;
    seen->count++;
    seen->times[atoi((const char *)entry_key(e).data + 4)]++;
}

KEYSPACE_TEST(keyspace, scans_every_live_key_once_and_no_expired_one)
{
    struct seen seen = { 0 };
    fill(0, 5000);
    uint64_t cursor = 0, calls = 0;
    do {
        uint32_t before = seen.count;
        cursor = keyspace_scan(k, 0, cursor, 10, START_MS, see, &seen);
        cr_assert(le(u32, seen.count - before, 10 + 112)); // the last bucket is shown whole
        calls++;
    } while (cursor);
    for (uint32_t i = 0; i < 5000; i++) cr_assert(eq(u32, seen.times[i], 1));
    cr_expect(le(u64, calls, 500));
    memset(&seen, 0, sizeof seen);
    do cursor = keyspace_scan(k, 0, cursor, 100, START_MS + 1000, see, &seen);
    while (cursor);
    cr_expect(eq(u32, seen.count, 2500));
}

KEYSPACE_TEST(keyspace, bounds_the_work_of_a_scan_over_a_thinned_table)
{
    struct seen seen = { 0 };
    fill(0, 5000);
    for (uint32_t i = 0; i < 4999; i++) {
        char name[32];
        snprintf(name, sizeof name, "key:%u", i);
        struct key key = named(name);
        cr_assert(keyspace_delete(k, 0, &key, START_MS));
    }
    uint64_t cursor = 0, calls = 0;
    do {
        cursor = keyspace_scan(k, 0, cursor, 10, START_MS, see, &seen);
        calls++;
    } while (cursor);
    cr_expect(eq(u32, seen.times[4999], 1));
    cr_expect(le(u64, calls, 3)); // segments merged: hardly anything is left to walk
}

KEYSPACE_TEST(keyspace, draws_live_keys_at_random_and_removes_dead_ones_it_meets)
{
    struct rng rng;
    rng_seed(&rng, 5);
    fill(0, 40);
    for (uint32_t i = 0; i < 1000; i++) {
        struct entry *e = keyspace_random(k, 0, &rng, START_MS + 1000);
        cr_assert(eq(u64, entry_deadline_ms(e), 0));
    }
    cr_expect(eq(u64, keyspace_size(k, 0), 20));
    cr_expect(eq(u64, tally.expired_keys, 20));
    set(1, "dead", "x", START_MS + 1);
    cr_expect(eq(ptr, keyspace_random(k, 1, &rng, START_MS + 1), NULL));
}

KEYSPACE_TEST(keyspace, prefetches_whatever_is_there)
{
    struct key key = named("key:1");
    keyspace_prefetch_bucket(k, 0, &key);
    keyspace_prefetch_entry(k, 0, &key);
    fill(0, 1000);
    keyspace_prefetch_bucket(k, 0, &key);
    keyspace_prefetch_entry(k, 0, &key);
}

KEYSPACE_TEST(keyspace, describes_its_table)
{
    char text[600];
    keyspace_stats(k, 0, text, sizeof text);
    fill(0, 1000);
    keyspace_stats(k, 0, text, sizeof text);
    cr_expect(ne(ptr, strstr(text, "keys: 1000\n"), NULL));
    keyspace_stats(k, 0, text, 10);
    cr_expect(eq(u64, strlen(text), 9));
}
