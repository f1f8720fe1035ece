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
    uint32_t lines_of_file; // newlines of the last file that was read
    bool may_include;       // a text in memory names no files
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
    if (!row) return directive_error(r, line, "Bad directive or wrong number of arguments");
    if (count < 2) return directive_error(r, line, "wrong number of arguments");
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
    r->lines_of_file = 0;
    for (size_t i = 0; i < size; i++) r->lines_of_file += text[i] == '\n';
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

struct lines {
    char *text;
    size_t size, capacity;
};

static void lines_put(struct lines *l, char c)
{
    if (l->size == l->capacity) {
        l->capacity = l->capacity ? l->capacity * 2 : 256;
        l->text = realloc(l->text, l->capacity);
        CHECK(l->text != NULL);
    }
    l->text[l->size++] = c;
}

static void lines_put_quoted(struct lines *l, const char *word)
{
    static const char letters[] = "\n\r\t\a\b\\\"", names[] = "nrtab\\\"";
    char hex[8];
    lines_put(l, '"');
    for (; *word; word++) {
        const char *found = strchr(letters, *word);
        bool plain = *word >= 0x20 && *word < 0x7f;
        snprintf(hex, sizeof hex, "\\x%02x", (unsigned char)*word);
        if (found) {
            lines_put(l, '\\');
            lines_put(l, names[found - letters]);
        } else if (plain) {
            lines_put(l, *word);
        } else {
            for (const char *c = hex; *c; c++) lines_put(l, *c);
        }
    }
    lines_put(l, '"');
    lines_put(l, ' ');
}

static bool is_option(const char *argument) { return argument[0] == '-' && argument[1] == '-'; }

// "--port 7000" in one argument has its value; of "--port" the next argument is the value, whatever
// it looks like, but for "--save --port": a list that came out empty.
static bool wants_value(const char *option, const char *next)
{
    struct bytes words[2];
    char scratch[4096];
    uint32_t count = 0;
    struct bytes text = bytes_text(option);
    if (text.size > sizeof scratch ||
        conf_split_line(text, scratch, sizeof scratch, words, 2, &count) != OK || count != 1)
        return false;
    return !bytes_is_word(words[0], "--save") || (next && !is_option(next));
}

// As lines of a configuration file, one for each "--name" with what follows it: so errors read as
// in Redis.
static struct lines lines_of_arguments(int argc, char **argv)
{
    struct lines l = { NULL, 0, 0 };
    bool takes_value = false;
    for (int i = 0; i < argc; i++) {
        if (!is_option(argv[i]) || takes_value) {
            lines_put_quoted(&l, argv[i]);
            takes_value = false;
            continue;
        }
        const char *next = i + 1 < argc ? argv[i + 1] : NULL;
        takes_value = wants_value(argv[i], next);
        if (l.size) lines_put(&l, '\n');
        for (const char *c = argv[i] + 2; *c; c++) lines_put(&l, *c == '\n' ? ' ' : *c);
        lines_put(&l, ' ');
        bool is_empty_list = !takes_value && bytes_is_word(bytes_text(argv[i]), "--save") &&
                             (!next || is_option(next));
        if (is_empty_list) lines_put_quoted(&l, "");
    }
    return l;
}

enum status conf_read_arguments(struct settings *s, int argc, char **argv, const char **file,
                                struct conf_error *error)
{
    struct reader r = {
        .settings = s, .error = error, .file = "", .may_include = true, .seen = seen_new()
    };
    enum status status = OK;
    *file = NULL;
    if (argc > 0 && (argv[0][0] != '-' || argv[0][1] == '\0')) {
        *file = r.file = argv[0];
        status = read_file(&r, *file);
        argc--;
        argv++;
    }
    struct lines l = lines_of_arguments(status == OK ? argc : 0, argv);
    r.file = "";
    r.line = r.lines_of_file + 1; // they stand behind the file and an empty line
    if (l.size) status = read_text(&r, bytes_make(l.text, l.size));
    free(l.text);
    free(r.seen);
    return status;
}
