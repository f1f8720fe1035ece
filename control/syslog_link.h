// syslog_link.h: lines to the machine's syslog daemon, which must never hold us up.
//
//   <134>Nov 22 15:04:05 penstock[1234]: Ready to accept connections tcp
//
// Source:  RFC 3164, 4.1 (local time, without a host name: syslog(3) writes the same); unix(7)
// Thread:  control's own
// Memory:  embedded; path and ident are borrowed; one socket
// Units:   wall clock in microseconds since 1970
//
// syslog(3) waits while the daemon's queue is full, for ever when the daemon hangs: nobody would
// restart a dataplane meanwhile. Here a line waits for SYSLOG_WAIT_MS in a second at most, and is
// lost then. That long because the queue may be no more than ten lines, and the burst of a start
// must not be lost to a daemon that is merely not scheduled yet.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define SYSLOG_PATH "/dev/log" // where every daemon listens
enum { SYSLOG_WAIT_MS = 100 };

struct syslog_link {
    const char *path, *ident;
    int fd; // owned; -1: nobody listens
    int facility;
    bool is_stream;              // lines end with a zero byte
    uint64_t opened_ns;          // when the socket was last made
    uint64_t window_ns, wait_ns; // a second's start, and what was waited in it
};

// A daemon that is not there is looked for again with every line. facility: "local0" ... "local7",
// "user".
void syslog_link_open(struct syslog_link *s, const char *path, const char *ident,
                      const char *facility);
void syslog_link_close(struct syslog_link *s);
// severity: LOG_DEBUG ... of syslog.h. False: not taken. may_wait: as above; without it, never.
bool syslog_link_send(struct syslog_link *s, int severity, uint64_t wall_us, const char *text,
                      bool may_wait);
