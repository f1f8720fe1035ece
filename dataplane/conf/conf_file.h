// conf_file.h: redis.conf syntax: lines, quoting, comments, include, command-line arguments.
//
// Source:  behaviour of Redis 7.2's config.c: quoting, include with patterns, arguments
// Thread:  any; reads files
// Memory:  none kept
#pragma once
#include "dataplane/conf/settings.h"

enum { CONF_INCLUDE_DEPTH_MAX = 16, CONF_LINE_BYTES_MAX = 64 * 1024, CONF_WORDS_MAX = 1024 };

struct conf_error {
    char file[256];      // "" for arguments
    uint32_t line;       // 1..
    char directive[512]; // the offending line (a secret's value is not shown)
    char text[SETTING_ERROR_MAX];
};
// Splits one line into words; unescapes quotes in place of scratch. ERR_PEER: unbalanced quotes.
// count 0: blank.
enum status conf_split_line(struct bytes line, char *scratch, size_t scratch_bytes,
                            struct bytes *words, uint32_t words_max, uint32_t *count) MUST_USE;
// Without include, which is an unknown directive here: a text in memory opens no files.
enum status conf_read_text(struct settings *s, struct bytes text, const char *name,
                           struct conf_error *error) MUST_USE;
enum status conf_read_file(struct settings *s, const char *path,
                           struct conf_error *error) MUST_USE; // "-": stdin
// argv behind the program's name: an optional file first ("-": stdin), then --name value... as
// redis-server takes them: lines behind those of the file, with line numbers that go on. So a
// second "save" adds to the file's. *file receives the path or NULL (borrowed from argv).
enum status conf_read_arguments(struct settings *s, int argc, char **argv, const char **file,
                                struct conf_error *error) MUST_USE;
