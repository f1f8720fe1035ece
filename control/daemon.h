// daemon.h: leaving the terminal, and the pid file.
//
// Source:  redis-server's `daemonize` and `pidfile`: the file holds the pid and a newline, is
// written once the instance is ours, and removed at exit
// Thread:  main, before any thread or descriptor that must not be shared
#pragma once
#include <limits.h>
#include <stdbool.h>
#include "dataplane/base/status.h"

struct pid_file {
    char path[PATH_MAX]; // absolute; "": none was written
};

// The parent ends with 0; the child goes on in a session of its own, standard streams on /dev/null.
// ERR_IO: no child could be made.
enum status daemon_detach(void) MUST_USE;
enum status pid_file_write(struct pid_file *p, const char *path) MUST_USE; // errno tells
void pid_file_remove(struct pid_file *p); // only while it still names this process
