// bytes.h: bounded reads over borrowed bytes, and unaligned stores and loads in both byte orders.
//
// Thread:  any
// Memory:  a struct bytes borrows; whoever made it says how long the bytes live
// A read either succeeds and moves the range forward, or returns false and leaves it as it was:
// hostile lengths cannot overrun.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *data;
    size_t size;
};

static inline struct bytes bytes_make(const void *data, size_t size)
{
    return (struct bytes){ data, size };
}

static inline struct bytes bytes_text(const char *text)
{
    return (struct bytes){ (const uint8_t *)text, strlen(text) };
}
#define BYTES_LITERAL(literal) ((struct bytes){ (const uint8_t *)(literal), sizeof(literal) - 1 })

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

// ASCII case folded, whatever the locale: option words of commands and directives.
static inline bool bytes_equal_nocase(struct bytes a, struct bytes b)
{
    if (a.size != b.size) return false;
    for (size_t i = 0; i < a.size; i++) {
        uint8_t x = a.data[i], y = b.data[i];
        if (x >= 'A' && x <= 'Z') x = (uint8_t)(x + 32);
        if (y >= 'A' && y <= 'Z') y = (uint8_t)(y + 32);
        if (x != y) return false;
    }
    return true;
}

static inline bool bytes_is_word(struct bytes a, const char *word)
{
    return bytes_equal_nocase(a, bytes_text(word));
}

static inline size_t bytes_sum(const struct bytes *texts, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) bytes += texts[i].size;
    return bytes;
}

// Copies the texts one behind the other to at, which has bytes_sum of room; to, which may be from,
// then says where they lie. Returns the end.
static inline uint8_t *bytes_copy_each(struct bytes *to, const struct bytes *from, size_t count,
                                       uint8_t *at)
{
    for (size_t i = 0; i < count; i++) {
        size_t size = from[i].size;
        if (size) memcpy(at, from[i].data, size);
        to[i] = bytes_make(at, size);
        at += size;
    }
    return at;
}

// Unaligned loads and stores.
static inline uint16_t load_le16(const void *p)
{
    uint16_t v;
    memcpy(&v, p, 2);
    return v;
}
static inline uint32_t load_le32(const void *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}
static inline uint64_t load_le64(const void *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}
static inline uint16_t load_be16(const void *p) { return __builtin_bswap16(load_le16(p)); }
static inline uint32_t load_be32(const void *p) { return __builtin_bswap32(load_le32(p)); }
static inline uint64_t load_be64(const void *p) { return __builtin_bswap64(load_le64(p)); }
static inline void store_le16(void *p, uint16_t v) { memcpy(p, &v, 2); }
static inline void store_le32(void *p, uint32_t v) { memcpy(p, &v, 4); }
static inline void store_le64(void *p, uint64_t v) { memcpy(p, &v, 8); }
static inline void store_be16(void *p, uint16_t v) { store_le16(p, __builtin_bswap16(v)); }
static inline void store_be32(void *p, uint32_t v) { store_le32(p, __builtin_bswap32(v)); }
static inline void store_be64(void *p, uint64_t v) { store_le64(p, __builtin_bswap64(v)); }
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "the le functions assume a little-endian machine");

static inline bool bytes_take(struct bytes *in, size_t size, struct bytes *out)
{
    if (in->size < size) return false;
    *out = bytes_make(in->data, size);
    in->data += size;
    in->size -= size;
    return true;
}

static inline bool bytes_skip(struct bytes *in, size_t size)
{
    struct bytes dropped;
    return bytes_take(in, size, &dropped);
}

#define BYTES_READER(name, type, load, width)                                                      \
    static inline bool name(struct bytes *in, type *out)                                           \
    {                                                                                              \
        struct bytes raw;                                                                          \
        if (!bytes_take(in, (width), &raw)) return false;                                          \
        *out = load(raw.data);                                                                     \
        return true;                                                                               \
    }
static inline uint8_t load_u8(const void *p) { return *(const uint8_t *)p; }
BYTES_READER(bytes_u8, uint8_t, load_u8, 1)
BYTES_READER(bytes_le16, uint16_t, load_le16, 2)
BYTES_READER(bytes_le32, uint32_t, load_le32, 4)
BYTES_READER(bytes_le64, uint64_t, load_le64, 8)
BYTES_READER(bytes_be16, uint16_t, load_be16, 2)
BYTES_READER(bytes_be32, uint32_t, load_be32, 4)
BYTES_READER(bytes_be64, uint64_t, load_be64, 8)
#undef BYTES_READER

// True when the range holds exactly this one number.
static inline bool bytes_only_be16(struct bytes in, uint16_t *out)
{
    return bytes_be16(&in, out) && in.size == 0;
}
static inline bool bytes_only_be32(struct bytes in, uint32_t *out)
{
    return bytes_be32(&in, out) && in.size == 0;
}
