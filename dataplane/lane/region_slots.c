#include "dataplane/lane/region_slots.h"

#include <sched.h>
#include <string.h>

enum { READ_TRIES = 1000 }; // bounded: the writer may be dead

void region_slots_write(struct region_slots *s, const uint8_t shard_of_slot[REGION_SLOTS])
{
    // A writer that died half-way left an odd number: the next odd one is ours.
    uint64_t before = __atomic_load_n(&s->sequence, __ATOMIC_RELAXED);
    uint64_t writing = before + 1 + (before & 1);
    __atomic_store_n(&s->sequence, writing, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    memcpy(s->shard_of_slot, shard_of_slot, REGION_SLOTS);
    __atomic_store_n(&s->sequence, writing + 1, __ATOMIC_RELEASE);
}

static bool are_of(const uint8_t shard_of_slot[REGION_SLOTS], uint32_t shard_count)
{
    for (uint32_t i = 0; i < REGION_SLOTS; i++)
        if (shard_of_slot[i] >= shard_count) return false;
    return true;
}

bool region_slots_read(const struct region_slots *s, uint32_t shard_count,
                       uint8_t out[REGION_SLOTS])
{
    memset(out, 0, REGION_SLOTS);
    if (shard_count == 1) return true;
    for (int tries = 0; tries < READ_TRIES; tries++) {
        uint64_t before = __atomic_load_n(&s->sequence, __ATOMIC_ACQUIRE);
        if (before == 0) return false;
        if (before & 1) {
            sched_yield();
            continue;
        }
        memcpy(out, s->shard_of_slot, REGION_SLOTS);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (__atomic_load_n(&s->sequence, __ATOMIC_RELAXED) == before)
            return are_of(out, shard_count);
    }
    return false;
}
