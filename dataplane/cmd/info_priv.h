// info_priv.h: what the files of INFO share.
//
// Thread:  the shard
#pragma once
#include "dataplane/cmd/cmd.h"

struct text;
struct info;
struct persist_tally;
// info_loading.c: lines of the section persistence: its first two, those of the last load, and
// behind all others those that are there while something is loaded.
void info_loading(struct text *t, const struct persist_tally *p);
void info_loaded(struct text *t, const struct persist_tally *p);
void info_load_progress(struct text *t, const struct info *info, const struct persist_tally *p);

uint64_t info_rss_bytes(void); // of this process; a system call
// Cycles as time. 0 when there is no clock (tests without a shard).
static inline uint64_t info_cycles_us(const struct server *s, uint64_t cycles)
{
    return s->clock ? clock_tsc_to_ns(s->clock, cycles) / 1000 : 0;
}
