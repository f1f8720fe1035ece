#include "dataplane/keyspace/evict.h"
#include "dataplane/base/check.h"
#include "dataplane/keyspace/keyspace_priv.h"

// Keys with deadlines are drawn among all keys while they are not rare, else from the wheel.
enum { DRAWS_MAX = 32 };

void keyspace_on_evicted(struct keyspace *k,
                         void (*hook)(void *context, uint32_t db, struct bytes key), void *context)
{
    CHECK(!k->joint);
    k->on_evicted = hook;
    k->on_evicted_context = context;
}

// ---- drawing

// Databases by their number of keys.
static struct table *draw_table(struct keyspace *k)
{
    if (k->key_count == 0) return NULL;
    uint64_t at = rng_below(&k->rng, k->key_count);
    for (uint32_t db = 0; db < k->database_count; db++) {
        uint64_t count = k->dbs[db]->index.count;
        if (at < count) return k->dbs[db];
        at -= count;
    }
    return NULL;
}

static struct entry *draw_from_wheel(struct keyspace *k)
{
    for (uint32_t i = 0; i < DRAWS_MAX; i++) {
        struct wheel_timer *timer = wheel_any(&k->wheel, rng_next(&k->rng));
        if (!timer) return NULL;
        struct entry *e = entry_of_timer(timer);
        if (k->tables[e->table_id]->db != TABLE_DETACHED) return e;
    }
    return NULL;
}

static struct entry *draw(struct keyspace *k, bool only_with_deadline)
{
    if (only_with_deadline && k->deadline_count == 0) return NULL;
    for (uint32_t i = 0; i < DRAWS_MAX; i++) {
        struct table *t = draw_table(k);
        struct entry *e = t ? index_random(&t->index, &k->rng) : NULL;
        if (!e || !only_with_deadline || e->has_deadline) return e;
    }
    return draw_from_wheel(k);
}

// ---- choosing

// The larger, the sooner it goes.
static uint64_t worth(const struct keyspace *k, const struct entry *e, enum evict_by by)
{
    switch (by) {
    case EVICT_BY_IDLE:
        return entry_idle_s(k, e, k->now_ms);
    case EVICT_BY_FREQUENCY:
        return 255 - entry_frequency(k, e, k->now_ms);
    case EVICT_BY_DEADLINE:
        return UINT64_MAX - entry_deadline_ms(e);
    case EVICT_BY_CHANCE:
        break;
    }
    return 0;
}

static bool is_same(const struct evict_candidate *c, uint32_t db, struct bytes name)
{
    return c->db == db && bytes_equal(bytes_make(c->name, c->size), name);
}

// The pool is sorted, the best candidate last. A full one drops its worst.
static void offer(struct keyspace *k, const struct entry *e, uint64_t score)
{
    struct evict_pool *p = &k->evict_pool;
    struct bytes name = entry_key(e);
    uint32_t db = (uint32_t)k->tables[e->table_id]->db, at = 0;
    if (name.size > EVICT_NAME_MAX) return;
    for (uint32_t i = 0; i < p->count; i++)
        if (is_same(&p->candidates[i], db, name)) return;
    if (p->count == EVICT_POOL_SIZE) {
        if (score <= p->candidates[0].score) return;
        memmove(&p->candidates[0], &p->candidates[1],
                (EVICT_POOL_SIZE - 1) * sizeof p->candidates[0]);
        p->count--;
    }
    while (at < p->count && p->candidates[at].score < score) at++;
    memmove(&p->candidates[at + 1], &p->candidates[at], (p->count - at) * sizeof p->candidates[0]);
    struct evict_candidate *c = &p->candidates[at];
    *c = (struct evict_candidate){ .score = score, .db = db, .size = (uint8_t)name.size };
    if (name.size) memcpy(c->name, name.data, name.size);
    p->count++;
}

static struct entry *take_best(struct keyspace *k, bool only_with_deadline)
{
    struct evict_pool *p = &k->evict_pool;
    while (p->count) {
        const struct evict_candidate *c = &p->candidates[--p->count];
        struct key key = key_make(k, bytes_make(c->name, c->size));
        struct entry *e =
            c->db < k->database_count ? table_find(keyspace_table(k, c->db), &key) : NULL;
        if (e && (e->has_deadline || !only_with_deadline)) return e; // else gone meanwhile
    }
    return NULL;
}

static struct entry *choose(struct keyspace *k, const struct evict_rule *rule)
{
    if (rule->by == EVICT_BY_CHANCE) return draw(k, rule->only_with_deadline);
    if (k->evict_pool.by != rule->by) k->evict_pool.count = 0; // scores of another kind
    k->evict_pool.by = rule->by;
    struct entry *last = NULL;
    for (uint32_t i = 0; i < rule->samples; i++) {
        struct entry *e = draw(k, rule->only_with_deadline);
        if (!e) break;
        last = e;
        offer(k, e, worth(k, e, rule->by));
    }
    struct entry *best = take_best(k, rule->only_with_deadline);
    return best ? best : last; // names too long for the pool
}

bool keyspace_evict(struct keyspace *k, const struct evict_rule *rule, uint64_t now_ms)
{
    CHECK(!k->joint);
    k->now_ms = now_ms;
    struct entry *e = choose(k, rule);
    if (!e) return false;
    struct table *t = k->tables[e->table_id];
    if (k->on_evicted) k->on_evicted(k->on_evicted_context, (uint32_t)t->db, entry_key(e));
    k->tally->evicted_keys++;
    keyspace_table_remove(k, t, entry_hash(e, &k->hash_key), e);
    return true;
}
