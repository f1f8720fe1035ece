#include "dataplane/cmd/held.h"

void held_begin_others(struct server *s)
{
    for (shard_set left = held_others(s); left;) effects_hold(&held_next(s, &left)->effects);
    held_join(s);
}

void held_end_others(struct server *s)
{
    held_join(s); // a script has left them: what ends is its act nevertheless
    effects_number_parts(s, held_shards(s), 1);
    for (shard_set left = held_others(s); left;) effects_release(&held_next(s, &left)->effects);
}

void held_join(struct server *s)
{
    for (shard_set left = held_others(s); left;) {
        struct server *other = held_next(s, &left);
        other->executing = s->executing;
        other->in_command = true;
        other->holder = s;
    }
}

static void leave(struct server *s, shard_set others)
{
    while (others) {
        struct server *other = held_next(s, &others);
        other->executing = NULL;
        other->in_command = false;
        other->holder = NULL;
    }
}

void held_leave(struct server *s) { leave(s, held_others(s)); }

// What they did for it so far is a unit; the rest is not theirs.
void held_drop(struct server *s, shard_set others)
{
    for (shard_set left = others; left;) {
        struct effects *effects = &held_next(s, &left)->effects;
        effects->muted = false;
        effects_release(effects);
    }
    leave(s, others);
    s->held &= ~others;
}

void held_mute(struct server *s, bool muted)
{
    s->effects.muted = muted;
    if (!held_are_others(s)) return;
    for (shard_set left = held_others(s); left;) held_next(s, &left)->effects.muted = muted;
}

void held_mark(struct server *s, struct held_marks *marks)
{
    for (shard_set left = held_shards(s); left;) {
        const struct server *one = held_next(s, &left);
        marks->of[one->shard_index] = effects_mark(&one->effects);
    }
}

void held_back_to(struct server *s, const struct held_marks *marks)
{
    for (shard_set left = held_shards(s); left;) {
        struct server *one = held_next(s, &left);
        effects_back_to(&one->effects, marks->of[one->shard_index]);
    }
}
