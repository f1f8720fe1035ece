// kept_changes.h: changes that are told later, or never: of a script that may have to begin anew.
//
// Thread:  the shard that runs the script; the others whose keys change stand still
// Memory:  a record per change on that shard's heap (HEAP_SCRIPTS). Beyond bytes_max all are told,
//          and from then on each as it happens
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"
#include "dataplane/keyspace/placement.h"

struct server;
struct kept_change;
struct kept_changes {
    struct server *server; // that runs the script
    shard_set shards;      // where changes are kept
    struct kept_change *first, *last;
    uint64_t bytes, bytes_max;
    bool was_told; // it was more than could be kept
};

// From here on server's changes and those of the shards that it holds are kept.
void changes_begin(struct kept_changes *k, struct server *server, uint64_t bytes_max);
// No more on these shards, of which there are none.
void changes_drop(struct kept_changes *k, shard_set shards);
// What server->on_changed would be called with; event lives as long as the process.
void changes_keep(struct kept_changes *k, struct server *home, uint32_t db, struct bytes key,
                  uint32_t class, const char *event);
// The end: all are told, in their order; or only that keys expired; or nothing.
void changes_tell(struct kept_changes *k);
void changes_tell_expired(struct kept_changes *k);
void changes_forget(struct kept_changes *k);
