#include "dataplane/keyspace/tree_priv.h"

// The leaf whose part of the hash space holds the mark; *next is where the part of the next one
// begins, 0 when there is none. Bounds of leaves only come and go with splits and merges: what was
// shown up to one was all there was below it.
static struct tree_node *leaf_for(const struct tree *t, uint64_t mark, uint64_t *next)
{
    struct tree_node *n = t->root;
    *next = 0;
    while (n->level > 0) {
        struct tree_inner *in = tree_inner(n);
        uint32_t slot = tree_inner_slot(in, mark);
        if (slot + 1U < n->count) *next = in->mark[slot + 1];
        n = in->child[slot];
    }
    return n;
}

uint64_t tree_scan(const struct tree *t, uint64_t cursor, uint64_t least,
                   void (*visit)(void *context, const uint8_t *record), void *context)
{
    CHECK(t->shape->order == TREE_BY_HASH);
    if (!t->root) return 0;
    uint64_t visited = 0;
    do {
        const struct tree_node *leaf = leaf_for(t, cursor, &cursor);
        const uint8_t *at = tree_records(leaf), *end = at + leaf->used;
        visited += leaf->count;
        for (; at < end; at += tree_record_size(t->shape, at)) visit(context, at);
    } while (cursor != 0 && visited < least);
    return cursor;
}
