// packed.h: elements of collections behind one another: texts, and integers in few bytes.
//
// Source:  Penstock's own, after Redis's listpack without its back links: what is small stays small
//          (a text of up to 63 bytes costs one byte, 7-bit numbers nothing), and is read forwards
// Thread:  any
// Memory:  none; bytes here are our own making, never from a wire or a file, so reads trust them
//
//   0nnnnnnn                 number 0..127
//   10LLLLLL text            L bytes of text, 0..63
//   110nnnnn n8              number -4096..4095 (not 0..127)
//   1110LLLL L8 text         64..4095 bytes of text
//   0xf0 L32 text            more, little-endian length
//   0xf1 n16, 0xf2 n24, 0xf3 n32, 0xf4 n64   larger numbers, little-endian, the shortest that holds
//   0xfe t64 element         the element behind it has a deadline, ms since 1970 (hash fields)
//
// There is exactly one way to write a text (canonical integers of up to 20 digits are numbers), so
// two elements without deadlines are equal when their bytes are.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"

enum { PACKED_HEAD_MAX = 9, PACKED_DEADLINE = 0xfe, PACKED_DEADLINE_BYTES = 9 };

// A text on its way into a buffer, or to be looked for: its encoded form in two parts.
struct packed_needle {
    uint8_t head[PACKED_HEAD_MAX];
    uint8_t head_bytes;
    struct bytes body; // borrowed; size 0 for numbers
    uint32_t size;     // of both
};
void packed_needle_init(struct packed_needle *n, struct bytes text);
void packed_needle_int(struct packed_needle *n, int64_t value);
void packed_put(uint8_t *to, const struct packed_needle *n); // n->size bytes
// Most texts that differ do so near their end: that is looked at first, and no call is needed.
static inline bool packed_same(const uint8_t *a, const uint8_t *b, size_t size)
{
    if (size >= 8)
        return load_le64(a + size - 8) == load_le64(b + size - 8) && memcmp(a, b, size - 8) == 0;
    if (size >= 4)
        return load_le32(a) == load_le32(b) && load_le32(a + size - 4) == load_le32(b + size - 4);
    for (size_t i = 0; i < size; i++)
        if (a[i] != b[i]) return false;
    return true;
}
// No deadline at either. Equal heads are of one form, so neither read passes the element's end.
static inline bool packed_is(const uint8_t *at, const struct packed_needle *n)
{
    return at[0] == n->head[0] && packed_same(at + 1, n->head + 1, n->head_bytes - 1u) &&
           packed_same(at + n->head_bytes, n->body.data, n->body.size);
}

// Bytes of the element at `at`, its deadline included.
uint32_t packed_size_rare(const uint8_t *at); // of longer texts, and behind a deadline
static inline uint32_t packed_size(const uint8_t *at)
{
    uint8_t head = at[0];
    if (head < 0x80) return 1;
    if (head < 0xc0) return 1 + (head & 63u);
    if (head < 0xe0) return 2;
    if (head > 0xf0 && head < 0xf5) return 0x95430u >> (head - 0xf0) * 4 & 15; // 3, 4, 5, 9
    return packed_size_rare(at);
}
// The element as text; a number is formatted into scratch.
struct bytes packed_text(const uint8_t *at, char scratch[24]);
bool packed_is_int(const uint8_t *at, int64_t *value); // false: a text (never a canonical integer)
uint64_t packed_deadline_ms(const uint8_t *at);        // 0: none

// ---- pack: a whole small collection: le32 count of elements, then the elements. It is the value
// of an entry (keyspace.h, value_edit), and never shorter than PACK_HEAD.
enum { PACK_HEAD = 4 };
static inline uint32_t pack_count(struct bytes pack) { return load_le32(pack.data); }
static inline const uint8_t *pack_first(struct bytes pack) { return pack.data + PACK_HEAD; }
static inline const uint8_t *pack_end(struct bytes pack) { return pack.data + pack.size; }
// The first element equal to n, looking at every step-th one from `from` on; NULL: none.
const uint8_t *pack_find(struct bytes pack, const uint8_t *from, uint32_t step,
                         const struct packed_needle *n);
// Element number index (0..count-1).
const uint8_t *pack_at(struct bytes pack, uint32_t index);
