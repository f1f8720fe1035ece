// list.h: counted intrusive doubly linked list. An object embeds a list_node for each list it can
// be on.
//
// Memory:  nodes belong to the objects that embed them; the list owns nothing
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct list_node {
    struct list_node *next, *prev; // both NULL when on no list
};

struct list {
    struct list_node
        root; // root.next is the first, root.prev the last; both point to root when empty
    size_t count;
};

#define LIST_OWNER(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline void list_init(struct list *l)
{
    l->root.next = l->root.prev = &l->root;
    l->count = 0;
}
static inline bool list_node_is_linked(const struct list_node *n) { return n->next != NULL; }
static inline struct list_node *list_first(const struct list *l)
{
    return l->count ? l->root.next : NULL;
}
static inline struct list_node *list_next(const struct list *l, const struct list_node *n)
{
    return n->next == &l->root ? NULL : n->next;
}
static inline void list_insert_between(struct list *l, struct list_node *prev,
                                       struct list_node *next, struct list_node *n)
{
    n->prev = prev;
    n->next = next;
    prev->next = n;
    next->prev = n;
    l->count++;
}
static inline void list_append(struct list *l, struct list_node *n)
{
    list_insert_between(l, l->root.prev, &l->root, n);
}
static inline void list_prepend(struct list *l, struct list_node *n)
{
    list_insert_between(l, &l->root, l->root.next, n);
}
static inline void list_remove(struct list *l, struct list_node *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    n->next = n->prev = NULL;
    l->count--;
}
// A linked node whose memory moved: its neighbours learn the new place.
static inline void list_moved(struct list_node *n)
{
    n->prev->next = n;
    n->next->prev = n;
}
static inline struct list_node *list_take_first(struct list *l)
{
    struct list_node *n = list_first(l);
    if (n) list_remove(l, n);
    return n;
}
