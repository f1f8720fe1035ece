// appender.h: a shard's part of the append-only log: what its commands did goes to the flusher, and
// how far it is durable comes back.
//
// Source:  DESIGN "Storage"; spec/aof.md chapters 3 and 5; storage/flusher.h
// Thread:  the shard, or who holds it. Files are told by the keeper (keeper.h)
// Memory:  chunks of the flusher; what finds none waits in pieces of the heap (HEAP_LOG), of which
//          APPENDER_BACKLOG_MAX bytes stop those who write. What is long comes in such pieces, and
//          is copied to chunks APPENDER_SEND_BYTES a turn
//
// Effects (cmd/effects.h) come as whole units. Under always a chunk is handed over when none is
// under way and a turn had no more commands: whoever is answered behind a sync and asks again at
// once shares the next one (on two cores 1.35 times the writes of handing over at once). Else when
// it is full or APPENDER_HAND_OVER_US old.
//
// A file follows another at a moment that all shards share (a rewrite's cut). Nothing is written to
// the new ones before all old ones are whole and durable: a crash leaves no hole between them, and
// no transaction over several shards that is cut in an old one.
#pragma once
#include "dataplane/cmd/aof.h"
#include "dataplane/cmd/effects.h"
#include "storage/flusher.h"

enum {
    APPENDER_HAND_OVER_US = 1000,
    APPENDER_GATHER_US = 1000, // always, at most; as long as the last sync took
    APPENDER_SEND_BYTES = 512 * 1024,
    APPENDER_BACKLOG_MAX = 64 << 20,
};

struct appender_file {
    struct flush_file file; // path: below
    char path[AOF_PATH_MAX];
    uint64_t start; // position of its first byte
    bool is_open;   // the flusher has it: the keeper says so before it is appended to
    struct flush_request finish;
};

// A transaction over several shards in this shard's log (effects_joint), until it is whole.
struct appender_joint {
    uint64_t number, shards; // shard_set; this one alone: of another shard's client
    uint64_t begin, end;     // positions
};

struct settings;
struct shard;
struct appender {
    struct aof *aof; // NULL: there is no disk
    struct aof_shard *told;
    struct flusher_port *port;
    struct appender_file *file;  // appended to; NULL: off
    struct appender_file *older; // the one before, until it is whole; NULL
    uint64_t older_bases;        // aof->bases when its end came
    uint64_t torn_bases;         // aof->bases when something was lost in a file before; UINT64_MAX
    struct flush_chunk *chunk;   // being filled; NULL
    uint64_t chunk_since_ns;
    // Under always: when the chunk under way was handed over (0: none is), when the last one was
    // durable, and how long the next one may gather.
    uint64_t handed_over_ns, synced_ns, gather_ns;
    struct byte_queue backlog; // HEAP_LOG
    uint64_t appended;         // position
    uint64_t delayed;          // of files before
    enum flush_sync sync;
    const struct appender_file *sync_file; // that was told so
    int64_t second;                        // of the last timestamp in the file; 0: none
    struct appender_joint *joints;         // a ring, oldest first (HEAP_LOG)
    uint32_t joint_first, joint_count, joint_room;
};

void appender_open(struct shard *s);
void appender_close(struct shard *s); // the flusher has its chunks, or has been given them
// From here on the effects go to file; NULL: nowhere. All shards stand, or this is the only one,
// and it may turn. What went to the file before is finished by itself.
void appender_turn_to(struct shard *s, struct appender_file *file);
// What the flusher reports, and what is due. After flush_poll, before flush_flush. has_others: the
// turn had commands, so that more may be on their way. Returns how much was done.
uint32_t appender_turn(struct shard *s, bool has_others);
uint64_t appender_next_ns(const struct shard *s); // when it wants a turn; UINT64_MAX: it does not
bool appender_has_input(const struct shard *s);   // for waker_prepare_sleep
// Too much waits for the disk: who writes waits.
bool appender_is_full(const struct appender *a);
// Everything was handed over, and no file ends: the shard may stop.
bool appender_is_quiet(const struct appender *a);
// Nothing waits that belongs to the file so far, nor is one before it still being finished.
bool appender_may_turn(const struct appender *a);
// Bytes of the file that is appended to, with what is on its way; 0: there is none.
uint64_t appender_file_bytes(const struct appender *a);

enum flush_sync appender_sync(const struct settings *settings); // appendfsync
void appender_wake(struct shard *s, uint64_t shards);           // the others among this shard_set

// ---- appender_joint.c: log_wait.h says what durable means
void appender_joint_add(struct shard *s, const struct effects_joint *joint, uint64_t begin);
// durable: position of this log alone. Returns up to where it is, with all it rests on.
uint64_t appender_joint_advance(struct shard *s, uint64_t durable);
bool appender_joint_can_advance(const struct appender *a);
void appender_joint_close(struct shard *s);
