// aof_scan.h: reads an append-only file's commands from bytes that come in pieces of any size, and
// says how far the file is whole.
//
// Source:  spec/aof.md chapters 3, 7 and 10 (what a torn tail is, what is damage), checked against
//          redis-check-aof 7.0
// Thread:  any; state is what is passed
// Memory:  argv lies in the scanner (HEAP_LOG) and follows the arguments that came, not the number
//          announced; their texts lie in the caller's window
// Units:   offsets in bytes from the file's begin; lines as redis-check-aof counts them, from 1:
//          a size, an argument, a '#' line are one each, whatever an argument holds
//
//   window                   aof_scan_step
//   [...............]        -> AOF_SCAN_MORE: at least wanted_bytes from offset on, please
//   [......................] -> AOF_SCAN_COMMAND: offset is behind it; the next window begins there
//
// It is as strict as redis-check-aof, and more so than Redis's loader: numbers are decimal digits
// without leading zeros, every line and argument ends in CRLF, MULTI does not nest. Whatever is
// written by a server passes, and a damaged size is noticed as often as one can.
// A file that ends too early is torn, also when a size says so (the bytes behind are all its own).
// Anything else is broken: cutting there would drop commands that are good.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"
#include "dataplane/base/heap.h"

enum { AOF_LINE_BYTES_MAX = 1023 }; // of a '#' line, with its end: what Redis reads at once

enum aof_scan_result {
    AOF_SCAN_MORE,    // nothing whole is at hand
    AOF_SCAN_COMMAND, // argv, argc; in_unit: EXEC runs it
    AOF_SCAN_MULTI,   // a unit begins; transaction and shard_count say whether others have part
    AOF_SCAN_MULTI_NESTED, // only with forgives_nested: to be ignored
    AOF_SCAN_EXEC,         // the unit is whole
    AOF_SCAN_TIMESTAMP,    // timestamp_s: what follows is not older
    AOF_SCAN_TRANSACTION,  // the line before the MULTI of a transaction over several shards
    AOF_SCAN_REMARK,       // another line that begins with '#'
    AOF_SCAN_END,          // of the file, and all of it is whole
    AOF_SCAN_TORN,         // the file ends inside something; whole_offset is where it may be cut
    AOF_SCAN_BROKEN,       // error_offset is no byte of an append-only file
};

struct aof_scan {
    // Set by the caller after aof_scan_init. A server whose torn MULTI was left in the file appends
    // behind it, so that the next MULTI is inside: Redis ignores that one, redis-check-aof does
    // not.
    bool forgives_nested;

    // Told.
    uint64_t offset, line;             // of what comes next
    uint64_t whole_offset, whole_line; // behind the last whole unit; MULTI to EXEC is one unit, and
                                       // so is a command outside
    uint64_t wanted_bytes;             // AOF_SCAN_MORE: never beyond the file's end
    struct bytes *argv;                // until the next step, in the window
    uint32_t argc;
    bool in_unit;
    struct bytes remark;   // a '#' line without its end, in the window
    int64_t timestamp_s;   // of the last #TS line; unix seconds
    uint64_t transaction;  // its number; from MULTI to EXEC, when shard_count is not 0
    uint32_t shard_count;  // that have part in this unit; 0: this log alone
    const char *error;     // a literal: what is torn or broken
    uint64_t error_offset; // broken: the first byte that is wrong; torn: the end of the file
    uint64_t error_line;

    // Its own.
    struct heap *heap; // borrowed
    uint64_t file_bytes;
    size_t at; // of the command under way: bytes read, from offset
    uint64_t args_announced;
    uint32_t argv_room;
    bool awaits_multi; // a #TX line stands before it
};

// The file has file_bytes and is read from start_offset on (behind an RDB preamble), which is
// line 1.
void aof_scan_init(struct aof_scan *s, struct heap *heap, uint64_t file_bytes,
                   uint64_t start_offset);
void aof_scan_close(struct aof_scan *s);
// window: the file's bytes from offset on, at least as many as were wanted (1 at first), not beyond
// the file's end; it may lie elsewhere each time. Eats one item at most, and only when it returns
// something else than MORE, END, TORN or BROKEN. A command that comes in pieces is not read again
// from its begin.
enum aof_scan_result aof_scan_step(struct aof_scan *s, struct bytes window);
