// listpack.h: listpacks, written. (Reading: compact.h.)
//
// Source:  spec/rdb.md section 6.1
// Thread:  the shard
// Memory:  appended to the caller's buffer
#pragma once
#include <stdint.h>
#include "storage/rdb/rdb_buffer.h"

enum { LISTPACK_HEAD_BYTES = 6, LISTPACK_ELEMENT_OVERHEAD_MAX = 10 };

struct listpack_writer {
    struct rdb_buffer *buffer; // borrowed
    size_t start;              // of the listpack in it
    uint32_t count;
};
void listpack_begin(struct listpack_writer *w, struct rdb_buffer *buffer);
void listpack_put(struct listpack_writer *w, struct bytes text); // integers as such
void listpack_put_int(struct listpack_writer *w, int64_t value);
// An element that is encoded already, but for the length behind it, which takes so many bytes.
void listpack_put_encoded(struct listpack_writer *w, struct bytes element);
uint32_t listpack_back_bytes(uint64_t element_size);
size_t listpack_size(const struct listpack_writer *w); // so far, without its end
void listpack_end(struct listpack_writer *w);
// Elements by themselves, to go into listpacks later: no head, no end.
void listpack_begin_part(struct listpack_writer *w, struct rdb_buffer *buffer);
void listpack_put_part(struct listpack_writer *w, const struct listpack_writer *part);
