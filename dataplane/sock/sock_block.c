#include "dataplane/sock/sock_block.h"
#include <stddef.h>
#include "dataplane/base/check.h"

// A short reply takes a small block; a connection that has more than that waiting gets large ones.
// Sizes are whole allocator classes, header included.
enum {
    SMALL_BYTES = 2048,
    LARGE_BYTES = 16384,
    KEPT_BYTES = 1 << 20, // of each kind
};

struct sock_block {
    struct piece piece; // first: a piece pointer is a block pointer
    struct sock_blocks *home;
    void (*release_value)(void *value); // references only
    enum sock_block_kind kind;
    uint8_t room[];
};
_Static_assert(SMALL_BYTES - sizeof(struct sock_block) >= OUTQ_RESERVE_MAX,
               "a small block must hold the largest reservation");

static const uint32_t block_bytes[SOCK_BLOCK_KINDS] = {
    [SOCK_BLOCK_SMALL] = SMALL_BYTES,
    [SOCK_BLOCK_LARGE] = LARGE_BYTES,
    [SOCK_BLOCK_REF] = sizeof(struct sock_block),
};

static void block_give(struct sock_block *block)
{
    struct sock_blocks *b = block->home;
    enum sock_block_kind kind = block->kind;
    CHECK(b->out_count > 0);
    b->out_count--;
    if (b->kept_count[kind] >= KEPT_BYTES / block_bytes[kind]) {
        heap_give(b->heap, block, block_bytes[kind], HEAP_CLIENT_OUT);
        return;
    }
    block->piece.next = b->kept[kind] ? &b->kept[kind]->piece : NULL;
    b->kept[kind] = block;
    b->kept_count[kind]++;
}

static void block_release(struct piece *p)
{
    struct sock_block *block = (struct sock_block *)p;
    if (block->kind == SOCK_BLOCK_REF) block->release_value(p->owner);
    block_give(block);
}

static struct sock_block *block_take(struct sock_blocks *b, enum sock_block_kind kind)
{
    struct sock_block *block = b->kept[kind];
    if (block) {
        b->kept[kind] = (struct sock_block *)block->piece.next;
        b->kept_count[kind]--;
    } else {
        block = heap_take(b->heap, block_bytes[kind], HEAP_CLIENT_OUT);
        block->home = b;
        block->kind = kind;
    }
    b->out_count++;
    block->piece = (struct piece){ .release = block_release };
    return block;
}

static struct piece *take(struct piece_source *source, const struct outq *q, uint32_t want)
{
    struct sock_blocks *b = (struct sock_blocks *)source;
    CHECK(want <= OUTQ_RESERVE_MAX);
    enum sock_block_kind kind = q->bytes >= SMALL_BYTES / 2 ? SOCK_BLOCK_LARGE : SOCK_BLOCK_SMALL;
    struct sock_block *block = block_take(b, kind);
    block->piece.data = block->room;
    block->piece.room = block_bytes[kind] - (uint32_t)sizeof *block;
    block->piece.owner = b;
    return &block->piece;
}

static struct piece *take_ref(struct piece_source *source, struct bytes bytes,
                              void (*release_value)(void *value), void *value)
{
    struct sock_blocks *b = (struct sock_blocks *)source;
    CHECK(bytes.size <= UINT32_MAX);
    struct sock_block *block = block_take(b, SOCK_BLOCK_REF);
    block->release_value = release_value;
    block->piece.data = (uint8_t *)(uintptr_t)bytes.data; // room is 0: never written
    block->piece.used = (uint32_t)bytes.size;
    block->piece.owner = value;
    return &block->piece;
}

void sock_blocks_open(struct sock_blocks *b, struct heap *heap)
{
    *b = (struct sock_blocks){ .heap = heap };
    b->source.take = take;
    b->source.take_ref = take_ref;
}

void sock_blocks_close(struct sock_blocks *b)
{
    CHECK(b->out_count == 0);
    for (uint32_t kind = 0; kind < SOCK_BLOCK_KINDS; kind++) {
        while (b->kept[kind]) {
            struct sock_block *block = b->kept[kind];
            b->kept[kind] = (struct sock_block *)block->piece.next;
            heap_give(b->heap, block, block_bytes[kind], HEAP_CLIENT_OUT);
        }
    }
}
