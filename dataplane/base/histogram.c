#include "dataplane/base/histogram.h"
#include <math.h>
#include <string.h>

enum { SUB_COUNT = 1 << HISTOGRAM_SUB_BITS };

// Values below 32 have buckets of their own; above, each power of two is cut into 32 equal parts.
static uint32_t bucket_of(uint64_t value)
{
    if (value < SUB_COUNT) return (uint32_t)value;
    uint32_t shift = 63U - (uint32_t)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
    uint64_t bucket =
        ((uint64_t)(shift + 1) << HISTOGRAM_SUB_BITS) + ((value >> shift) & (SUB_COUNT - 1));
    return bucket < HISTOGRAM_BUCKETS ? (uint32_t)bucket : HISTOGRAM_BUCKETS - 1;
}

static uint64_t bucket_upper_edge(uint32_t bucket)
{
    if (bucket < SUB_COUNT) return bucket;
    uint32_t shift = (bucket >> HISTOGRAM_SUB_BITS) - 1;
    uint64_t low = (uint64_t)(SUB_COUNT + (bucket & (SUB_COUNT - 1))) << shift;
    return low + (1ULL << shift) - 1;
}

void histogram_reset(struct histogram *h) { memset(h, 0, sizeof(*h)); }

void histogram_record_n(struct histogram *h, uint64_t value, uint64_t n)
{
    if (n == 0) return;
    h->buckets[bucket_of(value)] += n;
    h->count += n;
    h->sum += value * n;
    if (value > h->max) h->max = value;
}

void histogram_record(struct histogram *h, uint64_t value) { histogram_record_n(h, value, 1); }

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) into->buckets[i] += from->buckets[i];
    into->count += from->count;
    into->sum += from->sum;
    if (from->max > into->max) into->max = from->max;
}

uint64_t histogram_quantile(const struct histogram *h, double q)
{
    if (h->count == 0) return 0;
    if (q >= 1.0) return h->max;
    double wanted = ceil(q * (double)h->count);
    uint64_t rank = wanted < 1.0 ? 1 : (uint64_t)wanted;
    uint64_t seen = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
        seen += h->buckets[i];
        if (seen < rank) continue;
        uint64_t edge = bucket_upper_edge(i);
        return edge < h->max ? edge : h->max;
    }
    return h->max; // the last bucket has no upper edge
}
