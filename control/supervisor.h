// supervisor.h: the dataplane's life: start, watch, restart after a crash, stop in order, adopt one
// that outlived an earlier control.
//
//   DOWN --start--> STARTING --LANE_READY--> READY --stop or SHUTDOWN--> STOPPING --exit--> ENDED
//     ^                |                       |
//     '----back-off----+------- crash ---------'        a start_error, or 5 vain starts: ENDED, 1
//
// Source:  DESIGN "Processes"
// Thread:  control's own
// Memory:  embedded; owns region, bell and child. The log and the program's name are borrowed
// Units:   monotonic nanoseconds
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "control/launch.h"
#include "control/log.h"
#include "control/notify.h"
#include "dataplane/lane/bell.h"
#include "dataplane/lane/region.h"

enum {
    SUPERVISOR_VAIN_STARTS_MAX = 5,
    SUPERVISOR_BACKOFF_S_MAX = 10,
    SUPERVISOR_STEADY_S = 30, // a dataplane that served this long starts the back-off anew
    SUPERVISOR_STOP_S = 9,    // service managers give ten
};

enum supervisor_phase {
    SUPERVISOR_DOWN,
    SUPERVISOR_STARTING,
    SUPERVISOR_READY,
    SUPERVISOR_STOPPING,
    SUPERVISOR_ENDED
};

struct supervisor {
    struct region region;
    struct bell bell;
    struct child child;
    struct log *log;
    const struct notify *notify;
    const char *program;   // the dataplane's
    const char *transport; // "tcp", for the ready line
    enum supervisor_phase phase;
    int exit_code;         // once ENDED
    uint32_t vain_starts;  // in a row, never ready
    uint32_t crashes;      // in a row, each before SUPERVISOR_STEADY_S
    uint64_t start_at_ns;  // DOWN: when to start
    uint32_t waits;        // for what the last one still holds
    bool served;           // a dataplane of this configuration was ready once
    uint64_t ready_at_ns;  // since when it serves
    uint64_t deadline_ns;  // STOPPING: when patience ends; 0: no limit
    bool settings_changed; // live settings are news; the reader clears it
    bool stopped_in_order; // LANE_STOPPED came
    char scratch[REGION_SETTINGS_BYTES];
};

enum supervisor_open_result {
    SUPERVISOR_FRESH,     // a new region: the caller fills it, then polls
    SUPERVISOR_ADOPTED,   // a dataplane was running and is ours now
    SUPERVISOR_BUSY,      // another control lives
    SUPERVISOR_FOREIGN,   // a dataplane of another version, or a process that cannot be verified
    SUPERVISOR_NO_REGION, // errno tells
    SUPERVISOR_NO_BELL,   // errno tells
};
// log, notify, program and transport are set by the caller before. A dataplane that is adopted
// keeps its number of shards (region.shard_count), whatever is asked for.
enum supervisor_open_result supervisor_open(struct supervisor *s, const char *region_name,
                                            uint32_t shard_count);
void supervisor_close(struct supervisor *s); // removes the region when no dataplane lives in it

// Everything that is due: messages, log lines, the next start, patience. Call after every wait.
void supervisor_poll(struct supervisor *s, uint64_t now_ns);
// The child's pidfd became readable.
void supervisor_child_ended(struct supervisor *s, uint64_t now_ns);
// flags: enum lane_stop_flags. Again: no effect.
void supervisor_stop(struct supervisor *s, uint64_t flags, uint64_t now_ns);
// How long the caller may wait: to the next deadline, at most a second (the heartbeat).
int supervisor_timeout_ms(const struct supervisor *s, uint64_t now_ns);
