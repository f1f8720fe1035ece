#include <stdio.h>
#include <stdlib.h>
#include "dataplane/base/check.h"
#include "dataplane/base/num.h"
#include "dataplane/conf/conf_file.h"
#include "dataplane/conf/settings_priv.h"

static void text_replace(char **field, struct bytes value)
{
    char *fresh = setting_copy_text(value);
    free(*field);
    *field = fresh;
}

// ---- one value, by kind. Numbers that have no field of their own are kept as their canonical
// text.

static enum status fail(char error[SETTING_ERROR_MAX], const char *text)
{
    snprintf(error, SETTING_ERROR_MAX, "%s", text);
    return ERR_PEER;
}

static enum status check_range(const struct setting_row *row, int64_t value,
                               char error[SETTING_ERROR_MAX])
{
    if (value >= row->min && value <= row->max) return OK;
    const char *format = row->kind == SETTING_OCTAL
                             ? "argument must be between %lo and %lo inclusive"
                             : "argument must be between %ld and %ld inclusive";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(error, SETTING_ERROR_MAX, format, (long)row->min, (long)row->max);
#pragma GCC diagnostic pop
    return ERR_PEER;
}

static enum status parse_octal(struct bytes text, int64_t *value)
{
    *value = 0;
    if (text.size == 0 || text.size > 6) return ERR_PEER;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '7') return ERR_PEER;
        *value = *value * 8 + (text.data[i] - '0');
    }
    return OK;
}

// As in Redis, no text at all is no bytes, and more than a number holds is out of any range
// (UINT64_MAX, a -1 to the check).
static bool parse_memory(struct bytes text, uint64_t *bytes)
{
    char small[8];
    size_t digits = 0;
    *bytes = 0;
    if (text.size == 0) return true;
    if (num_parse_memory(text, bytes)) {
        if (*bytes > INT64_MAX) *bytes = UINT64_MAX;
        return true;
    }
    while (digits < text.size && text.data[digits] >= '0' && text.data[digits] <= '9') digits++;
    if (digits < 10 || text.size - digits > 2) return false;
    int size = snprintf(small, sizeof small, "1%.*s", (int)(text.size - digits),
                        (const char *)text.data + digits);
    if (!num_parse_memory(bytes_make(small, (size_t)size), bytes)) return false;
    *bytes = UINT64_MAX;
    return true;
}

static enum status parse_percent(const struct setting_row *row, struct bytes text, int64_t *value,
                                 char error[SETTING_ERROR_MAX])
{
    uint64_t bytes;
    if (text.size && text.data[text.size - 1] == '%') {
        text.size--;
        if (!num_parse_int(text, value) || *value < 0)
            return fail(error, "argument must be a memory or percent value");
        if (*value > 100) return fail(error, "percentage argument must be less or equal to 100");
        *value = -*value;
        return OK;
    }
    if (!parse_memory(text, &bytes))
        return fail(error, "argument must be a memory or percent value");
    *value = (int64_t)bytes;
    return check_range(row, *value, error);
}

static enum status fail_words(const struct setting_row *row, char error[SETTING_ERROR_MAX])
{
    int at = snprintf(error, SETTING_ERROR_MAX, "argument(s) must be one of the following: ");
    for (uint32_t i = 0; row->words[i] && at < SETTING_ERROR_MAX; i++)
        at += snprintf(error + at, (size_t)(SETTING_ERROR_MAX - at), "%s%s", i ? ", " : "",
                       row->words[i]);
    return ERR_PEER;
}

static enum status parse_word(const struct setting_row *row, struct bytes text, int64_t *value,
                              char error[SETTING_ERROR_MAX])
{
    for (uint32_t i = 0; row->words[i]; i++) {
        if (!bytes_is_word(text, row->words[i])) continue;
        *value = i;
        return OK;
    }
    return fail_words(row, error);
}

// Words of a set of flags; word 0 ("default") stands for none of the others.
static enum status parse_flags(const struct setting_row *row, const struct bytes *words,
                               uint32_t count, int64_t *value, char error[SETTING_ERROR_MAX])
{
    int64_t index = 0, flags = 0;
    for (uint32_t i = 0; i < count; i++) {
        enum status status = parse_word(row, words[i], &index, error);
        if (status != OK) return status;
        if (index) flags |= (int64_t)1 << index;
    }
    *value = flags;
    return OK;
}

static enum status parse_number(const struct setting_row *row, struct bytes text, int64_t *value,
                                char error[SETTING_ERROR_MAX])
{
    uint64_t bytes;
    switch (row->kind) {
    case SETTING_BOOL:
        if (bytes_is_word(text, "yes"))
            *value = 1;
        else if (bytes_is_word(text, "no"))
            *value = 0;
        else
            return fail(error, "argument must be 'yes' or 'no'");
        return OK;
    case SETTING_COUNT:
        if (row->words && bytes_is_word(text, row->words[0])) {
            *value = 0;
            return OK;
        }
        if (!num_parse_int(text, value))
            return fail(error, "argument couldn't be parsed into an integer");
        return check_range(row, *value, error);
    case SETTING_BYTES:
        if (!parse_memory(text, &bytes)) return fail(error, "argument must be a memory value");
        *value = (int64_t)bytes;
        return check_range(row, *value, error);
    case SETTING_OCTAL:
        if (parse_octal(text, value) != OK)
            return fail(error, "argument couldn't be parsed as an octal number");
        return check_range(row, *value, error);
    case SETTING_BYTES_PERCENT:
        return parse_percent(row, text, value, error);
    case SETTING_ENUM:
        return parse_word(row, text, value, error);
    default:
        CHECK(false);
        return ERR_PEER;
    }
}

static void store_number(struct settings *s, const struct setting_row *row, int64_t value)
{
    char text[128];
    void *field = row_field(s, row);
    if (!field)
        text_replace(&s->other[row_index(row)],
                     bytes_make(text, setting_format_number(row, value, text)));
    else if (row->kind == SETTING_BOOL)
        *(bool *)field = value != 0;
    else if (row->kind == SETTING_BYTES)
        *(uint64_t *)field = (uint64_t)value;
    else
        *(int64_t *)field = value;
}

// ---- the special kinds

static enum status assign_save(struct settings *s, const struct bytes *words, uint32_t count,
                               bool repeat, char error[SETTING_ERROR_MAX])
{
    struct setting_save next = repeat ? s->save : (struct setting_save){ 0 };
    next.given = true;
    if (count == 1 && words[0].size == 0) {
        s->save = (struct setting_save){ .given = true };
        return OK;
    }
    if (count % 2) return fail(error, "Invalid save parameters");
    for (uint32_t i = 0; i < count; i += 2) {
        struct setting_save_point p;
        if (!num_parse_int(words[i], &p.seconds) || !num_parse_int(words[i + 1], &p.changes) ||
            p.seconds < 1 || p.changes < 0 || next.count == 16)
            return fail(error, "Invalid save parameters");
        next.points[next.count++] = p;
    }
    s->save = next;
    return OK;
}

static int output_class(struct bytes word)
{
    if (bytes_is_word(word, "normal")) return OUTPUT_LIMIT_NORMAL;
    if (bytes_is_word(word, "slave") || bytes_is_word(word, "replica")) return OUTPUT_LIMIT_REPLICA;
    if (bytes_is_word(word, "pubsub")) return OUTPUT_LIMIT_PUBSUB;
    return -1;
}

static enum status assign_output_limits(struct settings *s, const struct bytes *words,
                                        uint32_t count, char error[SETTING_ERROR_MAX])
{
    struct setting_output_limit next[OUTPUT_LIMIT_COUNT];
    memcpy(next, s->output_limits, sizeof next);
    if (count == 1 && words[0].size == 0) return OK; // nothing named, nothing changed
    if (count == 0 || count % 4)
        return fail(error, "Wrong number of arguments in buffer limit configuration.");
    for (uint32_t i = 0; i < count; i += 4) {
        int class = output_class(words[i]);
        struct setting_output_limit l;
        if (class < 0)
            return fail(error, "Invalid client class specified in buffer limit configuration.");
        if (!num_parse_memory(words[i + 1], &l.hard_bytes) ||
            !num_parse_memory(words[i + 2], &l.soft_bytes) ||
            !num_parse_int(words[i + 3], &l.soft_seconds) || l.soft_seconds < 0)
            return fail(
                error,
                "Error in hard, soft or soft_seconds setting in buffer limit configuration.");
        next[class] = l;
    }
    memcpy(s->output_limits, next, sizeof next);
    return OK;
}

// Redis's canonical order of event classes; 'A' stands for all but K, E, m and n. Redis forgets to
// show n beside A; here it stays, because what is shown is also what is kept.
static enum status assign_events(struct settings *s, const struct setting_row *row,
                                 struct bytes text, char error[SETTING_ERROR_MAX])
{
    static const char all[] = "g$lshzxetd", order[] = "g$lshzxetdnKEm";
    char canonical[32];
    uint32_t at = 0, seen = 0;
    for (size_t i = 0; i < text.size; i++) {
        const char *found = text.data[i] ? strchr(order, text.data[i]) : NULL;
        if (text.data[i] == 'A')
            seen |= (1u << (sizeof all - 1)) - 1;
        else if (found)
            seen |= 1u << (found - order);
        else
            return fail(error, "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
    }
    uint32_t every = (1u << (sizeof all - 1)) - 1;
    if ((seen & every) == every) canonical[at++] = 'A';
    for (uint32_t i = 0; order[i]; i++) {
        bool in_all = i < sizeof all - 1;
        if ((seen & (1u << i)) && !(in_all && (seen & every) == every)) canonical[at++] = order[i];
    }
    char **field = row_field(s, row);
    text_replace(field ? field : &s->other[row_index(row)], bytes_make(canonical, at));
    return OK;
}

static bool needs_quotes(struct bytes word)
{
    for (size_t i = 0; i < word.size; i++)
        if (word.data[i] <= ' ' || word.data[i] >= 0x7f || strchr("\"'\\", word.data[i]))
            return true;
    return word.size == 0;
}

// One word alone is a line that was made here, or one without rules: it stays as it is.
static char *join_line(const struct setting_row *row, const struct bytes *words, uint32_t count)
{
    if (!(row->flags & SETTING_QUOTED) || count == 1) return setting_join_words(words, count);
    size_t size = 1, at = 0;
    for (uint32_t i = 0; i < count; i++) size += 4 * words[i].size + 3;
    char *line = malloc(size);
    CHECK(line != NULL);
    for (uint32_t i = 0; i < count; i++) {
        const char *text = (const char *)words[i].data;
        if (i) line[at++] = ' ';
        if (needs_quotes(words[i])) {
            at += setting_quote(line + at, words[i]);
            continue;
        }
        memcpy(line + at, text, words[i].size);
        at += words[i].size;
    }
    line[at] = '\0';
    return line;
}

static enum status assign_lines(struct settings *s, const struct setting_row *row,
                                const struct bytes *words, uint32_t count, bool repeat,
                                char error[SETTING_ERROR_MAX])
{
    struct setting_words *field = row_field(s, row);
    char *line = join_line(row, words, count);
    enum status status = OK;
    if (!setting_line_is_valid(row, words, count)) {
        free(line);
        return fail(error, "Bad directive or wrong number of arguments");
    }
    if (!field) { // kept as one text, a line each
        char **other = &s->other[row_index(row)];
        bool adds = repeat && **other;
        size_t size = strlen(*other) + strlen(line) + 2;
        char *joined = malloc(size);
        CHECK(joined != NULL);
        snprintf(joined, size, "%s%s%s", adds ? *other : "", adds ? "\n" : "", line);
        free(*other);
        *other = joined;
    } else {
        if (!repeat) setting_words_clear(field);
        if (*line && row->max && field->count >= (uint64_t)row->max)
            status = fail(error, "too many of these directives");
        else if (*line)
            setting_words_add(field, bytes_text(line));
    }
    free(line);
    return status;
}

static enum status assign_words(struct settings *s, const struct setting_row *row,
                                const struct bytes *words, uint32_t count,
                                char error[SETTING_ERROR_MAX])
{
    struct setting_words *field = row_field(s, row);
    if (row->max && count > (uint64_t)row->max) {
        snprintf(error, SETTING_ERROR_MAX, "Too many bind addresses specified.");
        return ERR_PEER;
    }
    setting_words_clear(field);
    for (uint32_t i = 0; i < count; i++)
        if (words[i].size) setting_words_add(field, words[i]);
    return OK;
}

static enum status assign_text(struct settings *s, const struct setting_row *row,
                               const struct bytes *words, uint32_t count,
                               char error[SETTING_ERROR_MAX])
{
    char **field = row_field(s, row);
    uint32_t words_max = row->flags & SETTING_MANY_WORDS ? (uint32_t)row->max : 1;
    if (words_max && count != words_max) return fail(error, "wrong number of arguments");
    char *text = setting_join_words(words, count);
    if (row->min == 1 && !*text) {
        free(text);
        snprintf(error, SETTING_ERROR_MAX, "%s can't be empty", row->name);
        return ERR_PEER;
    }
    if (!setting_text_is_valid(row, &text, error)) {
        free(text);
        return ERR_PEER;
    }
    if (!field) field = &s->other[row_index(row)];
    free(*field);
    *field = text;
    return OK;
}

static bool words_hold_space(const struct bytes *words, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (words[i].size && memchr(words[i].data, ' ', words[i].size)) return true;
    return false;
}

// The words of one text, between spaces. None at all stand for the empty word.
static enum status assign_list(struct settings *s, const struct setting_row *row, struct bytes text,
                               bool repeat, char error[SETTING_ERROR_MAX])
{
    struct bytes words[CONF_WORDS_MAX];
    uint32_t count = 0;
    for (size_t i = 0; i < text.size;) {
        size_t start = i;
        while (i < text.size && text.data[i] != ' ') i++;
        if (i > start) {
            if (count == CONF_WORDS_MAX) return fail(error, "wrong number of arguments");
            words[count++] = bytes_make(text.data + start, i - start);
        }
        while (i < text.size && text.data[i] == ' ') i++;
    }
    if (count == 0) words[count++] = bytes_make("", 0);
    return setting_assign(s, row, words, count, repeat, error);
}

enum status setting_assign(struct settings *s, const struct setting_row *row,
                           const struct bytes *words, uint32_t count, bool repeat,
                           char error[SETTING_ERROR_MAX])
{
    int64_t value = 0;
    enum status status;
    if (count == 0) return fail(error, "wrong number of arguments");
    for (uint32_t i = 0; i < count; i++)
        if (words[i].size && memchr(words[i].data, 0, words[i].size))
            return fail(error, "argument holds a NUL byte");
    if (kind_has_many_words(row) && words_hold_space(words, count)) {
        // "--bind '1.2.3.4 ::1'": a list in one word is a list, as in Redis 7. One of several words
        // would fall apart when it is shown; the other kinds say themselves what they do not know.
        if (count == 1) return assign_list(s, row, words[0], repeat, error);
        if (row->kind == SETTING_WORDS || row->kind == SETTING_TEXT)
            return fail(error, "argument holds a space");
    }
    switch (row->kind) {
    case SETTING_TEXT:
        return assign_text(s, row, words, count, error);
    case SETTING_WORDS:
        return assign_words(s, row, words, count, error);
    case SETTING_LINES:
        return assign_lines(s, row, words, count, repeat, error);
    case SETTING_SAVE:
        return assign_save(s, words, count, repeat, error);
    case SETTING_OUTPUT_LIMITS:
        return assign_output_limits(s, words, count, error);
    case SETTING_EVENTS:
        if (count != 1) return fail(error, "wrong number of arguments");
        return assign_events(s, row, words[0], error);
    case SETTING_FLAGS:
        status = parse_flags(row, words, count, &value, error);
        break;
    default:
        if (count != 1) return fail(error, "wrong number of arguments");
        status = parse_number(row, words[0], &value, error);
    }
    if (status == OK) store_number(s, row, setting_settle_number(row, value));
    return status;
}

enum status setting_assign_text(struct settings *s, const struct setting_row *row,
                                struct bytes text, char error[SETTING_ERROR_MAX])
{
    if (kind_has_many_words(row)) return assign_list(s, row, text, false, error);
    return setting_assign(s, row, &text, 1, false, error);
}
