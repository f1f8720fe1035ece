// effect_batch.h: effects of the form SREM key m1 m2 ..., however many there are: in commands of up
// to 1024 texts each.
//
// Source:  spec/aof.md chapter 4 (SPOP)
// Thread:  the shard
// Memory:  texts are copied on the heap (HEAP_LOG) until their command is complete
#pragma once
#include "dataplane/cmd/cmd.h"

enum { EFFECT_BATCH_TEXTS = 1024 };
struct effect_batch {
    struct call *call;
    uint32_t count;
    size_t size, room;
    uint8_t *texts;
    struct bytes argv[2 + EFFECT_BATCH_TEXTS]; // of texts only the size is set before the end
};
void effect_batch_begin(struct effect_batch *b, struct call *call, const char *verb,
                        struct bytes key);
void effect_batch_add(struct effect_batch *b, struct bytes text);
void effect_batch_end(struct effect_batch *b);
