// script_undo.h: what the keys were that a script has changed, for SCRIPT KILL UNDO.
//
// Thread:  the shard
// Memory:  an image per key (key_image.h) and a table of them, HEAP_SCRIPTS, up to
//          script-undo-memory: beyond that all are dropped and the script cannot be undone
// An image is taken at a key's first change (job.h, before_write): a copy of a small value, a cut
// of a collection. A string of more than 32 KiB would have to be copied for it, so a script that
// changes one cannot be undone.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/cmd/cmd.h"
#include "dataplane/cmd/job.h"

struct key_image;

enum { SCRIPT_UNDO_BUCKETS = 8 }; // of which no allocation is needed
struct script_undo {
    struct job_watch watch;
    const struct client *client;  // the database that keys are in
    uint32_t other_db;            // where MOVE and COPY put them; the same: nowhere else
    bool is_on;                   // the script may write, and may be undone
    struct key_image **buckets;   // first, or an allocation
    uint32_t bucket_count, count; // of images
    uint64_t bytes, bytes_max;
    struct key_image *first[SCRIPT_UNDO_BUCKETS];
};

void script_undo_begin(struct script_undo *u, struct server *server, const struct client *client);
// A command that writes is about to run.
void script_undo_prepare(struct script_undo *u, const struct call *call);
// The end: the images are dropped.
void script_undo_end(struct script_undo *u, struct server *server);
// Instead: every key is again what it was, and those who watch keys hear of it.
void script_undo_all(struct script_undo *u, struct server *server, struct call *call);
