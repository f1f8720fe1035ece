// settings_priv.h: what the parts of settings.c share: how a row finds its field, texts, lists of
// words. Only settings*.c include it.
#pragma once
#include "dataplane/conf/settings.h"

static inline uint32_t row_index(const struct setting_row *row)
{
    return (uint32_t)(row - setting_rows);
}
// NULL: the row's value is text in other[].
static inline void *row_field(struct settings *s, const struct setting_row *row)
{
    return row->offset == UINT32_MAX ? NULL : (char *)s + row->offset;
}
static inline const void *row_field_const(const struct settings *s, const struct setting_row *row)
{
    return row->offset == UINT32_MAX ? NULL : (const char *)s + row->offset;
}
static inline bool kind_has_many_words(const struct setting_row *row)
{
    return row->kind == SETTING_WORDS || row->kind == SETTING_SAVE || row->kind == SETTING_FLAGS ||
           row->kind == SETTING_OUTPUT_LIMITS || (row->flags & SETTING_MANY_WORDS);
}

// Owned copies, malloc'ed and NUL-ended.
char *setting_copy_text(struct bytes b);
char *setting_join_words(const struct bytes *words, uint32_t count); // by single spaces
// In quotes, so that the reader of lines gives back exactly these bytes: at most 4 * size + 2
// characters at out. Returns how many.
size_t setting_quote(char *out, struct bytes text);
void setting_words_clear(struct setting_words *w);
void setting_words_add(struct setting_words *w, struct bytes value);

// Rules of single directives (settings_valid.c). *text is malloc'ed and may be replaced.
bool setting_text_is_valid(const struct setting_row *row, char **text,
                           char error[SETTING_ERROR_MAX]);
bool setting_line_is_valid(const struct setting_row *row, const struct bytes *words,
                           uint32_t count); // words of a SETTING_LINES, or their line as one
int64_t setting_settle_number(const struct setting_row *row, int64_t value); // within its range

enum { SETTING_NUMBER_TEXT = 128 };
// A number by its row's kind as text; the length. For the assigning half, too: what has no field of
// its own is kept in this form.
uint32_t setting_format_number(const struct setting_row *row, int64_t value,
                               char out[SETTING_NUMBER_TEXT]);
