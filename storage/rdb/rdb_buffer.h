// rdb_buffer.h: bytes on their way out, in one blob that grows.
//
// Thread:  the shard
// Memory:  the blob, until rdb_buffer_take. Whoever writes much takes it from time to time, so that
//          no growth moves more than a slice's worth.
#pragma once
#include <stdint.h>
#include "dataplane/base/blob.h"
#include "dataplane/base/heap.h"

enum { RDB_BUFFER_BYTES = 4096 }; // a new one's room

struct rdb_buffer {
    struct heap *heap; // borrowed
    enum heap_owner owner;
    struct blob *blob; // NULL: nothing was written
};
static inline void rdb_buffer_init(struct rdb_buffer *b, struct heap *heap, enum heap_owner owner)
{
    *b = (struct rdb_buffer){ .heap = heap, .owner = owner };
}
void rdb_buffer_close(struct rdb_buffer *b);
struct blob *rdb_buffer_take(struct rdb_buffer *b); // given to the caller; NULL: nothing
static inline size_t rdb_buffer_size(const struct rdb_buffer *b)
{
    return b->blob ? b->blob->size : 0;
}
static inline void rdb_buffer_clear(struct rdb_buffer *b) // keeps the room
{
    if (b->blob) b->blob->size = 0;
}
static inline struct bytes rdb_buffer_bytes(const struct rdb_buffer *b)
{
    return b->blob ? blob_bytes(b->blob) : bytes_make(NULL, 0);
}
// Room for size more bytes, at the pointer returned; rdb_buffer_commit says how many were written.
uint8_t *rdb_buffer_reserve(struct rdb_buffer *b, size_t size);
static inline void rdb_buffer_commit(struct rdb_buffer *b, size_t size) { b->blob->size += size; }
void rdb_buffer_append(struct rdb_buffer *b, struct bytes bytes);
