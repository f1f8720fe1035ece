#include "dataplane/base/outq.h"
#include "dataplane/base/check.h"
#include "dataplane/base/heap.h"

void outq_init(struct outq *q, struct piece_source *source)
{
    *q = (struct outq){ .source = source };
}

static struct piece *unlink_head(struct outq *q)
{
    struct piece *p = q->head;
    q->head = p->next;
    if (!q->head) q->tail = NULL;
    p->next = NULL;
    q->bytes -= p->used;
    return p;
}

void outq_clear(struct outq *q)
{
    while (q->head) {
        struct piece *p = unlink_head(q);
        p->release(p);
    }
    q->open_gaps = 0;
    q->is_held = false;
}

static void link_tail(struct outq *q, struct piece *p)
{
    p->next = NULL;
    if (q->tail) {
        q->tail->room = 0; // sealed: only the last piece is written to
        q->tail->next = p;
    } else {
        q->head = p;
    }
    q->tail = p;
}

// NULL once broken.
static struct piece *add_block(struct outq *q, uint32_t want)
{
    if (q->broken) return NULL;
    struct piece *p = q->source->take(q->source, q, want);
    if (!p) {
        q->broken = true;
        return NULL;
    }
    CHECK(p->room >= want && p->used == 0);
    link_tail(q, p);
    return p;
}

uint8_t *outq_reserve_slow(struct outq *q, uint32_t want)
{
    CHECK(want >= 1 && want <= OUTQ_RESERVE_MAX);
    struct piece *p = add_block(q, want);
    return p ? p->data : q->source->sink;
}

void outq_append(struct outq *q, struct bytes bytes)
{
    while (bytes.size > 0 && !q->broken) {
        struct piece *p = q->tail;
        if (!p || p->room == 0) {
            p = add_block(q,
                          bytes.size < OUTQ_RESERVE_MAX ? (uint32_t)bytes.size : OUTQ_RESERVE_MAX);
            if (!p) return;
        }
        uint32_t part = bytes.size < p->room ? (uint32_t)bytes.size : p->room;
        memcpy(p->data + p->used, bytes.data, part);
        outq_commit(q, part);
        bytes.data += part;
        bytes.size -= part;
    }
}

void outq_append_ref(struct outq *q, struct bytes bytes, void (*release_value)(void *value),
                     void *value)
{
    CHECK(bytes.size <= UINT32_MAX);
    struct piece *p = NULL;
    if (bytes.size > 0 && !q->broken) {
        p = q->source->take_ref(q->source, bytes, release_value, value);
        if (!p) q->broken = true;
    }
    if (!p) {
        release_value(value);
        return;
    }
    CHECK(p->used == bytes.size && p->room == 0);
    link_tail(q, p);
    q->bytes += bytes.size;
    q->bytes_total += bytes.size;
}

struct piece *outq_gap(struct outq *q)
{
    struct piece *p = add_block(q, OUTQ_GAP_MAX);
    if (p) {
        p->room = 0; // what follows goes to a block behind it
        q->open_gaps++;
    }
    return p;
}

void outq_gap_fill(struct outq *q, struct piece *gap, struct bytes bytes)
{
    CHECK(bytes.size <= OUTQ_GAP_MAX && gap->used == 0);
    memcpy(gap->data, bytes.data, bytes.size);
    gap->used = (uint32_t)bytes.size;
    q->open_gaps--;
    q->bytes += bytes.size;
    q->bytes_total += bytes.size;
}

void outq_drop(struct outq *q, uint64_t size)
{
    CHECK(size <= q->bytes);
    while (size > 0) {
        struct piece *p = q->head;
        if (p->used > size) {
            p->data += size;
            p->used -= (uint32_t)size;
            q->bytes -= size;
            return;
        }
        size -= p->used;
        unlink_head(q);
        p->release(p);
    }
}

struct piece *outq_take(struct outq *q)
{
    // Empty pieces (a reservation not used, a gap filled with nothing) are no news to a transport;
    // an empty tail stays to be written to.
    while (q->head && q->head->used == 0) {
        if (q->head == q->tail) return NULL;
        struct piece *p = unlink_head(q);
        p->release(p);
    }
    return q->head ? unlink_head(q) : NULL;
}

struct heap_block {
    struct piece piece; // owner: the struct heap_piece_source
    uint8_t data[];
};

struct heap_ref {
    struct piece piece; // owner: the struct heap
    void (*release_value)(void *value);
    void *value;
};

static void heap_block_release(struct piece *p)
{
    struct heap_piece_source *s = p->owner;
    heap_give(s->heap, p, s->block_size, HEAP_CLIENT_OUT);
}

static struct piece *heap_block_take(struct piece_source *source, const struct outq *q,
                                     uint32_t want)
{
    struct heap_piece_source *s = (struct heap_piece_source *)source;
    struct heap_block *b = heap_take(s->heap, s->block_size, HEAP_CLIENT_OUT);
    b->piece = (struct piece){
        .data = b->data,
        .room = s->block_size - (uint32_t)sizeof(struct heap_block),
        .release = heap_block_release,
        .owner = s,
    };
    return &b->piece;
}

static void heap_ref_release(struct piece *p)
{
    struct heap_ref *r = (struct heap_ref *)p;
    r->release_value(r->value);
    heap_give(p->owner, r, sizeof(*r), HEAP_CLIENT_OUT);
}

// A borrowed piece is read only: the transport sends from it and never writes.
static struct piece *heap_ref_take(struct piece_source *source, struct bytes bytes,
                                   void (*release_value)(void *value), void *value)
{
    struct heap_piece_source *s = (struct heap_piece_source *)source;
    struct heap_ref *r = heap_take(s->heap, sizeof(*r), HEAP_CLIENT_OUT);
    r->piece = (struct piece){
        .data = (uint8_t *)(uintptr_t)bytes.data,
        .used = (uint32_t)bytes.size,
        .release = heap_ref_release,
        .owner = s->heap,
    };
    r->release_value = release_value;
    r->value = value;
    return &r->piece;
}

_Static_assert(offsetof(struct heap_piece_source, source) == 0, "take casts source to its holder");

void heap_piece_source_init(struct heap_piece_source *s, struct heap *heap, uint32_t block_size)
{
    CHECK(block_size >= sizeof(struct heap_block) + OUTQ_RESERVE_MAX);
    s->source.take = heap_block_take;
    s->source.take_ref = heap_ref_take;
    s->heap = heap;
    s->block_size = block_size;
}
