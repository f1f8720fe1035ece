// persist.h: what all shards of a process know of saving and loading, and what commands ask of it.
//
// Source:  DESIGN "Storage"; spec/rdb.md; spec/aof.md chapter 8 (the names of INFO's fields)
// Thread:  fields say who writes them; "any" by __atomic calls
// Memory:  one for the process, opened before its shards and closed after them
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/file_view.h"
#include "dataplane/cmd/aof.h"
#include "dataplane/keyspace/placement.h"

enum persist_saving {
    PERSIST_IDLE,
    PERSIST_SAVING,      // from the cut until the file is there, or is not
    PERSIST_SAVING_BASE, // the same, of the append-only log's base
};

enum persist_reload {                 // server_ops.reload
    PERSIST_RELOAD_NO_FLUSH = 1 << 0, // what is there stays
    PERSIST_RELOAD_MERGE =
        1 << 1, // and gives way to keys of the file; else one that is there is fatal
    PERSIST_RELOAD_LOG = 1 << 2, // the append-only log is loaded, not the snapshot
};
enum persist_stop { // a server that saves before it stops
    PERSIST_STOP_NONE,
    PERSIST_STOP_WANTED, // the first shard begins when no other snapshot is under way
    PERSIST_STOP_SAVING, // writes wait
    PERSIST_STOP_FAILED, // it goes on
};

// Of one shard: its own to write, others read now and then.
struct persist_shard {
    uint64_t keys_total, keys_done; // of the snapshot under way
    uint64_t extra_bytes;           // memory that is there for the snapshot alone, now
    uint64_t extra_bytes_most;      // so far
    uint64_t slice_cycles_max;      // the longest slice of the snapshot under way, or the last one
    uint64_t dirty_now;             // keyspace_dirty, as of its last cron
    uint64_t dirty_at_cut;          // keyspace_dirty then
    uint64_t dirty_saved;           // keyspace_dirty at the cut of the last one that worked
    uint64_t keys_loaded, keys_expired; // by the last load
    uint64_t keys_empty;                // that it left out
    uint64_t loaded_bytes;              // of the file, so far
    uint64_t unused[4];
};

struct save_job; // cmd_save.c

struct persist {
    uint32_t shard_count;
    struct persist_shard shards[PLACEMENT_SHARDS_MAX];
    // ---- saving. Written by the shard that coordinates it (the one whose command began it), read
    // by any.
    uint32_t saving;      // enum persist_saving
    bool last_ok;         // rdb_last_bgsave_status; of saving on request, too
    uint64_t saves;       // that worked
    uint64_t started_ms;  // wall clock
    uint64_t last_save_s; // unix time of the last that worked; when the process started
    uint64_t last_try_ms; // wall clock, of the last one's end that did not
    int64_t last_took_s;  // -1: none was done
    uint64_t last_took_ms;
    uint64_t last_extra_bytes; // the most that it had
    uint64_t last_file_bytes;
    struct save_job *waiting;  // SAVE's, of the coordinator; NULL: nobody waits
    uint32_t is_scheduled;     // BGSAVE SCHEDULE: a snapshot behind the base under way; any
    bool is_frozen;            // writes wait: DEBUG RELOAD. Written at a rendezvous of all
    uint32_t stop, stop_flags; // enum persist_stop, enum lane_stop_flags; any, atomically
    // ---- loading (shard/loader.h). left: shards that have not finished, and one; any
    uint32_t loading_left;    // 0: nothing is being loaded
    uint32_t opens_log;       // at the start, until the append-only log is open: nobody is served
                              // before, as while something is loaded. The first shard; any reads
    uint32_t load_generation; // counts loads. So too down to load_view: written before they begin
    uint32_t load_flags;      // enum load_flags
    uint64_t load_started_ms, load_file_bytes;
    struct file_view load_view;             // the file, all of it; the first shard reads ahead
    uint64_t load_used_memory;              // that the file says, for progress: the first shard's
    uint32_t load_failed;                   // one of them says why; any
    uint64_t load_log_bytes, load_log_done; // of commands behind the snapshot, by the first shard
    struct aof aof;                         // the append-only log
};

static inline bool persist_is_loading(const struct persist *p)
{
    return p && (__atomic_load_n(&p->loading_left, __ATOMIC_ACQUIRE) != 0 ||
                 __atomic_load_n(&p->opens_log, __ATOMIC_ACQUIRE) != 0);
}
// Of the two, that a file is being loaded.
static inline bool persist_reads(const struct persist *p)
{
    return p && __atomic_load_n(&p->loading_left, __ATOMIC_ACQUIRE) != 0;
}
static inline bool persist_is_saving(const struct persist *p)
{
    return p && __atomic_load_n(&p->saving, __ATOMIC_ACQUIRE) != PERSIST_IDLE;
}
static inline bool persist_is_saving_base(const struct persist *p)
{
    return p && __atomic_load_n(&p->saving, __ATOMIC_ACQUIRE) == PERSIST_SAVING_BASE;
}
struct server;
// At a rendezvous of all shards, or on the only one: the snapshot's moment is now. NULL, or an
// error for the client.
const char *persist_save(struct server *server);
void persist_tell_end(struct server *server); // the coordinator's: SAVE is answered by last_ok
// Changes since the last snapshot that worked, of all shards: at a rendezvous of all.
uint64_t persist_dirty(const struct server *server);
// What there is to say of it all: at a rendezvous of all.
struct persist_tally;
void persist_tell(const struct server *server, struct persist_tally *out);
// The same, by the first shard at any time, into what it said before: of the last snapshot that
// stays while one is under way.
void persist_publish(const struct server *server, struct persist_tally *out);
// A save point is due. The first shard's.
bool persist_is_due(const struct server *server);
// Whether a server that stops with these flags (enum lane_stop_flags) saves first; then it is to
// be asked to, and stops by itself.
bool persist_must_save(const struct server *server, uint32_t flags);
void persist_ask_stop(struct persist *p, uint32_t flags);
bool persist_abort_stop(struct persist *p); // false: there was none
static inline bool persist_is_stopping(const struct persist *p)
{
    uint32_t stop = __atomic_load_n(&p->stop, __ATOMIC_ACQUIRE);
    return stop == PERSIST_STOP_WANTED || stop == PERSIST_STOP_SAVING;
}
// The last snapshot failed, or a log cannot be written: to be asked before every command.
static inline bool persist_has_failed(const struct persist *p)
{
    return p && (!__atomic_load_n(&p->last_ok, __ATOMIC_RELAXED) || aof_has_failed(&p->aof));
}
// Whether writes are refused until it works again: why, as Redis words it, in text or elsewhere.
// NULL: they are not.
enum { PERSIST_REFUSAL_MAX = 160 };
const char *persist_refusal(const struct server *server, char text[PERSIST_REFUSAL_MAX]);
void persist_open(struct persist *p, uint32_t shard_count, uint64_t now_wall_ms);
