// Streams: entries by interval.
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/stream_call.h"

static command_body cmd_xlen, cmd_xrange, cmd_xrevrange;

// clang-format off
const struct command cmd_stream_ranges[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(XLEN, "xlen", cmd_xlen, 2, 1, 1, 1, CMD_READONLY | CMD_FAST, ACL_STREAM),
    COMMAND(XRANGE, "xrange", cmd_xrange, -4, 1, 1, 1, CMD_READONLY, ACL_STREAM),
    COMMAND(XREVRANGE, "xrevrange", cmd_xrevrange, -4, 1, 1, 1, CMD_READONLY, ACL_STREAM),
};
// clang-format on

static void cmd_xlen(struct call *call)
{
    struct key key = call_key(call, 1);
    struct entry *e;
    if (!stream_find(call, &key, FIND_READ, &e)) return;
    reply_int(call->reply, e ? (int64_t)stream_now(stream_of(e))->facts.count : 0);
}

// ---- many entries

struct range_job {
    struct job job;
    struct stream_cut cut;
    struct stream_sending sending;
    bool is_counted; // the reply's head was written
    struct reply_later later;
};

static bool range_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct range_job *j = (struct range_job *)job;
    if (!stream_send(call->reply, &j->cut, &j->sending, until_tsc)) return false;
    if (!j->is_counted) reply_later_array(call->reply, j->later, j->sending.sent);
    return true;
}

static void range_close(struct job *job, struct server *server)
{
    struct range_job *j = (struct range_job *)job;
    stream_cut_drop(server->keyspace, &j->cut);
    heap_give(server->heap, j, sizeof *j, HEAP_OTHER);
}

static const struct job_ops range_ops = { range_step, range_close };

// While the number of entries is not known, nothing of the reply can leave.
static bool count_is_known(const struct stream_facts *f, const struct stream_sending *s)
{
    return stream_id_compare(s->from, f->first) <= 0 && stream_id_compare(s->to, f->last) >= 0;
}

static void start_job(struct call *call, const struct entry *e, const struct stream_sending *s)
{
    struct range_job *j = heap_take(call->server->heap, sizeof *j, HEAP_OTHER);
    j->job.ops = &range_ops;
    j->sending = *s;
    stream_cut(call->keyspace, e, false, &j->cut);
    uint64_t count = j->cut.facts.count;
    j->is_counted = count_is_known(&j->cut.facts, s);
    if (j->is_counted)
        reply_array(call->reply, count < s->left ? count : s->left);
    else
        j->later = reply_later_begin(call->reply);
    call_start_job(call, &j->job);
}

static void reply_range(struct call *call, const struct entry *e, struct stream_sending *s)
{
    const struct stream_cut *now = stream_now(stream_of(e));
    uint64_t guess = stream_guess_count(now, s->from, s->to);
    if (guess > JOB_ELEMENTS_MIN && s->left > JOB_ELEMENTS_MIN) {
        start_job(call, e, s);
        return;
    }
    struct reply_later later = reply_later_begin(call->reply);
    stream_send(call->reply, now, s, UINT64_MAX);
    reply_later_array(call->reply, later, s->sent);
}

// ---- arguments

static bool parse_count(struct call *call, int64_t *count)
{
    *count = INT64_MAX;
    for (uint32_t i = 4; i < call->argc; i += 2) {
        if (!bytes_is_option(call->argv[i], "count") || i + 1 >= call->argc) {
            reply_error(call->reply, reply_text_syntax);
            return false;
        }
        if (!call_int(call, i + 1, count, NULL)) return false;
        if (*count < 0) *count = 0;
    }
    return true;
}

static void range(struct call *call, bool is_backwards)
{
    struct stream_sending s = { .is_backwards = is_backwards };
    struct key key = call_key(call, 1);
    struct entry *e;
    int64_t count;
    if (!stream_arg_start(call, is_backwards ? 3 : 2, &s.from)) return;
    if (!stream_arg_end(call, is_backwards ? 2 : 3, &s.to)) return;
    if (!parse_count(call, &count) || !stream_find(call, &key, FIND_READ, &e)) return;
    s.left = (uint64_t)count;
    if (!e)
        reply_array(call->reply, 0);
    else if (count == 0)
        reply_null_array(call->reply);
    else
        reply_range(call, e, &s);
}

static void cmd_xrange(struct call *call) { range(call, false); }
static void cmd_xrevrange(struct call *call) { range(call, true); }
