// file_view.h: a file seen through a mapping, whole or by windows. A disk that fails, or somebody
// who cuts the file meanwhile, is an error that its reader is told and not the end of the process.
//
// Source:  mmap(2): touching a page that the file has no more, or that the disk cannot read, is
//          SIGBUS
// Thread:  one opens, moves and closes a view; any may read what is mapped, and ask
// Memory:  the mapping, whose pages are the kernel's to take back, until close. The struct stays
//          where it is from open to close: signal handlers cannot be handed an argument, so the
//          module keeps a list of open views at file scope
// Units:   offsets in bytes from the file's begin
//
// The first open handles SIGBUS for the whole process. What lies in no view goes on to the handler
// before (a bug report, or death). In a view the fault is noted, and zeros take the place of what
// is mapped from that page on (the kernel's one page of zeros, no memory): who touched it goes on,
// with zeros. So a reader asks file_view_has_failed before it believes what it has read.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"
#include "dataplane/base/status.h"

enum {
    FILE_VIEW_WINDOW_BYTES = 4 << 20,
    FILE_VIEW_PIECE_BYTES = 64 << 10, // that is read ahead at once; on the stack
    FILE_TROUBLE_MAX = 200,
};

struct file_view { // zero: not open
    bool is_open;
    int fd;
    uint64_t file_bytes; // when it was opened
    const uint8_t *data; // NULL: nothing is mapped
    uint64_t offset;     // of data
    size_t bytes;        // that are mapped
    uint64_t read_bytes; // up to here it was read ahead; 0, or set right after open. Atomic
    uint64_t fault;      // 1 + offset of the first byte that was not there; 0: all were. Atomic
    struct file_view *next;
};

struct file_trouble {
    uint64_t offset;
    bool is_short; // the file has fewer bytes than when it was opened
    char why[FILE_TROUBLE_MAX];
};

// A regular file; a relative name is seen from folder_fd (AT_FDCWD: the working folder). False:
// errno says why.
bool file_view_open(struct file_view *v, int folder_fd, const char *name) MUST_USE;
// The words for that errno.
const char *file_view_refusal(int error);
void file_view_close(struct file_view *v); // opened, or zero; idempotent

// ---- what is mapped. It replaces what was, whose bytes are no more. False: errno says why
bool file_view_map_all(struct file_view *v) MUST_USE; // an empty file: nothing
// At least wanted_bytes from offset on, not more than the file has, and a window behind them.
bool file_view_move(struct file_view *v, uint64_t offset, uint64_t wanted_bytes) MUST_USE;
// All that is mapped from offset on; nothing, if that is elsewhere.
struct bytes file_view_at(const struct file_view *v, uint64_t offset);

// ---- trouble
static inline bool file_view_has_failed(const struct file_view *v)
{
    return __atomic_load_n(&v->fault, __ATOMIC_ACQUIRE) != 0;
}
// Also when nothing was noticed, but the file is shorter now: behind its end the last page that it
// has holds zeros, which is no fault. A system call or two. False: there is none.
bool file_view_find_trouble(const struct file_view *v, struct file_trouble *out);

// ---- reading ahead, so that the disk is waited for here, in large pieces, and its errors are told
// One more piece, if there is one before end (at most file_bytes). ERR_IO: *trouble is filled.
enum status file_view_read_ahead(struct file_view *v, uint64_t end,
                                 struct file_trouble *trouble) MUST_USE;
static inline uint64_t file_view_read_bytes(const struct file_view *v)
{
    return __atomic_load_n(&v->read_bytes, __ATOMIC_ACQUIRE);
}
