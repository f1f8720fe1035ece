// hash_job.h: when a command over many fields of a hash is to run in slices.
//
// Thread:  the shard
// Memory:  none
#pragma once
#include "dataplane/cmd/job.h"
#include "dataplane/types/hash_value.h"

enum { HASH_BYTES_AT_ONCE = 256 * 1024 }; // copied into a reply in some 50 us

// For so many fields of e: by their number, or by the size that they have on the average.
static inline bool hash_wants_job(const struct entry *e, uint64_t fields)
{
    if (fields >= JOB_ELEMENTS_MIN) return true;
    uint64_t count = hash_count(e);
    return count && hash_bytes(e) / count * fields >= HASH_BYTES_AT_ONCE;
}
