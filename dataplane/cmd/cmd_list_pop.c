// Taking elements from the ends of lists.
#include "dataplane/base/status.h"
#include "dataplane/cmd/cmd_list.h"
#include "dataplane/cmd/cmd_rows.h"

static command_body cmd_lmpop, cmd_lpop, cmd_rpop;

// clang-format off
const struct command cmd_list_pops[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(LMPOP, "lmpop", cmd_lmpop, -4, 0, 0, 0, CMD_WRITE | CMD_MOVABLEKEYS, ACL_LIST),
    COMMAND(LPOP, "lpop", cmd_lpop, -2, 1, 1, 1, CMD_WRITE | CMD_FAST, ACL_LIST),
    COMMAND(RPOP, "rpop", cmd_rpop, -2, 1, 1, 1, CMD_WRITE | CMD_FAST, ACL_LIST),
};
// clang-format on

void call_list_removed(struct call *call, const struct list_place *p, const char *event,
                       uint64_t count)
{
    keyspace_add_dirty(p->keyspace, count);
    call_changed(call, p->key, EVENT_LIST, event);
    if (!p->entry) call_changed(call, p->key, EVENT_GENERIC, "del");
}

static void reply_taken(void *reply, struct bytes value) { reply_bulk(reply, value); }

void call_list_pop(struct call *call, struct list_place *p, bool at_head)
{
    list_value_pop(p, at_head, reply_taken, call->reply);
    call_list_removed(call, p, at_head ? "lpop" : "rpop", 1);
}

uint64_t call_list_pop_range(struct call *call, struct list_place *p, bool at_head, uint64_t count)
{
    uint64_t length = list_value_count(p->entry);
    if (count > length) count = length;
    // The reply of many comes from a cut: they go at once.
    call_reply_list(call, p->entry, at_head ? 0 : length - 1, count, !at_head);
    list_value_remove_range(p, at_head ? 0 : length - count, count);
    call_list_removed(call, p, at_head ? "lpop" : "rpop", count);
    return count;
}

static void pop_counted(struct call *call, bool at_head)
{
    int64_t count;
    if (!call_count(call, 2, 0, &count, "ERR value is out of range, must be positive")) return;
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, FIND_WRITE);
    if (!e) {
        reply_null_array(call->reply);
        return;
    }
    if (!call_check_type(call, e, TYPE_LIST)) return;
    if (count == 0) {
        reply_array(call->reply, 0);
        return;
    }
    struct list_place p = call_list_place(call, &key, e);
    call_list_pop_range(call, &p, at_head, (uint64_t)count);
    call_effect(call, call->argv, call->argc); // said here for a call that has become a job
}

static void pop(struct call *call, bool at_head)
{
    if (call->argc > 3) {
        reply_error_arity(call->reply, call->command->full_name);
        return;
    }
    if (call->argc == 3) {
        pop_counted(call, at_head);
        return;
    }
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, FIND_WRITE);
    if (!e) {
        reply_null(call->reply);
        return;
    }
    if (!call_check_type(call, e, TYPE_LIST)) return;
    struct list_place p = call_list_place(call, &key, e);
    call_list_pop(call, &p, at_head);
}

static void cmd_lpop(struct call *call) { pop(call, true); }
static void cmd_rpop(struct call *call) { pop(call, false); }

// ---- from the first list of several

static bool mpop_options(struct call *call, uint32_t index, struct list_mpop *out)
{
    bool seen = false;
    for (; index < call->argc; index += 2) {
        int64_t count;
        if (seen || !bytes_is_option(call->argv[index], "count") || index + 1 == call->argc) {
            reply_error(call->reply, reply_text_syntax);
            return false;
        }
        if (!call_count(call, index + 1, 1, &count, "ERR count should be greater than 0"))
            return false;
        out->count = (uint64_t)count;
        seen = true;
    }
    return true;
}

bool call_list_mpop(struct call *call, uint32_t index, struct list_mpop *out)
{
    int64_t count;
    if (!call_count(call, index, 1, &count, "ERR numkeys should be greater than 0")) return false;
    if (count >= (int64_t)(call->argc - index) - 1) { // no place left for LEFT or RIGHT
        reply_error(call->reply, reply_text_syntax);
        return false;
    }
    *out = (struct list_mpop){ .first_key = index + 1, .key_count = (uint32_t)count, .count = 1 };
    uint32_t side = out->first_key + out->key_count;
    return call_list_side(call, side, &out->at_head) && mpop_options(call, side + 1, out);
}

bool call_list_pop_first(struct call *call, const struct list_mpop *m)
{
    for (uint32_t i = m->first_key; i < m->first_key + m->key_count; i++) {
        struct key key = call_key(call, i);
        struct entry *e = call_find(call, &key, FIND_WRITE);
        if (!e) continue;
        if (!call_check_type(call, e, TYPE_LIST)) return true;
        struct call room, *at = call_settle(call, key.name, &room);
        struct list_place p = call_list_place(at, &key, e);
        reply_array(at->reply, 2);
        reply_bulk(at->reply, key.name);
        uint64_t count = call_list_pop_range(at, &p, m->at_head, m->count);
        call_effectf(at, "sbu", m->at_head ? "LPOP" : "RPOP", key.name, count);
        call_rejoin(call, at);
        return true;
    }
    return false;
}

static void cmd_lmpop(struct call *call)
{
    struct list_mpop m;
    if (!call_list_mpop(call, 1, &m)) return;
    if (!call_list_pop_first(call, &m)) reply_null_array(call->reply);
}
