// effect_draft.h: the effect of a job whose effect is long (SADD key m1 m2 ...): encoded ahead, in
// slices, beside the stream. When the job puts its value it takes its place there in one step, as a
// unit of its own.
//
// Source:  spec/aof.md chapter 4: commands of up to 1024 texts each
// Thread:  the shard
// Memory:  pieces (HEAP_LOG) until put, when the stream takes them over, or drop; one that is all
//          zeros may be dropped
//
// What it tells must not change before the put: the key is closed (job.h), what is to be put is
// private. Without a sink nothing is encoded; when there is one by the time it is put, what is at
// the key is told then, in one go.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/cmd/cmd.h"

struct effect_draft {
    struct effects_ahead out; // not open: nobody wants to know
    const char *verb;         // borrowed until the last text
    struct bytes key;         // borrowed until it is put
    uint64_t left;            // texts to come, or bytes of the one that comes in pieces
    uint32_t command_left;    // of them in the command under way
};
// "verb key" with text_count texts. replaces: behind "DEL key".
void effect_draft_begin(struct effect_draft *d, struct call *call, const char *verb,
                        struct bytes key, uint64_t text_count, bool replaces);
// "SET key" with a text of text_bytes bytes, which come piece by piece.
void effect_draft_begin_set(struct effect_draft *d, struct call *call, struct bytes key,
                            uint64_t text_bytes);
void effect_draft_add_piece(struct effect_draft *d, struct bytes piece); // some are left
// False: nobody wants to know, nothing needs to be added.
static inline bool effect_draft_is_on(const struct effect_draft *d)
{
    return effects_ahead_is_open(&d->out);
}
void effect_draft_add(struct effect_draft *d, struct bytes text);
// All texts were added, and the value is at the key.
void effect_draft_put(struct effect_draft *d, struct call *call);
void effect_draft_drop(struct effect_draft *d);
