#include "dataplane/cmd/aof.h"
#include <string.h>
#include "dataplane/cmd/persist.h"
#include "dataplane/cmd/server.h"
#include "dataplane/lane/lane_msg.h"

void aof_open(struct aof *a)
{
    memset(a, 0, sizeof *a);
    a->last_rewrite_ok = true;
    a->last_rewrite_s = -1;
    a->directory.lock_fd = -1;
}

static uint64_t look(const uint64_t *at) { return __atomic_load_n(at, __ATOMIC_RELAXED); }

// ---- errors

void aof_set_error(struct aof *a, uint32_t shard_index, int error)
{
    shard_set bit = shard_set_of(shard_index);
    __atomic_store_n(&a->shards[shard_index].error, error, __ATOMIC_RELAXED);
    if (error)
        __atomic_fetch_or(&a->failing, bit, __ATOMIC_RELAXED);
    else
        __atomic_fetch_and(&a->failing, ~bit, __ATOMIC_RELAXED);
}

int aof_error(const struct server *s)
{
    if (!s->persist || !aof_has_failed(&s->persist->aof)) return 0;
    const struct aof *a = &s->persist->aof;
    if (aof_state(a) == AOF_OFF) return 0;
    for (shard_set left = look(&a->failing); left; left = shard_set_rest(left)) {
        int error = __atomic_load_n(&a->shards[shard_set_first(left)].error, __ATOMIC_RELAXED);
        if (error) return error; // else it has just gone
    }
    return 0;
}

// ---- positions

void aof_positions(const struct server *s, uint64_t *positions)
{
    const struct persist *p = s->persist;
    for (uint32_t i = 0; p && i < p->shard_count; i++)
        positions[i] = look(&p->aof.shards[i].appended);
}

bool aof_is_durable(const struct server *s, const uint64_t *positions)
{
    const struct persist *p = s->persist;
    if (!p || aof_state(&p->aof) != AOF_ON) return false;
    for (uint32_t i = 0; i < p->shard_count; i++)
        if (__atomic_load_n(&p->aof.shards[i].durable, __ATOMIC_ACQUIRE) < positions[i])
            return false;
    return true;
}

uint64_t aof_current_bytes(const struct server *s)
{
    const struct persist *p = s->persist;
    uint64_t bytes = p ? look(&p->aof.older_bytes) : 0;
    for (uint32_t i = 0; p && i < p->shard_count; i++) bytes += look(&p->aof.shards[i].file_bytes);
    return bytes;
}

// ---- rewriting

static bool is_set(const bool *at) { return __atomic_load_n(at, __ATOMIC_RELAXED); }

// Asked for, and the first shard has not looked yet.
static bool is_wanted(const struct aof *a)
{
    return __atomic_load_n(&a->is_wanted, __ATOMIC_RELAXED) != 0;
}

bool aof_is_scheduled(const struct server *s)
{
    const struct persist *p = s->persist;
    return p && (is_set(&p->aof.is_scheduled) || (is_wanted(&p->aof) && persist_is_saving(p)));
}

bool aof_is_rewriting(const struct server *s)
{
    const struct persist *p = s->persist;
    if (!p) return false;
    return is_set(&p->aof.is_rewriting) || (is_wanted(&p->aof) && !aof_is_scheduled(s));
}

const char *aof_rewrite(struct server *s, bool *is_scheduled)
{
    struct persist *p = s->persist;
    if (!p) return "ERR This server has no disk";
    if (aof_is_rewriting(s)) return "ERR Background append only file rewriting already in progress";
    if (persist_is_saving(p) || is_set(&p->aof.is_scheduled)) *is_scheduled = true;
    __atomic_store_n(&p->aof.is_wanted, 1, __ATOMIC_RELEASE);
    return NULL;
}

// ---- stopping

bool aof_may_stop(const struct server *s, uint32_t flags)
{
    if (flags & LANE_STOP_FORCE) return true;
    return !s->persist || aof_state(&s->persist->aof) != AOF_STARTING;
}
