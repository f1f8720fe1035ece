#include "dataplane/keyspace/reaper.h"
#include "dataplane/base/prefetch.h"
#include "dataplane/keyspace/tree_priv.h"

void reaper_init(struct reaper *r, struct heap *heap) { *r = (struct reaper){ .heap = heap }; }

void reaper_take(struct reaper *r, struct tree_node *node)
{
    if (!node) return;
    CHECK(node->refs > 0);
    if (--node->refs > 0) return;
    *tree_node_link(node) = r->first;
    r->first = node;
    r->pending++;
}

static void take_children(struct reaper *r, struct tree_inner *n)
{
    for (uint32_t i = 0; i < n->node.count; i++) prefetch(n->child[i]);
    for (uint32_t i = 0; i < n->node.count; i++) reaper_take(r, n->child[i]);
}

uint32_t reaper_step(struct reaper *r, uint32_t budget)
{
    uint32_t freed = 0;
    for (; freed < budget && r->first; freed++) {
        struct tree_node *n = r->first;
        r->first = *tree_node_link(n);
        r->pending--;
        if (n->level > 0) take_children(r, tree_inner(n));
        heap_give(r->heap, n, tree_node_bytes(n), HEAP_DATASET);
    }
    return freed;
}
