#include "dataplane/base/word_ring.h"

#include <stdlib.h>
#include <string.h>
#include "dataplane/base/check.h"

enum status word_ring_open(struct word_ring **out, uint32_t capacity)
{
    CHECK(capacity >= 1 && capacity <= WORD_RING_CAPACITY_MAX);
    CHECK((capacity & (capacity - 1)) == 0);
    size_t size = sizeof(struct word_ring) + capacity * sizeof(uint64_t);
    size = (size + WORD_RING_APART_BYTES - 1) & ~(size_t)(WORD_RING_APART_BYTES - 1);
    struct word_ring *r = aligned_alloc(WORD_RING_APART_BYTES, size);
    if (!r) return ERR_NO_SPACE;
    memset(r, 0, size); // touched here, not by the first words
    r->capacity = capacity;
    *out = r;
    return OK;
}

void word_ring_close(struct word_ring *r) { free(r); }
