#include <stdio.h>
#include <stdlib.h>
#include "dataplane/base/check.h"
#include "dataplane/base/num.h"
#include "dataplane/conf/conf_file.h"
#include "dataplane/conf/settings_priv.h"

static uint32_t format_flags(const struct setting_row *row, int64_t value, char *out)
{
    uint32_t at = 0;
    if (value == 0) return (uint32_t)sprintf(out, "%s", row->words[0]);
    for (uint32_t i = 1; row->words[i]; i++)
        if (value & ((int64_t)1 << i))
            at += (uint32_t)sprintf(out + at, "%s%s", at ? " " : "", row->words[i]);
    return at;
}

uint32_t setting_format_number(const struct setting_row *row, int64_t value,
                               char out[SETTING_NUMBER_TEXT])
{
    switch (row->kind) {
    case SETTING_BOOL:
        return (uint32_t)sprintf(out, "%s", value ? "yes" : "no");
    case SETTING_OCTAL:
        return (uint32_t)sprintf(out, "%lo", (unsigned long)value);
    case SETTING_ENUM:
        return (uint32_t)sprintf(out, "%s", row->words[value]);
    case SETTING_FLAGS:
        return format_flags(row, value, out);
    case SETTING_BYTES_PERCENT:
        if (value < 0) return (uint32_t)sprintf(out, "%ld%%", (long)-value);
        return num_format_int(out, value);
    case SETTING_COUNT:
        if (row->words && value == 0) return (uint32_t)sprintf(out, "%s", row->words[0]);
        return num_format_int(out, value);
    default:
        return num_format_int(out, value);
    }
}

static int64_t load_number(const struct settings *s, const struct setting_row *row)
{
    const void *field = row_field_const(s, row);
    if (row->kind == SETTING_BOOL) return *(const bool *)field;
    if (row->kind == SETTING_BYTES) return (int64_t) * (const uint64_t *)field;
    return *(const int64_t *)field;
}

// ---- back to text

struct text_out {
    char *at;
    size_t left, size;
    bool has_long_line;
};

static void put(struct text_out *o, const char *text, size_t size)
{
    o->size += size;
    if (size > o->left) size = o->left;
    memcpy(o->at, text, size);
    o->at += size;
    o->left -= size;
}

static void put_text(struct text_out *o, const char *text) { put(o, text, strlen(text)); }

static void put_words(struct text_out *o, const struct setting_words *w, const char *between)
{
    for (uint32_t i = 0; i < w->count; i++) {
        if (i) put_text(o, between);
        put_text(o, w->words[i]);
    }
}

static void put_save(struct text_out *o, const struct setting_save *save)
{
    char text[64];
    for (uint32_t i = 0; i < save->count; i++) {
        int size = snprintf(text, sizeof text, "%s%ld %ld", i ? " " : "",
                            (long)save->points[i].seconds, (long)save->points[i].changes);
        put(o, text, (size_t)size);
    }
}

static void put_output_limits(struct text_out *o, const struct setting_output_limit *limits)
{
    static const char *const classes[] = { "normal", "slave", "pubsub" };
    char text[128];
    for (uint32_t i = 0; i < OUTPUT_LIMIT_COUNT; i++) {
        int size = snprintf(text, sizeof text, "%s%s %lu %lu %ld", i ? " " : "", classes[i],
                            (unsigned long)limits[i].hard_bytes,
                            (unsigned long)limits[i].soft_bytes, (long)limits[i].soft_seconds);
        put(o, text, (size_t)size);
    }
}

static void put_value(struct text_out *o, const struct settings *s, const struct setting_row *row)
{
    char text[128];
    const void *field = row_field_const(s, row);
    if (!field) {
        put_text(o, s->other[row_index(row)]);
        return;
    }
    switch (row->kind) {
    case SETTING_TEXT:
    case SETTING_EVENTS:
        put_text(o, *(char *const *)field);
        break;
    case SETTING_WORDS:
        put_words(o, field, " ");
        break;
    case SETTING_LINES:
        put_words(o, field, "\n");
        break;
    case SETTING_SAVE:
        put_save(o, field);
        break;
    case SETTING_OUTPUT_LIMITS:
        put_output_limits(o, field);
        break;
    default:
        put(o, text, setting_format_number(row, load_number(s, row), text));
    }
}

size_t setting_text(const struct settings *s, const struct setting_row *row, char *out,
                    size_t capacity)
{
    struct text_out o = { .at = out, .left = capacity };
    put_value(&o, s, row);
    return capacity - o.left;
}

// A value in quotes, so that the reader of files gives back exactly the same bytes.
static void put_quoted(struct text_out *o, const char *text, size_t size)
{
    char escaped[8];
    put(o, "\"", 1);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        bool plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
        if (plain)
            put(o, &text[i], 1);
        else
            put(o, escaped, (size_t)snprintf(escaped, sizeof escaped, "\\x%02x", c));
    }
    put(o, "\"", 1);
}

// Each word of value in quotes of its own; at least one.
static void put_quoted_words(struct text_out *o, const char *value, size_t size)
{
    const char *end = value + size;
    for (bool is_first = true; is_first || value < end; is_first = false) {
        const char *space = memchr(value, ' ', (size_t)(end - value));
        if (!space) space = end;
        if (!is_first) put_text(o, " ");
        put_quoted(o, value, (size_t)(space - value));
        value = space < end ? space + 1 : end;
    }
}

// A line that the reader would refuse as too long counts as one that does not fit.
static void put_line(struct text_out *o, const struct setting_row *row, const char *value,
                     size_t size)
{
    size_t start = o->size;
    put_text(o, row->name);
    put_text(o, " ");
    if (kind_has_many_words(row))
        put_quoted_words(o, value, size);
    else
        put_quoted(o, value, size);
    if (o->size - start > CONF_LINE_BYTES_MAX) o->has_long_line = true;
    put_text(o, "\n");
}

static void put_lines(struct text_out *o, const struct setting_row *row,
                      const struct setting_words *lines)
{
    for (uint32_t i = 0; i < lines->count; i++)
        put_line(o, row, lines->words[i], strlen(lines->words[i]));
}

size_t settings_write(const struct settings *s, char *out, size_t capacity)
{
    struct text_out o = { .at = out, .left = capacity };
    char *value = malloc(SETTING_TEXT_MAX);
    CHECK(value != NULL);
    for (uint32_t i = 0; i < setting_row_count; i++) {
        const struct setting_row *row = &setting_rows[i];
        if (row->kind == SETTING_LINES && row_field_const(s, row)) {
            put_lines(&o, row, row_field_const(s, row));
            continue;
        }
        size_t size = setting_text(s, row, value, SETTING_TEXT_MAX);
        if (row->kind != SETTING_LINES) {
            put_line(&o, row, value, size);
            continue;
        }
        for (char *line = value, *end = value + size; line < end;) {
            char *stop = memchr(line, '\n', (size_t)(end - line));
            if (!stop) stop = end;
            put_line(&o, row, line, (size_t)(stop - line));
            line = stop + 1;
        }
    }
    free(value);
    return o.size > capacity || o.has_long_line ? 0 : o.size;
}
