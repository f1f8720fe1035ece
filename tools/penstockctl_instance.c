#include "tools/penstockctl_instance.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dataplane/base/clock.h"
#include "dataplane/base/tally_sum.h"
#include "dataplane/conf/conf_file.h"

enum { INSTANCES_MAX = 256 };

struct search {
    const struct ctl_options *options;
    char names[INSTANCES_MAX][96];
    uint32_t count;
};

static bool open_by_name(struct instance *i, const char *name)
{
    if (region_open(&i->region, name, REGION_READER, 0) != REGION_FOUND) return false;
    i->control_alive = region_role_is_alive(&i->region, REGION_CONTROL);
    i->dataplane_alive = region_role_is_alive(&i->region, REGION_DATAPLANE);
    return true;
}

static bool has_port(const struct instance *i, int port)
{
    char text[32];
    return atoi(instance_setting(i, "port", text, sizeof text)) == port;
}

// Keeps those that live and that the options may mean. Not ours to read: not ours to list.
static void consider(void *context, const char *name)
{
    struct search *s = context;
    struct instance i;
    if (s->count == INSTANCES_MAX || !open_by_name(&i, name)) return;
    bool alive = i.control_alive || i.dataplane_alive;
    bool meant = !s->options->port_given || has_port(&i, s->options->port);
    if (alive && meant) snprintf(s->names[s->count++], sizeof s->names[0], "%s", name);
    instance_close(&i);
}

static void list_instances(const struct search *s)
{
    char port[32], socket[256];
    for (uint32_t n = 0; n < s->count; n++) {
        struct instance i;
        if (!open_by_name(&i, s->names[n])) continue;
        instance_setting(&i, "port", port, sizeof port);
        instance_setting(&i, "unixsocket", socket, sizeof socket);
        fprintf(stderr, "  --instance %s  (port %s%s%s, process %u)\n", s->names[n], port,
                socket[0] ? ", socket " : "", socket, i.region.control->pid);
        instance_close(&i);
    }
}

enum ctl_exit instance_open(struct instance *i, const struct ctl_options *o)
{
    if (o->instance) {
        if (open_by_name(i, o->instance)) return CTL_OK;
        ctl_complain("no instance %s: %s", o->instance,
                     errno ? strerror(errno) : "its region is of another version");
        return CTL_NOT_RUNNING;
    }
    struct search *s = calloc(1, sizeof *s);
    if (!s) return CTL_BROKEN;
    s->options = o;
    enum ctl_exit result = CTL_NOT_RUNNING;
    region_list(consider, s);
    if (s->count == 1 && open_by_name(i, s->names[0]))
        result = CTL_OK;
    else if (s->count > 1) {
        ctl_complain("%u instances are running, say which one:", s->count);
        list_instances(s);
        result = CTL_USAGE;
    } else if (o->port_given)
        ctl_complain("no running instance has port %d", o->port);
    else
        ctl_complain("no instance is running");
    free(s);
    return result;
}

void instance_close(struct instance *i) { region_close(&i->region, false); }

// The words behind the directive's name, a blank between. False: another directive's line. Only
// words are looked at: what stands in somebody's region is never obeyed (include, paths).
static bool line_value(struct bytes line, const char *name, char *out, size_t capacity)
{
    struct bytes words[CONF_WORDS_MAX];
    char *scratch = malloc(line.size + 1);
    uint32_t count = 0;
    bool found =
        scratch &&
        conf_split_line(line, scratch, line.size + 1, words, CONF_WORDS_MAX, &count) == OK &&
        count > 0 && bytes_is_word(words[0], name);
    size_t used = 0;
    for (uint32_t i = 1; found && i < count && used + words[i].size + 2 < capacity; i++) {
        if (i > 1) out[used++] = ' ';
        memcpy(out + used, words[i].data, words[i].size);
        used += words[i].size;
    }
    if (found) out[used] = '\0';
    free(scratch);
    return found;
}

char *instance_setting(const struct instance *i, const char *name, char *out, size_t capacity)
{
    char *text = malloc(REGION_SETTINGS_BYTES);
    size_t size = 0;
    out[0] = '\0';
    if (text)
        size = region_text_read(&i->region.dataplane->live_settings, text, REGION_SETTINGS_BYTES);
    if (text && size == 0)
        size = region_text_read(&i->region.control->settings, text, REGION_SETTINGS_BYTES);
    for (size_t at = 0; at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end ? (size_t)(end - text) - at : size - at;
        if (line_value(bytes_make(text + at, length), name, out, capacity)) break;
        at += length + 1;
    }
    free(text);
    return out;
}

const char *instance_state_name(const struct instance *i)
{
    if (!i->dataplane_alive) return i->control_alive ? "restarting" : "dead";
    switch (i->region.dataplane->state) {
    case DATAPLANE_STARTING:
        return "starting";
    case DATAPLANE_READY:
        return "ready";
    case DATAPLANE_STOPPING:
        return "stopping";
    case DATAPLANE_SAVING:
        return "saving";
    default:
        return "unknown";
    }
}

double instance_tsc_hz(const struct instance *i)
{
    uint64_t hz = i->region.header->tsc_hz;
    return hz ? (double)hz : 1e9;
}

void instance_sample(const struct instance *i, struct sample *out)
{
    *out = (struct sample){ .tsc = clock_tsc(), .wall_us = clock_wall_us() };
    for (uint32_t n = 0; n < i->region.shard_count; n++) {
        const struct shard_tally *t = &region_shard(&i->region, n)->tally;
        tally_sum_add(&out->tally, t);
        shard_look_take(&out->shards[n], t);
    }
}

void instance_rows(const struct instance *i, const struct sample *from, const struct sample *to,
                   struct shard_row rows[REGION_SHARDS_MAX])
{
    double seconds = (double)(to->tsc - from->tsc) / instance_tsc_hz(i);
    for (uint32_t n = 0; n < i->region.shard_count; n++)
        shard_row_make(&rows[n], &from->shards[n], &to->shards[n], seconds, to->wall_us);
}

void instance_pause(double seconds)
{
    struct timespec t = { .tv_sec = (time_t)seconds,
                          .tv_nsec = (long)((seconds - floor(seconds)) * 1e9) };
    nanosleep(&t, NULL);
}
