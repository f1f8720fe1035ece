#include "dataplane/types/list_value.h"
#include "dataplane/base/check.h"
#include "dataplane/types/list_priv.h"

// ---- reading

uint64_t list_value_count(const struct entry *e)
{
    return list_is_tree(e) ? list_object(e)->tree.count : pack_count(value_bytes(e));
}

struct bytes list_value_at(const struct entry *e, uint64_t index, char scratch[24])
{
    struct tree_cursor c;
    CHECK(index < list_value_count(e));
    if (!list_is_tree(e)) return packed_text(pack_at(value_bytes(e), (uint32_t)index), scratch);
    tree_at(&list_object(e)->tree, index, &c);
    return packed_text(c.record, scratch);
}

// ---- packs

// In place of `removed` bytes from offset on comes n, or nothing; delta: elements more or fewer.
// Room has been looked for.
static void splice(struct list_place *p, uint32_t offset, uint32_t removed,
                   const struct packed_needle *n, int32_t delta)
{
    struct bytes old = p->entry ? value_bytes(p->entry) : bytes_make(NULL, PACK_HEAD);
    uint32_t added = n ? n->size : 0, from = offset + removed, to = offset + added;
    size_t tail = old.size - from, size = to + tail;
    uint32_t count = p->entry ? pack_count(old) : 0;
    uint8_t held[LIST_PACK_BYTES], *pack;
    CHECK(size <= LIST_PACK_BYTES);
    bool shrinks = to < from; // then the tail would be cut off before it could be moved
    if (shrinks && tail) memcpy(held, old.data + from, tail);
    p->entry =
        value_edit(p->keyspace, p->db, p->key, p->entry, TYPE_LIST, ENCODING_LISTPACK, size, &pack);
    if (tail) memmove(pack + to, shrinks ? held : pack + from, tail);
    if (n) packed_put(pack + offset, n);
    store_le32(pack, count + (uint32_t)delta);
}

// The last element.
static uint32_t last_offset(struct bytes pack)
{
    const uint8_t *at = pack_first(pack), *last = at;
    for (; at < pack_end(pack); at += packed_size(at)) last = at;
    return (uint32_t)(last - pack.data);
}

static uint32_t offset_of(struct bytes pack, uint64_t index)
{
    if (index == pack_count(pack)) return (uint32_t)pack.size;
    return (uint32_t)(pack_at(pack, (uint32_t)index) - pack.data);
}

// True: the change may be made in the pack. False: the value is a tree (now).
static bool stays_pack(struct list_place *p, uint32_t removed, uint32_t added)
{
    size_t size = PACK_HEAD;
    if (p->entry) {
        if (list_is_tree(p->entry)) return false;
        size = value_bytes(p->entry).size;
    }
    if (size - removed + added <= LIST_PACK_BYTES) return true;
    list_become_tree(p, ENCODING_LISTPACK_TREE);
    return false;
}

// ---- adding

static void push_tree(struct list_place *p, bool at_head, const struct packed_needle *n)
{
    struct tree_space *space = keyspace_space(p->keyspace);
    struct tree *tree = &list_object(p->entry)->tree;
    struct tree_cursor c;
    uint8_t *to;
    if (at_head && tree_first(tree, &c))
        to = tree_insert(space, tree, &c, 0, n->size);
    else
        to = tree_append(space, tree, 0, n->size);
    packed_put(to, n);
}

static void push(struct list_place *p, bool at_head, struct bytes value)
{
    struct packed_needle n;
    packed_needle_init(&n, value);
    if (!stays_pack(p, 0, n.size)) {
        push_tree(p, at_head, &n);
        return;
    }
    size_t size = p->entry && !at_head ? value_bytes(p->entry).size : PACK_HEAD;
    splice(p, (uint32_t)size, 0, &n, 1);
}

void list_value_push_all(struct list_place *p, bool at_head, const struct bytes *values,
                         uint32_t count)
{
    list_value_expect(p, values, count);
    for (uint32_t i = 0; i < count; i++) push(p, at_head, values[i]);
}

void list_value_insert(struct list_place *p, uint64_t index, struct bytes value)
{
    struct packed_needle n;
    struct tree_cursor c;
    packed_needle_init(&n, value);
    CHECK(index <= list_value_count(p->entry));
    if (stays_pack(p, 0, n.size)) {
        splice(p, offset_of(value_bytes(p->entry), index), 0, &n, 1);
        return;
    }
    struct tree_space *space = keyspace_space(p->keyspace);
    struct tree *tree = &list_object(p->entry)->tree;
    bool is_inside = tree_at(tree, index, &c);
    packed_put(is_inside ? tree_insert(space, tree, &c, 0, n.size)
                         : tree_append(space, tree, 0, n.size),
               &n);
}

void list_value_set(struct list_place *p, uint64_t index, struct bytes value)
{
    struct packed_needle n;
    struct tree_cursor c;
    uint32_t offset = 0, old_size = 0;
    packed_needle_init(&n, value);
    CHECK(index < list_value_count(p->entry));
    if (!list_is_tree(p->entry)) {
        struct bytes pack = value_bytes(p->entry);
        offset = offset_of(pack, index);
        old_size = packed_size(pack.data + offset);
    }
    if (stays_pack(p, old_size, n.size)) {
        splice(p, offset, old_size, &n, 0);
        return;
    }
    struct tree *tree = &list_object(p->entry)->tree;
    tree_at(tree, index, &c);
    packed_put(tree_replace(keyspace_space(p->keyspace), tree, &c, n.size), &n);
    list_settle(p);
}

// ---- removing

static void drop(struct list_place *p)
{
    keyspace_drop_entry(p->keyspace, p->db, p->entry);
    p->entry = NULL;
}

static void pop_tree(struct list_place *p, bool at_head,
                     void (*take)(void *context, struct bytes value), void *context)
{
    struct tree *tree = &list_object(p->entry)->tree;
    struct tree_cursor c;
    char scratch[24];
    if (at_head)
        tree_first(tree, &c);
    else
        tree_last(tree, &c);
    if (take) take(context, packed_text(c.record, scratch));
    if (tree->count == 1) {
        drop(p);
        return;
    }
    tree_remove(keyspace_space(p->keyspace), tree, &c);
    list_settle(p);
}

void list_value_pop(struct list_place *p, bool at_head,
                    void (*take)(void *context, struct bytes value), void *context)
{
    char scratch[24];
    if (list_is_tree(p->entry)) {
        pop_tree(p, at_head, take, context);
        return;
    }
    struct bytes pack = value_bytes(p->entry);
    uint32_t offset = at_head ? (uint32_t)PACK_HEAD : last_offset(pack);
    if (take) take(context, packed_text(pack.data + offset, scratch));
    if (pack_count(pack) == 1)
        drop(p);
    else
        splice(p, offset, packed_size(pack.data + offset), NULL, -1);
}

void list_value_remove_range(struct list_place *p, uint64_t first, uint64_t count)
{
    uint64_t all = list_value_count(p->entry);
    CHECK(count <= all && first <= all - count);
    if (count == 0) return;
    if (count == all) {
        drop(p);
    } else if (list_is_tree(p->entry)) {
        tree_remove_range(keyspace_space(p->keyspace), &list_object(p->entry)->tree, first, count);
        list_settle(p);
    } else {
        struct bytes pack = value_bytes(p->entry);
        uint32_t from = offset_of(pack, first), to = offset_of(pack, first + count);
        splice(p, from, to - from, NULL, -(int32_t)count);
    }
}

void list_draft_open(const struct entry *e, struct tree *draft)
{
    CHECK(list_is_tree(e));
    tree_cut(draft, &list_object(e)->tree);
}

void list_draft_put(struct list_place *p, struct tree *draft)
{
    struct list_object *list = list_object(p->entry);
    tree_drop(keyspace_space(p->keyspace), &list->tree);
    list->tree = *draft;
    if (list->tree.count == 0)
        drop(p);
    else
        list_settle(p);
}
