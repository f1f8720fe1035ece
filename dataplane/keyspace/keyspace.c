#include "dataplane/keyspace/keyspace_priv.h"
#include "dataplane/base/check.h"
#include "dataplane/keyspace/object.h"

// ---- open and close

enum status keyspace_open(struct keyspace **out, struct heap *heap,
                          const struct keyspace_config *config, struct shard_tally *tally,
                          uint64_t now_ms)
{
    CHECK(config->database_count >= 1 && config->database_count <= 16384);
    CHECK(tally);
    struct keyspace *k = heap_take_zeroed(heap, sizeof *k, HEAP_TABLES);
    k->heap = heap;
    k->tally = tally;
    k->hash_key = config->hash_key;
    k->now_ms = k->tick = now_ms;
    k->lfu = config->lfu;
    k->lfu_log_factor = LFU_LOG_FACTOR;
    k->lfu_decay_min = LFU_DECAY_MIN;
    k->active_expire = true;
    rng_seed(&k->rng, config->hash_key.k0 ^ config->hash_key.k1);
    wheel_init(&k->wheel, now_ms);
    reaper_init(&k->reaper, heap);
    k->space = (struct tree_space){ heap, &k->reaper, config->hash_key };
    k->database_count = config->database_count;
    k->dbs = heap_take_zeroed(heap, k->database_count * sizeof(struct table *), HEAP_TABLES);
    for (uint32_t db = 0; db < k->database_count; db++) k->dbs[db] = keyspace_table_new(k, db);
    keyspace_publish(k);
    *out = k;
    return OK;
}

void keyspace_close(struct keyspace *k)
{
    if (!k) return;
    if (UNLIKELY(k->joint != NULL)) {
        joint_close(k);
        return;
    }
    for (uint32_t db = 0; db < k->database_count; db++) keyspace_flush(k, db);
    while (keyspace_reap_step(k, UINT32_MAX)) {
    }
    for (uint32_t db = 0; db < k->database_count; db++) keyspace_table_free(k, k->dbs[db]);
    struct heap *heap = k->heap;
    heap_give(heap, k->tables, k->table_room * sizeof(struct table *), HEAP_TABLES);
    heap_give(heap, k->dbs, k->database_count * sizeof(struct table *), HEAP_TABLES);
    heap_give(heap, k, sizeof *k, HEAP_TABLES);
}

// ---- finding

struct key key_make(const struct keyspace *k, struct bytes name)
{
    return (struct key){ name, siphash_13(name.data, name.size, &k->hash_key) };
}

void keyspace_prefetch_bucket(const struct keyspace *k, uint32_t db, const struct key *key)
{
    index_prefetch_bucket(&keyspace_table(home_of(k, key), db)->index, key->hash);
}

void keyspace_prefetch_entry(const struct keyspace *k, uint32_t db, const struct key *key)
{
    index_prefetch_item(&keyspace_table(home_of(k, key), db)->index, key->hash);
}

void keyspace_prefetch_put(const struct keyspace *k, uint32_t db, const struct key *key)
{
    index_prefetch_room(&keyspace_table(home_of(k, key), db)->index, key->hash);
}

bool keyspace_reserve_step(struct keyspace *k, uint32_t db, uint64_t keys, uint64_t *position)
{
    CHECK(!k->joint);
    return index_reserve_step(&keyspace_table(k, db)->index, keys, position);
}

struct entry *keyspace_table_find_live(struct keyspace *k, struct table *t, const struct key *key,
                                       uint64_t now_ms)
{
    struct entry *e = table_find(t, key);
    if (!e || LIKELY(!entry_is_expired(e, now_ms))) return e;
    if (UNLIKELY(k->expiry_is_ignored)) return e;
    if (LIKELY(!k->expiry_is_paused)) entry_expire(k, t, key->hash, e);
    return NULL;
}

struct entry *keyspace_find(struct keyspace *k, uint32_t db, const struct key *key,
                            enum find_flags flags, uint64_t now_ms)
{
    k = home_of(k, key);
    k->now_ms = now_ms;
    struct entry *e = keyspace_table_find_live(k, keyspace_table(k, db), key, now_ms);
    if (flags == FIND_READ || flags == FIND_PEEK) {
        k->tally->keyspace_hits += e != NULL;
        k->tally->keyspace_misses += e == NULL;
        if (UNLIKELY(!e && k->on_missed)) k->on_missed(k->on_missed_context, db, key->name);
    }
    if (e && (flags == FIND_READ || flags == FIND_WRITE)) entry_access_touch(k, e);
    return e;
}

struct entry *keyspace_peek(const struct keyspace *k, uint32_t db, const struct key *key)
{
    return table_find(keyspace_table(home_of(k, key), db), key);
}

// ---- putting and removing

static bool put_fits(const struct entry *existing, const struct value *v, bool has_deadline)
{
    return existing->has_deadline == has_deadline &&
           entry_class(has_deadline, existing->key_size, value_inline_bytes(v)) ==
               entry_class_of(existing);
}

static struct entry *put_in_place(struct keyspace *k, struct table *t, struct entry *e,
                                  const struct value *v, uint64_t deadline_ms)
{
    struct blob *old = e->has_blob ? entry_blob(e) : NULL;
    struct object *object = encoding_is_object(entry_encoding(e)) ? entry_object(e) : NULL;
    entry_set_value(e, v);
    if (old) blob_release(old);
    if (UNLIKELY(object && object != v->object)) object->ops->close(object, k);
    if (deadline_ms) entry_deadline_set(k, t, e, deadline_ms);
    return e;
}

// The same object under another encoding's name is no other value.
static void tell_replaced(struct keyspace *k, const struct table *t, const struct entry *e,
                          const struct value *v)
{
    if (v->object && encoding_is_object(entry_encoding(e)) && entry_object(e) == v->object) return;
    k->on_gone(k->on_gone_context, (uint32_t)t->db, entry_key(e));
}

// While expiry is paused one that nobody finds may stand in the way.
static void expire_hidden(struct keyspace *k, struct table *t, const struct key *key)
{
    struct entry *e = table_find(t, key);
    if (e) entry_expire(k, t, key->hash, e);
}

struct entry *keyspace_table_put(struct keyspace *k, struct table *t, const struct key *key,
                                 struct entry *existing, const struct value *v,
                                 uint64_t deadline_ms)
{
    if (UNLIKELY(k->expiry_is_paused) && !existing) expire_hidden(k, t, key);
    bool has_deadline = deadline_ms != KEYSPACE_NO_DEADLINE;
    if (UNLIKELY(k->on_gone != NULL) && existing) tell_replaced(k, t, existing, v);
    if (existing && LIKELY(put_fits(existing, v, has_deadline)))
        return put_in_place(k, t, existing, v, deadline_ms);

    struct entry *e = entry_new(k->heap, key, value_inline_bytes(v), has_deadline);
    e->table_id = t->id;
    entry_set_value(e, v);
    if (existing) {
        index_replace(&t->index, key->hash, existing, e);
        entry_deadline_clear(k, t, existing);
        if (UNLIKELY(v->object) && encoding_is_object(entry_encoding(existing)) &&
            entry_object(existing) == v->object)
            entry_forget_object(existing);
        keyspace_entry_free(k, existing);
    } else {
        index_insert(&t->index, key->hash, e);
        k->key_count++;
        if (UNLIKELY(t->walks.count)) walks_note_insert(t, key->hash, e);
    }
    if (has_deadline) entry_deadline_set(k, t, e, deadline_ms);
    keyspace_publish(k);
    if (UNLIKELY(k->on_created != NULL) && !existing)
        k->on_created(k->on_created_context, (uint32_t)t->db, e);
    return e;
}

void keyspace_table_remove(struct keyspace *k, struct table *t, uint64_t hash, struct entry *e)
{
    if (UNLIKELY(t->walks.count)) walks_note_remove(t, hash, e);
    if (UNLIKELY(k->on_gone != NULL)) k->on_gone(k->on_gone_context, (uint32_t)t->db, entry_key(e));
    CHECK(index_remove(&t->index, hash, e));
    entry_deadline_clear(k, t, e);
    keyspace_entry_free(k, e);
    k->key_count--;
    keyspace_publish(k);
}

bool keyspace_delete(struct keyspace *k, uint32_t db, const struct key *key, uint64_t now_ms)
{
    k = home_of(k, key);
    k->now_ms = now_ms;
    struct table *t = keyspace_table(k, db);
    struct entry *e = keyspace_table_find_live(k, t, key, now_ms);
    if (!e) return false;
    keyspace_table_remove(k, t, key->hash, e);
    k->dirty++;
    return true;
}

void keyspace_delete_entry(struct keyspace *k, uint32_t db, struct entry *e)
{
    k = home_of_entry(k, e);
    struct table *t = keyspace_table(k, db);
    CHECK(e->table_id == t->id);
    keyspace_table_remove(k, t, entry_hash(e, &k->hash_key), e);
    k->dirty++;
}

// ---- moving and copying

// Puts v, with the deadline of from, at to; what is there goes, whatever its type. from is found
// again by its address: it does not move, being another entry than the one replaced.
static struct entry *put_elsewhere(struct keyspace *k, const struct entry *from,
                                   const struct value *v, uint32_t to_db, const struct key *to)
{
    struct table *t = keyspace_table(k, to_db);
    struct entry *existing = keyspace_table_find_live(k, t, to, k->now_ms);
    CHECK(existing != from);
    k->dirty++;
    return keyspace_table_put(k, t, to, existing, v, entry_deadline_ms(from));
}

static bool is_same_place(const struct keyspace *k, uint32_t from_db, const struct entry *e,
                          uint32_t to_db, const struct key *to)
{
    return from_db == to_db && table_find(keyspace_table(k, to_db), to) == e;
}

struct entry *keyspace_rename(struct keyspace *k, uint32_t from_db, struct entry *e, uint32_t to_db,
                              const struct key *to, uint64_t now_ms)
{
    if (UNLIKELY(k->joint != NULL)) return joint_rename(k, from_db, e, to_db, to, now_ms);
    k->now_ms = now_ms;
    struct table *from = keyspace_table(k, from_db);
    CHECK(e->table_id == from->id);
    if (is_same_place(k, from_db, e, to_db, to)) return e;
    struct value v = entry_value(e);
    struct entry *moved = put_elsewhere(k, e, &v, to_db, to);
    if (v.object) entry_forget_object(e);
    keyspace_table_remove(k, from, entry_hash(e, &k->hash_key), e);
    return moved;
}

struct entry *keyspace_copy(struct keyspace *k, uint32_t from_db, struct entry *e, uint32_t to_db,
                            const struct key *to, uint64_t now_ms)
{
    if (UNLIKELY(k->joint != NULL)) return joint_copy(k, from_db, e, to_db, to, now_ms);
    k->now_ms = now_ms;
    CHECK(e->table_id == keyspace_table(k, from_db)->id);
    if (is_same_place(k, from_db, e, to_db, to)) return e;
    struct value v = entry_value(e);
    v.access = entry_access_new(k);
    if (v.object) v.object = v.object->ops->copy(v.object, k);
    return put_elsewhere(k, e, &v, to_db, to);
}

void keyspace_swap(struct keyspace *k, uint32_t db_a, uint32_t db_b)
{
    if (UNLIKELY(k->joint != NULL)) {
        joint_swap(k, db_a, db_b);
        return;
    }
    struct table *a = k->dbs[db_a], *b = k->dbs[db_b];
    k->dbs[db_a] = b;
    k->dbs[db_b] = a;
    b->db = (int32_t)db_a;
    a->db = (int32_t)db_b;
    k->dirty++;
}

// ---- counts

uint64_t keyspace_size(const struct keyspace *k, uint32_t db)
{
    if (UNLIKELY(k->joint != NULL)) return joint_size(k, db);
    return keyspace_table(k, db)->index.count;
}
uint64_t keyspace_table_bytes(const struct keyspace *k, uint32_t db)
{
    if (UNLIKELY(k->joint != NULL)) return joint_table_bytes(k, db);
    return index_memory_bytes(&keyspace_table(k, db)->index);
}

uint64_t keyspace_deadline_count(const struct keyspace *k, uint32_t db)
{
    if (UNLIKELY(k->joint != NULL)) return joint_deadline_count(k, db);
    return keyspace_table(k, db)->deadline_count;
}
uint64_t keyspace_dirty(const struct keyspace *k)
{
    return keyspace_dirty_among(k, UINT64_MAX);
}
uint64_t keyspace_dirty_among(const struct keyspace *k, uint64_t homes)
{
    return LIKELY(!k->joint) ? k->dirty : joint_dirty(k, homes);
}
void keyspace_add_dirty(struct keyspace *k, uint64_t n) { k->dirty += n; }
