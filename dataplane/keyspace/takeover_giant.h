// takeover_giant.h: a name that stands for a giant goes to another shard's keyspace in slices.
//
// Source:  DESIGN "Walks", "Shards"; takeover.h
// Thread:  whoever holds both shards
// Memory:  in the old shard's heap a cut of each giant value (and struct takeover_giant,
//          HEAP_OTHER); in the new one's what is made of them (remake.h), which nobody sees
//
// Its giant values are made anew while the name still stands at `from`, and in the step in which
// the last of them is complete the name goes there with all that it stands for. Meanwhile nobody
// may change them or make new ones there. What may happen is that they go: expired, evicted,
// flushed, or fetched in one go; or that their databases are exchanged.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/keyspace/keyspace.h"

struct takeover_giant;

bool entry_is_giant(const struct entry *e); // its value takes long to make anew
// It stands at k, in any database, for such a value.
bool keyspace_has_giant(const struct keyspace *k, struct bytes name);
struct takeover_giant *takeover_giant_begin(struct keyspace *to, struct keyspace *from,
                                            struct bytes name);
// True: name is not at `from` any more. *keys grows by how many keys went, each database's on its
// own.
bool takeover_giant_step(struct takeover_giant *g, uint64_t until_tsc, uint64_t *keys);
void takeover_giant_end(struct takeover_giant *g); // at any time; what was not put goes
