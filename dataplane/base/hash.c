#include "dataplane/base/hash.h"
#include <errno.h>
#include <isa-l/crc64.h>
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

// Polynomial 0xad93d23594c935a9 reflected. ISA-L inverts what goes in and what comes out, Redis
// does neither.
uint64_t crc64(uint64_t crc, const void *data, size_t size)
{
    return ~crc64_jones_refl(~crc, data, size);
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
