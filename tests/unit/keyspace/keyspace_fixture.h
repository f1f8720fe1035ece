// keyspace_fixture.h: a keyspace on a heap of its own, for the tests of keyspace/.
#pragma once
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/keyspace/keyspace_priv.h"
#include "tests/unit/seed.h"

enum { START_MS = 1700000000 };
static struct heap heap;
static struct shard_tally tally;
static struct keyspace *k;

static inline void open_keyspace(void)
{
    struct keyspace_config config = { .database_count = 4, .hash_key = { 1, 2 } };
    memset(&tally, 0, sizeof tally);
    cr_assert(eq(int, heap_open(&heap), OK));
    cr_assert(eq(int, keyspace_open(&k, &heap, &config, &tally, START_MS), OK));
}

// Every test ends here: whatever it left, nothing of it may outlive the keyspace.
static inline void close_keyspace(void)
{
    for (uint32_t db = 0; db < 4; db++) index_check(&keyspace_table(k, db)->index);
    keyspace_close(k);
    cr_expect(eq(u64, heap.bytes[HEAP_DATASET], 0));
    cr_expect(eq(u64, heap.bytes[HEAP_TABLES], 0));
    cr_expect(eq(u64, heap.bytes_total, 0));
    cr_expect(eq(u64, heap.allocation_count, 0));
    heap_close(&heap);
}

static inline struct key named(const char *name) { return key_make(k, bytes_text(name)); }
static inline struct entry *find(uint32_t db, const char *name, uint64_t now_ms)
{
    struct key key = named(name);
    return keyspace_find(k, db, &key, FIND_QUIET, now_ms);
}
static inline struct entry *set(uint32_t db, const char *name, const char *value,
                                uint64_t deadline_ms)
{
    struct key key = named(name);
    return string_set(k, db, &key, bytes_text(value), NULL, deadline_ms, 0, START_MS);
}
static inline bool holds(const struct entry *e, struct bytes want)
{
    struct string_view view;
    if (!e) return false;
    string_read(e, &view);
    return bytes_equal(view.bytes, want);
}
static inline bool says(const struct entry *e, const char *text)
{
    return holds(e, bytes_text(text));
}
static inline uint8_t *pattern(size_t size, uint8_t start) // the caller frees it
{
    uint8_t *p = malloc(size + 1);
    for (size_t i = 0; i < size; i++) p[i] = (uint8_t)(start + i * 7);
    return p;
}

// A test between open and close. Not a .fini: what fails there is printed, but counts as passed.
#define KEYSPACE_TEST(suite, name, ...)                                                            \
    static void suite##_##name(void);                                                              \
    Test(suite, name, ##__VA_ARGS__)                                                               \
    {                                                                                              \
        open_keyspace();                                                                           \
        suite##_##name();                                                                          \
        close_keyspace();                                                                          \
    }                                                                                              \
    static void suite##_##name(void)
