// saver.h: snapshots of all shards in one file, made while they go on.
//
// Source:  DESIGN "Storage"; cmd/snapshot.h has what a shard does of it, storage/flusher.h what the
//          disk gets
// Thread:  struct saver: its shard. struct saving: fields say who writes them
// Memory:  struct saver is embedded in its shard; one struct saving for the process
//
// The shard whose command it was coordinates. All shards standing, it begins their snapshots: that
// is the file's moment. Then it has the file opened and writes its head; each shard sends pieces as
// the flusher has room, and the last one to be done has the coordinator write the end and commit
// the file under its name. Whatever fails on the way is told to all, who drop what they have.
//
// What a snapshot takes of memory (saver_extra_bytes) is bounded by snapshot-max-extra-memory: past
// half of it slices are longer; past all of it writes wait until enough has left.
#pragma once
#include "dataplane/cmd/persist.h"
#include "dataplane/cmd/snapshot.h"
#include "storage/flusher.h"

enum {
    SAVER_TARGET_MAX = 520,
    SAVER_CHUNKS_MAX = FLUSH_CHUNKS_PER_PORT / 2, // the rest is for the log
    SAVER_SLICE_US = 250,
    SAVER_SLICE_SHARED_US = 100,  // while others send commands
    SAVER_SLICE_PRESSED_US = 500, // when memory presses
    SAVER_PIECES_BYTES = 1 << 20, // encoded and not taken by the flusher: enough to go on with
    SAVER_POLL_US = 200,          // while only the disk is waited for
};

struct shard;
struct saving {
    struct persist *persist; // borrowed, as is the flusher
    struct flusher *flusher;
    // Written before the moment, by the coordinator, all shards standing:
    struct flush_file file;
    struct flush_request request; // one at a time; not in a shard, which is closed before the
                                  // flusher
    char path[SAVER_TARGET_MAX], target[SAVER_TARGET_MAX];
    // Of the append-only log's base: told how it ended, instead of all else that hears of a
    // snapshot's end. NULL: it is a snapshot of its own.
    void (*on_base_end)(struct shard *coordinator, int error, const char *step);
    // By any, atomically:
    uint32_t is_open; // the file is, and has its head
    int32_t error;    // errno of what failed first; 0
    uint32_t left;    // shards that are not done
};

enum saver_phase {
    SAVER_IDLE,
    SAVER_WALKING,
    SAVER_DRAINING, // everything was sent, not everything is back
    SAVER_DONE,     // waits for the others, when it coordinates
    SAVER_ENDING,   // the coordinator: the file is being committed, or discarded
};
struct saver {
    struct saving *saving; // NULL: there is no disk
    struct flusher_port *port;
    struct snapshot snapshot;
    enum saver_phase phase;
    bool is_coordinator, is_creating, is_file_open, has_sent_head, is_for_stop;
    const char *error_step;          // what failed, of the coordinator's requests
    uint64_t walked_keys, walked_ns; // in the last slice, and when that was
};

// In the folder of the snapshots: those that a process left half written when it died are removed.
void saving_open(struct saving *g, struct persist *persist, struct flusher *flusher);
void saver_open(struct shard *s, struct saving *saving);
void saver_close(struct shard *s);
const char *saver_begin(struct server *server); // struct server_ops.save
// The same, of a base of the append-only log: target is its path, once it is whole.
void saver_begin_base(struct shard *s, const struct snapshot_form *form, const char *path,
                      const char *target,
                      void (*on_end)(struct shard *s, int error, const char *step));
void saver_give_up(struct shard *s); // a base is wanted no more: it ends with ECANCELED
uint64_t saver_extra_bytes(const struct persist *p); // the most that the last one had, of all
// Between two commands. has_others: they sent some in this turn. Returns how much was done.
uint32_t saver_turn(struct shard *s, bool has_others);
uint64_t
saver_next_ns(const struct shard *s); // when it wants a turn; UINT64_MAX: it has nothing to do
void saver_cron(struct shard *s);     // save points
