// rdb_write.h: the parts of snapshots and DUMP payloads, as they are written.
//
// Source:  spec/rdb.md, sections 3 (lengths), 4 (strings), 5.2 (doubles)
// Thread:  the shard
// Memory:  appended to the caller's buffer; a long text's compressed form is its own until its end
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "storage/rdb/rdb_lzf.h"
#include "storage/rdb/rdb_buffer.h"

enum { RDB_TEXT_ONCE_BYTES = LZF_PIECE_BYTES }; // what rdb_put_text may be given

void rdb_put_u8(struct rdb_buffer *b, uint8_t value);
void rdb_put_le64(struct rdb_buffer *b, uint64_t value);
void rdb_put_f64(struct rdb_buffer *b, double value);
void rdb_put_length(struct rdb_buffer *b, uint64_t value); // the shortest form
// A text in as few bytes as there is a form for: a 32-bit integer, compressed (when may_compress
// and it is worth it), or as it is. At most RDB_TEXT_ONCE_BYTES.
void rdb_put_text(struct rdb_buffer *b, struct bytes text, bool may_compress);
void rdb_put_int_text(struct rdb_buffer *b, int64_t value); // its decimal digits, as a text

// A text of any size, a piece at a time.
struct rdb_long_text {
    struct heap *heap;
    struct bytes text; // borrowed until the last step
    size_t at;         // of text compressed or copied
    uint8_t *packed;   // NULL: as it is
    size_t packed_size, packed_room, packed_at;
    bool may_compress, is_packing;
};
void rdb_long_text_begin(struct rdb_long_text *t, struct heap *heap, struct bytes text,
                         bool may_compress);
bool rdb_long_text_step(struct rdb_long_text *t, struct rdb_buffer *b); // true: all is written
void rdb_long_text_end(struct rdb_long_text *t); // at any time; also after the last step
