// Taking elements from lists that may have none yet: the caller waits.
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/cmd_list.h"
#include "dataplane/cmd/cmd_rows.h"

static command_body cmd_blmove, cmd_blmpop, cmd_blpop, cmd_brpop, cmd_brpoplpush;

// clang-format off
const struct command cmd_list_blocks[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(BLMOVE, "blmove", cmd_blmove, 6, 1, 2, 1, CMD_WRITE | CMD_DENYOOM | CMD_BLOCKING, ACL_LIST),
    COMMAND(BLMPOP, "blmpop", cmd_blmpop, -5, 0, 0, 0, CMD_WRITE | CMD_BLOCKING | CMD_MOVABLEKEYS, ACL_LIST),
    COMMAND(BLPOP, "blpop", cmd_blpop, -3, 1, -2, 1, CMD_WRITE | CMD_BLOCKING, ACL_LIST),
    COMMAND(BRPOP, "brpop", cmd_brpop, -3, 1, -2, 1, CMD_WRITE | CMD_BLOCKING, ACL_LIST),
    COMMAND(BRPOPLPUSH, "brpoplpush", cmd_brpoplpush, 4, 1, 2, 1, CMD_WRITE | CMD_DENYOOM | CMD_BLOCKING, ACL_LIST),
};
// clang-format on

// Redis answers a timeout with a null array, whatever the command.
static void wait_for(struct call *call, uint32_t first, uint32_t count, uint64_t deadline_ms)
{
    struct block_wish wish = { .first = first,
                               .count = count,
                               .type = TYPE_LIST,
                               .deadline_ms = deadline_ms,
                               .reply = BLOCK_NULL_ARRAY };
    call_block(call, &wish);
}

// ---- BLPOP and BRPOP

// From the first of the keys that is a list. False: there is none.
static bool pop_one(struct call *call, bool at_head)
{
    for (uint32_t i = 1; i + 1 < call->argc; i++) {
        struct key key = call_key(call, i);
        struct entry *e = call_find(call, &key, FIND_WRITE);
        if (!e) continue;
        if (!call_check_type(call, e, TYPE_LIST)) return true;
        struct call room, *at = call_settle(call, key.name, &room);
        struct list_place p = call_list_place(at, &key, e);
        reply_array(at->reply, 2);
        reply_bulk(at->reply, key.name);
        call_list_pop(at, &p, at_head);
        call_effectf(at, "sb", at_head ? "LPOP" : "RPOP", key.name);
        call_rejoin(call, at);
        return true;
    }
    return false;
}

static void pop(struct call *call, bool at_head)
{
    uint64_t deadline_ms;
    if (!call_timeout(call, call->argc - 1, &deadline_ms) || pop_one(call, at_head)) return;
    if (call_may_block(call))
        wait_for(call, 1, call->argc - 2, deadline_ms);
    else
        reply_null_array(call->reply);
}

static void cmd_blpop(struct call *call) { pop(call, true); }
static void cmd_brpop(struct call *call) { pop(call, false); }

static void cmd_blmpop(struct call *call)
{
    struct list_mpop m;
    uint64_t deadline_ms;
    if (!call_list_mpop(call, 2, &m) || !call_timeout(call, 1, &deadline_ms)) return;
    if (call_list_pop_first(call, &m)) return;
    if (call_may_block(call))
        wait_for(call, m.first_key, m.key_count, deadline_ms);
    else
        reply_null_array(call->reply);
}

// ---- BLMOVE and BRPOPLPUSH

// True: an element was moved.
static bool move(struct call *call, bool from_head, bool to_head)
{
    uint64_t deadline_ms;
    if (!call_timeout(call, call->argc - 1, &deadline_ms)) return false;
    struct key from = call_key(call, 1);
    struct entry *e = call_find(call, &from, FIND_WRITE);
    if (e) return call_list_move(call, e, from_head, to_head);
    if (call_may_block(call))
        wait_for(call, 1, 1, deadline_ms);
    else
        reply_null(call->reply);
    return false;
}

static void cmd_blmove(struct call *call)
{
    bool from_head, to_head;
    if (!call_list_side(call, 3, &from_head) || !call_list_side(call, 4, &to_head)) return;
    if (move(call, from_head, to_head))
        call_effectf(call, "sbbbb", "LMOVE", call->argv[1], call->argv[2], call->argv[3],
                     call->argv[4]);
}

static void cmd_brpoplpush(struct call *call)
{
    if (move(call, false, true))
        call_effectf(call, "sbb", "RPOPLPUSH", call->argv[1], call->argv[2]);
}
