// value_digest.h: a value's part of what DEBUG DIGEST says, in slices: as it was when this began.
//
// Source:  digest.h
// Thread:  the shard
// Memory:  a cut of the value, embedded
#pragma once
#include "dataplane/types/digest.h"
#include "dataplane/types/value_cut.h"

struct value_digest {
    uint8_t digest[DIGEST_BYTES]; // of what was read so far
    // For value_digest.c:
    bool has_deadline;
    bool is_read; // at once: a small string
    struct value_cut cut;
    union {
        struct {
            size_t at;
            struct digest_text text; // so far
        } string;
        union value_iter iter; // of the others
    };
};
// e, of k. d->digest begins as it is: zeros, or those of its key.
void value_digest_begin(struct value_digest *d, struct keyspace *k, const struct entry *e,
                        uint64_t now_ms);
// At most so many elements of it, or pieces of 4 KiB of a text. True: d->digest is that of the
// value.
bool value_digest_step(struct value_digest *d, uint32_t budget);
void value_digest_end(struct value_digest *d); // at any time after begin
