#include "storage/aof/aof_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dataplane/base/check.h"
#include "storage/aof/aof_directory_priv.h"

enum {
    MANIFEST_BYTES_MAX = 64 << 20, // some 800,000 files
    LINE_SHOWN_MAX = 200,          // of a line that is wrong
};

enum status directory_refuse(char error[AOF_DIRECTORY_ERROR_MAX], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error, AOF_DIRECTORY_ERROR_MAX, format, args);
    va_end(args);
    return ERR_IO;
}

bool directory_sync(const struct aof_directory *d) { return fsync(d->lock_fd) == 0; }

bool directory_sync_working(void)
{
    int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return false;
    bool worked = fsync(fd) == 0;
    close(fd);
    return worked;
}

// ---- the folder --------------------------------------------------------------------------------

static enum status make_folder(struct aof_directory *d, char error[AOF_DIRECTORY_ERROR_MAX])
{
    bool is_new = mkdir(d->name, 0755) == 0;
    if (!is_new && errno != EEXIST)
        return directory_refuse(error, "Can't make the folder %s of the append only log: %s",
                                d->name, strerror(errno));
    if (is_new && !directory_sync_working())
        return directory_refuse(error, "Can't sync the folder that %s was made in: %s", d->name,
                                strerror(errno));
    return OK;
}

static enum status lock_folder(struct aof_directory *d, char error[AOF_DIRECTORY_ERROR_MAX])
{
    d->lock_fd = open(d->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->lock_fd < 0)
        return directory_refuse(error, "Can't open the folder %s of the append only log: %s",
                                d->name, strerror(errno));
    if (flock(d->lock_fd, LOCK_EX | LOCK_NB) == 0) return OK;
    if (errno == EWOULDBLOCK)
        return directory_refuse(error,
                                "The folder %s of the append only log is in use by another server: "
                                "stop that one, or set another dir or appenddirname",
                                d->name);
    return directory_refuse(error, "Can't lock the folder %s of the append only log: %s", d->name,
                            strerror(errno));
}

// ---- the manifest ------------------------------------------------------------------------------

static const char banner[] = "*** FATAL AOF MANIFEST FILE ERROR ***";

// As Redis does, which says the line only where there is one.
static enum status refuse_manifest(const struct aof_directory *d, const struct manifest_error *e,
                                   char error[AOF_DIRECTORY_ERROR_MAX])
{
    char shown[LINE_SHOWN_MAX + 1];
    size_t size = e->text.size < LINE_SHOWN_MAX ? e->text.size : LINE_SHOWN_MAX;
    for (size_t i = 0; i < size; i++) {
        uint8_t c = e->text.data[i];
        shown[i] = c >= ' ' && c < 0x7f ? (char)c : '?'; // it goes to a terminal
    }
    shown[size] = '\0';
    if (e->line == 0) return directory_refuse(error, "%s\n%s", banner, e->why);
    return directory_refuse(error,
                            "%s\nReading the manifest file, at line %u of %s/%s.manifest\n>>> "
                            "'%s%s'\n%s",
                            banner, e->line, d->name, d->prefix, shown,
                            size < e->text.size ? "..." : "", e->why);
}

static bool read_whole(int fd, uint8_t *out, size_t size)
{
    for (size_t at = 0; at < size;) { // each turn reads something
        ssize_t count = read(fd, out + at, size - at);
        if (count < 0 && errno == EINTR) continue;
        if (count == 0) errno = EIO; // shorter than it was
        if (count <= 0) return false;
        at += (size_t)count;
    }
    return true;
}

static enum status refuse_reading(const char *name, int cause, char error[AOF_DIRECTORY_ERROR_MAX])
{
    return directory_refuse(error, "Can't read the AOF manifest file %s: %s", name,
                            strerror(cause));
}

static enum status read_text(struct aof_directory *d, int fd, const char *name,
                             char error[AOF_DIRECTORY_ERROR_MAX])
{
    struct stat facts;
    struct manifest_error why;
    if (fstat(fd, &facts) != 0) return refuse_reading(name, errno, error);
    if (!S_ISREG(facts.st_mode)) return refuse_reading(name, EINVAL, error);
    if (facts.st_size > MANIFEST_BYTES_MAX) return refuse_reading(name, EFBIG, error);
    size_t size = (size_t)facts.st_size;
    uint8_t *text = heap_take(d->heap, size + 1, HEAP_LOG);
    enum status status = OK;
    if (!read_whole(fd, text, size))
        status = refuse_reading(name, errno, error);
    else if (manifest_parse(&d->manifest, bytes_make(text, size), &why) != OK)
        status = refuse_manifest(d, &why, error);
    heap_give(d->heap, text, size + 1, HEAP_LOG);
    return status;
}

static enum status read_manifest(struct aof_directory *d, char error[AOF_DIRECTORY_ERROR_MAX])
{
    char name[MANIFEST_NAME_MAX + 1];
    manifest_name(name, d->prefix);
    int fd = openat(d->lock_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) return OK;
    if (fd < 0) return refuse_reading(name, errno, error);
    enum status status = read_text(d, fd, name, error);
    close(fd);
    return status;
}

// ---- all of it ---------------------------------------------------------------------------------

static bool lists_a_log(const struct manifest *m)
{
    return manifest_base(m) || manifest_incr_count(m);
}

// In this order: what is removed is removed only when nothing stands against opening.
static enum status open_steps(struct aof_directory *d, char error[AOF_DIRECTORY_ERROR_MAX])
{
    if (make_folder(d, error) != OK || lock_folder(d, error) != OK) return ERR_IO;
    if (read_manifest(d, error) != OK) return ERR_IO;
    if (!lists_a_log(&d->manifest)) {
        directory_remove_begun(d);
        if (directory_check_unlisted(d, error) != OK) return ERR_IO;
    }
    if (directory_take_over(d, error) != OK) return ERR_IO;
    directory_remove_left_over(d);
    return OK;
}

enum status aof_directory_open(struct aof_directory *d, struct heap *heap, const char *name,
                               const char *prefix, char error[AOF_DIRECTORY_ERROR_MAX])
{
    CHECK(strlen(name) <= MANIFEST_NAME_MAX && strlen(prefix) <= MANIFEST_PREFIX_MAX);
    *d = (struct aof_directory){ .heap = heap, .lock_fd = -1 };
    manifest_init(&d->manifest, heap);
    strcpy(d->name, name);
    strcpy(d->prefix, prefix);
    error[0] = '\0';
    if (open_steps(d, error) == OK) return OK;
    aof_directory_close(d);
    return ERR_IO;
}

void aof_directory_close(struct aof_directory *d)
{
    if (d->lock_fd >= 0) close(d->lock_fd); // and with it the lock
    d->lock_fd = -1;
    manifest_close(&d->manifest);
}

char *aof_directory_path(const struct aof_directory *d, const char *file, char out[AOF_PATH_MAX])
{
    size_t folder = strlen(d->name), size = strlen(file);
    CHECK(folder + 1 + size < AOF_PATH_MAX);
    memcpy(out, d->name, folder);
    out[folder] = '/';
    memcpy(out + folder + 1, file, size + 1);
    return out;
}

bool aof_directory_file_bytes(const struct aof_directory *d, const struct manifest_file *f,
                              uint64_t *bytes)
{
    struct stat facts;
    if (fstatat(d->lock_fd, f->name, &facts, 0) != 0) return false;
    if (!S_ISREG(facts.st_mode)) {
        errno = EINVAL;
        return false;
    }
    *bytes = (uint64_t)facts.st_size;
    return true;
}
