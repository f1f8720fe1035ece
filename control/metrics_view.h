// metrics_view.h: the instance at one moment, read for a page of metrics: the shards' tallies from
// the region, and what the kernel tells about the dataplane's process. No shard notices.
//
// Source:  DESIGN "The ledger"; proc(5): stat, statm
// Thread:  control's own
// Memory:  embedded; the source's pointers are borrowed
// Units:   cycles of hz per second in the tallies; seconds, bytes and wall microseconds elsewhere
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "control/metrics_text.h"
#include "dataplane/conf/settings.h"
#include "dataplane/lane/region.h"

enum { METRICS_STALE_MS = 3000 }; // a shard that renewed nothing for so long does not serve

struct metrics_source {
    const struct region *region;
    const struct settings *settings; // what the dataplane runs with
    uint32_t dataplane_pid;          // 0: none
    bool is_ready;                   // it said that it serves, and was not seen to end
    uint64_t scrapes, refusals;      // of the page's own server
};

struct metrics_process {
    double user_s, system_s; // all threads
    double main_user_s, main_system_s;
    uint64_t rss_bytes;
};

struct metrics_view {
    struct metrics_source source;
    bool is_alive; // a dataplane that was ready and lives: its figures mean something
    bool is_up;    // and every shard shows life
    double hz;
    uint64_t tsc, wall_us;
    struct shard_tally sum;      // over the shards, as tally_sum.h says
    struct region_errors errors; // over the shards, by code
    struct metrics_process process;
    bool has_persist; // of a dataplane that lives, be it ready or still loading
    struct persist_tally persist;
};

// Costs a copy of the tallies and three small files of /proc.
void metrics_view_read(struct metrics_view *v, const struct metrics_source *source);
const struct shard_tally *metrics_view_shard(const struct metrics_view *v, uint32_t index);
static inline double metrics_seconds(const struct metrics_view *v, uint64_t cycles)
{
    return (double)cycles / v->hz;
}
// Name of a command by its id, "" when there is none. out is ended with NUL.
void metrics_view_command(const struct metrics_view *v, uint32_t id,
                          char out[REGION_COMMAND_NAME_BYTES]);
void metrics_view_event(const struct metrics_view *v, uint32_t event, // likewise
                        char out[REGION_EVENT_NAME_BYTES]);

// The parts of a page.
void metrics_write_redis(struct metrics_text *t, const struct metrics_view *v);
void metrics_write_persist(struct metrics_text *t, const struct metrics_view *v);
void metrics_write_ledger(struct metrics_text *t, const struct metrics_view *v);

// For tests: one line of /proc/PID/stat; false when it is not one.
bool metrics_parse_stat(const char *line, uint64_t *user_ticks, uint64_t *system_ticks);
