// Streams: consumer groups and their members.
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/stream_call.h"

static command_body xgroup_create, xgroup_createconsumer, xgroup_delconsumer, xgroup_destroy,
    xgroup_help, xgroup_setid;

// clang-format off
const struct command cmd_xgroup_subs[] = {
    // id, container, name, body, arity, first, last, step, flags, categories
    SUBCOMMAND(XGROUP_CREATE, "xgroup", "create", xgroup_create, -5, 2, 2, 1, CMD_WRITE | CMD_DENYOOM, ACL_STREAM),
    SUBCOMMAND(XGROUP_CREATECONSUMER, "xgroup", "createconsumer", xgroup_createconsumer, 5, 2, 2, 1, CMD_WRITE | CMD_DENYOOM, ACL_STREAM),
    SUBCOMMAND(XGROUP_DELCONSUMER, "xgroup", "delconsumer", xgroup_delconsumer, 5, 2, 2, 1, CMD_WRITE, ACL_STREAM),
    SUBCOMMAND(XGROUP_DESTROY, "xgroup", "destroy", xgroup_destroy, 4, 2, 2, 1, CMD_WRITE, ACL_STREAM),
    SUBCOMMAND(XGROUP_HELP, "xgroup", "help", xgroup_help, 2, 0, 0, 0, CMD_LOADING | CMD_STALE, ACL_STREAM),
    SUBCOMMAND(XGROUP_SETID, "xgroup", "setid", xgroup_setid, -5, 2, 2, 1, CMD_WRITE, ACL_STREAM),
};
const struct command cmd_stream_groups[] = {
    // id, name, body, arity, flags, categories, subcommands
    CONTAINER(XGROUP, "xgroup", NULL, -2, 0, 0, cmd_xgroup_subs),
};
// clang-format on

static void xgroup_help(struct call *call)
{
    static const char *const lines[] = {
        "CREATE <key> <groupname> <id|$> [option]",
        "    Create a new consumer group. Options are:",
        "    * MKSTREAM",
        "      Create the empty stream if it does not exist.",
        "    * ENTRIESREAD entries_read",
        "      Set the group's entries_read counter (internal use).",
        "CREATECONSUMER <key> <groupname> <consumer>",
        "    Create a new consumer in the specified group.",
        "DELCONSUMER <key> <groupname> <consumer>",
        "    Remove the specified consumer.",
        "DESTROY <key> <groupname>",
        "    Remove the specified group.",
        "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
        "    Set the current group ID and entries_read counter.",
        NULL,
    };
    call_reply_help(call, lines);
}

// ---- arguments

static bool refuse(struct call *call, const char *text)
{
    reply_error(call->reply, text);
    return false;
}

static bool refuse_syntax(struct call *call)
{
    stream_error_syntax(call);
    return false;
}

struct target {
    struct key key;
    struct entry *e;
    struct stream_object *s;
    struct stream_group *g; // NULL: none of that name
};

static bool find_key(struct call *call, struct target *t)
{
    t->key = call_key(call, 2);
    t->s = NULL;
    t->g = NULL;
    if (!stream_find(call, &t->key, FIND_WRITE, &t->e)) return false;
    if (t->e) t->s = stream_of(t->e);
    if (t->s) t->g = stream_group_find(stream_groups(t->s), call->argv[3]);
    return true;
}

static bool refuse_no_key(struct call *call)
{
    return refuse(call, "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE "
                        "you may want to use the MKSTREAM option to create an empty stream "
                        "automatically.");
}

static bool find_group(struct call *call, struct target *t)
{
    if (!find_key(call, t)) return false;
    if (!t->s) return refuse_no_key(call);
    if (t->g) return true;
    stream_error(call, "NOGROUP No such consumer group '", call->argv[3], "' for key name '",
                 t->key.name, "'");
    return false;
}

struct group_options {
    bool make;
    int64_t entries_read;
};

static bool parse_options(struct call *call, bool is_create, struct group_options *o)
{
    *o = (struct group_options){ .entries_read = STREAM_READ_UNKNOWN };
    for (uint32_t i = 5; i < call->argc; i++) {
        if (is_create && bytes_is_option(call->argv[i], "mkstream")) {
            o->make = true;
        } else if (i + 1 < call->argc && bytes_is_option(call->argv[i], "entriesread")) {
            if (!call_int(call, ++i, &o->entries_read, NULL)) return false;
            if (o->entries_read < 0 && o->entries_read != STREAM_READ_UNKNOWN)
                return refuse(call, "ERR value for ENTRIESREAD must be positive or -1");
        } else {
            return refuse_syntax(call);
        }
    }
    return true;
}

static bool is_dollar(struct bytes text)
{
    return text.size > 0 && text.data[0] == '$' && (text.size == 1 || text.data[1] == '\0');
}

// ---- groups

enum { CREATE_WORDS_MAX = 8, SETID_WORDS = 5, SETID_WORDS_MAX = 7 };

static void xgroup_create(struct call *call)
{
    struct group_options o;
    struct target t;
    struct stream_id id = STREAM_ID_ZERO;
    if (!parse_options(call, true, &o) || !find_key(call, &t)) return;
    if (!t.s && !o.make) {
        refuse_no_key(call);
    } else if (call->argc > CREATE_WORDS_MAX) {
        refuse_syntax(call);
    } else if (!is_dollar(call->argv[4]) && !stream_arg_id(call, 4, 0, &id, NULL)) {
        return;
    } else if (t.g) {
        refuse(call, "BUSYGROUP Consumer Group name already exists");
    } else {
        // A group is no change of its stream.
        uint32_t told = t.s ? EVENT_STREAM | EVENT_ONLY : EVENT_STREAM;
        if (!t.s) t.s = stream_create(call, &t.key);
        if (is_dollar(call->argv[4])) id = stream_now(t.s)->facts.last;
        stream_group_new(keyspace_space(call->keyspace), stream_groups(t.s), call->argv[3], id,
                         o.entries_read);
        reply_ok(call->reply);
        keyspace_add_dirty(call->keyspace, 1);
        call_changed(call, &t.key, told, "xgroup-create");
    }
}

// Redis takes "-" and "+" here, too.
static bool parse_last(struct call *call, const struct stream_object *s, struct stream_id *id)
{
    struct bytes text = call->argv[4];
    bool is_excluded;
    if (is_dollar(text)) {
        *id = stream_now(s)->facts.last;
        return true;
    }
    if (text.size > 0 && text.data[0] != '(' && stream_id_parse_bound(text, 0, id, &is_excluded))
        return true;
    return stream_arg_id(call, 4, 0, id, NULL);
}

static void xgroup_setid(struct call *call)
{
    struct group_options o;
    struct target t;
    struct stream_id last;
    if (!parse_options(call, false, &o) || !find_group(call, &t)) return;
    if (call->argc != SETID_WORDS && call->argc != SETID_WORDS_MAX) {
        refuse_syntax(call);
        return;
    }
    if (!parse_last(call, t.s, &last)) return;
    t.g->last = last;
    t.g->entries_read = o.entries_read;
    reply_ok(call->reply);
    keyspace_add_dirty(call->keyspace, 1);
    call_changed(call, &t.key, EVENT_STREAM | EVENT_ONLY, "xgroup-setid");
}

static void xgroup_destroy(struct call *call)
{
    struct target t;
    if (!find_key(call, &t)) return;
    if (!t.s) {
        refuse_no_key(call);
        return;
    }
    reply_int(call->reply, t.g != NULL);
    if (!t.g) return;
    stream_group_drop(keyspace_space(call->keyspace), stream_groups(t.s), t.g);
    keyspace_add_dirty(call->keyspace, 1);
    call_changed(call, &t.key, EVENT_STREAM | EVENT_ONLY, "xgroup-destroy");
    block_signal(call->server, call->client->db, t.key.name); // who waits for it is told
}

// ---- consumers

static void xgroup_createconsumer(struct call *call)
{
    struct target t;
    if (!find_group(call, &t)) return;
    bool is_new = stream_consumer_new(keyspace_space(call->keyspace), t.g, call->argv[4],
                                      (int64_t)call->now_ms) != NULL;
    reply_int(call->reply, is_new);
    if (!is_new) return;
    keyspace_add_dirty(call->keyspace, 1);
    call_changed(call, &t.key, EVENT_STREAM | EVENT_ONLY, "xgroup-createconsumer");
}

enum { DROP_AT_ONCE = 16 }; // pending entries

struct drop_job {
    struct job job;
    uint64_t pending;
};

static bool drop_step(struct job *job, struct call *call, uint64_t until_tsc)
{
    struct drop_job *j = (struct drop_job *)job;
    struct tree_space *space = keyspace_space(call->keyspace);
    struct key key = call_key(call, 2);
    struct entry *e =
        keyspace_find(call->keyspace, call->client->db, &key, FIND_QUIET, call->now_ms);
    struct stream_group *g = NULL;
    struct stream_consumer *c = NULL;
    if (e && entry_type(e) == TYPE_STREAM)
        g = stream_group_find(stream_groups(stream_of(e)), call->argv[3]);
    if (g) c = stream_consumer_find(g, call->argv[4]);
    while (c && !stream_consumer_drop(space, g, c, DROP_AT_ONCE))
        if (!job_may_go_on(until_tsc)) return false;
    reply_int(call->reply, (int64_t)j->pending);
    if (!c) return true;
    keyspace_add_dirty(call->keyspace, 1);
    call_changed(call, &key, EVENT_STREAM | EVENT_ONLY, "xgroup-delconsumer");
    call_effect(call, call->argv, call->argc);
    return true;
}

static void drop_close(struct job *job, struct server *server)
{
    heap_give(server->heap, job, sizeof(struct drop_job), HEAP_OTHER);
}

static const struct job_ops drop_ops = { drop_step, drop_close };

static void xgroup_delconsumer(struct call *call)
{
    struct target t;
    call_no_effect(call); // but drop_step's
    if (!find_group(call, &t)) return;
    const struct stream_consumer *c = stream_consumer_find(t.g, call->argv[4]);
    struct drop_job now = { .pending = c ? c->pending.count : 0 };
    if (now.pending < JOB_ELEMENTS_MIN) {
        drop_step(&now.job, call, UINT64_MAX);
        return;
    }
    struct drop_job *j = heap_take(call->server->heap, sizeof *j, HEAP_OTHER);
    *j = now;
    j->job.ops = &drop_ops;
    call_start_write_job(call, &j->job, &t.key);
}
