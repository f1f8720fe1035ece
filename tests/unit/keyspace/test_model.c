// Random operations against a plain array. The seed is printed with every failure and is taken from
// PENSTOCK_SEED when that is set.
#include "keyspace_fixture.h"

enum { DBS = 4, NAMES = 700, STEPS = 300000, VALUE_MAX = 1500, CHECK_EVERY = 5000 };

struct cell {
    bool there;
    uint64_t deadline_ms;
    size_t size;
    uint8_t *bytes;
};
struct model {
    struct cell cells[DBS][NAMES];
    struct rng rng;
    uint64_t seed, now_ms;
    uint32_t step;
};

static void model_assert(const struct model *m, bool holds_true, const char *text)
{
    cr_assert(holds_true, "seed %llu step %u: %s", (unsigned long long)m->seed, m->step, text);
}
#define MODEL_ASSERT(m, condition) model_assert((m), (condition), #condition)

static uint32_t below(struct model *m, uint32_t n) { return (uint32_t)rng_below(&m->rng, n); }

// Every tenth name is long.
static struct key name_of(uint32_t i, char *text)
{
    int size = snprintf(text, 300, "%u:%*s", i, i % 10 ? (int)(i % 23) : 200, "");
    return key_make(k, bytes_make(text, (size_t)size));
}

static void cell_clear(struct cell *c)
{
    free(c->bytes);
    *c = (struct cell){ 0 };
}
static struct cell *live(struct model *m, uint32_t db, uint32_t i)
{
    struct cell *c = &m->cells[db][i];
    if (c->there && c->deadline_ms && c->deadline_ms <= m->now_ms) cell_clear(c);
    return c;
}
static void cell_set(struct cell *c, const void *bytes, size_t size)
{
    uint8_t *copy = malloc(size + 1);
    if (size) memcpy(copy, bytes, size);
    free(c->bytes);
    c->there = true;
    c->bytes = copy;
    c->size = size;
}
static void cell_copy(struct cell *to, const struct cell *from)
{
    cell_set(to, from->bytes, from->size);
    to->deadline_ms = from->deadline_ms;
}

static uint64_t some_deadline(struct model *m)
{
    return below(m, 3) ? m->now_ms + 1 + below(m, 2000) : 0;
}

static size_t some_value(struct model *m, char *text)
{
    if (below(m, 3) == 0)
        return (size_t)sprintf(text, "%d", (int)rng_next(&m->rng) >> below(m, 31));
    size_t size = below(m, 2) ? below(m, 64) : below(m, VALUE_MAX);
    for (size_t i = 0; i < size; i++) text[i] = (char)('a' + below(m, 26));
    return size;
}

static void do_set(struct model *m, uint32_t db, uint32_t i)
{
    char name[300], text[VALUE_MAX];
    size_t size = some_value(m, text);
    struct key key = name_of(i, name);
    struct cell *c = live(m, db, i);
    uint32_t flags = below(m, 4) == 0 ? SET_KEEP_DEADLINE : 0;
    uint64_t deadline_ms = some_deadline(m);
    struct blob *given = NULL;
    if (below(m, 8) == 0) {
        given = blob_new(&heap, size + below(m, 200), HEAP_CLIENT_IN);
        memcpy(given->data, text, size);
        given->size = size;
    }
    string_set(k, db, &key, bytes_make(text, size), given, deadline_ms, flags, m->now_ms);
    cell_set(c, text, size);
    if (!flags) c->deadline_ms = deadline_ms;
}

static void do_edit(struct model *m, uint32_t db, uint32_t i)
{
    char name[300];
    struct key key = name_of(i, name);
    struct cell *c = live(m, db, i);
    struct entry *e = keyspace_find(k, db, &key, FIND_WRITE, m->now_ms);
    MODEL_ASSERT(m, (e != NULL) == c->there);
    size_t size = c->size < VALUE_MAX ? c->size + below(m, 200) : below(m, 1000);
    uint8_t *bytes, *want = calloc(1, size + 1);
    if (c->bytes) memcpy(want, c->bytes, c->size < size ? c->size : size);
    e = string_edit(k, db, &key, e, size, &bytes);
    MODEL_ASSERT(m, holds(e, bytes_make(want, size)));
    for (uint32_t n = 0; n < 5 && size; n++) {
        size_t at = below(m, (uint32_t)size);
        bytes[at] = want[at] = (uint8_t)rng_next(&m->rng);
    }
    cell_set(c, want, size);
    free(want);
}

static void do_int(struct model *m, uint32_t db, uint32_t i)
{
    char name[300], text[32];
    struct key key = name_of(i, name);
    struct cell *c = live(m, db, i);
    int64_t n = (int64_t)rng_next(&m->rng) >> below(m, 63);
    struct entry *e = keyspace_find(k, db, &key, FIND_WRITE, m->now_ms);
    string_set_int(k, db, &key, e, n);
    cell_set(c, text, (size_t)sprintf(text, "%lld", (long long)n));
}

static void do_delete(struct model *m, uint32_t db, uint32_t i)
{
    char name[300];
    struct key key = name_of(i, name);
    struct cell *c = live(m, db, i);
    MODEL_ASSERT(m, keyspace_delete(k, db, &key, m->now_ms) == c->there);
    cell_clear(c);
}

static void do_deadline(struct model *m, uint32_t db, uint32_t i)
{
    char name[300];
    struct key key = name_of(i, name);
    struct cell *c = live(m, db, i);
    struct entry *e = keyspace_find(k, db, &key, FIND_WRITE, m->now_ms);
    MODEL_ASSERT(m, (e != NULL) == c->there);
    if (!e) return;
    c->deadline_ms = some_deadline(m);
    e = keyspace_set_deadline(k, db, e, c->deadline_ms);
    MODEL_ASSERT(m, entry_deadline_ms(e) == c->deadline_ms);
}

static void do_transfer(struct model *m, uint32_t db, uint32_t i, bool copy)
{
    char name[300], to_name[300];
    uint32_t to_db = below(m, DBS), to_i = below(m, NAMES);
    struct key key = name_of(i, name), to = name_of(to_i, to_name);
    struct cell *from = live(m, db, i), *dest = live(m, to_db, to_i);
    struct entry *e = keyspace_find(k, db, &key, FIND_WRITE, m->now_ms);
    MODEL_ASSERT(m, (e != NULL) == from->there);
    if (!e) return;
    e = copy ? keyspace_copy(k, db, e, to_db, &to, m->now_ms)
             : keyspace_rename(k, db, e, to_db, &to, m->now_ms);
    MODEL_ASSERT(m, bytes_equal(entry_key(e), to.name));
    if (from == dest) return;
    cell_copy(dest, from);
    if (!copy) cell_clear(from);
}

static void do_find(struct model *m, uint32_t db, uint32_t i)
{
    char name[300];
    struct key key = name_of(i, name);
    struct cell *c = live(m, db, i);
    struct entry *e = keyspace_find(k, db, &key, (enum find_flags)below(m, 4), m->now_ms);
    MODEL_ASSERT(m, (e != NULL) == c->there);
    if (!e) return;
    MODEL_ASSERT(m, holds(e, bytes_make(c->bytes, c->size)));
    MODEL_ASSERT(m, entry_deadline_ms(e) == c->deadline_ms);
}

static void do_flush(struct model *m, uint32_t db)
{
    keyspace_flush(k, db);
    for (uint32_t i = 0; i < NAMES; i++) cell_clear(&m->cells[db][i]);
}

static void do_swap(struct model *m, uint32_t db)
{
    static struct cell keep[NAMES];
    uint32_t other = below(m, DBS);
    keyspace_swap(k, db, other);
    memcpy(keep, m->cells[db], sizeof keep);
    memcpy(m->cells[db], m->cells[other], sizeof keep);
    memcpy(m->cells[other], keep, sizeof keep);
}

static void do_time(struct model *m)
{
    m->now_ms += below(m, 30);
    keyspace_expire_step(k, m->now_ms, 1 + below(m, 20));
    keyspace_reap_step(k, below(m, 50));
}

static void check_all(struct model *m)
{
    while (keyspace_expire_step(k, m->now_ms, 64) == 64) {
    }
    uint64_t all = 0, all_deadlines = 0;
    for (uint32_t db = 0; db < DBS; db++) {
        uint64_t count = 0, deadlines = 0, sum_ms = 0;
        for (uint32_t i = 0; i < NAMES; i++) {
            struct cell *c = live(m, db, i);
            count += c->there;
            deadlines += c->there && c->deadline_ms;
            if (c->there && c->deadline_ms) sum_ms += c->deadline_ms - m->now_ms;
            do_find(m, db, i);
        }
        MODEL_ASSERT(m, keyspace_size(k, db) == count);
        MODEL_ASSERT(m, keyspace_deadline_count(k, db) == deadlines);
        MODEL_ASSERT(m, keyspace_average_ttl_ms(k, db, m->now_ms) ==
                            (deadlines ? sum_ms / deadlines : 0));
        index_check(&keyspace_table(k, db)->index);
        all += count;
        all_deadlines += deadlines;
    }
    MODEL_ASSERT(m, tally.keys == all && tally.keys_with_deadline == all_deadlines);
}

static void step(struct model *m)
{
    uint32_t db = below(m, DBS), i = below(m, NAMES), dice = below(m, 1000);
    if (dice < 300)
        do_set(m, db, i);
    else if (dice < 400)
        do_edit(m, db, i);
    else if (dice < 450)
        do_int(m, db, i);
    else if (dice < 600)
        do_delete(m, db, i);
    else if (dice < 700)
        do_deadline(m, db, i);
    else if (dice < 750)
        do_transfer(m, db, i, true);
    else if (dice < 800)
        do_transfer(m, db, i, false);
    else if (dice < 950)
        do_find(m, db, i);
    else if (dice < 998)
        do_time(m);
    else if (dice < 999)
        do_swap(m, db);
    else if (below(m, 3) == 0)
        do_flush(m, db);
}

KEYSPACE_TEST(model, agrees_with_a_plain_map_under_random_operations, .timeout = 60)
{
    struct model *m = calloc(1, sizeof *m);
    m->seed = seed_from_environment();
    m->now_ms = START_MS;
    rng_seed(&m->rng, m->seed);
    for (m->step = 0; m->step < STEPS; m->step++) {
        step(m);
        if (m->step % CHECK_EVERY == 0) check_all(m);
    }
    check_all(m);
    for (uint32_t db = 0; db < DBS; db++)
        for (uint32_t i = 0; i < NAMES; i++) cell_clear(&m->cells[db][i]);
    free(m);
}
