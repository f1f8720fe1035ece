#include "dataplane/cmd/persist.h"
#include <string.h>
#include "dataplane/cmd/server.h"
#include "dataplane/lane/lane_msg.h"

void persist_open(struct persist *p, uint32_t shard_count, uint64_t now_wall_ms)
{
    memset(p, 0, sizeof *p);
    p->shard_count = shard_count;
    p->last_ok = true;
    p->last_save_s = now_wall_ms / 1000;
    p->last_took_s = -1;
    aof_open(&p->aof);
}

// ---- stopping

bool persist_must_save(const struct server *s, uint32_t flags)
{
    if (!s->persist || persist_is_loading(s->persist) || (flags & LANE_STOP_NOSAVE)) return false;
    return (flags & LANE_STOP_SAVE) || s->settings->save.count != 0;
}

void persist_ask_stop(struct persist *p, uint32_t flags)
{
    if (persist_is_stopping(p)) return;
    __atomic_store_n(&p->stop_flags, flags, __ATOMIC_RELAXED);
    __atomic_store_n(&p->stop, PERSIST_STOP_WANTED, __ATOMIC_RELEASE);
}

bool persist_abort_stop(struct persist *p)
{
    if (!p || !persist_is_stopping(p)) return false;
    __atomic_store_n(&p->stop, PERSIST_STOP_FAILED, __ATOMIC_RELEASE);
    return true;
}
