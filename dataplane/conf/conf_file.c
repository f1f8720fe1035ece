#include "dataplane/conf/conf_file.h"
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include "dataplane/base/check.h"
#include "dataplane/base/words.h"

// Where a directive stands, and which rows this source has assigned already: a repeated directive
// then adds a line.
struct reader {
    struct settings *settings;
    struct conf_error *error;
    const char *file;
    uint32_t line, depth;
    bool may_include; // a text in memory names no files
    bool *seen;
};

static enum status read_file(struct reader *r, const char *path);

// ---- words

static bool is_space(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r') || c == 0; }

enum status conf_split_line(struct bytes line, char *scratch, size_t scratch_bytes,
                            struct bytes *words, uint32_t words_max, uint32_t *count)
{
    struct words split = { .text = (uint8_t *)scratch, .size = line.size };
    enum words_result result;
    struct bytes word;
    *count = 0;
    CHECK(scratch_bytes >= line.size);
    if (line.size) memcpy(scratch, line.data, line.size);
    while ((result = words_next(&split, &word)) == WORDS_ONE) {
        if (*count == words_max) return ERR_PEER;
        words[(*count)++] = word;
    }
    return result == WORDS_END ? OK : ERR_PEER;
}

// ---- directives

static enum status directive_error(struct reader *r, struct bytes line, const char *text)
{
    struct conf_error *e = r->error;
    snprintf(e->file, sizeof e->file, "%s", r->file);
    e->line = r->line;
    snprintf(e->directive, sizeof e->directive, "%.*s", (int)line.size, (const char *)line.data);
    if (e->text != text) snprintf(e->text, sizeof e->text, "%s", text);
    return ERR_PEER;
}

// include takes patterns, in the order that the shell would give; a pattern without any match is
// fine, a plain name without a file is not.
static enum status read_include(struct reader *r, struct bytes line, struct bytes pattern)
{
    char path[4096];
    glob_t found;
    enum status status = OK;
    if (r->depth >= CONF_INCLUDE_DEPTH_MAX)
        return directive_error(r, line, "too many nested includes");
    if (pattern.size >= sizeof path) return directive_error(r, line, "path is too long");
    memcpy(path, pattern.data, pattern.size);
    path[pattern.size] = 0;
    if (!strpbrk(path, "*?[")) return read_file(r, path);
    if (glob(path, 0, NULL, &found) != 0) return OK;
    for (size_t i = 0; i < found.gl_pathc && status == OK; i++)
        status = read_file(r, found.gl_pathv[i]);
    globfree(&found);
    return status;
}

static enum status read_directive(struct reader *r, struct bytes line, const struct bytes *words,
                                  uint32_t count)
{
    if (bytes_is_word(words[0], "include") && count == 2 && r->may_include)
        return read_include(r, line, words[1]);
    const struct setting_row *row = setting_find(words[0]);
    if (!row || count < 2)
        return directive_error(r, line, "Bad directive or wrong number of arguments");
    bool *seen = &r->seen[row - setting_rows];
    if (setting_assign(r->settings, row, words + 1, count - 1, *seen, r->error->text) != OK) {
        if (row->flags & SETTING_SECRET) line = words[0];
        return directive_error(r, line, r->error->text);
    }
    *seen = true;
    return OK;
}

static enum status read_line(struct reader *r, struct bytes line)
{
    struct bytes words[CONF_WORDS_MAX];
    uint32_t count;
    while (line.size && is_space(line.data[0])) bytes_skip(&line, 1);
    while (line.size && is_space(line.data[line.size - 1])) line.size--;
    if (line.size == 0 || line.data[0] == '#') return OK;
    if (line.size > CONF_LINE_BYTES_MAX)
        return directive_error(r, bytes_make("", 0), "line is too long");
    char *scratch = malloc(line.size);
    CHECK(scratch != NULL);
    enum status status = conf_split_line(line, scratch, line.size, words, CONF_WORDS_MAX, &count);
    if (status != OK)
        status = directive_error(r, line, "Unbalanced quotes in configuration line");
    else if (count)
        status = read_directive(r, line, words, count);
    free(scratch);
    return status;
}

static enum status read_text(struct reader *r, struct bytes text)
{
    while (text.size) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        size_t size = end ? (size_t)(end - text.data) : text.size;
        r->line++;
        enum status status = read_line(r, bytes_make(text.data, size));
        if (status != OK) return status;
        bytes_skip(&text, end ? size + 1 : size);
    }
    return OK;
}

// ---- files

static enum status file_error(struct reader *r, const char *path)
{
    struct conf_error *e = r->error;
    snprintf(e->file, sizeof e->file, "%s", r->file);
    e->line = r->line;
    snprintf(e->directive, sizeof e->directive, "%.400s", path);
    snprintf(e->text, sizeof e->text, "can't open config file '%.120s': %s", path, strerror(errno));
    return ERR_IO;
}

static enum status read_stream(FILE *in, char **text, size_t *size)
{
    enum { FILE_BYTES_MAX = 16 * 1024 * 1024 };
    *text = NULL;
    *size = 0;
    for (size_t capacity = 0;;) {
        if (*size == capacity) {
            capacity = capacity ? capacity * 2 : 16384;
            *text = realloc(*text, capacity);
            CHECK(*text != NULL);
        }
        size_t got = fread(*text + *size, 1, capacity - *size, in);
        *size += got;
        if (got == 0) return ferror(in) ? ERR_IO : OK;
        if (*size > FILE_BYTES_MAX) {
            errno = EFBIG;
            return ERR_IO;
        }
    }
}

static enum status read_file(struct reader *r, const char *path)
{
    struct reader inner = *r;
    char *text;
    size_t size;
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *in = is_stdin ? stdin : fopen(path, "re");
    if (!in) return file_error(r, path);
    enum status status = read_stream(in, &text, &size);
    if (status != OK) status = file_error(r, path);
    if (!is_stdin) fclose(in);
    if (status == OK) {
        inner.file = path;
        inner.line = 0;
        inner.depth++;
        status = read_text(&inner, bytes_make(text, size));
    }
    free(text);
    return status;
}

static bool *seen_new(void)
{
    bool *seen = calloc(setting_row_count, sizeof *seen);
    CHECK(seen != NULL);
    return seen;
}

enum status conf_read_text(struct settings *s, struct bytes text, const char *name,
                           struct conf_error *error)
{
    struct reader r = { .settings = s, .error = error, .file = name, .seen = seen_new() };
    enum status status = read_text(&r, text);
    free(r.seen);
    return status;
}

enum status conf_read_file(struct settings *s, const char *path, struct conf_error *error)
{
    struct reader r = {
        .settings = s, .error = error, .file = path, .may_include = true, .seen = seen_new()
    };
    enum status status = read_file(&r, path);
    free(r.seen);
    return status;
}

// ---- arguments

static bool is_option(const char *argument)
{
    return argument[0] == '-' && argument[1] == '-' && argument[2];
}

// Everything from an option to the next is one directive. "--name value" may come as one argument
// in quotes; an option without any value is "yes" for a switch and "" for anything else, as in
// Redis 7.
static enum status read_option(struct reader *r, char **argv, int count)
{
    char scratch[4096];
    struct bytes words[CONF_WORDS_MAX];
    struct bytes first = bytes_text(argv[0] + 2);
    uint32_t used;
    char shown[256];
    snprintf(shown, sizeof shown, "%s%s%s", argv[0], count > 1 ? " " : "",
             count > 1 ? argv[1] : "");
    struct bytes line = bytes_text(shown);
    if (first.size > sizeof scratch ||
        conf_split_line(first, scratch, sizeof scratch, words, CONF_WORDS_MAX, &used) != OK ||
        used == 0)
        return directive_error(r, line, "Unbalanced quotes in configuration line");
    if (used + (uint32_t)count > CONF_WORDS_MAX)
        return directive_error(r, line, "too many arguments");
    for (int i = 1; i < count; i++) words[used++] = bytes_text(argv[i]);
    if (used == 1) {
        const struct setting_row *row = setting_find(words[0]);
        words[used++] = row && row->kind == SETTING_BOOL ? bytes_text("yes") : bytes_make("", 0);
    }
    return read_directive(r, line, words, used);
}

static enum status read_options(struct reader *r, int argc, char **argv)
{
    for (int i = 0; i < argc;) {
        int next = i + 1;
        r->line++;
        if (!is_option(argv[i]))
            return directive_error(r, bytes_text(argv[i]),
                                   "Bad directive or wrong number of arguments");
        while (next < argc && !is_option(argv[next])) next++;
        enum status status = read_option(r, argv + i, next - i);
        if (status != OK) return status;
        i = next;
    }
    return OK;
}

enum status conf_read_arguments(struct settings *s, int argc, char **argv, const char **file,
                                struct conf_error *error)
{
    struct reader r = { .settings = s, .error = error, .file = "", .may_include = true };
    *file = NULL;
    if (argc > 0 && !is_option(argv[0])) {
        *file = argv[0];
        argc--;
        argv++;
        enum status status = conf_read_file(s, *file, error);
        if (status != OK) return status;
    }
    r.seen = seen_new();
    enum status status = read_options(&r, argc, argv);
    free(r.seen);
    return status;
}
