// The append-only log of a whole server on a disk in memory that loses and tears what was not
// synced. One seed is one run of several lives: writers send numbered values, an operator rewrites
// the log and turns it off and on, the disk may refuse for a while; then the power fails, and the
// next life has to find what was promised, in order, transactions whole.
//
//   test_log_sim [first_seed [count [tears]]]   a failing seed is printed with the command that
//   replays it. tears: what was not synced is torn in sectors of 512 bytes, with holes, where the
//   log has no way to tell: starts are refused then that could not be told from a damaged disk
#include <fcntl.h>
#include <sys/random.h>
#include "tests/sim/log_check.h"

static char folder[] = "/tmp/penstock-log-sim-XXXXXX";
static struct sim *running; // who ends the process finds it
static bool tears;

// ---- writers

static void add_part(struct sim *sim, struct model_op *op, uint32_t key)
{
    struct model_part *p = &op->parts[op->part_count++];
    static const uint32_t sizes[] = { 0, 20, 20, 100, 3000 };
    p->key = key;
    p->size = sizes[pick(sim, 5)];
    p->verb = model_is_list(key) ? MODEL_PUSH : model_is_counter(key) ? MODEL_INCR : MODEL_SET;
    if (op->kind == MODEL_MSET) return;
    if (p->verb == MODEL_SET && once_in(sim, 60)) p->size = 150000 + (uint32_t)pick(sim, 200000);
    if (once_in(sim, 20)) p->verb = MODEL_DEL;
}

// Different keys, of the first so many.
static void add_parts(struct sim *sim, struct model_op *op, uint32_t keys)
{
    uint32_t count = 2 + (uint32_t)pick(sim, MODEL_PARTS_MAX - 1);
    uint32_t first = (uint32_t)pick(sim, keys), step = 1 + 2 * (uint32_t)pick(sim, keys / 2);
    for (uint32_t i = 0; i < count; i++) add_part(sim, op, (first + i * step) % keys);
}

static struct model_op *make_op(struct sim *sim, struct model_writer *w)
{
    static const enum model_kind kinds[] = { MODEL_ONE,  MODEL_ONE,   MODEL_ONE,
                                             MODEL_MSET, MODEL_MULTI, MODEL_READ };
    struct model_op *op = writer_add(w, kinds[pick(sim, 6)]);
    op->guard = sim->guard;
    if (op->kind == MODEL_ONE) add_part(sim, op, (uint32_t)pick(sim, MODEL_KEYS));
    if (op->kind == MODEL_MSET) add_parts(sim, op, MODEL_STRINGS);
    if (op->kind == MODEL_MULTI) add_parts(sim, op, MODEL_KEYS);
    if (op->kind == MODEL_READ) op->parts[0].key = (uint32_t)pick(sim, MODEL_KEYS);
    return op;
}

static void send_some(struct sim *sim, uint32_t index)
{
    struct model_writer *w = &sim->writers[index];
    struct wire_text t = { 0 };
    if (sim->wants_flush || now_of(sim) < sim->lull_until_ns || once_in(sim, 3)) return;
    for (uint64_t n = 1 + pick(sim, 3); n > 0 && w->count - w->answered < sim->depth; n--)
        ask_op(w, make_op(sim, w), &t);
    if (t.size) send_text(sim->peers[index], &t);
}

// By its last reply.
static bool is_refusal(const struct peer *p, size_t size, uint32_t count)
{
    size_t at = p->taken;
    for (; count > 1; count--) at += answer_bytes(p->data + at, p->size - at);
    size -= at - p->taken;
    return (size > 8 && memcmp(p->data + at, "-MISCONF", 8) == 0) ||
           (size > 10 && memcmp(p->data + at, "-EXECABORT", 10) == 0);
}

static void note_answer(struct sim *sim, struct model_op *op)
{
    op->answered_ns = now_of(sim);
    if (op->guard && op->guard == sim->guard && !op->is_refused) op->is_kept = true;
}

static void take_answer(struct sim *sim, struct model_writer *w, struct peer *p, size_t size)
{
    struct model_op *op = &w->ops[w->answered];
    struct wire_text right = { 0 };
    if (sim->is_hurt && is_refusal(p, size, op_replies(op))) {
        op->is_refused = true;
        totals.refused++;
    } else {
        answer_op(w, op, &right);
        if (right.size != size || memcmp(right.data, p->data + p->taken, size) != 0) {
            peer_show("expected", right.data, right.size);
            peer_show("received", p->data + p->taken, size);
            fail(sim, "writer %u: operation %u has a wrong answer", w->index, w->answered);
        }
    }
    note_answer(sim, op);
    w->answered++;
    p->taken += size;
    wire_free(&right);
}

static void read_some(struct sim *sim, uint32_t index)
{
    struct model_writer *w = &sim->writers[index];
    struct peer *p = sim->peers[index];
    if (p->is_ended || p->is_reset) fail(sim, "writer %u was cut off", index);
    while (w->answered < w->count) {
        const struct model_op *op = &w->ops[w->answered];
        size_t size = op->kind == MODEL_FLUSHALL ? 0 : replies_at_hand(p, op_replies(op));
        if (!size) return;
        take_answer(sim, w, p, size);
    }
}

// ---- the operator

static bool are_writers_idle(const struct sim *sim)
{
    for (uint32_t i = 0; i < sim->writer_count; i++)
        if (sim->writers[i].answered < sim->writers[i].count) return false;
    return true;
}

static void say_admin(struct sim *sim, enum admin_command command, const char *line)
{
    struct wire_text t = { 0 };
    sim->admin = command;
    wire_add_request(&t, "%s", line);
    send_text(sim->admin_peer, &t);
    watch(sim);
}

static void say_flush(struct sim *sim)
{
    if (!are_writers_idle(sim)) return;
    for (uint32_t i = 0; i < sim->writer_count; i++) {
        struct model_op *op = writer_add(&sim->writers[i], MODEL_FLUSHALL);
        op->guard = sim->guard;
        op->part_count = 1;
        op->parts[0] = (struct model_part){ MODEL_FLUSH, 0, sim->flush_count };
    }
    sim->flush_count++;
    totals.flushes++;
    say_admin(sim, ADMIN_FLUSH, "FLUSHALL");
}

static void say_policy(struct sim *sim)
{
    static const char *const lines[] = { "CONFIG SET appendfsync no",
                                         "CONFIG SET appendfsync everysec",
                                         "CONFIG SET appendfsync always" };
    sim->next_policy =
        once_in(sim, 4) ? FLUSH_SYNC_NO : FLUSH_SYNC_EVERYSEC + (enum flush_sync)pick(sim, 2);
    say_admin(sim, ADMIN_POLICY, lines[sim->next_policy]);
}

static void say_off(struct sim *sim)
{
    if (aof_state(aof_of(sim)) == AOF_ON) sim->off_ns = now_of(sim);
    say_admin(sim, ADMIN_OFF, "CONFIG SET appendonly no");
}

static void operate(struct sim *sim)
{
    if (sim->admin != ADMIN_NONE) return;
    if (sim->wants_flush)
        say_flush(sim);
    else if (once_in(sim, 150))
        say_admin(sim, ADMIN_REWRITE, "BGREWRITEAOF");
    else if (once_in(sim, 400))
        say_policy(sim);
    else if (once_in(sim, 500))
        say_off(sim);
    else if (once_in(sim, 200))
        say_admin(sim, ADMIN_ON, "CONFIG SET appendonly yes");
    else if (once_in(sim, 800) && sim->flush_count < FLUSHES_MAX)
        sim->wants_flush = true;
    if (!once_in(sim, 50)) return;
    sim->machine.keeper->retry_ms = 0; // the wall clock stands still
    aof_of(sim)->failures = 0;
}

static void end_flush(struct sim *sim, bool is_refused)
{
    for (uint32_t i = 0; i < sim->writer_count; i++) {
        struct model_writer *w = &sim->writers[i];
        struct model_op *op = &w->ops[w->answered++];
        op->is_refused = is_refused;
        note_answer(sim, op);
        state_apply(&w->live, op);
    }
    sim->wants_flush = false;
}

static void hear_admin(struct sim *sim)
{
    struct peer *p = sim->admin_peer;
    size_t size = replies_at_hand(p, 1);
    enum admin_command command = sim->admin;
    if (!size) return;
    bool is_fine = p->data[p->taken] == '+';
    bool may_refuse = command == ADMIN_REWRITE || sim->is_hurt || command == ADMIN_ON;
    if (!is_fine && !may_refuse) {
        peer_show("received", p->data + p->taken, size);
        fail(sim, "the operator's command %u is refused", command);
    }
    if (command == ADMIN_FLUSH) end_flush(sim, !is_fine);
    if (command == ADMIN_POLICY && is_fine) sim->policy = sim->next_policy;
    p->taken += size;
    sim->admin = ADMIN_NONE;
}

// ---- the disk

static void add_size(void *context, const char *path, const uint8_t *bytes, size_t size)
{
    (void)path, (void)bytes;
    *(uint64_t *)context += size;
}

static void heal(struct sim *sim)
{
    struct disk *disk = sim->disk.inner;
    disk_memory_set_eio(disk, 0);
    disk_memory_set_refusing(disk, 0);
    disk_memory_set_sync_refusing(disk, 0);
    disk_memory_set_capacity(disk, 0);
}

static void meddle(struct sim *sim)
{
    struct disk *disk = sim->disk.inner;
    uint64_t used = 0;
    if (!sim->is_hurt || sim->is_stopping) return;
    if (once_in(sim, 60)) heal(sim);
    if (!once_in(sim, 100)) return;
    switch (pick(sim, 5)) {
    case 0:
        disk_memory_set_eio(disk, 1000 + (uint32_t)pick(sim, 100000));
        break;
    case 1:
        disk_memory_set_refusing(disk, once_in(sim, 2) ? EIO : ENOSPC);
        break;
    case 2:
        disk_memory_set_sync_refusing(disk, EIO);
        break;
    default:
        disk_memory_each(disk, add_size, &used);
        disk_memory_set_capacity(disk, used + 1 + pick(sim, 50000));
    }
}

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
             "auto-aof-rewrite-min-size %llu\naof-timestamp-enabled %s\n",
             policies[sim->policy], once_in(sim, 2) ? 0 : 100,
             (unsigned long long)(1000 + pick(sim, 500000)), once_in(sim, 4) ? "yes" : "no");
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
    uint64_t lull = sim->lull_until_ns > now_of(sim);
    for (uint32_t i = 0; i < sim->writer_count && goes_on; i++) send_some(sim, i);
    if (goes_on) operate(sim);
    meddle(sim);
    machine_turn(&sim->machine, lull ? 4 * FIXTURE_STEP_NS : FIXTURE_STEP_NS);
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
    machine_stop(&sim->machine, 20000);
    totals.stops++;
}

static void crash(struct sim *sim)
{
    if (!sim->has_failed) promise_synced(sim);
    totals.crashes_in_rewrites += aof_of(sim)->is_rewriting;
    totals.errors += sim->has_failed;
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

static void live(struct sim *sim, bool is_last)
{
    heal(sim);
    sim->is_stopping = false;
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
    sim->is_hurt = once_in(sim, 4);
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
    printf("# rewrites %llu, crashes in them %llu, turned off %llu, files cut %llu\n", N(rewrites),
           N(crashes_in_rewrites), N(turned_off), (unsigned long long)machine_log_tears);
    printf("%llu seeds from %llu: every start found what was promised\n", (unsigned long long)count,
           (unsigned long long)first);
    return 0;
}
