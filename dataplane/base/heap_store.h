// heap_store.h: where a heap's memory comes from; heap.c does the booking, and nobody else includes
// this. heap_store.c is jemalloc's arenas; heap_store_asan.c is malloc, so that AddressSanitizer
// sees every block and also checks the sizes that heap_give and heap_resize are told.
//
// Thread:  the heap's
#pragma once
#include <stdbool.h>
#include "dataplane/base/heap.h"

enum status heap_store_open(struct heap *h) MUST_USE;
void heap_store_close(struct heap *h);
// alignment 0: whatever size has by itself. NULL when there is no memory.
void *heap_store_take(struct heap *h, size_t size, size_t alignment, bool zeroed);
void heap_store_give(struct heap *h, void *p, size_t size);
void *heap_store_resize(struct heap *h, void *p, size_t old_size, size_t new_size);
void heap_store_purge(struct heap *h);
void heap_store_end_purge(struct heap *h);
void heap_store_measure(struct heap *h, struct heap_pages *out);
enum status heap_store_start_background(void) MUST_USE;
