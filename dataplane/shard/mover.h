// mover.h: gives slots that are to change their shard (cmd/slot_move.h) their share of time.
//
// Thread:  shard 0's; the others stand meanwhile
//
// A portion takes MOVER_PORTION_US; large values go in several. Then the shards run for MOVER_REST
// times as long.
#pragma once
#include <stdint.h>

enum { MOVER_PORTION_US = 200, MOVER_REST = 3, MOVER_RETRY_US = 1000 };

struct shard;
void mover_turn(struct shard *s); // between two commands
uint64_t
mover_next_ns(const struct shard *s); // when it wants a turn; UINT64_MAX: it has nothing to do
