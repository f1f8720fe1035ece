// Deadlines: the wheel that fires them, and what happens to a key whose time is over.
#include "dataplane/keyspace/keyspace_priv.h"
#include "dataplane/base/check.h"
#include "dataplane/base/prefetch.h"

static uint64_t deadline_tick(const struct keyspace *k, uint64_t deadline_ms)
{
    return deadline_ms > UINT64_MAX - k->skew_ms ? UINT64_MAX : deadline_ms + k->skew_ms;
}

void entry_deadline_set(struct keyspace *k, struct table *t, struct entry *e, uint64_t deadline_ms)
{
    CHECK(e->has_deadline && deadline_ms != KEYSPACE_NO_DEADLINE);
    struct entry_deadline *d = entry_deadline_of(e);
    if (d->at_ms == deadline_ms) return;
    entry_deadline_clear(k, t, e);
    d->at_ms = deadline_ms;
    wheel_arm(&k->wheel, &d->timer, deadline_tick(k, deadline_ms));
    t->deadline_count++;
    t->deadline_sum_ms += deadline_ms;
    k->deadline_count++;
    k->tally->keys_with_deadline = k->deadline_count;
}

// A deadline that fired is not armed any more but still counted until here: at_ms 0 says that it is
// neither.
void entry_deadline_clear(struct keyspace *k, struct table *t, struct entry *e)
{
    if (!e->has_deadline) return;
    struct entry_deadline *d = entry_deadline_of(e);
    if (d->at_ms == KEYSPACE_NO_DEADLINE) return;
    wheel_cancel(&k->wheel, &d->timer);
    t->deadline_count--;
    t->deadline_sum_ms -= d->at_ms;
    k->deadline_count--;
    d->at_ms = KEYSPACE_NO_DEADLINE;
}

struct entry *keyspace_set_deadline(struct keyspace *k, uint32_t db, struct entry *e,
                                    uint64_t deadline_ms)
{
    k = home_of_entry(k, e);
    struct table *t = keyspace_table(k, db);
    CHECK(e->table_id == t->id);
    k->dirty++;
    if (e->has_deadline && deadline_ms) {
        entry_deadline_set(k, t, e, deadline_ms);
        return e;
    }
    if (!e->has_deadline && !deadline_ms) return e;
    struct key key = { entry_key(e), entry_hash(e, &k->hash_key) };
    struct value v = entry_value(e);
    return keyspace_table_put(k, t, &key, e, &v, deadline_ms);
}

void entry_expire(struct keyspace *k, struct table *t, uint64_t hash, struct entry *e)
{
    if (k->on_expired) k->on_expired(k->on_expired_context, (uint32_t)t->db, entry_key(e));
    k->tally->expired_keys++;
    keyspace_table_remove(k, t, hash, e);
}

// ---- active expiry

// Keys whose deadlines fired go in batches, so that the lines of all their buckets are on their way
// before the first is needed.
static void expire_fired(struct keyspace *k)
{
    uint64_t hash[EXPIRE_BATCH];
    for (uint32_t i = 0; i < k->fired_count; i++) {
        hash[i] = entry_hash(k->fired[i], &k->hash_key);
        index_prefetch_bucket(&k->tables[k->fired[i]->table_id]->index, hash[i]);
    }
    for (uint32_t i = 0; i < k->fired_count; i++) {
        struct entry *e = k->fired[i];
        struct table *t = k->tables[e->table_id];
        uint64_t at_ms = entry_deadline_of(e)->at_ms;
        if (t->db == TABLE_DETACHED) continue; // flushed: the reaper frees it, nobody is told
        if (at_ms <= k->now_ms)
            entry_expire(k, t, hash[i], e);
        else // the clock was set back since it was armed
            wheel_arm(&k->wheel, &entry_deadline_of(e)->timer, deadline_tick(k, at_ms));
    }
    k->fired_count = 0;
}

static void on_fire(void *context, struct wheel_timer *timer)
{
    struct keyspace *k = context;
    struct entry *e = entry_of_timer(timer);
    prefetch(e);
    k->fired[k->fired_count++] = e;
    if (k->fired_count == EXPIRE_BATCH) expire_fired(k);
}

uint32_t keyspace_expire_step(struct keyspace *k, uint64_t now_ms, uint32_t budget)
{
    CHECK(!k->joint);
    k->now_ms = now_ms;
    if (!keyspace_active_expire(k)) return 0;
    if (now_ms + k->skew_ms < k->tick) k->skew_ms = k->tick - now_ms;
    k->tick = now_ms + k->skew_ms;
    uint32_t done = wheel_advance(&k->wheel, k->tick, budget, on_fire, k);
    expire_fired(k);
    return done;
}

uint64_t keyspace_next_deadline_ms(const struct keyspace *k)
{
    CHECK(!k->joint);
    uint64_t tick = wheel_next(&k->wheel);
    if (!keyspace_active_expire(k) || tick == UINT64_MAX) return UINT64_MAX;
    return tick > k->skew_ms ? tick - k->skew_ms : 0;
}

void keyspace_set_active_expire(struct keyspace *k, bool on)
{
    CHECK(!k->joint);
    k->active_expire = on;
}
bool keyspace_active_expire(const struct keyspace *k)
{
    CHECK(!k->joint);
    return k->active_expire && !k->expiry_is_paused;
}
void keyspace_pause_expiry(struct keyspace *k, bool on)
{
    CHECK(!k->joint);
    k->expiry_is_paused = on;
}
void keyspace_ignore_expiry(struct keyspace *k, bool on)
{
    CHECK(!k->joint);
    k->expiry_is_ignored = on;
}

void keyspace_on_expired(struct keyspace *k,
                         void (*hook)(void *context, uint32_t db, struct bytes key), void *context)
{
    CHECK(!k->joint);
    k->on_expired = hook;
    k->on_expired_context = context;
}

uint64_t keyspace_average_ttl_ms(const struct keyspace *k, uint32_t db, uint64_t now_ms)
{
    if (UNLIKELY(k->joint != NULL)) return joint_average_ttl_ms(k, db, now_ms);
    const struct table *t = keyspace_table(k, db);
    if (!t->deadline_count) return 0;
    uint64_t average_ms = (uint64_t)(t->deadline_sum_ms / t->deadline_count);
    return average_ms > now_ms ? average_ms - now_ms : 0;
}
