#include "dataplane/base/words.h"

static bool is_blank(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// NUL past the end: it ends a word like a blank, so nothing is read beyond the line.
static uint8_t words_peek(const struct words *w, size_t ahead)
{
    return w->in + ahead < w->size ? w->text[w->in + ahead] : 0;
}

static void words_put(struct words *w, uint8_t byte, size_t consumed)
{
    w->text[w->out++] = byte;
    w->in += consumed;
}

static uint8_t unescape(uint8_t c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'b':
        return '\b';
    case 'a':
        return '\a';
    default:
        return c;
    }
}

static void words_escape(struct words *w)
{
    int high = hex_digit(words_peek(w, 2)), low = hex_digit(words_peek(w, 3));
    if (words_peek(w, 1) == 'x' && high >= 0 && low >= 0)
        words_put(w, (uint8_t)(high << 4 | low), 4);
    else
        words_put(w, unescape(words_peek(w, 1)), 2);
}

// From behind the opening quote to behind the closing one, which has to be a word's end.
static bool words_quoted(struct words *w, uint8_t quote)
{
    while (w->in < w->size) {
        uint8_t c = w->text[w->in], next = words_peek(w, 1);
        if (c == quote) {
            w->in++;
            return next == 0 || is_blank(next);
        }
        if (c == '\\' && quote == '"' && next != 0)
            words_escape(w);
        else if (c == '\\' && quote == '\'' && next == '\'')
            words_put(w, '\'', 2);
        else
            words_put(w, c, 1);
    }
    return false;
}

enum words_result words_next(struct words *w, struct bytes *word)
{
    while (w->in < w->size && is_blank(w->text[w->in])) w->in++;
    if (w->in == w->size) return WORDS_END;
    size_t start = w->out;
    while (w->in < w->size) {
        uint8_t c = w->text[w->in];
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t') break;
        if (c == '"' || c == '\'') {
            w->in++;
            if (!words_quoted(w, c)) return WORDS_UNBALANCED;
            break;
        }
        words_put(w, c, 1);
    }
    *word = bytes_make(w->text + start, w->out - start);
    return WORDS_ONE;
}
