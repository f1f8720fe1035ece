// Which ranks a range of scores or of members covers, and ZSCAN's walk.
#include "dataplane/types/zset_priv.h"

// ---- scores. A bound is where the members on its lower side end.

struct score_bound {
    double score;
    bool is_behind; // members of this very score are on the lower side
};

static bool is_below(double score, const struct score_bound *b)
{
    return b->is_behind ? score <= b->score : score < b->score;
}

static int bound_compare(const void *target, const uint8_t *record)
{
    return is_below(zset_record_score(record), target) ? -1 : 1;
}

// How many members lie below the bound.
static uint64_t rank_of_bound(const struct zset_cut *cut, const struct score_bound *b)
{
    if (cut->encoding != ENCODING_LISTPACK) {
        struct tree_cursor c;
        tree_seek(&cut->sorted, zset_score_mark(b->score), bound_compare, b, &c);
        return tree_index(&c);
    }
    uint64_t rank = 0;
    const uint8_t *at = pack_first(cut->bytes), *end = pack_end(cut->bytes);
    for (; at < end && is_below(zset_pair_score(at), b); at += zset_pair_size(at)) rank++;
    return rank;
}

uint64_t zset_cut_rank_of_range(const struct zset_cut *cut, const struct zset_range *r,
                                uint64_t *count)
{
    *count = 0;
    if (cut->count == 0) return 0;
    struct score_bound lower = { r->min, r->min_exclusive }, upper = { r->max, !r->max_exclusive };
    uint64_t first = rank_of_bound(cut, &lower), end = rank_of_bound(cut, &upper);
    if (end > first) *count = end - first;
    return first;
}

// ---- members. Redis promises something only when all have one score. Of several, a pack gives
// what Redis's listpack does, which is where its searches end; a tree gives some range, as a
// skiplist does.

static bool is_below_lex(struct bytes member, const struct zset_lex_range *r)
{
    if (!r->min.data) return false;
    int order = zset_member_compare(member, r->min);
    return r->min_exclusive ? order <= 0 : order < 0;
}

static bool is_above_lex(struct bytes member, const struct zset_lex_range *r)
{
    if (!r->max.data) return false;
    int order = zset_member_compare(member, r->max);
    return r->max_exclusive ? order >= 0 : order > 0;
}

// Redis looks there first, and that too tells when scores differ.
static bool ends_are_outside(const struct zset_cut *cut, const struct zset_lex_range *r)
{
    struct bytes member;
    char scratch[24];
    double score;
    zset_cut_at(cut, 0, scratch, &member, &score);
    if (is_above_lex(member, r)) return true;
    zset_cut_at(cut, cut->count - 1, scratch, &member, &score);
    return is_below_lex(member, r);
}

static uint64_t pack_rank_of_lex(const struct zset_cut *cut, const struct zset_lex_range *r,
                                 bool backwards, uint64_t *count)
{
    struct zset_iter i;
    struct bytes member;
    double score;
    uint64_t passed = 0;
    zset_iter_init(&i, cut, backwards ? cut->count - 1 : 0, backwards);
    while (zset_iter_next(&i, &member, &score)) {
        bool is_below = is_below_lex(member, r), is_above = is_above_lex(member, r);
        if (*count == 0 && (backwards ? is_above : is_below))
            passed++;
        else if (is_below || is_above)
            break;
        else
            ++*count;
    }
    return backwards ? cut->count - passed - *count : passed;
}

static int before_min(const void *target, const uint8_t *record)
{
    char scratch[24];
    return is_below_lex(packed_text(record + ZSET_SCORE_BYTES, scratch), target) ? -1 : 1;
}

static int upto_max(const void *target, const uint8_t *record)
{
    char scratch[24];
    return is_above_lex(packed_text(record + ZSET_SCORE_BYTES, scratch), target) ? 1 : -1;
}

static uint64_t tree_rank_of_lex(const struct tree *sorted, const struct zset_lex_range *r,
                                 uint64_t *count)
{
    struct tree_cursor first, end;
    tree_first(sorted, &first);
    uint64_t mark = zset_score_mark(zset_record_score(first.record));
    if (r->min.data) tree_seek(sorted, mark, before_min, r, &first);
    uint64_t from = tree_index(&first), to = sorted->count;
    if (r->max.data) {
        tree_seek(sorted, mark, upto_max, r, &end);
        to = tree_index(&end);
    }
    if (to > from) *count = to - from;
    return from;
}

uint64_t zset_cut_rank_of_lex(const struct zset_cut *cut, const struct zset_lex_range *r,
                              bool backwards, uint64_t *count)
{
    *count = 0;
    if (cut->count == 0 || r->is_empty || ends_are_outside(cut, r)) return 0;
    if (cut->encoding == ENCODING_LISTPACK) return pack_rank_of_lex(cut, r, backwards, count);
    return tree_rank_of_lex(&cut->sorted, r, count);
}

// ---- ZSCAN

struct scan {
    zset_visit *visit;
    void *context;
};

static void scan_visit(void *context, const uint8_t *record)
{
    const struct scan *s = context;
    char scratch[24];
    s->visit(s->context, packed_text(record + ZSET_SCORE_BYTES, scratch),
             zset_record_score(record));
}

uint64_t zset_scan(const struct zset_cut *cut, uint64_t cursor, uint64_t least, zset_visit *visit,
                   void *context)
{
    if (cut->count == 0) return 0;
    if (cut->encoding != ENCODING_LISTPACK) {
        // Half of the tree's cursor, rounded up, which is in the same leaf: clients may read it as
        // a signed number.
        struct scan s = { visit, context };
        uint64_t next = tree_scan(&cut->by_hash, cursor << 1, least, scan_visit, &s);
        uint64_t half = next / 2 + (next & 1);
        return half <= INT64_MAX ? half : INT64_MAX;
    }
    char scratch[24];
    const uint8_t *at = pack_first(cut->bytes), *end = pack_end(cut->bytes);
    for (; at < end; at += zset_pair_size(at))
        visit(context, packed_text(at, scratch), zset_pair_score(at));
    return 0;
}
