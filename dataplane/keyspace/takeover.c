#include "dataplane/keyspace/takeover.h"
#include "dataplane/base/check.h"
#include "dataplane/base/clock.h"
#include "dataplane/keyspace/keyspace_priv.h"
#include "dataplane/keyspace/takeover_giant.h"

#define POSITION_END (1ull << INDEX_CURSOR_BITS)

enum { BUCKET_ITEMS_MAX = INDEX_SLOTS * (1 + INDEX_STASHES) };

bool keyspace_has_name(const struct keyspace *k, struct bytes name)
{
    struct key key = key_make(k, name);
    for (uint32_t db = 0; db < k->database_count; db++)
        if (keyspace_find_in(k, db, &key)) return true;
    return false;
}

uint32_t keyspace_fetch(struct keyspace *to, struct keyspace *from, struct bytes name)
{
    struct key key = key_make(from, name);
    uint32_t count = 0;
    for (uint32_t db = 0; db < from->database_count; db++) {
        struct entry *e = keyspace_find_in(from, db, &key);
        if (!e) continue;
        keyspace_take_over(to, from, db, e);
        count++;
    }
    return count;
}

// ---- giants

static void begin_giant(struct takeover *t, struct bytes name)
{
    t->giant = takeover_giant_begin(t->to, t->from, name);
}

// True: none is on its way any more.
static bool step_giant(struct takeover *t, uint64_t until_tsc)
{
    if (!t->giant) return true;
    if (!takeover_giant_step(t->giant, until_tsc, &t->keys)) return false;
    takeover_giant_end(t->giant);
    t->giant = NULL;
    return true;
}

bool takeover_step_for(struct takeover *t, struct bytes name, uint64_t until_tsc)
{
    while (keyspace_has_giant(t->from, name)) {
        if (!t->giant) begin_giant(t, name);
        if (!step_giant(t, until_tsc)) return false;
    }
    return true;
}

// ---- a strip of hash space: the narrowest bucket of all databases, at the same place in each

struct strip {
    struct takeover *takeover;
    uint64_t end;
    bool is_of_one_database;
    struct bytes giant; // one of its names; NULL: it has none
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

static bool is_of_giant(const struct strip *s, const struct entry *e)
{
    if (entry_is_giant(e)) return true;
    return !s->is_of_one_database && keyspace_has_giant(s->takeover->from, entry_key(e));
}

// A giant stays, with all that its name stands for.
static void take(struct strip *s, uint32_t db, struct entry *e)
{
    struct takeover *t = s->takeover;
    if (UNLIKELY(is_of_giant(s, e))) {
        s->giant = entry_key(e);
        return;
    }
    keyspace_take_over(t->to, t->from, db, e);
    t->keys++;
}

// One with a giant is gone through once more, when that has gone.
static void take_strip(struct takeover *t, const uint32_t *dbs, uint32_t db_count)
{
    struct strip s = { .takeover = t, .end = POSITION_END, .is_of_one_database = db_count == 1 };
    for (uint32_t i = 0; i < db_count; i++) {
        uint64_t next = index_scan_next(&keyspace_table(t->from, dbs[i])->index, t->position);
        if (next && next < s.end) s.end = next;
    }
    for (uint32_t i = 0; i < db_count; i++) {
        s.count = 0;
        index_scan(&keyspace_table(t->from, dbs[i])->index, t->position, gather, &s);
        for (uint32_t item = 0; item < s.count; item++) take(&s, dbs[i], s.items[item]);
    }
    if (s.giant.data)
        begin_giant(t, s.giant);
    else
        t->position = s.end;
}

bool takeover_step(struct takeover *t, uint64_t until_tsc)
{
    struct keyspace *from = t->from;
    size_t bytes = from->database_count * sizeof(uint32_t);
    uint32_t *dbs = heap_take(from->heap, bytes, HEAP_OTHER), count = 0;
    for (uint32_t db = 0; db < from->database_count; db++)
        if (keyspace_size(from, db)) dbs[count++] = db;
    do
        if (step_giant(t, until_tsc)) take_strip(t, dbs, count);
    while (t->position < POSITION_END && clock_tsc() < until_tsc);
    heap_give(from->heap, dbs, bytes, HEAP_OTHER);
    return t->position == POSITION_END;
}
