// aof_zeros.h: an append-only file that ends in zeros, as some file systems leave it after a power
// loss: its size was on the disk, and what was written last was not.
//
// Source:  Redis 7.0 refuses such a file whatever aof-load-truncated says, for what is there is no
//          log; penstockctl check-aof --fix cuts it
// Thread:  any. Waits for the disk
// Memory:  the caller's
#pragma once
#include <stdint.h>

enum { AOF_ZEROS_REASON_MAX = 256 };

// Writes error, a short text, and behind it that the rest of the file is zeros, when all of it is
// from offset on. Returns out.
const char *aof_zeros_reason(int fd, uint64_t offset, const char *error,
                             char out[AOF_ZEROS_REASON_MAX]);
