#include "tools/bench/keys.h"
#include <math.h>
#include <string.h>

static uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

// About the golden section of the range, so that neighbours in rank are far apart as keys.
static uint64_t stride_of(uint64_t count)
{
    uint64_t stride = (uint64_t)((double)count * 0.6180339887);
    if (stride == 0) stride = 1;
    while (gcd(stride, count) != 1) stride++;
    return stride;
}

static double zeta(uint64_t count, double theta)
{
    double sum = 0;
    for (uint64_t i = 1; i <= count; i++) sum += pow(1.0 / (double)i, theta);
    return sum;
}

enum status keys_init(struct keys *k, uint64_t count, double theta)
{
    *k = (struct keys){ .count = (uint32_t)count, .theta = theta, .is_zipf = theta > 0 };
    if (count < 1 || count > KEYS_COUNT_MAX || !(theta >= 0 && theta < 1)) return ERR_NO_SPACE;
    if (!k->is_zipf) return OK;
    k->stride = stride_of(count);
    k->zeta = zeta(count, theta);
    k->alpha = 1 / (1 - theta);
    k->second = 1 + pow(0.5, theta);
    k->eta = (1 - pow(2.0 / (double)count, 1 - theta)) / (1 - k->second / k->zeta);
    return OK;
}

static uint32_t zipf_rank(const struct keys *k, double u)
{
    double uz = u * k->zeta;
    if (uz < 1 || k->count == 1) return 0;
    if (uz < k->second || k->count == 2) return 1;
    double rank = (double)k->count * pow(k->eta * u - k->eta + 1, k->alpha);
    return rank >= (double)k->count ? k->count - 1 : (uint32_t)rank;
}

uint32_t keys_of_rank(const struct keys *k, uint32_t rank)
{
    return (uint32_t)((uint64_t)rank * k->stride % k->count);
}

uint32_t keys_next(const struct keys *k, struct rng *rng)
{
    if (k->is_zipf) return keys_of_rank(k, zipf_rank(k, rng_unit(rng)));
    return (uint32_t)(((rng_next(rng) >> 32) * k->count) >> 32); // bias below count / 2^32
}

uint32_t keys_digits(uint64_t count)
{
    uint32_t digits = 1;
    for (uint64_t last = count - 1; last >= 10; last /= 10) digits++;
    return digits;
}

void keys_format(uint8_t *out, uint32_t digits, uint32_t index)
{
    static const char pairs[] = "0001020304050607080910111213141516171819"
                                "2021222324252627282930313233343536373839"
                                "4041424344454647484950515253545556575859"
                                "6061626364656667686970717273747576777879"
                                "8081828384858687888990919293949596979899";
    for (; digits >= 2; digits -= 2, index /= 100)
        memcpy(out + digits - 2, &pairs[index % 100 * 2], 2);
    if (digits) out[0] = (uint8_t)('0' + index % 10);
}
