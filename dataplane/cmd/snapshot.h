// snapshot.h: a shard's keys as they were at one moment, encoded for an RDB file, or as commands,
// while the shard goes on.
//
// Source:  DESIGN "Walks" and "Storage"; snapshot_form.h has what is written
// Thread:  the shard; snapshot_begin, and what hears of writes, whoever holds it
// Memory:  one per server, embedded; encoded pieces on the heap (HEAP_LOG) until they are dropped
//
// The moment is snapshot_begin. A walk per database (walk.h) shows each key once. Before a write
// its keys that are still to come are shown (job.h tells), so what is encoded is what was; keys
// that come to be later are passed over. A large value is not encoded when it is shown: a cut of it
// is taken, which costs the nodes that change while it waits, and it is encoded in slices in its
// turn.
//
// What comes out are pieces. Those up to one that ends a group stay together in the file; groups
// may be mixed with those of other shards, so each begins with its database.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/list.h"
#include "dataplane/cmd/job.h"
#include "storage/rdb/rdb_buffer.h"

enum {
    SNAPSHOT_PIECE_BYTES = 96 * 1024, // of a piece, about; a text of a key may be longer
    SNAPSHOT_ONCE_BYTES = 4 * 1024,   // a value that takes more memory is encoded in slices
};

struct snapshot_piece {
    struct list_node link;
    struct blob *blob;
    size_t sent; // bytes that whoever takes them has taken
    bool ends_group;
};
struct snapshot_walk;
struct snapshot_form;
// The two there are.
extern const struct snapshot_form snapshot_rdb, snapshot_commands;

struct snapshot {
    // What a caller may look at.
    bool is_on;
    struct list pieces; // of struct snapshot_piece: complete, oldest first
    uint64_t keys_total, keys_done;
    uint64_t deadlines_total;
    // For snapshot*.c:
    struct server *server;
    const struct snapshot_form *form;
    struct job_watch watch;
    struct snapshot_walk *walks; // of the databases that had keys
    uint32_t walk_count, walk_at;
    uint64_t now_ms;   // the moment
    struct list large; // of struct snapshot_large; the first may be half written
    uint64_t pieces_bytes;
    struct snapshot_out {
        struct rdb_buffer buffer;
        uint32_t db; // said last; UINT32_MAX: none since the group began
    } out, aside;    // aside: whole keys, while a large value is being written to out
};

void snapshot_open(struct snapshot *s, struct server *server); // once
// The moment is now. Not while one is on.
void snapshot_begin(struct snapshot *s, const struct snapshot_form *form);
// Right behind snapshot_begin, by whoever coordinates all shards, while they stand: the file's head
// as the first piece, a group of its own. False: there is none.
bool snapshot_add_file_head(struct snapshot *s, bool is_aof_base);
// Goes on until until_tsc, one bucket of keys or one piece of a large text at least. True:
// everything is in pieces.
bool snapshot_step(struct snapshot *s, uint64_t until_tsc);
void snapshot_drop_piece(struct snapshot *s); // the first one
void snapshot_end(struct snapshot *s);        // any time; idempotent
// Memory that is there for the snapshot: pieces, buffers, names. Not what changed of large values
// since their cuts: that is the difference in the ledger's dataset.
uint64_t snapshot_extra_bytes(const struct snapshot *s);
