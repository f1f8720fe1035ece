#include "tools/penstockctl_aof_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "storage/aof/aof_scan.h"

// The file as it stands in memory.
struct view {
    struct bytes all;
    struct heap *heap;
};

static bool is_zeros(struct bytes part)
{
    return part.size && part.data[0] == 0 && memcmp(part.data, part.data + 1, part.size - 1) == 0;
}

static bool holds_command(struct view *v, struct bytes at)
{
    struct aof_scan s;
    aof_scan_init(&s, v->heap, at.size, 0);
    enum aof_scan_result result = aof_scan_step(&s, at);
    aof_scan_close(&s);
    return result == AOF_SCAN_COMMAND || result == AOF_SCAN_MULTI;
}

// Is there a whole command inside of the one that the file ends in, which begins at offset?
static bool has_commands_within(struct view *v, uint64_t offset)
{
    struct bytes rest = v->all;
    bytes_skip(&rest, offset);
    const uint8_t *at;
    while ((at = memmem(rest.data, rest.size, "\r\n*", 3))) { // each turn eats three bytes
        struct bytes candidate = rest;
        bytes_skip(&candidate, (size_t)(at - rest.data) + 2);
        if (holds_command(v, candidate)) return true;
        bytes_skip(&rest, (size_t)(at - rest.data) + 3);
    }
    return false;
}

static enum aof_verdict judge(struct view *v, const struct aof_scan *s, enum aof_scan_result result)
{
    struct bytes rest = v->all;
    if (result == AOF_SCAN_END) return AOF_VALID;
    if (result == AOF_SCAN_TORN)
        return has_commands_within(v, s->offset) ? AOF_DOUBTFUL : AOF_UNFINISHED;
    bytes_skip(&rest, s->error_offset);
    return is_zeros(rest) ? AOF_PADDED : AOF_DAMAGED;
}

static void note(struct aof_look *look, const struct aof_scan *s, enum aof_scan_result result,
                 int64_t newest_s)
{
    look->command_count +=
        result == AOF_SCAN_COMMAND || result == AOF_SCAN_MULTI || result == AOF_SCAN_EXEC;
    if (result == AOF_SCAN_TIMESTAMP && s->timestamp_s > newest_s) look->is_newer = true;
}

static void scan(struct aof_look *look, struct view *v, int64_t newest_s)
{
    struct aof_scan s;
    enum aof_scan_result result;
    aof_scan_init(&s, v->heap, v->all.size, 0);
    do {
        struct bytes window = v->all;
        bytes_skip(&window, s.offset);
        look->ok_offset = s.whole_offset; // if what comes now is too new
        look->ok_line = s.whole_line;
        result = aof_scan_step(&s, window);
        note(look, &s, result, newest_s);
    } while (result < AOF_SCAN_END && !look->is_newer);
    look->verdict = look->is_newer ? AOF_VALID : judge(v, &s, result);
    if (look->verdict == AOF_VALID) return;
    look->error = s.error;
    look->error_offset = s.error_offset;
    look->error_line = s.error_line;
}

static void look_at_commands(struct aof_look *look, struct bytes all, int64_t newest_s)
{
    struct heap heap;
    if (heap_open(&heap) != OK) {
        look->error = "out of memory";
    } else {
        scan(look, &(struct view){ all, &heap }, newest_s);
        heap_close(&heap);
    }
}

static void look_at_bytes(struct aof_look *look, struct bytes all, int64_t newest_s)
{
    if (all.size >= 5 && memcmp(all.data, "REDIS", 5) == 0)
        look->verdict = AOF_SNAPSHOT;
    else
        look_at_commands(look, all, newest_s);
}

void aof_look_at_commands(struct aof_look *look, struct bytes commands)
{
    *look = (struct aof_look){ .verdict = AOF_UNREADABLE, .size = commands.size, .ok_line = 1 };
    if (commands.size == 0)
        look->verdict = AOF_EMPTY;
    else
        look_at_commands(look, commands, INT64_MAX);
}

// What seems wrong, or right, may not have been there.
static void tell_trouble(struct aof_look *look)
{
    *look = (struct aof_look){ .verdict = AOF_UNREADABLE,
                               .size = look->size,
                               .ok_line = 1,
                               .trouble = look->trouble,
                               .error_offset = look->trouble.offset };
    look->error = look->trouble.why;
}

// A value of any size lies there in one piece.
void aof_look_at_view(struct aof_look *look, const struct file_view *v, int64_t newest_s)
{
    *look = (struct aof_look){ .verdict = AOF_UNREADABLE, .size = v->file_bytes, .ok_line = 1 };
    if (look->size == 0)
        look->verdict = AOF_EMPTY;
    else
        look_at_bytes(look, file_view_at(v, 0), newest_s);
    if (file_view_find_trouble(v, &look->trouble)) tell_trouble(look);
}

void aof_look_at(struct aof_look *look, const char *path, int64_t newest_s)
{
    struct file_view view;
    *look = (struct aof_look){ .verdict = AOF_UNREADABLE, .ok_line = 1 };
    if (!file_view_open(&view, AT_FDCWD, path))
        look->error = file_view_refusal(errno);
    else if (!file_view_map_all(&view))
        look->error = strerror(errno);
    else
        aof_look_at_view(look, &view, newest_s);
    file_view_close(&view);
}

bool aof_cut(const char *path, const struct aof_look *look, uint64_t offset, const char **error)
{
    struct stat facts;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    bool done = fd >= 0 && fstat(fd, &facts) == 0;
    *error = NULL;
    if (done && (uint64_t)facts.st_size != look->size) {
        done = false;
        *error = "it has changed since it was looked at: is a server running?";
    }
    done = done && ftruncate(fd, (off_t)offset) == 0 && fsync(fd) == 0;
    if (!done && !*error) *error = strerror(errno);
    if (fd >= 0) close(fd);
    return done;
}
