// Lists: pushing, and single elements.
#include "dataplane/cmd/cmd_list.h"
#include "dataplane/base/num.h"
#include "dataplane/cmd/cmd_rows.h"

static command_body cmd_lindex, cmd_llen, cmd_lpush, cmd_lpushx, cmd_lset, cmd_ltrim, cmd_rpush,
    cmd_rpushx;

// clang-format off
const struct command cmd_lists[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(LINDEX, "lindex", cmd_lindex, 3, 1, 1, 1, CMD_READONLY, ACL_LIST),
    COMMAND(LLEN, "llen", cmd_llen, 2, 1, 1, 1, CMD_READONLY | CMD_FAST, ACL_LIST),
    COMMAND(LPUSH, "lpush", cmd_lpush, -3, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_LIST),
    COMMAND(LPUSHX, "lpushx", cmd_lpushx, -3, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_LIST),
    COMMAND(LSET, "lset", cmd_lset, 4, 1, 1, 1, CMD_WRITE | CMD_DENYOOM, ACL_LIST),
    COMMAND(LTRIM, "ltrim", cmd_ltrim, 4, 1, 1, 1, CMD_WRITE, ACL_LIST),
    COMMAND(RPUSH, "rpush", cmd_rpush, -3, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_LIST),
    COMMAND(RPUSHX, "rpushx", cmd_rpushx, -3, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_LIST),
};
// clang-format on

// ---- shared

struct list_place call_list_place(struct call *call, const struct key *key, struct entry *e)
{
    return (struct list_place){ .keyspace = call_keyspace(call, key->name),
                                .thresholds = &call->server->thresholds,
                                .db = call->client->db,
                                .key = key,
                                .entry = e };
}

bool call_list_side(struct call *call, uint32_t index, bool *at_head)
{
    *at_head = bytes_is_option(call->argv[index], "left");
    if (*at_head || bytes_is_option(call->argv[index], "right")) return true;
    reply_error(call->reply, reply_text_syntax);
    return false;
}

bool call_count(struct call *call, uint32_t index, int64_t min, int64_t *out, const char *error)
{
    if (num_parse_int(call->argv[index], out) && *out >= min) return true;
    reply_error(call->reply, error);
    return false;
}

void list_range(uint64_t length, int64_t first, int64_t last, uint64_t *start, uint64_t *count)
{
    int64_t n = (int64_t)length;
    if (first < 0) first += n;
    if (last < 0) last += n;
    if (first < 0) first = 0;
    if (last >= n) last = n - 1;
    *start = (uint64_t)first;
    *count = first > last ? 0 : (uint64_t)(last - first + 1);
}

// ---- pushing

static void push(struct call *call, bool at_head, bool only_if_there)
{
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, FIND_WRITE);
    if (!call_check_type(call, e, TYPE_LIST)) return;
    if (!e && only_if_there) {
        reply_int(call->reply, 0);
        return;
    }
    struct list_place p = call_list_place(call, &key, e);
    list_value_push_all(&p, at_head, call->argv + 2, call->argc - 2);
    keyspace_add_dirty(call->keyspace, call->argc - 2);
    call_changed(call, &key, EVENT_LIST, at_head ? "lpush" : "rpush");
    reply_int(call->reply, (int64_t)list_value_count(p.entry));
}

static void cmd_lpush(struct call *call) { push(call, true, false); }
static void cmd_rpush(struct call *call) { push(call, false, false); }
static void cmd_lpushx(struct call *call) { push(call, true, true); }
static void cmd_rpushx(struct call *call) { push(call, false, true); }

// ---- single elements

static void cmd_llen(struct call *call)
{
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, FIND_READ);
    if (!call_check_type(call, e, TYPE_LIST)) return;
    reply_int(call->reply, e ? (int64_t)list_value_count(e) : 0);
}

// argv[2] as an index of e's list: false when it lies outside, or after an error was replied.
static bool list_index(struct call *call, const struct entry *e, uint64_t *index, bool *is_number)
{
    int64_t at, count = (int64_t)list_value_count(e);
    *is_number = call_int(call, 2, &at, NULL);
    if (!*is_number) return false;
    if (at < 0) at += count;
    *index = (uint64_t)at;
    return at >= 0 && at < count;
}

static void cmd_lindex(struct call *call)
{
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, FIND_READ);
    uint64_t index;
    bool is_number = true;
    char scratch[24];
    if (!call_check_type(call, e, TYPE_LIST)) return;
    if (e && list_index(call, e, &index, &is_number))
        reply_bulk(call->reply, list_value_at(e, index, scratch));
    else if (is_number)
        reply_null(call->reply);
}

static void cmd_lset(struct call *call)
{
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, FIND_WRITE);
    uint64_t index;
    bool is_number;
    if (!e) {
        reply_error(call->reply, reply_text_no_key);
        return;
    }
    if (!call_check_type(call, e, TYPE_LIST)) return;
    bool is_there = list_index(call, e, &index, &is_number);
    if (!is_number) return;
    struct list_place p = call_list_place(call, &key, e);
    list_value_expect(&p, &call->argv[3], 1);
    if (!is_there) {
        reply_error(call->reply, reply_text_out_of_range);
        return;
    }
    list_value_set(&p, index, call->argv[3]);
    keyspace_add_dirty(call->keyspace, 1);
    call_changed(call, &key, EVENT_LIST, "lset");
    reply_ok(call->reply);
}

static void cmd_ltrim(struct call *call)
{
    int64_t first, last;
    uint64_t start, count;
    if (!call_int(call, 2, &first, NULL) || !call_int(call, 3, &last, NULL)) return;
    struct key key = call_key(call, 1);
    struct entry *e = call_find(call, &key, FIND_WRITE);
    if (!call_check_type(call, e, TYPE_LIST)) return;
    if (e) {
        struct list_place p = call_list_place(call, &key, e);
        uint64_t length = list_value_count(e);
        list_range(length, first, last, &start, &count);
        if (count == 0) {
            list_value_remove_range(&p, 0, length);
        } else {
            list_value_remove_range(&p, start + count, length - start - count);
            list_value_remove_range(&p, 0, start);
        }
        call_list_removed(call, &p, "ltrim", length - count);
    }
    reply_ok(call->reply);
}
