#include "control/metrics_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/check.h"
#include "dataplane/base/num.h"

enum { FIRST_BYTES = 16 * 1024 };

void metrics_text_init(struct metrics_text *t, size_t limit_bytes)
{
    *t = (struct metrics_text){ .limit = limit_bytes };
}

void metrics_text_close(struct metrics_text *t)
{
    free(t->data);
    *t = (struct metrics_text){ .limit = t->limit };
}

char *metrics_text_take(struct metrics_text *t)
{
    char *data = t->failed ? NULL : t->data;
    if (!data) return NULL;
    t->data = NULL;
    metrics_text_close(t);
    return data;
}

static bool has_room(struct metrics_text *t, size_t size)
{
    if (t->failed) return false;
    if (size <= t->capacity - t->size) return true;
    size_t wanted = t->capacity ? t->capacity : FIRST_BYTES;
    while (wanted < t->limit && wanted - t->size < size) wanted *= 2;
    if (wanted > t->limit) wanted = t->limit;
    char *larger = wanted - t->size >= size ? realloc(t->data, wanted) : NULL;
    if (!larger) {
        t->failed = true;
        return false;
    }
    t->data = larger;
    t->capacity = wanted;
    return true;
}

static void add(struct metrics_text *t, const char *text, size_t size)
{
    if (!has_room(t, size)) return;
    memcpy(t->data + t->size, text, size);
    t->size += size;
}

static void add_text(struct metrics_text *t, const char *text) { add(t, text, strlen(text)); }

// Backslash and line feed are escaped everywhere, the quotation mark in label values. Control
// characters and bytes that are no UTF-8 would make a reader refuse the whole page.
static void add_escaped(struct metrics_text *t, const char *text, bool quoted)
{
    for (; *text; text++) {
        uint8_t c = (uint8_t)*text;
        if (c == '\\')
            add(t, "\\\\", 2);
        else if (c == '\n')
            add(t, "\\n", 2);
        else if (c == '"' && quoted)
            add(t, "\\\"", 2);
        else if (c < 0x20 || c >= 0x7f)
            add(t, "?", 1);
        else
            add(t, text, 1);
    }
}

static bool name_is_valid(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:";
    size_t first = strspn(name, letters);
    return first > 0 && name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:"
                                          "0123456789")] == '\0';
}

void metrics_family(struct metrics_text *t, const char *name, enum metrics_type type,
                    const char *help)
{
    static const char *const types[] = { "counter", "gauge", "histogram" };
    CHECK(name_is_valid(name));
    t->family = name;
    add_text(t, "# HELP ");
    add_text(t, name);
    add_text(t, " ");
    add_escaped(t, help, false);
    add_text(t, "\n# TYPE ");
    add_text(t, name);
    add_text(t, " ");
    add_text(t, types[type]);
    add_text(t, "\n");
}

static void add_labels(struct metrics_text *t, const struct metrics_label *labels, uint32_t count)
{
    if (count == 0) return;
    for (uint32_t i = 0; i < count; i++) {
        CHECK(name_is_valid(labels[i].name));
        add_text(t, i ? "," : "{");
        add_text(t, labels[i].name);
        add_text(t, "=\"");
        add_escaped(t, labels[i].value, true);
        add_text(t, "\"");
    }
    add_text(t, "}");
}

static void add_value(struct metrics_text *t, double value)
{
    char text[NUM_DOUBLE_SHORT_MAX];
    if (isnan(value))
        add_text(t, "NaN");
    else if (isinf(value))
        add_text(t, value < 0 ? "-Inf" : "+Inf");
    else
        add(t, text, num_format_double(text, value));
}

void metrics_sample_of(struct metrics_text *t, const char *suffix,
                       const struct metrics_label *labels, uint32_t count, double value)
{
    CHECK(t->family != NULL);
    add_text(t, t->family);
    add_text(t, suffix);
    add_labels(t, labels, count);
    add_text(t, " ");
    add_value(t, value);
    add_text(t, "\n");
}

void metrics_sample(struct metrics_text *t, const struct metrics_label *labels, uint32_t count,
                    double value)
{
    metrics_sample_of(t, "", labels, count, value);
}

void metrics_single(struct metrics_text *t, const char *name, enum metrics_type type,
                    const char *help, double value)
{
    metrics_family(t, name, type, help);
    metrics_sample(t, NULL, 0, value);
}
