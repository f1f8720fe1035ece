// acl_items.h: an ordered list of texts, each with a number: patterns, rules, arguments, digests.
//
// Thread:  the shard
// Memory:  the array and its texts are on the heap (HEAP_OTHER), owned; acl_items_clear gives all
//          back
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"
#include "dataplane/base/heap.h"

struct acl_item {
    struct bytes text; // owned
    uint32_t tag;      // what the number says is the list's own matter
};
struct acl_items {
    struct acl_item *items; // NULL while there is none
    uint32_t count, capacity;
};

void acl_items_add(struct acl_items *list, struct heap *heap, uint32_t tag, struct bytes text);
void acl_items_remove(struct acl_items *list, struct heap *heap, uint32_t index);
void acl_items_clear(struct acl_items *list, struct heap *heap);
// to is empty.
void acl_items_copy(struct acl_items *to, const struct acl_items *from, struct heap *heap);
// Its text is exactly this; NULL: none.
struct acl_item *acl_items_find(const struct acl_items *list, struct bytes text);
