#include "dataplane/base/pool.h"
#include <stdlib.h>
#include "dataplane/base/check.h"

enum { CACHE_LINE = 64 };

enum status pool_open(struct pool *p, size_t object_size, uint32_t count)
{
    CHECK(object_size > 0 && count > 0 && object_size <= SIZE_MAX / 2);
    size_t rounded = (object_size + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
    size_t total;
    if (__builtin_mul_overflow(rounded, (size_t)count, &total)) return ERR_NO_SPACE;
    void *memory = aligned_alloc(CACHE_LINE, total);
    if (!memory) return ERR_NO_SPACE;
    *p = (struct pool){ .memory = memory, .object_size = rounded, .count = count };
    for (uint32_t i = count; i > 0; i--) pool_give(p, (char *)memory + (size_t)(i - 1) * rounded);
    p->free_min = count;
    return OK;
}

void pool_close(struct pool *p)
{
    free(p->memory);
    *p = (struct pool){ 0 };
}

void *pool_take(struct pool *p)
{
    void **object = p->free_head;
    if (!object) return NULL;
    p->free_head = *object;
    if (--p->free_count < p->free_min) p->free_min = p->free_count;
    return object;
}

void pool_give(struct pool *p, void *object)
{
    size_t offset = (size_t)((char *)object - (char *)p->memory);
    CHECK(offset < p->object_size * p->count && offset % p->object_size == 0);
    CHECK(p->free_count < p->count);
    *(void **)object = p->free_head;
    p->free_head = object;
    p->free_count++;
}
