// Random operations on the three kinds of trees against a plain array, with cuts taken at random
// moments and compared later. The seed is printed with every failure and is taken from
// PENSTOCK_SEED when that is set.
#include "tree_fixture.h"

enum { STEPS = 60000, RECORDS_MAX = 6000, CUTS = 5, CHECK_EVERY = 1500, IDS = 12000 };

// A record as it should be; shared by the model and the copies of it that belong to cuts.
struct row {
    uint32_t refs, size;
    uint64_t mark;
    uint32_t id; // by hash: the number its field is made of
    uint8_t bytes[];
};
struct rows { // in order; by hash: in the order of their ids, NULL where there is none
    struct row *at[IDS];
    uint64_t count;
};
struct model {
    const struct tree_shape *shape;
    struct tree tree;
    struct rows rows;
    struct tree cut[CUTS];
    struct rows *cut_rows[CUTS];
    struct rng rng;
    uint64_t seed;
    uint32_t step, scores; // how many different scores
    bool is_growing;
};

static void model_assert(const struct model *m, bool holds_true, int line, const char *text)
{
    cr_assert(holds_true, "seed %llu step %u line %d: %s", (unsigned long long)m->seed, m->step,
              line, text);
}
#define MODEL_ASSERT(m, condition) model_assert((m), (condition), __LINE__, #condition)

static uint32_t below(struct model *m, uint32_t n) { return (uint32_t)rng_below(&m->rng, n); }
static bool is_by_hash(const struct model *m) { return m->shape->order == TREE_BY_HASH; }

// ---- records
static uint32_t some_text(struct model *m, char *text)
{
    if (below(m, 4) == 0)
        return (uint32_t)sprintf(text, "%lld", (long long)rng_next(&m->rng) >> below(m, 64));
    static const uint32_t sizes[] = { 8, 20, 63, 64, 100, 500, 1200, 5000 };
    uint32_t kind = below(m, 200);
    uint32_t size = below(m, 1 + sizes[kind < 170   ? kind % 3
                                       : kind < 198 ? 3 + kind % 3
                                                    : 6 + kind % 2]);
    for (uint32_t i = 0; i < size; i++) text[i] = (char)('a' + below(m, 26));
    return size;
}

static struct row *row_make(const struct model *m, uint64_t prefix, struct packed_needle *n,
                            uint32_t elements)
{
    uint32_t size = m->shape->prefix_bytes, at = size;
    for (uint32_t i = 0; i < elements; i++) size += n[i].size;
    struct row *r = malloc(sizeof *r + size);
    *r = (struct row){ .refs = 1, .size = size };
    memcpy(r->bytes, &prefix, m->shape->prefix_bytes);
    for (uint32_t i = 0; i < elements; at += n[i++].size) packed_put(r->bytes + at, &n[i]);
    r->mark = m->shape->order == TREE_BY_POSITION ? 0
              : is_by_hash(m)                     ? tree_hash(&space, &n[0])
                                                  : prefix;
    return r;
}

static uint32_t id_text(uint32_t id, char *text)
{
    return (uint32_t)sprintf(text, id % 3 ? "%u" : "field:%u", id * 7919);
}

static struct row *some_row(struct model *m, uint32_t id)
{
    char key[32], text[5100];
    struct packed_needle n[2];
    uint32_t elements = 0;
    if (is_by_hash(m)) packed_needle_init(&n[elements++], bytes_make(key, id_text(id, key)));
    packed_needle_init(&n[elements++], bytes_make(text, some_text(m, text)));
    uint64_t score = m->scores > 0 ? below(m, m->scores) : rng_next(&m->rng);
    struct row *r = row_make(m, score, n, elements);
    r->id = id;
    return r;
}

static void row_drop(struct row *r)
{
    if (r && --r->refs == 0) free(r);
}

static void rows_insert(struct rows *rows, uint64_t index, struct row *r)
{
    memmove(rows->at + index + 1, rows->at + index, (rows->count - index) * sizeof rows->at[0]);
    rows->at[index] = r;
    rows->count++;
}

static void rows_remove(struct rows *rows, uint64_t index, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) row_drop(rows->at[index + i]);
    rows->count -= count;
    memmove(rows->at + index, rows->at + index + count, (rows->count - index) * sizeof rows->at[0]);
}

// ---- comparisons
static bool is_row(const struct tree_cursor *c, const struct row *r)
{
    return c->record && c->size == r->size && memcmp(c->record, r->bytes, r->size) == 0;
}

static bool find_id(const struct model *m, const struct tree *t, uint32_t id, struct tree_cursor *c)
{
    char key[32];
    struct packed_needle n;
    packed_needle_init(&n, bytes_make(key, id_text(id, key)));
    return tree_find(t, tree_hash(&space, &n), &n, c);
}

static void compare_by_hash(struct model *m, const struct tree *t, const struct rows *rows)
{
    struct tree_cursor c;
    MODEL_ASSERT(m, t->count == rows->count);
    for (uint32_t id = 0; id < IDS; id++) {
        bool is_there = find_id(m, t, id, &c);
        MODEL_ASSERT(m, is_there == (rows->at[id] != NULL));
        if (is_there) MODEL_ASSERT(m, is_row(&c, rows->at[id]));
    }
    uint64_t count = 0;
    for (bool more = tree_first(t, &c); more; more = tree_next(&c)) count++;
    MODEL_ASSERT(m, count == rows->count);
}

static void compare_backwards(struct model *m, const struct tree *t, const struct rows *rows)
{
    struct tree_cursor c;
    uint16_t offsets[TREE_LEAF_BYTES];
    uint64_t left = rows->count;
    for (bool more = tree_last(t, &c); more; more = tree_prev_leaf(&c)) {
        uint32_t count = tree_leaf_offsets(&c, offsets);
        while (count-- > 0) {
            const struct row *r = rows->at[--left];
            MODEL_ASSERT(m, memcmp(tree_leaf_bytes(&c) + offsets[count], r->bytes, r->size) == 0);
        }
    }
    MODEL_ASSERT(m, left == 0 && !c.record);
    for (left = rows->count; left > 0 && tree_prev(&c);)
        MODEL_ASSERT(m, is_row(&c, rows->at[--left]));
    MODEL_ASSERT(m, left == 0 && !tree_prev(&c) && !c.record);
}

static void compare(struct model *m, const struct tree *t, const struct rows *rows)
{
    tree_check(&space, t);
    if (is_by_hash(m)) {
        compare_by_hash(m, t, rows);
        return;
    }
    struct tree_cursor c;
    uint64_t i = 0;
    MODEL_ASSERT(m, t->count == rows->count);
    for (bool more = tree_first(t, &c); more; more = tree_next(&c), i++)
        MODEL_ASSERT(m, is_row(&c, rows->at[i]));
    MODEL_ASSERT(m, i == rows->count && tree_index(&c) == i);
    compare_backwards(m, t, rows);
    for (uint32_t k = 0; k < 50 && rows->count > 0; k++) {
        i = below(m, (uint32_t)rows->count);
        MODEL_ASSERT(m, tree_at(t, i, &c) && is_row(&c, rows->at[i]) && tree_index(&c) == i);
    }
}

// ---- places
struct wanted {
    const struct row *row;
};

static int compare_row(const void *target, const uint8_t *record)
{
    const struct row *r = target;
    char a[24], b[24];
    uint64_t mark = load_le64(record);
    if (mark != r->mark) return mark < r->mark ? -1 : 1;
    struct bytes have = packed_text(record + 8, a), want = packed_text(r->bytes + 8, b);
    size_t size = have.size < want.size ? have.size : want.size;
    int order = memcmp(have.data, want.data, size);
    return order ? order : have.size < want.size ? -1 : have.size > want.size;
}

static uint64_t place_of(const struct rows *rows, const struct row *r)
{
    uint64_t low = 0, high = rows->count;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (compare_row(r, rows->at[middle]->bytes) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

// Mostly anywhere, often at the ends.
static uint64_t some_index(struct model *m, uint64_t count)
{
    if (count == 0 || below(m, 8) == 0) return 0;
    return below(m, 8) == 0 ? count - 1 : below(m, (uint32_t)count);
}

// c is where the row number index is, or at the end.
static void check_at(struct model *m, const struct tree_cursor *c, uint64_t index)
{
    MODEL_ASSERT(m, tree_index(c) == index);
    if (index < m->rows.count)
        MODEL_ASSERT(m, is_row(c, m->rows.at[index]));
    else
        MODEL_ASSERT(m, !c->record);
}

// ---- operations
static void put(struct model *m, struct tree_cursor *c, const struct row *r)
{
    memcpy(tree_insert(&space, &m->tree, c, r->mark, r->size), r->bytes, r->size);
    MODEL_ASSERT(m, is_row(c, r));
}

static void do_insert(struct model *m)
{
    struct tree_cursor c;
    uint32_t id = below(m, IDS);
    struct row *r = some_row(m, id);
    uint64_t index = some_index(m, m->rows.count + 1);
    bool is_there = false;
    switch (m->shape->order) {
    case TREE_BY_POSITION:
        tree_at(&m->tree, index, &c);
        break;
    case TREE_SORTED:
        is_there = tree_seek(&m->tree, r->mark, compare_row, r, &c);
        index = place_of(&m->rows, r);
        if (index < m->rows.count)
            MODEL_ASSERT(m, is_there == (compare_row(r, m->rows.at[index]->bytes) == 0));
        break;
    case TREE_BY_HASH:
        is_there = find_id(m, &m->tree, id, &c);
        MODEL_ASSERT(m, is_there == (m->rows.at[id] != NULL));
        break;
    }
    if (is_there || m->rows.count >= RECORDS_MAX) {
        row_drop(r);
        return;
    }
    put(m, &c, r);
    if (is_by_hash(m)) {
        m->rows.at[id] = r;
        m->rows.count++;
        return;
    }
    rows_insert(&m->rows, index, r);
    check_at(m, &c, index);
}

static void do_append(struct model *m)
{
    if (is_by_hash(m) || m->rows.count >= RECORDS_MAX) return;
    for (uint32_t i = below(m, 40); i > 0 && m->rows.count < RECORDS_MAX; i--) {
        struct row *r = some_row(m, 0);
        if (m->shape->order == TREE_SORTED && place_of(&m->rows, r) < m->rows.count) {
            row_drop(r);
            return;
        }
        memcpy(tree_append(&space, &m->tree, r->mark, r->size), r->bytes, r->size);
        rows_insert(&m->rows, m->rows.count, r);
    }
}

// To some record that is there.
static bool go_somewhere(struct model *m, struct tree_cursor *c, uint64_t *index)
{
    if (is_by_hash(m)) {
        for (uint32_t i = 0; i < 20; i++) {
            *index = below(m, IDS);
            bool is_there = find_id(m, &m->tree, (uint32_t)*index, c);
            MODEL_ASSERT(m, is_there == (m->rows.at[*index] != NULL));
            if (is_there) return true;
        }
        return false;
    }
    if (m->rows.count == 0) return false;
    *index = some_index(m, m->rows.count);
    const struct row *r = m->rows.at[*index];
    if (m->shape->order == TREE_SORTED)
        MODEL_ASSERT(m, tree_seek(&m->tree, r->mark, compare_row, r, c));
    else if (*index == m->rows.count - 1)
        MODEL_ASSERT(m, tree_last(&m->tree, c));
    else
        MODEL_ASSERT(m, tree_at(&m->tree, *index, c));
    check_at(m, c, *index);
    return true;
}

static void do_remove(struct model *m)
{
    struct tree_cursor c;
    uint64_t index;
    if (!go_somewhere(m, &c, &index)) return;
    if (is_by_hash(m)) {
        tree_remove(&space, &m->tree, &c);
        row_drop(m->rows.at[index]);
        m->rows.at[index] = NULL;
        m->rows.count--;
        return;
    }
    for (uint32_t more = m->is_growing || below(m, 8) ? 1 : below(m, 60); more > 0 && c.record;
         more--) {
        tree_remove(&space, &m->tree, &c);
        rows_remove(&m->rows, index, 1);
        check_at(m, &c, index);
    }
}

static void do_replace(struct model *m)
{
    struct tree_cursor c;
    uint64_t index;
    if (m->shape->order == TREE_SORTED || !go_somewhere(m, &c, &index)) return;
    struct row *r = some_row(m, (uint32_t)index);
    memcpy(tree_replace(&space, &m->tree, &c, r->size), r->bytes, r->size);
    MODEL_ASSERT(m, is_row(&c, r));
    row_drop(m->rows.at[index]);
    m->rows.at[index] = r;
    if (!is_by_hash(m)) check_at(m, &c, index);
}

// The last byte of a text changes.
static void do_write(struct model *m)
{
    struct tree_cursor c;
    uint64_t index;
    if (m->shape->order == TREE_SORTED || !go_somewhere(m, &c, &index)) return;
    struct row *old = m->rows.at[index];
    uint8_t last = old->bytes[old->size - 1];
    if (old->size < 30 || last < 'a' || last > 'z') return;
    struct row *r = malloc(sizeof *r + old->size);
    memcpy(r, old, sizeof *r + old->size);
    r->refs = 1;
    r->bytes[r->size - 1] = last == 'z' ? 'a' : (uint8_t)(last + 1);
    tree_write(&space, &m->tree, &c)[r->size - 1] = r->bytes[r->size - 1];
    row_drop(old);
    m->rows.at[index] = r;
}

static void do_remove_range(struct model *m)
{
    if (is_by_hash(m) || m->rows.count == 0) return;
    uint32_t most = m->is_growing || below(m, 3) ? 100 : (uint32_t)m->rows.count;
    uint64_t first = some_index(m, m->rows.count), count = below(m, most + 1);
    if (count > m->rows.count - first) count = m->rows.count - first;
    tree_remove_range(&space, &m->tree, first, count);
    rows_remove(&m->rows, first, count);
    tree_check(&space, &m->tree);
}

static void drop_cut(struct model *m, uint32_t i)
{
    if (!m->cut_rows[i]) return;
    for (uint64_t k = 0; k < (is_by_hash(m) ? IDS : m->cut_rows[i]->count); k++)
        row_drop(m->cut_rows[i]->at[k]);
    free(m->cut_rows[i]);
    m->cut_rows[i] = NULL;
    tree_drop(&space, &m->cut[i]);
}

static void do_cut(struct model *m)
{
    uint32_t i = below(m, CUTS);
    if (m->cut_rows[i]) {
        compare(m, &m->cut[i], m->cut_rows[i]);
        drop_cut(m, i);
    }
    m->cut_rows[i] = malloc(sizeof *m->cut_rows[i]);
    *m->cut_rows[i] = m->rows;
    for (uint64_t k = 0; k < (is_by_hash(m) ? IDS : m->rows.count); k++)
        if (m->rows.at[k]) m->rows.at[k]->refs++;
    tree_cut(&m->cut[i], &m->tree);
}

// ---- runs
static void do_step(struct model *m)
{
    uint32_t kind = below(m, 100);
    if (m->rows.count == 0) m->is_growing = true;
    if (m->rows.count >= RECORDS_MAX) m->is_growing = false;
    if (kind < 40)
        (m->is_growing ? do_insert : do_remove)(m);
    else if (kind < 55)
        (m->is_growing ? do_remove : do_insert)(m);
    else if (kind < 80)
        do_replace(m);
    else if (kind < 90)
        do_write(m);
    else if (kind == 90 && m->is_growing)
        do_append(m);
    else if (kind == 91 && below(m, m->is_growing ? 16 : 4) == 0)
        do_remove_range(m);
    else if (kind == 92 && below(m, 8) == 0)
        do_cut(m);
    else if (kind == 93)
        reaper_step(&reaper, below(m, 30));
    else
        do_insert(m);
}

static void run(const struct tree_shape *shape, uint32_t scores)
{
    struct model *m = calloc(1, sizeof *m);
    m->shape = shape;
    m->scores = scores;
    m->seed = seed_from_environment();
    rng_seed(&m->rng, m->seed);
    tree_init(&m->tree, shape);
    for (m->step = 0; m->step < STEPS; m->step++) {
        do_step(m);
        if (m->step % CHECK_EVERY == 0) compare(m, &m->tree, &m->rows);
    }
    compare(m, &m->tree, &m->rows);
    tree_drop(&space, &m->tree);
    for (uint32_t i = 0; i < CUTS; i++) {
        if (m->cut_rows[i]) compare(m, &m->cut[i], m->cut_rows[i]);
        drop_cut(m, i);
    }
    for (uint64_t i = 0; i < IDS; i++)
        if (is_by_hash(m) || i < m->rows.count) row_drop(m->rows.at[i]);
    free(m);
}

static struct tree_shape narrow(const struct tree_shape *shape)
{
    struct tree_shape small = *shape;
    small.leaf_bytes = 256;
    return small;
}

TREE_TEST(tree_model, positions_behave_like_an_array) { run(&by_position, 1); }
TREE_TEST(tree_model, positions_in_small_leaves_behave_like_an_array)
{
    struct tree_shape shape = narrow(&by_position);
    run(&shape, 1);
}
TREE_TEST(tree_model, hashes_behave_like_a_map) { run(&by_hash, 1); }
TREE_TEST(tree_model, hashes_in_small_leaves_behave_like_a_map)
{
    struct tree_shape shape = narrow(&by_hash);
    run(&shape, 1);
}
TREE_TEST(tree_model, sorted_records_behave_like_a_sorted_array) { run(&sorted, 0); }
TREE_TEST(tree_model, sorted_records_of_one_mark_behave_like_a_sorted_array) { run(&sorted, 1); }
TREE_TEST(tree_model, sorted_records_of_few_marks_behave_like_a_sorted_array)
{
    struct tree_shape shape = narrow(&sorted);
    run(&shape, 5);
}
