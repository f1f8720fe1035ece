#include "dataplane/base/num.h"
#include "dataplane/base/status.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/set_algebra.h"

static command_body cmd_sdiff, cmd_sdiffstore, cmd_sinter, cmd_sintercard, cmd_sinterstore,
    cmd_sunion, cmd_sunionstore;

// clang-format off
const struct command cmd_sets_algebra[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(SDIFF, "sdiff", cmd_sdiff, -2, 1, -1, 1, CMD_READONLY, ACL_SET),
    COMMAND(SDIFFSTORE, "sdiffstore", cmd_sdiffstore, -3, 1, -1, 1, CMD_WRITE | CMD_DENYOOM, ACL_SET),
    COMMAND(SINTER, "sinter", cmd_sinter, -2, 1, -1, 1, CMD_READONLY, ACL_SET),
    COMMAND(SINTERCARD, "sintercard", cmd_sintercard, -3, 0, 0, 0, CMD_READONLY | CMD_MOVABLEKEYS, ACL_SET),
    COMMAND(SINTERSTORE, "sinterstore", cmd_sinterstore, -3, 1, -1, 1, CMD_WRITE | CMD_DENYOOM, ACL_SET),
    COMMAND(SUNION, "sunion", cmd_sunion, -2, 1, -1, 1, CMD_READONLY, ACL_SET),
    COMMAND(SUNIONSTORE, "sunionstore", cmd_sunionstore, -3, 1, -1, 1, CMD_WRITE | CMD_DENYOOM, ACL_SET),
};
// clang-format on

static void show(struct call *call, enum set_operation operation)
{
    struct set_algebra_args args = {
        .operation = operation, .goal = SET_SHOW, .first_key = 1, .key_count = call->argc - 1
    };
    set_algebra(call, &args);
}

static void store(struct call *call, enum set_operation operation, const char *event)
{
    struct set_algebra_args args = { .operation = operation,
                                     .goal = SET_STORE,
                                     .first_key = 2,
                                     .key_count = call->argc - 2,
                                     .event = event };
    set_algebra(call, &args);
}

static void cmd_sinter(struct call *call) { show(call, SET_INTER); }

static void cmd_sunion(struct call *call) { show(call, SET_UNION); }

static void cmd_sdiff(struct call *call) { show(call, SET_DIFF); }

static void cmd_sinterstore(struct call *call) { store(call, SET_INTER, "sinterstore"); }

static void cmd_sunionstore(struct call *call) { store(call, SET_UNION, "sunionstore"); }

static void cmd_sdiffstore(struct call *call) { store(call, SET_DIFF, "sdiffstore"); }

static bool parse_limit(struct call *call, uint32_t index, uint64_t *limit)
{
    int64_t value;
    if (!call_int(call, index, &value, "ERR LIMIT can't be negative")) return false;
    *limit = (uint64_t)value;
    if (value >= 0) return true;
    reply_error(call->reply, "ERR LIMIT can't be negative");
    return false;
}

static void cmd_sintercard(struct call *call)
{
    struct set_algebra_args args = { .operation = SET_INTER, .goal = SET_COUNT, .first_key = 2 };
    static const char *const error = "ERR numkeys should be greater than 0";
    int64_t count;
    if (!call_int(call, 1, &count, error)) return;
    if (count < 1) {
        reply_error(call->reply, error);
        return;
    }
    if (count > call->argc - 2) {
        reply_error(call->reply, "ERR Number of keys can't be greater than number of args");
        return;
    }
    args.key_count = (uint32_t)count;
    for (uint32_t i = 2 + args.key_count; i < call->argc; i += 2) {
        if (!bytes_is_option(call->argv[i], "limit") || i + 1 == call->argc) {
            reply_error(call->reply, reply_text_syntax);
            return;
        }
        if (!parse_limit(call, i + 1, &args.limit)) return;
    }
    set_algebra(call, &args);
}
