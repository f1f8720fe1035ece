// zset_range_args.h: which members ZRANGE and its older relatives mean.
//
// Source:  Redis 7.2 ZRANGE, ZRANGEBYSCORE, ZRANGEBYLEX ... one grammar for all
// Thread:  the shard
#pragma once
#include "dataplane/cmd/zset_args.h"

enum zset_by { ZSET_BY_RANK, ZSET_BY_SCORE, ZSET_BY_LEX };

struct zset_range_args {
    enum zset_by by;
    bool is_reverse, with_scores;
    int64_t offset, limit; // LIMIT's
    int64_t start, stop;   // by rank
    struct zset_range scores;
    struct zset_lex_range lex;
};
enum zset_words { // the options that a command takes, besides LIMIT
    ZSET_WORD_BY = 1,
    ZSET_WORD_REV = 2,
    ZSET_WORD_WITHSCORES = 4,
};
// argv[first], argv[first + 1] are the ends, options follow. by and is_reverse are what the command
// says; words what it lets the options say. False after an error reply.
bool zset_range_parse(struct call *call, uint32_t first, uint32_t words, struct zset_range_args *a);
// The rank of the first member in the range's own direction, and how many there are.
uint64_t zset_range_resolve(const struct zset_range_args *a, const struct zset_cut *cut,
                            uint64_t *count);
// Ranks start..stop (from the end when negative) of size; returns how many, *first the lowest.
uint64_t zset_clip_ranks(int64_t start, int64_t stop, uint64_t size, uint64_t *first);
