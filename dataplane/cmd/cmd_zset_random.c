#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/shuffle.h"
#include "dataplane/cmd/zset_args.h"

static command_body cmd_zrandmember;

// clang-format off
const struct command cmd_zset_randoms[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(ZRANDMEMBER, "zrandmember", cmd_zrandmember, -2, 1, 1, 1, CMD_READONLY, ACL_SORTEDSET),
};
// clang-format on

// Members are drawn again and again; or chosen as all are read, each with the chance (left to
// choose) / (left to read); or, from many, they are the first of a random order.
enum choice { CHOOSE_ANY, CHOOSE_READING, CHOOSE_SHUFFLED };

struct random_job {
    struct job job;
    struct zset_cut cut;
    struct zset_iter iter;
    struct shuffle shuffle;
    enum choice choice;
    enum zset_form form;
    uint64_t wanted, unread;
};

static void choose(struct random_job *j, struct rng *rng, char scratch[24], struct bytes *member,
                   double *score)
{
    uint64_t rank = 0;
    if (j->choice == CHOOSE_READING) {
        while (zset_iter_next(&j->iter, member, score))
            if (rng_below(rng, j->unread--) < j->wanted) return;
    }
    if (j->choice == CHOOSE_SHUFFLED)
        shuffle_next(&j->shuffle, &rank);
    else
        rank = rng_below(rng, j->cut.count);
    zset_cut_at(&j->cut, rank, scratch, member, score);
}

static bool random_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct random_job *j = (struct random_job *)(void *)job;
    struct bytes member;
    double score;
    char scratch[24];
    while (j->wanted > 0) {
        choose(j, &call->server->rng, scratch, &member, &score);
        zset_reply_member(call->reply, member, score, j->form);
        j->wanted--;
        if (!job_may_go_on(until_tsc)) return false;
    }
    return true;
}

static void random_close(struct job *job, struct server *server)
{
    struct random_job *j = (struct random_job *)(void *)job;
    zset_cut_drop(server->keyspace, &j->cut);
    heap_give(server->heap, j, sizeof *j, HEAP_OTHER);
}

static const struct job_ops random_ops = { .step = random_step, .close = random_close };

// count: as the client gave it, negative for draws that may repeat.
static struct random_job *new_job(struct call *call, const struct entry *e, int64_t count,
                                  bool with_scores)
{
    struct random_job *j = heap_take(call->server->heap, sizeof *j, HEAP_OTHER);
    j->job.ops = &random_ops;
    zset_cut(call->keyspace, e, &j->cut);
    j->form = zset_form_of(call, with_scores);
    j->unread = j->cut.count;
    j->wanted = count < 0 ? (uint64_t)-count : (uint64_t)count;
    j->choice = CHOOSE_ANY;
    if (count >= 0) {
        if (j->wanted > j->cut.count) j->wanted = j->cut.count;
        bool reads = j->cut.encoding == ENCODING_LISTPACK || j->wanted > j->cut.count / 4;
        j->choice = reads ? CHOOSE_READING : CHOOSE_SHUFFLED;
    }
    zset_iter_init(&j->iter, &j->cut, 0, false);
    shuffle_init(&j->shuffle, j->cut.count, &call->server->rng);
    return j;
}

static void reply_some(struct call *call, const struct entry *e, int64_t count, bool with_scores)
{
    if (!e || count == 0) {
        reply_array(call->reply, 0);
        return;
    }
    struct random_job *j = new_job(call, e, count, with_scores);
    zset_reply_header(call->reply, j->wanted, j->form);
    // A throw into a pack passes over half of it.
    uint64_t cost = count < 0 && j->cut.encoding == ENCODING_LISTPACK ? 1 + j->cut.count / 64 : 1;
    if (j->wanted >= JOB_ELEMENTS_MIN / cost)
        call_start_job(call, &j->job);
    else
        call_run_job(call, &j->job);
}

static void reply_one(struct call *call, const struct entry *e)
{
    struct zset_cut look;
    struct bytes member;
    char scratch[24];
    double score;
    if (!e) {
        reply_null(call->reply);
        return;
    }
    zset_look(e, &look);
    zset_cut_at(&look, rng_below(&call->server->rng, look.count), scratch, &member, &score);
    reply_bulk(call->reply, member);
}

static bool parse(struct call *call, int64_t *count, bool *with_scores)
{
    *with_scores = call->argc > 3;
    if (!call_int(call, 2, count, NULL)) return false;
    if (*count == INT64_MIN) {
        reply_errorf(call->reply, "ERR value is out of range, value must between %lld and %lld",
                     (long long)-INT64_MAX, (long long)INT64_MAX);
        return false;
    }
    if (call->argc > 4 || (*with_scores && !bytes_is_option(call->argv[3], "withscores"))) {
        reply_error(call->reply, reply_text_syntax);
        return false;
    }
    if (*with_scores && (*count < -INT64_MAX / 2 || *count > INT64_MAX / 2)) {
        reply_error(call->reply, "ERR value is out of range");
        return false;
    }
    return true;
}

static void cmd_zrandmember(struct call *call)
{
    struct key key = call_key(call, 1);
    struct entry *e;
    int64_t count = 1;
    bool with_scores = false;
    if (call->argc > 2 && !parse(call, &count, &with_scores)) return;
    if (!zset_find(call, &key, FIND_READ, &e)) return;
    if (call->argc > 2)
        reply_some(call, e, count, with_scores);
    else
        reply_one(call, e);
}
