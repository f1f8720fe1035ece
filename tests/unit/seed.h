// seed.h: where the seeded tests of units begin. Each prints its seed with every failure.
#pragma once
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

// PENSTOCK_SEED, or another one each time.
static inline uint64_t seed_from_environment(void)
{
    const char *text = getenv("PENSTOCK_SEED");
    return text ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
}
