// The append-only log of a whole server on a disk in memory that loses and tears what was not
// synced. One seed is one run of several lives: writers send numbered values, an operator rewrites
// the log and turns it off and on, the disk may refuse for a while; then the power fails, and the
// next life has to find what was promised, in order, transactions whole.
//
//   test_log_sim [first_seed [count [tears]]]   a failing seed is printed with the command that
//   replays it. tears: what was not synced is torn in sectors of 512 bytes, with holes, where the
//   log has no way to tell: starts are refused then that could not be told from a damaged disk
//
// What it has to notice within 100 seeds: rewind_if_due of storage/flusher_log.c that only clears
// must_rewind, so that what a failed sync dropped is told durable by the next one; a base loaded
// without LOAD_EXPIRED; an expired key whose DEL is not in the log; a base of commands without
// PEXPIREAT.
#include <fcntl.h>
#include <sys/random.h>
#include "tests/sim/log_check.h"
#include "tests/sim/log_operator.h"

#define WALL_START_S 1900000000ull // in the year 2030

static char folder[] = "/tmp/penstock-log-sim-XXXXXX";
static struct sim *running; // who ends the process finds it
static bool tears;

// ---- a life

static void open_life(struct sim *sim)
{
    static const char *const policies[] = { "no", "everysec", "always" };
    char directives[512], error[KEEPER_ERROR_MAX];
    uint32_t count = 1;
    if (sim->seed % 2 == 0) count = once_in(sim, 6) ? 1 : 2 + (uint32_t)pick(sim, 2);
    sim->policy = pick(sim, 8) < 5 ? FLUSH_SYNC_ALWAYS : FLUSH_SYNC_EVERYSEC;
    snprintf(directives, sizeof directives,
             "appendonly yes\nappendfsync %s\nauto-aof-rewrite-percentage %d\n"
             "auto-aof-rewrite-min-size %llu\naof-timestamp-enabled %s\n"
             "aof-use-rdb-preamble %s\n",
             policies[sim->policy], once_in(sim, 2) ? 0 : 100,
             (unsigned long long)(1000 + pick(sim, 500000)), once_in(sim, 4) ? "yes" : "no",
             once_in(sim, 3) ? "no" : "yes");
    sim->life++;
    totals.lives++;
    if (!machine_open(&sim->machine, &sim->disk, &sim->rng, count, directives, error))
        fail(sim, "the start is refused: %s", error);
}

static void await_open(struct sim *sim)
{
    for (uint32_t turns = 0; !machine_is_open(&sim->machine); turns++) {
        if (turns > 200000) fail(sim, "the log does not open");
        machine_turn(&sim->machine, FIXTURE_STEP_NS);
    }
}

static void begin_life(struct sim *sim)
{
    await_open(sim);
    sim->admin = ADMIN_NONE;
    sim->wants_flush = false;
    sim->lull_until_ns = 0;
    for (uint32_t i = 0; i < sim->writer_count; i++) sim->peers[i] = connect_peer(sim);
    sim->admin_peer = connect_peer(sim);
    check_start(sim);
    begin_promises(sim);
}

static void turn(struct sim *sim, bool goes_on)
{
    // A sync that failed is tried again a second later.
    uint64_t steps = sim->has_bad_syncs ? 10 : sim->lull_until_ns > now_of(sim) ? 4 : 1;
    for (uint32_t i = 0; i < sim->writer_count && goes_on; i++) send_some(sim, i);
    if (goes_on) operate(sim);
    meddle(sim);
    machine_turn(&sim->machine, steps * FIXTURE_STEP_NS);
    for (uint32_t i = 0; i < sim->writer_count; i++) read_some(sim, i);
    if (sim->admin != ADMIN_NONE) hear_admin(sim);
    watch(sim);
    sim->turn++;
    totals.turns++;
}

// While one file follows another, or the log is rewritten or turned on, more is at stake.
static bool is_cut_short(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->machine.count; i++)
        if (sim->machine.shards[i]->appender.older && once_in(sim, 40)) return true;
    return !keeper_is_idle(sim->machine.keeper) && once_in(sim, 500);
}

static void play(struct sim *sim)
{
    uint64_t turns = once_in(sim, 3) ? pick(sim, 100) : pick(sim, 1000);
    bool has_lulls = sim->policy != FLUSH_SYNC_ALWAYS || sim->is_hurt;
    for (sim->turn = 0; turns > 0; turns--) {
        if (has_lulls && once_in(sim, 150))
            sim->lull_until_ns = now_of(sim) + pick(sim, 5000 * LOG_SIM_MS);
        turn(sim, true);
        if (is_cut_short(sim)) return;
    }
}

// In order: everything is answered, and on the disk.
static void stop(struct sim *sim)
{
    sim->is_stopping = true;
    heal(sim);
    for (uint32_t turns = 0; !are_writers_idle(sim) || sim->admin != ADMIN_NONE; turns++) {
        if (turns > 20000) fail(sim, "not everything is answered");
        turn(sim, false);
    }
    if (is_steady(sim) && !sim->has_failed) promise(sim, UINT64_MAX);
    forgive_losses(sim);
    machine_stop(&sim->machine, 20000);
    totals.stops++;
}

static void crash(struct sim *sim)
{
    if (!sim->has_failed) promise_synced(sim);
    totals.crashes_in_rewrites += aof_of(sim)->is_rewriting;
    totals.errors += sim->has_failed;
    forgive_losses(sim);
    sim->ended_ms = machine_wall_ms();
    machine_crash(&sim->machine);
}

// The power fails again before anybody is served.
static bool crash_early(struct sim *sim)
{
    if (!once_in(sim, 6)) return false;
    for (uint64_t turns = pick(sim, 20); turns > 0; turns--)
        machine_turn(&sim->machine, FIXTURE_STEP_NS);
    machine_crash(&sim->machine);
    totals.starts_cut_short++;
    return true;
}

// The power comes back soon, or late.
static void sleep_on(struct sim *sim)
{
    static const uint64_t most_ms[] = { 1, 1000, 60000 };
    machine_wall_ns += pick(sim, most_ms[pick(sim, 3)] * LOG_SIM_MS);
}

static void live(struct sim *sim, bool is_last)
{
    heal(sim);
    sim->is_stopping = false;
    sleep_on(sim);
    open_life(sim);
    if (!is_last && crash_early(sim)) return;
    begin_life(sim);
    if (!is_last) play(sim);
    if (once_in(sim, 8))
        stop(sim);
    else
        crash(sim);
}

// ---- a run

static void open_sim(struct sim *sim)
{
    struct disk_memory_config disk = { .seed = sim->seed,
                                       .delay_turns_max = (uint32_t)pick(sim, 9),
                                       .keeps_order = !tears };
    log_disk_open(&sim->disk, &disk);
    sim->has_deadlines = once_in(sim, 2);
    sim->has_bad_syncs = once_in(sim, 4);
    sim->is_hurt = sim->has_bad_syncs || once_in(sim, 4);
    sim->depth = sim->is_hurt ? 1 : 1 + (uint32_t)pick(sim, 8);
    sim->writer_count = 1 + (uint32_t)pick(sim, MODEL_WRITERS_MAX);
    for (uint32_t i = 0; i < sim->writer_count; i++) sim->writers[i].index = i;
    log_empty_folder(".");
    log_empty_folder(LOG_FOLDER);
    (void)rmdir(LOG_FOLDER);
}

static void run(uint64_t seed)
{
    struct sim *sim = calloc(1, sizeof *sim);
    CHECK(sim);
    running = sim;
    replay_seed = sim->seed = seed;
    rng_seed(&sim->rng, seed);
    machine_wall_ns = WALL_START_S * 1000000000;
    open_sim(sim);
    for (uint64_t lives = 2 + pick(sim, 3); lives > 0; lives--) live(sim, false);
    live(sim, true);
    sim->disk.disk.ops->close(&sim->disk.disk);
    for (uint32_t i = 0; i < sim->writer_count; i++) writer_free(&sim->writers[i]);
    free(sim);
    running = NULL;
}

static void remove_folder(void)
{
    log_empty_folder(folder);
    if (chdir(folder) == 0) log_empty_folder(LOG_FOLDER);
    (void)rmdir(LOG_FOLDER);
    if (chdir("/") == 0) (void)rmdir(folder);
}

// Keys of hashes, and who gets which connection, are the seed's too. What is left to chance is how
// long a slice of a snapshot or of a load takes.
ssize_t getrandom(void *out, size_t size, unsigned int flags)
{
    uint8_t *to = out;
    static struct rng rng;
    static uint64_t seed;
    (void)flags;
    if (seed != replay_seed) rng_seed(&rng, seed = replay_seed);
    for (size_t i = 0; i < size; i++) to[i] = (uint8_t)rng_next(&rng);
    return (ssize_t)size;
}

// A server that cannot load its log ends the process: it says why, and where.
void _exit(int status)
{
    static bool is_ending;
    struct sim *sim = running;
    if (sim && !is_ending) {
        is_ending = true;
        machine_read_log(&sim->machine);
        fprintf(stderr, "seed %llu failed: the process is ended: %s\n",
                (unsigned long long)sim->seed, sim->machine.f->region.dataplane->start_error);
        sim_show(sim);
        replay_say();
        remove_folder();
    }
    for (;;) syscall(SYS_exit_group, status);
}

int main(int argc, char **argv)
{
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : argc > 1 ? 1 : 100;
    tears = argc > 3 && strcmp(argv[3], "tears") == 0;
    CHECK(mkdtemp(folder) && chdir(folder) == 0);
    atexit(remove_folder);
    replay_watch("test_log_sim");
    for (uint64_t seed = first; seed < first + count; seed++) run(seed);
    fibers_free();
    const struct log_sim_totals *t = &totals;
#define N(name) (unsigned long long)t->name
    printf("# lives %llu (%llu ended in their start, %llu stopped in order, %llu with errors), "
           "turns %llu\n",
           N(lives), N(starts_cut_short), N(stops), N(errors), N(turns));
    printf("# operations %llu: answered %llu, kept %llu, refused %llu, answered and lost %llu, "
           "there without an answer %llu, of several shards %llu, FLUSHALL %llu\n",
           N(ops), N(answered), N(kept), N(refused), N(lost), N(beyond), N(joints), N(flushes));
    printf("# keys gone in time: %llu when used, %llu at a start; with time left there: %llu\n",
           N(gone), N(gone_at_starts), N(deadlines_found));
    printf("# rewrites %llu, crashes in them %llu, turned off %llu, files cut %llu\n", N(rewrites),
           N(crashes_in_rewrites), N(turned_off), (unsigned long long)machine_log_tears);
    printf("%llu seeds from %llu: every start found what was promised\n", (unsigned long long)count,
           (unsigned long long)first);
    return 0;
}
