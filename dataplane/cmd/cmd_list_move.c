// From one list to another, or around in one.
#include "dataplane/cmd/cmd_list.h"
#include "dataplane/cmd/cmd_rows.h"

static command_body cmd_lmove, cmd_rpoplpush;

// clang-format off
const struct command cmd_list_moves[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(LMOVE, "lmove", cmd_lmove, 5, 1, 2, 1, CMD_WRITE | CMD_DENYOOM, ACL_LIST),
    COMMAND(RPOPLPUSH, "rpoplpush", cmd_rpoplpush, 3, 1, 2, 1, CMD_WRITE | CMD_DENYOOM, ACL_LIST),
};
// clang-format on

enum { SMALL_BYTES = 512 };

// The element, out of the way of changes: its list may be the one it is pushed to.
static struct bytes hold(struct call *call, struct bytes value, uint8_t small[SMALL_BYTES])
{
    uint8_t *to = small;
    if (value.size > SMALL_BYTES) to = heap_take(call->server->heap, value.size, HEAP_OTHER);
    if (value.size) memcpy(to, value.data, value.size);
    return bytes_make(to, value.size);
}

static void let_go(struct call *call, struct bytes value)
{
    if (value.size <= SMALL_BYTES) return;
    heap_give(call->server->heap, (void *)(uintptr_t)value.data, value.size, HEAP_OTHER);
}

// Pushes before it pops, so that a list of one element that is turned around never is empty.
bool call_list_move(struct call *call, struct entry *source, bool from_head, bool to_head)
{
    struct key from = call_key(call, 1), to = call_key(call, 2);
    char scratch[24];
    uint8_t small[SMALL_BYTES];
    if (!call_check_type(call, source, TYPE_LIST)) return false;
    uint64_t index = from_head ? 0 : list_value_count(source) - 1;
    struct bytes value = hold(call, list_value_at(source, index, scratch), small);
    struct entry *e = call_find(call, &to, FIND_WRITE);
    bool fits = call_check_type(call, e, TYPE_LIST);
    if (fits) {
        struct list_place p = call_list_place(call, &to, e);
        list_value_push(&p, to_head, value);
        reply_bulk(call->reply, value);
        call_changed(call, &to, EVENT_LIST, to_head ? "lpush" : "rpush");
        p = call_list_place(call, &from, call_find(call, &from, FIND_QUIET));
        list_value_pop(&p, from_head, NULL, NULL);
        call_list_removed(call, &p, from_head ? "lpop" : "rpop", 1);
    }
    let_go(call, value);
    return fits;
}

static void move(struct call *call, bool from_head, bool to_head)
{
    struct key from = call_key(call, 1);
    struct entry *e = call_find(call, &from, FIND_WRITE);
    if (e)
        call_list_move(call, e, from_head, to_head);
    else
        reply_null(call->reply);
}

static void cmd_lmove(struct call *call)
{
    bool from_head, to_head;
    if (call_list_side(call, 3, &from_head) && call_list_side(call, 4, &to_head))
        move(call, from_head, to_head);
}

static void cmd_rpoplpush(struct call *call) { move(call, false, true); }
