#include "dataplane/cmd/sort_texts.h"

enum { BLOCK_BYTES = 16 * 1024 };

struct sort_text_block {
    struct sort_text_block *next;
    size_t bytes; // of the allocation
    size_t used;
};

static uint8_t *text_room(struct sort_texts *t, size_t size)
{
    struct sort_text_block *b = t->blocks;
    if (!b || b->bytes - b->used < size) {
        size_t bytes = sizeof *b + size;
        if (bytes < BLOCK_BYTES) bytes = BLOCK_BYTES;
        b = heap_take(t->heap, bytes, HEAP_OTHER);
        *b = (struct sort_text_block){ .next = t->blocks, .bytes = bytes, .used = sizeof *b };
        t->blocks = b;
    }
    uint8_t *at = (uint8_t *)b + b->used;
    b->used += size;
    return at;
}

const uint8_t *sort_texts_keep(struct sort_texts *t, struct bytes text)
{
    uint8_t *at = text_room(t, text.size);
    if (text.size) memcpy(at, text.data, text.size);
    return at;
}

const uint8_t *sort_texts_keep_sized(struct sort_texts *t, struct bytes text)
{
    uint8_t *at = text_room(t, 4 + text.size);
    store_le32(at, (uint32_t)text.size);
    if (text.size) memcpy(at + 4, text.data, text.size);
    return at;
}

bool sort_texts_drop_some(struct sort_texts *t)
{
    struct sort_text_block *b = t->blocks;
    if (!b) return false;
    t->blocks = b->next;
    heap_give(t->heap, b, b->bytes, HEAP_OTHER);
    return true;
}
