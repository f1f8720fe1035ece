// log_reach.h: up to which of a writer's operations each shard's log went, from what a start found.
//
// Source:  log_model.h
// Thread:  one
// Memory:  nothing to free
#pragma once
#include "tests/sim/log_model.h"

struct model_reach { // counts of operations, after which a shard's keys are as they were found
    uint32_t least, most;
    bool is_any;
};
struct model_found {
    struct model_state state;
    uint64_t from_ms, to_ms; // when it was read
    uint64_t ended_ms;       // nothing was done later than this
};

// What has a deadline is gone when that is over, there until then, and either while it was read.
static bool is_found(const struct model_value *v, const struct model_value *found,
                     const struct model_found *f)
{
    if (model_is_over(v->deadline_ms, f->to_ms) && !found->size) return true;
    if (model_is_over(v->deadline_ms, f->from_ms)) return false;
    return value_is_same(v, found);
}

static bool is_shard_found(const struct model_writer *w, const struct model_state *s,
                           const struct model_found *f, uint32_t shard)
{
    for (uint32_t k = 0; k < MODEL_KEYS; k++)
        if (w->shard_of[k] == shard && !is_found(&s->keys[k], &f->state.keys[k], f)) return false;
    return true;
}

static void note_reach(const struct model_writer *w, const struct model_state *s,
                       const struct model_found *f, uint32_t done,
                       struct model_reach reach[MODEL_SHARDS_MAX])
{
    for (uint32_t i = 0; i < MODEL_SHARDS_MAX; i++) {
        struct model_reach *r = &reach[i];
        if (!is_shard_found(w, s, f, i)) continue;
        if (!r->is_any || done < r->least) r->least = done;
        if (!r->is_any || done > r->most) r->most = done;
        r->is_any = true;
    }
}

// From operation number `done` on, the state before it being s, which is used up. One that was not
// answered may have been done at any moment: each that makes a difference is a way of its own.
static void follow(const struct model_writer *w, const struct model_found *f, struct model_state *s,
                   uint32_t done, uint64_t at_ms, struct model_reach reach[MODEL_SHARDS_MAX])
{
    for (;; done++) {
        note_reach(w, s, f, done, reach);
        if (done == w->count) break;
        const struct model_op *op = &w->ops[done];
        if (op->at_ms > at_ms) at_ms = op->at_ms;
        uint64_t later_ms = op->answered_ns ? 0 : model_next_moment(s, op, at_ms, f->ended_ms);
        if (later_ms) {
            struct model_state other = { 0 };
            state_copy(&other, s);
            follow(w, f, &other, done, later_ms, reach);
        }
        state_apply(s, op, at_ms);
    }
    state_drop(s);
}

static void writer_reach(const struct model_writer *w, const struct model_found *f,
                         struct model_reach reach[MODEL_SHARDS_MAX])
{
    struct model_state s = { 0 };
    state_copy(&s, &w->base);
    for (uint32_t i = 0; i < MODEL_SHARDS_MAX; i++) reach[i] = (struct model_reach){ 0 };
    follow(w, f, &s, 0, 0, reach);
}

// Of an operation: those of the keys that it changes; all of FLUSHALL.
static uint32_t op_shards(const struct model_writer *w, const struct model_op *op)
{
    uint32_t shards = 0;
    if (op->kind == MODEL_FLUSHALL) return (1u << MODEL_SHARDS_MAX) - 1;
    for (uint32_t i = 0; i < op->part_count; i++) {
        const struct model_part *p = &op->parts[i];
        bool may_be_idle = (p->verb >= MODEL_DEL || p->deadline_ms) && !op->answered_ns;
        if (!p->is_idle && !may_be_idle) shards |= 1u << w->shard_of[p->key];
    }
    return shards;
}
