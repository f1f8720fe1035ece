// shard_count.h: how many shards "shards auto" is.
//
// Thread:  main
// Memory:  none
#pragma once
#include <sched.h>
#include <stdint.h>
#include "dataplane/conf/settings.h"

// The cores that the kernel gives this process.
void shard_count_cores(cpu_set_t *cores);
// One shard on two cores or fewer: a second one would take the core of the kernel's network stack,
// of the clients, and of everything else. Beyond that one for each core but the housekeeping core;
// when the first shard is pinned, for each core from there on without a gap; on the NIC transport
// at most as many as there are ports.
uint32_t shard_count_auto(const cpu_set_t *cores, const struct settings *s);
