#include <errno.h>
#include <stdlib.h>
#include "dataplane/base/check.h"
#include "storage/flusher_priv.h"

enum { STEPS_MAX = 7, STEP_END = -1 };
typedef int8_t job_steps[STEPS_MAX];

static const job_steps snapshot_create = { DISK_OPEN, STEP_END };
static const job_steps log_create = { DISK_OPEN, DISK_SYNC, DISK_SYNC_DIRECTORY, STEP_END };
static const job_steps commit = { DISK_WRITE,  DISK_SYNC,           DISK_CLOSE,
                                  DISK_RENAME, DISK_SYNC_DIRECTORY, STEP_END };
static const job_steps commit_bare = { DISK_SYNC, DISK_CLOSE, DISK_RENAME, DISK_SYNC_DIRECTORY,
                                       STEP_END };
static const job_steps discard = { DISK_CLOSE, DISK_REMOVE, STEP_END };
static const job_steps finish = { DISK_CLOSE, STEP_END };
static const job_steps replace = { DISK_OPEN,   DISK_WRITE,          DISK_SYNC, DISK_CLOSE,
                                   DISK_RENAME, DISK_SYNC_DIRECTORY, STEP_END };
static const job_steps rename_only = { DISK_RENAME, DISK_SYNC_DIRECTORY, STEP_END };
static const job_steps remove_only = { DISK_REMOVE, STEP_END };

static const char *const step_names[] = {
    [DISK_OPEN] = "open",      [DISK_WRITE] = "write",
    [DISK_SYNC] = "fdatasync", [DISK_TRUNCATE] = "truncate",
    [DISK_CLOSE] = "close",    [DISK_RENAME] = "rename",
    [DISK_REMOVE] = "unlink",  [DISK_SYNC_DIRECTORY] = "fsync of the directory",
};

static const int8_t *steps_of(const struct flush_job *j)
{
    switch (j->op) {
    case FLUSH_CREATE:
        return j->work->file->kind == FLUSH_LOG ? log_create : snapshot_create;
    case FLUSH_COMMIT:
        return j->work->file->has_trailer ? commit : commit_bare;
    case FLUSH_DISCARD:
        return discard;
    case FLUSH_FINISH:
        return finish;
    case FLUSH_REPLACE:
        return replace;
    case FLUSH_RENAME:
        return rename_only;
    case FLUSH_REMOVE:
        return remove_only;
    }
    return remove_only;
}

static const char *path_of(const struct flush_job *j)
{
    return j->work ? j->work->file->path : j->request->path;
}
static const char *target_of(const struct flush_job *j)
{
    return j->request ? j->request->target : NULL;
}
static bool is_renaming(const struct flush_job *j)
{
    return j->op == FLUSH_COMMIT || j->op == FLUSH_REPLACE || j->op == FLUSH_RENAME;
}

static void fail(struct flush_job *j, int error, const char *step)
{
    if (j->error) return;
    j->error = error;
    j->error_step = step;
    j->is_undoing = true;
}

// One operation after the other

static void take_text(struct flush_job *j)
{
    struct disk_op *op = &j->io.op;
    struct bytes text = j->op == FLUSH_COMMIT
                            ? bytes_make(j->work->trailer, sizeof j->work->trailer)
                            : j->request->text;
    op->offset = j->op == FLUSH_COMMIT ? j->work->file->written : 0;
    op->vector_count = 1;
    op->vectors[0] =
        (struct iovec){ .iov_base = (void *)(uintptr_t)text.data, .iov_len = text.size };
}

static void prepare(struct flush_job *j, enum disk_op_kind kind)
{
    struct disk_op *op = &j->io.op;
    op->kind = kind;
    op->handle = j->handle;
    op->path = path_of(j);
    op->target = target_of(j);
    if (kind == DISK_OPEN) op->offset = j->op == FLUSH_CREATE ? j->work->file->written : 0;
    if (kind == DISK_WRITE) take_text(j);
    if (kind == DISK_SYNC_DIRECTORY && is_renaming(j)) op->path = op->target;
}

static void trailer_done(const struct flush_job *j, enum disk_op_kind kind)
{
    struct flush_file *file = j->work->file;
    if (kind == DISK_WRITE) flush_work_tell(&file->written, file->written + 8);
    if (kind == DISK_SYNC) flush_work_tell(&file->durable, file->written);
}

static void step_done(struct flush_job *j, enum disk_op_kind kind, int64_t result)
{
    if (kind == DISK_OPEN) {
        j->handle = (int)result;
        j->is_open = true;
        j->must_remove = j->op == FLUSH_REPLACE;
    }
    if (kind == DISK_RENAME) {
        j->must_remove = false;
        if (j->request) j->request->is_renamed = true;
    }
    if (j->op == FLUSH_COMMIT) trailer_done(j, kind);
}

static void next_step(struct flusher *f, struct flush_job *j);

static void step_completed(struct flusher *f, void *owner, int64_t result)
{
    struct flush_job *j = owner;
    enum disk_op_kind kind = j->io.op.kind;
    if (kind == DISK_CLOSE) j->is_open = false;
    if (kind == DISK_REMOVE) {
        j->must_remove = false;
        if (result == -ENOENT) result = 0;
    }
    if (kind == DISK_WRITE && result >= 0 && (size_t)result < j->io.op.vectors[0].iov_len)
        result = -ENOSPC;
    if (result < 0)
        fail(j, (int)-result, step_names[kind]);
    else if (!j->is_undoing)
        step_done(j, kind, result);
    j->step++;
    next_step(f, j);
}

// Behind an error: what is open is closed, what was half made is removed.
static int next_kind(const struct flush_job *j)
{
    if (!j->is_undoing) return steps_of(j)[j->step];
    if (j->is_open) return DISK_CLOSE;
    return j->must_remove ? DISK_REMOVE : STEP_END;
}

static void answer(struct flusher *f, struct flush_job *j)
{
    if (j->request) flusher_answer(f, j->request, j->error, j->error_step);
    free(j);
}

// The file is not open: nothing to undo.
static void answer_unopened(struct flusher *f, struct flush_job *j, int error)
{
    if (j->op != FLUSH_DISCARD) fail(j, error, "open");
    answer(f, j);
}

static void created(struct flusher *f, struct flush_job *j)
{
    struct flush_work *w = j->work;
    if (!j->error) {
        w->handle = j->handle;
        w->is_open = true;
        if (w->file->kind == FLUSH_LOG) flush_work_tell(&w->file->durable, w->file->written);
        return;
    }
    __atomic_store_n(&w->file->error, j->error, __ATOMIC_RELAXED);
    if (w->ending) answer_unopened(f, w->ending, j->error);
    flush_work_close(f, w);
}

static void next_step(struct flusher *f, struct flush_job *j)
{
    int kind = next_kind(j);
    if (kind != STEP_END) {
        prepare(j, (enum disk_op_kind)kind);
        flusher_submit(f, &j->io, j, step_completed);
        return;
    }
    list_remove(&f->jobs, &j->link);
    if (j->op == FLUSH_CREATE)
        created(f, j);
    else if (j->work)
        flush_work_close(f, j->work);
    answer(f, j);
}

static void report_file(struct flush_job *j)
{
    const struct flush_work *w = j->work;
    if (j->op == FLUSH_COMMIT && w->file->error) fail(j, w->file->error, w->error_step);
    if (j->op != FLUSH_FINISH) return;
    const char *step = w->write_error ? step_names[DISK_WRITE] : step_names[DISK_SYNC];
    if (w->has_given_up)
        fail(j, w->file->error, step);
    else if (w->file->has_lost)
        fail(j, EIO, step_names[DISK_SYNC]);
}

void flush_job_begin(struct flusher *f, struct flush_job *j)
{
    list_append(&f->jobs, &j->link);
    if (j->work && j->op != FLUSH_CREATE) {
        j->handle = j->work->handle;
        j->is_open = true;
        j->must_remove = j->op == FLUSH_COMMIT;
        report_file(j);
        if (j->op == FLUSH_COMMIT) flush_snapshot_put_trailer(j->work);
    }
    next_step(f, j);
}

// Requests

static void take_ending(struct flusher *f, struct flush_job *j)
{
    struct flush_file *file = j->request->file;
    if (!file->work) {
        answer_unopened(f, j, file->error ? file->error : EBADF);
        return;
    }
    CHECK(!file->work->ending && (file->kind == FLUSH_LOG) == (j->op == FLUSH_FINISH));
    j->work = file->work;
    j->work->ending = j;
}

void flush_job_take(struct flusher *f, struct flusher_port *p, struct flush_request *r)
{
    struct flush_job *j = calloc(1, sizeof *j);
    if (j && r->op == FLUSH_CREATE) {
        CHECK(r->file->port < f->port_count);
        if (r->file->kind == FLUSH_LOG) p = f->ports[r->file->port];
        j->work = flush_work_open(f, r->file, p);
        if (!j->work) {
            free(j);
            j = NULL;
        }
    }
    if (!j) {
        flusher_answer(f, r, ENOMEM, "memory");
        return;
    }
    j->request = r;
    j->op = r->op;
    if (r->op == FLUSH_COMMIT || r->op == FLUSH_DISCARD || r->op == FLUSH_FINISH)
        take_ending(f, j);
    else
        flush_job_begin(f, j);
}

// Without memory for it now: at a later turn.
void flush_job_end_file(struct flusher *f, struct flush_work *w)
{
    struct flush_job *j = calloc(1, sizeof *j);
    if (!j) return;
    j->op = w->file->kind == FLUSH_LOG ? FLUSH_FINISH : FLUSH_DISCARD;
    j->work = w;
    w->ending = j;
    if (w->file->kind == FLUSH_LOG) flush_log_try_now(w);
}
