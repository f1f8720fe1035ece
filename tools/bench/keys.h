// keys.h: which key the next request touches: uniform, Zipf or one after the other.
//
// Source:  Gray et al., "Quickly generating billion-record synthetic databases" (1994),
// section 3.2, for Zipf Thread:  the generator Memory:  none Units:   key indices, 0..count-1
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/hash.h"
#include "dataplane/base/status.h"

enum { KEYS_COUNT_MAX = 1000 * 1000 * 1000, KEY_BYTES_MAX = 256 };

struct keys {
    uint32_t count;
    bool is_zipf;
    double theta;                    // 0 < theta < 1; 0.99 is YCSB's
    double alpha, eta, zeta, second; // of the Zipf formula
    uint64_t stride;                 // coprime with count: spreads the popular ranks over the keys
};

// theta 0: uniform. O(count) for Zipf. ERR_NO_SPACE when a value is out of its range.
enum status keys_init(struct keys *k, uint64_t count, double theta) MUST_USE;
uint32_t keys_next(const struct keys *k, struct rng *rng);
// The rank behind a key, for tests: rank 0 is the most popular.
uint32_t keys_of_rank(const struct keys *k, uint32_t rank);

// Digits that the largest index needs.
uint32_t keys_digits(uint64_t count);
// Writes index as exactly digits decimal digits (<= 10), zeros in front.
void keys_format(uint8_t *out, uint32_t digits, uint32_t index);
