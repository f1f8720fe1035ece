// SAVE, BGSAVE, LASTSAVE: snapshots in a file. Neither forks; SAVE differs only in who waits.
//
// Source:  Redis 7.2: replies and errors; saver.h does the work
#include <stdio.h>
#include <string.h>
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/persist.h"

static command_body cmd_save, cmd_bgsave, cmd_lastsave;

const struct command cmd_saves[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(SAVE, "save", cmd_save, 1, 0, 0, 0,
            CMD_ADMIN | CMD_NOSCRIPT | CMD_NO_ASYNC_LOADING | CMD_NO_MULTI, 0),
    COMMAND(BGSAVE, "bgsave", cmd_bgsave, -1, 0, 0, 0,
            CMD_ADMIN | CMD_NOSCRIPT | CMD_NO_ASYNC_LOADING, 0),
    COMMAND(LASTSAVE, "lastsave", cmd_lastsave, 1, 0, 0, 0, CMD_LOADING | CMD_STALE | CMD_FAST,
            ACL_ADMIN | ACL_DANGEROUS),
};

static const char snapshot_failed[] =
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to "
    "disk. Commands that may modify the data set are disabled, because this instance is configured "
    "to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error "
    "option). Please check the Redis logs for details about the RDB error.";

static const char in_progress[] = "ERR Background save already in progress";
static const char rewrite_in_progress[] =
    "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in "
    "order to schedule a BGSAVE whenever possible.";

// ---- what of it concerns everybody

const char *persist_save(struct server *s)
{
    if (!s->persist) return "ERR This server has no disk";
    if (persist_is_saving_base(s->persist)) return rewrite_in_progress;
    if (persist_is_saving(s->persist)) return in_progress;
    return s->ops->save(s);
}

uint64_t persist_dirty(const struct server *s)
{
    uint64_t dirty = 0;
    for (uint32_t i = 0; i < server_peer_count(s); i++) {
        const struct server *one = s->node ? s->node->servers[i] : s;
        uint64_t saved = s->persist ? s->persist->shards[i].dirty_saved : 0;
        dirty += keyspace_dirty(one->keyspace) - saved;
    }
    return dirty;
}

const char *persist_refusal(const struct server *s, char text[PERSIST_REFUSAL_MAX])
{
    const struct settings *settings = s->settings;
    const struct persist *p = s->persist;
    bool needs_snapshots = settings->stop_writes_on_bgsave_error && settings->save.count != 0;
    if (!p) return NULL;
    if (needs_snapshots && !__atomic_load_n(&p->last_ok, __ATOMIC_RELAXED)) return snapshot_failed;
    int error = aof_error(s);
    if (!error) return NULL;
    snprintf(text, PERSIST_REFUSAL_MAX, "MISCONF Errors writing to the AOF file: %s",
             strerror(error));
    return text;
}

bool persist_is_due(const struct server *s)
{
    enum { RETRY_MS = 5000 }; // after one that failed, as in Redis
    const struct persist *p = s->persist;
    const struct setting_save *save = &s->settings->save;
    if (!p || persist_is_saving(p) || persist_is_loading(p)) return false;
    if (save->count == 0 || (!p->last_ok && s->now_ms - p->last_try_ms < RETRY_MS)) return false;
    uint64_t dirty = 0, age_s = s->now_ms / 1000 - p->last_save_s;
    for (uint32_t i = 0; i < p->shard_count; i++)
        if (p->shards[i].dirty_now > p->shards[i].dirty_saved)
            dirty += p->shards[i].dirty_now - p->shards[i].dirty_saved;
    for (uint32_t i = 0; i < save->count; i++)
        if (dirty >= (uint64_t)save->points[i].changes && age_s > (uint64_t)save->points[i].seconds)
            return true;
    return false;
}

// ---- SAVE: a job that waits

struct save_job {
    struct job job;
    struct persist *persist;
    bool is_over;
};

static bool save_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    const struct save_job *w = (const struct save_job *)job;
    (void)until_tsc;
    if (!w->is_over) {
        job->is_waiting = true;
        return false;
    }
    if (w->persist->last_ok)
        reply_ok(call->reply);
    else
        reply_error(call->reply, "ERR");
    return true;
}

static void save_close(struct job *job, struct server *server)
{
    struct save_job *w = (struct save_job *)job;
    if (w->persist->waiting == w) w->persist->waiting = NULL;
    heap_give(server->heap, w, sizeof *w, HEAP_OTHER);
}

void persist_tell_end(struct server *s)
{
    struct save_job *w = s->persist->waiting;
    if (!w) return;
    s->persist->waiting = NULL;
    w->is_over = true;
    w->job.is_waiting = false;
}

static const struct job_ops save_ops = { save_step, save_close };

static void cmd_save(struct call *call)
{
    const char *error = persist_save(call->server);
    if (error) {
        reply_error(call->reply, error);
        return;
    }
    struct save_job *w = heap_take(call->server->heap, sizeof *w, HEAP_OTHER);
    *w = (struct save_job){ .job = { .ops = &save_ops }, .persist = call->server->persist };
    w->persist->waiting = w;
    call_start_job(call, &w->job);
    w->job.must_end = true;
}

// ---- BGSAVE, LASTSAVE

static void cmd_bgsave(struct call *call)
{
    bool is_scheduled = call->argc == 2 && bytes_is_option(call->argv[1], "schedule");
    if (call->argc > 2 || (call->argc == 2 && !is_scheduled)) {
        reply_error(call->reply, reply_text_syntax);
        return;
    }
    struct persist *p = call->server->persist;
    if (is_scheduled && persist_is_saving_base(p)) {
        __atomic_store_n(&p->is_scheduled, 1, __ATOMIC_RELAXED); // behind the rewrite
        reply_status(call->reply, "Background saving scheduled");
        return;
    }
    const char *error = persist_save(call->server);
    if (error)
        reply_error(call->reply, error);
    else
        reply_status(call->reply, "Background saving started");
}

static void cmd_lastsave(struct call *call)
{
    const struct persist *p = call->server->persist;
    reply_int(call->reply, p ? (int64_t)p->last_save_s : 0);
}
