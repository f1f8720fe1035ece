// Zipmaps: small hashes of Redis before 2.6, read only. Unused bytes may follow a value.
#include "storage/rdb/compact.h"

enum { END = 0xff, LONG_SIZE = 0xfe, COUNT_UNKNOWN = 0xfe };

bool zipmap_open(struct compact *c, struct bytes buffer)
{
    uint8_t count;
    struct bytes in = buffer;
    if (!bytes_u8(&in, &count) || !in.size || in.data[in.size - 1] != END) return false;
    c->left = bytes_make(in.data, in.size - 1);
    c->announced = count < COUNT_UNKNOWN ? count : COMPACT_UNCOUNTED;
    return true;
}

static bool read_size(struct bytes *in, uint32_t *size)
{
    uint8_t first;
    if (!bytes_u8(in, &first) || first == END) return false;
    *size = first;
    return first != LONG_SIZE || bytes_le32(in, size);
}

static bool read_value(struct bytes *in, struct bytes *value)
{
    uint32_t size;
    uint8_t unused;
    return read_size(in, &size) && bytes_u8(in, &unused) && bytes_take(in, size, value) &&
           bytes_skip(in, unused);
}

static enum compact_result end(const struct compact *c)
{
    if (c->seen % 2) return COMPACT_BROKEN;
    bool fits = c->announced == COMPACT_UNCOUNTED || c->announced == c->seen / 2;
    return fits ? COMPACT_END : COMPACT_BROKEN;
}

enum compact_result zipmap_next(struct compact *c, struct compact_element *out)
{
    uint32_t size;
    bool fits;
    *out = (struct compact_element){ .is_int = false };
    if (!c->left.size) return end(c);
    if (c->seen % 2)
        fits = read_value(&c->left, &out->text);
    else
        fits = read_size(&c->left, &size) && bytes_take(&c->left, size, &out->text);
    if (!fits) return COMPACT_BROKEN;
    c->seen++;
    return COMPACT_ELEMENT;
}
