#include "dataplane/keyspace/joint.h"
#include <stdio.h>
#include "dataplane/base/check.h"
#include "dataplane/keyspace/keyspace_priv.h"
#include "dataplane/keyspace/object.h"

#define CURSOR_END (1ull << INDEX_CURSOR_BITS)

enum status keyspace_open_joint(struct keyspace **out, struct heap *heap,
                                const struct placement *placement, struct keyspace *const *homes,
                                struct shard_tally *tally)
{
    CHECK(placement->shard_count >= 1 && placement->shard_count <= PLACEMENT_SHARDS_MAX);
    struct keyspace *k = heap_take_zeroed(heap, sizeof *k, HEAP_TABLES);
    k->joint = heap_take_zeroed(heap, sizeof *k->joint, HEAP_TABLES);
    k->joint->placement = placement;
    k->joint->count = placement->shard_count;
    for (uint32_t i = 0; i < k->joint->count; i++) {
        const struct hash_key *one = &homes[i]->hash_key, *first = &homes[0]->hash_key;
        CHECK(!homes[i]->joint && homes[i]->database_count == homes[0]->database_count);
        CHECK(one->k0 == first->k0 && one->k1 == first->k1);
        k->joint->homes[i] = homes[i];
    }
    k->heap = heap;
    k->tally = tally;
    k->hash_key = homes[0]->hash_key;
    k->database_count = homes[0]->database_count;
    *out = k;
    return OK;
}

void joint_close(struct keyspace *k)
{
    struct heap *heap = k->heap;
    heap_give(heap, k->joint, sizeof *k->joint, HEAP_TABLES);
    heap_give(heap, k, sizeof *k, HEAP_TABLES);
}

// ---- homes

static struct keyspace *old_home(const struct joint *j)
{
    return j->homes[j->placement->move.from];
}

struct keyspace *joint_home_in_transit(const struct keyspace *k, struct bytes name)
{
    const struct joint *j = k->joint;
    uint32_t slot = key_slot(name);
    if (!placement_is_in_transit(j->placement, slot))
        return j->homes[j->placement->shard_of_slot[slot]];
    bool is_there = keyspace_has_name(old_home(j), name);
    return is_there ? old_home(j) : j->homes[j->placement->move.to];
}

struct keyspace *joint_home_of_entry(const struct keyspace *k, const struct entry *e)
{
    return joint_home(k, bytes_make(entry_key_data(e), e->key_size));
}

bool keyspace_is_joint(const struct keyspace *k) { return k->joint != NULL; }

struct keyspace *keyspace_home(struct keyspace *k, struct bytes key)
{
    return LIKELY(!k->joint) ? k : joint_home(k, key);
}

struct tree_space *keyspace_space_for(struct keyspace *k, struct bytes key)
{
    return &keyspace_home(k, key)->space;
}

// ---- values that go from one home to another

static void unshare(struct object *o, struct keyspace *home)
{
    struct object_place place = { 0 };
    for (struct tree *t; (t = o->ops->next_tree(o, &place)) != NULL;) tree_unshare(&home->space, t);
    if (o->ops->settle) o->ops->settle(o, home);
}

// A value like v, of which nothing lies in v's heap but the bytes of a small one.
static struct value make_anew(struct value v, struct keyspace *home)
{
    if (v.blob) {
        struct blob *from = v.blob;
        v.blob = blob_new(home->heap, blob_capacity(from->size), HEAP_DATASET);
        v.blob->size = from->size;
        memcpy(v.blob->data, from->data, from->size);
        blob_release(from);
    }
    if (v.object) {
        v.object = v.object->ops->copy(v.object, home);
        unshare(v.object, home);
    }
    return v;
}

void keyspace_take_over(struct keyspace *to, struct keyspace *from, uint32_t db, struct entry *e)
{
    struct value v = make_anew(entry_value(e), to);
    keyspace_take_over_as(to, from, db, e, &v);
}

void keyspace_take_over_as(struct keyspace *to, struct keyspace *from, uint32_t db, struct entry *e,
                           const struct value *v)
{
    struct table *source = keyspace_table(from, db), *target = keyspace_table(to, db);
    struct key key = { entry_key(e), entry_hash(e, &from->hash_key) };
    CHECK(!from->joint && !to->joint && !table_find(target, &key));
    if (from->now_ms > to->now_ms) to->now_ms = from->now_ms;
    // To those who watch keys come and go nothing has happened.
    typeof(to->on_created) on_created = to->on_created;
    typeof(from->on_gone) on_gone = from->on_gone;
    to->on_created = NULL;
    from->on_gone = NULL;
    keyspace_table_put(to, target, &key, NULL, v, entry_deadline_ms(e));
    keyspace_table_remove(from, source, key.hash, e);
    to->on_created = on_created;
    from->on_gone = on_gone;
}

// In one go, whatever its size: all its homes stand still until then.
static struct entry *put_anew(struct keyspace *home, const struct entry *e, struct value v,
                              uint32_t to_db, const struct key *to, uint64_t now_ms)
{
    home->now_ms = now_ms;
    struct table *t = keyspace_table(home, to_db);
    struct entry *existing = keyspace_table_find_live(home, t, to, now_ms);
    v = make_anew(v, home);
    home->dirty++;
    return keyspace_table_put(home, t, to, existing, &v, entry_deadline_ms(e));
}

struct entry *joint_rename(struct keyspace *k, uint32_t from_db, struct entry *e, uint32_t to_db,
                           const struct key *to, uint64_t now_ms)
{
    struct keyspace *from = home_of_entry(k, e), *home = home_of(k, to);
    if (from == home) return keyspace_rename(home, from_db, e, to_db, to, now_ms);
    struct table *t = keyspace_table(from, from_db);
    CHECK(e->table_id == t->id);
    from->now_ms = now_ms;
    struct entry *moved = put_anew(home, e, entry_value(e), to_db, to, now_ms);
    keyspace_table_remove(from, t, entry_hash(e, &from->hash_key), e);
    return moved;
}

struct entry *joint_copy(struct keyspace *k, uint32_t from_db, struct entry *e, uint32_t to_db,
                         const struct key *to, uint64_t now_ms)
{
    struct keyspace *from = home_of_entry(k, e), *home = home_of(k, to);
    if (from == home) return keyspace_copy(home, from_db, e, to_db, to, now_ms);
    CHECK(e->table_id == keyspace_table(from, from_db)->id);
    home->now_ms = now_ms;
    struct value v = entry_value(e);
    v.access = entry_access_new(home);
    return put_anew(home, e, v, to_db, to, now_ms);
}

// ---- over all homes

uint64_t joint_size(const struct keyspace *k, uint32_t db)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < k->joint->count; i++) sum += keyspace_size(k->joint->homes[i], db);
    return sum;
}

uint64_t joint_table_bytes(const struct keyspace *k, uint32_t db)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < k->joint->count; i++)
        sum += keyspace_table_bytes(k->joint->homes[i], db);
    return sum;
}

uint64_t joint_deadline_count(const struct keyspace *k, uint32_t db)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < k->joint->count; i++)
        sum += keyspace_deadline_count(k->joint->homes[i], db);
    return sum;
}

uint64_t joint_average_ttl_ms(const struct keyspace *k, uint32_t db, uint64_t now_ms)
{
    unsigned __int128 sum_ms = 0;
    uint64_t count = joint_deadline_count(k, db);
    if (!count) return 0;
    for (uint32_t i = 0; i < k->joint->count; i++)
        sum_ms += keyspace_table(k->joint->homes[i], db)->deadline_sum_ms;
    uint64_t average_ms = (uint64_t)(sum_ms / count);
    return average_ms > now_ms ? average_ms - now_ms : 0;
}

uint64_t joint_dirty(const struct keyspace *k, uint64_t homes)
{
    uint64_t sum = k->dirty;
    for (uint32_t i = 0; i < k->joint->count; i++)
        if (homes >> i & 1) sum += k->joint->homes[i]->dirty;
    return sum;
}

uint64_t joint_flush(struct keyspace *k, uint32_t db)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < k->joint->count; i++) sum += keyspace_flush(k->joint->homes[i], db);
    return sum;
}

// One change, however many homes there are.
void joint_swap(struct keyspace *k, uint32_t db_a, uint32_t db_b)
{
    for (uint32_t i = 0; i < k->joint->count; i++) {
        keyspace_swap(k->joint->homes[i], db_a, db_b);
        if (i > 0) k->joint->homes[i]->dirty--;
    }
}

void joint_stats(const struct keyspace *k, uint32_t db, char *text, uint32_t text_bytes)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < k->joint->count && at + 1 < text_bytes; i++) {
        keyspace_stats(k->joint->homes[i], db, text + at, text_bytes - at);
        at += (uint32_t)strlen(text + at);
    }
}

// Homes by their number of keys. One that turns out to hold only dead keys is empty afterwards.
struct entry *joint_random(struct keyspace *k, uint32_t db, struct rng *rng, uint64_t now_ms)
{
    for (uint64_t all; (all = joint_size(k, db)) > 0;) {
        uint64_t at = rng_below(rng, all);
        uint32_t i = 0;
        for (uint64_t size; at >= (size = keyspace_size(k->joint->homes[i], db)); i++) at -= size;
        struct entry *e = keyspace_random(k->joint->homes[i], db, rng, now_ms);
        if (e) return e;
    }
    return NULL;
}

// ---- scanning

// A home with fewer keys has wider buckets: of those it shows what lies before the end of the
// narrowest, so that all of them are at the same place afterwards.
struct strip {
    const struct keyspace *home;
    uint64_t from, end; // cursors
    uint64_t now_ms, shown;
    void (*visit)(void *context, const struct entry *e);
    void *context;
};

static void visit_in_strip(void *context, void *item)
{
    struct strip *s = context;
    const struct entry *e = item;
    uint64_t place = entry_hash(e, &s->home->hash_key) >> (64 - INDEX_CURSOR_BITS);
    if (place < s->from || place >= s->end || entry_is_expired(e, s->now_ms)) return;
    s->shown++;
    s->visit(s->context, e);
}

static uint64_t strip_end(const struct keyspace *k, uint32_t db, uint64_t cursor)
{
    uint64_t end = CURSOR_END;
    for (uint32_t i = 0; i < k->joint->count; i++) {
        const struct index *x = &keyspace_table(k->joint->homes[i], db)->index;
        uint64_t next = index_scan_next(x, cursor);
        if (next && next < end) end = next;
    }
    return end;
}

uint64_t joint_scan(struct keyspace *k, uint32_t db, uint64_t cursor, uint64_t count,
                    uint64_t now_ms, void (*visit)(void *context, const struct entry *e),
                    void *context)
{
    uint64_t buckets = 0;
    struct strip s = {
        .end = cursor % CURSOR_END, .now_ms = now_ms, .visit = visit, .context = context
    };
    do {
        s.from = s.end;
        s.end = strip_end(k, db, s.from);
        for (uint32_t i = 0; i < k->joint->count; i++) {
            s.home = k->joint->homes[i];
            index_scan(&keyspace_table(s.home, db)->index, s.from, visit_in_strip, &s);
        }
    } while (s.end < CURSOR_END && s.shown < count && ++buckets / KEYSPACE_SCAN_BUCKETS < count);
    return s.end % CURSOR_END;
}
