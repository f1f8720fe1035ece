// stream_read.h: XREAD and XREADGROUP: what was asked for, and how far it is answered.
//
// Source:  Redis 7.2: XREAD, XREADGROUP; spec/aof.md chapter 4
// Thread:  the shard
// Memory:  one heap allocation (HEAP_OTHER), and while XREAD is long, cuts of its streams
//
// Streams are answered one after the other. XREAD's long form reads cuts that were taken at its
// beginning; XREADGROUP, which writes, keeps its keys closed and finds its group again each time.
#pragma once
#include "dataplane/cmd/job.h"
#include "dataplane/cmd/stream_call.h"

struct stream_source {
    struct stream_id after;
    bool is_new, is_last;      // given as '>'; as '$'
    struct keyspace *keyspace; // of its cut
};
struct stream_read {
    struct job job;
    size_t bytes; // of this allocation
    bool is_group, no_ack, blocks;
    uint64_t deadline_ms; // of BLOCK; 0: never
    int64_t now_ms;       // the moment of it all
    uint64_t count_max;
    uint32_t group_index; // argument; the consumer's name is behind it
    uint32_t first_key, key_count;
    struct stream_cut *cuts; // NULL: the streams themselves
    // Progress: streams before `at` are answered.
    uint32_t at, served;
    bool in_stream, is_history, is_created, has_advanced;
    uint64_t left, sent; // of stream `at`
    struct stream_id next;
    struct reply_later all, entries;
    struct stream_source sources[];
};
// ---- stream_read_args.c
// The command's arguments, with IDs looked up; NULL after replying the error.
struct stream_read *stream_read_parse(struct call *call, bool is_group);
void stream_read_give(struct server *server, struct stream_read *r);
static inline struct key stream_read_key(const struct call *call, const struct stream_read *r,
                                         uint32_t index)
{
    return call_key(call, r->first_key + index);
}
// The stream and the group that are to be read now; *g NULL for XREAD. False: not there.
bool stream_read_find(struct call *call, const struct stream_read *r, const struct key *key,
                      struct stream_object **s, struct stream_group **g);
bool stream_has_more(const struct stream_cut *now, struct stream_id id); // entries behind id
// About how many entries the answer will have.
uint64_t stream_read_guess(struct call *call, const struct stream_read *r);
// Waits for one of the keys, with '$' as the IDs they meant.
void stream_read_wait(struct call *call, const struct stream_read *r);
