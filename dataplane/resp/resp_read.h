// resp_read.h: incremental reader of requests: RESP arrays of bulk strings, and inline commands.
//
// Source:  RESP2/RESP3 request form; error texts and limits of Redis 7.2 networking.c
//          (processMultibulkBuffer, processInlineBuffer, sdssplitargs)
// Thread:  the shard that owns the session
// Memory:  embedded in the session. Bytes are parsed where they lie (the packet, the receive
//          buffer). Only the arguments of a request that is not complete when its bytes end are
//          copied, into a buffer on the shard's heap (HEAP_CLIENT_IN); one of RESP_BIG_BYTES or
//          more goes into a blob of its own, which the command may take over as the value.
//          Memory follows the bytes that arrived, never the lengths that were announced.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/blob.h"
#include "dataplane/base/bytes.h"
#include "dataplane/base/heap.h"

enum {
    RESP_INLINE_MAX = 64 * 1024, // bytes of an inline request, or of a length line
    RESP_UNAUTH_ARGS_MAX = 10,   // before authentication (CVE-2021-32675)
    RESP_UNAUTH_BULK_MAX = 16 * 1024,
    RESP_HELD_KEEP_BYTES = 1024, // of a held block that is kept for the next request
    RESP_BIG_BYTES = 32 * 1024,  // from here on an argument gets a blob of its own
    RESP_ARGS_INLINE = 16,       // arguments kept inside the reader; more go to the heap
};

struct resp_limits {
    uint64_t bulk_bytes_max;   // proto-max-bulk-len
    uint64_t buffer_bytes_max; // client-query-buffer-limit
    bool authenticated;        // false: at most 10 arguments of at most 16384 bytes
};

// One complete request. Valid until the next call on the reader, and while the input bytes live.
struct resp_request {
    struct bytes *argv;
    struct blob **blobs; // argc entries when any argument has a blob, else NULL
    uint32_t argc;       // 0: an empty line or "*0": nothing to do
    uint64_t bytes;      // of the wire that it took (argv_len_sum and the like)
};

enum resp_result {
    RESP_REQUEST, // *request is filled
    RESP_MORE,    // everything is consumed, the request is not complete
    RESP_ERROR,   // protocol error: reader->error says it; the connection is to be closed
    RESP_LIMIT,   // client-query-buffer-limit exceeded: close without a reply, log it
};

enum resp_phase {
    RESP_PHASE_START,     // between requests
    RESP_PHASE_COUNT,     // "*<count>" comes next
    RESP_PHASE_SIZE,      // "$<size>" comes next
    RESP_PHASE_BULK,      // the bytes of an argument and its CRLF come next
    RESP_PHASE_INLINE,    // an inline line comes next
    RESP_PHASE_DELIVERED, // a request that lives in the reader was handed out
    RESP_PHASE_FAILED,    // for good
};

struct resp_block; // of held bytes; arguments never move once they are complete

struct resp_reader {
    struct heap *heap; // borrowed
    enum resp_phase phase;
    enum resp_result failure; // RESP_ERROR or RESP_LIMIT
    // The request being read.
    struct bytes *args;  // args_inline or heap
    struct blob **blobs; // NULL, blobs_inline or heap; then args_capacity entries
    uint32_t args_capacity;
    uint32_t argc;       // read so far
    uint32_t args_left;  // arguments still to come
    uint64_t bulk_size;  // of the argument under way, without its CRLF
    uint64_t bulk_got;   // of it and its CRLF
    uint64_t wire_bytes; // that the request took so far
    // A big argument under way. When its blob has to grow, the bytes of the old one move over
    // little by little, as further bytes arrive: no call copies much.
    struct blob *big;
    struct blob *big_old;
    size_t big_moved; // bytes of big_old that big has
    // Small arguments, and the item under way (a line, a small argument) behind those of the
    // newest block.
    struct resp_block *blocks; // newest first
    uint64_t blocks_bytes;
    size_t part_size;  // of the item under way
    bool line_has_cr;  // the CR of the line under way was the last byte seen
    bool line_is_dead; // it has a NUL: as in Redis it never ends, only grows too big
    struct bytes args_inline[RESP_ARGS_INLINE];
    struct blob *blobs_inline[RESP_ARGS_INLINE];
    char error[128]; // "Protocol error: ..." without the leading -ERR
};

void resp_reader_init(struct resp_reader *r, struct heap *heap);
void resp_reader_close(struct resp_reader *r);
// Consumes from *in. On RESP_REQUEST *in is behind the request, and may hold more of them. The
// request's arguments lie in the input, in the query buffer or in blobs; those of one call stay
// valid until the NEXT request of the same reader is asked for when they had to be held, and as
// long as the input lives when they lie in it: resp_reader_holds tells.
enum resp_result resp_read(struct resp_reader *r, struct bytes *in,
                           const struct resp_limits *limits, struct resp_request *request);
// True when the last request's arguments (or argument array) live in the reader, not in the input:
// it must be executed before resp_read is called again. (Requests wholly in the input with at most
// RESP_ARGS_INLINE arguments can be batched when the caller copies argv.)
static inline bool resp_reader_holds(const struct resp_reader *r)
{
    return r->phase == RESP_PHASE_DELIVERED;
}
// Gives back now what the last request held; the next resp_read does it otherwise. Its arguments
// are gone after this.
void resp_reader_release(struct resp_reader *r);
// The command may keep this argument's blob as its value: takes the reference over; NULL when it
// has none.
struct blob *resp_request_take_blob(struct resp_request *request, uint32_t index);
uint64_t resp_reader_memory(const struct resp_reader *r); // heap bytes it has: qbuf of CLIENT LIST
