#include "dataplane/cmd/zset_range_args.h"

// One option at argv[i]; returns how many arguments it takes, 0: none that belongs here. Negative
// after an error reply. Directions and kinds may be said once, where the command leaves it open.
static int32_t range_option(struct call *call, uint32_t i, uint32_t *words,
                            struct zset_range_args *a)
{
    struct bytes word = call->argv[i];
    if ((*words & ZSET_WORD_WITHSCORES) && bytes_is_option(word, "withscores")) {
        a->with_scores = true;
        return 1;
    }
    if (i + 2 < call->argc && bytes_is_option(word, "limit"))
        return call_int(call, i + 1, &a->offset, NULL) && call_int(call, i + 2, &a->limit, NULL)
                   ? 3
                   : -1;
    if ((*words & ZSET_WORD_REV) && bytes_is_option(word, "rev")) {
        *words &= ~(uint32_t)ZSET_WORD_REV;
        a->is_reverse = true;
        return 1;
    }
    bool by_lex = bytes_is_option(word, "bylex"), by_score = bytes_is_option(word, "byscore");
    if (!(*words & ZSET_WORD_BY) || (!by_lex && !by_score)) return 0;
    *words &= ~(uint32_t)ZSET_WORD_BY;
    a->by = by_lex ? ZSET_BY_LEX : ZSET_BY_SCORE;
    return 1;
}

static bool refuse(struct call *call, const char *text)
{
    reply_error(call->reply, text);
    return false;
}

static bool range_options(struct call *call, uint32_t first, uint32_t words,
                          struct zset_range_args *a)
{
    a->with_scores = false;
    a->offset = 0;
    a->limit = -1;
    for (uint32_t i = first + 2; i < call->argc;) {
        int32_t taken = range_option(call, i, &words, a);
        if (taken < 0) return false;
        if (taken == 0) return refuse(call, reply_text_syntax);
        i += (uint32_t)taken;
    }
    // LIMIT 0 -1 is what there is without it.
    if (a->limit != -1 && a->by == ZSET_BY_RANK)
        return refuse(call, "ERR syntax error, LIMIT is only supported in combination with either "
                            "BYSCORE or BYLEX");
    if (a->with_scores && a->by == ZSET_BY_LEX)
        return refuse(call, "ERR syntax error, WITHSCORES not supported in combination with BYLEX");
    return true;
}

bool zset_range_parse(struct call *call, uint32_t first, uint32_t words, struct zset_range_args *a)
{
    if (!range_options(call, first, words, a)) return false;
    if (a->by == ZSET_BY_RANK)
        return call_int(call, first, &a->start, NULL) && call_int(call, first + 1, &a->stop, NULL);
    uint32_t min = a->is_reverse ? first + 1 : first, max = a->is_reverse ? first : first + 1;
    if (a->by == ZSET_BY_SCORE) return zset_parse_range(call, min, max, &a->scores);
    return zset_parse_lex(call, min, max, &a->lex);
}

uint64_t zset_clip_ranks(int64_t start, int64_t stop, uint64_t size, uint64_t *first)
{
    int64_t count = (int64_t)size;
    if (start < 0) start += count;
    if (stop < 0) stop += count;
    if (start < 0) start = 0;
    if (stop >= count) stop = count - 1;
    if (start > stop) return 0;
    *first = (uint64_t)start;
    return (uint64_t)(stop - start) + 1;
}

uint64_t zset_range_resolve(const struct zset_range_args *a, const struct zset_cut *cut,
                            uint64_t *count)
{
    uint64_t first = 0;
    if (a->by == ZSET_BY_RANK) {
        *count = zset_clip_ranks(a->start, a->stop, cut->count, &first);
        return a->is_reverse ? cut->count - 1 - first : first;
    }
    first = a->by == ZSET_BY_SCORE ? zset_cut_rank_of_range(cut, &a->scores, count)
                                   : zset_cut_rank_of_lex(cut, &a->lex, a->is_reverse, count);
    if (a->is_reverse) first = first + *count - 1;
    uint64_t skipped = (uint64_t)a->offset; // a negative offset skips all there is
    if (skipped >= *count) {
        *count = 0;
        return 0;
    }
    *count -= skipped;
    if (a->limit >= 0 && (uint64_t)a->limit < *count) *count = (uint64_t)a->limit;
    return a->is_reverse ? first - skipped : first + skipped;
}
