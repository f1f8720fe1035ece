// Streams: reading on from an ID, alone or as a member of a group.
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/call_home.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/stream_read.h"

static command_body cmd_xread, cmd_xreadgroup;

// clang-format off
const struct command cmd_stream_reads[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(XREAD, "xread", cmd_xread, -4, 0, 0, 0, CMD_READONLY | CMD_BLOCKING | CMD_MOVABLEKEYS, ACL_STREAM),
    COMMAND(XREADGROUP, "xreadgroup", cmd_xreadgroup, -7, 0, 0, 0, CMD_WRITE | CMD_BLOCKING | CMD_MOVABLEKEYS, ACL_STREAM),
};
// clang-format on

// ---- one stream of the answer

static void begin_reply(struct call *call, struct stream_read *r, struct bytes name,
                        struct stream_id after)
{
    if (r->served++ == 0) r->all = reply_later_begin(call->reply);
    if (call->reply->version == 2) reply_array(call->reply, 2);
    reply_bulk(call->reply, name);
    r->entries = reply_later_begin(call->reply);
    r->in_stream = true;
    r->has_advanced = false;
    r->left = r->count_max;
    r->sent = 0;
    r->next = after;
    if (!stream_id_increment(&r->next)) r->left = 0;
}

// Whether there is something to be said of stream `at`.
static void begin_stream(struct call *call, struct stream_read *r)
{
    struct key key = stream_read_key(call, r, r->at);
    struct stream_source *source = &r->sources[r->at];
    struct stream_object *s;
    struct stream_group *g;
    if (r->cuts) {
        if (stream_has_more(&r->cuts[r->at], source->after))
            begin_reply(call, r, key.name, source->after);
        return;
    }
    if (!stream_read_find(call, r, &key, &s, &g)) return;
    if (!g) {
        if (stream_has_more(stream_now(s), source->after))
            begin_reply(call, r, key.name, source->after);
        return;
    }
    r->is_history = !source->is_new;
    struct stream_consumer *c =
        stream_consumer_for(call, &key, g, call->argv[r->group_index + 1], &r->is_created);
    if (r->is_created && r->no_ack) stream_effect_consumer(call, key.name, g, c);
    if (r->is_history)
        begin_reply(call, r, key.name, source->after);
    else if (stream_has_more(stream_now(s), g->last))
        begin_reply(call, r, key.name, g->last);
    else if (r->is_created && !r->no_ack)
        stream_effect_consumer(call, key.name, g, c);
}

static void end_stream(struct call *call, struct stream_read *r)
{
    struct key key = stream_read_key(call, r, r->at);
    struct stream_object *s;
    struct stream_group *g;
    reply_later_array(call->reply, r->entries, r->sent);
    r->in_stream = false;
    if (!r->is_group) return;
    keyspace_add_dirty(call->keyspace, 1);
    if (!stream_read_find(call, r, &key, &s, &g)) return;
    if (r->has_advanced) {
        stream_effect_group_last(call, key.name, g);
    } else if (r->is_created && !r->no_ack) {
        const struct stream_consumer *c = stream_consumer_find(g, call->argv[r->group_index + 1]);
        if (c) stream_effect_consumer(call, key.name, g, c);
    }
}

// ---- entries

static bool send_entries(struct call *call, struct stream_read *r, const struct stream_cut *cut,
                         uint64_t until_tsc)
{
    struct stream_sending sending = { .from = r->next, .to = STREAM_ID_MAX, .left = r->left };
    bool is_done = stream_send(call->reply, cut, &sending, until_tsc);
    r->next = sending.from;
    r->left = sending.left;
    r->sent += sending.sent;
    return is_done;
}

struct member {        // of a group, at one of its streams
    struct bytes name; // the key's
    const struct stream_cut *now;
    struct stream_group *g;
    struct stream_consumer *c;
};

// The consumer's from now on, whoever had it before.
static void deliver(struct call *call, struct stream_read *r, const struct member *m,
                    struct stream_id id)
{
    struct stream_pending p = { id, r->now_ms, 1, m->c };
    if (stream_id_compare(id, m->g->last) > 0) {
        stream_group_advance(&m->now->facts, m->g, id);
        r->has_advanced = true;
    }
    if (r->no_ack) return;
    stream_pending_put(keyspace_space(call->keyspace), m->g, &p);
    m->c->active_ms = r->now_ms;
    r->is_created = false; // the claim tells of it
    stream_effect_claim(call, m->name, m->g, &p);
}

// False: the end of the stream's answer.
static bool count_sent(struct stream_read *r, struct stream_id id)
{
    r->sent++;
    r->left--;
    r->next = id;
    return stream_id_increment(&r->next) && r->left > 0;
}

static bool send_new(struct call *call, struct stream_read *r, const struct member *m,
                     uint64_t until_tsc)
{
    struct stream_iter i;
    struct stream_item item;
    stream_iter_init(&i, m->now, r->next, STREAM_ID_MAX, false);
    while (stream_iter_next(&i, &item)) {
        reply_stream_item(call->reply, &i, &item);
        deliver(call, r, m, item.id);
        if (!count_sent(r, item.id)) return true;
        if (!job_may_go_on(until_tsc)) return false;
    }
    return true;
}

static void send_pending(struct call *call, const struct stream_read *r, const struct member *m,
                         struct stream_pending *p)
{
    if (reply_stream_entry(call->reply, m->now, p->id)) {
        p->delivered_ms = r->now_ms;
        p->delivery_count++;
        stream_pending_put(keyspace_space(call->keyspace), m->g, p);
        return;
    }
    reply_array(call->reply, 2); // it was deleted since
    reply_stream_id(call->reply, p->id);
    reply_null_array(call->reply);
}

static bool send_history(struct call *call, struct stream_read *r, const struct member *m,
                         uint64_t until_tsc)
{
    struct stream_pending_iter i;
    struct stream_pending p;
    stream_pending_iter_init(&i, m->g, m->c, r->next);
    while (stream_pending_iter_next(&i, &p)) {
        send_pending(call, r, m, &p);
        if (!count_sent(r, p.id)) return true;
        if (!job_may_go_on(until_tsc)) return false;
    }
    return true;
}

// True: stream `at` is answered.
static bool go_on(struct call *call, struct stream_read *r, uint64_t until_tsc)
{
    struct key key = stream_read_key(call, r, r->at);
    struct stream_object *s;
    struct member m = { .name = key.name };
    if (r->left == 0) return true;
    if (r->cuts) return send_entries(call, r, &r->cuts[r->at], until_tsc);
    if (!stream_read_find(call, r, &key, &s, &m.g)) return true; // it has gone meanwhile
    m.now = stream_now(s);
    if (!m.g) return send_entries(call, r, m.now, until_tsc);
    m.c = stream_consumer_find(m.g, call->argv[r->group_index + 1]);
    if (!m.c) return true;
    return r->is_history ? send_history(call, r, &m, until_tsc) : send_new(call, r, &m, until_tsc);
}

// ---- all streams

// Of stream `at`; false: there was no time for all of it.
static bool answer_stream(struct call *call, struct stream_read *r, uint64_t until_tsc)
{
    struct call room, *at = call_settle(call, call->argv[r->first_key + r->at], &room);
    if (!r->in_stream) begin_stream(at, r);
    bool is_done = !r->in_stream || go_on(at, r, until_tsc);
    if (r->in_stream && is_done) end_stream(at, r);
    return is_done;
}

static bool read_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct stream_read *r = (struct stream_read *)job;
    for (; r->at < r->key_count; r->at++)
        if (!answer_stream(call, r, until_tsc)) return false;
    if (r->served == 0) { // of a job: what was there has gone
        if (r->job.ops) reply_null_array(call->reply);
        return true;
    }
    if (call->reply->version == 2)
        reply_later_array(call->reply, r->all, r->served);
    else
        reply_later_map(call->reply, r->all, r->served);
    return true;
}

static void read_close(struct job *job, struct server *server)
{
    stream_read_give(server, (struct stream_read *)job);
}

static const struct job_ops read_ops = { read_step, read_close };

static void take_cuts(struct call *call, struct stream_read *r)
{
    r->cuts = heap_take_zeroed(call->server->heap, r->key_count * sizeof *r->cuts, HEAP_OTHER);
    for (uint32_t i = 0; i < r->key_count; i++) {
        struct key key = stream_read_key(call, r, i);
        const struct entry *e =
            keyspace_find(call->keyspace, call->client->db, &key, FIND_QUIET, call->now_ms);
        r->sources[i].keyspace = call_keyspace(call, key.name);
        if (e)
            stream_cut(r->sources[i].keyspace, e, false, &r->cuts[i]);
        else
            stream_cut_init(&r->cuts[i]);
    }
}

static void start_job(struct call *call, struct stream_read *r)
{
    r->job.ops = &read_ops;
    if (!r->is_group) {
        take_cuts(call, r);
        call_start_job(call, &r->job);
        return;
    }
    uint32_t first = r->first_key, count = r->key_count;
    struct key key = call_key(call, first);
    call_start_write_job(call, &r->job, &key);
    if (!call->suspended) return; // r has gone
    for (uint32_t i = 1; i < count; i++) {
        key = call_key(call, first + i);
        call_close_key(call, &r->job, &key);
    }
}

static void answer_nothing(struct call *call, const struct stream_read *r)
{
    if (r->blocks && call_may_block(call))
        stream_read_wait(call, r);
    else
        reply_null_array(call->reply);
}

static void read_streams(struct call *call, bool is_group)
{
    struct stream_read *r = stream_read_parse(call, is_group);
    if (!r) return;
    if (stream_read_guess(call, r) > JOB_ELEMENTS_MIN) {
        start_job(call, r);
        return;
    }
    read_step(&r->job, call, UINT64_MAX);
    if (r->served == 0) answer_nothing(call, r);
    stream_read_give(call->server, r);
}

static void cmd_xread(struct call *call) { read_streams(call, false); }

static void cmd_xreadgroup(struct call *call)
{
    call_no_effect(call); // but those of what it delivers
    read_streams(call, true);
}
