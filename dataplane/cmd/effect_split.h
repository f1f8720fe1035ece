// effect_split.h: the effect of a command with keys of several shards: to each of them what it did
// to that shard's own keys.
//
// Source:  spec/aof.md chapter 4 for what effects look like; DESIGN "Shards"
// Thread:  the shard that runs the command and holds those of its keys
// Memory:  what is encoded on the way is given back
//
// The stream of a shard (effects.h) is replayed by itself, so it says nothing that needs another
// shard's keys. An effect whose keys are all on one shard goes there as it is. Of the others:
//
//   none: FLUSHALL, FLUSHDB, SWAPDB   as it is, to every shard
//   MSET, MSETNX; DEL, UNLINK         the same with the shard's own keys; MSETNX, which has set
//   them
//                                     all, as MSET
//   LMOVE, RPOPLPUSH                  LPOP or RPOP at the source; LPUSH or RPUSH of what was moved
//   SMOVE                             SREM at the source; SADD
//   RENAME, COPY, BITOP, PFMERGE,     for each key that the command writes what is there now: DEL,
//   SORT STORE, all others            SET, or RESTORE with the value as DUMP gives it
//
// Chosen here instead of in each body: it needs the arguments and what the body left, nothing else,
// and a command that is in no row of the table comes out right. What is at a key is encoded in one
// go, as RENAME and COPY as parts of a whole make it anew in one go (joint.h). What may be large
// does not come by here, it is told in slices: stores of sets and sorted sets, and SORT's when it
// is a job (effect_draft.h); giants that RENAME and COPY bring to another shard (transfer.h).
//
// What each shard has a copy of (FUNCTION LOAD, ...: ROUTE_EACH) is its own effect at each of them
// (route_run_for_others).
#pragma once
#include "dataplane/cmd/cmd.h"

// The effect is what is at key now, however it came there: SET, RESTORE, DEL. Of any call.
void effect_put_value(struct call *call, uint32_t db, struct bytes key);
// The effect argv of a joint call (call_home.h), after it was done. argv may be the call's own.
void effect_split(struct call *call, uint32_t db, const struct bytes *argv, uint32_t argc);
