#include <errno.h>
#include "dataplane/base/check.h"
#include "storage/flusher_priv.h"

// What a log's port sees

static void log_moved(struct flush_work *w)
{
    struct flusher_port *p = w->port;
    __atomic_store_n(&p->moves, p->moves + 1, __ATOMIC_RELEASE);
    p->must_wake = true;
}

static void tell_error(struct flush_work *w)
{
    int error = w->write_error ? w->write_error : w->sync_error;
    if (!error && w->file->has_lost && w->file->sync == FLUSH_SYNC_ALWAYS) error = EIO;
    if (error == w->file->error) return;
    __atomic_store_n(&w->file->error, error, __ATOMIC_RELAXED);
    log_moved(w);
}

static void tell_lost(struct flush_work *w)
{
    __atomic_store_n(&w->file->has_lost, true, __ATOMIC_RELAXED);
}

void flush_log_set_sync(struct flusher *f, struct flush_work *w, enum flush_sync sync)
{
    w->file->sync = sync;
    tell_error(w);
}

// Writing

// One behind the other to the head of the queue, where they came from.
static void queue_again(struct flush_work *w, struct list *chunks)
{
    while (chunks->count > 0) {
        struct list_node *last = chunks->root.prev;
        list_remove(chunks, last);
        list_prepend(&w->queue, last);
    }
}

static void cut(struct flusher *f, void *owner, int64_t result)
{
    struct flush_work *w = owner;
    w->is_writing = false; // what a refused cut leaves is written over
}

static void cut_to(struct flusher *f, struct flush_work *w, uint64_t size)
{
    w->write.op.kind = DISK_TRUNCATE;
    w->write.op.handle = w->handle;
    w->write.op.offset = size;
    w->is_writing = true;
    flusher_submit(f, &w->write, w, cut);
}

// Of what was being written, the whole chunks that the kernel took. Returns the bytes behind them.
// Behind a chunk that is kept all are, whatever the policy became: a rewind leaves no hole.
static uint64_t keep_whole(struct flusher *f, struct flush_work *w, uint64_t size)
{
    struct list_node *node;
    uint64_t end = w->file->written;
    while ((node = list_first(&w->writing))) {
        struct flush_chunk *c = LIST_OWNER(node, struct flush_chunk, link);
        if (c->size > size) break;
        size -= c->size;
        end += c->size;
        list_remove(&w->writing, node);
        bool is_to_keep = w->file->sync == FLUSH_SYNC_ALWAYS || w->unsynced.count > 0;
        if (is_to_keep && !w->writes_durably)
            list_append(&w->unsynced, node);
        else
            flusher_give_back(f, c);
    }
    flush_work_tell(&w->file->written, end);
    return size;
}

static void note_durable(struct flush_work *w, uint64_t end)
{
    w->synced_to = end;
    if (!w->file->has_lost) flush_work_tell(&w->file->durable, end);
    log_moved(w);
}

static void written(struct flusher *f, void *owner, int64_t result)
{
    struct flush_work *w = owner;
    uint64_t torn = keep_whole(f, w, result > 0 ? (uint64_t)result : 0);
    w->is_writing = false;
    w->write_error = 0;
    if (w->writes_durably && w->file->written > w->synced_to) note_durable(w, w->file->written);
    if (w->writing.count > 0) {
        queue_again(w, &w->writing);
        w->write_error = result < 0 ? (int)-result : ENOSPC;
        w->write_retry_ns = f->now_ns + (uint64_t)FLUSH_RETRY_MS * MS_NS;
        if (torn > 0) cut_to(f, w, w->file->written);
    }
    tell_error(w);
}

// Under everysec a write waits for the sync under way, but not for ever.
static bool is_postponed(struct flusher *f, struct flush_work *w)
{
    if (!w->is_syncing || w->file->sync != FLUSH_SYNC_EVERYSEC || w->ending) return false;
    if (w->postponed_ns == 0) w->postponed_ns = f->now_ns;
    if (!flusher_is_time(f, w->postponed_ns + (uint64_t)FLUSH_POSTPONE_MS * MS_NS)) return true;
    flush_work_tell(&w->file->delayed, w->file->delayed + 1);
    return false;
}

// Under always, with nothing before that is not durable yet.
static bool may_write_durably(const struct flush_work *w)
{
    return w->file->sync == FLUSH_SYNC_ALWAYS && !w->is_syncing && !w->must_rewind &&
           w->unsynced.count == 0 && w->synced_to == w->file->written;
}

static void write_if_due(struct flusher *f, struct flush_work *w)
{
    if (w->is_writing || w->queue.count == 0 || !flusher_is_time(f, w->write_retry_ns)) return;
    if (is_postponed(f, w)) return;
    w->postponed_ns = 0;
    w->writes_durably = may_write_durably(w);
    flush_work_write(f, w, written);
}

// Syncing

static void give_back_synced(struct flusher *f, struct flush_work *w)
{
    struct list_node *node;
    while ((node = list_first(&w->unsynced))) {
        struct flush_chunk *c = LIST_OWNER(node, struct flush_chunk, link);
        if (c->offset + c->size > w->synced_to) break;
        list_remove(&w->unsynced, node);
        flusher_give_back(f, c);
    }
}

static void synced(struct flusher *f, void *owner, int64_t result)
{
    struct flush_work *w = owner;
    w->is_syncing = false;
    if (result < 0) {
        w->sync_error = (int)-result;
        w->sync_retry_ns = f->now_ns + (uint64_t)FLUSH_RETRY_MS * MS_NS;
        w->must_rewind = true;
        tell_error(w);
        return;
    }
    w->sync_error = 0;
    note_durable(w, w->sync_target);
    give_back_synced(f, w);
    tell_error(w);
}

static bool sync_is_due(struct flusher *f, const struct flush_work *w)
{
    if (w->is_syncing || w->file->written == w->synced_to) return false;
    if (!flusher_is_time(f, w->sync_retry_ns)) return false;
    if (w->unsynced.count > 0 || w->file->sync == FLUSH_SYNC_ALWAYS) return true;
    if (w->ending) return !w->is_writing && w->queue.count == 0;
    if (w->file->sync == FLUSH_SYNC_NO) return false;
    return w->synced_ns == 0 ||
           flusher_is_time(f, w->synced_ns + (uint64_t)FLUSH_SYNC_EVERY_MS * MS_NS);
}

static void sync_if_due(struct flusher *f, struct flush_work *w)
{
    if (!sync_is_due(f, w)) return;
    w->synced_ns = f->now_ns;
    flush_work_sync(f, w, synced);
}

// A sync failed. The kernel may have dropped any page that was not durable yet, those of writes
// that came beside the sync too, and would say of the next sync that all is well. So all of it is
// written again; what has no chunk any more is lost to durable.
static void rewind_if_due(struct flusher *f, struct flush_work *w)
{
    if (!w->must_rewind || w->is_writing || w->is_syncing) return;
    struct list_node *first = list_first(&w->unsynced);
    uint64_t start = first ? LIST_OWNER(first, struct flush_chunk, link)->offset : w->file->written;
    w->must_rewind = false;
    if (start > w->file->durable) tell_lost(w);
    tell_error(w);
    if (!first) return;
    queue_again(w, &w->unsynced);
    flush_work_tell(&w->file->written, start);
    w->write_retry_ns = w->sync_retry_ns;
    cut_to(f, w, start);
}

void flush_log_try_now(struct flush_work *w)
{
    w->write_error = w->sync_error = 0;
    w->write_retry_ns = w->sync_retry_ns = 0;
}

// The flusher closes: who cannot write now never will.
static void give_up_if_due(struct flusher *f, struct flush_work *w)
{
    if (!f->is_closing || !(w->write_error || w->sync_error)) return;
    if (w->is_writing || w->is_syncing) return;
    w->has_given_up = true;
    flusher_give_back_all(f, &w->queue);
    flusher_give_back_all(f, &w->unsynced);
}

void flush_log_step(struct flusher *f, struct flush_work *w)
{
    give_up_if_due(f, w);
    if (w->has_given_up) return;
    rewind_if_due(f, w);
    if (w->must_rewind) return;
    write_if_due(f, w);
    sync_if_due(f, w);
}

bool flush_log_is_quiet(const struct flush_work *w)
{
    if (w->is_writing || w->is_syncing) return false;
    return w->has_given_up || (!w->must_rewind && w->queue.count == 0 && w->unsynced.count == 0 &&
                               w->file->written == w->synced_to);
}
