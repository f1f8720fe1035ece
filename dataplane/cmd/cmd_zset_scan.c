#include <math.h>
#include <stdio.h>
#include "dataplane/base/glob.h"
#include "dataplane/base/num.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/scan_args.h"
#include "dataplane/cmd/zset_args.h"

static command_body cmd_zscan;

// clang-format off
const struct command cmd_zset_scans[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(ZSCAN, "zscan", cmd_zscan, -3, 1, 1, 1, CMD_READONLY, ACL_SORTEDSET),
};
// clang-format on

enum { MEMBERS_PER_LOOK = 32 };

// The reply tells its length before its members, so a version of the sorted set is gone over twice.
struct scan_job {
    struct job job;
    struct zset_cut cut;
    uint64_t begin, cursor; // where it began, where it is
    struct scan_args args;
    uint64_t left; // of COUNT
    uint64_t matches;
    bool is_counted; // the first time is over
};

struct visit {
    struct scan_job *job;
    struct reply *reply; // NULL: count
    struct bytes pattern;
};

// Redis shows what a listpack holds as ZRANGE does, but prints a skiplist's scores with %.17Lg.
static void reply_score(struct reply *r, double score, enum value_encoding encoding)
{
    char text[NUM_DOUBLE_MAX];
    if (encoding == ENCODING_LISTPACK || isinf(score))
        reply_bulk(r, bytes_make(text, num_format_double(text, score)));
    else
        reply_bulk(r, bytes_make(text, (size_t)snprintf(text, sizeof text, "%.17g", score)));
}

static void visit_member(void *context, struct bytes member, double score)
{
    struct visit *v = context;
    if (v->job->left) v->job->left--;
    if (v->job->args.pattern && !glob_match(v->pattern, member, false)) return;
    if (!v->reply) {
        v->job->matches++;
        return;
    }
    reply_bulk(v->reply, member);
    if (!v->job->args.names_only) reply_score(v->reply, score, v->job->cut.encoding);
}

// False: there was no time for all.
static bool visit_all(struct scan_job *j, struct visit *v, uint64_t until_tsc)
{
    do {
        uint64_t n = j->left < MEMBERS_PER_LOOK ? j->left : MEMBERS_PER_LOOK;
        j->cursor = zset_scan(&j->cut, j->cursor, n, visit_member, v);
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
        if (!visit_all(j, &v, until_tsc)) return false;
        scan_reply_header(call->reply, j->cursor, j->args.names_only ? j->matches : 2 * j->matches);
        j->is_counted = true;
        j->cursor = j->begin;
        j->left = j->args.count;
    }
    v.reply = call->reply;
    return visit_all(j, &v, until_tsc);
}

static void scan_close(struct job *job, struct server *server)
{
    struct scan_job *j = (struct scan_job *)(void *)job;
    zset_cut_drop(server->keyspace, &j->cut);
    heap_give(server->heap, j, sizeof *j, HEAP_OTHER);
}

static const struct job_ops scan_ops = { .step = scan_step, .close = scan_close };

static void cmd_zscan(struct call *call)
{
    struct key key = call_key(call, 1);
    struct scan_job options = { .begin = 0 };
    struct entry *e;
    if (!scan_cursor(call, 2, &options.begin) || !zset_find(call, &key, FIND_READ, &e)) return;
    if (!e) { // before the options are looked at
        scan_reply_header(call->reply, 0, 0);
        return;
    }
    if (!scan_options(call, 3, "noscores", 0, &options.args)) return;
    options.cursor = options.begin;
    options.left = options.args.count;
    if (options.args.count < JOB_ELEMENTS_MIN || zset_count(e) < JOB_ELEMENTS_MIN) {
        zset_look(e, &options.cut);
        scan_step(&options.job, call, UINT64_MAX);
        return;
    }
    struct scan_job *j = heap_take(call->server->heap, sizeof *j, HEAP_OTHER);
    *j = options;
    j->job.ops = &scan_ops;
    zset_cut(call->keyspace, e, &j->cut);
    call_start_job(call, &j->job);
}
