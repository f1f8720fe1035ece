#include "dataplane/base/hash.h"
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include "dataplane/base/bytes.h"
#include "dataplane/base/check.h"

static inline uint64_t rotate_left(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline __attribute__((always_inline)) void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotate_left(s->v1, 13) ^ s->v0;
    s->v3 = rotate_left(s->v3, 16) ^ s->v2;
    s->v0 = rotate_left(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotate_left(s->v1, 17) ^ s->v2;
    s->v3 = rotate_left(s->v3, 21) ^ s->v0;
    s->v2 = rotate_left(s->v2, 32);
}

// The last 0..7 bytes with the size's low byte on top (section 2.2 of the paper). Behind a first
// word they are the upper part of one load that ends with the input.
static inline uint64_t sip_last_word(const uint8_t *tail, size_t size)
{
    uint64_t word = (uint64_t)size << 56;
    size_t count = size & 7;
    if (size >= 8 && count > 0) return word | load_le64(tail + count - 8) >> (64 - 8 * count);
    for (size_t i = 0; i < count; i++) word |= (uint64_t)tail[i] << (8 * i);
    return word;
}

// rounds and final_rounds are constants where this is inlined, so the loops unroll.
static inline __attribute__((always_inline)) uint64_t
siphash(const void *data, size_t size, const struct hash_key *key, int rounds, int final_rounds)
{
    struct sip s = { key->k0 ^ 0x736f6d6570736575, key->k1 ^ 0x646f72616e646f6d,
                     key->k0 ^ 0x6c7967656e657261, key->k1 ^ 0x7465646279746573 };
    const uint8_t *p = data;
    for (size_t words = size / 8; words > 0; words--, p += 8) {
        uint64_t m = load_le64(p);
        s.v3 ^= m;
        for (int i = 0; i < rounds; i++) sip_round(&s);
        s.v0 ^= m;
    }
    uint64_t last = sip_last_word(p, size);
    s.v3 ^= last;
    for (int i = 0; i < rounds; i++) sip_round(&s);
    s.v0 ^= last;
    s.v2 ^= 0xff;
    for (int i = 0; i < final_rounds; i++) sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t siphash_13(const void *data, size_t size, const struct hash_key *key)
{
    return siphash(data, size, key, 1, 3);
}

uint64_t siphash_24(const void *data, size_t size, const struct hash_key *key)
{
    return siphash(data, size, key, 2, 4);
}

// A CRC is linear over GF(2): the entry for a byte is the XOR of the entries for its bits. So a
// table of 256 is spelled by the compiler from eight numbers, and needs no code at start.
#define BIT_TERM(byte, bit, entry) (((byte) >> (bit)&1) ? (entry) : 0)
#define BYTE_ENTRY(byte, e0, e1, e2, e3, e4, e5, e6, e7)                                           \
    (BIT_TERM(byte, 0, e0) ^ BIT_TERM(byte, 1, e1) ^ BIT_TERM(byte, 2, e2) ^                       \
     BIT_TERM(byte, 3, e3) ^ BIT_TERM(byte, 4, e4) ^ BIT_TERM(byte, 5, e5) ^                       \
     BIT_TERM(byte, 6, e6) ^ BIT_TERM(byte, 7, e7))
#define ENTRIES_4(b, ...)                                                                          \
    BYTE_ENTRY(b, __VA_ARGS__), BYTE_ENTRY((b) + 1, __VA_ARGS__),                                  \
        BYTE_ENTRY((b) + 2, __VA_ARGS__), BYTE_ENTRY((b) + 3, __VA_ARGS__)
#define ENTRIES_16(b, ...)                                                                         \
    ENTRIES_4(b, __VA_ARGS__), ENTRIES_4((b) + 4, __VA_ARGS__), ENTRIES_4((b) + 8, __VA_ARGS__),   \
        ENTRIES_4((b) + 12, __VA_ARGS__)
#define ENTRIES_64(b, ...)                                                                         \
    ENTRIES_16(b, __VA_ARGS__), ENTRIES_16((b) + 16, __VA_ARGS__),                                 \
        ENTRIES_16((b) + 32, __VA_ARGS__), ENTRIES_16((b) + 48, __VA_ARGS__)
#define ENTRIES_256(...)                                                                           \
    {                                                                                              \
        ENTRIES_64(0, __VA_ARGS__), ENTRIES_64(64, __VA_ARGS__), ENTRIES_64(128, __VA_ARGS__),     \
            ENTRIES_64(192, __VA_ARGS__)                                                           \
    }

// Polynomial 0x1021, most significant bit first. Row k is a byte followed by k zero bytes, so eight
// bytes are folded at once (slicing by 8): each key's name passes here when there are several
// shards.
static const uint16_t crc16_table[8][256] = {
    ENTRIES_256(0x1021, 0x2042, 0x4084, 0x8108, 0x1231, 0x2462, 0x48c4, 0x9188),
    ENTRIES_256(0x3331, 0x6662, 0xccc4, 0x89a9, 0x0373, 0x06e6, 0x0dcc, 0x1b98),
    ENTRIES_256(0x3730, 0x6e60, 0xdcc0, 0xa9a1, 0x4363, 0x86c6, 0x1dad, 0x3b5a),
    ENTRIES_256(0x76b4, 0xed68, 0xcaf1, 0x85c3, 0x1ba7, 0x374e, 0x6e9c, 0xdd38),
    ENTRIES_256(0xaa51, 0x4483, 0x8906, 0x022d, 0x045a, 0x08b4, 0x1168, 0x22d0),
    ENTRIES_256(0x45a0, 0x8b40, 0x06a1, 0x0d42, 0x1a84, 0x3508, 0x6a10, 0xd420),
    ENTRIES_256(0xb861, 0x60e3, 0xc1c6, 0x93ad, 0x377b, 0x6ef6, 0xddec, 0xabf9),
    ENTRIES_256(0x47d3, 0x8fa6, 0x0f6d, 0x1eda, 0x3db4, 0x7b68, 0xf6d0, 0xfd81),
};

uint16_t crc16(const void *data, size_t size)
{
    const uint8_t *p = data;
    uint16_t crc = 0;
    for (; size >= 8; p += 8, size -= 8)
        crc = (uint16_t)(crc16_table[7][p[0] ^ crc >> 8] ^ crc16_table[6][p[1] ^ (crc & 0xff)] ^
                         crc16_table[5][p[2]] ^ crc16_table[4][p[3]] ^ crc16_table[3][p[4]] ^
                         crc16_table[2][p[5]] ^ crc16_table[1][p[6]] ^ crc16_table[0][p[7]]);
    for (; size; p++, size--) crc = (uint16_t)((crc << 8) ^ crc16_table[0][(crc >> 8 ^ *p) & 0xff]);
    return crc;
}

// Polynomial 0xad93d23594c935a9 reflected. Row k is a byte followed by k zero bytes, so eight bytes
// are folded at once (slicing by 8).
static const uint64_t crc64_table[8][256] = {
    ENTRIES_256(0x7ad870c830358979, 0xf5b0e190606b12f2, 0xc038e5739841b68f, 0xab28ecb46814fe75,
                0x7d08ff3b88be6f81, 0xfa11fe77117cdf02, 0xdf7adabd7a6e2d6f, 0x95ac9329ac4bc9b5),
    ENTRIES_256(0x89e99ffd73bddf69, 0x388a19a9bfec2db9, 0x711433537fd85b72, 0xe22866a6ffb0b6e4,
                0xef09eb1ea7f6fea3, 0xf54af06e177a6e2d, 0xc1ccc68f76634f31, 0xa8c0ab4db4510d09),
    ENTRIES_256(0xf4125129ce4038be, 0xc37d8400c417e217, 0xada22e52d0b85745, 0x701d7af6f9e73de1,
                0xe03af5edf3ce7bc2, 0xeb2ccd88bf0b64ef, 0xfd00bd4226815ab5, 0xd1585cd715952601),
    ENTRIES_256(0x8ce168638c796306, 0x329bf69440655567, 0x6537ed2880caaace, 0xca6fda510195559c,
                0xbf8692f15bbd3853, 0x545403b1efede3cd, 0xa8a80763dfdbc79a, 0x7a092894e7201c5f),
    ENTRIES_256(0x3504e58b9ba6dd1e, 0x6a09cb17374dba3c, 0xd413962e6e9b7478, 0x837e0a0f85a17b9b,
                0x2da5324c53d5645d, 0x5b4a6498a7aac8ba, 0xb694c9314f559174, 0x4670b431c63cb183),
    ENTRIES_256(0xe39d1389931b9354, 0xec6301407ea0b5c3, 0xf39f24d3a5d6f8ed, 0xcc676ff4133a62b1,
                0xb397f9bb7ee35609, 0x4c76d525a5513f79, 0x98edaa4b4aa27ef2, 0x1a8272c5cdd36e8f),
    ENTRIES_256(0x62a95de6e302eff2, 0xc552bbcdc605dfe4, 0xa1fc51c8d49c2ca3, 0x68a185c2f1afca2d,
                0xd1430b85e35f945a, 0x89df31589e28bbdf, 0x38e744e264c6e4d5, 0x71ce89c4c98dc9aa),
    ENTRIES_256(0x381d0015c96f4444, 0x703a002b92de8888, 0xe074005725bd1110, 0xebb126fd13edb14b,
                0xfc3b6ba97f4cf1fd, 0xd32ff101a60e7091, 0x8d06c450148b7249, 0x3154aef3718177f9),
};

uint64_t crc64(uint64_t crc, const void *data, size_t size)
{
    const uint8_t *p = data;
    for (; size >= 8; size -= 8, p += 8) {
        crc ^= load_le64(p);
        crc = crc64_table[7][crc & 0xff] ^ crc64_table[6][crc >> 8 & 0xff] ^
              crc64_table[5][crc >> 16 & 0xff] ^ crc64_table[4][crc >> 24 & 0xff] ^
              crc64_table[3][crc >> 32 & 0xff] ^ crc64_table[2][crc >> 40 & 0xff] ^
              crc64_table[1][crc >> 48 & 0xff] ^ crc64_table[0][crc >> 56];
    }
    for (; size > 0; size--, p++) crc = crc64_table[0][(crc ^ *p) & 0xff] ^ crc >> 8;
    return crc;
}

// SplitMix64: any seed, 0 too, gives a state that is not all zeros.
void rng_seed(struct rng *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed += 0x9e3779b97f4a7c15;
        uint64_t z = seed;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        r->s[i] = z ^ z >> 31;
    }
}

uint64_t rng_next(struct rng *r)
{
    uint64_t *s = r->s;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

// Lemire's multiplication; the few low products that would favour some results are drawn again.
uint64_t rng_below(struct rng *r, uint64_t bound)
{
    CHECK(bound >= 1);
    unsigned __int128 product = (unsigned __int128)rng_next(r) * bound;
    if ((uint64_t)product < bound) {
        uint64_t threshold = (0 - bound) % bound;
        while ((uint64_t)product < threshold) product = (unsigned __int128)rng_next(r) * bound;
    }
    return (uint64_t)(product >> 64);
}

double rng_unit(struct rng *r) { return (double)(rng_next(r) >> 11) * 0x1p-53; }

void rng_entropy(void *out, size_t size)
{
    uint8_t *p = out;
    while (size > 0) {
        ssize_t got = getrandom(p, size, 0);
        if (got < 0 && errno == EINTR) continue;
        CHECK(got > 0);
        p += got;
        size -= (size_t)got;
    }
}
