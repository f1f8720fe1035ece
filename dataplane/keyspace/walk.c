#include "dataplane/keyspace/walk.h"
#include "dataplane/base/check.h"
#include "dataplane/keyspace/keyspace_priv.h"

struct new_key {
    uint64_t hash;
    size_t size;
    uint8_t name[];
};

static uint64_t hash_of_new(const void *context, const void *item)
{
    (void)context;
    return ((const struct new_key *)item)->hash;
}

static bool is_named(const void *item, const void *key)
{
    const struct new_key *n = item;
    return bytes_equal(bytes_make(n->name, n->size), *(const struct bytes *)key);
}

static void give_new(void *context, void *item)
{
    struct keyspace_walk *w = context;
    struct new_key *n = item;
    w->new_bytes -= sizeof *n + n->size;
    heap_give(w->keyspace->heap, n, sizeof *n + n->size, HEAP_OTHER);
}

static struct new_key *find_new(const struct keyspace_walk *w, const struct entry *e, uint64_t hash)
{
    struct bytes name = entry_key(e);
    if (w->new_keys.count == 0) return NULL;
    return index_find(&w->new_keys, hash, is_named, &name);
}

static bool is_to_come(const struct keyspace_walk *w, uint64_t hash)
{
    return !w->is_done && hash >> (64 - INDEX_CURSOR_BITS) >= w->position;
}

static void show(struct keyspace_walk *w, const struct entry *e)
{
    if (!entry_is_expired(e, w->now_ms)) w->show(w->context, e);
}

static void pass_over(struct keyspace_walk *w, struct bytes name, uint64_t hash)
{
    struct new_key *new_key = heap_take(w->keyspace->heap, sizeof *new_key + name.size, HEAP_OTHER);
    *new_key = (struct new_key){ hash, name.size };
    if (name.size) memcpy(new_key->name, name.data, name.size);
    w->new_bytes += sizeof *new_key + name.size;
    index_insert(&w->new_keys, hash, new_key);
}

// ---- what happens to the table meanwhile

void walks_note_insert(struct table *t, uint64_t hash, const struct entry *e)
{
    for (struct list_node *n = list_first(&t->walks); n; n = list_next(&t->walks, n)) {
        struct keyspace_walk *w = LIST_OWNER(n, struct keyspace_walk, link);
        if (is_to_come(w, hash)) pass_over(w, entry_key(e), hash);
    }
}

void keyspace_walk_show_now(struct keyspace_walk *w, const struct key *key)
{
    const struct entry *e = w->table ? table_find(w->table, key) : NULL;
    if (!e || !is_to_come(w, key->hash) || find_new(w, e, key->hash)) return;
    pass_over(w, key->name, key->hash);
    show(w, e);
}

uint64_t keyspace_walk_bytes(const struct keyspace_walk *w)
{
    enum { SLOT_BYTES = 16 }; // of the index, about
    return w->new_bytes + w->new_keys.count * SLOT_BYTES;
}

void walks_note_remove(struct table *t, uint64_t hash, const struct entry *e)
{
    for (struct list_node *n = list_first(&t->walks); n; n = list_next(&t->walks, n)) {
        struct keyspace_walk *w = LIST_OWNER(n, struct keyspace_walk, link);
        if (!is_to_come(w, hash)) continue;
        struct new_key *new_key = find_new(w, e, hash);
        if (!new_key) {
            show(w, e);
            // Should the name come back, it is new then.
            continue;
        }
        CHECK(index_remove(&w->new_keys, hash, new_key));
        give_new(w, new_key);
    }
}

// ---- going through it

static void enter(struct keyspace_walk *w, struct keyspace *k)
{
    w->keyspace = k;
    w->table = keyspace_table(k, w->db);
    w->position = 0;
    index_init(&w->new_keys, k->heap, hash_of_new, NULL);
    list_append(&w->table->walks, &w->link);
}

static void leave(struct keyspace_walk *w)
{
    list_remove(&w->table->walks, &w->link);
    w->table = NULL;
}

static void give_all_new(struct keyspace_walk *w)
{
    while (index_drain(&w->new_keys, UINT32_MAX, give_new, w)) {
    }
}

void keyspace_walk_begin(struct keyspace_walk *w, struct keyspace *k, uint32_t db, uint64_t now_ms,
                         void (*shows)(void *context, const struct entry *e), void *context)
{
    *w = (struct keyspace_walk){ .db = db, .now_ms = now_ms, .show = shows, .context = context };
    if (UNLIKELY(k->joint != NULL)) w->joint = k;
    enter(w, w->joint ? k->joint->homes[0] : k);
}

static void visit(void *context, void *item)
{
    struct keyspace_walk *w = context;
    const struct entry *e = item;
    if (UNLIKELY(w->new_keys.count) && find_new(w, e, entry_hash(e, &w->keyspace->hash_key)))
        return;
    show(w, e);
}

bool keyspace_walk_step(struct keyspace_walk *w)
{
    if (w->is_done) return true;
    w->position = index_scan(&w->table->index, w->position, visit, w);
    if (w->position) return false;
    if (w->joint && w->home + 1 < w->joint->joint->count) {
        leave(w);
        give_all_new(w);
        enter(w, w->joint->joint->homes[++w->home]);
        return false;
    }
    w->is_done = true;
    return true;
}

bool keyspace_walk_end_step(struct keyspace_walk *w, uint32_t budget)
{
    w->is_done = true;
    if (w->table) leave(w);
    return index_drain(&w->new_keys, budget, give_new, w) < budget;
}

void keyspace_walk_end(struct keyspace_walk *w)
{
    while (!keyspace_walk_end_step(w, UINT32_MAX)) {
    }
}
