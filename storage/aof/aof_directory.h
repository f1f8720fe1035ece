// aof_directory.h: the folder of an append-only log as a server finds it: locked, its list read,
// what a crashed run left behind removed.
//
// Source:  spec/aof.md chapters 2, 7 and 10 (names, upgrade of a single file, what is refused)
// Thread:  whoever opens it. System calls wait for the disk: at the start, or where an operator
//          turns the log on
// Memory:  the manifest's on the heap given
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "storage/aof/manifest.h"

enum { AOF_DIRECTORY_ERROR_MAX = 800, AOF_PATH_MAX = 2 * (MANIFEST_NAME_MAX + 1) };

struct aof_directory {
    struct heap *heap;                  // borrowed
    char name[MANIFEST_NAME_MAX + 1];   // appenddirname, below the working folder
    char prefix[MANIFEST_NAME_MAX + 1]; // appendfilename
    int lock_fd;                        // the folder itself, flocked; -1: it is not open
    struct manifest manifest;           // as it is on the disk
    bool has_taken_over;                // a log of one file was moved in (to be logged)
};

// Makes the folder when there is none, locks it (flock: a second server is refused), reads the
// manifest, takes over a log of a single file, removes temporary files of this log. name and prefix
// are plain names (settings check that). OK; ERR_IO: error is one or more lines for the operator,
// nothing is open, and nothing on the disk was lost. Refused, too: a folder that holds files of
// this log but no manifest (spec/aof.md chapter 10, 4).
enum status aof_directory_open(struct aof_directory *d, struct heap *heap, const char *name,
                               const char *prefix, char error[AOF_DIRECTORY_ERROR_MAX]) MUST_USE;
void aof_directory_close(struct aof_directory *d); // opened, or zero with lock_fd -1; idempotent
// "<directory>/<file>", terminated; returns out.
char *aof_directory_path(const struct aof_directory *d, const char *file, char out[AOF_PATH_MAX]);
// Bytes of a listed file as it is on the disk. False: it cannot be looked at (errno).
bool aof_directory_file_bytes(const struct aof_directory *d, const struct manifest_file *f,
                              uint64_t *bytes) MUST_USE;
