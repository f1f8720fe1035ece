// The control process: reads the configuration, owns the region, keeps the dataplane alive.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "control/daemon.h"
#include "control/desk.h"
#include "control/log.h"
#include "control/metrics.h"
#include "control/notify.h"
#include "control/options.h"
#include "control/report.h"
#include "control/shard_count.h"
#include "control/supervisor.h"
#include "control/title.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/oom_score.h"
#include "dataplane/lane/crash.h"

struct control {
    struct options options;  // what was asked for
    struct settings running; // what the dataplane runs with: the same until a CONFIG SET
    struct log log;
    struct notify notify;
    struct pid_file pid_file;
    struct title title;
    struct supervisor supervisor;
    struct desk desk;
    struct metrics metrics;
    struct crash_options crash;
    char program[PATH_MAX]; // the dataplane's
    char acl_file[PATH_MAX];
    int64_t shards_asked; // 0: auto
    const char *self;     // argv[0]
    int epoll_fd, signal_fd;
    pid_t watched; // the child whose pidfd is in the epoll set
    uint32_t interrupts;
};
enum watch { WATCH_SIGNAL, WATCH_BELL, WATCH_CHILD, WATCH_METRICS };

// ---- start -------------------------------------------------------------------------------------

static const char *text_or_empty(const char *text) { return text ? text : ""; }

static void set_title(struct control *c)
{
    const struct settings *s = &c->running;
    char text[1024], pattern[512], on[8], address[160];
    long long port = (long long)(s->port ? s->port : s->tls_port);
    if (strcmp(options_text(s, "set-proc-title", on, sizeof on), "no") == 0) return;
    const char *bind = s->bind.count ? s->bind.words[0] : "*";
    if (port)
        snprintf(address, sizeof address, "%s:%lld", bind[0] == '-' ? bind + 1 : bind, port);
    else
        snprintf(address, sizeof address, "%s", text_or_empty(s->unixsocket));
    struct title_values values = {
        .title = c->self,
        .listen_address = address,
        .unixsocket = s->unixsocket,
        .config_file = c->options.config_file,
        .port = (long long)s->port,
        .tls_port = (long long)s->tls_port,
    };
    options_text(s, "proc-title-template", pattern, sizeof pattern);
    if (title_expand(text, sizeof text, pattern, &values))
        title_set(&c->title, text);
    else
        log_write(&c->log, LEVEL_WARNING, "proc-title-template is not understood: %s", pattern);
}

// The settings then hold where that is, so that CONFIG GET says where the files are.
static bool enter_directory(struct settings *s)
{
    char absolute[PATH_MAX], error[SETTING_ERROR_MAX];
    const char *dir = text_or_empty(s->dir);
    if (dir[0] && chdir(dir) != 0) {
        fprintf(stderr, "\n*** FATAL CONFIG FILE ERROR (Penstock " PENSTOCK_VERSION ") ***\n");
        fprintf(stderr, "Can't chdir to '%s': %s\n", dir, strerror(errno));
        return false;
    }
    if (!getcwd(absolute, sizeof absolute)) return true;
    return setting_assign_text(s, setting_find(bytes_text("dir")), bytes_text(absolute), error) ==
           OK;
}

// "auto" becomes a number; CONFIG REWRITE keeps what was asked for.
static void settle_shards(struct control *c)
{
    struct settings *s = &c->options.settings;
    cpu_set_t cores;
    c->shards_asked = s->shards;
    if (s->shards) return;
    shard_count_cores(&cores);
    s->shards = shard_count_auto(&cores, s);
}

static bool open_log(struct control *c)
{
    const struct settings *s = &c->options.settings;
    char facility[32];
    log_init(&c->log);
    c->log.level = s->loglevel;
    if (log_open(&c->log, text_or_empty(s->logfile)) != OK) {
        fprintf(stderr, "Can't open the log file %s: %s\n", s->logfile, strerror(errno));
        return false;
    }
    if (s->syslog_enabled)
        log_open_syslog(&c->log, SYSLOG_PATH, text_or_empty(s->syslog_ident),
                        options_text(s, "syslog-facility", facility, sizeof facility));
    return true;
}

static bool open_loop(struct control *c)
{
    struct epoll_event signals = { .events = EPOLLIN, .data.u32 = WATCH_SIGNAL };
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    c->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return c->epoll_fd >= 0 && c->signal_fd >= 0 &&
           epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, c->signal_fd, &signals) == 0;
}

static void install_crash_report(struct control *c)
{
    c->crash = (struct crash_options){ .program = "Penstock " PENSTOCK_VERSION, .fd = c->log.fd };
    if (crash_install(&c->crash) != OK)
        log_write(&c->log, LEVEL_WARNING, "No crash report can be written: %s", strerror(errno));
}

static void make_run_id(char out[41])
{
    uint8_t random[20] = { 0 };
    if (getrandom(random, sizeof random, 0) < 0) store_le64(random, clock_tsc());
    for (size_t i = 0; i < sizeof random; i++) snprintf(out + 2 * i, 3, "%02x", random[i]);
}

// Everything in the region that says who we are; the settings only when nobody runs with others.
static bool fill_region(struct control *c, bool fresh)
{
    struct region_control *part = c->supervisor.region.control;
    struct clock clock;
    part->pid = (uint32_t)getpid();
    part->started_wall_us = part->heartbeat_wall_us = clock_wall_us();
    part->bell_generation++;
    bool has_file = strcmp(c->options.config_file, "-") != 0; // standard input is none
    snprintf(part->config_file, sizeof part->config_file, "%.*s", (int)sizeof part->config_file - 1,
             has_file ? c->options.config_file : "");
    snprintf(part->version, sizeof part->version, "%s", PENSTOCK_VERSION);
    ssize_t size = readlink("/proc/self/exe", part->executable, sizeof part->executable - 1);
    part->executable[size > 0 ? size : 0] = '\0';
    if (!fresh) return true;
    (void)oom_score_read((uint32_t)getpid(), &part->oom_score_base);
    make_run_id(part->run_id);
    if (clock_init(&clock) == OK) c->supervisor.region.header->tsc_hz = clock.tsc_hz;
    char *text = c->supervisor.scratch;
    size_t bytes = settings_write(&c->options.settings, text, REGION_SETTINGS_BYTES);
    if (bytes == 0) {
        log_write(&c->log, LEVEL_WARNING, "The configuration is larger than %u bytes",
                  REGION_SETTINGS_BYTES);
        return false;
    }
    region_text_write(&part->settings, text, bytes);
    return true;
}

// Replaces what we think the dataplane runs with by what the region says.
static void read_running_settings(struct control *c)
{
    struct region *r = &c->supervisor.region;
    struct conf_error error = { .line = 0 };
    struct settings fresh;
    char *text = c->supervisor.scratch;
    size_t bytes = region_text_read(&r->dataplane->live_settings, text, REGION_SETTINGS_BYTES);
    if (bytes == 0) bytes = region_text_read(&r->control->settings, text, REGION_SETTINGS_BYTES);
    settings_init(&fresh);
    if (bytes && conf_read_text(&fresh, bytes_make(text, bytes), "region", &error) == OK) {
        settings_close(&c->running);
        c->running = fresh;
    } else {
        settings_close(&fresh);
        log_write(&c->log, LEVEL_WARNING, "The dataplane's settings cannot be read: %s",
                  bytes ? error.text : "no text");
    }
    c->running.shards = r->shard_count;
    c->log.level = c->running.loglevel;
}

// CONFIG SET dir: the dataplane has gone there already.
static void follow_directory(struct control *c)
{
    const char *dir = text_or_empty(c->running.dir);
    if (dir[0] && chdir(dir) != 0)
        log_write(&c->log, LEVEL_WARNING, "Can't chdir to '%s': %s", dir, strerror(errno));
}

static void report_busy(struct control *c, const char *region_name)
{
    struct region other;
    uint32_t pid = 0;
    if (region_open(&other, region_name, REGION_READER, 0) == REGION_FOUND) {
        pid = other.control->pid;
        region_close(&other, false);
    }
    log_write(&c->log, LEVEL_WARNING,
              "Penstock is already running on this port and in this directory, as process %u "
              "(region %s)",
              pid, region_name);
    if (c->options.settings.port)
        log_write(&c->log, LEVEL_WARNING, "Failed listening on port %lld (tcp), aborting.",
                  (long long)c->options.settings.port);
}

static void report_foreign(struct control *c, const char *region_name)
{
    log_write(&c->log, LEVEL_WARNING,
              "A dataplane runs in region %s (process %u) that cannot be taken over: another "
              "version, or not what it says. Stop it first.",
              region_name,
              c->supervisor.region.dataplane ? c->supervisor.region.dataplane->pid : 0);
}

static const char *transport_words(const struct settings *s)
{
    static const char *const words[] = { "nowhere: port is 0 and unixsocket is not set",
                                         "tcp",
                                         "unix",
                                         "tcp, unix",
                                         "tls",
                                         "tcp, tls",
                                         "unix, tls",
                                         "tcp, unix, tls" };
    bool socket = s->unixsocket && s->unixsocket[0];
    return words[(s->port != 0) + 2 * socket + 4 * (s->tls_port != 0)];
}

static void report_shards(struct control *c)
{
    long long count = (long long)c->options.settings.shards;
    if (count > 1)
        log_write(&c->log, LEVEL_NOTICE, "%lld shards%s", count,
                  c->shards_asked ? "" : ", as many as there are cores for them");
}

static bool open_supervisor(struct control *c)
{
    struct supervisor *s = &c->supervisor;
    const struct settings *settings = &c->options.settings;
    char name[96], folder[PATH_MAX];
    if (!getcwd(folder, sizeof folder)) snprintf(folder, sizeof folder, ".");
    region_name(name, geteuid(), settings->port ? settings->port : settings->tls_port,
                settings->unixsocket, folder);
    if (!child_program(c->program, sizeof c->program)) return false;
    s->log = &c->log;
    s->notify = &c->notify;
    s->program = c->program;
    s->transport = transport_words(settings);
    options_text(settings, "aclfile", c->acl_file, sizeof c->acl_file);
    c->desk = (struct desk){ .log = &c->log,
                             .region = &s->region,
                             .bell = &s->bell,
                             .config_file = c->options.config_file,
                             .acl_file = c->acl_file,
                             .shards_asked = c->shards_asked,
                             .restarted = true };
    switch (supervisor_open(s, name, (uint32_t)settings->shards)) {
    case SUPERVISOR_FRESH:
        report_shards(c);
        return fill_region(c, true);
    case SUPERVISOR_ADOPTED:
        read_running_settings(c);
        follow_directory(c);
        report_differences(&c->log, settings, &c->running);
        return fill_region(c, false);
    case SUPERVISOR_BUSY:
        report_busy(c, name);
        return false;
    case SUPERVISOR_FOREIGN:
        report_foreign(c, name);
        return false;
    case SUPERVISOR_NO_REGION:
    case SUPERVISOR_NO_BELL:
        break;
    }
    log_write(&c->log, LEVEL_WARNING, "Cannot make the shared region %s: %s", name,
              strerror(errno));
    return false;
}

static void write_pid_file(struct control *c, bool background)
{
    const char *path = text_or_empty(c->options.settings.pidfile);
    if (path[0] == '\0' && !background) return;
    if (path[0] == '\0') path = "/var/run/penstock.pid";
    if (pid_file_write(&c->pid_file, path) != OK)
        log_write(&c->log, LEVEL_WARNING, "Failed to write PID file %s: %s", path, strerror(errno));
}

// A page that cannot be had now is tried again later; it does not keep the cache from serving.
static bool open_metrics(struct control *c)
{
    struct epoll_event event = { .events = EPOLLIN, .data.u32 = WATCH_METRICS };
    if (metrics_open(&c->metrics, &c->log, &c->supervisor, &c->running) != OK) return false;
    metrics_apply(&c->metrics, clock_monotonic_ns());
    return epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, c->metrics.epoll_fd, &event) == 0;
}

// The dataplane, which is started later, inherits it; CONFIG SET is the dataplane's to follow, for
// both.
static void set_oom_score(struct control *c)
{
    int64_t base = c->supervisor.region.control->oom_score_base;
    if (c->running.oom_score_adj == OOM_NO) return;
    if (!oom_score_write((uint32_t)getpid(), settings_oom_score(&c->running, base)))
        log_write(&c->log, LEVEL_WARNING, "Unable to write oom_score_adj: %s", strerror(errno));
}

static bool control_open(struct control *c)
{
    char supervised[16];
    const struct settings *s = &c->options.settings;
    bool is_there = enter_directory(&c->options.settings);
    settle_shards(c);
    settings_copy(&c->running, s);
    c->notify = notify_open(options_text(s, "supervised", supervised, sizeof supervised));
    bool background = s->daemonize && !notify_is_supervised(&c->notify);
    // The log first: once detached, nobody would see why it cannot be opened.
    if (!is_there || !open_log(c) || (background && daemon_detach() != OK)) return false;
    report_banner(&c->log, &c->options);
    install_crash_report(c);
    if (!open_loop(c) || !open_supervisor(c)) return false;
    set_oom_score(c);
    report_without_effect(&c->log, s);
    write_pid_file(c, background);
    set_title(c);
    struct epoll_event bell = { .events = EPOLLIN, .data.u32 = WATCH_BELL };
    return epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, c->supervisor.bell.fd, &bell) == 0 &&
           open_metrics(c);
}

// ---- the loop ----------------------------------------------------------------------------------

static uint64_t stop_flags(const struct control *c, const char *directive)
{
    static const struct {
        const char *word;
        uint64_t flag;
    } rows[] = { { "nosave", LANE_STOP_NOSAVE },
                 { "save", LANE_STOP_SAVE },
                 { "now", LANE_STOP_NOW },
                 { "force", LANE_STOP_FORCE } };
    char text[64], *rest = text;
    uint64_t flags = 0;
    options_text(&c->running, directive, text, sizeof text);
    for (char *word; (word = strsep(&rest, " "));)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            if (strcmp(word, rows[i].word) == 0) flags |= rows[i].flag;
    return flags;
}

// The operator does not want to wait: nothing is left running.
static void exit_at_once(struct control *c)
{
    log_write(&c->log, LEVEL_WARNING, "You insist... exiting now.");
    child_kill(&c->supervisor.child, SIGKILL);
    if (c->supervisor.child.pidfd >= 0) child_collect(&c->supervisor.child);
    pid_file_remove(&c->pid_file);
    supervisor_close(&c->supervisor);
    exit(1);
}

static void on_signal(struct control *c, uint64_t now_ns)
{
    struct signalfd_siginfo info;
    while (read(c->signal_fd, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGUSR1) {
            log_reopen(&c->log);
            continue;
        }
        bool interrupt = info.ssi_signo == SIGINT;
        if (c->supervisor.phase == SUPERVISOR_STOPPING && interrupt) exit_at_once(c);
        log_write(&c->log, LEVEL_NOTICE, "Received %s scheduling shutdown...",
                  interrupt ? "SIGINT" : "SIGTERM");
        supervisor_stop(&c->supervisor,
                        stop_flags(c, interrupt ? "shutdown-on-sigint" : "shutdown-on-sigterm"),
                        now_ns);
    }
}

// The child changes with every restart; its closed pidfd has left the set by itself.
static void watch_child(struct control *c)
{
    struct child *child = &c->supervisor.child;
    struct epoll_event event = { .events = EPOLLIN, .data.u32 = WATCH_CHILD };
    if (c->watched == child->pid) return;
    c->watched = child->pid;
    if (child->pidfd >= 0 && epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, child->pidfd, &event) < 0)
        log_write(&c->log, LEVEL_WARNING, "The dataplane cannot be watched: %s", strerror(errno));
}

static int wait_ms_max(const struct control *c)
{
    uint64_t now_ns = clock_monotonic_ns();
    int supervisor_ms = supervisor_timeout_ms(&c->supervisor, now_ns);
    int metrics_ms = metrics_timeout_ms(&c->metrics, now_ns);
    return metrics_ms >= 0 && metrics_ms < supervisor_ms ? metrics_ms : supervisor_ms;
}

static void control_turn(struct control *c)
{
    struct epoll_event events[4];
    int wait_ms = wait_ms_max(c);
    int count = epoll_wait(c->epoll_fd, events, 4, wait_ms);
    uint64_t now_ns = clock_monotonic_ns();
    bool child_ended = false;
    for (int i = 0; i < count; i++) {
        if (events[i].data.u32 == WATCH_SIGNAL) on_signal(c, now_ns);
        if (events[i].data.u32 == WATCH_CHILD) child_ended = true;
    }
    (void)desk_poll(&c->desk);
    if (child_ended && c->supervisor.child.pid) supervisor_child_ended(&c->supervisor, now_ns);
    if (c->supervisor.phase == SUPERVISOR_ENDED) return;
    supervisor_poll(&c->supervisor, now_ns);
    if (c->supervisor.settings_changed) {
        c->supervisor.settings_changed = false;
        read_running_settings(c);
        follow_directory(c);
        set_title(c);
        metrics_apply(&c->metrics, now_ns);
    }
    watch_child(c);
    metrics_poll(&c->metrics, now_ns);
    log_poll(&c->log, now_ns);
    c->crash.fd = c->log.fd; // follows a rotation
}

static int control_close(struct control *c)
{
    bool ended = c->supervisor.phase == SUPERVISOR_ENDED;
    int exit_code = ended ? c->supervisor.exit_code : 1;
    pid_file_remove(&c->pid_file);
    metrics_close(&c->metrics);
    if (c->supervisor.log) supervisor_close(&c->supervisor);
    if (ended && exit_code == 0)
        log_write(&c->log, LEVEL_NOTICE, "Penstock is now ready to exit, bye bye...");
    log_close(&c->log);
    settings_close(&c->running);
    return exit_code;
}

static int control_run(struct control *c)
{
    if (control_open(c)) {
        supervisor_poll(&c->supervisor, clock_monotonic_ns());
        watch_child(c);
        while (c->supervisor.phase != SUPERVISOR_ENDED) control_turn(c);
    }
    return control_close(c);
}

int main(int argc, char **argv)
{
    char **arguments = title_copy_arguments(argc, argv);
    struct control *c = calloc(1, sizeof *c);
    if (!c || !arguments) return 1;
    enum options_result result = options_read(&c->options, argc, arguments);
    int exit_code = result == OPTIONS_DONE ? 0 : 1;
    if (result == OPTIONS_RUN) {
        c->title = title_open(argc, argv);
        c->self = arguments[0];
        c->epoll_fd = c->signal_fd = -1;
        exit_code = control_run(c);
    }
    options_close(&c->options);
    free(c);
    title_free_arguments(arguments);
    return exit_code;
}
