// manifest_fixture.h: a manifest on a heap of its own, and what it refuses.
#pragma once
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include "dataplane/base/check.h"
#include "storage/aof/manifest.h"

struct fixture {
    struct heap heap;
    struct manifest m;
    struct manifest_error error;
};

static inline void open(struct fixture *f)
{
    cr_assert_eq(heap_open(&f->heap), OK);
    manifest_init(&f->m, &f->heap);
}

static inline void close(struct fixture *f)
{
    manifest_close(&f->m);
    CHECK(f->heap.bytes_total == 0);
    heap_close(&f->heap);
}

// From a copy that ends where its allocation does.
static inline enum status parse(struct fixture *f, struct bytes text)
{
    uint8_t *copy = malloc(text.size ? text.size : 1);
    if (text.size) memcpy(copy, text.data, text.size);
    enum status status = manifest_parse(&f->m, bytes_make(copy, text.size), &f->error);
    free(copy);
    return status;
}

static inline void expect_error(const char *text, size_t size, uint32_t line, const char *why)
{
    struct fixture f;
    open(&f);
    cr_assert_eq(parse(&f, bytes_make(text, size)), ERR_PEER, "%s", text);
    cr_expect_str_eq(f.error.why, why, "%s: %s", text, f.error.why);
    cr_expect_eq(f.error.line, line, "%s: line %u", text, f.error.line);
    cr_expect_eq(f.m.count, 0);
    close(&f);
}

static inline void expect_text(const struct manifest *m, const char *expected)
{
    char *out = malloc(manifest_text_max(m));
    size_t size = manifest_format(m, out);
    cr_expect_leq(size, manifest_text_max(m));
    cr_expect(bytes_equal(bytes_make(out, size), bytes_text(expected)), "%.*s\nexpected %s",
              (int)size, out, expected);
    free(out);
}

static inline void expect_reads_as(const char *text, const char *expected)
{
    struct fixture f;
    open(&f);
    cr_assert_eq(parse(&f, bytes_text(text)), OK, "%s: %s", text, f.error.why);
    expect_text(&f.m, expected);
    close(&f);
}
