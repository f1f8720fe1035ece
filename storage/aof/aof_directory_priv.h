// aof_directory_priv.h: the steps of opening an append-only log's folder that change the disk.
//
// Source:  aof_directory.h; spec/aof.md chapters 6, 7 and 10
// Thread:  that of aof_directory_open. Waits for the disk
// Memory:  nothing is kept
#pragma once
#include "storage/aof/aof_directory.h"

// Fills error, as by printf. Returns ERR_IO.
__attribute__((format(printf, 2, 3))) enum status
directory_refuse(char error[AOF_DIRECTORY_ERROR_MAX], const char *format, ...);
// The folder's entries, and those of the working folder, are on the disk. False: errno.
bool directory_sync(const struct aof_directory *d) MUST_USE;
bool directory_sync_working(void) MUST_USE;

// A log of one file in the working folder, from before Redis 7, becomes the base, when there is no
// other log.
enum status directory_take_over(struct aof_directory *d,
                                char error[AOF_DIRECTORY_ERROR_MAX]) MUST_USE;
// A server that was killed while it turned its log on left files that no manifest lists, and a
// marker that says so: nobody was told that they count. They go.
void directory_remove_begun(const struct aof_directory *d);
// Files of this log, though no list says of them. Empty ones are removed: a server that was killed
// before it had its first list leaves such.
enum status directory_check_unlisted(struct aof_directory *d,
                                     char error[AOF_DIRECTORY_ERROR_MAX]) MUST_USE;
// What crashed servers left. Failing is no harm: the next start tries again.
void directory_remove_left_over(const struct aof_directory *d);
