// flusher_priv.h: the flusher's insides: ports, open files, requests as sequences of operations.
//
// Thread:  as flusher.h; what a port's thread touches is said there, all else is the flusher's
// Memory:  a file's work lives from CREATE until the sequence that closes it ends, a request's job
//          as long as its sequence; both are allocated by the flusher's thread
//
// A turn: what the ports sent is taken apart (flusher_port.c); every file is stepped, which submits
// what is due (flusher_log.c, flusher_snapshot.c) and begins what waited for the file to be quiet
// (flusher_job.c); then the disk is waited for, and what completed changes the state for the next
// turn's steps.
#pragma once
#include <pthread.h>
#include "dataplane/base/word_ring.h"
#include "storage/flusher.h"

enum {
    PORT_RING_WORDS = 1024, // chunks and requests under way, and many changes of sync
    MS_NS = 1000000,
};

// What a word of a port's ring is: its low bits beside a pointer. back: chunk and request only.
enum port_word {
    PORT_CHUNK,
    PORT_REQUEST,
    PORT_SYNC_NO, // of a file; in the order of enum flush_sync
    PORT_SYNC_EVERYSEC,
    PORT_SYNC_ALWAYS,
    PORT_WORD_MASK = 7,
};

struct flusher_port {
    // The port's thread:
    struct flusher *flusher;
    struct list idle; // chunks
    uint64_t staged[PORT_RING_WORDS];
    uint32_t staged_count, request_count;
    uint32_t handed_over[2]; // chunks under way, by enum flush_file_kind
    uint64_t moves_seen;
    // The flusher's:
    struct waker *waker;
    uint32_t index;
    bool must_wake, has_sent;
    struct word_ring *to, *back;
    // Both, each written by one:
    alignas(WORD_RING_APART_BYTES) uint32_t is_out_of_chunks; // the port's thread
    alignas(WORD_RING_APART_BYTES) uint64_t moves;            // of logs' durable and error
    struct flush_chunk chunks[FLUSH_CHUNKS_PER_PORT];
};

// One operation of the disk and who hears of its end.
struct flush_io {
    struct disk_op op;
    void (*complete)(struct flusher *f, void *owner, int64_t result);
    void *owner;
};

// A request as a sequence of operations; job_step.
struct flush_job {
    struct flush_io io;
    struct flush_request *request; // NULL: the flusher closes a file by itself
    enum flush_op op;
    struct flush_work *work; // CREATE, COMMIT, DISCARD, FINISH
    uint32_t step;
    bool is_open;    // handle is to be closed before the end
    bool is_undoing; // after an error
    bool must_remove;
    int handle, error;
    const char *error_step;
    struct list_node link;
};

// An open file.
struct flush_work {
    struct flush_file *file;
    struct flusher_port *port; // of who created it
    struct flush_job *ending;  // COMMIT, DISCARD, FINISH that waits for the file to be quiet
    bool is_open, is_ending;   // CREATE is through; ending has begun
    int handle;
    struct flush_io write, sync;
    bool is_writing, is_syncing; // write also truncates
    struct list queue, writing;  // chunks in the file's order
    uint64_t synced_to;          // bytes that syncs were done behind, whatever became of them
    uint64_t sync_target;        // the same, of the sync under way
    struct list_node link;
    // Snapshot
    struct list waiting[FLUSH_PORTS_MAX]; // chunks that the open group keeps out, by port
    uint32_t group_port;                  // whose group is open
    bool has_group;
    uint64_t crc;
    uint8_t trailer[8];
    const char *error_step;
    // Log
    struct list unsynced; // always: written, kept until durable
    bool writes_durably;  // the write under way syncs, too: all before it is durable
    bool must_rewind;     // unsynced is to be written again once nothing is under way
    bool has_given_up;    // the flusher closes, and the disk refuses
    int write_error, sync_error;
    uint64_t write_retry_ns, sync_retry_ns, synced_ns;
    uint64_t postponed_ns; // since when a write waits for the sync under way; 0: none does
};

struct flusher {
    struct disk *disk;
    struct list works, jobs; // open files; sequences that go on
    uint64_t now_ns, deadline_ns;
    bool is_closing;
    uint32_t port_count;
    struct flusher_port *ports[FLUSH_PORTS_MAX];
    uint8_t *memory;
    size_t memory_bytes;
    struct waker waker;
    int core;
    pthread_t thread;
    bool has_thread;
    enum status thread_status; // of its start
    pthread_barrier_t started;
    uint32_t must_stop;
};

// Whether that time has come; if not, the turn sleeps no longer than until then.
bool flusher_is_time(struct flusher *f, uint64_t at_ns);
void flusher_submit(struct flusher *f, struct flush_io *io, void *owner,
                    void (*complete)(struct flusher *f, void *owner, int64_t result));

// ---- flusher_port.c
enum status flusher_port_open(struct flusher_port **out, struct flusher *f, uint32_t index,
                              struct waker *waker) MUST_USE;
void flusher_port_close(struct flusher_port *p); // NULL is tolerated
uint32_t flusher_port_take(struct flusher_port *p);
bool flusher_port_has_input(const struct flusher_port *p);
void flusher_give_back(struct flusher *f, struct flush_chunk *c);
void flusher_give_back_all(struct flusher *f, struct list *chunks);
void flusher_answer(struct flusher *f, struct flush_request *r, int error, const char *step);
void flusher_wake_ports(struct flusher *f);

// ---- flusher_file.c
struct flush_work *flush_work_open(struct flusher *f, struct flush_file *file,
                                   struct flusher_port *port);  // NULL: no memory
void flush_work_close(struct flusher *f, struct flush_work *w); // its chunks go back
void flush_work_take(struct flusher *f, struct flush_chunk *c);
void flush_work_step(struct flusher *f, struct flush_work *w);
void flush_work_tell(uint64_t *where, uint64_t value);
// Submits what leads the queue at the file's end.
void flush_work_write(struct flusher *f, struct flush_work *w,
                      void (*complete)(struct flusher *f, void *owner, int64_t result));
void flush_work_sync(struct flusher *f, struct flush_work *w,
                     void (*complete)(struct flusher *f, void *owner, int64_t result));

// ---- flusher_log.c, flusher_snapshot.c
void flush_log_step(struct flusher *f, struct flush_work *w);
void flush_log_try_now(struct flush_work *w);        // whatever failed, once more
bool flush_log_is_quiet(const struct flush_work *w); // all is written and synced, or given up
void flush_log_set_sync(struct flusher *f, struct flush_work *w, enum flush_sync sync);
void flush_snapshot_take(struct flusher *f, struct flush_work *w, struct flush_chunk *c);
void flush_snapshot_step(struct flusher *f, struct flush_work *w);
bool flush_snapshot_is_quiet(const struct flush_work *w);
void flush_snapshot_put_trailer(struct flush_work *w);

// ---- flusher_job.c
void flush_job_take(struct flusher *f, struct flusher_port *p, struct flush_request *r);
void flush_job_begin(struct flusher *f, struct flush_job *j);
void flush_job_end_file(struct flusher *f, struct flush_work *w); // the flusher closes it
