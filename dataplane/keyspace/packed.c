#include "dataplane/keyspace/packed.h"
#include "dataplane/base/check.h"
#include "dataplane/base/num.h"

// First bytes of the forms, as the header draws them.
enum {
    TEXT_6 = 0x80,
    INT_13 = 0xc0,
    TEXT_12 = 0xe0,
    TEXT_32 = 0xf0,
    INT_16 = 0xf1,
    INT_24 = 0xf2,
    INT_32 = 0xf3,
    INT_64 = 0xf4
};

static void needle_text(struct packed_needle *n, struct bytes text)
{
    CHECK(text.size <= UINT32_MAX - PACKED_HEAD_MAX);
    uint32_t size = (uint32_t)text.size;
    if (size < 64) {
        n->head[0] = (uint8_t)(TEXT_6 | size);
        n->head_bytes = 1;
    } else if (size < 4096) {
        n->head[0] = (uint8_t)(TEXT_12 | size >> 8);
        n->head[1] = (uint8_t)size;
        n->head_bytes = 2;
    } else {
        n->head[0] = TEXT_32;
        store_le32(n->head + 1, size);
        n->head_bytes = 5;
    }
    n->body = text;
    n->size = n->head_bytes + size;
}

void packed_needle_init(struct packed_needle *n, struct bytes text)
{
    int64_t value;
    if (num_parse_int(text, &value))
        packed_needle_int(n, value);
    else
        needle_text(n, text);
}

// The low bytes of value behind a first byte that says how many.
static uint8_t needle_wide(struct packed_needle *n, uint8_t form, uint8_t width, int64_t value)
{
    uint8_t raw[8];
    store_le64(raw, (uint64_t)value);
    n->head[0] = form;
    memcpy(n->head + 1, raw, width);
    return (uint8_t)(1 + width);
}

void packed_needle_int(struct packed_needle *n, int64_t value)
{
    if (value >= 0 && value < 128) {
        n->head[0] = (uint8_t)value;
        n->head_bytes = 1;
    } else if (value >= -4096 && value < 4096) {
        n->head[0] = (uint8_t)(INT_13 | ((uint64_t)value >> 8 & 31));
        n->head[1] = (uint8_t)value;
        n->head_bytes = 2;
    } else if (value >= INT16_MIN && value <= INT16_MAX) {
        n->head_bytes = needle_wide(n, INT_16, 2, value);
    } else if (value >= -(1 << 23) && value < 1 << 23) {
        n->head_bytes = needle_wide(n, INT_24, 3, value);
    } else if (value >= INT32_MIN && value <= INT32_MAX) {
        n->head_bytes = needle_wide(n, INT_32, 4, value);
    } else {
        n->head_bytes = needle_wide(n, INT_64, 8, value);
    }
    n->body = bytes_make(NULL, 0);
    n->size = n->head_bytes;
}

void packed_put(uint8_t *to, const struct packed_needle *n)
{
    memcpy(to, n->head, n->head_bytes);
    if (n->body.size > 0) memcpy(to + n->head_bytes, n->body.data, n->body.size);
}

uint32_t packed_size_rare(const uint8_t *at)
{
    if (at[0] == PACKED_DEADLINE) {
        CHECK(at[PACKED_DEADLINE_BYTES] != PACKED_DEADLINE);
        return PACKED_DEADLINE_BYTES + packed_size(at + PACKED_DEADLINE_BYTES);
    }
    CHECK(at[0] >= TEXT_12 && at[0] <= TEXT_32);
    return at[0] < TEXT_32 ? 2 + ((at[0] & 15u) << 8 | at[1]) : 5 + load_le32(at + 1);
}

// The element without its deadline.
static const uint8_t *bare(const uint8_t *at)
{
    return at[0] == PACKED_DEADLINE ? at + PACKED_DEADLINE_BYTES : at;
}

// Little-endian two's complement of `width` bytes.
static int64_t load_wide(const uint8_t *at, unsigned width)
{
    uint64_t raw = 0;
    memcpy((uint8_t *)&raw + 8 - width, at, width);
    return (int64_t)raw >> (64 - 8 * width);
}

bool packed_is_int(const uint8_t *at, int64_t *value)
{
    at = bare(at);
    if (at[0] < TEXT_6) {
        *value = at[0];
        return true;
    }
    if (at[0] >= INT_13 && at[0] < TEXT_12) {
        uint64_t raw = (uint64_t)(at[0] & 31) << 8 | at[1];
        *value = (int64_t)(raw << 51) >> 51;
        return true;
    }
    switch (at[0]) {
    case INT_16:
        *value = load_wide(at + 1, 2);
        return true;
    case INT_24:
        *value = load_wide(at + 1, 3);
        return true;
    case INT_32:
        *value = load_wide(at + 1, 4);
        return true;
    case INT_64:
        *value = load_wide(at + 1, 8);
        return true;
    default:
        return false;
    }
}

struct bytes packed_text(const uint8_t *at, char scratch[24])
{
    int64_t value;
    at = bare(at);
    if (at[0] >= TEXT_6 && at[0] < INT_13) return bytes_make(at + 1, at[0] & 63);
    if (packed_is_int(at, &value)) return bytes_make(scratch, num_format_int(scratch, value));
    if (at[0] < TEXT_32) return bytes_make(at + 2, (size_t)(at[0] & 15) << 8 | at[1]);
    CHECK(at[0] == TEXT_32);
    return bytes_make(at + 5, load_le32(at + 1));
}

uint64_t packed_deadline_ms(const uint8_t *at)
{
    return at[0] == PACKED_DEADLINE ? load_le64(at + 1) : 0;
}

const uint8_t *pack_find(struct bytes pack, const uint8_t *from, uint32_t step,
                         const struct packed_needle *n)
{
    const uint8_t *end = pack_end(pack);
    CHECK(step >= 1);
    while (from < end) {
        if (packed_is(bare(from), n)) return from;
        for (uint32_t i = 0; i < step && from < end; i++) from += packed_size(from);
    }
    return NULL;
}

const uint8_t *pack_at(struct bytes pack, uint32_t index)
{
    CHECK(index < pack_count(pack));
    const uint8_t *at = pack_first(pack);
    while (index-- > 0) at += packed_size(at);
    return at;
}
