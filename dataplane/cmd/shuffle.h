// shuffle.h: the numbers 0..count-1 in a random order, each once, without remembering any: for
// samples without repetition from what is too large to be gone over.
//
// Source:  a Feistel network (Luby, Rackoff 1988) over the power of four that is next above count,
//          with a generator's words as its round keys; places that are no number are passed over
// Thread:  any
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/hash.h"

enum { SHUFFLE_ROUNDS = 6 };
struct shuffle {
    uint64_t count, next; // next: of the network's 4^half_bits places
    uint32_t half_bits;
    uint64_t keys[SHUFFLE_ROUNDS];
};
void shuffle_init(struct shuffle *s, uint64_t count, struct rng *rng);
bool shuffle_next(struct shuffle *s, uint64_t *number); // false: all have had their turn
