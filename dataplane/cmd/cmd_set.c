#include "dataplane/base/status.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/set_call.h"

static command_body cmd_sadd, cmd_scard, cmd_sismember, cmd_smembers, cmd_smismember, cmd_smove,
    cmd_srem;

// clang-format off
const struct command cmd_sets[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(SADD, "sadd", cmd_sadd, -3, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_SET),
    COMMAND(SCARD, "scard", cmd_scard, 2, 1, 1, 1, CMD_READONLY | CMD_FAST, ACL_SET),
    COMMAND(SISMEMBER, "sismember", cmd_sismember, 3, 1, 1, 1, CMD_READONLY | CMD_FAST, ACL_SET),
    COMMAND(SMEMBERS, "smembers", cmd_smembers, 2, 1, 1, 1, CMD_READONLY, ACL_SET),
    COMMAND(SMISMEMBER, "smismember", cmd_smismember, -3, 1, 1, 1, CMD_READONLY | CMD_FAST, ACL_SET),
    COMMAND(SMOVE, "smove", cmd_smove, 4, 1, 2, 1, CMD_WRITE | CMD_FAST, ACL_SET),
    COMMAND(SREM, "srem", cmd_srem, -3, 1, 1, 1, CMD_WRITE | CMD_FAST, ACL_SET),
};
// clang-format on

static void cmd_sadd(struct call *call)
{
    struct key key = call_key(call, 1);
    struct entry *e;
    uint64_t added = 0;
    if (!set_find(call, &key, FIND_WRITE, &e)) return;
    struct set_place place = set_place_of(call, &key, e);
    set_expect(&place, call->argv[2], call->argc - 2);
    for (uint32_t i = 2; i < call->argc; i++) added += set_add(&place, call->argv[i]);
    if (added) {
        keyspace_add_dirty(call->keyspace, added);
        call_changed(call, &key, EVENT_SET, "sadd");
    }
    reply_int(call->reply, (int64_t)added);
}

static void cmd_srem(struct call *call)
{
    struct key key = call_key(call, 1);
    struct entry *e;
    uint64_t removed = 0;
    if (!set_find(call, &key, FIND_WRITE, &e)) return;
    struct set_place place = set_place_of(call, &key, e);
    for (uint32_t i = 2; i < call->argc && place.entry; i++)
        removed += set_remove(&place, call->argv[i]);
    set_note_removed(call, &place, removed, "srem");
    reply_int(call->reply, (int64_t)removed);
}

static void cmd_scard(struct call *call)
{
    struct key key = call_key(call, 1);
    struct entry *e;
    if (!set_find(call, &key, FIND_READ, &e)) return;
    reply_int(call->reply, e ? (int64_t)set_count(e) : 0);
}

static void cmd_sismember(struct call *call)
{
    struct key key = call_key(call, 1);
    struct entry *e;
    if (!set_find(call, &key, FIND_READ, &e)) return;
    reply_int(call->reply, e && set_has(call->keyspace, e, call->argv[2]));
}

static void cmd_smismember(struct call *call)
{
    struct key key = call_key(call, 1);
    struct entry *e;
    struct set_cut look;
    if (!set_find(call, &key, FIND_READ, &e)) return;
    set_look(e, &look);
    reply_array(call->reply, call->argc - 2);
    for (uint32_t i = 2; i < call->argc; i++)
        reply_int(call->reply, set_cut_has(call->keyspace, &look, call->argv[i]));
}

static void cmd_smembers(struct call *call)
{
    struct key key = call_key(call, 1);
    struct entry *e;
    if (!set_find(call, &key, FIND_READ, &e)) return;
    reply_set(call->reply, e ? set_count(e) : 0);
    if (e) set_reply_members(call, e);
}

// The member left the source. The destination is found again: its entry was to be held only as long
// as nothing changed.
static void move_to(struct call *call, const struct key *to, struct bytes member)
{
    struct set_place place = set_place_of(
        call, to, keyspace_find(call->keyspace, call->client->db, to, FIND_QUIET, call->now_ms));
    if (!set_add(&place, member)) return;
    keyspace_add_dirty(place.keyspace, 1);
    call_changed(call, to, EVENT_SET, "sadd");
}

// The two looks happen destination first, as a look may remove an expired entry.
static void cmd_smove(struct call *call)
{
    struct key from = call_key(call, 1), to = call_key(call, 2);
    struct bytes member = call->argv[3];
    struct entry *to_entry = call_find(call, &to, FIND_WRITE);
    struct entry *e = call_find(call, &from, FIND_WRITE);
    if (!e) {
        reply_int(call->reply, 0);
        return;
    }
    if (!call_check_type(call, e, TYPE_SET) || !call_check_type(call, to_entry, TYPE_SET)) return;
    bool moves;
    if (bytes_equal(from.name, to.name)) {
        moves = set_has(call_keyspace(call, from.name), e, member);
    } else {
        struct set_place place = set_place_of(call, &from, e);
        moves = set_remove(&place, member);
        set_note_removed(call, &place, moves, "srem");
        if (moves) move_to(call, &to, member);
    }
    reply_int(call->reply, moves);
}
