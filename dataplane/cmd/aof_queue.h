// aof_queue.h: commands of an append-only file that were read and did not run yet.
//
// Source:  spec/aof.md chapter 7: what stands between MULTI and EXEC runs when EXEC was read
// Thread:  the first shard
// Memory:  arrays on the heap given (HEAP_LOG); the arguments' texts stay in the file
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"
#include "dataplane/base/heap.h"

struct aof_command {
    size_t first; // in args
    uint32_t argc;
    uint64_t offset; // behind it in its file
};
struct aof_queue {
    struct heap *heap; // borrowed
    struct bytes *args;
    struct aof_command *commands;
    size_t arg_count, arg_room;
    size_t count, room; // commands
    size_t whole;       // the first so many may run: what follows waits for its EXEC
    size_t done;        // and so many did
};

void aof_queue_init(struct aof_queue *q, struct heap *heap);
void aof_queue_close(struct aof_queue *q);
void aof_queue_add(struct aof_queue *q, const struct bytes *argv, uint32_t argc, uint64_t offset);
static inline void aof_queue_end_unit(struct aof_queue *q) { q->whole = q->count; }
static inline bool aof_queue_may_run(const struct aof_queue *q) { return q->done < q->whole; }
// Forgets what is done, when all that may run is. What a giant unit took is given back.
void aof_queue_trim(struct aof_queue *q);
static inline struct bytes *aof_queue_argv(const struct aof_queue *q, const struct aof_command *c)
{
    return q->args + c->first;
}
