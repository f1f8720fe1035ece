// SRANDMEMBER.
//
// With a positive count every member comes at most once. From a set that is gone over anyway they
// are chosen as it is read: each with the chance (left to choose) / (left to read). From one that
// is much larger than the count, by ranks in a random order.
#include "dataplane/base/status.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/set_call.h"
#include "dataplane/cmd/shuffle.h"

static command_body cmd_srandmember;

// clang-format off
const struct command cmd_sets_random[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(SRANDMEMBER, "srandmember", cmd_srandmember, -2, 1, 1, 1, CMD_READONLY, ACL_SET),
};
// clang-format on

enum {
    READ_SHARE = 16,     // members read for one that is looked up by its rank, at the same cost
    MEMBERS_PER_LOOK = 4 // at the clock
};

enum choice { CHOOSE_ANY, CHOOSE_READING, CHOOSE_SHUFFLED };

struct random_job {
    struct job job;
    struct set_cut cut;
    struct set_iter iter;
    struct shuffle shuffle;
    enum choice choice;
    uint64_t wanted, unread; // left to choose; CHOOSE_READING: left to read
};

static struct bytes choose(struct random_job *j, struct rng *rng, char scratch[24])
{
    struct bytes member = { 0 };
    uint64_t rank = 0;
    switch (j->choice) {
    case CHOOSE_ANY:
        return set_cut_at(&j->cut, rng_below(rng, j->cut.count), scratch);
    case CHOOSE_SHUFFLED:
        shuffle_next(&j->shuffle, &rank);
        return set_cut_at(&j->cut, rank, scratch);
    case CHOOSE_READING:
        break;
    }
    while (rng_below(rng, j->unread--) >= j->wanted) set_iter_skip(&j->iter);
    set_iter_next(&j->iter, &member);
    return member;
}

static bool random_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct random_job *j = (struct random_job *)(void *)job;
    char scratch[24];
    do {
        for (uint32_t n = 0; n < MEMBERS_PER_LOOK && j->wanted > 0; n++) {
            reply_bulk(call->reply, choose(j, &call->server->rng, scratch));
            j->wanted--;
        }
    } while (j->wanted > 0 && job_may_go_on(until_tsc));
    return j->wanted == 0;
}

static void random_close(struct job *job, struct server *server)
{
    struct random_job *j = (struct random_job *)(void *)job;
    set_cut_drop(server->keyspace, &j->cut);
    heap_give(server->heap, j, sizeof *j, HEAP_OTHER);
}

static const struct job_ops random_ops = { .step = random_step, .close = random_close };

static enum choice choice_for(const struct set_cut *look, uint64_t count, bool is_distinct)
{
    if (!is_distinct) return CHOOSE_ANY;
    bool reads = look->encoding != ENCODING_HASHTABLE || count * READ_SHARE >= look->count;
    return reads ? CHOOSE_READING : CHOOSE_SHUFFLED;
}

static void begin(struct random_job *j, struct rng *rng)
{
    j->unread = j->cut.count;
    set_iter_init(&j->iter, &j->cut);
    if (j->choice == CHOOSE_SHUFFLED) shuffle_init(&j->shuffle, j->cut.count, rng);
}

// In members read or looked up.
static uint64_t work_of(const struct set_cut *look, uint64_t count, enum choice choice)
{
    if (choice == CHOOSE_READING) return look->count;
    if (count >= JOB_ELEMENTS_MIN) return count;
    return count * set_cut_find_cost(look);
}

static void reply_random(struct call *call, const struct entry *e, uint64_t count, bool is_distinct)
{
    struct random_job now = { .wanted = count };
    struct rng *rng = &call->server->rng;
    set_look(e, &now.cut);
    if (is_distinct && count > now.cut.count) now.wanted = now.cut.count;
    now.choice = choice_for(&now.cut, now.wanted, is_distinct);
    reply_array(call->reply, now.wanted);
    if (work_of(&now.cut, now.wanted, now.choice) < JOB_ELEMENTS_MIN) {
        begin(&now, rng);
        random_step(&now.job, call, UINT64_MAX);
        return;
    }
    struct random_job *j = heap_take(call->server->heap, sizeof *j, HEAP_OTHER);
    j->job.ops = &random_ops;
    j->wanted = now.wanted;
    j->choice = now.choice;
    set_cut(call->keyspace, e, &j->cut);
    begin(j, rng);
    call_start_job(call, &j->job);
}

static bool parse_count(struct call *call, int64_t *count)
{
    if (!call_int(call, 2, count, NULL)) return false;
    if (*count != INT64_MIN) return true;
    reply_errorf(call->reply, "ERR value is out of range, value must between %ld and %ld",
                 -INT64_MAX, INT64_MAX);
    return false;
}

static void cmd_srandmember(struct call *call)
{
    struct key key = call_key(call, 1);
    struct entry *e;
    struct set_cut look;
    char scratch[24];
    int64_t count = 0;
    bool has_count = call->argc == 3;
    if (call->argc > 3) {
        reply_error(call->reply, reply_text_syntax);
        return;
    }
    if (has_count && !parse_count(call, &count)) return;
    if (!set_find(call, &key, FIND_READ, &e)) return;
    set_look(e, &look);
    if (!has_count && !e)
        reply_null(call->reply);
    else if (!has_count)
        reply_bulk(call->reply,
                   set_cut_at(&look, rng_below(&call->server->rng, look.count), scratch));
    else if (!e || count == 0)
        reply_array(call->reply, 0);
    else
        reply_random(call, e, (uint64_t)(count < 0 ? -count : count), count > 0);
}
