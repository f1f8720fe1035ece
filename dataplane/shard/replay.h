// replay.h: a process loads its append-only log: the base as any snapshot (loader.h), then the
// commands of the logs, in the order of the plan (storage/aof/aof_plan.h).
//
// Source:  spec/aof.md chapters 7 and 10
// Thread:  the first shard, which holds all others for each of its slices: a command's keys may be
//          of any of them, whatever number of shards wrote the log
// Memory:  a struct replay (HEAP_OTHER) from begin to the end of the load; files are mapped one
//          generation at a time
//
// Commands run as Redis runs them: no user, no limit of memory, nobody waits, nothing is told to a
// log, and nothing expires meanwhile. A unit (MULTI to EXEC) runs when its EXEC was read.
// A log that cannot be loaded ends the process, as a snapshot does (loader.h).
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/status.h"

struct persist;
struct settings;
struct shard;
struct aof;
struct replay;

enum { REPLAY_ERROR_MAX = 800 };

// persist_is_loading from here on: the log that aof->directory lists (open) is loaded by the
// shards' turns. With an empty manifest nothing is, and it is over at once. At the start, before
// any shard turns, or with all shards held and emptied (DEBUG LOADAOF). ERR_IO: error says why it
// cannot be.
enum status replay_begin(struct persist *p, struct aof *aof, const struct settings *settings,
                         uint64_t now_wall_ms, char error[REPLAY_ERROR_MAX]) MUST_USE;
// The first shard's, by loader_turn, once the base is loaded: a turn's work. False: there is
// nothing left, all of it was loaded and the files are cut to what was.
bool replay_turn(struct shard *s, uint64_t until_tsc);
void replay_close(struct persist *p); // at any time; idempotent

// ---- for loader.c
// "": a log without a base. NULL: no log is loaded.
const char *replay_base_path(const struct persist *p);
// The first shard's: so many bytes follow the base's snapshot.
void replay_note_snapshot(struct persist *p, uint64_t behind);
