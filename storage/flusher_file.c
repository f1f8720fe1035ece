#include <stdlib.h>
#include "dataplane/base/check.h"
#include "storage/flusher_priv.h"

static void init_lists(struct flush_work *w)
{
    list_init(&w->queue);
    list_init(&w->writing);
    list_init(&w->unsynced);
    for (uint32_t i = 0; i < FLUSH_PORTS_MAX; i++) list_init(&w->waiting[i]);
}

struct flush_work *flush_work_open(struct flusher *f, struct flush_file *file,
                                   struct flusher_port *port)
{
    struct flush_work *w = calloc(1, sizeof *w);
    uint64_t start = file->kind == FLUSH_LOG && file->must_append ? file->start_size : 0;
    file->work = w;
    flush_work_tell(&file->written, start);
    flush_work_tell(&file->durable, 0);
    flush_work_tell(&file->delayed, 0);
    __atomic_store_n(&file->error, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&file->has_lost, false, __ATOMIC_RELAXED);
    if (!w) return NULL;
    w->file = file;
    w->port = port;
    w->synced_to = start;
    init_lists(w);
    list_append(&f->works, &w->link);
    return w;
}

void flush_work_close(struct flusher *f, struct flush_work *w)
{
    CHECK(!w->is_writing && !w->is_syncing);
    flusher_give_back_all(f, &w->queue);
    flusher_give_back_all(f, &w->unsynced);
    for (uint32_t i = 0; i < f->port_count; i++) flusher_give_back_all(f, &w->waiting[i]);
    w->file->work = NULL;
    list_remove(&f->works, &w->link);
    free(w);
}

void flush_work_tell(uint64_t *where, uint64_t value)
{
    __atomic_store_n(where, value, __ATOMIC_RELEASE);
}

// Behind the file's end, or a CREATE that failed, or with nothing in it: it goes back.
void flush_work_take(struct flusher *f, struct flush_chunk *c)
{
    struct flush_work *w = c->file->work;
    if (!w)
        flusher_give_back(f, c);
    else if (w->file->kind == FLUSH_SNAPSHOT)
        flush_snapshot_take(f, w, c);
    else if (c->size == 0 || w->has_given_up || w->is_ending)
        flusher_give_back(f, c);
    else
        list_append(&w->queue, &c->link);
}

static bool is_quiet(const struct flush_work *w)
{
    return w->file->kind == FLUSH_LOG ? flush_log_is_quiet(w) : flush_snapshot_is_quiet(w);
}

void flush_work_step(struct flusher *f, struct flush_work *w)
{
    if (!w->is_open || w->is_ending) return;
    if (f->is_closing && !w->ending) flush_job_end_file(f, w);
    if (w->file->kind == FLUSH_LOG)
        flush_log_step(f, w);
    else
        flush_snapshot_step(f, w);
    if (!w->ending || !is_quiet(w)) return;
    w->is_ending = true;
    flush_job_begin(f, w->ending);
}

void flush_work_write(struct flusher *f, struct flush_work *w,
                      void (*complete)(struct flusher *f, void *owner, int64_t result))
{
    struct disk_op *op = &w->write.op;
    uint64_t at = w->file->written;
    op->kind = DISK_WRITE;
    op->handle = w->handle;
    op->offset = at;
    op->is_durable = w->writes_durably;
    for (op->vector_count = 0; op->vector_count < DISK_VECTORS_MAX; op->vector_count++) {
        struct list_node *node = list_take_first(&w->queue);
        if (!node) break;
        struct flush_chunk *c = LIST_OWNER(node, struct flush_chunk, link);
        op->vectors[op->vector_count] = (struct iovec){ .iov_base = c->data, .iov_len = c->size };
        c->offset = at;
        at += c->size;
        list_append(&w->writing, node);
    }
    w->is_writing = true;
    flusher_submit(f, &w->write, w, complete);
}

void flush_work_sync(struct flusher *f, struct flush_work *w,
                     void (*complete)(struct flusher *f, void *owner, int64_t result))
{
    w->sync.op.kind = DISK_SYNC;
    w->sync.op.handle = w->handle;
    w->sync_target = w->file->written;
    w->is_syncing = true;
    flusher_submit(f, &w->sync, w, complete);
}
