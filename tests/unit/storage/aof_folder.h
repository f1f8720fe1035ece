// aof_folder.h: a working folder of a test's own, with an append-only log in it. What a test that
// failed or died leaves is removed when all tests are done.
#pragma once
#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dataplane/base/check.h"
#include "storage/aof/aof_directory.h"

#define FOLDER "appendonlydir"
#define PREFIX "appendonly.aof"
#define MANIFEST FOLDER "/" PREFIX ".manifest"

struct folder {
    char path[64];
    struct heap heap;
    struct aof_directory d;
    char error[AOF_DIRECTORY_ERROR_MAX];
};

static inline int remove_entry(const char *path, const struct stat *facts, int kind, struct FTW *f)
{
    return remove(path);
}
static inline void remove_folder(const char *path)
{
    (void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

// The runner is the parent of each test's process: folders carry its number.
ReportHook(POST_ALL)(struct criterion_global_stats *stats)
{
    char pattern[64];
    glob_t found;
    snprintf(pattern, sizeof pattern, "/tmp/penstock-aof-%d-*", (int)getpid());
    if (glob(pattern, 0, NULL, &found) != 0) return;
    for (size_t i = 0; i < found.gl_pathc; i++) remove_folder(found.gl_pathv[i]);
    globfree(&found);
}

static inline void folder_make(struct folder *f)
{
    *f = (struct folder){ .d = { .lock_fd = -1 } };
    snprintf(f->path, sizeof f->path, "/tmp/penstock-aof-%d-XXXXXX", (int)getppid());
    CHECK(mkdtemp(f->path) != NULL && chdir(f->path) == 0);
    CHECK(heap_open(&f->heap) == OK);
}
static inline void folder_close(struct folder *f)
{
    if (f->d.heap) aof_directory_close(&f->d);
    CHECK(f->heap.bytes_total == 0);
    heap_close(&f->heap);
    CHECK(chdir("/") == 0);
    remove_folder(f->path);
}

static inline enum status folder_open(struct folder *f)
{
    return aof_directory_open(&f->d, &f->heap, FOLDER, PREFIX, f->error);
}
// An opened folder again, as the next start would find it.
static inline enum status folder_open_again(struct folder *f)
{
    aof_directory_close(&f->d);
    return folder_open(f);
}

static inline void put_bytes(const char *path, const void *data, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size && close(fd) == 0);
}
static inline void put_text(const char *path, const char *text)
{
    put_bytes(path, text, strlen(text));
}
static inline bool is_there(const char *path) { return access(path, F_OK) == 0; }
static inline bool holds(const char *path, const char *text)
{
    char out[4096];
    int fd = open(path, O_RDONLY);
    ssize_t size = fd >= 0 ? read(fd, out, sizeof out) : -1;
    if (fd >= 0) close(fd);
    return size == (ssize_t)strlen(text) && memcmp(out, text, (size_t)size) == 0;
}
