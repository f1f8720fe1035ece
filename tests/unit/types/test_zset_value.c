// Sorted sets against a plain array: in one buffer, in trees, and across the step from one to the
// other. The seed is printed with every failure and is taken from PENSTOCK_SEED when that is set.
#include "dataplane/types/zset_value.h"
#include <math.h>
#include "dataplane/types/zset_priv.h"
#include "tests/unit/keyspace/keyspace_fixture.h"

enum { MEMBERS = 1500 };

struct pair {
    char member[80];
    size_t size;
    double score;
    bool there;
};
struct model {
    struct pair pairs[MEMBERS]; // by number
    struct pair sorted[MEMBERS];
    uint32_t count;
    struct rng rng;
    uint64_t seed;
};

static struct thresholds thresholds;
static struct key key;
static struct zset_place place;
static struct model *m;

static uint32_t below(uint32_t n) { return (uint32_t)rng_below(&m->rng, n); }

static void model_assert(bool holds_true, const char *text)
{
    cr_assert(holds_true, "seed %llu: %s", (unsigned long long)m->seed, text);
}
#define MODEL_ASSERT(condition) model_assert((condition), #condition)

static struct bytes member_of(const struct pair *p) { return bytes_make(p->member, p->size); }

// Numbers, texts, long texts; some are beginnings of others.
static void name_pair(struct pair *p, uint32_t i)
{
    int size;
    if (i % 3 == 0)
        size = sprintf(p->member, "%u", i);
    else if (i % 7 == 0)
        size = sprintf(p->member, "%070u", i);
    else
        size = sprintf(p->member, "m%.*s%u", (int)(i % 5), "xxxxx", i / 8 * 4);
    p->size = (size_t)size;
    if (i % 3 && i % 7) p->member[p->size++] = (char)(i % 8); // a zero byte too
}

static void open_model(int64_t entries, int64_t value_bytes)
{
    open_keyspace();
    thresholds = (struct thresholds){ .zset_entries = entries, .zset_value_bytes = value_bytes };
    m = calloc(1, sizeof *m);
    m->seed = seed_from_environment();
    rng_seed(&m->rng, m->seed);
    for (uint32_t i = 0; i < MEMBERS; i++) name_pair(&m->pairs[i], i);
    key = named("z");
    place = (struct zset_place){ .keyspace = k, .thresholds = &thresholds, .key = &key };
}

static void close_model(void)
{
    free(m);
    close_keyspace();
}

static int pair_order(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? -1 : 1;
    return zset_member_compare(member_of(x), member_of(y));
}

static void model_sort(void)
{
    m->count = 0;
    for (uint32_t i = 0; i < MEMBERS; i++)
        if (m->pairs[i].there) m->sorted[m->count++] = m->pairs[i];
    qsort(m->sorted, m->count, sizeof m->sorted[0], pair_order);
}

static double some_score(void)
{
    static const double odd[] = { 0,   -0.0,   1e300,  -1e300,  INFINITY, -INFINITY, 0.1,
                                  -.1, 0x1p53, 0x1p54, -0x1p53, 5e-324,   3.25,      1e18 };
    switch (below(4)) {
    case 0:
        return odd[below(sizeof odd / sizeof odd[0])];
    case 1:
        return (double)below(100000) / 64 - 500;
    default:
        return (double)below(10);
    }
}

static void expect_cut(const struct zset_cut *cut, const struct pair *sorted, uint32_t count)
{
    struct zset_iter i;
    struct bytes member;
    double score;
    MODEL_ASSERT(cut->count == count);
    uint32_t from = count ? below(count) : 0;
    for (int direction = 0; direction < 2; direction++) {
        uint32_t at = direction ? count - 1 - from : from, shown = 0;
        zset_iter_init(&i, cut, at, direction);
        for (; zset_iter_next(&i, &member, &score); shown++, at = direction ? at - 1 : at + 1) {
            MODEL_ASSERT(bytes_equal(member, member_of(&sorted[at])));
            MODEL_ASSERT(score == sorted[at].score);
        }
        MODEL_ASSERT(shown == count - from);
    }
}

static void expect_ranges(const struct zset_cut *cut)
{
    struct zset_range r = { some_score(), some_score(), below(2), below(2) };
    uint64_t count, first = zset_cut_rank_of_range(cut, &r, &count), want = 0, want_first = 0;
    for (uint32_t i = m->count; i-- > 0;) {
        double s = m->sorted[i].score;
        if ((r.min_exclusive ? s <= r.min : s < r.min) ||
            (r.max_exclusive ? s >= r.max : s > r.max))
            continue;
        want++;
        want_first = i;
    }
    MODEL_ASSERT(count == want);
    MODEL_ASSERT(!want || first == want_first);
}

static void expect_members(const struct zset_cut *cut)
{
    uint64_t rank;
    double score;
    for (uint32_t n = 0; n < 20 && m->count; n++) {
        uint32_t at = below(m->count);
        MODEL_ASSERT(zset_cut_rank(k, cut, member_of(&m->sorted[at]), &rank, &score));
        MODEL_ASSERT(rank == at && score == m->sorted[at].score);
        const struct pair *p = &m->pairs[below(MEMBERS)];
        MODEL_ASSERT(zset_cut_score(k, cut, member_of(p), &score) == p->there);
    }
}

static void expect_all(void)
{
    struct zset_cut look;
    model_sort();
    place.entry = find(0, "z", START_MS);
    MODEL_ASSERT((place.entry != NULL) == (m->count != 0));
    zset_look(place.entry, &look);
    expect_cut(&look, m->sorted, m->count);
    expect_ranges(&look);
    expect_members(&look);
    if (place.entry && entry_encoding(place.entry) == ENCODING_SKIPLIST) {
        tree_check(keyspace_space(k), &zset_object_of(place.entry)->sorted);
        tree_check(keyspace_space(k), &zset_object_of(place.entry)->by_hash);
    }
}

// ---- what a step does to both

static void step_put(void)
{
    struct pair *p = &m->pairs[below(MEMBERS)];
    double score = some_score();
    MODEL_ASSERT(zset_put(&place, member_of(p), score) == !p->there);
    p->there = true;
    p->score = score;
}

static void step_remove(void)
{
    struct pair *p = &m->pairs[below(MEMBERS)];
    MODEL_ASSERT(zset_remove(&place, member_of(p)) == p->there);
    p->there = false;
}

static void forget_ranks(uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++)
        for (uint32_t n = 0; n < MEMBERS; n++)
            if (bytes_equal(member_of(&m->pairs[n]), member_of(&m->sorted[i])))
                m->pairs[n].there = false;
}

static void step_remove_ranks(void)
{
    model_sort();
    if (!m->count) return;
    uint32_t first = below(m->count);
    uint32_t count = below(30) ? below(5) : below(m->count + 1);
    if (count > m->count - first) count = m->count - first;
    zset_remove_ranks(&place, first, count);
    forget_ranks(first, count);
}

static void run_steps(uint32_t steps, uint32_t put_share)
{
    for (uint32_t i = 0; i < steps; i++) {
        uint32_t kind = below(100);
        if (kind < put_share)
            step_put();
        else if (kind < 97)
            step_remove();
        else
            step_remove_ranks();
        if (i % 50 == 0) expect_all();
    }
    expect_all();
}

// ---- the model's tests

static void grow_and_shrink(int64_t entries, int64_t value_bytes)
{
    open_model(entries, value_bytes);
    for (uint32_t round = 0; round < 3; round++) {
        run_steps(1500, 70);
        run_steps(1500, 20);
    }
    close_model();
}

Test(zset_value, agrees_with_an_array_when_small) { grow_and_shrink(100000, 100000); }

Test(zset_value, agrees_with_an_array_when_large) { grow_and_shrink(0, 64); }

Test(zset_value, agrees_with_an_array_when_it_grows_up) { grow_and_shrink(16, 64); }

Test(zset_value, agrees_with_an_array_when_members_are_long) { grow_and_shrink(2000, 60); }

// Cuts taken on the way stay what they were, whatever becomes of the value.
static void cuts_stay(int64_t entries)
{
    enum { CUTS = 8 };
    static struct zset_cut cuts[CUTS];
    static struct pair *sorted[CUTS];
    static uint32_t counts[CUTS];
    open_model(entries, 64);
    for (uint32_t i = 0; i < CUTS; i++) {
        run_steps(300, 80);
        model_sort();
        zset_cut(k, place.entry, &cuts[i]);
        MODEL_ASSERT(zset_cut_is_current(&cuts[i], place.entry));
        counts[i] = m->count;
        sorted[i] = malloc(sizeof m->sorted);
        memcpy(sorted[i], m->sorted, sizeof m->sorted);
    }
    run_steps(1000, 30);
    keyspace_delete(k, 0, &key, START_MS);
    for (uint32_t i = 0; i < CUTS; i++) {
        MODEL_ASSERT(!zset_cut_is_current(&cuts[i], NULL));
        expect_cut(&cuts[i], sorted[i], counts[i]);
        zset_cut_drop(k, &cuts[i]);
        free(sorted[i]);
    }
    close_model();
}

Test(zset_value, keeps_cuts_of_a_small_one_as_they_were) { cuts_stay(100000); }

Test(zset_value, keeps_cuts_of_a_large_one_as_they_were) { cuts_stay(10); }

static void fill(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct pair *p = &m->pairs[i];
        p->score = some_score();
        p->there = true;
        zset_put(&place, member_of(p), p->score);
    }
    model_sort();
}

Test(zset_value, takes_a_range_out_beside_the_value)
{
    open_model(10, 64);
    for (uint32_t round = 0; round < 60; round++) {
        struct zset_removal r;
        fill(100 + below(1000));
        uint32_t first = below(m->count), count = below(m->count - first + 1);
        if (round % 5 == 0) first = 0;
        if (round % 7 == 0) count = m->count - first;
        if (count == m->count) count--;
        zset_removal_begin(&r, k, place.entry, first, count);
        if (round % 3 == 0) { // given up half way: nothing has happened
            zset_removal_step(&r, k, 20);
            zset_removal_drop(&r, k);
            expect_all();
            continue;
        }
        while (zset_removal_step(&r, k, 1 + below(50))) {
        }
        expect_all(); // not yet
        zset_removal_put(&r, k, place.entry);
        forget_ranks(first, count);
        expect_all();
    }
    close_model();
}

static void build(bool gathers, int64_t entries)
{
    open_model(entries, 64);
    for (uint32_t round = 0; round < 20; round++) {
        struct zset_builder b;
        for (uint32_t i = 0; i < MEMBERS; i++) m->pairs[i].there = false;
        (gathers ? zset_build_gather : zset_build_begin)(&b, k, &thresholds);
        for (uint32_t n = below(600); n > 0; n--) {
            struct pair *p = &m->pairs[below(MEMBERS)];
            double score = some_score(), now;
            bool replaces = below(2);
            MODEL_ASSERT(zset_build_score(&b, member_of(p), &now) == p->there);
            MODEL_ASSERT(!p->there || now == p->score);
            if (replaces)
                zset_build_set(&b, member_of(p), score);
            else
                MODEL_ASSERT(zset_build_add(&b, member_of(p), score) == !p->there);
            if (replaces || !p->there) p->score = score;
            p->there = true;
        }
        if (gathers && round % 2)
            while (zset_build_sort(&b, 7)) {
            }
        if (round % 4 == 0)
            zset_build_drop(&b);
        else
            place.entry = zset_build_put(&b, 0, &key, START_MS);
        if (round % 4) expect_all();
    }
    close_model();
}

Test(zset_value, builds_in_any_order) { build(false, 10); }

Test(zset_value, builds_by_name_and_sorts_afterwards) { build(true, 10); }

Test(zset_value, builds_small_ones_in_one_buffer) { build(true, 100000); }

Test(zset_value, copies_share_and_then_go_their_own_ways)
{
    open_model(10, 64);
    struct key other = named("copy");
    fill(800);
    keyspace_copy(k, 0, find(0, "z", START_MS), 0, &other, START_MS);
    place.entry = find(0, "z", START_MS);
    run_steps(500, 30);
    struct zset_cut look;
    zset_look(find(0, "copy", START_MS), &look);
    MODEL_ASSERT(look.count == 800);
    close_model();
}

// ---- by hand

static struct entry *z(void) { return find(0, "z", START_MS); }

static enum zset_added add(const char *member, double score, uint32_t flags, double *became)
{
    place.entry = z();
    *became = score;
    return zset_add(&place, bytes_text(member), became, flags);
}

// Redis 7.2 ZADD: what each option lets through.
static void flags_decide(int64_t entries)
{
    double s;
    open_model(entries, 64);
    cr_expect(eq(int, add("a", 1, ZSET_XX, &s), ZSET_REFUSED));
    cr_expect(eq(ptr, (void *)z(), NULL));
    cr_expect(eq(int, add("a", 1, ZSET_NX, &s), ZSET_ADDED));
    cr_expect(eq(int, add("a", 2, ZSET_NX, &s), ZSET_REFUSED));
    cr_expect(eq(int, add("a", 1, 0, &s), ZSET_SAME));
    cr_expect(eq(int, add("a", 1, ZSET_GT, &s), ZSET_REFUSED));
    cr_expect(eq(int, add("a", 2, ZSET_GT | ZSET_XX, &s), ZSET_CHANGED));
    cr_expect(eq(int, add("a", 2, ZSET_LT, &s), ZSET_REFUSED));
    cr_expect(eq(int, add("a", 1, ZSET_LT, &s), ZSET_CHANGED));
    cr_expect(eq(int, add("b", 1, ZSET_LT, &s), ZSET_ADDED));
    cr_expect(eq(int, add("a", 4, ZSET_INCR, &s), ZSET_CHANGED));
    cr_expect(eq(dbl, s, 5));
    cr_expect(eq(int, add("a", -1, ZSET_INCR | ZSET_GT, &s), ZSET_REFUSED));
    cr_expect(eq(int, add("a", INFINITY, ZSET_INCR, &s), ZSET_CHANGED));
    cr_expect(eq(int, add("a", -INFINITY, ZSET_INCR, &s), ZSET_NAN));
    cr_expect(zset_score(k, z(), bytes_text("a"), &s) && isinf(s));
    close_model();
}

Test(zset_value, lets_flags_decide_when_small) { flags_decide(128); }

Test(zset_value, lets_flags_decide_when_large) { flags_decide(0); }

Test(zset_value, changes_its_form_where_redis_does)
{
    double s;
    open_model(3, 5);
    add("a", 1, 0, &s), add("b", 1, 0, &s), add("c", 1, 0, &s), add("a", 2, 0, &s);
    cr_expect(eq(int, entry_encoding(z()), ENCODING_LISTPACK));
    add("d", 1, 0, &s);
    cr_expect(eq(int, entry_encoding(z()), ENCODING_SKIPLIST));
    place.entry = z();
    zset_remove_ranks(&place, 0, 4);
    cr_expect(eq(ptr, (void *)z(), NULL));
    add("12345", 1, 0, &s);
    cr_expect(eq(int, entry_encoding(z()), ENCODING_LISTPACK));
    add("123456", 1, 0, &s);
    cr_expect(eq(int, entry_encoding(z()), ENCODING_SKIPLIST));
    keyspace_delete(k, 0, &key, START_MS);
    place.adds_expected = 4; // as many arguments, however many members
    add("a", 1, 0, &s);
    cr_expect(eq(int, entry_encoding(z()), ENCODING_SKIPLIST));
    close_model();
}

// Redis: a listpack keeps whole numbers as such, and with it loses the sign of zero.
Test(zset_value, keeps_the_sign_of_zero_only_when_large)
{
    double s;
    open_model(1, 64);
    add("a", -0.0, 0, &s);
    cr_expect(zset_score(k, z(), bytes_text("a"), &s) && !signbit(s));
    add("b", -0.0, 0, &s);
    cr_expect(zset_score(k, z(), bytes_text("b"), &s) && signbit(s));
    cr_expect(eq(int, add("b", 0, 0, &s), ZSET_SAME));
    close_model();
}

static uint64_t lex(const char *min, const char *max, bool min_out, bool max_out, uint64_t *first)
{
    struct zset_cut look;
    struct zset_lex_range r = { .min_exclusive = min_out, .max_exclusive = max_out };
    if (min) r.min = bytes_text(min);
    if (max) r.max = bytes_text(max);
    uint64_t count, count_down;
    zset_look(z(), &look);
    *first = zset_cut_rank_of_lex(&look, &r, false, &count);
    uint64_t first_down = zset_cut_rank_of_lex(&look, &r, true, &count_down);
    cr_expect(eq(u64, count, count_down));
    cr_expect(count == 0 || first_down == *first);
    return count;
}

static void lex_ranges(int64_t entries)
{
    static const char *const names[] = { "a", "ab", "b", "10", "9", "c" }; // 10 9 a ab b c
    uint64_t first;
    double s;
    open_model(entries, 64);
    for (uint32_t i = 0; i < 6; i++) add(names[i], 7, 0, &s);
    cr_expect(eq(u64, lex(NULL, NULL, false, false, &first), 6));
    cr_expect(eq(u64, lex("9", "b", false, false, &first), 4));
    cr_expect(eq(u64, first, 1));
    cr_expect(eq(u64, lex("9", "b", true, true, &first), 2));
    cr_expect(eq(u64, first, 2));
    cr_expect(eq(u64, lex("aa", NULL, false, false, &first), 3));
    cr_expect(eq(u64, lex(NULL, "1", false, false, &first), 0));
    cr_expect(eq(u64, lex("d", NULL, false, false, &first), 0));
    cr_expect(eq(u64, lex("b", "a", false, false, &first), 0));
    close_model();
}

Test(zset_value, counts_members_between_members_when_small) { lex_ranges(128); }

Test(zset_value, counts_members_between_members_when_large) { lex_ranges(0); }

static void count_visit(void *context, struct bytes member, double score)
{
    struct model *all = context;
    for (uint32_t i = 0; i < MEMBERS; i++)
        if (bytes_equal(member_of(&all->pairs[i]), member) && all->pairs[i].score == score)
            all->count++;
}

Test(zset_value, shows_every_member_to_a_scan)
{
    open_model(10, 64);
    struct zset_cut look;
    for (uint32_t size = 5; size < MEMBERS; size += 700) {
        fill(size);
        zset_look(z(), &look);
        uint64_t cursor = 0;
        m->count = 0;
        do cursor = zset_scan(&look, cursor, 10, count_visit, m);
        while (cursor);
        cr_expect(eq(u32, m->count, size));
    }
    close_model();
}

Test(zset_value, ranks_scores_by_their_marks)
{
    static const double rising[] = { -INFINITY, -1e300, -2,     -1,    -5e-324, 0,
                                     5e-324,    1e-10,  0x1p53, 1e300, INFINITY };
    for (uint32_t i = 1; i < sizeof rising / sizeof rising[0]; i++)
        cr_expect(lt(u64, zset_score_mark(rising[i - 1]), zset_score_mark(rising[i])));
    cr_expect(eq(u64, zset_score_mark(-0.0), zset_score_mark(0)));
}
