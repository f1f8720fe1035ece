// log_limit.h: how often a line that others can provoke goes to the log: the first few of a second,
// and then one that tells how many were left out.
//
// Source:  DESIGN "everything bounded"
// Thread:  its owner's
// Memory:  embedded; nothing to free; zero is how it begins
// Units:   nanoseconds of a clock that does not go back
//
// The owner asks log_limit_take_left_out before a line and from time to time, so that what was left
// out is told although nothing comes after it.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct log_limit {
    uint64_t begin_ns; // of the second under way
    uint64_t count;    // lines of it that were let through
    uint64_t left_out; // and not told yet
};

// Whether one more line may be written; no: it is counted.
bool log_limit_admits(struct log_limit *l, uint64_t now_ns, uint32_t per_second);
// Lines left out, once the second in which that began is over; else 0. They count as told.
uint64_t log_limit_take_left_out(struct log_limit *l, uint64_t now_ns);
