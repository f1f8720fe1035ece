// dataplane_main.c: the data-plane process: region, settings, pinning, NIC, shards. Control starts
// it with the name of the region; everything else is in there.
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dataplane/cmd/persist.h"
#include "dataplane/conf/conf_file.h"
#include "dataplane/lane/crash.h"
#include "dataplane/nic/nic_dpdk.h"
#include "dataplane/shard/crew.h"
#include "dataplane/shard/keeper.h"
#include "dataplane/shard/shard.h"

enum { EXIT_START_FAILED = 1 };

struct dataplane {
    struct region region;
    struct bell bell;
    struct clock clock;
    struct settings *settings;
    struct nic_dpdk *nic;
    struct shard *shard; // the first one
    struct hub *hub;     // NULL: the only one
    struct crew *crew;   // NULL likewise
    struct persist persist;
    struct disk *disk;
    struct flusher *flusher;
    struct saving saving;
    struct keeper keeper;
    struct waker waker; // of an only shard
    struct crash_options crash;
    int signal_fd;
};

// Said to control through the region, and on stderr for who started the process by hand.
__attribute__((format(printf, 2, 3), noreturn)) static void start_failed(struct dataplane *d,
                                                                         const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (d->region.dataplane)
        memcpy(d->region.dataplane->start_error, text, sizeof d->region.dataplane->start_error);
    else
        fprintf(stderr, "penstock-dataplane: %s\n", text);
    exit(EXIT_START_FAILED);
}

static const char *region_argument(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--region") == 0) return argv[2];
    fprintf(stderr, "penstock-dataplane is started by penstock.\nusage: %s --region NAME\n",
            argv[0]);
    exit(2);
}

static void open_region(struct dataplane *d, const char *name)
{
    switch (region_open(&d->region, name, REGION_DATAPLANE, 0)) {
    case REGION_FOUND:
        return;
    case REGION_BUSY:
        start_failed(d, "region %s already has a running dataplane", name);
    case REGION_INVALID:
        start_failed(d, "region %s is of another version or damaged", name);
    default:
        start_failed(d, "region %s cannot be opened: %s", name, strerror(errno));
    }
}

static void read_settings(struct dataplane *d)
{
    struct conf_error error;
    char *text = malloc(REGION_SETTINGS_BYTES);
    d->settings = malloc(sizeof *d->settings);
    if (!text || !d->settings) start_failed(d, "out of memory");
    settings_init(d->settings);
    size_t size = region_text_read(&d->region.control->settings, text, REGION_SETTINGS_BYTES);
    if (conf_read_text(d->settings, bytes_make(text, size), "region", &error) != OK)
        start_failed(d, "settings from control, line %u: %s: %s", error.line, error.directive,
                     error.text);
    free(text);
}

// A client each, with some for files and devices. Fewer clients are served when the system allows
// no more.
static void raise_descriptor_limit(struct dataplane *d)
{
    struct rlimit limit;
    struct settings *s = d->settings;
    rlim_t want =
        (rlim_t)(s->maxclients + s->admin_reserved_clients) + SHARD_DESCRIPTORS_BEYOND_CLIENTS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= want) return;
    if (limit.rlim_max < want) limit.rlim_max = want;
    limit.rlim_cur = want;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0) return;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    s->maxclients =
        (int64_t)limit.rlim_max - s->admin_reserved_clients - SHARD_DESCRIPTORS_BEYOND_CLIENTS;
    if (s->maxclients < 1) start_failed(d, "the limit of open files is too low to serve anyone");
}

static void pin_to_core(struct dataplane *d)
{
    if (crew_pin(d->settings->core, 0) != OK)
        start_failed(d, "core %ld: %s", (long)d->settings->core, strerror(errno));
}

static struct nic_queue *open_nic(struct dataplane *d)
{
    char error[256], prefix[64];
    const struct settings *s = d->settings;
    if (s->transport != TRANSPORT_NIC) return NULL;
    snprintf(prefix, sizeof prefix, "penstock-%d", (int)getpid());
    struct nic_dpdk_config config = {
        .devargs = (const char *const *)s->nic_devargs.words,
        .devarg_count = s->nic_devargs.count,
        .sharer_count = d->region.shard_count,
        .eal_args = s->nic_eal_args,
        .no_huge = s->nic_no_huge,
        .memory_mb = (uint32_t)s->nic_memory_mb,
        .file_prefix = prefix,
        .frame_count = (uint32_t)s->nic_frames,
        .rx_descriptors = (uint16_t)s->nic_rx_descriptors,
        .tx_descriptors = (uint16_t)s->nic_tx_descriptors,
        .mtu = (uint16_t)s->nic_mtu,
        .core = (int)s->core,
        .software_checksum = s->nic_software_checksum,
    };
    if (config.devarg_count != 1)
        start_failed(d, "transport nic needs one nic-devargs, %u given", config.devarg_count);
    if (nic_dpdk_open(&d->nic, &config, error, sizeof error) != OK)
        start_failed(d, "Failed opening the NIC: %s", error);
    return nic_dpdk_queue(d->nic, 0);
}

static void install_signals(struct dataplane *d)
{
    // Control's terminal is ours too: ^C reaches both, but stopping is control's to order. A vhost
    // peer that leaves raises SIGPIPE. SIGTERM is read from a descriptor by the shard's loop.
    static const int ignored[] = { SIGPIPE, SIGHUP, SIGINT };
    sigset_t terminate;
    sigemptyset(&terminate);
    sigaddset(&terminate, SIGTERM);
    sigprocmask(SIG_BLOCK, &terminate, NULL);
    d->signal_fd = signalfd(-1, &terminate, SFD_NONBLOCK | SFD_CLOEXEC);
    for (uint32_t i = 0; i < sizeof ignored / sizeof *ignored; i++) signal(ignored[i], SIG_IGN);
    struct region_dataplane *part = d->region.dataplane;
    d->crash = (struct crash_options){ .program = "Penstock dataplane",
                                       .fd = -1,
                                       .text = part->crash_text,
                                       .text_capacity = sizeof part->crash_text,
                                       .signal = &part->crash_signal,
                                       .bytes = &part->crash_bytes };
    if (crash_install(&d->crash) != OK) start_failed(d, "out of memory");
}

static void publish_names(struct dataplane *d)
{
    for (uint32_t id = 0; id < command_count() && id < COMMAND_TALLY_MAX; id++)
        snprintf(d->region.dataplane->command_names[id], REGION_COMMAND_NAME_BYTES, "%s",
                 command_by_id((uint16_t)id)->full_name);
    for (uint32_t event = 0; event < LATENCY_EVENT_COUNT; event++)
        snprintf(d->region.dataplane->event_names[event], REGION_EVENT_NAME_BYTES, "%s",
                 latency_event_names[event]);
}

static void announce_ready(void *context)
{
    struct dataplane *d = context;
    struct lane_msg ready = { .kind = LANE_READY, .a = (uint64_t)d->shard->server.tcp_port };
    if (d->hub)
        region_slots_write(&d->region.dataplane->slots, d->hub->node.placement.shard_of_slot);
    __atomic_store_n(&d->region.dataplane->state, DATAPLANE_READY, __ATOMIC_RELEASE);
    if (lane_send(&region_shard(&d->region, 0)->events, &ready) == OK) bell_ring(&d->bell);
}

static void announce_when_loaded(struct dataplane *d)
{
    if (keeper_is_opening(&d->keeper)) {
        d->keeper.on_open = announce_ready;
        d->keeper.context = d;
    } else if (persist_is_loading(&d->persist)) {
        d->shard->loader.on_over = announce_ready;
        d->shard->loader.context = d;
    } else {
        announce_ready(d);
    }
}

static void announce_stopped(struct dataplane *d)
{
    struct lane_msg stopped = { .kind = LANE_STOPPED, .a = 0 };
    __atomic_store_n(&d->region.dataplane->state, DATAPLANE_GONE, __ATOMIC_RELEASE);
    if (lane_send(&region_shard(&d->region, 0)->events, &stopped) == OK) bell_ring(&d->bell);
}

static void on_bell(void *context)
{
    bell_drain(context); // the loop looks at its lanes on every turn
}

// Somebody ends this process by itself: stop in order, and control is told not to start another.
static void on_terminate(void *context)
{
    struct dataplane *d = context;
    struct signalfd_siginfo info;
    if (read(d->signal_fd, &info, sizeof info) != (ssize_t)sizeof info) return;
    shard_log(d->shard, LOG_NOTICE, "Received SIGTERM, stopping");
    if (persist_must_save(&d->shard->server, 0))
        persist_ask_stop(&d->persist, 0);
    else
        d->shard->server.ops->stop(&d->shard->server, 0);
}

static void open_hub(struct dataplane *d)
{
    uint32_t count = d->region.shard_count;
    if (count > 1 && hub_open(&d->hub, count) != OK)
        start_failed(d, "no memory or descriptors for %u shards", count);
    if (count == 1 && waker_open(&d->waker) != OK)
        start_failed(d, "no descriptors: %s", strerror(errno));
}

static void open_flusher(struct dataplane *d)
{
    struct waker *wakers[PLACEMENT_SHARDS_MAX] = { &d->waker };
    for (uint32_t i = 0; d->hub && i < d->region.shard_count; i++) wakers[i] = &d->hub->wakers[i];
    persist_open(&d->persist, d->region.shard_count, clock_wall_us() / 1000);
    if (disk_uring_open(&d->disk) != OK)
        start_failed(d, "io_uring is not available for files: %s", strerror(errno));
    struct flusher_config config = { .port_count = d->region.shard_count,
                                     .wakers = wakers,
                                     .disk = d->disk,
                                     .core = -1 };
    if (flusher_open(&d->flusher, &config) != OK || flusher_start(d->flusher) != OK)
        start_failed(d, "no memory or threads for the flusher");
}

// What is wrong with the inside of the file the shards find out.
static void begin_load(struct dataplane *d)
{
    char error[KEEPER_ERROR_MAX];
    _Static_assert((int)LOADER_ERROR_MAX <= (int)KEEPER_ERROR_MAX, "either says why");
    if (keeper_open(&d->keeper, &d->persist, d->settings, error) != OK) {
        d->region.dataplane->is_final = 1;
        start_failed(d, "%s", error);
    }
    if (d->settings->appendonly) return;
    if (loader_begin(&d->persist, d->settings, clock_wall_us() / 1000, error) == OK) return;
    d->region.dataplane->is_final = 1;
    start_failed(d, "%s\nFatal error loading the DB, check server logs. Exiting.", error);
}

static void open_shards(struct dataplane *d, struct nic_queue *nic)
{
    char error[512];
    uint32_t count = d->region.shard_count;
    saving_open(&d->saving, &d->persist, d->flusher);
    struct shard_config config = { .settings = d->settings,
                                   .region = &d->region,
                                   .bell = &d->bell,
                                   .clock = &d->clock,
                                   .nic = nic,
                                   .hub = d->hub,
                                   .persist = &d->persist,
                                   .saving = &d->saving,
                                   .keeper = &d->keeper,
                                   .waker = &d->waker,
                                   .index = 0,
                                   .count = count };
    if (d->hub && crew_open(&d->crew, &config, error, sizeof error) != OK)
        start_failed(d, "%s", error);
    if (shard_open(&d->shard, &config, error, sizeof error) != OK) start_failed(d, "%s", error);
    if (sock_watch(d->shard->sock, d->bell.fd, on_bell, &d->bell) != OK ||
        sock_watch(d->shard->sock, d->signal_fd, on_terminate, d) != OK)
        start_failed(d, "the control plane's bell cannot be watched");
    if (d->crew && crew_begin(d->crew, d->shard) != OK)
        start_failed(d, "no memory for %u shards", count);
}

int main(int argc, char **argv)
{
    static struct dataplane dataplane = { .waker.fd = -1 };
    struct dataplane *d = &dataplane;
    open_region(d, region_argument(argc, argv));
    d->region.dataplane->pid = (uint32_t)getpid();
    d->region.dataplane->state = DATAPLANE_STARTING;
    d->region.dataplane->started_wall_us = clock_wall_us();
    install_signals(d);
    if (bell_open(&d->bell, d->region.name, REGION_DATAPLANE) != OK)
        start_failed(d, "the doorbell socket could not be opened: %s", strerror(errno));
    if (clock_init(&d->clock) != OK) start_failed(d, "the CPU's time stamp counter is not usable");
    d->region.header->tsc_hz = d->clock.tsc_hz;
    d->region.dataplane->start_tsc = clock_tsc();
    read_settings(d);
    raise_descriptor_limit(d);
    // Before pinning, so that jemalloc's threads stay off the shard's core.
    if (heap_start_background() != OK) start_failed(d, "jemalloc has no background threads");
    // Sleeps end when asked, not up to 50 us later.
    if (prctl(PR_SET_TIMERSLACK, 1000ul) != 0) start_failed(d, "prctl: %s", strerror(errno));
    open_hub(d);
    open_flusher(d); // likewise
    pin_to_core(d);
    begin_load(d);
    open_shards(d, open_nic(d));
    publish_names(d);
    announce_when_loaded(d);
    shard_run(d->shard);
    if (d->crew)
        crew_close(d->crew, d->shard);
    else
        shard_close(d->shard);
    flusher_close(d->flusher);
    d->disk->ops->close(d->disk);
    keeper_close(&d->keeper);
    waker_close(&d->waker);
    hub_close(d->hub);
    if (d->nic) nic_dpdk_close(d->nic);
    announce_stopped(d);
    bell_close(&d->bell);
    region_close(&d->region, false);
    return 0;
}
