// loader.h: a process loads its snapshot: the file, each shard's share of the work (cmd/load.h),
// and the end of it for all.
//
// Source:  Redis 7.2: what is in the log, and that a file that cannot be loaded ends the server
// Thread:  each function says whose
// Memory:  the file is mapped once for all shards, until the last of them is done; a struct load is
//          its shard's (HEAP_OTHER)
//
//   begin    maps the file; persist_is_loading from here on (persist.h)
//   turns    every shard, in slices: commands are answered with -LOADING meanwhile
//   over     the last shard says so in the log; a shard that was done earlier waits for it
// With an append-only log the file is its base, and the first shard goes on with the commands
// (replay.h) before it is over.
//
// The first shard reads ahead of all, so that the disk is waited for in large pieces. What cannot
// be read, then or later, is an error like any other in the file (base/file_view.h).
// A file that cannot be loaded: one shard says why, in the log and to control, and the process
// exits. Control starts no other.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/status.h"

struct load;
struct persist;
struct server;
struct settings;
struct shard;

enum {
    LOADER_TURN_US = 5000, // at most: it ends early when another shard wants this one to stand
    LOADER_SLICE_US = 200,
    LOADER_LEAD_BYTES = 64 << 20, // that is read ahead
    LOADER_ERROR_MAX = 400,
    LOADER_FATAL_MAX = 1000,
};

struct loader {              // of one shard
    struct load *load;       // NULL: not loading, or done
    uint32_t generation;     // persist.load_generation that it has begun
    uint64_t next_report_ns; // of progress
    uint64_t last_key_ns;    // when keys or commands were loaded last
    bool is_dead;            // the process ends
    bool is_waiting;         // for the end of it all
    // Of the first shard; NULL: nobody waits. Called once, when nothing is being loaded any more.
    void (*on_over)(void *context);
    void *context;
};

// ---- at the start, before any shard turns
// The file that settings name is loaded by the shards' turns from now on. It does not exist: OK,
// and nothing is. ERR_IO: error says why it cannot be.
enum status loader_begin(struct persist *p, const struct settings *settings, uint64_t now_wall_ms,
                         char error[LOADER_ERROR_MAX]) MUST_USE;

// ---- the shard's
// Returns how much was done.
uint32_t loader_turn(struct shard *s);
void loader_close(struct shard *s); // before its keyspace is closed; at any time

// ---- DEBUG RELOAD
// struct server_ops.reload. With all shards held, and no script or slot on its way: everything is
// flushed, functions too, and the file is loaded in the turns to come: the caller waits until
// persist_is_loading ends. False: there is no file, or it cannot be opened, and nothing was done.
// A file that turns out to be broken later ends the process.
bool loader_reload(struct server *server, uint32_t flags); // enum persist_reload

// ---- between loader.c, loader_file.c and replay.c
// The file of that name is loaded by the shards' turns. flags: enum load_flags (load.h). ERR_IO:
// error says why it cannot be; it may be that there is none.
enum status loader_begin_file(struct persist *p, const char *name, uint32_t flags,
                              uint64_t now_wall_ms, char error[LOADER_ERROR_MAX]) MUST_USE;
void loader_begin_nothing(struct persist *p, uint64_t now_wall_ms); // the first shard goes on
// key-load-delay: so many keys, or commands of a log, may be loaded now; UINT64_MAX: any number.
// Who loads some sets s->loader.last_key_ns. Redis sleeps behind a key; here turns go on meanwhile.
uint64_t loader_keys_now(const struct shard *s);
// The process ends: lines go to the log, text to control, which starts no other.
__attribute__((noreturn)) void loader_end_process(struct shard *s, const char *lines,
                                                  const char *text);
