// Streams: what was given out and not confirmed.
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/stream_call.h"

static command_body cmd_xpending;

// clang-format off
const struct command cmd_stream_pendings[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(XPENDING, "xpending", cmd_xpending, -3, 1, 1, 1, CMD_READONLY, ACL_STREAM),
};
// clang-format on

// ---- XPENDING key group

static void reply_edge(struct reply *r, const struct stream_group *g, bool last)
{
    struct tree_cursor c;
    bool is_there = last ? tree_last(&g->pending, &c) : tree_first(&g->pending, &c);
    if (is_there) reply_stream_id(r, stream_id_load(c.record));
}

static void reply_summary(struct call *call, const struct stream_group *g)
{
    struct reply *r = call->reply;
    uint64_t count = 0;
    reply_array(r, 4);
    reply_int(r, (int64_t)g->pending.count);
    if (g->pending.count == 0) {
        reply_null(r);
        reply_null(r);
        reply_null_array(r);
        return;
    }
    reply_edge(r, g, false);
    reply_edge(r, g, true);
    struct reply_later later = reply_later_begin(r);
    for (uint32_t i = 0; i < g->consumer_count; i++) {
        const struct stream_consumer *c = g->consumers[i];
        if (c->pending.count == 0) continue;
        reply_array(r, 2);
        reply_bulk(r, stream_consumer_name(c));
        reply_bulk_int(r, (int64_t)c->pending.count);
        count++;
    }
    reply_later_array(r, later, count);
}

// ---- XPENDING key group [IDLE ms] start end count [consumer]

struct pending_args {
    int64_t idle_ms;
    struct stream_id from, to;
    uint64_t left;
    uint32_t consumer_index; // argument; 0: all
};
enum { RANGE_WORDS = 6, RANGE_WORDS_MAX = 9, IDLE_WORDS = 8, LOOK_AT_ONCE = 16 };

static bool refuse_syntax(struct call *call)
{
    reply_error(call->reply, reply_text_syntax);
    return false;
}

static bool parse_range(struct call *call, struct pending_args *a)
{
    uint32_t start = 3;
    int64_t count;
    *a = (struct pending_args){ 0 };
    if (call->argc < RANGE_WORDS || call->argc > RANGE_WORDS_MAX) return refuse_syntax(call);
    if (bytes_is_option(call->argv[3], "idle")) {
        if (!call_int(call, 4, &a->idle_ms, NULL)) return false;
        if (call->argc < IDLE_WORDS) return refuse_syntax(call);
        start += 2;
    }
    if (!call_int(call, start + 2, &count, NULL)) return false;
    if (!stream_arg_start(call, start, &a->from) || !stream_arg_end(call, start + 1, &a->to))
        return false;
    a->left = count > 0 ? (uint64_t)count : 0;
    a->consumer_index = start + 3 < call->argc ? start + 3 : 0;
    return true;
}

struct pending_job {
    struct job job;
    struct pending_args args;
    struct stream_cut cut; // when it is a job
    int64_t now_ms;
    uint64_t sent;
    struct reply_later later;
};

static void reply_pending(struct reply *r, const struct stream_pending *p, int64_t now_ms)
{
    int64_t idle_ms = now_ms - p->delivered_ms;
    reply_array(r, 4);
    reply_stream_id(r, p->id);
    reply_bulk(r, stream_consumer_name(p->consumer));
    reply_int(r, idle_ms > 0 ? idle_ms : 0);
    reply_int(r, (int64_t)p->delivery_count);
}

static bool send_pending(struct call *call, struct pending_job *j, const struct stream_group *g,
                         uint64_t until_tsc)
{
    struct stream_pending_iter i;
    struct stream_pending p;
    struct pending_args *a = &j->args;
    const struct stream_consumer *c = NULL;
    if (a->consumer_index) c = stream_consumer_find(g, call->argv[a->consumer_index]);
    stream_pending_iter_init(&i, g, c, a->from);
    for (uint32_t n = 1; a->left > 0 && stream_pending_iter_next(&i, &p); n++) {
        if (stream_id_compare(p.id, a->to) > 0) return true;
        if (!a->idle_ms || j->now_ms - p.delivered_ms >= a->idle_ms) {
            reply_pending(call->reply, &p, j->now_ms);
            j->sent++;
            a->left--;
        }
        a->from = p.id;
        if (!stream_id_increment(&a->from)) return true;
        if (n % LOOK_AT_ONCE == 0 && !job_may_go_on(until_tsc)) return false;
    }
    return true;
}

static bool pending_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct pending_job *j = (struct pending_job *)job;
    const struct stream_group *g = stream_group_find(&j->cut.groups, call->argv[2]);
    if (g && !send_pending(call, j, g, until_tsc)) return false;
    reply_later_array(call->reply, j->later, j->sent);
    return true;
}

static void pending_close(struct job *job, struct server *server)
{
    struct pending_job *j = (struct pending_job *)job;
    stream_cut_drop(server->keyspace, &j->cut);
    heap_give(server->heap, j, sizeof *j, HEAP_OTHER);
}

static const struct job_ops pending_ops = { pending_step, pending_close };

static void reply_range(struct call *call, const struct entry *e, const struct stream_group *g,
                        const struct pending_args *a)
{
    struct pending_job now = { .args = *a, .now_ms = (int64_t)call->now_ms };
    uint64_t count = g->pending.count;
    if (a->consumer_index) {
        const struct stream_consumer *c = stream_consumer_find(g, call->argv[a->consumer_index]);
        count = c ? c->pending.count : 0;
        if (!c) now.args.left = 0;
    }
    if (a->idle_ms == 0 && now.args.left < count) count = now.args.left;
    now.later = reply_later_begin(call->reply);
    if (count < JOB_ELEMENTS_MIN) {
        send_pending(call, &now, g, UINT64_MAX);
        reply_later_array(call->reply, now.later, now.sent);
        return;
    }
    struct pending_job *j = heap_take(call->server->heap, sizeof *j, HEAP_OTHER);
    *j = now;
    j->job.ops = &pending_ops;
    stream_cut(call->keyspace, e, true, &j->cut);
    call_start_job(call, &j->job);
}

static void cmd_xpending(struct call *call)
{
    struct key key = call_key(call, 1);
    struct pending_args a = { 0 };
    struct entry *e;
    bool is_summary = call->argc == 3;
    if (!is_summary && !parse_range(call, &a)) return;
    if (!stream_find(call, &key, FIND_READ, &e)) return;
    struct stream_group *g =
        e ? stream_group_find(stream_groups(stream_of(e)), call->argv[2]) : NULL;
    if (!g)
        stream_error_no_group(call, key.name, call->argv[2]);
    else if (is_summary)
        reply_summary(call, g);
    else
        reply_range(call, e, g, &a);
}
