#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dataplane/base/check.h"
#include "dataplane/base/num.h"
#include "storage/aof/aof_directory_priv.h"
#include "storage/aof/temporary.h"

// ---- a log of one file -------------------------------------------------------------------------

static bool write_whole(int fd, const char *text, size_t size)
{
    for (size_t at = 0; at < size;) { // each turn writes something
        ssize_t count = write(fd, text + at, size - at);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return false;
        at += (size_t)count;
    }
    return true;
}

static bool write_temporary(const struct aof_directory *d, const char *name)
{
    char *text = heap_take(d->heap, manifest_text_max(&d->manifest), HEAP_LOG);
    size_t size = manifest_format(&d->manifest, text);
    int fd = openat(d->lock_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool worked = fd >= 0 && write_whole(fd, text, size) && fsync(fd) == 0;
    int cause = errno;
    if (fd >= 0 && close(fd) != 0 && worked) worked = false, cause = errno;
    heap_give(d->heap, text, manifest_text_max(&d->manifest), HEAP_LOG);
    errno = cause;
    return worked;
}

static bool commit_manifest(const struct aof_directory *d)
{
    char temporary[MANIFEST_NAME_MAX + 1], name[MANIFEST_NAME_MAX + 1];
    manifest_temporary_name(temporary, d->prefix);
    manifest_name(name, d->prefix);
    if (write_temporary(d, temporary) && renameat(d->lock_fd, temporary, d->lock_fd, name) == 0)
        return directory_sync(d);
    int cause = errno;
    (void)unlinkat(d->lock_fd, temporary, 0);
    errno = cause;
    return false;
}

static bool is_in_folder(const struct aof_directory *d, const char *name)
{
    struct stat facts;
    return fstatat(d->lock_fd, name, &facts, AT_SYMLINK_NOFOLLOW) == 0;
}

// That a former start committed, and could not move in.
static bool lists_old_file_only(const struct aof_directory *d)
{
    const struct manifest_file *base = manifest_base(&d->manifest);
    return base && manifest_incr_count(&d->manifest) == 0 && strcmp(base->name, d->prefix) == 0 &&
           !is_in_folder(d, d->prefix);
}

static bool lists_nothing(const struct aof_directory *d)
{
    return !manifest_base(&d->manifest) && manifest_incr_count(&d->manifest) == 0;
}

static enum status refuse_taking(const struct aof_directory *d, const char *what,
                                 char error[AOF_DIRECTORY_ERROR_MAX])
{
    return directory_refuse(error, "Can't take over the append only file %s into %s: %s", d->prefix,
                            d->name, what);
}

enum status directory_take_over(struct aof_directory *d, char error[AOF_DIRECTORY_ERROR_MAX])
{
    struct stat facts;
    bool is_listed = lists_old_file_only(d);
    if (!is_listed && !lists_nothing(d)) return OK; // as Redis: the new log counts
    if (lstat(d->prefix, &facts) != 0) {
        // Listed, and nowhere: whoever loads the log will say so.
        return errno == ENOENT ? OK : refuse_taking(d, strerror(errno), error);
    }
    if (S_ISLNK(facts.st_mode)) // moved, it would point elsewhere; left, its data would be missing
        return refuse_taking(d, "it is a symbolic link; put the file itself in its place", error);
    if (!S_ISREG(facts.st_mode)) return OK;
    if (!is_listed) {
        manifest_drop_history(&d->manifest);
        manifest_take_over(&d->manifest, d->prefix);
        if (!commit_manifest(d)) return refuse_taking(d, strerror(errno), error);
    }
    // The file is on the disk with all that a server acknowledged; only its name is new.
    if (renameat(AT_FDCWD, d->prefix, d->lock_fd, d->prefix) != 0 || !directory_sync(d) ||
        !directory_sync_working())
        return refuse_taking(d, strerror(errno), error);
    d->has_taken_over = true;
    return OK;
}

// ---- files that no list says -------------------------------------------------------------------

static bool is_listed(const struct manifest *m, const char *name)
{
    for (uint32_t i = 0; i < m->count; i++)
        if (strcmp(m->files[i].name, name) == 0) return true;
    return false;
}

static DIR *open_entries(const struct aof_directory *d)
{
    int fd = openat(d->lock_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); // its own position
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
    if (fd >= 0 && !entries) close(fd);
    return entries;
}

static bool is_empty_file(const struct aof_directory *d, const char *name)
{
    struct stat facts;
    return fstatat(d->lock_fd, name, &facts, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(facts.st_mode) &&
           facts.st_size == 0;
}

void directory_remove_begun(const struct aof_directory *d)
{
    char marker[MANIFEST_NAME_MAX + 1];
    manifest_begin_marker_name(marker, d->prefix);
    DIR *entries = is_in_folder(d, marker) ? open_entries(d) : NULL;
    if (!entries) return;
    for (const struct dirent *e; (e = readdir(entries)) != NULL;)
        if (manifest_is_log_name(e->d_name, d->prefix) && !is_listed(&d->manifest, e->d_name))
            (void)unlinkat(d->lock_fd, e->d_name, 0);
    closedir(entries);
    if (directory_sync(d)) (void)unlinkat(d->lock_fd, marker, 0); // not before they are gone
}

enum status directory_check_unlisted(struct aof_directory *d, char error[AOF_DIRECTORY_ERROR_MAX])
{
    enum status status = OK;
    DIR *entries = open_entries(d);
    if (!entries)
        return directory_refuse(error, "Can't list the folder %s of the append only log: %s",
                                d->name, strerror(errno));
    for (const struct dirent *e; status == OK && (e = readdir(entries)) != NULL;) {
        bool is_ours =
            manifest_is_log_name(e->d_name, d->prefix) || strcmp(e->d_name, d->prefix) == 0;
        if (!is_ours || is_listed(&d->manifest, e->d_name) || is_empty_file(d, e->d_name)) continue;
        status = directory_refuse(error,
                                  "The folder %s holds %s, but there is no manifest that lists it: "
                                  "put %s.manifest back, or move the files away",
                                  d->name, e->d_name, d->prefix);
    }
    closedir(entries);
    return status;
}

// ---- what crashed servers left -----------------------------------------------------------------

static bool are_all_there(const struct aof_directory *d)
{
    uint64_t bytes;
    for (uint32_t i = 0; i < d->manifest.count; i++)
        if (d->manifest.files[i].type != MANIFEST_HISTORY &&
            !aof_directory_file_bytes(d, &d->manifest.files[i], &bytes))
            return false;
    return true;
}

// A crashed rewrite leaves files that are numbered above those listed: a base of what the listed
// files hold, too, and logs that nobody wrote to before they were listed. (Or it was a log being
// turned on: then the base is the only one of its kind, but nobody was told that it counts.) That
// holds as long as the list is the last one there was. When somebody put an older one back, what it
// lists is mostly gone (then nothing is removed, the log cannot be loaded, and its newer files are
// still there), and the logs that are not listed are not empty: those stay, too.
static bool is_crashed_rewrite(const struct aof_directory *d, const char *name)
{
    const struct manifest *m = &d->manifest;
    int64_t seq;
    if (!manifest_is_log_name(name, d->prefix) || is_listed(m, name)) return false;
    const char *digits = name + strlen(d->prefix) + 1;
    size_t count = strspn(digits, "0123456789");
    if (!num_parse_int(bytes_make(digits, count), &seq)) return false;
    if (strcmp(digits + count, ".incr.aof") == 0)
        return seq > m->incr_seq && is_empty_file(d, name);
    return seq > m->base_seq;
}

static void remove_crashed_rewrite(const struct aof_directory *d)
{
    DIR *entries = are_all_there(d) ? open_entries(d) : NULL;
    if (!entries) return;
    for (const struct dirent *e; (e = readdir(entries)) != NULL;)
        if (is_crashed_rewrite(d, e->d_name)) (void)unlinkat(d->lock_fd, e->d_name, 0);
    closedir(entries);
}

static void remove_temporary(const struct aof_directory *d)
{
    DIR *entries = open_entries(d);
    if (!entries) return;
    for (const struct dirent *e; (e = readdir(entries)) != NULL;)
        if (manifest_is_temporary_name(e->d_name, d->prefix) && !is_listed(&d->manifest, e->d_name))
            (void)unlinkat(d->lock_fd, e->d_name, 0);
    closedir(entries);
}

void directory_remove_left_over(const struct aof_directory *d)
{
    remove_temporary(d);
    temporary_remove_rewrites();
    remove_crashed_rewrite(d);
}
