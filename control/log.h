// log.h: the appliance's log: lines in Redis's form, to a file, standard output or syslog.
//
//   1234:M 22 Nov 2026 15:04:05.678 * Ready to accept connections tcp
//
// Source:  redis-server's log, which programs parse (pid, role, local time, level character)
// Thread:  control's own
// Memory:  embedded; the file stays open (append). A file that was moved or removed is made anew at
// the next line, so log rotation needs no signal; SIGUSR1 asks for the same at once
// Units:   wall clock in microseconds since 1970
#pragma once
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "control/syslog_link.h"
#include "dataplane/base/status.h"

// The numbers are those of loglevel. (Not named LOG_...: syslog.h has those as macros.)
enum log_level { LEVEL_DEBUG, LEVEL_VERBOSE, LEVEL_NOTICE, LEVEL_WARNING };
enum { LOG_LINE_MAX = 1536 };

struct log {
    int fd; // owned unless it is standard output
    int64_t level;
    bool has_syslog;
    struct syslog_link syslog;
    uint64_t missed; // lines that syslog did not take and was not told of
    uint64_t polled_ns;
    char path[PATH_MAX]; // absolute; "": standard output
};

void log_init(struct log *l); // standard output, level notice
// Opens path ("" for standard output). ERR_IO: errno tells; the log stays what it was.
enum status log_open(struct log *l, const char *path) MUST_USE;
// path: the daemon's socket; ident, facility: as in syslog_link_open. Lines that syslog does not
// take are counted, and their number is the next line that it takes.
void log_open_syslog(struct log *l, const char *path, const char *ident, const char *facility);
void log_close(struct log *l);
// Once a turn of the loop: tells what syslog has missed when no line comes that would.
void log_poll(struct log *l, uint64_t now_ns);
void log_reopen(struct log *l); // at once; keeps the old file when that fails

// One line of a process of the appliance: the dataplane's come with its pid and time.
void log_line(struct log *l, uint32_t pid, int level, uint64_t wall_us, const char *text);
// One line of our own, now.
void log_write(struct log *l, int level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void log_raw(struct log *l, const char *text, size_t size); // a crash report, as it is

// The line without its end, for tests: "1:M 01 Jan 1970 00:00:00.000 * text". Returns its length.
size_t log_format(char out[LOG_LINE_MAX], uint32_t pid, int level, uint64_t wall_us,
                  const char *text);
