#include "dataplane/base/heap.h"
#include <criterion/criterion.h>
#include <jemalloc/jemalloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/base/hash.h"

static struct heap *heap_make(void)
{
    struct heap *h = malloc(sizeof(*h));
    cr_assert_eq(heap_open(h), OK);
    return h;
}

static void heap_end(struct heap *h)
{
    for (int i = 0; i < HEAP_OWNER_COUNT; i++) cr_assert_eq(h->bytes[i], 0);
    cr_assert_eq(h->bytes_total, 0);
    cr_assert_eq(h->allocation_count, 0);
    heap_close(h);
    free(h);
}

Test(heap, usable_is_the_size_class_jemalloc_uses)
{
    for (size_t size = 1; size <= 70000; size++)
        cr_assert_eq(heap_usable(size), nallocx(size, 0), "size %zu", size);
    for (int power = 16; power < 40; power++) {
        for (int quarter = 0; quarter < 4; quarter++) {
            size_t around = (1ULL << power) + ((1ULL << power) / 4) * (size_t)quarter;
            for (int d = -2; d <= 2; d++)
                cr_assert_eq(heap_usable(around + (size_t)d), nallocx(around + (size_t)d, 0));
        }
    }
}

Test(heap, books_the_class_to_its_owner_and_unbooks_it)
{
    struct heap *h = heap_make();
    void *a = heap_take(h, 100, HEAP_DATASET);
    void *b = heap_take(h, 5000, HEAP_CLIENT_IN);
    memset(a, 1, 100);
    memset(b, 2, 5000);
    cr_assert_eq(h->bytes[HEAP_DATASET], 112);
    cr_assert_eq(h->bytes[HEAP_CLIENT_IN], 5120);
    cr_assert_eq(h->bytes_total, 5232);
    cr_assert_eq(h->allocation_count, 2);
    heap_give(h, b, 5000, HEAP_CLIENT_IN);
    cr_assert_eq(h->bytes_total, 112);
    cr_assert_eq(h->bytes_peak, 5232);
    heap_give(h, a, 100, HEAP_DATASET);
    heap_end(h);
}

Test(heap, giving_nothing_is_allowed)
{
    struct heap *h = heap_make();
    heap_give(h, NULL, 10, HEAP_OTHER);
    heap_end(h);
}

Test(heap, zeroed_is_zero_even_on_used_memory)
{
    struct heap *h = heap_make();
    for (int round = 0; round < 100; round++) {
        uint8_t *p = heap_take_zeroed(h, 777, HEAP_TABLES);
        for (int i = 0; i < 777; i++) cr_assert_eq(p[i], 0);
        memset(p, 0xff, 777);
        heap_give(h, p, 777, HEAP_TABLES);
    }
    heap_end(h);
}

Test(heap, aligned_sizes_keep_their_class)
{
    struct heap *h = heap_make();
    for (size_t alignment = 16; alignment <= 4096; alignment *= 2) {
        for (size_t n = 1; n < 20; n++) {
            void *p = heap_take_aligned(h, n * alignment, alignment, HEAP_TABLES);
            cr_assert_eq((uintptr_t)p % alignment, 0);
            memset(p, 1, n * alignment);
            cr_assert_eq(h->bytes_total, heap_usable(n * alignment));
            heap_give(h, p, n * alignment, HEAP_TABLES);
        }
    }
    void *huge = heap_take_aligned(h, 4 << 20, 2 << 20, HEAP_TABLES);
    cr_assert_eq((uintptr_t)huge % (2 << 20), 0);
    heap_give(h, huge, 4 << 20, HEAP_TABLES);
    heap_end(h);
}

Test(heap, resize_keeps_the_bytes_and_the_books)
{
    struct heap *h = heap_make();
    uint8_t *p = NULL;
    size_t size = 0;
    struct rng r;
    rng_seed(&r, 3);
    for (int i = 0; i < 2000; i++) {
        size_t new_size = 1 + rng_below(&r, 1ULL << rng_below(&r, 18));
        p = heap_resize(h, p, size, new_size, HEAP_DATASET);
        for (size_t k = 0; k < size && k < new_size; k++) cr_assert_eq(p[k], (uint8_t)(k * 7));
        for (size_t k = 0; k < new_size; k++) p[k] = (uint8_t)(k * 7);
        size = new_size;
        cr_assert_eq(h->bytes[HEAP_DATASET], heap_usable(size));
        cr_assert_eq(h->allocation_count, 1);
    }
    heap_give(h, p, size, HEAP_DATASET);
    heap_end(h);
}

Test(heap, move_rebooks_without_touching_the_total)
{
    struct heap *h = heap_make();
    void *p = heap_take(h, 300, HEAP_CLIENT_IN);
    heap_move(h, 300, HEAP_CLIENT_IN, HEAP_DATASET);
    cr_assert_eq(h->bytes[HEAP_CLIENT_IN], 0);
    cr_assert_eq(h->bytes[HEAP_DATASET], 320);
    cr_assert_eq(h->bytes_total, 320);
    heap_give(h, p, 300, HEAP_DATASET);
    heap_end(h);
}

Test(heap, a_wrong_owner_is_found_out, .signal = SIGABRT)
{
    struct heap *h = heap_make();
    void *p = heap_take(h, 300, HEAP_CLIENT_IN);
    heap_give(h, p, 300, HEAP_DATASET);
}

Test(heap, close_takes_back_what_was_not_given)
{
    for (int round = 0; round < 50; round++) {
        struct heap *h = heap_make();
        for (int i = 0; i < 100; i++) memset(heap_take(h, 10000, HEAP_OTHER), 1, 10000);
        heap_close(h);
        cr_assert_eq(h->bytes_total, 0);
        free(h);
    }
}

Test(heap, two_heaps_do_not_share_books)
{
    struct heap *a = heap_make(), *b = heap_make();
    void *p = heap_take(a, 64, HEAP_DATASET);
    cr_assert_eq(a->bytes_total, 64);
    cr_assert_eq(b->bytes_total, 0);
    heap_give(a, p, 64, HEAP_DATASET);
    heap_end(a);
    heap_end(b);
}

Test(heap, a_random_mix_adds_up)
{
    enum { SLOTS = 500 };
    struct heap *h = heap_make();
    static struct {
        uint8_t *p;
        size_t size;
        enum heap_owner owner;
    } slots[SLOTS];
    struct rng r;
    rng_seed(&r, 4);
    uint64_t expected = 0;
    for (int i = 0; i < 50000; i++) {
        size_t k = rng_below(&r, SLOTS);
        if (slots[k].p) {
            cr_assert_eq(slots[k].p[slots[k].size - 1], (uint8_t)k);
            heap_give(h, slots[k].p, slots[k].size, slots[k].owner);
            expected -= heap_usable(slots[k].size);
            slots[k].p = NULL;
        } else {
            slots[k].size = 1 + rng_below(&r, 1ULL << rng_below(&r, 16));
            slots[k].owner = (enum heap_owner)rng_below(&r, HEAP_OWNER_COUNT);
            slots[k].p = heap_take(h, slots[k].size, slots[k].owner);
            slots[k].p[slots[k].size - 1] = (uint8_t)k;
            expected += heap_usable(slots[k].size);
        }
        cr_assert_eq(h->bytes_total, expected);
    }
    for (size_t k = 0; k < SLOTS; k++)
        if (slots[k].p) heap_give(h, slots[k].p, slots[k].size, slots[k].owner);
    heap_end(h);
}

Test(heap, measure_sees_what_is_booked_and_purge_gives_pages_back)
{
    struct heap *h = heap_make();
    enum { COUNT = 200, SIZE = 100000 };
    void *p[COUNT];
    for (int i = 0; i < COUNT; i++) memset(p[i] = heap_take(h, SIZE, HEAP_DATASET), 1, SIZE);
    struct heap_pages full, empty;
    heap_measure(h, &full);
    cr_assert_geq(full.allocated_bytes, h->bytes_total);
    cr_assert_geq(full.active_bytes, full.allocated_bytes);
    cr_assert_geq(full.resident_bytes, full.active_bytes);
    for (int i = 0; i < COUNT; i++) heap_give(h, p[i], SIZE, HEAP_DATASET);
    heap_purge(h);
    heap_purge(h);
    heap_finish_purge(h);
    heap_measure(h, &empty);
    cr_assert_lt(empty.resident_bytes, full.resident_bytes / 2);
    heap_end(h);
}

Test(heap, works_with_jemallocs_background_threads)
{
    cr_assert_eq(heap_start_background(), OK);
    cr_assert_eq(heap_start_background(), OK);
    struct heap *h = heap_make();
    for (int round = 0; round < 20; round++) {
        void *p = heap_take(h, 1 << 20, HEAP_DATASET);
        memset(p, 1, 1 << 20);
        heap_give(h, p, 1 << 20, HEAP_DATASET);
    }
    heap_end(h);
}

// Nine of ten go; what is left moves together.
Test(heap, moves_what_is_sparse)
{
    enum { COUNT = 100000, SIZE = 100 };
    struct heap *h = heap_make();
    struct heap_pages before, after;
    static uint8_t *p[COUNT];
    uint32_t moved = 0;
    if (!heap_can_relocate()) { // under AddressSanitizer
        p[0] = heap_take(h, SIZE, HEAP_DATASET);
        cr_expect_eq(heap_is_sparse(h, p[0]), 0);
        p[0] = heap_relocate(h, p[0], SIZE);
        heap_give(h, p[0], SIZE, HEAP_DATASET);
        heap_end(h);
        return;
    }
    for (int i = 0; i < COUNT; i++) {
        p[i] = heap_take(h, SIZE, HEAP_DATASET);
        memset(p[i], i & 255, SIZE);
    }
    for (int i = 0; i < COUNT; i += 1000) cr_expect_eq(heap_is_sparse(h, p[i]), 0);
    for (int i = 0; i < COUNT; i++)
        if (i % 10) heap_give(h, p[i], SIZE, HEAP_DATASET);
    heap_measure(h, &before);
    uint64_t booked = h->bytes_total;
    for (int i = 0; i < COUNT; i += 10) {
        if (!heap_is_sparse(h, p[i])) continue;
        p[i] = heap_relocate(h, p[i], SIZE);
        moved++;
    }
    heap_measure(h, &after);
    cr_expect_eq(h->bytes_total, booked);
    cr_expect_gt(moved, COUNT / 10 / 2);
    cr_expect_lt(after.active_bytes, before.active_bytes / 5);
    for (int i = 0; i < COUNT; i += 10) {
        for (int b = 0; b < SIZE; b++) cr_assert_eq(p[i][b], (uint8_t)(i & 255));
        heap_give(h, p[i], SIZE, HEAP_DATASET);
    }
    heap_end(h);
}

static void count_bytes(void *context, const char *part) { *(size_t *)context += strlen(part); }

Test(heap, tells_the_allocators_statistics)
{
    size_t bytes = 0;
    heap_statistics(count_bytes, &bytes);
    cr_expect_gt(bytes, 20);
}
