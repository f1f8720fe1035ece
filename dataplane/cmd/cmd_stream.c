// Streams: entries that come, and entries that are trimmed.
#include "dataplane/base/check.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/stream_call.h"
#include "dataplane/cmd/stream_trim_args.h"

static command_body cmd_xadd, cmd_xsetid, cmd_xtrim;

// clang-format off
const struct command cmd_streams[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(XADD, "xadd", cmd_xadd, -5, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_STREAM),
    COMMAND(XSETID, "xsetid", cmd_xsetid, -3, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_STREAM),
    COMMAND(XTRIM, "xtrim", cmd_xtrim, -4, 1, 1, 1, CMD_WRITE, ACL_STREAM),
};
// clang-format on

enum { TRIM_CHUNKS = 64 }; // planned at a time

// ---- trimming: at once when the plan is soon made, else by a job

// How much of the plan stands depends on the stream being what it was.
struct trim_basis {
    const struct tree_node *root;
    const struct blob *tail;
    uint64_t count, entries_added;
};
struct trimming {
    struct job job;
    bool is_add, is_long; // XADD; a job
    struct stream_add_args args;
    struct stream_id id; // XADD's
    struct trim_basis basis;
};

static struct trim_basis basis_of(const struct stream_cut *now)
{
    return (struct trim_basis){ now->chunks.root, now->tail, now->facts.count,
                                now->facts.entries_added };
}

static void finish_add(struct call *call, const struct key *key, struct trimming *t,
                       const struct stream_facts *facts, uint64_t removed)
{
    reply_stream_id(call->reply, t->id);
    if (removed > 0) call_changed(call, key, EVENT_STREAM, "xtrim");
    if (!t->is_long)
        stream_trim_effect(call, &t->args, t->id, facts);
    else if (removed > 0)
        stream_trim_effect_alone(call, &t->args, facts);
    block_signal(call->server, call->client->db, key->name);
}

static void finish_trim(struct call *call, const struct key *key, struct trimming *t,
                        const struct stream_facts *facts, uint64_t removed)
{
    reply_int(call->reply, (int64_t)removed);
    if (removed == 0) return;
    keyspace_add_dirty(call->keyspace, removed);
    call_changed(call, key, EVENT_STREAM, "xtrim");
    stream_trim_effect(call, &t->args, t->id, facts);
}

static void finish(struct call *call, const struct key *key, struct trimming *t,
                   struct stream_object *s)
{
    uint64_t removed = 0;
    struct stream_facts none = { 0 };
    if (s && t->args.trims) removed = stream_trim_apply(call->keyspace, s, &t->args.trim);
    const struct stream_facts *facts = s ? &stream_now(s)->facts : &none;
    if (t->is_add)
        finish_add(call, key, t, facts, removed);
    else
        finish_trim(call, key, t, facts, removed);
}

// The key is closed to others meanwhile, but for its deadline and transactions.
static bool trim_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct trimming *t = (struct trimming *)job;
    struct key key = call_key(call, 1);
    struct entry *e =
        keyspace_find(call->keyspace, call->client->db, &key, FIND_QUIET, call->now_ms);
    struct stream_object *s = e && entry_type(e) == TYPE_STREAM ? stream_of(e) : NULL;
    if (s) {
        struct trim_basis basis = basis_of(stream_now(s));
        if (memcmp(&basis, &t->basis, sizeof basis) != 0) stream_trim_forget(&t->args.trim);
        t->basis = basis;
        while (!stream_trim_plan(stream_now(s), &t->args.trim, TRIM_CHUNKS))
            if (!job_may_go_on(until_tsc)) return false;
    }
    finish(call, &key, t, s);
    return true;
}

static void trim_close(struct job *job, struct server *server)
{
    heap_give(server->heap, job, sizeof(struct trimming), HEAP_OTHER);
}

static const struct job_ops trim_ops = { trim_step, trim_close };

static void trim(struct call *call, const struct key *key, struct trimming *t,
                 struct stream_object *s)
{
    if (!t->args.trims || stream_trim_plan(stream_now(s), &t->args.trim, TRIM_CHUNKS)) {
        finish(call, key, t, s);
        return;
    }
    struct trimming *j = heap_take(call->server->heap, sizeof *j, HEAP_OTHER);
    *j = *t;
    j->job.ops = &trim_ops;
    j->is_long = true;
    if (t->is_add) stream_add_effect(call, &t->args, t->id);
    j->basis = basis_of(stream_now(s));
    call_start_write_job(call, &j->job, key);
}

static void cmd_xtrim(struct call *call)
{
    struct trimming t = { .is_add = false };
    struct key key = call_key(call, 1);
    struct entry *e;
    call_no_effect(call); // but finish_trim's
    if (!stream_trim_parse(call, false, &t.args) || !stream_find(call, &key, FIND_WRITE, &e))
        return;
    if (e)
        trim(call, &key, &t, stream_of(e));
    else
        reply_int(call->reply, 0);
}

// ---- XADD

static bool refuse(struct call *call, const char *text)
{
    reply_error(call->reply, text);
    return false;
}

// The entry's ID, which is above the last one. False: there is none such.
static bool choose_id(const struct call *call, const struct stream_add_args *a,
                      struct stream_id last, struct stream_id *id)
{
    *id = a->id;
    if (!a->has_id) {
        *id = (struct stream_id){ call->now_ms, 0 };
        if (call->now_ms > last.ms) return true;
        *id = last;
        return stream_id_increment(id);
    }
    if (a->any_seq && id->ms == last.ms) {
        if (last.seq == UINT64_MAX) return false;
        id->seq = last.seq + 1;
    }
    return stream_id_compare(*id, last) > 0;
}

static bool may_add(struct call *call, const struct stream_add_args *a, const struct entry *e,
                    struct stream_id *id)
{
    struct stream_id last = e ? stream_now(stream_of(e))->facts.last : STREAM_ID_ZERO;
    uint64_t bytes = 0;
    for (uint32_t i = a->id_index + 1; i < call->argc; i++) bytes += call->argv[i].size;
    if (stream_id_compare(last, STREAM_ID_MAX) == 0)
        return refuse(call, "ERR The stream has exhausted the last possible ID, unable to add more "
                            "items");
    if (!choose_id(call, a, last, id))
        return refuse(call, "ERR The ID specified in XADD is equal or smaller than the target "
                            "stream top item");
    if (bytes > STREAM_ITEM_BYTES_MAX)
        return refuse(call, "ERR Elements are too large to be stored");
    return true;
}

static bool parse_add(struct call *call, struct stream_add_args *a)
{
    if (!stream_trim_parse(call, true, a)) return false;
    uint32_t texts = call->argc > a->id_index ? call->argc - a->id_index - 1 : 0;
    if (texts < 2 || texts % 2) {
        reply_error_arity(call->reply, call->command->full_name);
        return false;
    }
    if (a->has_id && !a->any_seq && stream_id_is_zero(a->id))
        return refuse(call, "ERR The ID specified in XADD must be greater than 0-0");
    return true;
}

static void cmd_xadd(struct call *call)
{
    struct trimming t = { .is_add = true };
    struct key key = call_key(call, 1);
    struct entry *e;
    call_no_effect(call); // but finish_add's
    if (!parse_add(call, &t.args) || !stream_find(call, &key, FIND_WRITE, &e)) return;
    if (!e && t.args.no_make) {
        reply_null(call->reply);
        return;
    }
    if (!may_add(call, &t.args, e, &t.id)) return;
    struct stream_object *s = e ? stream_of(e) : stream_create(call, &key);
    uint32_t first = t.args.id_index + 1;
    stream_append(call->keyspace, &call->server->thresholds, s, t.id, call->argv + first,
                  call->argc - first);
    keyspace_add_dirty(call->keyspace, 1);
    call_changed(call, &key, EVENT_STREAM, "xadd");
    trim(call, &key, &t, s);
}

// ---- XSETID

struct setid_args {
    struct stream_id last, max_deleted; // max_deleted 0-0: not given
    int64_t entries_added;              // -1: not given
};

static bool parse_setid(struct call *call, struct setid_args *a)
{
    *a = (struct setid_args){ .entries_added = -1 };
    if (!stream_arg_id(call, 2, 0, &a->last, NULL)) return false;
    for (uint32_t i = 3; i < call->argc; i += 2) {
        bool has_more = i + 1 < call->argc;
        if (has_more && bytes_is_option(call->argv[i], "entriesadded")) {
            if (!call_int(call, i + 1, &a->entries_added, NULL)) return false;
            if (a->entries_added < 0) return refuse(call, "ERR entries_added must be positive");
        } else if (has_more && bytes_is_option(call->argv[i], "maxdeletedid")) {
            if (!stream_arg_id(call, i + 1, 0, &a->max_deleted, NULL)) return false;
            if (stream_id_compare(a->last, a->max_deleted) < 0)
                return refuse(call, "ERR The ID specified in XSETID is smaller than the provided "
                                    "max_deleted_entry_id");
        } else {
            return refuse(call, reply_text_syntax);
        }
    }
    return true;
}

static bool setid_fits(struct call *call, const struct stream_cut *now, const struct setid_args *a)
{
    const struct stream_facts *f = &now->facts;
    if (stream_id_compare(a->last, f->max_deleted) < 0)
        return refuse(call, "ERR The ID specified in XSETID is smaller than current "
                            "max_deleted_entry_id");
    if (f->count == 0) return true;
    if (stream_id_compare(a->last, stream_edge(now, true)) < 0)
        return refuse(call, "ERR The ID specified in XSETID is smaller than the target stream top "
                            "item");
    if (a->entries_added != -1 && f->count > (uint64_t)a->entries_added)
        return refuse(call, "ERR The entries_added specified in XSETID is smaller than the target "
                            "stream length");
    return true;
}

static void cmd_xsetid(struct call *call)
{
    struct key key = call_key(call, 1);
    struct setid_args a;
    struct entry *e;
    if (!parse_setid(call, &a) || !stream_find(call, &key, FIND_WRITE, &e)) return;
    if (!e) {
        reply_error(call->reply, reply_text_no_key);
        return;
    }
    struct stream_object *s = stream_of(e);
    if (!setid_fits(call, stream_now(s), &a)) return;
    stream_set_last(s, a.last);
    if (a.entries_added != -1) stream_set_entries_added(s, (uint64_t)a.entries_added);
    if (!stream_id_is_zero(a.max_deleted)) stream_set_max_deleted(s, a.max_deleted);
    reply_ok(call->reply);
    keyspace_add_dirty(call->keyspace, 1);
    call_changed(call, &key, EVENT_STREAM | EVENT_ONLY, "xsetid");
}
