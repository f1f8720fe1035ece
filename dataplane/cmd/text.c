#include "dataplane/cmd/text.h"
#include <stdio.h>
#include "dataplane/base/check.h"

enum { TEXT_FIRST_BYTES = 1024 };

void text_open(struct text *t, struct heap *heap) { *t = (struct text){ .heap = heap }; }

void text_close(struct text *t)
{
    if (t->data) heap_give(t->heap, t->data, t->capacity, HEAP_OTHER);
    *t = (struct text){ .heap = t->heap };
}

static void grow(struct text *t, size_t least)
{
    size_t capacity = t->capacity ? t->capacity : TEXT_FIRST_BYTES;
    while (capacity < least) capacity *= 2;
    t->data = t->data ? heap_resize(t->heap, t->data, t->capacity, capacity, HEAP_OTHER)
                      : heap_take(t->heap, capacity, HEAP_OTHER);
    t->capacity = capacity;
}

void text_add(struct text *t, const char *format, ...)
{
    for (;;) {
        va_list values;
        size_t room = t->capacity - t->size;
        va_start(values, format);
        int size = vsnprintf(t->data ? t->data + t->size : NULL, room, format, values);
        va_end(values);
        CHECK(size >= 0);
        if ((size_t)size < room) {
            t->size += (size_t)size;
            return;
        }
        grow(t, t->size + (size_t)size + 1);
    }
}
