// value_dump.h: a value as an object of Redis's snapshot format, for DUMP and for snapshots:
// written in slices, as it was when it was begun.
//
// Source:  spec/rdb.md sections 5 and 7. Redis 7.0 reads what is written (its types, version 10)
//          unless the hash has fields with deadlines, or keeps_active_times asks for more
// Thread:  the shard
// Memory:  a cut of the value, and a buffer of its own for small parts; the output is the caller's
//
//   string  0                       list  18, nodes of 8 KiB
//   set     11 intset, else 2       hash  16 as long as it is small, else 4; with deadlines 25, 24
//   zset    17 as long as it is small, else 5
//   stream  19; 21 with keeps_active_times, when a consumer was last active at another time than it
//           was seen
#pragma once
#include "dataplane/types/value_cut.h"
#include "storage/rdb/listpack.h"
#include "storage/rdb/rdb_format.h"
#include "storage/rdb/rdb_write.h"

struct value_dump_options {
    bool may_compress;
    bool keeps_active_times;
};

struct value_dump_list {
    const uint8_t *next; // the element that comes next; NULL: no more
    uint64_t nodes;      // counted, then still to be written
    bool is_counted;
};
enum {            // buffers of value_dump_stream
    PART_MASTER,  // fields of the node's first entry
    PART_FIELDS,  // of the entry under way
    PART_VALUES,  // so too
    PART_PAIRS,   // both, in turn
    PART_ENTRIES, // of the node so far
    PART_COUNT
};
struct value_dump_stream {
    uint32_t phase;
    bool has_item; // the iterator is at one that is not written yet
    struct stream_item item;
    uint64_t nodes;      // counted
    uint64_t node_bytes; // texts of the node under way
    struct rdb_buffer parts[PART_COUNT];
    uint32_t group, consumer; // under way
    struct stream_pending_iter pending;
};

struct value_dump {
    // What a caller may look at.
    enum rdb_type rdb_type;
    uint16_t rdb_version; // the first whose readers know the type
    // For value_dump*.c:
    struct rdb_buffer *out;
    struct value_dump_options options;
    struct rdb_buffer scratch; // a listpack under way
    uint64_t spent;            // of the budget
    uint64_t left;             // items not written yet
    // Texts of the item under way, and the score behind them.
    struct bytes texts[2];
    uint32_t text_count, text_at;
    bool has_score, has_long;
    double score;
    struct rdb_long_text long_text;
    bool has_head;        // is written
    uint64_t deadline_ms; // in the head of a hash
    struct value_cut cut; // from here on nothing is cleared by begin
    union value_iter iter;
    union {
        struct value_dump_list list;
        struct value_dump_stream stream;
    };
};

// Takes a cut of e's value (value_cut.h), and reads up to 32 KiB of a small one. Fields of a hash
// that expired by now_ms are left out; false: that left nothing, and the dump need not be ended.
bool value_dump_begin(struct value_dump *d, struct keyspace *k, const struct entry *e,
                      struct rdb_buffer *out, struct value_dump_options options, uint64_t now_ms);
// Writes the object, without its type: about `budget` elements, of which one stands for 128 bytes
// of text, too, or a piece of a long text. True: all is written. Between steps the caller may take
// what is in out.
bool value_dump_step(struct value_dump *d, uint32_t budget);
void value_dump_end(struct value_dump *d); // at any time after begin

// ---- between the files value_dump*.c
enum { VALUE_DUMP_SMALL_BYTES = 32 * 1024 }; // of a pack that is written as one listpack
bool value_dump_hash_begin(struct value_dump *d, const struct entry *e, uint64_t now_ms);
void value_dump_hash_item(struct value_dump *d); // the next one
void value_dump_stream_begin(struct value_dump *d);
bool value_dump_stream_item(struct value_dump *d); // true: all is written
void value_dump_stream_end(struct value_dump *d);
// A text as the item under way; or what is in d->scratch.
void value_dump_text(struct value_dump *d, struct bytes text);
void value_dump_scratch(struct value_dump *d);
