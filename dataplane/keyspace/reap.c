// Tables that a flush took out of their database, and what was detached of collections: nobody sees
// them any more, their memory comes back in slices.
#include "dataplane/keyspace/keyspace_priv.h"
#include "dataplane/base/check.h"

enum { TABLE_ROOM_FIRST = 16, REAP_NOW = 4096 };

static uint64_t hash_of_entry(const void *context, const void *item)
{
    return entry_hash(item, context);
}

// The lowest free id; tables grows when there is none.
static uint32_t take_id(struct keyspace *k)
{
    if (k->table_count < k->table_room)
        for (uint32_t id = 0; id < k->table_room; id++)
            if (!k->tables[id]) return id;
    uint32_t room = k->table_room ? k->table_room * 2 : TABLE_ROOM_FIRST;
    k->tables = heap_resize(k->heap, k->tables, k->table_room * sizeof(struct table *),
                            room * sizeof(struct table *), HEAP_TABLES);
    memset(k->tables + k->table_room, 0, (room - k->table_room) * sizeof(struct table *));
    uint32_t id = k->table_room;
    k->table_room = room;
    return id;
}

struct table *keyspace_table_new(struct keyspace *k, uint32_t db)
{
    // Only a client that does nothing but fill and flush thousands of databases gets here.
    while (k->table_count == TABLE_ID_MAX) CHECK(keyspace_reap_step(k, REAP_NOW));
    struct table *t = heap_take_zeroed(k->heap, sizeof *t, HEAP_TABLES);
    uint32_t id = take_id(k);
    t->id = (uint16_t)id;
    list_init(&t->walks);
    t->db = (int32_t)db;
    index_init(&t->index, k->heap, hash_of_entry, &k->hash_key);
    k->tables[id] = t;
    k->table_count++;
    return t;
}

void keyspace_table_free(struct keyspace *k, struct table *t)
{
    CHECK(t->index.count == 0 && t->index.root == NULL);
    k->tables[t->id] = NULL;
    k->table_count--;
    heap_give(k->heap, t, sizeof *t, HEAP_TABLES);
}

uint64_t keyspace_flush(struct keyspace *k, uint32_t db)
{
    if (UNLIKELY(k->joint != NULL)) return joint_flush(k, db);
    struct table *t = keyspace_table(k, db);
    uint64_t count = t->index.count;
    if (!t->index.root) return 0;
    k->dbs[db] = keyspace_table_new(k, db);
    t->db = TABLE_DETACHED;
    if (k->detached_last)
        k->detached_last->next = t;
    else
        k->detached_first = t;
    k->detached_last = t;
    k->detached_keys += count;
    k->key_count -= count;
    k->deadline_count -= t->deadline_count;
    k->dirty += count;
    k->tally->lazyfree_pending = keyspace_reap_pending(k);
    keyspace_publish(k);
    return count;
}

static void free_detached(void *context, void *item)
{
    struct keyspace *k = context;
    struct entry *e = item;
    if (e->has_deadline) wheel_cancel(&k->wheel, &entry_deadline_of(e)->timer);
    keyspace_entry_free(k, e);
    k->detached_keys--;
}

uint32_t keyspace_reap_step(struct keyspace *k, uint32_t budget)
{
    CHECK(!k->joint);
    uint32_t done = 0;
    while (done < budget && k->detached_first) {
        struct table *t = k->detached_first;
        if (t->walks.count) break; // somebody is still to be shown what it held
        done += index_drain(&t->index, budget - done, free_detached, k);
        if (t->index.root) continue;
        k->detached_first = t->next;
        if (!t->next) k->detached_last = NULL;
        keyspace_table_free(k, t);
        if (done < budget) done++; // the table itself is work too
    }
    if (done < budget) done += reaper_step(&k->reaper, budget - done);
    k->tally->lazyfree_pending = keyspace_reap_pending(k);
    return done;
}

uint64_t keyspace_reap_pending(const struct keyspace *k)
{
    CHECK(!k->joint);
    return k->detached_keys + k->reaper.pending;
}
