#include "dataplane/cmd/shuffle.h"

void shuffle_init(struct shuffle *s, uint64_t count, struct rng *rng)
{
    *s = (struct shuffle){ .count = count, .half_bits = 1 };
    while (s->half_bits < 32 && count > 1ull << 2 * s->half_bits) s->half_bits++;
    for (uint32_t i = 0; i < SHUFFLE_ROUNDS; i++) s->keys[i] = rng_next(rng);
}

// The finalizer of SplitMix64 (Steele, Lea, Flood 2014).
static uint64_t mixed(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

static uint64_t place_of(const struct shuffle *s, uint64_t turn)
{
    uint64_t mask = (1ull << s->half_bits) - 1;
    uint64_t high = turn >> s->half_bits, low = turn & mask;
    for (uint32_t i = 0; i < SHUFFLE_ROUNDS; i++) {
        uint64_t swapped = high ^ (mixed(low + s->keys[i]) & mask);
        high = low;
        low = swapped;
    }
    return high << s->half_bits | low;
}

bool shuffle_next(struct shuffle *s, uint64_t *number)
{
    uint64_t last = s->half_bits < 32 ? (1ull << 2 * s->half_bits) - 1 : UINT64_MAX;
    while (s->next <= last) {
        *number = place_of(s, s->next++);
        if (*number < s->count) return true;
    }
    return false;
}
