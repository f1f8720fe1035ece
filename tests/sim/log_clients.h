// log_clients.h: the writers of a run of test_log_sim: what they ask for, and what has to answer
// it.
//
// Source:  log_model.h, log_sim.h
// Thread:  one
// Memory:  the run's
#pragma once
#include "tests/sim/log_sim.h"

// One that is over, or that comes in this life, in one of the next, or never.
static uint64_t pick_deadline(struct sim *sim)
{
    static const uint32_t spans_ms[] = { 30, 300, 3000, 60000 };
    if (once_in(sim, 4)) return MODEL_PAST_MS;
    if (!sim->has_deadlines || once_in(sim, 8)) return MODEL_FAR_MS;
    return machine_wall_ms() + 1 + pick(sim, spans_ms[pick(sim, 4)]);
}

static void add_part(struct sim *sim, struct model_op *op, uint32_t key)
{
    struct model_part *p = &op->parts[op->part_count++];
    static const uint32_t sizes[] = { 0, 20, 20, 100, 3000 };
    p->key = key;
    p->size = sizes[pick(sim, 5)];
    p->verb = model_is_list(key) ? MODEL_PUSH : model_is_counter(key) ? MODEL_INCR : MODEL_SET;
    if (op->kind == MODEL_MSET) return;
    if (p->verb == MODEL_SET && once_in(sim, 60)) p->size = 150000 + (uint32_t)pick(sim, 200000);
    if (once_in(sim, sim->has_deadlines ? 4 : 12))
        p->verb = MODEL_DEL + (enum model_verb)pick(sim, 3);
    bool may_have = p->verb == MODEL_SET && op->kind != MODEL_SCRIPT && sim->has_deadlines;
    if (p->verb == MODEL_DEADLINE || (may_have && once_in(sim, 3)))
        p->deadline_ms = pick_deadline(sim);
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
    static const enum model_kind kinds[] = { MODEL_ONE,   MODEL_ONE,    MODEL_ONE, MODEL_MSET,
                                             MODEL_MULTI, MODEL_SCRIPT, MODEL_READ };
    struct model_op *op = writer_add(w, kinds[pick(sim, 7)]);
    op->guard = sim->guard;
    op->at_ms = machine_wall_least_ms();
    if (op->kind == MODEL_ONE) add_part(sim, op, (uint32_t)pick(sim, MODEL_KEYS));
    if (op->kind == MODEL_MSET) add_parts(sim, op, MODEL_STRINGS);
    if (op->kind == MODEL_MULTI || op->kind == MODEL_SCRIPT) add_parts(sim, op, MODEL_KEYS);
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

// False: it is not what is said when op is done at op->at_ms.
static bool is_answer(struct model_writer *w, struct model_op *op, struct bytes answer, bool shows)
{
    struct wire_text right = { 0 };
    struct model_state after = { 0 };
    state_copy(&after, &w->live);
    uint32_t gone = state_drop_over(&after, op, op->at_ms);
    answer_op(&after, op, &right);
    bool is_right = bytes_equal(bytes_make(right.data, right.size), answer);
    if (is_right) {
        state_drop(&w->live);
        w->live = after;
        totals.gone += gone;
    } else {
        if (shows) peer_show("expected", right.data, right.size);
        state_drop(&after);
    }
    wire_free(&right);
    return is_right;
}

// At the first moment at which this could be said.
static void match_answer(struct sim *sim, struct model_writer *w, struct model_op *op,
                         struct bytes answer)
{
    uint64_t now_ms = machine_wall_ms(), next_ms;
    if (op->at_ms < w->at_ms) op->at_ms = w->at_ms;
    while (!is_answer(w, op, answer, false)) {
        next_ms = model_next_moment(&w->live, op, op->at_ms, now_ms);
        if (!next_ms) {
            (void)is_answer(w, op, answer, true);
            peer_show("received", answer.data, answer.size);
            fail(sim, "writer %u: operation %u has a wrong answer", w->index, w->answered);
        }
        op->at_ms = next_ms;
    }
    w->at_ms = op->at_ms;
}

static void take_answer(struct sim *sim, struct model_writer *w, struct peer *p, size_t size)
{
    struct model_op *op = &w->ops[w->answered];
    if (sim->is_hurt && is_refusal(p, size, op_replies(op))) {
        op->is_refused = true;
        totals.refused++;
    } else {
        match_answer(sim, w, op, bytes_make(p->data + p->taken, size));
    }
    note_answer(sim, op);
    w->answered++;
    p->taken += size;
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
