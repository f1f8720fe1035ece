// takeover.h: keys that go from one shard's keyspace to another's, as if nothing had happened.
//
// Source:  DESIGN "Shards"; placement.h
// Thread:  whoever holds both shards
// Memory:  values are made anew in the heap of where they go; a giant in one go
//
// No event is told, no change counted, no effect recorded; deadlines and access clocks go along. A
// name goes with what it stands for in every database, so that it is never in two shards.
#pragma once
#include "dataplane/keyspace/keyspace.h"

struct takeover {
    struct keyspace *from, *to;
    bool (*concerns)(void *context, struct bytes name);
    void *context;
    uint64_t position; // in hash space, of all databases: what lies before it is done
    uint64_t keys;     // that went, each database's on its own
};
// From position on, until there is nothing left (true) or until_tsc is reached. Names that are
// concerned may be fetched between two steps, and must not be made at `from`.
bool takeover_step(struct takeover *t, uint64_t until_tsc);
// This one, wherever it stands. Returns how many keys that was.
uint32_t keyspace_fetch(struct keyspace *to, struct keyspace *from, struct bytes name);
