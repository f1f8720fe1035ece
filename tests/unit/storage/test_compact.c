#include "storage/rdb/compact.h"
#include "storage/rdb/listpack.h"
#include "tests/unit/storage/rdb_fixture.h"

static struct rdb_fixture f;
static void open_fixture(void) { rdb_fixture_open(&f); }
static void close_fixture(void) { rdb_fixture_close(&f); }
TestSuite(compact, .init = open_fixture, .fini = close_fixture);

// All elements, joined by commas; false: broken.
static bool read_all(enum compact_form form, struct bytes buffer, char *out, size_t room)
{
    struct compact c;
    struct compact_element e;
    enum compact_result result;
    size_t at = 0;
    out[0] = 0;
    if (!compact_open(&c, form, buffer)) return false;
    while ((result = compact_next(&c, &e)) == COMPACT_ELEMENT) {
        char digits[24];
        struct bytes text = compact_text(&e, digits);
        at += (size_t)snprintf(out + at, room - at, "%s%.*s", at ? "," : "", (int)text.size,
                               text.size ? (const char *)text.data : "");
        if (at >= room) at = room - 1;
    }
    return result == COMPACT_END;
}

static void expect_elements(enum compact_form form, const char *hex, const char *expected)
{
    char got[8192];
    struct bytes in = hex_bytes(hex);
    cr_expect(read_all(form, in, got, sizeof got), "%s", hex);
    cr_expect_str_eq(got, expected, "%s", hex);
    free_bytes(in);
}

static void expect_broken(enum compact_form form, const char *hex)
{
    char got[8192];
    struct bytes in = hex_bytes(hex);
    cr_expect_not(read_all(form, in, got, sizeof got), "%s: %s", hex, got);
    free_bytes(in);
}

// Every prefix, and every byte cut out, is refused; the heads say how large all is.
static void expect_parts_broken(enum compact_form form, const char *hex)
{
    char got[8192];
    struct bytes in = hex_bytes(hex);
    for (size_t i = 0; i < in.size; i++) {
        struct bytes prefix = exact_copy(bytes_make(in.data, i));
        cr_expect_not(read_all(form, prefix, got, sizeof got), "%zu bytes of %s", i, hex);
        free_bytes(prefix);
        struct bytes cut = exact_copy(in);
        memmove((uint8_t *)(uintptr_t)cut.data + i, in.data + i + 1, in.size - i - 1);
        cut.size--;
        cr_expect_not(read_all(form, cut, got, sizeof got), "%s without byte %zu", hex, i);
        free_bytes(cut);
    }
    free_bytes(in);
}

// ---- listpacks

// One-element vectors of spec/rdb.md section 6.1
static const struct {
    const char *text, *hex;
} listpacks[] = {
    { "0", "09000000 0100 00 01 ff" },
    { "127", "09000000 0100 7f 01 ff" },
    { "128", "0a000000 0100 c080 02 ff" },
    { "-1", "0a000000 0100 dfff 02 ff" },
    { "-4096", "0a000000 0100 d000 02 ff" },
    { "4095", "0a000000 0100 cfff 02 ff" },
    { "4096", "0b000000 0100 f10010 03 ff" },
    { "-4097", "0b000000 0100 f1ffef 03 ff" },
    { "32768", "0c000000 0100 f2008000 04 ff" },
    { "-32769", "0c000000 0100 f2ff7fff 04 ff" },
    { "8388608", "0d000000 0100 f300008000 05 ff" },
    { "-2147483648", "0d000000 0100 f300000080 05 ff" },
    { "2147483648", "11000000 0100 f40000008000000000 09 ff" },
    { "-9223372036854775808", "11000000 0100 f40000000000000080 09 ff" },
    { "9223372036854775808", "1c000000 0100 93 39323233333732303336383534373735383038 14 ff" },
    { "", "09000000 0100 80 01 ff" },
    { "-0", "0b000000 0100 82 2d30 03 ff" },
    { "01", "0b000000 0100 82 3031 03 ff" },
};

Test(compact, reads_and_writes_listpacks_of_one_element)
{
    for (size_t i = 0; i < sizeof listpacks / sizeof listpacks[0]; i++) {
        struct listpack_writer w;
        listpack_begin(&w, &f.out);
        listpack_put(&w, bytes_text(listpacks[i].text));
        listpack_end(&w);
        expect_hex(rdb_buffer_bytes(&f.out), listpacks[i].hex);
        rdb_buffer_clear(&f.out);
        expect_elements(COMPACT_LISTPACK, listpacks[i].hex, listpacks[i].text);
        expect_parts_broken(COMPACT_LISTPACK, listpacks[i].hex);
    }
}

// spec/rdb.md section 6.1: element sizes where the length behind them gets another byte
Test(compact, writes_the_length_behind_an_element_as_redis_reads_it)
{
    static const struct {
        size_t text;
        const char *head, *back;
    } cases[] = {
        { 63, "bf", "40" },
        { 64, "e040", "42" },
        { 126, "e07e", "0180" },
        { 4095, "efff", "2081" },
        { 4096, "f000100000", "2085" },
        { 16377, "f0f93f0000", "7ffe" },
        { 16378, "f0fa3f0000", "00ffff" },
        { 16379, "f0fb3f0000", "018080" },
        { 2097146, "f0faff1f00", "00ffffff" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t size = cases[i].text, head = strlen(cases[i].head) / 2,
               back = strlen(cases[i].back) / 2;
        char *text = malloc(size), *all = malloc(size + 16);
        struct listpack_writer w;
        memset(text, 'x', size);
        listpack_begin(&w, &f.out);
        listpack_put(&w, bytes_make(text, size));
        listpack_end(&w);
        struct bytes out = rdb_buffer_bytes(&f.out);
        cr_expect_eq(out.size, LISTPACK_HEAD_BYTES + head + size + back + 1);
        expect_hex(bytes_make(out.data + LISTPACK_HEAD_BYTES, head), cases[i].head);
        expect_hex(bytes_make(out.data + LISTPACK_HEAD_BYTES + head + size, back), cases[i].back);
        cr_expect(read_all(COMPACT_LISTPACK, out, all, size + 16));
        cr_expect_eq(strlen(all), size);
        rdb_buffer_clear(&f.out);
        free(text);
        free(all);
    }
}

Test(compact, refuses_listpacks_that_are_not_what_they_say)
{
    expect_elements(COMPACT_LISTPACK, "07000000 0000 ff", "");
    expect_elements(COMPACT_LISTPACK, "0d000000 ffff 816102 816202 ff", "a,b"); // nobody counted
    expect_broken(COMPACT_LISTPACK, "0d000000 0100 816102 816202 ff");          // count
    expect_broken(COMPACT_LISTPACK, "0d000000 0300 816102 816202 ff");
    expect_broken(COMPACT_LISTPACK, "0e000000 0200 816102 816202 ff");        // size
    expect_broken(COMPACT_LISTPACK, "0d000000 0200 816102 816202 fe");        // end
    expect_broken(COMPACT_LISTPACK, "0d000000 0200 816103 816202 ff");        // back length
    expect_broken(COMPACT_LISTPACK, "0e000000 0200 81618002 816202 ff");      // too wide
    expect_broken(COMPACT_LISTPACK, "0d000000 0200 bf6102 816202 ff");        // beyond the end
    expect_broken(COMPACT_LISTPACK, "0d000000 0200 ff6102 816202 ff");        // an end inside
    expect_broken(COMPACT_LISTPACK, "0a000000 0100 f5 00 02 ff");             // no such kind
    expect_broken(COMPACT_LISTPACK, "0f000000 0100 f0 ffffffff 00 00 00 ff"); // 4 GiB
}

Test(compact, puts_parts_of_listpacks_together)
{
    struct rdb_buffer other;
    struct listpack_writer w, part;
    rdb_buffer_init(&other, &f.heap, HEAP_OTHER);
    listpack_begin_part(&part, &other);
    listpack_put(&part, BYTES_LITERAL("b"));
    listpack_put_encoded(&part, BYTES_LITERAL("\x81"
                                              "c"));
    listpack_begin(&w, &f.out);
    listpack_put_int(&w, 7);
    listpack_put_part(&w, &part);
    listpack_end(&w);
    expect_hex(rdb_buffer_bytes(&f.out), "0f000000 0300 0701 816202 816302 ff");
    rdb_buffer_close(&other);
}

Test(compact, counts_listpacks_of_many_elements_as_unknown)
{
    struct listpack_writer w;
    struct compact c;
    struct compact_element e;
    uint32_t count = 0;
    listpack_begin(&w, &f.out);
    for (uint32_t i = 0; i < 70000; i++) listpack_put_int(&w, i);
    listpack_end(&w);
    cr_assert(compact_open(&c, COMPACT_LISTPACK, rdb_buffer_bytes(&f.out)));
    cr_expect_eq(c.announced, COMPACT_UNCOUNTED);
    while (compact_next(&c, &e) == COMPACT_ELEMENT) cr_assert_eq(e.value, count++);
    cr_expect_eq(count, 70000);
}

// ---- ziplists: spec/rdb.md section 6.2

Test(compact, reads_ziplists)
{
    expect_elements(COMPACT_ZIPLIST, "0b000000 0a000000 0000 ff", "");
    expect_elements(COMPACT_ZIPLIST, "0f000000 0c000000 0200 00f3 02f6 ff", "2,5");
    expect_elements(COMPACT_ZIPLIST, "0f000000 0c000000 ffff 00f3 02f6 ff", "2,5");
    expect_elements(
        COMPACT_ZIPLIST,
        "2b00000020000000070000f102fd02fe8003c0ff7f04f000008005d00000008006e0ffffffffffffff7fff",
        "0,12,-128,32767,-8388608,-2147483648,9223372036854775807");
    expect_elements(COMPACT_ZIPLIST, "150000000e000000020000026162044003636465ff", "ab,cde");
    expect_elements(COMPACT_ZIPLIST, "14000000 0a000000 0100 00 80 00000003 636465 ff", "cde");
    expect_elements(COMPACT_ZIPLIST, "13000000 0c000000 0200 00f3 fe02000000 f6 ff", "2,5");
}

Test(compact, refuses_ziplists_that_are_not_what_they_say)
{
    static const char good[] = "150000000e000000020000026162044003636465ff";
    expect_parts_broken(COMPACT_ZIPLIST, good);
    expect_broken(COMPACT_ZIPLIST, "0f000000 0c000000 0100 00f3 02f6 ff"); // count
    expect_broken(COMPACT_ZIPLIST, "0f000000 0a000000 0200 00f3 02f6 ff"); // tail
    expect_broken(COMPACT_ZIPLIST, "10000000 0c000000 0200 00f3 02f6 ff"); // size
    expect_broken(COMPACT_ZIPLIST, "0f000000 0c000000 0200 00f3 03f6 ff"); // size before
    expect_broken(COMPACT_ZIPLIST, "0f000000 0c000000 0200 01f3 02f6 ff");
    expect_broken(COMPACT_ZIPLIST, "0f000000 0c000000 0200 fff3 02f6 ff");
    expect_broken(COMPACT_ZIPLIST, "0f000000 0c000000 0200 00f3 02ff ff"); // no such kind
    expect_broken(COMPACT_ZIPLIST, "0f000000 0c000000 0200 00f3 023f ff"); // beyond the end
    expect_broken(COMPACT_ZIPLIST, "0f000000 0c000000 0200 00f3 02f6 fe"); // end
}

// ---- intsets: section 6.3

Test(compact, reads_intsets)
{
    expect_elements(COMPACT_INTSET, "02000000 03000000 0100 0200 0300", "1,2,3");
    expect_elements(COMPACT_INTSET, "04000000 02000000 ffffffff 70110100", "-1,70000");
    expect_elements(COMPACT_INTSET, "08000000 02000000 ffffffffffffffff 00f2052a01000000",
                    "-1,5000000000");
}

Test(compact, refuses_intsets_that_are_not_what_they_say)
{
    expect_parts_broken(COMPACT_INTSET, "04000000 02000000 ffffffff 70110100");
    expect_broken(COMPACT_INTSET, "02000000 00000000");        // empty
    expect_broken(COMPACT_INTSET, "03000000 01000000 010000"); // width
    expect_broken(COMPACT_INTSET, "00000000 01000000");
    expect_broken(COMPACT_INTSET, "02000000 02000000 0200 0100");           // order
    expect_broken(COMPACT_INTSET, "02000000 02000000 0100 0100");           // twice
    expect_broken(COMPACT_INTSET, "02000000 01000000 0100 0200");           // more than said
    expect_broken(COMPACT_INTSET, "08000000 00000020 0100 0200 0300 0400"); // 4 GiB
}

// ---- zipmaps: section 6.4

Test(compact, reads_zipmaps)
{
    expect_elements(COMPACT_ZIPMAP, "02 03 666f6f 03 00 626172 05 68656c6c6f 05 00 776f726c64 ff",
                    "foo,bar,hello,world");
    expect_elements(COMPACT_ZIPMAP, "01 01 61 01 02 62 0000 ff", "a,b"); // two unused bytes
    expect_elements(COMPACT_ZIPMAP, "fe 01 61 01 00 62 ff", "a,b");      // nobody counted
    expect_elements(COMPACT_ZIPMAP, "01 fe01000000 61 fe01000000 00 62 ff", "a,b");
    expect_elements(COMPACT_ZIPMAP, "00 ff", "");
}

Test(compact, refuses_zipmaps_that_are_not_what_they_say)
{
    expect_parts_broken(COMPACT_ZIPMAP,
                        "02 03 666f6f 03 00 626172 05 68656c6c6f 05 00 776f726c64 ff");
    expect_broken(COMPACT_ZIPMAP, "02 01 61 01 00 62 ff"); // count
    expect_broken(COMPACT_ZIPMAP, "01 01 61 ff");          // no value
    expect_broken(COMPACT_ZIPMAP, "01 01 61 01 05 62 ff"); // unused bytes beyond the end
    expect_broken(COMPACT_ZIPMAP, "01 ff 61 01 00 62 ff"); // an end inside
    expect_broken(COMPACT_ZIPMAP, "01 feffffffff 61 01 00 62 ff");
}

Test(compact, survives_any_bytes)
{
    struct rng rng;
    rng_seed(&rng, 5);
    for (int round = 0; round < 200000; round++) {
        uint8_t raw[64];
        char got[1024];
        size_t size = (size_t)rng_below(&rng, sizeof raw);
        enum compact_form form = (enum compact_form)rng_below(&rng, 4);
        for (size_t i = 0; i < size; i++) raw[i] = (uint8_t)rng_next(&rng);
        if (size > 12) { // heads that let the reader in
            raw[size - 1] = 0xff;
            if (form != COMPACT_ZIPMAP) store_le32(raw, (uint32_t)size);
            if (form == COMPACT_INTSET)
                store_le32(raw, 2), store_le32(raw + 4, (uint32_t)(size - 8) / 2);
            if (form == COMPACT_LISTPACK) store_le16(raw + 4, 0xffff);
            if (form == COMPACT_ZIPLIST) store_le16(raw + 8, 0xffff), raw[10] = 0;
        }
        struct bytes in = exact_copy(bytes_make(raw, size));
        read_all(form, in, got, sizeof got);
        free_bytes(in);
    }
}
