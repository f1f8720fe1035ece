#include "dataplane/net/tcp_sack.h"
#include <string.h>

static void sack_remove(struct tcp_sack *s, uint32_t index, uint32_t count)
{
    memmove(&s->ranges[index], &s->ranges[index + count],
            (s->count - index - count) * sizeof s->ranges[0]);
    s->count -= count;
}

static bool sack_insert(struct tcp_sack *s, uint32_t index, struct tcp_range r)
{
    if (s->count == TCP_SACK_RANGES_MAX) return false;
    memmove(&s->ranges[index + 1], &s->ranges[index], (s->count - index) * sizeof s->ranges[0]);
    s->ranges[index] = r;
    s->count++;
    return true;
}

bool tcp_sack_add(struct tcp_sack *s, uint32_t start, uint32_t end)
{
    uint32_t i = 0, joined = 0;
    while (i < s->count && seq_lt(s->ranges[i].end, start)) i++;
    struct tcp_range r = { start, end };
    while (i + joined < s->count && seq_le(s->ranges[i + joined].start, end)) {
        const struct tcp_range *other = &s->ranges[i + joined++];
        if (seq_le(other->start, start) && seq_ge(other->end, end)) return false;
        r.start = seq_min(r.start, other->start);
        r.end = seq_max(r.end, other->end);
    }
    if (joined == 0) return sack_insert(s, i, r);
    s->ranges[i] = r;
    sack_remove(s, i + 1, joined - 1);
    return true;
}

void tcp_sack_drop_below(struct tcp_sack *s, uint32_t una)
{
    uint32_t gone = 0;
    while (gone < s->count && seq_le(s->ranges[gone].end, una)) gone++;
    if (gone != 0) sack_remove(s, 0, gone);
    if (s->count != 0 && seq_lt(s->ranges[0].start, una)) s->ranges[0].start = una;
}

uint32_t tcp_sack_bytes_below(const struct tcp_sack *s, uint32_t limit)
{
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < s->count && seq_lt(s->ranges[i].start, limit); i++)
        bytes += seq_min(s->ranges[i].end, limit) - s->ranges[i].start;
    return bytes;
}

bool tcp_sack_find_hole(const struct tcp_sack *s, uint32_t from, uint32_t limit,
                        struct tcp_range *hole)
{
    uint32_t i = 0;
    for (; i < s->count && seq_le(s->ranges[i].start, from); i++)
        from = seq_max(from, s->ranges[i].end);
    if (seq_ge(from, limit)) return false;
    hole->start = from;
    hole->end = i < s->count ? seq_min(s->ranges[i].start, limit) : limit;
    return true;
}

bool tcp_sack_is_lost(const struct tcp_sack *s, uint32_t seq, uint32_t mss_bytes)
{
    uint32_t runs = 0, bytes = 0;
    for (uint32_t i = s->count; i > 0 && seq_gt(s->ranges[i - 1].start, seq); i--) {
        runs++;
        bytes += s->ranges[i - 1].end - s->ranges[i - 1].start;
    }
    return runs >= TCP_DUP_THRESHOLD || bytes > (TCP_DUP_THRESHOLD - 1) * mss_bytes;
}

uint32_t tcp_sack_pipe(const struct tcp_sack *s, uint32_t una, uint32_t max, uint32_t high_rxt,
                       uint32_t mss_bytes)
{
    uint32_t pipe = 0, runs = 0, bytes = 0, hole_end = max;
    for (uint32_t i = s->count + 1; i > 0;
         i--) { // holes from the right; the last one starts at una
        uint32_t hole_start = i > 1 ? s->ranges[i - 2].end : una;
        bool is_lost = runs >= TCP_DUP_THRESHOLD || bytes > (TCP_DUP_THRESHOLD - 1) * mss_bytes;
        if (!is_lost) pipe += hole_end - hole_start;
        if (seq_gt(high_rxt, hole_start)) pipe += seq_min(high_rxt, hole_end) - hole_start;
        if (i == 1) break;
        runs++;
        bytes += s->ranges[i - 2].end - s->ranges[i - 2].start;
        hole_end = s->ranges[i - 2].start;
    }
    return pipe;
}

uint32_t tcp_sack_highest(const struct tcp_sack *s, uint32_t una)
{
    return s->count ? s->ranges[s->count - 1].end : una;
}
