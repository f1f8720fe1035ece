// zset_take.h: a range of ranks leaves a sorted set, and may be the reply: ZREMRANGEBYSCORE and the
// like, ZPOPMIN and the like.
//
// Source:  Redis 7.2; spec/aof.md chapter 4 for the effects of pops
// Thread:  the shard
// Millions take a job: what remains is made beside the value while the key is closed, and takes its
// place in one step. All of them are no work: the value is detached and freed in slices.
#pragma once
#include "dataplane/cmd/zset_args.h"

enum zset_take_effect {
    ZSET_EFFECT_ITSELF,    // the command as it was sent
    ZSET_EFFECT_POP,       // ZPOPMIN or ZPOPMAX key
    ZSET_EFFECT_POP_COUNT, // ... key count
};
struct zset_take {
    uint32_t key_index; // of argv
    uint64_t first, count;
    const char *event;
    enum zset_take_effect effect;
    // The members are the reply, behind a header that was written already; else their number is.
    bool shows, backwards;
    enum zset_form form;
};
// count is at least 1 and first + count within e.
void zset_take(struct call *call, struct entry *e, const struct zset_take *take);
