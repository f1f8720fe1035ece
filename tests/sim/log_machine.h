// log_machine.h: a server with its append-only log, as dataplane_main.c puts it together, on a disk
// in memory; turned by hand, from its start until the power fails or it stops.
//
// Source:  dataplane/shard/dataplane_main.c (what is opened and closed in which order)
// Thread:  one
// Memory:  machine_crash and machine_stop free all of it but the disk
// Time:    the fixture's, from one second on in each life; the wall clock goes with it, and on
//          while there is no machine
#pragma once
#include <time.h>
#include "dataplane/cmd/persist.h"
#include "dataplane/shard/keeper.h"
#include "tests/sim/fibers.h"
#include "tests/sim/log_disk.h"
#include "tests/unit/shard/fixture.h"

enum { MACHINE_FRAMES = 2048, MACHINE_LOG_LINES = 40, MACHINE_LOG_BYTES = 300 };

struct machine {
    struct log_disk *disk; // borrowed
    struct rng *rng;       // borrowed
    struct fixture *f;
    struct hub *hub; // NULL: one shard
    uint32_t count;
    struct shard *shards[FIBERS_MAX];
    struct persist *persist;
    struct keeper *keeper;
    struct flusher *flusher;
    struct saving saving;
    struct waker waker;
    bool is_loaded;
};

static char machine_log[MACHINE_LOG_LINES][MACHINE_LOG_BYTES]; // the last lines, of all lives
static uint64_t machine_log_count;
static uint64_t machine_log_tears;

static void machine_show_log(void)
{
    uint64_t n = machine_log_count;
    for (uint64_t i = n > MACHINE_LOG_LINES ? n - MACHINE_LOG_LINES : 0; i < n; i++)
        fprintf(stderr, "  log: %s\n", machine_log[i % MACHINE_LOG_LINES]);
}

static void machine_read_log(struct machine *m)
{
    char text[1024];
    int level;
    uint64_t wall_us;
    for (uint32_t i = 0; i < m->count; i++)
        while (
            region_log_read(region_shard(&m->f->region, i), &level, &wall_us, text, sizeof text)) {
            char *line = machine_log[machine_log_count++ % MACHINE_LOG_LINES];
            machine_log_tears += strstr(text, "Truncating the AOF") != NULL;
            snprintf(line, MACHINE_LOG_BYTES, "%llu ms, shard %u: %.250s",
                     (unsigned long long)(m->f->now_ns / 1000000), i, text);
        }
}

// ---- the wall clock: the libc's

static uint64_t machine_wall_ns;

int clock_gettime(clockid_t id, struct timespec *out)
{
    if (id != CLOCK_REALTIME) return (int)syscall(SYS_clock_gettime, id, out);
    *out = (struct timespec){ (time_t)(machine_wall_ns / 1000000000),
                              (long)(machine_wall_ns % 1000000000) };
    return 0;
}

static uint64_t machine_wall_ms(void) { return machine_wall_ns / 1000000; }
// What no shard is behind: they reckon in whole microseconds.
static uint64_t machine_wall_least_ms(void) { return machine_wall_ms() - 1; }

// ---- opening

static void *machine_take(size_t size)
{
    size = (size + 63) / 64 * 64;
    void *memory = aligned_alloc(64, size);
    CHECK(memory);
    return memset(memory, 0, size);
}

static void machine_open_flusher(struct machine *m)
{
    struct waker *wakers[FIBERS_MAX] = { &m->waker };
    for (uint32_t i = 0; m->hub && i < m->count; i++) wakers[i] = &m->hub->wakers[i];
    m->persist = machine_take(sizeof *m->persist);
    m->keeper = machine_take(sizeof *m->keeper);
    persist_open(m->persist, m->count, clock_wall_us() / 1000);
    struct flusher_config config = {
        .port_count = m->count, .wakers = wakers, .disk = &m->disk->disk, .core = -1
    };
    CHECK(flusher_open(&m->flusher, &config) == OK);
}

static void machine_open_shard(struct machine *m, uint32_t index, struct settings *settings)
{
    char error[512];
    struct shard_config config = { .settings = settings,
                                   .region = &m->f->region,
                                   .bell = &m->f->bell,
                                   .clock = &m->f->clock,
                                   .nic = nic_mem_queue(m->f->wire, 0),
                                   .hub = m->hub,
                                   .persist = m->persist,
                                   .saving = &m->saving,
                                   .keeper = m->keeper,
                                   .waker = &m->waker,
                                   .index = index,
                                   .count = m->count };
    if (shard_open(&m->shards[index], &config, error, sizeof error) == OK) return;
    fprintf(stderr, "%s\n", error);
    CHECK(!"shard_open");
}

static void machine_open_net(struct machine *m, uint64_t seed, uint64_t wire_ns)
{
    struct nic_mem_impairment wire = { .delay_ns = wire_ns };
    CHECK(m->count == 1 || hub_open(&m->hub, m->count) == OK);
    m->waker.fd = -1;
    CHECK(m->hub || waker_open(&m->waker) == OK);
    m->f = fixture_new_of(m->count);
    m->f->hub = m->hub;
    fixture_add_wire(m->f, &wire, seed, MACHINE_FRAMES);
    nic_mem_set_queues(m->f->wire, 0, 1, false);
}

// False: the start is refused, error says why.
static bool machine_open(struct machine *m, struct log_disk *disk, struct rng *rng, uint32_t count,
                         const char *directives, char error[KEEPER_ERROR_MAX])
{
    char all[2048];
    *m = (struct machine){ .disk = disk, .rng = rng, .count = count };
    machine_open_net(m, 1 + rng_below(rng, 1000000), 50000 + rng_below(rng, 1000000));
    if (count == 1 && rng_below(rng, 2)) m->f->clock.tsc_hz = 10000000; // short slices
    machine_open_flusher(m);
    snprintf(all, sizeof all, FIXTURE_NIC_DIRECTIVES "protected-mode no\nnic-connections 64\n%s",
             directives);
    struct settings *settings = fixture_settings(m->f, all);
    if (keeper_open(m->keeper, m->persist, settings, error) != OK) return false;
    log_disk_follow(disk);
    saving_open(&m->saving, m->persist, m->flusher);
    machine_open_shard(m, 0, settings);
    m->f->shard = m->shards[0];
    for (uint32_t i = 1; i < count; i++) machine_open_shard(m, i, fixture_settings(m->f, all));
    for (uint32_t i = 0; i < count && m->hub; i++) CHECK(shard_join(m->shards[i]) == OK);
    if (m->hub) fibers_begin(m->shards, count);
    return true;
}

// ---- turns

static bool machine_is_open(const struct machine *m)
{
    return m->is_loaded && !keeper_is_opening(m->keeper);
}

static void machine_note_load(struct machine *m)
{
    if (m->is_loaded || persist_is_loading(m->persist)) return;
    m->is_loaded = true;
    log_disk_follow(m->disk);
}

// Time moves to the next event on the wire, or on by most_ns.
static void machine_turn(struct machine *m, uint64_t most_ns)
{
    uint64_t before_ns = m->f->now_ns;
    fixture_move_time(m->f, most_ns);
    machine_wall_ns += m->f->now_ns - before_ns;
    host_turn(m->f);
    if (m->hub)
        fibers_turn(m->count, m->rng);
    else
        shard_turn(m->shards[0]);
    machine_note_load(m);
    for (uint64_t turns = rng_below(m->rng, 3); turns > 0; turns--)
        (void)flusher_turn(m->flusher, m->f->now_ns, 0);
    machine_read_log(m);
}

// ---- the end

static void machine_close_shards(struct machine *m)
{
    for (uint32_t i = 0; i < m->count; i++) shard_end_scripts(m->shards[i]);
    for (uint32_t i = 1; i < m->count; i++) shard_close(m->shards[i]);
    fixture_close_shard(m->f);
}

static void machine_close_rest(struct machine *m)
{
    flusher_close(m->flusher);
    keeper_close(m->keeper);
    waker_close(&m->waker);
    fixture_close(m->f);
    hub_close(m->hub);
    free(m->keeper);
    free(m->persist);
}

// The power fails, and comes back.
static void machine_crash(struct machine *m)
{
    log_disk_crash(m->disk);
    machine_close_shards(m);
    machine_close_rest(m);
}

static bool machine_is_quiet(const struct machine *m)
{
    for (uint32_t i = 0; i < m->count; i++)
        if (!appender_is_quiet(&m->shards[i]->appender)) return false;
    return true;
}

// As SHUTDOWN NOSAVE; then the power fails, which nothing depends on any more.
static void machine_stop(struct machine *m, uint32_t turns_max)
{
    for (uint32_t i = 0; i < m->count; i++) shard_stop(m->shards[i], 0);
    do machine_turn(m, FIXTURE_STEP_NS);
    while (!machine_is_quiet(m) && turns_max-- > 0);
    machine_close_shards(m);
    machine_close_rest(m);
    log_disk_crash(m->disk);
}
