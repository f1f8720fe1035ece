#include "control/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int close_keeping_errno(int fd)
{
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static enum status fail_with(int error)
{
    errno = error;
    return ERR_IO;
}

static enum status read_all(int fd, char *text, size_t size, size_t *got)
{
    for (*got = 0; *got < size;) {
        ssize_t bytes = read(fd, text + *got, size - *got);
        if (bytes < 0 && errno == EINTR) continue;
        if (bytes < 0) return ERR_IO;
        if (bytes == 0) break;
        *got += (size_t)bytes;
    }
    return OK;
}

enum status file_read(const char *path, size_t size_max, char **text, size_t *size)
{
    struct stat st;
    enum status status = ERR_IO;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a pipe must not hold us
    *text = NULL;
    *size = 0;
    if (fd < 0) return ERR_IO;
    if (fstat(fd, &st) < 0)
        status = ERR_IO;
    else if (S_ISDIR(st.st_mode))
        status = fail_with(EISDIR);
    else if (!S_ISREG(st.st_mode))
        status = fail_with(EINVAL);
    else if ((uint64_t)st.st_size > size_max)
        status = fail_with(EFBIG);
    else if ((*text = malloc((size_t)st.st_size + 1)))
        status = read_all(fd, *text, (size_t)st.st_size, size);
    close_keeping_errno(fd);
    if (status == OK) {
        (*text)[*size] = '\0';
        return OK;
    }
    free(*text);
    *text = NULL;
    return ERR_IO;
}

static bool write_all(int fd, struct bytes text)
{
    while (text.size) {
        ssize_t bytes = write(fd, text.data, text.size);
        if (bytes < 0 && errno == EINTR) continue;
        if (bytes <= 0) return false;
        bytes_skip(&text, (size_t)bytes);
    }
    return true;
}

// Who may read the file does not change by its being written again.
static bool keep_rights(int fd, const char *path)
{
    struct stat old;
    if (stat(path, &old) < 0) return errno == ENOENT;
    if (fchown(fd, old.st_uid, old.st_gid) < 0 && errno != EPERM) return false;
    return fchmod(fd, old.st_mode & 07777) == 0;
}

static bool sync_folder(const char *path)
{
    char copy[PATH_MAX];
    if ((size_t)snprintf(copy, sizeof copy, "%s", path) >= sizeof copy) return false;
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return false;
    bool ok = fsync(fd) == 0 || errno == EINVAL; // not every file system syncs folders
    close_keeping_errno(fd);
    return ok;
}

enum status file_replace(const char *path, struct bytes text, mode_t new_mode)
{
    char fresh[PATH_MAX];
    int size = snprintf(fresh, sizeof fresh, "%s.%d.tmp", path, (int)getpid());
    if (size < 0 || (size_t)size >= sizeof fresh) return fail_with(ENAMETOOLONG);
    unlink(fresh); // a former process with our number died over it
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, new_mode);
    if (fd < 0) return ERR_IO;
    bool ok = write_all(fd, text) && keep_rights(fd, path) && fsync(fd) == 0;
    close_keeping_errno(fd);
    if (ok && rename(fresh, path) == 0) return sync_folder(path) ? OK : ERR_IO;
    int saved = errno;
    unlink(fresh);
    return fail_with(saved);
}
