// intset.h: a small set of integers: sorted, all in the width that the largest needs.
//
// Source:  Redis's intset, byte for byte (spec/rdb.md 6.3): le32 width (2, 4 or 8), le32 count,
//          numbers. A width grows, and never shrinks again
// Thread:  any
// Memory:  none; bytes here are our own making, or were checked when they came in
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"

enum { INTSET_HEAD = 8, INTSET_WIDTH_MIN = 2, INTSET_COUNT_MAX = 1 << 30 };

static inline uint32_t intset_width(struct bytes set) { return load_le32(set.data); }
static inline uint32_t intset_count(struct bytes set) { return load_le32(set.data + 4); }
static inline uint32_t intset_width_of(int64_t value)
{
    return value == (int16_t)value ? 2 : value == (int32_t)value ? 4 : 8;
}
static inline size_t intset_bytes(uint32_t width, uint32_t count)
{
    return INTSET_HEAD + (size_t)width * count;
}
void intset_init(uint8_t *set, uint32_t width); // INTSET_HEAD bytes: empty
int64_t intset_at(struct bytes set, uint32_t index);
// index: where it is, or where it would be inserted.
bool intset_find(struct bytes set, int64_t value, uint32_t *index);
// Bytes of the set with one value more.
size_t intset_bytes_with(struct bytes set, int64_t value);
// set has so many bytes; its numbers are still as before. index as intset_find said.
void intset_insert(uint8_t *set, uint32_t index, int64_t value);
void intset_remove(uint8_t *set, uint32_t index); // the caller takes the last bytes away
