// options.h: what the operator asked for: command line, configuration file, and the way errors in
// them are said.
//
// Source:  redis-server's command line: [file | -] [--directive value ...], -v, -h
// Thread:  main
// Memory:  struct options owns its settings (options_close)
#pragma once
#include <limits.h>
#include <stdio.h>
#include "dataplane/conf/conf_file.h"
#include "dataplane/conf/settings.h"

#ifndef PENSTOCK_VERSION
#define PENSTOCK_VERSION "0.0.0"
#endif
#define REDIS_VERSION "7.2.4" // whose commands and replies these are

struct options {
    struct settings settings;
    char config_file[PATH_MAX]; // absolute; "": none, "-": standard input
};
enum options_result {
    OPTIONS_RUN,
    OPTIONS_DONE, // version or help was printed: exit 0
    OPTIONS_BAD,  // the error was printed: exit 1
};
// Whatever the result, options_close is due.
enum options_result options_read(struct options *o, int argc, char **argv);
void options_close(struct options *o);
// The value as CONFIG GET shows it, "" for an unknown name. Returns out.
char *options_text(const struct settings *s, const char *name, char *out, size_t capacity);
void options_print_error(FILE *to, const struct conf_error *error);
