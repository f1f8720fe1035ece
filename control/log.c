#include "control/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/base/clock.h"

void log_init(struct log *l) { *l = (struct log){ .fd = STDOUT_FILENO, .level = LEVEL_NOTICE }; }

static int log_open_file(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
}

enum status log_open(struct log *l, const char *path)
{
    if (path[0] == '\0') return OK;
    int fd = log_open_file(path);
    if (fd < 0) return ERR_IO;
    log_close(l);
    l->fd = fd;
    // The absolute name: the file must be found again after a rotation, whatever `dir` is then.
    char folder[PATH_MAX];
    int size = path[0] == '/' || !getcwd(folder, sizeof folder)
                   ? snprintf(l->path, sizeof l->path, "%s", path)
                   : snprintf(l->path, sizeof l->path, "%s/%s", folder, path);
    if (size >= (int)sizeof l->path) l->path[0] = '\0'; // too long to watch: stays open as it is
    return OK;
}

void log_close(struct log *l)
{
    if (l->fd > STDERR_FILENO) close(l->fd);
    l->fd = STDOUT_FILENO;
    l->path[0] = '\0';
}

void log_reopen(struct log *l)
{
    if (l->path[0] == '\0') return;
    int fd = log_open_file(l->path);
    if (fd < 0) return;
    close(l->fd);
    l->fd = fd;
}

static void log_follow_rotation(struct log *l)
{
    struct stat ours, named;
    if (l->path[0] == '\0' || fstat(l->fd, &ours) < 0) return;
    if (stat(l->path, &named) < 0 || named.st_ino != ours.st_ino || named.st_dev != ours.st_dev)
        log_reopen(l);
}

static int syslog_facility(const char *name)
{
    static const struct {
        const char *name;
        int facility;
    } rows[] = { { "user", LOG_USER },     { "local0", LOG_LOCAL0 }, { "local1", LOG_LOCAL1 },
                 { "local2", LOG_LOCAL2 }, { "local3", LOG_LOCAL3 }, { "local4", LOG_LOCAL4 },
                 { "local5", LOG_LOCAL5 }, { "local6", LOG_LOCAL6 }, { "local7", LOG_LOCAL7 } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcasecmp(rows[i].name, name) == 0) return rows[i].facility;
    return LOG_LOCAL0;
}

void log_open_syslog(struct log *l, const char *ident, const char *facility)
{
    openlog(ident, LOG_PID | LOG_NDELAY | LOG_NOWAIT, syslog_facility(facility));
    l->syslog = true;
}

static int log_level_clamp(int level)
{
    return level < LEVEL_DEBUG || level > LEVEL_WARNING ? LEVEL_WARNING : level;
}

size_t log_format(char out[LOG_LINE_MAX], uint32_t pid, int level, uint64_t wall_us,
                  const char *text)
{
    char date[64];
    struct tm tm;
    time_t seconds = (time_t)(wall_us / 1000000);
    localtime_r(&seconds, &tm);
    strftime(date, sizeof date, "%d %b %Y %H:%M:%S", &tm);
    int size = snprintf(out, LOG_LINE_MAX, "%u:M %s.%03u %c %s", pid, date,
                        (unsigned)(wall_us / 1000 % 1000), ".-*#"[log_level_clamp(level)], text);
    return size < LOG_LINE_MAX ? (size_t)size : LOG_LINE_MAX - 1;
}

void log_raw(struct log *l, const char *text, size_t size)
{
    log_follow_rotation(l);
    while (size > 0) {
        ssize_t n = write(l->fd, text, size);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return; // a full disk or a closed pipe must not stop the appliance
        text += n;
        size -= (size_t)n;
    }
}

void log_line(struct log *l, uint32_t pid, int level, uint64_t wall_us, const char *text)
{
    static const int priorities[] = { LOG_DEBUG, LOG_INFO, LOG_NOTICE, LOG_WARNING };
    char line[LOG_LINE_MAX + 1];
    if (level < l->level) return;
    size_t size = log_format(line, pid, level, wall_us, text);
    line[size++] = '\n';
    log_raw(l, line, size);
    if (l->syslog) syslog(priorities[log_level_clamp(level)], "%s", text);
}

void log_write(struct log *l, int level, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_line(l, (uint32_t)getpid(), level, clock_wall_us(), text);
}
