// Setting a register of a sparse HyperLogLog. Which runs stand for the same registers is not
// unique, and other servers compare bytes: the order of splitting and joining here is Redis's.
#include <string.h>
#include "dataplane/base/check.h"
#include "dataplane/types/hll.h"

enum {
    ZEROS_SHORT_MAX = 64, // registers of a run in one byte
    VALUE_RUN_MAX = 4,
    SPLIT_BYTES_MAX = 5, // long zeros, value, long zeros
    JOIN_RUNS = 5,       // looked at after a change, from the run before it on
    ENCODING_AT = 4,
};

void hll_init(struct hll *h)
{
    static const uint8_t empty[] = { 'H',
                                     'Y',
                                     'L',
                                     'L',
                                     HLL_SPARSE,
                                     0,
                                     0,
                                     0,
                                     0,
                                     0,
                                     0,
                                     0,
                                     0,
                                     0,
                                     0,
                                     0, //
                                     0x40 | (HLL_REGISTERS - 1) >> 8,
                                     0xff };
    memcpy(h->bytes, empty, sizeof empty);
    h->size = sizeof empty;
    hll_rewind(h);
}

bool hll_load(struct hll *h, struct bytes value)
{
    if (value.size > sizeof h->bytes) return false;
    memcpy(h->bytes, value.data, value.size);
    h->size = value.size;
    hll_rewind(h);
    return true;
}

void hll_rewind(struct hll *h)
{
    h->from = HLL_HEADER_BYTES;
    h->first = 0;
}

bool hll_make_dense(struct hll *h)
{
    uint8_t registers[HLL_REGISTERS] = { 0 };
    struct bytes value = bytes_make(h->bytes, h->size);
    if (hll_encoding(value) == HLL_DENSE) return true;
    if (!hll_merge(registers, value)) return false;
    h->bytes[ENCODING_AT] = HLL_DENSE;
    h->size = HLL_DENSE_BYTES;
    hll_dense_set_all(h->bytes, registers);
    return true;
}

// ---- runs

static uint8_t *put_run(uint8_t *at, uint32_t value, uint32_t length)
{
    if (!length) return at;
    if (value) {
        *at++ = (uint8_t)(0x80 | (value - 1) << 2 | (length - 1));
    } else if (length > ZEROS_SHORT_MAX) {
        *at++ = (uint8_t)(0x40 | (length - 1) >> 8);
        *at++ = (uint8_t)(length - 1);
    } else {
        *at++ = (uint8_t)(length - 1);
    }
    return at;
}

static struct bytes runs_from(const struct hll *h, uint64_t at)
{
    return bytes_make(h->bytes + at, h->size - at);
}

// The run that has a register, and where the two before it begin.
struct spot {
    struct hll_run run;
    uint32_t first;      // its first register
    uint64_t at, size;   // its bytes
    uint64_t before;     // of the run before it; its own when there is none
    uint64_t far_before; // of the one before that
    uint32_t far_first;  // first register of that one
};

static bool find_spot(const struct hll *h, uint32_t index, struct spot *s)
{
    uint64_t starts[3] = { h->from, h->from, h->from }; // of the last three runs, this one first
    uint32_t firsts[3] = { h->first, h->first, h->first };
    struct bytes in = runs_from(h, h->from);
    uint32_t first = h->first;
    for (;;) {
        uint64_t at = h->size - in.size;
        starts[0] = at;
        firsts[0] = first;
        if (!hll_next_run(&in, &s->run)) return false;
        if (index < first + s->run.length) break;
        first += s->run.length;
        starts[2] = starts[1];
        firsts[2] = firsts[1];
        starts[1] = at;
        firsts[1] = firsts[0];
    }
    s->first = first;
    s->at = starts[0];
    s->size = h->size - in.size - s->at;
    s->before = starts[1];
    s->far_before = starts[2];
    s->far_first = firsts[2];
    return true;
}

// The run becomes the same one with a register of count in it; returns how many bytes were written.
static uint32_t split(const struct spot *s, uint32_t index, uint32_t count,
                      uint8_t out[SPLIT_BYTES_MAX])
{
    uint8_t *end = put_run(out, s->run.value, index - s->first);
    end = put_run(end, count, 1);
    end = put_run(end, s->run.value, s->first + s->run.length - 1 - index);
    return (uint32_t)(end - out);
}

static void replace(struct hll *h, uint64_t at, uint64_t old_size, const uint8_t *runs,
                    uint32_t size)
{
    CHECK(h->size - old_size + size <= sizeof h->bytes);
    memmove(h->bytes + at + size, h->bytes + at + old_size, h->size - at - old_size);
    memcpy(h->bytes + at, runs, size);
    h->size = h->size - old_size + size;
}

// The run at `at` takes in the one behind it when both have one value and fit into one run.
static bool join(struct hll *h, uint64_t at)
{
    struct bytes in = runs_from(h, at);
    struct hll_run a, b;
    uint8_t joined;
    if (!hll_next_run(&in, &a) || !a.value || !hll_next_run(&in, &b) || a.value != b.value ||
        a.length + b.length > VALUE_RUN_MAX)
        return false;
    put_run(&joined, a.value, a.length + b.length);
    replace(h, at, 2, &joined, 1);
    return true;
}

static void join_around(struct hll *h, uint64_t at)
{
    struct hll_run run;
    for (uint32_t left = JOIN_RUNS; left > 0 && at < h->size; left--) {
        if (join(h, at)) continue; // what came out of it may take in the next one, too
        struct bytes in = runs_from(h, at);
        if (!hll_next_run(&in, &run)) return; // half a run, at the end
        at = h->size - in.size;
    }
}

// ---- setting

static enum hll_change set_dense(struct hll *h, uint32_t index, uint32_t count)
{
    if (hll_dense_get(h->bytes, index) >= count) return HLL_SAME;
    hll_dense_set(h->bytes, index, count);
    return HLL_CHANGED;
}

static enum hll_change promote(struct hll *h, uint32_t index, uint32_t count)
{
    if (!hll_make_dense(h)) return HLL_CORRUPT;
    return set_dense(h, index, count);
}

static enum hll_change set_sparse(struct hll *h, uint32_t index, uint32_t count,
                                  uint64_t sparse_max)
{
    uint8_t runs[SPLIT_BYTES_MAX];
    struct spot s;
    if (count > HLL_SPARSE_VALUE_MAX) return promote(h, index, count);
    if (!find_spot(h, index, &s)) return HLL_CORRUPT;
    if (s.run.value >= count) return HLL_SAME;
    uint32_t size = split(&s, index, count, runs);
    uint64_t after = h->size - s.size + size;
    if (size > s.size && (after > sparse_max || after > sizeof h->bytes))
        return promote(h, index, count);
    replace(h, s.at, s.size, runs, size);
    join_around(h, s.before);
    hll_forget_count(h->bytes);
    h->from = s.far_before;
    h->first = s.far_first;
    return HLL_CHANGED;
}

enum hll_change hll_set(struct hll *h, uint32_t index, uint32_t count, uint64_t sparse_max)
{
    CHECK(index < HLL_REGISTERS && count >= 1 && count < 64);
    if (hll_encoding(bytes_make(h->bytes, h->size)) == HLL_DENSE) return set_dense(h, index, count);
    return set_sparse(h, index, count, sparse_max);
}
