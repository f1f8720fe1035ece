// byte_queue.h: bytes that wait in order, in pieces of a heap: copied once when they are appended;
// what is taken from the front gives its pieces back as it goes.
//
// Source:  DESIGN "Storage": what a log keeps must be handed on, not copied, however long it is
// Thread:  who owns the heap
// Memory:  the queue owns its pieces, of BYTE_QUEUE_PIECE_BYTES each. A struct may be copied, if
//          only one copy is used from then on; one that is all zeros may be looked at and cleared
#pragma once
#include <stdint.h>
#include "dataplane/base/bytes.h"
#include "dataplane/base/heap.h"

enum { BYTE_QUEUE_PIECE_BYTES = 64 * 1024 };

struct byte_piece;
struct byte_queue {
    struct heap *heap; // borrowed
    enum heap_owner owner;
    struct byte_piece *first, *last;
    uint64_t size; // bytes
};

void byte_queue_init(struct byte_queue *q, struct heap *heap, enum heap_owner owner);
void byte_queue_clear(struct byte_queue *q); // gives all pieces back
void byte_queue_append(struct byte_queue *q, struct bytes bytes);
// from's bytes go behind q's, and it is empty. Pieces change hands; of another heap's, their bytes
// are copied.
void byte_queue_take_over(struct byte_queue *q, struct byte_queue *from);
// The first bytes, as many as lie together; none: the queue is empty. Good until the next skip, cut
// or clear.
struct bytes byte_queue_first(const struct byte_queue *q);
void byte_queue_skip(struct byte_queue *q, size_t size);  // up to byte_queue_first's size
void byte_queue_cut(struct byte_queue *q, uint64_t size); // to its first size bytes, or fewer
