// aof_story.h: what a scan tells as one text, and a scan of the same file in pieces of many sizes.
#pragma once
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "dataplane/base/check.h"
#include "dataplane/base/hash.h"
#include "storage/aof/aof_scan.h"

enum { EVENTS_MAX = 4096 };
// What a scan tells, as a text, and how it ended.
struct story {
    char events[EVENTS_MAX];
    enum aof_scan_result end;
    uint64_t whole_offset, whole_line, error_offset, error_line;
    const char *error;
};

static inline void add(struct story *t, const char *format, ...)
{
    size_t at = strlen(t->events);
    va_list args;
    va_start(args, format);
    if (at < EVENTS_MAX - 200) vsnprintf(t->events + at, 200, format, args);
    va_end(args);
}

static inline void add_command(struct story *t, const struct aof_scan *s)
{
    add(t, s->in_unit ? "(" : "[");
    for (uint32_t i = 0; i < s->argc; i++)
        add(t, "%s%.*s", i ? " " : "", (int)s->argv[i].size, (const char *)s->argv[i].data);
    add(t, s->in_unit ? ")" : "]");
}

static inline void add_event(struct story *t, const struct aof_scan *s, enum aof_scan_result result)
{
    switch (result) {
    case AOF_SCAN_COMMAND:
        return add_command(t, s);
    case AOF_SCAN_MULTI:
        return s->shard_count
                   ? add(t, "{%llu/%u:", (unsigned long long)s->transaction, s->shard_count)
                   : add(t, "{");
    case AOF_SCAN_MULTI_NESTED:
        return add(t, "?");
    case AOF_SCAN_EXEC:
        return add(t, "}");
    case AOF_SCAN_TIMESTAMP:
        return add(t, "@%lld", (long long)s->timestamp_s);
    case AOF_SCAN_TRANSACTION:
        return add(t, "!");
    default:
        return add(t, "#%.*s", (int)s->remark.size, (const char *)s->remark.data);
    }
}

struct pieces {
    size_t size; // of a piece; 0: of random sizes
    bool forgives_nested;
    struct rng rng;
};

// Every window is a new allocation that ends where its bytes do, and the old one is gone.
static inline void scan(struct story *t, struct bytes file, struct pieces *p)
{
    struct heap heap;
    struct aof_scan s;
    uint8_t *window = NULL;
    size_t read = 0;
    *t = (struct story){ .end = AOF_SCAN_MORE };
    cr_assert_eq(heap_open(&heap), OK);
    aof_scan_init(&s, &heap, file.size, 0);
    s.forgives_nested = p->forgives_nested;
    while (t->end < AOF_SCAN_END) {
        size_t have = read - s.offset;
        free(window);
        window = malloc(have ? have : 1);
        if (have) memcpy(window, file.data + s.offset, have);
        uint64_t before = s.offset;
        t->end = aof_scan_step(&s, bytes_make(window, have));
        if (t->end == AOF_SCAN_MORE) {
            cr_assert_eq(s.offset, before);
            cr_assert_gt(s.wanted_bytes, 0);
            cr_assert_leq(s.offset + s.wanted_bytes, file.size);
            size_t more = p->size ? p->size : 1 + rng_below(&p->rng, 40);
            cr_assert(have < s.wanted_bytes || have < 16); // it never waits for what is there
            read += more < file.size - read ? more : file.size - read;
        } else if (t->end < AOF_SCAN_END) {
            cr_assert_gt(s.offset, before);
            cr_assert_leq(s.offset, read);
            add_event(t, &s, t->end);
        }
    }
    t->whole_offset = s.whole_offset, t->whole_line = s.whole_line;
    if (t->end != AOF_SCAN_END) {
        t->error_offset = s.error_offset, t->error_line = s.error_line;
        t->error = s.error;
        cr_expect(s.error && *s.error);
        cr_expect_geq(s.error_offset, s.whole_offset);
        cr_expect_leq(s.error_offset, file.size);
    }
    free(window);
    aof_scan_close(&s);
    CHECK(heap.bytes_total == 0);
    heap_close(&heap);
}

static inline void scan_all_ways(struct story *t, struct bytes file, bool forgives_nested)
{
    struct pieces p = { .size = file.size ? file.size : 1, .forgives_nested = forgives_nested };
    struct story other;
    scan(t, file, &p);
    for (size_t size = 0; size < 20; size++) { // 0: random
        p.size = size;
        rng_seed(&p.rng, size);
        scan(&other, file, &p);
        cr_assert_str_eq(other.events, t->events, "pieces of %zu", size);
        cr_assert_eq(other.end, t->end, "pieces of %zu: %d, else %d", size, other.end, t->end);
        cr_assert_eq(other.whole_offset, t->whole_offset);
        cr_assert_eq(other.whole_line, t->whole_line);
        cr_assert_eq(other.error_offset, t->error_offset, "%s", t->error);
        cr_assert_eq(other.error_line, t->error_line);
        cr_assert_eq(other.error, t->error, "pieces of %zu: %s, else %s", size, other.error,
                     t->error);
    }
}
