// takeover.h: keys that go from one shard's keyspace to another's, as if nothing had happened.
//
// Source:  DESIGN "Shards"; placement.h
// Thread:  whoever holds both shards
// Memory:  values are made anew in the heap of where they go; giants in slices
//
// No event is told, no change counted, no effect recorded; deadlines and access clocks go along. A
// name goes with what it stands for in every database, so that it is never in two shards.
#pragma once
#include "dataplane/keyspace/keyspace.h"

struct takeover_giant;
struct takeover {
    struct keyspace *from, *to;
    bool (*concerns)(void *context, struct bytes name);
    void *context;
    uint64_t position;            // in hash space, of all databases: what lies before it is done
    uint64_t keys;                // that went, each database's on its own
    struct takeover_giant *giant; // whose values are being made anew; NULL: none
};
// From position on, until there is nothing left (true) or until_tsc is reached. Names that are
// concerned may be fetched between two steps, and must not be made at `from`; a giant there must
// not be changed (takeover_giant.h).
bool takeover_step(struct takeover *t, uint64_t until_tsc);
// Ahead of all others, but behind the giant that is on its way; true: name is not at `from` any
// more, or no giant.
bool takeover_step_for(struct takeover *t, struct bytes name, uint64_t until_tsc);
// This one, wherever it stands, and in one go. Returns how many keys that was.
uint32_t keyspace_fetch(struct keyspace *to, struct keyspace *from, struct bytes name);
