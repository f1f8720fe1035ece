#include "dataplane/base/blob.h"
#include "dataplane/base/check.h"

static struct blob *blob_init(struct blob *b, struct heap *h, size_t capacity,
                              enum heap_owner owner)
{
    b->heap = h;
    b->size = 0;
    b->capacity = capacity;
    b->refs = 1;
    b->owner = owner;
    return b;
}

struct blob *blob_new(struct heap *h, size_t capacity, enum heap_owner owner)
{
    return blob_init(heap_take(h, sizeof(struct blob) + capacity, owner), h, capacity, owner);
}

struct blob *blob_new_zeroed(struct heap *h, size_t capacity, enum heap_owner owner)
{
    return blob_init(heap_take_zeroed(h, sizeof(struct blob) + capacity, owner), h, capacity,
                     owner);
}

void blob_release(struct blob *b)
{
    CHECK(b->refs > 0);
    if (--b->refs > 0) return;
    heap_give(b->heap, b, sizeof(struct blob) + b->capacity, (enum heap_owner)b->owner);
}

void blob_release_value(void *blob) { blob_release(blob); }

struct blob *blob_resize(struct blob *b, size_t capacity)
{
    CHECK(b->refs == 1);
    b = heap_resize(b->heap, b, sizeof(struct blob) + b->capacity, sizeof(struct blob) + capacity,
                    (enum heap_owner)b->owner);
    b->capacity = capacity;
    if (b->size > capacity) b->size = capacity;
    return b;
}

void blob_book(struct blob *b, enum heap_owner owner)
{
    heap_move(b->heap, sizeof(struct blob) + b->capacity, (enum heap_owner)b->owner, owner);
    b->owner = owner;
}
