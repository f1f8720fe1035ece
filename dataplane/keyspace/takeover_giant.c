#include "dataplane/keyspace/takeover_giant.h"
#include "dataplane/base/clock.h"
#include "dataplane/keyspace/keyspace_priv.h"
#include "dataplane/keyspace/remake.h"

enum { GIANT_BYTES = 64 * 1024 }; // of the value: up to here it is made anew in some 50 us

struct remade { // a value of the name
    struct remade *next;
    uint16_t table_id; // its database may get another number meanwhile
    struct remake *remake;
};
struct takeover_giant {
    struct keyspace *to, *from;
    struct remade *remade; // the first one may be under way, the others are complete
    bool is_under_way;
    size_t name_size;
    uint8_t name[];
};

bool entry_is_giant(const struct entry *e)
{
    return remake_may(e) && entry_memory_bytes(e) > GIANT_BYTES;
}

bool keyspace_has_giant(const struct keyspace *k, struct bytes name)
{
    struct key key = key_make(k, name);
    for (uint32_t db = 0; db < k->database_count; db++) {
        const struct entry *e = keyspace_find_in(k, db, &key);
        if (e && entry_is_giant(e)) return true;
    }
    return false;
}

static struct key key_of(const struct takeover_giant *g)
{
    return key_make(g->from, bytes_make(g->name, g->name_size));
}

struct takeover_giant *takeover_giant_begin(struct keyspace *to, struct keyspace *from,
                                            struct bytes name)
{
    struct takeover_giant *g = heap_take(from->heap, sizeof *g + name.size, HEAP_OTHER);
    *g = (struct takeover_giant){ .to = to, .from = from, .name_size = name.size };
    if (name.size) memcpy(g->name, name.data, name.size);
    return g;
}

static struct remade *find_remade(const struct takeover_giant *g, const struct entry *e)
{
    struct remade *r = g->remade;
    while (r && r->table_id != e->table_id) r = r->next;
    return r;
}

// False: there is none that was not begun.
static bool begin_next(struct takeover_giant *g, const struct key *key)
{
    for (uint32_t db = 0; db < g->from->database_count; db++) {
        const struct entry *e = keyspace_find_in(g->from, db, key);
        if (!e || !entry_is_giant(e) || find_remade(g, e)) continue;
        struct remade *r = heap_take(g->from->heap, sizeof *r, HEAP_OTHER);
        *r = (struct remade){ g->remade, e->table_id, remake_begin(g->from, e, g->to) };
        g->remade = r;
        g->is_under_way = true;
        return true;
    }
    return false;
}

static void put(struct takeover_giant *g, uint32_t db, struct entry *e)
{
    const struct remade *r = find_remade(g, e);
    if (!r) {
        keyspace_take_over(g->to, g->from, db, e);
        return;
    }
    struct value made = remake_take(r->remake);
    keyspace_take_over_as(g->to, g->from, db, e, &made);
}

static uint32_t put_all(struct takeover_giant *g, const struct key *key)
{
    uint32_t count = 0;
    for (uint32_t db = 0; db < g->from->database_count; db++) {
        struct entry *e = keyspace_find_in(g->from, db, key);
        if (e) put(g, db, e);
        count += e != NULL;
    }
    return count;
}

bool takeover_giant_step(struct takeover_giant *g, uint64_t until_tsc, uint64_t *keys)
{
    struct key key = key_of(g);
    if (!keyspace_has_name(g->from, key.name)) return true;
    while (g->is_under_way || begin_next(g, &key)) {
        if (!remake_step(g->remade->remake, until_tsc)) return false;
        g->is_under_way = false;
    }
    *keys += put_all(g, &key);
    return true;
}

void takeover_giant_end(struct takeover_giant *g)
{
    for (struct remade *next, *r = g->remade; r; r = next) {
        next = r->next;
        remake_end(r->remake);
        heap_give(g->from->heap, r, sizeof *r, HEAP_OTHER);
    }
    heap_give(g->from->heap, g, sizeof *g + g->name_size, HEAP_OTHER);
}
