#include "dataplane/lane/persist_tally.h"
#include "dataplane/cmd/persist.h"
#include "dataplane/cmd/server.h"

// Another shard may be writing it.
#define LOOK(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)

// Every shard goes through the whole file: it is over when the last of them has. Commands of a log
// follow.
static uint64_t done_by_all(const struct persist *p)
{
    uint64_t bytes = p->load_file_bytes;
    for (uint32_t i = 0; i < p->shard_count; i++) {
        uint64_t done = LOOK(p->shards[i].loaded_bytes);
        if (done < bytes) bytes = done;
    }
    return bytes + p->load_log_done;
}

static void tell_load(const struct persist *p, struct persist_tally *out)
{
    out->is_loading = persist_is_loading(p);
    out->is_reading = persist_reads(p);
    for (uint32_t i = 0; i < p->shard_count; i++) {
        out->load_keys += LOOK(p->shards[i].keys_loaded);
        out->load_expired_keys += LOOK(p->shards[i].keys_expired);
    }
    if (!out->is_reading) return;
    out->load_bytes = p->load_file_bytes + p->load_log_bytes;
    out->load_done_bytes = done_by_all(p);
}

// Another shard's clock may have been read later.
static int64_t seconds_since(const struct server *s, uint64_t started_ms)
{
    return started_ms < s->now_ms ? (int64_t)((s->now_ms - started_ms) / 1000) : 0;
}

static void tell_save(const struct server *s, const struct persist *p, struct persist_tally *out)
{
    out->is_saving = persist_is_saving(p) && !persist_is_saving_base(p);
    if (out->is_saving) out->save_s = seconds_since(s, p->started_ms);
}

static void tell_last_save(const struct persist *p, struct persist_last *out)
{
    *out = (struct persist_last){ .unix_s = p->last_save_s,
                                  .is_ok = LOOK(p->last_ok),
                                  .took_s = p->last_took_s,
                                  .took_ms = p->last_took_ms,
                                  .bytes = p->last_file_bytes,
                                  .extra_bytes = p->last_extra_bytes,
                                  .count = p->saves };
    for (uint32_t i = 0; i < p->shard_count; i++) out->dirty += p->shards[i].dirty_saved;
}

// One that was asked for has not begun.
static int64_t rewrite_s(const struct server *s, const struct aof *a)
{
    if (!aof_is_rewriting(s)) return -1;
    return LOOK(a->is_rewriting) ? seconds_since(s, LOOK(a->rewrite_started_ms)) : 0;
}

static void tell_log(const struct server *s, const struct persist *p, struct persist_tally *out)
{
    const struct aof *a = &p->aof;
    out->has_log = aof_state(a) != AOF_OFF || aof_is_asked_on(a);
    out->is_rewriting = aof_is_rewriting(s);
    out->is_rewrite_scheduled = aof_is_scheduled(s);
    out->rewrite_s = rewrite_s(s, a);
    out->last_rewrite_s = LOOK(a->last_rewrite_s);
    out->last_rewrite_ok = LOOK(a->last_rewrite_ok);
    out->last_rewrite_extra_bytes = LOOK(a->last_extra_bytes);
    out->rewrites = LOOK(a->rewrites);
    out->rewrite_failures = LOOK(a->failures);
    out->is_log_writable = !aof_error(s);
    out->log_bytes = aof_current_bytes(s);
    out->log_base_bytes = LOOK(a->base_bytes);
    for (uint32_t i = 0; i < p->shard_count; i++) out->lost_logs += LOOK(a->shards[i].has_lost);
}

// All but the last snapshot. Without a disk nothing was done, and nothing has failed.
static void tell(const struct server *s, struct persist_tally *out)
{
    *out = (struct persist_tally){ .save_s = -1,
                                   .last_save = { .is_ok = 1, .took_s = -1 },
                                   .rewrite_s = -1,
                                   .last_rewrite_s = -1,
                                   .last_rewrite_ok = 1,
                                   .is_log_writable = 1 };
    if (!s->persist) return;
    tell_load(s->persist, out);
    tell_save(s, s->persist, out);
    tell_log(s, s->persist, out);
}

void persist_tell(const struct server *s, struct persist_tally *out)
{
    tell(s, out);
    if (s->persist) tell_last_save(s->persist, &out->last_save);
}

// Who coordinates a snapshot writes about it until it is over, and each shard in the end of a load.
void persist_publish(const struct server *s, struct persist_tally *out)
{
    const struct persist *p = s->persist;
    struct persist_tally now;
    tell(s, &now);
    if (p && !persist_is_saving(p) && !persist_is_loading(p))
        tell_last_save(p, &now.last_save);
    else if (p && out->last_save.unix_s)
        now.last_save = out->last_save;
    *out = now;
}
