#include "storage/rdb/rdb_write.h"
#include "storage/rdb/rdb_read.h"
#include "tests/unit/storage/rdb_fixture.h"

static struct rdb_fixture f;
static void open_fixture(void) { rdb_fixture_open(&f); }
static void close_fixture(void) { rdb_fixture_close(&f); }
TestSuite(rdb_write, .init = open_fixture, .fini = close_fixture);

static void expect_out(const char *hex)
{
    expect_hex(rdb_buffer_bytes(&f.out), hex);
    rdb_buffer_clear(&f.out);
}

// spec/rdb.md section 3
Test(rdb_write, gives_lengths_their_shortest_form)
{
    static const struct {
        uint64_t value;
        const char *hex;
    } cases[] = {
        { 0, "00" },
        { 63, "3f" },
        { 64, "4040" },
        { 16383, "7fff" },
        { 16384, "80 00004000" },
        { UINT32_MAX, "80 ffffffff" },
        { 1ull << 32, "81 0000000100000000" },
        { UINT64_MAX, "81 ffffffffffffffff" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rdb_put_length(&f.out, cases[i].value);
        expect_out(cases[i].hex);
    }
}

// The objects of spec/rdb.md section 4, of a real server's DUMP
Test(rdb_write, gives_texts_the_bytes_of_a_real_server)
{
    static const struct {
        const char *text, *hex;
    } cases[] = {
        { "v", "01 76" },
        { "", "00" },
        { "0", "c000" },
        { "-1", "c0ff" },
        { "127", "c07f" },
        { "-128", "c080" },
        { "128", "c18000" },
        { "-129", "c17fff" },
        { "32768", "c200800000" },
        { "-2147483648", "c200000080" },
        { "2147483647", "c2ffffff7f" },
        { "2147483648", "0a 32313437343833363438" },
        { "-2147483649", "0b 2d32313437343833363439" },
        { "007", "03 303037" },
        { "+1", "02 2b31" },
        { "-0", "02 2d30" },
        { "1 ", "02 3120" },
        { "aaaaaaaaaaaaaaaaaaaa", "14 6161616161616161616161616161616161616161" },
        { "aaaaaaaaaaaaaaaaaaaaa", "c3 06 15 01 6161 e00a00" },
        { "hello world hello world hello",
          "c3 14 1d 0c 68656c6c6f20776f726c642068 e0050b 01 6c6f" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rdb_put_text(&f.out, bytes_text(cases[i].text), true);
        expect_out(cases[i].hex);
    }
}

Test(rdb_write, leaves_texts_as_they_are_when_told_so_or_when_nothing_is_saved)
{
    static const char repeated[] = "aaaaaaaaaaaaaaaaaaaaaaaaa",
                      random[] = "0a9s8d7f6g5h4j3k2l1qweasz";
    rdb_put_text(&f.out, BYTES_LITERAL(repeated), false);
    cr_expect_eq(rdb_buffer_size(&f.out), sizeof repeated); // one more for its length
    rdb_buffer_clear(&f.out);
    rdb_put_text(&f.out, BYTES_LITERAL(random), true);
    cr_expect_eq(rdb_buffer_size(&f.out), sizeof random);
}

Test(rdb_write, writes_integers_as_their_text)
{
    static const int64_t values[] = {
        0,         -1,       127, 128, INT32_MIN, INT32_MAX, INT32_MAX + 1ll, INT32_MIN - 1ll,
        INT64_MIN, INT64_MAX
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct rdb_buffer other;
        char text[32];
        rdb_buffer_init(&other, &f.heap, HEAP_OTHER);
        rdb_put_int_text(&f.out, values[i]);
        snprintf(text, sizeof text, "%ld", values[i]);
        rdb_put_text(&other, bytes_text(text), true);
        cr_expect(bytes_equal(rdb_buffer_bytes(&f.out), rdb_buffer_bytes(&other)), "%s", text);
        rdb_buffer_clear(&f.out);
        rdb_buffer_close(&other);
    }
}

Test(rdb_write, writes_numbers_in_little_endian)
{
    rdb_put_u8(&f.out, 0x12);
    rdb_put_le64(&f.out, 0x0102030405060708);
    rdb_put_f64(&f.out, 2.5);
    expect_out("12 0807060504030201 0000000000000440");
}

// ---- long texts

static void fill(uint8_t *data, size_t size, uint64_t seed, uint64_t kinds)
{
    struct rng rng;
    rng_seed(&rng, seed);
    for (size_t i = 0; i < size; i++) data[i] = (uint8_t)rng_below(&rng, kinds);
}

static void fill_alike(uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)("one text like another "[i % 22] + i / 5000 % 3);
}

// Writes in steps, taking what there is after each; returns the size written.
static size_t round_trip(struct bytes text, bool may_compress)
{
    struct rdb_buffer whole;
    struct rdb_long_text t;
    struct rdb_text back;
    bool is_done;
    rdb_buffer_init(&whole, &f.heap, HEAP_OTHER);
    rdb_long_text_begin(&t, &f.heap, text, may_compress);
    do {
        is_done = rdb_long_text_step(&t, &f.out);
        cr_assert_leq(rdb_buffer_size(&f.out), LZF_PIECE_BYTES + 32);
        rdb_buffer_append(&whole, rdb_buffer_bytes(&f.out));
        rdb_buffer_clear(&f.out);
    } while (!is_done);
    rdb_long_text_end(&t);
    struct bytes in = exact_copy(rdb_buffer_bytes(&whole)), left = in;
    enum rdb_result result;
    rdb_text_init(&back, &f.heap, UINT64_MAX);
    while ((result = rdb_text_step(&back, &left)) == RDB_MORE) continue;
    cr_expect_eq(result, RDB_DONE);
    cr_expect_eq(left.size, 0);
    cr_expect(bytes_equal(back.bytes, text), "%zu bytes", text.size);
    rdb_text_close(&back);
    free_bytes(in);
    rdb_buffer_close(&whole);
    return in.size;
}

Test(rdb_write, writes_long_texts_piece_by_piece)
{
    static const size_t sizes[] = { 0,      5,      1000,   32767,   65536,         65537,
                                    131072, 200000, 999999, 1 << 20, (1 << 20) + 1, 3000000 };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t size = sizes[i];
        uint8_t *data = malloc(size ? size : 1);
        fill_alike(data, size);
        size_t packed = round_trip(bytes_make(data, size), true);
        if (size > 1000) cr_expect_lt(packed, size / 2, "%zu: %zu", size, packed);
        cr_expect_geq(round_trip(bytes_make(data, size), false), size);
        fill(data, size, i, 256); // cannot be made shorter
        cr_expect_geq(round_trip(bytes_make(data, size), true), size);
        free(data);
    }
}

Test(rdb_write, keeps_the_gain_of_texts_that_are_only_partly_compressible)
{
    enum { SIZE = 4 << 20 };
    uint8_t *data = malloc(SIZE);
    fill_alike(data, SIZE);
    fill(data + SIZE / 2, SIZE / 2, 2, 256);
    cr_expect_lt(round_trip(bytes_make(data, SIZE), true), SIZE * 8 / 10);
    free(data);
}

Test(rdb_write, gives_everything_back_when_a_long_text_is_left_halfway)
{
    enum { SIZE = 1 << 20 };
    struct rdb_long_text t;
    uint8_t *data = calloc(1, SIZE);
    rdb_long_text_begin(&t, &f.heap, bytes_make(data, SIZE), true);
    for (int i = 0; i < 3; i++) cr_expect_not(rdb_long_text_step(&t, &f.out));
    rdb_long_text_end(&t);
    free(data);
}
