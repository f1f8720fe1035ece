#include "dataplane/conf/conf_rewrite.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "dataplane/base/check.h"
#include "dataplane/base/num.h"
#include "dataplane/conf/conf_file.h"

// The file as lines. Those of one directive are chained: its new values take their places in order.
struct line {
    char *text; // owned, without newline
    int64_t next;
};
struct chain {
    int64_t first, last; // first -1: none left
    bool is_done;        // the directive has been written: lines that are left go
};
struct file {
    const struct conf_rewrite *in;
    const struct settings *normal; // every default
    struct line *lines;
    int64_t count, capacity;
    struct chain *chains; // by row; the last one is that of "user"
    bool has_signature;
    char *value, *plain; // SETTING_TEXT_MAX + 1 each: a row's text now, and its default
};

// ---- texts

__attribute__((format(printf, 1, 2))) static char *text_of(const char *format, ...)
{
    char *text;
    va_list args;
    va_start(args, format);
    int size = vasprintf(&text, format, args);
    va_end(args);
    CHECK(size >= 0);
    return text;
}

// In quotes, with the escapes that the reader of files knows.
static char *quoted(const char *text)
{
    static const char letters[] = "\n\r\t\a\b\\\"", names[] = "nrtab\\\"";
    size_t size = strlen(text), at = 0;
    char *out = malloc(size * 4 + 3);
    CHECK(out != NULL);
    out[at++] = '"';
    for (size_t i = 0; i < size; i++) {
        const char *found = strchr(letters, text[i]);
        if (found)
            at += (size_t)sprintf(out + at, "\\%c", names[found - letters]);
        else if (text[i] >= 0x20 && text[i] < 0x7f)
            out[at++] = text[i];
        else
            at += (size_t)sprintf(out + at, "\\x%02x", (unsigned char)text[i]);
    }
    out[at++] = '"';
    out[at] = 0;
    return out;
}

static char *memory_text(uint64_t bytes)
{
    static const struct {
        const char *unit;
        uint32_t shift;
    } units[] = { { "gb", 30 }, { "mb", 20 }, { "kb", 10 } };
    for (uint32_t i = 0; bytes && i < 3; i++)
        if ((bytes & ((1ull << units[i].shift) - 1)) == 0)
            return text_of("%llu%s", (unsigned long long)(bytes >> units[i].shift), units[i].unit);
    return text_of("%llu", (unsigned long long)bytes);
}

// ---- lines

static void add_line(struct file *f, char *text, struct chain *chain)
{
    if (f->count == f->capacity) {
        f->capacity = f->capacity ? f->capacity * 2 : 256;
        f->lines = realloc(f->lines, (size_t)f->capacity * sizeof *f->lines);
        CHECK(f->lines != NULL);
    }
    f->lines[f->count] = (struct line){ text, -1 };
    if (chain) {
        *(chain->first < 0 ? &chain->first : &f->lines[chain->last].next) = f->count;
        chain->last = f->count;
    }
    f->count++;
}

static void sign(struct file *f)
{
    if (f->has_signature) return;
    f->has_signature = true;
    if (f->count && f->lines[f->count - 1].text[0]) add_line(f, text_of("%s", ""), NULL);
    add_line(f, text_of(CONF_REWRITE_SIGNATURE), NULL);
}

// Takes text. A directive that the file does not have is added when it must be there.
static void put_line(struct file *f, struct chain *chain, char *text, bool must_be)
{
    chain->is_done = true;
    if (chain->first >= 0) {
        struct line *line = &f->lines[chain->first];
        chain->first = line->next;
        free(line->text);
        line->text = text;
    } else if (must_be || f->in->writes_all) {
        sign(f);
        add_line(f, text, NULL);
    } else {
        free(text);
    }
}

static struct chain *chain_of(struct file *f, const struct setting_row *row)
{
    return &f->chains[row - setting_rows];
}

static struct chain *chain_of_users(struct file *f) { return &f->chains[setting_row_count]; }

// ---- reading the old file

static bool is_blank(uint8_t c) { return c == ' ' || c == '\t' || c == '\r'; }

static char *copy_line(struct bytes line, const char *before)
{
    return text_of("%s%.*s", before, (int)line.size, (const char *)line.data);
}

static bool is_kept_as_it_is(struct bytes name)
{
    return bytes_is_word(name, "include") || bytes_is_word(name, "sentinel");
}

static void read_directive(struct file *f, struct bytes line)
{
    struct bytes words[CONF_WORDS_MAX];
    uint32_t count = 0;
    char *scratch = malloc(line.size);
    CHECK(scratch != NULL);
    bool is_split = line.size <= CONF_LINE_BYTES_MAX &&
                    conf_split_line(line, scratch, line.size, words, CONF_WORDS_MAX, &count) == OK;
    const struct setting_row *row = is_split && count ? setting_find(words[0]) : NULL;
    bool is_known = row || (count && is_kept_as_it_is(words[0]));
    struct chain *chain = row ? chain_of(f, row) : NULL;
    if (row && strcmp(row->name, "user") == 0) chain = chain_of_users(f);
    // What cannot be read becomes a comment.
    add_line(f, copy_line(line, is_known ? "" : "# ??? "), chain);
    free(scratch);
}

static void read_line(struct file *f, struct bytes line)
{
    while (line.size && is_blank(line.data[0])) bytes_skip(&line, 1);
    while (line.size && is_blank(line.data[line.size - 1])) line.size--;
    if (line.size && line.data[0] != '#') {
        read_directive(f, line);
        return;
    }
    if (bytes_equal(line, bytes_text(CONF_REWRITE_SIGNATURE))) f->has_signature = true;
    add_line(f, copy_line(line, ""), NULL);
}

static void read_lines(struct file *f, struct bytes text)
{
    while (text.size) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        size_t size = end ? (size_t)(end - text.data) : text.size;
        read_line(f, bytes_make(text.data, size));
        bytes_skip(&text, end ? size + 1 : size);
    }
}

// ---- directives, by kind

// These may be empty where others then are as if they were not there.
static bool may_be_empty(const struct setting_row *row)
{
    static const char *const names[] = { "logfile",
                                         "aclfile",
                                         "locale-collate",
                                         "ignore-warnings",
                                         "bind",
                                         "notify-keyspace-events",
                                         "latency-tracking-info-percentiles",
                                         "proc-title-template" };
    for (uint32_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(row->name, names[i]) == 0) return true;
    return false;
}

static bool is_always_written(const struct setting_row *row)
{
    return strcmp(row->name, "dir") == 0 ||
           strcmp(row->name, "latency-tracking-info-percentiles") == 0;
}

static char *value_text(const struct setting_row *row, const char *value)
{
    bool is_quoted = row->kind == SETTING_EVENTS ||
                     (row->kind == SETTING_TEXT && !(row->flags & SETTING_MANY_WORDS));
    bool is_memory = row->kind == SETTING_BYTES || row->kind == SETTING_BYTES_PERCENT;
    if (is_quoted || !*value) return quoted(value);
    if (is_memory && !strchr(value, '%')) return memory_text(strtoull(value, NULL, 10));
    return text_of("%s", value);
}

static void put_row(struct file *f, const struct setting_row *row, const char *value, bool must_be)
{
    char *text = value_text(row, value);
    put_line(f, chain_of(f, row), text_of("%s %s", row->name, text), must_be);
    free(text);
}

static void rewrite_plain(struct file *f, const struct setting_row *row)
{
    size_t size = setting_text(f->in->settings, row, f->value, SETTING_TEXT_MAX);
    size_t normal_size = setting_text(f->normal, row, f->plain, SETTING_TEXT_MAX);
    f->value[size] = f->plain[normal_size] = 0;
    bool is_normal = strcmp(f->value, f->plain) == 0;
    if (!*f->value && is_normal && !may_be_empty(row))
        chain_of(f, row)->is_done = true;
    else
        put_row(f, row, f->value, !is_normal || is_always_written(row));
}

static void rewrite_save(struct file *f, const struct setting_row *row)
{
    const struct setting_save *save = &f->in->settings->save;
    char text[64];
    if (save->count == 0) put_row(f, row, "", true);
    for (uint32_t i = 0; i < save->count; i++) {
        const struct setting_save_point *p = &save->points[i];
        snprintf(text, sizeof text, "%lld %lld", (long long)p->seconds, (long long)p->changes);
        put_row(f, row, text, true);
    }
}

static void rewrite_output_limits(struct file *f, const struct setting_row *row)
{
    static const char *const names[] = { "normal", "replica", "pubsub" };
    for (uint32_t i = 0; i < OUTPUT_LIMIT_COUNT; i++) {
        const struct setting_output_limit *now = &f->in->settings->output_limits[i];
        const struct setting_output_limit *normal = &f->normal->output_limits[i];
        bool must_be = now->hard_bytes != normal->hard_bytes ||
                       now->soft_bytes != normal->soft_bytes ||
                       now->soft_seconds != normal->soft_seconds;
        char *hard = memory_text(now->hard_bytes), *soft = memory_text(now->soft_bytes);
        char *text = text_of("%s %s %s %s %lld", row->name, names[i], hard, soft,
                             (long long)now->soft_seconds);
        put_line(f, chain_of(f, row), text, must_be);
        free(hard);
        free(soft);
    }
}

static void rewrite_lines(struct file *f, const struct setting_row *row)
{
    size_t size = setting_text(f->in->settings, row, f->value, SETTING_TEXT_MAX);
    f->value[size] = 0;
    chain_of(f, row)->is_done = true;
    for (char *rest = f->value, *line; (line = strsep(&rest, "\n"));)
        if (*line) put_row(f, row, line, true);
}

static void rewrite_row(struct file *f, const struct setting_row *row)
{
    // rename-command, loadmodule: lines of the file, which nothing but the file says.
    if (row->kind == SETTING_LINES && (row->flags & SETTING_HIDDEN)) return;
    if (strcmp(row->name, "dir") == 0 && f->in->directory)
        put_row(f, row, f->in->directory, true);
    else if (row->kind == SETTING_SAVE)
        rewrite_save(f, row);
    else if (row->kind == SETTING_OUTPUT_LIMITS)
        rewrite_output_limits(f, row);
    else if (row->kind == SETTING_LINES)
        rewrite_lines(f, row);
    else
        rewrite_plain(f, row);
}

static void rewrite_users(struct file *f)
{
    struct bytes text = f->in->users;
    if (!f->in->has_users) return;
    chain_of_users(f)->is_done = true;
    while (text.size) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        size_t size = end ? (size_t)(end - text.data) : text.size;
        if (size) put_line(f, chain_of_users(f), copy_line(bytes_make(text.data, size), ""), true);
        bytes_skip(&text, end ? size + 1 : size);
    }
}

// ---- the new file

static void blank_leftovers(struct file *f)
{
    for (uint32_t i = 0; i <= setting_row_count; i++) {
        if (!f->chains[i].is_done) continue;
        for (int64_t at = f->chains[i].first; at >= 0; at = f->lines[at].next)
            f->lines[at].text[0] = 0;
    }
}

static char *join_lines(const struct file *f, size_t *size)
{
    size_t capacity = 1, at = 0;
    bool was_blank = false;
    for (int64_t i = 0; i < f->count; i++) capacity += strlen(f->lines[i].text) + 1;
    char *out = malloc(capacity);
    CHECK(out != NULL);
    for (int64_t i = 0; i < f->count; i++) {
        size_t line = strlen(f->lines[i].text);
        if (line == 0 && was_blank) continue;
        was_blank = line == 0;
        memcpy(out + at, f->lines[i].text, line);
        at += line;
        out[at++] = '\n';
    }
    out[at] = 0;
    *size = at;
    return out;
}

char *conf_rewrite(const struct conf_rewrite *in, size_t *size)
{
    struct settings normal;
    struct file f = { .in = in,
                      .normal = &normal,
                      .chains = malloc((setting_row_count + 1) * sizeof *f.chains),
                      .value = malloc(SETTING_TEXT_MAX + 1),
                      .plain = malloc(SETTING_TEXT_MAX + 1) };
    CHECK(f.chains && f.value && f.plain);
    for (uint32_t i = 0; i <= setting_row_count; i++) f.chains[i] = (struct chain){ .first = -1 };
    settings_init(&normal);
    read_lines(&f, in->old);
    for (uint32_t i = 0; i < setting_row_count; i++) rewrite_row(&f, &setting_rows[i]);
    rewrite_users(&f);
    blank_leftovers(&f);
    char *out = join_lines(&f, size);
    for (int64_t i = 0; i < f.count; i++) free(f.lines[i].text);
    free(f.lines);
    free(f.chains);
    free(f.value);
    free(f.plain);
    settings_close(&normal);
    return out;
}
