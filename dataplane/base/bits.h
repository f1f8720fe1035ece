// bits.h: the bits of a string, as bitmaps number them: counted, looked for, combined, and read and
// written as numbers of 1 to 64 bits.
//
// Source:  Redis's numbering: bit 0 is the highest bit of byte 0
// Thread:  any
// Memory:  borrowed bytes only
// Cost:    O(size), a word at a time; callers cut what is long into pieces
#pragma once
#include <stdint.h>
#include "dataplane/base/bytes.h"

uint64_t bits_count(struct bytes in);
// Bits first..last, both below 8 * in.size, first <= last.
uint64_t bits_count_range(struct bytes in, uint64_t first, uint64_t last);
// The position of the first bit that is value, 8 * in.size when there is none.
uint64_t bits_find(struct bytes in, bool value);
// The same among bits first..last (first <= last < 8 * in.size); last + 1 when there is none.
uint64_t bits_find_range(struct bytes in, uint64_t first, uint64_t last, bool value);

enum bits_operation { BITS_AND, BITS_OR, BITS_XOR, BITS_NOT };
// Bytes at..at+size-1 of the inputs combined into out[0..size-1]. An input that ends before is
// continued by zeros. count >= 1; BITS_NOT looks at the first input only.
void bits_combine(enum bits_operation operation, const struct bytes *in, uint32_t count, size_t at,
                  uint8_t *out, size_t size);

// The width bits (1..64) from position offset on, as an unsigned number; bits behind the end are 0.
uint64_t bits_load(struct bytes in, uint64_t offset, uint32_t width);
// Writes them; all of them lie within size bytes at data.
void bits_store(uint8_t *data, size_t size, uint64_t offset, uint32_t width, uint64_t value);
