// tally_sum.h: the tallies of several shards as one.
//
// Thread:  any; the shards go on counting meanwhile
// Memory:  the caller's
// Units:   as in tally.h
//
// Nearly everything adds up. What does not: the greatest of maxima, of shares of a core, and of
// what every shard has a copy of (scripts, functions); the newest slow command and latency sample;
// the oldest renewal; a mean time to live by the keys that it is of. Peaks were reached by each
// shard at its own time, so all together were at their sum at most.
#pragma once
#include "dataplane/base/tally.h"

// sum starts as all zero.
void tally_sum_add(struct shard_tally *sum, const struct shard_tally *one);
