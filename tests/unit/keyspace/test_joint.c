#include "dataplane/keyspace/joint.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include "dataplane/keyspace/key_image.h"
#include "dataplane/keyspace/keyspace_priv.h"
#include "dataplane/keyspace/walk.h"

enum { HOMES = 3, DATABASES = 4, START_MS = 1700000000 };
static struct heap heaps[HOMES];
static struct shard_tally tallies[HOMES];
static struct keyspace *homes[HOMES], *k;
static struct placement placement;

static void open_homes(void)
{
    struct keyspace_config config = { .database_count = DATABASES, .hash_key = { 3, 4 } };
    placement_init(&placement, HOMES);
    for (uint32_t i = 0; i < HOMES; i++) {
        cr_assert(eq(int, heap_open(&heaps[i]), OK));
        cr_assert(eq(int, keyspace_open(&homes[i], &heaps[i], &config, &tallies[i], START_MS), OK));
    }
    cr_assert(eq(int, keyspace_open_joint(&k, &heaps[0], &placement, homes, &tallies[0]), OK));
}

static void close_homes(void)
{
    keyspace_close(k);
    for (uint32_t i = 0; i < HOMES; i++) {
        for (uint32_t db = 0; db < DATABASES; db++)
            index_check(&keyspace_table(homes[i], db)->index);
        keyspace_close(homes[i]);
        cr_expect(eq(u64, heaps[i].bytes_total, 0));
        cr_expect(eq(u64, heaps[i].allocation_count, 0));
        heap_close(&heaps[i]);
    }
}

// Not a .fini: what fails there is printed, but counts as passed.
#define JOINT_TEST(name)                                                                           \
    static void joint_##name(void);                                                                \
    Test(joint, name)                                                                              \
    {                                                                                              \
        open_homes();                                                                              \
        joint_##name();                                                                            \
        close_homes();                                                                             \
    }                                                                                              \
    static void joint_##name(void)

static struct key named(const char *name) { return key_make(k, bytes_text(name)); }

static struct entry *set(uint32_t db, const char *name, const char *value, uint64_t deadline_ms)
{
    struct key key = named(name);
    return string_set(k, db, &key, bytes_text(value), NULL, deadline_ms, 0, START_MS);
}

static struct entry *find(uint32_t db, const char *name, uint64_t now_ms)
{
    struct key key = named(name);
    return keyspace_find(k, db, &key, FIND_QUIET, now_ms);
}

static bool says(const struct entry *e, const char *text)
{
    struct string_view view;
    if (!e) return false;
    string_read(e, &view);
    return bytes_equal(view.bytes, bytes_text(text));
}

// Number n of the names that are at that home.
static const char *name_at(uint32_t home, uint32_t n)
{
    static char names[8][32];
    static uint32_t next;
    char *name = names[next++ % 8];
    for (uint32_t i = 0;; i++) {
        snprintf(name, sizeof names[0], "name:%u", i);
        if (placement_shard(&placement, bytes_text(name)) == home && n-- == 0) return name;
    }
}

static void fill(uint32_t db, uint32_t count)
{
    char name[32];
    for (uint32_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "key:%u", i);
        struct key key = named(name);
        string_set_int(k, db, &key, NULL, i);
    }
}

JOINT_TEST(puts_keys_in_their_homes_and_finds_them_there)
{
    for (uint32_t home = 0; home < HOMES; home++) {
        const char *name = name_at(home, 0);
        struct key key = named(name);
        set(1, name, "value", KEYSPACE_NO_DEADLINE);
        for (uint32_t i = 0; i < HOMES; i++) {
            struct entry *e = keyspace_find(homes[i], 1, &key, FIND_QUIET, START_MS);
            cr_expect(eq(int, e != NULL, i == home));
        }
        keyspace_prefetch_bucket(k, 1, &key);
        keyspace_prefetch_entry(k, 1, &key);
        cr_expect(says(keyspace_find(k, 1, &key, FIND_READ, START_MS), "value"));
        cr_expect(eq(u64, tallies[home].keyspace_hits, 1));
        cr_expect(says(keyspace_peek(k, 1, &key), "value"));
        cr_expect(eq(ptr, keyspace_home(k, key.name), homes[home]));
        cr_expect(eq(ptr, keyspace_space_for(k, key.name), keyspace_space(homes[home])));
    }
    cr_expect(keyspace_is_joint(k) && !keyspace_is_joint(homes[0]));
    cr_expect(eq(ptr, keyspace_home(homes[1], BYTES_LITERAL("any")), homes[1]));
}

JOINT_TEST(edits_and_deletes_in_the_home_of_the_key)
{
    for (uint32_t home = 0; home < HOMES; home++) {
        uint8_t *bytes;
        uint32_t db;
        struct key key = named(name_at(home, 1)), other = named(name_at(home, 2));
        uint64_t before = heaps[home].bytes[HEAP_DATASET];
        struct entry *e = string_edit(k, 0, &key, NULL, 5000, &bytes);
        memset(bytes, 'x', 5000);
        cr_expect(gt(u64, heaps[home].bytes[HEAP_DATASET], before + 5000));
        struct blob *held = value_hold_bytes(k, e);
        cr_expect(eq(ptr, held->heap, &heaps[home]));
        blob_release(held);
        e = value_edit(k, 0, &other, NULL, TYPE_SET, ENCODING_LISTPACK, 30, &bytes);
        held = value_hold_bytes(k, e);
        cr_expect(eq(ptr, held->heap, &heaps[home]));
        blob_release(held);
        cr_expect(entry_db(k, e, &db) && db == 0);
        e = keyspace_set_deadline(k, 0, e, START_MS + 50);
        cr_expect(eq(u64, keyspace_deadline_count(homes[home], 0), 1));
        entry_set_access(k, e, 10, -1, START_MS);
        cr_expect(eq(u32, entry_idle_s(k, e, START_MS), 10));
        keyspace_drop_entry(k, 0, e);
        cr_expect(keyspace_delete(k, 0, &key, START_MS));
        cr_expect(keyspace_delete(k, 0, &key, START_MS) == false);
        cr_expect(eq(u64, heaps[home].bytes[HEAP_DATASET], before));
        keyspace_delete_entry(k, 0, set(0, name_at(home, 3), "v", KEYSPACE_NO_DEADLINE));
    }
    cr_expect(eq(u64, keyspace_size(k, 0), 0));
}

JOINT_TEST(copies_an_argument_of_another_heap)
{
    for (uint32_t home = 0; home < HOMES; home++) {
        struct key key = named(name_at(home, 0));
        struct blob *given = blob_new(&heaps[1], 5000, HEAP_CLIENT_IN);
        memset(given->data, 'g', 5000);
        given->size = 5000;
        struct entry *e = string_set(k, 0, &key, blob_bytes(given), given, 0, 0, START_MS);
        struct string_view view;
        string_read(e, &view);
        cr_expect(eq(ptr, view.blob->heap, &heaps[home]));
        cr_expect(view.bytes.size == 5000 && view.bytes.data[4999] == 'g');
    }
    cr_expect(eq(u64, heaps[1].bytes[HEAP_CLIENT_IN], 0));
}

JOINT_TEST(renames_and_copies_between_homes_with_deadline_and_clock)
{
    static const size_t sizes[] = { 3, 100, 2000, 300000 };
    for (uint32_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *text = malloc(sizes[i] + 1);
        memset(text, 'a' + (int)i, sizes[i]);
        text[sizes[i]] = 0;
        struct key to = named(name_at(1, i)), back = named(name_at(2, i));
        struct entry *e = set(0, name_at(0, i), text, START_MS + 1000);
        entry_set_access(k, e, 100, -1, START_MS);
        e = keyspace_rename(k, 0, e, 2, &to, START_MS);
        cr_expect(eq(ptr, find(0, name_at(0, i), START_MS), NULL));
        cr_expect(says(e, text));
        cr_expect(eq(u64, entry_deadline_ms(e), START_MS + 1000));
        cr_expect(eq(u32, entry_idle_s(k, e, START_MS), 100));
        e = keyspace_copy(k, 2, e, 1, &back, START_MS);
        cr_expect(says(e, text) && says(find(2, name_at(1, i), START_MS), text));
        cr_expect(eq(u32, entry_idle_s(k, e, START_MS), 0));
        cr_expect(eq(u64, entry_deadline_ms(e), START_MS + 1000));
        free(text);
    }
    struct key same = named(name_at(2, 0)), other = named(name_at(2, 77));
    struct entry *e = find(1, name_at(2, 0), START_MS);
    cr_expect(eq(ptr, keyspace_rename(k, 1, e, 1, &same, START_MS), e));
    cr_expect(says(keyspace_rename(k, 1, e, 1, &other, START_MS), "aaa"));
    cr_expect(eq(u64, keyspace_deadline_count(k, 1), 4));
    cr_expect(eq(u64, keyspace_average_ttl_ms(k, 1, START_MS), 1000));
}

JOINT_TEST(replaces_what_is_at_the_destination_once)
{
    set(0, name_at(0, 0), "from", KEYSPACE_NO_DEADLINE);
    set(0, name_at(1, 0), "dead", START_MS + 5);
    struct key to = named(name_at(1, 0));
    uint64_t dirty = keyspace_dirty(k);
    keyspace_rename(k, 0, find(0, name_at(0, 0), START_MS), 0, &to, START_MS + 10);
    cr_expect(eq(u64, keyspace_dirty(k), dirty + 1));
    cr_expect(eq(u64, tallies[1].expired_keys, 1));
    cr_expect(says(find(0, name_at(1, 0), START_MS + 10), "from"));
    cr_expect(eq(u64, keyspace_size(k, 0), 1));
}

JOINT_TEST(counts_flushes_and_swaps_all_homes)
{
    fill(0, 300);
    fill(1, 10);
    uint64_t dirty = keyspace_dirty(k), alone = 0;
    cr_expect(eq(u64, dirty, 310));
    for (uint32_t i = 0; i < HOMES; i++) alone += keyspace_size(homes[i], 0);
    cr_expect(eq(u64, keyspace_size(k, 0), 300));
    cr_expect(eq(u64, alone, 300));
    cr_expect(gt(u64, keyspace_table_bytes(k, 0), keyspace_table_bytes(homes[0], 0)));
    keyspace_swap(k, 0, 1);
    cr_expect(eq(u64, keyspace_dirty(k), dirty + 1));
    cr_expect(eq(u64, keyspace_size(k, 1), 300));
    keyspace_add_dirty(k, 5);
    cr_expect(eq(u64, keyspace_dirty(k), dirty + 6));
    cr_expect(eq(u64, keyspace_flush(k, 1), 300));
    cr_expect(eq(u64, keyspace_size(k, 1), 0));
    char text[4096];
    keyspace_stats(k, 0, text, sizeof text);
    const char *at = text;
    for (uint32_t i = 0; i < HOMES; i++, at++) {
        at = strstr(at, "[Dictionary HT]");
        cr_assert(ne(ptr, (void *)(uintptr_t)at, NULL));
    }
    keyspace_stats(k, 0, text, 20); // cut short
    cr_expect(eq(sz, strlen(text), 19));
}

// ---- scanning

enum { SCANNED = 3000 };
struct seen {
    uint32_t times[SCANNED];
    uint32_t shown;
};

static void note(void *context, const struct entry *e)
{
    struct seen *seen = context;
    int64_t number;
    cr_assert(string_read_int(e, &number) && number >= 0 && number < SCANNED);
    seen->times[number]++;
    seen->shown++;
}

JOINT_TEST(scans_each_key_once_in_bounded_steps)
{
    static const uint64_t counts[] = { 1, 7, 10, 100, 5000 };
    fill(0, SCANNED);
    // One home with few keys, so with wide buckets.
    for (uint32_t i = 0; i < SCANNED; i++) {
        char name[32];
        snprintf(name, sizeof name, "key:%u", i);
        struct key key = named(name);
        if (i % 100 && placement_shard(&placement, key.name) == 2)
            keyspace_delete(k, 0, &key, START_MS);
    }
    for (uint32_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        static struct seen seen;
        uint64_t cursor = 0;
        memset(&seen, 0, sizeof seen);
        do {
            uint64_t before = cursor;
            seen.shown = 0;
            cursor = keyspace_scan(k, 0, cursor, counts[c], START_MS, note, &seen);
            cr_assert(cursor == 0 || cursor > before);
            cr_assert(lt(u64, seen.shown, counts[c] + HOMES * INDEX_SLOTS * (1 + INDEX_STASHES)));
        } while (cursor);
        uint64_t all = 0;
        for (uint32_t i = 0; i < SCANNED; i++) {
            cr_assert(le(u32, seen.times[i], 1));
            all += seen.times[i];
        }
        cr_expect(eq(u64, all, keyspace_size(k, 0)));
    }
}

// The positions of a cursor: what a home shows before it, the joint one has shown too.
JOINT_TEST(stands_at_one_place_in_all_homes)
{
    static struct seen before;
    fill(0, SCANNED);
    uint64_t cursor = keyspace_scan(k, 0, 0, SCANNED / 2, START_MS, note, &before);
    cr_assert(cursor != 0);
    for (uint32_t i = 0; i < SCANNED; i++) {
        char name[32];
        snprintf(name, sizeof name, "key:%u", i);
        bool is_behind = named(name).hash >> (64 - INDEX_CURSOR_BITS) < cursor;
        cr_assert(eq(u32, before.times[i], is_behind));
    }
}

JOINT_TEST(misses_no_key_that_stays_while_others_come_and_go)
{
    static struct seen seen;
    struct rng rng;
    char name[32];
    rng_seed(&rng, 5);
    fill(0, SCANNED); // the even ones stay
    for (uint64_t cursor = 0, round = 0; round == 0 || cursor; round++) {
        cursor = keyspace_scan(k, 0, cursor, 10, START_MS, note, &seen);
        for (uint32_t n = 0; n < 40; n++) {
            uint32_t i = (uint32_t)rng_below(&rng, SCANNED) | 1;
            snprintf(name, sizeof name, "key:%u", i);
            struct key key = named(name);
            if (!keyspace_delete(k, 0, &key, START_MS)) string_set_int(k, 0, &key, NULL, i);
        }
        for (uint32_t n = 0; round < 60 && n < 60; n++) { // and tables grow
            snprintf(name, sizeof name, "more:%u", (uint32_t)(round * 60 + n));
            struct key key = named(name);
            string_set_int(k, 0, &key, NULL, 1);
        }
    }
    for (uint32_t i = 0; i < SCANNED; i += 2) cr_assert(ge(u32, seen.times[i], 1), "%u", i);
}

JOINT_TEST(takes_any_cursor_and_ends_on_empty_homes)
{
    static struct seen seen;
    cr_expect(eq(u64, keyspace_scan(k, 0, 0, 10, START_MS, note, &seen), 0));
    fill(0, 5);
    for (uint64_t cursor = 1; cursor; cursor <<= 1)
        keyspace_scan(k, 0, cursor - 1, 10, START_MS, note, &seen);
    set(1, "dead", "1", START_MS + 1);
    memset(&seen, 0, sizeof seen);
    cr_expect(eq(u64, keyspace_scan(k, 1, 0, 10, START_MS + 1, note, &seen), 0));
    cr_expect(eq(u32, seen.shown, 0));
}

JOINT_TEST(walks_over_all_homes)
{
    static struct seen seen;
    struct keyspace_walk walk;
    fill(0, SCANNED);
    keyspace_walk_begin(&walk, k, 0, START_MS, note, &seen);
    while (!keyspace_walk_step(&walk)) continue;
    keyspace_walk_end(&walk);
    for (uint32_t i = 0; i < SCANNED; i++) cr_assert(eq(u32, seen.times[i], 1));
    keyspace_walk_begin(&walk, k, 1, START_MS, note, &seen);
    keyspace_walk_step(&walk);
    keyspace_walk_end(&walk); // in the midst
    keyspace_walk_end(&walk);
}

// ---- random

JOINT_TEST(draws_each_key_with_the_same_chance)
{
    enum { KEYS = 90, DRAWS = KEYS * 400 };
    static struct seen seen;
    struct rng rng;
    double chi_square = 0;
    rng_seed(&rng, 11);
    cr_expect(eq(ptr, keyspace_random(k, 0, &rng, START_MS), NULL));
    for (uint32_t i = 0, home = 0; i < KEYS; i++) { // 80, 9 and 1 of them
        home = i < 80 ? 0 : i < 89 ? 1 : 2;
        struct key key = named(name_at(home, i));
        string_set_int(k, 0, &key, NULL, i);
    }
    for (uint32_t i = 0; i < DRAWS; i++) note(&seen, keyspace_random(k, 0, &rng, START_MS));
    for (uint32_t i = 0; i < KEYS; i++) {
        double off = (double)seen.times[i] - DRAWS / KEYS;
        chi_square += off * off / (DRAWS / KEYS);
    }
    cr_expect(lt(dbl, chi_square, 135)); // 89 degrees of freedom: beyond it once in 1000
    cr_expect(gt(dbl, chi_square, 45));
}

JOINT_TEST(draws_from_other_homes_when_one_holds_only_dead_keys)
{
    struct rng rng;
    rng_seed(&rng, 1);
    for (uint32_t i = 0; i < 50; i++) set(0, name_at(0, i), "1", START_MS + 1);
    set(0, name_at(1, 0), "alive", KEYSPACE_NO_DEADLINE);
    for (uint32_t i = 0; i < 20; i++)
        cr_expect(says(keyspace_random(k, 0, &rng, START_MS + 1), "alive"));
    struct key key = named(name_at(1, 0));
    keyspace_delete(k, 0, &key, START_MS + 1);
    cr_expect(eq(ptr, keyspace_random(k, 0, &rng, START_MS + 1), NULL));
    cr_expect(eq(u64, keyspace_size(k, 0), 0));
}

JOINT_TEST(takes_images_in_the_home_of_the_key)
{
    for (uint32_t home = 0; home < HOMES; home++) {
        struct key key = named(name_at(home, 0)), absent = named(name_at(home, 1));
        set(0, name_at(home, 0), "old", START_MS + 500);
        struct key_image *was = key_image_take(k, 0, &key, 100);
        struct key_image *none = key_image_take(k, 0, &absent, 100);
        struct key_image *unused = key_image_take(k, 0, &key, 100);
        cr_expect(gt(u64, heaps[home].bytes[HEAP_SCRIPTS], 0));
        set(0, name_at(home, 0), "new", KEYSPACE_NO_DEADLINE);
        set(0, name_at(home, 1), "new", KEYSPACE_NO_DEADLINE);
        key_image_restore(k, was);
        key_image_restore(k, none);
        key_image_drop(k, unused);
        cr_expect(says(find(0, name_at(home, 0), START_MS), "old"));
        cr_expect(eq(ptr, find(0, name_at(home, 1), START_MS), NULL));
        cr_expect(eq(u64, heaps[home].bytes[HEAP_SCRIPTS], 0));
    }
}

JOINT_TEST(asks_the_clock_of_the_home_of_the_key)
{
    set(0, name_at(1, 0), "1", KEYSPACE_NO_DEADLINE);
    keyspace_set_access_clock(homes[1], true);
    struct entry *e = find(0, name_at(1, 0), START_MS);
    entry_set_access(k, e, -1, 200, START_MS);
    cr_expect(eq(u32, entry_frequency(k, e, START_MS), 200));
}
