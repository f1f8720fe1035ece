// penstockctl_instance.h: finds the instance that is meant and opens its region for reading.
//
// Source:  region.h
// Thread:  one; reads only, disturbs nobody
// Memory:  struct instance owns its mapping
#pragma once
#include <stddef.h>
#include "dataplane/lane/region.h"
#include "tools/penstockctl.h"

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

// What the region's counters say at one moment, all shards added up (maxima: the largest).
struct sample {
    struct shard_tally tally;
    uint64_t tsc;
};
void instance_sample(const struct instance *i, struct sample *out);
double instance_tsc_hz(const struct instance *i); // never 0
