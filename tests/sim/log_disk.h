// log_disk.h: a disk in memory whose files also stand in the working folder, as a kernel would show
// them; what of it is durable the disk in memory alone knows.
//
// Source:  storage/disk.h; spec/aof.md chapter 2 (the folder)
// Thread:  one
// Memory:  log_disk_close frees all of it; the files in the working folder stay
//
// A start looks at the folder, and cuts and removes files there, past the disk: log_disk_follow
// tells the disk afterwards. What was not synced may be so after a crash, or not.
#pragma once
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "dataplane/base/check.h"
#include "dataplane/base/hash.h"
#include "storage/disk.h"

#define LOG_FOLDER "appendonlydir"
enum { LOG_SYNCED_MAX = 64, LOG_PATH_MAX = 512 };

struct log_disk {
    struct disk disk;
    struct disk *inner;
    struct rng rng;
    int fds[DISK_FILES_MAX]; // by handle; 0: none
    bool has_failed;         // something, since whoever reads it cleared it
    uint64_t writes, syncs, cuts;
};

static struct log_disk *log_disk_of(struct disk *d) { return LIST_OWNER(d, struct log_disk, disk); }

// ---- syncs past the disk: the libc's, of which note is taken

static char log_synced[LOG_SYNCED_MAX]
                      [LOG_PATH_MAX]; // what a process does, a libc's function knows
static uint32_t log_synced_count;

static int log_note_sync(int fd, long call)
{
    char link[64], path[LOG_PATH_MAX];
    int result = (int)syscall(call, fd);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (result != 0 || size < 0 || log_synced_count == LOG_SYNCED_MAX) return result;
    path[size] = '\0';
    snprintf(log_synced[log_synced_count++], LOG_PATH_MAX, "%s", path);
    return result;
}
int fsync(int fd) { return log_note_sync(fd, SYS_fsync); }
int fdatasync(int fd) { return log_note_sync(fd, SYS_fdatasync); }

static bool log_is_synced(const char *path)
{
    size_t size = strlen(path);
    for (uint32_t i = 0; i < log_synced_count; i++) {
        size_t all = strlen(log_synced[i]);
        if (all > size && strcmp(log_synced[i] + all - size, path) == 0) return true;
    }
    return false;
}

// ---- what the kernel shows

static void log_show_open(struct log_disk *l, const struct disk_op *op)
{
    int fd = open(op->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    CHECK(fd > 0);
    if (op->offset != UINT64_MAX) CHECK(ftruncate(fd, (off_t)op->offset) == 0);
    l->fds[op->result] = fd;
}

static void log_show_write(struct log_disk *l, const struct disk_op *op)
{
    uint64_t at = op->offset, end = at + (uint64_t)op->result;
    for (uint32_t i = 0; i < op->vector_count && at < end; i++) {
        size_t size = op->vectors[i].iov_len < end - at ? op->vectors[i].iov_len : end - at;
        ssize_t done = pwrite(l->fds[op->handle], op->vectors[i].iov_base, size, (off_t)at);
        CHECK(done == (ssize_t)size);
        at += size;
    }
}

static bool log_is_short(const struct disk_op *op)
{
    uint64_t size = 0;
    for (uint32_t i = 0; i < op->vector_count; i++) size += op->vectors[i].iov_len;
    return op->kind == DISK_WRITE && (uint64_t)op->result < size;
}

static void log_show(struct log_disk *l, const struct disk_op *op)
{
    bool is_missing = op->kind == DISK_REMOVE && op->result == -ENOENT;
    l->writes += op->kind == DISK_WRITE;
    l->syncs += op->kind == DISK_SYNC;
    if ((op->result < 0 && !is_missing) || log_is_short(op)) l->has_failed = true;
    if (op->result < 0) return;
    switch (op->kind) {
    case DISK_OPEN:
        log_show_open(l, op);
        break;
    case DISK_WRITE:
        log_show_write(l, op);
        break;
    case DISK_TRUNCATE:
        CHECK(ftruncate(l->fds[op->handle], (off_t)op->offset) == 0);
        break;
    case DISK_CLOSE:
        close(l->fds[op->handle]);
        l->fds[op->handle] = 0;
        break;
    case DISK_RENAME:
        CHECK(rename(op->path, op->target) == 0);
        break;
    case DISK_REMOVE:
        (void)unlink(op->path);
        break;
    case DISK_SYNC:
    case DISK_SYNC_DIRECTORY:
        break;
    }
}

// ---- the contract

static void log_disk_submit(struct disk *d, struct disk_op *op)
{
    struct log_disk *l = log_disk_of(d);
    l->inner->ops->submit(l->inner, op);
}
static uint32_t log_disk_wait(struct disk *d, struct list *done, int wake_fd, uint64_t timeout_ns)
{
    struct log_disk *l = log_disk_of(d);
    struct list own;
    struct list_node *node;
    list_init(&own);
    uint32_t count = l->inner->ops->wait(l->inner, &own, wake_fd, timeout_ns);
    while ((node = list_take_first(&own)) != NULL) {
        log_show(l, LIST_OWNER(node, struct disk_op, link));
        list_append(done, node);
    }
    return count;
}
static enum status log_disk_register(struct disk *d, void *start, size_t size)
{
    struct log_disk *l = log_disk_of(d);
    enum status status = l->inner->ops->register_memory(l->inner, start, size);
    d->is_off = l->inner->is_off;
    return status;
}
static void log_disk_close(struct disk *d)
{
    struct log_disk *l = log_disk_of(d);
    l->inner->ops->close(l->inner);
}

static void log_disk_open(struct log_disk *l, const struct disk_memory_config *config)
{
    static const struct disk_ops ops = { log_disk_submit, log_disk_wait, log_disk_register,
                                         log_disk_close };
    *l = (struct log_disk){ .disk.ops = &ops };
    rng_seed(&l->rng, config->seed + 1);
    CHECK(disk_memory_open(&l->inner, config) == OK);
}

// ---- a crash, and the folder that the next start finds

static void log_empty_folder(const char *name)
{
    char path[LOG_PATH_MAX];
    DIR *folder = opendir(name);
    if (!folder) return;
    for (const struct dirent *e; (e = readdir(folder)) != NULL;) {
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", name, e->d_name);
        (void)unlink(path); // a folder stays
    }
    closedir(folder);
}

static void log_put_file(void *context, const char *path, const uint8_t *bytes, size_t size)
{
    (void)context;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    CHECK(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    close(fd);
}

static void log_disk_crash(struct log_disk *l)
{
    disk_memory_crash(l->inner);
    l->disk.is_off = true;
    for (uint32_t i = 0; i < DISK_FILES_MAX; i++)
        if (l->fds[i]) close(l->fds[i]);
    memset(l->fds, 0, sizeof l->fds);
    (void)mkdir(LOG_FOLDER, 0755);
    log_empty_folder(".");
    log_empty_folder(LOG_FOLDER);
    disk_memory_each(l->inner, log_put_file, l);
}

static void log_follow_file(void *context, const char *path, const uint8_t *bytes, size_t size)
{
    struct log_disk *l = context;
    struct stat facts;
    bool is_there = stat(path, &facts) == 0;
    bool is_cut = is_there && (size_t)facts.st_size < size;
    bool is_sure = is_cut && log_is_synced(path);
    l->cuts += is_cut;
    if ((is_there && !is_cut) || (!is_sure && rng_below(&l->rng, 2))) return;
    if (is_there)
        disk_memory_put(l->inner, path, bytes, (size_t)facts.st_size);
    else
        disk_memory_remove(l->inner, path);
}

// While nothing is open: behind a start's look at the folder, and behind the load.
static void log_disk_follow(struct log_disk *l)
{
    disk_memory_each(l->inner, log_follow_file, l);
    log_synced_count = 0;
}
