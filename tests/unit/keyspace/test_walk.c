#include "dataplane/keyspace/walk.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAMES = 4000, NOW_MS = 1000000 };

struct world {
    struct heap heap;
    struct shard_tally tally;
    struct keyspace *keyspace;
    struct rng rng;
    bool at_cut[NAMES], is_there[NAMES];
    uint32_t shown[NAMES], shown_count;
};

static struct key key_of(struct world *w, uint32_t n, char text[16])
{
    return key_make(w->keyspace, bytes_make(text, (size_t)snprintf(text, 16, "key:%u", n)));
}

static void put(struct world *w, uint32_t n, uint64_t deadline_ms)
{
    char text[16];
    struct key key = key_of(w, n, text);
    string_set(w->keyspace, 0, &key, bytes_text("v"), NULL, deadline_ms, 0, NOW_MS);
    w->is_there[n] = true;
}

static void drop(struct world *w, uint32_t n)
{
    char text[16];
    struct key key = key_of(w, n, text);
    keyspace_delete(w->keyspace, 0, &key, NOW_MS);
    w->is_there[n] = false;
}

static struct world *world_open(uint64_t seed)
{
    struct world *w = calloc(1, sizeof *w);
    struct keyspace_config config = { .database_count = 2, .hash_key = { 7, seed } };
    rng_seed(&w->rng, seed);
    cr_assert(eq(int, heap_open(&w->heap), OK));
    cr_assert(eq(int, keyspace_open(&w->keyspace, &w->heap, &config, &w->tally, NOW_MS), OK));
    return w;
}

static void world_close(struct world *w)
{
    keyspace_close(w->keyspace);
    cr_expect(zero(u64, w->heap.bytes_total));
    heap_close(&w->heap);
    free(w);
}

static void show(void *context, const struct entry *e)
{
    struct world *w = context;
    struct bytes name = entry_key(e);
    char text[16] = { 0 };
    memcpy(text, name.data, name.size < 15 ? name.size : 15);
    uint32_t n = (uint32_t)atoi(text + 4);
    cr_assert(lt(u32, n, NAMES));
    w->shown[n]++;
    w->shown_count++;
}

static void expect_the_cut(struct world *w, uint64_t seed)
{
    for (uint32_t n = 0; n < NAMES; n++)
        cr_expect(eq(u32, w->shown[n], w->at_cut[n]), "seed %lu key %u", (unsigned long)seed, n);
}

Test(walk, shows_the_keys_of_its_moment_whatever_changes_meanwhile)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct world *w = world_open(seed);
        struct keyspace_walk walk;
        for (uint32_t n = 0; n < NAMES; n++)
            if (rng_below(&w->rng, 2)) put(w, n, 0);
        memcpy(w->at_cut, w->is_there, sizeof w->at_cut);
        keyspace_walk_begin(&walk, w->keyspace, 0, NOW_MS, show, w);
        while (!keyspace_walk_step(&walk)) {
            for (uint32_t i = 0; i < 8; i++) {
                uint32_t n = (uint32_t)rng_below(&w->rng, NAMES);
                if (w->is_there[n] && rng_below(&w->rng, 2))
                    drop(w, n);
                else
                    put(w, n, 0);
            }
        }
        keyspace_walk_end(&walk);
        expect_the_cut(w, seed);
        world_close(w);
    }
}

Test(walk, goes_on_over_a_database_that_was_flushed)
{
    struct world *w = world_open(3);
    struct keyspace_walk walk;
    for (uint32_t n = 0; n < NAMES; n++) put(w, n, 0);
    memcpy(w->at_cut, w->is_there, sizeof w->at_cut);
    keyspace_walk_begin(&walk, w->keyspace, 0, NOW_MS, show, w);
    for (uint32_t i = 0; i < 5; i++) keyspace_walk_step(&walk);
    keyspace_flush(w->keyspace, 0);
    while (keyspace_reap_step(w->keyspace, 1000)) continue; // not what is being walked over
    for (uint32_t n = 0; n < 100; n++) put(w, n, 0);        // of another table now
    while (!keyspace_walk_step(&walk)) continue;
    keyspace_walk_end(&walk);
    expect_the_cut(w, 3);
    world_close(w);
}

Test(walk, passes_over_keys_that_had_expired_at_its_moment)
{
    struct world *w = world_open(4);
    struct keyspace_walk walk;
    for (uint32_t n = 0; n < 100; n++) put(w, n, n % 2 ? NOW_MS + 10 : NOW_MS + 20);
    for (uint32_t n = 0; n < 100; n++) w->at_cut[n] = n % 2 == 0;
    keyspace_walk_begin(&walk, w->keyspace, 0, NOW_MS + 15, show, w);
    keyspace_expire_step(w->keyspace, NOW_MS + 30, 1000); // all of them, during the walk
    while (!keyspace_walk_step(&walk)) continue;
    keyspace_walk_end(&walk);
    expect_the_cut(w, 4);
    world_close(w);
}

Test(walk, is_not_alone)
{
    struct world *w = world_open(5);
    struct keyspace_walk first, second;
    for (uint32_t n = 0; n < NAMES; n++) put(w, n, 0);
    keyspace_walk_begin(&first, w->keyspace, 0, NOW_MS, show, w);
    for (uint32_t i = 0; i < 20; i++) keyspace_walk_step(&first);
    for (uint32_t n = 0; n < NAMES; n += 2) drop(w, n); // the first one is shown them
    keyspace_walk_begin(&second, w->keyspace, 0, NOW_MS, show, w);
    for (uint32_t n = 1; n < NAMES; n += 2) drop(w, n); // both are
    while (!keyspace_walk_step(&first)) continue;
    while (!keyspace_walk_step(&second)) continue;
    keyspace_walk_end(&second);
    keyspace_walk_end(&first);
    for (uint32_t n = 0; n < NAMES; n++) cr_expect(eq(u32, w->shown[n], 1 + n % 2));
    world_close(w);
}

Test(walk, may_end_early)
{
    struct world *w = world_open(6);
    struct keyspace_walk walk;
    for (uint32_t n = 0; n < NAMES; n++) put(w, n, 0);
    keyspace_walk_begin(&walk, w->keyspace, 0, NOW_MS, show, w);
    keyspace_walk_step(&walk);
    for (uint32_t n = 0; n < NAMES; n++) drop(w, n);
    for (uint32_t n = 0; n < NAMES; n++) put(w, n, 0); // remembered as new
    keyspace_walk_end(&walk);
    keyspace_walk_end(&walk);
    world_close(w);
}
