// penstockctl_instance.h: finds the instance that is meant and opens its region for reading.
//
// Source:  region.h
// Thread:  one; reads only, disturbs nobody
// Memory:  struct instance owns its mapping
#pragma once
#include <stddef.h>
#include "dataplane/lane/region.h"
#include "tools/penstockctl.h"
#include "tools/penstockctl_rows.h"

struct instance {
    struct region region;
    bool control_alive, dataplane_alive;
};

// By --instance, else by the port, else the only one there is. Complains by itself, listing what
// there is when that is not one.
enum ctl_exit instance_open(struct instance *i, const struct ctl_options *o);
void instance_close(struct instance *i);
// A directive's value as the dataplane runs with it; "" when absent. Returns out.
char *instance_setting(const struct instance *i, const char *name, char *out, size_t capacity);
const char *instance_state_name(const struct instance *i);

// What the region's counters say at one moment: of all shards as tally_sum.h says, and of each.
struct sample {
    struct shard_tally tally;
    struct shard_look shards[REGION_SHARDS_MAX];
    uint64_t tsc, wall_us;
};
void instance_sample(const struct instance *i, struct sample *out);
void instance_rows(const struct instance *i, const struct sample *from, const struct sample *to,
                   struct shard_row rows[REGION_SHARDS_MAX]); // the first region.shard_count
void instance_pause(double seconds);                          // between two samples
double instance_tsc_hz(const struct instance *i);             // never 0
