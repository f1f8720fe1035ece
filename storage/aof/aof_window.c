#include "storage/aof/aof_window.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dataplane/base/check.h"

enum { MAP_ALIGNMENT = 1 << 16 }; // a multiple of every page size there is

bool aof_window_open(struct aof_window *w, int folder_fd, const char *name)
{
    struct stat facts;
    *w = (struct aof_window){ .fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK) };
    if (w->fd < 0) return false;
    if (fstat(w->fd, &facts) == 0 && S_ISREG(facts.st_mode)) {
        w->file_bytes = (uint64_t)facts.st_size;
        return true;
    }
    aof_window_close(w);
    errno = EINVAL;
    return false;
}

static void drop_map(struct aof_window *w)
{
    if (w->map) CHECK(munmap((void *)(uintptr_t)w->map, w->map_bytes) == 0);
    w->map = NULL;
    w->map_bytes = 0;
}

void aof_window_close(struct aof_window *w)
{
    drop_map(w);
    if (w->fd >= 0) close(w->fd);
    w->fd = -1;
}

struct bytes aof_window_at(const struct aof_window *w, uint64_t offset)
{
    if (offset < w->map_offset || offset - w->map_offset >= w->map_bytes)
        return bytes_make(NULL, 0);
    size_t skipped = (size_t)(offset - w->map_offset);
    return bytes_make(w->map + skipped, w->map_bytes - skipped);
}

bool aof_window_move(struct aof_window *w, uint64_t offset, uint64_t wanted_bytes)
{
    CHECK(wanted_bytes > 0 && offset < w->file_bytes && wanted_bytes <= w->file_bytes - offset);
    uint64_t start = offset & ~(uint64_t)(MAP_ALIGNMENT - 1);
    uint64_t bytes = offset - start + wanted_bytes + AOF_WINDOW_BYTES;
    if (bytes > w->file_bytes - start) bytes = w->file_bytes - start;
    drop_map(w);
    void *map = mmap(NULL, (size_t)bytes, PROT_READ, MAP_PRIVATE, w->fd, (off_t)start);
    if (map == MAP_FAILED) return false;
    (void)madvise(map, (size_t)bytes, MADV_SEQUENTIAL); // a hint only
    w->map = map;
    w->map_offset = start;
    w->map_bytes = (size_t)bytes;
    return true;
}
