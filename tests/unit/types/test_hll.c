#include "dataplane/types/hll.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/base/hash.h"

enum { SPARSE_MAX = 3000 }; // hll-sparse-max-bytes, Redis's default

static void add_text(struct hll *h, const char *text)
{
    uint32_t index, count = hll_place(bytes_text(text), &index);
    hll_rewind(h);
    cr_assert_neq(hll_set(h, index, count, SPARSE_MAX), HLL_CORRUPT);
}

static void add_elements(struct hll *h, int first, int end)
{
    char text[32];
    for (int i = first; i < end; i++) {
        snprintf(text, sizeof text, "element%d", i);
        add_text(h, text);
    }
    hll_forget_count(h->bytes);
}

static uint64_t count_of(struct bytes value)
{
    uint64_t count = 0;
    cr_assert(hll_count(value, &count));
    return count;
}

static struct bytes value_of(const struct hll *h) { return bytes_make(h->bytes, h->size); }

static struct bytes sparse_value(uint8_t *storage, const void *runs, size_t size)
{
    struct hll h;
    hll_init(&h);
    memcpy(storage, h.bytes, HLL_HEADER_BYTES);
    memcpy(storage + HLL_HEADER_BYTES, runs, size);
    return bytes_make(storage, HLL_HEADER_BYTES + size);
}

// PFADD h a b c d e f g; GET h, of redis-server 7.0.15
Test(hll, has_the_bytes_of_a_real_server)
{
    static const uint8_t expected[] = "HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80"
                                      "\x46\x6d\x80\x56\x0c\x80\x44\x3c\x84\x38\x80\x50\xb1\x84\x49"
                                      "\x8c\x80\x42\x6d\x80\x42\x5a";
    struct hll h;
    hll_init(&h);
    for (char text[] = "a"; text[0] <= 'g'; text[0]++) add_text(&h, text);
    cr_expect_eq(h.size, sizeof expected - 1);
    cr_expect_arr_eq(h.bytes, expected, sizeof expected - 1);
    cr_expect_eq(count_of(value_of(&h)), 7);
}

// Sizes, CRC64 and counts recorded from redis-server 7.0.15: element0, element1, ... were added.
struct recorded {
    int elements;
    size_t size;
    uint64_t crc, count;
};
static struct recorded records[] = {
    { 100, 285, 0xc0ea0ecb7c1cc21e, 100 },     { 500, 1063, 0x230d20c0c365e4b1, 501 },
    { 1000, 1924, 0x2f5e62236cdd4715, 1012 },  { 1500, 2760, 0xacbd530d614ff5c8, 1517 },
    { 2000, 12304, 0x0d165e2733bb7b57, 2030 }, { 100000, 12304, 0x85b9e76ac51a474e, 100116 },
};

ParameterizedTestParameters(hll, splits_and_joins_runs_in_the_order_of_a_real_server)
{
    return cr_make_param_array(struct recorded, records, sizeof records / sizeof records[0]);
}

ParameterizedTest(struct recorded *r, hll, splits_and_joins_runs_in_the_order_of_a_real_server)
{
    static struct hll h;
    hll_init(&h);
    add_elements(&h, 0, r->elements);
    cr_expect_eq(h.size, r->size);
    cr_expect_eq(count_of(value_of(&h)), r->count);
    cr_expect_eq(crc64(0, h.bytes, h.size), r->crc, "%d elements: %016lx", r->elements,
                 crc64(0, h.bytes, h.size));
}

Test(hll, counts_a_union_by_its_registers)
{
    static struct hll a, b, both;
    uint8_t registers[HLL_REGISTERS] = { 0 };
    hll_init(&a);
    hll_init(&b);
    hll_init(&both);
    add_elements(&a, 0, 300);
    add_elements(&b, 200, 5000);
    add_elements(&both, 0, 5000);
    cr_assert(hll_merge(registers, value_of(&a)));
    cr_assert(hll_merge(registers, value_of(&b)));
    cr_expect_eq(hll_count_registers(registers), count_of(value_of(&both)));
    for (uint32_t i = 0; i < HLL_REGISTERS; i++)
        cr_assert_eq(registers[i], hll_dense_get(both.bytes, i));
}

Test(hll, reads_back_every_dense_register)
{
    static struct hll h;
    static uint8_t registers[HLL_REGISTERS], merged[HLL_REGISTERS], packed[HLL_DENSE_BYTES];
    struct rng rng;
    rng_seed(&rng, 7);
    hll_init(&h);
    cr_assert(hll_make_dense(&h));
    memcpy(packed, h.bytes, sizeof packed);
    for (uint32_t round = 0; round < 3; round++)
        for (uint32_t i = 0; i < HLL_REGISTERS; i++) {
            registers[i] = (uint8_t)rng_below(&rng, 64);
            hll_dense_set(h.bytes, i, registers[i]);
        }
    for (uint32_t i = 0; i < HLL_REGISTERS; i++)
        cr_assert_eq(hll_dense_get(h.bytes, i), registers[i]);
    hll_dense_set_all(packed, registers);
    cr_expect_arr_eq(packed, h.bytes, sizeof packed);
    cr_assert(hll_merge(merged, value_of(&h)));
    cr_expect_arr_eq(merged, registers, sizeof registers);
}

Test(hll, says_the_same_in_either_encoding)
{
    static struct hll sparse, dense;
    hll_init(&sparse);
    add_elements(&sparse, 0, 1200);
    memcpy(&dense, &sparse, sizeof dense);
    cr_assert(hll_make_dense(&dense));
    cr_expect_eq(hll_encoding(value_of(&sparse)), HLL_SPARSE);
    cr_expect_eq(hll_encoding(value_of(&dense)), HLL_DENSE);
    cr_expect_eq(count_of(value_of(&sparse)), count_of(value_of(&dense)));
}

// PFMERGE goes on from where it was: the same bytes as from the start each time.
Test(hll, sets_registers_in_order_as_it_does_from_the_start)
{
    static struct hll from_start, in_order;
    struct rng rng;
    rng_seed(&rng, 11);
    for (int round = 0; round < 200; round++) {
        uint64_t rarity = 2 + rng_below(&rng, 200);
        hll_init(&from_start);
        hll_init(&in_order);
        for (uint32_t i = 0; i < HLL_REGISTERS; i++) {
            if (rng_below(&rng, rarity) != 0) continue;
            uint32_t count = 1 + (uint32_t)rng_below(&rng, 3);
            hll_rewind(&from_start);
            hll_set(&from_start, i, count, SPARSE_MAX);
            hll_set(&in_order, i, count, SPARSE_MAX);
        }
        cr_assert_eq(from_start.size, in_order.size);
        cr_assert_arr_eq(from_start.bytes, in_order.bytes, in_order.size);
    }
}

Test(hll, becomes_dense_for_a_value_or_a_size_that_sparse_cannot_hold)
{
    static struct hll h;
    hll_init(&h);
    cr_expect_eq(hll_set(&h, 5, HLL_SPARSE_VALUE_MAX, SPARSE_MAX), HLL_CHANGED);
    cr_expect_eq(hll_encoding(value_of(&h)), HLL_SPARSE);
    hll_rewind(&h);
    cr_expect_eq(hll_set(&h, 6, HLL_SPARSE_VALUE_MAX + 1, SPARSE_MAX), HLL_CHANGED);
    cr_expect_eq(hll_encoding(value_of(&h)), HLL_DENSE);
    cr_expect_eq(h.size, HLL_DENSE_BYTES);
    cr_expect_eq(hll_dense_get(h.bytes, 5), HLL_SPARSE_VALUE_MAX);
    cr_expect_eq(hll_dense_get(h.bytes, 6), HLL_SPARSE_VALUE_MAX + 1);
    hll_init(&h);
    cr_expect_eq(hll_set(&h, 100, 1, h.size + 2), HLL_CHANGED); // zeros, value, zeros: 3 more
    cr_expect_eq(hll_encoding(value_of(&h)), HLL_DENSE);
}

Test(hll, tells_whether_its_count_still_holds)
{
    struct hll h;
    uint64_t count = 1;
    hll_init(&h);
    cr_expect(hll_cached_count(value_of(&h), &count));
    cr_expect_eq(count, 0);
    hll_cache_count(h.bytes, 123456789);
    cr_expect(hll_cached_count(value_of(&h), &count));
    cr_expect_eq(count, 123456789);
    hll_forget_count(h.bytes);
    cr_expect_not(hll_cached_count(value_of(&h), &count));
}

Test(hll, knows_its_own_kind)
{
    static struct hll h;
    hll_init(&h);
    cr_expect(hll_is_one(value_of(&h)));
    cr_expect_not(hll_is_one(bytes_make(h.bytes, HLL_HEADER_BYTES - 1)));
    cr_expect(hll_is_one(bytes_make(h.bytes, HLL_HEADER_BYTES))); // sparse: no registers yet
    cr_expect_not(hll_is_one(bytes_make(NULL, 0)));
    h.bytes[4] = 2;
    cr_expect_not(hll_is_one(value_of(&h)));
    h.bytes[4] = HLL_DENSE;
    cr_expect_not(hll_is_one(value_of(&h)));
    cr_expect(hll_is_one(bytes_make(h.bytes, HLL_DENSE_BYTES)));
    cr_expect_not(hll_is_one(bytes_make(h.bytes, HLL_DENSE_BYTES + 1)));
    h.bytes[0] = 'h';
    cr_expect_not(hll_is_one(bytes_make(h.bytes, HLL_DENSE_BYTES)));
}

// Every size of the run bytes is an allocation of its own, so that a sanitizer sees its end.
static void expect_corrupt(const void *runs, size_t size)
{
    static struct hll h;
    uint8_t registers[HLL_REGISTERS] = { 0 }, *storage = malloc(HLL_HEADER_BYTES + size);
    struct bytes value = sparse_value(storage, runs, size);
    uint64_t count;
    cr_expect_not(hll_count(value, &count));
    cr_expect_not(hll_merge(registers, value));
    cr_assert(hll_load(&h, value));
    cr_expect_not(hll_make_dense(&h));
    cr_expect_eq(h.size, value.size); // as it was
    free(storage);
}

Test(hll, refuses_runs_of_more_or_fewer_than_all_registers)
{
    expect_corrupt("", 0);
    expect_corrupt("\x7f", 1);             // half a run
    expect_corrupt("\x7f\xfe", 2);         // 16383
    expect_corrupt("\x7f\xff\x00", 3);     // 16385
    expect_corrupt("\x7f\xfe\x81", 3);     // 16383 + 2
    expect_corrupt("\x7f\xff\x7f\xff", 4); // twice as many
    expect_corrupt("\x7f\xfe\x80\x40", 4); // all, and half a run
}

Test(hll, sets_nothing_in_registers_that_are_not_there)
{
    static struct hll h;
    uint8_t storage[64];
    cr_assert(hll_load(&h, sparse_value(storage, "\x00\x40", 2)));
    cr_expect_eq(hll_set(&h, 0, 3, SPARSE_MAX), HLL_CHANGED);
    cr_expect_eq(h.bytes[HLL_HEADER_BYTES], 0x80 | 2 << 2);
    hll_rewind(&h);
    cr_expect_eq(hll_set(&h, 1, 3, SPARSE_MAX), HLL_CORRUPT);
    cr_expect_eq(hll_set(&h, HLL_REGISTERS - 1, 40, SPARSE_MAX), HLL_CORRUPT);
    uint8_t *large = calloc(1, HLL_SPARSE_BYTES_MAX + 1);
    cr_expect_not(hll_load(&h, bytes_make(large, HLL_SPARSE_BYTES_MAX + 1)));
    free(large);
}

// Whatever the bytes are: bounded, and no worse than refused.
Test(hll, survives_any_runs)
{
    static struct hll h;
    struct rng rng;
    rng_seed(&rng, 3);
    for (int round = 0; round < 20000; round++) {
        uint8_t runs[40], registers[HLL_REGISTERS];
        size_t size = (size_t)rng_below(&rng, sizeof runs);
        uint64_t count;
        for (size_t i = 0; i < size; i++) runs[i] = (uint8_t)rng_next(&rng);
        uint8_t *storage = malloc(HLL_HEADER_BYTES + size);
        struct bytes value = sparse_value(storage, runs, size);
        memset(registers, 0, sizeof registers);
        cr_assert_eq(hll_count(value, &count), hll_merge(registers, value));
        cr_assert(hll_load(&h, value));
        for (int i = 0; i < 10; i++) {
            hll_rewind(&h);
            (void)hll_set(&h, (uint32_t)rng_below(&rng, HLL_REGISTERS),
                          1 + (uint32_t)rng_below(&rng, 33), SPARSE_MAX);
        }
        free(storage);
    }
}
