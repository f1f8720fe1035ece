// disk.h: what storage asks of a disk, in operations that complete later; and its two disks: the
// kernel's through io_uring, and one in memory that loses, tears and refuses as a seed says.
//
// Source:  io_uring(7); what a file system promises: fdatasync makes a file's bytes durable, a
//          rename is durable when the directory was synced, and nothing else is
// Thread:  the flusher's
// Memory:  operations are the caller's until they complete, as are the bytes and paths that they
//          point to
#pragma once
#include <stdint.h>
#include <sys/uio.h>
#include "dataplane/base/list.h"
#include "dataplane/base/status.h"

enum disk_op_kind {
    DISK_OPEN,     // path; created when missing, cut to size at_size unless that is UINT64_MAX
    DISK_WRITE,    // vectors at offset; completes with fewer bytes only when the rest failed
    DISK_SYNC,     // fdatasync
    DISK_TRUNCATE, // to offset
    DISK_CLOSE,
    DISK_RENAME,         // path to target
    DISK_REMOVE,         // path
    DISK_SYNC_DIRECTORY, // the one that path lies in
};
enum { DISK_VECTORS_MAX = 64 };
struct disk_op {
    enum disk_op_kind kind;
    int handle; // of an open file; DISK_OPEN tells it as result
    const char *path, *target;
    uint64_t offset;
    struct iovec vectors[DISK_VECTORS_MAX];
    uint32_t vector_count;
    int64_t result; // >= 0, or -errno
    void *context;  // the caller's
    struct list_node link;
};

struct disk;
struct disk_ops {
    void (*submit)(struct disk *d, struct disk_op *op);
    // Waits up to timeout_ns for a completion or for wake_fd (-1: none) to be readable. Completed
    // operations are appended to done. Returns how many.
    uint32_t (*wait)(struct disk *d, struct list *done, int wake_fd, uint64_t timeout_ns);
    // Memory that writes come from, told once before the first.
    enum status (*register_memory)(struct disk *d, void *start, size_t size);
    void (*close)(struct disk *d);
};
struct disk {
    const struct disk_ops *ops;
};

// ERR_IO when the kernel refuses (errno says why).
enum status disk_uring_open(struct disk **out) MUST_USE;

// ---- in memory, for tests. Files by path; everything that an fdatasync or a directory's sync
// does not cover may be lost or torn at disk_memory_crash, as the seed says.
struct disk_memory_config {
    uint64_t seed;
    uint64_t capacity_bytes; // beyond: ENOSPC, after a short write
    uint32_t eio_per_million, delay_turns_max;
};
enum status disk_memory_open(struct disk **out, const struct disk_memory_config *config) MUST_USE;
void disk_memory_crash(struct disk *d); // what is durable stays, of the rest some; operations under
                                        // way complete no more
void disk_memory_set_refusing(struct disk *d, int error); // every write fails with it; 0: no more
void disk_memory_set_capacity(struct disk *d, uint64_t bytes);
// What is there now; ERR_NOT_FOUND. The bytes are the disk's until its next operation.
enum status disk_memory_read(struct disk *d, const char *path, const uint8_t **bytes,
                             size_t *size) MUST_USE;
