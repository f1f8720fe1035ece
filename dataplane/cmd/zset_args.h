// zset_args.h: arguments and replies that the commands of sorted sets share.
//
// Source:  Redis 7.2
// Thread:  the shard
#pragma once
#include "dataplane/cmd/call_home.h"
#include "dataplane/cmd/cmd.h"
#include "dataplane/types/zset_value.h"

extern const char *const zset_text_not_lex; // "ERR min or max not valid string range item"

// A score as ZADD takes it: as num_parse_double, whole numbers quickly.
bool zset_parse_score(struct bytes text, double *score);
// argv[min], argv[max]: "(1.5", "-inf" ... False after replying what is wrong.
bool zset_parse_range(struct call *call, uint32_t min, uint32_t max, struct zset_range *range);
// "-", "+", "[a", "(a"
bool zset_parse_lex(struct call *call, uint32_t min, uint32_t max, struct zset_lex_range *range);

// The entry at the key, NULL when there is none. False after replying WRONGTYPE.
bool zset_find(struct call *call, const struct key *key, enum find_flags flags, struct entry **e);
struct zset_place zset_place_of(struct call *call, const struct key *key, struct entry *e);
// ZPOPMIN and the like and ZREM took members away: counts, tells, and says that the key went.
void zset_note_removed(struct call *call, const struct zset_place *p, uint64_t count,
                       const char *event);

// ---- members in replies
enum zset_form {
    ZSET_MEMBERS,
    ZSET_FLAT_PAIRS, // member, score, member, score ...
    ZSET_PAIRS,      // arrays of two
};
// With scores, as most commands show them: flat in RESP2, pairs in RESP3.
static inline enum zset_form zset_form_of(const struct call *call, bool with_scores)
{
    if (!with_scores) return ZSET_MEMBERS;
    return call->reply->version >= 3 ? ZSET_PAIRS : ZSET_FLAT_PAIRS;
}
void zset_reply_header(struct reply *r, uint64_t count, enum zset_form form);
void zset_reply_member(struct reply *r, struct bytes member, double score, enum zset_form form);
// Up to *left members from i on, as long as there is time; true: all of them.
bool zset_reply_some(struct reply *r, struct zset_iter *i, uint64_t *left, enum zset_form form,
                     uint64_t until_tsc);
// The members of e from rank on, upwards or downwards, behind their header: at once or as a job.
// e may be NULL when count is 0.
void zset_reply_ranks(struct call *call, const struct entry *e, uint64_t rank, uint64_t count,
                      bool backwards, enum zset_form form);
// The same from a cut, which is taken over, and behind a header that was written already. The value
// may be gone.
void zset_reply_cut(struct call *call, struct zset_cut *cut, uint64_t rank, uint64_t count,
                    bool backwards, enum zset_form form);

// ---- destinations (ZRANGESTORE, ZUNIONSTORE, GEOSEARCHSTORE ...)
// Puts what was built at key, and tells and replies of it: event, or "del" when it is empty.
// Returns whether anything changed.
bool zset_store(struct call *call, struct zset_builder *b, const struct key *key,
                const char *event);
