#include "dataplane/shard/replay.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dataplane/base/check.h"
#include "dataplane/cmd/load.h"
#include "dataplane/cmd/persist.h"
#include "dataplane/shard/loader.h"
#include "dataplane/shard/replay_priv.h"
#include "dataplane/shard/shard.h"

// ---- beginning

static enum status refuse(char error[REPLAY_ERROR_MAX], const char *path, const char *why)
{
    snprintf(error, REPLAY_ERROR_MAX,
             "Fatal error: can't open the append log file %.400s for reading: %s", path, why);
    return ERR_IO;
}

static enum status make_plan(struct replay *r, const struct aof_directory *d,
                             char error[REPLAY_ERROR_MAX])
{
    struct aof_plan_error why;
    if (aof_plan_make(&r->plan, r->heap, d, r->may_cut, &why) == OK) return OK;
    snprintf(error, REPLAY_ERROR_MAX, "%s%s", why.line,
             why.is_torn ? ". You can set the 'aof-load-truncated' configuration option to yes and "
                           "restart the server."
                         : "");
    return ERR_IO;
}

// A base of commands, as Redis writes it without the preamble, begins with another byte.
static enum status look_at_base(struct replay *r, char error[REPLAY_ERROR_MAX])
{
    char start[5];
    struct stat facts;
    const struct aof_directory *d = r->plan.directory;
    aof_directory_path(d, manifest_base(&d->manifest)->name, r->base_path);
    int fd = open(r->base_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return refuse(error, r->base_path, strerror(errno));
    ssize_t size = pread(fd, start, sizeof start, 0);
    bool is_seen = size >= 0 && fstat(fd, &facts) == 0;
    int cause = errno;
    close(fd);
    if (!is_seen) return refuse(error, r->base_path, strerror(cause));
    r->base_bytes = r->base_cut_at = (uint64_t)facts.st_size;
    r->has_snapshot = size == sizeof start && memcmp(start, "REDIS", sizeof start) == 0;
    if (r->has_snapshot) r->base_start = r->base_bytes; // end_share knows better
    return OK;
}

static bool has_work(const struct replay *r)
{
    for (uint32_t i = 0; i < r->plan.log_count; i++)
        if (r->plan.logs[i].bytes) return true;
    return r->plan.has_base;
}

static enum status begin_loading(struct replay *r, uint64_t now_wall_ms,
                                 char error[REPLAY_ERROR_MAX])
{
    char why[LOADER_ERROR_MAX];
    struct persist *p = r->persist;
    if (!r->has_snapshot) {
        loader_begin_nothing(p, now_wall_ms);
    } else if (loader_begin_file(p, r->base_path, LOAD_EXPIRED, now_wall_ms, why) != OK) {
        snprintf(error, REPLAY_ERROR_MAX, "%s", why);
        return ERR_IO;
    }
    p->load_log_bytes = r->plan.total_bytes - p->load_file_bytes;
    p->load_log_done = 0;
    return OK;
}

enum status replay_begin(struct persist *p, struct aof *aof, const struct settings *settings,
                         uint64_t now_wall_ms, char error[REPLAY_ERROR_MAX])
{
    struct heap *heap = aof->directory.heap;
    CHECK(!aof->replay && !persist_is_loading(p));
    struct replay *r = heap_take_zeroed(heap, sizeof *r, HEAP_OTHER);
    *r = (struct replay){ .heap = heap, .persist = p, .may_cut = settings->aof_load_truncated };
    aof->replay = r;
    enum status status = make_plan(r, &aof->directory, error);
    if (status != OK) {
        heap_give(heap, r, sizeof *r, HEAP_OTHER);
        aof->replay = NULL;
        return status;
    }
    if (r->plan.has_base) status = look_at_base(r, error);
    if (status == OK && has_work(r)) status = begin_loading(r, now_wall_ms, error);
    if (!persist_is_loading(p)) replay_close(p);
    return status;
}

void replay_note_snapshot(struct persist *p, uint64_t behind)
{
    p->aof.replay->base_start = p->aof.replay->base_bytes - behind;
}

const char *replay_base_path(const struct persist *p)
{
    return p->aof.replay ? p->aof.replay->base_path : NULL;
}

// ---- generations

static void close_generation(struct replay *r)
{
    for (uint32_t i = 0; i < r->log_count; i++) {
        r->done_bytes += replay_log_done_bytes(&r->logs[i]);
        replay_log_close(&r->logs[i]);
    }
    if (r->logs) heap_give(r->heap, r->logs, r->log_count * sizeof *r->logs, HEAP_OTHER);
    r->logs = NULL;
    r->log_count = 0;
}

static void open_generation(struct replay *r, uint32_t count)
{
    r->logs = heap_take_zeroed(r->heap, count * sizeof *r->logs, HEAP_OTHER);
    r->log_count = count;
    r->current = 0;
    r->generation_ns = clock_now_ns(r->shard->server.clock);
}

static bool open_log(struct replay *r, struct replay_log *l, uint32_t index, const char *path,
                     uint64_t start, uint64_t end, struct replay_trouble *t)
{
    if (replay_log_open(l, &r->shard->heap, path, start, end, &t->error) == OK) {
        l->index = index;
        return true;
    }
    snprintf(t->path, sizeof t->path, "%s", path);
    return false;
}

static bool open_base(struct replay *r, struct replay_trouble *t)
{
    open_generation(r, 1);
    if (r->has_snapshot) shard_log(r->shard, LOG_NOTICE, "Reading the remaining AOF tail...");
    return open_log(r, &r->logs[0], REPLAY_IS_BASE, r->base_path, r->base_start, r->base_bytes, t);
}

static bool open_next(struct replay *r, struct replay_trouble *t)
{
    const struct aof_directory *d = r->plan.directory;
    const struct aof_plan_generation *g = &r->plan.generations[r->next_generation++];
    char path[AOF_PATH_MAX];
    open_generation(r, g->count);
    for (uint32_t i = 0; i < g->count; i++) {
        const struct aof_plan_log *l = &r->plan.logs[g->first + i];
        aof_directory_path(d, d->manifest.files[l->file].name, path);
        if (!open_log(r, &r->logs[i], g->first + i, path, 0, l->end, t)) return false;
    }
    return true;
}

static void end_base(struct replay *r)
{
    const struct persist *p = r->persist;
    uint64_t took_ms = clock_wall_us() / 1000 - p->load_started_ms;
    r->base_is_done = true;
    if (r->base_path[0])
        shard_log(r->shard, LOG_NOTICE, "DB loaded from base file %s: %.3f seconds",
                  manifest_base(&r->plan.directory->manifest)->name, (double)took_ms / 1000);
}

// ---- torn tails

// A base is whole before an incr is listed behind it, be that empty.
static bool is_followed(const struct replay *r, const struct replay_log *l)
{
    if (l->index == REPLAY_IS_BASE) return r->plan.log_count > 0;
    return !aof_plan_may_be_torn(&r->plan, l->index);
}

// Of the only log of its generation: several were looked at before.
static bool note_tear(struct replay *r, const struct replay_log *l, struct replay_trouble *t)
{
    const struct aof_scan *s = &l->scan;
    bool is_followed_by_others = is_followed(r, l);
    if (!is_followed_by_others && r->may_cut) {
        if (l->index == REPLAY_IS_BASE) {
            r->base_cut_at = s->whole_offset;
            r->base_why = s->error;
        } else {
            r->plan.logs[l->index].end = s->whole_offset;
            r->plan.logs[l->index].why = s->error;
        }
        return true;
    }
    *t = (struct replay_trouble){ .is_torn = !is_followed_by_others };
    snprintf(t->path, sizeof t->path, "%s", l->path);
    t->error = (struct replay_error){ .offset = s->whole_offset, .is_format = true };
    snprintf(t->error.why, sizeof t->error.why, "%s%s", s->error,
             is_followed_by_others ? ", but another file comes behind it" : "");
    return false;
}

static bool end_generation(struct replay *r, struct replay_trouble *t)
{
    bool is_torn = r->log_count == 1 && r->logs[0].state == REPLAY_LOG_TORN;
    bool is_base = r->logs[0].index == REPLAY_IS_BASE;
    bool is_fine = !is_torn || note_tear(r, &r->logs[0], t);
    close_generation(r);
    if (is_fine && is_base) end_base(r);
    return is_fine;
}

// ---- the first shard's turns

static void start(struct replay *r, struct shard *s)
{
    CHECK(s->server.shard_index == 0);
    r->shard = s;
    aof_play_open(&r->play, &s->server);
}

static enum replay_result step(struct replay *r, uint64_t until_tsc, struct replay_trouble *t)
{
    if (r->logs) {
        enum replay_result result = replay_run(r, until_tsc, t);
        if (result != REPLAY_DONE) return result;
        return end_generation(r, t) ? REPLAY_GOES_ON : REPLAY_FAILED;
    }
    if (!r->base_is_done && r->base_start == r->base_bytes) end_base(r);
    if (!r->base_is_done) return open_base(r, t) ? REPLAY_GOES_ON : REPLAY_FAILED;
    if (r->next_generation == r->plan.generation_count) return replay_end(r, t);
    return open_next(r, t) ? REPLAY_GOES_ON : REPLAY_FAILED;
}

static void publish(struct replay *r)
{
    uint64_t done = r->done_bytes;
    for (uint32_t i = 0; i < r->log_count; i++) done += replay_log_done_bytes(&r->logs[i]);
    r->persist->load_log_done = done;
    replay_report_progress(r);
}

bool replay_turn(struct shard *s, uint64_t until_tsc)
{
    struct replay *r = s->server.persist->aof.replay;
    struct replay_trouble trouble = { 0 };
    enum replay_result result;
    if (!r->shard) start(r, s);
    uint64_t commands = loader_keys_now(s);
    if (!commands) return true;
    r->play.commands_left = commands;
    do {
        result = step(r, until_tsc, &trouble);
    } while (result == REPLAY_GOES_ON && r->play.commands_left && clock_tsc() < until_tsc);
    if (r->play.commands_left < commands) s->loader.last_key_ns = s->server.now_ns;
    if (result == REPLAY_FAILED) replay_fail(r, &trouble);
    publish(r);
    if (result == REPLAY_DONE) replay_close(s->server.persist);
    return result != REPLAY_DONE;
}

void replay_close(struct persist *p)
{
    struct replay *r = p->aof.replay;
    if (!r) return;
    close_generation(r);
    if (r->shard) aof_play_close(&r->play);
    aof_plan_close(&r->plan);
    p->aof.replay = NULL;
    heap_give(r->heap, r, sizeof *r, HEAP_OTHER);
}
