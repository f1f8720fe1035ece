// log_operator.h: who gives orders to the server of a run of test_log_sim, and what befalls its
// disk.
//
// Source:  log_sim.h
// Thread:  one
// Memory:  the run's
#pragma once
#include "tests/sim/log_clients.h"

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
        op->parts[0] = (struct model_part){ .verb = MODEL_FLUSH, .size = sim->flush_count };
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
    else if (once_in(sim, 200))
        say_admin(sim, ADMIN_SAVE, "BGSAVE");
    else if (once_in(sim, sim->has_bad_syncs ? 20 : 400))
        say_policy(sim);
    else if (once_in(sim, 500))
        say_off(sim);
    else if (once_in(sim, 200))
        say_admin(sim, ADMIN_ON, "CONFIG SET appendonly yes");
    else if (once_in(sim, 800) && sim->flush_count < FLUSHES_MAX)
        sim->wants_flush = true;
    if (!once_in(sim, 50)) return;
    sim->machine.keeper->retry_ms = 0; // a second is long here
    aof_of(sim)->failures = 0;
}

static void end_flush(struct sim *sim, bool is_refused)
{
    for (uint32_t i = 0; i < sim->writer_count; i++) {
        struct model_writer *w = &sim->writers[i];
        struct model_op *op = &w->ops[w->answered++];
        op->is_refused = is_refused;
        note_answer(sim, op);
        state_apply(&w->live, op, 0);
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
    bool may_be_busy = command == ADMIN_REWRITE || command == ADMIN_SAVE || command == ADMIN_ON;
    bool may_refuse = may_be_busy || sim->is_hurt;
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
    if (sim->has_bad_syncs) {
        if (once_in(sim, 6)) disk_memory_set_sync_refusing(disk, once_in(sim, 3) ? EIO : 0);
        return;
    }
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
