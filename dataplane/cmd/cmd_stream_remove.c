// Streams: entries that are deleted or confirmed, by their IDs.
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/stream_call.h"

static command_body cmd_xack, cmd_xdel;

// clang-format off
const struct command cmd_stream_removes[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(XACK, "xack", cmd_xack, -4, 1, 1, 1, CMD_WRITE | CMD_FAST, ACL_STREAM),
    COMMAND(XDEL, "xdel", cmd_xdel, -3, 1, 1, 1, CMD_WRITE | CMD_FAST, ACL_STREAM),
};
// clang-format on

// XDEL key id ..., XACK key group id ...: with many IDs a bit at a time, while the key is closed.
struct removal {
    struct job job;
    bool is_ack;
    uint32_t index; // of the next ID
    uint64_t removed;
};
enum { REMOVE_AT_ONCE = 16 };

// What the command is about, as it is now. False: it is not there.
static bool look_up(struct call *call, const struct removal *r, struct entry *e,
                    struct stream_object **s, struct stream_group **g)
{
    if (!e || entry_type(e) != TYPE_STREAM) return false;
    *s = stream_of(e);
    *g = r->is_ack ? stream_group_find(stream_groups(*s), call->argv[2]) : NULL;
    return !r->is_ack || *g;
}

static void finish(struct call *call, const struct key *key, const struct removal *r)
{
    reply_int(call->reply, (int64_t)r->removed);
    if (r->removed == 0) return;
    keyspace_add_dirty(call->keyspace, r->removed);
    if (!r->is_ack) call_changed(call, key, EVENT_STREAM, "xdel");
    call_effect(call, call->argv, call->argc);
}

static void remove_one(struct call *call, struct removal *r, struct stream_object *s,
                       struct stream_group *g)
{
    struct stream_id id;
    if (!stream_id_parse(call->argv[r->index], 0, &id, NULL)) return; // was looked at before
    r->removed += r->is_ack ? stream_pending_remove(keyspace_space(call->keyspace), g, id)
                            : stream_remove(call->keyspace, s, id);
}

static bool remove_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct removal *r = (struct removal *)job;
    struct key key = call_key(call, 1);
    struct entry *e =
        keyspace_find(call->keyspace, call->client->db, &key, FIND_QUIET, call->now_ms);
    struct stream_object *s;
    struct stream_group *g;
    if (look_up(call, r, e, &s, &g)) {
        for (; r->index < call->argc; r->index++) {
            bool is_due = r->index % REMOVE_AT_ONCE == REMOVE_AT_ONCE - 1;
            remove_one(call, r, s, g);
            if (!is_due || job_may_go_on(until_tsc)) continue;
            r->index++;
            return false;
        }
    }
    finish(call, &key, r);
    return true;
}

static void remove_close(struct job *job, struct server *server)
{
    heap_give(server->heap, job, sizeof(struct removal), HEAP_OTHER);
}

static const struct job_ops remove_ops = { remove_step, remove_close };

static bool ids_are_valid(struct call *call, uint32_t first)
{
    struct stream_id id;
    for (uint32_t i = first; i < call->argc; i++)
        if (!stream_arg_id(call, i, 0, &id, NULL)) return false;
    return true;
}

static void remove_ids(struct call *call, const struct removal *asked)
{
    struct key key = call_key(call, 1);
    struct removal r = *asked;
    struct stream_object *s;
    struct stream_group *g;
    struct entry *e;
    call_no_effect(call); // but finish's
    if (!stream_find(call, &key, r.is_ack ? FIND_READ : FIND_WRITE, &e)) return;
    if (!look_up(call, &r, e, &s, &g)) {
        reply_int(call->reply, 0);
        return;
    }
    if (!ids_are_valid(call, r.index)) return;
    if (call->argc < JOB_ELEMENTS_MIN) {
        remove_step(&r.job, call, UINT64_MAX);
        return;
    }
    struct removal *j = heap_take(call->server->heap, sizeof *j, HEAP_OTHER);
    *j = r;
    j->job.ops = &remove_ops;
    call_start_write_job(call, &j->job, &key);
}

static void cmd_xack(struct call *call)
{
    remove_ids(call, &(struct removal){ .is_ack = true, .index = 3 });
}

static void cmd_xdel(struct call *call)
{
    remove_ids(call, &(struct removal){ .is_ack = false, .index = 2 });
}
