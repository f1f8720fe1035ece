// load.h: a snapshot file on its way into one shard: its keys, and the libraries of functions,
// which every shard has.
//
// Source:  spec/rdb.md; Redis 7.2 for what is dropped, refused, said in the log and counted
// Thread:  the shard
// Memory:  embedded in its user, about 20 KiB; the file is borrowed, from open to close
//
// Each shard goes through the whole file and passes over what others have, which costs a few ns a
// key and no message. Nothing that is loaded is told to anybody: no effects, events, tracking.
// Keys are put as they come: after LOAD_FAILED the keyspace holds a part, and must not be served.
#pragma once
#include "dataplane/cmd/server.h"
#include "dataplane/types/value_restore.h"
#include "storage/rdb/rdb_file.h"

enum load_flags {
    LOAD_MERGE = 1 << 0,     // takes the place of keys and libraries that are there; else refused
    LOAD_QUIET = 1 << 1,     // what the file says of itself is logged by another shard's load
    LOAD_UNCHECKED = 1 << 2, // the file's checksum is looked at elsewhere, or not at all
    LOAD_EXPIRED = 1 << 3,   // keys whose time is over are loaded, too: a log follows
};
struct load_config {
    struct server *server; // borrowed, so too below
    struct bytes file;
    uint32_t flags; // enum load_flags
    void (*log)(struct server *server, int level, const char *line);
};

enum { LOAD_ERROR_MAX = 320 };
struct load_error {
    uint64_t offset;             // in the file
    char line[LOAD_ERROR_MAX];   // as Redis logs it
    char reason[LOAD_ERROR_MAX]; // in a few words
    bool is_short;               // the file may be cut off
};

// A key that was read, with its value, and waits for others to be put with it: then memory of the
// keyspace is asked for once for all of them.
enum { LOAD_KEYS = 16, LOAD_NAME_BYTES = 128 };
struct load_key {
    struct key key;
    uint64_t offset; // in the file
    uint64_t deadline_ms;
    int64_t idle_s, frequency;
    bool is_open; // value
    bool is_kept; // the name stays where it is when the next item is read
    struct value_restore value;
    uint8_t name[LOAD_NAME_BYTES]; // a short one that does not lie in the file as it is
};

enum load_phase { LOAD_ITEM, LOAD_VALUE, LOAD_PASS_OVER, LOAD_SUM, LOAD_RESERVE };
struct load {
    uint64_t keys_left; // load_step returns before it reads more keys of the file, whosever they
                        // are. The caller's to set; UINT64_MAX at first: any number
    // What a caller may look at:
    struct rdb_file file; // its offset: how far it came
    struct load_error error;
    uint64_t keys_loaded, keys_expired;
    uint64_t keys_empty;  // collections without elements are left out
    uint64_t used_memory; // of the server that saved it, as the file says; 0: it does not say
    uint64_t behind_end;  // bytes of the file behind the snapshot
    // For load*.c:
    struct load_config config;
    struct rdb_item item;
    enum load_phase phase;
    uint32_t db;
    uint64_t now_ms; // at its beginning: deadlines before it have passed
    bool value_is_broken;
    uint64_t reserve_keys, reserve_position; // keyspace_reserve_step
    uint32_t key_count;                      // of keys: they wait; the next one is read
    struct load_key keys[LOAD_KEYS];
};
enum load_result { LOAD_MORE, LOAD_DONE, LOAD_FAILED };

// False: the error is told, and nothing has to be closed.
bool load_open(struct load *l, const struct load_config *config);
// Goes on until about until_tsc. LOAD_FAILED: the error is told.
enum load_result load_step(struct load *l, uint64_t until_tsc);
void load_close(struct load *l); // at any time after open
