// rdb_fixture.h: a heap, a buffer to write to, and hexadecimal text as bytes.
#pragma once
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include "dataplane/base/check.h"
#include "dataplane/base/hash.h"
#include "storage/rdb/rdb_buffer.h"

struct rdb_fixture {
    struct heap heap;
    struct rdb_buffer out;
};

static inline void rdb_fixture_open(struct rdb_fixture *f)
{
    cr_assert(eq(int, heap_open(&f->heap), OK));
    rdb_buffer_init(&f->out, &f->heap, HEAP_OTHER);
}

static inline void rdb_fixture_close(struct rdb_fixture *f)
{
    rdb_buffer_close(&f->out);
    CHECK(f->heap.bytes_total == 0); // an expectation that fails after the test counts for nothing
    heap_close(&f->heap);
}

// Digits with blanks between them; an allocation of exactly that size, so that a sanitizer sees its
// end. The caller frees data.
static inline struct bytes hex_bytes(const char *hex)
{
    uint8_t *out = malloc(strlen(hex) / 2 + 1);
    size_t size = 0;
    unsigned value;
    for (; *hex; hex++) {
        if (*hex == ' ') continue;
        cr_assert(sscanf(hex, "%2x", &value) == 1);
        out[size++] = (uint8_t)value;
        hex++;
    }
    return bytes_make(realloc(out, size ? size : 1), size);
}

static inline void free_bytes(struct bytes b) { free((void *)(uintptr_t)b.data); }

static inline void expect_hex(struct bytes got, const char *hex)
{
    struct bytes expected = hex_bytes(hex);
    char text[1024] = "";
    for (size_t i = 0; i < got.size && i < 500; i++) sprintf(text + 2 * i, "%02x", got.data[i]);
    cr_expect(bytes_equal(got, expected), "%s, expected %s", text, hex);
    free_bytes(expected);
}

// A copy that ends where its allocation does.
static inline struct bytes exact_copy(struct bytes b)
{
    uint8_t *copy = malloc(b.size ? b.size : 1);
    if (b.size) memcpy(copy, b.data, b.size);
    return bytes_make(copy, b.size);
}
