#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/base/check.h"
#include "storage/disk_memory_priv.h"

enum { SECTOR_BYTES = 512 };

static struct disk_memory *memory_of(struct disk *d)
{
    return LIST_OWNER(d, struct disk_memory, disk);
}

// Names

struct memory_name *memory_name_of(struct disk_memory *m, const char *path)
{
    for (uint32_t i = 0; i < m->name_count; i++)
        if (strcmp(m->names[i].path, path) == 0) return &m->names[i];
    if (m->name_count == m->name_room) {
        m->name_room = m->name_room * 2 + 16;
        m->names = realloc(m->names, m->name_room * sizeof *m->names);
        CHECK(m->names);
    }
    struct memory_name *name = &m->names[m->name_count++];
    *name = (struct memory_name){ .path = strdup(path) };
    CHECK(name->path);
    return name;
}

struct memory_file *memory_file_make(struct disk_memory *m)
{
    struct memory_file *file = calloc(1, sizeof *file);
    CHECK(file);
    memory_bytes_resize(&file->now, 1); // an empty file has an address, too
    memory_bytes_resize(&file->now, 0);
    list_append(&m->files, &file->link);
    return file;
}

static void record(struct disk_memory *m, const struct memory_change *c)
{
    if (m->change_count == m->change_room) {
        m->change_room = m->change_room * 2 + 16;
        m->changes = realloc(m->changes, m->change_room * sizeof *m->changes);
        CHECK(m->changes);
    }
    m->changes[m->change_count] = *c;
    m->changes[m->change_count++].number = ++m->change_number;
}

int64_t memory_names_change(struct disk_memory *m, const struct disk_op *op)
{
    struct memory_change c = { 0 };
    uint32_t index = (uint32_t)(memory_name_of(m, op->path) - m->names);
    struct memory_file *file = m->names[index].now;
    if (op->kind == DISK_OPEN) {
        if (file) return 0;
        c = (struct memory_change){ .has_given = true, .given = index };
        c.file = memory_file_make(m);
    } else {
        if (!file) return -ENOENT;
        c = (struct memory_change){ .has_gone = true, .gone = index };
    }
    if (op->kind == DISK_RENAME) {
        c.has_given = true;
        c.given = (uint32_t)(memory_name_of(m, op->target) - m->names);
        c.file = file;
    }
    if (c.has_gone) m->names[c.gone].now = NULL;
    if (c.has_given) m->names[c.given].now = c.file;
    record(m, &c);
    return 0;
}

void memory_change_apply(struct disk_memory *m, const struct memory_change *c)
{
    if (c->has_gone) m->names[c->gone].durable = NULL;
    if (c->has_given) m->names[c->given].durable = c->file;
}

// Crash

static void maybe_happened(struct disk_memory *m, struct disk_op *op)
{
    size_t size = 0;
    if (rng_below(&m->rng, 2)) return;
    for (uint32_t i = 0; i < op->vector_count && op->kind == DISK_WRITE; i++)
        size += op->vectors[i].iov_len;
    if (op->kind == DISK_WRITE && !m->write_error)
        memory_file_write(m->handles[op->handle], op, rng_below(&m->rng, size + 1));
    if (op->kind == DISK_OPEN || op->kind == DISK_RENAME || op->kind == DISK_REMOVE)
        (void)memory_names_change(m, op);
}

static void end_pending(struct disk_memory *m)
{
    struct list_node *node;
    while ((node = list_take_first(&m->pending))) {
        struct memory_pending *p = LIST_OWNER(node, struct memory_pending, link);
        maybe_happened(m, p->op);
        free(p);
    }
}

static void settle_names(struct disk_memory *m)
{
    for (uint32_t i = 0; i < m->change_count; i++)
        if (rng_below(&m->rng, 2)) memory_change_apply(m, &m->changes[i]);
    m->change_count = 0;
    for (uint32_t i = 0; i < m->name_count; i++) {
        m->names[i].now = m->names[i].durable;
        if (m->names[i].now) m->names[i].now->is_kept = true;
    }
}

// One sector as it was, or as it became where that reaches.
static void settle_sector(struct memory_file *file, struct memory_bytes *out, size_t at,
                          bool is_new)
{
    const struct memory_bytes *from = is_new ? &file->now : &file->durable;
    const struct memory_bytes *other = is_new ? &file->durable : NULL;
    size_t end = at + SECTOR_BYTES < out->size ? at + SECTOR_BYTES : out->size;
    for (; at < end; at++)
        out->data[at] = at < from->size             ? from->data[at]
                        : other && at < other->size ? other->data[at]
                                                    : 0;
}

// In order: up to what a failed sync dropped, whatever later ones said.
static size_t kept_in_order(const struct disk_memory *m, const struct memory_file *file,
                            size_t size)
{
    bool has_dropped = m->config.keeps_order && file->dropped_start < file->dropped_end;
    return has_dropped && size > file->dropped_start ? file->dropped_start : size;
}

// The size lies between the two; the bytes are all old, all new, or each sector by itself.
static void settle_bytes(struct disk_memory *m, struct memory_file *file)
{
    enum { ALL_OLD, ALL_NEW, TORN, KINDS };
    struct memory_bytes out = { 0 };
    uint64_t kind = m->config.keeps_order ? ALL_NEW : rng_below(&m->rng, KINDS);
    size_t low = file->now.size, high = file->durable.size;
    if (low > high) {
        low = high;
        high = file->now.size;
    }
    memory_bytes_resize(&out, 1);
    low += rng_below(&m->rng, high - low + 1);
    memory_bytes_resize(&out, kept_in_order(m, file, low));
    for (size_t at = 0; at < out.size; at += SECTOR_BYTES) {
        bool is_new = kind == ALL_NEW || (kind == TORN && rng_below(&m->rng, 2));
        settle_sector(file, &out, at, is_new);
    }
    free(file->now.data);
    file->now = out;
    memory_bytes_resize(&file->durable, out.size);
    if (out.size) memcpy(file->durable.data, out.data, out.size);
    file->dirty_start = file->dirty_end = file->dropped_start = file->dropped_end = 0;
}

void disk_memory_crash(struct disk *d)
{
    struct disk_memory *m = memory_of(d);
    end_pending(m);
    settle_names(m);
    memset(m->handles, 0, sizeof m->handles);
    struct list_node *node = list_first(&m->files);
    while (node) {
        struct memory_file *file = LIST_OWNER(node, struct memory_file, link);
        node = list_next(&m->files, node);
        if (file->is_kept) {
            file->is_kept = false;
            settle_bytes(m, file);
            continue;
        }
        list_remove(&m->files, &file->link);
        free(file->now.data);
        free(file->durable.data);
        free(file);
    }
    d->is_off = true;
}

// What tests see and prepare

enum status disk_memory_read(struct disk *d, const char *path, const uint8_t **bytes, size_t *size)
{
    const struct memory_file *file = memory_name_of(memory_of(d), path)->now;
    if (!file) return ERR_IO;
    *bytes = file->now.data;
    *size = file->now.size;
    return OK;
}

void disk_memory_each(struct disk *d,
                      void (*visit)(void *context, const char *path, const uint8_t *bytes,
                                    size_t size),
                      void *context)
{
    const struct disk_memory *m = memory_of(d);
    for (uint32_t i = 0; i < m->name_count; i++) {
        const struct memory_file *file = m->names[i].now;
        if (file) visit(context, m->names[i].path, file->now.data, file->now.size);
    }
}

static void set_durable(struct disk_memory *m, const char *path, struct memory_file *file)
{
    struct memory_name *name = memory_name_of(m, path);
    uint32_t index = (uint32_t)(name - m->names), kept = 0;
    for (uint32_t i = 0; i < m->change_count; i++) {
        struct memory_change c = m->changes[i];
        if (c.has_given && c.given == index) c.has_given = false;
        if (c.has_gone && c.gone == index) c.has_gone = false;
        if (c.has_given || c.has_gone) m->changes[kept++] = c;
    }
    m->change_count = kept;
    name->now = name->durable = file;
}

void disk_memory_put(struct disk *d, const char *path, const void *bytes, size_t size)
{
    struct disk_memory *m = memory_of(d);
    struct memory_file *file = memory_file_make(m);
    memory_bytes_resize(&file->now, size);
    memory_bytes_resize(&file->durable, size);
    if (size) memcpy(file->now.data, bytes, size);
    if (size) memcpy(file->durable.data, bytes, size);
    set_durable(m, path, file);
}

void disk_memory_remove(struct disk *d, const char *path) { set_durable(memory_of(d), path, NULL); }

void disk_memory_undrop(struct disk *d)
{
    const struct disk_memory *m = memory_of(d);
    for (struct list_node *n = list_first(&m->files); n; n = list_next(&m->files, n)) {
        struct memory_file *file = LIST_OWNER(n, struct memory_file, link);
        file->dropped_start = file->dropped_end = 0;
    }
}
