// usage.h: what a thread, or a server's processes, took of the processor.
//
// Source:  getrusage(2); /proc/PID/task/TID/schedstat (ns on a core, ns ready without
//          one), stat and status: proc(5)
// Thread:  any
// Units:   ns
#pragma once
#include <stdint.h>
#include <sys/types.h>
#include "dataplane/base/status.h"

struct usage {
    uint64_t cpu_ns, system_ns, wall_ns; // system_ns is part of cpu_ns
    uint64_t involuntary_switches;
    uint64_t wait_ns; // ready to run, while something else had the core; neither cpu_ns nor idle
};

void usage_of_this_thread(struct usage *out);
// Of root and all that descend from it. ERR_IO when root is gone.
enum status usage_of_tree(pid_t root, struct usage *out) MUST_USE;
// root and its descendants, root first; how many, at most max.
uint32_t usage_tree(pid_t root, pid_t *pids, uint32_t max);
// after - before.
struct usage usage_between(const struct usage *before, const struct usage *after);
static inline double usage_share(const struct usage *u)
{
    return u->wall_ns ? (double)u->cpu_ns / (double)u->wall_ns : 0;
}
static inline double usage_wait_share(const struct usage *u)
{
    return u->wall_ns ? (double)u->wait_ns / (double)u->wall_ns : 0;
}
