// stream_edit.c: changes of one chunk, and what they mean for the rest.
#include "dataplane/base/check.h"
#include "dataplane/types/stream_priv.h"

enum { TAIL_ROOM_FIRST = 96 };

// ---- the tail

static size_t tail_capacity(size_t old, size_t wanted)
{
    size_t full = STREAM_ID_BYTES + STREAM_CHUNK_BYTES + STREAM_CHUNK_SLACK;
    size_t room = old * 2 < full ? old * 2 : full;
    if (room < TAIL_ROOM_FIRST) room = TAIL_ROOM_FIRST;
    if (room < wanted) room = wanted;
    return heap_usable(sizeof(struct blob) + room) - sizeof(struct blob);
}

// A tail of ours alone with room for a body of size bytes; new, its own size is 0.
void stream_tail_reserve(struct keyspace *k, struct stream_object *s, size_t size)
{
    struct blob *tail = s->now.tail;
    size += STREAM_ID_BYTES;
    if (tail && tail->refs == 1) {
        if (tail->capacity < size)
            s->now.tail = blob_resize(tail, tail_capacity(tail->capacity, size));
        return;
    }
    size_t used = tail ? tail->size : 0;
    struct blob *own = blob_new(keyspace_space(k)->heap,
                                tail_capacity(used, size > used ? size : used), HEAP_DATASET);
    if (tail) {
        memcpy(own->data, tail->data, used);
        own->size = used;
        blob_release(tail);
    }
    s->now.tail = own;
}

void stream_tail_drop(struct stream_object *s)
{
    if (s->now.tail) blob_release(s->now.tail);
    s->now.tail = NULL;
}

// ---- a chunk's body

void stream_edit_begin(struct keyspace *k, struct stream_object *s, struct stream_edit *e)
{
    const struct stream_chunk *c = &e->spot.chunk;
    e->size = c->size;
    e->room = c->size + STREAM_CHUNK_SLACK;
    if (e->spot.in_tail) {
        stream_tail_reserve(k, s, e->room);
        e->body = s->now.tail->data + STREAM_ID_BYTES;
    } else {
        e->body = heap_take(keyspace_space(k)->heap, e->room, HEAP_OTHER);
        memcpy(e->body, c->body, c->size);
    }
}

void stream_edit_end(struct keyspace *k, struct stream_object *s, struct stream_edit *e)
{
    CHECK(e->size <= e->room);
    if (e->spot.in_tail) {
        s->now.tail->size = STREAM_ID_BYTES + e->size;
        return;
    }
    struct tree_space *space = keyspace_space(k);
    struct packed_needle needle;
    packed_needle_init(&needle, bytes_make(e->body, e->size));
    uint8_t *to =
        tree_replace(space, &s->now.chunks, &e->spot.cursor, STREAM_ID_BYTES + needle.size);
    stream_id_store(to, e->spot.chunk.base);
    packed_put(to + STREAM_ID_BYTES, &needle);
    heap_give(space->heap, e->body, e->room, HEAP_OTHER);
}

void stream_find_first(struct stream_object *s)
{
    s->now.facts.first = s->now.facts.count ? stream_edge(&s->now, false) : STREAM_ID_ZERO;
}

// ---- the last node

void stream_node_measure(struct stream_object *s)
{
    struct stream_node *n = &s->node;
    struct stream_spot spot;
    *n = (struct stream_node){ .is_known = true };
    for (bool is_there = stream_spot_last(&s->now, &spot); is_there;
         is_there = stream_spot_prev(&s->now, &spot)) {
        const uint8_t *body = spot.chunk.body;
        n->chunk_count++;
        n->live += stream_chunk_live(body);
        n->ever += stream_chunk_ever(body);
        n->listpack_bytes += stream_chunk_listpack(body);
        n->master = spot.chunk.base;
        if (stream_chunk_starts_node(body)) return;
    }
}

// ---- Redis's listpack

uint32_t stream_listpack_element(uint32_t size)
{
    if (size <= 127) return size + 1;
    if (size < 16383) return size + 2;
    if (size < 2097151) return size + 3;
    return size < 268435455 ? size + 4 : size + 5;
}

uint32_t stream_listpack_int(int64_t value)
{
    struct packed_needle n;
    packed_needle_int(&n, value); // takes as many bytes there
    return n.size + 1U;
}
