// rdb_lzf.h: LZF streams: made by liblzf, expanded here, so that large ones can be gone through in
// slices.
//
// Source:  spec/rdb.md section 4.1
// Thread:  any
// Memory:  the caller's buffers
#pragma once
#include <stdbool.h>
#include "dataplane/base/bytes.h"

enum {
    // Streams behind one another are a stream: what is larger is compressed piece by piece.
    LZF_PIECE_BYTES = 32 * 1024, // some 100 us, 200 when nothing repeats
    LZF_RATIO_MAX = 88,          // three bytes stand for 264 at most
};
// Room for any piece's stream: literals cost a byte in 32.
#define LZF_BOUND(size) ((size) + (size) / 32 + 1)

// Compresses in (at most LZF_PIECE_BYTES); the stream's size, 0: it would not be below out_size.
size_t lzf_pack(struct bytes in, uint8_t *out, size_t out_size);
// The same without compressing; LZF_BOUND(in.size) bytes at out.
size_t lzf_pack_literally(struct bytes in, uint8_t *out);

struct lzf_expander {
    struct bytes in;
    uint8_t *out;
    size_t at, size; // of out: written, expected
};
enum lzf_result { LZF_DONE, LZF_MORE, LZF_BROKEN };
// Goes on until about budget bytes were written. LZF_DONE: exactly size bytes came out of all of
// in.
enum lzf_result lzf_expand(struct lzf_expander *x, size_t budget);
