#include <errno.h>
#include "dataplane/base/heap_store.h"
#include <stdlib.h>
#include <string.h>
#include "dataplane/base/check.h"

// Lies right before the bytes handed out.
struct block {
    struct list_node node; // on heap.blocks
    void *base;            // what malloc gave
    size_t size;           // as asked for
};

static struct block *block_of(void *p) { return (struct block *)p - 1; }

enum status heap_store_open(struct heap *h)
{
    h->blocks = malloc(sizeof(*h->blocks));
    if (!h->blocks) return ERR_NO_SPACE;
    list_init(h->blocks);
    return OK;
}

static void block_free(struct heap *h, struct block *b)
{
    list_remove(h->blocks, &b->node);
    free(b->base);
}

void heap_store_close(struct heap *h)
{
    struct list_node *n;
    while ((n = list_first(h->blocks))) block_free(h, LIST_OWNER(n, struct block, node));
    free(h->blocks);
}

void *heap_store_take(struct heap *h, size_t size, size_t alignment, bool zeroed)
{
    if (alignment < 16) alignment = 16;
    size_t head = (sizeof(struct block) + alignment - 1) & ~(alignment - 1);
    void *base;
    if (posix_memalign(&base, alignment, head + size) != 0) return NULL;
    uint8_t *p = (uint8_t *)base + head;
    struct block *b = block_of(p);
    *b = (struct block){ .base = base, .size = size };
    list_append(h->blocks, &b->node);
    memset(p, zeroed ? 0 : 0xa5, size); // what was not asked zeroed is not zero
    return p;
}

void heap_store_give(struct heap *h, void *p, size_t size)
{
    CHECK(block_of(p)->size == size);
    block_free(h, block_of(p));
}

// Always moves: a pointer kept across a resize is found out.
void *heap_store_resize(struct heap *h, void *p, size_t old_size, size_t new_size)
{
    void *moved = heap_store_take(h, new_size, 0, false);
    if (!moved) return NULL;
    memcpy(moved, p, old_size < new_size ? old_size : new_size);
    heap_store_give(h, p, old_size);
    return moved;
}

void heap_store_purge(struct heap *h) {}

void heap_store_end_purge(struct heap *h) {}

void heap_statistics(heap_statistics_part *part, void *context)
{
    part(context, "Stats not supported for the current allocator");
}

bool heap_can_relocate(void) { return false; }

bool heap_is_sparse(const struct heap *h, const void *p) { return false; }

// Who asks for it without heap_is_sparse (tests) sees it happen.
void *heap_relocate(struct heap *h, void *p, size_t size)
{
    void *moved = heap_store_take(h, size, 0, false);
    if (!moved) return p;
    memcpy(moved, p, size);
    heap_store_give(h, p, size);
    return moved;
}

void heap_store_measure(struct heap *h, struct heap_pages *out)
{
    out->allocated_bytes = out->active_bytes = out->resident_bytes = h->bytes_total;
}

enum status heap_store_start_background(void) { return OK; }

int heap_mallctl(const char *name, void *old, size_t *old_size, void *fresh, size_t fresh_size)
{
    return ENOENT;
}

const char *heap_allocator(void) { return "libc"; }
