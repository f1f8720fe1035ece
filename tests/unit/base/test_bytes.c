#include "dataplane/base/bytes.h"
#include <criterion/criterion.h>

Test(bytes, a_read_succeeds_whole_or_moves_nothing)
{
    static const uint8_t data[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    for (size_t size = 0; size <= 8; size++) {
        struct bytes in = bytes_make(data, size);
        uint64_t v64 = 77;
        uint32_t v32 = 77;
        cr_assert_eq(bytes_be64(&in, &v64), size == 8);
        cr_assert_eq(in.size, size == 8 ? 0 : size);
        cr_assert_eq(v64, size == 8 ? 0x0102030405060708 : 77);
        in = bytes_make(data, size);
        cr_assert_eq(bytes_le32(&in, &v32), size >= 4);
        cr_assert_eq(in.size, size >= 4 ? size - 4 : size);
        cr_assert_eq(v32, size >= 4 ? 0x04030201 : 77);
    }
}

Test(bytes, hostile_lengths_do_not_overrun)
{
    struct bytes in = BYTES_LITERAL("abc"), out;
    cr_assert(!bytes_take(&in, SIZE_MAX, &out));
    cr_assert(!bytes_skip(&in, 4));
    cr_assert_eq(in.size, 3);
    cr_assert(bytes_skip(&in, 3));
    cr_assert(bytes_take(&in, 0, &out));
    cr_assert_eq(out.size, 0);
}

Test(bytes, both_byte_orders_store_and_load_unaligned)
{
    uint8_t raw[9];
    store_be64(raw + 1, 0x0102030405060708);
    cr_assert_eq(raw[1], 1);
    cr_assert_eq(raw[8], 8);
    cr_assert_eq(load_be64(raw + 1), 0x0102030405060708);
    cr_assert_eq(load_le64(raw + 1), 0x0807060504030201);
    store_be16(raw + 3, 0xabcd);
    cr_assert_eq(load_le16(raw + 3), 0xcdab);
    store_le32(raw + 5, 0x01020304);
    cr_assert_eq(load_be32(raw + 5), 0x04030201);
}

Test(bytes, only_readers_want_exactly_their_size)
{
    uint16_t v16;
    uint32_t v32;
    cr_assert(bytes_only_be16(BYTES_LITERAL("\x12\x34"), &v16));
    cr_assert_eq(v16, 0x1234);
    cr_assert(!bytes_only_be16(BYTES_LITERAL("\x12\x34\x56"), &v16));
    cr_assert(!bytes_only_be16(BYTES_LITERAL("\x12"), &v16));
    cr_assert(bytes_only_be32(BYTES_LITERAL("\x12\x34\x56\x78"), &v32));
    cr_assert(!bytes_only_be32(BYTES_LITERAL("\x12\x34\x56"), &v32));
}

Test(bytes, comparison_folds_ascii_case_only_when_asked)
{
    cr_assert(bytes_equal(BYTES_LITERAL("a\0b"), BYTES_LITERAL("a\0b")));
    cr_assert(!bytes_equal(BYTES_LITERAL("a"), BYTES_LITERAL("A")));
    cr_assert(!bytes_equal(BYTES_LITERAL("a"), BYTES_LITERAL("ab")));
    cr_assert(bytes_equal((struct bytes){ NULL, 0 }, BYTES_LITERAL("")));
    cr_assert(bytes_is_word(BYTES_LITERAL("MaTcH"), "match"));
    cr_assert(!bytes_is_word(BYTES_LITERAL("match"), "matc"));
    cr_assert(!bytes_equal_nocase(BYTES_LITERAL("["), BYTES_LITERAL("{"))); // 32 apart, no letters
    cr_assert(!bytes_equal_nocase(BYTES_LITERAL("@"), BYTES_LITERAL("`")));
}
