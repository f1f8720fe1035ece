// effect_draft.h: the effect of a job whose effect is long (SADD key m1 m2 ...): encoded ahead, in
// slices, beside the stream. When the job puts its value it takes its place there in one step, as a
// unit of its own.
//
// Source:  spec/aof.md chapter 4: commands of up to 1024 texts each
// Thread:  the shard
// Memory:  one buffer (HEAP_LOG) until put or drop; one that is all zeros may be dropped
//
// What it tells must not change before the put: the key is closed (job.h), what is to be put is
// private. Without a sink nothing is encoded.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/cmd/cmd.h"

struct effect_draft {
    struct effects out;    // encodes; its buffer begins with room for what comes in front
    const char *verb;      // borrowed until the last text
    struct bytes key;      // borrowed until it is put
    uint64_t left;         // texts to come
    uint32_t command_left; // of them in the command under way
};
// "verb key" with text_count texts, of about text_bytes bytes in all. replaces: behind "DEL key".
void effect_draft_begin(struct effect_draft *d, struct call *call, const char *verb,
                        struct bytes key, uint64_t text_count, uint64_t text_bytes, bool replaces);
// False: nobody wants to know, nothing needs to be added.
static inline bool effect_draft_is_on(const struct effect_draft *d) { return d->out.buffer; }
void effect_draft_add(struct effect_draft *d, struct bytes text);
void effect_draft_put(struct effect_draft *d, struct call *call); // all texts were added
void effect_draft_drop(struct effect_draft *d);
