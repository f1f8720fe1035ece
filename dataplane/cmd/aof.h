// aof.h: what all shards of a process know of the append-only log, and what commands ask of it.
//
// Source:  DESIGN "Storage"; spec/aof.md chapters 5, 6 and 8 (the names of INFO's fields)
// Thread:  fields say who writes them; "any" by __atomic calls
// Memory:  one for the process, embedded in struct persist
//
// Positions count the bytes of a shard's log since the process started, whatever the file.
#pragma once
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/keyspace/placement.h"
#include "storage/aof/aof_directory.h"

struct server;
struct replay;

enum aof_state {
    AOF_OFF,
    AOF_STARTING, // commands are logged; the first snapshot is not done: no file counts yet
    AOF_ON,
};

// Of one shard: its own to write, or its holder's; others read now and then.
struct aof_shard {
    alignas(64) uint64_t appended; // position behind the last unit
    uint64_t written;              // the kernel has it
    uint64_t durable;              // of those, synced
    uint64_t joint_ready;          // number of the last transaction over several shards whose part
                                   // here is durable, with all before it being whole
    uint64_t delayed;              // aof_delayed_fsync
    uint64_t buffered_bytes;       // not yet taken by the kernel
    uint64_t file_bytes;           // of the incr that is appended to
    int32_t error;                 // errno of its file; 0: fine. aof_set_error writes it
    bool has_lost;                 // a sync failed for what nobody has any more (flusher.h):
                                   // durable stays until a base is there that has it
};

struct aof {
    struct aof_shard shards[PLACEMENT_SHARDS_MAX];
    // ---- written by the first shard, read by any
    uint32_t state;    // enum aof_state
    bool is_rewriting; // from the first step to the last
    bool is_scheduled; // wanted, and cannot begin yet
    bool last_rewrite_ok;
    int64_t last_rewrite_s;         // -1: none was done
    uint64_t rewrite_started_ms;    // wall clock
    uint64_t rewrites;              // that worked
    uint64_t failures;              // in a row
    uint64_t bases;                 // that the manifest came to list. Atomic
    uint64_t last_extra_bytes;      // aof_last_cow_size
    uint64_t base_bytes;            // aof_base_size
    uint64_t older_bytes;           // of the base and all incrs but those appended to
    struct aof_directory directory; // open unless AOF_OFF; lock_fd -1: not open
    struct replay *replay;          // being loaded; NULL: not
    // ---- any, atomically
    uint32_t is_wanted;   // BGREWRITEAOF: the first shard begins when it can
    uint32_t is_asked_on; // appendonly, at the start and by CONFIG SET: 1 on, 0 off. The first
                          // shard follows
    uint32_t older_left;  // shards whose file before this one is not finished: until then nobody
                          // writes to the new ones. Behind a transaction that is not whole in those
                          // before there is nothing then (aof_plan.h)
    uint64_t failing;     // shard_set: of those with an error
    uint64_t waiting;     // shard_set: of those whose clients wait for the logs of all (aof_wait.h)
};

static inline uint32_t aof_state(const struct aof *a)
{
    return __atomic_load_n(&a->state, __ATOMIC_ACQUIRE);
}
// Of a shard's log, by that shard: it cannot be written now; 0: it can.
void aof_set_error(struct aof *a, uint32_t shard_index, int error);
// Whether a log cannot be written: to be asked before every command.
static inline bool aof_has_failed(const struct aof *a)
{
    return __atomic_load_n(&a->failing, __ATOMIC_RELAXED) != 0;
}
static inline bool aof_is_asked_on(const struct aof *a)
{
    return __atomic_load_n(&a->is_asked_on, __ATOMIC_ACQUIRE) != 0;
}
// errno of the log that cannot be written, of any shard; 0: all can. Writes are refused meanwhile
// (MISCONF, with strerror).
int aof_error(const struct server *server);
uint64_t aof_current_bytes(const struct server *server); // aof_current_size
// BGREWRITEAOF. Sets *is_scheduled when it begins later. NULL, or an error for the client.
const char *aof_rewrite(struct server *server, bool *is_scheduled);
// What INFO says: a rewrite that was asked for and does not have to wait is under way.
bool aof_is_rewriting(const struct server *server);
bool aof_is_scheduled(const struct server *server);
// Whether everything up to these positions (of all shards, PLACEMENT_SHARDS_MAX) is durable. Not
// before AOF_ON: what is synced until then belongs to no log yet.
bool aof_is_durable(const struct server *server, const uint64_t *positions);
void aof_positions(const struct server *server, uint64_t *positions); // now
// A server that would stop now loses what it has: there is no snapshot that the log could begin
// with. flags: enum lane_stop_flags
bool aof_may_stop(const struct server *server, uint32_t flags);
void aof_open(struct aof *a); // once, before the shards
