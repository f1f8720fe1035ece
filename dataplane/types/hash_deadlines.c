#include "dataplane/types/hash_deadlines.h"
#include "dataplane/types/hash_priv.h"

// What a unit of the budget is: a timer that fires, half of taking a field out of two trees, half
// of closing an object and dropping its key. Measured: 512 of them take some 80 us.
enum { WORK_FIELD = 2, WORK_KEY = 2 };

void hash_deadlines_open(struct hash_deadlines *d, struct keyspace *k, uint64_t now_ms)
{
    *d = (struct hash_deadlines){ .keyspace = k, .tick = now_ms };
    wheel_init(&d->wheel, now_ms);
    list_init(&d->due);
    keyspace_set_hash_deadlines(k, d);
}

// ---- timers of objects

void hash_timer_arm(struct hash_deadlines *d, struct hash_timer *t, uint64_t deadline_ms)
{
    if (!d || list_node_is_linked(&t->due)) return; // looked at soon anyway
    uint64_t tick = deadline_ms > UINT64_MAX - d->skew_ms ? UINT64_MAX : deadline_ms + d->skew_ms;
    if (wheel_is_armed(&t->timer)) {
        if (t->timer.deadline <= tick) return;
        wheel_cancel(&d->wheel, &t->timer);
    }
    wheel_arm(&d->wheel, &t->timer, tick);
}

void hash_timer_cancel(struct hash_deadlines *d, struct hash_timer *t)
{
    if (!d) return;
    wheel_cancel(&d->wheel, &t->timer);
    if (list_node_is_linked(&t->due)) list_remove(&d->due, &t->due);
}

void hash_timer_moved(struct hash_timer *t)
{
    if (wheel_is_armed(&t->timer)) wheel_moved(&t->timer);
    if (list_node_is_linked(&t->due)) list_moved(&t->due);
}

static void on_fire(void *context, struct wheel_timer *timer)
{
    struct hash_deadlines *d = context;
    list_append(&d->due, &LIST_OWNER(timer, struct hash_timer, timer)->due);
}

// ---- what is due

// Up to count_max fields of o, which is on no list; returns how many went. p->entry is NULL when
// the last of them took the key.
static uint32_t expire_fields(struct hash_deadlines *d, struct hash_place *p, struct hash_object *o,
                              uint32_t count_max)
{
    uint32_t count = 0;
    uint64_t deadline_ms;
    char scratch[24];
    struct bytes field;
    while (count < count_max && hash_object_next(o, &deadline_ms, scratch, &field)) {
        struct packed_needle n;
        struct tree_cursor c;
        if (!hash_is_past(deadline_ms, p->now_ms)) break;
        if (d->on_field) d->on_field(d->context, p->db, p->key->name, field);
        count++;
        bool is_last = o->fields.count == 1;
        if (is_last && d->on_hash) d->on_hash(d->context, p->db, p->key->name, count, true);
        packed_needle_init(&n, field);
        CHECK(hash_object_find(p->keyspace, o, &n, &c));
        if (is_last) { // with the object
            keyspace_drop_entry(p->keyspace, p->db, p->entry);
            p->entry = NULL;
            return count;
        }
        hash_object_remove(p->keyspace, o, &c, &n);
    }
    if (count && d->on_hash) d->on_hash(d->context, p->db, p->key->name, count, false);
    return count;
}

static uint32_t expire_object(struct hash_deadlines *d, struct hash_object *o, uint64_t now_ms,
                              uint32_t budget)
{
    struct hash_place p = { .keyspace = d->keyspace, .entry = o->object.entry, .now_ms = now_ms };
    uint64_t deadline_ms;
    char scratch[24];
    struct bytes field;
    if (!p.entry || !entry_db(p.keyspace, p.entry, &p.db)) return 1; // not yet, or no longer, a key
    struct key key = { .name = entry_key(p.entry) };
    p.key = &key;
    uint32_t work = 1 + WORK_FIELD * expire_fields(d, &p, o, 1 + budget / WORK_FIELD);
    if (!p.entry) return work + WORK_KEY;
    if (!hash_object_next(o, &deadline_ms, scratch, &field)) return work;
    if (hash_is_past(deadline_ms, now_ms))
        list_append(&d->due, &o->timer.due); // behind the others
    else
        hash_timer_arm(d, &o->timer, deadline_ms);
    return work;
}

uint32_t hash_deadlines_step(struct hash_deadlines *d, uint64_t now_ms, uint32_t budget)
{
    if (!keyspace_active_expire(d->keyspace)) return 0;
    if (now_ms + d->skew_ms < d->tick) d->skew_ms = d->tick - now_ms;
    d->tick = now_ms + d->skew_ms;
    uint32_t done = wheel_advance(&d->wheel, d->tick, budget, on_fire, d);
    struct list_node *node;
    while (done < budget && (node = list_take_first(&d->due)) != NULL) {
        struct hash_timer *t = LIST_OWNER(node, struct hash_timer, due);
        struct hash_object *o = LIST_OWNER(t, struct hash_object, timer);
        done += expire_object(d, o, now_ms, budget - done);
    }
    return done;
}

uint64_t hash_deadlines_next_ms(const struct hash_deadlines *d)
{
    if (!keyspace_active_expire(d->keyspace)) return UINT64_MAX;
    if (d->due.count) return 0;
    uint64_t tick = wheel_next(&d->wheel);
    if (tick == UINT64_MAX) return UINT64_MAX;
    return tick > d->skew_ms ? tick - d->skew_ms : 0;
}
