// value_restore.h: a value from an object of Redis's snapshot format, for RESTORE and for loading:
// read in slices, beside the keyspace, and put at its key when all of it proved to be right.
//
// Source:  spec/rdb.md sections 5 to 7: all types and encodings of versions 1 to 12, but modules
// Thread:  the shard
// Memory:  a builder of the value's type and buffers for texts that have to be expanded; the
//          payload is borrowed from begin to end
// The payload comes from outside. What Redis only checks with sanitize-dump-payload is always
// checked: every length, every element, duplicates.
#pragma once
#include "dataplane/types/hash_value.h"
#include "dataplane/types/list_value.h"
#include "dataplane/types/set_value.h"
#include "dataplane/types/stream_value.h"
#include "dataplane/types/zset_value.h"
#include "storage/rdb/compact.h"
#include "storage/rdb/rdb_format.h"
#include "storage/rdb/rdb_read.h"

struct value_restore_string {
    struct rdb_raw_text raw;
    struct blob *blob; // NULL: it is small
    size_t at;         // of blob: copied
    struct lzf_expander lzf;
    bool is_read;
};
struct value_restore_stream {
    struct stream_builder builder;
    uint32_t phase;
    uint64_t nodes, groups, consumers, pending; // still to come
    // The node under way:
    struct stream_id base;
    struct compact fields; // before the first of those that all its entries may have
    uint64_t field_count;
    int64_t live, deleted; // entries still to come
    bool has_begun;        // the first live entry was read
    struct stream_facts facts;
};

struct value_restore_facts;
struct value_restore {
    // For value_restore*.c:
    struct keyspace *keyspace;
    const struct thresholds *thresholds;
    enum rdb_type rdb_type;
    enum value_type type;
    const struct value_restore_facts *facts; // of the type
    struct bytes in;                         // what is left of the payload
    uint64_t text_bytes_max;
    uint64_t left;           // items, or nodes, still to be read
    uint64_t spent;          // of the budget
    struct rdb_text text[2]; // of the item under way
    uint32_t text_count;     // read so far
    bool is_open, has_head;  // the builder was begun; the head is read
    bool in_compact;         // elements come from a buffer
    bool has_container;      // of a list's node is read
    uint64_t container;
    struct compact compact;
    struct compact_element group[3]; // of elements that belong together
    uint32_t group_count;
    uint64_t deadline_base_ms, deadline_ms;
    bool has_deadline; // of the item under way is read
    union {
        struct value_restore_string string;
        struct list_builder list;
        struct set_builder set;
        struct zset_builder zset;
        struct hash_builder hash;
        struct value_restore_stream stream;
    };
};
enum value_restore_result {
    VALUE_RESTORE_MORE,
    VALUE_RESTORE_DONE,
    VALUE_RESTORE_EMPTY, // all was read, and is a collection without elements: nothing to put
    VALUE_RESTORE_BROKEN
};

// payload: behind the type and, in a snapshot, the key. Texts of more than text_bytes_max are
// refused. False: there is no such type; nothing has to be ended.
bool value_restore_begin(struct value_restore *r, struct keyspace *k, const struct thresholds *t,
                         uint8_t rdb_type, struct bytes payload, uint64_t text_bytes_max);
// Reads about budget elements; a KiB of text counts as one more.
enum value_restore_result value_restore_step(struct value_restore *r, uint32_t budget);
// After VALUE_RESTORE_DONE: in place of what is at key, without a deadline. Counts no change but a
// string's. NULL: fields with deadlines were all that there was, and those have passed.
struct entry *value_restore_put(struct value_restore *r, uint32_t db, const struct key *key,
                                uint64_t now_ms);
// What the object left of the payload: bytes of others. After VALUE_RESTORE_BROKEN it begins behind
// what could be read.
static inline struct bytes value_restore_rest(const struct value_restore *r) { return r->in; }
void value_restore_end(struct value_restore *r); // at any time after begin; also after put

// ---- between the files value_restore*.c
enum rdb_result value_restore_text(struct value_restore *r, uint32_t i); // into text[i]
enum value_restore_result value_restore_string_step(struct value_restore *r);
struct entry *value_restore_string_put(struct value_restore *r, uint32_t db, const struct key *key,
                                       uint64_t now_ms);
void value_restore_stream_begin(struct value_restore *r);
enum value_restore_result value_restore_stream_step(struct value_restore *r);
