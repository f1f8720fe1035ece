// histogram.h: log-bucketed histogram of durations; 1/32 relative precision, constant memory, O(1)
// record.
//
// Thread:  one writer; readers of a shared copy see each counter whole
// Units:   whatever is recorded (ns here); 0..2^40-1, larger values count in the last bucket
#pragma once
#include <stdint.h>

enum {
    HISTOGRAM_SUB_BITS = 5,
    HISTOGRAM_BUCKETS = (40 - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS
};

struct histogram {
    uint64_t count, sum, max;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_reset(struct histogram *h);
void histogram_record(struct histogram *h, uint64_t value);
void histogram_record_n(struct histogram *h, uint64_t value, uint64_t n);
void histogram_merge(struct histogram *into, const struct histogram *from);
// Upper edge of the bucket that holds the quantile, 0 < q <= 1; the exact maximum for q = 1; 0 when
// empty.
uint64_t histogram_quantile(const struct histogram *h, double q);
