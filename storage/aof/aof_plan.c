#include "storage/aof/aof_plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include "dataplane/base/check.h"
#include "storage/aof/aof_joint.h"

static const struct manifest_file *file_of(const struct aof_plan *p, uint32_t log)
{
    return &p->directory->manifest.files[p->logs[log].file];
}

static const char *path_of(const struct aof_plan *p, const struct manifest_file *f,
                           char out[AOF_PATH_MAX])
{
    return aof_directory_path(p->directory, f->name, out);
}

__attribute__((format(printf, 3, 4))) static enum status
refuse(struct aof_plan_error *error, bool is_torn, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error->line, sizeof error->line, format, args);
    va_end(args);
    error->is_torn = is_torn;
    return ERR_IO;
}

// ---- what there is -----------------------------------------------------------------------------

static enum status look_at(const struct aof_plan *p, const struct manifest_file *f, uint64_t *bytes,
                           struct aof_plan_error *error)
{
    char path[AOF_PATH_MAX];
    if (aof_directory_file_bytes(p->directory, f, bytes)) return OK;
    int cause = errno;
    return refuse(error, false,
                  "The manifest lists the append only file %s, which can't be read: %s",
                  path_of(p, f, path), strerror(cause));
}

static enum status look_at_all(struct aof_plan *p, struct aof_plan_error *error)
{
    const struct manifest *m = &p->directory->manifest;
    for (uint32_t i = 0; i < m->count; i++) {
        const struct manifest_file *f = &m->files[i];
        uint64_t bytes;
        if (f->type == MANIFEST_HISTORY) continue;
        if (look_at(p, f, &bytes, error) != OK) return ERR_IO;
        if (f->type == MANIFEST_BASE) {
            p->has_base = true;
            p->total_bytes += bytes;
        } else {
            p->logs[p->log_count++] =
                (struct aof_plan_log){ .file = i, .bytes = bytes, .end = bytes };
        }
    }
    return OK;
}

static bool continues_generation(const struct aof_plan *p, uint32_t log)
{
    return log > 0 && file_of(p, log - 1)->shard >= 0 &&
           file_of(p, log)->shard > file_of(p, log - 1)->shard;
}

static void group(struct aof_plan *p)
{
    for (uint32_t i = 0; i < p->log_count; i++) {
        if (!continues_generation(p, i))
            p->generations[p->generation_count++] = (struct aof_plan_generation){ .first = i };
        p->generations[p->generation_count - 1].count++;
    }
}

// ---- where it ends -----------------------------------------------------------------------------

static bool is_same_log(const struct aof_plan *p, uint32_t a, uint32_t b)
{
    int32_t one = file_of(p, a)->shard, other = file_of(p, b)->shard;
    return one < 0 || other < 0 || one == other;
}

// The next file of the same log that is not empty; log_count: none is.
static uint32_t written_behind(const struct aof_plan *p, uint32_t log)
{
    uint32_t i = log + 1;
    while (i < p->log_count && !(p->logs[i].bytes && is_same_log(p, log, i))) i++;
    return i;
}

bool aof_plan_may_be_torn(const struct aof_plan *p, uint32_t log)
{
    CHECK(log < p->log_count);
    return written_behind(p, log) == p->log_count;
}

static enum status check_cut(const struct aof_plan *p, uint32_t log, bool may_cut,
                             struct aof_plan_error *error)
{
    const struct aof_plan_log *l = &p->logs[log];
    char path[AOF_PATH_MAX];
    unsigned long long end = l->end;
    uint32_t behind = written_behind(p, log);
    path_of(p, file_of(p, log), path);
    if (behind < p->log_count)
        return refuse(error, false,
                      "Bad file format reading the append only file %s: whole up to offset %llu "
                      "only (%s), but %s was written behind it",
                      path, end, l->why, file_of(p, behind)->name);
    if (may_cut) return OK;
    return refuse(error, true,
                  "Unexpected end of file reading the append only file %s: whole up to offset %llu "
                  "only (%s)",
                  path, end, l->why);
}

// What is damaged is said before what is torn.
static enum status check_ends(struct aof_plan *p, bool may_cut, struct aof_plan_error *error)
{
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < p->log_count; i++)
            if (p->logs[i].end < p->logs[i].bytes && check_cut(p, i, may_cut || !pass, error) != OK)
                return ERR_IO;
    return OK;
}

static enum status read_joint(struct aof_plan *p, struct aof_plan_error *error)
{
    for (uint32_t i = 0; i < p->generation_count; i++)
        if (p->generations[i].count > 1 && aof_joint_read(p, &p->generations[i], error) != OK)
            return ERR_IO;
    return OK;
}

// ---- all of it ---------------------------------------------------------------------------------

static void make_room(struct aof_plan *p, uint32_t count)
{
    if (count == 0) return;
    p->logs = heap_take_zeroed(p->heap, count * sizeof *p->logs, HEAP_LOG);
    p->generations = heap_take_zeroed(p->heap, count * sizeof *p->generations, HEAP_LOG);
}

enum status aof_plan_make(struct aof_plan *p, struct heap *heap, const struct aof_directory *d,
                          bool may_cut, struct aof_plan_error *error)
{
    CHECK(d->lock_fd >= 0);
    *p = (struct aof_plan){ .heap = heap, .directory = d };
    *error = (struct aof_plan_error){ .is_torn = false };
    uint32_t count = manifest_incr_count(&d->manifest);
    make_room(p, count);
    enum status status = look_at_all(p, error);
    if (status == OK) {
        group(p);
        status = read_joint(p, error);
    }
    if (status == OK) status = check_ends(p, may_cut, error);
    for (uint32_t i = 0; i < p->log_count; i++) p->total_bytes += p->logs[i].end;
    if (status == OK) return OK;
    p->log_count = count; // those that were not looked at, too
    aof_plan_close(p);
    return status;
}

void aof_plan_close(struct aof_plan *p)
{
    if (p->logs) {
        heap_give(p->heap, p->logs, p->log_count * sizeof *p->logs, HEAP_LOG);
        heap_give(p->heap, p->generations, p->log_count * sizeof *p->generations, HEAP_LOG);
    }
    *p = (struct aof_plan){ .heap = p->heap };
}
