#include "dataplane/cmd/cmd_rows.h"
#include "dataplane/base/num.h"
#include "dataplane/base/status.h"
#include "dataplane/cmd/zset_args.h"

static command_body cmd_zadd, cmd_zcard, cmd_zcount, cmd_zincrby, cmd_zlexcount, cmd_zmscore,
    cmd_zrank, cmd_zrem, cmd_zrevrank, cmd_zscore;

// clang-format off
const struct command cmd_zsets[] = {
    // id, name, body, arity, first, last, step, flags, categories
    COMMAND(ZADD, "zadd", cmd_zadd, -4, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_SORTEDSET),
    COMMAND(ZCARD, "zcard", cmd_zcard, 2, 1, 1, 1, CMD_READONLY | CMD_FAST, ACL_SORTEDSET),
    COMMAND(ZCOUNT, "zcount", cmd_zcount, 4, 1, 1, 1, CMD_READONLY | CMD_FAST, ACL_SORTEDSET),
    COMMAND(ZINCRBY, "zincrby", cmd_zincrby, 4, 1, 1, 1, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_SORTEDSET),
    COMMAND(ZLEXCOUNT, "zlexcount", cmd_zlexcount, 4, 1, 1, 1, CMD_READONLY | CMD_FAST, ACL_SORTEDSET),
    COMMAND(ZMSCORE, "zmscore", cmd_zmscore, -3, 1, 1, 1, CMD_READONLY | CMD_FAST, ACL_SORTEDSET),
    COMMAND(ZRANK, "zrank", cmd_zrank, -3, 1, 1, 1, CMD_READONLY | CMD_FAST, ACL_SORTEDSET),
    COMMAND(ZREM, "zrem", cmd_zrem, -3, 1, 1, 1, CMD_WRITE | CMD_FAST, ACL_SORTEDSET),
    COMMAND(ZREVRANK, "zrevrank", cmd_zrevrank, -3, 1, 1, 1, CMD_READONLY | CMD_FAST, ACL_SORTEDSET),
    COMMAND(ZSCORE, "zscore", cmd_zscore, 3, 1, 1, 1, CMD_READONLY | CMD_FAST, ACL_SORTEDSET),
};
// clang-format on

// ---- ZADD, ZINCRBY

enum { SCORES_ON_STACK = 32 };

struct add {
    uint32_t flags; // enum zset_add_flags
    bool counts_changed;
    uint32_t first, pairs; // argv[first] is the first score
    double *scores;
    double on_stack[SCORES_ON_STACK];
};

static bool add_option(struct add *a, struct bytes word)
{
    static const struct {
        const char *word;
        uint32_t flag;
    } options[] = { { "nx", ZSET_NX }, { "xx", ZSET_XX },     { "gt", ZSET_GT },
                    { "lt", ZSET_LT }, { "incr", ZSET_INCR }, { "ch", 0 } };
    if (word.size && word.data[0] <= '9') return false; // a score, mostly
    for (uint32_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (!bytes_is_option(word, options[i].word)) continue;
        a->flags |= options[i].flag;
        a->counts_changed |= options[i].flag == 0;
        return true;
    }
    return false;
}

// NULL, or what does not go together.
static const char *add_trouble(const struct call *call, const struct add *a)
{
    uint32_t left = call->argc - a->first, f = a->flags;
    if (left == 0 || left % 2) return reply_text_syntax;
    if ((f & ZSET_NX) && (f & ZSET_XX))
        return "ERR XX and NX options at the same time are not compatible";
    if (((f & ZSET_GT) && (f & ZSET_NX)) || ((f & ZSET_LT) && (f & ZSET_NX)) ||
        ((f & ZSET_GT) && (f & ZSET_LT)))
        return "ERR GT, LT, and/or NX options at the same time are not compatible";
    if ((f & ZSET_INCR) && left > 2)
        return "ERR INCR option supports a single increment-element pair";
    return NULL;
}

static bool add_parse(struct call *call, struct add *a)
{
    const char *trouble = add_trouble(call, a);
    for (uint32_t i = 0; i < a->pairs && !trouble; i++)
        if (!zset_parse_score(call->argv[a->first + 2 * i], &a->scores[i]))
            trouble = reply_text_not_float;
    if (trouble) reply_error(call->reply, trouble);
    return trouble == NULL;
}

static void add_reply(struct call *call, const struct add *a, enum zset_added last, uint64_t added,
                      uint64_t changed)
{
    if (last == ZSET_NAN)
        reply_error(call->reply, "ERR resulting score is not a number (NaN)");
    else if (!(a->flags & ZSET_INCR))
        reply_int(call->reply, (int64_t)(a->counts_changed ? added + changed : added));
    else if (last == ZSET_REFUSED)
        reply_null(call->reply);
    else
        reply_double(call->reply, a->scores[0]);
}

static void add_run(struct call *call, const struct add *a)
{
    struct key key = call_key(call, 1);
    struct entry *e;
    uint64_t added = 0, changed = 0;
    enum zset_added last = ZSET_REFUSED;
    if (!zset_find(call, &key, FIND_WRITE, &e)) return;
    struct zset_place p = zset_place_of(call, &key, e);
    p.adds_expected = a->pairs;
    for (uint32_t i = 0; i < a->pairs; i++) {
        last = zset_add(&p, call->argv[a->first + 2 * i + 1], &a->scores[i], a->flags);
        added += last == ZSET_ADDED;
        changed += last == ZSET_CHANGED;
    }
    if (added + changed) {
        keyspace_add_dirty(call->keyspace, added + changed);
        call_changed(call, &key, EVENT_ZSET, a->flags & ZSET_INCR ? "zincr" : "zadd");
    }
    add_reply(call, a, last, added, changed);
}

static void add(struct call *call, struct add *a)
{
    struct heap *heap = call->server->heap;
    a->pairs = (call->argc - a->first) / 2;
    bool is_large = a->pairs > SCORES_ON_STACK;
    a->scores = is_large ? heap_take(heap, a->pairs * sizeof(double), HEAP_OTHER) : a->on_stack;
    if (add_parse(call, a)) add_run(call, a);
    if (is_large) heap_give(heap, a->scores, a->pairs * sizeof(double), HEAP_OTHER);
}

static void cmd_zadd(struct call *call)
{
    struct add a;
    a.flags = 0;
    a.counts_changed = false;
    a.first = 2;
    while (a.first < call->argc && add_option(&a, call->argv[a.first])) a.first++;
    add(call, &a);
}

static void cmd_zincrby(struct call *call)
{
    struct add a;
    a.flags = ZSET_INCR;
    a.counts_changed = false;
    a.first = 2;
    add(call, &a);
}

// ---- ZREM

static void cmd_zrem(struct call *call)
{
    struct key key = call_key(call, 1);
    struct entry *e;
    uint64_t count = 0;
    if (!zset_find(call, &key, FIND_WRITE, &e)) return;
    struct zset_place p = zset_place_of(call, &key, e);
    for (uint32_t i = 2; i < call->argc && p.entry; i++) count += zset_remove(&p, call->argv[i]);
    zset_note_removed(call, &p, count, "zrem");
    reply_int(call->reply, (int64_t)count);
}

// ---- one member, or how many

static void cmd_zcard(struct call *call)
{
    struct key key = call_key(call, 1);
    struct entry *e;
    if (zset_find(call, &key, FIND_READ, &e))
        reply_int(call->reply, e ? (int64_t)zset_count(e) : 0);
}

static void reply_score(struct call *call, const struct entry *e, struct bytes member)
{
    double score;
    if (e && zset_score(call->keyspace, e, member, &score))
        reply_double(call->reply, score);
    else
        reply_null(call->reply);
}

static void cmd_zscore(struct call *call)
{
    struct key key = call_key(call, 1);
    struct entry *e;
    if (zset_find(call, &key, FIND_READ, &e)) reply_score(call, e, call->argv[2]);
}

static void cmd_zmscore(struct call *call)
{
    struct key key = call_key(call, 1);
    struct entry *e;
    if (!zset_find(call, &key, FIND_READ, &e)) return;
    reply_array(call->reply, call->argc - 2);
    for (uint32_t i = 2; i < call->argc; i++) reply_score(call, e, call->argv[i]);
}

static void cmd_zcount(struct call *call)
{
    struct key key = call_key(call, 1);
    struct zset_range range;
    struct zset_cut look;
    struct entry *e;
    uint64_t count;
    if (!zset_parse_range(call, 2, 3, &range) || !zset_find(call, &key, FIND_READ, &e)) return;
    zset_look(e, &look);
    zset_cut_rank_of_range(&look, &range, &count);
    reply_int(call->reply, (int64_t)count);
}

static void cmd_zlexcount(struct call *call)
{
    struct key key = call_key(call, 1);
    struct zset_lex_range range;
    struct zset_cut look;
    struct entry *e;
    uint64_t count;
    if (!zset_parse_lex(call, 2, 3, &range) || !zset_find(call, &key, FIND_READ, &e)) return;
    zset_look(e, &look);
    zset_cut_rank_of_lex(&look, &range, false, &count);
    reply_int(call->reply, (int64_t)count);
}

// WITHSCORE came with Redis 7.2.
static bool rank_options(struct call *call, bool *with_score)
{
    *with_score = call->argc > 3;
    if (call->argc > 4)
        reply_error_arity(call->reply, call->command->full_name);
    else if (*with_score && !bytes_is_option(call->argv[3], "withscore"))
        reply_error(call->reply, reply_text_syntax);
    else
        return true;
    return false;
}

static void reply_rank(struct call *call, bool is_reverse)
{
    struct key key = call_key(call, 1);
    struct entry *e;
    uint64_t rank;
    double score;
    bool with_score;
    if (!rank_options(call, &with_score) || !zset_find(call, &key, FIND_READ, &e)) return;
    if (!e || !zset_rank(call->keyspace, e, call->argv[2], &rank, &score)) {
        if (with_score)
            reply_null_array(call->reply);
        else
            reply_null(call->reply);
        return;
    }
    if (with_score) reply_array(call->reply, 2);
    reply_int(call->reply, (int64_t)(is_reverse ? zset_count(e) - 1 - rank : rank));
    if (with_score) reply_double(call->reply, score);
}

static void cmd_zrank(struct call *call) { reply_rank(call, false); }

static void cmd_zrevrank(struct call *call) { reply_rank(call, true); }
