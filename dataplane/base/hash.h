// hash.h: SipHash for keys that an attacker chooses, CRC16 for hash slots, CRC64 for RDB, and a
// seeded generator.
//
// Source:  SipHash (Aumasson, Bernstein 2012), 1-3 rounds for the table, vectors for 2-4 in tests;
// CRC-16/XMODEM
//          (spec/cluster-client.md); CRC-64 of Redis (spec/rdb.md); xoshiro256** (Blackman, Vigna)
// Thread:  any; no state but what is passed
#pragma once
#include <stddef.h>
#include <stdint.h>

struct hash_key {
    uint64_t k0, k1; // from the kernel's generator at start; the same on every shard of a server
};

uint64_t siphash_13(const void *data, size_t size, const struct hash_key *key);
uint64_t siphash_24(const void *data, size_t size, const struct hash_key *key);
uint16_t crc16(const void *data, size_t size);
uint64_t crc64(uint64_t crc, const void *data, size_t size); // start with 0

struct rng {
    uint64_t s[4];
};
void rng_seed(struct rng *r, uint64_t seed); // SplitMix64 fills the state
uint64_t rng_next(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t bound); // 0..bound-1 without bias; bound >= 1
double rng_unit(struct rng *r);                    // [0, 1)
void rng_entropy(void *out, size_t size);          // getrandom(2): keys and secrets, at start only
