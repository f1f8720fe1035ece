#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include "dataplane/base/hash.h"
#include "dataplane/base/num.h"
#include "dataplane/keyspace/packed.h"

// Encodes, and checks what must hold of every element. Returns its size.
static uint32_t encode(uint8_t *to, const struct packed_needle *n)
{
    char scratch[24];
    packed_put(to, n);
    cr_assert(eq(u32, packed_size(to), n->size));
    cr_assert(packed_is(to, n));
    cr_assert(eq(u64, packed_deadline_ms(to), 0));
    struct packed_needle again; // there is one way to write a text
    packed_needle_init(&again, packed_text(to, scratch));
    cr_assert(eq(u32, again.size, n->size));
    cr_assert(packed_is(to, &again));
    return n->size;
}

struct number {
    int64_t value;
    uint32_t size;
    uint8_t head;
};
ParameterizedTestParameters(packed, numbers_take_the_shortest_form)
{
    static struct number cases[] = {
        { 0, 1, 0x00 },
        { 1, 1, 0x01 },
        { 127, 1, 0x7f },
        { 128, 2, 0xc0 },
        { 4095, 2, 0xcf },
        { -1, 2, 0xdf },
        { -4096, 2, 0xd0 },
        { 4096, 3, 0xf1 },
        { -4097, 3, 0xf1 },
        { INT16_MAX, 3, 0xf1 },
        { INT16_MIN, 3, 0xf1 },
        { INT16_MAX + 1, 4, 0xf2 },
        { INT16_MIN - 1, 4, 0xf2 },
        { (1 << 23) - 1, 4, 0xf2 },
        { -(1 << 23), 4, 0xf2 },
        { 1 << 23, 5, 0xf3 },
        { -(1 << 23) - 1, 5, 0xf3 },
        { INT32_MAX, 5, 0xf3 },
        { INT32_MIN, 5, 0xf3 },
        { INT32_MAX + 1LL, 9, 0xf4 },
        { INT32_MIN - 1LL, 9, 0xf4 },
        { INT64_MAX, 9, 0xf4 },
        { INT64_MIN, 9, 0xf4 },
    };
    return cr_make_param_array(struct number, cases, sizeof cases / sizeof cases[0]);
}
ParameterizedTest(struct number *p, packed, numbers_take_the_shortest_form)
{
    struct packed_needle n, of_text;
    uint8_t *at = malloc(p->size); // so that a sanitizer sees a read past the end
    char text[24], scratch[24];
    int64_t value;
    packed_needle_int(&n, p->value);
    cr_assert(eq(u32, n.size, p->size));
    encode(at, &n);
    cr_expect(eq(u8, at[0], p->head));
    cr_expect(packed_is_int(at, &value));
    cr_expect(eq(i64, value, p->value));
    struct bytes want = bytes_make(text, num_format_int(text, p->value));
    cr_expect(bytes_equal(packed_text(at, scratch), want));
    packed_needle_init(&of_text, want);
    cr_expect(packed_is(at, &of_text));
    free(at);
}

struct text {
    uint32_t size, head_bytes;
    uint8_t head;
};
ParameterizedTestParameters(packed, texts_take_the_shortest_head)
{
    static struct text cases[] = {
        { 0, 1, 0x80 },    { 1, 1, 0x81 },    { 3, 1, 0x83 },       { 4, 1, 0x84 },
        { 7, 1, 0x87 },    { 8, 1, 0x88 },    { 9, 1, 0x89 },       { 63, 1, 0xbf },
        { 64, 2, 0xe0 },   { 255, 2, 0xe0 },  { 256, 2, 0xe1 },     { 4095, 2, 0xef },
        { 4096, 5, 0xf0 }, { 4097, 5, 0xf0 }, { 1 << 20, 5, 0xf0 },
    };
    return cr_make_param_array(struct text, cases, sizeof cases / sizeof cases[0]);
}
ParameterizedTest(struct text *p, packed, texts_take_the_shortest_head)
{
    struct packed_needle n;
    uint8_t *at = malloc(p->head_bytes + p->size), *text = malloc(p->size + 1);
    char scratch[24];
    int64_t value;
    for (uint32_t i = 0; i < p->size; i++) text[i] = (uint8_t)('a' + i * 7 % 26);
    packed_needle_init(&n, bytes_make(text, p->size));
    cr_assert(eq(u32, n.size, p->head_bytes + p->size));
    cr_assert(eq(u8, n.head_bytes, p->head_bytes));
    encode(at, &n);
    cr_expect(eq(u8, at[0], p->head));
    cr_expect(not(packed_is_int(at, &value)));
    cr_expect(bytes_equal(packed_text(at, scratch), bytes_make(text, p->size)));
    for (uint32_t i = 0; i < p->size; i += 1 + p->size / 50) { // any byte counts
        text[i] ^= 1;
        cr_expect(not(packed_is(at, &n)));
        text[i] ^= 1;
    }
    free(at);
    free(text);
}

Test(packed, only_canonical_integers_are_numbers)
{
    static const char *texts[] = { "",
                                   "-",
                                   "-0",
                                   "00",
                                   "01",
                                   "+1",
                                   " 1",
                                   "1 ",
                                   "1.0",
                                   "0x1",
                                   "1e3",
                                   "9223372036854775808",
                                   "-9223372036854775809",
                                   "18446744073709551615",
                                   "99999999999999999999" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct packed_needle n;
        uint8_t at[32];
        char scratch[24];
        int64_t value;
        packed_needle_init(&n, bytes_text(texts[i]));
        encode(at, &n);
        cr_expect(not(packed_is_int(at, &value)), "%s", texts[i]);
        cr_expect(bytes_equal(packed_text(at, scratch), bytes_text(texts[i])));
    }
}

Test(packed, texts_keep_every_byte)
{
    uint8_t text[256], at[300];
    char scratch[24];
    struct packed_needle n;
    for (unsigned i = 0; i < 256; i++) text[i] = (uint8_t)i;
    packed_needle_init(&n, bytes_make(text, sizeof text));
    encode(at, &n);
    cr_expect(bytes_equal(packed_text(at, scratch), bytes_make(text, sizeof text)));
}

Test(packed, elements_are_equal_when_their_texts_are)
{
    enum { COUNT = 400 };
    static char texts[COUNT][80];
    static struct packed_needle n[COUNT];
    static uint8_t at[COUNT][90];
    struct rng r;
    rng_seed(&r, 1);
    for (int i = 0; i < COUNT; i++) {
        if (rng_below(&r, 2))
            sprintf(texts[i], "%d", (int)rng_below(&r, 400) - 200);
        else
            sprintf(texts[i], "%.*s%c", (int)rng_below(&r, 70),
                    "0123456789012345678901234567890123456789012345678901234567890123456789",
                    'a' + (char)rng_below(&r, 2));
        packed_needle_init(&n[i], bytes_text(texts[i]));
        encode(at[i], &n[i]);
    }
    for (int i = 0; i < COUNT; i++)
        for (int k = 0; k < COUNT; k++)
            cr_assert(eq(int, packed_is(at[i], &n[k]), strcmp(texts[i], texts[k]) == 0));
}

Test(packed, a_deadline_goes_before_any_form)
{
    static const char *texts[] = { "7", "-7", "x", "", "123456789012" };
    for (size_t i = 0; i < 6; i++) {
        struct packed_needle n;
        char *text = calloc(1, 5000), scratch[24];
        memset(text, 'x', 4999);
        if (i < 5) strcpy(text, texts[i]);
        packed_needle_init(&n, bytes_text(text));
        uint8_t *at = malloc(PACKED_DEADLINE_BYTES + n.size);
        at[0] = PACKED_DEADLINE;
        store_le64(at + 1, 1700000000123);
        packed_put(at + PACKED_DEADLINE_BYTES, &n);
        cr_expect(eq(u32, packed_size(at), PACKED_DEADLINE_BYTES + n.size));
        cr_expect(eq(u64, packed_deadline_ms(at), 1700000000123));
        cr_expect(bytes_equal(packed_text(at, scratch), bytes_text(text)));
        int64_t value;
        cr_expect(eq(int, packed_is_int(at, &value), num_parse_int(bytes_text(text), &value)));
        free(at);
        free(text);
    }
}

// ---- packs
static struct bytes pack_of(const char *const *texts, uint32_t count, uint8_t *to)
{
    uint32_t at = PACK_HEAD;
    store_le32(to, count);
    for (uint32_t i = 0; i < count; i++) {
        struct packed_needle n;
        packed_needle_init(&n, bytes_text(texts[i]));
        packed_put(to + at, &n);
        at += n.size;
    }
    return bytes_make(to, at);
}

Test(packed, a_pack_is_searched_at_every_step)
{
    static const char *texts[] = { "a", "1", "b", "a", "1", "300" };
    uint8_t buffer[64];
    struct bytes pack = pack_of(texts, 6, buffer);
    struct packed_needle a, one, b, none, wide;
    packed_needle_init(&a, bytes_text("a"));
    packed_needle_init(&one, bytes_text("1"));
    packed_needle_init(&b, bytes_text("b"));
    packed_needle_init(&none, bytes_text("c"));
    packed_needle_init(&wide, bytes_text("300"));
    const uint8_t *first = pack_first(pack);
    cr_expect(eq(u32, pack_count(pack), 6));
    cr_expect(pack_find(pack, first, 1, &a) == first);
    cr_expect(pack_find(pack, first, 1, &one) == pack_at(pack, 1));
    cr_expect(pack_find(pack, first, 2, &one) == pack_at(pack, 4));
    cr_expect(pack_find(pack, pack_at(pack, 1), 2, &one) == pack_at(pack, 1));
    cr_expect(pack_find(pack, pack_at(pack, 1), 2, &a) == pack_at(pack, 3));
    cr_expect(pack_find(pack, first, 5, &wide) == pack_at(pack, 5));
    cr_expect(pack_find(pack, first, 3, &b) == NULL);
    cr_expect(pack_find(pack, first, 1, &none) == NULL);
    cr_expect(pack_find(pack, pack_end(pack), 1, &a) == NULL);
    cr_expect(pack_at(pack, 5) + packed_size(pack_at(pack, 5)) == pack_end(pack));
}

Test(packed, an_empty_pack_has_nothing)
{
    uint8_t buffer[PACK_HEAD];
    struct bytes pack = pack_of(NULL, 0, buffer);
    struct packed_needle n;
    packed_needle_init(&n, bytes_text(""));
    cr_expect(pack_first(pack) == pack_end(pack));
    cr_expect(pack_find(pack, pack_first(pack), 1, &n) == NULL);
}

Test(packed, a_pack_finds_a_field_that_has_a_deadline)
{
    uint8_t buffer[64];
    struct packed_needle a, b;
    packed_needle_init(&a, bytes_text("a"));
    packed_needle_init(&b, bytes_text("b"));
    store_le32(buffer, 2);
    packed_put(buffer + PACK_HEAD, &a);
    uint8_t *second = buffer + PACK_HEAD + a.size;
    second[0] = PACKED_DEADLINE;
    store_le64(second + 1, 5);
    packed_put(second + PACKED_DEADLINE_BYTES, &b);
    struct bytes pack = bytes_make(buffer, PACK_HEAD + a.size + PACKED_DEADLINE_BYTES + b.size);
    cr_expect(pack_find(pack, pack_first(pack), 1, &b) == second);
}

Test(packed, refuses_an_element_that_is_not_there, .signal = SIGABRT)
{
    static const char *texts[] = { "a" };
    uint8_t buffer[16];
    pack_at(pack_of(texts, 1, buffer), 1);
}
Test(packed, refuses_an_unknown_form, .signal = SIGABRT)
{
    const uint8_t bytes[] = { 0xf9, 0, 0, 0, 0, 0, 0, 0, 0 };
    packed_size(bytes);
}
