// LPOS: where elements of a value are.
#include "dataplane/base/num.h"
#include "dataplane/cmd/cmd_list.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/job.h"

static command_body cmd_lpos;

// clang-format off
const struct command cmd_list_searches[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(LPOS, "lpos", cmd_lpos, -3, 1, 1, 1, CMD_READONLY, ACL_LIST),
};
// clang-format on

enum { STEP_ELEMENTS = 64 };

struct position_options {
    uint64_t rank; // 1: the first match
    bool backwards, has_count;
    uint64_t count, max_length; // 0: no limit
};

// With COUNT the list is gone through twice, first to count the matches and then to tell them: the
// reply begins with their number, and millions of them are not to be kept.
struct position_job {
    struct job job;
    struct list_cut cut;
    struct list_search search;
    struct position_options options;
    uint64_t seen; // matches of this pass
    uint64_t hits; // of the first pass: those to tell
    bool is_telling;
};

static void begin_pass(struct position_job *p)
{
    const struct position_options *o = &p->options;
    list_search_init(&p->search, &p->cut, o->backwards);
    if (o->max_length && o->max_length < p->search.iter.left) p->search.iter.left = o->max_length;
    p->seen = 0;
}

// A match that counts: true when no more of them are wanted in this pass.
static bool take_hit(struct position_job *p, struct reply *reply, uint64_t index)
{
    const struct position_options *o = &p->options;
    if (!o->has_count) {
        p->hits = 1;
        reply_int(reply, (int64_t)index);
        return true;
    }
    uint64_t number = p->seen - o->rank + 1;
    if (p->is_telling) {
        reply_int(reply, (int64_t)index);
        return number == p->hits;
    }
    p->hits = number;
    return number == o->count;
}

// True: the reply is complete.
static bool end_pass(struct position_job *p, struct reply *reply)
{
    if (!p->options.has_count) {
        if (!p->hits) reply_null(reply);
        return true;
    }
    if (p->is_telling) return true;
    reply_array(reply, p->hits);
    p->is_telling = true;
    begin_pass(p);
    return p->hits == 0;
}

static bool position_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct position_job *p = (struct position_job *)job;
    struct packed_needle needle;
    packed_needle_init(&needle, call->argv[2]);
    do {
        uint32_t budget = STEP_ELEMENTS;
        uint64_t index;
        bool is_over = false;
        if (list_search_next(&p->search, &needle, &budget, &index))
            is_over = ++p->seen >= p->options.rank && take_hit(p, call->reply, index);
        else
            is_over = p->search.iter.left == 0;
        if (is_over && end_pass(p, call->reply)) return true;
    } while (job_may_go_on(until_tsc));
    return false;
}

static void position_close(struct job *job, struct server *server)
{
    struct position_job *p = (struct position_job *)job;
    list_cut_drop(server->keyspace, &p->cut);
    heap_give(server->heap, p, sizeof *p, HEAP_OTHER);
}

static const struct job_ops position_ops = { position_step, position_close };

static bool parse_rank(struct call *call, uint32_t index, struct position_options *o)
{
    int64_t rank;
    if (!call_int(call, index, &rank, NULL)) return false;
    if (rank == INT64_MIN) {
        reply_error(call->reply, "ERR value is out of range, value must between "
                                 "-9223372036854775807 and 9223372036854775807");
        return false;
    }
    if (rank == 0) {
        reply_error(call->reply, "ERR RANK can't be zero: use 1 to start from the first match, 2 "
                                 "from the second ... or use negative to start from the end of the "
                                 "list");
        return false;
    }
    o->backwards = rank < 0;
    o->rank = (uint64_t)(rank < 0 ? -rank : rank);
    return true;
}

static bool parse_option(struct call *call, uint32_t index, struct position_options *o)
{
    struct bytes word = call->argv[index];
    bool has_value = index + 1 < call->argc;
    int64_t value;
    if (has_value && bytes_is_option(word, "rank")) return parse_rank(call, index + 1, o);
    if (has_value && bytes_is_option(word, "count")) {
        if (!call_count(call, index + 1, 0, &value, "ERR COUNT can't be negative")) return false;
        o->has_count = true;
        o->count = (uint64_t)value;
        return true;
    }
    if (has_value && bytes_is_option(word, "maxlen")) {
        if (!call_count(call, index + 1, 0, &value, "ERR MAXLEN can't be negative")) return false;
        o->max_length = (uint64_t)value;
        return true;
    }
    reply_error(call->reply, reply_text_syntax);
    return false;
}

static void cmd_lpos(struct call *call)
{
    struct position_options o = { .rank = 1 };
    for (uint32_t i = 3; i < call->argc; i += 2)
        if (!parse_option(call, i, &o)) return;
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, FIND_READ);
    if (!call_check_type(call, e, TYPE_LIST)) return;
    if (!e) {
        if (o.has_count)
            reply_array(call->reply, 0);
        else
            reply_null(call->reply);
        return;
    }
    struct position_job *p = heap_take(call->server->heap, sizeof *p, HEAP_OTHER);
    p->job.ops = &position_ops;
    p->options = o;
    p->hits = 0;
    p->is_telling = false;
    list_cut(call->keyspace, e, &p->cut);
    begin_pass(p);
    if (p->search.iter.left > JOB_ELEMENTS_MIN)
        call_start_job(call, &p->job);
    else
        call_run_job(call, &p->job);
}
