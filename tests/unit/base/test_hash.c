#include "dataplane/base/hash.h"
#include <criterion/criterion.h>
#include <string.h>

static const struct hash_key paper_key = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

static void fill_counting(uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i++) out[i] = (uint8_t)i;
}

// Appendix A of the paper (15 bytes), and the first 16 of the authors' reference vectors.
Test(hash, siphash_24_gives_the_reference_vectors)
{
    static const uint64_t expected[] = {
        0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
        0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137,
        0x93f5f5799a932462, 0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7,
        0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee, 0xa129ca6149be45e5,
    };
    uint8_t data[16];
    fill_counting(data, sizeof(data));
    for (size_t size = 0; size < 16; size++)
        cr_assert_eq(siphash_24(data, size, &paper_key), expected[size], "size %zu", size);
}

// From another implementation: openssl mac -macopt c-rounds:1 -macopt d-rounds:3 ... SIPHASH
Test(hash, siphash_13_agrees_with_openssl)
{
    static const struct {
        size_t size;
        uint64_t hash;
    } expected[] = { { 0, 0xabac0158050fc4dc },  { 1, 0xc9f49bf37d57ca93 },
                     { 7, 0xd3927d989bb11140 },  { 8, 0x369095118d299a8e },
                     { 15, 0xd320d86d2a519956 }, { 16, 0xcc4fdd1a7d908b66 },
                     { 63, 0x9d199062b7bbb3a8 } };
    uint8_t data[64];
    fill_counting(data, sizeof(data));
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
        cr_assert_eq(siphash_13(data, expected[i].size, &paper_key), expected[i].hash);
}

Test(hash, siphash_reads_unaligned_bytes_alike)
{
    uint8_t data[80], shifted[88];
    fill_counting(data, sizeof(data));
    for (size_t shift = 0; shift < 8; shift++) {
        memcpy(shifted + shift, data, 63);
        cr_assert_eq(siphash_13(shifted + shift, 63, &paper_key), siphash_13(data, 63, &paper_key));
    }
}

Test(hash, every_input_bit_and_key_bit_counts)
{
    uint8_t data[20] = { 0 };
    uint64_t plain = siphash_13(data, sizeof(data), &paper_key);
    for (size_t bit = 0; bit < sizeof(data) * 8; bit++) {
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_assert_neq(siphash_13(data, sizeof(data), &paper_key), plain);
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (int bit = 0; bit < 64; bit++) {
        struct hash_key other = { paper_key.k0 ^ 1ULL << bit, paper_key.k1 };
        cr_assert_neq(siphash_13(data, sizeof(data), &other), plain);
        other = (struct hash_key){ paper_key.k0, paper_key.k1 ^ 1ULL << bit };
        cr_assert_neq(siphash_13(data, sizeof(data), &other), plain);
    }
}

static uint16_t crc16_by_bits(const uint8_t *p, size_t size)
{
    uint32_t crc = 0;
    for (size_t i = 0; i < size; i++) {
        crc ^= (uint32_t)p[i] << 8;
        for (int bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1;
    }
    return (uint16_t)crc;
}

static uint64_t crc64_by_bits(uint64_t crc, const uint8_t *p, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0x95ac9329ac4bc9b5 : crc >> 1;
    }
    return crc;
}

Test(hash, crcs_give_their_check_values)
{
    cr_assert_eq(crc16("123456789", 9), 0x31c3);
    cr_assert_eq(crc64(0, "123456789", 9), 0xe9c6d914c4b8d9ca);
    cr_assert_eq(crc16("", 0), 0);
    cr_assert_eq(crc64(0, "", 0), 0);
    cr_assert_eq(crc16("foo", 3) % 16384, 12182); // as CLUSTER KEYSLOT foo says
}

Test(hash, crcs_agree_with_bit_by_bit_division_for_every_byte_and_length)
{
    uint8_t data[300];
    struct rng r;
    rng_seed(&r, 1);
    for (int byte = 0; byte < 256; byte++) {
        uint8_t one = (uint8_t)byte;
        cr_assert_eq(crc16(&one, 1), crc16_by_bits(&one, 1));
        cr_assert_eq(crc64(0, &one, 1), crc64_by_bits(0, &one, 1));
    }
    for (size_t size = 0; size <= sizeof(data); size++) {
        for (size_t i = 0; i < size; i++) data[i] = (uint8_t)rng_next(&r);
        cr_assert_eq(crc16(data, size), crc16_by_bits(data, size));
        cr_assert_eq(crc64(0, data, size), crc64_by_bits(0, data, size));
    }
}

Test(hash, crc64_may_be_fed_in_parts)
{
    uint8_t data[64];
    fill_counting(data, sizeof(data));
    uint64_t whole = crc64(0, data, sizeof(data));
    for (size_t cut = 0; cut <= sizeof(data); cut++)
        cr_assert_eq(crc64(crc64(0, data, cut), data + cut, sizeof(data) - cut), whole);
}

// xoshiro256** by hand: with s = {1, 2, 3, 4} the first results are rotl(2 * 5, 7) * 9, and so on.
Test(hash, rng_is_xoshiro)
{
    struct rng r = { { 1, 2, 3, 4 } };
    static const uint64_t expected[] = { 11520, 0, 1509978240, 1215971899390074240 };
    for (size_t i = 0; i < 4; i++) cr_assert_eq(rng_next(&r), expected[i]);
}

Test(hash, rng_repeats_from_its_seed_and_differs_between_seeds)
{
    struct rng a, b, c;
    rng_seed(&a, 42);
    rng_seed(&b, 42);
    rng_seed(&c, 0);
    cr_assert(c.s[0] | c.s[1] | c.s[2] | c.s[3]);
    int same = 0;
    for (int i = 0; i < 100; i++) {
        uint64_t x = rng_next(&a);
        cr_assert_eq(x, rng_next(&b));
        same += x == rng_next(&c);
    }
    cr_assert_eq(same, 0);
}

Test(hash, rng_below_stays_below_and_reaches_all)
{
    struct rng r;
    rng_seed(&r, 7);
    uint32_t seen[10] = { 0 };
    for (int i = 0; i < 100000; i++) {
        uint64_t x = rng_below(&r, 10);
        cr_assert_lt(x, 10);
        seen[x]++;
    }
    for (int i = 0; i < 10; i++) cr_assert(seen[i] > 9500 && seen[i] < 10500);
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(rng_below(&r, 1), 0);
        cr_assert_lt(rng_below(&r, UINT64_MAX), UINT64_MAX);
    }
}

Test(hash, rng_unit_is_in_its_interval)
{
    struct rng r;
    rng_seed(&r, 9);
    double sum = 0;
    for (int i = 0; i < 100000; i++) {
        double x = rng_unit(&r);
        cr_assert(x >= 0 && x < 1);
        sum += x;
    }
    cr_assert(sum > 49000 && sum < 51000);
}

Test(hash, entropy_fills_all_and_differs)
{
    uint8_t a[1000] = { 0 }, b[1000] = { 0 };
    rng_entropy(a, sizeof(a));
    rng_entropy(b, sizeof(b));
    cr_assert_neq(memcmp(a, b, sizeof(a)), 0);
    uint8_t any = 0;
    for (int i = 990; i < 1000; i++) any |= a[i];
    cr_assert_neq(any, 0);
}
