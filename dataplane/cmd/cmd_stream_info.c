// Streams: what XINFO tells of them.
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/stream_call.h"

static command_body xinfo_consumers, xinfo_groups, xinfo_help, xinfo_stream;

// clang-format off
const struct command cmd_xinfo_subs[] = {
    // id, container, name, body, arity, first, last, step, flags, categories
    SUBCOMMAND(XINFO_CONSUMERS, "xinfo", "consumers", xinfo_consumers, 4, 2, 2, 1, CMD_READONLY, ACL_STREAM),
    SUBCOMMAND(XINFO_GROUPS, "xinfo", "groups", xinfo_groups, 3, 2, 2, 1, CMD_READONLY, ACL_STREAM),
    SUBCOMMAND(XINFO_HELP, "xinfo", "help", xinfo_help, 2, 0, 0, 0, CMD_LOADING | CMD_STALE, ACL_STREAM),
    SUBCOMMAND(XINFO_STREAM, "xinfo", "stream", xinfo_stream, -3, 2, 2, 1, CMD_READONLY, ACL_STREAM),
};
const struct command cmd_stream_infos[] = {
    // id, name, body, arity, flags, categories, subcommands
    CONTAINER(XINFO, "xinfo", NULL, -2, 0, 0, cmd_xinfo_subs),
};
// clang-format on

static void xinfo_help(struct call *call)
{
    static const char *const lines[] = {
        "CONSUMERS <key> <groupname>",
        "    Show consumers of <groupname>.",
        "GROUPS <key>",
        "    Show the stream consumer groups.",
        "STREAM <key> [FULL [COUNT <count>]",
        "    Show information about the stream.",
        NULL,
    };
    call_reply_help(call, lines);
}

// NULL after replying the error.
static struct entry *find(struct call *call)
{
    struct key key = call_key(call, 2);
    struct entry *e = call_find(call, &key, FIND_READ);
    if (!e) {
        reply_error(call->reply, reply_text_no_key);
        return NULL;
    }
    return call_check_type(call, e, TYPE_STREAM) ? e : NULL;
}

static void reply_int_field(struct reply *r, const char *name, int64_t value)
{
    reply_bulk_text(r, name);
    reply_int(r, value);
}

static void reply_progress(struct reply *r, const struct stream_facts *f,
                           const struct stream_group *g)
{
    int64_t lag;
    reply_bulk_text(r, "entries-read");
    if (g->entries_read == STREAM_READ_UNKNOWN)
        reply_null(r);
    else
        reply_int(r, g->entries_read);
    reply_bulk_text(r, "lag");
    if (stream_group_lag(f, g, &lag))
        reply_int(r, lag);
    else
        reply_null(r);
}

static void reply_id_field(struct reply *r, const char *name, struct stream_id id)
{
    reply_bulk_text(r, name);
    reply_stream_id(r, id);
}

static void reply_name(struct reply *r, struct bytes name)
{
    reply_bulk_text(r, "name");
    reply_bulk(r, name);
}

// ---- XINFO CONSUMERS and GROUPS

static int64_t ms_since(const struct call *call, int64_t then_ms)
{
    int64_t ms = (int64_t)call->now_ms - then_ms;
    return ms > 0 ? ms : 0;
}

static void xinfo_consumers(struct call *call)
{
    struct entry *e = find(call);
    struct reply *r = call->reply;
    if (!e) return;
    const struct stream_group *g = stream_group_find(stream_groups(stream_of(e)), call->argv[3]);
    if (!g) {
        stream_error(call, "NOGROUP No such consumer group '", call->argv[3], "' for key name '",
                     call->argv[2], "'");
        return;
    }
    reply_array(r, g->consumer_count);
    for (uint32_t i = 0; i < g->consumer_count; i++) {
        const struct stream_consumer *c = g->consumers[i];
        bool is_new = c->active_ms == STREAM_NEVER_ACTIVE;
        reply_map(r, 4);
        reply_name(r, stream_consumer_name(c));
        reply_int_field(r, "pending", (int64_t)c->pending.count);
        reply_int_field(r, "idle", ms_since(call, c->seen_ms));
        reply_int_field(r, "inactive", is_new ? -1 : ms_since(call, c->active_ms));
    }
}

static void xinfo_groups(struct call *call)
{
    struct entry *e = find(call);
    struct reply *r = call->reply;
    if (!e) return;
    const struct stream_cut *now = stream_now(stream_of(e));
    reply_array(r, now->groups.count);
    for (uint32_t i = 0; i < now->groups.count; i++) {
        const struct stream_group *g = now->groups.groups[i];
        reply_map(r, 6);
        reply_name(r, stream_group_name(g));
        reply_int_field(r, "consumers", g->consumer_count);
        reply_int_field(r, "pending", (int64_t)g->pending.count);
        reply_id_field(r, "last-delivered-id", g->last);
        reply_progress(r, &now->facts, g);
    }
}

// ---- XINFO STREAM

static void reply_facts(struct reply *r, const struct stream_cut *now)
{
    const struct stream_facts *f = &now->facts;
    reply_int_field(r, "length", (int64_t)f->count);
    reply_int_field(r, "radix-tree-keys", (int64_t)f->node_count);
    reply_int_field(r, "radix-tree-nodes", (int64_t)stream_radix_nodes(now));
    reply_id_field(r, "last-generated-id", f->last);
    reply_id_field(r, "max-deleted-entry-id", f->max_deleted);
    reply_int_field(r, "entries-added", (int64_t)f->entries_added);
    reply_id_field(r, "recorded-first-entry-id", f->first);
}

static void reply_edge(struct reply *r, const char *name, const struct stream_cut *now, bool last)
{
    reply_bulk_text(r, name);
    if (now->facts.count == 0)
        reply_null(r);
    else
        reply_stream_entry(r, now, stream_edge(now, last));
}

static void reply_short(struct call *call, const struct stream_cut *now)
{
    struct reply *r = call->reply;
    reply_map(r, 10);
    reply_facts(r, now);
    reply_int_field(r, "groups", now->groups.count);
    reply_edge(r, "first-entry", now, false);
    reply_edge(r, "last-entry", now, true);
}

// ---- XINFO STREAM key FULL: entries, then each group: its pending entries, then each consumer's.

enum full_part { FULL_ENTRIES, FULL_GROUP, FULL_GROUP_PENDING, FULL_CONSUMER_PENDING, FULL_END };
struct full_job {
    struct job job;
    struct stream_cut cut; // when it is a job
    uint64_t count_max;    // of each list
    enum full_part part;
    struct stream_sending sending;
    uint32_t group, consumer;
    struct stream_id next; // pending entry
    uint64_t left;
};

static uint64_t at_most(const struct full_job *j, uint64_t count)
{
    return count < j->count_max ? count : j->count_max;
}

static void begin_list(struct full_job *j, struct reply *r, enum full_part part,
                       const struct tree *pending)
{
    j->part = part;
    j->next = STREAM_ID_ZERO;
    j->left = at_most(j, pending->count);
    reply_bulk_text(r, "pending");
    reply_array(r, j->left);
}

static void begin_group(struct full_job *j, struct reply *r, const struct stream_cut *now)
{
    if (j->group == now->groups.count) {
        j->part = FULL_END;
        return;
    }
    const struct stream_group *g = now->groups.groups[j->group];
    reply_map(r, 7);
    reply_name(r, stream_group_name(g));
    reply_id_field(r, "last-delivered-id", g->last);
    reply_progress(r, &now->facts, g);
    reply_int_field(r, "pel-count", (int64_t)g->pending.count);
    begin_list(j, r, FULL_GROUP_PENDING, &g->pending);
}

static void begin_consumer(struct full_job *j, struct reply *r, const struct stream_group *g)
{
    if (j->consumer == g->consumer_count) {
        j->part = FULL_GROUP;
        j->group++;
        return;
    }
    const struct stream_consumer *c = g->consumers[j->consumer];
    reply_map(r, 5);
    reply_name(r, stream_consumer_name(c));
    reply_int_field(r, "seen-time", c->seen_ms);
    reply_int_field(r, "active-time", c->active_ms);
    reply_int_field(r, "pel-count", (int64_t)c->pending.count);
    begin_list(j, r, FULL_CONSUMER_PENDING, &c->pending);
}

static void reply_pending(struct full_job *j, struct reply *r, const struct stream_pending *p)
{
    bool is_group = j->part == FULL_GROUP_PENDING;
    reply_array(r, is_group ? 4 : 3);
    reply_stream_id(r, p->id);
    if (is_group) reply_bulk(r, stream_consumer_name(p->consumer));
    reply_int(r, p->delivered_ms);
    reply_int(r, (int64_t)p->delivery_count);
}

// A group's list, or a consumer's. False: time is up.
static bool send_list(struct full_job *j, struct reply *r, const struct stream_group *g,
                      const struct stream_consumer *c, uint64_t until_tsc)
{
    struct stream_pending_iter i;
    struct stream_pending p;
    stream_pending_iter_init(&i, g, c, j->next);
    while (j->left > 0 && stream_pending_iter_next(&i, &p)) {
        reply_pending(j, r, &p);
        j->left--;
        j->next = p.id;
        stream_id_increment(&j->next);
        if (j->left > 0 && !job_may_go_on(until_tsc)) return false;
    }
    return true;
}

static bool send_group(struct full_job *j, struct reply *r, const struct stream_group *g,
                       uint64_t until_tsc)
{
    if (j->part == FULL_GROUP_PENDING) {
        if (!send_list(j, r, g, NULL, until_tsc)) return false;
        reply_bulk_text(r, "consumers");
        reply_array(r, g->consumer_count);
        j->consumer = 0;
    } else {
        if (!send_list(j, r, g, g->consumers[j->consumer], until_tsc)) return false;
        j->consumer++;
    }
    begin_consumer(j, r, g);
    return true;
}

static bool send_full(struct full_job *j, struct reply *r, const struct stream_cut *now,
                      uint64_t until_tsc)
{
    if (j->part == FULL_ENTRIES) {
        if (!stream_send(r, now, &j->sending, until_tsc)) return false;
        reply_bulk_text(r, "groups");
        reply_array(r, now->groups.count);
        j->part = FULL_GROUP;
    }
    while (j->part != FULL_END) {
        if (j->part == FULL_GROUP)
            begin_group(j, r, now);
        else if (!send_group(j, r, now->groups.groups[j->group], until_tsc))
            return false;
        if (j->part != FULL_END && !job_may_go_on(until_tsc)) return false;
    }
    return true;
}

static bool full_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct full_job *j = (struct full_job *)job;
    return send_full(j, call->reply, &j->cut, until_tsc);
}

static void full_close(struct job *job, struct server *server)
{
    struct full_job *j = (struct full_job *)job;
    stream_cut_drop(server->keyspace, &j->cut);
    heap_give(server->heap, j, sizeof *j, HEAP_OTHER);
}

static const struct job_ops full_ops = { full_step, full_close };

static uint64_t full_size(const struct full_job *j, const struct stream_cut *now)
{
    uint64_t sum = at_most(j, now->facts.count);
    for (uint32_t i = 0; i < now->groups.count; i++) {
        const struct stream_group *g = now->groups.groups[i];
        sum += at_most(j, g->pending.count) + g->consumer_count;
        for (uint32_t c = 0; c < g->consumer_count; c++)
            sum += at_most(j, g->consumers[c]->pending.count);
    }
    return sum;
}

static void reply_full(struct call *call, const struct entry *e, uint64_t count_max)
{
    const struct stream_cut *now = stream_now(stream_of(e));
    struct full_job f = { .count_max = count_max, .sending = { .to = STREAM_ID_MAX } };
    f.sending.left = at_most(&f, now->facts.count);
    reply_map(call->reply, 9);
    reply_facts(call->reply, now);
    reply_bulk_text(call->reply, "entries");
    reply_array(call->reply, f.sending.left);
    if (full_size(&f, now) < JOB_ELEMENTS_MIN) {
        send_full(&f, call->reply, now, UINT64_MAX);
        return;
    }
    struct full_job *j = heap_take(call->server->heap, sizeof *j, HEAP_OTHER);
    *j = f;
    j->job.ops = &full_ops;
    stream_cut(call->keyspace, e, true, &j->cut);
    call_start_job(call, &j->job);
}

static void xinfo_stream(struct call *call)
{
    struct entry *e = find(call);
    int64_t count = 10;
    if (!e) return;
    if (call->argc == 3) {
        reply_short(call, stream_now(stream_of(e)));
        return;
    }
    bool has_count = call->argc == 6;
    if ((call->argc != 4 && !has_count) || !bytes_is_option(call->argv[3], "full") ||
        (has_count && !bytes_is_option(call->argv[4], "count"))) {
        stream_error_syntax(call);
        return;
    }
    if (has_count && !call_int(call, 5, &count, NULL)) return;
    if (count < 0) count = 10;
    reply_full(call, e, count ? (uint64_t)count : UINT64_MAX);
}
