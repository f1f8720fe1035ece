#include "dataplane/cmd/set_algebra.h"
#include <stdlib.h>
#include "dataplane/cmd/effect_draft.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/set_call.h"

enum {
    FEW_SOURCES = 8,
    FEW_WORDS = JOB_ELEMENTS_MIN / 64,
    MEMBERS_PER_LOOK = 4 // at the clock
};

struct source {
    struct set_cut cut;
    struct keyspace *keyspace; // that it is in
    const struct entry *entry; // until the command's body ends
    uint32_t argument;
};

struct algebra {
    struct job job; // first
    struct set_algebra_args args;
    struct source *sources; // the sets that are there, in the order of the work
    uint32_t count, room;
    bool lacks_one, repeats_first; // a key is missing; the first is there twice
    bool is_job;
    bool filters; // members of the first set, by lookups in the others; else builder takes all
    uint64_t work;
    // On its way.
    uint32_t at; // source that is gone over
    struct set_iter iter;
    bool is_begun, is_gathered;
    struct set_builder builder;
    struct set_cut result;     // a look at builder
    bool is_itself;            // its own effect; else draft, of which are told so far
    struct effect_draft draft; // as many as iter has passed
    uint64_t found, rank;
    uint64_t *passed; // SET_SHOW: a bit per rank of the first set
    uint64_t words;
    uint64_t few_passed[FEW_WORDS];
};

static bool builds(const struct algebra *a) { return !a->filters || a->args.goal == SET_STORE; }

// ---- the sets

static bool find_sources(struct call *call, struct algebra *a)
{
    const struct entry *first = NULL;
    for (uint32_t i = 0; i < a->args.key_count; i++) {
        uint32_t argument = a->args.first_key + i;
        struct key key = call_key(call, argument);
        struct entry *e;
        if (!set_find(call, &key, FIND_READ, &e)) return false;
        if (i == 0) first = e;
        a->lacks_one |= !e;
        a->repeats_first |= i > 0 && e == first;
        if (!e) continue;
        struct source *s = &a->sources[a->count++];
        s->entry = e;
        s->keyspace = call_keyspace(call, key.name);
        s->argument = argument;
        set_look(e, &s->cut);
    }
    bool is_empty = a->args.operation == SET_INTER ? a->lacks_one : !first || a->repeats_first;
    if (is_empty && a->args.operation != SET_UNION) a->count = 0;
    return true;
}

static int smaller_first(const void *a, const void *b)
{
    uint64_t x = ((const struct source *)a)->cut.count, y = ((const struct source *)b)->cut.count;
    return (x > y) - (x < y);
}

static int larger_first(const void *a, const void *b) { return smaller_first(b, a); }

static uint64_t lookups(const struct algebra *a)
{
    uint64_t cost = 1;
    for (uint32_t i = 1; i < a->count; i++) cost += set_cut_find_cost(&a->sources[i].cut);
    return cost;
}

// As Redis 7.2 chooses, because a result that is stored shows it: a hashtable that lost members to
// the second way stays one.
static bool difference_filters(const struct algebra *a, uint64_t sum)
{
    return a->sources[0].cut.count * a->count / 2 <= sum;
}

static void plan(struct algebra *a)
{
    enum set_operation operation = a->args.operation;
    uint64_t sum = 0;
    if (a->count == 0) return;
    for (uint32_t i = 0; i < a->count; i++) sum += a->sources[i].cut.count;
    if (operation == SET_INTER) qsort(a->sources, a->count, sizeof a->sources[0], smaller_first);
    a->filters = operation == SET_INTER || (operation == SET_DIFF && difference_filters(a, sum));
    if (operation == SET_DIFF && a->filters) // members that go, go soonest
        qsort(a->sources + 1, a->count - 1, sizeof a->sources[0], larger_first);
    a->work = a->filters ? a->sources[0].cut.count * lookups(a) : sum;
}

// ---- gathering

// The source that the builder, which is in k, may begin with as it is: a hashtable that would not
// become anything else on its way into the result.
static uint32_t source_to_begin_with(const struct algebra *a, const struct keyspace *k,
                                     const struct thresholds *t)
{
    uint64_t limit =
        (uint64_t)(t->set_entries > t->set_intset_entries ? t->set_entries : t->set_intset_entries);
    uint32_t best = UINT32_MAX, last = a->args.operation == SET_UNION ? a->count : 1;
    for (uint32_t i = 0; i < last && i < a->count; i++) {
        const struct set_cut *cut = &a->sources[i].cut;
        if (cut->encoding != ENCODING_HASHTABLE || cut->count <= limit) continue;
        if (a->sources[i].keyspace != k) continue;
        if (best == UINT32_MAX || cut->count > a->sources[best].cut.count) best = i;
    }
    return best;
}

static void begin_builder(struct algebra *a, struct call *call)
{
    const struct thresholds *t = &call->server->thresholds;
    // What is only shown may be made anywhere.
    struct keyspace *k =
        a->args.goal == SET_STORE ? call_keyspace(call, call->argv[1]) : call->server->keyspace;
    uint32_t begin = a->filters ? UINT32_MAX : source_to_begin_with(a, k, t);
    if (begin != UINT32_MAX) {
        set_build_begin_cut(&a->builder, k, t, &a->sources[begin].cut);
        struct source used = a->sources[begin];
        a->sources[begin] = a->sources[0];
        a->sources[0] = used;
        a->at = 1;
    } else if (a->args.operation == SET_INTER && a->count > 0 &&
               a->sources[0].cut.encoding != ENCODING_INTSET) {
        set_build_begin_pack(&a->builder, k, t);
    } else {
        set_build_begin(&a->builder, k, t);
    }
}

static void begin(struct algebra *a, struct call *call)
{
    if (builds(a)) begin_builder(a, call);
    if (a->at < a->count) set_iter_init(&a->iter, &a->sources[a->at].cut);
    if (a->filters && a->args.goal == SET_SHOW) {
        a->words = a->sources[0].cut.count / 64 + 1;
        a->passed =
            a->words <= FEW_WORDS
                ? a->few_passed
                : heap_take_zeroed(call->server->heap, a->words * sizeof(uint64_t), HEAP_OTHER);
    }
    a->is_begun = true;
}

static bool passes(struct algebra *a, struct keyspace *k, struct bytes member)
{
    bool wanted = a->args.operation == SET_INTER;
    struct set_needle n;
    set_needle_init(&n, member);
    for (uint32_t i = 1; i < a->count; i++)
        if (set_cut_has_needle(k, &a->sources[i].cut, &n) != wanted) return false;
    return true;
}

static bool filter_next(struct algebra *a, struct call *call) // false: no more
{
    struct bytes member;
    if (a->count == 0 || !set_iter_next(&a->iter, &member)) return false;
    uint64_t rank = a->rank++;
    if (!passes(a, call->server->keyspace, member)) return true;
    a->found++;
    if (a->passed) a->passed[rank / 64] |= 1ull << rank % 64;
    if (a->args.goal == SET_STORE) set_build_add(&a->builder, member);
    return a->args.goal != SET_COUNT || a->found != a->args.limit;
}

static bool build_next(struct algebra *a, struct call *call) // false: no more
{
    struct bytes member;
    if (a->at >= a->count) return false;
    if (!set_iter_next(&a->iter, &member)) {
        if (++a->at < a->count) set_iter_init(&a->iter, &a->sources[a->at].cut);
        return a->args.operation == SET_UNION || set_build_count(&a->builder) > 0;
    }
    if (a->at == 0 || a->args.operation == SET_UNION)
        set_build_add(&a->builder, member);
    else
        set_build_remove(&a->builder, member);
    return true;
}

// ---- the result

static void show_header(struct algebra *a, struct call *call)
{
    if (!a->filters) {
        set_build_look(&a->builder, &a->result);
        a->found = a->result.count;
        set_iter_init(&a->iter, &a->result);
    } else if (a->count > 0) {
        set_iter_init(&a->iter, &a->sources[0].cut);
    }
    a->rank = 0;
    reply_set(call->reply, a->found);
}

static bool show_next(struct algebra *a, struct call *call) // false: no more
{
    struct bytes member;
    if (a->found == 0) return false;
    uint64_t rank = a->rank++;
    if (a->filters && !(a->passed[rank / 64] >> rank % 64 & 1)) return set_iter_skip(&a->iter);
    set_iter_next(&a->iter, &member);
    reply_bulk(call->reply, member);
    a->found--;
    return true;
}

static struct entry *find_now(struct call *call, uint32_t argument)
{
    struct key key = key_make(call->keyspace, call->argv[argument]);
    return keyspace_find(call->keyspace, call->client->db, &key, FIND_QUIET, call->now_ms);
}

// Whether the command would still give the same: then it is its own effect, as when it ran at once.
static bool is_current(const struct algebra *a, struct call *call)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < a->args.key_count; i++)
        count += find_now(call, a->args.first_key + i) != NULL;
    if (a->count != count) return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (!set_cut_is_current(&a->sources[i].cut, find_now(call, a->sources[i].argument)))
            return false;
    return true;
}

// The effect of a command whose sources have changed, or are other shards', is what it puts.
static void begin_tell(struct algebra *a, struct call *call)
{
    if (a->filters && a->args.operation == SET_INTER) set_build_settle(&a->builder);
    a->is_itself = !call_is_joint(call) && (!a->is_job || is_current(a, call));
    if (a->is_itself) return;
    set_build_look(&a->builder, &a->result);
    set_iter_init(&a->iter, &a->result);
    effect_draft_begin(&a->draft, call, "SADD", call->argv[1], a->result.count, true);
}

static bool tell_next(struct algebra *a, struct call *call) // false: no more
{
    struct bytes member;
    (void)call;
    if (a->is_itself || !effect_draft_is_on(&a->draft)) return false;
    if (!set_iter_next(&a->iter, &member)) return false;
    effect_draft_add(&a->draft, member);
    return true;
}

static void store(struct algebra *a, struct call *call)
{
    struct key to = key_make(call->keyspace, call->argv[1]);
    bool was_there = find_now(call, 1) != NULL;
    uint64_t count = set_build_count(&a->builder);
    set_build_put(&a->builder, call->client->db, &to, call->now_ms);
    if (count > 0 || was_there) {
        keyspace_add_dirty(call_keyspace(call, to.name), 1);
        call_changed(call, &to, count > 0 ? EVENT_SET : EVENT_GENERIC,
                     count > 0 ? a->args.event : "del");
        if (!a->is_itself)
            effect_draft_put(&a->draft, call);
        else if (a->is_job)
            call_effect(call, call->argv, call->argc);
    }
    reply_int(call->reply, (int64_t)count);
}

static bool finish(struct algebra *a, struct call *call) // false: members are to be shown, or told
{
    a->is_gathered = true;
    switch (a->args.goal) {
    case SET_COUNT:
        reply_int(call->reply, (int64_t)a->found);
        return true;
    case SET_STORE:
        begin_tell(a, call);
        break;
    case SET_SHOW:
        show_header(a, call);
        break;
    }
    return false;
}

static bool some(struct algebra *a, struct call *call, uint64_t until_tsc,
                 bool (*next)(struct algebra *a, struct call *call)) // true: all of it is done
{
    do {
        for (uint32_t n = 0; n < MEMBERS_PER_LOOK; n++)
            if (!next(a, call)) return true;
    } while (job_may_go_on(until_tsc));
    return false;
}

static bool algebra_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct algebra *a = (struct algebra *)(void *)job;
    if (!a->is_begun) begin(a, call);
    if (!a->is_gathered) {
        if (!some(a, call, until_tsc, a->filters ? filter_next : build_next)) return false;
        if (finish(a, call)) return true;
    }
    if (a->args.goal == SET_SHOW) return some(a, call, until_tsc, show_next);
    if (!some(a, call, until_tsc, tell_next)) return false;
    store(a, call);
    return true;
}

// ---- a life

static void give_sources(struct algebra *a, struct heap *heap)
{
    heap_give(heap, a->sources, a->room * sizeof a->sources[0], HEAP_OTHER);
}

static void clean(struct algebra *a, struct heap *heap)
{
    if (a->is_begun && builds(a)) set_build_drop(&a->builder);
    effect_draft_drop(&a->draft);
    if (a->passed && a->passed != a->few_passed)
        heap_give(heap, a->passed, a->words * sizeof(uint64_t), HEAP_OTHER);
}

static void algebra_close(struct job *job, struct server *server)
{
    struct algebra *a = (struct algebra *)(void *)job;
    clean(a, server->heap);
    for (uint32_t i = 0; i < a->count; i++)
        set_cut_drop(a->sources[i].keyspace, &a->sources[i].cut);
    give_sources(a, server->heap);
    heap_give(server->heap, a, sizeof *a, HEAP_OTHER);
}

static const struct job_ops algebra_ops = { .step = algebra_step, .close = algebra_close };

// Looks become cuts.
static void start_job(struct call *call, const struct algebra *planned)
{
    struct algebra *a = heap_take(call->server->heap, sizeof *a, HEAP_OTHER);
    *a = *planned;
    a->job.ops = &algebra_ops;
    a->is_job = true;
    a->room = a->count;
    a->sources = heap_take(call->server->heap, a->room * sizeof a->sources[0], HEAP_OTHER);
    for (uint32_t i = 0; i < a->count; i++) {
        a->sources[i] = planned->sources[i];
        set_cut(a->sources[i].keyspace, a->sources[i].entry, &a->sources[i].cut);
    }
    struct key to = key_make(call->keyspace, call->argv[1]);
    if (a->args.goal == SET_STORE)
        call_start_write_job(call, &a->job, &to);
    else
        call_start_job(call, &a->job);
}

void set_algebra(struct call *call, const struct set_algebra_args *args)
{
    struct heap *heap = call->server->heap;
    struct source few[FEW_SOURCES];
    struct algebra a = { .args = *args, .sources = few };
    if (args->key_count > FEW_SOURCES) {
        a.room = args->key_count;
        a.sources = heap_take(heap, a.room * sizeof a.sources[0], HEAP_OTHER);
    }
    if (find_sources(call, &a)) {
        plan(&a);
        if (a.work >= JOB_ELEMENTS_MIN) {
            start_job(call, &a);
        } else {
            algebra_step(&a.job, call, UINT64_MAX);
            clean(&a, heap);
        }
    }
    if (a.sources != few) give_sources(&a, heap);
}
