#include <math.h>
#include "dataplane/base/num.h"
#include "dataplane/base/status.h"
#include "dataplane/cmd/cmd_rows.h"

static command_body cmd_decr, cmd_decrby, cmd_incr, cmd_incrby, cmd_incrbyfloat;

// clang-format off
const struct command cmd_numbers[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(DECR, "decr", cmd_decr, 2, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_STRING),
    COMMAND(DECRBY, "decrby", cmd_decrby, 3, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_STRING),
    COMMAND(INCR, "incr", cmd_incr, 2, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_STRING),
    COMMAND(INCRBY, "incrby", cmd_incrby, 3, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_STRING),
    COMMAND(INCRBYFLOAT, "incrbyfloat", cmd_incrbyfloat, 3, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_FAST,
            ACL_STRING),
};
// clang-format on

static void add(struct call *call, int64_t delta)
{
    struct key key = call_key(call, 1);
    uint32_t db = call->client->db;
    struct entry *e = call_find(call, &key, FIND_WRITE);
    if (!call_check_type(call, e, TYPE_STRING)) return;
    int64_t value = 0;
    if (e && !string_read_int(e, &value)) {
        reply_error(call->reply, reply_text_not_integer);
        return;
    }
    if (__builtin_add_overflow(value, delta, &value)) {
        reply_error(call->reply, "ERR increment or decrement would overflow");
        return;
    }
    string_set_int(call->keyspace, db, &key, e, value);
    call_changed(call, &key, EVENT_STRING, "incrby");
    reply_int(call->reply, value);
}

static void cmd_incr(struct call *call) { add(call, 1); }

static void cmd_decr(struct call *call) { add(call, -1); }

static void cmd_incrby(struct call *call)
{
    int64_t delta;
    if (call_int(call, 2, &delta, NULL)) add(call, delta);
}

static void cmd_decrby(struct call *call)
{
    int64_t delta;
    if (!call_int(call, 2, &delta, NULL)) return;
    if (delta == INT64_MIN)
        reply_error(call->reply, "ERR decrement would overflow");
    else
        add(call, -delta);
}

// The stored value and the argument, in that order; false after replying that one is no float.
static bool read_floats(struct call *call, const struct entry *e, long double *value,
                        long double *delta)
{
    *value = 0;
    struct string_view view;
    if (e) string_read(e, &view);
    if ((!e || num_parse_long_double(view.bytes, value)) &&
        num_parse_long_double(call->argv[2], delta))
        return true;
    reply_error(call->reply, reply_text_not_float);
    return false;
}

static void cmd_incrbyfloat(struct call *call)
{
    struct key key = call_key(call, 1);
    uint32_t db = call->client->db;
    struct entry *e = call_find(call, &key, FIND_WRITE);
    long double value, delta;
    if (!call_check_type(call, e, TYPE_STRING) || !read_floats(call, e, &value, &delta)) return;
    value += delta;
    if (!isfinite(value)) {
        reply_error(call->reply, "ERR increment would produce NaN or Infinity");
        return;
    }
    char text[NUM_DOUBLE_MAX];
    struct bytes out = bytes_make(text, num_format_long_double(text, value));
    string_set(call->keyspace, db, &key, out, NULL, KEYSPACE_NO_DEADLINE,
               SET_KEEP_DEADLINE | SET_TEXT, call->now_ms);
    call_changed(call, &key, EVENT_STRING, "incrbyfloat");
    call_effectf(call, "sbbs", "SET", key.name, out, "KEEPTTL"); // floats may differ elsewhere
    reply_bulk(call->reply, out);
}
