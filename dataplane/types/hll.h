// hll.h: HyperLogLogs, as the bytes of a string value.
//
// Source:  Redis 7.2's format, byte for byte; the estimator of Ertl, "New cardinality estimation
//          algorithms for HyperLogLog sketches" (2017), as Redis uses it; MurmurHash64A
// Thread:  any
// Memory:  borrowed bytes, or a struct hll of the caller's
//
//   "HYLL"  encoding u8  0 0 0  count u64 LE  registers
// count is the cardinality as it was last computed; its highest bit says that it no longer holds.
// Dense: 16384 registers of 6 bits, the first in the lowest bits of the first byte. Sparse: runs of
// registers, in order, all 16384 of them:
//   00nnnnnn           n + 1 registers of 0
//   01nnnnnn nnnnnnnn  n + 1 registers of 0
//   1vvvvvnn           n + 1 registers of v + 1
// What lies behind the header may come from anybody (SET, RESTORE): reads are bounded, and what
// does not add up is refused.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"

enum {
    HLL_INDEX_BITS = 14,
    HLL_REGISTERS = 1 << HLL_INDEX_BITS,
    HLL_HEADER_BYTES = 16,
    HLL_DENSE_BYTES = HLL_HEADER_BYTES + HLL_REGISTERS * 6 / 8,
    HLL_SPARSE_VALUE_MAX = 32,
    // Two bytes for each register: no valid one is longer.
    HLL_SPARSE_BYTES_MAX = HLL_HEADER_BYTES + 2 * HLL_REGISTERS,
};
enum hll_encoding { HLL_DENSE, HLL_SPARSE };

// The header is one, and the size fits a dense one. Everything below wants such bytes.
bool hll_is_one(struct bytes value);
enum hll_encoding hll_encoding(struct bytes value);

// ---- counting
bool hll_cached_count(struct bytes value, uint64_t *count); // false: it no longer holds
void hll_cache_count(uint8_t *value, uint64_t count);
bool hll_count(struct bytes value, uint64_t *count); // false: corrupt
// Each register becomes the larger of the two. False: corrupt.
bool hll_merge(uint8_t registers[HLL_REGISTERS], struct bytes value);
uint64_t hll_count_registers(const uint8_t registers[HLL_REGISTERS]);

// ---- changing
// Where an element goes and what is to be there at least: 1..51.
uint32_t hll_place(struct bytes element, uint32_t *index);
uint32_t hll_dense_get(const uint8_t *value, uint32_t index);
void hll_dense_set(uint8_t *value, uint32_t index, uint32_t count);
void hll_dense_set_all(uint8_t *value, const uint8_t registers[HLL_REGISTERS]);
void hll_forget_count(uint8_t *value);

// One to work on: a copy that is put back when it changed.
struct hll {
    uint64_t size;
    // Where a search may begin, when what is asked for lies at `first` or behind it: PFMERGE goes
    // through the registers in order.
    uint64_t from;
    uint32_t first;
    uint8_t bytes[HLL_SPARSE_BYTES_MAX];
};
void hll_init(struct hll *h);                     // empty, sparse
bool hll_load(struct hll *h, struct bytes value); // false: corrupt
enum hll_change { HLL_SAME, HLL_CHANGED, HLL_CORRUPT };
// A register becomes count, if it is less. Sparse ones become dense when count is too large for
// them, or they would have more than sparse_max bytes. When index falls from one call to the next,
// hll_rewind goes between them.
enum hll_change hll_set(struct hll *h, uint32_t index, uint32_t count, uint64_t sparse_max);
void hll_rewind(struct hll *h);
bool hll_make_dense(struct hll *h); // false: corrupt, and h is as it was

// ---- the runs of a sparse one
struct hll_run {
    uint32_t value, length;
    bool is_long; // of zeros, in two bytes
};
// The run at the front of *in, which is moved past it; false when there is none, or half of one.
bool hll_next_run(struct bytes *in, struct hll_run *run);
static inline struct bytes hll_registers(struct bytes value)
{
    return bytes_make(value.data + HLL_HEADER_BYTES, value.size - HLL_HEADER_BYTES);
}
