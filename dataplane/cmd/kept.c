#include "dataplane/cmd/kept.h"

struct kept_request *kept_new(struct heap *heap, const struct bytes *argv, uint32_t argc,
                              uint64_t arrival_tsc)
{
    size_t bytes =
        sizeof(struct kept_request) + argc * sizeof(struct bytes) + bytes_sum(argv, argc);
    struct kept_request *r = heap_take(heap, bytes, HEAP_CLIENT_IN);
    *r = (struct kept_request){ .arrival_tsc = arrival_tsc, .bytes = bytes, .argc = argc };
    bytes_copy_each(r->argv, argv, argc, (uint8_t *)&r->argv[argc]);
    return r;
}

void kept_free(struct heap *heap, struct kept_request *r)
{
    if (r) heap_give(heap, r, r->bytes, HEAP_CLIENT_IN);
}
