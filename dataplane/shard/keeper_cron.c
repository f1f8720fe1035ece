// keeper_cron.c: what the keeper begins, and when: by itself, or because an operator wants it.
#include "dataplane/cmd/persist.h"
#include "dataplane/shard/keeper.h"
#include "dataplane/shard/shard.h"

// Of a log that is off. False: the server's log says why.
static bool open_and_begin(struct shard *s, enum keeper_purpose purpose)
{
    struct keeper *k = s->keeper;
    char error[AOF_DIRECTORY_ERROR_MAX];
    bool is_open = aof_directory_open(&k->aof->directory, &k->heap, s->settings->appenddirname,
                                      s->settings->appendfilename, error) == OK;
    if (is_open)
        keeper_begin(s, purpose);
    else
        shard_log(s, LOG_WARNING, "%s", error);
    return is_open;
}

bool keeper_turn_on(struct server *first)
{
    struct shard *s = first->shard;
    if (!s->keeper) return false;
    // While it is being turned off: afterwards, by cron.
    return !keeper_is_idle(s->keeper) || open_and_begin(s, KEEPER_BEGIN);
}

// After three failures in a row it is tried less and less often, as in Redis.
static bool may_by_itself(const struct shard *s)
{
    enum { FREE_FAILURES = 3, MINUTES_MAX = 60, MINUTE_MS = 60000 };
    const struct aof *aof = s->keeper->aof;
    if (s->server.now_ms < s->keeper->retry_ms) return false;
    if (aof->failures < FREE_FAILURES) return true;
    uint64_t doublings = aof->failures - FREE_FAILURES;
    uint64_t minutes = doublings > 5 ? MINUTES_MAX : 1ull << doublings;
    return s->server.now_ms - aof->rewrite_started_ms > minutes * MINUTE_MS;
}

static bool has_grown(const struct shard *s)
{
    uint64_t now = aof_current_bytes(&s->server), base = s->keeper->aof->base_bytes;
    int64_t percentage = s->settings->auto_aof_rewrite_percentage;
    if (percentage == 0 || now <= s->settings->auto_aof_rewrite_min_size) return false;
    if (base == 0) base = 1;
    return now * 100 / base >= 100 + (uint64_t)percentage;
}

// Each start and each rewrite that fails adds a file for every shard.
static bool has_many_files(const struct shard *s)
{
    enum { GENERATIONS_MAX = 16 };
    uint32_t count = manifest_incr_count(&s->keeper->aof->directory.manifest);
    return count > GENERATIONS_MAX * s->server.shard_count;
}

static bool has_lost(const struct shard *s)
{
    for (uint32_t i = 0; i < s->server.shard_count; i++)
        if (__atomic_load_n(&s->keeper->aof->shards[i].has_lost, __ATOMIC_RELAXED)) return true;
    return false;
}

static void begin_wanted(struct shard *s)
{
    struct keeper *k = s->keeper;
    if (persist_is_saving(k->persist)) {
        __atomic_store_n(&k->aof->is_scheduled, true, __ATOMIC_RELAXED);
    } else if (aof_state(k->aof) == AOF_ON) {
        keeper_begin(s, KEEPER_REWRITE);
    } else {
        __atomic_store_n(&k->aof->is_wanted, 0, __ATOMIC_RELEASE);
        if (!open_and_begin(s, KEEPER_BASE)) k->aof->last_rewrite_ok = false;
    }
}

// Of what is under way, when it is wanted no more.
static void end_unwanted(struct shard *s, bool is_asked_on)
{
    const struct keeper *k = s->keeper;
    if (k->step != KEEPER_SAVING || is_asked_on || k->purpose == KEEPER_BASE) return;
    saver_give_up(s);
}

void keeper_cron(struct shard *s)
{
    struct keeper *k = s->keeper;
    if (!k || s->server.shard_index != 0 || s->stopping) return;
    if (persist_is_loading(k->persist)) return;
    bool is_asked_on = __atomic_load_n(&k->aof->is_asked_on, __ATOMIC_ACQUIRE);
    if (!keeper_is_idle(k)) {
        end_unwanted(s, is_asked_on);
        return;
    }
    enum aof_state state = (enum aof_state)aof_state(k->aof);
    if (!keeper_are_closed(s, 1 - k->slot)) return; // of the rewrite before
    if (is_asked_on && state == AOF_OFF) {
        if (s->server.now_ms >= k->retry_ms && !keeper_turn_on(&s->server))
            k->retry_ms = s->server.now_ms + KEEPER_RETRY_MS;
    } else if (!is_asked_on && state == AOF_ON) {
        keeper_begin(s, KEEPER_END);
    } else if (__atomic_load_n(&k->aof->is_wanted, __ATOMIC_ACQUIRE)) {
        begin_wanted(s);
    } else if (state == AOF_ON && (has_grown(s) || has_many_files(s) || has_lost(s)) &&
               may_by_itself(s) && !persist_is_saving(k->persist)) {
        shard_log(s, LOG_NOTICE, "Starting automatic rewriting of AOF");
        keeper_begin(s, KEEPER_REWRITE);
    }
}
