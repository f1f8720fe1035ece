#include "tools/penstockctl_json.h"
#include <math.h>
#include "dataplane/base/num.h"

// ---- UTF-8

// How many bytes the character at the front takes; 0: it is none. The second byte's range keeps
// out longer forms than needed, surrogates and what lies above U+10FFFF.
static size_t utf8_character(struct bytes in)
{
    uint8_t first = in.data[0], low = 0x80, high = 0xbf;
    size_t size = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first > 0xf4 || size > in.size) return 0;
    if (first == 0xe0) low = 0xa0;
    if (first == 0xed) high = 0x9f;
    if (first == 0xf0) low = 0x90;
    if (first == 0xf4) high = 0x8f;
    for (size_t i = 1; i < size; i++) {
        if (in.data[i] < low || in.data[i] > high) return 0;
        low = 0x80;
        high = 0xbf;
    }
    return size;
}

static bool is_utf8(struct bytes text)
{
    while (text.size > 0) {
        size_t size = utf8_character(text);
        if (size == 0) return false;
        bytes_skip(&text, size);
    }
    return true;
}

// ---- texts

static bool needs_escape(uint8_t c) { return c < 0x20 || c == '"' || c == '\\'; }

static void escape(FILE *to, uint8_t c)
{
    if (c == '"' || c == '\\')
        fprintf(to, "\\%c", c);
    else
        fprintf(to, "\\u%04x", c);
}

static void put_string(FILE *to, struct bytes text)
{
    size_t from = 0;
    putc('"', to);
    for (size_t i = 0; i < text.size; i++) {
        if (!needs_escape(text.data[i])) continue;
        fwrite(text.data + from, 1, i - from, to);
        escape(to, text.data[i]);
        from = i + 1;
    }
    if (text.size > from) fwrite(text.data + from, 1, text.size - from, to);
    putc('"', to);
}

static void put_base64(FILE *to, struct bytes in)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    fputs("{\"base64\":\"", to);
    for (size_t i = 0; i < in.size; i += 3) {
        size_t left = in.size - i;
        uint32_t bits = (uint32_t)in.data[i] << 16;
        if (left > 1) bits |= (uint32_t)in.data[i + 1] << 8;
        if (left > 2) bits |= in.data[i + 2];
        putc(digits[bits >> 18], to);
        putc(digits[bits >> 12 & 63], to);
        putc(left > 1 ? digits[bits >> 6 & 63] : '=', to);
        putc(left > 2 ? digits[bits & 63] : '=', to);
    }
    fputs("\"}", to);
}

void json_text(FILE *to, struct bytes text)
{
    if (is_utf8(text))
        put_string(to, text);
    else
        put_base64(to, text);
}

void json_double(FILE *to, double value)
{
    char text[NUM_DOUBLE_SHORT_MAX];
    uint32_t size = num_format_double(text, value);
    fprintf(to, isinf(value) ? "\"%.*s\"" : "%.*s", (int)size, text);
}
