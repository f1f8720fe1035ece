#include "dataplane/keyspace/evict.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEYS = 1000 };
#define START_MS 1000000000ull

struct world {
    struct heap heap;
    struct shard_tally tally;
    struct keyspace *keyspace;
    uint32_t told;
};

static struct world *world_open(bool lfu)
{
    struct world *w = calloc(1, sizeof *w);
    struct keyspace_config config = { .database_count = 2, .hash_key = { 1, 2 }, .lfu = lfu };
    cr_assert(eq(int, heap_open(&w->heap), OK));
    cr_assert(eq(int, keyspace_open(&w->keyspace, &w->heap, &config, &w->tally, START_MS), OK));
    return w;
}

static void world_close(struct world *w)
{
    keyspace_close(w->keyspace);
    cr_expect(zero(u64, w->heap.bytes_total));
    heap_close(&w->heap);
    free(w);
}

static struct key key_of(struct world *w, uint32_t n, char text[16])
{
    return key_make(w->keyspace, bytes_make(text, (size_t)snprintf(text, 16, "%u", n)));
}

static void put(struct world *w, uint32_t db, uint32_t n, uint64_t deadline_ms, uint64_t now_ms)
{
    char text[16];
    struct key key = key_of(w, n, text);
    string_set(w->keyspace, db, &key, bytes_text("v"), NULL, deadline_ms, 0, now_ms);
}

static bool is_there(struct world *w, uint32_t db, uint32_t n, uint64_t now_ms)
{
    char text[16];
    struct key key = key_of(w, n, text);
    return keyspace_find(w->keyspace, db, &key, FIND_QUIET, now_ms) != NULL;
}

static uint32_t count_range(struct world *w, uint32_t from, uint32_t to, uint64_t now_ms)
{
    uint32_t count = 0;
    for (uint32_t n = from; n < to; n++) count += is_there(w, 0, n, now_ms);
    return count;
}

static void note(void *context, uint32_t db, struct bytes key)
{
    struct world *w = context;
    w->told++;
}

Test(evict, prefers_keys_that_were_not_used_for_long)
{
    struct world *w = world_open(false);
    for (uint32_t n = 0; n < KEYS / 2; n++) put(w, 0, n, 0, START_MS);
    uint64_t later_ms = START_MS + 3600000;
    for (uint32_t n = KEYS / 2; n < KEYS; n++) put(w, 0, n, 0, later_ms);
    struct evict_rule rule = { EVICT_BY_IDLE, false, 5 };
    keyspace_on_evicted(w->keyspace, note, w);
    for (uint32_t i = 0; i < KEYS / 4; i++) cr_assert(keyspace_evict(w->keyspace, &rule, later_ms));
    cr_expect(eq(u32, w->told, KEYS / 4));
    cr_expect(eq(u64, w->tally.evicted_keys, KEYS / 4));
    cr_expect(ge(u32, count_range(w, KEYS / 2, KEYS, later_ms), KEYS / 2 - 5));
    world_close(w);
}

Test(evict, prefers_keys_that_are_used_seldom)
{
    struct world *w = world_open(true);
    char text[16];
    for (uint32_t n = 0; n < KEYS; n++) put(w, 0, n, 0, START_MS);
    for (uint32_t round = 0; round < 200; round++)
        for (uint32_t n = KEYS / 2; n < KEYS; n++) {
            struct key key = key_of(w, n, text);
            keyspace_find(w->keyspace, 0, &key, FIND_READ, START_MS);
        }
    struct evict_rule rule = { EVICT_BY_FREQUENCY, false, 5 };
    for (uint32_t i = 0; i < KEYS / 4; i++) cr_assert(keyspace_evict(w->keyspace, &rule, START_MS));
    cr_expect(ge(u32, count_range(w, KEYS / 2, KEYS, START_MS), KEYS / 2 - 5));
    world_close(w);
}

Test(evict, takes_only_keys_with_deadlines_when_told_so_and_the_nearest_first)
{
    struct world *w = world_open(false);
    for (uint32_t n = 0; n < KEYS; n++) put(w, 0, n, 0, START_MS);
    for (uint32_t n = 0; n < 20; n++) // rare: one in fifty
        put(w, 0, KEYS + n, START_MS + 1000 + n * 100000, START_MS);
    struct evict_rule rule = { EVICT_BY_DEADLINE, true, 20 };
    for (uint32_t i = 0; i < 10; i++) cr_assert(keyspace_evict(w->keyspace, &rule, START_MS));
    cr_expect(eq(u32, count_range(w, 0, KEYS, START_MS), KEYS));
    cr_expect(ge(u32, count_range(w, KEYS + 12, KEYS + 20, START_MS), 5));
    for (uint32_t i = 0; i < 10; i++) cr_assert(keyspace_evict(w->keyspace, &rule, START_MS));
    cr_expect(not(keyspace_evict(w->keyspace, &rule, START_MS)));
    cr_expect(eq(u32, count_range(w, 0, KEYS, START_MS), KEYS));
    world_close(w);
}

Test(evict, draws_from_every_database_and_ends_with_the_last_key)
{
    struct world *w = world_open(false);
    for (uint32_t n = 0; n < 50; n++) {
        put(w, 0, n, 0, START_MS);
        put(w, 1, n, n % 2 ? START_MS + 1000000 : 0, START_MS);
    }
    struct evict_rule rule = { EVICT_BY_CHANCE, false, 5 };
    for (uint32_t i = 0; i < 100; i++) cr_assert(keyspace_evict(w->keyspace, &rule, START_MS));
    cr_expect(not(keyspace_evict(w->keyspace, &rule, START_MS)));
    cr_expect(zero(u64, keyspace_size(w->keyspace, 0) + keyspace_size(w->keyspace, 1)));
    world_close(w);
}

Test(evict, takes_names_too_long_for_its_pool_too)
{
    struct world *w = world_open(false);
    char name[400];
    memset(name, 'x', sizeof name);
    struct key key = key_make(w->keyspace, bytes_make(name, sizeof name));
    string_set(w->keyspace, 0, &key, bytes_text("v"), NULL, 0, 0, START_MS);
    struct evict_rule rule = { EVICT_BY_IDLE, false, 5 };
    cr_expect(keyspace_evict(w->keyspace, &rule, START_MS));
    cr_expect(not(keyspace_evict(w->keyspace, &rule, START_MS)));
    world_close(w);
}
