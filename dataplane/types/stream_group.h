// stream_group.h: consumer groups of a stream: who was given which entry, and has not confirmed it.
//
// Source:  Redis 7.2's behaviour (XGROUP, XREADGROUP, XCLAIM; seen and active times of consumers)
// Thread:  the shard
// Memory:  a group and a consumer are one allocation each, held by arrays sorted by name; what is
//          pending is in trees sorted by ID: the group's has it all (ID, time, count, consumer's
//          slot), a consumer's has its own IDs. A copy costs O(groups and consumers): the trees are
//          cut.
// Units:   ms since 1970
#pragma once
#include "dataplane/keyspace/tree.h"
#include "dataplane/types/stream_id.h"

struct object_place;

enum { STREAM_NO_SLOT = UINT32_MAX };
// Of entries_read: it cannot be said. Of active_ms: it never was.
#define STREAM_READ_UNKNOWN ((int64_t)-1)
#define STREAM_NEVER_ACTIVE ((int64_t)-1)

struct stream_consumer {
    int64_t seen_ms;     // it asked for something
    int64_t active_ms;   // it got something, or STREAM_NEVER_ACTIVE
    struct tree pending; // IDs
    uint32_t slot;       // what the group's records call it
    uint32_t name_size;
    uint8_t name[];
};
struct stream_group {
    struct stream_id last; // delivered
    int64_t entries_read;  // or STREAM_READ_UNKNOWN
    struct tree pending;
    struct stream_consumer **consumers; // by name
    struct stream_consumer **slots;     // by slot; NULL: free
    uint32_t consumer_count, consumer_room;
    uint32_t slot_count, slot_room;
    uint32_t slot_free; // no slot below it is
    uint32_t name_size;
    uint8_t name[];
};
struct stream_groups {
    struct stream_group **groups; // by name
    uint32_t count, room;
};
static inline struct bytes stream_group_name(const struct stream_group *g)
{
    return bytes_make(g->name, g->name_size);
}
static inline struct bytes stream_consumer_name(const struct stream_consumer *c)
{
    return bytes_make(c->name, c->name_size);
}

struct stream_group *stream_group_find(const struct stream_groups *all, struct bytes name);
// NULL: one of this name is there.
struct stream_group *stream_group_new(struct tree_space *s, struct stream_groups *all,
                                      struct bytes name, struct stream_id last,
                                      int64_t entries_read);
void stream_group_drop(struct tree_space *s, struct stream_groups *all, struct stream_group *g);
void stream_groups_drop(struct tree_space *s, struct stream_groups *all);
void stream_groups_copy(struct tree_space *s, const struct stream_groups *from,
                        struct stream_groups *to);
// Of the groups from place->group - 1 on: object.h, next_tree.
struct tree *stream_groups_next_tree(const struct stream_groups *all, struct object_place *place);
uint64_t stream_groups_memory_bytes(const struct stream_groups *all);

struct stream_consumer *stream_consumer_find(const struct stream_group *g, struct bytes name);
// NULL: one of this name is there.
struct stream_consumer *stream_consumer_new(struct tree_space *s, struct stream_group *g,
                                            struct bytes name, int64_t now_ms);
// What it had pending goes first, at most budget entries of it. True: the consumer is gone.
bool stream_consumer_drop(struct tree_space *s, struct stream_group *g, struct stream_consumer *c,
                          uint64_t budget);

// ---- pending entries
struct stream_pending {
    struct stream_id id;
    int64_t delivered_ms;
    uint64_t delivery_count;
    struct stream_consumer *consumer; // NULL: nobody's yet (while a group is being built)
};
bool stream_pending_find(const struct stream_group *g, struct stream_id id,
                         struct stream_pending *out);
// Adds it, or changes all of it but its ID, the consumer too.
void stream_pending_put(struct tree_space *s, struct stream_group *g,
                        const struct stream_pending *p);
bool stream_pending_remove(struct tree_space *s, struct stream_group *g, struct stream_id id);

// Those of a group, or of one consumer, from an ID on.
struct stream_pending_iter {
    const struct stream_group *group;
    const struct stream_consumer *consumer; // NULL: all
    struct tree_cursor cursor;
};
void stream_pending_iter_init(struct stream_pending_iter *i, const struct stream_group *g,
                              const struct stream_consumer *consumer, struct stream_id from);
bool stream_pending_iter_next(struct stream_pending_iter *i, struct stream_pending *out);
