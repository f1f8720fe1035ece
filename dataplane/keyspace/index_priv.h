// index_priv.h: what the files of the index share: segments and the directory.
//
// Thread:  the index's owner's
// Memory:  as in index.h
#pragma once
#include "dataplane/keyspace/index.h"

enum { INDEX_LINES = INDEX_HOMES + INDEX_STASHES }; // of a segment, its header not counted

// The slots of line 0..INDEX_LINES-1 of a segment: homes first, then stashes.
static inline uint64_t *index_segment_line(struct index_segment *s, uint32_t line)
{
    return line < INDEX_HOMES ? s->homes[line].slots : s->stashes[line - INDEX_HOMES].slots;
}

// ---- index_segment.c
struct index_segment *index_segment_new(struct index *x, uint64_t start,
                                        uint32_t depth); // not in the directory yet
void index_segment_free(struct index *x, struct index_segment *s);
// packed: a slot's word. false: neither the home nor the stash has room.
bool index_segment_put(struct index_segment *s, uint32_t home_index, uint64_t packed);
void index_stash_clear(struct index_segment *s, uint32_t stash_index, uint32_t slot_index);
// A slot of the home came free: an item of this home comes back from the stash.
void index_home_refill(struct index_segment *s, uint32_t home_index, uint64_t *slot);

// ---- index_directory.c
void index_directory_first(struct index *x); // root, page and segment for all of hash space
void index_directory_free(struct index *x);  // pages and root; the segments are gone
void index_directory_set(struct index *x, const struct index_segment *s); // its words name it
// Until the page at position can tell segments of this depth apart: at most a split and a doubling.
void index_directory_deepen(struct index *x, uint64_t position, uint32_t depth);
// After segments merged at position: words that tell nothing apart any more go.
void index_directory_shrink(struct index *x, uint64_t position);
