// blob.h: reference-counted bytes of one shard: large values that replies refer to while they are
// being sent.
//
// Thread:  the shard that owns the heap; counts are not atomic
// Memory:  one heap allocation; released at the last reference. Bytes may be changed only while
// refs == 1.
#pragma once
#include <stdint.h>
#include "dataplane/base/bytes.h"
#include "dataplane/base/heap.h"

struct blob {
    struct heap *heap; // borrowed
    size_t size;       // bytes in use
    size_t capacity;   // bytes at data
    uint32_t refs;
    uint32_t owner; // enum heap_owner it is booked to
    uint8_t data[];
};

struct blob *blob_new(struct heap *h, size_t capacity, enum heap_owner owner); // size 0, refs 1
// Its bytes are zero. Of large ones the kernel gives fresh pages as they are touched: hundreds of
// MB cost microseconds.
struct blob *blob_new_zeroed(struct heap *h, size_t capacity, enum heap_owner owner);
static inline struct blob *blob_hold(struct blob *b)
{
    b->refs++;
    return b;
}
void blob_release(struct blob *b);
void blob_release_value(void *blob); // the same, in the form outq_append_ref takes
// Grows or shrinks capacity; refs must be 1. The blob may move.
struct blob *blob_resize(struct blob *b, size_t capacity);
void blob_book(struct blob *b, enum heap_owner owner); // rebook (a query argument becomes a value)
static inline struct bytes blob_bytes(const struct blob *b) { return bytes_make(b->data, b->size); }
