// stream_chunk.h: a run of a stream's entries in one text.
//
// Source:  Penstock's own. Redis keeps up to 100 entries in a listpack, its node; here a node is
// one
//          chunk or several of about STREAM_CHUNK_BYTES, so that a change beside a cut copies
//          little. Of the listpack that Redis would have, the size is known all the same.
// Thread:  any
// Memory:  none; the bytes are our own making and are trusted
//
//   base: the first entry's ID, outside of the text (it is the record's key, and stays when that
//   entry goes)
//   u8 flags         STREAM_CHUNK_STARTS_NODE: else it belongs to the same node as the one before
//   u8 live          entries that are there
//   u8 ever          entries that ever were
//   u8 written       entries and ghosts in this text
//   le32 listpack    bytes that Redis's listpack has of this
//   le32 head bytes  of what follows up to the first entry: varint count, packed names of fields
//   entries: u8      bits 0-1 how the ID is written, 2 ITEM_SAME, 3 ITEM_GHOST,
//                    4-7 n: 0..14, or 15 and a varint of n - 15 follows
//            ID      0: the same ms as the one before, seq + n (the first one: n 0, from base)
//                    1: ms + n, seq 0         2: ms + n, seq is the varint behind
//            SAME:   packed values, as many as the head has fields
//            else:   varint count, packed field, value, field, value ...
//            GHOST:  nothing: an entry that was deleted, but its ID was the last one of its node,
//                    which XTRIM MINID ~ looks at
#pragma once
#include "dataplane/keyspace/packed.h"
#include "dataplane/types/stream_id.h"

enum {
    STREAM_CHUNK_BYTES = 986, // with key and leaf one allocation of TREE_LEAF_BYTES
    STREAM_CHUNK_ENTRIES_MAX = 255,
    STREAM_CHUNK_HEAD = 12,
    STREAM_CHUNK_STARTS_NODE = 1,
    STREAM_CHUNK_SLACK = 32, // spare bytes that an edit in place may need
};

struct stream_chunk {
    struct stream_id base;
    const uint8_t *body;
    size_t size;
};
static inline bool stream_chunk_starts_node(const uint8_t *body) { return body[0] != 0; }
static inline uint32_t stream_chunk_live(const uint8_t *body) { return body[1]; }
static inline uint32_t stream_chunk_ever(const uint8_t *body) { return body[2]; }
static inline uint32_t stream_chunk_written(const uint8_t *body) { return body[3]; }
static inline uint32_t stream_chunk_listpack(const uint8_t *body) { return load_le32(body + 4); }
// The head's fields, count and all.
static inline struct bytes stream_chunk_fields(const uint8_t *body)
{
    return bytes_make(body + STREAM_CHUNK_HEAD, load_le32(body + 8));
}
uint8_t *stream_put_varint(uint8_t *to, uint64_t value);
const uint8_t *stream_get_varint(const uint8_t *at, uint64_t *value);
uint32_t stream_varint_size(uint64_t value);

// ---- reading
struct stream_chunk_reader {
    const uint8_t *body;
    const uint8_t *at, *end;
    struct stream_id id, before; // of the entry at hand, and of the one before it
    const uint8_t *begin;        // of the entry at hand
    const uint8_t *head;         // the head's first field
    const uint8_t *field;        // the next one of it; NULL: the entry has its own
    uint32_t head_count, pair_count, pairs_left;
    bool is_ghost;
    char scratch[2][24];
};
void stream_chunk_open(struct stream_chunk_reader *r, const struct stream_chunk *c);
// At an entry met before: where it begins in the body, and the ID before it.
void stream_chunk_reopen(struct stream_chunk_reader *r, uint32_t offset, struct stream_id before);
bool stream_chunk_next(struct stream_chunk_reader *r); // ghosts too; false: no more
bool stream_chunk_pair(struct stream_chunk_reader *r, struct bytes *field, struct bytes *value);

// ---- writing
// Into a body of room enough; each returns its size then. fields may lie where they will be.
size_t stream_chunk_begin(uint8_t *body, bool starts_node, struct bytes fields);
// The same with the texts at 0, 2, 4 ... as fields.
size_t stream_chunk_begin_of(uint8_t *body, bool starts_node, const struct packed_needle *needles,
                             uint32_t text_count);
struct stream_chunk_entry {
    struct stream_id id, before;
    bool is_same;                        // its fields are the head's
    const struct packed_needle *needles; // field, value, ...
    uint32_t text_count;
    uint32_t listpack_bytes; // it costs Redis
};
size_t stream_chunk_entry_size(const struct stream_chunk_entry *e);
size_t stream_chunk_append(uint8_t *body, size_t size, const struct stream_chunk_entry *e);
// True when the texts at 0, 2, 4 ... are the head's fields.
bool stream_chunk_has_fields(struct bytes fields, const struct packed_needle *needles,
                             uint32_t text_count);
// Deletes one entry (false: not there), or from the left `count` at most, and only those below
// `below` unless it is NULL; returns how many. *size may grow by less than STREAM_CHUNK_SLACK.
bool stream_chunk_remove(uint8_t *body, size_t *size, struct stream_id base, struct stream_id id);
uint32_t stream_chunk_trim(uint8_t *body, size_t *size, struct stream_id base, uint64_t count,
                           const struct stream_id *below);
bool stream_chunk_has(const struct stream_chunk *c, struct stream_id id);
struct stream_id stream_chunk_last(const struct stream_chunk *c); // ghosts too
