// penstockctl_import.h: what the parts of the verb import share: what was asked for, files, and the
// ways in.
//
//   path --> parts (a snapshot, commands behind it, or both) --> checked --> sent
//   redis://... --> its snapshot in an unlinked file --------'
//
// Thread:  one
// Memory:  files are mapped: a value of any size is copied from where it lies. For files that fail
//          while they are read, or are cut: base/file_view.h
#pragma once
#include "dataplane/base/file_view.h"
#include "dataplane/base/heap.h"
#include "storage/aof/manifest.h"
#include "tools/penstockctl_aof_file.h"
#include "tools/penstockctl_import_target.h"

struct import {
    const char *source;
    bool replaces;
    int64_t database; // the only one to bring; -1: all
    struct target target;
    struct progress progress;
    struct heap heap;
};
static inline bool import_wants(const struct import *im, uint64_t database)
{
    return im->database < 0 || (uint64_t)im->database == database;
}

// ---- files
struct import_part {
    const char *name;      // borrowed: for messages
    struct file_view view; // so this stays where it is while it is open
    bool has_failed;       // reading it: no more of it is sent
    struct bytes map;      // all of view; data is NULL: the file is empty
    int32_t shard;         // whose log it is; -1: not said
    bool may_be_torn;
    // What it consists of: a snapshot up to log_begin, commands up to log_end.
    bool has_snapshot;
    uint64_t log_begin, log_end;
};
// NULL, or why not.
const char *import_part_open(struct import_part *p, const char *path);
void import_part_close(struct import_part *p);
// Is what was read of it what is in the file? False: reading has failed, which was told.
bool import_part_is_good(struct import *im, struct import_part *p);

// ---- snapshots: penstockctl_import_snapshot.c
// Reads all of it and sends nothing. False: something is wrong with it, which was told. *end: of
// what can be read.
bool import_snapshot_check(struct import *im, struct import_part *p, uint64_t *end);
// Sends what can be read; what cannot was told by the check.
void import_snapshot_send(struct import *im, const struct import_part *p);

// ---- append-only logs: penstockctl_import_log.c
// Those of one time, of a shard each, or one that is for all.
void import_logs_send(struct import *im, const struct import_part *parts, uint32_t count);

// ---- sources: penstockctl_import_path.c, penstockctl_import_server.c
// A part that is open: looks through it. False: it is not whole, which was told.
bool import_part_check(struct import *im, struct import_part *p);
// Those that were checked, in their order; nothing when what the check found ends the run. A file
// that fails meanwhile ends it, too: not all of a unit may have been good.
void import_parts_send(struct import *im, struct import_part *parts, uint32_t count);
void import_path(struct import *im);
bool import_is_server(const char *source);
// The parts of redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]. text: a copy of the source, which
// is changed, and borrowed from then on. Complains by itself.
bool import_server_parse(struct import *im, char *text, struct ctl_options *server);
// Takes its snapshot, checks and sends it. CTL_OK also when keys were refused.
enum ctl_exit import_server(struct import *im, const struct ctl_options *server);
