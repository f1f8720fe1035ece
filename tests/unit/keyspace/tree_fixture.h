// tree_fixture.h: a heap, a reaper and trees of three shapes, for the tests of tree and reaper.
#pragma once
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/keyspace/tree_priv.h"
#include "tests/unit/seed.h"

static struct heap heap;
static struct reaper reaper;
static struct tree_space space;

static inline uint64_t mark_of_prefix(const uint8_t *record) { return load_le64(record); }
static const struct tree_shape by_position = { .order = TREE_BY_POSITION,
                                               .elements = 1,
                                               .leaf_bytes = TREE_LEAF_BYTES };
static const struct tree_shape by_hash = { .order = TREE_BY_HASH,
                                           .elements = 2,
                                           .leaf_bytes = TREE_LEAF_BYTES };
static const struct tree_shape sorted = { .order = TREE_SORTED,
                                          .prefix_bytes = 8,
                                          .elements = 1,
                                          .leaf_bytes = TREE_LEAF_BYTES,
                                          .mark = mark_of_prefix };

static inline void open_space(void)
{
    cr_assert(eq(int, heap_open(&heap), OK));
    reaper_init(&reaper, &heap);
    space = (struct tree_space){ &heap, &reaper, { 1, 2 } };
}

static inline void reap_all(void)
{
    while (reaper_step(&reaper, 100) > 0) continue;
    cr_assert(eq(u64, reaper.pending, 0));
}

// Every test ends here: all trees are dropped, so no byte may be left.
static inline void close_space(void)
{
    reap_all();
    cr_expect(eq(u64, heap.bytes[HEAP_DATASET], 0));
    cr_expect(eq(u64, heap.bytes_total, 0));
    cr_expect(eq(u64, heap.allocation_count, 0));
    heap_close(&heap);
}

// A test between open and close. Not a .fini: what fails there is printed, but counts as passed.
#define TREE_TEST(suite, name, ...)                                                                \
    static void suite##_##name(void);                                                              \
    Test(suite, name, ##__VA_ARGS__)                                                               \
    {                                                                                              \
        open_space();                                                                              \
        suite##_##name();                                                                          \
        close_space();                                                                             \
    }                                                                                              \
    static void suite##_##name(void)

static inline struct packed_needle needle(const char *text)
{
    struct packed_needle n;
    packed_needle_init(&n, bytes_text(text));
    return n;
}

static inline bool is_text(const uint8_t *element, const char *text)
{
    char scratch[24];
    return bytes_equal(packed_text(element, scratch), bytes_text(text));
}
