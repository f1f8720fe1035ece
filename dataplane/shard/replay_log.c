#include "dataplane/shard/replay_log.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dataplane/base/check.h"
#include "dataplane/base/clock.h"

static enum status refuse(struct replay_error *e, uint64_t offset, const char *what,
                          const char *why)
{
    *e = (struct replay_error){ .offset = offset };
    snprintf(e->why, sizeof e->why, "%s: %s", what, why);
    return ERR_IO;
}

// ---- beginning and end

static enum status map(struct replay_log *l, struct replay_error *error)
{
    struct stat facts;
    if (fstat(l->fd, &facts) != 0) return refuse(error, 0, "fstat", strerror(errno));
    if (!S_ISREG(facts.st_mode)) return refuse(error, 0, "open", "it is no regular file");
    if ((uint64_t)facts.st_size < l->end)
        return refuse(error, (uint64_t)facts.st_size, "open", "it has become shorter meanwhile");
    if (l->end == 0) return OK;
    void *data = mmap(NULL, l->end, PROT_READ, MAP_SHARED, l->fd, 0);
    if (data == MAP_FAILED) return refuse(error, 0, "mmap", strerror(errno));
    (void)madvise(data, l->end, MADV_SEQUENTIAL);
    (void)posix_fadvise(l->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    l->data = data;
    return OK;
}

enum status replay_log_open(struct replay_log *l, struct heap *heap, const char *path,
                            uint64_t start, uint64_t end, struct replay_error *error)
{
    *l = (struct replay_log){ .heap = heap, .start = start, .end = end, .read_bytes = start };
    snprintf(l->path, sizeof l->path, "%s", path);
    l->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (l->fd < 0) return refuse(error, 0, "open", strerror(errno));
    aof_scan_init(&l->scan, heap, end, start);
    l->scan.forgives_nested = true; // as Redis does: it leaves them behind a torn tail
    aof_queue_init(&l->queue, heap);
    if (map(l, error) != OK) {
        replay_log_close(l);
        return ERR_IO;
    }
    l->room = heap_take(heap, REPLAY_PIECE_BYTES, HEAP_OTHER);
    return OK;
}

void replay_log_close(struct replay_log *l)
{
    if (l->fd < 0) return;
    aof_scan_close(&l->scan);
    aof_queue_close(&l->queue);
    if (l->data) munmap((void *)(uintptr_t)l->data, l->end);
    if (l->room) heap_give(l->heap, l->room, REPLAY_PIECE_BYTES, HEAP_OTHER);
    close(l->fd);
    l->data = NULL;
    l->room = NULL;
    l->fd = -1;
}

// ---- reading

// Into nowhere: it is there now.
static enum status read_piece(struct replay_log *l, struct replay_error *error)
{
    uint64_t left = l->end - l->read_bytes;
    size_t size = left < REPLAY_PIECE_BYTES ? left : REPLAY_PIECE_BYTES;
    ssize_t got = pread(l->fd, l->room, size, (off_t)l->read_bytes);
    if (got < 0 && errno == EINTR) return OK;
    if (got < 0) return refuse(error, l->read_bytes, "pread", strerror(errno));
    if (got == 0) return refuse(error, l->read_bytes, "pread", "it has become shorter meanwhile");
    l->read_bytes += (uint64_t)got;
    return OK;
}

static enum status read_up_to(struct replay_log *l, uint64_t offset, struct replay_error *error)
{
    if (offset > l->end) offset = l->end;
    while (l->read_bytes < offset)
        if (read_piece(l, error) != OK) return ERR_IO;
    return OK;
}

// In pieces far larger than what a turn eats: mostly there is nothing to read.
enum status replay_log_read_ahead(struct replay_log *l, struct replay_error *error)
{
    uint64_t offset = l->scan.offset;
    if (l->read_bytes >= offset + REPLAY_LEAD_BYTES / 2) return OK;
    return read_up_to(l, offset + REPLAY_LEAD_BYTES, error);
}

// ---- what is read

static enum status take_broken(const struct replay_log *l, struct replay_error *error)
{
    *error = (struct replay_error){ .offset = l->scan.error_offset, .is_format = true };
    snprintf(error->why, sizeof error->why, "%s", l->scan.error);
    return ERR_IO;
}

static struct bytes at_hand(const struct replay_log *l)
{
    uint64_t offset = l->scan.offset;
    return l->data ? bytes_make(l->data + offset, l->read_bytes - offset) : (struct bytes){ 0 };
}

// True: enough for now.
static bool take(struct replay_log *l, enum aof_scan_result result, uint64_t offset)
{
    struct aof_scan *s = &l->scan;
    switch (result) {
    case AOF_SCAN_COMMAND:
        aof_queue_add(&l->queue, s->argv, s->argc, offset);
        if (!s->in_unit) aof_queue_end_unit(&l->queue);
        return l->queue.whole >= REPLAY_FILL;
    case AOF_SCAN_MULTI_NESTED:
        l->nested_multis++;
        return false;
    case AOF_SCAN_EXEC:
        aof_queue_end_unit(&l->queue);
        if (s->shard_count) l->state = REPLAY_LOG_AT_JOINT;
        return s->shard_count || l->queue.whole >= REPLAY_FILL;
    case AOF_SCAN_END:
        l->state = REPLAY_LOG_ENDED;
        return true;
    case AOF_SCAN_TORN:
        l->state = REPLAY_LOG_TORN;
        return true;
    default:
        return false; // a remark
    }
}

enum status replay_log_fill(struct replay_log *l, uint64_t until_tsc, struct replay_error *error)
{
    struct aof_scan *s = &l->scan;
    CHECK(l->state == REPLAY_LOG_READS && !aof_queue_may_run(&l->queue));
    aof_queue_trim(&l->queue);
    for (uint32_t steps = 1;; steps++) { // a step eats a byte at least, or reads what is missing
        uint64_t offset = s->offset;
        enum aof_scan_result result = aof_scan_step(s, at_hand(l));
        if (result == AOF_SCAN_BROKEN) return take_broken(l, error);
        if (result == AOF_SCAN_MORE) {
            // Longer than what was read ahead, or the turn is fast.
            if (read_up_to(l, offset + s->wanted_bytes + REPLAY_PIECE_BYTES, error) != OK)
                return ERR_IO;
        } else if (take(l, result, offset)) {
            return OK;
        }
        if (steps % REPLAY_FILL == 0 && clock_tsc() >= until_tsc) return OK;
    }
}
