// rdb_read.h: the parts of snapshots and DUMP payloads, as they are read.
//
// Source:  spec/rdb.md, sections 3 (lengths), 4 (strings), 5.2 (doubles)
// Thread:  the shard
// Memory:  borrowed bytes; an expanded text is its struct rdb_text's own
// Everything comes from outside: a read that does not fit says so and leaves *in as it was.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"
#include "dataplane/base/heap.h"
#include "storage/rdb/rdb_lzf.h"

bool rdb_read_length(struct bytes *in, uint64_t *value);
bool rdb_read_f64(struct bytes *in, double *value);
bool rdb_read_double_text(struct bytes *in, double *value); // of RDB_ZSET; NaN is given as such
bool rdb_read_id(struct bytes *in, uint64_t id[2]);         // of streams, two lengths

// A text as it stands there.
enum rdb_text_form { RDB_TEXT_PLAIN, RDB_TEXT_INT, RDB_TEXT_PACKED };
struct rdb_raw_text {
    enum rdb_text_form form;
    struct bytes raw; // plain: the text; packed: an LZF stream
    uint64_t size;    // of the text
    int64_t value;    // of an integer
};
bool rdb_read_text(struct bytes *in, struct rdb_raw_text *out);

enum rdb_result { RDB_DONE, RDB_MORE, RDB_BROKEN };

// A text made ready to be used, in slices when it is long. One struct serves for many, one after
// another.
struct rdb_text {
    struct heap *heap;
    uint64_t size_max; // longer ones are refused
    struct bytes bytes;
    char digits[24];
    uint8_t *room; // for expanded ones
    size_t room_bytes;
    bool is_expanding;
    struct lzf_expander lzf;
};
void rdb_text_init(struct rdb_text *t, struct heap *heap, uint64_t size_max);
void rdb_text_close(struct rdb_text *t);
// Reads the next text; RDB_MORE: call again, with the same in. RDB_DONE: t->bytes, good until the
// next one and while what in refers to lives.
enum rdb_result rdb_text_step(struct rdb_text *t, struct bytes *in);
