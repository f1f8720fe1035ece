#include "dataplane/shard/keeper.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "dataplane/cmd/persist.h"
#include "dataplane/shard/loader.h"
#include "dataplane/shard/replay.h"
#include "dataplane/shard/shard.h"

void keeper_end_opening(struct keeper *k)
{
    void (*on_open)(void *context) = k->on_open;
    __atomic_store_n(&k->persist->opens_log, 0, __ATOMIC_RELEASE);
    k->on_open = NULL;
    if (on_open) on_open(k->context);
}

// ---- the process

enum status keeper_open(struct keeper *k, struct persist *p, const struct settings *settings,
                        char error[KEEPER_ERROR_MAX])
{
    *k = (struct keeper){ .persist = p, .aof = &p->aof };
    if (heap_open(&k->heap) != OK) {
        snprintf(error, KEEPER_ERROR_MAX, "no memory for the append-only log");
        return ERR_NO_SPACE;
    }
    k->has_heap = true;
    if (!settings->appendonly) return OK;
    struct aof_directory *d = &p->aof.directory;
    if (aof_directory_open(d, &k->heap, settings->appenddirname, settings->appendfilename, error) !=
        OK)
        return ERR_IO;
    if (replay_begin(p, &p->aof, settings, clock_wall_us() / 1000, error) != OK) return ERR_IO;
    p->aof.is_asked_on = 1;
    p->opens_log = 1;
    k->step = KEEPER_LOADING;
    return OK;
}

void keeper_close(struct keeper *k)
{
    if (!k->has_heap) return;
    replay_close(k->persist);
    aof_directory_close(&k->aof->directory);
    heap_close(&k->heap); // what is left lies in it
    k->has_heap = false;
}

// ---- beginning

void keeper_begin(struct shard *s, enum keeper_purpose purpose)
{
    struct keeper *k = s->keeper;
    struct aof *aof = k->aof;
    k->purpose = purpose;
    k->error = 0;
    k->error_step = NULL;
    k->must_unmake = k->must_remove_base = false;
    manifest_copy(&k->next, &aof->directory.manifest);
    bool is_rewrite = purpose != KEEPER_OPEN && purpose != KEEPER_END;
    if (is_rewrite) {
        __atomic_store_n(&aof->is_rewriting, true, __ATOMIC_RELAXED);
        __atomic_store_n(&aof->is_scheduled, false, __ATOMIC_RELAXED);
        __atomic_store_n(&aof->is_wanted, 0, __ATOMIC_RELEASE);
        aof->rewrite_started_ms = s->server.now_ms;
    }
    k->step = KEEPER_MOMENT;
    if (purpose == KEEPER_REWRITE || purpose == KEEPER_BEGIN) {
        keeper_create_incrs(s);
        k->step = KEEPER_CREATING;
    }
}

static bool is_empty(const struct manifest *m)
{
    return !manifest_base(m) && manifest_incr_count(m) == 0;
}

// What is there was loaded.
static void open_log(struct shard *s)
{
    struct keeper *k = s->keeper;
    const struct aof_directory *d = &k->aof->directory;
    if (d->has_taken_over)
        shard_log(s, LOG_NOTICE,
                  "Successfully migrated an old-style AOF file (%s) into the AOF directory (%s).",
                  d->prefix, d->name);
    if (is_empty(&k->aof->directory.manifest)) {
        keeper_begin(s, KEEPER_BEGIN);
        return;
    }
    keeper_begin(s, KEEPER_OPEN);
    if (!keeper_reopen_incrs(s)) keeper_create_incrs(s);
    k->step = KEEPER_CREATING;
}

// ---- ending

static void end(struct shard *s)
{
    struct keeper *k = s->keeper;
    manifest_close(&k->next);
    k->step = KEEPER_IDLE;
    bool is_off = aof_state(k->aof) == AOF_OFF;
    if (is_off) aof_directory_close(&k->aof->directory);
}

static void note_end(struct shard *s, bool worked)
{
    struct aof *aof = s->keeper->aof;
    __atomic_store_n(&aof->is_rewriting, false, __ATOMIC_RELAXED);
    if (keeper_is_opening(s->keeper)) return; // the base of a log that begins
    aof->last_rewrite_s = (int64_t)((s->server.now_ms - aof->rewrite_started_ms) / 1000);
    aof->last_extra_bytes = saver_extra_bytes(s->keeper->persist);
    aof->last_rewrite_ok = worked;
    aof->failures = worked ? 0 : aof->failures + 1;
    aof->rewrites += worked;
}

__attribute__((noreturn)) static void die(struct shard *s)
{
    const struct keeper *k = s->keeper;
    char text[LOADER_FATAL_MAX];
    snprintf(text, sizeof text, "The append-only log in %.200s cannot be opened: %s: %s",
             k->aof->directory.name, k->error_step ? k->error_step : "", strerror(k->error));
    loader_end_process(s, text, text);
}

// Goes on with taking back what was done: what nobody writes to.
static void undo(struct shard *s)
{
    struct keeper *k = s->keeper;
    k->step = KEEPER_UNDOING;
    keeper_close_incrs(s);
}

static void unmake(struct shard *s)
{
    struct keeper *k = s->keeper;
    bool are_unused = k->step == KEEPER_UNDOING || k->must_unmake;
    k->step = KEEPER_UNMAKING;
    if (are_unused) keeper_remove_incrs(s);
    if (k->must_remove_base) keeper_remove_base(s);
}

// A base that is given up because the log is turned off, or the server stops, is no failure.
void keeper_fail(struct shard *s)
{
    struct keeper *k = s->keeper;
    if (keeper_is_opening(k)) die(s);
    bool is_given_up = k->error == ECANCELED;
    if (is_given_up)
        __atomic_store_n(&k->aof->is_rewriting, false, __ATOMIC_RELAXED);
    else
        note_end(s, false);
    shard_log(s, is_given_up ? LOG_NOTICE : LOG_WARNING,
              is_given_up ? "Rewriting of the append-only log given up"
                          : "Background AOF rewrite terminated with error: %s: %s",
              k->error_step ? k->error_step : "", strerror(k->error));
    k->retry_ms = s->server.now_ms + KEEPER_RETRY_MS;
    k->must_remove_base = k->step == KEEPER_NAMING || k->step == KEEPER_COMMITTING;
    bool are_used = k->step != KEEPER_CREATING && k->step != KEEPER_LISTING;
    if (k->purpose == KEEPER_BEGIN && are_used) {
        k->purpose = KEEPER_END; // the shards turn away from them
        k->step = KEEPER_MOMENT;
        k->must_unmake = true;
        k->error = 0;
    } else if (are_used) {
        unmake(s);
    } else {
        undo(s);
    }
}

// ---- the steps

void keeper_clean_up(struct shard *s)
{
    struct keeper *k = s->keeper;
    k->step = KEEPER_REMOVING;
    k->history_at = s->settings->aof_disable_auto_gc ? k->next.count : 0;
}

static void committed(struct shard *s)
{
    struct keeper *k = s->keeper;
    struct aof *aof = k->aof;
    keeper_adopt_next(k);
    __atomic_fetch_add(&aof->bases, 1, __ATOMIC_RELEASE);
    uint64_t base = s->saver.saving->file.written, current = 0;
    for (uint32_t i = 0; i < s->server.shard_count; i++)
        current += __atomic_load_n(&aof->shards[i].file_bytes, __ATOMIC_RELAXED);
    aof->older_bytes = base;
    aof->base_bytes = base + current;
    note_end(s, true);
    if (!keeper_is_opening(k))
        shard_log(s, LOG_NOTICE, "Background AOF rewrite finished successfully");
    if (k->purpose == KEEPER_BEGIN) {
        keeper_set_state(k, AOF_ON);
        keeper_remove_marker(s);
    }
    keeper_end_opening(k);
    keeper_clean_up(s);
}

static void listed(struct shard *s)
{
    keeper_adopt_next(s->keeper);
    s->keeper->step = KEEPER_MOMENT;
}

static bool is_new(const struct keeper *k)
{
    return k->next.incr_seq != k->aof->directory.manifest.incr_seq;
}

static void created(struct shard *s)
{
    struct keeper *k = s->keeper;
    bool is_to_list = k->purpose != KEEPER_BEGIN && is_new(k);
    k->step = is_to_list ? KEEPER_LISTING : KEEPER_MOMENT;
    if (is_to_list) keeper_commit_next(s);
}

static void go_on_removing(struct shard *s)
{
    struct keeper *k = s->keeper;
    if (keeper_remove_history(s)) return;
    if (k->error) { // what could not be removed stays listed
        end(s);
        return;
    }
    if (manifest_history_count(&k->next) == 0 || s->settings->aof_disable_auto_gc) {
        end(s);
        return;
    }
    manifest_drop_history(&k->next);
    k->step = KEEPER_TIDYING;
    keeper_commit_next(s);
}

bool keeper_are_closed(const struct shard *s, uint32_t slot)
{
    const struct keeper *k = s->keeper;
    for (uint32_t i = 0; i < s->server.shard_count; i++)
        if (__atomic_load_n(&k->files[i][slot].is_open, __ATOMIC_ACQUIRE)) return false;
    return true;
}

static bool has_ended(const struct shard *s)
{
    return keeper_are_closed(s, 0) && keeper_are_closed(s, 1);
}

// What the step asked for is done.
static void next_step(struct shard *s)
{
    struct keeper *k = s->keeper;
    switch (k->step) {
    case KEEPER_IDLE:
    case KEEPER_SAVING:
        break;
    case KEEPER_LOADING:
        if (!persist_reads(k->persist)) open_log(s);
        break;
    case KEEPER_CREATING:
        created(s);
        break;
    case KEEPER_LISTING:
        listed(s);
        break;
    case KEEPER_MOMENT:
        keeper_take_moment(s);
        break;
    case KEEPER_NAMING:
        for (uint32_t i = 0; i < s->server.shard_count; i++)
            memcpy(k->files[i][k->slot].path, k->paths[i], AOF_PATH_MAX);
        k->step = KEEPER_COMMITTING;
        keeper_commit_next(s);
        break;
    case KEEPER_COMMITTING:
        committed(s);
        break;
    case KEEPER_REMOVING:
        go_on_removing(s);
        break;
    case KEEPER_TIDYING:
        keeper_adopt_next(k);
        end(s);
        break;
    case KEEPER_ENDING:
        if (has_ended(s)) unmake(s);
        break;
    case KEEPER_UNDOING:
        unmake(s);
        break;
    case KEEPER_UNMAKING:
        end(s);
        break;
    }
}

// Files that could not be removed stay listed as history: the next time.
static bool is_tolerable(const struct keeper *k) { return k->step >= KEEPER_REMOVING; }

// Neither the manifest before nor this one can be counted on: nothing that either lists may go.
static uint32_t commit_again(struct shard *s)
{
    struct keeper *k = s->keeper;
    if (s->server.now_ms < k->retry_ms) return 0;
    k->retry_ms = s->server.now_ms + KEEPER_RETRY_MS;
    shard_log(s, LOG_WARNING, "The manifest of the append-only log may be lost in a crash: again");
    keeper_commit_next(s);
    return 1;
}

uint32_t keeper_turn(struct shard *s)
{
    struct keeper *k = s->keeper;
    if (s->server.shard_index != 0 || LIKELY(keeper_is_idle(k)) || k->outstanding) return 0;
    enum keeper_step before = k->step;
    if (UNLIKELY(k->is_in_doubt)) return commit_again(s);
    if (k->error && !is_tolerable(k))
        keeper_fail(s);
    else
        next_step(s);
    return k->step != before;
}

uint64_t keeper_next_ns(const struct shard *s)
{
    const struct keeper *k = s->keeper;
    if (s->server.shard_index != 0 || LIKELY(keeper_is_idle(k)) || k->outstanding)
        return UINT64_MAX;
    if (k->step == KEEPER_SAVING) return UINT64_MAX; // the saver's
    bool is_moment = k->step == KEEPER_MOMENT;
    return s->server.now_ns + 1000u * (is_moment ? KEEPER_MOMENT_US : KEEPER_POLL_US);
}
