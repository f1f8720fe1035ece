#include "dataplane/base/byte_queue.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include "dataplane/base/hash.h"
#include "tests/unit/seed.h"

static struct heap heap, other_heap;
static void open_heaps(void)
{
    cr_assert(eq(int, heap_open(&heap), OK));
    cr_assert(eq(int, heap_open(&other_heap), OK));
}
static void close_heaps(void)
{
    cr_expect(zero(u64, heap.bytes[HEAP_LOG]));
    cr_expect(zero(u64, other_heap.bytes[HEAP_LOG]));
    heap_close(&heap);
    heap_close(&other_heap);
}
TestSuite(byte_queue, .init = open_heaps, .fini = close_heaps);

static struct byte_queue queue_of(struct heap *of)
{
    struct byte_queue q;
    byte_queue_init(&q, of, HEAP_LOG);
    return q;
}

// What a queue should hold: the bytes from first to last of an endless pattern that never repeats
// within a piece.
static uint8_t pattern_at(uint64_t i) { return (uint8_t)(i ^ i >> 8 ^ i >> 16); }

static void append_pattern(struct byte_queue *q, uint64_t from, size_t size)
{
    uint8_t *data = malloc(size + 1);
    for (size_t i = 0; i < size; i++) data[i] = pattern_at(from + i);
    byte_queue_append(q, bytes_make(data, size));
    free(data);
}

static void expect_first(const struct byte_queue *q, uint64_t from)
{
    struct bytes first = byte_queue_first(q);
    for (size_t i = 0; i < first.size; i++)
        cr_assert(eq(u8, first.data[i], pattern_at(from + i)), "byte %lu", from + i);
}

Test(byte_queue, that_is_all_zeros_is_empty)
{
    struct byte_queue q = { 0 };
    cr_expect(zero(sz, byte_queue_first(&q).size));
    byte_queue_cut(&q, 0);
    byte_queue_clear(&q);
}

Test(byte_queue, gives_what_was_appended_and_frees_on_the_way)
{
    struct byte_queue q = queue_of(&heap);
    append_pattern(&q, 0, 1000000);
    uint64_t held = heap.bytes[HEAP_LOG], at = 0;
    cr_expect(le(u64, held, 1000000 + 2 * BYTE_QUEUE_PIECE_BYTES));
    while (q.size) {
        size_t size = byte_queue_first(&q).size;
        cr_assert(ne(sz, size, 0));
        expect_first(&q, at);
        byte_queue_skip(&q, size);
        at += size;
        cr_assert(lt(u64, heap.bytes[HEAP_LOG], held));
        held = heap.bytes[HEAP_LOG];
    }
    cr_expect(eq(u64, at, 1000000));
    cr_expect(zero(u64, held));
    append_pattern(&q, 0, 10); // it goes on
    cr_expect(eq(sz, byte_queue_first(&q).size, 10));
    byte_queue_clear(&q);
}

Test(byte_queue, hands_its_pieces_over)
{
    struct byte_queue q = queue_of(&heap), from = queue_of(&heap);
    append_pattern(&q, 0, 10);
    append_pattern(&from, 10, 300000);
    uint64_t held = heap.bytes[HEAP_LOG];
    byte_queue_take_over(&q, &from);
    cr_expect(eq(u64, heap.bytes[HEAP_LOG], held));
    cr_expect(zero(u64, from.size));
    byte_queue_take_over(&q, &from); // of nothing
    append_pattern(&q, 300010, 5);
    cr_expect(eq(u64, q.size, 300015));
    for (uint64_t at = 0; q.size;) {
        size_t size = byte_queue_first(&q).size;
        expect_first(&q, at);
        byte_queue_skip(&q, size);
        at += size;
    }
}

Test(byte_queue, copies_what_lies_in_another_heap)
{
    struct byte_queue q = queue_of(&heap), from = queue_of(&other_heap);
    append_pattern(&from, 0, 100000);
    byte_queue_take_over(&q, &from);
    cr_expect(zero(u64, other_heap.bytes[HEAP_LOG]));
    cr_expect(eq(u64, q.size, 100000));
    expect_first(&q, 0);
    byte_queue_clear(&q);
}

// Against two numbers: where in the pattern it begins and ends.
Test(byte_queue, is_a_window_of_the_pattern_whatever_is_done)
{
    struct byte_queue q = queue_of(&heap);
    struct rng rng;
    uint64_t begin = 0, end = 0, seed = seed_from_environment();
    rng_seed(&rng, seed);
    for (int i = 0; i < 2000; i++) {
        uint64_t size = rng_below(&rng, 4) ? rng_below(&rng, 3000) : rng_below(&rng, 200000);
        switch (rng_below(&rng, 4)) {
        case 0:
        case 1:
            append_pattern(&q, end, size);
            end += size;
            break;
        case 2: {
            size_t first = byte_queue_first(&q).size;
            if (size > first) size = first;
            byte_queue_skip(&q, size);
            begin += size;
            break;
        }
        default:
            if (rng_below(&rng, 8)) break;
            size = rng_below(&rng, end - begin + 2);
            byte_queue_cut(&q, size);
            if (size < end - begin) end = begin + size;
        }
        cr_assert(eq(u64, q.size, end - begin), "seed %lu, step %d", seed, i);
        cr_assert(eq(int, byte_queue_first(&q).size == 0, begin == end), "seed %lu", seed);
        expect_first(&q, begin);
    }
    byte_queue_clear(&q);
}
