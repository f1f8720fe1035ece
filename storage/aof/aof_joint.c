#include "storage/aof/aof_joint.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include "storage/aof/aof_zeros.h"

static const char not_whole[] = "a transaction over several shards is not whole in all logs";

static const struct manifest_file *file_of(const struct joint *j, uint32_t index)
{
    return &j->plan->directory->manifest.files[j->logs[index].log->file];
}

enum status joint_refuse(const struct joint *j, uint32_t index, uint64_t offset, const char *format,
                         ...)
{
    char path[AOF_PATH_MAX];
    char *line = j->error->line;
    int size =
        snprintf(line, AOF_PLAN_ERROR_MAX, "Bad file format reading the append only file %s ",
                 aof_directory_path(j->plan->directory, file_of(j, index)->name, path));
    size += snprintf(line + size, (size_t)(AOF_PLAN_ERROR_MAX - size),
                     "at offset %llu: ", (unsigned long long)offset);
    va_list args;
    va_start(args, format);
    vsnprintf(line + size, (size_t)(AOF_PLAN_ERROR_MAX - size), format, args);
    va_end(args);
    j->error->is_torn = false;
    return ERR_IO;
}

static enum status unreadable(const struct joint *j, uint32_t index, uint64_t offset,
                              const char *why)
{
    char path[AOF_PATH_MAX];
    snprintf(j->error->line, AOF_PLAN_ERROR_MAX,
             "Can't read the append only file %s at offset %llu: %s",
             aof_directory_path(j->plan->directory, file_of(j, index)->name, path),
             (unsigned long long)offset, why);
    j->error->is_torn = false;
    return ERR_IO;
}

// ---- one log -----------------------------------------------------------------------------------

static enum joint_result end_log(struct joint_log *l, uint64_t end, const char *why)
{
    l->is_over = true;
    l->log->end = end;
    l->log->why = why;
    return JOINT_OVER;
}

// What seems broken may not have been there.
static enum joint_result fail(struct joint *j, uint32_t index)
{
    const struct joint_log *l = &j->logs[index];
    struct file_trouble trouble;
    char reason[AOF_ZEROS_REASON_MAX];
    uint64_t offset = l->scan.error_offset;
    if (file_view_find_trouble(&l->view, &trouble))
        (void)unreadable(j, index, trouble.offset, trouble.why);
    else
        (void)joint_refuse(j, index, offset, "%s",
                           aof_zeros_reason(l->view.fd, offset, l->scan.error, reason));
    return JOINT_FAILED;
}

enum joint_result joint_step(struct joint *j, uint32_t index)
{
    struct joint_log *l = &j->logs[index];
    struct aof_scan *s = &l->scan;
    for (;;) { // each turn eats bytes, or brings those that were missing
        enum aof_scan_result result = aof_scan_step(s, file_view_at(&l->view, s->offset));
        if (file_view_has_failed(&l->view)) return fail(j, index);
        switch (result) {
        case AOF_SCAN_MORE:
            if (file_view_move(&l->view, s->offset, s->wanted_bytes)) break;
            (void)unreadable(j, index, s->offset, strerror(errno));
            return JOINT_FAILED;
        case AOF_SCAN_TRANSACTION:
            l->part.offset = s->whole_offset; // not yet behind this line
            break;
        case AOF_SCAN_EXEC:
            if (s->shard_count == 0) break;
            l->part.number = s->transaction;
            l->part.count = s->shard_count;
            return JOINT_PART;
        case AOF_SCAN_END:
            return end_log(l, s->offset, NULL);
        case AOF_SCAN_TORN:
            return end_log(l, s->whole_offset, s->error);
        case AOF_SCAN_BROKEN:
            return fail(j, index);
        case AOF_SCAN_REMARK: // it may have been a #TX: one part would be run without the others
            (void)joint_refuse(j, index, s->offset - s->remark.size - 2,
                               "a '#' line that is neither #TS nor #TX");
            return JOINT_FAILED;
        default:
            break; // commands
        }
    }
}

static enum status open_log(struct joint *j, uint32_t index)
{
    struct joint_log *l = &j->logs[index];
    if (!file_view_open(&l->view, j->plan->directory->lock_fd, file_of(j, index)->name))
        return unreadable(j, index, 0, file_view_refusal(errno));
    if (l->view.file_bytes != l->log->bytes)
        return joint_refuse(j, index, l->log->bytes, "the file changes while it is read");
    aof_scan_init(&l->scan, j->plan->heap, l->log->bytes, 0);
    l->scan.forgives_nested = true; // as where the commands are run
    return OK;
}

// ---- all of them -------------------------------------------------------------------------------

// The log's part is at hand: are all others of its transaction, too? Then all of them go on.
static enum status meet(struct joint *j, uint32_t index)
{
    const struct joint_part part = j->logs[index].part;
    uint32_t met = 1;
    if (part.count > j->count) // cut, all that is good behind it would be lost
        return joint_refuse(j, index, part.offset, "transaction %llu has %u parts, in %u logs",
                            (unsigned long long)part.number, part.count, j->count);
    if (number_runs_has(&j->whole, part.number))
        return joint_refuse(j, index, part.offset,
                            "transaction %llu has more parts than it says, or stands twice",
                            (unsigned long long)part.number);
    for (uint32_t i = 0; i < j->count; i++) {
        const struct joint_log *other = &j->logs[i];
        if (!other->is_waiting || other->part.number != part.number) continue;
        if (other->part.count != part.count)
            return joint_refuse(j, index, part.offset,
                                "transaction %llu has %u parts here, and %u elsewhere",
                                (unsigned long long)part.number, part.count, other->part.count);
        met++;
    }
    j->logs[index].is_waiting = true;
    if (met < part.count) return OK;
    for (uint32_t i = 0; i < j->count; i++)
        if (j->logs[i].is_waiting && j->logs[i].part.number == part.number)
            j->logs[i].is_waiting = false;
    number_runs_add(&j->whole, part.number);
    return OK;
}

// Until each log is over, or waits.
static enum status walk(struct joint *j)
{
    for (bool goes_on = true; goes_on;) { // each turn reads a part, or ends a log
        goes_on = false;
        for (uint32_t i = 0; i < j->count; i++) {
            struct joint_log *l = &j->logs[i];
            if (l->is_over || l->is_waiting) continue;
            enum joint_result result = joint_step(j, i);
            if (result == JOINT_FAILED) return ERR_IO;
            if (result == JOINT_PART && meet(j, i) != OK) return ERR_IO;
            goes_on = true;
        }
    }
    return OK;
}

static bool does_any_wait(const struct joint *j)
{
    for (uint32_t i = 0; i < j->count; i++)
        if (j->logs[i].is_waiting) return true;
    return false;
}

static enum status read_all(struct joint *j)
{
    for (uint32_t i = 0; i < j->count; i++)
        if (open_log(j, i) != OK) return ERR_IO;
    if (walk(j) != OK) return ERR_IO;
    if (!does_any_wait(j)) return OK;
    uint64_t *ends = heap_take(j->plan->heap, j->count * sizeof *ends, HEAP_LOG);
    for (uint32_t i = 0; i < j->count; i++) ends[i] = j->logs[i].part.offset;
    enum status status = joint_check_rest(j);
    for (uint32_t i = 0; i < j->count; i++)
        if (j->logs[i].is_waiting) end_log(&j->logs[i], ends[i], not_whole);
    heap_give(j->plan->heap, ends, j->count * sizeof *ends, HEAP_LOG);
    return status;
}

enum status aof_joint_read(struct aof_plan *p, const struct aof_plan_generation *g,
                           struct aof_plan_error *error)
{
    struct joint j = { .plan = p, .error = error, .count = g->count };
    j.logs = heap_take_zeroed(p->heap, j.count * sizeof *j.logs, HEAP_LOG);
    number_runs_init(&j.whole, p->heap);
    for (uint32_t i = 0; i < j.count; i++) {
        j.logs[i].log = &p->logs[g->first + i];
        j.logs[i].part.log = i;
    }
    enum status status = read_all(&j);
    for (uint32_t i = 0; i < j.count; i++) {
        aof_scan_close(&j.logs[i].scan);
        file_view_close(&j.logs[i].view);
    }
    number_runs_close(&j.whole);
    heap_give(p->heap, j.logs, j.count * sizeof *j.logs, HEAP_LOG);
    return status;
}
