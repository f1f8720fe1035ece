// title.h: the process title that ps and /proc/PID/cmdline show, from proc-title-template.
//
// Source:  redis-server's template: {title} {listen-addr} {server-mode} {port} {tls-port}
//          {unixsocket} {config-file}
// Thread:  main; title_open before anything keeps a pointer into argv or environ
// Memory:  the kernel shows the bytes where argv and environ lay; the environment moves to the heap
// (for the life of the process) and that whole area becomes the title's
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "dataplane/base/status.h"

struct title {
    char *area; // NULL: cannot be changed
    size_t area_bytes;
};
struct title_values {
    const char *title, *listen_address, *server_mode, *unixsocket, *config_file;
    long long port, tls_port;
};

// argv's strings may be overwritten from here on: the caller works on a copy
// (title_copy_arguments).
struct title title_open(int argc, char **argv);
char **title_copy_arguments(int argc, char **argv); // NULL-ended; NULL when out of memory
void title_free_arguments(char **copy);
void title_set(struct title *t, const char *text); // cut to the area
// False for a template with an unknown or unclosed {word}. Trailing blanks are cut.
bool title_expand(char *out, size_t capacity, const char *pattern, const struct title_values *v);
