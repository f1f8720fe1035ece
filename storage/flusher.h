// flusher.h: the one thread that writes files for the shards: it groups what they hand it, writes,
// syncs and says how far each file is durable. No shard ever waits for a disk.
//
// Source:  DESIGN "Storage"; spec/aof.md chapter 5 (what a log's errors do)
// Thread:  a port belongs to its shard; flusher_turn to the flusher's thread, or to a test that
//          takes its turns itself. open and close: by whoever has all of them standing still
// Memory:  chunks are the flusher's, lent to a shard from flush_take_chunk to flush_write,
//          registered with the disk; their number bounds what is under way. Requests are their
//          requester's again when done runs; a file when the request that ends it (COMMIT, DISCARD,
//          FINISH, or a CREATE that failed) is done and every port's chunks of it came back
//
// When chunks come back. Of a snapshot, and of a log under everysec and no: when the kernel has
// them. Of a log under always: when they are durable, since after a failed fdatasync the kernel may
// have dropped the pages and says of the next fdatasync that all is well: what was not durable yet
// is written again, from the chunks. Under everysec and no that is not to be had (a second of
// writes is more than the chunks hold): such a file has has_lost set, and durable stays behind.
//
// Requests run beside each other; who needs an order asks for the next when the one before is done.
//
// A file has an order of its own: what one port hands over is written in the order in which it was
// handed over. A snapshot is written by several ports at once: a group (whole keys) stays together,
// groups of different ports follow one another in any order.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"
#include "dataplane/base/list.h"
#include "dataplane/base/status.h"
#include "dataplane/base/waker.h"
#include "storage/disk.h"

enum {
    FLUSH_CHUNK_BYTES = 128 * 1024,
    FLUSH_CHUNKS_PER_PORT = 16, // 2 MiB of a shard under way
    FLUSH_PORTS_MAX = 64,
    FLUSH_REQUESTS_PER_PORT = 256,
    FLUSH_RETRY_MS = 1000,    // of a log whose disk refuses
    FLUSH_POSTPONE_MS = 2000, // everysec: a write waits so long for a sync (spec/aof.md chapter 5)
    FLUSH_SYNC_EVERY_MS = 1000,                  // everysec
    FLUSH_SNAPSHOT_SYNC_BYTES = 4 * 1024 * 1024, // so that the last sync finds little to do
};

struct flusher;
struct flusher_port;

struct flush_chunk {
    uint8_t *data;
    uint32_t size; // written by the shard; at most FLUSH_CHUNK_BYTES
    // The flusher's:
    uint32_t port;
    bool ends_group, is_of_log;
    struct flush_file *file;
    uint64_t offset; // where it was written
    struct list_node link;
};

enum flush_file_kind {
    FLUSH_SNAPSHOT, // a temporary file that is committed under its name, or discarded. Groups of
                    // several ports; with has_trailer a CRC64 (spec/rdb.md) of all before is put
                    // behind the last byte when it is committed
    FLUSH_LOG,      // is appended to by one port; what cannot be written is kept, and tried again
};
enum flush_sync { FLUSH_SYNC_NO, FLUSH_SYNC_EVERYSEC, FLUSH_SYNC_ALWAYS };

// Filled by its owner before FLUSH_CREATE; no byte of it is the owner's to write until it is
// closed.
struct flush_file {
    enum flush_file_kind kind;
    const char *path;  // where it is written; a snapshot's temporary name
    bool has_trailer;  // snapshot; else the file ends with its last byte
    bool has_checksum; // has_trailer: else it is eight zeros (rdbchecksum no)
    bool must_append;  // log: what is there stays, start_size says how much of it is good
    uint64_t start_size;
    uint32_t port;        // log: index of the port that appends to it, whoever creates it
    enum flush_sync sync; // log; flush_set_sync changes it
    // Told by the flusher, read by anybody (relaxed, but durable: acquire).
    uint64_t written; // bytes of the file that the kernel took; less again when a log's have to be
                      // written anew, but never less than durable
    uint64_t durable; // of those, bytes that a sync was done behind
    uint64_t delayed; // everysec: writes that went ahead although a sync was still under way
                      // (aof_delayed_fsync)
    int error;        // errno of the last attempt; 0: fine. A snapshot's stays, a log's goes
    bool has_lost; // log: a sync failed when the chunks behind it were gone. Whatever later syncs
                   // say, durable stays, and under always error does too: a rewrite heals it
    struct flush_work *work; // the flusher's; NULL when the file is not open
};

enum flush_op {
    FLUSH_CREATE,  // opens file->path: a snapshot anew, a log as it says: that is durable, and its
                   // name, when done runs. The requester may write before; other ports when it is
                   // done. Where it fails the file is closed, and what is written to it comes back.
                   // EINVAL: a log shorter than start_size
    FLUSH_COMMIT,  // snapshot: behind all that was handed over by the requester: trailer, sync,
                   // close, rename to target, sync of the directory. Chunks of other ports have
                   // to have come back before. When anything failed, now or earlier: the error,
                   // and the temporary file is removed
    FLUSH_DISCARD, // snapshot: close and remove it. Other ports write no more
    FLUSH_FINISH,  // log: behind all that was handed over: written, synced, closed. Takes as long
                   // as the disk refuses (file->error); EIO when the file has_lost
    FLUSH_REPLACE, // a whole small file: text is written to path, synced, renamed to target, and
                   // the directory is synced: manifests. When it fails path is removed
    FLUSH_RENAME,  // path to target, and the directory is synced
    FLUSH_REMOVE,  // unlink path; no error when there is none
};
struct flush_request {
    enum flush_op op;
    struct flush_file *file; // CREATE, COMMIT, DISCARD, FINISH
    const char *path;        // REPLACE, RENAME, REMOVE
    const char *target;      // COMMIT, REPLACE, RENAME
    struct bytes text;       // REPLACE
    int error;               // errno; 0: done
    bool is_renamed; // REPLACE: with an error, too: it can be seen, and may be lost by a crash
    const char *error_step; // "open", "write", "fdatasync" ...: what failed; a literal or NULL
    void (*done)(void *context, struct flush_request *r); // by flush_poll, on the port's thread
    void *context;
    uint32_t port; // the flusher's, as is link
    struct list_node link;
};

struct flusher_config {
    uint32_t port_count;
    // Of the ports' threads, woken when a request is done, a snapshot's chunk came back, a log's
    // durable or error changed, or a log's chunk came back to a port that had been refused one.
    // NULL, or some NULL: not woken.
    struct waker **wakers;
    struct disk *disk; // borrowed
    int core;          // for its thread; -1: anywhere
};

// ERR_NO_SPACE, ERR_IO. No thread runs yet.
enum status flusher_open(struct flusher **out, const struct flusher_config *config) MUST_USE;
enum status flusher_start(struct flusher *f) MUST_USE; // its thread
// Ends the thread after all that was handed over is written (not retried) and synced; snapshots
// that were not committed are discarded. Requests whose done did not run are filled in, and
// forgotten. The ports' threads stand still, or have stopped.
void flusher_close(struct flusher *f); // NULL is tolerated
// One turn without the thread: takes what the ports sent, has the disk work, sends back. May wait
// for the disk up to timeout_ns. Returns how much was done. now_ns: of a clock that does not go
// back, from 1 on.
uint32_t flusher_turn(struct flusher *f, uint64_t now_ns, uint64_t timeout_ns);

// ---- a shard's side
struct flusher_port *flusher_port_of(struct flusher *f, uint32_t index);
struct flush_chunk *flush_take_chunk(struct flusher_port *p); // empty; NULL: all are under way
void flush_give_chunk(struct flusher_port *p, struct flush_chunk *c); // taken, but not needed
uint32_t flush_chunks_under_way(const struct flusher_port *p);        // those taken count, too
static inline bool flush_is_out_of_chunks(const struct flusher_port *p)
{
    return flush_chunks_under_way(p) == FLUSH_CHUNKS_PER_PORT;
}
// Of these, what was handed over and belongs to logs, or to snapshots.
uint32_t flush_chunks_of(const struct flusher_port *p, enum flush_file_kind kind);
// ends_group: what follows may come behind another port's.
void flush_write(struct flusher_port *p, struct flush_file *file, struct flush_chunk *chunk,
                 bool ends_group);
void flush_ask(struct flusher_port *p, struct flush_request *r);
void flush_set_sync(struct flusher_port *p, struct flush_file *file, enum flush_sync sync);
void flush_flush(struct flusher_port *p); // once per turn: shows the flusher what was handed over
// Takes back chunks, runs requests' done. Returns how many.
uint32_t flush_poll(struct flusher_port *p);
// Whether flush_poll has work, or a log of this port moved (durable, error) since the last one: for
// waker_prepare_sleep.
bool flush_has_input(struct flusher_port *p);
