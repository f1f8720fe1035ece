// snapshot.h: a shard's keys as they were at one moment, encoded for an RDB file while the shard
// goes on.
//
// Source:  DESIGN "Walks" and "Storage"; spec/rdb.md
// Thread:  the shard; snapshot_begin, and what hears of writes, whoever holds it
// Memory:  one per server, embedded; encoded pieces on the heap (HEAP_LOG) until they are dropped
//
// The moment is snapshot_begin. A walk per database (walk.h) shows each key once. Before a write
// its keys that are still to come are shown (job.h tells), so what is encoded is what was; keys
// that come to be later are passed over. A large value is not encoded when it is shown: a cut of it
// is taken (value_dump.h), which costs the nodes that change while it waits, and it is encoded in
// slices in its turn.
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

struct snapshot {
    // What a caller may look at.
    bool is_on;
    struct list pieces; // of struct snapshot_piece: complete, oldest first
    uint64_t keys_total, keys_done;
    uint64_t deadlines_total;
    // For snapshot.c:
    struct server *server;
    struct job_watch watch;
    struct snapshot_walk *walks; // of the databases that had keys
    uint32_t walk_count, walk_at;
    uint64_t now_ms;   // the moment
    struct list large; // of struct large_value; the first may be half written
    uint64_t pieces_bytes;
    struct snapshot_out {
        struct rdb_buffer buffer;
        uint32_t db; // said last; UINT32_MAX: none since the group began
    } out, aside;    // aside: whole keys, while a large value is being written to out
};

void snapshot_open(struct snapshot *s, struct server *server); // once
// The moment is now. Not while one is on.
void snapshot_begin(struct snapshot *s);
// Goes on until until_tsc, one bucket of keys or one piece of a large text at least. True:
// everything is in pieces.
bool snapshot_step(struct snapshot *s, uint64_t until_tsc);
void snapshot_drop_piece(struct snapshot *s); // the first one
// What b holds as a further piece, a group of its own: the file's head and end.
void snapshot_add_piece(struct snapshot *s, struct rdb_buffer *b);
void snapshot_end(struct snapshot *s); // any time; idempotent
// Memory that is there for the snapshot: pieces, buffers, names. Not what changed of large values
// since their cuts: that is the difference in the ledger's dataset.
uint64_t snapshot_extra_bytes(const struct snapshot *s);

// ---- the file's beginning and end, by whoever coordinates all shards
struct snapshot_facts {
    uint64_t now_s, used_memory;
    bool is_aof_base, has_hash_deadlines;
};
void snapshot_put_head(struct rdb_buffer *out, const struct snapshot_facts *facts);
void snapshot_put_functions(struct rdb_buffer *out, const struct server *server);
void snapshot_put_sizes(struct rdb_buffer *out, uint32_t db, uint64_t keys, uint64_t deadlines);
void snapshot_put_end(struct rdb_buffer *out); // the checksum is put behind it by who writes it
