// stream_priv.h: what the files of streams share.
//
// Thread:  the shard
// Memory:  see stream_value.h
#pragma once
#include "dataplane/keyspace/object.h"
#include "dataplane/types/stream_value.h"

// The last of Redis's nodes, which an entry is added to or not. Reckoned anew when it is not known,
// after the node that was the last one has gone.
struct stream_node {
    bool is_known;
    uint32_t chunk_count;
    uint64_t live, ever, listpack_bytes;
    struct stream_id master; // its first ID
};
struct stream_object {
    struct object object;
    struct stream_cut now;
    struct stream_id tail_last; // last written ID of the tail
    struct stream_node node;
};
extern const struct tree_shape stream_chunk_shape, stream_group_pending_shape,
    stream_consumer_pending_shape;
struct stream_object *stream_object_new(struct keyspace *k);
void stream_object_give(struct keyspace *k, struct stream_object *s);

// ---- stream_spot.c: chunks in order, those of the tree and the tail
bool stream_spot_first(const struct stream_cut *cut, struct stream_spot *spot); // false: none
bool stream_spot_last(const struct stream_cut *cut, struct stream_spot *spot);
bool stream_spot_at(const struct stream_cut *cut, uint64_t index, struct stream_spot *spot);
bool stream_spot_next(const struct stream_cut *cut, struct stream_spot *spot);
bool stream_spot_prev(const struct stream_cut *cut, struct stream_spot *spot);
// The chunk that id is in, if it is in any. False: all begin behind it.
bool stream_spot_of(const struct stream_cut *cut, struct stream_id id, struct stream_spot *spot);
uint64_t stream_spot_index(const struct stream_cut *cut, const struct stream_spot *spot);
static inline uint64_t stream_spot_count(const struct stream_cut *cut)
{
    return cut->chunks.count + (cut->tail != NULL);
}

// ---- stream_edit.c: a chunk's body where it may be changed
struct stream_edit {
    struct stream_spot spot;
    uint8_t *body;
    size_t size;
    size_t room; // of the copy, for one in the tree
};
void stream_edit_begin(struct keyspace *k, struct stream_object *s, struct stream_edit *e);
void stream_edit_end(struct keyspace *k, struct stream_object *s, struct stream_edit *e);
void stream_tail_reserve(struct keyspace *k, struct stream_object *s, size_t size);
void stream_tail_drop(struct stream_object *s);
void stream_find_first(struct stream_object *s); // facts.first anew
void stream_node_measure(struct stream_object *s);

// What an element of so many bytes and its back link take in Redis's listpack.
uint32_t stream_listpack_element(uint32_t size);
uint32_t stream_listpack_int(int64_t value);

// ---- stream_append.c
// It opens a node or, within its bounds, joins the last one, whatever the thresholds say.
void stream_append_as(struct keyspace *k, struct stream_object *s, struct stream_id id,
                      const struct bytes *texts, uint32_t text_count, bool starts_node);

// ---- stream_pending.c
// The first `count` of what the consumer has pending.
void stream_pending_remove_first(struct tree_space *s, struct stream_group *g,
                                 struct stream_consumer *consumer, uint64_t count);
