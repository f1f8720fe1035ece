#include "tools/bench/sizes.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

// Moves *text behind a number of 0..max.
static bool number(const char **text, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    const char *p = *text;
    for (; *p >= '0' && *p <= '9'; p++) {
        value = value * 10 + (uint64_t)(*p - '0');
        if (value > max) return false;
    }
    if (p == *text) return false;
    *text = p;
    *out = value;
    return true;
}

static enum status parse_range(struct sizes *s, const char *text)
{
    uint64_t min, max;
    if (!number(&text, VALUE_BYTES_MAX, &min) || *text++ != ':') return ERR_PEER;
    if (!number(&text, VALUE_BYTES_MAX, &max) || *text || min > max) return ERR_PEER;
    s->min = (uint32_t)min;
    s->max = (uint32_t)max;
    return OK;
}

static enum status parse_list(struct sizes *s, const char *text)
{
    uint64_t sum = 0;
    s->min = UINT32_MAX;
    for (;;) {
        uint64_t size, weight = 1;
        if (s->count == SIZES_LIST_MAX || !number(&text, VALUE_BYTES_MAX, &size)) return ERR_PEER;
        if (*text == '*' && (text++, !number(&text, UINT32_MAX, &weight))) return ERR_PEER;
        sum += weight;
        s->list[s->count] = (uint32_t)size;
        s->upto[s->count++] = sum;
        if (weight && size < s->min) s->min = (uint32_t)size;
        if (weight && size > s->max) s->max = (uint32_t)size;
        if (*text == 0) return sum ? OK : ERR_PEER;
        if (*text++ != ',') return ERR_PEER;
    }
}

enum status sizes_parse(struct sizes *s, const char *text)
{
    *s = (struct sizes){ 0 };
    return strchr(text, ':') ? parse_range(s, text) : parse_list(s, text);
}

uint32_t sizes_next(const struct sizes *s, struct rng *rng)
{
    if (s->min == s->max) return s->min;
    if (s->count == 0) return s->min + (uint32_t)rng_below(rng, (uint64_t)s->max - s->min + 1);
    uint64_t at = rng_below(rng, s->upto[s->count - 1]);
    uint32_t i = 0;
    while (at >= s->upto[i]) i++;
    return s->list[i];
}
