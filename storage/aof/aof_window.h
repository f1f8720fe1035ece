// aof_window.h: a file seen through a mapping of bounded size, for a scanner that goes from its
// begin to its end (aof_scan.h).
//
// Source:  mmap(2): pages come from the page cache, and are the kernel's to take back
// Thread:  any; state is what is passed. Waits for the disk
// Memory:  a mapping of AOF_WINDOW_BYTES, or of one command that is longer: the scanner does not
//          touch the text of a long argument, so that is not memory used
//
// As with every mapping, a disk that cannot read ends the process (SIGBUS), and so does somebody
// who cuts the file meanwhile: the folder is locked against that.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"
#include "dataplane/base/status.h"

enum { AOF_WINDOW_BYTES = 4 << 20 };

struct aof_window {
    int fd; // -1: not open
    uint64_t file_bytes;
    const uint8_t *map; // NULL: none
    uint64_t map_offset;
    size_t map_bytes;
};

// A file in an open folder. False: errno says why.
bool aof_window_open(struct aof_window *w, int folder_fd, const char *name) MUST_USE;
void aof_window_close(struct aof_window *w); // opened, or zero with fd -1; idempotent
// What is at hand from offset on: all that the mapping holds behind it; nothing, if it is
// elsewhere.
struct bytes aof_window_at(const struct aof_window *w, uint64_t offset);
// Moves it, so that at least wanted_bytes from offset on are at hand: not more than the file has.
// What was at hand is no more. False: errno says why.
bool aof_window_move(struct aof_window *w, uint64_t offset, uint64_t wanted_bytes) MUST_USE;
