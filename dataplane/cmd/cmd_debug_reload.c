// DEBUG RELOAD: saves, flushes everything, and loads what was saved; DEBUG LOADAOF: flushes
// everything and loads the append-only log: for tests.
//
// Source:  Redis 7.2: options and errors. Writes wait from the moment of the snapshot, or of the
//          command, until the load begins, so that none is lost
#include "dataplane/cmd/cmd_debug.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/pause.h"
#include "dataplane/cmd/persist.h"

enum reload_phase { RELOAD_SAVING, RELOAD_WRITING, RELOAD_BEGINNING, RELOAD_LOADING };

struct reload {
    struct job job;
    struct persist *persist;
    enum reload_phase phase;
    uint32_t flags; // enum persist_reload
    bool has_failed;
};

static const char load_error[] = "ERR Error trying to load the RDB dump, check server logs.";
static const char log_error[] = "ERR Error trying to load the append only file, check server logs.";
static const char log_is_off[] = "ERR The append only file is off, or its first base is not done";

static void freeze(struct server *s, bool on)
{
    s->persist->is_frozen = on;
    for (uint32_t i = 0; i < server_peer_count(s); i++) pause_writes(server_peer(s, i), on);
}

// All shards are held.
static bool begin_to_load(struct reload *r, struct call *call)
{
    struct server *s = r->job.server;
    freeze(s, false);
    if (r->has_failed || !s->ops->reload(s, r->flags)) {
        reply_error(call->reply, r->flags & PERSIST_RELOAD_LOG ? log_error : load_error);
        return true;
    }
    r->job.shards = 0;
    r->phase = RELOAD_LOADING;
    return false;
}

static void want_all_shards(struct job *job)
{
    if (job->server->node) job->shards = shard_set_all(job->server->node->shard_count);
}

enum written { WRITTEN, NOT_YET, CANNOT_BE };

// What was logged before the writes were made to wait is in the files, which are read through the
// kernel: on the disk it need not be. A walk over the keyspace ends first.
static enum written log_is_written(const struct persist *p)
{
    if (persist_is_saving(p) || __atomic_load_n(&p->aof.is_rewriting, __ATOMIC_ACQUIRE))
        return NOT_YET;
    for (uint32_t i = 0; i < p->shard_count; i++) {
        const struct aof_shard *log = &p->aof.shards[i];
        uint64_t written = __atomic_load_n(&log->written, __ATOMIC_ACQUIRE);
        bool has_failed = __atomic_load_n(&log->error, __ATOMIC_ACQUIRE) != 0;
        if (written >= __atomic_load_n(&log->appended, __ATOMIC_ACQUIRE)) continue;
        return has_failed ? CANNOT_BE : NOT_YET;
    }
    return WRITTEN;
}

static bool wait_for_log(struct reload *r)
{
    enum written written = log_is_written(r->persist);
    if (written == NOT_YET) return false;
    r->phase = RELOAD_BEGINNING;
    r->has_failed = written == CANNOT_BE;
    want_all_shards(&r->job);
    return false; // the next step has them
}

static bool reload_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct reload *r = (struct reload *)job;
    (void)until_tsc;
    switch (r->phase) {
    case RELOAD_SAVING:
        if (persist_is_saving(r->persist)) return false;
        r->phase = RELOAD_BEGINNING;
        want_all_shards(job);
        if (r->persist->last_ok) return false; // the next step has them
        r->persist->is_frozen = false;
        reply_error(call->reply, "ERR");
        return true;
    case RELOAD_WRITING:
        return wait_for_log(r);
    case RELOAD_BEGINNING:
        return begin_to_load(r, call);
    case RELOAD_LOADING:
        if (persist_is_loading(r->persist)) return false;
        reply_ok(call->reply);
        return true;
    }
    return true;
}

static void reload_close(struct job *job, struct server *server)
{
    heap_give(server->heap, job, sizeof(struct reload), HEAP_OTHER);
}

static bool parse(struct call *call, bool *saves, uint32_t *flags)
{
    *saves = true;
    *flags = 0;
    for (uint32_t i = 2; i < call->argc; i++) {
        if (bytes_is_option(call->argv[i], "nosave"))
            *saves = false;
        else if (bytes_is_option(call->argv[i], "noflush"))
            *flags |= PERSIST_RELOAD_NO_FLUSH;
        else if (bytes_is_option(call->argv[i], "merge"))
            *flags |= PERSIST_RELOAD_MERGE;
        else
            return false;
    }
    return true;
}

static void begin(struct call *call, enum reload_phase phase, uint32_t flags)
{
    static const struct job_ops ops = { reload_step, reload_close };
    struct server *s = call->server;
    struct reload *r = heap_take(s->heap, sizeof *r, HEAP_OTHER);
    *r = (struct reload){
        .job = { .ops = &ops }, .persist = s->persist, .phase = phase, .flags = flags
    };
    freeze(s, true);
    call_start_job(call, &r->job);
    r->job.must_end = true;
}

void debug_reload(struct call *call)
{
    struct server *s = call->server;
    uint32_t flags;
    bool saves;
    if (!parse(call, &saves, &flags)) {
        reply_error(call->reply,
                    "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
        return;
    }
    const char *error = saves ? persist_save(s) : NULL;
    if (!error && (!s->persist || call->no_suspend)) error = load_error; // nobody could wait
    if (error)
        reply_error(call->reply, error);
    else
        begin(call, RELOAD_SAVING, flags);
}

void debug_load_log(struct call *call)
{
    struct persist *p = call->server->persist;
    const char *error = !p || aof_state(&p->aof) != AOF_ON ? log_is_off : NULL;
    if (!error && (call->no_suspend || persist_is_loading(p))) error = log_error;
    if (error)
        reply_error(call->reply, error);
    else
        begin(call, RELOAD_WRITING, PERSIST_RELOAD_LOG);
}
