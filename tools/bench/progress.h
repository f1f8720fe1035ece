// progress.h: the line that tells how a run goes, once a second.
//
// Thread:  the generator
#pragma once
#include <stdbool.h>
#include "tools/bench/load.h"

enum { PROGRESS_INTERVAL_MS = 1000 };

struct progress {
    bool is_on, is_terminal;
    uint64_t next_ns, last_ns, last_answered;
};

// wanted: also when stderr is no terminal.
void progress_init(struct progress *p, bool quiet, bool wanted);
void progress_show(struct progress *p, const struct load *l, uint64_t now_ns);
static inline void progress_step(struct progress *p, const struct load *l, uint64_t now_ns)
{
    if (p->is_on && now_ns >= p->next_ns) progress_show(p, l, now_ns);
}
void progress_end(struct progress *p); // wipes the line
