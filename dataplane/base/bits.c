#include "dataplane/base/bits.h"
#include "dataplane/base/check.h"

// ---- counting

// The same loop twice: the compiler makes one instruction of __builtin_popcountll where it may use
// it, and about twelve where it may not. Four sums keep four words on their way.
#define COUNT_WORDS(name, attribute)                                                               \
    attribute static uint64_t name(const uint8_t *p, size_t size)                                  \
    {                                                                                              \
        uint64_t a = 0, b = 0, c = 0, d = 0;                                                       \
        for (; size >= 32; size -= 32, p += 32) {                                                  \
            a += (uint64_t)__builtin_popcountll(load_le64(p));                                     \
            b += (uint64_t)__builtin_popcountll(load_le64(p + 8));                                 \
            c += (uint64_t)__builtin_popcountll(load_le64(p + 16));                                \
            d += (uint64_t)__builtin_popcountll(load_le64(p + 24));                                \
        }                                                                                          \
        for (; size >= 8; size -= 8, p += 8) a += (uint64_t)__builtin_popcountll(load_le64(p));    \
        for (; size > 0; size--, p++) b += (uint64_t)__builtin_popcountll(*p);                     \
        return a + b + c + d;                                                                      \
    }
COUNT_WORDS(count_plainly, )
#if defined(__x86_64__)
COUNT_WORDS(count_with_popcnt, __attribute__((target("popcnt"))))
#endif

uint64_t bits_count(struct bytes in)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("popcnt")) return count_with_popcnt(in.data, in.size);
#endif
    return count_plainly(in.data, in.size);
}

static struct bytes bytes_between(struct bytes in, uint64_t first_bit, uint64_t last_bit)
{
    CHECK(first_bit <= last_bit && last_bit / 8 < in.size);
    return bytes_make(in.data + first_bit / 8, (size_t)(last_bit / 8 - first_bit / 8 + 1));
}

uint64_t bits_count_range(struct bytes in, uint64_t first, uint64_t last)
{
    uint64_t count = bits_count(bytes_between(in, first, last));
    uint32_t before = (uint32_t)in.data[first / 8] & ~(0xffu >> (first % 8));
    uint32_t behind = (uint32_t)in.data[last / 8] & (0x7fu >> (last % 8));
    return count - (uint64_t)__builtin_popcount(before & 0xff) -
           (uint64_t)__builtin_popcount(behind);
}

// ---- looking for a bit

uint64_t bits_find(struct bytes in, bool value)
{
    uint64_t all_other = value ? 0 : UINT64_MAX;
    size_t at = 0;
    for (; in.size - at >= 32; at += 32) {
        const uint8_t *p = in.data + at;
        if ((load_le64(p) ^ all_other) | (load_le64(p + 8) ^ all_other) |
            (load_le64(p + 16) ^ all_other) | (load_le64(p + 24) ^ all_other))
            break;
    }
    for (; in.size - at >= 8; at += 8) {
        uint64_t word = load_be64(in.data + at) ^ all_other;
        if (word) return at * 8 + (uint64_t)__builtin_clzll(word);
    }
    for (; at < in.size; at++) {
        uint32_t byte = in.data[at] ^ (uint32_t)(all_other & 0xff);
        if (byte) return at * 8 + (uint64_t)__builtin_clz(byte) - 24;
    }
    return in.size * 8;
}

uint64_t bits_find_range(struct bytes in, uint64_t first, uint64_t last, bool value)
{
    struct bytes part = bytes_between(in, first, last);
    uint64_t base = first / 8 * 8;
    if (first % 8) { // the first byte by itself: what lies before in it does not count
        uint32_t byte = (value ? part.data[0] : (uint8_t)~part.data[0]) & (0xffu >> (first % 8));
        uint64_t at = byte ? base + (uint64_t)__builtin_clz(byte) - 24 : base + 8;
        if (byte || part.size == 1) return at > last ? last + 1 : at;
        bytes_skip(&part, 1);
        base += 8;
    }
    uint64_t at = base + bits_find(part, value);
    return at > last ? last + 1 : at;
}

// ---- combining

// out[i] = out[i] OP p[i]
#define COMBINE_WORDS(name, OP)                                                                    \
    static void name(uint8_t *out, struct bytes in)                                                \
    {                                                                                              \
        size_t i = 0;                                                                              \
        for (; in.size - i >= 32; i += 32)                                                         \
            for (size_t j = i; j < i + 32; j += 8)                                                 \
                store_le64(out + j, load_le64(out + j) OP load_le64(in.data + j));                 \
        for (; i < in.size; i++) out[i] = (uint8_t)(out[i] OP in.data[i]);                         \
    }
COMBINE_WORDS(combine_and, &)
COMBINE_WORDS(combine_or, |)
COMBINE_WORDS(combine_xor, ^)

static void invert(uint8_t *out, size_t size)
{
    size_t i = 0;
    for (; size - i >= 8; i += 8) store_le64(out + i, ~load_le64(out + i));
    for (; i < size; i++) out[i] = (uint8_t)~out[i];
}

static struct bytes part_at(struct bytes in, size_t at, size_t size)
{
    if (in.size <= at) return bytes_make(in.data, 0);
    return bytes_make(in.data + at, in.size - at < size ? in.size - at : size);
}

void bits_combine(enum bits_operation operation, const struct bytes *in, uint32_t count, size_t at,
                  uint8_t *out, size_t size)
{
    struct bytes first = part_at(in[0], at, size);
    if (first.size) memcpy(out, first.data, first.size);
    memset(out + first.size, 0, size - first.size);
    if (operation == BITS_NOT) {
        invert(out, size);
        return;
    }
    for (uint32_t i = 1; i < count; i++) {
        struct bytes other = part_at(in[i], at, size);
        if (operation == BITS_AND) {
            combine_and(out, other);
            memset(out + other.size, 0, size - other.size);
        } else if (operation == BITS_OR) {
            combine_or(out, other);
        } else {
            combine_xor(out, other);
        }
    }
}

// ---- numbers

enum { WINDOW_BYTES = 9 }; // 64 bits that begin within a byte touch nine

// How many bytes of the window at offset are there.
static size_t window_bytes(size_t size, uint64_t offset)
{
    uint64_t from = offset / 8;
    if (from >= size) return 0;
    return size - from < WINDOW_BYTES ? (size_t)(size - from) : WINDOW_BYTES;
}

uint64_t bits_load(struct bytes in, uint64_t offset, uint32_t width)
{
    uint8_t window[WINDOW_BYTES] = { 0 };
    size_t there = window_bytes(in.size, offset);
    if (there) memcpy(window, in.data + offset / 8, there);
    uint32_t shift = (uint32_t)(offset % 8);
    uint64_t word = load_be64(window) << shift | (uint64_t)window[8] >> (8 - shift);
    return word >> (64 - width);
}

void bits_store(uint8_t *data, size_t size, uint64_t offset, uint32_t width, uint64_t value)
{
    CHECK(width >= 1 && width <= 64 && (offset + width + 7) / 8 <= size);
    uint8_t window[WINDOW_BYTES] = { 0 };
    size_t there = window_bytes(size, offset);
    memcpy(window, data + offset / 8, there);
    uint32_t shift = (uint32_t)(offset % 8);
    uint64_t mask = UINT64_MAX << (64 - width); // the number's bits, at the top of a word
    uint64_t bits = value << (64 - width);
    uint64_t high = load_be64(window);
    store_be64(window, (high & ~(mask >> shift)) | bits >> shift);
    if (shift) {
        uint8_t low_mask = (uint8_t)(mask << (8 - shift)), low = (uint8_t)(bits << (8 - shift));
        window[8] = (uint8_t)((window[8] & ~low_mask) | low);
    }
    memcpy(data + offset / 8, window, there);
}
