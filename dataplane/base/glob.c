#include "dataplane/base/glob.h"

static inline int fold(uint8_t c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; }

static inline bool same(uint8_t a, uint8_t b, bool ignore_case)
{
    return a == b || (ignore_case && fold(a) == fold(b));
}

// Ranges compare bytes as signed, as Redis's plain char does: [a-\xff] is the range -1..'a'.
static bool in_range(uint8_t from, uint8_t to, uint8_t c, bool ignore_case)
{
    int low = (int8_t)from, high = (int8_t)to, value = (int8_t)c;
    if (low > high) {
        int swapped = low;
        low = high;
        high = swapped;
    }
    if (ignore_case) {
        low = low < 0 ? low : fold((uint8_t)low);
        high = high < 0 ? high : fold((uint8_t)high);
        value = value < 0 ? value : fold((uint8_t)value);
    }
    return value >= low && value <= high;
}

// Consumes a class, whose '[' is already taken, and says whether c is in it. A class that is not
// closed ends with the pattern. An escaped byte is compared with its case, whatever ignore_case.
static bool class_match(struct bytes *pattern, uint8_t c, bool ignore_case)
{
    bool negated = pattern->size > 0 && pattern->data[0] == '^';
    if (negated) (void)bytes_skip(pattern, 1);
    bool matched = false;
    while (pattern->size > 0) {
        const uint8_t *p = pattern->data;
        size_t used = 1;
        if (p[0] == '\\' && pattern->size >= 2) {
            matched |= p[1] == c;
            used = 2;
        } else if (p[0] == ']') {
            (void)bytes_skip(pattern, 1);
            break;
        } else if (pattern->size >= 3 && p[1] == '-') {
            matched |= in_range(p[0], p[2], c, ignore_case);
            used = 3;
        } else {
            matched |= same(p[0], c, ignore_case);
        }
        (void)bytes_skip(pattern, used);
    }
    return matched != negated;
}

// Matches one byte of text against the pattern's next element, which is not a star.
static bool element_match(struct bytes *pattern, uint8_t c, bool ignore_case)
{
    uint8_t first = pattern->data[0];
    (void)bytes_skip(pattern, 1);
    if (first == '?') return true;
    if (first == '[') return class_match(pattern, c, ignore_case);
    if (first == '\\' && pattern->size > 0) {
        first = pattern->data[0];
        (void)bytes_skip(pattern, 1);
    }
    return same(first, c, ignore_case);
}

// Only the last star seen is ever retried: what an earlier one could still try would have to match
// the part between the two again, further right, and gain nothing.
bool glob_match(struct bytes pattern, struct bytes text, bool ignore_case)
{
    if (text.size == 0) return pattern.size == 0; // as in Redis: "*" does not match the empty text
    struct bytes after_star = { NULL, 0 }, retry = { NULL, 0 };
    while (text.size > 0) {
        if (pattern.size > 0 && pattern.data[0] == '*') {
            (void)bytes_skip(&pattern, 1);
            if (pattern.size == 0) return true;
            after_star = pattern;
            retry = text;
            continue;
        }
        if (pattern.size > 0 && element_match(&pattern, text.data[0], ignore_case)) {
            (void)bytes_skip(&text, 1);
            continue;
        }
        if (!after_star.data) return false;
        (void)bytes_skip(&retry, 1);
        text = retry;
        pattern = after_star;
    }
    while (pattern.size > 0 && pattern.data[0] == '*') (void)bytes_skip(&pattern, 1);
    return pattern.size == 0;
}
