#include "control/metrics_view.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/clock.h"
#include "dataplane/base/tally_sum.h"

const struct shard_tally *metrics_view_shard(const struct metrics_view *v, uint32_t index)
{
    return &region_shard(v->source.region, index)->tally;
}

void metrics_view_command(const struct metrics_view *v, uint32_t id,
                          char out[REGION_COMMAND_NAME_BYTES])
{
    memcpy(out, v->source.region->dataplane->command_names[id], REGION_COMMAND_NAME_BYTES);
    out[REGION_COMMAND_NAME_BYTES - 1] = '\0';
}

void metrics_view_event(const struct metrics_view *v, uint32_t event,
                        char out[REGION_EVENT_NAME_BYTES])
{
    memcpy(out, v->source.region->dataplane->event_names[event], REGION_EVENT_NAME_BYTES);
    out[REGION_EVENT_NAME_BYTES - 1] = '\0';
}

static void add_error(struct region_errors *sum, const char *code, uint64_t count)
{
    uint64_t i = 0;
    while (i < sum->count && strcmp(sum->rows[i].code, code) != 0) i++;
    if (i == REGION_ERROR_CODES) {
        sum->others += count;
        return;
    }
    if (i == sum->count) {
        sum->count++;
        memcpy(sum->rows[i].code, code, REGION_ERROR_CODE_BYTES);
    }
    sum->rows[i].count += count;
}

static void add_errors(struct region_errors *sum, const struct region_shard *shard)
{
    struct region_errors of;
    if (!region_errors_read(&shard->errors, &of)) return;
    for (uint64_t i = 0; i < of.count; i++) add_error(sum, of.rows[i].code, of.rows[i].count);
    sum->others += of.others;
}

// ---- the process -------------------------------------------------------------------------------

static bool read_line(const char *path, char *line, size_t capacity)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, line, capacity - 1);
    if (fd >= 0) close(fd);
    if (size <= 0) return false;
    line[size] = '\0';
    return true;
}

// "PID (name) S ppid ...": the name may hold anything, so fields count from its last parenthesis.
bool metrics_parse_stat(const char *line, uint64_t *user_ticks, uint64_t *system_ticks)
{
    const char *behind = strrchr(line, ')');
    return behind &&
           sscanf(behind + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64,
                  user_ticks, system_ticks) == 2;
}

static void read_cpu(const char *path, double *user_s, double *system_s)
{
    char line[1024];
    uint64_t user = 0, system = 0;
    double per_second = (double)sysconf(_SC_CLK_TCK);
    if (!read_line(path, line, sizeof line) || !metrics_parse_stat(line, &user, &system)) return;
    *user_s = (double)user / per_second;
    *system_s = (double)system / per_second;
}

static void read_process(struct metrics_process *p, uint32_t pid)
{
    char path[64], line[256];
    uint64_t pages = 0;
    *p = (struct metrics_process){ 0 };
    if (pid == 0) return;
    snprintf(path, sizeof path, "/proc/%u/stat", pid);
    read_cpu(path, &p->user_s, &p->system_s);
    snprintf(path, sizeof path, "/proc/%u/task/%u/stat", pid, pid);
    read_cpu(path, &p->main_user_s, &p->main_system_s);
    snprintf(path, sizeof path, "/proc/%u/statm", pid);
    if (read_line(path, line, sizeof line) && sscanf(line, "%*u %" SCNu64, &pages) == 1)
        p->rss_bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

// ---- the view ----------------------------------------------------------------------------------

static bool shards_are_fresh(const struct metrics_view *v)
{
    for (uint32_t i = 0; i < v->source.region->shard_count; i++) {
        uint64_t at =
            __atomic_load_n(&metrics_view_shard(v, i)->refreshed_wall_us, __ATOMIC_ACQUIRE);
        // A clock that was set back makes the last renewal lie ahead: until the next one.
        if (v->wall_us > at && v->wall_us - at > METRICS_STALE_MS * 1000ull) return false;
    }
    return true;
}

// The words are copied one by one, as they are written.
static void read_persist(struct metrics_view *v)
{
    const struct persist_tally *from = &v->source.region->dataplane->persist;
    const uint64_t *words = (const uint64_t *)from;
    uint64_t *out = (uint64_t *)&v->persist;
    v->has_persist =
        __atomic_load_n(&metrics_view_shard(v, 0)->refreshed_wall_us, __ATOMIC_ACQUIRE);
    for (size_t i = 0; i < sizeof *from / sizeof *words; i++)
        out[i] = __atomic_load_n(&words[i], __ATOMIC_RELAXED);
}

void metrics_view_read(struct metrics_view *v, const struct metrics_source *source)
{
    const struct region *r = source->region;
    memset(v, 0, sizeof *v);
    v->source = *source;
    v->hz = r->header->tsc_hz ? (double)r->header->tsc_hz : 1e9;
    v->tsc = clock_tsc();
    v->wall_us = clock_wall_us();
    // The lock tells what the supervisor may not have heard yet.
    bool lives = region_role_is_alive(r, REGION_DATAPLANE);
    v->is_alive = source->is_ready && lives;
    v->is_up = v->is_alive && shards_are_fresh(v);
    if (lives) read_persist(v);
    if (!v->is_alive) return;
    for (uint32_t i = 0; i < r->shard_count; i++) {
        tally_sum_add(&v->sum, metrics_view_shard(v, i));
        add_errors(&v->errors, region_shard(r, i));
    }
    read_process(&v->process, source->dataplane_pid);
}
