#include "dataplane/types/hll.h"
#include <math.h>
#include <string.h>

enum { ENCODING_AT = 4, COUNT_AT = 8, STALE = 0x80, HASH_BITS = 64 - HLL_INDEX_BITS };

// ---- header

bool hll_is_one(struct bytes value)
{
    if (value.size < HLL_HEADER_BYTES || memcmp(value.data, "HYLL", 4) != 0) return false;
    if (value.data[ENCODING_AT] > HLL_SPARSE) return false;
    return value.data[ENCODING_AT] == HLL_SPARSE || value.size == HLL_DENSE_BYTES;
}

enum hll_encoding hll_encoding(struct bytes value)
{
    return (enum hll_encoding)value.data[ENCODING_AT];
}

bool hll_cached_count(struct bytes value, uint64_t *count)
{
    *count = load_le64(value.data + COUNT_AT);
    return !(value.data[COUNT_AT + 7] & STALE);
}

void hll_cache_count(uint8_t *value, uint64_t count) { store_le64(value + COUNT_AT, count); }

void hll_forget_count(uint8_t *value) { value[COUNT_AT + 7] |= STALE; }

// ---- elements

// MurmurHash64A (Austin Appleby), with the seed that all Redis servers use: registers are compared
// and merged between servers.
static uint64_t hash_element(struct bytes in)
{
    const uint64_t m = 0xc6a4a7935bd1e995ull;
    uint64_t hash = 0xadc83b19ull ^ (in.size * m), word;
    while (bytes_le64(&in, &word)) {
        word *= m;
        word ^= word >> 47;
        hash = (hash ^ word * m) * m;
    }
    if (in.size) {
        uint8_t rest[8] = { 0 };
        memcpy(rest, in.data, in.size);
        hash = (hash ^ load_le64(rest)) * m;
    }
    hash = (hash ^ hash >> 47) * m;
    return hash ^ hash >> 47;
}

uint32_t hll_place(struct bytes element, uint32_t *index)
{
    uint64_t hash = hash_element(element);
    *index = (uint32_t)(hash & (HLL_REGISTERS - 1));
    uint64_t rest = hash >> HLL_INDEX_BITS | 1ull << HASH_BITS; // so that there is a bit to find
    return (uint32_t)__builtin_ctzll(rest) + 1;
}

// ---- dense registers

uint32_t hll_dense_get(const uint8_t *value, uint32_t index)
{
    const uint8_t *at = value + HLL_HEADER_BYTES + index * 6 / 8;
    uint32_t shift = index * 6 % 8, both = at[0];
    if (shift > 2) both |= (uint32_t)at[1] << 8;
    return both >> shift & 63;
}

void hll_dense_set(uint8_t *value, uint32_t index, uint32_t count)
{
    uint8_t *at = value + HLL_HEADER_BYTES + index * 6 / 8;
    uint32_t shift = index * 6 % 8;
    at[0] = (uint8_t)((at[0] & ~(63u << shift)) | count << shift);
    if (shift > 2) at[1] = (uint8_t)((at[1] & ~(63u >> (8 - shift))) | count >> (8 - shift));
}

// Eight registers are six bytes; in a word they can be spread to a byte each, and back.
enum { GROUP = 8, GROUP_BYTES = 6, GROUPS = HLL_REGISTERS / GROUP };

static uint64_t load_group(const uint8_t *registers, uint32_t group)
{
    const uint8_t *at = registers + group * GROUP_BYTES;
    uint64_t x = group < GROUPS - 1 ? load_le64(at) : load_le64(at - 2) >> 16;
    x = (x & 0xffffffull) | (x & 0xffffff000000ull) << 8;
    x = (x & 0x00000fff00000fffull) | (x & 0x00fff00000fff000ull) << 4;
    return (x & 0x003f003f003f003full) | (x & 0x0fc00fc00fc00fc0ull) << 2;
}

static void store_group(uint8_t *registers, uint32_t group, uint64_t x)
{
    uint8_t packed[8];
    x = (x & 0x003f003f003f003full) | (x & 0x3f003f003f003f00ull) >> 2;
    x = (x & 0x00000fff00000fffull) | (x & 0x0fff00000fff0000ull) >> 4;
    x = (x & 0xffffffull) | (x & 0x00ffffff00000000ull) >> 8;
    store_le64(packed, x);
    memcpy(registers + group * GROUP_BYTES, packed, GROUP_BYTES);
}

void hll_dense_set_all(uint8_t *value, const uint8_t registers[HLL_REGISTERS])
{
    for (uint32_t i = 0; i < GROUPS; i++)
        store_group(value + HLL_HEADER_BYTES, i, load_le64(registers + i * GROUP));
}

// The larger of each pair of bytes; all are below 128.
static uint64_t larger_bytes(uint64_t a, uint64_t b)
{
    const uint64_t high = 0x8080808080808080ull;
    uint64_t a_is = (((a | high) - b) & high) >> 7; // 1 where a is not smaller
    uint64_t mask = (a_is << 8) - a_is;
    return (a & mask) | (b & ~mask);
}

// ---- runs

bool hll_next_run(struct bytes *in, struct hll_run *run)
{
    uint8_t first, second;
    struct bytes rest = *in;
    if (!bytes_u8(&rest, &first)) return false;
    *run = (struct hll_run){ 0 };
    if (first & 0x80) {
        run->value = (first >> 2 & 31u) + 1;
        run->length = (first & 3u) + 1;
    } else if (first & 0x40) {
        if (!bytes_u8(&rest, &second)) return false;
        run->length = ((first & 63u) << 8 | second) + 1;
        run->is_long = true;
    } else {
        run->length = first + 1u;
    }
    *in = rest;
    return true;
}

// Every run in turn. False: corrupt, when the runs are not of exactly all registers.
static bool next_of_all(struct bytes *in, uint32_t *index, struct hll_run *run)
{
    if (!hll_next_run(in, run) || run->length > HLL_REGISTERS - *index) return false;
    *index += run->length;
    return true;
}

// ---- merging and counting

static bool merge_sparse(uint8_t registers[HLL_REGISTERS], struct bytes in)
{
    uint32_t index = 0;
    struct hll_run run;
    while (in.size) {
        if (!next_of_all(&in, &index, &run)) return false;
        for (uint32_t i = index - run.length; run.value && i < index; i++)
            if (registers[i] < run.value) registers[i] = (uint8_t)run.value;
    }
    return index == HLL_REGISTERS;
}

bool hll_merge(uint8_t registers[HLL_REGISTERS], struct bytes value)
{
    struct bytes in = hll_registers(value);
    if (hll_encoding(value) == HLL_SPARSE) return merge_sparse(registers, in);
    for (uint32_t i = 0; i < GROUPS; i++) {
        uint8_t *at = registers + i * GROUP;
        store_le64(at, larger_bytes(load_le64(at), load_group(in.data, i)));
    }
    return true;
}

// How many registers have each value. Values of 52 and more are nobody's work, but fit.
struct histogram {
    uint32_t of[64];
};

static void histogram_add_group(uint32_t a[64], uint32_t b[64], uint64_t x)
{
    for (uint32_t i = 0; i < GROUP; i += 2, x >>= 16) {
        a[x & 63]++;
        b[x >> 8 & 63]++;
    }
}

static struct histogram histogram_of_dense(const uint8_t *registers)
{
    struct histogram h = { { 0 } };
    uint32_t other[64] = { 0 }; // neighbours are often equal: two counters need not wait
    for (uint32_t i = 0; i < GROUPS; i++)
        histogram_add_group(h.of, other, load_group(registers, i));
    for (uint32_t i = 0; i < 64; i++) h.of[i] += other[i];
    return h;
}

static bool histogram_of_sparse(struct bytes in, struct histogram *h)
{
    uint32_t index = 0;
    struct hll_run run;
    *h = (struct histogram){ { 0 } };
    while (in.size) {
        if (!next_of_all(&in, &index, &run)) return false;
        h->of[run.value] += run.length;
    }
    return index == HLL_REGISTERS;
}

// Ertl's sigma and tau: series that are summed until they no longer move.
static double sigma(double x)
{
    if (x == 1.0) return INFINITY;
    double y = 1, z = x, before;
    do {
        x *= x;
        before = z;
        z += x * y;
        y += y;
    } while (z != before);
    return z;
}

static double tau(double x)
{
    if (x == 0.0 || x == 1.0) return 0.0;
    double y = 1, z = 1 - x, before;
    do {
        x = sqrt(x);
        before = z;
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    } while (z != before);
    return z / 3;
}

static uint64_t estimate(const struct histogram *h)
{
    const double m = HLL_REGISTERS, alpha = 0.721347520444481703680;
    double z = m * tau((m - h->of[HASH_BITS + 1]) / m);
    for (uint32_t i = HASH_BITS; i >= 1; i--) {
        z += h->of[i];
        z *= 0.5;
    }
    z += m * sigma(h->of[0] / m);
    return (uint64_t)llround(alpha * m * m / z);
}

bool hll_count(struct bytes value, uint64_t *count)
{
    struct histogram h;
    struct bytes in = hll_registers(value);
    if (hll_encoding(value) == HLL_DENSE)
        h = histogram_of_dense(in.data);
    else if (!histogram_of_sparse(in, &h))
        return false;
    *count = estimate(&h);
    return true;
}

uint64_t hll_count_registers(const uint8_t registers[HLL_REGISTERS])
{
    struct histogram h = { { 0 } };
    uint32_t other[64] = { 0 };
    for (uint32_t i = 0; i < GROUPS; i++)
        histogram_add_group(h.of, other, load_le64(registers + i * GROUP));
    for (uint32_t i = 0; i < 64; i++) h.of[i] += other[i];
    return estimate(&h);
}
