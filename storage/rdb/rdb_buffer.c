#include "storage/rdb/rdb_buffer.h"

void rdb_buffer_close(struct rdb_buffer *b)
{
    if (b->blob) blob_release(b->blob);
    b->blob = NULL;
}

struct blob *rdb_buffer_take(struct rdb_buffer *b)
{
    struct blob *blob = b->blob;
    b->blob = NULL;
    return blob;
}

uint8_t *rdb_buffer_reserve(struct rdb_buffer *b, size_t size)
{
    if (!b->blob)
        b->blob = blob_new(b->heap, size > RDB_BUFFER_BYTES ? size : RDB_BUFFER_BYTES, b->owner);
    size_t needed = b->blob->size + size;
    if (needed > b->blob->capacity)
        b->blob =
            blob_resize(b->blob, needed > b->blob->capacity * 2 ? needed : b->blob->capacity * 2);
    return b->blob->data + b->blob->size;
}

void rdb_buffer_append(struct rdb_buffer *b, struct bytes bytes)
{
    if (!bytes.size) return;
    memcpy(rdb_buffer_reserve(b, bytes.size), bytes.data, bytes.size);
    rdb_buffer_commit(b, bytes.size);
}
