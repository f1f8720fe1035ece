// zset_tell.h: the effect of a store whose command would not give the same any more, because its
// sources have changed since or are other shards': what it puts, encoded in slices before that.
//
// Thread:  the shard
// Memory:  embedded in a job; one that is all zeros may be dropped
#pragma once
#include "dataplane/cmd/effect_draft.h"
#include "dataplane/types/zset_value.h"

struct zset_tell {
    bool is_begun, is_itself;
    struct zset_cut look; // at the builder
    struct zset_iter iter;
    struct effect_draft draft;
};
// Nothing is added to b from here on. is_itself: the command would be its own effect, if it had the
// keys of one shard alone.
void zset_tell_begin(struct zset_tell *t, struct call *call, const struct zset_builder *b,
                     struct bytes key, bool is_itself);
bool zset_tell_step(struct zset_tell *t, uint64_t until_tsc); // false: there was no time for all
void zset_tell_put(struct zset_tell *t, struct call *call);   // the builder's contents are in place
void zset_tell_drop(struct zset_tell *t);
