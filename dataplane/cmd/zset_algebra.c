#include "dataplane/cmd/zset_algebra.h"
#include <math.h>
#include <stdlib.h>

enum { PROBES_PER_LOOK = 4 }; // at the clock: a lookup costs some 100 ns

// ---- sources

bool zset_source_score(struct keyspace *k, const struct zset_source *s, struct bytes member,
                       double *score)
{
    if (s->count == 0) return false;
    *score = 1;
    return s->is_set ? set_cut_has(k, &s->set, member) : zset_cut_score(k, &s->zset, member, score);
}

void zset_source_iter_init(struct zset_source_iter *i, const struct zset_source *s)
{
    i->is_set = s->is_set;
    if (s->is_set)
        set_iter_init(&i->set, &s->set);
    else
        zset_iter_init(&i->zset, &s->zset, 0, false);
}

bool zset_source_iter_next(struct zset_source_iter *i, struct bytes *member, double *score)
{
    *score = 1;
    return i->is_set ? set_iter_next(&i->set, member) : zset_iter_next(&i->zset, member, score);
}

static struct entry *source_entry(struct call *call, const struct zset_source *s)
{
    struct key key = call_key(call, s->argument);
    return keyspace_find(call->keyspace, call->client->db, &key, FIND_QUIET, call->now_ms);
}

static void source_open(struct call *call, struct zset_source *s, bool is_look)
{
    const struct entry *e = source_entry(call, s);
    s->keyspace = call_keyspace(call, call->argv[s->argument]);
    if (s->is_set && is_look)
        set_look(e, &s->set);
    else if (s->is_set)
        set_cut(s->keyspace, e, &s->set);
    else if (is_look)
        zset_look(e, &s->zset);
    else
        zset_cut(s->keyspace, e, &s->zset);
}

static void source_close(struct zset_source *s)
{
    if (s->is_set)
        set_cut_drop(s->keyspace, &s->set);
    else
        zset_cut_drop(s->keyspace, &s->zset);
}

// ---- scores

static double weighted(double weight, double score)
{
    double product = weight * score;
    return isnan(product) ? 0 : product; // 0 times infinity
}

static double sum_of(double a, double b)
{
    double sum = a + b;
    return isnan(sum) ? 0 : sum; // opposite infinities
}

static double min_of(double a, double b) { return b < a ? b : a; }

static double max_of(double a, double b) { return b > a ? b : a; }

typedef double merge_scores(double a, double b);
static merge_scores *const aggregates[] = {
    [ZSET_SUM] = sum_of, [ZSET_MIN] = min_of, [ZSET_MAX] = max_of
};

// ---- reading. The member at hand is looked for in the sources behind the first, some at a time.

static bool next_member(struct zset_algebra *a)
{
    if (!zset_source_iter_next(&a->iter, &a->member, &a->score)) return false;
    a->score = weighted(a->sources[a->at].weight, a->score);
    a->has_member = true;
    a->probe = 1;
    return true;
}

// In this source too, or not: false when that keeps the member out of the result.
static bool probe(struct zset_algebra *a, struct keyspace *k, const struct zset_source *s)
{
    double other;
    bool is_there = zset_source_score(k, s, a->member, &other);
    if (a->op == ZSET_DIFF) return !is_there;
    if (is_there) a->score = aggregates[a->aggregate](a->score, s->weight * other);
    return is_there;
}

static void take_member(struct zset_algebra *a, struct keyspace *k)
{
    if (a->op == ZSET_UNION) {
        a->has_member = false;
        zset_build_merge(&a->builder, a->member, a->score, aggregates[a->aggregate]);
        return;
    }
    for (uint32_t n = 0; n < PROBES_PER_LOOK && a->has_member && a->probe < a->source_count; n++)
        a->has_member = probe(a, k, &a->sources[a->probe++]);
    if (!a->has_member || a->probe < a->source_count) return;
    a->has_member = false;
    a->found++;
    if (!a->is_count) zset_build_add(&a->builder, a->member, a->score);
}

static bool has_enough(const struct zset_algebra *a)
{
    // The smallest source comes first.
    return (a->op == ZSET_INTER && a->sources[0].count == 0) || (a->limit && a->found >= a->limit);
}

// Reads the sources to their end; false: there was no time for all.
static bool read_sources(struct zset_algebra *a, struct keyspace *k, uint64_t until_tsc)
{
    uint32_t readable = a->op == ZSET_UNION ? a->source_count : 1;
    for (; a->at < readable; a->at++, a->is_reading = false) {
        if (a->sources[a->at].count == 0) continue;
        if (!a->is_reading) zset_source_iter_init(&a->iter, &a->sources[a->at]);
        a->is_reading = true;
        while (!has_enough(a) && (a->has_member || next_member(a))) {
            take_member(a, k);
            if (!job_may_go_on(until_tsc)) return false;
        }
    }
    return true;
}

// ---- the result

static bool is_current(struct call *call, const struct zset_source *s)
{
    const struct entry *e = source_entry(call, s);
    if (s->count == 0) return e == NULL;
    return s->is_set ? set_cut_is_current(&s->set, e) : zset_cut_is_current(&s->zset, e);
}

// The command is its own effect as long as it would give the same again.
static void begin_tell(struct zset_algebra *a, struct call *call)
{
    bool is_same = true;
    for (uint32_t i = 0; i < a->source_count && !a->is_direct && is_same; i++)
        is_same = is_current(call, &a->sources[i]);
    zset_tell_begin(&a->tell, call, &a->builder, call->argv[1], is_same);
}

static bool store(struct zset_algebra *a, struct call *call, uint64_t until_tsc)
{
    static const char *const events[] = { "zunionstore", "zinterstore", "zdiffstore" };
    struct key to = call_key(call, 1);
    if (!a->tell.is_begun) begin_tell(a, call);
    if (!zset_tell_step(&a->tell, until_tsc)) return false;
    if (zset_store(call, &a->builder, &to, events[a->op])) zset_tell_put(&a->tell, call);
    return true;
}

static void begin_listing(struct zset_algebra *a, struct call *call)
{
    zset_build_look(&a->builder, &a->result);
    a->left = a->result.count;
    a->is_listing = true;
    zset_reply_header(call->reply, a->left, a->form);
    zset_iter_init(&a->listed, &a->result, 0, false);
}

static bool algebra_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct zset_algebra *a = (struct zset_algebra *)(void *)job;
    if (!read_sources(a, call->server->keyspace, until_tsc)) return false;
    if (a->is_count) {
        reply_int(call->reply, (int64_t)a->found);
        return true;
    }
    while (!a->is_listing && zset_build_sort(&a->builder, 1))
        if (!job_may_go_on(until_tsc)) return false;
    if (a->is_store) return store(a, call, until_tsc);
    if (!a->is_listing) begin_listing(a, call);
    return zset_reply_some(call->reply, &a->listed, &a->left, a->form, until_tsc);
}

static void algebra_close(struct job *job, struct server *server)
{
    struct zset_algebra *a = (struct zset_algebra *)(void *)job;
    if (!a->is_count) zset_build_drop(&a->builder);
    zset_tell_drop(&a->tell);
    for (uint32_t i = 0; i < a->source_count && !a->is_direct; i++) source_close(&a->sources[i]);
    heap_give(server->heap, a, sizeof *a + a->source_count * sizeof a->sources[0], HEAP_OTHER);
}

static const struct job_ops algebra_ops = { .step = algebra_step, .close = algebra_close };

// ---- beginning

static int by_count(const void *x, const void *y)
{
    const struct zset_source *a = x, *b = y;
    if (a->count != b->count) return a->count < b->count ? -1 : 1;
    return a->argument < b->argument ? -1 : 1;
}

// In lookups; sums and products stay far below 2^64 (2^32 keys of 2^31 members).
static uint64_t work_of(const struct zset_algebra *a)
{
    uint64_t all = 0;
    for (uint32_t i = 0; i < a->source_count; i++) all += a->sources[i].count;
    return a->op == ZSET_UNION ? all : a->sources[0].count * a->source_count;
}

void zset_algebra_run(struct call *call, struct zset_algebra *a)
{
    struct key to = call_key(call, 1);
    if (a->op != ZSET_DIFF) qsort(a->sources, a->source_count, sizeof a->sources[0], by_count);
    a->job.ops = &algebra_ops;
    a->is_direct = work_of(a) < JOB_ELEMENTS_MIN;
    a->found = a->left = 0;
    a->tell = (struct zset_tell){ 0 };
    a->at = 0;
    a->is_reading = a->is_listing = a->has_member = false;
    for (uint32_t i = 0; i < a->source_count; i++) source_open(call, &a->sources[i], a->is_direct);
    struct keyspace *k = a->is_store ? call_keyspace(call, to.name) : call->server->keyspace;
    if (!a->is_count) zset_build_gather(&a->builder, k, &call->server->thresholds);
    if (a->is_direct)
        call_run_job(call, &a->job);
    else if (a->is_store)
        call_start_write_job(call, &a->job, &to);
    else
        call_start_job(call, &a->job);
}
