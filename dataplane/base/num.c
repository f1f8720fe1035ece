#include "dataplane/base/num.h"
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_ON_STACK = 512, TEXT_MAX = 1 << 20, DIGITS_MAX = 17 };

// Digits alone, no leading zero unless "0", within uint64.
static bool parse_digits(const uint8_t *p, size_t size, uint64_t *out)
{
    if (size == 0 || size > 20) return false;
    if (p[0] == '0') {
        *out = 0;
        return size == 1;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        uint32_t digit = (uint32_t)p[i] - '0';
        if (digit > 9) return false;
        if (i == 19 && (__builtin_mul_overflow(value, 10ULL, &value) ||
                        __builtin_add_overflow(value, (uint64_t)digit, &value)))
            return false;
        if (i < 19) value = value * 10 + digit;
    }
    *out = value;
    return true;
}

bool num_parse_uint(struct bytes text, uint64_t *out)
{
    return parse_digits(text.data, text.size, out);
}

bool num_parse_int(struct bytes text, int64_t *out)
{
    uint64_t magnitude;
    if (text.size == 0) return false;
    if (text.data[0] != '-') {
        if (!parse_digits(text.data, text.size, &magnitude) || magnitude > INT64_MAX) return false;
        *out = (int64_t)magnitude;
        return true;
    }
    if (!parse_digits(text.data + 1, text.size - 1, &magnitude)) return false;
    if (magnitude == 0 || magnitude > (uint64_t)INT64_MAX + 1) return false;
    *out = (int64_t)(0 - magnitude);
    return true;
}

static bool is_space(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// What strtod and strtold have in common for Redis: the whole text is one number, and errno tells
// overflow and what underflowed to nothing (a denormal is a number).
static bool accepted(const char *text, const char *end, size_t size, int error, long double value)
{
    if (end != text + size || isnan(value)) return false;
    return error != ERANGE || (!isinf(value) && value != 0);
}

static bool parse_terminated(const char *text, size_t size, bool is_long, long double *out)
{
    char *end;
    errno = 0;
    *out = is_long ? strtold(text, &end) : (long double)strtod(text, &end);
    return accepted(text, end, size, errno, *out);
}

// strtod wants a terminator that wire bytes do not have, so they are copied.
static bool parse_float(struct bytes text, size_t size_max, bool is_long, long double *out)
{
    if (text.size == 0 || text.size > size_max || is_space(text.data[0])) return false;
    char on_stack[TEXT_ON_STACK];
    char *copy = text.size < sizeof(on_stack) ? on_stack : malloc(text.size + 1);
    if (!copy) return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    bool parsed = parse_terminated(copy, text.size, is_long, out);
    if (copy != on_stack) free(copy);
    return parsed;
}

// Redis's own buffer for these holds 5 KiB with the terminator.
bool num_parse_long_double(struct bytes text, long double *out)
{
    return parse_float(text, NUM_DOUBLE_MAX - 1, true, out);
}

bool num_parse_double(struct bytes text, double *out)
{
    long double value;
    if (!parse_float(text, TEXT_MAX, false, &value)) return false;
    *out = (double)value;
    return true;
}

static bool memory_unit(struct bytes text, uint64_t *out)
{
    static const struct {
        const char *name;
        uint64_t factor;
    } units[] = {
        { "", 1 },
        { "b", 1 },
        { "k", 1000 },
        { "kb", 1 << 10 },
        { "m", 1000 * 1000 },
        { "mb", 1 << 20 },
        { "g", 1000UL * 1000 * 1000 },
        { "gb", 1UL << 30 },
    };
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (!bytes_is_word(text, units[i].name)) continue;
        *out = units[i].factor;
        return true;
    }
    return false;
}

// Leading zeros are fine here ("010mb"), as they are for strtoull.
bool num_parse_memory(struct bytes text, uint64_t *out)
{
    uint64_t value = 0, factor;
    size_t digits = 0;
    for (; digits < text.size; digits++) {
        uint32_t digit = (uint32_t)text.data[digits] - '0';
        if (digit > 9) break;
        if (__builtin_mul_overflow(value, 10ULL, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit, &value))
            return false;
    }
    if (digits == 0) return false;
    if (!memory_unit(bytes_make(text.data + digits, text.size - digits), &factor)) return false;
    return !__builtin_mul_overflow(value, factor, out);
}

static const char digit_pairs[201] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445"
    "46474849505152535455565758596061626364656667686970717273747576777879808182838485868788899091"
    "9293949596979899";

static uint32_t uint_digits(uint64_t value)
{
    uint32_t count = 1;
    while (value >= 10000) {
        value /= 10000;
        count += 4;
    }
    return count + (value >= 10) + (value >= 100) + (value >= 1000);
}

uint32_t num_format_uint(char *out, uint64_t value)
{
    uint32_t length = uint_digits(value), at = length;
    while (value >= 100) {
        at -= 2;
        memcpy(out + at, digit_pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10)
        memcpy(out, digit_pairs + 2 * value, 2);
    else
        out[0] = (char)('0' + value);
    return length;
}

uint32_t num_format_int(char *out, int64_t value)
{
    if (value >= 0) return num_format_uint(out, (uint64_t)value);
    out[0] = '-';
    return 1 + num_format_uint(out + 1, 0 - (uint64_t)value);
}

uint32_t num_int_digits(int64_t value)
{
    return value >= 0 ? uint_digits((uint64_t)value) : 1 + uint_digits(0 - (uint64_t)value);
}

// value = digits * 10^exponent, digits without trailing zeros.
struct decimal {
    char digits[DIGITS_MAX + 8];
    int count, exponent;
};

static void decimal_trim(struct decimal *d)
{
    while (d->count > 1 && d->digits[d->count - 1] == '0') {
        d->count--;
        d->exponent++;
    }
}

// Numbers of up to 15 digits with the point inside or close by: n / 10^k is one correctly rounded
// division of exact operands, so the smallest k that gives value back is its shortest form (no two
// decimals of 15 digits are the same double).
static bool decimal_from_small(struct decimal *d, double value)
{
    static const double powers[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
    if (value < 1e-7 || value >= 1e15) return false;
    for (int k = 0; k < (int)(sizeof(powers) / sizeof(powers[0])); k++) {
        double scaled = value * powers[k];
        if (scaled >= 1e15) return false;
        uint64_t n = (uint64_t)(scaled + 0.5);
        if ((double)n / powers[k] != value) continue;
        d->count = (int)num_format_uint(d->digits, n);
        d->exponent = -k;
        decimal_trim(d);
        return true;
    }
    return false;
}

// The rest: the C library's exact conversion, with as few digits as read back. A normal double
// needs 15 to show all that it has, so only denormals are tried with fewer.
static void decimal_from_any(struct decimal *d, double value)
{
    char text[40];
    int digits = value < DBL_MIN ? 1 : DBL_DIG;
    for (; digits <= DIGITS_MAX; digits++) {
        snprintf(text, sizeof(text), "%.*e", digits - 1, value);
        if (digits == DIGITS_MAX || strtod(text, NULL) == value) break;
    }
    const char *tail = text + (digits > 1 ? 2 : 1); // behind the point
    d->digits[0] = text[0];
    memcpy(d->digits + 1, tail, (size_t)digits - 1);
    d->count = digits;
    d->exponent = (int)strtol(tail + digits, NULL, 10) - (digits - 1);
    decimal_trim(d);
}

static uint32_t put_scientific(char *out, const struct decimal *d)
{
    char *p = out;
    *p++ = d->digits[0];
    if (d->count > 1) {
        *p++ = '.';
        memcpy(p, d->digits + 1, (size_t)d->count - 1);
        p += d->count - 1;
    }
    int exponent = d->exponent + d->count - 1;
    *p++ = 'e';
    *p++ = exponent < 0 ? '-' : '+';
    p += num_format_uint(p, (uint64_t)(exponent < 0 ? -exponent : exponent));
    return (uint32_t)(p - out);
}

// 0.000ddd or dd.ddd
static uint32_t put_fraction(char *out, const struct decimal *d)
{
    char *p = out;
    int whole = d->count + d->exponent; // digits before the point
    if (whole > 0) {
        memcpy(p, d->digits, (size_t)whole);
        p += whole;
        *p++ = '.';
        memcpy(p, d->digits + whole, (size_t)(d->count - whole));
        return (uint32_t)(d->count + 1);
    }
    memcpy(p, "0.", 2);
    memset(p + 2, '0', (size_t)-whole);
    memcpy(p + 2 - whole, d->digits, (size_t)d->count);
    return (uint32_t)(2 - whole + d->count);
}

// Redis 7.2 writes digits plainly while that is at most 7 zeros longer than the digits, fractions
// with up to 6 decimals or below four places, and the rest as d.ddde+N, the exponent unpadded.
static uint32_t put_decimal(char *out, const struct decimal *d)
{
    int exponent = d->exponent + d->count - 1;
    int places = exponent < 0 ? -exponent : exponent;
    if (d->exponent >= 0 && places < d->count + 7) {
        memcpy(out, d->digits, (size_t)d->count);
        memset(out + d->count, '0', (size_t)d->exponent);
        return (uint32_t)(d->count + d->exponent);
    }
    if (d->exponent < 0 && (d->exponent > -7 || places < 4)) return put_fraction(out, d);
    return put_scientific(out, d);
}

static uint32_t put_word(char *out, const char *word)
{
    size_t size = strlen(word);
    memcpy(out, word, size);
    return (uint32_t)size;
}

uint32_t num_format_double(char *out, double value)
{
    if (isnan(value)) return put_word(out, "nan");
    if (isinf(value)) return put_word(out, value < 0 ? "-inf" : "inf");
    if (value == 0) return put_word(out, signbit(value) ? "-0" : "0");
    // Whole numbers in half of int64's range take the integer road in Redis too.
    if (fabs(value) <= 0x1p62 && value == (double)(int64_t)value)
        return num_format_int(out, (int64_t)value);
    uint32_t sign = value < 0;
    if (sign) out[0] = '-';
    struct decimal d = { .count = 0 };
    if (!decimal_from_small(&d, fabs(value))) decimal_from_any(&d, fabs(value));
    return sign + put_decimal(out + sign, &d);
}

uint32_t num_format_long_double(char *out, long double value)
{
    if (isnan(value)) return put_word(out, "nan");
    if (isinf(value)) return put_word(out, value < 0 ? "-inf" : "inf");
    int length = snprintf(out, NUM_DOUBLE_MAX, "%.17Lf", value);
    while (out[length - 1] == '0') length--; // stops at the point
    if (out[length - 1] == '.') length--;
    if (length == 2 && out[0] == '-' && out[1] == '0') return put_word(out, "0");
    return (uint32_t)length;
}

uint32_t num_format_memory(char *out, uint64_t bytes)
{
    static const char units[] = "BKMGTP";
    int unit = 0;
    while (unit < 5 && bytes >> (10 * (unit + 1)) != 0) unit++;
    if (unit == 0 || bytes >> 60 != 0) {
        uint32_t length = num_format_uint(out, bytes);
        out[length] = 'B';
        return length + 1;
    }
    double scaled = (double)bytes / (double)(1ULL << (10 * unit));
    return (uint32_t)snprintf(out, 16, "%.2f%c", scaled, units[unit]);
}
