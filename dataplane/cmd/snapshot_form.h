// snapshot_form.h: how a snapshot writes keys, and what stands before and behind them in its file.
//
// Source:  spec/rdb.md; spec/aof.md chapter 6 (RESP base content)
// Thread:  as snapshot.h
// Memory:  const; a large value is snapshot.c's, what it holds of its form is given back by drop
#pragma once
#include "dataplane/cmd/key_commands.h"
#include "dataplane/cmd/snapshot.h"
#include "dataplane/types/value_dump.h"

enum { SNAPSHOT_NO_DATABASE = UINT32_MAX };

// What a key is, besides its value, at the moment of the snapshot.
struct snapshot_key {
    struct bytes name;
    uint32_t db;
    uint64_t deadline_ms; // KEYSPACE_NO_DEADLINE: none
    uint32_t idle_s, frequency;
};

// One that is written in slices.
struct snapshot_large {
    struct list_node link;
    struct snapshot_key key;
    bool has_begun;
    union {
        struct value_dump dump;
        struct key_commands commands;
    };
    uint8_t name[]; // where key.name lies
};

struct snapshot_form {
    // A small key, whole. It may be that nothing is left of a value: then nothing is written.
    void (*put)(struct snapshot *s, struct snapshot_out *out, const struct snapshot_key *key,
                const struct entry *e);
    // A large one: takes cuts of it. False: nothing is left of it, nor to be dropped. Written to
    // s->out: begin once, then step until it says true, `budget` elements or so each time.
    bool (*cut)(struct snapshot *s, struct snapshot_large *l, const struct entry *e);
    void (*begin)(struct snapshot *s, struct snapshot_large *l);
    bool (*step)(struct snapshot_large *l, uint32_t budget);
    void (*drop)(struct snapshot_large *l);
    // With all shards standing. It may be nothing.
    void (*put_file_head)(struct rdb_buffer *out, struct server *server, bool is_aof_base);
    struct bytes file_end;
    bool has_trailer; // behind that: eight bytes of a checksum
};
