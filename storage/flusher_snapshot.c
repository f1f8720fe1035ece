#include <errno.h>
#include "dataplane/base/check.h"
#include "dataplane/base/hash.h"
#include "storage/flusher_priv.h"

// Groups. The queue is the file's order: a chunk of the open group goes there at once, others wait
// by port until the group ends; then the next port that has something opens one.

static void put_in_order(struct flusher *f, struct flush_work *w, uint32_t port)
{
    struct list_node *node = list_take_first(&w->waiting[port]);
    struct flush_chunk *c = LIST_OWNER(node, struct flush_chunk, link);
    w->group_port = port;
    w->has_group = !c->ends_group;
    if (c->size == 0)
        flusher_give_back(f, c);
    else
        list_append(&w->queue, node);
}

// The port whose turn it is, if it has something.
static bool next_port(const struct flusher *f, const struct flush_work *w, uint32_t *port)
{
    *port = w->group_port;
    if (w->has_group) return w->waiting[*port].count > 0;
    for (uint32_t i = 1; i <= f->port_count; i++) {
        *port = (w->group_port + i) % f->port_count;
        if (w->waiting[*port].count > 0) return true;
    }
    return false;
}

void flush_snapshot_take(struct flusher *f, struct flush_work *w, struct flush_chunk *c)
{
    uint32_t port;
    if (w->file->error || w->is_ending) {
        flusher_give_back(f, c);
        return;
    }
    list_append(&w->waiting[c->port], &c->link);
    while (next_port(f, w, &port)) put_in_order(f, w, port);
}

// Writing

static void fail(struct flush_work *w, int error, const char *step)
{
    if (w->file->error) return;
    w->error_step = step;
    __atomic_store_n(&w->file->error, error, __ATOMIC_RELAXED);
}

static void written(struct flusher *f, void *owner, int64_t result)
{
    struct flush_work *w = owner;
    uint64_t size = 0;
    for (struct list_node *n = list_first(&w->writing); n; n = list_next(&w->writing, n))
        size += LIST_OWNER(n, struct flush_chunk, link)->size;
    w->is_writing = false;
    flusher_give_back_all(f, &w->writing);
    if (result == (int64_t)size)
        flush_work_tell(&w->file->written, w->file->written + size);
    else
        fail(w, result < 0 ? (int)-result : ENOSPC, "write");
}

static void synced(struct flusher *f, void *owner, int64_t result)
{
    struct flush_work *w = owner;
    w->is_syncing = false;
    if (result < 0) {
        fail(w, (int)-result, "fdatasync");
        return;
    }
    w->synced_to = w->sync_target;
    flush_work_tell(&w->file->durable, w->sync_target);
}

static void write_queue(struct flusher *f, struct flush_work *w)
{
    flush_work_write(f, w, written);
    if (!w->file->has_checksum) return;
    for (struct list_node *n = list_first(&w->writing); n; n = list_next(&w->writing, n)) {
        const struct flush_chunk *c = LIST_OWNER(n, struct flush_chunk, link);
        w->crc = crc64(w->crc, c->data, c->size);
    }
}

static bool is_dropped(const struct flush_work *w)
{
    return w->file->error || (w->ending && w->ending->op == FLUSH_DISCARD);
}

void flush_snapshot_step(struct flusher *f, struct flush_work *w)
{
    if (is_dropped(w)) {
        flusher_give_back_all(f, &w->queue);
        for (uint32_t i = 0; i < f->port_count; i++) flusher_give_back_all(f, &w->waiting[i]);
        return;
    }
    if (!w->is_writing && w->queue.count > 0) write_queue(f, w);
    if (!w->is_syncing && w->file->written - w->synced_to >= FLUSH_SNAPSHOT_SYNC_BYTES)
        flush_work_sync(f, w, synced);
}

// A group that COMMIT finds open is its requester's mistake, as is a chunk that waits behind one.
bool flush_snapshot_is_quiet(const struct flush_work *w)
{
    if (w->is_writing || w->is_syncing || w->queue.count > 0) return false;
    if (w->ending->op == FLUSH_COMMIT && !w->file->error) CHECK(!w->has_group);
    return true;
}

void flush_snapshot_put_trailer(struct flush_work *w) { store_le64(w->trailer, w->crc); }
