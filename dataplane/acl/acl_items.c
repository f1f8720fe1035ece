#include "dataplane/acl/acl_items.h"

static struct bytes copy_text(struct heap *heap, struct bytes text)
{
    if (text.size == 0) return bytes_make(NULL, 0);
    uint8_t *copy = heap_take(heap, text.size, HEAP_OTHER);
    memcpy(copy, text.data, text.size);
    return bytes_make(copy, text.size);
}

static void give_text(struct heap *heap, struct bytes text)
{
    if (text.size) heap_give(heap, (void *)(uintptr_t)text.data, text.size, HEAP_OTHER);
}

void acl_items_add(struct acl_items *list, struct heap *heap, uint32_t tag, struct bytes text)
{
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity ? 2 * list->capacity : 4;
        list->items = list->items
                          ? heap_resize(heap, list->items, list->capacity * sizeof *list->items,
                                        capacity * sizeof *list->items, HEAP_OTHER)
                          : heap_take(heap, capacity * sizeof *list->items, HEAP_OTHER);
        list->capacity = capacity;
    }
    list->items[list->count++] = (struct acl_item){ copy_text(heap, text), tag };
}

void acl_items_remove(struct acl_items *list, struct heap *heap, uint32_t index)
{
    give_text(heap, list->items[index].text);
    list->count--;
    memmove(&list->items[index], &list->items[index + 1],
            (list->count - index) * sizeof *list->items);
    if (list->count == 0) acl_items_clear(list, heap);
}

void acl_items_clear(struct acl_items *list, struct heap *heap)
{
    for (uint32_t i = 0; i < list->count; i++) give_text(heap, list->items[i].text);
    if (list->items) heap_give(heap, list->items, list->capacity * sizeof *list->items, HEAP_OTHER);
    *list = (struct acl_items){ 0 };
}

void acl_items_copy(struct acl_items *to, const struct acl_items *from, struct heap *heap)
{
    *to = (struct acl_items){ 0 };
    for (uint32_t i = 0; i < from->count; i++)
        acl_items_add(to, heap, from->items[i].tag, from->items[i].text);
}

struct acl_item *acl_items_find(const struct acl_items *list, struct bytes text)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (bytes_equal(list->items[i].text, text)) return &list->items[i];
    return NULL;
}
