// stream_id.h: IDs of stream entries: ms since 1970 and a number within the ms.
//
// Source:  Redis 7.2's behaviour: XADD and XRANGE's texts of IDs, the odd ones that it accepts too
// Thread:  any
// Memory:  none
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"

struct stream_id {
    uint64_t ms, seq;
};
#define STREAM_ID_ZERO ((struct stream_id){ 0, 0 })
#define STREAM_ID_MAX ((struct stream_id){ UINT64_MAX, UINT64_MAX })

enum { STREAM_ID_BYTES = 16, STREAM_ID_TEXT_MAX = 41 };

static inline int stream_id_compare(struct stream_id a, struct stream_id b)
{
    if (a.ms != b.ms) return a.ms < b.ms ? -1 : 1;
    return a.seq < b.seq ? -1 : a.seq > b.seq;
}
static inline bool stream_id_is_zero(struct stream_id a) { return a.ms == 0 && a.seq == 0; }
// The one behind or before it. False: there is none, and id is as it was.
bool stream_id_increment(struct stream_id *id);
bool stream_id_decrement(struct stream_id *id);

// As records are sorted: big-endian.
static inline void stream_id_store(uint8_t to[STREAM_ID_BYTES], struct stream_id id)
{
    store_be64(to, id.ms);
    store_be64(to + 8, id.seq);
}
static inline struct stream_id stream_id_load(const uint8_t *from)
{
    return (struct stream_id){ load_be64(from), load_be64(from + 8) };
}

// "ms-seq"; returns the length.
uint32_t stream_id_format(char out[STREAM_ID_TEXT_MAX], struct stream_id id);
// "ms" (seq is then missing_seq) or "ms-seq". any_seq: NULL, or where to say that seq is '*'.
bool stream_id_parse(struct bytes text, uint64_t missing_seq, struct stream_id *id, bool *any_seq);
// An end of an interval: "-", "+", an ID, or "(" and an ID, which is then excluded.
bool stream_id_parse_bound(struct bytes text, uint64_t missing_seq, struct stream_id *id,
                           bool *is_excluded);
