// number_runs.h: a set of numbers that mostly ascend, kept as runs without gaps.
//
// Source:  numbers of transactions over several shards (aof_write.h) come from one counter
// Thread:  any; state is what is passed
// Memory:  16 bytes (HEAP_LOG) for each run. A number in its middle moves those behind it: cheap
//          as long as it comes near the end
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/heap.h"

struct number_run {
    uint64_t first, last;
};
struct number_runs {
    struct heap *heap;       // borrowed
    struct number_run *runs; // ascending, none touches the next
    size_t count, room;
};

void number_runs_init(struct number_runs *n, struct heap *heap);
void number_runs_close(struct number_runs *n);
bool number_runs_has(const struct number_runs *n, uint64_t number);
void number_runs_add(struct number_runs *n, uint64_t number); // one that it has not
