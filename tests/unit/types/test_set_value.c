#include "dataplane/types/set_value.h"
#include "dataplane/types/intset.h"
#include "tests/unit/keyspace/keyspace_fixture.h"

static struct thresholds limits;
static struct key key;
static struct set_place place;

#define SET_TEST(name, ...)                                                                        \
    static void body_##name(void);                                                                 \
    KEYSPACE_TEST(set_value, name, ##__VA_ARGS__)                                                  \
    {                                                                                              \
        limits = (struct thresholds){ .set_intset_entries = 8,                                     \
                                      .set_entries = 6,                                            \
                                      .set_value_bytes = 10 };                                     \
        key = named("s");                                                                          \
        place = (struct set_place){ k, &limits, 0, &key, NULL, 0 };                                \
        body_##name();                                                                             \
    }                                                                                              \
    static void body_##name(void)

static bool add(const char *member) { return set_add(&place, bytes_text(member)); }
static bool gone(const char *member) { return set_remove(&place, bytes_text(member)); }
static void expect_encoding(enum value_encoding encoding, uint64_t count)
{
    cr_assert(place.entry != NULL);
    cr_expect(eq(ptr, place.entry, find(0, "s", START_MS)));
    cr_expect(eq(str, (char *)value_encoding_name(entry_encoding(place.entry)),
                 (char *)value_encoding_name(encoding)));
    cr_expect(eq(u64, set_count(place.entry), count));
}

// Members in the order of iteration, a space behind each.
static const char *members(const struct set_cut *cut)
{
    static char text[8192];
    struct set_iter i;
    struct bytes member;
    size_t at = 0;
    set_iter_init(&i, cut);
    while (set_iter_next(&i, &member)) {
        cr_assert(lt(sz, at + member.size + 2, sizeof text));
        memcpy(text + at, member.data, member.size);
        at += member.size;
        text[at++] = ' ';
    }
    text[at] = 0;
    return text;
}

static const char *shown(void)
{
    struct set_cut look;
    set_look(place.entry, &look);
    return members(&look);
}

static void add_numbers(int64_t first, int64_t last)
{
    char text[24];
    for (int64_t i = first; i <= last; i++) {
        snprintf(text, sizeof text, "%ld", (long)i);
        cr_assert(add(text), "%s", text);
    }
}

// ---- encodings: t_set.c's rules in Redis 7.2

SET_TEST(holds_numbers_in_an_intset_up_to_its_limit)
{
    add_numbers(1, 8);
    cr_expect(not(add("3")));
    expect_encoding(ENCODING_INTSET, 8);
    cr_expect(eq(str, (char *)shown(), "1 2 3 4 5 6 7 8 "));
    cr_expect(add("9"));
    expect_encoding(ENCODING_HASHTABLE, 9);
    cr_expect(not(add("3")));
}

SET_TEST(moves_an_intset_into_a_pack_for_a_text)
{
    cr_expect(add("300"));
    cr_expect(add("-1"));
    cr_expect(add("2"));
    cr_expect(add("x"));
    expect_encoding(ENCODING_LISTPACK, 4);
    cr_expect(eq(str, (char *)shown(), "-1 2 300 x "));
    cr_expect(not(add("300")));
    cr_expect(not(add("x")));
}

SET_TEST(takes_a_text_that_only_looks_like_a_number_for_a_text)
{
    cr_expect(add("1"));
    cr_expect(add("01"));
    cr_expect(add("1 "));
    cr_expect(add("+1"));
    cr_expect(add("-0"));
    cr_expect(add(""));
    expect_encoding(ENCODING_LISTPACK, 6);
    cr_expect(eq(str, (char *)shown(), "1 01 1  +1 -0  "));
}

SET_TEST(leaves_an_intset_for_a_hashtable_when_a_pack_would_be_too_long)
{
    add_numbers(1, 6);
    cr_expect(add("x"));
    expect_encoding(ENCODING_HASHTABLE, 7);
    cr_expect(set_has(k, place.entry, BYTES_LITERAL("6")));
    cr_expect(set_has(k, place.entry, BYTES_LITERAL("x")));
}

SET_TEST(leaves_an_intset_for_a_hashtable_when_its_numbers_are_too_long_for_a_pack)
{
    cr_expect(add("-1234567890")); // 11 characters
    cr_expect(add("x"));
    expect_encoding(ENCODING_HASHTABLE, 2);
}

SET_TEST(holds_texts_in_a_pack_up_to_its_limits)
{
    static const char *const texts[] = { "a", "bb", "c", "d", "e", "1234567890" };
    for (size_t i = 0; i < 6; i++) cr_expect(add(texts[i]));
    expect_encoding(ENCODING_LISTPACK, 6);
    cr_expect(eq(str, (char *)shown(), "a bb c d e 1234567890 "));
    cr_expect(not(add("bb")));
    expect_encoding(ENCODING_LISTPACK, 6);
    cr_expect(add("f"));
    expect_encoding(ENCODING_HASHTABLE, 7);
}

SET_TEST(leaves_a_pack_for_a_long_text)
{
    cr_expect(add("a"));
    cr_expect(add("0123456789a"));
    expect_encoding(ENCODING_HASHTABLE, 2);
}

SET_TEST(begins_with_what_the_first_member_and_the_limits_allow)
{
    limits.set_intset_entries = 0;
    cr_expect(add("1"));
    expect_encoding(ENCODING_LISTPACK, 1);
    cr_expect(gone("1"));
    cr_expect(place.entry == NULL);
    limits.set_entries = 0;
    cr_expect(add("1"));
    expect_encoding(ENCODING_HASHTABLE, 1);
}

SET_TEST(never_goes_back_by_itself)
{
    add_numbers(1, 9);
    for (int i = 1; i < 9; i++) {
        char text[2] = { (char)('0' + i), 0 };
        cr_expect(gone(text));
    }
    expect_encoding(ENCODING_HASHTABLE, 1);
    cr_expect(gone("9"));
    cr_expect(find(0, "s", START_MS) == NULL);
}

// setTypeCreate and setTypeMaybeConvert: SADD looks at how many there are, not how many are new.
SET_TEST(expects_many_members_in_a_hashtable_at_once)
{
    set_expect(&place, BYTES_LITERAL("1"), 9);
    cr_expect(add("1"));
    expect_encoding(ENCODING_HASHTABLE, 1);
    cr_expect(gone("1"));
    set_expect(&place, BYTES_LITERAL("1"), 8); // too many for a pack, which it is not
    cr_expect(add("1"));
    expect_encoding(ENCODING_INTSET, 1);
    cr_expect(add("x"));
    expect_encoding(ENCODING_LISTPACK, 2);
    set_expect(&place, BYTES_LITERAL("1"), 6);
    expect_encoding(ENCODING_LISTPACK, 2);
    set_expect(&place, BYTES_LITERAL("1"), 7);
    expect_encoding(ENCODING_HASHTABLE, 2);
}

SET_TEST(expects_many_numbers_in_an_intset_while_they_fit)
{
    cr_expect(add("1"));
    set_expect(&place, BYTES_LITERAL("2"), 8);
    expect_encoding(ENCODING_INTSET, 1);
    set_expect(&place, BYTES_LITERAL("2"), 9);
    expect_encoding(ENCODING_HASHTABLE, 1);
}

// ---- removing

SET_TEST(removes_from_each_encoding)
{
    add_numbers(1, 5);
    cr_expect(not(gone("6")));
    cr_expect(not(gone("x")));
    cr_expect(gone("3"));
    cr_expect(eq(str, (char *)shown(), "1 2 4 5 "));
    cr_expect(add("x"));
    cr_expect(gone("2"));
    cr_expect(not(gone("2")));
    cr_expect(eq(str, (char *)shown(), "1 4 5 x "));
    cr_expect(add("a long text indeed"));
    cr_expect(gone("a long text indeed"));
    cr_expect(gone("1"));
    expect_encoding(ENCODING_HASHTABLE, 3);
    cr_expect(set_has(k, place.entry, BYTES_LITERAL("x")));
    cr_expect(not(set_has(k, place.entry, BYTES_LITERAL("1"))));
}

SET_TEST(keeps_the_deadline_through_every_change)
{
    cr_expect(add("1"));
    place.entry = keyspace_set_deadline(k, 0, place.entry, START_MS + 1000);
    cr_expect(add("x"));
    cr_expect(eq(u64, entry_deadline_ms(place.entry), START_MS + 1000));
    cr_expect(add("a long text indeed"));
    cr_expect(eq(u64, entry_deadline_ms(place.entry), START_MS + 1000));
    cr_expect(gone("a long text indeed"));
    set_repack(&place);
    expect_encoding(ENCODING_LISTPACK, 2);
    cr_expect(eq(u64, entry_deadline_ms(place.entry), START_MS + 1000));
}

// ---- taking

struct taken {
    char text[256];
    size_t size;
    uint32_t count;
};

static void take(void *context, struct bytes member)
{
    struct taken *t = context;
    memcpy(t->text + t->size, member.data, member.size);
    t->size += member.size;
    t->text[t->size++] = ' ';
    t->text[t->size] = 0;
    t->count++;
}

SET_TEST(pops_by_rank)
{
    struct taken t = { 0 };
    add_numbers(1, 4);
    set_pop(&place, 2, take, &t);
    cr_expect(eq(str, (char *)shown(), "1 2 4 "));
    cr_expect(add("x"));
    set_pop(&place, 3, take, &t);
    set_pop(&place, 0, take, &t);
    cr_expect(eq(str, t.text, "3 x 1 "));
    set_pop(&place, 0, take, &t);
    set_pop(&place, 0, take, &t);
    cr_expect(place.entry == NULL);
    cr_expect(eq(str, t.text, "3 x 1 2 4 "));
}

SET_TEST(pops_the_last_of_a_hashtable_with_its_key)
{
    struct taken t = { 0 };
    cr_expect(add("a long text indeed"));
    set_pop(&place, 0, take, &t);
    cr_expect(eq(str, t.text, "a long text indeed "));
    cr_expect(find(0, "s", START_MS) == NULL);
}

static void start_with(enum value_encoding encoding)
{
    if (place.entry) keyspace_drop_entry(k, 0, place.entry);
    place.entry = NULL;
    place.first_encoding = encoding;
    for (int i = 0; i < 6; i++) {
        char text[2] = { (char)('0' + i), 0 };
        cr_assert(add(text));
    }
    expect_encoding(encoding, 6);
}

SET_TEST(pops_some_and_keeps_the_rest)
{
    static const enum value_encoding encodings[] = { ENCODING_INTSET, ENCODING_LISTPACK,
                                                     ENCODING_HASHTABLE };
    struct rng rng;
    rng_seed(&rng, 7);
    for (int e = 0; e < 3; e++) {
        for (uint64_t n = 0; n < 6; n++) {
            struct taken t = { 0 };
            start_with(encodings[e]);
            set_pop_some(&place, n, &rng, take, &t);
            expect_encoding(encodings[e], 6 - n);
            cr_expect(eq(u64, t.count, n));
            for (size_t i = 0; i < t.size; i += 2) // each is gone, and none was taken twice
                cr_expect(not(set_has(k, place.entry, bytes_make(t.text + i, 1))));
        }
    }
}

// Each of 6 members is among 2 taken with a probability of 1/3; 3000 draws are within 5 sigma (130)
// of 1000.
SET_TEST(takes_each_member_as_often_as_any_other)
{
    static const enum value_encoding encodings[] = { ENCODING_INTSET, ENCODING_LISTPACK,
                                                     ENCODING_HASHTABLE };
    struct rng rng;
    rng_seed(&rng, 11);
    for (int e = 0; e < 3; e++) {
        uint32_t seen[6] = { 0 };
        for (int round = 0; round < 3000; round++) {
            struct taken t = { 0 };
            start_with(encodings[e]);
            set_pop_some(&place, 2, &rng, take, &t);
            for (size_t i = 0; i < t.size; i += 2) seen[t.text[i] - '0']++;
        }
        for (int i = 0; i < 6; i++)
            cr_expect(870 < seen[i] && seen[i] < 1130, "member %d: %u times", i, seen[i]);
    }
}

// spopWithCountCommand, its third case: the rest becomes a new set.
SET_TEST(repacks_what_is_left)
{
    add_numbers(1, 3);
    cr_expect(add("100000"));
    cr_expect(gone("100000"));
    set_repack(&place);
    cr_expect(eq(u32, intset_width(value_bytes(place.entry)), 2));
    start_with(ENCODING_HASHTABLE);
    set_repack(&place); // as a pack, though they are numbers
    expect_encoding(ENCODING_LISTPACK, 6);
    cr_expect(add("x"));
    expect_encoding(ENCODING_HASHTABLE, 7);
    set_repack(&place);
    expect_encoding(ENCODING_HASHTABLE, 7);
}

// ---- cuts

SET_TEST(a_cut_stays_as_it_is)
{
    static const enum value_encoding encodings[] = { ENCODING_INTSET, ENCODING_LISTPACK,
                                                     ENCODING_HASHTABLE };
    for (int e = 0; e < 3; e++) {
        struct set_cut cut;
        start_with(encodings[e]);
        set_cut(k, place.entry, &cut);
        cr_expect(set_cut_is_current(&cut, place.entry));
        cr_expect(gone("3"));
        cr_expect(not(set_cut_is_current(&cut, place.entry)));
        cr_expect(set_cut_has(k, &cut, BYTES_LITERAL("3")));
        cr_expect(not(set_cut_has(k, &cut, BYTES_LITERAL("9"))));
        cr_expect(eq(u64, cut.count, 6));
        keyspace_drop_entry(k, 0, place.entry);
        place.entry = NULL;
        cr_expect(not(set_cut_is_current(&cut, NULL)));
        uint32_t seen = 0;
        for (uint64_t i = 0; i < 6; i++) {
            char scratch[24];
            seen |= 1u << (set_cut_at(&cut, i, scratch).data[0] - '0');
        }
        cr_expect(eq(u32, seen, 63));
        set_cut_drop(k, &cut);
    }
}

SET_TEST(a_cut_of_nothing_is_empty)
{
    struct set_cut cut;
    set_cut(k, NULL, &cut);
    cr_expect(eq(u64, cut.count, 0));
    cr_expect(not(set_cut_has(k, &cut, BYTES_LITERAL(""))));
    cr_expect(eq(str, (char *)members(&cut), ""));
    cr_expect(set_cut_is_current(&cut, NULL));
    set_cut_drop(k, &cut);
}

SET_TEST(iteration_passes_over_what_it_is_told_to)
{
    static const enum value_encoding encodings[] = { ENCODING_INTSET, ENCODING_LISTPACK,
                                                     ENCODING_HASHTABLE };
    for (int e = 0; e < 3; e++) {
        struct set_cut look;
        struct set_iter i;
        struct bytes member;
        char scratch[24];
        start_with(encodings[e]);
        set_look(place.entry, &look);
        set_iter_init(&i, &look);
        for (int n = 0; n < 5; n++) cr_expect(set_iter_skip(&i));
        cr_assert(set_iter_next(&i, &member));
        cr_expect(bytes_equal(member, set_cut_at(&look, 5, scratch)));
        cr_expect(not(set_iter_skip(&i)));
        cr_expect(not(set_iter_next(&i, &member)));
        set_iter_seek(&i, 4);
        cr_assert(set_iter_next(&i, &member));
        cr_expect(bytes_equal(member, set_cut_at(&look, 4, scratch)));
        cr_expect(eq(u64, i.left, 1));
        set_iter_seek(&i, 6);
        cr_expect(not(set_iter_next(&i, &member)));
    }
}

struct counted {
    uint32_t *times;
    uint32_t visits;
};
static void count_visit(void *context, struct bytes member)
{
    struct counted *c = context;
    char text[24] = { 0 };
    memcpy(text, member.data, member.size);
    c->times[atoi(text)]++;
    c->visits++;
}

SET_TEST(scans_a_large_set_by_cursors_below_2_to_63)
{
    static uint32_t times[5000];
    struct counted c = { times, 0 };
    struct set_cut look;
    uint64_t cursor = 0, calls = 0;
    memset(times, 0, sizeof times);
    add_numbers(0, 4999);
    do {
        set_look(place.entry, &look);
        cursor = set_scan(&look, cursor, 10, count_visit, &c);
        cr_assert(le(u64, cursor, INT64_MAX));
        cr_assert(lt(u64, ++calls, 5000));
    } while (cursor);
    cr_expect(eq(u32, c.visits, 5000));
    for (int i = 0; i < 5000; i++) cr_expect(eq(u32, times[i], 1));
    set_scan(&look, UINT64_MAX, 10, count_visit, &c); // any cursor will do
}

// SCAN's promise: what is there all the time is shown, however the tree splits and merges.
SET_TEST(a_scan_shows_what_stays_while_the_rest_changes)
{
    static uint32_t times[20000];
    struct counted c = { times, 0 };
    struct set_cut look;
    uint64_t cursor = 0, at = 2000;
    char text[24];
    memset(times, 0, sizeof times);
    add_numbers(0, 1999);
    do {
        set_look(place.entry, &look);
        cursor = set_scan(&look, cursor, 10, count_visit, &c);
        for (int i = 0; i < 40 && at < 10000; i++, at++) {
            snprintf(text, sizeof text, "%lu", (unsigned long)at);
            cr_assert(add(text));
        }
        if (at > 6000) { // then it shrinks again
            snprintf(text, sizeof text, "%lu", (unsigned long)(at - 4000));
            gone(text);
        }
    } while (cursor);
    for (int i = 0; i < 2000; i++) cr_expect(ge(u32, times[i], 1), "%d", i);
}

SET_TEST(shows_a_small_set_whole_whatever_the_cursor)
{
    struct taken t = { 0 };
    struct set_cut look;
    add_numbers(1, 5);
    set_look(place.entry, &look);
    cr_expect(eq(u64, set_scan(&look, 12345, 1, take, &t), 0));
    cr_expect(eq(str, t.text, "1 2 3 4 5 "));
}

// ---- building

static void put(struct set_builder *b) { place.entry = set_build_put(b, 0, &key, START_MS); }

SET_TEST(builds_in_place_of_what_is_there)
{
    struct set_builder b;
    set(0, "s", "a string", START_MS + 1000);
    set_build_begin(&b, k, &limits);
    cr_expect(set_build_add(&b, BYTES_LITERAL("2")));
    cr_expect(set_build_add(&b, BYTES_LITERAL("1")));
    cr_expect(not(set_build_add(&b, BYTES_LITERAL("2"))));
    cr_expect(eq(u64, set_build_count(&b), 2));
    put(&b);
    expect_encoding(ENCODING_INTSET, 2);
    cr_expect(eq(str, (char *)shown(), "1 2 "));
    cr_expect(eq(u64, entry_deadline_ms(place.entry), KEYSPACE_NO_DEADLINE));
}

SET_TEST(building_nothing_deletes_the_key)
{
    struct set_builder b;
    set(0, "s", "a string", 0);
    set_build_begin(&b, k, &limits);
    put(&b);
    cr_expect(place.entry == NULL);
    cr_expect(find(0, "s", START_MS) == NULL);
}

SET_TEST(builds_through_the_encodings)
{
    struct set_builder b;
    char text[24];
    set_build_begin(&b, k, &limits);
    for (int i = 0; i < 3; i++) {
        snprintf(text, sizeof text, "%d", i);
        set_build_add(&b, bytes_text(text));
    }
    cr_expect(set_build_add(&b, BYTES_LITERAL("x")));
    put(&b);
    expect_encoding(ENCODING_LISTPACK, 4);
    set_build_begin(&b, k, &limits);
    for (int i = 0; i < 3000; i++) {
        snprintf(text, sizeof text, "%d", i);
        cr_expect(set_build_add(&b, bytes_text(text)));
    }
    put(&b);
    expect_encoding(ENCODING_HASHTABLE, 3000);
}

SET_TEST(settles_as_an_intset_when_all_are_numbers)
{
    struct set_builder b;
    set_build_begin_pack(&b, k, &limits);
    for (const char *m = "7654321"; *m; m++) set_build_add(&b, bytes_make(m, 1));
    set_build_settle(&b); // it was a hashtable by then
    put(&b);
    expect_encoding(ENCODING_INTSET, 7);
    set_build_begin_pack(&b, k, &limits);
    set_build_add(&b, BYTES_LITERAL("1"));
    set_build_add(&b, BYTES_LITERAL("x"));
    set_build_settle(&b);
    put(&b);
    expect_encoding(ENCODING_LISTPACK, 2);
    set_build_begin_pack(&b, k, &limits);
    for (const char *m = "123456789"; *m; m++) set_build_add(&b, bytes_make(m, 1));
    set_build_settle(&b); // one too many
    put(&b);
    expect_encoding(ENCODING_HASHTABLE, 9);
}

SET_TEST(builds_on_a_cut_without_touching_it)
{
    struct set_builder b;
    struct set_cut cut, look;
    add_numbers(1, 2000);
    set_cut(k, place.entry, &cut);
    set_build_begin_cut(&b, k, &limits, &cut);
    cr_expect(set_build_remove(&b, BYTES_LITERAL("1000")));
    cr_expect(not(set_build_remove(&b, BYTES_LITERAL("1000"))));
    cr_expect(set_build_add(&b, BYTES_LITERAL("x")));
    set_build_look(&b, &look);
    cr_expect(eq(u64, look.count, 2000));
    cr_expect(set_cut_has(k, &cut, BYTES_LITERAL("1000")));
    cr_expect(not(set_cut_has(k, &look, BYTES_LITERAL("1000"))));
    cr_expect(set_has(k, place.entry, BYTES_LITERAL("1000")));
    set_build_drop(&b);
    set_cut_drop(k, &cut);
}

SET_TEST(removes_from_a_builder_of_each_encoding)
{
    struct set_builder b;
    set_build_begin(&b, k, &limits);
    set_build_add(&b, BYTES_LITERAL("1"));
    cr_expect(set_build_remove(&b, BYTES_LITERAL("1")));
    cr_expect(eq(u64, set_build_count(&b), 0));
    set_build_add(&b, BYTES_LITERAL("x"));
    cr_expect(set_build_remove(&b, BYTES_LITERAL("x")));
    set_build_add(&b, BYTES_LITERAL("a long text indeed"));
    cr_expect(set_build_remove(&b, BYTES_LITERAL("a long text indeed")));
    put(&b);
    cr_expect(place.entry == NULL);
}

// ---- copies

SET_TEST(copies_and_renames_share_and_part)
{
    struct key other = named("t");
    add_numbers(1, 1000);
    struct entry *copy = keyspace_copy(k, 0, place.entry, 1, &other, START_MS);
    cr_expect(gone("500"));
    cr_expect(eq(u64, set_count(copy), 1000));
    cr_expect(set_has(k, copy, BYTES_LITERAL("500")));
    cr_expect(gt(u64, entry_memory_bytes(copy), 1000));
}

// ---- against a model: random adds and removes over few members, at tiny limits

SET_TEST(agrees_with_a_model)
{
    uint64_t seed = seed_from_environment();
    struct rng rng;
    bool there[40] = { false };
    uint64_t count = 0;
    rng_seed(&rng, seed);
    for (int step = 0; step < 20000; step++) {
        uint64_t m = rng_below(&rng, 40);
        char text[32];
        snprintf(text, sizeof text,
                 m < 20   ? "%lu"
                 : m < 30 ? "t%lu"
                          : "a longer text, %lu",
                 (unsigned long)(m < 10 ? m : m << (m % 5 * 12)));
        bool adds = rng_below(&rng, 100) < (step / 500 % 2 ? 20 : 70);
        bool changed = adds ? add(text) : gone(text);
        cr_assert(eq(int, changed, there[m] != adds), "seed %lu step %d", (unsigned long)seed,
                  step);
        if (changed) count += adds ? 1 : -1ull;
        there[m] = adds;
        cr_assert(eq(u64, place.entry ? set_count(place.entry) : 0, count), "seed %lu step %d",
                  (unsigned long)seed, step);
    }
}
