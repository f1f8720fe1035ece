#include "control/shard_count.h"

#include <unistd.h>

enum { ONE_SHARD_CORES_MAX = 2, SHARDS_MAX = 64 };

void shard_count_cores(cpu_set_t *cores)
{
    if (sched_getaffinity(0, sizeof *cores, cores) == 0) return;
    CPU_ZERO(cores); // a kernel for more cores than the set has room for: those that are there
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    for (size_t core = 0; core < CPU_SETSIZE && (long)core < count; core++) CPU_SET(core, cores);
}

static bool may_serve(const cpu_set_t *cores, const struct settings *s, int64_t core)
{
    return core < CPU_SETSIZE && CPU_ISSET((size_t)core, cores) && core != s->housekeeping_core;
}

static uint32_t serving_cores(const cpu_set_t *cores, const struct settings *s)
{
    uint32_t count = 0;
    if (s->core >= 0) {
        while (may_serve(cores, s, s->core + count)) count++;
        return count;
    }
    for (int64_t core = 0; core < CPU_SETSIZE; core++) count += may_serve(cores, s, core);
    return count;
}

uint32_t shard_count_auto(const cpu_set_t *cores, const struct settings *s)
{
    uint32_t count = serving_cores(cores, s);
    if (CPU_COUNT(cores) <= ONE_SHARD_CORES_MAX || count == 0) return 1;
    if (s->transport == TRANSPORT_NIC && count > s->nic_devargs.count) count = s->nic_devargs.count;
    if (count == 0) return 1;
    return count < SHARDS_MAX ? count : SHARDS_MAX;
}
