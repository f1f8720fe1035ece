// disk.h: what storage asks of a disk, in operations that complete later; and its two disks: the
// kernel's through io_uring, and one in memory that loses, tears and refuses as a seed says.
//
// Source:  io_uring(7); what a file system promises: fdatasync makes a file's bytes durable, a
//          rename is durable when the directory was synced, and nothing else is
// Thread:  the flusher's; disk_memory_* by whoever has the flusher standing still
// Memory:  operations are the caller's until they complete, as are the bytes and paths that they
//          point to
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include "dataplane/base/list.h"
#include "dataplane/base/status.h"

enum disk_op_kind {
    // path; created when missing (0644), cut to offset bytes when it is longer, unless that is
    // UINT64_MAX. Shorter: -EINVAL. For writing only
    DISK_OPEN,
    DISK_WRITE,    // vectors at offset; completes with fewer bytes only when the rest failed
    DISK_SYNC,     // fdatasync: what was written before it was submitted
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
    struct iovec vectors[DISK_VECTORS_MAX]; // the disk may change them
    uint32_t vector_count;
    // DISK_WRITE: what it wrote is durable when it completes, as if a DISK_SYNC of nothing else had
    // followed (RWF_DSYNC): one way to the kernel's workers and back instead of two.
    bool is_durable;
    int64_t result; // >= 0, or -errno
    void *context;  // the caller's
    struct list_node link;
    // The disk's:
    uint64_t progress; // bytes written by parts that came back short
    int descriptor;
};

struct disk;
struct disk_ops {
    void (*submit)(struct disk *d, struct disk_op *op);
    // Waits up to timeout_ns (UINT64_MAX: for ever) for a completion or for wake_fd (-1: none; the
    // same in all calls that have one) to be readable. Completed operations are appended to done.
    // Returns how many; 0 also when a signal came.
    uint32_t (*wait)(struct disk *d, struct list *done, int wake_fd, uint64_t timeout_ns);
    // Memory that writes come from, told by each user of the disk before its first operation; NULL
    // when the user is done with it. A kernel that will not pin that much is no error: writes take
    // the longer way then.
    enum status (*register_memory)(struct disk *d, void *start, size_t size);
    void (*close)(struct disk *d);
};
struct disk {
    const struct disk_ops *ops;
    bool is_off; // a disk in memory crashed: nothing completes until the next register_memory
};

enum { DISK_FILES_MAX = 512 }; // open at once; beyond: -EMFILE

// Operations of one thread at a time; which one may change while none is under way. The kernel's
// workers run on the cores that the first waiting thread may run on. ERR_NO_SPACE, ERR_IO when the
// kernel refuses (errno says why).
enum status disk_uring_open(struct disk **out) MUST_USE;

// ---- in memory, for tests: files by path, one flat space of names. What an fdatasync or a
// directory's sync does not cover may be lost or torn at disk_memory_crash, as the seed says:
//   bytes  a file's size lies anywhere between its durable and its last one; of the rest, the old,
//          the new, a beginning of the new, or each sector of 512 bytes as it was or as it became
//          (zeros where there was nothing)
//   names  each creation, rename and removal since the directory's last sync happened or did not,
//          whatever the others did
// A sync covers what was written before it was submitted, and nothing when it fails: later syncs
// do not make up for that (Linux marks such pages clean). Operations complete in any order; the
// same seed and calls give the same order.
struct disk_memory_config {
    uint64_t seed;
    uint64_t capacity_bytes;  // beyond: ENOSPC, after a short write. 0: no limit
    uint32_t eio_per_million; // of operations other than close; a write may get some of its bytes
    uint32_t delay_turns_max; // waits until an operation completes: 0 to this many besides its own
    bool keeps_order; // of bytes: a file that grew has a beginning of what was written, nothing
                      // torn (journals that order data before sizes); it ends at the first byte
                      // that a failed sync dropped
};
enum status disk_memory_open(struct disk **out, const struct disk_memory_config *config) MUST_USE;
// What is durable stays, of the rest some; operations under way may have happened in part, and
// complete no more; files are closed. The disk is off until a flusher is opened on it anew
// (flusher_close, too, takes that as it is); files can be read and put meanwhile.
void disk_memory_crash(struct disk *d);
void disk_memory_set_refusing(struct disk *d, int error); // every write fails with it; 0: no more
void disk_memory_set_sync_refusing(struct disk *d, int error); // and every sync of a file
void disk_memory_set_capacity(struct disk *d, uint64_t bytes);
void disk_memory_set_eio(struct disk *d, uint32_t per_million);
// What is there now; ERR_IO: no such file. The bytes are the disk's until its next operation.
enum status disk_memory_read(struct disk *d, const char *path, const uint8_t **bytes,
                             size_t *size) MUST_USE;
// The same of each file there is, in the order in which their names were first used. What it calls
// may put and remove files.
void disk_memory_each(struct disk *d,
                      void (*visit)(void *context, const char *path, const uint8_t *bytes,
                                    size_t size),
                      void *context);
// A whole file, durable at once: what was there before a test begins.
void disk_memory_put(struct disk *d, const char *path, const void *bytes, size_t size);
void disk_memory_remove(struct disk *d, const char *path); // likewise; none is fine
// What failed syncs dropped was written all the same.
void disk_memory_undrop(struct disk *d);
