// kept.h: a request that outlives its packet: its arguments copied into one allocation.
//
// Memory:  HEAP_CLIENT_IN, freed by kept_free
#pragma once
#include <stdint.h>
#include "dataplane/base/bytes.h"
#include "dataplane/base/heap.h"

struct kept_request {
    struct kept_request *next; // for its owner
    uint64_t arrival_tsc;
    size_t bytes; // of this allocation
    uint32_t argc;
    struct bytes argv[];
};
struct kept_request *kept_new(struct heap *heap, const struct bytes *argv, uint32_t argc,
                              uint64_t arrival_tsc);
void kept_free(struct heap *heap, struct kept_request *r);
