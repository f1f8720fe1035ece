// log_model.h: what clients wrote, what of it they were told, and what a log has to have kept.
//
// Source:  DESIGN "Storage": nothing acknowledged under `always` is lost, each log keeps a
// beginning
//          of what was written to it, and what several shards did together is there or is not
// Thread:  one
// Memory:  model_free
//
// Each writer has keys of its own, and numbers its operations; each number is written once. So what
// is found of a writer's keys on one shard tells up to which of its operations that shard's log
// went: they are as after some count of operations, and after no other.
//
// A key whose deadline is over is gone for whoever comes next. When an operation was done (at_ms)
// is known but for the time between the request and the answer; where a deadline lies in there, the
// answer tells. What a start finds is judged by the time of the reading.
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/base/check.h"
#include "dataplane/keyspace/placement.h"
#include "tests/unit/shard/fixture.h"

enum {
    MODEL_WRITERS_MAX = 6,
    MODEL_STRINGS = 4,
    MODEL_COUNTERS = 2,
    MODEL_LISTS = 2,
    MODEL_KEYS = MODEL_STRINGS + MODEL_COUNTERS + MODEL_LISTS,
    MODEL_PARTS_MAX = 4,
    MODEL_SHARDS_MAX = 4,
    MODEL_NAME_BYTES = 32,
};
#define MODEL_FAR_MS 4102444800000 // a deadline in the year 2100
#define MODEL_PAST_MS 1            // and one that is over

struct model_value { // size 0: there is none
    uint32_t size;   // of a string's text; entries of a list; 1: a counter
    uint32_t number; // that a string was set to
    int64_t sum;     // a counter's
    uint32_t *items; // a list's
    uint32_t room;
    uint64_t deadline_ms; // 0: none
};
struct model_state {
    struct model_value keys[MODEL_KEYS];
};

enum model_verb {
    MODEL_SET,
    MODEL_INCR,
    MODEL_PUSH,
    MODEL_DEL, // from here on it may be that there is nothing to do
    MODEL_DEADLINE,
    MODEL_PERSIST,
    MODEL_FLUSH
};
struct model_part {
    enum model_verb verb;
    uint32_t key, size;
    uint64_t deadline_ms; // of MODEL_DEADLINE, and of MODEL_SET; 0: none
    bool is_idle;         // it was answered, and may have found nothing to change
};
enum model_kind { MODEL_ONE, MODEL_MSET, MODEL_MULTI, MODEL_SCRIPT, MODEL_FLUSHALL, MODEL_READ };
struct model_op {
    enum model_kind kind;
    uint32_t number, part_count;
    struct model_part parts[MODEL_PARTS_MAX];
    uint64_t guard;       // under which it was sent (log_sim.h); 0: none
    uint64_t answered_ns; // 0: not yet
    uint64_t at_ms;       // when it was done; until it is answered: not before
    bool is_refused;      // it was not done
    bool is_kept;         // it has to be there
};

struct model_writer {
    uint32_t index, last_number;
    struct model_state base, live; // found at the start of this history; with all that was answered
    struct model_op *ops;          // since then
    uint32_t count, room, answered;
    uint32_t shard_of[MODEL_KEYS]; // when these were done
    uint32_t promised;             // ops before are kept, or of no more interest
    uint64_t at_ms;                // none that is not answered was done before
};

// ---- names and values

static const char *model_name(const struct model_writer *w, uint32_t key,
                              char name[MODEL_NAME_BYTES])
{
    static const char kinds[] = "ssssccll";
    _Static_assert(sizeof kinds - 1 == MODEL_KEYS, "a letter each");
    snprintf(name, MODEL_NAME_BYTES, "%c%u:writer%u", kinds[key], key, w->index);
    return name;
}
static bool model_is_list(uint32_t key) { return key >= MODEL_STRINGS + MODEL_COUNTERS; }
static bool model_is_counter(uint32_t key) { return key >= MODEL_STRINGS && !model_is_list(key); }

// A number, and what follows from it up to its size.
static void model_text(uint32_t number, uint32_t size, char *out)
{
    int used = snprintf(out, 12, "%u", number);
    uint32_t x = number * 2654435761u + 1;
    for (uint32_t i = (uint32_t)used; i < size; i++) {
        x = x * 1664525u + 1013904223u;
        out[i] = (char)('a' + (x >> 27) % 26);
    }
}
static uint32_t model_text_bytes(uint32_t number, uint32_t wanted)
{
    uint32_t digits = (uint32_t)snprintf(NULL, 0, "%u", number);
    return wanted < digits ? digits : wanted;
}

static void model_drop(struct model_value *v)
{
    free(v->items);
    *v = (struct model_value){ 0 };
}
static void model_push(struct model_value *v, uint32_t number)
{
    if (v->size == v->room) {
        v->room = 2 * v->room + 8;
        v->items = realloc(v->items, v->room * sizeof *v->items);
        CHECK(v->items);
    }
    v->items[v->size++] = number;
}

// ---- states

static void state_drop(struct model_state *s)
{
    for (uint32_t k = 0; k < MODEL_KEYS; k++) model_drop(&s->keys[k]);
}
static void state_copy(struct model_state *to, const struct model_state *from)
{
    state_drop(to);
    for (uint32_t k = 0; k < MODEL_KEYS; k++) {
        struct model_value *v = &to->keys[k];
        *v = from->keys[k];
        if (!v->items) continue;
        v->items = malloc(v->room * sizeof *v->items);
        CHECK(v->items);
        memcpy(v->items, from->keys[k].items, v->size * sizeof *v->items);
    }
}
static bool value_is_same(const struct model_value *a, const struct model_value *b)
{
    if (a->size != b->size || a->number != b->number || a->sum != b->sum) return false;
    if (a->deadline_ms != b->deadline_ms) return false;
    return !a->items || !b->items || memcmp(a->items, b->items, a->size * sizeof *a->items) == 0;
}

static bool model_is_over(uint64_t deadline_ms, uint64_t at_ms)
{
    return deadline_ms != 0 && deadline_ms <= at_ms;
}

static void state_apply_part(struct model_state *s, const struct model_part *p,
                             const struct model_op *op)
{
    struct model_value *v = &s->keys[p->key];
    switch (p->verb) {
    case MODEL_SET:
        v->number = op->number;
        v->size = model_text_bytes(op->number, p->size);
        v->deadline_ms = p->deadline_ms;
        break;
    case MODEL_INCR:
        v->size = 1;
        v->sum++;
        break;
    case MODEL_PUSH:
        model_push(v, op->number);
        break;
    case MODEL_DEL:
        model_drop(v);
        break;
    case MODEL_DEADLINE:
        if (v->size > 0) v->deadline_ms = p->deadline_ms;
        break;
    case MODEL_PERSIST:
        v->deadline_ms = 0;
        break;
    case MODEL_FLUSH:
        state_drop(s);
        break;
    }
}

// Keys that op looks at: a read has no parts that change anything.
static uint32_t op_keys(const struct model_op *op)
{
    return op->kind == MODEL_READ ? 1 : op->part_count;
}

// What of its keys is over by then is gone when it begins. Returns how many that are.
static uint32_t state_drop_over(struct model_state *s, const struct model_op *op, uint64_t at_ms)
{
    uint32_t gone = 0;
    for (uint32_t i = 0; i < op_keys(op); i++) {
        struct model_value *v = &s->keys[op->parts[i].key];
        if (!model_is_over(v->deadline_ms, at_ms)) continue;
        model_drop(v);
        gone++;
    }
    return gone;
}
static void state_apply(struct model_state *s, const struct model_op *op, uint64_t at_ms)
{
    if (op->is_refused) return;
    (void)state_drop_over(s, op, at_ms);
    for (uint32_t i = 0; i < op->part_count; i++) state_apply_part(s, &op->parts[i], op);
}

// The first moment after at_ms, and up to last_ms, at which op finds less than before; 0: none.
static uint64_t model_next_moment(const struct model_state *s, const struct model_op *op,
                                  uint64_t at_ms, uint64_t last_ms)
{
    uint64_t next = 0;
    for (uint32_t i = 0; i < op_keys(op); i++) {
        uint64_t deadline_ms = s->keys[op->parts[i].key].deadline_ms;
        if (deadline_ms <= at_ms || deadline_ms > last_ms) continue;
        if (!next || deadline_ms < next) next = deadline_ms;
    }
    return next;
}

// ---- writers

static struct model_op *writer_add(struct model_writer *w, enum model_kind kind)
{
    if (w->count == w->room) {
        w->room = 2 * w->room + 64;
        w->ops = realloc(w->ops, w->room * sizeof *w->ops);
        CHECK(w->ops);
    }
    struct model_op *op = &w->ops[w->count++];
    *op = (struct model_op){ .kind = kind, .number = ++w->last_number };
    return op;
}

// What was answered until then has to be there from now on.
static void writer_promise(struct model_writer *w, uint64_t until_ns)
{
    for (; w->promised < w->answered; w->promised++) {
        struct model_op *op = &w->ops[w->promised];
        if (op->answered_ns > until_ns) return;
        op->is_kept = !op->is_refused;
    }
}

// A history ends with what was found.
static void writer_begin(struct model_writer *w, const struct placement *p)
{
    char name[MODEL_NAME_BYTES];
    state_copy(&w->live, &w->base);
    w->count = w->answered = w->promised = 0;
    for (uint32_t k = 0; k < MODEL_KEYS; k++)
        w->shard_of[k] = p ? placement_shard(p, bytes_text(model_name(w, k, name))) : 0;
}

static void writer_free(struct model_writer *w)
{
    state_drop(&w->base);
    state_drop(&w->live);
    free(w->ops);
}
