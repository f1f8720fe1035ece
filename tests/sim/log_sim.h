// log_sim.h: a run of test_log_sim: writers and an operator at a server whose power fails, life
// after life; what each of them may count on.
//
// Source:  spec/aof.md chapter 5 (what each policy promises)
// Thread:  one
// Memory:  the run's
//
// What was answered has to be there after a crash (is_kept)
//   when it was sent and answered under `always`, with the log on all the while;
//   under `everysec`, PROMISE_NS later;
//   when a rewrite that began afterwards has ended, whatever the policy;
//   when the log was turned off in order afterwards, or the server stopped so.
// A guard is a span of time in which the policy was `always` and the log on.
//
// Under everysec and no a failed sync may have dropped what nobody can write again. The server
// knows that (has_lost) until a rewrite heals it; a log with a hole is damaged, and what a start
// makes of it is no matter of this: for then the disk has written it all the same.
#pragma once
#include "tests/sim/log_machine.h"
#include "tests/sim/log_wire.h"
#include "tests/sim/replay.h"

#define LOG_SIM_MS 1000000ull
#define PROMISE_NS (2500 * LOG_SIM_MS) // everysec: a second, and as long as a sync may take

enum admin_command {
    ADMIN_NONE,
    ADMIN_REWRITE,
    ADMIN_SAVE,
    ADMIN_ON,
    ADMIN_OFF,
    ADMIN_POLICY,
    ADMIN_FLUSH
};
enum { FLUSHES_MAX = 64 };

struct sim {
    uint64_t seed;
    struct rng rng;
    struct log_disk disk;
    struct machine machine;
    struct model_writer writers[MODEL_WRITERS_MAX];
    struct peer *peers[MODEL_WRITERS_MAX], *admin_peer;
    uint32_t writer_count, life, turn, depth;
    bool is_hurt;       // the disk refuses now and then
    bool has_bad_syncs; // of all it does, syncs; and the policy changes often
    bool is_stopping;
    bool has_failed;    // it did, in this life
    bool has_deadlines; // keys get some that come soon
    uint64_t ended_ms;  // when the last life ended in which anybody wrote
    enum flush_sync policy, next_policy;
    enum admin_command admin;
    bool wants_flush;
    uint32_t flush_count;
    uint64_t lull_until_ns;
    // What is promised
    uint64_t guard; // number of the span under way; 0: none
    uint64_t guard_count;
    uint64_t syncs_since_ns; // that long everysec, or always; 0: not so
    bool was_rewriting;
    uint64_t rewrites, rewrite_ns;
    uint64_t off_ns;      // 0: it is on, or what is kept of it was said
    bool has_lost;        // the server knows that a sync failed for what it cannot write again
    uint32_t healed_slot; // of the keeper's files: a rewrite holds all that was before these
};

static struct log_sim_totals {
    uint64_t lives, starts_cut_short, stops, ops, answered, kept, refused, lost, beyond, joints,
        flushes, gone, gone_at_starts, deadlines_found, rewrites, crashes_in_rewrites, turned_off,
        errors, turns;
} totals;

static uint64_t pick(struct sim *sim, uint64_t below) { return rng_below(&sim->rng, below); }
static bool once_in(struct sim *sim, uint64_t n) { return pick(sim, n) == 0; }
static uint64_t now_of(const struct sim *sim) { return sim->machine.f->now_ns; }
static struct aof *aof_of(const struct sim *sim) { return &sim->machine.persist->aof; }

static void sim_show(const struct sim *sim)
{
    static const char *const policies[] = { "no", "everysec", "always" };
    machine_show_log();
    fprintf(stderr, "  life %u, turn %u, %u shards, %s, %s\n", sim->life, sim->turn,
            sim->machine.count, policies[sim->policy], sim->is_hurt ? "a disk that refuses" : "");
    for (uint32_t i = 0; i < sim->writer_count; i++) {
        const struct model_writer *w = &sim->writers[i];
        fprintf(stderr, "  writer %u: %u operations, %u answered, shards", i, w->count,
                w->answered);
        for (uint32_t k = 0; k < MODEL_KEYS; k++) fprintf(stderr, " %u", w->shard_of[k]);
        fprintf(stderr, "\n");
    }
}

// ---- promises

static void promise(struct sim *sim, uint64_t until_ns)
{
    for (uint32_t i = 0; i < sim->writer_count; i++) writer_promise(&sim->writers[i], until_ns);
}

// By the policy that has been in force so far.
static void promise_synced(struct sim *sim)
{
    uint64_t now = now_of(sim);
    if (!sim->syncs_since_ns || now < sim->syncs_since_ns + PROMISE_NS) return;
    promise(sim, now - PROMISE_NS);
}

static void watch_rewrites(struct sim *sim)
{
    const struct aof *aof = aof_of(sim);
    if (aof->is_rewriting && !sim->was_rewriting) sim->rewrite_ns = now_of(sim);
    sim->was_rewriting = aof->is_rewriting;
    if (aof->rewrites == sim->rewrites) return;
    sim->rewrites = aof->rewrites;
    totals.rewrites++;
    sim->has_lost = false;
    sim->healed_slot = sim->machine.keeper->slot;
    promise(sim, sim->rewrite_ns);
}

static void watch_losses(struct sim *sim)
{
    const struct keeper *k = sim->machine.keeper;
    for (uint32_t i = 0; i < sim->machine.count; i++) {
        sim->has_lost |= aof_of(sim)->shards[i].has_lost; // as it says itself
        sim->has_lost |= k->files[i][k->slot].file.has_lost;
        if (k->slot != sim->healed_slot) // of the file before, closed or not
            sim->has_lost |= k->files[i][1 - k->slot].file.has_lost;
    }
}

// A log of which the server knows that it has a hole is not looked at for that.
static void forgive_losses(struct sim *sim)
{
    watch_losses(sim);
    if (sim->has_lost) disk_memory_undrop(sim->disk.inner);
}

static void watch_off(struct sim *sim)
{
    bool is_off = aof_state(aof_of(sim)) == AOF_OFF && keeper_is_idle(sim->machine.keeper);
    if (!sim->off_ns || !is_off) return;
    if (!sim->has_failed) promise(sim, sim->off_ns);
    sim->off_ns = 0;
    totals.turned_off++;
}

static bool is_steady(const struct sim *sim)
{
    return aof_state(aof_of(sim)) == AOF_ON && sim->admin != ADMIN_OFF;
}

// After each turn, and when the operator says something.
static void watch(struct sim *sim)
{
    bool is_always =
        is_steady(sim) && sim->admin != ADMIN_POLICY && sim->policy == FLUSH_SYNC_ALWAYS;
    bool syncs = is_steady(sim) && sim->policy != FLUSH_SYNC_NO &&
                 !(sim->admin == ADMIN_POLICY && sim->next_policy == FLUSH_SYNC_NO);
    sim->has_failed |= sim->disk.has_failed;
    if (sim->has_failed) syncs = false;
    if (!syncs && sim->syncs_since_ns) {
        if (!sim->has_failed) promise_synced(sim);
        sim->syncs_since_ns = 0;
    } else if (syncs && !sim->syncs_since_ns) {
        sim->syncs_since_ns = now_of(sim);
    }
    if (is_always != (sim->guard != 0)) sim->guard = is_always ? ++sim->guard_count : 0;
    watch_rewrites(sim);
    watch_losses(sim);
    watch_off(sim);
}

static void begin_promises(struct sim *sim)
{
    sim->has_failed = sim->disk.has_failed = false;
    sim->guard = sim->syncs_since_ns = sim->off_ns = 0;
    sim->was_rewriting = sim->has_lost = false;
    sim->healed_slot = UINT32_MAX;
    sim->rewrites = aof_of(sim)->rewrites;
    watch(sim);
}

// ---- connections

static struct peer *connect_peer(struct sim *sim)
{
    struct fixture *f = sim->machine.f;
    struct peer *p = peer_new(f);
    struct net_addr server = { { [10] = 0xff, 0xff, 10, 0, 0, 1 }, f->port };
    CHECK(net_connect(f->host.net, &server, 0, p, f->now_ns, &p->stream) == OK);
    for (uint32_t turns = 0; !p->is_open; turns++) {
        if (turns > 10000 || p->is_reset) fail(sim, "nobody answers a connection");
        machine_turn(&sim->machine, FIXTURE_STEP_NS);
    }
    return p;
}

static void send_text(struct peer *p, struct wire_text *t)
{
    CHECK(peer_push(p, t->data, t->size) == t->size);
    wire_free(t);
}

// Bytes of so many replies that were not taken yet; 0: they are not all there.
static size_t replies_at_hand(const struct peer *p, uint32_t count)
{
    size_t at = p->taken;
    for (; count > 0; count--) {
        size_t one = at < p->size ? answer_bytes(p->data + at, p->size - at) : 0;
        if (!one) return 0;
        at += one;
    }
    return at - p->taken;
}

static void await_replies(struct sim *sim, struct peer *p, uint32_t count)
{
    for (uint32_t turns = 0; !replies_at_hand(p, count); turns++) {
        if (turns > 200000) fail(sim, "no answer to %u requests", count);
        machine_turn(&sim->machine, FIXTURE_STEP_NS);
    }
}
