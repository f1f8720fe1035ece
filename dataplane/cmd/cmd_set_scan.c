// SSCAN.
#include "dataplane/base/glob.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/scan_args.h"
#include "dataplane/cmd/set_call.h"

static command_body cmd_sscan;

// clang-format off
const struct command cmd_sets_scan[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(SSCAN, "sscan", cmd_sscan, -3, 1, 1, 1, CMD_READONLY, ACL_SET),
};
// clang-format on

enum { SCAN_STRIDE = 32 }; // members between two looks at the clock

// The reply tells the next cursor and how many members there are before it shows them: the set as
// it was is gone over twice.
struct scan_job {
    struct job job;
    struct set_cut cut;
    uint64_t first, cursor; // where it began, where it is
    struct scan_args args;
    uint64_t left; // of the members asked for, still to be visited
    uint64_t matches;
    bool is_counted;
};

struct visit {
    struct scan_job *job;
    struct reply *reply; // NULL: count
    struct bytes pattern;
    uint64_t visited;
};

static void visit_member(void *context, struct bytes member)
{
    struct visit *v = context;
    v->visited++;
    if (v->job->args.pattern && !glob_match(v->pattern, member, false)) return;
    if (v->reply)
        reply_bulk(v->reply, member);
    else
        v->job->matches++;
}

static void begin_pass(struct scan_job *j)
{
    j->cursor = j->first;
    j->left = j->args.count;
}

static bool pass(struct scan_job *j, struct visit *v, uint64_t until_tsc) // true: it is over
{
    do {
        uint64_t stride = j->left < SCAN_STRIDE ? j->left : SCAN_STRIDE;
        v->visited = 0;
        j->cursor = set_scan(&j->cut, j->cursor, stride, visit_member, v);
        j->left -= v->visited < j->left ? v->visited : j->left;
        if (j->cursor == 0 || j->left == 0) return true;
    } while (job_may_go_on(until_tsc));
    return false;
}

static bool scan_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct scan_job *j = (struct scan_job *)(void *)job;
    struct visit v = { .job = j };
    if (j->args.pattern) v.pattern = call->argv[j->args.pattern];
    if (!j->is_counted) {
        if (!pass(j, &v, until_tsc)) return false;
        scan_reply_header(call->reply, j->cursor, j->matches);
        begin_pass(j);
        j->is_counted = true;
    }
    v.reply = call->reply;
    return pass(j, &v, until_tsc);
}

static void scan_close(struct job *job, struct server *server)
{
    struct scan_job *j = (struct scan_job *)(void *)job;
    set_cut_drop(server->keyspace, &j->cut);
    heap_give(server->heap, j, sizeof *j, HEAP_OTHER);
}

static const struct job_ops scan_ops = { .step = scan_step, .close = scan_close };

static void scan_set(struct call *call, const struct entry *e, struct scan_job *options)
{
    uint64_t total = set_count(e);
    if (entry_encoding(e) != ENCODING_HASHTABLE) options->args.count = total; // shown whole
    begin_pass(options);
    if ((total < options->args.count ? total : options->args.count) < JOB_ELEMENTS_MIN) {
        set_look(e, &options->cut);
        scan_step(&options->job, call, UINT64_MAX);
        return;
    }
    struct scan_job *j = heap_take(call->server->heap, sizeof *j, HEAP_OTHER);
    *j = *options;
    j->job.ops = &scan_ops;
    set_cut(call->keyspace, e, &j->cut);
    call_start_job(call, &j->job);
}

static void cmd_sscan(struct call *call)
{
    struct scan_job options = { .first = 0 };
    struct key key = call_key(call, 1);
    struct entry *e;
    if (!scan_cursor(call, 2, &options.first)) return;
    if (!set_find(call, &key, FIND_READ, &e)) return;
    if (!e) // before the options are looked at
        scan_reply_header(call->reply, 0, 0);
    else if (scan_options(call, 3, NULL, 0, &options.args))
        scan_set(call, e, &options);
}
