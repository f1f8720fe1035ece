#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/zset_range_args.h"
#include "dataplane/cmd/zset_tell.h"

static command_body cmd_zrange, cmd_zrangebylex, cmd_zrangebyscore, cmd_zrangestore, cmd_zrevrange,
    cmd_zrevrangebylex, cmd_zrevrangebyscore;

// clang-format off
const struct command cmd_zset_ranges[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(ZRANGE, "zrange", cmd_zrange, -4, 1, 1, 1, CMD_READONLY, ACL_SORTEDSET),
    COMMAND(ZRANGEBYLEX, "zrangebylex", cmd_zrangebylex, -4, 1, 1, 1, CMD_READONLY, ACL_SORTEDSET),
    COMMAND(ZRANGEBYSCORE, "zrangebyscore", cmd_zrangebyscore, -4, 1, 1, 1, CMD_READONLY, ACL_SORTEDSET),
    COMMAND(ZRANGESTORE, "zrangestore", cmd_zrangestore, -5, 1, 2, 1, CMD_WRITE | CMD_DENYOOM, ACL_SORTEDSET),
    COMMAND(ZREVRANGE, "zrevrange", cmd_zrevrange, -4, 1, 1, 1, CMD_READONLY, ACL_SORTEDSET),
    COMMAND(ZREVRANGEBYLEX, "zrevrangebylex", cmd_zrevrangebylex, -4, 1, 1, 1, CMD_READONLY, ACL_SORTEDSET),
    COMMAND(ZREVRANGEBYSCORE, "zrevrangebyscore", cmd_zrevrangebyscore, -4, 1, 1, 1, CMD_READONLY, ACL_SORTEDSET),
};
// clang-format on

static void range(struct call *call, struct zset_range_args *a, uint32_t words)
{
    struct key key = call_key(call, 1);
    struct entry *e;
    struct zset_cut look;
    uint64_t count;
    if (!zset_range_parse(call, 2, words, a) || !zset_find(call, &key, FIND_READ, &e)) return;
    zset_look(e, &look);
    uint64_t rank = zset_range_resolve(a, &look, &count);
    zset_reply_ranks(call, e, rank, count, a->is_reverse, zset_form_of(call, a->with_scores));
}

static void cmd_zrange(struct call *call)
{
    struct zset_range_args a = { .by = ZSET_BY_RANK };
    range(call, &a, ZSET_WORD_BY | ZSET_WORD_REV | ZSET_WORD_WITHSCORES);
}

static void cmd_zrevrange(struct call *call)
{
    struct zset_range_args a = { .by = ZSET_BY_RANK, .is_reverse = true };
    range(call, &a, ZSET_WORD_WITHSCORES);
}

static void cmd_zrangebyscore(struct call *call)
{
    struct zset_range_args a = { .by = ZSET_BY_SCORE };
    range(call, &a, ZSET_WORD_WITHSCORES);
}

static void cmd_zrevrangebyscore(struct call *call)
{
    struct zset_range_args a = { .by = ZSET_BY_SCORE, .is_reverse = true };
    range(call, &a, ZSET_WORD_WITHSCORES);
}

static void cmd_zrangebylex(struct call *call)
{
    struct zset_range_args a = { .by = ZSET_BY_LEX };
    range(call, &a, ZSET_WORD_WITHSCORES);
}

static void cmd_zrevrangebylex(struct call *call)
{
    struct zset_range_args a = { .by = ZSET_BY_LEX, .is_reverse = true };
    range(call, &a, ZSET_WORD_WITHSCORES);
}

// ---- ZRANGESTORE: the members go one by one into a new sorted set, which then takes its place.

struct store_job {
    struct job job;
    struct keyspace *source; // that the cut is of
    struct zset_cut cut;
    struct zset_iter iter;
    uint64_t left;
    struct zset_builder builder;
    struct zset_tell tell;
    bool is_direct; // the cut is a look
    bool is_small;  // Redis would still have a listpack
};

// Redis begins with a listpack unless it knows better, and that has no -0.
static double stored_score(struct store_job *j, const struct thresholds *t, struct bytes member,
                           double score)
{
    if (zset_build_count(&j->builder) >= (uint64_t)t->zset_entries ||
        member.size > (uint64_t)t->zset_value_bytes)
        j->is_small = false;
    return j->is_small ? score + 0.0 : score;
}

// The source may have changed since: then the command would not give the same again.
static void begin_tell(struct store_job *j, struct call *call)
{
    struct key from = call_key(call, 2);
    const struct entry *source =
        keyspace_find(call->keyspace, call->client->db, &from, FIND_QUIET, call->now_ms);
    bool is_same = j->is_direct || zset_cut_is_current(&j->cut, source);
    zset_tell_begin(&j->tell, call, &j->builder, call->argv[1], is_same);
}

static bool store_put(struct store_job *j, struct call *call, uint64_t until_tsc)
{
    struct key to = call_key(call, 1);
    if (!j->tell.is_begun) begin_tell(j, call);
    if (!zset_tell_step(&j->tell, until_tsc)) return false;
    if (zset_store(call, &j->builder, &to, "zrangestore")) zset_tell_put(&j->tell, call);
    return true;
}

static bool store_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct store_job *j = (struct store_job *)job;
    struct bytes member;
    double score;
    while (j->left > 0) {
        zset_iter_next(&j->iter, &member, &score);
        score = stored_score(j, &call->server->thresholds, member, score);
        zset_build_add(&j->builder, member, score);
        j->left--;
        if (!job_may_go_on(until_tsc)) return false;
    }
    return store_put(j, call, until_tsc);
}

static void store_close(struct job *job, struct server *server)
{
    struct store_job *j = (struct store_job *)job;
    zset_build_drop(&j->builder);
    zset_tell_drop(&j->tell);
    if (!j->is_direct) zset_cut_drop(j->source, &j->cut);
    heap_give(server->heap, j, sizeof *j, HEAP_OTHER);
}

static const struct job_ops store_ops = { store_step, store_close };

static void store(struct call *call, const struct entry *e, const struct zset_range_args *a,
                  uint64_t rank, uint64_t count)
{
    struct store_job *j = heap_take(call->server->heap, sizeof *j, HEAP_OTHER);
    struct key to = call_key(call, 1);
    j->job.ops = &store_ops;
    j->tell = (struct zset_tell){ 0 };
    j->source = call_keyspace(call, call->argv[2]);
    j->is_direct = count < JOB_ELEMENTS_MIN;
    j->is_small = a->by != ZSET_BY_RANK || count <= (uint64_t)call->server->thresholds.zset_entries;
    j->left = count;
    if (j->is_direct)
        zset_look(e, &j->cut);
    else
        zset_cut(j->source, e, &j->cut);
    zset_iter_init(&j->iter, &j->cut, rank, a->is_reverse);
    zset_build_begin(&j->builder, call_keyspace(call, to.name), &call->server->thresholds);
    if (j->is_direct)
        call_run_job(call, &j->job);
    else
        call_start_write_job(call, &j->job, &to);
}

static void cmd_zrangestore(struct call *call)
{
    struct key from = call_key(call, 2);
    struct zset_range_args a = { .by = ZSET_BY_RANK };
    struct zset_cut look;
    struct entry *e;
    uint64_t count;
    if (!zset_range_parse(call, 3, ZSET_WORD_BY | ZSET_WORD_REV, &a)) return;
    if (!zset_find(call, &from, FIND_READ, &e)) return;
    zset_look(e, &look);
    uint64_t rank = zset_range_resolve(&a, &look, &count);
    store(call, e, &a, rank, count);
}
