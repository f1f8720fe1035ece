#include "dataplane/base/num.h"
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/cmd/zset_take.h"

static command_body cmd_bzmpop, cmd_bzpopmax, cmd_bzpopmin, cmd_zmpop, cmd_zpopmax, cmd_zpopmin;

// clang-format off
const struct command cmd_zset_pops[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(BZMPOP, "bzmpop", cmd_bzmpop, -5, 0, 0, 0, CMD_WRITE | CMD_BLOCKING | CMD_MOVABLEKEYS, ACL_SORTEDSET),
    COMMAND(BZPOPMAX, "bzpopmax", cmd_bzpopmax, -3, 1, -2, 1, CMD_WRITE | CMD_FAST | CMD_BLOCKING, ACL_SORTEDSET),
    COMMAND(BZPOPMIN, "bzpopmin", cmd_bzpopmin, -3, 1, -2, 1, CMD_WRITE | CMD_FAST | CMD_BLOCKING, ACL_SORTEDSET),
    COMMAND(ZMPOP, "zmpop", cmd_zmpop, -4, 0, 0, 0, CMD_WRITE | CMD_MOVABLEKEYS, ACL_SORTEDSET),
    COMMAND(ZPOPMAX, "zpopmax", cmd_zpopmax, -2, 1, 1, 1, CMD_WRITE | CMD_FAST, ACL_SORTEDSET),
    COMMAND(ZPOPMIN, "zpopmin", cmd_zpopmin, -2, 1, 1, 1, CMD_WRITE | CMD_FAST, ACL_SORTEDSET),
};
// clang-format on

// What is popped once the key and the header of the reply are settled.
static struct zset_take pop_of(const struct entry *e, uint32_t key_index, bool is_max,
                               uint64_t count)
{
    uint64_t size = zset_count(e);
    if (count > size) count = size;
    return (struct zset_take){
        .key_index = key_index,
        .first = is_max ? size - count : 0,
        .count = count,
        .event = is_max ? "zpopmax" : "zpopmin",
        .shows = true,
        .backwards = is_max,
    };
}

// ---- ZPOPMIN, ZPOPMAX

static bool parse_count(struct call *call, int64_t *count)
{
    *count = 1;
    if (call->argc > 3) {
        reply_error(call->reply, reply_text_syntax);
        return false;
    }
    static const char *const text = "ERR value is out of range, must be positive";
    if (call->argc == 2) return true;
    if (!call_int(call, 2, count, text)) return false;
    if (*count < 0) reply_error(call->reply, text);
    return *count >= 0;
}

static void pop(struct call *call, bool is_max)
{
    struct key key = call_key(call, 1);
    struct entry *e;
    int64_t count;
    if (!parse_count(call, &count) || !zset_find(call, &key, FIND_WRITE, &e)) return;
    if (!e || count == 0) {
        reply_array(call->reply, 0);
        return;
    }
    struct zset_take take = pop_of(e, 1, is_max, (uint64_t)count);
    // Without a count RESP3 has one member and its score, not a list of one pair.
    take.form = call->argc == 2 ? ZSET_FLAT_PAIRS : zset_form_of(call, true);
    zset_reply_header(call->reply, take.count, take.form);
    zset_take(call, e, &take);
}

static void cmd_zpopmin(struct call *call) { pop(call, false); }

static void cmd_zpopmax(struct call *call) { pop(call, true); }

// ---- from the first of several keys

// The first of argv[first..first+count-1] that holds anything; 0: none. *e NULL after WRONGTYPE.
static uint32_t first_with_members(struct call *call, uint32_t first, uint32_t count,
                                   struct entry **e)
{
    for (uint32_t i = first; i < first + count; i++) {
        struct key key = call_key(call, i);
        if (!zset_find(call, &key, FIND_WRITE, e)) {
            *e = NULL;
            return i;
        }
        if (*e) return i;
    }
    return 0;
}

static void take_settled(struct call *call, struct entry *e, const struct zset_take *take)
{
    struct call room, *at = call_settle(call, call->argv[take->key_index], &room);
    zset_take(at, e, take);
    call_rejoin(call, at);
}

static void block(struct call *call, uint32_t first, uint32_t count, uint64_t deadline_ms)
{
    if (!call_may_block(call)) {
        reply_null_array(call->reply);
        return;
    }
    call_block(call, &(struct block_wish){
                         .first = first,
                         .count = count,
                         .type = TYPE_ZSET,
                         .deadline_ms = deadline_ms,
                         .reply = BLOCK_NULL_ARRAY,
                     });
}

static void blocking_pop(struct call *call, bool is_max)
{
    struct entry *e;
    uint64_t deadline_ms;
    if (!call_timeout(call, call->argc - 1, &deadline_ms)) return;
    uint32_t index = first_with_members(call, 1, call->argc - 2, &e);
    if (index == 0) {
        block(call, 1, call->argc - 2, deadline_ms);
        return;
    }
    if (!e) return;
    struct zset_take take = pop_of(e, index, is_max, 1);
    take.effect = ZSET_EFFECT_POP;
    take.form = ZSET_FLAT_PAIRS;
    reply_array(call->reply, 3);
    reply_bulk(call->reply, call->argv[index]);
    take_settled(call, e, &take);
}

static void cmd_bzpopmin(struct call *call) { blocking_pop(call, false); }

static void cmd_bzpopmax(struct call *call) { blocking_pop(call, true); }

// ---- ZMPOP, BZMPOP

struct mpop {
    uint32_t first, keys;
    bool is_max;
    int64_t count;
};

static bool parse_at_least_one(struct call *call, uint32_t index, const char *error, int64_t *value)
{
    if (!call_int(call, index, value, error)) return false;
    if (*value < 1) reply_error(call->reply, error);
    return *value >= 1;
}

static bool mpop_options(struct call *call, uint32_t at, struct mpop *m)
{
    bool has_count = false;
    m->count = 1;
    m->is_max = bytes_is_option(call->argv[at], "max");
    if (!m->is_max && !bytes_is_option(call->argv[at], "min")) goto refuse;
    for (at++; at < call->argc; at += 2, has_count = true) {
        if (has_count || at + 1 >= call->argc || !bytes_is_option(call->argv[at], "count"))
            goto refuse;
        if (!parse_at_least_one(call, at + 1, "ERR count should be greater than 0", &m->count))
            return false;
    }
    return true;
refuse:
    reply_error(call->reply, reply_text_syntax);
    return false;
}

static bool mpop_parse(struct call *call, uint32_t keys_index, struct mpop *m)
{
    int64_t keys;
    if (!parse_at_least_one(call, keys_index, "ERR numkeys should be greater than 0", &keys))
        return false;
    if (keys >= (int64_t)call->argc - keys_index - 1) {
        reply_error(call->reply, reply_text_syntax);
        return false;
    }
    m->first = keys_index + 1;
    m->keys = (uint32_t)keys;
    return mpop_options(call, m->first + m->keys, m);
}

// False: there is nothing to pop.
static bool mpop(struct call *call, const struct mpop *m)
{
    struct entry *e;
    uint32_t index = first_with_members(call, m->first, m->keys, &e);
    if (index == 0) return false;
    if (!e) return true;
    struct zset_take take = pop_of(e, index, m->is_max, (uint64_t)m->count);
    take.effect = ZSET_EFFECT_POP_COUNT;
    take.form = ZSET_PAIRS;
    reply_array(call->reply, 2);
    reply_bulk(call->reply, call->argv[index]);
    zset_reply_header(call->reply, take.count, take.form);
    take_settled(call, e, &take);
    return true;
}

static void cmd_zmpop(struct call *call)
{
    struct mpop m;
    if (mpop_parse(call, 1, &m) && !mpop(call, &m)) reply_null_array(call->reply);
}

static void cmd_bzmpop(struct call *call)
{
    struct mpop m;
    uint64_t deadline_ms;
    if (!mpop_parse(call, 2, &m) || !call_timeout(call, 1, &deadline_ms)) return;
    if (!mpop(call, &m)) block(call, m.first, m.keys, deadline_ms);
}
