// info_priv.h: what the files of INFO share.
//
// Thread:  the shard
#pragma once
#include "dataplane/cmd/cmd.h"

uint64_t info_rss_bytes(void); // of this process; a system call
// Cycles as time. 0 when there is no clock (tests without a shard).
static inline uint64_t info_cycles_us(const struct server *s, uint64_t cycles)
{
    return s->clock ? clock_tsc_to_ns(s->clock, cycles) / 1000 : 0;
}
