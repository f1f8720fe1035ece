// temporary.h: files in the working folder that are named after the process that writes them. They
// get their real names when they are whole; those of a process that is gone are garbage.
//
//   temp-<process>.rdb                                                  a snapshot
//   temp-rewriteaof-<process>.aof, temp-rewriteaof-bg-<process>.aof     a rewrite; Redis's only
//
// Source:  spec/aof.md chapters 2 and 10 (5.); names as redis-server 7.0 has them
// Thread:  any
// Memory:  nothing is kept
#pragma once

enum { TEMPORARY_NAME_MAX = 32 }; // with its end

// Of the snapshot that this process writes. Returns out.
char *temporary_snapshot_name(char out[TEMPORARY_NAME_MAX]);

// Those of processes that are gone. Failing is no harm: the next start tries again.
void temporary_remove_snapshots(void);
void temporary_remove_rewrites(void);
