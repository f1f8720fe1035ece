#include "dataplane/base/bits.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include "dataplane/base/hash.h"

enum { TEXT_BYTES = 300, ROUNDS = 20000 };

static bool bit_at(struct bytes in, uint64_t at)
{
    return at / 8 < in.size && (in.data[at / 8] >> (7 - at % 8) & 1);
}

// Of any size up to TEXT_BYTES, at any alignment; mostly one kind of bit, so that runs are long.
static struct bytes random_text(struct rng *rng, uint8_t *storage)
{
    size_t size = (size_t)rng_below(rng, TEXT_BYTES), skip = (size_t)rng_below(rng, 8);
    uint64_t kind = rng_below(rng, 4);
    for (size_t i = 0; i < size; i++) {
        uint8_t rare = rng_below(rng, 40) == 0 ? (uint8_t)rng_next(rng) : 0;
        storage[skip + i] = kind == 0 ? (uint8_t)rng_next(rng) : kind == 1 ? rare : (uint8_t)~rare;
    }
    return bytes_make(storage + skip, size);
}

Test(bits, counts_as_a_loop_over_bits_does)
{
    struct rng rng;
    uint8_t storage[TEXT_BYTES + 8];
    rng_seed(&rng, 1);
    for (int round = 0; round < ROUNDS / 10; round++) {
        struct bytes in = random_text(&rng, storage);
        uint64_t expected = 0;
        for (uint64_t i = 0; i < in.size * 8; i++) expected += bit_at(in, i);
        cr_assert_eq(bits_count(in), expected);
    }
}

Test(bits, counts_within_any_range)
{
    struct rng rng;
    uint8_t storage[TEXT_BYTES + 8];
    rng_seed(&rng, 2);
    for (int round = 0; round < ROUNDS; round++) {
        struct bytes in = random_text(&rng, storage);
        if (!in.size) continue;
        uint64_t last = rng_below(&rng, in.size * 8), first = rng_below(&rng, last + 1);
        if (last - first > 200) first = last - rng_below(&rng, 200);
        uint64_t expected = 0;
        for (uint64_t i = first; i <= last; i++) expected += bit_at(in, i);
        cr_assert_eq(bits_count_range(in, first, last), expected);
    }
}

Test(bits, finds_the_first_bit_in_any_range)
{
    struct rng rng;
    uint8_t storage[TEXT_BYTES + 8];
    rng_seed(&rng, 3);
    for (int round = 0; round < ROUNDS; round++) {
        struct bytes in = random_text(&rng, storage);
        if (!in.size) continue;
        bool value = rng_below(&rng, 2) == 1;
        uint64_t last = rng_below(&rng, in.size * 8), first = rng_below(&rng, last + 1);
        uint64_t expected = first;
        while (expected <= last && bit_at(in, expected) != value) expected++;
        cr_assert_eq(bits_find_range(in, first, last, value), expected, "%zu bytes, %lu..%lu",
                     in.size, first, last);
    }
}

Test(bits, finds_nothing_behind_the_end)
{
    static const uint8_t ones[40] = { [0 ... 39] = 0xff };
    for (size_t size = 0; size <= sizeof ones; size++) {
        struct bytes in = bytes_make(ones, size);
        cr_expect(eq(u64, bits_find(in, false), size * 8));
        cr_expect(eq(u64, bits_find(in, true), 0));
    }
}

// The inputs end at different places; what is combined is a part from anywhere.
Test(bits, combines_inputs_that_end_early_as_if_zeros_followed)
{
    struct rng rng;
    uint8_t storage[4][TEXT_BYTES + 8], out[TEXT_BYTES];
    rng_seed(&rng, 4);
    for (int round = 0; round < ROUNDS / 10; round++) {
        struct bytes in[4];
        enum bits_operation operation = (enum bits_operation)rng_below(&rng, 4);
        uint32_t count = operation == BITS_NOT ? 1 : 1 + (uint32_t)rng_below(&rng, 4);
        for (uint32_t i = 0; i < count; i++) in[i] = random_text(&rng, storage[i]);
        size_t at = (size_t)rng_below(&rng, TEXT_BYTES), size = (size_t)rng_below(&rng, TEXT_BYTES);
        bits_combine(operation, in, count, at, out, size);
        for (size_t i = 0; i < size; i++) {
            uint8_t expected = 0;
            for (uint32_t j = 0; j < count; j++) {
                uint8_t byte = at + i < in[j].size ? in[j].data[at + i] : 0;
                if (j == 0)
                    expected = operation == BITS_NOT ? (uint8_t)~byte : byte;
                else if (operation == BITS_AND)
                    expected &= byte;
                else if (operation == BITS_OR)
                    expected |= byte;
                else
                    expected ^= byte;
            }
            cr_assert_eq(out[i], expected);
        }
    }
}

Test(bits, reads_numbers_of_any_width_at_any_place)
{
    struct rng rng;
    uint8_t storage[TEXT_BYTES + 8];
    rng_seed(&rng, 5);
    for (int round = 0; round < ROUNDS; round++) {
        struct bytes in = random_text(&rng, storage);
        uint32_t width = 1 + (uint32_t)rng_below(&rng, 64);
        uint64_t offset = rng_below(&rng, in.size * 8 + 100), expected = 0;
        for (uint32_t i = 0; i < width; i++) expected = expected << 1 | bit_at(in, offset + i);
        cr_assert_eq(bits_load(in, offset, width), expected);
    }
}

Test(bits, writes_a_number_and_nothing_beside_it)
{
    struct rng rng;
    rng_seed(&rng, 6);
    for (int round = 0; round < ROUNDS; round++) {
        size_t size = 1 + (size_t)rng_below(&rng, 20);
        uint32_t most = size < 8 ? (uint32_t)size * 8 : 64;
        uint32_t width = 1 + (uint32_t)rng_below(&rng, most);
        uint64_t offset = rng_below(&rng, size * 8 - width + 1), value = rng_next(&rng);
        uint8_t *data = malloc(size), before[20]; // so that a sanitizer sees its end
        for (size_t i = 0; i < size; i++) before[i] = data[i] = (uint8_t)rng_next(&rng);
        bits_store(data, size, offset, width, value);
        struct bytes now = bytes_make(data, size), then = bytes_make(before, size);
        for (uint64_t i = 0; i < size * 8; i++) {
            bool inside = i >= offset && i < offset + width;
            bool expected = inside ? value >> (width - 1 - (i - offset)) & 1 : bit_at(then, i);
            cr_assert_eq(bit_at(now, i), expected);
        }
        free(data);
    }
}
