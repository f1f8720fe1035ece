// remake.h: a giant value made anew in another shard's heap, in slices: as it was when this began.
//
// Source:  DESIGN "Walks"; joint.h does the same in one go
// Thread:  whoever holds both shards
// Memory:  in the one heap a cut of the value (and struct remake, HEAP_OTHER); in the other
//          one what is made, which is nobody's until remake_put
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/keyspace/keyspace.h"

struct remake;
struct value;

bool remake_may(const struct entry *e); // its value is not in the entry itself
// e, of `from`. O(1), but for the groups of a stream.
struct remake *remake_begin(struct keyspace *from, const struct entry *e, struct keyspace *to);
bool remake_step(struct remake *r, uint64_t until_tsc); // true: it is made
// At key, in place of what is there, with its deadline. is_new: with the access clock of a new one,
// else its own. Counts a change.
struct entry *remake_put(struct remake *r, uint32_t db, const struct key *key, bool is_new,
                         uint64_t now_ms);
// What was made, for the caller to put: with the access clock of the old one.
struct value remake_take(struct remake *r);
void remake_end(struct remake *r); // at any time; what was not put goes
