// sizes.h: how long the next value is: one size, a range, or a list with weights.
//
// Thread:  the generator
// Memory:  none
// Units:   bytes
#pragma once
#include <stdint.h>
#include "dataplane/base/hash.h"
#include "dataplane/base/status.h"

enum { SIZES_LIST_MAX = 16, VALUE_BYTES_MAX = 512 * 1024 * 1024 };

struct sizes {
    uint32_t min, max; // of all that can come
    uint32_t count;    // of a list; 0: every size from min to max alike
    uint32_t list[SIZES_LIST_MAX];
    uint64_t upto[SIZES_LIST_MAX]; // weights added up
};

// "64", "16:1024", or "64*70,1024*25,4096*5" (a weight left out is 1). ERR_PEER when malformed or
// out of range.
enum status sizes_parse(struct sizes *s, const char *text) MUST_USE;
uint32_t sizes_next(const struct sizes *s, struct rng *rng);
