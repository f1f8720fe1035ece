// aof_plan.h: in which order the files that a manifest lists are loaded, and up to where: files of
// several shards lie side by side, and what all of them did together is whole in each or is left
// out in each.
//
// Source:  DESIGN "Storage"; spec/aof.md chapters 7 and 10 (torn tails)
// Thread:  any; state is what is passed
// Memory:  arrays on the heap (HEAP_LOG) until aof_plan_close
//
//   base          loaded first, whole; commands behind its snapshot, or a base of commands, are its
//                 own generation of one file
//   incrs         in the manifest's order. A run of files whose pair "shard" ascends is one
//                 generation: the logs of all shards between two rewrites or starts. A file that
//                 says no shard is a generation by itself.
//
// Whatever a generation holds was done before anything in the next. Within one, the logs are
// independent of one another but for transactions over several shards (#TX lines, aof_write.h):
// each log is read up to the transaction, then all its parts are run, then each goes on.
//
// A transaction of which not every part is there was never acknowledged, and each log that has a
// part of it ends before that part: what stands behind may rest on it. That may cut others, until
// nothing changes. It happens to what was written last only. Where something is cut or torn,
// whatever was written later to the same log (the files of the same shard in later generations)
// has to be empty: else the directory is damaged, and refused.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "storage/aof/aof_directory.h"

struct aof_plan_log {
    uint32_t file;   // index in the manifest
    uint64_t bytes;  // size on the disk
    uint64_t end;    // it is loaded up to here; less than bytes: the rest is cut off
    const char *why; // end < bytes: a literal
};
struct aof_plan_generation {
    uint32_t first, count; // of logs
};
struct aof_plan {
    struct heap *heap; // borrowed
    const struct aof_directory *directory;
    struct aof_plan_log *logs;               // incrs, in the manifest's order
    struct aof_plan_generation *generations; // of them
    uint32_t log_count, generation_count;
    uint64_t total_bytes; // of the base and of the logs up to their ends
    bool has_base;
};

enum { AOF_PLAN_ERROR_MAX = 640 };
struct aof_plan_error {
    char line[AOF_PLAN_ERROR_MAX]; // for the log: names the file and the offset
    bool is_torn;                  // it could be mended by cutting (aof-load-truncated no)
};

// Looks at the sizes of all files and, where generations have several logs, reads these through
// (system calls wait for the disk). A generation of one log is not read: its end is its size, and
// whether it is torn is found when it is loaded (aof_plan_may_be_torn). may_cut:
// aof-load-truncated; without it what would be cut is an error. Nothing on the disk is changed.
// ERR_IO: *error is filled, nothing to be closed.
enum status aof_plan_make(struct aof_plan *p, struct heap *heap, const struct aof_directory *d,
                          bool may_cut, struct aof_plan_error *error) MUST_USE;
void aof_plan_close(struct aof_plan *p);
// Whether this log may end in the middle of something: nothing was written behind it.
bool aof_plan_may_be_torn(const struct aof_plan *p, uint32_t log);
