#include "dataplane/lane/region.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/check.h"
#include "dataplane/lane/bell.h"

#define REGION_FOLDER "/dev/shm/"
#define REGION_PREFIX "penstock-"

enum { REGION_PAGE_BYTES = 4096, TEXT_READ_TRIES = 1000, OPEN_TRIES = 16 };

// What a region with this many shards looks like: both sides compute it and compare.
static struct region_header region_layout(uint32_t shard_count)
{
    const uint64_t page = REGION_PAGE_BYTES;
    struct region_header h = { .magic = REGION_MAGIC,
                               .version = REGION_VERSION,
                               .header_bytes = sizeof h,
                               .shard_count = shard_count };
#define PAGES(bytes) (((bytes) + page - 1) / page * page)
    h.control_offset = PAGES(sizeof h);
    h.dataplane_offset = h.control_offset + PAGES(sizeof(struct region_control));
    h.errand_offset = h.dataplane_offset + PAGES(sizeof(struct region_dataplane));
    h.shard_offset = h.errand_offset + PAGES(sizeof(struct errand_slot));
    h.shard_bytes = (uint32_t)PAGES(sizeof(struct region_shard));
    h.total_bytes = h.shard_offset + (uint64_t)h.shard_bytes * shard_count;
#undef PAGES
    return h;
}

static bool region_header_is_valid(const struct region_header *h, uint64_t file_bytes)
{
    if (h->magic != REGION_MAGIC || h->version != REGION_VERSION) return false;
    if (h->shard_count == 0 || h->shard_count > REGION_SHARDS_MAX) return false;
    struct region_header want = region_layout(h->shard_count);
    return h->header_bytes == want.header_bytes && h->total_bytes == want.total_bytes &&
           h->total_bytes == file_bytes && h->shard_bytes == want.shard_bytes &&
           h->control_offset == want.control_offset &&
           h->dataplane_offset == want.dataplane_offset &&
           h->errand_offset == want.errand_offset && h->shard_offset == want.shard_offset;
}

static uint64_t fnv1a(uint64_t hash, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * 0x100000001b3ull;
    return hash;
}

void region_name(char out[96], uint32_t uid, int64_t port, const char *unixsocket, const char *dir)
{
    uint64_t hash = 0xcbf29ce484222325ull;
    if (!unixsocket) unixsocket = "";
    if (!dir) dir = "";
    hash = fnv1a(hash, unixsocket, strlen(unixsocket) + 1); // the NUL keeps the two apart
    hash = fnv1a(hash, dir, strlen(dir) + 1);
    snprintf(out, 96, REGION_PREFIX "%u-%lld-%016llx", uid, (long long)port,
             (unsigned long long)hash);
}

// A name is used as a file name: nothing that could lead elsewhere.
static bool region_path(char path[160], const char *name, const char *suffix)
{
    if (name[0] == '\0' || strlen(name) >= sizeof((struct region_header *)0)->instance)
        return false;
    if (strchr(name, '/') || name[0] == '.') return false;
    snprintf(path, 160, REGION_FOLDER "%s%s", name, suffix);
    return true;
}

// Open file description locks: they belong to the descriptor, so they die with its last owner and
// no library that opens the same file can drop them by accident. Byte 0: control, byte 1:
// dataplane.
static bool region_lock(int fd, enum region_role role)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = role, .l_len = 1 };
    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

static bool region_is_locked(int fd, enum region_role role)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = role, .l_len = 1 };
    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

bool region_role_is_alive(const struct region *r, enum region_role role)
{
    return role == r->role || region_is_locked(r->fd, role); // one's own lock is not reported
}

static bool region_map(struct region *r, uint64_t bytes)
{
    int protection = r->read_only ? PROT_READ : PROT_READ | PROT_WRITE;
    uint8_t *at = mmap(NULL, bytes, protection, MAP_SHARED, r->fd, 0);
    if (at == MAP_FAILED) return false;
    r->total_bytes = bytes;
    r->header = (struct region_header *)at;
    return true;
}

// After the header was written or checked.
static void region_point(struct region *r)
{
    struct region_header layout = region_layout(r->header->shard_count);
    uint8_t *at = (uint8_t *)r->header;
    r->shard_count = layout.shard_count;
    r->shard_bytes = layout.shard_bytes;
    r->control = (struct region_control *)(at + layout.control_offset);
    r->dataplane = (struct region_dataplane *)(at + layout.dataplane_offset);
    r->errand = (struct errand_slot *)(at + layout.errand_offset);
}

// Maps r->fd when it holds a region that this program understands.
static enum region_open_result region_attach(struct region *r)
{
    struct stat st;
    if (fstat(r->fd, &st) < 0) return REGION_FAILED;
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size < sizeof(struct region_header))
        return REGION_INVALID;
    if (!region_map(r, (uint64_t)st.st_size)) return REGION_FAILED;
    if (!region_header_is_valid(r->header, r->total_bytes)) return REGION_INVALID;
    region_point(r);
    return REGION_FOUND;
}

static void region_detach(struct region *r)
{
    int saved = errno;
    if (r->header) munmap(r->header, r->total_bytes);
    if (r->fd >= 0) close(r->fd);
    *r = (struct region){ .fd = -1, .role = r->role, .read_only = r->read_only };
    errno = saved;
}

// Gives the finished file its name. Over a stale region (whose lock the caller holds) by rename;
// where none was, by link, which fails when another control was faster.
static bool region_publish(const char *fresh, const char *path, bool replace)
{
    if (replace) return rename(fresh, path) == 0;
    if (link(fresh, path) < 0) return false;
    unlink(fresh);
    return true;
}

// A new file beside the name, filled and locked, then published: nobody ever sees half a region,
// and a reader of the old one keeps its mapping.
static enum region_open_result region_create(struct region *r, const char *name,
                                             uint32_t shard_count, bool replace)
{
    char path[160], fresh[160], suffix[32];
    struct region_header layout = region_layout(shard_count);
    snprintf(suffix, sizeof suffix, ".new.%d", (int)getpid());
    if (!region_path(path, name, "") || !region_path(fresh, name, suffix)) {
        errno = EINVAL;
        return REGION_FAILED;
    }
    unlink(fresh);
    r->fd = open(fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (r->fd < 0) return REGION_FAILED;
    // All pages now: a full /dev/shm is an error here instead of a SIGBUS later.
    int error = posix_fallocate(r->fd, 0, (off_t)layout.total_bytes);
    bool ok = error == 0 && fchmod(r->fd, 0600) == 0 && region_lock(r->fd, REGION_CONTROL) &&
              region_map(r, layout.total_bytes);
    if (ok) {
        snprintf(layout.instance, sizeof layout.instance, "%s", name);
        *r->header = layout;
        region_point(r);
        ok = region_publish(fresh, path, replace);
    }
    if (ok) return REGION_CREATED;
    if (error) errno = error;
    int saved = errno;
    unlink(fresh);
    errno = saved;
    enum region_open_result result = errno == EEXIST ? REGION_BUSY : REGION_FAILED;
    region_detach(r);
    return result;
}

// Whether the descriptor still is what the path names: another control may have replaced it.
static bool region_is_current(int fd, const char *path)
{
    struct stat ours, named;
    return fstat(fd, &ours) == 0 && stat(path, &named) == 0 && ours.st_ino == named.st_ino &&
           ours.st_dev == named.st_dev;
}

static bool region_is_ours(int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0) return false;
    if (S_ISREG(st.st_mode) && st.st_uid == geteuid()) return true;
    errno = EPERM; // /dev/shm is everybody's: a file that somebody else put there is not trusted
    return false;
}

// Takes the role's lock on the file that the path names, following replacements.
static enum region_open_result region_open_locked(struct region *r, const char *path,
                                                  enum region_role role)
{
    for (int tries = 0; tries < OPEN_TRIES; tries++) {
        r->fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (r->fd < 0) return REGION_FAILED;
        if (!region_is_ours(r->fd)) break;
        if (!region_lock(r->fd, role)) {
            bool busy = errno == EAGAIN || errno == EACCES;
            region_detach(r);
            return busy ? REGION_BUSY : REGION_FAILED;
        }
        if (region_is_current(r->fd, path)) return REGION_FOUND;
        region_detach(r);
        errno = EAGAIN;
    }
    region_detach(r);
    return REGION_FAILED;
}

static enum region_open_result region_open_control(struct region *r, const char *name,
                                                   const char *path, uint32_t shard_count)
{
    enum region_open_result result = region_open_locked(r, path, REGION_CONTROL);
    if (result == REGION_FAILED && errno == ENOENT)
        return region_create(r, name, shard_count, false);
    if (result != REGION_FOUND) return result;
    if (!region_is_locked(r->fd, REGION_DATAPLANE)) { // stale: nobody lives in it
        struct region old = *r;
        result = region_create(r, name, shard_count, true);
        close(old.fd);
        return result;
    }
    result = region_attach(r);
    if (result != REGION_FOUND) region_detach(r);
    return result;
}

static enum region_open_result region_open_existing(struct region *r, const char *path)
{
    enum region_open_result result = REGION_FOUND;
    if (r->read_only) {
        r->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (r->fd < 0) return REGION_FAILED;
    } else {
        result = region_open_locked(r, path, REGION_DATAPLANE);
    }
    if (result == REGION_FOUND) result = region_attach(r);
    if (result != REGION_FOUND) region_detach(r);
    return result;
}

enum region_open_result region_open(struct region *r, const char *name, enum region_role role,
                                    uint32_t shard_count)
{
    char path[160];
    *r = (struct region){ .fd = -1, .role = role, .read_only = role == REGION_READER };
    if (!region_path(path, name, "") ||
        (role == REGION_CONTROL && (shard_count == 0 || shard_count > REGION_SHARDS_MAX))) {
        errno = EINVAL;
        return REGION_FAILED;
    }
    enum region_open_result result = role == REGION_CONTROL
                                         ? region_open_control(r, name, path, shard_count)
                                         : region_open_existing(r, path);
    if (result == REGION_CREATED || result == REGION_FOUND)
        snprintf(r->name, sizeof r->name, "%s", name);
    return result;
}

void region_close(struct region *r, bool unlink_it)
{
    char path[160];
    if (r->fd < 0) return;
    // Only what we hold: a newer region may stand under the name.
    if (unlink_it && region_path(path, r->name, "") && region_is_current(r->fd, path)) unlink(path);
    region_detach(r);
    r->name[0] = '\0';
}

struct region_shard *region_shard(const struct region *r, uint32_t index)
{
    CHECK(index < r->shard_count);
    uint8_t *at = (uint8_t *)r->header + region_layout(r->shard_count).shard_offset;
    return (struct region_shard *)(at + (uint64_t)r->shard_bytes * index);
}

void region_reset_dataplane(struct region *r, bool keep_live)
{
    CHECK(r->role == REGION_CONTROL && !region_role_is_alive(r, REGION_DATAPLANE));
    struct region_dataplane *d = r->dataplane;
    memset(d, 0, offsetof(struct region_dataplane, live_settings));
    if (!keep_live) memset(&d->live_settings, 0, sizeof d->live_settings);
    memset(r->errand, 0, offsetof(struct errand_slot, request));
    for (uint32_t i = 0; i < r->shard_count; i++)
        memset(region_shard(r, i), 0, sizeof(struct region_shard));
}

static bool name_is_region(const char *name)
{
    return strncmp(name, REGION_PREFIX, strlen(REGION_PREFIX)) == 0 && !strchr(name, '.');
}

void region_list(void (*found)(void *context, const char *name), void *context)
{
    DIR *folder = opendir(REGION_FOLDER);
    if (!folder) return;
    for (struct dirent *entry; (entry = readdir(folder));)
        if (name_is_region(entry->d_name)) found(context, entry->d_name);
    closedir(folder);
}

void region_text_write(struct region_text *t, const char *text, size_t size)
{
    CHECK(size <= REGION_SETTINGS_BYTES);
    // A writer that died half-way left an odd number: the next odd one is ours.
    uint64_t writing = __atomic_load_n(&t->sequence, __ATOMIC_RELAXED) | 1;
    if (t->sequence & 1) writing += 2;
    __atomic_store_n(&t->sequence, writing, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    memcpy(t->text, text, size);
    __atomic_store_n(&t->size, (uint32_t)size, __ATOMIC_RELAXED);
    __atomic_store_n(&t->sequence, writing + 1, __ATOMIC_RELEASE);
}

size_t region_text_read(const struct region_text *t, char *out, size_t capacity)
{
    for (int tries = 0; tries < TEXT_READ_TRIES; tries++) { // bounded: the writer may be dead
        uint64_t before = __atomic_load_n(&t->sequence, __ATOMIC_ACQUIRE);
        uint32_t size = __atomic_load_n(&t->size, __ATOMIC_RELAXED);
        if (before & 1) {
            sched_yield();
            continue;
        }
        if (size > REGION_SETTINGS_BYTES || size > capacity) return 0;
        memcpy(out, t->text, size);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (__atomic_load_n(&t->sequence, __ATOMIC_RELAXED) == before) return size;
    }
    return 0;
}

bool region_errors_read(const struct region_errors *e, struct region_errors *out)
{
    for (int tries = 0; tries < TEXT_READ_TRIES; tries++) {
        uint64_t before = __atomic_load_n(&e->sequence, __ATOMIC_ACQUIRE);
        memcpy(out, e, sizeof *out);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (!(before & 1) && __atomic_load_n(&e->sequence, __ATOMIC_RELAXED) == before) {
            if (out->count > REGION_ERROR_CODES) out->count = REGION_ERROR_CODES;
            for (uint32_t i = 0; i < REGION_ERROR_CODES; i++)
                out->rows[i].code[REGION_ERROR_CODE_BYTES - 1] = '\0';
            return true;
        }
        sched_yield();
    }
    return false;
}

enum { LOG_HEAD_BYTES = 12, LOG_TEXT_BYTES_MAX = 1024 };
_Static_assert((REGION_LOG_BYTES & (REGION_LOG_BYTES - 1)) == 0, "positions are masked");
_Static_assert(LOG_HEAD_BYTES + LOG_TEXT_BYTES_MAX < REGION_LOG_BYTES, "a line fits");

static void log_copy_in(struct region_log *log, uint64_t at, const void *from, size_t size)
{
    size_t start = at & (REGION_LOG_BYTES - 1);
    size_t first = size < REGION_LOG_BYTES - start ? size : REGION_LOG_BYTES - start;
    memcpy(log->bytes + start, from, first);
    memcpy(log->bytes, (const uint8_t *)from + first, size - first);
}

static void log_copy_out(const struct region_log *log, uint64_t at, void *to, size_t size)
{
    size_t start = at & (REGION_LOG_BYTES - 1);
    size_t first = size < REGION_LOG_BYTES - start ? size : REGION_LOG_BYTES - start;
    memcpy(to, log->bytes + start, first);
    memcpy((uint8_t *)to + first, log->bytes, size - first);
}

void region_log_write(struct region_shard *s, struct bell *bell, int level, uint64_t wall_us,
                      const char *format, ...)
{
    char text[LOG_TEXT_BYTES_MAX + 1];
    va_list args;
    va_start(args, format);
    int formatted = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (formatted < 0) return;
    uint16_t size = (uint16_t)(formatted < LOG_TEXT_BYTES_MAX ? formatted : LOG_TEXT_BYTES_MAX);

    struct region_log *log = &s->log;
    uint64_t head = log->head, tail = __atomic_load_n(&log->tail, __ATOMIC_ACQUIRE);
    uint64_t needed = LOG_HEAD_BYTES + (uint64_t)size;
    if (head - tail > REGION_LOG_BYTES - needed) { // full, or the tail is nonsense
        __atomic_store_n(&log->dropped, log->dropped + 1, __ATOMIC_RELAXED);
    } else {
        uint8_t line_head[LOG_HEAD_BYTES] = { 0 };
        store_le16(line_head, size);
        line_head[2] = (uint8_t)level;
        store_le64(line_head + 4, wall_us);
        log_copy_in(log, head, line_head, sizeof line_head);
        log_copy_in(log, head + LOG_HEAD_BYTES, text, size);
        __atomic_store_n(&log->head, head + needed, __ATOMIC_RELEASE);
    }
    if (bell) bell_ring(bell);
}

bool region_log_read(struct region_shard *s, int *level, uint64_t *wall_us, char *text,
                     size_t text_bytes)
{
    struct region_log *log = &s->log;
    uint64_t tail = log->tail, head = __atomic_load_n(&log->head, __ATOMIC_ACQUIRE);
    if (head == tail) return false;
    uint8_t line_head[LOG_HEAD_BYTES] = { 0 };
    uint64_t pending = head - tail;
    bool whole = pending >= LOG_HEAD_BYTES && pending <= REGION_LOG_BYTES;
    if (whole) log_copy_out(log, tail, line_head, sizeof line_head);
    uint16_t size = load_le16(line_head);
    if (!whole || size > LOG_TEXT_BYTES_MAX || LOG_HEAD_BYTES + (uint64_t)size > pending) {
        __atomic_store_n(&log->tail, head, __ATOMIC_RELEASE); // damaged: go on with what comes
        return false;
    }
    size_t kept = size < text_bytes - 1 ? size : text_bytes - 1;
    log_copy_out(log, tail + LOG_HEAD_BYTES, text, kept);
    text[kept] = '\0';
    *level = line_head[2];
    *wall_us = load_le64(line_head + 4);
    __atomic_store_n(&log->tail, tail + LOG_HEAD_BYTES + size, __ATOMIC_RELEASE);
    return true;
}
