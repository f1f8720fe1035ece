// Streams against a plain array of entries, with Redis's nodes modelled beside them; cuts taken at
// random moments and compared later. The seed is printed with every failure and is taken from
// PENSTOCK_SEED when that is set.
#include "dataplane/types/stream_value.h"
#include "dataplane/types/stream_priv.h"
#include "tests/unit/keyspace/keyspace_fixture.h"

enum { ROWS_MAX = 20000, PAIRS_MAX = 4, TEXT_MAX = 300, CUTS = 4 };

struct row { // an entry as it should be
    struct stream_id id;
    uint32_t pair_count, seed; // texts follow from the seed
    uint32_t node;
    bool is_there;
};
struct rows {
    struct row at[ROWS_MAX];
    uint32_t first, count; // those before first are of nodes that have gone
};
struct model {
    struct rows rows;
    uint32_t node_total; // ever opened
    struct stream_cut cuts[CUTS];
    struct rows *cut_rows[CUTS];
    struct rng rng;
    uint64_t seed;
};

static struct thresholds thresholds;
static struct key key;
static struct entry *entry;
static struct model *m;

static uint32_t below(uint32_t n) { return (uint32_t)rng_below(&m->rng, n); }
static struct stream_object *stream(void) { return stream_of(entry); }
static const struct stream_facts *facts(void) { return &stream_now(stream())->facts; }

static void model_assert(bool holds_true, int line, const char *text)
{
    cr_assert(holds_true, "seed %llu line %d: %s", (unsigned long long)m->seed, line, text);
}
#define MODEL_ASSERT(condition) model_assert((condition), __LINE__, #condition)

static void open_model(int64_t node_entries)
{
    open_keyspace();
    thresholds = (struct thresholds){ .stream_node_entries = node_entries };
    m = calloc(1, sizeof *m);
    m->seed = seed_from_environment();
    rng_seed(&m->rng, m->seed);
    key = named("s");
    struct stream_place place = { k, 0, &key, NULL };
    stream_make(&place);
    entry = place.entry;
}

static void close_model(void)
{
    for (uint32_t i = 0; i < CUTS; i++) {
        if (m->cut_rows[i]) stream_cut_drop(k, &m->cuts[i]);
        free(m->cut_rows[i]);
    }
    free(m);
    close_keyspace();
}

// ---- texts

struct texts {
    char bytes[PAIRS_MAX * 2][TEXT_MAX];
    struct bytes at[PAIRS_MAX * 2];
};

// Field names come from a few sets, so that entries often have those of their chunk's head.
static void make_texts(const struct row *r, struct texts *t)
{
    static const uint32_t sizes[] = { 2, 9, 40, 290 };
    for (uint32_t i = 0; i < r->pair_count * 2; i++) {
        char *text = t->bytes[i];
        uint32_t mixed = (r->seed + i * 77) * 2654435761u, size;
        if (i % 2 == 0)
            size = (uint32_t)sprintf(text, "field%u-%u", i, r->seed % 3 ? 0 : r->seed % 2);
        else if (mixed % 3 == 0)
            size = (uint32_t)sprintf(text, "%d", (int)(mixed >> (mixed % 29)) - 1000);
        else
            size = (uint32_t)sprintf(text, "%0*u", (int)sizes[(mixed >> 7) % 64 % 4], mixed);
        t->at[i] = bytes_make(text, size);
    }
}

// ---- the model

static struct stream_id next_id(void)
{
    struct stream_id id = facts()->last;
    switch (below(6)) {
    case 0:
        return (struct stream_id){ id.ms + 1 + below(3), 0 };
    case 1:
        return (struct stream_id){ id.ms + 1 + below(100000), below(100) };
    case 2:
        return (struct stream_id){ id.ms, id.seq + 1 + below(1000) };
    default:
        return (struct stream_id){ id.ms, id.seq + 1 };
    }
}

static uint32_t node_size(uint32_t node, bool only_live)
{
    uint32_t n = 0;
    for (uint32_t i = m->rows.first; i < m->rows.count; i++)
        n += m->rows.at[i].node == node && (!only_live || m->rows.at[i].is_there);
    return n;
}

static void drop_node(uint32_t node) // the first one, or any: its rows stay as deleted ones
{
    for (uint32_t i = m->rows.first; i < m->rows.count; i++)
        if (m->rows.at[i].node == node) {
            m->rows.at[i].is_there = false;
            m->rows.at[i].node = 0;
        }
    while (m->rows.first < m->rows.count && m->rows.at[m->rows.first].node == 0) m->rows.first++;
}

static uint32_t last_node(void)
{
    for (uint32_t i = m->rows.count; i-- > m->rows.first;)
        if (m->rows.at[i].node) return m->rows.at[i].node;
    return 0;
}

static void model_append(void)
{
    struct texts t;
    struct row *r = &m->rows.at[m->rows.count];
    uint32_t last = last_node();
    *r = (struct row){ next_id(), 1 + below(PAIRS_MAX), below(50), 0, true };
    if (below(3)) r->pair_count = 2;
    make_texts(r, &t);
    stream_append(k, &thresholds, stream(), r->id, t.at, r->pair_count * 2);
    if (!last || (thresholds.stream_node_entries &&
                  node_size(last, false) >= thresholds.stream_node_entries))
        last = ++m->node_total;
    m->rows.count++;
    r->node = last;
}

static void model_remove(void)
{
    if (m->rows.count == m->rows.first) return;
    uint32_t n = below(4) ? m->rows.first + below(m->rows.count - m->rows.first)
                          : m->rows.count - 1 - below(m->rows.count - m->rows.first > 3 ? 3 : 1);
    struct row *r = &m->rows.at[n];
    MODEL_ASSERT(stream_has(stream_now(stream()), r->id) == r->is_there);
    MODEL_ASSERT(stream_remove(k, stream(), r->id) == r->is_there);
    MODEL_ASSERT(!stream_remove(k, stream(), r->id));
    if (!r->is_there) return;
    r->is_there = false;
    if (node_size(r->node, true) == 0) drop_node(r->node);
}

static uint32_t model_live(void)
{
    uint32_t n = 0;
    for (uint32_t i = m->rows.first; i < m->rows.count; i++) n += m->rows.at[i].is_there;
    return n;
}

static struct stream_id node_last(uint32_t node)
{
    struct stream_id id = STREAM_ID_ZERO;
    for (uint32_t i = m->rows.first; i < m->rows.count; i++)
        if (m->rows.at[i].node == node) id = m->rows.at[i].id;
    return id;
}

static uint64_t model_trim_rows(const struct stream_trim *t)
{
    uint64_t removed = 0, left = model_live();
    while (m->rows.first < m->rows.count) {
        uint32_t node = m->rows.at[m->rows.first].node, live = node_size(node, true);
        if (!t->by_id && left <= t->count_max) return removed;
        if (t->limit && removed + live > t->limit) return removed;
        if (t->by_id ? stream_id_compare(node_last(node), t->id_min) < 0
                     : left - live >= t->count_max) {
            drop_node(node);
            removed += live;
            left -= live;
            continue;
        }
        for (uint32_t i = m->rows.first; !t->approximate && i < m->rows.count; i++) {
            struct row *r = &m->rows.at[i];
            if (r->node != node || !r->is_there) continue;
            if (t->by_id ? stream_id_compare(r->id, t->id_min) >= 0 : left <= t->count_max) break;
            r->is_there = false;
            removed++;
            left--;
        }
        return removed;
    }
    return removed;
}

static void model_trim(void)
{
    uint32_t live = model_live();
    struct stream_trim t = { .by_id = below(2), .approximate = below(2) };
    uint32_t keep = below(8) ? live - live / (2 + below(30)) : below(live + 2);
    t.count_max = keep;
    if (m->rows.count) t.id_min = m->rows.at[m->rows.count - 1 - keep % m->rows.count].id;
    if (below(4) == 0) t.id_min.seq++;
    if (t.approximate && below(3) == 0) t.limit = 1 + below(300);
    while (!stream_trim_plan(stream_now(stream()), &t, 1 + below(5))) continue;
    struct stream_trim asked = t;
    MODEL_ASSERT(stream_trim_apply(k, stream(), &t) == model_trim_rows(&asked));
}

// ---- comparing

static void compare_item(struct stream_iter *i, const struct stream_item *item, const struct row *r)
{
    struct texts t;
    struct bytes field, value;
    make_texts(r, &t);
    MODEL_ASSERT(stream_id_compare(item->id, r->id) == 0);
    MODEL_ASSERT(item->pair_count == r->pair_count);
    uint32_t shown = below(4) ? r->pair_count : below(r->pair_count + 1);
    for (uint32_t p = 0; p < shown; p++) {
        MODEL_ASSERT(stream_iter_pair(i, &field, &value));
        MODEL_ASSERT(bytes_equal(field, t.at[p * 2]) && bytes_equal(value, t.at[p * 2 + 1]));
    }
    if (shown == r->pair_count) MODEL_ASSERT(!stream_iter_pair(i, &field, &value));
}

static void compare_range(const struct stream_cut *cut, const struct rows *rows,
                          struct stream_id from, struct stream_id to, bool backwards)
{
    struct stream_iter i;
    struct stream_item item;
    uint64_t shown = 0;
    stream_iter_init(&i, cut, from, to, backwards);
    for (uint32_t n = rows->first; n < rows->count; n++) {
        const struct row *r = &rows->at[backwards ? rows->first + rows->count - 1 - n : n];
        if (!r->is_there || stream_id_compare(r->id, from) < 0 || stream_id_compare(r->id, to) > 0)
            continue;
        MODEL_ASSERT(stream_iter_next(&i, &item));
        compare_item(&i, &item, r);
        shown++;
    }
    MODEL_ASSERT(!stream_iter_next(&i, &item));
    MODEL_ASSERT(!stream_iter_next(&i, &item));
    MODEL_ASSERT(stream_guess_count(cut, from, to) >= (shown > 0));
}

static struct stream_id some_id(const struct rows *rows)
{
    struct stream_id id = STREAM_ID_ZERO;
    if (rows->count) id = rows->at[below(rows->count)].id;
    if (below(3) == 0) stream_id_increment(&id);
    if (below(3) == 0) stream_id_decrement(&id);
    return below(6) ? id : below(2) ? STREAM_ID_ZERO : STREAM_ID_MAX;
}

static void compare_rows(const struct stream_cut *cut, const struct rows *rows)
{
    compare_range(cut, rows, STREAM_ID_ZERO, STREAM_ID_MAX, false);
    compare_range(cut, rows, STREAM_ID_ZERO, STREAM_ID_MAX, true);
    for (uint32_t i = 0; i < 4; i++)
        compare_range(cut, rows, some_id(rows), some_id(rows), below(2));
}

// UINT64_MAX: it cannot be said.
static uint64_t lag_of(const struct stream_facts *f, const struct stream_group *g)
{
    int64_t lag;
    return stream_group_lag(f, g, &lag) ? (uint64_t)lag : UINT64_MAX;
}

static void compare_facts(void)
{
    struct stream_id first = STREAM_ID_ZERO, last = STREAM_ID_ZERO;
    uint32_t nodes = 0, node = 0;
    for (uint32_t i = m->rows.first; i < m->rows.count; i++) {
        const struct row *r = &m->rows.at[i];
        nodes += r->node && r->node != node;
        if (r->node) node = r->node;
        if (!r->is_there) continue;
        if (stream_id_is_zero(first)) first = r->id;
        last = r->id;
    }
    MODEL_ASSERT(facts()->count == model_live());
    MODEL_ASSERT(facts()->node_count == nodes);
    MODEL_ASSERT(stream_id_compare(facts()->first, first) == 0);
    MODEL_ASSERT(stream_id_compare(stream_edge(stream_now(stream()), true), last) == 0);
    tree_check(keyspace_space(k), &stream_now(stream())->chunks);
}

static void model_cut(uint32_t n)
{
    if (m->cut_rows[n]) {
        compare_rows(&m->cuts[n], m->cut_rows[n]);
        stream_cut_drop(k, &m->cuts[n]);
    } else {
        m->cut_rows[n] = malloc(sizeof(struct rows));
    }
    stream_cut(k, entry, below(2), &m->cuts[n]);
    memcpy(m->cut_rows[n], &m->rows, sizeof m->rows);
}

static void run(uint32_t steps)
{
    uint32_t mode = 0;
    for (uint32_t i = 0; i < steps && m->rows.count < ROWS_MAX; i++) {
        if (i % 300 == 0) mode = below(3);
        uint32_t what = below(1000);
        if (what < (mode == 2 ? 4 : 2))
            model_trim();
        else if (what < 6)
            model_cut(below(CUTS));
        else if (what < (mode == 0 ? 100 : mode == 1 ? 450 : 700))
            model_remove();
        else
            model_append();
        if (i % 200 == 0) compare_facts();
        if (i % 600 == 0) compare_rows(stream_now(stream()), &m->rows);
    }
    compare_facts();
    compare_rows(stream_now(stream()), &m->rows);
}

Test(stream_value, agrees_with_a_plain_array_in_nodes_of_100_entries)
{
    open_model(100);
    run(24000);
    close_model();
}

Test(stream_value, agrees_with_a_plain_array_in_nodes_of_3_entries)
{
    open_model(3);
    run(12000);
    close_model();
}

Test(stream_value, agrees_with_a_plain_array_in_nodes_without_a_bound)
{
    open_model(0);
    run(12000);
    close_model();
}

// ---- bytes of nodes

// Redis 7.0.15: with stream-node-max-bytes 300, XADD s 1-n f <40 x> opens its second node at the
// 6th entry (XINFO STREAM: radix-tree-keys).
Test(stream_value, opens_a_node_when_the_listpack_of_redis_would_be_full)
{
    char text[40];
    memset(text, 'x', sizeof text);
    const struct bytes pair[] = { BYTES_LITERAL("f"), bytes_make(text, sizeof text) };
    open_model(100);
    thresholds.stream_node_bytes = 300;
    for (uint64_t n = 1; n <= 6; n++) {
        stream_append(k, &thresholds, stream(), (struct stream_id){ 1, n }, pair, 2);
        cr_expect_eq(facts()->node_count, n < 6 ? 1 : 2, "entry %d", (int)n);
    }
    close_model();
}

// ---- sizes

Test(stream_value, holds_entries_of_any_size)
{
    static const size_t sizes[] = { 0, 63, 64, 970, 1000, 5000, 70000, 3000000 };
    enum { COUNT = sizeof sizes / sizeof sizes[0] };
    struct stream_item item;
    struct stream_iter i;
    struct bytes field, value;
    open_model(100);
    char *text = malloc(sizes[COUNT - 1]);
    memset(text, 'v', sizes[COUNT - 1]);
    for (uint64_t n = 0; n < COUNT; n++) {
        const struct bytes pair[] = { bytes_make(text, sizes[COUNT - 1 - n]),
                                      bytes_make(text, sizes[n]) };
        stream_append(k, &thresholds, stream(), (struct stream_id){ n, 1 }, pair, 2);
    }
    stream_iter_init(&i, stream_now(stream()), STREAM_ID_ZERO, STREAM_ID_MAX, true);
    for (uint32_t n = COUNT; n-- > 0;) {
        cr_assert(stream_iter_next(&i, &item) && stream_iter_pair(&i, &field, &value));
        cr_expect(bytes_equal(field, bytes_make(text, sizes[COUNT - 1 - n])));
        cr_expect(bytes_equal(value, bytes_make(text, sizes[n])));
    }
    for (uint64_t n = 0; n < COUNT; n++)
        cr_assert(stream_remove(k, stream(), (struct stream_id){ n, 1 }));
    cr_expect_eq(facts()->node_count, 0);
    free(text);
    close_model();
}

Test(stream_value, takes_the_largest_id_and_no_more)
{
    const struct bytes pair[] = { BYTES_LITERAL("f"), BYTES_LITERAL("v") };
    struct stream_id id = STREAM_ID_MAX;
    open_model(100);
    stream_append(k, &thresholds, stream(), (struct stream_id){ 1, UINT64_MAX }, pair, 2);
    stream_append(k, &thresholds, stream(), id, pair, 2);
    cr_expect(stream_has(stream_now(stream()), id));
    cr_expect(not(stream_id_increment(&id)));
    cr_expect(stream_remove(k, stream(), id));
    cr_expect(not(stream_has(stream_now(stream()), id)));
    cr_expect_eq(facts()->count, 1);
    close_model();
}

// ---- building

Test(stream_value, is_built_again_from_what_its_iterator_shows)
{
    open_model(10);
    run(3000);
    struct stream_cut cut;
    struct stream_builder b;
    struct stream_iter i;
    struct stream_item item;
    struct bytes field, value;
    stream_cut(k, entry, true, &cut);
    stream_build_begin(&b, k);
    stream_iter_init(&i, &cut, STREAM_ID_ZERO, STREAM_ID_MAX, false);
    while (stream_iter_next(&i, &item)) {
        cr_assert(stream_build_entry(&b, item.id, item.pair_count, item.starts_node));
        while (stream_iter_pair(&i, &field, &value)) cr_assert(stream_build_pair(&b, field, value));
        cr_expect(not(stream_build_pair(&b, field, value)));
    }
    cr_assert(stream_build_facts(&b, &cut.facts));
    stream_build_put(&b, 0, &key);
    entry = keyspace_find(k, 0, &key, FIND_QUIET, 1);
    compare_rows(stream_now(stream()), &m->rows);
    cr_expect_eq(facts()->count, cut.facts.count);
    cr_expect_eq(facts()->entries_added, cut.facts.entries_added);
    stream_cut_drop(k, &cut);
    close_model();
}

// Nodes are part of what RESTORE gets: thresholds of today have no say in them.
Test(stream_value, is_built_with_the_nodes_that_are_told)
{
    struct stream_builder b;
    open_model(10);
    stream_build_begin(&b, k);
    for (uint64_t i = 1; i <= 700; i++) {
        cr_assert(
            stream_build_entry(&b, (struct stream_id){ i, 0 }, 1, i == 1 || i == 2 || i == 402));
        cr_assert(stream_build_pair(&b, BYTES_LITERAL("f"), BYTES_LITERAL("v")));
    }
    cr_assert(stream_build_facts(&b, &b.object->now.facts));
    stream_build_put(&b, 0, &key);
    entry = keyspace_find(k, 0, &key, FIND_QUIET, 1);
    cr_expect_eq(facts()->node_count, 3);
    cr_expect_eq(facts()->count, 700);
    close_model();
}

Test(stream_value, refuses_to_be_built_from_nonsense)
{
    struct stream_builder b;
    open_model(10);
    stream_build_begin(&b, k);
    cr_expect(not(stream_build_entry(&b, STREAM_ID_ZERO, 1, true)));
    cr_expect(not(stream_build_entry(&b, (struct stream_id){ 5, 0 }, 0, true)));
    cr_expect(stream_build_entry(&b, (struct stream_id){ 5, 0 }, 1, true));
    cr_expect(not(stream_build_entry(&b, (struct stream_id){ 6, 0 }, 1, true)),
              "one is not complete");
    cr_expect(not(stream_build_facts(&b, &(struct stream_facts){ .last = { 9, 0 } })));
    cr_expect(stream_build_pair(&b, BYTES_LITERAL("f"), BYTES_LITERAL("v")));
    cr_expect(not(stream_build_pair(&b, BYTES_LITERAL("f"), BYTES_LITERAL("v"))));
    cr_expect(not(stream_build_entry(&b, (struct stream_id){ 5, 0 }, 1, true)));
    cr_expect(not(stream_build_facts(&b, &(struct stream_facts){ .last = { 4, 9 } })));
    stream_build_drop(&b);
    close_model();
}

// ---- lag: numbers of Redis 7.2's documentation of XINFO GROUPS and its rules

Test(stream_value, tells_a_groups_lag_while_nothing_in_the_middle_was_deleted)
{
    struct stream_facts f = { .count = 3, .entries_added = 5, .first = { 3, 0 }, .last = { 5, 0 } };
    struct stream_group g = { .entries_read = STREAM_READ_UNKNOWN };
    cr_expect_eq(lag_of(&f, &g), 3, "from before the first");
    g.last = (struct stream_id){ 3, 0 };
    cr_expect_eq(lag_of(&f, &g), 2);
    g.last = (struct stream_id){ 4, 0 };
    cr_expect_eq(lag_of(&f, &g), UINT64_MAX);
    stream_group_advance(&f, &g, (struct stream_id){ 5, 0 });
    cr_expect_eq(g.entries_read, 5);
    cr_expect_eq(lag_of(&f, &g), 0);
    f.max_deleted = (struct stream_id){ 4, 0 };
    g.last = (struct stream_id){ 3, 0 };
    cr_expect_eq(lag_of(&f, &g), UINT64_MAX, "a hole ahead");
    f.count = 0;
    cr_expect_eq(stream_position(&f, g.last), 5, "nothing is left to read");
}
