#include "dataplane/base/num.h"
#include "dataplane/types/list_priv.h"
#include "tests/unit/keyspace/keyspace_fixture.h"

static struct thresholds limits = { .list_size = -2 }; // each test is a process of its own
static struct key key;
static struct list_place place_of(const char *name)
{
    key = named(name);
    return (struct list_place){ .keyspace = k,
                                .thresholds = &limits,
                                .key = &key,
                                .entry = keyspace_find(k, 0, &key, FIND_QUIET, START_MS) };
}

static void push_texts(struct list_place *p, const char *texts) // by spaces
{
    while (*texts) {
        size_t size = strcspn(texts, " ");
        list_value_push(p, false, bytes_make(texts, size));
        texts += size + (texts[size] == ' ');
    }
}

static void push_sized(struct list_place *p, size_t size)
{
    uint8_t *bytes = pattern(size, 'a');
    list_value_push(p, false, bytes_make(bytes, size));
    free(bytes);
}

// All of it, by spaces, in either direction.
static const char *joined(const struct list_cut *cut, bool backwards)
{
    static char text[1 << 16];
    static struct list_iter i;
    struct bytes element;
    size_t at = 0;
    list_iter_init(&i, cut, backwards ? cut->count - 1 : 0, backwards);
    while (list_iter_next(&i, &element)) {
        memcpy(text + at, element.data, element.size);
        at += element.size;
        text[at++] = ' ';
    }
    text[at ? at - 1 : 0] = 0;
    return text;
}

static const char *shown(const struct list_place *p)
{
    struct list_cut view;
    list_view(p->entry, &view);
    return joined(&view, false);
}

static const char *encoding(const struct list_place *p)
{
    return value_encoding_name(entry_encoding(p->entry));
}
#define EXPECT_TEXT(actual, expected) cr_expect(eq(str, (char *)(actual), (char *)(expected)))
#define EXPECT_ENCODING(p, expected)                                                               \
    cr_expect(eq(int, entry_encoding((p)->entry), expected), "%s", encoding(p))

// ---- order and places

KEYSPACE_TEST(list_value, pushes_at_either_end)
{
    struct list_place p = place_of("l");
    push_texts(&p, "a 1 -5 70000");
    list_value_push(&p, true, bytes_text("x"));
    list_value_push_all(&p, true, (struct bytes[]){ bytes_text("y"), bytes_text("") }, 2);
    EXPECT_TEXT(shown(&p), " y x a 1 -5 70000");
    cr_expect(eq(u64, list_value_count(p.entry), 7));
    char scratch[24];
    cr_expect(bytes_equal(list_value_at(p.entry, 6, scratch), bytes_text("70000")));
    cr_expect(bytes_equal(list_value_at(p.entry, 0, scratch), bytes_text("")));
}

KEYSPACE_TEST(list_value, inserts_replaces_and_removes_in_a_pack)
{
    struct list_place p = place_of("l");
    push_texts(&p, "a b c d");
    list_value_insert(&p, 0, bytes_text("first"));
    list_value_insert(&p, 3, bytes_text("17"));
    list_value_insert(&p, 6, bytes_text("last"));
    EXPECT_TEXT(shown(&p), "first a b 17 c d last");
    list_value_set(&p, 0, bytes_text("f"));
    list_value_set(&p, 6, bytes_text("the very last"));
    EXPECT_TEXT(shown(&p), "f a b 17 c d the very last");
    list_value_remove_range(&p, 2, 3);
    EXPECT_TEXT(shown(&p), "f a d the very last");
    list_value_remove_range(&p, 3, 1);
    list_value_remove_range(&p, 0, 1);
    EXPECT_TEXT(shown(&p), "a d");
    EXPECT_ENCODING(&p, ENCODING_LISTPACK);
}

struct taken {
    char text[64];
};
static void take(void *context, struct bytes value)
{
    struct taken *t = context;
    snprintf(t->text, sizeof t->text, "%.*s", (int)value.size, (const char *)value.data);
}

KEYSPACE_TEST(list_value, pops_until_the_key_is_gone)
{
    struct taken t;
    struct list_place p = place_of("l");
    push_texts(&p, "a 2 c");
    list_value_pop(&p, true, take, &t);
    EXPECT_TEXT(t.text, "a");
    list_value_pop(&p, false, take, &t);
    EXPECT_TEXT(t.text, "c");
    list_value_pop(&p, false, take, &t);
    EXPECT_TEXT(t.text, "2");
    cr_expect(p.entry == NULL);
    cr_expect(eq(u64, keyspace_size(k, 0), 0));
}

KEYSPACE_TEST(list_value, keeps_the_deadline_through_every_form)
{
    struct list_place p = place_of("l");
    push_texts(&p, "a");
    p.entry = keyspace_set_deadline(k, 0, p.entry, START_MS + 5000);
    for (int i = 0; i < 100; i++) push_sized(&p, 100);
    EXPECT_ENCODING(&p, ENCODING_QUICKLIST);
    cr_expect(eq(u64, entry_deadline_ms(p.entry), START_MS + 5000));
    list_value_remove_range(&p, 1, 100);
    EXPECT_ENCODING(&p, ENCODING_LISTPACK);
    cr_expect(eq(u64, entry_deadline_ms(p.entry), START_MS + 5000));
    EXPECT_TEXT(shown(&p), "a");
}

// ---- forms and names

KEYSPACE_TEST(list_value, leaves_the_pack_at_its_size_and_comes_back_at_half)
{
    struct list_place p = place_of("l");
    for (int i = 0; i < 10; i++) push_sized(&p, 100); // 10 * 102 bytes and 4
    cr_expect(eq(u64, value_bytes(p.entry).size, LIST_PACK_BYTES));
    push_texts(&p, "x");
    EXPECT_ENCODING(&p, ENCODING_LISTPACK_TREE);
    EXPECT_TEXT(encoding(&p), "listpack");
    struct taken t;
    for (int i = 0; i < 5; i++) list_value_pop(&p, true, NULL, NULL);
    EXPECT_ENCODING(&p, ENCODING_LISTPACK_TREE); // 5 * 102 + 2
    list_value_pop(&p, false, take, &t);
    EXPECT_TEXT(t.text, "x");
    EXPECT_ENCODING(&p, ENCODING_LISTPACK);
    cr_expect(eq(u64, list_value_count(p.entry), 5));
}

// Redis 7.2, quicklistNodeExceedsLimit: with -1 a listpack may have 4096 bytes. Elements of 1000
// bytes take 2 + 1000 + 2 of them, the frame 7; what is added is counted without its own frame.
KEYSPACE_TEST(list_value, becomes_a_quicklist_at_the_byte_that_redis_says)
{
    limits.list_size = -1;
    struct list_place p = place_of("l");
    for (int i = 0; i < 4; i++) push_sized(&p, 1000);
    uint64_t left = 4096 - (7 + 4 * 1004);
    char text[128] = { 0 };
    memset(text, 'x', sizeof text - 1);
    struct bytes fits = bytes_make(text, left), passes = bytes_make(text, left + 1);
    list_value_expect(&p, &fits, 1);
    EXPECT_ENCODING(&p, ENCODING_LISTPACK_TREE);
    list_value_expect(&p, &passes, 1);
    EXPECT_ENCODING(&p, ENCODING_QUICKLIST);
}

KEYSPACE_TEST(list_value, counts_elements_when_the_limit_is_one_of_elements)
{
    limits.list_size = 5;
    struct list_place p = place_of("l");
    push_texts(&p, "a b c d e");
    EXPECT_ENCODING(&p, ENCODING_LISTPACK);
    push_texts(&p, "f");
    EXPECT_ENCODING(&p, ENCODING_QUICKLIST);
    list_value_pop(&p, true, NULL, NULL);
    list_value_pop(&p, true, NULL, NULL);
    list_value_pop(&p, true, NULL, NULL);
    EXPECT_ENCODING(&p, ENCODING_QUICKLIST); // 3 > 5 / 2
    list_value_pop(&p, true, NULL, NULL);
    EXPECT_ENCODING(&p, ENCODING_LISTPACK);
    EXPECT_TEXT(shown(&p), "e f");
    push_sized(&p, 8192); // the limit of elements holds up to 8 KiB only
    EXPECT_ENCODING(&p, ENCODING_QUICKLIST);
    list_value_set(&p, 2, bytes_text("g"));
    EXPECT_ENCODING(&p, ENCODING_QUICKLIST); // small again, but 3 elements
    list_value_remove_range(&p, 0, 1);
    EXPECT_ENCODING(&p, ENCODING_LISTPACK);
}

KEYSPACE_TEST(list_value, decides_for_all_that_one_command_adds)
{
    limits.list_size = 4;
    struct list_place p = place_of("l");
    struct bytes five[5];
    for (int i = 0; i < 5; i++) five[i] = bytes_text("x");
    list_value_push_all(&p, false, five, 4);
    EXPECT_ENCODING(&p, ENCODING_LISTPACK);
    p = place_of("m");
    list_value_push_all(&p, false, five, 5);
    EXPECT_ENCODING(&p, ENCODING_QUICKLIST);
    cr_expect(eq(u64, list_value_count(p.entry), 5));
}

struct size_case {
    int64_t setting;
    uint32_t bytes;
};
// redis.conf: -1 to -5 are 4, 8, 16, 32 and 64 KiB; below that as -5; 0 is one element.
KEYSPACE_TEST(list_value, knows_the_sizes_by_class)
{
    static const struct size_case cases[] = { { -1, 4096 },  { -2, 8192 },  { -3, 16384 },
                                              { -4, 32768 }, { -5, 65536 }, { -9, 65536 },
                                              { 0, 8192 },   { 100, 8192 } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        limits.list_size = cases[i].setting;
        struct list_place fits = place_of("fits");
        push_sized(&fits, cases[i].bytes - 7);
        cr_expect(ne(int, entry_encoding(fits.entry), ENCODING_QUICKLIST), "%d",
                  (int)cases[i].setting);
        list_value_remove_range(&fits, 0, 1);
        struct list_place passes = place_of("passes");
        push_sized(&passes, cases[i].bytes - 6);
        EXPECT_ENCODING(&passes, ENCODING_QUICKLIST);
        list_value_remove_range(&passes, 0, 1);
    }
}

KEYSPACE_TEST(list_value, goes_back_when_half_the_limit_is_left)
{
    struct list_place p = place_of("l");
    for (int i = 0; i < 81; i++) push_sized(&p, 100); // 103 bytes each in a listpack, in all 8350
    EXPECT_ENCODING(&p, ENCODING_QUICKLIST);
    list_value_remove_range(&p, 0, 41);
    EXPECT_ENCODING(&p, ENCODING_QUICKLIST); // 40 * 103 + 7 = 4127
    list_value_pop(&p, false, NULL, NULL);
    EXPECT_ENCODING(&p, ENCODING_LISTPACK_TREE); // 4024
    list_value_remove_range(&p, 5, 34);
    EXPECT_ENCODING(&p, ENCODING_LISTPACK);
    cr_expect(eq(u64, list_value_count(p.entry), 5));
}

KEYSPACE_TEST(list_value, holds_elements_larger_than_any_leaf)
{
    struct list_place p = place_of("l");
    push_texts(&p, "a");
    push_sized(&p, 100000);
    push_texts(&p, "z");
    char scratch[24];
    struct bytes big = list_value_at(p.entry, 1, scratch);
    uint8_t *want = pattern(100000, 'a');
    cr_expect(bytes_equal(big, bytes_make(want, 100000)));
    free(want);
    list_value_set(&p, 1, bytes_text("small"));
    EXPECT_TEXT(shown(&p), "a small z");
    EXPECT_ENCODING(&p, ENCODING_LISTPACK);
}

// ---- cuts, drafts, searches, builders

static void fill(struct list_place *p, uint32_t count)
{
    char text[16];
    for (uint32_t i = 0; i < count; i++)
        list_value_push(p, false, bytes_make(text, (size_t)sprintf(text, "e%u", i)));
}

KEYSPACE_TEST(list_value, cuts_stay_as_they_are)
{
    struct list_cut pack, tree;
    struct list_place p = place_of("p"), t;
    push_texts(&p, "a b c");
    list_cut(k, p.entry, &pack);
    list_value_remove_range(&p, 0, 3);
    EXPECT_TEXT(joined(&pack, false), "a b c");
    EXPECT_TEXT(joined(&pack, true), "c b a");
    list_cut_drop(k, &pack);
    t = place_of("t");
    fill(&t, 5000);
    list_cut(k, t.entry, &tree);
    list_value_remove_range(&t, 1, 4998);
    list_value_set(&t, 0, bytes_text("x"));
    EXPECT_TEXT(shown(&t), "x e4999");
    cr_expect(eq(u64, tree.count, 5000));
    cr_expect(eq(sz, strlen(joined(&tree, false)), 28889));
    EXPECT_TEXT(joined(&tree, true) + 28889 - 5, "e1 e0");
    list_cut_drop(k, &tree);
}

KEYSPACE_TEST(list_value, iterates_from_any_element_in_both_directions)
{
    static struct list_iter i;
    struct list_cut view;
    struct bytes text;
    char want[16];
    struct list_place p = place_of("l");
    fill(&p, 3000);
    list_view(p.entry, &view);
    for (uint32_t start = 0; start < 3000; start += 7) {
        for (uint32_t b = 0; b < 2; b++) {
            list_iter_init(&i, &view, start, b);
            uint32_t at = start, seen = 0;
            while (list_iter_next(&i, &text)) {
                sprintf(want, "e%u", at);
                cr_assert(bytes_equal(text, bytes_text(want)));
                at = b ? at - 1 : at + 1;
                seen++;
            }
            cr_assert(eq(u32, seen, b ? start + 1 : 3000 - start));
        }
    }
    list_iter_init(&i, &view, 3000, false);
    cr_expect(not(list_iter_next(&i, &text)));
}

KEYSPACE_TEST(list_value, searches_a_few_elements_at_a_time)
{
    static struct list_search s;
    struct list_cut view;
    struct packed_needle n;
    uint64_t index = 0;
    uint32_t budget = 3;
    struct list_place p = place_of("l");
    push_texts(&p, "7 a 7 b 7 c");
    list_view(p.entry, &view);
    packed_needle_init(&n, bytes_text("7"));
    list_search_init(&s, &view, false);
    cr_expect(list_search_next(&s, &n, &budget, &index) && index == 0 && budget == 2);
    cr_expect(list_search_next(&s, &n, &budget, &index) && index == 2 && budget == 0);
    cr_expect(not(list_search_next(&s, &n, &budget, &index)));
    budget = 100;
    cr_expect(list_search_next(&s, &n, &budget, &index) && index == 4);
    cr_expect(not(list_search_next(&s, &n, &budget, &index)));
    cr_expect(eq(u64, s.iter.left, 0));
    list_search_init(&s, &view, true);
    cr_expect(list_search_next(&s, &n, &budget, &index) && index == 4);
    cr_expect(list_search_next(&s, &n, &budget, &index) && index == 2);
}

KEYSPACE_TEST(list_value, shows_a_draft_when_it_is_put)
{
    struct tree draft;
    struct list_place p = place_of("l");
    fill(&p, 4000);
    list_draft_open(p.entry, &draft);
    tree_remove_range(keyspace_space(k), &draft, 1, 3998);
    cr_expect(eq(u64, list_value_count(p.entry), 4000));
    list_draft_put(&p, &draft);
    EXPECT_TEXT(shown(&p), "e0 e3999");
    EXPECT_ENCODING(&p, ENCODING_LISTPACK);
    list_value_remove_range(&p, 0, 2);
    fill(&p, 4000);
    list_draft_open(p.entry, &draft);
    tree_remove_range(keyspace_space(k), &draft, 0, 4000);
    list_draft_put(&p, &draft);
    cr_expect(p.entry == NULL);
}

static struct entry *build(const char *name, uint32_t count)
{
    struct list_builder b;
    char text[16];
    struct key at = named(name);
    list_build_begin(&b, k);
    for (uint32_t i = 0; i < count; i++)
        list_build_add(&b, bytes_make(text, (size_t)sprintf(text, "%u", i)));
    return list_build_put(&b, &limits, 0, &at, START_MS);
}

KEYSPACE_TEST(list_value, builds_in_place_of_what_is_there)
{
    set(0, "l", "a string", START_MS + 1000);
    struct entry *e = build("l", 3);
    cr_expect(eq(u64, entry_deadline_ms(e), KEYSPACE_NO_DEADLINE));
    struct list_place p = place_of("l");
    EXPECT_TEXT(shown(&p), "0 1 2");
    EXPECT_ENCODING(&p, ENCODING_LISTPACK);
    build("l", 1000);
    p = place_of("l");
    EXPECT_ENCODING(&p, ENCODING_LISTPACK_TREE);
    build("l", 5000);
    p = place_of("l");
    EXPECT_ENCODING(&p, ENCODING_QUICKLIST);
    cr_expect(eq(u64, list_value_count(p.entry), 5000));
    cr_expect(build("l", 0) == NULL);
    cr_expect(eq(u64, keyspace_size(k, 0), 0));
    struct list_builder b;
    list_build_begin(&b, k);
    list_build_add(&b, bytes_text("x"));
    list_build_drop(&b);
}

KEYSPACE_TEST(list_value, copies_a_giant_as_a_cut)
{
    struct list_place p = place_of("l"), q;
    fill(&p, 10000);
    struct key to = named("m");
    uint64_t before = heap.bytes[HEAP_DATASET];
    keyspace_copy(k, 0, p.entry, 0, &to, START_MS);
    cr_expect(lt(u64, heap.bytes[HEAP_DATASET] - before, 1024));
    cr_expect(gt(u64, entry_memory_bytes(find(0, "m", START_MS)), 50000));
    q = place_of("m");
    list_value_set(&q, 0, bytes_text("x"));
    p = place_of("l");
    char scratch[24];
    cr_expect(bytes_equal(list_value_at(p.entry, 0, scratch), bytes_text("e0")));
}

// ---- against a plain array

enum { MODEL_MAX = 6000 };
struct model {
    struct bytes elements[MODEL_MAX];
    uint64_t count;
};

static struct bytes any_value(struct rng *r)
{
    static char text[4096];
    uint64_t kind = rng_below(r, 100);
    if (kind < 40) return bytes_make(text, (size_t)sprintf(text, "%d", (int)rng_below(r, 300)));
    size_t size = kind < 90 ? rng_below(r, 12) : kind < 99 ? rng_below(r, 200) : rng_below(r, 4000);
    for (size_t i = 0; i < size; i++) text[i] = (char)('a' + rng_below(r, 3));
    return bytes_make(text, size);
}

static struct bytes kept(struct bytes value)
{
    uint8_t *copy = malloc(value.size + 1);
    memcpy(copy, value.data, value.size);
    return bytes_make(copy, value.size);
}

static void model_insert(struct model *m, uint64_t at, struct bytes value)
{
    memmove(m->elements + at + 1, m->elements + at, (m->count - at) * sizeof m->elements[0]);
    m->elements[at] = kept(value);
    m->count++;
}

static void model_remove(struct model *m, uint64_t at, uint64_t count)
{
    for (uint64_t i = at; i < at + count; i++) free((void *)(uintptr_t)m->elements[i].data);
    memmove(m->elements + at, m->elements + at + count,
            (m->count - at - count) * sizeof m->elements[0]);
    m->count -= count;
}

static void expect_same(struct model *m, const struct list_cut *cut)
{
    static struct list_iter i;
    struct bytes text;
    cr_assert(eq(u64, cut->count, m->count));
    list_iter_init(&i, cut, 0, false);
    for (uint64_t n = 0; n < m->count; n++)
        cr_assert(list_iter_next(&i, &text) && bytes_equal(text, m->elements[n]));
    list_iter_init(&i, cut, m->count - 1, true);
    for (uint64_t n = m->count; n-- > 0;)
        cr_assert(list_iter_next(&i, &text) && bytes_equal(text, m->elements[n]));
}

static void change(struct rng *r, struct model *m, struct list_place *p)
{
    struct bytes value = any_value(r);
    uint64_t kind = rng_below(r, 100), at = m->count ? rng_below(r, m->count) : 0;
    if (!p->entry || (kind < 45 && m->count < MODEL_MAX)) {
        bool at_head = kind % 2;
        model_insert(m, at_head ? 0 : m->count, value);
        list_value_push(p, at_head, value);
    } else if (kind < 60 && m->count < MODEL_MAX) {
        model_insert(m, at, value);
        list_value_expect(p, &value, 1);
        list_value_insert(p, at, value);
    } else if (kind < 75) {
        model_remove(m, at, 1);
        model_insert(m, at, value);
        list_value_expect(p, &value, 1);
        list_value_set(p, at, value);
    } else if (kind < 97) {
        bool at_head = kind % 2;
        model_remove(m, at_head ? 0 : m->count - 1, 1);
        list_value_pop(p, at_head, NULL, NULL);
    } else {
        uint64_t count = rng_below(r, (m->count - at) / (kind < 99 ? 8 : 1) + 1);
        model_remove(m, at, count);
        list_value_remove_range(p, at, count);
    }
}

KEYSPACE_TEST(list_value, is_what_an_array_is)
{
    static struct model m;
    struct list_place p = place_of("l");
    struct rng r;
    rng_seed(&r, 7);
    struct list_cut cut = { .count = 0 };
    uint64_t cut_count = 0;
    for (uint32_t step = 0; step < 60000; step++) {
        if (step % 5000 == 0) limits.list_size = (int64_t)rng_below(&r, 200) - 4;
        change(&r, &m, &p);
        if (step % 977 == 0 && m.count) {
            struct list_cut view;
            list_view(p.entry, &view);
            expect_same(&m, &view);
            if (cut.count) list_cut_drop(k, &cut);
            list_cut(k, p.entry, &cut);
            cut_count = m.count;
        }
        if (cut.count) cr_assert(eq(u64, cut.count, cut_count));
        if (step % 100 == 0) keyspace_reap_step(k, 1000);
        if (p.entry && list_is_tree(p.entry) && step % 50 == 0)
            tree_check(keyspace_space(k), &list_object(p.entry)->tree);
    }
    if (cut.count) list_cut_drop(k, &cut);
    model_remove(&m, 0, m.count);
}
