#include "dataplane/base/outq.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/base/blob.h"
#include "dataplane/base/hash.h"
#include "dataplane/base/heap.h"

enum { BLOCK = 1024 };

// A heap source that refuses when its budget of pieces is spent.
struct fixture {
    struct heap heap;
    struct heap_piece_source blocks;
    struct piece_source limited;
    struct outq q;
    uint32_t budget;
};

static struct fixture *owner_of(struct piece_source *s)
{
    return (struct fixture *)((char *)s - offsetof(struct fixture, limited));
}

static struct piece *take_limited(struct piece_source *s, const struct outq *q, uint32_t want)
{
    struct fixture *f = owner_of(s);
    if (f->budget == 0) return NULL;
    f->budget--;
    return f->blocks.source.take(&f->blocks.source, q, want);
}

static struct piece *take_ref_limited(struct piece_source *s, struct bytes bytes,
                                      void (*release_value)(void *value), void *value)
{
    struct fixture *f = owner_of(s);
    if (f->budget == 0) return NULL;
    f->budget--;
    return f->blocks.source.take_ref(&f->blocks.source, bytes, release_value, value);
}

static struct fixture *open_fixture(uint32_t budget)
{
    struct fixture *f = calloc(1, sizeof(*f));
    cr_assert_eq(heap_open(&f->heap), OK);
    heap_piece_source_init(&f->blocks, &f->heap, BLOCK);
    f->limited.take = take_limited;
    f->limited.take_ref = take_ref_limited;
    f->budget = budget;
    outq_init(&f->q, &f->limited);
    return f;
}

// Whatever happened, the heap is empty at the end.
static void close_fixture(struct fixture *f)
{
    outq_clear(&f->q);
    cr_assert_eq(f->q.bytes, 0);
    cr_assert_null(f->q.head);
    cr_assert_null(f->q.tail);
    cr_assert_eq(f->heap.bytes_total, 0);
    cr_assert_eq(f->heap.allocation_count, 0);
    heap_close(&f->heap);
    free(f);
}

static void count_release(void *value) { ++*(int *)value; }

// Takes everything and returns it in one piece of memory.
static uint8_t *drain(struct outq *q, size_t *size)
{
    uint8_t *all = malloc(q->bytes + 1);
    *size = 0;
    struct piece *p;
    while ((p = outq_take(q))) {
        cr_assert_gt(p->used, 0);
        memcpy(all + *size, p->data, p->used);
        *size += p->used;
        p->release(p);
    }
    return all;
}

static void expect_drained(struct outq *q, const char *text)
{
    size_t size;
    uint8_t *all = drain(q, &size);
    cr_assert(bytes_equal(bytes_make(all, size), bytes_text(text)), "%.*s", (int)size, all);
    free(all);
}

Test(outq, an_empty_queue_gives_nothing)
{
    struct fixture *f = open_fixture(1);
    cr_assert_null(outq_take(&f->q));
    outq_drop(&f->q, 0);
    outq_append(&f->q, BYTES_LITERAL(""));
    cr_assert_eq(f->budget, 1);
    close_fixture(f);
}

Test(outq, reserved_bytes_leave_as_committed)
{
    struct fixture *f = open_fixture(10);
    memcpy(outq_reserve(&f->q, 512), "hello ", 6);
    outq_commit(&f->q, 6);
    memcpy(outq_reserve(&f->q, 5), "world", 5);
    outq_commit(&f->q, 5);
    outq_reserve(&f->q, 100);
    outq_commit(&f->q, 0);
    cr_assert_eq(f->q.bytes, 11);
    cr_assert_eq(f->q.head, f->q.tail);
    expect_drained(&f->q, "hello world");
    cr_assert_eq(f->q.bytes, 0);
    cr_assert_eq(f->q.bytes_total, 11);
    close_fixture(f);
}

Test(outq, append_fills_the_room_there_is_and_goes_on)
{
    for (size_t size = 1; size < 5000; size += 61) {
        for (size_t before = 0; before < 1000; before += 333) {
            struct fixture *f = open_fixture(100);
            uint8_t *data = malloc(before + size);
            for (size_t i = 0; i < before + size; i++) data[i] = (uint8_t)(i * 31 >> 3);
            outq_append(&f->q, bytes_make(data, before));
            outq_append(&f->q, bytes_make(data + before, size));
            cr_assert_eq(f->q.bytes, before + size);
            uint32_t room = BLOCK - sizeof(struct piece);
            cr_assert_eq(100 - f->budget, (before + size + room - 1) / room);
            size_t drained;
            uint8_t *all = drain(&f->q, &drained);
            cr_assert_eq(drained, before + size);
            cr_assert_eq(memcmp(all, data, drained), 0);
            free(all);
            free(data);
            close_fixture(f);
        }
    }
}

Test(outq, a_reference_is_released_once_when_taken)
{
    struct fixture *f = open_fixture(10);
    int released = 0;
    static const char value[] = "a large value";
    outq_append(&f->q, BYTES_LITERAL("$13\r\n"));
    outq_append_ref(&f->q, bytes_make(value, 13), count_release, &released);
    outq_append(&f->q, BYTES_LITERAL("\r\n"));
    cr_assert_eq(f->q.bytes, 20);
    cr_assert_eq(f->q.head->next->data, (const uint8_t *)value); // not copied
    cr_assert_eq(f->q.head->room, 0);
    expect_drained(&f->q, "$13\r\na large value\r\n");
    cr_assert_eq(released, 1);
    close_fixture(f);
}

Test(outq, a_reference_is_released_once_when_cleared_dropped_empty_or_refused)
{
    int released = 0;
    struct fixture *f = open_fixture(2);
    outq_append_ref(&f->q, BYTES_LITERAL("abc"), count_release, &released);
    outq_clear(&f->q);
    cr_assert_eq(released, 1);
    outq_append_ref(&f->q, BYTES_LITERAL("abc"), count_release, &released);
    outq_drop(&f->q, 2);
    cr_assert_eq(released, 1);
    outq_drop(&f->q, 1);
    cr_assert_eq(released, 2);
    outq_append_ref(&f->q, BYTES_LITERAL(""), count_release, &released);
    cr_assert_eq(released, 3);
    cr_assert(!f->q.broken);
    outq_append_ref(&f->q, BYTES_LITERAL("abc"), count_release, &released);
    cr_assert_eq(released, 4);
    cr_assert(f->q.broken);
    outq_append_ref(&f->q, BYTES_LITERAL("abc"), count_release, &released);
    cr_assert_eq(released, 5);
    close_fixture(f);
}

Test(outq, a_blob_stays_while_the_transport_holds_its_piece)
{
    struct fixture *f = open_fixture(10);
    struct blob *b = blob_new(&f->heap, 5, HEAP_DATASET);
    memcpy(b->data, "value", 5);
    b->size = 5;
    outq_append_ref(&f->q, blob_bytes(b), blob_release_value, blob_hold(b));
    struct piece *p = outq_take(&f->q);
    blob_release(b); // the key is deleted while its value is on its way
    cr_assert_eq(memcmp(p->data, "value", 5), 0);
    p->release(p);
    close_fixture(f);
}

Test(outq, a_broken_queue_swallows_writes_and_keeps_what_it_had)
{
    struct fixture *f = open_fixture(1);
    outq_append(&f->q, BYTES_LITERAL("kept"));
    uint8_t filler[2000] = { 0 };
    outq_append(&f->q, bytes_make(filler, sizeof(filler)));
    cr_assert(f->q.broken);
    uint64_t bytes = f->q.bytes;
    uint8_t *sink = outq_reserve(&f->q, OUTQ_RESERVE_MAX);
    cr_assert_eq(sink, f->limited.sink);
    memset(sink, 1, OUTQ_RESERVE_MAX);
    outq_commit(&f->q, OUTQ_RESERVE_MAX);
    outq_append(&f->q, BYTES_LITERAL("lost"));
    cr_assert_null(outq_gap(&f->q));
    cr_assert_eq(f->q.bytes, bytes);
    struct piece *p = outq_take(&f->q);
    cr_assert_eq(memcmp(p->data, "kept", 4), 0);
    p->release(p);
    close_fixture(f);
}

Test(outq, a_queue_broken_at_once_can_be_reserved_from)
{
    struct fixture *f = open_fixture(0);
    cr_assert_eq(outq_reserve(&f->q, 1), f->limited.sink);
    outq_commit(&f->q, 1);
    cr_assert_eq(f->q.bytes, 0);
    cr_assert_null(outq_take(&f->q));
    close_fixture(f);
}

Test(outq, a_gap_is_filled_behind_what_follows_it)
{
    struct fixture *f = open_fixture(10);
    outq_append(&f->q, BYTES_LITERAL("before "));
    struct piece *gap = outq_gap(&f->q);
    outq_append(&f->q, BYTES_LITERAL(" after"));
    outq_gap_fill(&f->q, gap, BYTES_LITERAL("*12\r\n"));
    cr_assert_eq(f->q.bytes, 18);
    cr_assert_eq(f->q.bytes_total, 18);
    expect_drained(&f->q, "before *12\r\n after");
    close_fixture(f);
}

Test(outq, a_gap_may_be_first_full_or_filled_with_nothing)
{
    struct fixture *f = open_fixture(10);
    struct piece *gap = outq_gap(&f->q);
    outq_gap_fill(&f->q, gap, BYTES_LITERAL("0123456789abcdef0123456789abcdef"));
    struct piece *empty = outq_gap(&f->q);
    outq_append(&f->q, BYTES_LITERAL("x"));
    outq_gap_fill(&f->q, empty, BYTES_LITERAL(""));
    expect_drained(&f->q, "0123456789abcdef0123456789abcdefx");
    close_fixture(f);
}

Test(outq, a_taken_piece_is_the_transports_and_writing_goes_on_behind_it)
{
    struct fixture *f = open_fixture(10);
    outq_append(&f->q, BYTES_LITERAL("one"));
    struct piece *p = outq_take(&f->q);
    cr_assert_eq(f->q.bytes, 0);
    outq_append(&f->q, BYTES_LITERAL("two"));
    cr_assert_eq(p->used, 3);
    cr_assert_eq(memcmp(p->data, "one", 3), 0);
    cr_assert_null(p->next);
    p->release(p);
    expect_drained(&f->q, "two");
    close_fixture(f);
}

Test(outq, drop_stops_anywhere_in_a_piece)
{
    uint8_t data[3000];
    for (size_t i = 0; i < sizeof(data); i++) data[i] = (uint8_t)(i % 251);
    for (size_t step = 1; step < 3000; step += 97) {
        struct fixture *f = open_fixture(10);
        outq_append(&f->q, bytes_make(data, sizeof(data)));
        for (size_t at = 0; at < sizeof(data);) {
            cr_assert_eq(f->q.head->data[0], data[at]);
            size_t part = sizeof(data) - at < step ? sizeof(data) - at : step;
            outq_drop(&f->q, part);
            at += part;
            cr_assert_eq(f->q.bytes, sizeof(data) - at);
        }
        cr_assert_null(f->q.head);
        cr_assert_eq(f->heap.allocation_count, 0);
        outq_append(&f->q, BYTES_LITERAL("again"));
        expect_drained(&f->q, "again");
        close_fixture(f);
    }
}

// A model: what goes in is a counting byte sequence, and comes out as the same.
Test(outq, any_mix_of_writers_and_readers_keeps_the_order)
{
    struct rng r;
    rng_seed(&r, 8);
    struct fixture *f = open_fixture(UINT32_MAX);
    uint64_t in = 0, out = 0;
    int refs = 0, released = 0;
    static uint8_t data[256 + 3000];
    for (size_t i = 0; i < sizeof(data); i++) data[i] = (uint8_t)i;
    for (int i = 0; i < 50000; i++) {
        struct bytes part =
            bytes_make(data + (in & 0xff), 1 + rng_below(&r, 1ULL << rng_below(&r, 12)));
        if (part.size > 3000) part.size = 3000;
        switch (rng_below(&r, 6)) {
        case 0:
            outq_append(&f->q, part);
            in += part.size;
            break;
        case 1:
            if (part.size > OUTQ_RESERVE_MAX) part.size = OUTQ_RESERVE_MAX;
            memcpy(outq_reserve(&f->q, (uint32_t)part.size), part.data, part.size);
            outq_commit(&f->q, (uint32_t)part.size);
            in += part.size;
            break;
        case 2:
            outq_append_ref(&f->q, part, count_release, &released);
            refs++;
            in += part.size;
            break;
        case 3: {
            struct piece *gap = outq_gap(&f->q);
            outq_gap_fill(&f->q, gap, bytes_make(part.data, part.size % 33));
            in += part.size % 33;
            break;
        }
        case 4: {
            uint64_t n = rng_below(&r, f->q.bytes + 1);
            outq_drop(&f->q, n);
            out += n;
            break;
        }
        default: {
            struct piece *p = outq_take(&f->q);
            for (uint32_t k = 0; p && k < p->used; k++)
                cr_assert_eq(p->data[k], (uint8_t)(out + k));
            if (p) out += p->used, p->release(p);
        }
        }
        cr_assert_eq(f->q.bytes, in - out);
        cr_assert_eq(f->q.bytes_total, in);
    }
    outq_clear(&f->q);
    cr_assert_eq(refs, released);
    close_fixture(f);
}
