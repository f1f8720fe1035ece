#include "dataplane/cmd/sort_lookup.h"
#include "dataplane/types/hash_value.h"

void sort_pattern_init(struct sort_pattern *p, const struct call *call, uint32_t argument)
{
    struct bytes text = call->argv[argument];
    const uint8_t *nul = text.size ? memchr(text.data, 0, text.size) : NULL;
    size_t searched = nul ? (size_t)(nul - text.data) : text.size;
    *p = (struct sort_pattern){ .argument = argument, .name_end = (uint32_t)text.size };
    if (searched == 1 && text.data[0] == '#') p->kind = SORT_ELEMENT;
    const uint8_t *star = searched ? memchr(text.data, '*', searched) : NULL;
    if (!star) return;
    p->kind = SORT_STRING;
    p->star = (uint32_t)(star - text.data);
    const uint8_t *behind = star + 1;
    const uint8_t *arrow = memmem(behind, searched - p->star - 1, "->", 2);
    if (!arrow) return;
    size_t at = (size_t)(arrow - text.data);
    if (at + 2 == text.size || text.data[at + 2] == 0) return; // no name behind it
    p->kind = SORT_FIELD;
    p->name_end = (uint32_t)at;
}

static uint8_t *name_room(struct sort_lookup *l, struct heap *heap, size_t size)
{
    if (size <= sizeof l->few) return l->few;
    if (size > l->room) {
        l->name = heap_resize(heap, l->name, l->room, 2 * size, HEAP_OTHER);
        l->room = 2 * size;
    }
    return l->name;
}

static struct bytes name_for(struct sort_lookup *l, struct heap *heap, const struct sort_pattern *p,
                             struct bytes pattern, struct bytes element)
{
    size_t postfix = p->name_end - p->star - 1, size = p->star + element.size + postfix;
    uint8_t *name = name_room(l, heap, size), *at = name + p->star;
    if (p->star) memcpy(name, pattern.data, p->star);
    if (element.size) memcpy(at, element.data, element.size);
    if (postfix) memcpy(at + element.size, pattern.data + p->star + 1, postfix);
    return bytes_make(name, size);
}

bool sort_lookup_find(struct sort_lookup *l, struct call *call, const struct sort_pattern *p,
                      struct bytes element)
{
    struct bytes pattern = call->argv[p->argument];
    l->value.blob = NULL;
    l->value.bytes = element;
    if (!sort_pattern_looks_up(p)) return p->kind == SORT_ELEMENT;
    struct key key = key_make(call->keyspace, name_for(l, call->server->heap, p, pattern, element));
    struct entry *e = call_find(call, &key, FIND_READ);
    if (p->kind == SORT_STRING) {
        if (!e || entry_type(e) != TYPE_STRING) return false;
        string_read(e, &l->value);
        return true;
    }
    if (!e || entry_type(e) != TYPE_HASH) return false;
    struct bytes field = bytes_make(pattern.data + p->name_end + 2, pattern.size - p->name_end - 2);
    return hash_get(call->keyspace, e, field, call->now_ms, l->value.scratch, &l->value.bytes);
}

void sort_lookup_close(struct sort_lookup *l, struct heap *heap)
{
    if (l->name) heap_give(heap, l->name, l->room, HEAP_OTHER);
}
