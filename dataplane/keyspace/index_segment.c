// One segment: where an item goes, and how it leaves.
#include "dataplane/keyspace/index_priv.h"
#include <string.h>

struct index_segment *index_segment_new(struct index *x, uint64_t start, uint32_t depth)
{
    struct index_segment *s = heap_take_aligned(x->heap, sizeof *s, 64, HEAP_TABLES);
    memset(s, 0, sizeof *s);
    s->start = start;
    s->depth = (uint8_t)depth;
    x->segment_count++;
    x->segments_at[depth]++;
    if (depth > x->depth) x->depth = depth;
    return s;
}

void index_segment_free(struct index *x, struct index_segment *s)
{
    x->segment_count--;
    x->segments_at[s->depth]--;
    heap_give(x->heap, s, sizeof *s, HEAP_TABLES);
}

static uint64_t *find_empty(uint64_t *slots)
{
    for (uint32_t i = 0; i < INDEX_SLOTS; i++)
        if (!slots[i]) return &slots[i];
    return NULL;
}

// A stash bucket with room: one that the home uses already, else the first one from a place that
// differs by home.
static uint32_t stash_choose(uint32_t room, const struct index_home *home, uint32_t home_index)
{
    if (room & home->stash_mask) return (uint32_t)__builtin_ctz(room & home->stash_mask);
    uint32_t first = home_index % INDEX_STASHES;
    uint32_t above = room >> first << first;
    return (uint32_t)__builtin_ctz(above ? above : room);
}

bool index_segment_put(struct index_segment *s, uint32_t home_index, uint64_t packed)
{
    struct index_home *home = &s->homes[home_index];
    uint64_t *slot = find_empty(home->slots);
    if (!slot) {
        uint32_t room = ~(uint32_t)s->stash_full & ((1u << INDEX_STASHES) - 1);
        if (!room) return false;
        uint32_t stash_index = stash_choose(room, home, home_index);
        struct index_stash *stash = &s->stashes[stash_index];
        slot = find_empty(stash->slots);
        stash->home[slot - stash->slots] = (uint8_t)home_index;
        home->stash_mask |= (uint16_t)(1u << stash_index);
        home->stash_filter |= index_filter_bit(packed >> 48);
        s->stash_count++;
        *slot = packed;
        if (!find_empty(stash->slots)) s->stash_full |= (uint16_t)(1u << stash_index);
    }
    *slot = packed;
    s->count++;
    return true;
}

// What the stash holds of a home, counted anew: a filter cannot forget.
static void home_refresh(struct index_segment *s, uint32_t home_index)
{
    struct index_home *home = &s->homes[home_index];
    uint32_t old_mask = home->stash_mask;
    home->stash_mask = home->stash_filter = 0;
    for (uint32_t mask = old_mask; mask; mask &= mask - 1) {
        uint32_t stash_index = (uint32_t)__builtin_ctz(mask);
        const struct index_stash *stash = &s->stashes[stash_index];
        for (uint32_t i = 0; i < INDEX_SLOTS; i++) {
            if (!stash->slots[i] || stash->home[i] != home_index) continue;
            home->stash_mask |= (uint16_t)(1u << stash_index);
            home->stash_filter |= index_filter_bit(stash->slots[i] >> 48);
        }
    }
}

void index_stash_clear(struct index_segment *s, uint32_t stash_index, uint32_t slot_index)
{
    struct index_stash *stash = &s->stashes[stash_index];
    uint32_t home_index = stash->home[slot_index];
    stash->slots[slot_index] = 0;
    s->stash_full &= (uint16_t) ~(1u << stash_index);
    s->stash_count--;
    home_refresh(s, home_index);
}

void index_home_refill(struct index_segment *s, uint32_t home_index, uint64_t *slot)
{
    struct index_home *home = &s->homes[home_index];
    if (LIKELY(!home->stash_mask)) return;
    uint32_t stash_index = (uint32_t)__builtin_ctz(home->stash_mask);
    struct index_stash *stash = &s->stashes[stash_index];
    for (uint32_t i = 0; i < INDEX_SLOTS; i++) {
        if (!stash->slots[i] || stash->home[i] != home_index) continue;
        *slot = stash->slots[i];
        index_stash_clear(s, stash_index, i);
        return;
    }
}
