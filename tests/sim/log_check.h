// log_check.h: what a start found, against what was written before.
//
// Source:  log_reach.h, log_sim.h
// Thread:  one
// Memory:  what was found becomes what the writers begin with
#pragma once
#include "tests/sim/log_reach.h"
#include "tests/sim/log_sim.h"

struct found {
    struct model_found writers[MODEL_WRITERS_MAX];
    struct model_reach reach[MODEL_WRITERS_MAX][MODEL_SHARDS_MAX];
    bool flush_is_in[FLUSHES_MAX], flush_is_out[FLUSHES_MAX];
};

// ---- reading all there is

static void read_writer(struct sim *sim, uint32_t index, struct model_found *found)
{
    struct wire_text t = { 0 };
    struct peer *p = sim->peers[index];
    struct model_state *state = &found->state;
    found->ended_ms = sim->ended_ms;
    found->from_ms = machine_wall_least_ms();
    for (uint32_t k = 0; k < MODEL_KEYS; k++) ask_all_of(&sim->writers[index], k, &t);
    send_text(p, &t);
    await_replies(sim, p, 2 * MODEL_KEYS);
    found->to_ms = machine_wall_ms();
    for (uint32_t k = 0; k < MODEL_KEYS; k++) {
        size_t size = replies_at_hand(p, 1);
        if (!value_parse(k, p->data + p->taken, size, &state->keys[k])) {
            peer_show("found", p->data + p->taken, size);
            fail(sim, "writer %u: key %u has a value that nobody wrote", index, k);
        }
        p->taken += size;
        size = replies_at_hand(p, 1);
        if (!deadline_parse(p->data + p->taken, size, &state->keys[k]))
            fail(sim, "writer %u: key %u has no value, and a deadline", index, k);
        p->taken += size;
    }
}

// That are there at at_ms.
static uint32_t count_keys(const struct sim *sim, const struct found *found, uint64_t at_ms)
{
    uint32_t keys = 0;
    for (uint32_t i = 0; i < sim->writer_count; i++)
        for (uint32_t k = 0; k < MODEL_KEYS; k++) {
            const struct model_value *v = &found->writers[i].state.keys[k];
            keys += v->size > 0 && !model_is_over(v->deadline_ms, at_ms);
        }
    return keys;
}

static void read_all(struct sim *sim, struct found *found)
{
    struct wire_text t = { 0 };
    struct peer *p = sim->admin_peer;
    for (uint32_t i = 0; i < sim->writer_count; i++) read_writer(sim, i, &found->writers[i]);
    wire_add_request(&t, "DBSIZE");
    send_text(p, &t);
    await_replies(sim, p, 1);
    uint32_t all = (uint32_t)strtoul((const char *)p->data + p->taken + 1, NULL, 10);
    uint32_t most = count_keys(sim, found, 0), least = count_keys(sim, found, machine_wall_ms());
    if (all < least || all > most)
        fail(sim, "%u keys are there, of which the writers know %u", all, most);
    p->taken += replies_at_hand(p, 1);
}

// ---- the checks

static void show_value(const char *what, const struct model_value *v)
{
    fprintf(stderr, " %s: size %u number %u sum %lld", what, v->size, v->number, (long long)v->sum);
    if (v->deadline_ms) fprintf(stderr, " until %llu", (unsigned long long)v->deadline_ms);
    for (uint32_t i = 0; i < v->size && v->items; i++)
        if (i + 12 > v->size) fprintf(stderr, " %u", v->items[i]);
}

static void show_writer(const struct sim *sim, const struct found *found, uint32_t index)
{
    const struct model_writer *w = &sim->writers[index];
    const struct model_found *f = &found->writers[index];
    fprintf(stderr, "  ended at %llu, read from %llu to %llu ms\n", (unsigned long long)f->ended_ms,
            (unsigned long long)f->from_ms, (unsigned long long)f->to_ms);
    for (uint32_t k = 0; k < MODEL_KEYS; k++) {
        fprintf(stderr, "  key %u of shard %u:", k, w->shard_of[k]);
        show_value("before", &w->base.keys[k]);
        show_value("answered", &w->live.keys[k]);
        show_value("found", &f->state.keys[k]);
        fprintf(stderr, "\n");
    }
    for (uint32_t i = 0; i < w->count; i++) {
        const struct model_op *op = &w->ops[i];
        if (op->kind == MODEL_READ || i + 40 < w->count) continue;
        fprintf(stderr, "  %u: kind %u number %u %s%s%s at %llu ms:", i, op->kind, op->number,
                op->answered_ns ? "answered" : "open", op->is_refused ? " refused" : "",
                op->is_kept ? " kept" : "", (unsigned long long)op->at_ms);
        for (uint32_t p = 0; p < op->part_count; p++)
            fprintf(stderr, " %u/%u/%llu", op->parts[p].verb, op->parts[p].key,
                    (unsigned long long)op->parts[p].deadline_ms);
        fprintf(stderr, "\n");
    }
}

static void check_reach(const struct sim *sim, const struct found *found, uint32_t index)
{
    const struct model_writer *w = &sim->writers[index];
    for (uint32_t s = 0; s < MODEL_SHARDS_MAX; s++) {
        const struct model_reach *r = &found->reach[index][s];
        if (!r->is_any) {
            show_writer(sim, found, index);
            fail(sim, "writer %u: what shard %u has is behind none of the operations", index, s);
        }
        for (uint32_t i = r->most; i < w->count; i++) {
            if (!w->ops[i].is_kept || !(op_shards(w, &w->ops[i]) & 1u << s)) continue;
            show_writer(sim, found, index);
            fail(sim, "writer %u: operation %u is lost at shard %u, which has %u", index, i, s,
                 r->most);
        }
    }
}

// Some shards have it, and some do not.
static void look_at_joint(struct found *found, const struct model_writer *w, uint32_t i,
                          bool *is_in, bool *is_out)
{
    const struct model_op *op = &w->ops[i];
    uint32_t shards = op_shards(w, op);
    for (uint32_t s = 0; s < MODEL_SHARDS_MAX; s++) {
        const struct model_reach *r = &found->reach[w->index][s];
        if (!(shards & 1u << s)) continue;
        *is_in |= r->least > i;
        *is_out |= r->most <= i;
    }
}

static void check_joints(const struct sim *sim, struct found *found, uint32_t index)
{
    const struct model_writer *w = &sim->writers[index];
    for (uint32_t i = 0; i < w->count; i++) {
        const struct model_op *op = &w->ops[i];
        bool is_in = false, is_out = false;
        if (op->is_refused || op->kind == MODEL_READ) continue;
        look_at_joint(found, w, i, &is_in, &is_out);
        if (op->kind == MODEL_FLUSHALL) {
            found->flush_is_in[op->parts[0].size] |= is_in;
            found->flush_is_out[op->parts[0].size] |= is_out;
        }
        uint32_t shards = op_shards(w, op);
        totals.joints += (shards & (shards - 1)) != 0;
        if (!is_in || !is_out) continue;
        show_writer(sim, found, index);
        fail(sim, "writer %u: operation %u is there in part", index, i);
    }
}

static void count_writer(const struct model_writer *w, const struct model_reach *reach)
{
    for (uint32_t i = 0; i < w->count; i++) {
        const struct model_op *op = &w->ops[i];
        bool is_lost = false, is_there = false;
        if (op->kind == MODEL_READ || op->is_refused) continue;
        for (uint32_t s = 0; s < MODEL_SHARDS_MAX; s++) {
            if (!(op_shards(w, op) & 1u << s)) continue;
            is_lost |= reach[s].most <= i;
            is_there |= reach[s].least > i;
        }
        totals.ops++;
        totals.answered += op->answered_ns != 0;
        totals.kept += op->is_kept;
        totals.lost += is_lost && op->answered_ns;
        totals.beyond += is_there && !op->answered_ns;
    }
}

// Of what was answered.
static void count_deadlines(const struct model_writer *w, const struct model_found *f)
{
    for (uint32_t k = 0; k < MODEL_KEYS; k++) {
        totals.gone_at_starts += model_is_over(w->live.keys[k].deadline_ms, f->from_ms);
        totals.deadlines_found += f->state.keys[k].deadline_ms != 0;
    }
}

static void check_found(struct sim *sim, struct found *found)
{
    for (uint32_t i = 0; i < sim->writer_count; i++) {
        writer_reach(&sim->writers[i], &found->writers[i], found->reach[i]);
        check_reach(sim, found, i);
        check_joints(sim, found, i);
        count_writer(&sim->writers[i], found->reach[i]);
        count_deadlines(&sim->writers[i], &found->writers[i]);
    }
    for (uint32_t i = 0; i < sim->flush_count; i++)
        if (found->flush_is_in[i] && found->flush_is_out[i])
            fail(sim, "FLUSHALL %u is there in part", i);
}

// All writers are connected, and the log is open.
static void check_start(struct sim *sim)
{
    struct found *found = calloc(1, sizeof *found);
    CHECK(found);
    read_all(sim, found);
    check_found(sim, found);
    for (uint32_t i = 0; i < sim->writer_count; i++) {
        struct model_writer *w = &sim->writers[i];
        state_copy(&w->base, &found->writers[i].state);
        state_drop(&found->writers[i].state);
        writer_begin(w, sim->machine.hub ? &sim->machine.hub->node.placement : NULL);
    }
    sim->flush_count = 0;
    free(found);
}
