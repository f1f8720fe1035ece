#include "dataplane/base/shuffle.h"
#include "dataplane/base/hash.h"

void shuffle_init(struct shuffle *s, uint64_t count, struct rng *rng)
{
    s->count = count;
    s->next = 0;
    s->half_bits = 1;
    while (s->half_bits < 31 && 1ull << (2 * s->half_bits) < count) s->half_bits++;
    for (uint32_t i = 0; i < SHUFFLE_ROUNDS; i++) s->keys[i] = rng_next(rng);
}

// Murmur3's finalizer: every bit of x reaches every bit of the result.
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 33) * 0xff51afd7ed558ccdull;
    x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53ull;
    return x ^ x >> 33;
}

static uint64_t place_of(const struct shuffle *s, uint64_t number)
{
    uint64_t mask = (1ull << s->half_bits) - 1;
    uint64_t high = number >> s->half_bits, low = number & mask;
    for (uint32_t i = 0; i < SHUFFLE_ROUNDS; i++) {
        uint64_t turned = (high ^ mix(low + s->keys[i])) & mask;
        high = low;
        low = turned;
    }
    return high << s->half_bits | low;
}

bool shuffle_next(struct shuffle *s, uint64_t *number)
{
    uint64_t places = 1ull << (2 * s->half_bits);
    while (s->next < places) {
        *number = place_of(s, s->next++);
        if (*number < s->count) return true;
    }
    return false;
}
