#include "control/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/base/clock.h"

enum { SECOND_NS = 1000000000 };

void log_init(struct log *l)
{
    *l = (struct log){ .fd = STDOUT_FILENO, .level = LEVEL_NOTICE, .syslog.fd = -1 };
}

static int log_open_file(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
}

static void log_close_file(struct log *l)
{
    if (l->fd > STDERR_FILENO) close(l->fd);
    l->fd = STDOUT_FILENO;
    l->path[0] = '\0';
}

enum status log_open(struct log *l, const char *path)
{
    if (path[0] == '\0') return OK;
    int fd = log_open_file(path);
    if (fd < 0) return ERR_IO;
    log_close_file(l);
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
    log_close_file(l);
    if (l->has_syslog) syslog_link_close(&l->syslog);
    l->has_syslog = false;
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

void log_open_syslog(struct log *l, const char *path, const char *ident, const char *facility)
{
    syslog_link_open(&l->syslog, path, ident, facility);
    l->has_syslog = true;
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

static void log_to_file(struct log *l, uint32_t pid, int level, uint64_t wall_us, const char *text)
{
    char line[LOG_LINE_MAX + 1];
    size_t size = log_format(line, pid, level, wall_us, text);
    line[size++] = '\n';
    log_raw(l, line, size);
}

// In the file too: who reads only that learns that syslog has a gap, and where it ends.
static void log_tell_missed(struct log *l, bool may_wait)
{
    char text[64];
    uint64_t wall_us = clock_wall_us();
    snprintf(text, sizeof text, "%llu %s not taken by syslog", (unsigned long long)l->missed,
             l->missed == 1 ? "line was" : "lines were");
    if (!syslog_link_send(&l->syslog, LOG_WARNING, wall_us, text, may_wait)) return;
    l->missed = 0;
    log_to_file(l, (uint32_t)getpid(), LEVEL_WARNING, wall_us, text);
}

void log_line(struct log *l, uint32_t pid, int level, uint64_t wall_us, const char *text)
{
    static const int severities[] = { LOG_DEBUG, LOG_INFO, LOG_NOTICE, LOG_WARNING };
    if (level < l->level) return;
    if (l->has_syslog && l->missed) log_tell_missed(l, true);
    log_to_file(l, pid, level, wall_us, text);
    if (!l->has_syslog) return;
    // Behind a gap that could not be told, nothing goes: the lines that arrive are in order.
    if (l->missed ||
        !syslog_link_send(&l->syslog, severities[log_level_clamp(level)], wall_us, text, true))
        l->missed++;
}

void log_poll(struct log *l, uint64_t now_ns)
{
    if (!l->has_syslog || l->missed == 0 || now_ns - l->polled_ns < SECOND_NS) return;
    l->polled_ns = now_ns;
    log_tell_missed(l, false);
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
