#include "dataplane/keyspace/relocate.h"
#include "dataplane/base/check.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/prefetch.h"
#include "dataplane/keyspace/keyspace_priv.h"
#include "dataplane/keyspace/object.h"
#include "dataplane/keyspace/tree_priv.h"

enum { BUCKET_ITEMS_MAX = INDEX_SLOTS * (1 + INDEX_STASHES) };

struct relocate_later { // a collection that was not done when its slice was over
    struct relocate_later *next;
    uint32_t db;
    uint64_t hash, position;
    bool has_moved; // something of it
    size_t size;
    uint8_t name[];
};

void relocate_begin(struct relocate_pass *p, struct keyspace *k)
{
    CHECK(!k->joint);
    *p = (struct relocate_pass){ .keyspace = k };
}

static void drop_later(struct relocate_pass *p)
{
    struct relocate_later *l = p->later;
    p->later = l->next;
    heap_give(p->keyspace->heap, l, sizeof *l + l->size, HEAP_OTHER);
}

void relocate_end(struct relocate_pass *p)
{
    while (p->later) drop_later(p);
}

// ---- blocks

void *relocate_block(struct relocate_pass *p, void *block, size_t size)
{
    struct heap *heap = p->keyspace->heap;
    if (!p->moves_all && !heap_is_sparse(heap, block)) {
        p->kept++;
        return block;
    }
    p->moved++;
    return heap_relocate(heap, block, size);
}

struct blob *relocate_blob(struct relocate_pass *p, struct blob *b)
{
    if (!b || b->refs != 1) return b;
    return relocate_block(p, b, sizeof *b + b->capacity);
}

// ---- trees

// The nodes on the way to the record at index, each once: an inner node when index is the first
// record below it. A node that is shared is a cut's too, and so is all below it. Returns the index
// of the next leaf's first record.
static uint64_t relocate_leaf(struct relocate_pass *p, struct tree *t, uint64_t index)
{
    struct tree_cursor c;
    if (!tree_at(t, index, &c)) return t->count;
    uint32_t first_here = c.depth + 1u; // from this level down index is the first record
    while (first_here > 0 && c.slot[first_here - 1] == 0) first_here--;
    struct tree_node **link = &t->root, *n = t->root;
    for (uint32_t depth = 0; depth <= c.depth; depth++) {
        n = *link;
        if (n->refs != 1) break;
        if (depth >= first_here || depth == c.depth)
            *link = n = relocate_block(p, n, tree_node_bytes(n));
        if (depth < c.depth) link = &tree_inner(n)->child[c.slot[depth]];
    }
    uint64_t before = c.slot[c.depth];
    if (n->level > 0) n = c.path[c.depth];
    return index - before + n->count;
}

uint64_t relocate_trees(struct relocate_pass *p, struct tree *const *trees, uint32_t count,
                        uint64_t position, uint64_t until_tsc)
{
    uint64_t before = 0; // records of the trees before
    for (uint32_t i = 0; i < count; before += trees[i++]->count) {
        uint64_t records = trees[i]->count;
        uint64_t index = position > before ? position - before : 0;
        while (index < records && trees[i]->root->refs == 1) { // one at least, whatever the time
            index = relocate_leaf(p, trees[i], index);
            if (index < records && clock_tsc() >= until_tsc) return before + index;
        }
    }
    return RELOCATE_DONE;
}

// ---- entries

static void point_at_blob(struct entry *e, const struct blob *b)
{
    memcpy(entry_value_data(e), &b, sizeof b);
}

static void point_at_object(struct entry *e, const struct object *o)
{
    memcpy(entry_value_data(e), &o, sizeof o);
}

static struct entry *relocate_entry(struct relocate_pass *p, struct table *t, struct entry *e)
{
    size_t before = e->has_deadline ? sizeof(struct entry_deadline) : 0;
    uint64_t hash = entry_hash(e, &p->keyspace->hash_key);
    uint8_t *base = (uint8_t *)e - before;
    uint8_t *now = relocate_block(p, base, entry_class_of(e));
    if (now == base) return e;
    struct entry *moved = (struct entry *)(void *)(now + before);
    index_replace(&t->index, hash, e, moved);
    if (moved->has_deadline && wheel_is_armed(&entry_deadline_of(moved)->timer))
        wheel_moved(&entry_deadline_of(moved)->timer);
    if (encoding_is_object(entry_encoding(moved))) entry_object(moved)->entry = moved;
    return moved;
}

static void put_off(struct relocate_pass *p, const struct entry *e, uint64_t position,
                    bool has_moved)
{
    struct bytes name = entry_key(e);
    struct relocate_later *l = heap_take(p->keyspace->heap, sizeof *l + name.size, HEAP_OTHER);
    *l = (struct relocate_later){ .next = p->later,
                                  .db = p->db,
                                  .hash = entry_hash(e, &p->keyspace->hash_key),
                                  .position = position,
                                  .has_moved = has_moved,
                                  .size = name.size };
    if (name.size) memcpy(l->name, name.data, name.size);
    p->later = l;
}

// Parts of the object from position on; true: all of it was looked at.
static bool relocate_object(struct relocate_pass *p, struct entry *e, uint64_t *position,
                            uint64_t until_tsc)
{
    struct object *o = entry_object(e);
    if (!o->ops->relocate) return true;
    struct object *moved = o->ops->relocate(o, p, position, until_tsc);
    if (moved != o) point_at_object(e, moved);
    return *position == RELOCATE_DONE;
}

static void count_key(struct relocate_pass *p, bool has_moved)
{
    p->keys_moved += has_moved;
    p->keys_kept += !has_moved;
}

static void look_at(struct relocate_pass *p, struct table *t, struct entry *e, uint64_t until_tsc)
{
    uint64_t moved = p->moved, position = 0;
    e = relocate_entry(p, t, e);
    if (e->has_blob) {
        struct blob *b = entry_blob(e), *now = relocate_blob(p, b);
        if (now != b) point_at_blob(e, now);
    } else if (encoding_is_object(entry_encoding(e))) {
        if (!relocate_object(p, e, &position, until_tsc)) {
            put_off(p, e, position, p->moved != moved);
            return;
        }
    }
    count_key(p, p->moved != moved);
}

// ---- going through it

struct bucket {
    uint32_t count;
    struct entry *items[BUCKET_ITEMS_MAX];
};

static void gather(void *context, void *item)
{
    struct bucket *b = context;
    CHECK(b->count < BUCKET_ITEMS_MAX);
    prefetch(item);
    b->items[b->count++] = item;
}

static void step_bucket(struct relocate_pass *p, uint64_t until_tsc)
{
    struct bucket b = { .count = 0 };
    struct table *t = keyspace_table(p->keyspace, p->db);
    p->cursor = index_scan(&t->index, p->cursor, gather, &b);
    for (uint32_t i = 0; i < b.count; i++) look_at(p, t, b.items[i], until_tsc);
    if (p->cursor == 0) p->db++;
}

static void step_later(struct relocate_pass *p, uint64_t until_tsc)
{
    struct relocate_later *l = p->later;
    struct key key = { bytes_make(l->name, l->size), l->hash };
    struct entry *e = keyspace_peek(p->keyspace, l->db, &key);
    uint64_t moved = p->moved;
    bool is_done = true;
    if (e && encoding_is_object(entry_encoding(e)))
        is_done = relocate_object(p, e, &l->position, until_tsc);
    l->has_moved |= p->moved != moved;
    if (!is_done) return;
    count_key(p, l->has_moved);
    drop_later(p);
}

bool relocate_step(struct relocate_pass *p, uint64_t until_tsc)
{
    do {
        if (p->later)
            step_later(p, until_tsc);
        else if (p->db == p->keyspace->database_count)
            return true;
        else
            step_bucket(p, until_tsc);
    } while (clock_tsc() < until_tsc);
    return false;
}
