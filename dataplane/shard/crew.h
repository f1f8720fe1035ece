// crew.h: the threads of the shards beyond the first, which runs on the thread that opens the crew.
//
// Source:  DESIGN "Processes": one thread per shard, pinned
// Thread:  shard 0's
// Memory:  owned by the caller; hub and configuration are borrowed
#pragma once
#include "dataplane/shard/shard.h"

struct crew;
// Starts a thread for each further shard, which opens its shard there: like first (whose hub is
// set), but for the index and settings of its own. Returns when all are open. ERR_IO: error says
// why; the process is to end.
enum status crew_open(struct crew **out, const struct shard_config *first, char *error,
                      uint32_t error_bytes) MUST_USE;
// Shard 0 is open, too: all join, and the others begin to turn. ERR_NO_SPACE.
enum status crew_begin(struct crew *crew, struct shard *first) MUST_USE;
// Shard 0 has stopped: waits until the others have, closes them, and shard 0 after them.
void crew_close(struct crew *crew, struct shard *first);
// Pins the calling thread to core + index, unless core is negative. ERR_IO: errno tells.
enum status crew_pin(int64_t core, uint32_t index) MUST_USE;
