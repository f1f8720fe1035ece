#include "control/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/base/clock.h"
#include "dataplane/lane/crash.h"

enum {
    ADOPT_TRIES = 40,
    WAITS_MAX = 250,
    WAIT_MS = 20,
    ADOPT_PAUSE_MS = 50,
    RETRY_MS = 100,
    EVENT_BUDGET = LANE_RECORDS,
    LOG_BUDGET = 4096
};
#define SECOND_NS 1000000000ull

// ---- opening -----------------------------------------------------------------------------------

// A dataplane that is just starting has its lock already, its pid a moment later.
static uint32_t dataplane_pid_wait(struct region *r)
{
    for (int tries = 0; tries < ADOPT_TRIES; tries++) {
        uint32_t pid = __atomic_load_n(&r->dataplane->pid, __ATOMIC_ACQUIRE);
        if (pid || !region_role_is_alive(r, REGION_DATAPLANE)) return pid;
        nanosleep(&(struct timespec){ .tv_nsec = ADOPT_PAUSE_MS * 1000000L }, NULL);
    }
    return 0;
}

// The dataplane whose lock is held: watched from now on.
static enum status supervisor_adopt(struct supervisor *s)
{
    uint32_t pid = dataplane_pid_wait(&s->region);
    enum status status = child_adopt(&s->child, (pid_t)pid, s->region.name);
    if (status != OK) return status;
    s->phase = SUPERVISOR_STARTING; // READY follows from its state at the next poll
    log_write(s->log, LEVEL_NOTICE, "Found the dataplane running as process %u, taking it over.",
              pid);
    return OK;
}

// A dataplane that crashed while nobody watched left its report behind; the region is about to be
// made anew.
static void report_old_crash(struct supervisor *s, const char *region_name)
{
    struct region old;
    if (region_open(&old, region_name, REGION_READER, 0) != REGION_FOUND) return;
    uint32_t size = old.dataplane->crash_bytes;
    if (size > 0 && size <= REGION_CRASH_BYTES && !region_role_is_alive(&old, REGION_CONTROL) &&
        !region_role_is_alive(&old, REGION_DATAPLANE)) {
        log_write(s->log, LEVEL_WARNING,
                  "An earlier dataplane crashed by signal: %u while no control was running. Its "
                  "report:",
                  old.dataplane->crash_signal);
        log_raw(s->log, old.dataplane->crash_text, size);
    }
    region_close(&old, false);
}

static enum supervisor_open_result failure_of(enum region_open_result result)
{
    return result == REGION_BUSY      ? SUPERVISOR_BUSY
           : result == REGION_INVALID ? SUPERVISOR_FOREIGN
                                      : SUPERVISOR_NO_REGION;
}

enum supervisor_open_result supervisor_open(struct supervisor *s, const char *region_name,
                                            uint32_t shard_count)
{
    s->region.fd = s->bell.fd = -1;
    child_init(&s->child);
    report_old_crash(s, region_name);
    enum region_open_result result =
        region_open(&s->region, region_name, REGION_CONTROL, shard_count);
    if (result != REGION_CREATED && result != REGION_FOUND) return failure_of(result);
    if (bell_open(&s->bell, region_name, REGION_CONTROL) != OK) return SUPERVISOR_NO_BELL;
    s->phase = SUPERVISOR_DOWN;
    if (result == REGION_CREATED) return SUPERVISOR_FRESH;
    if (supervisor_adopt(s) == OK) return SUPERVISOR_ADOPTED;
    if (region_role_is_alive(&s->region, REGION_DATAPLANE)) return SUPERVISOR_FOREIGN;
    // It ended this very moment. Its region may have another number of shards: made anew.
    region_close(&s->region, false);
    result = region_open(&s->region, region_name, REGION_CONTROL, shard_count);
    if (result == REGION_CREATED) return SUPERVISOR_FRESH;
    return result == REGION_FOUND ? SUPERVISOR_FOREIGN : failure_of(result);
}

void supervisor_close(struct supervisor *s)
{
    bool alone = s->region.fd >= 0 && !region_role_is_alive(&s->region, REGION_DATAPLANE);
    region_close(&s->region, alone);
    bell_close(&s->bell);
    if (s->child.pidfd >= 0) close(s->child.pidfd);
    child_init(&s->child);
}

// ---- what the dataplane says -------------------------------------------------------------------

static void drain_log(struct supervisor *s, struct region_shard *shard)
{
    char text[1025];
    int level;
    uint64_t wall_us;
    uint32_t pid = s->region.dataplane->pid;
    for (int i = 0; i < LOG_BUDGET; i++) {
        if (!region_log_read(shard, &level, &wall_us, text, sizeof text)) return;
        log_line(s->log, pid, level, wall_us, text);
    }
}

static void drain_logs(struct supervisor *s)
{
    for (uint32_t i = 0; i < s->region.shard_count; i++) drain_log(s, region_shard(&s->region, i));
}

static void on_ready(struct supervisor *s, uint64_t now_ns)
{
    if (s->phase != SUPERVISOR_STARTING) return;
    s->phase = SUPERVISOR_READY;
    s->served = true;
    s->ready_at_ns = now_ns;
    s->vain_starts = 0;
    drain_logs(s); // what it said before it was ready comes before
    log_write(s->log, LEVEL_NOTICE, "Server initialized");
    log_write(s->log, LEVEL_NOTICE, "Ready to accept connections %s", s->transport);
    notify_ready(s->notify, "Ready to accept connections");
}

static void on_stopping(struct supervisor *s)
{
    if (s->phase == SUPERVISOR_STOPPING || s->phase == SUPERVISOR_ENDED) return;
    log_write(s->log, LEVEL_NOTICE, "User requested shutdown...");
    notify_stopping(s->notify);
    s->phase = SUPERVISOR_STOPPING;
    s->deadline_ns = 0; // a client's SHUTDOWN takes the time it takes
}

// What the dataplane runs with from now on is also what its successor starts with.
static void on_settings(struct supervisor *s)
{
    size_t size =
        region_text_read(&s->region.dataplane->live_settings, s->scratch, sizeof s->scratch);
    if (size == 0) return;
    region_text_write(&s->region.control->settings, s->scratch, size);
    s->settings_changed = true;
}

static void on_event(struct supervisor *s, const struct lane_msg *m, uint64_t now_ns)
{
    switch (m->kind) {
    case LANE_READY:
        on_ready(s, now_ns);
        break;
    case LANE_STOPPING:
        on_stopping(s);
        break;
    case LANE_STOP_REFUSED:
        log_write(s->log, LEVEL_WARNING,
                  "Errors trying to shut down the server. Check the logs for more information.");
        s->phase = SUPERVISOR_READY;
        notify_ready(s->notify, "Ready to accept connections");
        break;
    case LANE_STOPPED:
        on_stopping(s);
        s->stopped_in_order = true;
        s->exit_code = (int)(m->a & 0xff);
        s->deadline_ns = now_ns + SUPERVISOR_STOP_S * SECOND_NS; // closed: it only has to exit
        break;
    case LANE_SETTINGS:
        on_settings(s);
        break;
    case LANE_PONG:
    case LANE_ERRAND: // the desk looks at its slot on every turn
        break;
    default:
        log_write(s->log, LEVEL_WARNING, "Unknown message %u from a shard", m->kind);
    }
}

static void drain_events(struct supervisor *s, uint64_t now_ns)
{
    struct lane_msg m;
    for (uint32_t i = 0; i < s->region.shard_count; i++) {
        struct lane *events = &region_shard(&s->region, i)->events;
        for (int n = 0; n < EVENT_BUDGET && lane_receive(events, &m); n++) on_event(s, &m, now_ns);
    }
}

// ---- start, end, restart -----------------------------------------------------------------------

static void supervisor_end(struct supervisor *s, int exit_code)
{
    s->phase = SUPERVISOR_ENDED;
    s->exit_code = exit_code;
}

static void start_later(struct supervisor *s, uint64_t now_ns, uint64_t ms)
{
    s->phase = SUPERVISOR_DOWN;
    s->start_at_ns = now_ns + ms * 1000000ull;
}

static void supervisor_start(struct supervisor *s, uint64_t now_ns)
{
    if (region_role_is_alive(&s->region, REGION_DATAPLANE)) {
        // Started by a control that died before it took its lock; or one whose last pages are just
        // being torn down.
        if (supervisor_adopt(s) != OK) start_later(s, now_ns, RETRY_MS);
        return;
    }
    if (s->waits < WAITS_MAX && bell_is_taken(s->region.name, REGION_DATAPLANE)) {
        s->waits++; // the last one's sockets are not all closed yet: its port would be busy
        start_later(s, now_ns, WAIT_MS);
        return;
    }
    s->waits = 0;
    region_reset_dataplane(&s->region, true);
    s->stopped_in_order = false;
    int error = child_start(&s->child, s->program, s->region.name, s->log->path);
    if (error) {
        log_write(s->log, LEVEL_WARNING, "Cannot start the dataplane %s: %s", s->program,
                  strerror(error));
        supervisor_end(s, 1);
        return;
    }
    s->phase = SUPERVISOR_STARTING;
    log_write(s->log, LEVEL_VERBOSE, "Dataplane started as process %d", (int)s->child.pid);
}

static void report_crash(struct supervisor *s, pid_t pid, struct child_end end)
{
    struct region_dataplane *d = s->region.dataplane;
    int signal = end.known ? end.signal : (int)d->crash_signal;
    if (signal)
        log_write(s->log, LEVEL_WARNING, "Dataplane %d crashed by signal: %d (%s)", (int)pid,
                  signal, crash_signal_name(signal));
    else if (end.known)
        log_write(s->log, LEVEL_WARNING, "Dataplane %d ended unexpectedly with exit code %d",
                  (int)pid, end.exit_code);
    else
        log_write(s->log, LEVEL_WARNING, "Dataplane %d ended unexpectedly", (int)pid);
    uint32_t size = __atomic_load_n(&d->crash_bytes, __ATOMIC_ACQUIRE);
    if (size == 0 || size > sizeof d->crash_text) // a report that was cut short is shown as well
        size = (uint32_t)strnlen(d->crash_text, sizeof d->crash_text);
    if (size == 0) return;
    log_raw(s->log, d->crash_text, size);
    if (d->crash_text[size - 1] != '\n') log_raw(s->log, "\n", 1);
}

// The dataplane said why it cannot run. At the first start there is no use in trying again.
static bool report_start_error(struct supervisor *s)
{
    char text[sizeof s->region.dataplane->start_error];
    memcpy(text, s->region.dataplane->start_error, sizeof text);
    text[sizeof text - 1] = '\0';
    for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
        if (line[0]) log_write(s->log, LEVEL_WARNING, "%s", line);
    return text[0] != '\0' || s->region.dataplane->start_error[0] != '\0';
}

static void schedule_restart(struct supervisor *s, uint64_t now_ns)
{
    if (s->phase == SUPERVISOR_READY && now_ns - s->ready_at_ns > SUPERVISOR_STEADY_S * SECOND_NS)
        s->crashes = 0;
    uint64_t seconds = s->crashes == 0 ? 0 : 1ull << (s->crashes < 8 ? s->crashes - 1 : 8);
    if (seconds > SUPERVISOR_BACKOFF_S_MAX) seconds = SUPERVISOR_BACKOFF_S_MAX;
    s->crashes++;
    s->region.control->dataplane_restarts++;
    s->phase = SUPERVISOR_DOWN;
    s->start_at_ns = now_ns + seconds * SECOND_NS;
    if (seconds == 0)
        log_write(s->log, LEVEL_WARNING, "Restarting the dataplane at once");
    else
        log_write(s->log, LEVEL_WARNING, "Restarting the dataplane in %llu s",
                  (unsigned long long)seconds);
    notify_status(s->notify, "The dataplane crashed and is being restarted");
}

static void on_crash(struct supervisor *s, pid_t pid, struct child_end end, uint64_t now_ns)
{
    report_crash(s, pid, end);
    on_settings(s); // CONFIG SET survives, whether its message came or not
    if (s->phase == SUPERVISOR_STARTING && ++s->vain_starts >= SUPERVISOR_VAIN_STARTS_MAX) {
        log_write(s->log, LEVEL_WARNING,
                  "The dataplane ended %u times before it was ready: giving up", s->vain_starts);
        supervisor_end(s, 1);
        return;
    }
    schedule_restart(s, now_ns);
}

static void on_stopped(struct supervisor *s, pid_t pid, struct child_end end)
{
    bool killed = end.known && end.signal != 0;
    if (killed || s->region.dataplane->crash_bytes) report_crash(s, pid, end);
    supervisor_end(s, s->stopped_in_order ? s->exit_code : killed ? 1 : end.exit_code);
}

void supervisor_child_ended(struct supervisor *s, uint64_t now_ns)
{
    pid_t pid = s->child.pid;
    struct child_end end = child_collect(&s->child);
    drain_events(s, now_ns);
    drain_logs(s);
    if (s->phase == SUPERVISOR_STOPPING)
        on_stopped(s, pid, end);
    else if (s->region.dataplane->is_final && report_start_error(s))
        supervisor_end(s, 1); // its snapshot cannot be loaded: the next one could not, either
    else if (s->phase == SUPERVISOR_STARTING && report_start_error(s) && !s->served)
        supervisor_end(s, 1);
    else
        on_crash(s, pid, end, now_ns);
}

// ---- the turn ----------------------------------------------------------------------------------

static void check_deadlines(struct supervisor *s, uint64_t now_ns)
{
    if (s->phase == SUPERVISOR_DOWN && now_ns >= s->start_at_ns) supervisor_start(s, now_ns);
    bool is_saving = s->region.dataplane->state == DATAPLANE_SAVING; // takes the time it takes
    if (s->deadline_ns && is_saving) s->deadline_ns = now_ns + SUPERVISOR_STOP_S * SECOND_NS;
    if (s->phase == SUPERVISOR_STOPPING && s->deadline_ns && now_ns >= s->deadline_ns) {
        log_write(s->log, LEVEL_WARNING, "The dataplane does not stop: killing process %d",
                  (int)s->child.pid);
        child_kill(&s->child, SIGKILL);
        s->deadline_ns = 0;
    }
}

void supervisor_poll(struct supervisor *s, uint64_t now_ns)
{
    bell_drain(&s->bell);
    drain_events(s, now_ns);
    if (s->phase == SUPERVISOR_STARTING && s->region.dataplane->state == DATAPLANE_READY)
        on_ready(s, now_ns);
    drain_logs(s);
    check_deadlines(s, now_ns);
    __atomic_store_n(&s->region.control->heartbeat_wall_us, clock_wall_us(), __ATOMIC_RELAXED);
}

void supervisor_stop(struct supervisor *s, uint64_t flags, uint64_t now_ns)
{
    struct lane_msg order = { .kind = LANE_STOP, .a = flags };
    if (s->phase == SUPERVISOR_STOPPING || s->phase == SUPERVISOR_ENDED) return;
    on_stopping(s);
    if (s->child.pidfd < 0) {
        supervisor_end(s, 0);
        return;
    }
    for (uint32_t i = 0; i < s->region.shard_count; i++) {
        order.shard = (uint16_t)i;
        if (lane_send(&region_shard(&s->region, i)->orders, &order) != OK)
            log_write(s->log, LEVEL_WARNING, "Shard %u does not read its orders", i);
    }
    bell_ring(&s->bell);
    s->deadline_ns = now_ns + SUPERVISOR_STOP_S * SECOND_NS;
}

int supervisor_timeout_ms(const struct supervisor *s, uint64_t now_ns)
{
    uint64_t at = now_ns + SECOND_NS;
    if (s->phase == SUPERVISOR_DOWN && s->start_at_ns < at) at = s->start_at_ns;
    if (s->phase == SUPERVISOR_STOPPING && s->deadline_ns && s->deadline_ns < at)
        at = s->deadline_ns;
    // Its state is polled while it starts: the one bell that matters then might get lost.
    if (s->phase == SUPERVISOR_STARTING) at = now_ns + RETRY_MS * 1000000ull;
    return at <= now_ns ? 0 : (int)((at - now_ns + 999999) / 1000000);
}
