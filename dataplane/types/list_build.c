// Lists made elsewhere.
#include "dataplane/types/list_priv.h"

void list_build_begin(struct list_builder *b, struct keyspace *k)
{
    b->keyspace = k;
    tree_init(&b->tree, &list_shape);
}

void list_build_add(struct list_builder *b, struct bytes text)
{
    struct packed_needle n;
    packed_needle_init(&n, text);
    packed_put(tree_append(keyspace_space(b->keyspace), &b->tree, 0, n.size), &n);
}

void list_build_look(const struct list_builder *b, struct list_cut *look)
{
    *look = (struct list_cut){ .tree = b->tree, .count = b->tree.count };
}

void list_build_drop(struct list_builder *b) { tree_drop(keyspace_space(b->keyspace), &b->tree); }

static struct entry *put_pack(struct list_builder *b, uint32_t db, const struct key *key)
{
    uint8_t *to;
    struct entry *e = value_edit(b->keyspace, db, key, NULL, TYPE_LIST, ENCODING_LISTPACK,
                                 PACK_HEAD + b->tree.bytes, &to);
    list_pack_tree(to, &b->tree);
    list_build_drop(b);
    return e;
}

struct entry *list_build_put(struct list_builder *b, const struct thresholds *t, uint32_t db,
                             const struct key *key, uint64_t now_ms)
{
    struct list_cut list;
    list_build_look(b, &list);
    if (list.count == 0) {
        struct entry *e = keyspace_find(b->keyspace, db, key, FIND_QUIET, now_ms);
        if (e) keyspace_drop_entry(b->keyspace, db, e);
        return NULL;
    }
    bool fits = list_fits_listpack(&list, t);
    if (fits && list.tree.bytes <= LIST_PACK_BYTES - PACK_HEAD) return put_pack(b, db, key);
    struct object *object = list_object_open(b->keyspace, &b->tree);
    return value_set_object(b->keyspace, db, key, NULL, TYPE_LIST,
                            fits ? ENCODING_LISTPACK_TREE : ENCODING_QUICKLIST, object);
}
