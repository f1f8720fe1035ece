// strings_held.h: the strings at many keys as they are at one moment, for commands that combine
// them, at once or in slices.
//
// Thread:  the shard
// Memory:  one allocation (HEAP_OTHER); values in blobs are held, small ones copied behind it
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/cmd/cmd.h"

struct strings_held {
    size_t bytes;         // of this allocation
    uint64_t total_bytes; // of the texts
    size_t longest_bytes;
    uint32_t count; // of texts; the first key that is no string ends them
    bool has_wrong_type;
    struct bytes *texts; // size 0: an empty string, or no key
    bool *exists;
    struct blob **blobs; // NULL: there is none, or a copy
    uint8_t *copies;
};
// The keys argv[index] .. the last argument.
struct strings_held *strings_hold(struct call *call, uint32_t index);
void strings_release(struct strings_held *s, struct heap *heap);
