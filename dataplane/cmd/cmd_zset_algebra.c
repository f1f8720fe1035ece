#include "dataplane/base/num.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/zset_algebra.h"

static command_body cmd_zdiff, cmd_zdiffstore, cmd_zinter, cmd_zintercard, cmd_zinterstore,
    cmd_zunion, cmd_zunionstore;

// clang-format off
const struct command cmd_zset_algebras[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(ZDIFF, "zdiff", cmd_zdiff, -3, 0, 0, 0, CMD_READONLY | CMD_MOVABLEKEYS, ACL_SORTEDSET),
    COMMAND(ZDIFFSTORE, "zdiffstore", cmd_zdiffstore, -4, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_MOVABLEKEYS, ACL_SORTEDSET),
    COMMAND(ZINTER, "zinter", cmd_zinter, -3, 0, 0, 0, CMD_READONLY | CMD_MOVABLEKEYS, ACL_SORTEDSET),
    COMMAND(ZINTERCARD, "zintercard", cmd_zintercard, -3, 0, 0, 0, CMD_READONLY | CMD_MOVABLEKEYS, ACL_SORTEDSET),
    COMMAND(ZINTERSTORE, "zinterstore", cmd_zinterstore, -4, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_MOVABLEKEYS, ACL_SORTEDSET),
    COMMAND(ZUNION, "zunion", cmd_zunion, -3, 0, 0, 0, CMD_READONLY | CMD_MOVABLEKEYS, ACL_SORTEDSET),
    COMMAND(ZUNIONSTORE, "zunionstore", cmd_zunionstore, -4, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_MOVABLEKEYS, ACL_SORTEDSET),
};
// clang-format on

// Number of keys at argv[at]; 0 after an error reply.
static uint32_t parse_key_count(struct call *call, uint32_t at)
{
    int64_t count;
    if (!call_int(call, at, &count, NULL)) return 0;
    if (count < 1) {
        reply_errorf(call->reply, "ERR at least 1 input key is needed for '%s' command",
                     call->command->full_name);
        return 0;
    }
    if (count > (int64_t)call->argc - at - 1) {
        reply_error(call->reply, reply_text_syntax);
        return 0;
    }
    return (uint32_t)count;
}

// False after replying WRONGTYPE.
static bool find_sources(struct call *call, struct zset_algebra *a, uint32_t first)
{
    for (uint32_t i = 0; i < a->source_count; i++) {
        struct zset_source *s = &a->sources[i];
        struct key key = call_key(call, first + i);
        const struct entry *e = call_find(call, &key, FIND_READ);
        s->argument = first + i;
        s->weight = 1;
        s->is_set = e && entry_type(e) == TYPE_SET;
        if (!s->is_set && !call_check_type(call, e, TYPE_ZSET)) return false;
        s->count = !e ? 0 : s->is_set ? set_count(e) : zset_count(e);
    }
    return true;
}

static bool refuse(struct call *call, const char *text)
{
    reply_error(call->reply, text);
    return false;
}

static bool parse_weights(struct call *call, struct zset_algebra *a, uint32_t at)
{
    for (uint32_t i = 0; i < a->source_count; i++)
        if (!zset_parse_score(call->argv[at + i], &a->sources[i].weight))
            return refuse(call, "ERR weight value is not a float");
    return true;
}

static bool parse_aggregate(struct call *call, struct zset_algebra *a, struct bytes word)
{
    static const char *const words[] = { "sum", "min", "max" };
    for (uint32_t i = 0; i < 3; i++) {
        if (!bytes_is_option(word, words[i])) continue;
        a->aggregate = (enum zset_aggregate)i;
        return true;
    }
    return refuse(call, reply_text_syntax);
}

static bool parse_limit(struct call *call, struct zset_algebra *a, uint32_t at)
{
    static const char *const text = "ERR LIMIT can't be negative";
    int64_t limit;
    if (!call_int(call, at, &limit, text)) return false;
    a->limit = (uint64_t)limit;
    return limit >= 0 || refuse(call, text);
}

// The options behind the keys, each where the command has it.
static bool parse_options(struct call *call, struct zset_algebra *a, uint32_t at)
{
    bool has_scores = a->op != ZSET_DIFF && !a->is_count;
    while (at < call->argc) {
        uint32_t left = call->argc - at;
        struct bytes word = call->argv[at];
        if (has_scores && left > a->source_count && bytes_is_option(word, "weights")) {
            if (!parse_weights(call, a, at + 1)) return false;
            at += 1 + a->source_count;
        } else if (has_scores && left >= 2 && bytes_is_option(word, "aggregate")) {
            if (!parse_aggregate(call, a, call->argv[at + 1])) return false;
            at += 2;
        } else if (!a->is_store && !a->is_count && bytes_is_option(word, "withscores")) {
            a->form = zset_form_of(call, true);
            at++;
        } else if (a->is_count && left >= 2 && bytes_is_option(word, "limit")) {
            if (!parse_limit(call, a, at + 1)) return false;
            at += 2;
        } else {
            return refuse(call, reply_text_syntax);
        }
    }
    return true;
}

static void combine(struct call *call, enum zset_op op, bool is_store, bool is_count)
{
    struct heap *heap = call->server->heap;
    uint32_t at = is_store ? 2 : 1, count = parse_key_count(call, at);
    if (count == 0) return;
    size_t bytes = sizeof(struct zset_algebra) + count * sizeof(struct zset_source);
    struct zset_algebra *a = heap_take(heap, bytes, HEAP_OTHER);
    a->op = op;
    a->aggregate = ZSET_SUM;
    a->form = ZSET_MEMBERS;
    a->is_store = is_store;
    a->is_count = is_count;
    a->limit = 0;
    a->source_count = count;
    if (find_sources(call, a, at + 1) && parse_options(call, a, at + 1 + count))
        zset_algebra_run(call, a);
    else
        heap_give(heap, a, bytes, HEAP_OTHER);
}

static void cmd_zunion(struct call *call) { combine(call, ZSET_UNION, false, false); }

static void cmd_zunionstore(struct call *call) { combine(call, ZSET_UNION, true, false); }

static void cmd_zinter(struct call *call) { combine(call, ZSET_INTER, false, false); }

static void cmd_zinterstore(struct call *call) { combine(call, ZSET_INTER, true, false); }

static void cmd_zintercard(struct call *call) { combine(call, ZSET_INTER, false, true); }

static void cmd_zdiff(struct call *call) { combine(call, ZSET_DIFF, false, false); }

static void cmd_zdiffstore(struct call *call) { combine(call, ZSET_DIFF, true, false); }
