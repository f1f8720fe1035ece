// Streams: pending entries that change hands.
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/stream_call.h"

static command_body cmd_xautoclaim, cmd_xclaim;

// clang-format off
const struct command cmd_stream_claims[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(XAUTOCLAIM, "xautoclaim", cmd_xautoclaim, -6, 1, 1, 1, CMD_WRITE | CMD_FAST, ACL_STREAM),
    COMMAND(XCLAIM, "xclaim", cmd_xclaim, -6, 1, 1, 1, CMD_WRITE | CMD_FAST, ACL_STREAM),
};
// clang-format on

enum { ARG_GROUP = 2, ARG_CONSUMER = 3, ARG_IDLE = 4, ARG_IDS = 5, AUTO_COUNT = 100 };

// Both commands, with many entries a bit at a time while the key is closed.
struct claiming {
    struct job job;
    bool is_auto, just_id, force;
    int64_t idle_min_ms, now_ms;
    int64_t delivered_ms, retry_count; // XCLAIM's; retry_count -1: not given
    bool is_created, has_last;         // not told of yet: the consumer, LASTID
    // XCLAIM
    uint32_t index, ids_end;
    uint64_t sent;
    struct reply_later later;
    // XAUTOCLAIM
    struct stream_id next;
    int64_t attempts, left;
    bool is_searched, is_at_end;
    struct id_list {
        struct stream_id *ids;
        uint64_t count, room;
    } claimed, deleted;
    uint64_t replied;
};

struct member {
    struct bytes name; // the key's
    const struct stream_cut *now;
    struct stream_group *g;
    struct stream_consumer *c;
};

static bool look_up(struct call *call, struct member *m)
{
    struct key key = call_key(call, 1);
    struct entry *e =
        keyspace_find(call->keyspace, call->client->db, &key, FIND_QUIET, call->now_ms);
    if (!e || entry_type(e) != TYPE_STREAM) return false;
    m->name = key.name;
    m->now = stream_now(stream_of(e));
    m->g = stream_group_find(stream_groups(stream_of(e)), call->argv[ARG_GROUP]);
    if (!m->g) return false;
    m->c = stream_consumer_find(m->g, call->argv[ARG_CONSUMER]);
    return m->c != NULL;
}

// ---- one pending entry

// It was deleted from the stream: nobody has it pending any more.
static void forget(struct call *call, struct claiming *j, const struct member *m,
                   const struct stream_pending *p)
{
    stream_effect_claim(call, m->name, m->g, p); // which does the same where the entry is missing
    stream_pending_remove(keyspace_space(call->keyspace), m->g, p->id);
    keyspace_add_dirty(call->keyspace, 1);
    j->has_last = false;
}

static bool is_too_young(const struct claiming *j, const struct stream_pending *p)
{
    return p->consumer && j->idle_min_ms && j->now_ms - p->delivered_ms < j->idle_min_ms;
}

static void take_over(struct call *call, struct claiming *j, const struct member *m,
                      struct stream_pending *p)
{
    p->consumer = m->c;
    p->delivered_ms = j->delivered_ms;
    if (j->retry_count >= 0)
        p->delivery_count = (uint64_t)j->retry_count;
    else if (!j->just_id)
        p->delivery_count++;
    stream_pending_put(keyspace_space(call->keyspace), m->g, p);
    m->c->active_ms = j->now_ms;
    stream_effect_claim(call, m->name, m->g, p);
    keyspace_add_dirty(call->keyspace, 1);
    j->has_last = j->is_created = false;
}

static void reply_claimed(struct call *call, const struct claiming *j, const struct member *m,
                          struct stream_id id)
{
    if (j->just_id)
        reply_stream_id(call->reply, id);
    else if (!reply_stream_entry(call->reply, m->now, id))
        reply_null(call->reply); // deleted within a transaction while this went on
}

static void close_claim(struct job *job, struct server *server)
{
    struct claiming *j = (struct claiming *)job;
    heap_give(server->heap, j->claimed.ids, j->claimed.room * sizeof(struct stream_id), HEAP_OTHER);
    heap_give(server->heap, j->deleted.ids, j->deleted.room * sizeof(struct stream_id), HEAP_OTHER);
    heap_give(server->heap, j, sizeof *j, HEAP_OTHER);
}

// ---- XCLAIM

static void claim_one(struct call *call, struct claiming *j, const struct member *m,
                      struct stream_id id)
{
    struct stream_pending p;
    bool is_pending = stream_pending_find(m->g, id, &p);
    if (!stream_has(m->now, id)) {
        if (is_pending) forget(call, j, m, &p);
        return;
    }
    if (!is_pending && !j->force) return;
    if (!is_pending) p = (struct stream_pending){ id, j->now_ms, 1, NULL };
    if (is_too_young(j, &p)) return;
    take_over(call, j, m, &p);
    reply_claimed(call, j, m, id);
    j->sent++;
}

static void tell_rest(struct call *call, struct claiming *j, const struct member *m)
{
    if (j->is_created) stream_effect_consumer(call, m->name, m->g, m->c);
    if (!j->has_last) return;
    stream_effect_group_last(call, m->name, m->g);
    keyspace_add_dirty(call->keyspace, 1);
}

static bool claim_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct claiming *j = (struct claiming *)job;
    struct member m;
    if (look_up(call, &m)) {
        while (j->index < j->ids_end) {
            struct stream_id id;
            stream_id_parse(call->argv[j->index++], 0, &id, NULL);
            claim_one(call, j, &m, id);
            if (j->index < j->ids_end && !job_may_go_on(until_tsc)) return false;
        }
        tell_rest(call, j, &m);
    }
    reply_later_array(call->reply, j->later, j->sent);
    return true;
}

static const struct job_ops claim_ops = { claim_step, close_claim };

// A time of delivery that is not sensible, or not given, is now.
static bool parse_claim_options(struct call *call, struct claiming *j, struct stream_id *last)
{
    int64_t ms = -1, now_ms = j->now_ms;
    for (uint32_t i = j->ids_end; i < call->argc; i++) {
        struct bytes word = call->argv[i];
        bool has_more = i + 1 < call->argc;
        if (bytes_is_option(word, "force")) {
            j->force = true;
        } else if (bytes_is_option(word, "justid")) {
            j->just_id = true;
        } else if (has_more && bytes_is_option(word, "idle")) {
            if (!call_int(call, ++i, &ms, "ERR Invalid IDLE option argument for XCLAIM"))
                return false;
            ms = (int64_t)((uint64_t)now_ms - (uint64_t)ms);
        } else if (has_more && bytes_is_option(word, "time")) {
            if (!call_int(call, ++i, &ms, "ERR Invalid TIME option argument for XCLAIM"))
                return false;
        } else if (has_more && bytes_is_option(word, "retrycount")) {
            if (!call_int(call, ++i, &j->retry_count,
                          "ERR Invalid RETRYCOUNT option argument for XCLAIM"))
                return false;
        } else if (has_more && bytes_is_option(word, "lastid")) {
            if (!stream_arg_id(call, ++i, 0, last, NULL)) return false;
        } else {
            stream_error(call, "ERR Unrecognized XCLAIM option '", word, "'", (struct bytes){ 0 },
                         "");
            return false;
        }
    }
    j->delivered_ms = ms < 0 || ms > now_ms ? now_ms : ms;
    return true;
}

// ---- XAUTOCLAIM

static void add_id(struct call *call, struct id_list *l, struct stream_id id)
{
    if (l->count == l->room) {
        uint64_t room = l->room ? l->room * 2 : 16;
        l->ids = heap_resize(call->server->heap, l->ids, l->room * sizeof id, room * sizeof id,
                             HEAP_OTHER);
        l->room = room;
    }
    l->ids[l->count++] = id;
}

static bool next_pending(const struct claiming *j, const struct member *m, struct stream_pending *p)
{
    struct stream_pending_iter i;
    if (j->is_at_end) return false;
    stream_pending_iter_init(&i, m->g, NULL, j->next);
    return stream_pending_iter_next(&i, p);
}

static void search_one(struct call *call, struct claiming *j, const struct member *m,
                       struct stream_pending *p)
{
    j->attempts--;
    j->next = p->id;
    j->is_at_end = !stream_id_increment(&j->next);
    if (!stream_has(m->now, p->id)) {
        forget(call, j, m, p);
        add_id(call, &j->deleted, p->id);
        j->left--;
    } else if (!is_too_young(j, p)) {
        take_over(call, j, m, p);
        add_id(call, &j->claimed, p->id);
        j->left--;
    }
}

static void begin_auto_reply(struct call *call, struct claiming *j, const struct member *m)
{
    struct stream_pending p = { .consumer = NULL };
    bool is_there = m->g && next_pending(j, m, &p);
    reply_array(call->reply, 3);
    reply_stream_id(call->reply, is_there ? p.id : STREAM_ID_ZERO);
    reply_array(call->reply, j->claimed.count);
    j->is_searched = true;
}

static bool auto_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct claiming *j = (struct claiming *)job;
    struct member m = { .g = NULL };
    struct stream_pending p;
    bool is_there = look_up(call, &m);
    if (!is_there) m.g = NULL;
    while (is_there && !j->is_searched && j->attempts > 0 && j->left > 0 &&
           next_pending(j, &m, &p)) {
        search_one(call, j, &m, &p);
        if (!job_may_go_on(until_tsc)) return false;
    }
    if (!j->is_searched && is_there) tell_rest(call, j, &m);
    if (!j->is_searched) begin_auto_reply(call, j, &m);
    while (j->replied < j->claimed.count) {
        struct stream_id id = j->claimed.ids[j->replied++];
        if (is_there)
            reply_claimed(call, j, &m, id);
        else
            reply_null(call->reply);
        if (!job_may_go_on(until_tsc)) return false;
    }
    reply_array(call->reply, j->deleted.count);
    for (uint64_t i = 0; i < j->deleted.count; i++) reply_stream_id(call->reply, j->deleted.ids[i]);
    return true;
}

static const struct job_ops auto_ops = { auto_step, close_claim };

static bool parse_auto(struct call *call, struct claiming *j)
{
    static const char *const bad_count = "ERR COUNT must be > 0";
    if (!call_int(call, ARG_IDLE, &j->idle_min_ms,
                  "ERR Invalid min-idle-time argument for XAUTOCLAIM"))
        return false;
    if (!stream_arg_start(call, ARG_IDS, &j->next)) return false;
    j->left = AUTO_COUNT;
    for (uint32_t i = ARG_IDS + 1; i < call->argc; i++) {
        if (i + 1 < call->argc && bytes_is_option(call->argv[i], "count")) {
            if (!call_int(call, ++i, &j->left, bad_count)) return false;
            if (j->left < 1 || j->left > INT64_MAX / 16) {
                reply_error(call->reply, bad_count);
                return false;
            }
        } else if (bytes_is_option(call->argv[i], "justid")) {
            j->just_id = true;
        } else {
            reply_error(call->reply, reply_text_syntax);
            return false;
        }
    }
    j->attempts = j->left * 10;
    return true;
}

// ---- both

// Argument errors come before those of the key for XAUTOCLAIM, behind them for XCLAIM.
static bool find_group(struct call *call, const struct key *key, struct member *m)
{
    struct entry *e;
    if (!stream_find(call, key, FIND_READ, &e)) return false;
    m->g = e ? stream_group_find(stream_groups(stream_of(e)), call->argv[ARG_GROUP]) : NULL;
    if (m->g) return true;
    stream_error_no_group(call, key->name, call->argv[ARG_GROUP]);
    return false;
}

static void run(struct call *call, const struct key *key, const struct claiming *asked,
                uint64_t count)
{
    struct claiming *j = heap_take(call->server->heap, sizeof *j, HEAP_OTHER);
    *j = *asked;
    if (!j->is_auto) j->later = reply_later_begin(call->reply);
    j->job.ops = j->is_auto ? &auto_ops : &claim_ops;
    if (count > JOB_ELEMENTS_MIN)
        call_start_write_job(call, &j->job, key);
    else
        call_run_job(call, &j->job);
}

static void cmd_xclaim(struct call *call)
{
    struct claiming j = { .retry_count = -1, .now_ms = (int64_t)call->now_ms, .index = ARG_IDS };
    struct stream_id id, last = STREAM_ID_ZERO;
    struct key key = call_key(call, 1);
    struct member m;
    call_no_effect(call); // but those of what changes hands
    if (!find_group(call, &key, &m)) return;
    if (!call_int(call, ARG_IDLE, &j.idle_min_ms, "ERR Invalid min-idle-time argument for XCLAIM"))
        return;
    if (j.idle_min_ms < 0) j.idle_min_ms = 0;
    j.ids_end = ARG_IDS;
    while (j.ids_end < call->argc && stream_id_parse(call->argv[j.ids_end], 0, &id, NULL))
        j.ids_end++;
    if (!parse_claim_options(call, &j, &last)) return;
    j.has_last = stream_id_compare(last, m.g->last) > 0;
    if (j.has_last) m.g->last = last;
    stream_consumer_for(call, &key, m.g, call->argv[ARG_CONSUMER], &j.is_created);
    run(call, &key, &j, j.ids_end - ARG_IDS);
}

static void cmd_xautoclaim(struct call *call)
{
    struct claiming j = { .is_auto = true,
                          .retry_count = -1,
                          .now_ms = (int64_t)call->now_ms,
                          .delivered_ms = (int64_t)call->now_ms };
    struct key key = call_key(call, 1);
    struct member m;
    call_no_effect(call); // but those of what changes hands
    if (!parse_auto(call, &j) || !find_group(call, &key, &m)) return;
    if (j.idle_min_ms < 0) j.idle_min_ms = 0;
    stream_consumer_for(call, &key, m.g, call->argv[ARG_CONSUMER], &j.is_created);
    uint64_t most = (uint64_t)j.attempts;
    run(call, &key, &j, most < m.g->pending.count ? most : m.g->pending.count);
}
