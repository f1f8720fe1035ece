// Whole snapshot files: what is in them, what ends them early, and where.
#include "storage/rdb/rdb_file.h"
#include <time.h>
#include "storage/rdb/rdb_write.h"
#include "tests/unit/storage/rdb_fixture.h"

static struct rdb_fixture f;
static void open_fixture(void) { rdb_fixture_open(&f); }
static void close_fixture(void) { rdb_fixture_close(&f); }
TestSuite(rdb_file, .init = open_fixture, .fini = close_fixture);

// ---- files

static void put_hex(const char *hex)
{
    struct bytes bytes = hex_bytes(hex);
    rdb_buffer_append(&f.out, bytes);
    free_bytes(bytes);
}

static void begin_file(const char *head)
{
    rdb_buffer_clear(&f.out);
    rdb_buffer_append(&f.out, bytes_text(head));
}

// The end, its checksum, and a copy of all of it, which the caller frees.
static struct bytes end_file(void)
{
    rdb_put_u8(&f.out, 0xff);
    struct bytes all = rdb_buffer_bytes(&f.out);
    rdb_put_le64(&f.out, crc64(0, all.data, all.size));
    return exact_copy(rdb_buffer_bytes(&f.out));
}

static struct bytes file_of(const char *hex)
{
    begin_file("REDIS0012");
    put_hex(hex);
    return end_file();
}

// spec/rdb.md section 5: an object of every type.
static const struct {
    uint8_t type;
    const char *object;
} objects[] = {
    { 0, "05 68656c6c6f" },
    { 0, "c3 09 40 64 01 61 61 e0 57 00 01 61 61" },
    { 0, "c2 00000080" },
    { 1, "03 0161 c12c01 00" },
    { 2, "02 0161 0162" },
    { 3, "04 0161 03322e35 0162 fe 0163 ff 0164 0131" },
    { 4, "02 0161 0162 0163 c07f" },
    { 5, "02 0162 0000000000000440 0161 000000000000f03f" },
    { 9, "18 02 03 666f6f 03 00 626172 05 68656c6c6f 05 00 776f726c64 ff" },
    { 10, "0f 0f000000 0c000000 0200 00 f3 02 f6 ff" },
    { 11, "0e 02000000 03000000 0100 0200 0300" },
    { 12, "0f 0f000000 0c000000 0200 00 f3 02 f6 ff" },
    { 13, "0f 0f000000 0c000000 0200 00 f3 02 f6 ff" },
    { 14, "02 0f 0f000000 0c000000 0200 00 f3 02 f6 ff 0f 0f000000 0c000000 0200 00 f3 02 f6 ff" },
    { 15, "01 10 00000000000000010000000000000001 1d 1d0000000a00 0101 0001 0101 816602 0001 0201"
          "0001 0001 817602 0401 ff 01 01 01 01 01 67 01 01 00 00" },
    { 16, "0d 0d0000000200 816602 817602 ff" },
    { 17, "14 140000000400 816102 0101 816202 83322e3504 ff" },
    { 18, "03 02 0a 0a0000000100816102ff 01 04 74686973 02 0a 0a0000000100816202ff" },
    { 19, "01 10 00000000000000010000000000000001 1d 1d0000000a00 0101 0001 0101 816602 0001 0201"
          "0001 0001 817602 0401 ff 01 01 01 01 01 00 00 01 01 01 67 01 01 01 01"
          "00000000000000010000000000000001 eb754e03a2010000 01 01 0161 eb754e03a2010000 01"
          "00000000000000010000000000000001" },
    { 20, "0d 0d0000000200 816102 816202 ff" },
    { 21,
      "01 10 0000000000000005 0000000000000001 28 280000000f00 0201 0001 0101 816602 0001 0201"
      "0001 0001 817602 0401 0201 0101 0001 817702 0401 ff 02 06 01 05 01 00 00 02 01 01 67 05 01"
      "01 01 00000000000000050000000000000001 eb754e03a2010000 01 02 05 616c696365"
      "eb754e03a2010000 eb754e03a2010000 01 00000000000000050000000000000001 03 626f62"
      "eb754e03a2010000 ffffffffffffffff 00" },
    { 22, "02 01 0162 c002 8100d8c32cbb030000 0161 c001" },
    { 23, "0d 0d0000000200 816602 817602 ff" },
    { 24, "00d8c32cbb030000 03 01 0162 c002 43e8 0161 c001 00 0163 c003" },
    { 25, "00d8c32cbb030000 2c 2c0000000900 816202 0201 f400d8c32cbb03000009 816102 0101"
          "f4e7dbc32cbb03000009 816302 0301 0001 ff" },
};
enum { OBJECT_COUNT = sizeof objects / sizeof objects[0] };

static struct bytes file_with_object(size_t i)
{
    char text[32];
    begin_file("REDIS0012");
    sprintf(text, "fe00 fb0100 %02x 03 6b6579", objects[i].type);
    put_hex(text);
    put_hex(objects[i].object);
    return end_file();
}

// ---- reading

// Skips values, so many items at a time; gives the last item.
static struct rdb_item read_through(struct bytes file, uint64_t budget, uint32_t *keys)
{
    struct rdb_file r;
    struct rdb_item item;
    enum rdb_result result;
    *keys = 0;
    cr_assert_eq(rdb_file_open(&r, &f.heap, file), RDB_FILE_OPEN);
    do {
        rdb_file_next(&r, &item);
        if (item.kind != RDB_ITEM_KEY) continue;
        while ((result = rdb_file_skip_step(&r, budget)) == RDB_MORE) continue;
        *keys += result == RDB_DONE;
        cr_expect_leq(r.offset, file.size);
    } while (item.kind != RDB_ITEM_END && item.kind != RDB_ITEM_BROKEN);
    if (item.kind == RDB_ITEM_BROKEN) { // and stays so
        struct rdb_item again;
        rdb_file_next(&r, &again);
        cr_expect(again.kind == RDB_ITEM_BROKEN && again.offset == item.offset);
        cr_expect(again.broken == item.broken && item.broken != NULL);
    }
    if (item.kind == RDB_ITEM_BROKEN) cr_expect_eq(r.offset, item.offset);
    cr_expect_leq(r.offset, file.size);
    rdb_file_close(&r);
    return item;
}

static void expect_text(struct bytes got, const char *expected)
{
    cr_expect(bytes_equal(got, bytes_text(expected)), "%.*s is not %s", (int)got.size, got.data,
              expected);
}

static struct rdb_file reader;
static struct rdb_item item;
static void open_file(struct bytes file)
{
    cr_assert_eq(rdb_file_open(&reader, &f.heap, file), RDB_FILE_OPEN);
}
static void expect_next(enum rdb_item_kind kind)
{
    rdb_file_next(&reader, &item);
    cr_assert_eq(item.kind, kind, "%d, expected %d at %llu", (int)item.kind, (int)kind,
                 (unsigned long long)item.offset);
}
static void expect_aux(const char *name, const char *value)
{
    expect_next(RDB_ITEM_AUX);
    expect_text(item.aux.name, name);
    expect_text(item.aux.value, value);
}
static void expect_key(const char *name, uint64_t deadline_ms, int64_t idle_s, int64_t frequency)
{
    expect_next(RDB_ITEM_KEY);
    expect_text(item.key.name, name);
    cr_expect_eq(item.key.deadline_ms, deadline_ms, "%s: %llu", name,
                 (unsigned long long)item.key.deadline_ms);
    cr_expect_eq(item.key.idle_s, idle_s, "%s", name);
    cr_expect_eq(item.key.frequency, frequency, "%s", name);
    cr_expect(rdb_file_skip_value(&reader));
}
static void close_file(struct bytes file)
{
    rdb_file_close(&reader);
    free_bytes(file);
}

// As Redis 7.2 wrote it (spec/rdb.md section 2).
Test(rdb_file, reads_a_file_of_redis)
{
    struct bytes file = hex_bytes(
        "524544495330303131fa0972656469732d76657205372e322e36fa0a72656469732d62697473c040fa056374"
        "696d65c278e4026bfa08757365642d6d656dc208421000fa08616f662d62617365c000fe00fb010000016b01"
        "76ff9a7e2daccc3ea2ca");
    open_file(file);
    cr_expect_eq(reader.version, 11);
    cr_expect_eq(reader.offset, 9);
    expect_aux("redis-ver", "7.2.6");
    cr_expect_eq(item.offset, 9);
    expect_aux("redis-bits", "64");
    expect_aux("ctime", "1795351672");
    expect_aux("used-mem", "1065480");
    expect_aux("aof-base", "0");
    expect_next(RDB_ITEM_DATABASE);
    cr_expect_eq(item.database, 0);
    expect_next(RDB_ITEM_RESIZE);
    cr_expect(item.resize.keys == 1 && item.resize.deadlines == 0);
    expect_next(RDB_ITEM_KEY);
    expect_text(item.key.name, "k");
    cr_expect(item.key.rdb_type == 0 && item.offset == 84);
    cr_expect(item.key.value.data == file.data + 87 && item.key.value.size == file.size - 87);
    cr_expect_eq(reader.offset, 87);
    rdb_file_after_value(&reader, item.key.value.size - 2);
    cr_expect_eq(reader.offset, 89);
    expect_next(RDB_ITEM_END);
    cr_expect(item.end.has_checksum && item.end.checksum_is_right);
    cr_expect(item.end.stored == 0xcaa23eccac2d7e9a && item.end.computed == item.end.stored);
    cr_expect_eq(reader.offset, 98);
    close_file(file);
}

Test(rdb_file, reads_everything_that_may_be_said)
{
    struct bytes file = file_of("fa 0161 c3 09 40 64 01 61 61 e0 57 00 01 61 61" // expanded
                                "f7 81 1122334455667788 02 02" // a module's: one part of each kind
                                "   01 05 02 4064 03 00000000 04 0000000000000000 05 0161 00"
                                "f5 05 23216c7561"
                                "fe 4101 fb 80 00010000 05"
                                "f4 7fff 05 03"
                                "00 c3 06 15 01 61 61 e0 0a 00 00"     // a long name
                                "f8 05 fc 00d8c32cbb030000 00 0161 00" // in any order
                                "fc e803000000000000 f8 4080 00 0162 00"
                                "f9 ff fd 01000000 00 0163 00"
                                "f8 07 fb 01 01 00 0164 00" // for the next key, not the next item
                                "00 c1 3930 00");
    open_file(file);
    expect_next(RDB_ITEM_AUX);
    cr_expect(item.aux.value.size == 100 && item.aux.value.data[99] == 'a');
    expect_next(RDB_ITEM_MODULE_AUX);
    cr_expect_eq(item.module_id, 0x1122334455667788);
    expect_next(RDB_ITEM_FUNCTION);
    expect_text(item.function, "#!lua");
    expect_next(RDB_ITEM_DATABASE);
    cr_expect_eq(item.database, 257);
    expect_next(RDB_ITEM_RESIZE);
    cr_expect(item.resize.keys == 65536 && item.resize.deadlines == 5);
    expect_next(RDB_ITEM_SLOT_INFO);
    cr_expect(item.slot_info.slot == 16383 && item.slot_info.keys == 5 &&
              item.slot_info.deadlines == 3);
    expect_key("aaaaaaaaaaaaaaaaaaaaa", 0, -1, -1);
    expect_key("a", 4102444800000, 5, -1);
    expect_key("b", 1000, 128, -1);
    expect_key("c", 1000, -1, 255);
    expect_next(RDB_ITEM_RESIZE);
    expect_key("d", 0, 7, -1);
    expect_key("12345", 0, -1, -1);
    expect_next(RDB_ITEM_END);
    cr_expect(item.end.has_checksum && item.end.checksum_is_right);
    close_file(file);
}

Test(rdb_file, tells_deadlines_that_are_no_times_as_redis_takes_them)
{
    struct bytes file = file_of("fc ffffffffffffffff 00 0161 00" // none
                                "fc feffffffffffffff 00 0162 00" // over
                                "fc 0000000000000000 00 0163 00"
                                "fd ffffffff 00 0164 00"
                                "fd 00000000 00 0165 00"
                                "fc ffffffffffffff7f 00 0166 00"
                                "f8 81 ffffffffffffffff 00 0167 00");
    open_file(file);
    expect_key("a", 0, -1, -1);
    expect_key("b", 1, -1, -1);
    expect_key("c", 1, -1, -1);
    expect_key("d", 1, -1, -1);
    expect_key("e", 1, -1, -1);
    expect_key("f", INT64_MAX, -1, -1);
    expect_key("g", 0, INT64_MAX, -1);
    expect_next(RDB_ITEM_END);
    close_file(file);
}

// ---- versions and checksums

static enum rdb_file_result open_head(const char *head, uint32_t *version, uint64_t *offset)
{
    struct bytes file = exact_copy(bytes_text(head));
    struct rdb_file r;
    enum rdb_file_result result = rdb_file_open(&r, &f.heap, file);
    *version = r.version;
    *offset = r.offset;
    if (result == RDB_FILE_OPEN) rdb_file_close(&r);
    free_bytes(file);
    return result;
}

Test(rdb_file, knows_the_versions_it_can_read)
{
    uint32_t version;
    uint64_t offset;
    char head[16];
    for (uint32_t i = 0; i < 20; i++) {
        sprintf(head, "REDIS%04u", i);
        cr_expect_eq(open_head(head, &version, &offset),
                     i >= 1 && i <= 12 ? RDB_FILE_OPEN : RDB_FILE_UNREADABLE, "%u", i);
        cr_expect_eq(version, i);
        cr_expect_eq(offset, i >= 1 && i <= 12 ? 9 : 5, "%u", i);
    }
    cr_expect_eq(open_head("REDIS9999", &version, &offset), RDB_FILE_UNREADABLE);
    cr_expect_eq(version, 9999);
    cr_expect_eq(open_head("REDIS00a1", &version, &offset), RDB_FILE_UNREADABLE);
    cr_expect_eq(version, 0);
    cr_expect_eq(open_head("REDIS-001", &version, &offset), RDB_FILE_UNREADABLE);
    cr_expect_eq(open_head("redis0011", &version, &offset), RDB_FILE_UNKNOWN);
    cr_expect_eq(offset, 0);
    for (size_t size = 0; size < 9; size++) {
        sprintf(head, "%.*s", (int)size, "REDIS0011");
        cr_expect_eq(open_head(head, &version, &offset), RDB_FILE_SHORT);
    }
}

Test(rdb_file, expects_no_checksum_from_old_versions)
{
    uint32_t keys;
    for (uint32_t version = 1; version <= 12; version++) {
        char head[16];
        sprintf(head, "REDIS%04u", version);
        begin_file(head);
        put_hex("00 0161 0162 ff");
        struct bytes file = exact_copy(rdb_buffer_bytes(&f.out));
        struct rdb_item last = read_through(file, 1, &keys);
        cr_expect_eq(last.kind, version < 5 ? RDB_ITEM_END : RDB_ITEM_BROKEN, "%u", version);
        if (last.kind == RDB_ITEM_END)
            cr_expect(last.end.checksum_is_right && !last.end.has_checksum);
        cr_expect_eq(keys, 1);
        free_bytes(file);
    }
}

static void read_to_end(void)
{
    for (rdb_file_next(&reader, &item); item.kind == RDB_ITEM_KEY; rdb_file_next(&reader, &item))
        rdb_file_skip_value(&reader);
    cr_assert_eq(item.kind, RDB_ITEM_END);
}

Test(rdb_file, checks_the_checksum)
{
    struct bytes file = file_of("00 0161 05 68656c6c6f 00 0162 00");
    uint8_t *bytes = (uint8_t *)(uintptr_t)file.data;
    bytes[14] ^= 1; // of the first value
    open_file(file);
    read_to_end();
    cr_expect(item.end.has_checksum && !item.end.checksum_is_right);
    cr_expect_neq(item.end.stored, item.end.computed);
    rdb_file_close(&reader);

    open_file(file); // unless it is not to
    rdb_file_ignore_checksum(&reader);
    read_to_end();
    cr_expect(item.end.has_checksum && item.end.checksum_is_right);
    rdb_file_close(&reader);

    memset(bytes + file.size - 8, 0, 8); // or there is none
    open_file(file);
    read_to_end();
    cr_expect(item.end.checksum_is_right && !item.end.has_checksum);
    close_file(file);
}

Test(rdb_file, computes_the_checksum_in_slices_as_well)
{
    struct bytes file = file_of("00 0161 20 6162636465666768696a6b6c6d6e6f707172737475767778797a"
                                "313233343536 00 0162 00");
    open_file(file);
    rdb_file_next(&reader, &item);
    cr_expect(rdb_file_skip_value(&reader));
    cr_expect_not(rdb_file_sum_step(&reader, 7));
    uint32_t steps = 1;
    while (!rdb_file_sum_step(&reader, 7)) steps++;
    cr_expect_eq(steps, (9 + 36) / 7, "%u", steps); // with the head: little is left for later
    cr_expect(rdb_file_sum_step(&reader, 7));
    read_to_end();
    cr_expect(item.end.has_checksum && item.end.checksum_is_right);
    close_file(file);
}

// An old append-only file goes on with commands.
Test(rdb_file, leaves_what_is_behind_the_end)
{
    struct bytes whole = file_of("00 0161 0162");
    begin_file("");
    rdb_buffer_append(&f.out, whole);
    rdb_buffer_append(&f.out, BYTES_LITERAL("*1\r\n$4\r\nPING\r\n"));
    struct bytes file = exact_copy(rdb_buffer_bytes(&f.out));
    open_file(file);
    read_to_end();
    cr_expect(item.end.checksum_is_right);
    cr_expect_eq(reader.offset, whole.size);
    free_bytes(whole);
    close_file(file);
}

// ---- values

Test(rdb_file, skips_values_of_every_type)
{
    uint32_t keys;
    for (size_t i = 0; i < OBJECT_COUNT; i++)
        for (uint64_t budget = 1; budget < 5; budget++) {
            struct bytes file = file_with_object(i);
            struct rdb_item last = read_through(file, budget, &keys);
            cr_expect_eq(last.kind, RDB_ITEM_END, "type %u", objects[i].type);
            cr_expect(last.end.checksum_is_right);
            cr_expect_eq(keys, 1);
            free_bytes(file);
        }
}

Test(rdb_file, refuses_files_that_are_cut_off_anywhere)
{
    uint32_t keys;
    for (size_t i = 0; i < OBJECT_COUNT; i++) {
        struct bytes file = file_with_object(i);
        for (size_t size = RDB_FILE_HEAD_BYTES; size < file.size; size++) {
            struct bytes part = exact_copy(bytes_make(file.data, size));
            struct rdb_item last = read_through(part, 3, &keys);
            cr_expect_eq(last.kind, RDB_ITEM_BROKEN, "type %u, %zu of %zu bytes", objects[i].type,
                         size, file.size);
            cr_expect_eq(keys, size >= file.size - 9, "type %u, %zu of %zu bytes", objects[i].type,
                         size, file.size);
            free_bytes(part);
        }
        free_bytes(file);
    }
}

Test(rdb_file, survives_any_damage)
{
    struct rng rng;
    uint64_t seed = (uint64_t)time(NULL);
    uint32_t keys, whole = 0, tries = 20000;
    cr_log_info("seed %llu", (unsigned long long)seed);
    rng_seed(&rng, seed);
    for (uint32_t i = 0; i < tries; i++) {
        struct bytes file = file_with_object(rng_below(&rng, OBJECT_COUNT));
        uint8_t *bytes = (uint8_t *)(uintptr_t)file.data;
        size_t at = RDB_FILE_HEAD_BYTES + rng_below(&rng, file.size - RDB_FILE_HEAD_BYTES);
        bytes[at] ^= (uint8_t)(1 << rng_below(&rng, 8));
        struct rdb_item last = read_through(file, 100, &keys);
        bool says_so =
            last.kind == RDB_ITEM_BROKEN || !last.end.checksum_is_right || !last.end.has_checksum;
        whole += !says_so;
        free_bytes(file);
    }
    cr_expect_eq(whole, 0, "%u, seed %llu", whole, (unsigned long long)seed);
}

// ---- what is no item

static void expect_broken(const char *hex, const char *reason, uint64_t offset)
{
    uint32_t keys;
    struct bytes file = file_of(hex);
    struct rdb_item last = read_through(file, 10, &keys);
    cr_assert_eq(last.kind, RDB_ITEM_BROKEN, "%s", hex);
    cr_expect(strstr(last.broken, reason) != NULL, "%s: %s", hex, last.broken);
    cr_expect_eq(last.offset, offset, "%s: %s at %llu", hex, last.broken,
                 (unsigned long long)last.offset);
    free_bytes(file);
}

Test(rdb_file, says_what_is_wrong_and_where)
{
    expect_broken("06 0161 00", "module", 9);
    expect_broken("07 0161 00", "module", 9);
    expect_broken("08 0161 00", "begins nothing", 9);
    expect_broken("1a 0161 00", "begins nothing", 9);
    expect_broken("f3 0161 00", "begins nothing", 9);
    expect_broken("f6 0161 00", "candidates", 9);
    expect_broken("00 0161 0162 f6", "candidates", 14);
    expect_broken("00 c4 0162", "name is no text", 10);
    expect_broken("00 c3 04 05 02 616263 00", "name is no text", 10); // does not expand to that
    expect_broken("fa c4 0162", "AUX", 10);
    expect_broken("fa 0161 c4", "AUX", 12);
    expect_broken("f5 bf", "function", 10);
    expect_broken("fe c0", "index", 10);
    expect_broken("fb 05 c0", "size", 11);
    expect_broken("f4 05 05 c0", "slot", 12);
    expect_broken("f7 05 01 01 00", "module", 12);
    expect_broken("f7 05 02 01 06 00", "module", 14);
    expect_broken("f8 c0", "idle time", 10);
    expect_broken("01 0161 81 ffffffffffffffff 0161", "value", 23); // 2^64 elements
    expect_broken("01 0161 02 0161 bf", "value", 15);
    expect_broken("00 0161 41 ff 00", "value", 12);
}
