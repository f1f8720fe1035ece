// In which form a list is, and what OBJECT ENCODING calls it.
#include "dataplane/keyspace/relocate.h"
#include "dataplane/types/list_priv.h"

enum {
    LISTPACK_FRAME_BYTES = 7, // Redis's listpack: 6 bytes of header, one at the end
    SAFE_BYTES = 8192,        // a limit of elements allows no more bytes than this
};

const struct tree_shape list_shape = { .order = TREE_BY_POSITION,
                                       .elements = 1,
                                       .leaf_bytes = TREE_LEAF_BYTES };

// ---- the object

static void close_object(struct object *o, struct keyspace *k)
{
    struct list_object *list = (struct list_object *)o;
    struct tree_space *space = keyspace_space(k);
    tree_drop(space, &list->tree);
    heap_give(space->heap, list, sizeof *list, HEAP_DATASET);
}

static const struct object_ops list_ops;

static struct object *copy_object(const struct object *o, struct keyspace *k)
{
    const struct list_object *list = (const struct list_object *)o;
    struct tree cut;
    tree_cut(&cut, &list->tree);
    return list_object_open(k, &cut);
}

static uint64_t object_memory(const struct object *o)
{
    const struct list_object *list = (const struct list_object *)o;
    return heap_usable(sizeof *list) + tree_memory_bytes(&list->tree);
}

static uint64_t object_count(const struct object *o)
{
    return ((const struct list_object *)o)->tree.count;
}

static struct object *relocate(struct object *o, struct relocate_pass *p, uint64_t *position,
                               uint64_t until_tsc)
{
    struct list_object *list = (struct list_object *)o;
    if (*position == 0) list = relocate_block(p, list, sizeof *list);
    struct tree *trees[] = { &list->tree };
    *position = relocate_trees(p, trees, 1, *position, until_tsc);
    return &list->object;
}

static struct tree *next_tree(struct object *o, struct object_place *place)
{
    return place->member++ == 0 ? &((struct list_object *)o)->tree : NULL;
}

static const struct object_ops list_ops = { close_object, copy_object, object_memory, object_count,
                                            relocate,     next_tree,   NULL };

struct object *list_object_open(struct keyspace *k, const struct tree *tree)
{
    struct list_object *list = heap_take(keyspace_space(k)->heap, sizeof *list, HEAP_DATASET);
    list->object.ops = &list_ops;
    list->tree = *tree;
    return &list->object;
}

// ---- Redis's rule

struct limit {
    uint64_t bytes, count;
};

static struct limit limit_of(const struct thresholds *t)
{
    static const uint32_t levels[] = { 4096, 8192, 16384, 32768, 65536 };
    if (t->list_size > 0) return (struct limit){ SAFE_BYTES, (uint64_t)t->list_size };
    if (t->list_size == 0) return (struct limit){ SAFE_BYTES, 1 };
    uint64_t level = (uint64_t) - (t->list_size + 1);
    return (struct limit){ levels[level < 5 ? level : 4], UINT64_MAX };
}

// A listpack's element ends with its own size, 7 bits a byte: what that takes beyond one byte.
static uint64_t more_link_bytes(uint32_t size)
{
    return (uint64_t)(size > 127) + (size >= 16383) + (size >= 2097151) + (size >= 268435455);
}

static uint64_t more_links_bytes(const struct list_cut *list)
{
    struct list_iter i;
    uint64_t bytes = 0;
    list_iter_init(&i, list, 0, false);
    for (const uint8_t *at; (at = list_iter_next_packed(&i));)
        bytes += more_link_bytes(packed_size(at));
    return bytes;
}

static uint64_t record_bytes(const struct list_cut *list)
{
    if (!list->bytes.data) return list->tree.bytes;
    return list->bytes.size - PACK_HEAD;
}

// Elements take the same bytes here as in a listpack but for the links, whose size lies between two
// bounds; only a list between them has to be walked, and it is 64 KiB long at most.
static bool passes(const struct list_cut *list, uint64_t more_bytes, uint64_t more_count,
                   struct limit limit)
{
    uint64_t bytes = record_bytes(list), count = list->count + more_count;
    if (count > limit.count) return true;
    uint64_t least = LISTPACK_FRAME_BYTES + bytes + list->count + more_bytes;
    if (least > limit.bytes) return true;
    if (least + bytes / 128 <= limit.bytes) return false;
    return least + more_links_bytes(list) > limit.bytes;
}

// A single element may be of any size when elements are what is counted.
static struct limit limit_for(const struct list_cut *list, const struct thresholds *t)
{
    struct limit limit = limit_of(t);
    if (limit.count != UINT64_MAX && list->count <= 1) limit.bytes = UINT64_MAX;
    return limit;
}

bool list_fits_listpack(const struct list_cut *list, const struct thresholds *t)
{
    return !passes(list, 0, 0, limit_for(list, t));
}

// Half the limit, so that one element more or less does not change it back and forth.
static bool fits_listpack_again(const struct list_cut *list, const struct thresholds *t)
{
    struct limit limit = limit_for(list, t);
    if (limit.count == UINT64_MAX)
        limit.bytes /= 2;
    else
        limit.count /= 2;
    return !passes(list, 0, 0, limit);
}

void list_value_expect(struct list_place *p, const struct bytes *values, uint32_t count)
{
    if (p->entry && entry_encoding(p->entry) == ENCODING_QUICKLIST) return;
    struct list_cut list = { .count = 0 };
    uint64_t bytes = 0;
    if (p->entry) list_view(p->entry, &list);
    for (uint32_t i = 0; i < count; i++) bytes += values[i].size;
    if (passes(&list, bytes, count, limit_of(p->thresholds)))
        list_become_tree(p, ENCODING_QUICKLIST);
}

// ---- from one form to another

static void append_pack(struct tree_space *space, struct tree *tree, struct bytes pack)
{
    for (const uint8_t *at = pack_first(pack), *end = pack_end(pack); at < end;) {
        uint32_t size = packed_size(at);
        memcpy(tree_append(space, tree, 0, size), at, size);
        at += size;
    }
}

void list_become_tree(struct list_place *p, enum value_encoding encoding)
{
    struct object *object;
    if (p->entry && list_is_tree(p->entry)) {
        object = entry_object(p->entry);
    } else {
        struct tree tree;
        tree_init(&tree, &list_shape);
        if (p->entry) append_pack(keyspace_space(p->keyspace), &tree, value_bytes(p->entry));
        object = list_object_open(p->keyspace, &tree);
    }
    p->entry = value_set_object(p->keyspace, p->db, p->key, p->entry, TYPE_LIST, encoding, object);
}

void list_pack_tree(uint8_t *pack, const struct tree *tree)
{
    struct tree_cursor c;
    uint8_t *to = pack + PACK_HEAD;
    store_le32(pack, (uint32_t)tree->count);
    for (bool more = tree_first(tree, &c); more; more = tree_next(&c)) {
        memcpy(to, c.record, c.size);
        to += c.size;
    }
}

static void become_pack(struct list_place *p, const struct tree *tree)
{
    uint8_t pack[LIST_PACK_BYTES], *to;
    uint32_t size = PACK_HEAD + (uint32_t)tree->bytes;
    list_pack_tree(pack, tree);
    p->entry = value_edit(p->keyspace, p->db, p->key, p->entry, TYPE_LIST, ENCODING_LISTPACK, size,
                          &to); // the tree is gone now
    memcpy(to, pack, size);
}

// Back into a pack at half its size, so that it does not go back and forth either.
void list_settle(struct list_place *p)
{
    enum value_encoding encoding = entry_encoding(p->entry);
    if (encoding == ENCODING_LISTPACK) return;
    struct list_cut list;
    uint64_t pack_max = (LIST_PACK_BYTES - PACK_HEAD) / 2;
    list_view(p->entry, &list);
    if (encoding == ENCODING_QUICKLIST) {
        if (!fits_listpack_again(&list, p->thresholds)) return;
        pack_max = LIST_PACK_BYTES - PACK_HEAD;
    }
    if (list.tree.bytes <= pack_max)
        become_pack(p, &list_object(p->entry)->tree);
    else if (encoding == ENCODING_QUICKLIST)
        list_become_tree(p, ENCODING_LISTPACK_TREE);
}
