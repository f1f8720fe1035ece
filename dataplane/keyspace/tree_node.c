#include "dataplane/keyspace/tree_priv.h"

struct tree_node *tree_leaf_make(struct tree_space *s, uint32_t room)
{
    if (room < TREE_ROOM_MIN) room = TREE_ROOM_MIN;
    size_t size = heap_usable(sizeof(struct tree_node) + (size_t)room);
    CHECK(size <= UINT32_MAX);
    struct tree_node *leaf = heap_take(s->heap, size, HEAP_DATASET);
    *leaf = (struct tree_node){ .refs = 1, .room = (uint32_t)(size - sizeof(*leaf)) };
    return leaf;
}

struct tree_inner *tree_inner_make(struct tree_space *s, uint32_t level)
{
    struct tree_inner *n = heap_take(s->heap, sizeof(*n), HEAP_DATASET);
    n->node = (struct tree_node){ .refs = 1, .level = (uint8_t)level };
    n->leaf_count = n->bytes = 0;
    return n;
}

void tree_node_free(struct tree_space *s, struct tree_node *n)
{
    heap_give(s->heap, n, tree_node_bytes(n), HEAP_DATASET);
}

struct tree_node *tree_leaf_copy(struct tree_space *s, const struct tree_node *from)
{
    struct tree_node *leaf = tree_leaf_make(s, from->room);
    leaf->count = from->count;
    leaf->used = from->used;
    leaf->anchor = from->anchor;
    leaf->anchor_slot = from->anchor_slot;
    memcpy(tree_records(leaf), tree_records(from), from->used);
    return leaf;
}

void tree_inner_move(struct tree_inner *to, uint32_t to_slot, const struct tree_inner *from,
                     uint32_t from_slot, uint32_t count)
{
    memmove(to->mark + to_slot, from->mark + from_slot, count * sizeof(to->mark[0]));
    memmove(to->child + to_slot, from->child + from_slot, count * sizeof(to->child[0]));
    memmove(to->count + to_slot, from->count + from_slot, count * sizeof(to->count[0]));
}

static struct tree_node *inner_copy(struct tree_space *s, struct tree_inner *from)
{
    struct tree_inner *n = tree_inner_make(s, from->node.level);
    uint32_t count = from->node.count;
    n->node.count = from->node.count;
    n->leaf_count = from->leaf_count;
    n->bytes = from->bytes;
    tree_inner_move(n, 0, from, 0, count);
    for (uint32_t i = 0; i < count; i++) n->child[i]->refs++;
    return &n->node;
}

struct tree_node *tree_node_own(struct tree_space *s, struct tree_node **link)
{
    struct tree_node *n = *link;
    if (n->refs == 1) return n;
    *link = n->level > 0 ? inner_copy(s, tree_inner(n)) : tree_leaf_copy(s, n);
    reaper_take(s->reaper, n);
    return *link;
}

struct tree_node *tree_leaf_resize(struct tree_space *s, struct tree_node *leaf, uint32_t room)
{
    if (room < TREE_ROOM_MIN) room = TREE_ROOM_MIN;
    size_t size = heap_usable(sizeof(*leaf) + (size_t)room);
    CHECK(size <= UINT32_MAX);
    if (size == tree_node_bytes(leaf)) return leaf;
    leaf = heap_resize(s->heap, leaf, tree_node_bytes(leaf), size, HEAP_DATASET);
    leaf->room = (uint32_t)(size - sizeof(*leaf));
    return leaf;
}

void tree_leaf_open_gap(struct tree_node *leaf, uint32_t offset, uint32_t size)
{
    uint8_t *at = tree_records(leaf) + offset;
    CHECK(offset <= leaf->used && size <= leaf->room - leaf->used && leaf->count < UINT16_MAX);
    memmove(at + size, at, leaf->used - offset);
    leaf->used += size;
    leaf->count++;
    if (offset >= leaf->anchor) return;
    bool is_far = leaf->anchor + (uint64_t)size > UINT16_MAX;
    leaf->anchor = is_far ? 0 : (uint16_t)(leaf->anchor + size);
    leaf->anchor_slot = is_far ? 0 : (uint16_t)(leaf->anchor_slot + 1);
}

void tree_leaf_close_gap(struct tree_node *leaf, uint32_t offset, uint32_t size)
{
    uint8_t *at = tree_records(leaf) + offset;
    CHECK(leaf->count > 0 && offset + (uint64_t)size <= leaf->used);
    memmove(at, at + size, leaf->used - offset - size);
    leaf->used -= size;
    leaf->count--;
    if (offset >= leaf->anchor) return;
    leaf->anchor = (uint16_t)(leaf->anchor - size);
    leaf->anchor_slot--;
}

// Looking for late records again and again (pops at the right, reading backwards) would pass over
// the whole leaf each time; the anchor, left a little before the record, makes it a few steps.
uint32_t tree_leaf_offset(const struct tree_shape *shape, struct tree_node *leaf, uint32_t slot)
{
    const uint8_t *records = tree_records(leaf);
    uint32_t at = 0, i = 0;
    CHECK(slot <= leaf->count);
    if (leaf->anchor_slot <= slot) {
        at = leaf->anchor;
        i = leaf->anchor_slot;
    }
    if (i + 2 * TREE_ANCHOR_BACK < slot) {
        for (; i < slot - TREE_ANCHOR_BACK; i++) at += tree_record_size(shape, records + at);
        if (at <= UINT16_MAX) {
            leaf->anchor = (uint16_t)at;
            leaf->anchor_slot = (uint16_t)i;
        }
    }
    for (; i < slot; i++) at += tree_record_size(shape, records + at);
    return at;
}

static uint64_t key_hash(const struct tree_space *s, const uint8_t *key)
{
    char scratch[24];
    struct bytes text = packed_text(key, scratch);
    return siphash_13(text.data, text.size, &s->hash_key);
}

// A number hashes as its text, so a mark does not depend on how the element is written.
uint64_t tree_hash(const struct tree_space *s, const struct packed_needle *n)
{
    return n->body.size > 0 ? siphash_13(n->body.data, n->body.size, &s->hash_key)
                            : key_hash(s, n->head);
}

uint64_t tree_record_mark(const struct tree_space *s, const struct tree_shape *shape,
                          const uint8_t *record)
{
    switch (shape->order) {
    case TREE_BY_HASH:
        return key_hash(s, tree_record_key(shape, record));
    case TREE_SORTED:
        return shape->mark(record);
    case TREE_BY_POSITION:
        break;
    }
    return 0;
}

void tree_inner_open(struct tree_inner *n, uint32_t slot)
{
    CHECK(n->node.count < TREE_CHILDREN_MAX && slot <= n->node.count);
    tree_inner_move(n, slot + 1, n, slot, n->node.count - slot);
    n->node.count++;
}

void tree_inner_close(struct tree_inner *n, uint32_t slot, uint32_t count)
{
    CHECK(slot + count <= n->node.count);
    tree_inner_move(n, slot, n, slot + count, n->node.count - slot - count);
    n->node.count = (uint16_t)(n->node.count - count);
}

struct tree_totals tree_child_totals(const struct tree_inner *n, uint32_t slot)
{
    struct tree_node *child = n->child[slot];
    if (child->level == 0) return (struct tree_totals){ child->count, 1, child->used };
    return (struct tree_totals){ n->count[slot], tree_inner(child)->leaf_count,
                                 tree_inner(child)->bytes };
}
