// penstockctl_aof_file.h: one file of an append-only log under check-aof's eyes.
//
// Source:  spec/aof.md chapters 9 and 10
// Thread:  one
// Memory:  nothing is kept
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"
#include "dataplane/base/file_view.h"

enum aof_verdict {
    AOF_VALID,
    AOF_EMPTY,
    AOF_SNAPSHOT, // begins as an RDB file; not looked into
    // The end is not whole, and nothing is behind it:
    AOF_UNFINISHED, // torn
    AOF_PADDED,     // torn or not, and then zeros, as file systems leave them after a power loss
    // It is, in part, something else:
    AOF_DOUBTFUL, // torn, but what it ends inside has whole commands in it: a size is damaged, or
                  // they are part of a value
    AOF_DAMAGED,
    AOF_UNREADABLE, // not there, or reading failed, or somebody cut it meanwhile
};

struct aof_look { // not to be copied: error may lie in it
    enum aof_verdict verdict;
    uint64_t size, ok_offset, ok_line; // whole units up to there
    uint64_t error_offset, error_line; // of what is wrong
    const char *error;                 // a literal, strerror's or trouble's; NULL: nothing is
    uint64_t command_count;            // whole ones, in whole units or not
    // A #TS line is newer than asked for: it, or the unit that it stands in, begins at ok_offset.
    // Nothing behind was looked at.
    bool is_newer;
    struct file_trouble trouble; // with reading it
};

// Reads; changes nothing. newest_s: INT64_MAX to look for no time. Costs one pass over the file.
void aof_look_at(struct aof_look *look, const char *path, int64_t newest_s);
// The same of one that is mapped as a whole.
void aof_look_at_view(struct aof_look *look, const struct file_view *v, int64_t newest_s);
// The same of commands that are in memory, whatever they begin with; offsets from their begin.
void aof_look_at_commands(struct aof_look *look, struct bytes commands);
// Cuts the file that was looked at to offset, and syncs it. false: *error says why; it is as it was
// (one that has changed since is not cut).
bool aof_cut(const char *path, const struct aof_look *look, uint64_t offset, const char **error);
