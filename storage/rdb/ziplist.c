// Ziplists: small collections of Redis before 7.0, read only. Each element begins with the size of
// the one before it.
#include "storage/rdb/compact.h"

enum {
    HEAD_BYTES = 10,
    END = 0xff,
    LONG_BEFORE = 0xfe,
    COUNT_UNKNOWN = 0xffff,
    INT16 = 0xc0,
    INT32 = 0xd0,
    INT64 = 0xe0,
    INT24 = 0xf0,
    INT8 = 0xfe,
    INT4_FIRST = 0xf1, // 0..12, in the low four bits, plus one
    INT4_LAST = 0xfd,
    TEXT32 = 0x80, // its low six bits mean nothing
};

bool ziplist_open(struct compact *c, struct bytes buffer)
{
    uint32_t size;
    uint16_t count;
    struct bytes in = buffer;
    if (!bytes_le32(&in, &size) || size != buffer.size || !bytes_le32(&in, &c->tail_at))
        return false;
    if (!bytes_le16(&in, &count) || !in.size || in.data[in.size - 1] != END) return false;
    c->left = bytes_make(in.data, in.size - 1);
    c->announced = count == COUNT_UNKNOWN ? COMPACT_UNCOUNTED : count;
    c->at = HEAD_BYTES;
    return true;
}

static bool read_before(struct bytes *in, uint32_t *size)
{
    uint8_t first;
    if (!bytes_u8(in, &first) || first == END) return false;
    *size = first;
    return first != LONG_BEFORE || bytes_le32(in, size);
}

static bool read_int(struct bytes *in, uint32_t size, struct compact_element *out)
{
    struct bytes raw;
    uint8_t wide[8] = { 0 };
    uint32_t unused = 64 - size * 8;
    if (!bytes_take(in, size, &raw)) return false;
    memcpy(wide, raw.data, size);
    out->is_int = true;
    out->value = (int64_t)(load_le64(wide) << unused) >> unused;
    return true;
}

static bool read_text(struct bytes *in, uint8_t kind, struct compact_element *out)
{
    uint8_t low;
    uint32_t size = kind & 0x3f;
    if (kind < 0x40) return bytes_take(in, size, &out->text);
    if (kind < 0x80) return bytes_u8(in, &low) && bytes_take(in, size << 8 | low, &out->text);
    return bytes_be32(in, &size) && bytes_take(in, size, &out->text);
}

static bool read_element(struct bytes *in, struct compact_element *out)
{
    uint8_t kind;
    *out = (struct compact_element){ .is_int = false };
    if (!bytes_u8(in, &kind)) return false;
    if (kind < 0xc0) return read_text(in, kind, out);
    if (kind >= INT4_FIRST && kind <= INT4_LAST) {
        out->is_int = true;
        out->value = (kind & 15) - 1;
        return true;
    }
    switch (kind) {
    case INT8:
        return read_int(in, 1, out);
    case INT16:
        return read_int(in, 2, out);
    case INT24:
        return read_int(in, 3, out);
    case INT32:
        return read_int(in, 4, out);
    case INT64:
        return read_int(in, 8, out);
    default:
        return false;
    }
}

// The tail's place is that of the last element, or of the end when there is none.
static enum compact_result end(const struct compact *c)
{
    if (c->announced != COMPACT_UNCOUNTED && c->announced != c->seen) return COMPACT_BROKEN;
    return c->tail_at == c->at - c->before_bytes ? COMPACT_END : COMPACT_BROKEN;
}

enum compact_result ziplist_next(struct compact *c, struct compact_element *out)
{
    struct bytes in = c->left;
    uint32_t before;
    if (!in.size) return end(c);
    if (!read_before(&in, &before) || before != c->before_bytes || !read_element(&in, out))
        return COMPACT_BROKEN;
    c->before_bytes = (uint32_t)(c->left.size - in.size);
    c->at += c->before_bytes;
    c->left = in;
    c->seen++;
    return COMPACT_ELEMENT;
}
