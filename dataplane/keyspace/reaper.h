// reaper.h: what was detached at once and is freed in slices: trees, whole or what a cut left of
// them.
//
// Source:  DESIGN "Walks": frees of millions are walks too
// Thread:  the shard
// Memory:  the list runs through the dead nodes themselves; the reaper never allocates
#pragma once
#include <stdint.h>
#include "dataplane/base/heap.h"

struct tree_node;
struct reaper {
    struct heap *heap; // borrowed
    struct tree_node *first;
    uint64_t pending; // nodes on the list (what hangs below them is not counted yet)
};
void reaper_init(struct reaper *r, struct heap *heap);
// Drops one reference of node (NULL is fine); the last one puts it on the list.
void reaper_take(struct reaper *r, struct tree_node *node);
uint32_t reaper_step(struct reaper *r, uint32_t budget); // nodes freed, at most budget
