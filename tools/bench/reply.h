// reply.h: where one reply ends and the next begins, and the bytes of bulk replies as they come.
//
// Source:  the RESP2 and RESP3 reply types
// Thread:  the generator
// Memory:  embedded in its connection; pieces borrow from the input
// Does the least that a load generator needs: nested replies are walked, not kept.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"

enum { REPLY_LINE_MAX = 192 };

struct reply {
    uint8_t kind; // the type byte: '+', '-', ':', '$', '*', '_', ...
    int64_t size; // bytes of a bulk reply, elements of an array; -1: nil
};

struct reply_reader {
    struct reply reply;   // the one under way
    uint64_t parts_left;  // elements still to come, this one included; 0: between replies
    uint64_t body_left;   // of a bulk, its line end included; 0: a line comes next
    uint64_t body_offset; // bytes of the outer bulk already given as pieces
    bool is_outer;        // the bulk under way is the reply itself
    uint32_t line_bytes;
    char line[REPLY_LINE_MAX]; // the last line: an error's text after REPLY_DONE
};

enum reply_event {
    REPLY_MORE,  // the input is eaten; the reply is not complete
    REPLY_BODY,  // *piece: bytes of the bulk reply from reader->body_offset - piece->size on
    REPLY_DONE,  // reader->reply is complete
    REPLY_BROKEN // not RESP; the connection is of no more use
};

static inline void reply_reader_init(struct reply_reader *r) { *r = (struct reply_reader){ 0 }; }
// Eats from *in up to the next event.
enum reply_event reply_next(struct reply_reader *r, struct bytes *in, struct bytes *piece);
