#include "dataplane/base/status.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/call_home.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/transfer.h"

static command_body cmd_copy, cmd_del, cmd_exists, cmd_move, cmd_rename, cmd_renamenx, cmd_touch,
    cmd_type;

// clang-format off
const struct command cmd_keys[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(COPY, "copy", cmd_copy, -3, 1, 2, 1, CMD_WRITE | CMD_DENYOOM, ACL_KEYSPACE),
    COMMAND(DEL, "del", cmd_del, -2, 1, -1, 1, CMD_WRITE, ACL_KEYSPACE),
    COMMAND(EXISTS, "exists", cmd_exists, -2, 1, -1, 1, CMD_READONLY | CMD_FAST, ACL_KEYSPACE),
    COMMAND(MOVE, "move", cmd_move, 3, 1, 1, 1, CMD_WRITE | CMD_FAST, ACL_KEYSPACE),
    COMMAND(RENAME, "rename", cmd_rename, 3, 1, 2, 1, CMD_WRITE, ACL_KEYSPACE),
    COMMAND(RENAMENX, "renamenx", cmd_renamenx, 3, 1, 2, 1, CMD_WRITE | CMD_FAST, ACL_KEYSPACE),
    COMMAND(TOUCH, "touch", cmd_touch, -2, 1, -1, 1, CMD_READONLY | CMD_FAST, ACL_KEYSPACE),
    COMMAND(TYPE, "type", cmd_type, 2, 1, 1, 1, CMD_READONLY | CMD_FAST, ACL_KEYSPACE),
    COMMAND(UNLINK, "unlink", cmd_del, -2, 1, -1, 1, CMD_WRITE | CMD_FAST, ACL_KEYSPACE),
};
// clang-format on

static void signal_at(const struct call *call, uint32_t db, const struct key *key)
{
    block_signal(call_home(call, key->name), db, key->name);
}

// With keys on several shards the effect has those alone that were there: no shard is told of what
// has not happened to it. NULL: the command is its own.
static struct bytes *begin_gone(const struct call *call)
{
    if (LIKELY(!call_is_joint(call)) || !effects_are_on(&call->server->effects)) return NULL;
    return heap_take(call->server->heap, call->argc * sizeof(struct bytes), HEAP_OTHER);
}

static void end_gone(struct call *call, struct bytes *gone, uint32_t count)
{
    if (LIKELY(!gone)) return;
    gone[0] = call->argv[0];
    if (count) call_effect(call, gone, 1 + count);
    heap_give(call->server->heap, gone, call->argc * sizeof *gone, HEAP_OTHER);
}

// DEL and UNLINK are one: a value of many pieces is always detached and freed in slices.
static void cmd_del(struct call *call)
{
    uint32_t count = 0;
    struct bytes *gone = begin_gone(call);
    struct key keys[CALL_KEYS_MAX];
    for (uint32_t i = 1, n; (n = call_keys(call, i, 1, keys)); i += n)
        for (uint32_t j = 0; j < n; j++) {
            if (!keyspace_delete(call->keyspace, call->client->db, &keys[j], call->now_ms))
                continue;
            count++;
            if (UNLIKELY(gone != NULL)) gone[count] = keys[j].name;
            call_changed(call, &keys[j], EVENT_GENERIC, "del");
            signal_at(call, call->client->db, &keys[j]); // XREADGROUP
        }
    end_gone(call, gone, count);
    reply_int(call->reply, count);
}

static void cmd_exists(struct call *call)
{
    int64_t count = 0;
    struct key keys[CALL_KEYS_MAX];
    for (uint32_t i = 1, n; (n = call_keys(call, i, 1, keys)); i += n)
        for (uint32_t j = 0; j < n; j++) count += call_find(call, &keys[j], FIND_PEEK) != NULL;
    reply_int(call->reply, count);
}

// Touches for a CLIENT NO-TOUCH client too: that is what was asked for.
static void cmd_touch(struct call *call)
{
    int64_t count = 0;
    struct key keys[CALL_KEYS_MAX];
    for (uint32_t i = 1, n; (n = call_keys(call, i, 1, keys)); i += n)
        for (uint32_t j = 0; j < n; j++)
            count += keyspace_find(call->keyspace, call->client->db, &keys[j], FIND_READ,
                                   call->now_ms) != NULL;
    reply_int(call->reply, count);
}

static void cmd_type(struct call *call)
{
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, FIND_PEEK);
    reply_status(call->reply, e ? value_type_name(entry_type(e)) : "none");
}

static bool is_there(struct call *call, uint32_t db, const struct key *key)
{
    return call_find_in(call, db, key, FIND_WRITE) != NULL;
}

// The two looks happen destination first, because a look may remove an expired entry and with it
// the right to hold an earlier pointer.
static void rename_key(struct call *call, bool only_if_free)
{
    uint32_t db = call->client->db;
    struct key from = call_key(call, 1), to = call_key(call, 2);
    bool occupied = only_if_free && is_there(call, db, &to);
    struct entry *e = call_find(call, &from, FIND_WRITE);
    if (!e) {
        reply_error(call->reply, reply_text_no_key);
        return;
    }
    bool same = bytes_equal(from.name, to.name); // nothing to do, but the key had to exist
    if (!same && !occupied) {
        struct transfer transfer = { db, db, .moves = true, .says_ok = !only_if_free };
        if (transfer_begin(call, e, &transfer)) return;
        keyspace_rename(call->keyspace, db, e, db, &to, call->now_ms);
        transfer_tell(call, &transfer);
    }
    if (only_if_free)
        reply_int(call->reply, !same && !occupied);
    else
        reply_ok(call->reply);
}

static void cmd_rename(struct call *call) { rename_key(call, false); }

static void cmd_renamenx(struct call *call) { rename_key(call, true); }

static void cmd_move(struct call *call)
{
    uint32_t from_db = call->client->db, to_db;
    if (!call_db_index(call, 2, &to_db)) return;
    if (from_db == to_db) {
        reply_error(call->reply, "ERR source and destination objects are the same");
        return;
    }
    struct key key = call_key(call, 1);
    bool occupied = is_there(call, to_db, &key);
    struct entry *e = call_find(call, &key, FIND_WRITE);
    if (e && !occupied) {
        keyspace_rename(call->keyspace, from_db, e, to_db, &key, call->now_ms);
        call_changed_in(call, from_db, &key, EVENT_GENERIC, "move_from");
        call_changed_in(call, to_db, &key, EVENT_GENERIC, "move_to");
        signal_at(call, from_db, &key);
    }
    reply_int(call->reply, e && !occupied);
}

static bool copy_options(struct call *call, uint32_t *to_db, bool *replace)
{
    *to_db = call->client->db;
    *replace = false;
    for (uint32_t i = 3; i < call->argc; i++) {
        if (bytes_is_option(call->argv[i], "replace"))
            *replace = true;
        else if (bytes_is_option(call->argv[i], "db") && i + 1 < call->argc) {
            if (!call_db_index(call, ++i, to_db)) return false;
        } else {
            reply_error(call->reply, reply_text_syntax);
            return false;
        }
    }
    return true;
}

static void cmd_copy(struct call *call)
{
    uint32_t from_db = call->client->db, to_db;
    bool replace;
    if (!copy_options(call, &to_db, &replace)) return;
    struct key from = call_key(call, 1), to = call_key(call, 2);
    if (from_db == to_db && bytes_equal(from.name, to.name)) {
        reply_error(call->reply, "ERR source and destination objects are the same");
        return;
    }
    bool occupied = !replace && is_there(call, to_db, &to);
    struct entry *e = call_find(call, &from, FIND_READ);
    if (e && !occupied) {
        struct transfer transfer = { from_db, to_db, .moves = false };
        if (transfer_begin(call, e, &transfer)) return;
        keyspace_copy(call->keyspace, from_db, e, to_db, &to, call->now_ms);
        transfer_tell(call, &transfer);
    }
    reply_int(call->reply, e && !occupied);
}
