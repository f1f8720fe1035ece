#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/base/bytes.h"
#include "dataplane/base/check.h"
#include "storage/disk_memory_priv.h"

static struct disk_memory *memory_of(struct disk *d)
{
    return LIST_OWNER(d, struct disk_memory, disk);
}

// Bytes

void memory_bytes_resize(struct memory_bytes *b, size_t size)
{
    if (size > b->room) {
        b->room = size * 2;
        b->data = realloc(b->data, b->room);
        CHECK(b->data);
    }
    if (size > b->size) memset(b->data + b->size, 0, size - b->size);
    b->size = size;
}

// Written again from its begin on; in its middle alone, which logs do not do, makes up for nothing.
static void undrop(struct memory_file *file, size_t start, size_t end)
{
    if (start > file->dropped_start || end < file->dropped_start) return;
    file->dropped_start = end < file->dropped_end ? end : file->dropped_end;
}

void memory_file_cut(struct memory_file *file, size_t size)
{
    memory_bytes_resize(&file->now, size);
    if (file->dropped_end > size) file->dropped_end = size;
    if (file->dropped_start > size) file->dropped_start = size;
}

void memory_file_write(struct memory_file *file, const struct disk_op *op, size_t size)
{
    size_t at = op->offset, end = at + size;
    if (size == 0) return;
    if (end > file->now.size) memory_bytes_resize(&file->now, end);
    for (uint32_t i = 0; i < op->vector_count && at < end; i++) {
        size_t part = op->vectors[i].iov_len < end - at ? op->vectors[i].iov_len : end - at;
        if (part) memcpy(file->now.data + at, op->vectors[i].iov_base, part);
        at += part;
    }
    undrop(file, op->offset, end);
    bool is_clean = file->dirty_start == file->dirty_end;
    if (is_clean || op->offset < file->dirty_start) file->dirty_start = op->offset;
    if (is_clean || end > file->dirty_end) file->dirty_end = end;
}

static size_t used_bytes(const struct disk_memory *m)
{
    size_t used = 0;
    for (uint32_t i = 0; i < m->name_count; i++)
        if (m->names[i].now) used += m->names[i].now->now.size;
    return used;
}

// Of size bytes at offset, how many find room.
static size_t that_fit(const struct disk_memory *m, const struct memory_file *file, uint64_t offset,
                       size_t size)
{
    size_t used = used_bytes(m), grown = offset + size;
    if (m->config.capacity_bytes == 0 || grown <= file->now.size) return size;
    grown -= file->now.size;
    size_t room = used < m->config.capacity_bytes ? m->config.capacity_bytes - used : 0;
    if (grown <= room) return size;
    return size > grown - room ? size - (grown - room) : 0;
}

// Operations as they complete

static bool is_unlucky(struct disk_memory *m)
{
    return m->config.eio_per_million > 0 && rng_below(&m->rng, 1000000) < m->config.eio_per_million;
}

static struct memory_file *file_of(struct disk_memory *m, const struct disk_op *op)
{
    CHECK(op->handle >= 0 && op->handle < DISK_FILES_MAX && m->handles[op->handle]);
    return m->handles[op->handle];
}

static size_t write_bytes(const struct disk_op *op)
{
    size_t size = 0;
    for (uint32_t i = 0; i < op->vector_count; i++) size += op->vectors[i].iov_len;
    return size;
}

// Of what was dirty there. Linux takes it for clean from then on.
static bool sync_fails(struct disk_memory *m, struct memory_file *file, size_t start, size_t end)
{
    bool has_none = file->dropped_start == file->dropped_end;
    if (!m->sync_error && !is_unlucky(m)) return false;
    if (start == end) return true;
    if (has_none || start < file->dropped_start) file->dropped_start = start;
    if (has_none || end > file->dropped_end) file->dropped_end = end;
    return true;
}

// Of a write that is durable at once.
static bool sync_range(struct disk_memory *m, struct memory_file *file, size_t start, size_t end)
{
    bool has_failed = sync_fails(m, file, file->dirty_start, file->dirty_end);
    file->dirty_start = file->dirty_end = 0;
    if (has_failed) return false;
    if (file->durable.size < end) memory_bytes_resize(&file->durable, end);
    memcpy(file->durable.data + start, file->now.data + start, end - start);
    return true;
}

static int64_t do_write(struct disk_memory *m, struct disk_op *op)
{
    struct memory_file *file = file_of(m, op);
    size_t wanted = write_bytes(op), size = wanted;
    int error = m->write_error;
    if (error)
        size = 0;
    else if (is_unlucky(m)) {
        error = EIO;
        size = rng_below(&m->rng, wanted + 1);
    } else if ((size = that_fit(m, file, op->offset, wanted)) < wanted)
        error = ENOSPC;
    memory_file_write(file, op, size);
    if (op->is_durable && size > 0 && !sync_range(m, file, op->offset, op->offset + size))
        return m->sync_error ? -m->sync_error : -EIO;
    return size > 0 || !error ? (int64_t)size : -error;
}

static int64_t do_sync(struct disk_memory *m, const struct memory_pending *p)
{
    struct memory_file *file = file_of(m, p->op);
    if (sync_fails(m, file, p->dirty_start, p->dirty_end))
        return m->sync_error ? -m->sync_error : -EIO;
    memory_bytes_resize(&file->durable, p->size);
    size_t end = p->dirty_end < p->size ? p->dirty_end : p->size;
    if (end > file->now.size) end = file->now.size;
    if (p->dirty_start < end)
        memcpy(file->durable.data + p->dirty_start, file->now.data + p->dirty_start,
               end - p->dirty_start);
    return 0;
}

static int64_t do_open(struct disk_memory *m, const struct disk_op *op)
{
    int handle = 0;
    while (handle < DISK_FILES_MAX && m->handles[handle]) handle++;
    if (handle == DISK_FILES_MAX) return -EMFILE;
    (void)memory_names_change(m, op);
    struct memory_file *file = memory_name_of(m, op->path)->now;
    if (op->offset != UINT64_MAX && op->offset > file->now.size) return -EINVAL;
    if (op->offset != UINT64_MAX) memory_file_cut(file, op->offset);
    m->handles[handle] = file;
    return handle;
}

static bool is_in_folder_of(const char *path, const char *other)
{
    const char *slash = strrchr(other, '/'), *own = strrchr(path, '/');
    size_t size = slash ? (size_t)(slash - other) : 0;
    return size == (own ? (size_t)(own - path) : 0) && memcmp(path, other, size) == 0;
}

// Of a name that is gone for good, that it was made: neither can come back without the other.
static void forget_making(struct disk_memory *m, const struct memory_change *gone, uint32_t kept)
{
    for (uint32_t i = 0; i < kept && gone->has_gone; i++)
        if (m->changes[i].has_given && m->changes[i].given == gone->gone)
            m->changes[i].has_given = false;
}

static void sync_directory(struct disk_memory *m, const struct memory_pending *p)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < m->change_count; i++) {
        struct memory_change c = m->changes[i];
        uint32_t name = c.has_given ? c.given : c.gone;
        if (c.number <= p->changes && is_in_folder_of(m->names[name].path, p->op->path)) {
            memory_change_apply(m, &c);
            forget_making(m, &c, kept);
        } else if (c.has_given || c.has_gone) {
            m->changes[kept++] = c;
        }
    }
    m->change_count = kept;
}

static int64_t complete(struct disk_memory *m, struct memory_pending *p)
{
    struct disk_op *op = p->op;
    if (op->kind == DISK_WRITE) return do_write(m, op);
    if (op->kind == DISK_SYNC) return do_sync(m, p);
    if (op->kind != DISK_CLOSE && is_unlucky(m)) return -EIO;
    switch (op->kind) {
    case DISK_OPEN:
        return do_open(m, op);
    case DISK_TRUNCATE:
        memory_file_cut(file_of(m, op), op->offset);
        return 0;
    case DISK_CLOSE:
        (void)file_of(m, op);
        m->handles[op->handle] = NULL;
        return 0;
    case DISK_SYNC_DIRECTORY:
        sync_directory(m, p);
        return 0;
    default:
        return memory_names_change(m, op);
    }
}

// The contract

static void memory_submit(struct disk *d, struct disk_op *op)
{
    struct disk_memory *m = memory_of(d);
    if (d->is_off) return;
    struct memory_pending *p = calloc(1, sizeof *p);
    CHECK(p);
    p->op = op;
    p->turns = (uint32_t)rng_below(&m->rng, (uint64_t)m->config.delay_turns_max + 1);
    p->changes = m->change_number;
    if (op->kind == DISK_SYNC) {
        struct memory_file *file = file_of(m, op);
        p->size = file->now.size;
        p->dirty_start = file->dirty_start;
        p->dirty_end = file->dirty_end;
        file->dirty_start = file->dirty_end = 0;
    }
    list_append(&m->pending, &p->link);
}

static void complete_one(struct disk_memory *m, struct memory_pending *p, struct list *done)
{
    p->op->result = complete(m, p);
    list_append(done, &p->op->link);
    list_remove(&m->pending, &p->link);
    free(p);
}

// Those that are due, in an order that the seed gives: each time, any of them.
static uint32_t complete_due(struct disk_memory *m, struct list *done)
{
    uint32_t due = 0, total = 0;
    for (struct list_node *n = list_first(&m->pending); n; n = list_next(&m->pending, n)) {
        struct memory_pending *p = LIST_OWNER(n, struct memory_pending, link);
        if (p->turns == 0) due++;
    }
    for (; due > 0; due--, total++) {
        uint64_t skipped = rng_below(&m->rng, due);
        struct list_node *n = list_first(&m->pending);
        while (LIST_OWNER(n, struct memory_pending, link)->turns > 0 || skipped-- > 0)
            n = list_next(&m->pending, n);
        complete_one(m, LIST_OWNER(n, struct memory_pending, link), done);
    }
    return total;
}

static uint32_t memory_wait(struct disk *d, struct list *done, int wake_fd, uint64_t timeout_ns)
{
    struct disk_memory *m = memory_of(d);
    if (m->pending.count == 0 && wake_fd >= 0) {
        struct pollfd p = { .fd = wake_fd, .events = POLLIN };
        struct timespec ts = { .tv_sec = (time_t)(timeout_ns / 1000000000),
                               .tv_nsec = (long)(timeout_ns % 1000000000) };
        (void)ppoll(&p, 1, timeout_ns == UINT64_MAX ? NULL : &ts, NULL);
    }
    uint32_t count = complete_due(m, done);
    for (struct list_node *n = list_first(&m->pending); n; n = list_next(&m->pending, n))
        LIST_OWNER(n, struct memory_pending, link)->turns--;
    return count;
}

static enum status memory_register(struct disk *d, void *start, size_t size)
{
    if (start) d->is_off = false;
    return OK;
}

static void memory_close(struct disk *d)
{
    struct disk_memory *m = memory_of(d);
    struct list_node *node;
    CHECK(m->pending.count == 0);
    while ((node = list_take_first(&m->files))) {
        struct memory_file *file = LIST_OWNER(node, struct memory_file, link);
        free(file->now.data);
        free(file->durable.data);
        free(file);
    }
    for (uint32_t i = 0; i < m->name_count; i++) free(m->names[i].path);
    free(m->names);
    free(m->changes);
    free(m);
}

static const struct disk_ops memory_ops = {
    .submit = memory_submit,
    .wait = memory_wait,
    .register_memory = memory_register,
    .close = memory_close,
};

enum status disk_memory_open(struct disk **out, const struct disk_memory_config *config)
{
    struct disk_memory *m = calloc(1, sizeof *m);
    if (!m) return ERR_NO_SPACE;
    m->disk.ops = &memory_ops;
    m->config = *config;
    rng_seed(&m->rng, config->seed);
    list_init(&m->files);
    list_init(&m->pending);
    *out = &m->disk;
    return OK;
}

void disk_memory_set_refusing(struct disk *d, int error) { memory_of(d)->write_error = error; }
void disk_memory_set_sync_refusing(struct disk *d, int error) { memory_of(d)->sync_error = error; }
void disk_memory_set_capacity(struct disk *d, uint64_t bytes)
{
    memory_of(d)->config.capacity_bytes = bytes;
}
void disk_memory_set_eio(struct disk *d, uint32_t per_million)
{
    memory_of(d)->config.eio_per_million = per_million;
}
