// held.h: what a transaction or a script does on several shards: on each of them one unit, in the
// name of who has sent it.
//
// Source:  DESIGN "Shards"
// Thread:  the shard that runs it; the others stand still (server->held)
// Memory:  none
#pragma once
#include "dataplane/cmd/node.h"

// What a command of s may touch: its own shard and those that it holds.
static inline shard_set held_shards(const struct server *s)
{
    return s->held | shard_set_of(s->shard_index);
}
static inline shard_set held_others(const struct server *s)
{
    return s->held & ~shard_set_of(s->shard_index);
}
static inline bool held_are_others(const struct server *s) { return UNLIKELY(held_others(s) != 0); }
static inline bool held_are_all(const struct server *s)
{
    return held_shards(s) == shard_set_all(server_peer_count(s));
}
// For loops: while (shards) { struct server *one = held_next(s, &shards); ... }
static inline struct server *held_next(struct server *s, shard_set *shards)
{
    uint32_t index = shard_set_first(*shards);
    *shards = shard_set_rest(*shards);
    return server_peer(s, index);
}

void held_begin_others(struct server *s);
void held_end_others(struct server *s);

// From here to the matching end the effects of each shard that is held are one unit, and what
// changes there is the act of s->executing. Nests; s->held stays as it is meanwhile, or shrinks by
// held_drop.
static inline void held_begin(struct server *s)
{
    effects_hold(&s->effects);
    if (held_are_others(s)) held_begin_others(s);
}
static inline void held_end(struct server *s)
{
    if (held_are_others(s)) held_end_others(s);
    effects_release(&s->effects);
}
// Before the others run on: what they do from here on is nobody's act. And when they are held
// again, by who has not come to its held_end yet.
void held_leave(struct server *s);
void held_join(struct server *s);
// Of those that are held, these are not needed any more: one held_begin ends for them.
void held_drop(struct server *s, shard_set others);
// redis.set_repl: writes stay out of every log, or get into them again.
void held_mute(struct server *s, bool muted);

// A place in the unit of each shard that is held.
struct held_marks {
    struct effects_mark of[PLACEMENT_SHARDS_MAX]; // of those held, and its own
};
void held_mark(struct server *s, struct held_marks *marks);
void held_back_to(struct server *s, const struct held_marks *marks);
