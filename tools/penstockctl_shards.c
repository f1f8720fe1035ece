// shards: which slots each shard has, and what it does.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/penstockctl_instance.h"

static void print_shards(const struct instance *i, const struct ctl_options *o,
                         const struct sample *from, const struct sample *to)
{
    struct print p;
    struct shard_row rows[REGION_SHARDS_MAX];
    uint8_t shard_of_slot[REGION_SLOTS];
    double seconds = (double)(to->tsc - from->tsc) / instance_tsc_hz(i);
    bool knows =
        region_slots_read(&i->region.dataplane->slots, i->region.shard_count, shard_of_slot);
    instance_rows(i, from, to, rows);
    print_open(&p, stdout, o->json);
    if (o->json) {
        print_text(&p, "instance", i->region.name);
        print_text(&p, "state", instance_state_name(i));
        print_number(&p, "interval_s", seconds, 2);
    }
    shard_rows_print(&p, rows, i->region.shard_count, knows ? shard_of_slot : NULL);
    print_close(&p);
    if (!knows) ctl_complain("the dataplane has not said which slots its shards have");
}

enum ctl_exit ctl_shards(const struct ctl_options *o, int argc, char **argv)
{
    struct instance i;
    if (argc > 0 && strcmp(argv[0], "move") == 0) return ctl_shards_move(o, argc - 1, argv + 1);
    if (argc != 0) {
        ctl_complain("shards takes no arguments");
        return CTL_USAGE;
    }
    enum ctl_exit result = instance_open(&i, o);
    if (result != CTL_OK) return result;
    struct sample *samples = calloc(2, sizeof *samples);
    if (!i.dataplane_alive) {
        ctl_complain("the dataplane does not run");
        result = CTL_NOT_RUNNING;
    } else if (samples) {
        instance_sample(&i, &samples[0]);
        instance_pause(o->interval_s);
        instance_sample(&i, &samples[1]);
        print_shards(&i, o, &samples[0], &samples[1]);
    } else {
        result = CTL_BROKEN;
    }
    free(samples);
    instance_close(&i);
    return result;
}
