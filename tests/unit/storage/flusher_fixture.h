// flusher_fixture.h: a flusher on a disk in memory whose turns and time the test takes, ports that
// the test plays, and a disk between the two that counts syncs and can hold them back.
#pragma once
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/base/check.h"
#include "dataplane/base/hash.h"
#include "storage/flusher.h"

enum { MS = 1000000, TURNS_MAX = 20000 };

// The disk between: what is held back completes never, or when it is let go.
struct held_disk {
    struct disk disk;
    struct disk *inner;
    struct list held;
    bool holds_syncs;
    uint32_t syncs, writes, truncates;
};

static inline struct held_disk *held_of(struct disk *d)
{
    return LIST_OWNER(d, struct held_disk, disk);
}
static inline void held_submit(struct disk *d, struct disk_op *op)
{
    struct held_disk *h = held_of(d);
    bool is_sync = op->kind == DISK_SYNC || (op->kind == DISK_WRITE && op->is_durable);
    h->syncs += is_sync;
    h->writes += op->kind == DISK_WRITE;
    h->truncates += op->kind == DISK_TRUNCATE;
    if (is_sync && h->holds_syncs)
        list_append(&h->held, &op->link);
    else
        h->inner->ops->submit(h->inner, op);
}
static inline uint32_t held_wait(struct disk *d, struct list *done, int wake_fd,
                                 uint64_t timeout_ns)
{
    struct held_disk *h = held_of(d);
    struct list_node *node;
    while (!h->holds_syncs && (node = list_take_first(&h->held)))
        h->inner->ops->submit(h->inner, LIST_OWNER(node, struct disk_op, link));
    uint32_t count = h->inner->ops->wait(h->inner, done, wake_fd, timeout_ns);
    d->is_off = h->inner->is_off;
    return count;
}
static inline enum status held_register(struct disk *d, void *start, size_t size)
{
    struct held_disk *h = held_of(d);
    enum status status = h->inner->ops->register_memory(h->inner, start, size);
    d->is_off = h->inner->is_off;
    return status;
}
static inline void held_close(struct disk *d) { held_of(d)->inner->ops->close(held_of(d)->inner); }

struct flusher_bench {
    struct held_disk disk;
    struct flusher *flusher;
    struct flusher_config config;
    uint64_t now_ns, step_ns;
};

static inline void bench_open_flusher(struct flusher_bench *b)
{
    cr_assert(eq(int, flusher_open(&b->flusher, &b->config), OK));
}
static inline void bench_open(struct flusher_bench *b, uint32_t ports,
                              const struct disk_memory_config *disk)
{
    static const struct disk_ops held_ops = { held_submit, held_wait, held_register, held_close };
    *b = (struct flusher_bench){ .now_ns = MS, .step_ns = MS };
    b->disk.disk.ops = &held_ops;
    list_init(&b->disk.held);
    cr_assert(eq(int, disk_memory_open(&b->disk.inner, disk), OK));
    b->config = (struct flusher_config){ .port_count = ports, .disk = &b->disk.disk, .core = -1 };
    bench_open_flusher(b);
}
static inline void bench_close(struct flusher_bench *b)
{
    flusher_close(b->flusher);
    b->disk.disk.ops->close(&b->disk.disk);
}
// The power fails; what the flusher knew is gone.
static inline void bench_crash(struct flusher_bench *b)
{
    disk_memory_crash(b->disk.inner);
    b->disk.disk.is_off = true;
    list_init(&b->disk.held);
    flusher_close(b->flusher);
    b->flusher = NULL;
}

static inline struct flusher_port *bench_port(const struct flusher_bench *b, uint32_t index)
{
    return flusher_port_of(b->flusher, index);
}
static inline void bench_turn(struct flusher_bench *b)
{
    for (uint32_t i = 0; i < b->config.port_count; i++) flush_flush(bench_port(b, i));
    (void)flusher_turn(b->flusher, b->now_ns, 0);
    for (uint32_t i = 0; i < b->config.port_count; i++) (void)flush_poll(bench_port(b, i));
    b->now_ns += b->step_ns;
}
static inline void bench_turns(struct flusher_bench *b, uint32_t count)
{
    while (count-- > 0) bench_turn(b);
}

static inline struct flush_chunk *bench_take(struct flusher_bench *b, uint32_t port)
{
    struct flush_chunk *c;
    for (uint32_t i = 0; !(c = flush_take_chunk(bench_port(b, port))); i++) {
        CHECK(i < TURNS_MAX);
        bench_turn(b);
    }
    return c;
}
static inline void bench_write(struct flusher_bench *b, uint32_t port, struct flush_file *file,
                               const void *bytes, size_t size, bool ends_group)
{
    struct flush_chunk *c = bench_take(b, port);
    CHECK(size <= FLUSH_CHUNK_BYTES);
    if (size) memcpy(c->data, bytes, size);
    c->size = (uint32_t)size;
    flush_write(bench_port(b, port), file, c, ends_group);
}
static inline void bench_text(struct flusher_bench *b, uint32_t port, struct flush_file *file,
                              const char *text)
{
    bench_write(b, port, file, text, strlen(text), true);
}

static inline void bench_done(void *context, struct flush_request *r) { ++*(uint32_t *)context; }

struct bench_request {
    struct flush_request request;
    uint32_t done;
};
static inline void bench_ask(struct flusher_bench *b, uint32_t port, struct bench_request *r,
                             struct flush_request request)
{
    *r = (struct bench_request){ .request = request };
    r->request.done = bench_done;
    r->request.context = &r->done;
    flush_ask(bench_port(b, port), &r->request);
}
static inline void bench_wait(struct flusher_bench *b, struct bench_request *r)
{
    for (uint32_t i = 0; r->done == 0; i++) {
        CHECK(i < TURNS_MAX);
        bench_turn(b);
    }
}
// Returns the error; step, unless NULL, is what failed.
static inline int bench_do(struct flusher_bench *b, uint32_t port, struct flush_request request,
                           const char **step)
{
    struct bench_request r;
    bench_ask(b, port, &r, request);
    bench_wait(b, &r);
    if (step) *step = r.request.error_step;
    return r.request.error;
}
static inline int bench_create(struct flusher_bench *b, uint32_t port, struct flush_file *file)
{
    return bench_do(b, port, (struct flush_request){ .op = FLUSH_CREATE, .file = file }, NULL);
}
static inline int bench_commit(struct flusher_bench *b, struct flush_file *file, const char *target,
                               const char **step)
{
    struct flush_request r = { .op = FLUSH_COMMIT, .file = file, .target = target };
    return bench_do(b, 0, r, step);
}
static inline int bench_finish(struct flusher_bench *b, uint32_t port, struct flush_file *file)
{
    return bench_do(b, port, (struct flush_request){ .op = FLUSH_FINISH, .file = file }, NULL);
}
static inline uint32_t bench_under_way(const struct flusher_bench *b)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < b->config.port_count; i++)
        count += flush_chunks_under_way(bench_port(b, i));
    return count;
}

static inline bool bench_has(const struct flusher_bench *b, const char *path)
{
    const uint8_t *bytes;
    size_t size;
    return disk_memory_read(b->disk.inner, path, &bytes, &size) == OK;
}
static inline struct bytes bench_bytes(const struct flusher_bench *b, const char *path)
{
    struct bytes out = { 0 };
    cr_assert(eq(int, disk_memory_read(b->disk.inner, path, &out.data, &out.size), OK), "%s", path);
    return out;
}
static inline bool bench_holds(const struct flusher_bench *b, const char *path, const char *text)
{
    return bytes_equal(bench_bytes(b, path), bytes_text(text));
}
