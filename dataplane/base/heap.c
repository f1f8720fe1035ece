#include "dataplane/base/heap.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "dataplane/base/check.h"
#include "dataplane/base/heap_store.h"

// jemalloc's size classes: multiples of 16 up to 128, then four steps per doubling.
size_t heap_usable(size_t size)
{
    CHECK(size >= 1 && size <= SIZE_MAX / 4);
    if (size <= 128) return size <= 8 ? 8 : (size + 15) & ~(size_t)15;
    unsigned log = 64U - (unsigned)__builtin_clzll(size - 1);
    size_t step = (size_t)1 << (log - 3);
    return (size + step - 1) & ~(step - 1);
}

__attribute__((noreturn, cold)) static void out_of_memory(size_t size)
{
    char line[96];
    int length =
        snprintf(line, sizeof(line), "penstock: out of memory allocating %zu bytes\n", size);
    if (length > 0 && write(STDERR_FILENO, line, (size_t)length) < 0) abort();
    abort();
}

static inline void book(struct heap *h, size_t usable, enum heap_owner owner)
{
    h->bytes[owner] += usable;
    h->bytes_total += usable;
    if (h->bytes_total > h->bytes_peak) h->bytes_peak = h->bytes_total;
}

static inline void unbook(struct heap *h, size_t usable, enum heap_owner owner)
{
    CHECK(h->bytes[owner] >= usable);
    h->bytes[owner] -= usable;
    h->bytes_total -= usable;
}

enum status heap_open(struct heap *h)
{
    *h = (struct heap){ 0 };
    return heap_store_open(h);
}

void heap_close(struct heap *h)
{
    heap_store_end_purge(h);
    heap_store_close(h);
    *h = (struct heap){ 0 };
}

static void *take(struct heap *h, size_t size, size_t alignment, bool zeroed, enum heap_owner owner)
{
    size_t usable = heap_usable(size);
    void *p = heap_store_take(h, size, alignment, zeroed);
    if (UNLIKELY(!p)) out_of_memory(size);
    book(h, usable, owner);
    h->allocation_count++;
    return p;
}

void *heap_take(struct heap *h, size_t size, enum heap_owner owner)
{
    return take(h, size, 0, false, owner);
}

void *heap_take_zeroed(struct heap *h, size_t size, enum heap_owner owner)
{
    return take(h, size, 0, true, owner);
}

void *heap_take_aligned(struct heap *h, size_t size, size_t alignment, enum heap_owner owner)
{
    // heap_give is told the size alone: the class must be the one that the size alone gives.
    CHECK(alignment > 0 && size % alignment == 0);
    CHECK(alignment <= 4096 || size >= 16384);
    return take(h, size, alignment, false, owner);
}

void heap_give(struct heap *h, void *p, size_t size, enum heap_owner owner)
{
    if (!p) return;
    unbook(h, heap_usable(size), owner);
    h->allocation_count--;
    heap_store_give(h, p, size);
}

void *heap_resize(struct heap *h, void *p, size_t old_size, size_t new_size, enum heap_owner owner)
{
    if (!p) return heap_take(h, new_size, owner);
    size_t old_usable = heap_usable(old_size), new_usable = heap_usable(new_size);
    p = heap_store_resize(h, p, old_size, new_size);
    if (UNLIKELY(!p)) out_of_memory(new_size);
    unbook(h, old_usable, owner);
    book(h, new_usable, owner);
    return p;
}

void heap_move(struct heap *h, size_t size, enum heap_owner from, enum heap_owner to)
{
    size_t usable = heap_usable(size);
    CHECK(h->bytes[from] >= usable);
    h->bytes[from] -= usable;
    h->bytes[to] += usable;
}

void heap_purge(struct heap *h) { heap_store_purge(h); }

void heap_finish_purge(struct heap *h) { heap_store_end_purge(h); }

void heap_measure(struct heap *h, struct heap_pages *out)
{
    *out = (struct heap_pages){ 0 };
    heap_store_measure(h, out);
}

enum status heap_start_background(void) { return heap_store_start_background(); }
