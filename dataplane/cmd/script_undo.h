// script_undo.h: what the keys were that a script has changed, for SCRIPT KILL UNDO and for one
// that has to begin anew (script_shards.h).
//
// Thread:  the shard that runs it; other shards whose keys it may change stand still
// Memory:  an image per key (key_image.h), on the heap of the key's shard, and a table of them,
//          HEAP_SCRIPTS, up to script-undo-memory: beyond that all are dropped and the script
//          cannot be undone
// An image is taken at a key's first change (job.h, before_write): a copy of a small value, a cut
// of a collection. A string of more than 32 KiB would have to be copied for it, so a script that
// changes one cannot be undone.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/cmd/cmd.h"
#include "dataplane/cmd/job.h"
#include "dataplane/keyspace/placement.h"

struct key_image;

enum { SCRIPT_UNDO_BUCKETS = 8 }; // of which no allocation is needed
struct script_undo_home {         // a shard whose keys it may change
    struct job_watch watch;
    struct script_undo *undo;
};
struct script_undo {
    struct server *server;        // that runs the script
    shard_set shards;             // that are watched
    const struct client *client;  // the database that keys are in
    uint32_t other_db;            // where MOVE and COPY put them; the same: nowhere else
    bool is_on;                   // the script may write, and may be undone
    struct key_image **buckets;   // first, or an allocation
    uint32_t bucket_count, count; // of images
    uint64_t bytes, bytes_max;
    struct key_image *first[SCRIPT_UNDO_BUCKETS];
    struct script_undo_home homes[PLACEMENT_SHARDS_MAX]; // of shards
};

// For the keys of server and of the shards that it holds.
void script_undo_begin(struct script_undo *u, struct server *server, const struct client *client);
// Of these shards it has changed nothing, and will not.
void script_undo_drop(struct script_undo *u, shard_set shards);
// A command that writes is about to run.
void script_undo_prepare(struct script_undo *u, const struct call *call);
// The end: the images are dropped.
void script_undo_end(struct script_undo *u);
// Instead: every key is again what it was. is_told: those who watch keys hear of it.
void script_undo_all(struct script_undo *u, struct call *call, bool is_told);
