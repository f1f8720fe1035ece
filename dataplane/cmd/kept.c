#include "dataplane/cmd/kept.h"

struct kept_request *kept_new(struct heap *heap, const struct bytes *argv, uint32_t argc,
                              uint64_t arrival_tsc)
{
    size_t bytes = sizeof(struct kept_request) + argc * sizeof(struct bytes);
    for (uint32_t i = 0; i < argc; i++) bytes += argv[i].size;
    struct kept_request *r = heap_take(heap, bytes, HEAP_CLIENT_IN);
    *r = (struct kept_request){ .arrival_tsc = arrival_tsc, .bytes = bytes, .argc = argc };
    uint8_t *to = (uint8_t *)&r->argv[argc];
    for (uint32_t i = 0; i < argc; i++) {
        if (argv[i].size) memcpy(to, argv[i].data, argv[i].size);
        r->argv[i] = bytes_make(to, argv[i].size);
        to += argv[i].size;
    }
    return r;
}

void kept_free(struct heap *heap, struct kept_request *r)
{
    if (r) heap_give(heap, r, r->bytes, HEAP_CLIENT_IN);
}
