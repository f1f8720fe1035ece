#include <stdio.h>
#include "dataplane/base/check.h"
#include "dataplane/script/script_priv.h"

static inline size_t class_of(size_t size)
{
    return (size + SCRIPT_CLASS_BYTES - 1) / SCRIPT_CLASS_BYTES;
}

#ifdef PENSTOCK_SLOW_CHECKS // a sanitizer shall see every block
static inline bool is_small(size_t size) { return false; }
#else
static inline bool is_small(size_t size) { return size <= SCRIPT_CLASS_BYTES * SCRIPT_CLASS_COUNT; }
#endif

static void *block_take(struct script_host *h, size_t size)
{
    size_t class = class_of(size);
    if (!is_small(size)) return heap_take(h->heap, size, HEAP_SCRIPTS);
    struct script_free *block = h->blocks.free[class];
    if (!block) return heap_take(h->heap, class * SCRIPT_CLASS_BYTES, HEAP_SCRIPTS);
    h->blocks.free[class] = block->next;
    h->blocks.free_bytes -= (uint32_t)(class * SCRIPT_CLASS_BYTES);
    return block;
}

static void block_give(struct script_host *h, void *p, size_t size)
{
    size_t class = class_of(size), class_bytes = class * SCRIPT_CLASS_BYTES;
    struct script_free *block = p;
    if (!is_small(size)) {
        heap_give(h->heap, p, size, HEAP_SCRIPTS);
    } else if (h->blocks.free_bytes + class_bytes > SCRIPT_FREE_BYTES_MAX) {
        heap_give(h->heap, p, class_bytes, HEAP_SCRIPTS);
    } else {
        block->next = h->blocks.free[class];
        h->blocks.free[class] = block;
        h->blocks.free_bytes += (uint32_t)class_bytes;
    }
}

static void *block_resize(struct script_host *h, void *block, size_t old_size, size_t new_size)
{
    if (!is_small(old_size) && !is_small(new_size))
        return heap_resize(h->heap, block, old_size, new_size, HEAP_SCRIPTS);
    if (is_small(old_size) && is_small(new_size) && class_of(old_size) == class_of(new_size))
        return block;
    void *fresh = block_take(h, new_size);
    memcpy(fresh, block, old_size < new_size ? old_size : new_size);
    block_give(h, block, old_size);
    return fresh;
}

void *script_allocate(void *host, void *block, size_t old_size, size_t new_size)
{
    struct script_host *h = host;
    // Refused where a script runs: Lua makes an error of it. Elsewhere nobody could catch that.
    if (new_size > old_size && h->is_protected &&
        UNLIKELY(new_size > SCRIPT_BLOCK_BYTES_MAX ||
                 h->vm_bytes + new_size - old_size > h->vm_bytes_max)) {
        h->was_refused = true;
        return NULL;
    }
    h->vm_bytes += new_size - old_size;
    if (new_size == 0) {
        if (block) block_give(h, block, old_size);
        return NULL;
    }
    return block ? block_resize(h, block, old_size, new_size) : block_take(h, new_size);
}

void script_blocks_free(struct script_host *h)
{
    for (size_t class = 1; class <= SCRIPT_CLASS_COUNT; class ++) {
        while (h->blocks.free[class]) {
            struct script_free *block = h->blocks.free[class];
            h->blocks.free[class] = block->next;
            heap_give(h->heap, block, class * SCRIPT_CLASS_BYTES, HEAP_SCRIPTS);
        }
    }
    h->blocks.free_bytes = 0;
}

uint8_t *script_buffer_room(struct heap *heap, struct script_buffer *b, size_t more)
{
    if (b->capacity - b->size < more) {
        size_t capacity = b->capacity ? b->capacity : 256;
        while (capacity - b->size < more) capacity *= 2;
        b->data = heap_resize(heap, b->data, b->capacity, capacity, HEAP_SCRIPTS);
        b->capacity = capacity;
    }
    return b->data + b->size;
}

void script_buffer_append(struct heap *heap, struct script_buffer *b, struct bytes bytes)
{
    if (bytes.size == 0) return;
    memcpy(script_buffer_room(heap, b, bytes.size), bytes.data, bytes.size);
    b->size += bytes.size;
}

void script_buffer_free(struct heap *heap, struct script_buffer *b)
{
    if (b->data) heap_give(heap, b->data, b->capacity, HEAP_SCRIPTS);
    *b = (struct script_buffer){ 0 };
}

void script_buffer_trim(struct heap *heap, struct script_buffer *b)
{
    if (b->capacity > SCRIPT_KEEP_BYTES) script_buffer_free(heap, b);
    b->size = 0;
}

struct bytes script_host_error(struct script_host *h, const char *format, ...)
{
    va_list list;
    struct script_buffer *b = &h->error;
    script_buffer_trim(h->heap, b);
    va_start(list, format);
    int size = vsnprintf(NULL, 0, format, list);
    va_end(list);
    CHECK(size >= 0);
    char *text = (char *)script_buffer_room(h->heap, b, (size_t)size + 1);
    va_start(list, format);
    vsnprintf(text, (size_t)size + 1, format, list);
    va_end(list);
    return bytes_make(text, (size_t)size);
}
