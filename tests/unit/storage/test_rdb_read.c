#include "storage/rdb/rdb_read.h"
#include <math.h>
#include "tests/unit/storage/rdb_fixture.h"

static struct rdb_fixture f;
static struct rdb_text text;
static void open_fixture(void)
{
    rdb_fixture_open(&f);
    rdb_text_init(&text, &f.heap, 1 << 20);
}
static void close_fixture(void)
{
    rdb_text_close(&text);
    rdb_fixture_close(&f);
}
TestSuite(rdb_read, .init = open_fixture, .fini = close_fixture);

static bool read_length(const char *hex, uint64_t *value)
{
    struct bytes in = hex_bytes(hex), left = in;
    bool fits = rdb_read_length(&left, value);
    cr_expect_eq(left.size, fits ? 0 : in.size, "%s", hex);
    free_bytes(in);
    return fits;
}

Test(rdb_read, reads_lengths_of_all_forms)
{
    uint64_t value = 0;
    cr_expect(read_length("3f", &value) && value == 63);
    cr_expect(read_length("7fff", &value) && value == 16383);
    cr_expect(read_length("4000", &value) && value == 0); // longer than needed
    cr_expect(read_length("80 00004000", &value) && value == 16384);
    cr_expect(read_length("81 ffffffffffffffff", &value) && value == UINT64_MAX);
}

Test(rdb_read, refuses_what_is_no_length_or_only_a_part_of_one)
{
    static const char *const broken[] = { "",   "40", "80", "80 000000", "81", "81 00000000000000",
                                          "82", "bf", "c0", "c3",        "ff" };
    uint64_t value;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        cr_expect_not(read_length(broken[i], &value), "%s", broken[i]);
}

static enum rdb_result read_text(const char *hex, char out[256])
{
    struct bytes in = hex_bytes(hex), left = in;
    enum rdb_result result;
    while ((result = rdb_text_step(&text, &left)) == RDB_MORE) continue;
    if (result == RDB_DONE) {
        cr_assert_lt(text.bytes.size, 256);
        memcpy(out, text.bytes.data, text.bytes.size);
        out[text.bytes.size] = 0;
    }
    free_bytes(in);
    return result;
}

static void expect_text(const char *hex, const char *expected)
{
    char got[256] = "";
    cr_expect_eq(read_text(hex, got), RDB_DONE, "%s", hex);
    cr_expect_str_eq(got, expected, "%s", hex);
}

// spec/rdb.md sections 4 and 4.1
Test(rdb_read, reads_texts_of_all_forms)
{
    expect_text("00", "");
    expect_text("03 616263", "abc");
    expect_text("c0ff", "-1");
    expect_text("c17fff", "-129");
    expect_text("c200000080", "-2147483648");
    expect_text("c3 06 15 01 6161 e00a00", "aaaaaaaaaaaaaaaaaaaaa");
    expect_text("c3 14 1d 0c 68656c6c6f20776f726c642068 e0050b 01 6c6f",
                "hello world hello world hello");
    expect_text("c3 04 03 02 616263", "abc"); // literals alone
}

Test(rdb_read, refuses_broken_texts)
{
    static const char *const broken[] = {
        "",
        "03 6162", // cut
        "c0",      // half an integer
        "c1ff",
        "c2000000",
        "c4", // no such form
        "c3", // no lengths
        "c3 06",
        "c3 06 15 01 6161 e00a",   // cut
        "c3 06 14 01 6161 e00a00", // one more byte comes out
        "c3 06 16 01 6161 e00a00", // one less
        "c3 00 00",                // nothing
        "c3 02 01 0061 ",          // right size: see below
        "c3 01 01 00",             // a literal without its byte
        "c3 04 05 00 61 2001",     // before the start
        "c3 03 40 00 61 20",       // a reference without its end
        "c3 03 40 00 61 e0",
        "c3 81 ffffffffffffffff 15 00", // longer than everything
        "c3 03 81 7fffffffffffffff 00 61 20",
        "c3 06 80 00ffffff 01 6161 e00a00", // above the limit of the reader
    };
    char got[256];
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        bool is_fine = strcmp(broken[i], "c3 02 01 0061 ") == 0; // so that the table can be trusted
        cr_expect_eq(read_text(broken[i], got), is_fine ? RDB_DONE : RDB_BROKEN, "%s", broken[i]);
    }
}

Test(rdb_read, refuses_every_prefix_of_a_text)
{
    static const char *const whole[] = { "03 616263", "c200000080", "c3 06 15 01 6161 e00a00",
                                         "4003 616263" };
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        struct bytes in = hex_bytes(whole[i]);
        for (size_t size = 0; size < in.size; size++) {
            struct bytes part = exact_copy(bytes_make(in.data, size)), left = part;
            cr_expect_eq(rdb_text_step(&text, &left), RDB_BROKEN);
            free_bytes(part);
        }
        free_bytes(in);
    }
}

Test(rdb_read, reads_doubles)
{
    double value = 0;
    struct bytes in = hex_bytes("03 322e35 fe ff fd 0000000000000440"), left = in;
    cr_expect(rdb_read_double_text(&left, &value) && value == 2.5);
    cr_expect(rdb_read_double_text(&left, &value) && isinf(value) && value > 0);
    cr_expect(rdb_read_double_text(&left, &value) && isinf(value) && value < 0);
    cr_expect(rdb_read_double_text(&left, &value) && isnan(value));
    cr_expect(rdb_read_f64(&left, &value) && value == 2.5);
    cr_expect_not(rdb_read_f64(&left, &value));
    cr_expect_not(rdb_read_double_text(&left, &value));
    free_bytes(in);
    in = left = hex_bytes("03 322e78");
    cr_expect_not(rdb_read_double_text(&left, &value));
    cr_expect_eq(left.size, 4);
    free_bytes(in);
}

Test(rdb_read, survives_any_bytes)
{
    struct rng rng;
    rng_seed(&rng, 1);
    for (int round = 0; round < 100000; round++) {
        uint8_t raw[40];
        size_t size = (size_t)rng_below(&rng, sizeof raw);
        for (size_t i = 0; i < size; i++) raw[i] = (uint8_t)rng_next(&rng);
        if (size > 3 && round % 2) { // an LZF stream of the right size
            raw[0] = 0xc3;
            raw[1] = (uint8_t)(size - 3);
            raw[2] = (uint8_t)rng_below(&rng, 64);
        }
        struct bytes in = exact_copy(bytes_make(raw, size)), left = in;
        while (rdb_text_step(&text, &left) == RDB_MORE) continue;
        free_bytes(in);
    }
}
