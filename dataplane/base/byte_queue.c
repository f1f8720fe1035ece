#include "dataplane/base/byte_queue.h"
#include <string.h>
#include "dataplane/base/check.h"
#include "dataplane/base/status.h"

struct byte_piece {
    struct byte_piece *next;
    uint32_t begin, end; // of what is to be read, in data
    uint8_t data[];
};

enum { ROOM = BYTE_QUEUE_PIECE_BYTES - sizeof(struct byte_piece) };

void byte_queue_init(struct byte_queue *q, struct heap *heap, enum heap_owner owner)
{
    *q = (struct byte_queue){ .heap = heap, .owner = owner };
}

static struct byte_piece *give(struct byte_queue *q, struct byte_piece *p)
{
    struct byte_piece *next = p->next;
    heap_give(q->heap, p, BYTE_QUEUE_PIECE_BYTES, q->owner);
    return next;
}

void byte_queue_clear(struct byte_queue *q)
{
    for (struct byte_piece *p = q->first; p;) p = give(q, p);
    byte_queue_init(q, q->heap, q->owner);
}

static struct byte_piece *piece_with_room(struct byte_queue *q)
{
    if (LIKELY(q->last != NULL) && q->last->end < ROOM) return q->last;
    struct byte_piece *p = heap_take(q->heap, BYTE_QUEUE_PIECE_BYTES, q->owner);
    p->next = NULL;
    p->begin = p->end = 0;
    if (q->last)
        q->last->next = p;
    else
        q->first = p;
    q->last = p;
    return p;
}

void byte_queue_append(struct byte_queue *q, struct bytes bytes)
{
    q->size += bytes.size;
    while (bytes.size) {
        struct byte_piece *p = piece_with_room(q);
        size_t size = ROOM - p->end < bytes.size ? ROOM - p->end : bytes.size;
        memcpy(p->data + p->end, bytes.data, size);
        p->end += (uint32_t)size;
        (void)bytes_skip(&bytes, size);
    }
}

static void copy_all(struct byte_queue *q, struct byte_queue *from)
{
    for (struct byte_piece *p = from->first; p; p = p->next)
        byte_queue_append(q, bytes_make(p->data + p->begin, p->end - p->begin));
    byte_queue_clear(from);
}

void byte_queue_take_over(struct byte_queue *q, struct byte_queue *from)
{
    if (!from->first) return;
    if (from->heap != q->heap) {
        copy_all(q, from);
        return;
    }
    CHECK(from->owner == q->owner);
    if (q->last)
        q->last->next = from->first;
    else
        q->first = from->first;
    q->last = from->last;
    q->size += from->size;
    byte_queue_init(from, from->heap, from->owner);
}

struct bytes byte_queue_first(const struct byte_queue *q)
{
    const struct byte_piece *p = q->first;
    return p ? bytes_make(p->data + p->begin, p->end - p->begin) : (struct bytes){ 0 };
}

void byte_queue_skip(struct byte_queue *q, size_t size)
{
    struct byte_piece *p = q->first;
    if (size == 0) return;
    CHECK(p && size <= p->end - p->begin);
    p->begin += (uint32_t)size;
    q->size -= size;
    if (p->begin < p->end) return;
    q->first = give(q, p);
    if (!q->first) q->last = NULL;
}

void byte_queue_cut(struct byte_queue *q, uint64_t size)
{
    uint64_t left = size;
    struct byte_piece *p = q->first;
    if (size == 0) byte_queue_clear(q);
    if (size >= q->size) return;
    while (left > p->end - p->begin) {
        left -= p->end - p->begin;
        p = p->next;
    }
    p->end = p->begin + (uint32_t)left;
    for (struct byte_piece *behind = p->next; behind;) behind = give(q, behind);
    p->next = NULL;
    q->last = p;
    q->size = size;
}
