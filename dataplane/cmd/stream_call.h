// stream_call.h: what the commands of streams share.
//
// Source:  Redis 7.2; spec/aof.md chapter 4
// Thread:  the shard
// Memory:  none of its own
#pragma once
#include "dataplane/cmd/cmd.h"
#include "dataplane/types/stream_value.h"

// The entry at the key, NULL when there is none. False after replying WRONGTYPE.
bool stream_find(struct call *call, const struct key *key, enum find_flags flags, struct entry **e);
struct stream_object *stream_create(struct call *call, const struct key *key);

// ---- arguments
// An ID; without a number within the ms that is missing_seq. any_seq: NULL, or it may be '*'.
// Replies the error.
bool stream_arg_id(struct call *call, uint32_t index, uint64_t missing_seq, struct stream_id *id,
                   bool *any_seq);
// Ends of an interval: "-", "+", IDs, '(' in front of excluded ones. Replies the errors.
bool stream_arg_start(struct call *call, uint32_t index, struct stream_id *id);
bool stream_arg_end(struct call *call, uint32_t index, struct stream_id *id);
// An error made of texts and arguments, which end at a NUL as in Redis.
void stream_error(struct call *call, const char *before, struct bytes first, const char *between,
                  struct bytes second, const char *behind);
void stream_error_syntax(struct call *call); // of XGROUP and XINFO
void stream_error_no_group(struct call *call, struct bytes key, struct bytes group);

// ---- replies
void reply_stream_id(struct reply *r, struct stream_id id);
bool reply_stream_entry(struct reply *r, const struct stream_cut *cut,
                        struct stream_id id); // false: no such entry, and no reply
void reply_stream_item(struct reply *r, struct stream_iter *i, const struct stream_item *item);
// Entries one after the other, in portions; what is asked for is what is still to come.
struct stream_sending {
    struct stream_id from, to;
    bool is_backwards;
    uint64_t left, sent;
};
bool stream_send(struct reply *r, const struct stream_cut *cut, struct stream_sending *s,
                 uint64_t until_tsc); // true: all were sent

// ---- groups
// Found or made; it was seen now. *created is told of, but is nobody's effect yet.
struct stream_consumer *stream_consumer_for(struct call *call, const struct key *key,
                                            struct stream_group *g, struct bytes name,
                                            bool *created);
void stream_effect_claim(struct call *call, struct bytes key, const struct stream_group *g,
                         const struct stream_pending *p);
void stream_effect_group_last(struct call *call, struct bytes key, const struct stream_group *g);
void stream_effect_consumer(struct call *call, struct bytes key, const struct stream_group *g,
                            const struct stream_consumer *c);
