// Pending entries against a plain array; a copy stays as it is. The seed is printed with every
// failure and is taken from PENSTOCK_SEED when that is set.
#include "dataplane/types/stream_group.h"
#include "dataplane/types/stream_priv.h"
#include "tests/unit/keyspace/keyspace_fixture.h"

enum { IDS = 3000, CONSUMERS = 7, NOBODY = CONSUMERS };

struct row {
    bool is_pending;
    uint32_t consumer;
    int64_t delivered_ms;
    uint64_t count;
};
struct model {
    struct row rows[IDS];
    bool has_consumer[CONSUMERS];
};

static struct rng rng;
static uint64_t seed;
static struct stream_groups groups;

static uint32_t below(uint32_t n) { return (uint32_t)rng_below(&rng, n); }
static void model_assert(bool holds_true, int line, const char *text)
{
    cr_assert(holds_true, "seed %llu line %d: %s", (unsigned long long)seed, line, text);
}
#define MODEL_ASSERT(condition) model_assert((condition), __LINE__, #condition)

static struct stream_id id_of(uint32_t i) { return (struct stream_id){ i / 5, i % 5 }; }
static struct bytes name_of(uint32_t consumer, char name[16])
{
    return bytes_make(name, (size_t)sprintf(name, "c%u", consumer * 7 % 5 * 100 + consumer));
}

static struct stream_consumer *consumer_of(const struct stream_group *g, uint32_t n)
{
    char name[16];
    return n == NOBODY ? NULL : stream_consumer_find(g, name_of(n, name));
}

static void compare_lists(const struct model *m, const struct stream_group *g, uint32_t consumer)
{
    struct stream_pending_iter i;
    struct stream_pending p;
    uint32_t first = below(IDS);
    const struct stream_consumer *c = consumer_of(g, consumer);
    stream_pending_iter_init(&i, g, c, id_of(first));
    for (uint32_t n = first; n < IDS; n++) {
        const struct row *r = &m->rows[n];
        if (!r->is_pending || (c && r->consumer != consumer)) continue;
        MODEL_ASSERT(stream_pending_iter_next(&i, &p));
        MODEL_ASSERT(stream_id_compare(p.id, id_of(n)) == 0);
        MODEL_ASSERT(p.delivered_ms == r->delivered_ms && p.delivery_count == r->count);
        MODEL_ASSERT(p.consumer == consumer_of(g, r->consumer));
    }
    MODEL_ASSERT(!stream_pending_iter_next(&i, &p));
}

static void compare(const struct model *m, const struct stream_group *g)
{
    uint64_t count = 0, owned = 0;
    for (uint32_t i = 0; i < IDS; i++) count += m->rows[i].is_pending;
    MODEL_ASSERT(g->pending.count == count);
    for (uint32_t c = 0; c < CONSUMERS; c++) {
        MODEL_ASSERT((consumer_of(g, c) != NULL) == m->has_consumer[c]);
        if (m->has_consumer[c]) compare_lists(m, g, c);
        if (m->has_consumer[c]) owned += consumer_of(g, c)->pending.count;
    }
    compare_lists(m, g, NOBODY);
    for (uint32_t i = 0; i < IDS; i++)
        count -= m->rows[i].is_pending && m->rows[i].consumer != NOBODY;
    MODEL_ASSERT(owned + count == g->pending.count);
    for (uint32_t i = 1; i < g->consumer_count; i++) // in the order of their names
        MODEL_ASSERT(strncmp((const char *)g->consumers[i - 1]->name,
                             (const char *)g->consumers[i]->name, 4) < 0);
}

static void change(struct model *m, struct stream_group *g)
{
    struct tree_space *space = keyspace_space(k);
    uint32_t n = below(IDS), consumer = below(CONSUMERS + 1), what = below(100);
    struct row *r = &m->rows[n];
    char name[16];
    if (what < 2 && consumer != NOBODY) {
        bool is_new = stream_consumer_new(space, g, name_of(consumer, name), 5) != NULL;
        MODEL_ASSERT(is_new == !m->has_consumer[consumer]);
        m->has_consumer[consumer] = true;
    } else if (what < 3 && consumer_of(g, consumer) && below(4) == 0) {
        while (!stream_consumer_drop(space, g, consumer_of(g, consumer), 1 + below(50))) continue;
        m->has_consumer[consumer] = false;
        for (uint32_t i = 0; i < IDS; i++)
            if (m->rows[i].consumer == consumer) m->rows[i].is_pending = false;
    } else if (what < 40) {
        MODEL_ASSERT(stream_pending_remove(space, g, id_of(n)) == r->is_pending);
        r->is_pending = false;
    } else if (consumer == NOBODY || m->has_consumer[consumer]) {
        *r = (struct row){ true, consumer, below(1000000), rng_next(&rng) };
        struct stream_pending p = { id_of(n), r->delivered_ms, r->count, consumer_of(g, consumer) };
        stream_pending_put(space, g, &p);
    }
}

Test(stream_group, keeps_what_is_pending_as_a_plain_array_does)
{
    struct model *m = calloc(1, sizeof *m), *before = calloc(1, sizeof *before);
    struct stream_groups copy = { 0 };
    open_keyspace();
    seed = seed_from_environment();
    rng_seed(&rng, seed);
    groups = (struct stream_groups){ 0 };
    struct stream_group *g =
        stream_group_new(keyspace_space(k), &groups, BYTES_LITERAL("g"), STREAM_ID_ZERO, 0);
    for (uint32_t step = 0; step < 40000; step++) {
        change(m, g);
        if (step % 2000 == 0) compare(m, g);
        if (step % 5000 != 100) continue;
        if (copy.count) compare(before, copy.groups[0]);
        stream_groups_drop(keyspace_space(k), &copy);
        stream_groups_copy(keyspace_space(k), &groups, &copy);
        *before = *m;
    }
    compare(before, copy.groups[0]);
    change(before, copy.groups[0]); // it is a group of its own
    compare(before, copy.groups[0]);
    compare(m, g);
    cr_expect_gt(stream_groups_memory_bytes(&groups), 0);
    stream_groups_drop(keyspace_space(k), &copy);
    stream_groups_drop(keyspace_space(k), &groups);
    close_keyspace();
    free(m);
    free(before);
}

KEYSPACE_TEST(stream_group, sorts_groups_by_name_and_refuses_a_name_twice)
{
    static const char *const names[] = { "b", "", "ab", "a", "b0" };
    static const char *const sorted[] = { "", "a", "ab", "b", "b0" };
    struct tree_space *space = keyspace_space(k);
    groups = (struct stream_groups){ 0 };
    for (uint32_t i = 0; i < 5; i++)
        cr_assert(stream_group_new(space, &groups, bytes_text(names[i]), STREAM_ID_ZERO, 0) != NULL);
    cr_expect(stream_group_new(space, &groups, BYTES_LITERAL("ab"), STREAM_ID_ZERO, 0) == NULL);
    for (uint32_t i = 0; i < 5; i++)
        cr_expect(bytes_equal(stream_group_name(groups.groups[i]), bytes_text(sorted[i])));
    stream_group_drop(space, &groups, stream_group_find(&groups, BYTES_LITERAL("a")));
    cr_expect(stream_group_find(&groups, BYTES_LITERAL("a")) == NULL);
    cr_expect(stream_group_find(&groups, BYTES_LITERAL("b0")) == groups.groups[3]);
    stream_groups_drop(space, &groups);
}

KEYSPACE_TEST(stream_group, gives_the_slot_of_a_dropped_consumer_to_the_next)
{
    struct tree_space *space = keyspace_space(k);
    char name[16];
    groups = (struct stream_groups){ 0 };
    struct stream_group *g =
        stream_group_new(space, &groups, BYTES_LITERAL("g"), STREAM_ID_ZERO, 0);
    for (uint32_t i = 0; i < 100; i++) {
        struct stream_consumer *c = stream_consumer_new(space, g, name_of(i, name), 1);
        cr_assert(c && c->active_ms == STREAM_NEVER_ACTIVE);
        if (i % 2) stream_consumer_drop(space, g, c, 1);
    }
    cr_expect_eq(g->consumer_count, 50);
    cr_expect_leq(g->slot_count, 51);
    stream_groups_drop(space, &groups);
}
