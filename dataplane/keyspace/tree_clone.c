// Trees made anew in another space.
#include "dataplane/keyspace/tree_priv.h"

void tree_forget(struct tree *t)
{
    CHECK(!t->root || t->root->refs > 1);
    if (t->root) t->root->refs--;
    tree_init(t, t->shape);
}

void tree_clone_begin(struct tree_clone *c, struct tree *to, const struct tree *from)
{
    CHECK(!to->root && to->shape == from->shape);
    c->to = to;
    c->from = from;
    c->depth = 0;
}

// An inner node is made empty, and filled from the left: what there is can be dropped at any time.
static struct tree_node *make_like(struct tree_space *s, struct tree_clone *c,
                                   struct tree_node *like)
{
    if (like->level == 0) return tree_leaf_copy(s, like);
    struct tree_inner *n = tree_inner_make(s, like->level);
    n->leaf_count = tree_inner(like)->leaf_count;
    n->bytes = tree_inner(like)->bytes;
    CHECK(c->depth < TREE_DEPTH_MAX);
    c->made[c->depth] = n;
    c->like[c->depth++] = tree_inner(like);
    return &n->node;
}

static void make_child(struct tree_space *s, struct tree_clone *c)
{
    struct tree_inner *parent = c->made[c->depth - 1];
    const struct tree_inner *like = c->like[c->depth - 1];
    uint32_t slot = parent->node.count;
    parent->mark[slot] = like->mark[slot];
    parent->count[slot] = like->count[slot];
    parent->child[slot] = make_like(s, c, like->child[slot]);
    parent->node.count++;
}

bool tree_clone_step(struct tree_space *s, struct tree_clone *c, uint32_t nodes)
{
    struct tree *to = c->to;
    if (!to->root && c->from->root) to->root = make_like(s, c, c->from->root);
    for (; c->depth > 0 && nodes > 0; nodes--) {
        uint32_t top = c->depth - 1;
        if (c->made[top]->node.count == c->like[top]->node.count)
            c->depth--;
        else
            make_child(s, c);
    }
    if (c->depth > 0) return false;
    to->count = c->from->count;
    to->leaf_count = c->from->leaf_count;
    to->bytes = c->from->bytes;
    return true;
}

void tree_unshare(struct tree_space *s, struct tree *t)
{
    struct tree_clone c;
    struct tree made, shared = *t;
    tree_init(&made, t->shape);
    tree_clone_begin(&c, &made, &shared);
    while (!tree_clone_step(s, &c, UINT32_MAX)) continue;
    tree_forget(&shared);
    *t = made;
}
