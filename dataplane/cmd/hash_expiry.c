#include "dataplane/cmd/hash_expiry.h"
#include "dataplane/cmd/cmd.h"
#include "dataplane/cmd/job.h"

static void note_removal(struct server *s, uint32_t db, struct bytes key, struct bytes field)
{
    struct bytes argv[] = { BYTES_LITERAL("HDEL"), key, field };
    s->tally->expired_subkeys++;
    effects_add(&s->effects, db, argv, 3);
}

static void on_field(void *context, uint32_t db, struct bytes key, struct bytes field)
{
    struct server *s = context;
    if (UNLIKELY(jobs_are_watched(s))) jobs_tell_write(s, key);
    note_removal(s, db, key, field);
    effects_end_unit(&s->effects);
}

static void on_hash(void *context, uint32_t db, struct bytes key, uint32_t count, bool is_last)
{
    struct server *s = context;
    (void)count;
    if (!s->on_changed) return;
    s->on_changed(s, db, key, EVENT_HASH, "hexpired");
    if (is_last) s->on_changed(s, db, key, EVENT_GENERIC, "del");
}

void hash_expiry_open(struct server *s)
{
    struct hash_deadlines *d = &s->hash_deadlines;
    hash_deadlines_open(d, s->keyspace, s->now_ms);
    d->on_field = on_field;
    d->on_hash = on_hash;
    d->context = s;
}

uint32_t hash_expiry_step(struct server *s, uint64_t now_ms, uint32_t budget)
{
    return hash_deadlines_step(&s->hash_deadlines, now_ms, budget);
}

uint64_t hash_expiry_next_ms(const struct server *s)
{
    return hash_deadlines_next_ms(&s->hash_deadlines);
}

// Within the command's own unit, ahead of its effect: what it says holds for a hash without this
// field.
void call_expire_field(struct call *call, struct hash_place *place, struct bytes field)
{
    if (LIKELY(!hash_remove_expired(place, field))) return;
    note_removal(call->server, place->db, place->key->name, field);
    call_changed(call, place->key, EVENT_HASH, "hexpired");
    if (!place->entry) call_changed(call, place->key, EVENT_GENERIC, "del");
}
