// transfer.h: COPY and RENAME of a giant to a key of another shard, in slices.
//
// Source:  DESIGN "Walks", "Shards"; Redis 7.2 for what they do
// Thread:  the shard that runs the command and holds those of its keys
// Memory:  the job's (HEAP_OTHER), a cut of the value, what is made of it (keyspace/remake.h), and
//          with a log the effect (effect_restore.h)
//
// The value is made anew in the heap of its new home while nobody sees it: the new key is closed,
// and the old one too when it moves (job.h). Then it is put, and the old key goes, in one step.
// What happens to the source of a COPY meanwhile is not in the copy; to that of a RENAME nothing
// can happen, but that its time passes or that it is evicted: its value is where it was to go, all
// the same.
#pragma once
#include "dataplane/cmd/cmd.h"

struct transfer { // from argv[1] to argv[2]
    uint32_t from_db, to_db;
    bool moves;   // RENAME: the old key goes
    bool says_ok; // else 1
};
// e, the source, is large and of another shard than the destination, which may be replaced: the
// command goes on from here by itself. False: it is to be done at once.
bool transfer_begin(struct call *call, const struct entry *e, const struct transfer *t);
// Behind keyspace_copy or keyspace_rename, at once: who is to hear of it.
void transfer_tell(struct call *call, const struct transfer *t);
