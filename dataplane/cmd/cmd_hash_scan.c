// HSCAN, with NOVALUES of Redis 7.4.
#include "dataplane/base/glob.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/hash_job.h"
#include "dataplane/cmd/scan_args.h"

static command_body cmd_hscan;

// clang-format off
const struct command cmd_hashes_scan[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(HSCAN, "hscan", cmd_hscan, -3, 1, 1, 1, CMD_READONLY, ACL_HASH),
};
// clang-format on

enum { SCAN_STRIDE = 32 }; // fields between two looks at the clock

// The reply says how many fields it has before it shows them, so a version of the hash is gone over
// twice: first they are counted.
struct scan_job {
    struct job job;
    struct hash_cut cut;
    uint64_t first, cursor; // where it began, where it is
    struct scan_args args;
    uint64_t left; // of the fields asked for, still to be visited
    uint64_t matches;
    bool is_counted;
};

struct visit {
    struct scan_job *job;
    struct reply *reply; // NULL: count
    struct bytes pattern;
};

static void visit_field(void *context, const struct hash_field *field)
{
    struct visit *v = context;
    if (v->job->args.pattern && !glob_match(v->pattern, field->field, false)) return;
    if (!v->reply) {
        v->job->matches++;
        return;
    }
    reply_bulk(v->reply, field->field);
    if (!v->job->args.names_only) reply_bulk(v->reply, field->value);
}

static void begin_pass(struct scan_job *j)
{
    j->cursor = j->first;
    j->left = j->args.count;
}

// True: the pass is over.
static bool pass(struct scan_job *j, struct visit *v, uint64_t until_tsc)
{
    do {
        uint64_t stride = j->left < SCAN_STRIDE ? j->left : SCAN_STRIDE;
        j->cursor = hash_cut_scan(&j->cut, j->cursor, stride, visit_field, v);
        j->left -= stride;
        if (!j->cursor || !j->left) return true;
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
        scan_reply_header(call->reply, j->cursor, j->args.names_only ? j->matches : 2 * j->matches);
        begin_pass(j);
        j->is_counted = true;
    }
    v.reply = call->reply;
    return pass(j, &v, until_tsc);
}

static void scan_close(struct job *job, struct server *server)
{
    struct scan_job *j = (struct scan_job *)(void *)job;
    hash_cut_drop(server->keyspace, &j->cut);
    heap_give(server->heap, j, sizeof *j, HEAP_OTHER);
}

static const struct job_ops scan_ops = { .step = scan_step, .close = scan_close };

static void scan_hash(struct call *call, const struct entry *e, struct scan_job *options)
{
    if (entry_encoding(e) != ENCODING_HASHTABLE) options->args.count = UINT64_MAX; // at once
    begin_pass(options);
    uint64_t total = hash_count(e);
    if (!hash_wants_job(e, total < options->args.count ? total : options->args.count)) {
        hash_view(e, call->now_ms, &options->cut);
        scan_step(&options->job, call, UINT64_MAX);
        return;
    }
    struct scan_job *j = heap_take(call->server->heap, sizeof *j, HEAP_OTHER);
    *j = *options;
    j->job.ops = &scan_ops;
    hash_cut(call->keyspace, e, call->now_ms, &j->cut);
    call_start_job(call, &j->job);
}

static void cmd_hscan(struct call *call)
{
    struct scan_job options = { .first = 0 };
    if (!scan_cursor(call, 2, &options.first)) return;
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, FIND_READ);
    if (!call_check_type(call, e, TYPE_HASH)) return;
    if (!e) // before the options are looked at
        scan_reply_header(call->reply, 0, 0);
    else if (scan_options(call, 3, "novalues", 0, &options.args))
        scan_hash(call, e, &options);
}
