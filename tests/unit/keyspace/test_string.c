#include "keyspace_fixture.h"

struct encoding_case {
    const char *text, *encoding, *why;
};
// What redis-server 7.0 answers to OBJECT ENCODING after SET.
static const struct encoding_case encoding_cases[] = {
    { "", "embstr", "empty" },
    { "0", "int", "zero" },
    { "-0", "embstr", "not canonical" },
    { "00", "embstr", "leading zero" },
    { "+1", "embstr", "sign" },
    { " 1", "embstr", "space" },
    { "127", "int", "one byte" },
    { "-128", "int", "one byte" },
    { "128", "int", "two bytes" },
    { "32767", "int", "two bytes" },
    { "-32769", "int", "four bytes" },
    { "2147483647", "int", "four bytes" },
    { "2147483648", "int", "eight bytes" },
    { "9223372036854775807", "int", "largest" },
    { "9223372036854775808", "embstr", "too large" },
    { "-9223372036854775808", "int", "20 characters, smallest" },
    { "-9223372036854775809", "embstr", "too small" },
    { "1.5", "embstr", "not an integer" },
    { "12345678901234567890123456789012345678901234", "embstr", "44 bytes" },
    { "123456789012345678901234567890123456789012345", "raw", "45 bytes" },
};

KEYSPACE_TEST(string, has_the_encoding_that_redis_names_and_reads_back_the_same)
{
    for (size_t i = 0; i < sizeof encoding_cases / sizeof encoding_cases[0]; i++) {
        const struct encoding_case *c = &encoding_cases[i];
        struct entry *e = set(0, "key", c->text, 0);
        cr_expect(says(e, c->text), "%s", c->why);
        cr_expect_str_eq(value_encoding_name(entry_encoding(e)), c->encoding, "%s", c->why);
        cr_expect(eq(int, entry_type(e), TYPE_STRING));
        int64_t n;
        bool is_int = strcmp(c->encoding, "int") == 0;
        cr_expect(eq(int, string_read_int(e, &n), is_int), "%s", c->why);
    }
}

KEYSPACE_TEST(string, keeps_a_number_as_text_when_asked)
{
    struct key key = named("key");
    struct entry *e = string_set(k, 0, &key, BYTES_LITERAL("5"), NULL, 0, SET_TEXT, START_MS);
    int64_t n;
    cr_expect(eq(int, entry_encoding(e), ENCODING_EMBSTR));
    cr_expect(string_read_int(e, &n) && n == 5);
}

KEYSPACE_TEST(string, holds_values_of_every_size_around_each_limit)
{
    static const size_t sizes[] = { 0,   1,   19,  20,  21,   43,   44,   45,    127,     128,
                                    255, 511, 512, 513, 1023, 1024, 1025, 65536, 5000000, 1 };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t *bytes = pattern(sizes[i], (uint8_t)i);
        struct key key = named("key");
        struct entry *e = string_set(k, 0, &key, bytes_make(bytes, sizes[i]), NULL, 0, 0, START_MS);
        cr_expect(holds(e, bytes_make(bytes, sizes[i])), "size %zu", sizes[i]);
        struct string_view view;
        string_read(e, &view);
        cr_expect(eq(int, view.blob != NULL, sizes[i] > ENTRY_INLINE_MAX));
        cr_expect(ge(u64, entry_memory_bytes(e), sizes[i]));
        free(bytes);
    }
    cr_expect(eq(u64, keyspace_size(k, 0), 1));
}

KEYSPACE_TEST(string, takes_a_64_byte_class_for_a_16_byte_key_and_a_32_byte_value)
{
    struct entry *e = set(0, "key:000000000001", "0123456789abcdef0123456789abcdef", 0);
    cr_expect(eq(u64, entry_memory_bytes(e), 64));
    e = set(0, "key:000000000001", "0123456789abcdef0123456789abcdef", START_MS + 1000);
    cr_expect(eq(u64, entry_memory_bytes(e), 96));
    e = set(0, "key:000000000001", "1000", 0);
    cr_expect(eq(u64, entry_memory_bytes(e), 32));
}

static void expect_no_allocation(size_t size, size_t next_size, uint64_t deadline_ms)
{
    uint8_t *a = pattern(size, 1), *b = pattern(next_size, 2);
    struct key key = named("same");
    struct entry *e = string_set(k, 0, &key, bytes_make(a, size), NULL, deadline_ms, 0, START_MS);
    uint64_t total = heap.bytes_total, peak = heap.bytes_peak = total;
    deadline_ms = deadline_ms ? deadline_ms + 5 : 0;
    struct entry *f =
        string_set(k, 0, &key, bytes_make(b, next_size), NULL, deadline_ms, 0, START_MS);
    cr_expect(eq(ptr, f, e), "size %zu", size);
    cr_expect(eq(u64, heap.bytes_peak, peak), "size %zu", size);
    cr_expect(eq(u64, heap.bytes_total, total), "size %zu", size);
    cr_expect(holds(f, bytes_make(b, next_size)));
    cr_expect(eq(u64, entry_deadline_ms(f), deadline_ms));
    free(a);
    free(b);
}

KEYSPACE_TEST(string, overwrites_within_the_size_class_without_allocating)
{
    expect_no_allocation(32, 32, 0);
    expect_no_allocation(32, 30, 0);
    expect_no_allocation(100, 100, START_MS + 50);
    expect_no_allocation(5000, 5000, 0);
    expect_no_allocation(5000, 4990, 0);
    expect_no_allocation(1 << 20, 1 << 20, START_MS + 50);
}

KEYSPACE_TEST(string, gives_a_new_blob_when_a_reply_still_holds_the_old_one)
{
    uint8_t *a = pattern(5000, 1), *b = pattern(5000, 2);
    struct key key = named("big");
    struct entry *e = string_set(k, 0, &key, bytes_make(a, 5000), NULL, 0, 0, START_MS);
    struct string_view view;
    string_read(e, &view);
    blob_hold(view.blob);
    e = string_set(k, 0, &key, bytes_make(b, 5000), NULL, 0, 0, START_MS);
    cr_expect(holds(e, bytes_make(b, 5000)));
    cr_expect(bytes_equal(blob_bytes(view.blob), bytes_make(a, 5000)));
    keyspace_delete(k, 0, &key, START_MS);
    cr_expect(bytes_equal(blob_bytes(view.blob), bytes_make(a, 5000)));
    blob_release(view.blob);
    free(a);
    free(b);
}

static struct blob *query_blob(size_t size, size_t capacity)
{
    struct blob *b = blob_new(&heap, capacity, HEAP_CLIENT_IN);
    memset(b->data, 'x', size);
    b->size = size;
    return b;
}

KEYSPACE_TEST(string, takes_a_given_blob_over_and_books_it_to_the_dataset)
{
    struct key key = named("given");
    struct blob *given = query_blob(70000, 70000);
    struct entry *e = string_set(k, 0, &key, (struct bytes){ 0 }, given, 0, 0, START_MS);
    struct string_view view;
    string_read(e, &view);
    cr_expect(eq(ptr, view.blob, given));
    cr_expect(eq(u64, heap.bytes[HEAP_CLIENT_IN], 0));
    cr_expect(eq(u64, view.bytes.size, 70000));
    // Much larger than its bytes: what is not used is given back.
    e = string_set(k, 0, &key, (struct bytes){ 0 }, query_blob(70000, 1 << 20), 0, 0, START_MS);
    cr_expect(lt(u64, entry_memory_bytes(e), 100000));
    // Small enough for the entry: copied and released.
    e = string_set(k, 0, &key, (struct bytes){ 0 }, query_blob(10, 100), 0, 0, START_MS);
    cr_expect(says(e, "xxxxxxxxxx"));
    cr_expect(eq(u64, heap.bytes[HEAP_CLIENT_IN], 0));
    string_read(e, &view);
    cr_expect(eq(ptr, view.blob, NULL));
}

KEYSPACE_TEST(string, takes_its_own_bytes_as_the_new_value)
{
    for (size_t size = 1; size < 3000; size = size * 3 + 1) {
        uint8_t *bytes = pattern(size, 9);
        struct key key = named("self");
        struct entry *e = string_set(k, 0, &key, bytes_make(bytes, size), NULL, 0, 0, START_MS);
        struct string_view view;
        string_read(e, &view);
        e = string_set(k, 0, &key, view.bytes, NULL, START_MS + 10, 0, START_MS);
        cr_expect(holds(e, bytes_make(bytes, size)));
        string_read(e, &view);
        struct bytes tail = bytes_make(view.bytes.data + 1, view.bytes.size - 1);
        e = string_set(k, 0, &key, tail, NULL, START_MS + 10, 0, START_MS);
        cr_expect(holds(e, bytes_make(bytes + 1, size - 1)), "size %zu", size);
        free(bytes);
    }
}

KEYSPACE_TEST(string, counts_up_in_place_and_keeps_its_deadline)
{
    static const int64_t values[] = { 0,     1,          127,       128,       -129,
                                      40000, 2147483648, INT64_MIN, INT64_MAX, 7 };
    struct key key = named("counter");
    struct entry *e = string_set_int(k, 0, &key, NULL, 41);
    e = keyspace_set_deadline(k, 0, e, START_MS + 99);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        int64_t n;
        e = string_set_int(k, 0, &key, e, values[i]);
        cr_expect(string_read_int(e, &n) && n == values[i]);
        cr_expect(eq(int, entry_encoding(e), ENCODING_INT));
        cr_expect(eq(u64, entry_deadline_ms(e), START_MS + 99));
        cr_expect(eq(ptr, find(0, "counter", START_MS), e));
    }
    cr_expect(eq(u64, keyspace_size(k, 0), 1));
}

KEYSPACE_TEST(string, keeps_or_clears_its_deadline_as_told)
{
    struct key key = named("key");
    set(0, "key", "a", START_MS + 1000);
    struct entry *e =
        string_set(k, 0, &key, BYTES_LITERAL("b"), NULL, 0, SET_KEEP_DEADLINE, START_MS);
    cr_expect(eq(u64, entry_deadline_ms(e), START_MS + 1000));
    cr_expect(eq(u64, keyspace_deadline_count(k, 0), 1));
    e = string_set(k, 0, &key, BYTES_LITERAL("c"), NULL, 0, 0, START_MS);
    cr_expect(eq(u64, entry_deadline_ms(e), KEYSPACE_NO_DEADLINE));
    cr_expect(eq(u64, keyspace_deadline_count(k, 0), 0));
    e = string_set(k, 0, &key, BYTES_LITERAL("d"), NULL, 0, SET_KEEP_DEADLINE, START_MS);
    cr_expect(eq(u64, entry_deadline_ms(e), KEYSPACE_NO_DEADLINE));
    // An expired one has no deadline to keep.
    set(0, "key", "e", START_MS + 10);
    e = string_set(k, 0, &key, BYTES_LITERAL("f"), NULL, 0, SET_KEEP_DEADLINE, START_MS + 10);
    cr_expect(eq(u64, entry_deadline_ms(e), KEYSPACE_NO_DEADLINE));
    cr_expect(eq(u64, tally.expired_keys, 1));
}

// Grown byte by byte over every limit, against a plain buffer.
static void grow(const char *name, size_t step, size_t limit, uint64_t deadline_ms)
{
    uint8_t *model = calloc(1, limit + step);
    struct key key = named(name);
    struct entry *e = NULL;
    for (size_t size = 0; size < limit; size += step) {
        uint8_t *bytes;
        e = string_edit(k, 0, &key, e, size + step, &bytes);
        if (size == 0 && deadline_ms) {
            e = keyspace_set_deadline(k, 0, e, deadline_ms);
            e = string_edit(k, 0, &key, e, size + step, &bytes);
        }
        for (size_t i = 0; i < step; i++) {
            cr_assert(eq(int, bytes[size + i], 0), "new bytes are zero");
            bytes[size + i] = model[size + i] = (uint8_t)(size + i + 1);
        }
        cr_assert(holds(e, bytes_make(model, size + step)));
        cr_assert(eq(int, entry_encoding(e), ENCODING_RAW));
        cr_assert(eq(u64, entry_deadline_ms(e), deadline_ms));
    }
    for (size_t size = limit; size > 0; size /= 2) {
        uint8_t *bytes;
        e = string_edit(k, 0, &key, e, size, &bytes);
        cr_assert(holds(e, bytes_make(model, size)));
    }
    cr_expect(eq(ptr, find(0, name, START_MS), e));
    free(model);
}
KEYSPACE_TEST(string, grows_in_place_and_shrinks_again)
{
    grow("by one", 1, 3000, 0);
    grow("by one with a deadline", 1, 3000, START_MS + 10);
    grow("by many", 777, 300000, 0);
}

KEYSPACE_TEST(string, growth_by_appending_allocates_seldom)
{
    struct key key = named("log");
    uint8_t *bytes;
    struct entry *e = string_edit(k, 0, &key, NULL, 1000, &bytes);
    uint32_t moved = 0;
    const uint8_t *last = bytes;
    for (size_t size = 1000; size < 500000; size += 10) {
        e = string_edit(k, 0, &key, e, size, &bytes);
        moved += bytes != last;
        last = bytes;
    }
    cr_expect(lt(u32, moved, 15));
}

KEYSPACE_TEST(string, edits_numbers_as_text)
{
    struct key key = named("n");
    uint8_t *bytes;
    struct entry *e = string_edit(k, 0, &key, set(0, "n", "12", 0), 4, &bytes);
    memcpy(bytes + 2, "ab", 2);
    cr_expect(says(e, "12ab"));
    e = string_edit(k, 0, &key, set(0, "n", "-9223372036854775808", 0), 1000, &bytes);
    cr_expect(eq(int, memcmp(bytes, "-9223372036854775808\0", 21), 0));
}

KEYSPACE_TEST(string, copies_a_shared_blob_before_it_is_edited)
{
    uint8_t *a = pattern(2000, 1), *bytes;
    struct key key = named("a"), copy = named("b");
    struct entry *e = string_set(k, 0, &key, bytes_make(a, 2000), NULL, 0, 0, START_MS);
    struct entry *f = keyspace_copy(k, 0, e, 0, &copy, START_MS);
    struct string_view x, y;
    string_read(e, &x);
    string_read(f, &y);
    cr_expect(eq(ptr, x.blob, y.blob));
    cr_expect(eq(u32, x.blob->refs, 2));
    e = string_edit(k, 0, &key, e, 2000, &bytes);
    bytes[5] ^= 0xff;
    cr_expect(holds(f, bytes_make(a, 2000)));
    cr_expect(not(holds(e, bytes_make(a, 2000))));
    string_read(f, &y);
    cr_expect(eq(u32, y.blob->refs, 1));
    free(a);
}

KEYSPACE_TEST(string, an_edit_to_nothing_leaves_an_empty_value)
{
    struct key key = named("e");
    uint8_t *bytes;
    struct entry *e = string_edit(k, 0, &key, NULL, 0, &bytes);
    cr_expect(says(e, ""));
    e = string_edit(k, 0, &key, set(0, "e", "abc", 0), 0, &bytes);
    cr_expect(says(e, ""));
}

KEYSPACE_TEST(string, replaces_what_a_caller_did_not_look_up)
{
    struct key key = named("k");
    uint8_t *bytes;
    set(0, "k", "something that is there, with a deadline", START_MS + 9);
    struct entry *e = string_edit(k, 0, &key, NULL, 3, &bytes);
    cr_expect(holds(e, bytes_make("\0\0\0", 3)));
    cr_expect(eq(u64, entry_deadline_ms(e), KEYSPACE_NO_DEADLINE));
    set(0, "k", "something that is there, with a deadline", START_MS + 9);
    e = string_set_int(k, 0, &key, NULL, 5);
    cr_expect(says(e, "5"));
    cr_expect(eq(u64, keyspace_size(k, 0), 1));
    cr_expect(eq(u64, keyspace_deadline_count(k, 0), 0));
}
