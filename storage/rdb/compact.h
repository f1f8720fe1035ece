// compact.h: the elements of a small collection in one buffer, whichever of Redis's four forms the
// buffer has.
//
// Source:  spec/rdb.md section 6
// Thread:  any
// Memory:  borrowed; elements refer to the buffer
// The buffer comes from outside. It is checked on the way: COMPACT_END is said only when all of it
// was what its head announced, and nothing else.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"

struct compact_element {
    struct bytes text; // unless is_int
    int64_t value;
    bool is_int;
};
enum compact_result { COMPACT_ELEMENT, COMPACT_END, COMPACT_BROKEN };
// The element as text; an integer is formatted into digits.
struct bytes compact_text(const struct compact_element *e, char digits[24]);

enum compact_form { COMPACT_LISTPACK, COMPACT_ZIPLIST, COMPACT_INTSET, COMPACT_ZIPMAP };
struct compact {
    enum compact_form form;
    struct bytes left;     // what has not been read
    uint32_t announced;    // elements, by the head; COMPACT_UNCOUNTED: nobody knows
    uint32_t seen;         // elements
    uint32_t before_bytes; // ziplist: the element before
    uint32_t tail_at, at;  // ziplist: where its last element is said to be; where we are
    uint32_t width;        // intset
    int64_t last;          // intset: the number before
};
enum { COMPACT_UNCOUNTED = UINT32_MAX };
bool compact_open(struct compact *c, enum compact_form form, struct bytes buffer);
enum compact_result compact_next(struct compact *c, struct compact_element *out);

// ---- one by one; for compact.c and tests
bool listpack_open(struct compact *c, struct bytes buffer);
enum compact_result listpack_next(struct compact *c, struct compact_element *out);
bool ziplist_open(struct compact *c, struct bytes buffer);
enum compact_result ziplist_next(struct compact *c, struct compact_element *out);
bool rdb_intset_open(struct compact *c, struct bytes buffer);
enum compact_result rdb_intset_next(struct compact *c, struct compact_element *out);
bool zipmap_open(struct compact *c, struct bytes buffer);
enum compact_result zipmap_next(struct compact *c, struct compact_element *out); // keys and values
