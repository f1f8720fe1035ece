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

static const char bad_format[] = "Invalid AOF manifest file format",
                  too_long[] = "The AOF manifest file contains too long line";

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

// A log that a rewrite has read: by the name that it was given with its number.
static bool is_former_incr(const struct manifest_file *f)
{
    char end[64];
    snprintf(end, sizeof end, ".%lld.incr.aof", (long long)f->seq);
    size_t size = strlen(f->name), end_size = strlen(end);
    return f->type == MANIFEST_HISTORY && size > end_size &&
           strcmp(f->name + size - end_size, end) == 0;
}

static bool is_blank(uint8_t c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

static bool is_remark(struct bytes line) { return line.size && line.data[0] == '#'; }

// line: without its end.
static const char *read_line(struct manifest *m, struct bytes line, struct manifest_file *f)
{
    uint8_t copy[MANIFEST_LINE_MAX];
    if (line.size >= sizeof copy) return too_long;
    while (line.size && is_blank(line.data[0])) bytes_skip(&line, 1);
    while (line.size && is_blank(line.data[line.size - 1])) line.size--;
    if (line.size == 0 || memchr(line.data, 0, line.size)) return bad_format;
    memcpy(copy, line.data, line.size);
    const char *why = read_pairs(f, copy, line.size);
    if (!why) why = check_file(m, f);
    if (!why) manifest_add(m, f);
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

// Incrs stand at the end, their numbers ascending.
static bool is_in_use(const struct manifest *m, uint32_t first_incr, const struct manifest_file *f)
{
    uint32_t low = first_incr, high = m->count;
    while (low < high) { // each turn halves what is between them
        uint32_t middle = low + (high - low) / 2;
        if (m->files[middle].seq < f->seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low < m->count && strcmp(m->files[low].name, f->name) == 0;
}

// Redis counts from 1 when none is in use at its start: then a former incr, kept for
// aof-disable-auto-gc, may have the name of one that is in use. That file stays.
static void forget_reused(struct manifest *m)
{
    uint32_t kept = 0, first_incr = m->count - manifest_incr_count(m);
    for (uint32_t i = 0; i < m->count; i++)
        if (!is_former_incr(&m->files[i]) || !is_in_use(m, first_incr, &m->files[i]))
            m->files[kept++] = m->files[i];
    m->count = kept;
}

// The first former incr that no base has followed yet.
struct unproven {
    uint32_t line; // 0: none
    struct bytes text;
};

static void note_file(struct unproven *u, const struct manifest_file *f, uint32_t line,
                      struct bytes text)
{
    if (f->type == MANIFEST_INCR) return;
    if (!is_former_incr(f))
        u->line = 0;
    else if (!u->line)
        *u = (struct unproven){ line, text };
}

static enum status refuse_unproven(struct manifest *m, struct manifest_error *error,
                                   const struct unproven *u)
{
    error->line = u->line;
    return refuse(m, error,
                  "Found an incr file listed as history, but no base file behind it: if "
                  "it has to be loaded, its type is i",
                  u->text);
}

enum status manifest_parse(struct manifest *m, struct bytes text, struct manifest_error *error)
{
    struct unproven unproven = { 0 };
    struct manifest_file f;
    *error = (struct manifest_error){ 0 };
    CHECK(m->count == 0);
    if (text.size == 0) return refuse(m, error, "Found an empty AOF manifest", text);
    while (text.size) { // each turn eats a line
        const uint8_t *end = memchr(text.data, '\n', text.size);
        struct bytes line = bytes_make(text.data, end ? (size_t)(end - text.data) : text.size);
        error->line++;
        if (!is_remark(line)) {
            const char *why = end ? read_line(m, line, &f) : too_long;
            if (why) return refuse(m, error, why, line);
            note_file(&unproven, &f, error->line, line);
        }
        bytes_skip(&text, line.size + (end != NULL));
    }
    if (unproven.line) return refuse_unproven(m, error, &unproven);
    forget_reused(m);
    pass_history(m);
    return OK;
}

// ---- writing -----------------------------------------------------------------------------------

size_t manifest_text_max(const struct manifest *m)
{
    return (size_t)m->count * MANIFEST_LINE_MAX + 1; // and what snprintf puts at the end
}

// Returns the size.
static size_t put_file(char *out, const struct manifest_file *f)
{
    CHECK(put_name(NULL, f->name) <= QUOTED_MAX);
    memcpy(out, "file ", 5);
    char *at = out + 5 + put_name(out + 5, f->name);
    at += snprintf(at, LINE_REST_MAX, " seq %lld type %c", (long long)f->seq, (int)f->type);
    if (f->shard >= 0) at += snprintf(at, LINE_REST_MAX / 2, " shard %d", f->shard);
    *at++ = '\n';
    return (size_t)(at - out);
}

// As Redis has them; but former incrs without a former base are proven by the base there is.
enum place { UNPROVEN_INCRS, BASE, FORMER_INCRS, FORMER_BASES, INCRS, PLACE_COUNT };

static enum place place_of(const struct manifest_file *f, bool has_former_base)
{
    if (f->type == MANIFEST_BASE) return BASE;
    if (f->type == MANIFEST_INCR) return INCRS;
    if (!is_former_incr(f)) return FORMER_BASES;
    return has_former_base ? FORMER_INCRS : UNPROVEN_INCRS;
}

size_t manifest_format(const struct manifest *m, char *out)
{
    char *at = out;
    bool has_former_base = false;
    for (uint32_t i = 0; i < m->count; i++)
        has_former_base |= place_of(&m->files[i], false) == FORMER_BASES;
    for (enum place place = 0; place < PLACE_COUNT; place++)
        for (uint32_t i = 0; i < m->count; i++)
            if (place_of(&m->files[i], has_former_base) == place) at += put_file(at, &m->files[i]);
    return (size_t)(at - out);
}
