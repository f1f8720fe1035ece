#include "storage/aof/aof_zeros.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_BYTES = 64 << 10 };

static bool is_zeros(const char *piece, size_t size)
{
    return piece[0] == 0 && memcmp(piece, piece + 1, size - 1) == 0;
}

// 0: there is something else, or nothing, or it cannot be read.
static uint64_t count_zeros(int fd, uint64_t offset)
{
    char piece[PIECE_BYTES];
    uint64_t count = 0;
    ssize_t size;
    while ((size = pread(fd, piece, sizeof piece, (off_t)(offset + count))) > 0) {
        if (!is_zeros(piece, (size_t)size)) return 0;
        count += (uint64_t)size;
    }
    return size < 0 ? 0 : count;
}

const char *aof_zeros_reason(int fd, uint64_t offset, const char *error,
                             char out[AOF_ZEROS_REASON_MAX])
{
    uint64_t count = count_zeros(fd, offset);
    int size = snprintf(out, AOF_ZEROS_REASON_MAX, "%s", error);
    if (count && size < AOF_ZEROS_REASON_MAX)
        snprintf(out + size, (size_t)(AOF_ZEROS_REASON_MAX - size),
                 "; the rest of the file is %llu zero bytes, likely from a power loss, which "
                 "penstockctl check-aof --fix cuts off the end of a log",
                 (unsigned long long)count);
    return out;
}
