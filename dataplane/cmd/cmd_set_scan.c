// SSCAN.
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include "dataplane/base/glob.h"
#include "dataplane/base/num.h"
#include "dataplane/base/status.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/job.h"
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
    uint64_t count, left;   // members asked for; still to be visited
    uint64_t matches;
    uint32_t pattern; // number of the argument; 0: every member
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
    if (v->job->pattern && !glob_match(v->pattern, member, false)) return;
    if (v->reply)
        reply_bulk(v->reply, member);
    else
        v->job->matches++;
}

static void begin_pass(struct scan_job *j)
{
    j->cursor = j->first;
    j->left = j->count;
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

static void reply_header(struct reply *r, uint64_t cursor, uint64_t count)
{
    char digits[NUM_INT_MAX];
    reply_array(r, 2);
    reply_bulk(r, bytes_make(digits, num_format_uint(digits, cursor)));
    reply_array(r, count);
}

static bool scan_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct scan_job *j = (struct scan_job *)(void *)job;
    struct visit v = { .job = j };
    if (j->pattern) v.pattern = call->argv[j->pattern];
    if (!j->is_counted) {
        if (!pass(j, &v, until_tsc)) return false;
        reply_header(call->reply, j->cursor, j->matches);
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

// As Redis reads it, with strtoul: a sign is allowed, leading blanks are not, and "" is 0.
static bool cursor_parse(struct call *call, struct bytes in, uint64_t *cursor)
{
    char text[32], *end;
    size_t size = in.size < sizeof text - 1 ? in.size : sizeof text - 1;
    memcpy(text, in.data, size);
    text[size] = 0;
    errno = 0;
    *cursor = strtoul(text, &end, 10);
    if (size == in.size && !isspace((unsigned char)text[0]) && *end == 0 && errno != ERANGE)
        return true;
    reply_error(call->reply, "ERR invalid cursor");
    return false;
}

static bool parse_options(struct call *call, struct scan_job *j)
{
    int64_t count = 10;
    for (uint32_t i = 3; i < call->argc; i += 2) {
        struct bytes word = call->argv[i];
        bool has_value = i + 1 < call->argc;
        if (has_value && bytes_is_option(word, "count")) {
            if (!call_int(call, i + 1, &count, NULL)) return false;
            if (count >= 1) continue;
        } else if (has_value && bytes_is_option(word, "match")) {
            j->pattern = i + 1;
            continue;
        }
        reply_error(call->reply, reply_text_syntax);
        return false;
    }
    if (j->pattern && bytes_equal(call->argv[j->pattern], BYTES_LITERAL("*"))) j->pattern = 0;
    j->count = (uint64_t)count;
    return true;
}

static void scan_set(struct call *call, const struct entry *e, struct scan_job *options)
{
    uint64_t total = set_count(e);
    if (entry_encoding(e) != ENCODING_HASHTABLE) options->count = total; // shown whole
    begin_pass(options);
    if ((total < options->count ? total : options->count) < JOB_ELEMENTS_MIN) {
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
    if (!cursor_parse(call, call->argv[2], &options.first)) return;
    if (!set_find(call, &key, FIND_READ, &e)) return;
    if (!e) // before the options are looked at
        reply_header(call->reply, 0, 0);
    else if (parse_options(call, &options))
        scan_set(call, e, &options);
}
