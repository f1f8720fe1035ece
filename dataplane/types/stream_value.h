// stream_value.h: streams: entries by ID, and their consumer groups.
//
// Source:  Redis 7.2. What commands can see of its nodes (XTRIM ~ removes whole ones, XINFO counts
//          them) follows its rule: up to stream-node-max-entries entries, deleted ones too, and
//          stream-node-max-bytes of listpack, whose size is reckoned along.
// Thread:  the shard
// Memory:  an entry's value: struct stream_object with a tree of chunks (stream_chunk.h) sorted by
//          ID and, outside of it, the last chunk, which grows. An empty stream stays.
#pragma once
#include "dataplane/keyspace/keyspace.h"
#include "dataplane/keyspace/tree.h"
#include "dataplane/types/stream_chunk.h"
#include "dataplane/types/stream_group.h"
#include "dataplane/types/stream_id.h"
#include "dataplane/types/thresholds.h"

struct stream_object;
struct stream_facts {
    uint64_t count;         // entries
    uint64_t entries_added; // ever, or as XSETID said
    uint64_t node_count;    // Redis's
    struct stream_id last;  // ever added, or as XSETID said
    struct stream_id first; // of those there; 0-0: none is
    struct stream_id max_deleted;
};
// A version of a stream. The one that a stream has now changes with it; a cut stays as it is.
struct stream_cut {
    struct stream_facts facts;
    struct tree chunks;
    struct blob *tail; // the last chunk: base, body; NULL: none
    struct stream_groups groups;
};
// Groups are copied only when asked for: O(groups and consumers).
void stream_cut(struct keyspace *k, const struct entry *e, bool with_groups,
                struct stream_cut *cut);
void stream_cut_init(struct stream_cut *cut); // of nothing
void stream_cut_drop(struct keyspace *k, struct stream_cut *cut);

// The stream of an entry. What is read of it is good until it is changed.
struct stream_object *stream_of(const struct entry *e);
const struct stream_cut *stream_now(const struct stream_object *s);
struct stream_groups *stream_groups(struct stream_object *s);
struct stream_place {
    struct keyspace *keyspace;
    uint32_t db;
    const struct key *key;
    struct entry *entry;
};
struct stream_object *stream_make(struct stream_place *p); // an empty one, where no key is

// ---- reading
struct stream_spot { // a chunk
    struct tree_cursor cursor;
    struct stream_chunk chunk;
    bool in_tail;
};
struct stream_item {
    struct stream_id id;
    uint32_t pair_count; // of field and value
    bool starts_node;    // it is the first one of a node of Redis's
};
struct stream_iter {
    const struct stream_cut *cut;
    struct stream_id from, to;
    bool is_backwards, in_node, is_over;
    struct stream_spot spot;
    struct stream_chunk_reader reader;
    uint32_t left; // backwards: entries of the chunk not shown yet
    uint32_t offsets[STREAM_CHUNK_ENTRIES_MAX];
    struct stream_id before[STREAM_CHUNK_ENTRIES_MAX];
};
// Entries from `from` to `to`, both included; backwards: from `to` down to `from`.
void stream_iter_init(struct stream_iter *i, const struct stream_cut *cut, struct stream_id from,
                      struct stream_id to, bool backwards);
bool stream_iter_next(struct stream_iter *i, struct stream_item *out);
// Up to pair_count times after each next. The texts are good until the next call.
bool stream_iter_pair(struct stream_iter *i, struct bytes *field, struct bytes *value);
bool stream_has(const struct stream_cut *cut, struct stream_id id);
// About how many entries there are in the range, rather more: O(depth).
uint64_t stream_guess_count(const struct stream_cut *cut, struct stream_id from,
                            struct stream_id to);
// How many nodes Redis's radix tree of nodes has (XINFO); of streams that are not small, about.
uint64_t stream_radix_nodes(const struct stream_cut *cut);
struct stream_id stream_edge(const struct stream_cut *cut, bool last); // 0-0: it is empty

// ---- changes
enum { STREAM_ITEM_BYTES_MAX = 1 << 30 }; // all texts of an entry
// id is above facts.last; texts: field, value, ..., no more than STREAM_ITEM_BYTES_MAX, which may
// not lie in the stream.
void stream_append(struct keyspace *k, const struct thresholds *t, struct stream_object *s,
                   struct stream_id id, const struct bytes *texts, uint32_t text_count);
// XDEL of one. False: not there.
bool stream_remove(struct keyspace *k, struct stream_object *s, struct stream_id id);
void stream_set_last(struct stream_object *s, struct stream_id last); // XSETID
void stream_set_entries_added(struct stream_object *s, uint64_t entries_added);
void stream_set_max_deleted(struct stream_object *s, struct stream_id max_deleted);

// Trimming: planned in portions, then done at once: O(depth) and a node's work.
struct stream_trim {
    bool by_id;       // entries below id_min go, else all but count_max
    bool approximate; // whole nodes only
    uint64_t count_max;
    struct stream_id id_min;
    uint64_t limit; // no more than so many go; 0: any number
    // The plan so far:
    uint64_t removed; // entries
    uint64_t chunk_count, node_count;
    bool takes_tail;
    uint64_t part; // of the node behind: how many entries go, at most
};
// Looks at about `budget` chunks. True: the plan is complete. The stream may not have changed
// between the calls, nor before stream_trim_apply.
bool stream_trim_plan(const struct stream_cut *now, struct stream_trim *t, uint64_t budget);
uint64_t stream_trim_apply(struct keyspace *k, struct stream_object *s, struct stream_trim *t);
void stream_trim_forget(struct stream_trim *t); // the plan so far: the stream has changed

// ---- how far a group is (XINFO's lag)
// How many entries were ever added up to id, or STREAM_READ_UNKNOWN.
int64_t stream_position(const struct stream_facts *f, struct stream_id id);
bool stream_has_holes_from(const struct stream_facts *f, struct stream_id id); // left by XDEL
// False: it cannot be said.
bool stream_group_lag(const struct stream_facts *f, const struct stream_group *g, int64_t *lag);
// The group gets the entry id, which is above its last one.
void stream_group_advance(const struct stream_facts *f, struct stream_group *g,
                          struct stream_id id);

// ---- a stream made elsewhere (RESTORE): entries in order, facts, groups; then put at a key in
// place of what is there.
struct stream_builder {
    struct keyspace *keyspace;
    struct stream_object *object;
    struct stream_group *group;       // the one under way
    struct stream_consumer *consumer; // the one under way
    // The entry under way:
    struct stream_id id;
    bool starts_node;
    uint64_t text_count, texts_room; // given so far; places at texts
    uint64_t text_total;             // announced
    struct bytes *texts;             // data: where in `bytes`, until all are there
    uint8_t *bytes;
    size_t bytes_used, bytes_room;
};
void stream_build_begin(struct stream_builder *b, struct keyspace *k);
// Opens an entry, of which pair_count pairs follow. starts_node: where it comes from a node of
// Redis's began there; without it goes to the node before, if that one is not beyond bounds. False:
// the ID is not above the last one, or pair_count is 0, or the entry before is not complete.
bool stream_build_entry(struct stream_builder *b, struct stream_id id, uint64_t pair_count,
                        bool starts_node);
// False: more pairs than announced, or too much text for an entry.
bool stream_build_pair(struct stream_builder *b, struct bytes field, struct bytes value);
// count, first and node_count follow from the entries. False: last is below the last entry's ID, or
// an entry is not complete.
bool stream_build_facts(struct stream_builder *b, const struct stream_facts *facts);
// A group: its pending entries, then its consumers and whose those entries are. False: it has this
// name already.
bool stream_build_group(struct stream_builder *b, struct bytes name, struct stream_id last,
                        int64_t entries_read);
bool stream_build_pending(struct stream_builder *b, struct stream_id id, int64_t delivered_ms,
                          uint64_t delivery_count); // false: is there already
bool stream_build_consumer(struct stream_builder *b, struct bytes name, int64_t seen_ms,
                           int64_t active_ms);                          // false: is there already
bool stream_build_owned(struct stream_builder *b, struct stream_id id); // false: not free
bool stream_build_group_end(const struct stream_builder *b); // false: one entry is nobody's
struct entry *stream_build_put(struct stream_builder *b, uint32_t db, const struct key *key);
void stream_build_drop(struct stream_builder *b); // instead of put
