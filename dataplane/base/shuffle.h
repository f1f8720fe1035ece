// shuffle.h: the numbers 0..count-1 in a random order, without remembering any.
//
// Source:  Black, Rogaway 2002, "Ciphers with Arbitrary Finite Domains": a Feistel network over the
//          next larger power of four, whose places beyond the count are passed over
// Thread:  any
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum { SHUFFLE_ROUNDS = 6 };

struct rng;
struct shuffle {
    uint64_t count, next; // next: of the network's 2^(2 * half_bits) places
    uint32_t half_bits;
    uint64_t keys[SHUFFLE_ROUNDS];
};
void shuffle_init(struct shuffle *s, uint64_t count, struct rng *rng); // count up to 2^62
// False: all have had their turn. At most 4 places are looked at per number on average.
bool shuffle_next(struct shuffle *s, uint64_t *number);
