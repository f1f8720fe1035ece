// The text of a manifest, both ways.
#include <stdio.h>
#include "dataplane/base/check.h"
#include "dataplane/base/num.h"
#include "dataplane/base/words.h"
#include "storage/aof/manifest.h"

enum {
    QUOTED_MAX = 900,   // of a name as it is written: its line has to stay within its bound
    LINE_REST_MAX = 96, // "file  seq N type T shard N\n"
    SEQ_MAX_BITS = 62,  // so that the next ones can be counted
};
_Static_assert(QUOTED_MAX + LINE_REST_MAX < MANIFEST_LINE_MAX, "what is written can be read");

static const char bad_format[] = "Invalid AOF manifest file format";

// ---- names in quotes ---------------------------------------------------------------------------

static bool is_plain(uint8_t c)
{
    return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '\'';
}

static const char *escape_of(uint8_t c)
{
    switch (c) {
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    case '\a':
        return "\\a";
    case '\b':
        return "\\b";
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    default:
        return NULL;
    }
}

// Writes to out, which has room for 4 bytes of each and 2 quotes; or counts only, when it is NULL.
static size_t put_name(char *out, const char *name)
{
    char scratch[8];
    size_t size = 0, plain = 0;
    while (is_plain((uint8_t)name[plain])) plain++;
    if (name[plain] == '\0') {
        if (out) memcpy(out, name, plain);
        return plain;
    }
    if (out) out[0] = '"';
    for (size++; *name; name++) {
        const char *escape = escape_of((uint8_t)*name);
        if (!escape)
            snprintf(scratch, sizeof scratch, *name >= ' ' && *name < 0x7f ? "%c" : "\\x%02x",
                     (uint8_t)*name);
        size_t length = strlen(escape ? escape : scratch);
        if (out) memcpy(out + size, escape ? escape : scratch, length);
        size += length;
    }
    if (out) out[size] = '"';
    return size + 1;
}

// ---- reading -----------------------------------------------------------------------------------

static const char *read_name(struct manifest_file *f, struct bytes value)
{
    const char *path = "File can't be a path, just a filename";
    if (value.size == 0 || memchr(value.data, 0, value.size)) return bad_format;
    if (memchr(value.data, '/', value.size) || memchr(value.data, '\\', value.size)) return path;
    if (bytes_equal(value, BYTES_LITERAL(".")) || bytes_equal(value, BYTES_LITERAL("..")))
        return path;
    if (value.size > MANIFEST_NAME_MAX) return "The file's name is too long";
    memcpy(f->name, value.data, value.size);
    f->name[value.size] = '\0';
    return put_name(NULL, f->name) > QUOTED_MAX ? "The file's name is too long" : NULL;
}

static const char *read_pair(struct manifest_file *f, struct bytes key, struct bytes value)
{
    int64_t number;
    if (bytes_is_word(key, "file")) return read_name(f, value);
    if (bytes_is_word(key, "type")) {
        f->type = value.size ? value.data[0] : 0; // as Redis: its first letter
    } else if (bytes_is_word(key, "seq")) {
        if (!num_parse_int(value, &f->seq) || f->seq < 1 || f->seq >> SEQ_MAX_BITS)
            return bad_format;
    } else if (bytes_is_word(key, "shard")) {
        if (!num_parse_int(value, &number) || number < 0 || number >= MANIFEST_SHARDS_MAX)
            return bad_format;
        f->shard = (int32_t)number;
    }
    return NULL;
}

// line: a copy that may be changed.
static const char *read_pairs(struct manifest_file *f, uint8_t *line, size_t size)
{
    struct words words = { .text = line, .size = size };
    struct bytes key, value;
    enum words_result result;
    *f = (struct manifest_file){ .shard = -1 };
    while ((result = words_next(&words, &key)) == WORDS_ONE) {
        const char *why;
        if (words_next(&words, &value) != WORDS_ONE) return bad_format;
        if ((why = read_pair(f, key, value))) return why;
    }
    return result == WORDS_UNBALANCED || !f->name[0] || !f->seq || !f->type ? bad_format : NULL;
}

static const char *check_file(const struct manifest *m, const struct manifest_file *f)
{
    switch (f->type) {
    case MANIFEST_BASE:
        return manifest_base(m) ? "Found duplicate base file information" : NULL;
    case MANIFEST_INCR:
        return f->seq <= m->incr_seq ? "Found a non-monotonic sequence number" : NULL;
    case MANIFEST_HISTORY:
        return NULL;
    }
    return "Unknown AOF file type";
}

static bool is_blank(uint8_t c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// line: without its end.
static const char *read_line(struct manifest *m, struct bytes line)
{
    uint8_t copy[MANIFEST_LINE_MAX];
    struct manifest_file f;
    if (line.size && line.data[0] == '#') return NULL;
    if (line.size >= sizeof copy) return "The AOF manifest file contains too long line";
    while (line.size && is_blank(line.data[0])) bytes_skip(&line, 1);
    while (line.size && is_blank(line.data[line.size - 1])) line.size--;
    if (line.size == 0 || memchr(line.data, 0, line.size)) return bad_format;
    memcpy(copy, line.data, line.size);
    const char *why = read_pairs(&f, copy, line.size);
    if (!why) why = check_file(m, &f);
    if (!why) manifest_add(m, &f);
    return why;
}

static enum status refuse(struct manifest *m, struct manifest_error *error, const char *why,
                          struct bytes line)
{
    struct heap *heap = m->heap;
    manifest_close(m);
    manifest_init(m, heap);
    error->why = why;
    error->text = line;
    return ERR_PEER;
}

// What is to be removed may be there still: a new file of the same name would be removed for it.
// (Incrs go on from 1 behind a rewrite of a log that is off.)
static void pass_history(struct manifest *m)
{
    for (uint32_t i = 0; i < m->count; i++) {
        const struct manifest_file *f = &m->files[i];
        if (f->type != MANIFEST_HISTORY) continue;
        int64_t *last = strstr(f->name, ".base.") ? &m->base_seq : &m->incr_seq;
        if (f->seq > *last) *last = f->seq;
    }
}

enum status manifest_parse(struct manifest *m, struct bytes text, struct manifest_error *error)
{
    *error = (struct manifest_error){ 0 };
    CHECK(m->count == 0);
    if (text.size == 0) return refuse(m, error, "Found an empty AOF manifest", text);
    while (text.size) { // each turn eats a line
        const uint8_t *end = memchr(text.data, '\n', text.size);
        struct bytes line = bytes_make(text.data, end ? (size_t)(end - text.data) : text.size);
        error->line++;
        const char *why = read_line(m, line);
        if (!end && line.data[0] != '#') why = "The AOF manifest file contains too long line";
        if (why) return refuse(m, error, why, line);
        bytes_skip(&text, line.size + (end != NULL));
    }
    pass_history(m);
    return OK;
}

// ---- writing -----------------------------------------------------------------------------------

size_t manifest_text_max(const struct manifest *m)
{
    return (size_t)m->count * MANIFEST_LINE_MAX + 1; // and what snprintf puts at the end
}

size_t manifest_format(const struct manifest *m, char *out)
{
    char *at = out;
    for (uint32_t i = 0; i < m->count; i++) {
        const struct manifest_file *f = &m->files[i];
        CHECK(put_name(NULL, f->name) <= QUOTED_MAX);
        memcpy(at, "file ", 5);
        at += 5 + put_name(at + 5, f->name);
        at += snprintf(at, LINE_REST_MAX, " seq %lld type %c", (long long)f->seq, (int)f->type);
        if (f->shard >= 0) at += snprintf(at, LINE_REST_MAX / 2, " shard %d", f->shard);
        *at++ = '\n';
    }
    return (size_t)(at - out);
}
