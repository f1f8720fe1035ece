// zset_algebra.h: unions, intersections and differences of sorted sets and sets.
//
// Source:  Redis 7.2 ZUNION, ZINTER, ZDIFF, ZINTERCARD and their STORE forms. Members of sets have
//          the score 1. Scores are added up in the order of Redis (sources by their size), so that
//          roundings are the same.
// Thread:  the shard
// Memory:  one allocation per command, sources included; large sources are cut
#pragma once
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/zset_args.h"
#include "dataplane/types/set_value.h"
#include "dataplane/cmd/zset_tell.h"

enum zset_op { ZSET_UNION, ZSET_INTER, ZSET_DIFF };
enum zset_aggregate { ZSET_SUM, ZSET_MIN, ZSET_MAX };

struct zset_source { // a key that is read
    bool is_set;
    uint32_t argument; // of argv
    double weight;
    uint64_t count;            // members; 0: no key
    struct keyspace *keyspace; // that it is in
    union {
        struct zset_cut zset;
        struct set_cut set;
    };
};
struct zset_source_iter {
    bool is_set;
    union {
        struct zset_iter zset;
        struct set_iter set;
    };
};
bool zset_source_score(struct keyspace *k, const struct zset_source *s, struct bytes member,
                       double *score);
void zset_source_iter_init(struct zset_source_iter *i, const struct zset_source *s);
bool zset_source_iter_next(struct zset_source_iter *i, struct bytes *member, double *score);

struct zset_algebra {
    struct job job;
    enum zset_op op;
    enum zset_aggregate aggregate;
    enum zset_form form; // of a reply that shows members
    bool is_store;       // into argv[1]
    bool is_count;       // ZINTERCARD: only how many, up to limit (0: all)
    bool is_direct;      // the sources are looks, nothing waits
    uint64_t limit, found;
    struct zset_builder builder; // of the result; not with is_count
    struct zset_tell tell;       // with is_store
    uint32_t at;                 // union: the source under way
    bool is_reading;             // iter is begun
    struct zset_source_iter iter;
    bool has_member; // one is at hand, looked for in the sources before probe
    uint32_t probe;
    struct bytes member;
    double score;
    bool is_listing;        // the members are on their way into the reply
    struct zset_cut result; // a look at the builder
    struct zset_iter listed;
    uint64_t left;
    uint32_t source_count;
    struct zset_source sources[];
};
// Everything but the sources' contents and the job is set. Takes it over and gives the reply.
void zset_algebra_run(struct call *call, struct zset_algebra *a);
