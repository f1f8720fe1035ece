// heap.h: the memory of one shard. Every allocation is booked to an owner, so the ledger adds up.
//
// Source:  DESIGN "The ledger"; jemalloc(3) mallocx, sdallocx, nallocx
// Thread:  the shard that opened it (a jemalloc arena and thread cache of its own); not shareable
// Memory:  what is allocated here is freed here, with the same owner and the same size
// Units:   bytes; what is booked is the size class that jemalloc really spends
// Lives in base, not in keyspace, because sessions and transports book their buffers with it too.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dataplane/base/list.h"
#include "dataplane/base/status.h"

enum heap_owner {
    HEAP_DATASET,    // entries: keys with their small values, and values of their own
    HEAP_TABLES,     // hash table segments, directories, deadline wheel
    HEAP_CLIENT_IN,  // query buffers
    HEAP_CLIENT_OUT, // reply blocks not yet sent
    HEAP_SESSION,    // what one client costs besides its buffers
    HEAP_SCRIPTS,
    HEAP_BACKLOG,
    HEAP_LOG,
    HEAP_OTHER,
    HEAP_OWNER_COUNT
};

struct heap {
    unsigned arena, tcache; // jemalloc's numbers
    int flags;              // MALLOCX_ARENA | MALLOCX_TCACHE
    size_t utilization[4];  // the allocator's name of the question that heap_is_sparse asks
    uint64_t bytes[HEAP_OWNER_COUNT];
    uint64_t bytes_total, bytes_peak;
    uint64_t allocation_count; // live allocations
    struct list *blocks;       // under AddressSanitizer: what heap_close frees; otherwise NULL
    struct heap_purger *purger; // gives pages back; NULL: nobody does
};

enum status heap_open(struct heap *h) MUST_USE; // ERR_NO_SPACE when jemalloc refuses an arena
void heap_close(struct heap *h);                // destroys the arena with all that is still in it

// size >= 1. Never fails for want of memory short of the machine's end: then the process stops with
// a clear line, as Redis does. Not zeroed.
void *heap_take(struct heap *h, size_t size, enum heap_owner owner);
// size is a multiple of alignment; more than 4096 only for sizes of 16 KiB and up.
void *heap_take_aligned(struct heap *h, size_t size, size_t alignment, enum heap_owner owner);
void *heap_take_zeroed(struct heap *h, size_t size, enum heap_owner owner);
void heap_give(struct heap *h, void *p, size_t size,
               enum heap_owner owner); // size: as asked for; p may be NULL
void *heap_resize(struct heap *h, void *p, size_t old_size, size_t new_size, enum heap_owner owner);
void heap_move(struct heap *h, size_t size, enum heap_owner from,
               enum heap_owner to); // rebook, same memory
size_t heap_usable(size_t size);    // what jemalloc spends on a request of size
// Unused pages go back to the kernel at jemalloc's own decay. This asks for all of them at once
// (MEMORY PURGE), from a thread beside, and does nothing while an earlier one is still at it.
void heap_purge(struct heap *h);
void heap_finish_purge(struct heap *h); // waits for it
// The allocator's own report, part by part (MEMORY MALLOC-STATS): 0.2 ms, whatever it holds.
typedef void heap_statistics_part(void *context, const char *part);
void heap_statistics(heap_statistics_part *part, void *context);
// Active defragmentation. Sparse: p lies in a page run where more is free than in those of its size
// on average, and new allocations do not go there: elsewhere it would take less. Asking costs 30 to
// 200 ns. Never, under AddressSanitizer.
bool heap_is_sparse(const struct heap *h, const void *p);
// The same bytes at another address, booked as before; for what heap_is_sparse says it of.
void *heap_relocate(struct heap *h, void *p, size_t size);
bool heap_can_relocate(void);
// What the arena holds: bytes handed out or cached, in pages that have some, and of pages that the
// kernel backs. Costs a walk of jemalloc's statistics (tens of microseconds): a few times a second.
// Under AddressSanitizer all three are what is booked.
struct heap_pages {
    uint64_t allocated_bytes, active_bytes, resident_bytes;
};
void heap_measure(struct heap *h, struct heap_pages *out);
// DEBUG MALLCTL: jemalloc's mallctl(3), an errno. ENOENT for all names under AddressSanitizer.
int heap_mallctl(const char *name, void *old, size_t *old_size, void *fresh, size_t fresh_size);
const char *heap_allocator(void); // INFO's mem_allocator: "jemalloc-5.3.0"
// Once per process, after daemonizing and before threads are pinned (the threads it makes inherit
// the affinity): from then on jemalloc returns decayed pages on threads of its own. Without it the
// shard's own allocations pay for the madvise calls now and then.
enum status heap_start_background(void) MUST_USE;
