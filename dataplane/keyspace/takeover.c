#include "dataplane/keyspace/takeover.h"
#include "dataplane/base/check.h"
#include "dataplane/base/clock.h"
#include "dataplane/keyspace/keyspace_priv.h"

#define POSITION_END (1ull << INDEX_CURSOR_BITS)

enum { BUCKET_ITEMS_MAX = INDEX_SLOTS * (1 + INDEX_STASHES) };

bool keyspace_has_name(const struct keyspace *k, struct bytes name)
{
    struct key key = key_make(k, name);
    for (uint32_t db = 0; db < k->database_count; db++) {
        const struct table *t = keyspace_table(k, db);
        if (t->index.count && table_find(t, &key)) return true;
    }
    return false;
}

uint32_t keyspace_fetch(struct keyspace *to, struct keyspace *from, struct bytes name)
{
    struct key key = key_make(from, name);
    uint32_t count = 0;
    for (uint32_t db = 0; db < from->database_count; db++) {
        const struct table *t = keyspace_table(from, db);
        struct entry *e = t->index.count ? table_find(t, &key) : NULL;
        if (!e) continue;
        keyspace_take_over(to, from, db, e);
        count++;
    }
    return count;
}

// ---- a strip of hash space: the narrowest bucket of all databases, at the same place in each

struct strip {
    struct takeover *takeover;
    uint64_t end;
    uint32_t count;
    struct entry *items[BUCKET_ITEMS_MAX];
};

static void gather(void *context, void *item)
{
    struct strip *s = context;
    const struct entry *e = item;
    const struct takeover *t = s->takeover;
    uint64_t place = entry_hash(e, &t->from->hash_key) >> (64 - INDEX_CURSOR_BITS);
    if (place < t->position || place >= s->end) return;
    if (!t->concerns(t->context, entry_key(e))) return;
    CHECK(s->count < BUCKET_ITEMS_MAX);
    s->items[s->count++] = item;
}

static void take_strip(struct takeover *t, const uint32_t *dbs, uint32_t db_count)
{
    struct strip s = { .takeover = t, .end = POSITION_END };
    for (uint32_t i = 0; i < db_count; i++) {
        uint64_t next = index_scan_next(&keyspace_table(t->from, dbs[i])->index, t->position);
        if (next && next < s.end) s.end = next;
    }
    for (uint32_t i = 0; i < db_count; i++) {
        s.count = 0;
        index_scan(&keyspace_table(t->from, dbs[i])->index, t->position, gather, &s);
        for (uint32_t item = 0; item < s.count; item++)
            keyspace_take_over(t->to, t->from, dbs[i], s.items[item]);
        t->keys += s.count;
    }
    t->position = s.end;
}

bool takeover_step(struct takeover *t, uint64_t until_tsc)
{
    struct keyspace *from = t->from;
    size_t bytes = from->database_count * sizeof(uint32_t);
    uint32_t *dbs = heap_take(from->heap, bytes, HEAP_OTHER), count = 0;
    for (uint32_t db = 0; db < from->database_count; db++)
        if (keyspace_size(from, db)) dbs[count++] = db;
    do take_strip(t, dbs, count);
    while (t->position < POSITION_END && clock_tsc() < until_tsc);
    heap_give(from->heap, dbs, bytes, HEAP_OTHER);
    return t->position == POSITION_END;
}
