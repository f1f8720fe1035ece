// Members of a sorted set as a reply: at once, or in slices over a cut.
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/zset_args.h"

enum { MEMBERS_PER_LOOK = 16 }; // at the clock: 20-50 ns each

void zset_reply_header(struct reply *r, uint64_t count, enum zset_form form)
{
    reply_array(r, form == ZSET_FLAT_PAIRS ? 2 * count : count);
}

void zset_reply_member(struct reply *r, struct bytes member, double score, enum zset_form form)
{
    if (form == ZSET_PAIRS) reply_array(r, 2);
    reply_bulk(r, member);
    if (form != ZSET_MEMBERS) reply_double(r, score);
}

bool zset_reply_some(struct reply *r, struct zset_iter *i, uint64_t *left, enum zset_form form,
                     uint64_t until_tsc)
{
    struct bytes member;
    double score;
    while (*left > 0) {
        uint64_t n = *left < MEMBERS_PER_LOOK ? *left : MEMBERS_PER_LOOK;
        *left -= n;
        for (; n > 0 && zset_iter_next(i, &member, &score); n--)
            zset_reply_member(r, member, score, form);
        if (!job_may_go_on(until_tsc)) return *left == 0;
    }
    return true;
}

struct list_job {
    struct job job;
    struct zset_cut cut;
    struct zset_iter iter;
    uint64_t left;
    enum zset_form form;
};

static bool list_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct list_job *j = (struct list_job *)job;
    return zset_reply_some(call->reply, &j->iter, &j->left, j->form, until_tsc);
}

static void list_close(struct job *job, struct server *server)
{
    struct list_job *j = (struct list_job *)job;
    zset_cut_drop(server->keyspace, &j->cut);
    heap_give(server->heap, j, sizeof *j, HEAP_OTHER);
}

static const struct job_ops list_ops = { list_step, list_close };

void zset_reply_cut(struct call *call, struct zset_cut *cut, uint64_t rank, uint64_t count,
                    bool backwards, enum zset_form form)
{
    struct list_job *j = heap_take(call->server->heap, sizeof *j, HEAP_OTHER);
    j->job.ops = &list_ops;
    j->cut = *cut;
    j->left = count;
    j->form = form;
    zset_iter_init(&j->iter, &j->cut, rank, backwards);
    call_start_job(call, &j->job);
}

void zset_reply_ranks(struct call *call, const struct entry *e, uint64_t rank, uint64_t count,
                      bool backwards, enum zset_form form)
{
    struct zset_cut cut;
    struct zset_iter i;
    zset_reply_header(call->reply, count, form);
    if (count >= JOB_ELEMENTS_MIN) {
        zset_cut(call->keyspace, e, &cut);
        zset_reply_cut(call, &cut, rank, count, backwards, form);
        return;
    }
    if (count == 0) return;
    zset_look(e, &cut);
    zset_iter_init(&i, &cut, rank, backwards);
    zset_reply_some(call->reply, &i, &count, form, UINT64_MAX);
}
