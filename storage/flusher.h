// flusher.h: the one thread that writes files for the shards: it groups what they hand it, writes,
// syncs and says how far each file is durable. No shard ever waits for a disk.
//
// Source:  DESIGN "Storage"; spec/aof.md chapter 5 (what a log's errors do)
// Thread:  a port belongs to its shard; flusher_turn to the flusher's thread, or to a test that
//          takes its turns itself. open and close: by whoever has all of them standing still
// Memory:  chunks are the flusher's, lent to a shard from flush_take_chunk to flush_write,
// registered
//          with the disk; their number bounds what is under way. Requests and files are their
//          requester's until done runs
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
    FLUSH_RETRY_MS = 1000, // of a log whose disk refuses
};

struct flusher;
struct flusher_port;

struct flush_chunk {
    uint8_t *data;
    uint32_t size; // written by the shard; at most FLUSH_CHUNK_BYTES
    // The flusher's:
    uint32_t index, port;
    struct flush_file *file;
    bool ends_group;
    struct list_node link;
};

enum flush_file_kind {
    FLUSH_SNAPSHOT, // a temporary file that is committed under its name, or discarded. Groups of
                    // several ports; a CRC64 (spec/rdb.md) of all before is put behind the last
                    // byte when it is committed
    FLUSH_LOG,      // is appended to by one port; what cannot be written is kept, and tried again
};
enum flush_sync { FLUSH_SYNC_NO, FLUSH_SYNC_EVERYSEC, FLUSH_SYNC_ALWAYS };

// Filled by its owner before FLUSH_CREATE; no byte of it is the owner's to write until it is
// closed.
struct flush_file {
    enum flush_file_kind kind;
    const char *path;  // where it is written; a snapshot's temporary name
    bool has_checksum; // snapshot; else eight zeros are put (rdbchecksum no)
    bool must_append;  // log: what is there stays, start_size says how much of it is good
    uint64_t start_size;
    enum flush_sync sync; // log; flush_set_sync changes it
    // Told by the flusher, read by anybody (relaxed, but durable: acquire).
    uint64_t written; // bytes of the file that were handed to the kernel
    uint64_t durable; // of those, bytes that a sync was done behind
    uint64_t delayed; // everysec: writes that waited for a sync under way (aof_delayed_fsync)
    int error;        // errno of the last attempt; 0: fine. A snapshot's stays, a log's goes
    // The flusher's:
    int handle; // of the disk
    uint64_t crc;
    int group_port;                       // whose group is open; -1: none
    struct list waiting[FLUSH_PORTS_MAX]; // chunks, by port
    struct list_node link;
    uint64_t synced_ns, retry_ns;
    bool is_writing, is_syncing;
    void *state; // whatever else the flusher keeps
};

enum flush_op {
    FLUSH_CREATE,  // opens file->path: a snapshot anew, a log as it says
    FLUSH_COMMIT,  // snapshot: behind all that was handed over by the requester: checksum, sync,
                   // close, rename to target, sync of the directory. Chunks of other ports have
                   // to have come back before
    FLUSH_DISCARD, // snapshot: close and remove it
    FLUSH_FINISH,  // log: behind all that was handed over: written, synced, closed
    FLUSH_REPLACE, // a whole small file: text is written to path, synced, renamed to target, and
                   // the directory is synced: manifests
    FLUSH_REMOVE,  // unlink path; no error when there is none
};
struct flush_request {
    enum flush_op op;
    struct flush_file *file; // CREATE, COMMIT, DISCARD, FINISH
    const char *path;        // REPLACE, REMOVE
    const char *target;      // COMMIT, REPLACE
    struct bytes text;       // REPLACE
    int error;               // errno; 0: done
    const char *error_step;  // "open", "write", "fdatasync" ...: what failed; a literal
    void (*done)(void *context, struct flush_request *r); // by flush_poll, on the port's thread
    void *context;
    uint32_t port; // the flusher's, as is link
    struct list_node link;
};

struct flusher_config {
    uint32_t port_count;
    struct waker **wakers; // of the ports' threads, woken when something came back
    struct disk *disk;     // borrowed
    int core;              // for its thread; -1: anywhere
};

// ERR_NO_SPACE, ERR_IO. No thread runs yet.
enum status flusher_open(struct flusher **out, const struct flusher_config *config) MUST_USE;
enum status flusher_start(struct flusher *f) MUST_USE; // its thread
// Ends the thread after all that was handed over is written (not retried) and synced.
void flusher_close(struct flusher *f); // NULL is tolerated
// One turn without the thread: takes what the ports sent, has the disk work, sends back. May wait
// for the disk up to timeout_ns. Returns how much was done.
uint32_t flusher_turn(struct flusher *f, uint64_t now_ns, uint64_t timeout_ns);

// ---- a shard's side
struct flusher_port *flusher_port_of(struct flusher *f, uint32_t index);
struct flush_chunk *flush_take_chunk(struct flusher_port *p); // empty; NULL: all are under way
void flush_give_chunk(struct flusher_port *p, struct flush_chunk *c); // taken, but not needed
uint32_t flush_chunks_under_way(const struct flusher_port *p);
// ends_group: what follows may come behind another port's.
void flush_write(struct flusher_port *p, struct flush_file *file, struct flush_chunk *chunk,
                 bool ends_group);
void flush_ask(struct flusher_port *p, struct flush_request *r);
void flush_set_sync(struct flusher_port *p, struct flush_file *file, enum flush_sync sync);
void flush_flush(struct flusher_port *p); // once per turn: shows the flusher what was handed over
// Takes back chunks, runs requests' done. Returns how many.
uint32_t flush_poll(struct flusher_port *p);
bool flush_has_input(const struct flusher_port *p); // for waker_prepare_sleep
