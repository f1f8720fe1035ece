#include "storage/rdb/listpack.h"
#include "dataplane/base/check.h"
#include "dataplane/base/num.h"
#include "storage/rdb/compact.h"

enum {
    END = 0xff,
    COUNT_UNKNOWN = 0xffff,
    TEXT32 = 0xf0,
    INT16 = 0xf1,
    INT24 = 0xf2,
    INT32 = 0xf3,
    INT64 = 0xf4,
    INT_TEXT_MAX = 20,
    HEAD_MAX = 9, // of an element: kind with length or number
    BACK_MAX = 5,
};

// ---- the length behind each element, for readers from the right: digits of 7 bits, the first one
// without the highest bit

uint32_t listpack_back_bytes(uint64_t element)
{
    return element <= 127        ? 1
           : element < 16383     ? 2
           : element < 2097151   ? 3
           : element < 268435455 ? 4
                                 : 5;
}

static uint32_t write_back(uint8_t *to, uint64_t element)
{
    uint32_t size = listpack_back_bytes(element);
    for (uint32_t i = 0; i < size; i++) {
        uint8_t digit = (uint8_t)(element >> 7 * (size - 1 - i) & 127);
        to[i] = i ? digit | 0x80 : digit;
    }
    return size;
}

// ---- writing

void listpack_begin(struct listpack_writer *w, struct rdb_buffer *buffer)
{
    static const uint8_t head[LISTPACK_HEAD_BYTES];
    *w = (struct listpack_writer){ .buffer = buffer, .start = rdb_buffer_size(buffer) };
    rdb_buffer_append(buffer, bytes_make(head, sizeof head));
}

size_t listpack_size(const struct listpack_writer *w)
{
    return rdb_buffer_size(w->buffer) - w->start;
}

static uint32_t write_int(uint8_t *to, int64_t value)
{
    if (value >= 0 && value <= 127) {
        to[0] = (uint8_t)value;
        return 1;
    }
    if (value >= -4096 && value <= 4095) {
        store_be16(to, (uint16_t)(0xc000 | (value & 0x1fff)));
        return 2;
    }
    store_le64(to + 1, (uint64_t)value);
    if (value == (int16_t)value) {
        to[0] = INT16;
        return 3;
    }
    if (value >= -(1 << 23) && value < 1 << 23) {
        to[0] = INT24;
        return 4;
    }
    to[0] = value == (int32_t)value ? INT32 : INT64;
    return value == (int32_t)value ? 5 : 9;
}

void listpack_put_int(struct listpack_writer *w, int64_t value)
{
    uint8_t *to = rdb_buffer_reserve(w->buffer, HEAD_MAX + BACK_MAX);
    uint32_t size = write_int(to, value);
    rdb_buffer_commit(w->buffer, size + write_back(to + size, size));
    w->count++;
}

static uint32_t write_text_head(uint8_t *to, size_t size)
{
    if (size < 64) {
        to[0] = (uint8_t)(0x80 | size);
        return 1;
    }
    if (size < 4096) {
        store_be16(to, (uint16_t)(0xe000 | size));
        return 2;
    }
    to[0] = TEXT32;
    store_le32(to + 1, (uint32_t)size);
    return 5;
}

void listpack_put(struct listpack_writer *w, struct bytes text)
{
    int64_t value;
    CHECK(text.size < UINT32_MAX / 2);
    if (text.size <= INT_TEXT_MAX && num_parse_int(text, &value)) {
        listpack_put_int(w, value);
        return;
    }
    uint8_t *to = rdb_buffer_reserve(w->buffer, HEAD_MAX + text.size + BACK_MAX);
    size_t size = write_text_head(to, text.size);
    if (text.size) memcpy(to + size, text.data, text.size);
    size += text.size;
    rdb_buffer_commit(w->buffer, size + write_back(to + size, size));
    w->count++;
}

void listpack_put_encoded(struct listpack_writer *w, struct bytes element)
{
    uint8_t *to = rdb_buffer_reserve(w->buffer, element.size + BACK_MAX);
    memcpy(to, element.data, element.size);
    rdb_buffer_commit(w->buffer, element.size + write_back(to + element.size, element.size));
    w->count++;
}

void listpack_begin_part(struct listpack_writer *w, struct rdb_buffer *buffer)
{
    *w = (struct listpack_writer){ .buffer = buffer, .start = rdb_buffer_size(buffer) };
}

void listpack_put_part(struct listpack_writer *w, const struct listpack_writer *part)
{
    struct bytes elements = rdb_buffer_bytes(part->buffer);
    bytes_skip(&elements, part->start);
    rdb_buffer_append(w->buffer, elements);
    w->count += part->count;
}

void listpack_end(struct listpack_writer *w)
{
    static const uint8_t end = END;
    rdb_buffer_append(w->buffer, bytes_make(&end, 1));
    size_t size = listpack_size(w);
    CHECK(size <= UINT32_MAX);
    uint8_t *head = w->buffer->blob->data + w->start;
    store_le32(head, (uint32_t)size);
    store_le16(head + 4, w->count < COUNT_UNKNOWN ? (uint16_t)w->count : COUNT_UNKNOWN);
}

// ---- reading

bool listpack_open(struct compact *c, struct bytes buffer)
{
    uint32_t size;
    uint16_t count;
    struct bytes in = buffer;
    if (!bytes_le32(&in, &size) || size != buffer.size || !bytes_le16(&in, &count)) return false;
    if (!in.size || in.data[in.size - 1] != END) return false;
    c->left = bytes_make(in.data, in.size - 1);
    c->announced = count == COUNT_UNKNOWN ? COMPACT_UNCOUNTED : count;
    return true;
}

static int64_t sign_extended(uint64_t value, uint32_t bits)
{
    uint32_t unused = 64 - bits;
    return (int64_t)(value << unused) >> unused;
}

static bool read_int(struct bytes *in, uint32_t size, struct compact_element *out)
{
    struct bytes raw;
    uint8_t wide[8] = { 0 };
    if (!bytes_take(in, size, &raw)) return false;
    memcpy(wide, raw.data, size);
    out->is_int = true;
    out->value = sign_extended(load_le64(wide), size * 8);
    return true;
}

// An element without what lies behind it.
static bool read_element(struct bytes *in, struct compact_element *out)
{
    uint8_t kind, low;
    uint32_t size;
    *out = (struct compact_element){ .is_int = false };
    if (!bytes_u8(in, &kind)) return false;
    if (kind < 0x80) {
        out->is_int = true;
        out->value = kind;
        return true;
    }
    if (kind < 0xc0) return bytes_take(in, kind & 0x3f, &out->text);
    if (kind < 0xe0) {
        if (!bytes_u8(in, &low)) return false;
        out->is_int = true;
        out->value = sign_extended((kind & 0x1fu) << 8 | low, 13);
        return true;
    }
    if (kind < 0xf0)
        return bytes_u8(in, &low) && bytes_take(in, (kind & 0x0fu) << 8 | low, &out->text);
    switch (kind) {
    case TEXT32:
        return bytes_le32(in, &size) && bytes_take(in, size, &out->text);
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

enum compact_result listpack_next(struct compact *c, struct compact_element *out)
{
    uint8_t expected[BACK_MAX];
    struct bytes in = c->left, back;
    if (!in.size)
        return c->announced == COMPACT_UNCOUNTED || c->announced == c->seen ? COMPACT_END
                                                                            : COMPACT_BROKEN;
    if (!read_element(&in, out)) return COMPACT_BROKEN;
    uint32_t size = write_back(expected, c->left.size - in.size);
    if (!bytes_take(&in, size, &back) || memcmp(back.data, expected, size) != 0)
        return COMPACT_BROKEN;
    c->left = in;
    c->seen++;
    return COMPACT_ELEMENT;
}
