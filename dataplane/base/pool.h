// pool.h: n equal objects carved once from one allocation; take answers NULL when they are spent.
//
// Thread:  its owner's
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "dataplane/base/status.h"

struct pool {
    void *memory;
    void *free_head; // free objects are linked through their first pointer
    size_t object_size;
    uint32_t count, free_count, free_min; // free_min: the lowest free_count ever seen
};

// object_size is rounded up to a cache line. ERR_NO_SPACE when the memory cannot be had.
enum status pool_open(struct pool *p, size_t object_size, uint32_t count) MUST_USE;
void pool_close(struct pool *p);
void *pool_take(struct pool *p); // not zeroed
void pool_give(struct pool *p, void *object);
