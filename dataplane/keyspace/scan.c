// Over many keys: SCAN and KEYS, RANDOMKEY, DEBUG HTSTATS.
#include <stdio.h>
#include "dataplane/keyspace/keyspace_priv.h"
#include "dataplane/base/check.h"

struct live_visit {
    void (*visit)(void *context, const struct entry *e);
    void *context;
    uint64_t now_ms;
    uint64_t shown;
};

static void visit_live(void *context, void *item)
{
    struct live_visit *v = context;
    const struct entry *e = item;
    if (entry_is_expired(e, v->now_ms)) return;
    v->shown++;
    v->visit(v->context, e);
}

uint64_t keyspace_scan(struct keyspace *k, uint32_t db, uint64_t cursor, uint64_t count,
                       uint64_t now_ms, void (*visit)(void *context, const struct entry *e),
                       void *context)
{
    if (UNLIKELY(k->joint != NULL)) return joint_scan(k, db, cursor, count, now_ms, visit, context);
    const struct index *x = &keyspace_table(k, db)->index;
    struct live_visit v = { visit, context, now_ms, 0 };
    uint64_t buckets = 0;
    do {
        cursor = index_scan(x, cursor, visit_live, &v);
    } while (cursor && v.shown < count && ++buckets / KEYSPACE_SCAN_BUCKETS < count);
    return cursor;
}

struct entry *keyspace_random(struct keyspace *k, uint32_t db, struct rng *rng, uint64_t now_ms)
{
    if (UNLIKELY(k->joint != NULL)) return joint_random(k, db, rng, now_ms);
    k->now_ms = now_ms;
    struct table *t = keyspace_table(k, db);
    for (uint32_t i = 0;; i++) {
        struct entry *e = index_random(&t->index, rng);
        // Past the bound a dead key is shown: as Redis's replicas do, and only with active expiry
        // off.
        if (!e || !entry_is_expired(e, now_ms) || i == RANDOM_EXPIRED_MAX) return e;
        if (!k->expiry_is_paused) entry_expire(k, t, entry_hash(e, &k->hash_key), e);
    }
}

void keyspace_stats(const struct keyspace *k, uint32_t db, char *text, uint32_t text_bytes)
{
    if (UNLIKELY(k->joint != NULL)) {
        joint_stats(k, db, text, text_bytes);
        return;
    }
    const struct table *t = keyspace_table(k, db);
    const struct index *x = &t->index;
    uint64_t slots = (uint64_t)x->segment_count * INDEX_SEGMENT_SLOTS;
    snprintf(text, text_bytes,
             "[Dictionary HT]\n"
             "Segmented table of database %u:\n"
             " keys: %llu\n with deadline: %llu\n segments: %u\n depth: %u, directory bytes: %llu\n"
             " slots: %llu (%.2f%% in use)\n in stash buckets: %llu (%.2f%%)\n table bytes: %llu\n",
             db, (unsigned long long)x->count, (unsigned long long)t->deadline_count,
             x->segment_count, x->depth, (unsigned long long)x->directory_bytes,
             (unsigned long long)slots, slots ? 100.0 * (double)x->count / (double)slots : 0,
             (unsigned long long)x->stash_count,
             x->count ? 100.0 * (double)x->stash_count / (double)x->count : 0,
             (unsigned long long)index_memory_bytes(x));
}
