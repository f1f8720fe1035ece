// Values written by value_dump and read by value_restore, in steps of any size.
#include "dataplane/types/value_dump.h"
#include "dataplane/types/digest.h"
#include "dataplane/types/hash_deadlines.h"
#include "dataplane/types/value_restore.h"
#include "tests/unit/keyspace/keyspace_fixture.h"

static struct thresholds limits = THRESHOLDS_NORMAL;
static struct hash_deadlines deadlines;

static void open_all(void)
{
    open_keyspace();
    hash_deadlines_open(&deadlines, k, START_MS);
}
#define DUMP_TEST(name)                                                                            \
    static void value_dump_##name(void);                                                           \
    Test(value_dump, name)                                                                         \
    {                                                                                              \
        open_all();                                                                                \
        value_dump_##name();                                                                       \
        close_keyspace();                                                                          \
    }                                                                                              \
    static void value_dump_##name(void)

// ---- values

static struct bytes text_of(char *out, const char *format, uint32_t i)
{
    return bytes_make(out, (size_t)sprintf(out, format, i));
}

static void make_list(const char *name, uint32_t count, const char *format)
{
    struct key key = named(name);
    struct list_place p = { .keyspace = k, .thresholds = &limits, .key = &key };
    char text[64];
    for (uint32_t i = 0; i < count; i++) list_value_push(&p, false, text_of(text, format, i));
}

static void make_set(const char *name, uint32_t count, const char *format)
{
    struct key key = named(name);
    struct set_place p = { .keyspace = k, .thresholds = &limits, .key = &key };
    char text[64];
    for (uint32_t i = 0; i < count; i++) set_add(&p, text_of(text, format, i));
}

static void make_zset(const char *name, uint32_t count, double step)
{
    struct key key = named(name);
    struct zset_place p = { .keyspace = k, .thresholds = &limits, .key = &key };
    char text[64];
    for (uint32_t i = 0; i < count; i++) zset_put(&p, text_of(text, "m%u", i), i * step - 10);
}

static void make_hash(const char *name, uint32_t count, uint64_t deadline_ms)
{
    struct key key = named(name);
    struct hash_place p = { .keyspace = k, .thresholds = &limits, .key = &key, .now_ms = START_MS };
    char field[64], value[64];
    for (uint32_t i = 0; i < count; i++) {
        hash_put(&p, text_of(field, "f%u", i), text_of(value, "%u", i * 1000), false);
        if (deadline_ms && i % 3) hash_set_deadline(&p, bytes_text(field), deadline_ms + i % 7);
    }
}

static void make_stream(const char *name, uint32_t count)
{
    struct key key = named(name);
    struct stream_place place = { .keyspace = k, .key = &key };
    struct stream_object *s = stream_make(&place);
    char text[64];
    for (uint32_t i = 0; i < count; i++) {
        struct bytes texts[] = { BYTES_LITERAL("f"), text_of(text, "v%u", i),
                                 i % 5 ? BYTES_LITERAL("g") : BYTES_LITERAL("other"),
                                 BYTES_LITERAL("12") };
        stream_append(k, &limits, s, (struct stream_id){ 1000 + i / 3, i }, texts, i % 7 ? 4 : 2);
    }
    for (uint32_t i = 0; i < count; i += 10)
        stream_remove(k, s, (struct stream_id){ 1000 + i / 3, i });
    struct tree_space *space = keyspace_space(k);
    struct stream_groups *groups = stream_groups(s);
    stream_group_new(space, groups, BYTES_LITERAL("empty"), STREAM_ID_ZERO, 0);
    struct stream_group *g = stream_group_new(space, groups, BYTES_LITERAL("g"),
                                              (struct stream_id){ 1000 + count / 6, 0 }, -1);
    struct stream_consumer *alice = stream_consumer_new(space, g, BYTES_LITERAL("alice"), START_MS);
    stream_consumer_new(space, g, BYTES_LITERAL("bob"), START_MS + 1);
    for (uint32_t i = 1; i < count / 2; i += 3)
        stream_pending_put(space, g,
                           &(struct stream_pending){ .id = { 1000 + i / 3, i },
                                                     .delivered_ms = START_MS + i,
                                                     .delivery_count = i,
                                                     .consumer = alice });
}

static void make_text(const char *name, size_t size, uint32_t kinds)
{
    struct key key = named(name);
    uint8_t *bytes = malloc(size + 1);
    struct rng rng;
    rng_seed(&rng, size);
    for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)('a' + rng_below(&rng, kinds) % 200);
    string_set(k, 0, &key, bytes_make(bytes, size), NULL, 0, 0, START_MS);
    free(bytes);
}

// ---- there and back

struct dumped {
    uint8_t type;
    uint16_t version;
    struct bytes object; // behind its type; ends where its allocation does
    uint32_t steps;
};

static struct dumped dump(const char *name, bool may_compress, uint32_t budget)
{
    static struct value_dump d;
    struct rdb_buffer out, whole;
    struct value_dump_options options = { .may_compress = may_compress };
    struct dumped result = { .steps = 1 };
    rdb_buffer_init(&out, &heap, HEAP_OTHER);
    rdb_buffer_init(&whole, &heap, HEAP_OTHER);
    cr_assert(value_dump_begin(&d, k, find(0, name, START_MS), &out, options, START_MS));
    for (bool is_done = false; !is_done; result.steps++) {
        is_done = value_dump_step(&d, budget);
        rdb_buffer_append(&whole, rdb_buffer_bytes(&out));
        rdb_buffer_clear(&out);
    }
    value_dump_end(&d);
    struct bytes bytes = rdb_buffer_bytes(&whole);
    uint8_t *copy = malloc(bytes.size + 1);
    memcpy(copy, bytes.data, bytes.size);
    result.type = (uint8_t)d.rdb_type;
    result.version = d.rdb_version;
    result.object = bytes_make(realloc(copy, bytes.size ? bytes.size : 1), bytes.size);
    rdb_buffer_close(&out);
    rdb_buffer_close(&whole);
    return result;
}

static void free_dump(const struct dumped *d) { free((void *)(uintptr_t)d->object.data); }

static enum value_restore_result restore(const char *name, uint8_t type, struct bytes object,
                                         uint32_t budget)
{
    static struct value_restore r;
    enum value_restore_result result;
    struct key key = named(name);
    if (!value_restore_begin(&r, k, &limits, type, object, 1 << 30)) return VALUE_RESTORE_BROKEN;
    do {
        result = value_restore_step(&r, budget);
    } while (result == VALUE_RESTORE_MORE);
    if (result == VALUE_RESTORE_DONE) value_restore_put(&r, 0, &key, START_MS);
    value_restore_end(&r);
    return result;
}

static bool alike(const char *a, const char *b)
{
    uint8_t digests[2][DIGEST_BYTES] = { { 0 } };
    const struct entry *x = find(0, a, START_MS), *y = find(0, b, START_MS);
    if (!x || !y || entry_type(x) != entry_type(y)) return false;
    digest_value(k, x, START_MS, digests[0]);
    digest_value(k, y, START_MS, digests[1]);
    return memcmp(digests[0], digests[1], DIGEST_BYTES) == 0;
}

static void expect_round_trip(const char *name, uint8_t type)
{
    static const uint32_t budgets[] = { 1, 7, UINT32_MAX };
    for (uint32_t i = 0; i < 6; i++) {
        struct dumped d = dump(name, i % 2, budgets[i / 2]);
        cr_expect_eq(d.type, type, "%s is of type %u", name, d.type);
        cr_expect_eq(restore("copy", d.type, d.object, budgets[i / 2]), VALUE_RESTORE_DONE);
        cr_expect(alike(name, "copy"), "%s", name);
        cr_expect_eq(entry_encoding(find(0, name, START_MS)),
                     entry_encoding(find(0, "copy", START_MS)), "%s", name);
        free_dump(&d);
    }
}

// ---- tests

DUMP_TEST(writes_strings)
{
    set(0, "int", "12345", 0);
    set(0, "text", "hello", 0);
    set(0, "empty", "", 0);
    make_text("raw", 1000, 20);
    make_text("blob", 5000, 3);
    make_text("noise", 300000, 200);
    make_text("long", 3000000, 4);
    static const char *const names[] = { "int", "text", "empty", "raw", "blob", "noise", "long" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        expect_round_trip(names[i], RDB_STRING);
}

DUMP_TEST(writes_lists_as_nodes)
{
    make_list("small", 10, "%u");
    make_list("large", 10000, "element %u");
    expect_round_trip("small", RDB_LIST_QUICKLIST_2);
    expect_round_trip("large", RDB_LIST_QUICKLIST_2);
    struct key key = named("giants");
    struct list_place p = { .keyspace = k, .thresholds = &limits, .key = &key };
    static const size_t sizes[] = {
        8000, 200, 8192, 9000, 65000, 65530, 65536, 70000, 1, 0, 1 << 20
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t *bytes = pattern(sizes[i], (uint8_t)i);
        list_value_push(&p, false, bytes_make(bytes, sizes[i]));
        free(bytes);
    }
    expect_round_trip("giants", RDB_LIST_QUICKLIST_2);
}

DUMP_TEST(writes_sets)
{
    make_set("intset", 100, "%u");
    make_set("pack", 20, "m%u");
    make_set("table", 5000, "member %u");
    expect_round_trip("intset", RDB_SET_INTSET);
    expect_round_trip("pack", RDB_SET); // Redis 7.0 knows no other
    expect_round_trip("table", RDB_SET);
}

DUMP_TEST(writes_sorted_sets)
{
    make_zset("pack", 100, 0.25);
    make_zset("large", 5000, 1.1);
    expect_round_trip("pack", RDB_ZSET_LISTPACK);
    expect_round_trip("large", RDB_ZSET_2);
}

DUMP_TEST(writes_hashes)
{
    make_hash("pack", 100, 0);
    make_hash("large", 5000, 0);
    expect_round_trip("pack", RDB_HASH_LISTPACK);
    expect_round_trip("large", RDB_HASH);
}

static uint64_t deadline_of(const char *name, const char *field)
{
    uint64_t deadline_ms = 0;
    hash_deadline(k, find(0, name, START_MS), bytes_text(field), START_MS, &deadline_ms);
    return deadline_ms;
}

DUMP_TEST(writes_hashes_with_deadlines_in_the_version_that_knows_them)
{
    make_hash("pack", 100, START_MS + 1000);
    make_hash("large", 5000, START_MS + 1000);
    expect_round_trip("pack", RDB_HASH_PACK_DEADLINES);
    cr_expect_eq(deadline_of("copy", "f4"), START_MS + 1004);
    cr_expect_eq(deadline_of("copy", "f3"), 0);
    expect_round_trip("large", RDB_HASH_DEADLINES);
    cr_expect_eq(deadline_of("copy", "f4999"), deadline_of("large", "f4999"));
    cr_expect_eq(deadline_of("copy", "f3"), 0);
    struct dumped d = dump("large", true, 100);
    cr_expect_eq(d.version, 12);
    free_dump(&d);
}

DUMP_TEST(leaves_out_fields_that_have_expired)
{
    static struct value_dump d;
    struct rdb_buffer out;
    make_hash("h", 10, START_MS + 1000);
    rdb_buffer_init(&out, &heap, HEAP_OTHER);
    uint64_t later = START_MS + 2000;
    cr_assert(value_dump_begin(&d, k, find(0, "h", START_MS), &out,
                               (struct value_dump_options){ 0 }, later));
    while (!value_dump_step(&d, 100)) continue;
    value_dump_end(&d);
    cr_expect_eq(restore("copy", (uint8_t)d.rdb_type, rdb_buffer_bytes(&out), 100),
                 VALUE_RESTORE_DONE);
    cr_expect_eq(hash_count(find(0, "copy", START_MS)), 4); // f0, f3, f6, f9
    rdb_buffer_close(&out);
}

DUMP_TEST(writes_streams)
{
    make_stream("small", 30);
    make_stream("large", 3000);
    make_stream("empty", 0);
    expect_round_trip("small", RDB_STREAM_2);
    expect_round_trip("large", RDB_STREAM_2);
    expect_round_trip("empty", RDB_STREAM_2);
    const struct stream_groups *groups = stream_groups(stream_of(find(0, "large", START_MS)));
    const struct stream_group *g = stream_group_find(groups, BYTES_LITERAL("g"));
    const struct stream_consumer *bob = stream_consumer_find(g, BYTES_LITERAL("bob"));
    cr_expect_eq(bob->seen_ms, START_MS + 1);
    cr_expect_eq(g->entries_read, -1);
    cr_expect_eq(g->pending.count, 500);
}

DUMP_TEST(keeps_active_times_when_it_is_to)
{
    static struct value_dump d;
    struct rdb_buffer out;
    make_stream("s", 30);
    rdb_buffer_init(&out, &heap, HEAP_OTHER);
    struct value_dump_options options = { .keeps_active_times = true };
    cr_assert(value_dump_begin(&d, k, find(0, "s", START_MS), &out, options, START_MS));
    cr_expect_eq(d.rdb_type, RDB_STREAM_3);
    cr_expect_eq(d.rdb_version, 11);
    while (!value_dump_step(&d, 100)) continue;
    value_dump_end(&d);
    cr_expect_eq(restore("copy", RDB_STREAM_3, rdb_buffer_bytes(&out), 100), VALUE_RESTORE_DONE);
    rdb_buffer_close(&out);
    const struct stream_groups *groups = stream_groups(stream_of(find(0, "copy", START_MS)));
    const struct stream_group *g = stream_group_find(groups, BYTES_LITERAL("g"));
    cr_expect_eq(stream_consumer_find(g, BYTES_LITERAL("bob"))->active_ms, STREAM_NEVER_ACTIVE);
    cr_expect(alike("s", "copy"));
}

DUMP_TEST(shows_one_moment_whatever_happens_meanwhile)
{
    static const char *const names[] = { "list", "set", "zset", "hash", "stream", "string" };
    make_list("list", 3000, "%u");
    make_set("set", 3000, "m%u");
    make_zset("zset", 3000, 1);
    make_hash("hash", 3000, 0);
    make_stream("stream", 300);
    make_text("string", 200000, 3);
    for (uint32_t i = 0; i < 6; i++) {
        static struct value_dump d;
        struct rdb_buffer out;
        struct key key = named(names[i]), copy = named("as it was");
        struct entry *e = find(0, names[i], START_MS);
        keyspace_copy(k, 0, e, 0, &copy, START_MS);
        e = find(0, names[i], START_MS);
        rdb_buffer_init(&out, &heap, HEAP_OTHER);
        cr_assert(
            value_dump_begin(&d, k, e, &out, (struct value_dump_options){ true, false }, START_MS));
        value_dump_step(&d, 5);
        if (i % 2)
            keyspace_delete(k, 0, &key, START_MS);
        else
            string_set(k, 0, &key, BYTES_LITERAL("other"), NULL, 0, 0, START_MS);
        while (keyspace_reap_step(k, 1000)) continue;
        while (!value_dump_step(&d, 5)) continue;
        value_dump_end(&d);
        cr_expect_eq(restore("copy", (uint8_t)d.rdb_type, rdb_buffer_bytes(&out), 9),
                     VALUE_RESTORE_DONE);
        cr_expect(alike("copy", "as it was"), "%s", names[i]);
        rdb_buffer_close(&out);
    }
}

DUMP_TEST(gives_everything_back_when_left_halfway)
{
    static const char *const names[] = { "list", "set", "zset", "hash", "stream", "string" };
    make_list("list", 3000, "%u");
    make_set("set", 3000, "m%u");
    make_zset("zset", 3000, 1);
    make_hash("hash", 3000, START_MS + 1000);
    make_stream("stream", 300);
    make_text("string", 500000, 3);
    for (uint32_t i = 0; i < 6; i++)
        for (uint32_t steps = 0; steps < 8; steps++) {
            static struct value_dump d;
            static struct value_restore r;
            struct rdb_buffer out;
            rdb_buffer_init(&out, &heap, HEAP_OTHER);
            value_dump_begin(&d, k, find(0, names[i], START_MS), &out,
                             (struct value_dump_options){ true, true }, START_MS);
            for (uint32_t s = 0; s < steps; s++) value_dump_step(&d, 3);
            value_dump_end(&d);
            cr_assert(value_restore_begin(&r, k, &limits, (uint8_t)d.rdb_type,
                                          rdb_buffer_bytes(&out), 1 << 30));
            for (uint32_t s = 0; s < steps; s++)
                if (value_restore_step(&r, 3) != VALUE_RESTORE_MORE) break;
            value_restore_end(&r);
            rdb_buffer_close(&out);
        }
}

// What follows an object, in a snapshot, is not touched.
DUMP_TEST(takes_only_its_own_bytes)
{
    static struct value_restore r;
    static const uint8_t in[] = { 2, 1, 'a', 1, 'b', 99 };
    struct key key = named("s");
    cr_assert(value_restore_begin(&r, k, &limits, RDB_SET, bytes_make(in, sizeof in), 100));
    cr_expect_eq(value_restore_step(&r, 100), VALUE_RESTORE_DONE);
    cr_expect_eq(value_restore_rest(&r).size, 1);
    value_restore_put(&r, 0, &key, START_MS);
    value_restore_end(&r);
    cr_expect_eq(set_count(find(0, "s", START_MS)), 2);
}

DUMP_TEST(refuses_every_prefix)
{
    make_list("list", 30, "element %u");
    make_set("intset", 10, "%u");
    make_set("set", 10, "m%u");
    make_zset("zset", 10, 0.3);
    make_hash("hash", 10, 0);
    make_hash("deadlines", 10, START_MS + 1000);
    make_stream("stream", 30);
    make_text("string", 100, 2);
    static const char *const names[] = { "list", "intset",    "set",    "zset",
                                         "hash", "deadlines", "stream", "string" };
    for (uint32_t i = 0; i < 16; i++) {
        struct dumped d = dump(names[i / 2], i % 2, 100);
        for (size_t size = 0; size < d.object.size; size++) {
            uint8_t *prefix = malloc(size ? size : 1);
            memcpy(prefix, d.object.data, size);
            cr_expect_eq(restore("copy", d.type, bytes_make(prefix, size), 100),
                         VALUE_RESTORE_BROKEN, "%s, %zu of %zu", names[i / 2], size, d.object.size);
            free(prefix);
        }
        free_dump(&d);
    }
    cr_expect_null(find(0, "copy", START_MS));
}

static void expect_result(uint8_t type, const char *object, size_t size,
                          enum value_restore_result result)
{
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, object, size);
    cr_expect_eq(restore("copy", type, bytes_make(copy, size), 100), result);
    free(copy);
}
#define EXPECT_BROKEN(type, literal)                                                               \
    expect_result((type), (literal), sizeof(literal) - 1, VALUE_RESTORE_BROKEN)
#define EXPECT_EMPTY(type, literal)                                                                \
    expect_result((type), (literal), sizeof(literal) - 1, VALUE_RESTORE_EMPTY)

DUMP_TEST(tells_what_is_empty)
{
    EXPECT_EMPTY(RDB_LIST, "\0");
    EXPECT_EMPTY(RDB_SET, "\0");
    EXPECT_EMPTY(RDB_HASH, "\0");
    EXPECT_EMPTY(RDB_ZSET_2, "\0");
    EXPECT_EMPTY(RDB_LIST_QUICKLIST_2, "\0");
    EXPECT_EMPTY(RDB_LIST_QUICKLIST_2, "\1\2\7\7\0\0\0\0\0\xff");
    EXPECT_EMPTY(RDB_HASH_LISTPACK, "\7\7\0\0\0\0\0\xff");
    cr_expect_null(find(0, "copy", START_MS));
}

DUMP_TEST(refuses_what_cannot_be)
{
    EXPECT_BROKEN(6, "\1\1a"); // no such types
    EXPECT_BROKEN(7, "\1\1a");
    EXPECT_BROKEN(26, "\1\1a");
    EXPECT_BROKEN(255, "\1\1a");
    EXPECT_BROKEN(RDB_SET, "\2\1a\1a"); // twice
    EXPECT_BROKEN(RDB_HASH, "\2\1a\1b\1a\1c");
    EXPECT_BROKEN(RDB_ZSET, "\2\1a\0011\1a\0012");
    EXPECT_BROKEN(RDB_SET_LISTPACK, "\x0d\x0d\0\0\0\2\0\x81"
                                    "a\2\x81"
                                    "a\2\xff");
    EXPECT_BROKEN(RDB_ZSET, "\1\1a\xfd"); // no number
    EXPECT_BROKEN(RDB_ZSET, "\1\1a\1x");
    EXPECT_BROKEN(RDB_ZSET_2, "\1\1a\0\0\0\0\0\0\xf8\x7f");
    EXPECT_BROKEN(RDB_ZSET_LISTPACK, "\x0d\x0d\0\0\0\2\0\x81"
                                     "a\2\x81"
                                     "b\2\xff");
    EXPECT_BROKEN(RDB_HASH_LISTPACK, "\x0a\x0a\0\0\0\1\0\x81"
                                     "a\2\xff");    // a field without a value
    EXPECT_BROKEN(RDB_LIST_QUICKLIST_2, "\1\3\1a"); // no such container
    EXPECT_BROKEN(RDB_LIST_QUICKLIST_2, "\1\2\1a"); // no listpack
    EXPECT_BROKEN(RDB_HASH_DEADLINES, "\0\0\0\0\0\0\0\0\1\x81\0\2\0\0\0\0\0\0\1a\1b");
    EXPECT_BROKEN(RDB_HASH_DEADLINES, "\xff\xff\xff\xff\xff\xff\xff\xff\1\2\1a\1b");
}

// Streams whose parts do not belong together. The first is whole, so that the rest can be trusted.
DUMP_TEST(refuses_streams_that_contradict_themselves)
{
    static const char id[] = "\x10\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1";
    static const char good[] = "\1\1\0\1\1\1\x81"
                               "f\2\0\1\2\1\0\1\0\1\x81"
                               "v\2\4\1";
    static const struct {
        size_t at;
        char byte;
        const char *why;
    } cases[] = {
        { 0, 1, "whole" },          { 0, 2, "two live entries" },  { 0, 0, "none" },
        { 2, 1, "one deleted" },    { 4, 2, "two fields" },        { 4, 0, "no field" },
        { 9, 1, "no end of head" }, { 11, 3, "deleted" },          { 11, 0, "fields of its own" },
        { 20, 5, "size of entry" }, { 13, 127, "above the last" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char object[128], pack[64];
        size_t size = sizeof good - 1, at = 0;
        memcpy(pack, good, size);
        pack[cases[i].at] = cases[i].byte;
        object[at++] = 1;
        memcpy(object + at, id, 17);
        at += 17;
        object[at++] = (char)(size + 7);
        store_le32(object + at, (uint32_t)size + 7);
        store_le16(object + at + 4, 10);
        memcpy(object + at + 6, pack, size);
        at += 6 + size;
        object[at++] = (char)0xff;
        memcpy(object + at, "\1\1\1\1\1\0\0\1\0", 9); // count, last, first, deleted, added, groups
        at += 9;
        uint8_t *copy = malloc(at);
        memcpy(copy, object, at);
        cr_expect_eq(restore("copy", RDB_STREAM_2, bytes_make(copy, at), 100),
                     i == 0 ? VALUE_RESTORE_DONE : VALUE_RESTORE_BROKEN, "%s", cases[i].why);
        free(copy);
    }
}

DUMP_TEST(survives_any_damage)
{
    make_list("list", 30, "element %u");
    make_set("intset", 10, "%u");
    make_zset("zset", 10, 0.3);
    make_hash("hash", 10, 0);
    make_hash("deadlines", 10, START_MS + 1000);
    make_stream("stream", 30);
    static const char *const names[] = { "list", "intset", "zset", "hash", "deadlines", "stream" };
    struct rng rng;
    rng_seed(&rng, 77);
    for (uint32_t i = 0; i < 6; i++) {
        struct dumped d = dump(names[i], i % 2, 100);
        for (int round = 0; round < 3000; round++) {
            uint8_t *copy = malloc(d.object.size);
            memcpy(copy, d.object.data, d.object.size);
            for (int changes = 0; changes < 1 + round % 3; changes++)
                copy[rng_below(&rng, d.object.size)] = (uint8_t)rng_next(&rng);
            restore("copy", d.type, bytes_make(copy, d.object.size), 100);
            free(copy);
        }
        free_dump(&d);
    }
}
