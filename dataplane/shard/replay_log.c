#include "dataplane/shard/replay_log.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include "dataplane/base/check.h"
#include "dataplane/base/clock.h"
#include "storage/aof/aof_zeros.h"

_Static_assert((int)REPLAY_REASON_MAX >= (int)AOF_ZEROS_REASON_MAX, "it is written there");

static enum status refuse(struct replay_error *e, uint64_t offset, const char *what,
                          const char *why)
{
    *e = (struct replay_error){ .offset = offset };
    snprintf(e->why, sizeof e->why, "%s: %s", what, why);
    return ERR_IO;
}

// ---- beginning and end

static enum status open_view(struct replay_log *l, struct replay_error *error)
{
    struct file_view *v = &l->view;
    if (!file_view_open(v, AT_FDCWD, l->path))
        return refuse(error, 0, "open", file_view_refusal(errno));
    v->read_bytes = l->start;
    if (v->file_bytes < l->end)
        return refuse(error, v->file_bytes, "open", "it has become shorter meanwhile");
    return file_view_map_all(v) ? OK : refuse(error, 0, "mmap", strerror(errno));
}

enum status replay_log_open(struct replay_log *l, struct heap *heap, const char *path,
                            uint64_t start, uint64_t end, struct replay_error *error)
{
    *l = (struct replay_log){ .start = start, .end = end };
    snprintf(l->path, sizeof l->path, "%s", path);
    aof_scan_init(&l->scan, heap, end, start);
    l->scan.forgives_nested = true; // as Redis does: it leaves them behind a torn tail
    aof_queue_init(&l->queue, heap);
    if (open_view(l, error) == OK) return OK;
    replay_log_close(l);
    return ERR_IO;
}

void replay_log_close(struct replay_log *l)
{
    if (!l->view.is_open) return;
    aof_scan_close(&l->scan);
    aof_queue_close(&l->queue);
    file_view_close(&l->view);
}

// ---- reading

static enum status read_up_to(struct replay_log *l, uint64_t offset, struct replay_error *error)
{
    struct file_trouble trouble;
    if (offset > l->end) offset = l->end;
    while (file_view_read_bytes(&l->view) < offset)
        if (file_view_read_ahead(&l->view, offset, &trouble) != OK)
            return refuse(error, trouble.offset, "pread", trouble.why);
    return OK;
}

// In pieces far larger than what a turn eats: mostly there is nothing to read.
enum status replay_log_read_ahead(struct replay_log *l, struct replay_error *error)
{
    uint64_t offset = l->scan.offset;
    if (file_view_read_bytes(&l->view) >= offset + REPLAY_LEAD_BYTES / 2) return OK;
    return read_up_to(l, offset + REPLAY_LEAD_BYTES, error);
}

bool replay_log_find_trouble(const struct replay_log *l, struct replay_error *error)
{
    struct file_trouble trouble;
    if (!l->view.is_open || !file_view_find_trouble(&l->view, &trouble)) return false;
    (void)refuse(error, trouble.offset, "pread", trouble.why);
    return true;
}

// ---- what is read

static enum status take_broken(const struct replay_log *l, struct replay_error *error)
{
    const struct aof_scan *s = &l->scan;
    *error = (struct replay_error){ .offset = s->error_offset, .is_format = true };
    aof_zeros_reason(l->view.fd, s->error_offset, s->error, error->why);
    return ERR_IO;
}

static struct bytes at_hand(const struct replay_log *l)
{
    struct bytes all = file_view_at(&l->view, l->scan.offset);
    return bytes_make(all.data, file_view_read_bytes(&l->view) - l->scan.offset);
}

// True: enough for now.
static bool take(struct replay_log *l, enum aof_scan_result result, uint64_t offset)
{
    struct aof_scan *s = &l->scan;
    switch (result) {
    case AOF_SCAN_COMMAND:
        aof_queue_add(&l->queue, s->argv, s->argc, offset);
        if (!s->in_unit) aof_queue_end_unit(&l->queue);
        return l->queue.whole >= REPLAY_FILL;
    case AOF_SCAN_MULTI_NESTED:
        l->nested_multis++;
        return false;
    case AOF_SCAN_EXEC:
        aof_queue_end_unit(&l->queue);
        if (s->shard_count) l->state = REPLAY_LOG_AT_JOINT;
        return s->shard_count || l->queue.whole >= REPLAY_FILL;
    case AOF_SCAN_END:
        l->state = REPLAY_LOG_ENDED;
        return true;
    case AOF_SCAN_TORN:
        l->state = REPLAY_LOG_TORN;
        return true;
    default:
        return false; // a remark
    }
}

enum status replay_log_fill(struct replay_log *l, uint64_t until_tsc, struct replay_error *error)
{
    struct aof_scan *s = &l->scan;
    CHECK(l->state == REPLAY_LOG_READS && !aof_queue_may_run(&l->queue));
    aof_queue_trim(&l->queue);
    for (uint32_t steps = 1;; steps++) { // a step eats a byte at least, or reads what is missing
        uint64_t offset = s->offset;
        enum aof_scan_result result = aof_scan_step(s, at_hand(l));
        if (result == AOF_SCAN_BROKEN) return take_broken(l, error);
        if (result == AOF_SCAN_MORE) {
            // Longer than what was read ahead, or the turn is fast.
            if (read_up_to(l, offset + s->wanted_bytes + REPLAY_PIECE_BYTES, error) != OK)
                return ERR_IO;
        } else if (take(l, result, offset)) {
            return OK;
        }
        if (steps % REPLAY_FILL == 0 && clock_tsc() >= until_tsc) return OK;
    }
}
