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

// ---- what happens to the table meanwhile

void walks_note_insert(struct table *t, uint64_t hash, const struct entry *e)
{
    for (struct list_node *n = list_first(&t->walks); n; n = list_next(&t->walks, n)) {
        struct keyspace_walk *w = LIST_OWNER(n, struct keyspace_walk, link);
        if (!is_to_come(w, hash)) continue;
        struct bytes name = entry_key(e);
        struct new_key *new_key =
            heap_take(w->keyspace->heap, sizeof *new_key + name.size, HEAP_OTHER);
        *new_key = (struct new_key){ hash, name.size };
        if (name.size) memcpy(new_key->name, name.data, name.size);
        index_insert(&w->new_keys, hash, new_key);
    }
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
        enter(w, w->joint->joint->homes[++w->home]);
        return false;
    }
    w->is_done = true;
    return true;
}

void keyspace_walk_end(struct keyspace_walk *w)
{
    if (!w->table) return;
    w->is_done = true;
    leave(w);
}
