#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <liburing.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dataplane/base/check.h"
#include "storage/disk.h"

enum { RING_ENTRIES = 256 };

// A handle is a place in the ring's table of files, which has the descriptor too: the kernel then
// looks up nothing per operation, and what it has no operation for is done by system calls.
struct disk_uring {
    struct disk disk;
    struct io_uring ring;
    struct list waiting; // operations for which the ring had no entry
    struct list ready;   // completed, not yet told
    int descriptors[DISK_FILES_MAX];
    bool has_file_table;
    uint8_t *memory; // registered as buffer 0; NULL: none
    size_t memory_bytes;
    int wake_fd;           // polled; -1: not yet
    bool is_polling;       // an operation watches wake_fd
    bool knows_cores;      // the kernel's workers were told where to run
    uint32_t kernel_count; // operations that the kernel has
    char folder[PATH_MAX]; // scratch
};

static struct disk_uring *uring_of(struct disk *d)
{
    return LIST_OWNER(d, struct disk_uring, disk);
}

static void complete(struct disk_uring *u, struct disk_op *op, int64_t result)
{
    op->result = result;
    list_append(&u->ready, &op->link);
}

// Files

static int file_take_slot(struct disk_uring *u, int descriptor)
{
    for (int i = 0; i < DISK_FILES_MAX; i++) {
        if (u->descriptors[i] >= 0) continue;
        u->descriptors[i] = descriptor;
        if (u->has_file_table)
            (void)io_uring_register_files_update(&u->ring, (unsigned)i, &descriptor, 1);
        return i;
    }
    return -EMFILE;
}

static int cut_to(int descriptor, uint64_t size)
{
    struct stat st;
    if (size == UINT64_MAX) return 0;
    if (fstat(descriptor, &st) != 0) return -errno;
    if ((uint64_t)st.st_size < size) return -EINVAL;
    if ((uint64_t)st.st_size == size) return 0;
    return ftruncate(descriptor, (off_t)size) == 0 ? 0 : -errno;
}

static int64_t file_opened(struct disk_uring *u, const struct disk_op *op, int descriptor)
{
    int result = cut_to(descriptor, op->offset);
    if (result == 0) result = file_take_slot(u, descriptor);
    if (result < 0) close(descriptor);
    return result;
}

static int file_give_slot(struct disk_uring *u, int handle)
{
    const int none = -1;
    int descriptor = u->descriptors[handle];
    if (u->has_file_table)
        (void)io_uring_register_files_update(&u->ring, (unsigned)handle, &none, 1);
    u->descriptors[handle] = -1;
    return descriptor;
}

// The folder that path lies in, opened; -errno.
static int folder_open(struct disk_uring *u, const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t size = slash ? (size_t)(slash - path) : 0;
    if (size >= sizeof u->folder) return -ENAMETOOLONG;
    memcpy(u->folder, path, size);
    u->folder[size] = 0;
    if (size == 0) strcpy(u->folder, slash ? "/" : ".");
    int descriptor = open(u->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return descriptor >= 0 ? descriptor : -errno;
}

// Operations

static void use_file(struct disk_uring *u, struct io_uring_sqe *sqe, int handle)
{
    CHECK(handle >= 0 && handle < DISK_FILES_MAX && u->descriptors[handle] >= 0);
    sqe->fd = u->has_file_table ? handle : u->descriptors[handle];
    if (u->has_file_table) sqe->flags |= IOSQE_FIXED_FILE;
}

static bool is_registered(const struct disk_uring *u, const struct iovec *v)
{
    const uint8_t *at = v->iov_base;
    return u->memory && at >= u->memory && v->iov_len <= u->memory_bytes &&
           (size_t)(at - u->memory) <= u->memory_bytes - v->iov_len;
}

// The vectors that are left are at the end of op->vectors.
static void prepare_write(struct disk_uring *u, struct io_uring_sqe *sqe, struct disk_op *op)
{
    uint64_t at = op->offset + op->progress;
    struct iovec *v = op->vectors;
    if (op->vector_count == 1 && is_registered(u, v))
        io_uring_prep_write_fixed(sqe, -1, v->iov_base, (unsigned)v->iov_len, at, 0);
    else
        io_uring_prep_writev(sqe, -1, v, op->vector_count, at);
    if (op->is_durable) sqe->rw_flags = RWF_DSYNC;
    use_file(u, sqe, op->handle);
}

static void prepare(struct disk_uring *u, struct io_uring_sqe *sqe, struct disk_op *op)
{
    switch (op->kind) {
    case DISK_OPEN:
        io_uring_prep_openat(sqe, AT_FDCWD, op->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        break;
    case DISK_WRITE:
        prepare_write(u, sqe, op);
        break;
    case DISK_SYNC:
        io_uring_prep_fsync(sqe, -1, IORING_FSYNC_DATASYNC);
        use_file(u, sqe, op->handle);
        break;
    case DISK_CLOSE:
        io_uring_prep_close(sqe, op->descriptor);
        break;
    case DISK_RENAME:
        io_uring_prep_renameat(sqe, AT_FDCWD, op->path, AT_FDCWD, op->target, 0);
        break;
    case DISK_REMOVE:
        io_uring_prep_unlinkat(sqe, AT_FDCWD, op->path, 0);
        break;
    case DISK_SYNC_DIRECTORY:
        io_uring_prep_fsync(sqe, op->descriptor, 0);
        break;
    case DISK_TRUNCATE: // done at once
        CHECK(false);
    }
    io_uring_sqe_set_data(sqe, op);
}

static void hand_over(struct disk_uring *u, struct disk_op *op)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
    if (!sqe && io_uring_submit(&u->ring) > 0) sqe = io_uring_get_sqe(&u->ring);
    if (!sqe) {
        list_append(&u->waiting, &op->link);
        return;
    }
    prepare(u, sqe, op);
    u->kernel_count++;
}

static void uring_submit(struct disk *d, struct disk_op *op)
{
    struct disk_uring *u = uring_of(d);
    op->progress = 0;
    op->descriptor = -1;
    if (op->kind == DISK_TRUNCATE) {
        int result = ftruncate(u->descriptors[op->handle], (off_t)op->offset);
        complete(u, op, result == 0 ? 0 : -errno);
        return;
    }
    if (op->kind == DISK_CLOSE) op->descriptor = file_give_slot(u, op->handle);
    if (op->kind == DISK_SYNC_DIRECTORY) op->descriptor = folder_open(u, op->path);
    if (op->kind == DISK_SYNC_DIRECTORY && op->descriptor < 0)
        complete(u, op, op->descriptor);
    else
        hand_over(u, op);
}

// Completions

static void drop_written(struct disk_op *op, size_t size)
{
    uint32_t whole = 0;
    op->progress += size;
    while (whole < op->vector_count && size >= op->vectors[whole].iov_len)
        size -= op->vectors[whole++].iov_len;
    op->vector_count -= whole;
    memmove(op->vectors, op->vectors + whole, op->vector_count * sizeof *op->vectors);
    if (op->vector_count == 0) return;
    op->vectors[0].iov_base = (uint8_t *)op->vectors[0].iov_base + size;
    op->vectors[0].iov_len -= size;
}

// A short write says nothing of why: the rest is tried, and its error tells, or it was written.
static void finish_write(struct disk_uring *u, struct disk_op *op, int result)
{
    if (result > 0) drop_written(op, (size_t)result);
    if (result > 0 && op->vector_count > 0)
        hand_over(u, op);
    else
        complete(u, op, op->progress > 0 ? (int64_t)op->progress : result);
}

static void finish(struct disk_uring *u, struct disk_op *op, int result)
{
    u->kernel_count--;
    if ((result == -EINTR || result == -EAGAIN) && op->kind != DISK_CLOSE)
        hand_over(u, op);
    else if (op->kind == DISK_WRITE)
        finish_write(u, op, result);
    else if (op->kind == DISK_OPEN && result >= 0)
        complete(u, op, file_opened(u, op, result));
    else {
        if (op->kind == DISK_SYNC_DIRECTORY) close(op->descriptor);
        complete(u, op, result);
    }
}

static void reap(struct disk_uring *u)
{
    struct io_uring_cqe *cqe;
    while (io_uring_peek_cqe(&u->ring, &cqe) == 0) {
        struct disk_op *op = io_uring_cqe_get_data(cqe);
        int result = cqe->res;
        io_uring_cqe_seen(&u->ring, cqe);
        if (op)
            finish(u, op, result);
        else
            u->is_polling = false;
    }
}

// The kernel's workers sync and write: they would run on the shards' cores.
static void tell_cores(struct disk_uring *u)
{
    cpu_set_t cores;
    if (u->knows_cores) return;
    u->knows_cores = true;
    if (sched_getaffinity(0, sizeof cores, &cores) == 0)
        (void)io_uring_register_iowq_aff(&u->ring, sizeof cores, &cores);
}

static void watch(struct disk_uring *u, int wake_fd)
{
    struct io_uring_sqe *sqe;
    if (u->is_polling || !(sqe = io_uring_get_sqe(&u->ring))) return;
    CHECK(u->wake_fd < 0 || u->wake_fd == wake_fd);
    u->wake_fd = wake_fd;
    io_uring_prep_poll_add(sqe, wake_fd, POLLIN);
    io_uring_sqe_set_data(sqe, NULL);
    u->is_polling = true;
}

static void enter(struct disk_uring *u, uint64_t timeout_ns)
{
    struct io_uring_cqe *cqe;
    struct __kernel_timespec ts = { .tv_sec = (int64_t)(timeout_ns / 1000000000),
                                    .tv_nsec = (int64_t)(timeout_ns % 1000000000) };
    if (timeout_ns == 0) {
        if (u->kernel_count > 0 || io_uring_sq_ready(&u->ring) > 0)
            (void)io_uring_submit_and_get_events(&u->ring);
    } else if (timeout_ns == UINT64_MAX) {
        (void)io_uring_submit_and_wait(&u->ring, 1);
    } else {
        (void)io_uring_submit_and_wait_timeout(&u->ring, &cqe, 1, &ts, NULL);
    }
}

static uint32_t uring_wait(struct disk *d, struct list *done, int wake_fd, uint64_t timeout_ns)
{
    struct disk_uring *u = uring_of(d);
    uint32_t count = 0;
    struct list_node *node;
    tell_cores(u);
    for (size_t left = u->waiting.count; left > 0; left--)
        hand_over(u, LIST_OWNER(list_take_first(&u->waiting), struct disk_op, link));
    if (u->ready.count > 0 || u->waiting.count > 0) timeout_ns = 0;
    if (wake_fd >= 0 && timeout_ns > 0) watch(u, wake_fd);
    enter(u, timeout_ns);
    reap(u);
    for (; (node = list_take_first(&u->ready)); count++) list_append(done, node);
    return count;
}

// Opening and closing

// The user before had its own waker: what watches that one is no longer ours.
static void forget_wake_fd(struct disk_uring *u)
{
    struct io_uring_sqe *sqe;
    if (u->is_polling && (sqe = io_uring_get_sqe(&u->ring))) {
        io_uring_prep_poll_remove(sqe, 0);
        sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
        io_uring_sqe_set_data(sqe, NULL);
        for (int i = 0; i < 100 && u->is_polling; i++) {
            enter(u, 10000000);
            reap(u);
        }
    }
    u->wake_fd = -1;
}

static enum status uring_register_memory(struct disk *d, void *start, size_t size)
{
    struct disk_uring *u = uring_of(d);
    const struct iovec memory = { .iov_base = start, .iov_len = size };
    forget_wake_fd(u);
    u->knows_cores = false;
    if (u->memory) (void)io_uring_unregister_buffers(&u->ring);
    u->memory = NULL;
    if (!start || io_uring_register_buffers(&u->ring, &memory, 1) != 0) return OK;
    u->memory = start;
    u->memory_bytes = size;
    return OK;
}

static void uring_close(struct disk *d)
{
    struct disk_uring *u = uring_of(d);
    CHECK(u->kernel_count == 0 && u->waiting.count == 0 && u->ready.count == 0);
    for (uint32_t i = 0; i < DISK_FILES_MAX; i++)
        if (u->descriptors[i] >= 0) close(u->descriptors[i]);
    io_uring_queue_exit(&u->ring);
    free(u);
}

static const struct disk_ops uring_ops = {
    .submit = uring_submit,
    .wait = uring_wait,
    .register_memory = uring_register_memory,
    .close = uring_close,
};

enum status disk_uring_open(struct disk **out)
{
    struct disk_uring *u = calloc(1, sizeof *u);
    if (!u) return ERR_NO_SPACE;
    u->disk.ops = &uring_ops;
    u->wake_fd = -1;
    list_init(&u->waiting);
    list_init(&u->ready);
    for (uint32_t i = 0; i < DISK_FILES_MAX; i++) u->descriptors[i] = -1;
    struct io_uring_params params = { .flags =
                                          IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL };
    int result = io_uring_queue_init_params(RING_ENTRIES, &u->ring, &params);
    if (result < 0) {
        free(u);
        errno = -result;
        return ERR_IO;
    }
    u->has_file_table = io_uring_register_files_sparse(&u->ring, DISK_FILES_MAX) == 0;
    *out = &u->disk;
    return OK;
}
