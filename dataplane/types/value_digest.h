// value_digest.h: a value's part of what DEBUG DIGEST says, in slices: as it was when this began.
//
// Source:  digest.h
// Thread:  the shard
// Memory:  a cut of the value, embedded
#pragma once
#include "dataplane/types/digest.h"
#include "dataplane/types/hash_value.h"
#include "dataplane/types/list_value.h"
#include "dataplane/types/set_value.h"
#include "dataplane/types/stream_value.h"
#include "dataplane/types/zset_value.h"

struct value_digest {
    uint8_t digest[DIGEST_BYTES]; // of what was read so far
    // For value_digest.c:
    struct keyspace *keyspace;
    enum value_type type;
    bool has_deadline;
    union {
        struct {
            struct string_view view;
            struct blob *blob; // held; NULL: it is small, and was read at once
            size_t at;
            struct digest_text text; // so far
        } string;
        struct {
            struct list_cut cut;
            struct list_iter iter;
        } list;
        struct {
            struct set_cut cut;
            struct set_iter iter;
        } set;
        struct {
            struct zset_cut cut;
            struct zset_iter iter;
        } zset;
        struct {
            struct hash_cut cut;
            struct hash_iter iter;
        } hash;
        struct {
            struct stream_cut cut;
            struct stream_iter iter;
        } stream;
    };
};
// e, of k. d->digest begins as it is: zeros, or those of its key.
void value_digest_begin(struct value_digest *d, struct keyspace *k, const struct entry *e,
                        uint64_t now_ms);
// At most so many elements of it, or pieces of 4 KiB of a text. True: d->digest is that of the
// value.
bool value_digest_step(struct value_digest *d, uint32_t budget);
void value_digest_end(struct value_digest *d); // at any time after begin
