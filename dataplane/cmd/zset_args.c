#include "dataplane/cmd/zset_args.h"
#include <math.h>
#include <stdlib.h>
#include "dataplane/base/num.h"
#include "dataplane/base/status.h"

enum { WHOLE_DIGITS_MAX = 15, TEXT_ON_STACK = 128 };

const char *const zset_text_not_lex = "ERR min or max not valid string range item";

static bool parse_whole(struct bytes text, double *score)
{
    int64_t whole;
    if (text.size > WHOLE_DIGITS_MAX || !num_parse_int(text, &whole)) return false;
    *score = (double)whole;
    return true;
}

bool zset_parse_score(struct bytes text, double *score)
{
    return LIKELY(parse_whole(text, score)) || num_parse_double(text, score);
}

// Redis leaves bounds to strtod alone: blanks before the number, nothing at all (0) and numbers out
// of range (infinite) are fine, a NUL ends the text.
static bool parse_loosely(struct bytes text, double *value)
{
    char on_stack[TEXT_ON_STACK], *end;
    char *copy = text.size < sizeof on_stack ? on_stack : malloc(text.size + 1);
    if (!copy) return false;
    if (text.size) memcpy(copy, text.data, text.size);
    copy[text.size] = 0;
    *value = strtod(copy, &end);
    bool parsed = *end == 0 && !isnan(*value);
    if (copy != on_stack) free(copy);
    return parsed;
}

static bool parse_bound(struct bytes text, double *value, bool *is_exclusive)
{
    *is_exclusive = text.size > 0 && text.data[0] == '(';
    if (*is_exclusive) bytes_skip(&text, 1);
    return parse_whole(text, value) || parse_loosely(text, value);
}

bool zset_parse_range(struct call *call, uint32_t min, uint32_t max, struct zset_range *range)
{
    if (parse_bound(call->argv[min], &range->min, &range->min_exclusive) &&
        parse_bound(call->argv[max], &range->max, &range->max_exclusive))
        return true;
    reply_error(call->reply, "ERR min or max is not a float");
    return false;
}

// One end of a range of members: infinite is -1 for "-", 1 for "+".
struct lex_end {
    struct bytes member;
    bool is_exclusive;
    int infinite;
};

static bool parse_lex_end(struct bytes text, struct lex_end *end)
{
    *end = (struct lex_end){ 0 };
    if (text.size == 0) return false;
    uint8_t kind = text.data[0];
    bool is_alone = text.size == 1 || text.data[1] == 0; // Redis looks at a C string there
    end->infinite = kind == '-' ? -1 : kind == '+' ? 1 : 0;
    if (end->infinite) return is_alone;
    end->is_exclusive = kind == '(';
    bytes_skip(&text, 1);
    end->member = text;
    return kind == '(' || kind == '[';
}

bool zset_parse_lex(struct call *call, uint32_t min, uint32_t max, struct zset_lex_range *range)
{
    struct lex_end low, high;
    if (!parse_lex_end(call->argv[min], &low) || !parse_lex_end(call->argv[max], &high)) {
        reply_error(call->reply, zset_text_not_lex);
        return false;
    }
    *range = (struct zset_lex_range){
        .min = low.member,
        .max = high.member,
        .min_exclusive = low.is_exclusive,
        .max_exclusive = high.is_exclusive,
        .is_empty = low.infinite > 0 || high.infinite < 0,
    };
    return true;
}

// ---- keys

bool zset_find(struct call *call, const struct key *key, enum find_flags flags, struct entry **e)
{
    *e = call_find(call, key, flags);
    return call_check_type(call, *e, TYPE_ZSET);
}

struct zset_place zset_place_of(struct call *call, const struct key *key, struct entry *e)
{
    return (struct zset_place){
        .keyspace = call_keyspace(call, key->name),
        .thresholds = &call->server->thresholds,
        .db = call->client->db,
        .key = key,
        .entry = e,
    };
}

void zset_note_removed(struct call *call, const struct zset_place *p, uint64_t count,
                       const char *event)
{
    if (count == 0) return;
    keyspace_add_dirty(p->keyspace, count);
    call_changed(call, p->key, EVENT_ZSET, event);
    if (!p->entry) call_changed(call, p->key, EVENT_GENERIC, "del");
}

// ---- stores

bool zset_store(struct call *call, struct zset_builder *b, const struct key *key, const char *event)
{
    uint32_t db = call->client->db;
    uint64_t count = zset_build_count(b);
    bool was_there = keyspace_find(call->keyspace, db, key, FIND_QUIET, call->now_ms) != NULL;
    zset_build_put(b, db, key, call->now_ms);
    if (count)
        call_changed(call, key, EVENT_ZSET, event);
    else if (was_there)
        call_changed(call, key, EVENT_GENERIC, "del");
    keyspace_add_dirty(call_keyspace(call, key->name), count || was_there);
    reply_int(call->reply, (int64_t)count);
    return count || was_there;
}
