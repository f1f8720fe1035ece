// keyspace_priv.h: what the files of keyspace/ share.
//
// Thread:  the shard that owns the keyspace
// Memory:  struct keyspace owns everything here unless it says otherwise
#pragma once
#include <string.h>
#include "dataplane/base/list.h"
#include "dataplane/base/wheel.h"
#include "dataplane/keyspace/entry.h"
#include "dataplane/keyspace/evict.h"
#include "dataplane/keyspace/index.h"
#include "dataplane/keyspace/keyspace.h"
#include "dataplane/keyspace/placement.h"
#include "dataplane/keyspace/reaper.h"
#include "dataplane/keyspace/tree.h"

enum {
    TABLE_DETACHED = -1,
    TABLE_ID_MAX = 65535, // entries name their table in 16 bits
    EXPIRE_BATCH = 32,    // fired deadlines whose buckets are fetched together
    LFU_INIT = 5,         // a new key's counter, so that it is not evicted at once
    LFU_LOG_FACTOR = 10,  // Redis's defaults
    LFU_DECAY_MIN = 1,
    RANDOM_EXPIRED_MAX = 100,   // expired keys that one keyspace_random removes
    KEYSPACE_SCAN_BUCKETS = 10, // per key: as Redis, a sparse table costs a call no more than this
};

// The keys of one database. SWAPDB exchanges two databases' tables, FLUSHDB detaches one.
struct table {
    struct index index;
    uint64_t deadline_count;
    unsigned __int128 deadline_sum_ms; // of all deadlines: the average TTL without sampling
    int32_t db;                        // or TABLE_DETACHED
    uint16_t id;                       // its place in keyspace.tables
    struct table *next;                // of the detached ones
    struct list walks;                 // under way over it (walk.h)
};

struct evict_candidate {
    uint64_t score;
    uint32_t db;
    uint8_t size;
    uint8_t name[EVICT_NAME_MAX];
};
struct evict_pool {
    uint32_t count;
    enum evict_by by;
    struct evict_candidate candidates[EVICT_POOL_SIZE + 1];
};

// The keyspaces that a joint one stands for.
struct joint {
    const struct placement *placement; // borrowed
    uint32_t count;
    struct keyspace *homes[PLACEMENT_SHARDS_MAX]; // borrowed
};

struct keyspace {
    struct heap *heap;         // borrowed
    struct shard_tally *tally; // borrowed
    struct hash_key hash_key;
    uint64_t now_ms; // as last passed by a caller
    uint64_t dirty;
    uint64_t key_count, deadline_count; // over all databases

    struct joint *joint; // joint.h; NULL: it has tables of its own, which follow
    struct table **dbs;  // by database number; each is one of tables
    uint32_t database_count;
    struct table **tables; // by id; NULL: the id is free
    uint32_t table_count, table_room;
    struct table *detached_first, *detached_last;
    uint64_t detached_keys;

    struct reaper reaper; // what was detached of collections
    struct tree_space space;

    struct rng rng; // LFU's dice
    bool lfu;
    uint32_t lfu_log_factor, lfu_decay_min;

    // Deadlines. A wheel cannot go back, the wall clock can: ticks are wall clock plus skew_ms,
    // which grows by what the clock was set back. A timer armed before that fires early by as much
    // and is armed once more; none fires late.
    bool active_expire, expiry_is_paused, expiry_is_ignored;
    uint64_t skew_ms;
    uint64_t tick; // latest
    struct wheel wheel;
    struct entry *fired[EXPIRE_BATCH];
    uint32_t fired_count;
    void (*on_expired)(void *context, uint32_t db, struct bytes key);
    void *on_expired_context;
    void (*on_created)(void *context, uint32_t db, const struct entry *e);
    void *on_created_context;
    void (*on_gone)(void *context, uint32_t db, struct bytes key);
    void *on_gone_context;
    void (*on_missed)(void *context, uint32_t db, struct bytes key);
    void *on_missed_context;
    void (*on_evicted)(void *context, uint32_t db, struct bytes key);
    void *on_evicted_context;
    struct evict_pool evict_pool;
    struct hash_deadlines *hash_deadlines; // borrowed
};

// ---- joint.c: what a call about a key or an entry goes on to, and calls about whole databases.
// With keys in transit: where it is, in whatever database; else where it would be made.
struct keyspace *joint_home_in_transit(const struct keyspace *k, struct bytes name);
struct keyspace *joint_home_of_entry(const struct keyspace *k, const struct entry *e);
static inline struct keyspace *joint_home(const struct keyspace *k, struct bytes name)
{
    if (UNLIKELY(k->joint->placement->move.is_active)) return joint_home_in_transit(k, name);
    return k->joint->homes[placement_shard(k->joint->placement, name)];
}
static inline struct keyspace *home_of(const struct keyspace *k, const struct key *key)
{
    return LIKELY(!k->joint) ? (struct keyspace *)(uintptr_t)k : joint_home(k, key->name);
}
static inline struct keyspace *home_of_entry(const struct keyspace *k, const struct entry *e)
{
    if (LIKELY(!k->joint)) return (struct keyspace *)(uintptr_t)k;
    return joint_home_of_entry(k, e);
}
// e goes from db of `from` to db of `to`, which has no such key (takeover.h).
void keyspace_take_over(struct keyspace *to, struct keyspace *from, uint32_t db, struct entry *e);
// The same, v being its value made anew in the heap of `to`, which takes it over.
void keyspace_take_over_as(struct keyspace *to, struct keyspace *from, uint32_t db, struct entry *e,
                           const struct value *v);
bool keyspace_has_name(const struct keyspace *k, struct bytes name); // in any database
void joint_close(struct keyspace *k);
struct entry *joint_rename(struct keyspace *k, uint32_t from_db, struct entry *e, uint32_t to_db,
                           const struct key *to, uint64_t now_ms);
struct entry *joint_copy(struct keyspace *k, uint32_t from_db, struct entry *e, uint32_t to_db,
                         const struct key *to, uint64_t now_ms);
struct entry *joint_random(struct keyspace *k, uint32_t db, struct rng *rng, uint64_t now_ms);
uint64_t joint_size(const struct keyspace *k, uint32_t db);
uint64_t joint_table_bytes(const struct keyspace *k, uint32_t db);
uint64_t joint_deadline_count(const struct keyspace *k, uint32_t db);
uint64_t joint_average_ttl_ms(const struct keyspace *k, uint32_t db, uint64_t now_ms);
uint64_t joint_flush(struct keyspace *k, uint32_t db);
void joint_swap(struct keyspace *k, uint32_t db_a, uint32_t db_b);
uint64_t joint_scan(struct keyspace *k, uint32_t db, uint64_t cursor, uint64_t count,
                    uint64_t now_ms, void (*visit)(void *context, const struct entry *e),
                    void *context);
uint64_t joint_dirty(const struct keyspace *k, uint64_t homes);
void joint_stats(const struct keyspace *k, uint32_t db, char *text, uint32_t text_bytes);

static inline struct table *keyspace_table(const struct keyspace *k, uint32_t db)
{
    return k->dbs[db];
}
static inline void keyspace_publish(struct keyspace *k)
{
    k->tally->keys = k->key_count;
    k->tally->keys_with_deadline = k->deadline_count;
}

// ---- keyspace.c
static inline bool entry_is_named(const void *item, const void *key) // key: a struct bytes
{
    const struct entry *e = item;
    const struct bytes *name = key;
    if (e->key_size != name->size) return false;
    return name->size == 0 || memcmp(entry_key_data(e), name->data, name->size) == 0;
}
static inline struct entry *table_find(const struct table *t, const struct key *key)
{
    return index_find(&t->index, key->hash, entry_is_named, &key->name);
}
// In a database that may be empty; one that has expired, too.
static inline struct entry *keyspace_find_in(const struct keyspace *k, uint32_t db,
                                             const struct key *key)
{
    const struct table *t = keyspace_table(k, db);
    return t->index.count ? table_find(t, key) : NULL;
}
// As table_find, but an expired key is removed and counts as absent.
struct entry *keyspace_table_find_live(struct keyspace *k, struct table *t, const struct key *key,
                                       uint64_t now_ms);
// Puts v at key, in existing's memory when the class is the same; existing is the entry of key, or
// NULL when there is none. deadline_ms KEYSPACE_NO_DEADLINE: without. Takes over v->blob.
struct entry *keyspace_table_put(struct keyspace *k, struct table *t, const struct key *key,
                                 struct entry *existing, const struct value *v,
                                 uint64_t deadline_ms);
void keyspace_table_remove(struct keyspace *k, struct table *t, uint64_t hash, struct entry *e);

// The entry that key's new value takes the place of, the caller's or one it did not ask for.
static inline struct entry *entry_in_place(const struct table *t, const struct key *key,
                                           struct entry *existing)
{
    return existing ? existing : table_find(t, key);
}

// ---- walk.c
void walks_note_insert(struct table *t, uint64_t hash, const struct entry *e); // after it
void walks_note_remove(struct table *t, uint64_t hash, const struct entry *e); // before it

// ---- value.c
void keyspace_entry_free(struct keyspace *k, struct entry *e); // with its object
// e's object has gone to another owner.
static inline void entry_forget_object(struct entry *e) { e->encoding = ENCODING_RAW; }
// The bytes of existing (or of a new value) made exactly size bytes long; old: what they are now,
// old_blob: where, when in a blob. grows: likely to grow again, so a blob gets room for it.
struct edit {
    enum value_type type;
    enum value_encoding encoding;
    struct bytes old;
    struct blob *old_blob;
    size_t size;
    bool grows;
};
struct entry *keyspace_edit(struct keyspace *k, struct table *t, const struct key *key,
                            struct entry *existing, const struct edit *edit, uint8_t **bytes);
// All of the size class that size bytes need is capacity: small growth then costs no allocation.
static inline size_t blob_capacity(size_t size)
{
    return heap_usable(sizeof(struct blob) + size) - sizeof(struct blob);
}

// ---- expire.c
void entry_deadline_set(struct keyspace *k, struct table *t, struct entry *e, uint64_t deadline_ms);
void entry_deadline_clear(struct keyspace *k, struct table *t,
                          struct entry *e); // before e is freed
static inline bool entry_is_expired(const struct entry *e, uint64_t now_ms)
{
    return e->has_deadline && entry_deadline_of(e)->at_ms <= now_ms;
}
void entry_expire(struct keyspace *k, struct table *t, uint64_t hash, struct entry *e);

// ---- reap.c
struct table *keyspace_table_new(struct keyspace *k, uint32_t db);
void keyspace_table_free(struct keyspace *k, struct table *t); // index is drained

// ---- access.c
uint32_t entry_access_new(const struct keyspace *k); // the clock field of a new value
void entry_access_touch(struct keyspace *k, struct entry *e);
