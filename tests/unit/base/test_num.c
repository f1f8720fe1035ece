#include "dataplane/base/num.h"
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "dataplane/base/hash.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void expect_int(const char *text, bool parsed, int64_t value)
{
    int64_t got = 77;
    cr_assert_eq(num_parse_int(bytes_text(text), &got), parsed, "\"%s\"", text);
    if (parsed) cr_assert_eq(got, value, "\"%s\"", text);
}

Test(num, parse_int_takes_only_the_canonical_form)
{
    expect_int("0", true, 0);
    expect_int("1", true, 1);
    expect_int("-1", true, -1);
    expect_int("9223372036854775807", true, INT64_MAX);
    expect_int("-9223372036854775808", true, INT64_MIN);
    static const char *const refused[] = { "",
                                           "-",
                                           "-0",
                                           "00",
                                           "01",
                                           "-01",
                                           "+1",
                                           " 1",
                                           "1 ",
                                           "1a",
                                           "a",
                                           "1.0",
                                           "--1",
                                           "0x1",
                                           "9223372036854775808",
                                           "-9223372036854775809",
                                           "18446744073709551616",
                                           "99999999999999999999",
                                           "-99999999999999999999",
                                           "100000000000000000000",
                                           "99999999999999999999999999999999" };
    for (size_t i = 0; i < COUNT(refused); i++) expect_int(refused[i], false, 0);
}

Test(num, parse_int_reads_no_further_than_its_bytes)
{
    int64_t value;
    cr_assert(num_parse_int(bytes_make("123456", 3), &value));
    cr_assert_eq(value, 123);
    cr_assert(!num_parse_int(bytes_make("12\0", 3), &value));
    cr_assert(!num_parse_int(bytes_make("-5", 1), &value));
    cr_assert(!num_parse_int((struct bytes){ NULL, 0 }, &value));
}

Test(num, parse_uint_covers_64_bits)
{
    uint64_t value;
    cr_assert(num_parse_uint(bytes_text("18446744073709551615"), &value));
    cr_assert_eq(value, UINT64_MAX);
    cr_assert(num_parse_uint(bytes_text("10000000000000000000"), &value));
    cr_assert_eq(value, 10000000000000000000ULL);
    cr_assert(num_parse_uint(bytes_text("0"), &value));
    cr_assert_eq(value, 0);
    static const char *const refused[] = { "",
                                           "-1",
                                           "01",
                                           "18446744073709551616",
                                           "18446744073709551620",
                                           "28446744073709551615",
                                           "99999999999999999999",
                                           "1844674407370955161x" };
    for (size_t i = 0; i < COUNT(refused); i++)
        cr_assert(!num_parse_uint(bytes_text(refused[i]), &value), "%s", refused[i]);
}

static void expect_format_int(int64_t value)
{
    char expected[32], got[NUM_INT_MAX];
    uint32_t length = (uint32_t)snprintf(expected, sizeof(expected), "%ld", value);
    cr_assert_eq(num_format_int(got, value), length, "%ld", value);
    cr_assert_eq(memcmp(got, expected, length), 0, "%ld", value);
    cr_assert_eq(num_int_digits(value), length, "%ld", value);
    int64_t back;
    cr_assert(num_parse_int(bytes_make(got, length), &back));
    cr_assert_eq(back, value);
}

Test(num, format_int_at_every_power_and_its_neighbours)
{
    expect_format_int(INT64_MIN);
    expect_format_int(INT64_MIN + 1);
    expect_format_int(INT64_MAX);
    for (int64_t power = 1;; power *= 10) {
        for (int64_t around = -1; around <= 1; around++) {
            expect_format_int(power + around);
            expect_format_int(-power - around);
        }
        if (power > INT64_MAX / 10) break;
    }
    struct rng r;
    rng_seed(&r, 3);
    for (int i = 0; i < 20000; i++)
        expect_format_int((int64_t)(rng_next(&r) >> rng_below(&r, 64)) * (i % 2 ? 1 : -1));
}

Test(num, format_uint_reaches_the_top)
{
    char got[NUM_INT_MAX];
    cr_assert_eq(num_format_uint(got, UINT64_MAX), 20);
    cr_assert_eq(memcmp(got, "18446744073709551615", 20), 0);
}

// Accepted and refused texts as a Redis server answers them to ZADD and INCRBYFLOAT.
Test(num, floats_are_read_as_the_server_does)
{
    static const struct {
        const char *text;
        long double value;
    } accepted[] = {
        { "1", 1 },
        { "-1.5", -1.5L },
        { "+5", 5 },
        { "1e3", 1000 },
        { "0x10", 16 },
        { "0x1p3", 8 },
        { ".5", 0.5L },
        { "5.", 5 },
        { "inf", INFINITY },
        { "-inf", -INFINITY },
        { "INF", INFINITY },
        { "+inf", INFINITY },
        { "infinity", INFINITY },
        { "-Infinity", -INFINITY },
        { "-0", 0 },
    };
    static const char *const refused[] = {
        "",  " 1", "1 ",  "nan",    "-nan",    "NaN", "1x",  "\t1", "1e",   "e1",  ".",
        "-", "+",  "1,5", "1e5000", "1e-5000", "\n1", "--1", "0x",  "infi", "inff"
    };
    for (size_t i = 0; i < COUNT(accepted); i++) {
        long double wide = 77;
        double narrow = 77;
        cr_assert(num_parse_long_double(bytes_text(accepted[i].text), &wide), "%s",
                  accepted[i].text);
        cr_assert(num_parse_double(bytes_text(accepted[i].text), &narrow), "%s", accepted[i].text);
        cr_assert(wide == accepted[i].value && narrow == (double)accepted[i].value);
    }
    for (size_t i = 0; i < COUNT(refused); i++) {
        long double wide;
        double narrow;
        cr_assert(!num_parse_long_double(bytes_text(refused[i]), &wide), "\"%s\"", refused[i]);
        cr_assert(!num_parse_double(bytes_text(refused[i]), &narrow), "\"%s\"", refused[i]);
    }
}

Test(num, doubles_and_long_doubles_have_ranges_of_their_own)
{
    long double wide;
    double narrow;
    cr_assert(!num_parse_double(bytes_text("1e400"), &narrow));
    cr_assert(num_parse_long_double(bytes_text("1e400"), &wide));
    cr_assert(!num_parse_double(bytes_text("1e-400"), &narrow));
    cr_assert(num_parse_long_double(bytes_text("1e-400"), &wide));
    cr_assert(num_parse_double(bytes_text("1e-320"), &narrow)); // a denormal
    cr_assert(narrow > 0);
    cr_assert(num_parse_long_double(bytes_text("1e-4940"), &wide));
    cr_assert(!num_parse_double(bytes_make("1\0", 2), &narrow)); // a zero byte is not the end
    cr_assert(num_parse_double(bytes_make("1.59", 3), &narrow));
    cr_assert(narrow == 1.5);
}

static bool parses_with_size(size_t size, bool wide)
{
    char *text = malloc(size);
    memset(text, '0', size);
    memcpy(text, "1.", 2);
    double d = 0;
    long double ld = 0;
    bool parsed = wide ? num_parse_long_double(bytes_make(text, size), &ld)
                       : num_parse_double(bytes_make(text, size), &d);
    if (parsed) cr_assert(wide ? ld == 1 : d == 1);
    free(text);
    return parsed;
}

Test(num, long_texts_are_bounded_as_in_the_server)
{
    for (size_t size = 500; size < 530; size++) {
        cr_assert(parses_with_size(size, true));
        cr_assert(parses_with_size(size, false));
    }
    cr_assert(parses_with_size(5119, true));
    cr_assert(!parses_with_size(5120, true));
    cr_assert(parses_with_size(6000, false));
    cr_assert(parses_with_size(1 << 20, false));
    cr_assert(!parses_with_size((1 << 20) + 1, false));
}

Test(num, memory_sizes_take_redis_units)
{
    static const struct {
        const char *text;
        uint64_t value;
    } accepted[] = { { "0", 0 },
                     { "123", 123 },
                     { "1b", 1 },
                     { "1k", 1000 },
                     { "1K", 1000 },
                     { "1kb", 1024 },
                     { "1Kb", 1024 },
                     { "2m", 2000000 },
                     { "2MB", 2097152 },
                     { "3g", 3000000000 },
                     { "3gB", 3221225472 },
                     { "010mb", 10485760 },
                     { "18446744073709551615", UINT64_MAX },
                     { "17179869183gb", 17179869183ULL << 30 } };
    static const char *const refused[] = { "",
                                           "b",
                                           "gb",
                                           "-1",
                                           "+1",
                                           "1.5gb",
                                           "1tb",
                                           "1kbb",
                                           " 1",
                                           "1 gb",
                                           "1gb ",
                                           "18446744073709551616",
                                           "17179869184gb",
                                           "99999999999999999999k" };
    uint64_t value;
    for (size_t i = 0; i < COUNT(accepted); i++) {
        cr_assert(num_parse_memory(bytes_text(accepted[i].text), &value), "%s", accepted[i].text);
        cr_assert_eq(value, accepted[i].value, "%s: %lu", accepted[i].text, value);
    }
    for (size_t i = 0; i < COUNT(refused); i++)
        cr_assert(!num_parse_memory(bytes_text(refused[i]), &value), "%s", refused[i]);
}

static void expect_double(double value, const char *text)
{
    char got[NUM_DOUBLE_SHORT_MAX + 1];
    got[num_format_double(got, value)] = '\0';
    cr_assert_str_eq(got, text);
}

Test(num, doubles_are_written_as_redis_7_2_does)
{
    expect_double(0, "0");
    expect_double(-0.0, "-0");
    expect_double(1, "1");
    expect_double(-3, "-3");
    expect_double(0.1, "0.1");
    expect_double(-1.5, "-1.5");
    expect_double(3.14159, "3.14159");
    expect_double(0.1 + 0.2, "0.30000000000000004");
    expect_double(1.0 / 3, "0.3333333333333333");
    expect_double(100000.5, "100000.5");
    expect_double(1e15, "1000000000000000");
    expect_double(123456789012345678.0, "123456789012345680");
    expect_double(0x1p62, "4611686018427387904");
    expect_double(-0x1p62, "-4611686018427387904");
    expect_double(0x1p63, "9223372036854776000"); // digits that read back, then zeros
    expect_double(1e20, "1e+20");
    expect_double(1e21, "1e+21");
    expect_double(1.5e300, "1.5e+300");
    expect_double(-1.5e300, "-1.5e+300");
    expect_double(0.001, "0.001");
    expect_double(0.000001, "0.000001");
    expect_double(0.0000001, "1e-7");
    expect_double(1.5e-7, "1.5e-7");
    expect_double(1.5e-10, "1.5e-10");
    expect_double(0.0012345678901234567, "0.0012345678901234567");
    expect_double(0.00012345678901234567, "1.2345678901234567e-4");
    expect_double(DBL_MAX, "1.7976931348623157e+308");
    expect_double(DBL_MIN, "2.2250738585072014e-308");
    expect_double(5e-324, "5e-324");
    expect_double(1e-320, "1e-320");
    expect_double(INFINITY, "inf");
    expect_double(-INFINITY, "-inf");
    expect_double(NAN, "nan");
}

// As many significant digits as the C library needs to read the value back.
static int shortest_digits(double value)
{
    char text[40];
    for (int digits = 1; digits < 17; digits++) {
        snprintf(text, sizeof(text), "%.*e", digits - 1, value);
        if (strtod(text, NULL) == value) return digits;
    }
    return 17;
}

static int significant_digits(const char *text)
{
    int count = 0, zeros = 0;
    bool started = false;
    for (; *text && *text != 'e'; text++) {
        if (*text < '0' || *text > '9') continue;
        started |= *text != '0';
        if (!started) continue;
        zeros = *text == '0' ? zeros + 1 : 0;
        count++;
    }
    return count - zeros;
}

static void expect_round_trip(double value)
{
    char got[NUM_DOUBLE_SHORT_MAX + 1];
    uint32_t length = num_format_double(got, value);
    cr_assert_leq(length, NUM_DOUBLE_SHORT_MAX);
    got[length] = '\0';
    cr_assert(strtod(got, NULL) == value, "%s is not %.17g", got, value);
    if (fabs(value) > 0x1p62 || value != trunc(value))
        cr_assert_eq(significant_digits(got), shortest_digits(value), "%s", got);
}

Test(num, doubles_read_back_and_are_shortest)
{
    struct rng r;
    rng_seed(&r, 11);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = rng_next(&r);
        double value;
        memcpy(&value, &bits, sizeof(value));
        if (isfinite(value)) expect_round_trip(value);
        expect_round_trip((double)rng_below(&r, 1000000000) / 1000);
        expect_round_trip(rng_unit(&r));
        bits &= (1ULL << 52) - 1; // a denormal
        memcpy(&value, &bits, sizeof(value));
        if (value != 0) expect_round_trip(value / (double)(1ULL << rng_below(&r, 50)));
    }
}

static void expect_long_double(long double value, const char *text)
{
    char got[NUM_DOUBLE_MAX];
    got[num_format_long_double(got, value)] = '\0';
    cr_assert_str_eq(got, text);
}

// What INCRBYFLOAT of a Redis server shows.
Test(num, long_doubles_are_written_for_people)
{
    expect_long_double(0, "0");
    expect_long_double(-0.0L, "0");
    expect_long_double(10.5L, "10.5");
    expect_long_double(10.50L + 0.1L, "10.6");
    expect_long_double(5.0e3L + 200, "5200");
    expect_long_double(100, "100");
    expect_long_double(-1000, "-1000");
    expect_long_double(0.1L, "0.1");
    expect_long_double(3e-17L, "0.00000000000000003");
    expect_long_double(1e-18L, "0");
    expect_long_double(-1e-18L, "0");
    expect_long_double(1e20L, "100000000000000000000");
    expect_long_double(INFINITY, "inf");
    expect_long_double(-INFINITY, "-inf");
    char got[NUM_DOUBLE_MAX];
    cr_assert_eq(num_format_long_double(got, -LDBL_MAX), 4934);
}

static void expect_memory(uint64_t bytes, const char *text)
{
    char got[32];
    got[num_format_memory(got, bytes)] = '\0';
    cr_assert_str_eq(got, text);
}

Test(num, memory_is_shown_in_redis_units)
{
    expect_memory(0, "0B");
    expect_memory(1023, "1023B");
    expect_memory(1024, "1.00K");
    expect_memory(1536, "1.50K");
    expect_memory(1048575, "1024.00K");
    expect_memory(1048576, "1.00M");
    expect_memory(1ULL << 30, "1.00G");
    expect_memory(1ULL << 40, "1.00T");
    expect_memory(1ULL << 50, "1.00P");
    expect_memory((1ULL << 60) - 1, "1024.00P");
    expect_memory(1ULL << 60, "1152921504606846976B");
    expect_memory(UINT64_MAX, "18446744073709551615B");
}
