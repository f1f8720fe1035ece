// status: one look at an instance.
#include <stdio.h>
#include <stdlib.h>
#include "dataplane/base/clock.h"
#include "tools/penstockctl_instance.h"
#include "tools/penstockctl_print.h"

static void print_process(struct print *p, const char *name, bool alive, uint32_t pid,
                          uint64_t started_wall_us)
{
    char line[96], age[32];
    double seconds = (double)(clock_wall_us() - started_wall_us) / 1e6;
    if (p->json) {
        print_group(p, name);
        print_flag(p, "alive", alive);
        print_count(p, "pid", pid);
        print_number(p, "uptime_s", alive ? seconds : 0, 1);
        print_group_end(p);
        return;
    }
    if (alive)
        snprintf(line, sizeof line, "process %u, up %s", pid, print_duration(age, seconds));
    else
        snprintf(line, sizeof line, "not running");
    print_text(p, name, line);
}

static void print_listeners(struct print *p, const struct instance *i)
{
    char port[32], socket[256], bind[512];
    instance_setting(i, "port", port, sizeof port);
    print_text(p, "transport", instance_setting(i, "transport", bind, sizeof bind));
    print_text(p, "bind", instance_setting(i, "bind", bind, sizeof bind));
    print_count(p, "port", (uint64_t)atoi(port));
    instance_setting(i, "unixsocket", socket, sizeof socket);
    if (socket[0]) print_text(p, "unixsocket", socket);
}

static void print_bytes(struct print *p, const char *name, uint64_t bytes)
{
    char size[32];
    if (p->json)
        print_count(p, name, bytes);
    else
        print_text(p, name, print_size(size, (double)bytes));
}

static uint32_t count_still(const struct instance *i, const struct sample *s)
{
    struct shard_row rows[REGION_SHARDS_MAX];
    uint32_t count = 0;
    instance_rows(i, s, s, rows);
    for (uint32_t n = 0; n < i->region.shard_count; n++) count += rows[n].still_ms != 0;
    return count;
}

// False: a shard stands still.
static bool print_counts(struct print *p, const struct instance *i)
{
    struct sample *s = malloc(sizeof *s);
    if (!s) return true;
    instance_sample(i, s);
    uint32_t still = i->dataplane_alive ? count_still(i, s) : 0;
    print_count(p, "shards", i->region.shard_count);
    print_count(p, "shards_standing_still", still);
    print_count(p, "connected_clients", s->tally.connected_clients);
    print_count(p, "keys", s->tally.keys);
    print_count(p, "keys_with_deadline", s->tally.keys_with_deadline);
    print_count(p, "commands_processed", s->tally.commands_processed);
    print_bytes(p, "memory_allocated", s->tally.heap_allocated);
    print_bytes(p, "memory_resident", s->tally.heap_resident);
    print_bytes(p, "memory_peak", s->tally.heap_peak);
    free(s);
    return still == 0;
}

enum ctl_exit ctl_status(const struct ctl_options *o, int argc, char **argv)
{
    struct instance i;
    struct print p;
    (void)argv;
    if (argc != 0) {
        ctl_complain("status takes no arguments");
        return CTL_USAGE;
    }
    enum ctl_exit result = instance_open(&i, o);
    if (result != CTL_OK) return result;
    const struct region_control *control = i.region.control;
    const struct region_dataplane *dataplane = i.region.dataplane;
    bool ready = i.dataplane_alive && dataplane->state == DATAPLANE_READY;
    char text[sizeof control->config_file];
    print_open(&p, stdout, o->json);
    print_text(&p, "instance", i.region.name);
    print_text(&p, "state", instance_state_name(&i));
    snprintf(text, sizeof text, "%.*s", (int)sizeof control->version - 1, control->version);
    print_text(&p, "version", text);
    print_process(&p, "control", i.control_alive, control->pid, control->started_wall_us);
    print_process(&p, "dataplane", i.dataplane_alive, dataplane->pid, dataplane->started_wall_us);
    print_count(&p, "dataplane_restarts", control->dataplane_restarts);
    snprintf(text, sizeof text, "%.*s", (int)sizeof text - 1, control->config_file);
    print_text(&p, "config_file", text);
    print_listeners(&p, &i);
    bool moves = print_counts(&p, &i);
    print_close(&p);
    if (!i.control_alive && !i.dataplane_alive)
        result = CTL_NOT_RUNNING;
    else if (!ready || !moves || !i.control_alive)
        result = CTL_ANSWERED_ERROR;
    instance_close(&i);
    return result;
}
