// list_priv.h: what the files of lists share.
//
// Thread:  the shard
// Memory:  list_value.h
#pragma once
#include "dataplane/keyspace/object.h"
#include "dataplane/types/list_value.h"

struct list_object {
    struct object object;
    struct tree tree;
};
extern const struct tree_shape list_shape;

static inline bool list_is_tree(const struct entry *e)
{
    return encoding_is_object(entry_encoding(e));
}
static inline struct list_object *list_object(const struct entry *e)
{
    return (struct list_object *)entry_object(e);
}
// The place's entry stays; its deadline too.
void list_become_tree(struct list_place *p, enum value_encoding encoding);
// After elements went or became smaller, and some are left: the encoding's name and the form.
void list_settle(struct list_place *p);
// A new object with tree's nodes.
struct object *list_object_open(struct keyspace *k, const struct tree *tree);
// Whether a listpack of these elements keeps within list-max-listpack-size.
bool list_fits_listpack(const struct list_cut *list, const struct thresholds *t);
// tree's records into a pack of PACK_HEAD + tree->bytes bytes.
void list_pack_tree(uint8_t *pack, const struct tree *tree);
