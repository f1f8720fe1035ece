// replay_end.c: what is said while a log is loaded, and how that ends, one way or the other.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "dataplane/cmd/persist.h"
#include "dataplane/shard/loader.h"
#include "dataplane/shard/meeting.h"
#include "dataplane/shard/replay_priv.h"
#include "dataplane/shard/shard.h"

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static double seconds(const struct replay *r, uint64_t since_ns)
{
    return (double)(clock_now_ns(r->shard->server.clock) - since_ns) / 1e9;
}

void replay_report_log(struct replay *r, const struct replay_log *l)
{
    if (l->nested_multis)
        shard_log(r->shard, LOG_WARNING, "%lu MULTI inside of MULTI were ignored in %s",
                  (unsigned long)l->nested_multis, name_of(l->path));
    if (l->index != REPLAY_IS_BASE)
        shard_log(r->shard, LOG_NOTICE, "DB loaded from incr file %s: %.3f seconds",
                  name_of(l->path), seconds(r, r->generation_ns));
}

void replay_report_progress(struct replay *r)
{
    struct shard *s = r->shard;
    const struct persist *p = r->persist;
    if (s->server.now_ns < r->next_report_ns) return;
    bool is_first = !r->next_report_ns;
    r->next_report_ns = s->server.now_ns + REPLAY_REPORT_S * 1000000000ull;
    if (is_first) return;
    double total = (double)(p->load_file_bytes + p->load_log_bytes);
    double done = (double)(p->shards[0].loaded_bytes + p->load_log_done);
    shard_log(s, LOG_NOTICE, "Loading the append only file: %.0f%% of %.2f Mb",
              100.0 * done / total, total / (1024 * 1024));
}

// ---- the end in error

static int shown(const char *path) { return strlen(path) < 200 ? (int)strlen(path) : 200; }

static const char mend[] =
    "make a backup of your AOF file, then use penstockctl check-aof --fix <filename.manifest>";

// In Redis's words as far as they go, and where.
void replay_fail(struct replay *r, const struct replay_trouble *t)
{
    char text[LOADER_FATAL_MAX];
    const struct replay_error *e = &t->error;
    unsigned long offset = e->offset;
    if (t->is_torn)
        snprintf(text, sizeof text,
                 "Unexpected end of file reading the append only file %.*s, which is whole up to "
                 "offset %lu (%s). You can: 1) %s. 2) Alternatively you can set the "
                 "'aof-load-truncated' configuration option to yes and restart the server.",
                 shown(t->path), t->path, offset, e->why, mend);
    else if (e->is_format)
        snprintf(text, sizeof text,
                 "Bad file format reading the append only file %.*s, at offset %lu (%s): %s",
                 shown(t->path), t->path, offset, e->why, mend);
    else
        snprintf(text, sizeof text, "%s reading the append only file %.*s, at offset %lu", e->why,
                 shown(t->path), t->path, offset);
    loader_end_process(r->shard, text, text);
}

// ---- the end

static void warn_short(struct replay *r, const char *path, uint64_t end, const char *why)
{
    struct shard *s = r->shard;
    if (strstr(why, "MULTI"))
        shard_log(s, LOG_WARNING, "Revert incomplete MULTI/EXEC transaction in AOF file %s",
                  name_of(path));
    shard_log(s, LOG_WARNING, "!!! Warning: short read while loading the AOF file %s!!!",
              name_of(path));
    shard_log(s, LOG_WARNING, "!!! Truncating the AOF %s at offset %lu !!! (%s)", name_of(path),
              (unsigned long)end, why);
}

// For good: were it back after a crash, it would lie before what is written from now on.
static bool cut_file(const char *path, uint64_t end)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return false;
    bool is_cut = ftruncate(fd, (off_t)end) == 0 && fdatasync(fd) == 0;
    int cause = errno;
    close(fd);
    errno = cause;
    return is_cut;
}

static bool cut(struct replay *r, const char *path, uint64_t end, const char *why,
                struct replay_trouble *t)
{
    warn_short(r, path, end, why);
    if (cut_file(path, end)) {
        shard_log(r->shard, LOG_WARNING,
                  "AOF %s loaded anyway because aof-load-truncated is enabled", name_of(path));
        return true;
    }
    snprintf(t->path, sizeof t->path, "%s", path);
    t->error = (struct replay_error){ .offset = end };
    snprintf(t->error.why, sizeof t->error.why, "Error truncating (%s)", strerror(errno));
    return false;
}

static bool cut_all(struct replay *r, struct replay_trouble *t)
{
    const struct aof_directory *d = r->plan.directory;
    char path[AOF_PATH_MAX];
    if (r->base_cut_at < r->base_bytes && !cut(r, r->base_path, r->base_cut_at, r->base_why, t))
        return false;
    for (uint32_t i = 0; i < r->plan.log_count; i++) {
        const struct aof_plan_log *l = &r->plan.logs[i];
        aof_directory_path(d, d->manifest.files[l->file].name, path);
        if (l->end < l->bytes && !cut(r, path, l->end, l->why, t)) return false;
    }
    return true;
}

// What was put by loading is no change since the last save.
static void settle(struct replay *r)
{
    struct server *s = &r->shard->server;
    for (uint32_t i = 0; i < r->persist->shard_count; i++)
        r->persist->shards[i].dirty_saved = keyspace_dirty(server_peer(s, i)->keyspace);
}

enum replay_result replay_end(struct replay *r, struct replay_trouble *t)
{
    struct shard *s = r->shard;
    shard_set others = shard_set_all(s->server.shard_count) & ~shard_set_of(0);
    if (others && !meeting_hold(s, others)) return REPLAY_CANNOT;
    settle(r);
    if (others) meeting_let_go(s, others);
    if (!cut_all(r, t)) return REPLAY_FAILED;
    uint64_t took_ms = clock_wall_us() / 1000 - r->persist->load_started_ms;
    if (r->play.errors)
        shard_log(s, LOG_WARNING, "%lu commands of the append only file answered with an error",
                  (unsigned long)r->play.errors);
    shard_log(s, LOG_NOTICE, "DB loaded from append only file: %.3f seconds",
              (double)took_ms / 1000);
    return REPLAY_DONE;
}
