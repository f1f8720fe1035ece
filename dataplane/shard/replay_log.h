// replay_log.h: one file of an append-only log on its way in: read ahead, scanned, its commands
// queued until they are run.
//
// Source:  spec/aof.md chapters 3 and 7; storage/aof/aof_scan.h for what is torn and what is broken
// Thread:  the first shard
// Memory:  the file is mapped from open to close; the queue is on the heap given (HEAP_LOG)
//
// Every byte is read ahead before the scanner sees it, so that the disk is waited for in large
// pieces. One that is not there any more when it is needed is read as 0: what was queued and run is
// good when there is no trouble (base/file_view.h) behind it.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/file_view.h"
#include "dataplane/base/status.h"
#include "dataplane/cmd/aof_queue.h"
#include "storage/aof/aof_directory.h"
#include "storage/aof/aof_scan.h"

enum {
    REPLAY_FILL = 512, // commands that are scanned before they run
    REPLAY_LEAD_BYTES = 4 << 20,
    REPLAY_PIECE_BYTES = 256 << 10, // more than the scanner wants
    REPLAY_REASON_MAX = 320,
};

enum replay_log_state {
    REPLAY_LOG_READS,
    REPLAY_LOG_AT_JOINT, // the queue ends with its part of scan.transaction, which waits for others
    REPLAY_LOG_ENDED,    // all of it was queued
    REPLAY_LOG_TORN,     // likewise, up to scan.whole_offset; the rest is no whole unit
};

struct replay_error {
    uint64_t offset;
    bool is_format; // what is in the file is damaged; else why tells all
    char why[REPLAY_REASON_MAX];
};

struct replay_log {
    enum replay_log_state state;
    char path[AOF_PATH_MAX];
    uint32_t index; // of the plan's logs
    uint32_t db;    // selected in it
    struct aof_scan scan;
    struct aof_queue queue;
    uint64_t start, end;    // what is loaded of it
    uint64_t nested_multis; // ignored
    struct file_view view;  // the scanner sees what was read ahead
};

// path is copied. ERR_IO: error says why; nothing has to be closed.
enum status replay_log_open(struct replay_log *l, struct heap *heap, const char *path,
                            uint64_t start, uint64_t end, struct replay_error *error) MUST_USE;
void replay_log_close(struct replay_log *l); // opened, or zero; idempotent
// Queues some commands, for as long as until_tsc when a unit is long. Not while commands of it may
// run.
enum status replay_log_fill(struct replay_log *l, uint64_t until_tsc,
                            struct replay_error *error) MUST_USE;
// So that the disk is waited for here, and not there.
enum status replay_log_read_ahead(struct replay_log *l, struct replay_error *error) MUST_USE;
// Bytes of it could not be read, or it is shorter now. A system call or two.
bool replay_log_find_trouble(const struct replay_log *l, struct replay_error *error);
static inline uint64_t replay_log_done_bytes(const struct replay_log *l)
{
    return l->scan.offset - l->start;
}
