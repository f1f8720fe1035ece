#include "dataplane/keyspace/remake.h"
#include "dataplane/base/check.h"
#include "dataplane/base/clock.h"
#include "dataplane/keyspace/keyspace_priv.h"
#include "dataplane/keyspace/object.h"

enum {
    NODES_PER_LOOK = 16,     // at the clock: some 0.3 us each
    PIECE_BYTES = 16 * 1024, // in fresh pages some 20 us, or more
};

struct remake {
    struct keyspace *from, *to;
    struct value like; // a cut: a blob that is held, or an object of its own
    struct value made;
    uint64_t deadline_ms;
    // Of an object:
    struct object_place like_place, made_place;
    struct tree_clone clone;
    bool is_cloning;
};

// ---- objects

// What was copied still refers to the trees of the cut: from here on it has none.
static void make_hollow(struct object *o)
{
    struct object_place place = { 0 };
    for (struct tree *t; (t = o->ops->next_tree(o, &place)) != NULL;) tree_forget(t);
}

static void begin_object(struct remake *r, const struct object *o)
{
    r->like.object = o->ops->copy(o, r->from);
    r->made.object = o->ops->copy(o, r->to);
    make_hollow(r->made.object);
}

static bool next_tree(struct remake *r) // false: there is none
{
    struct object *like = r->like.object, *made = r->made.object;
    const struct tree *from = like->ops->next_tree(like, &r->like_place);
    struct tree *to = made->ops->next_tree(made, &r->made_place);
    CHECK((from != NULL) == (to != NULL));
    if (from) tree_clone_begin(&r->clone, to, from);
    return from != NULL;
}

static bool step_object(struct remake *r, uint64_t until_tsc)
{
    do {
        if (!r->is_cloning && !next_tree(r)) {
            if (r->made.object->ops->settle) r->made.object->ops->settle(r->made.object, r->to);
            return true;
        }
        r->is_cloning = !tree_clone_step(&r->to->space, &r->clone, NODES_PER_LOOK);
    } while (clock_tsc() < until_tsc);
    return false;
}

// ---- blobs

static void begin_blob(struct remake *r)
{
    r->made.blob = blob_new(r->to->heap, blob_capacity(r->like.blob->size), HEAP_DATASET);
}

static bool step_blob(struct remake *r, uint64_t until_tsc)
{
    const struct blob *like = r->like.blob;
    struct blob *made = r->made.blob;
    do {
        size_t left = like->size - made->size, size = left < PIECE_BYTES ? left : PIECE_BYTES;
        memcpy(made->data + made->size, like->data + made->size, size);
        made->size += size;
        if (made->size == like->size) return true;
    } while (clock_tsc() < until_tsc);
    return false;
}

// ---- values

bool remake_may(const struct entry *e)
{
    return e->has_blob || encoding_is_object(entry_encoding(e));
}

struct remake *remake_begin(struct keyspace *from, const struct entry *e, struct keyspace *to)
{
    CHECK(!from->joint && !to->joint && remake_may(e));
    struct remake *r = heap_take_zeroed(from->heap, sizeof *r, HEAP_OTHER);
    r->from = from;
    r->to = to;
    r->deadline_ms = entry_deadline_ms(e);
    r->like = r->made = entry_value(e);
    if (r->like.object)
        begin_object(r, r->like.object);
    else
        begin_blob(r);
    return r;
}

bool remake_step(struct remake *r, uint64_t until_tsc)
{
    return r->like.object ? step_object(r, until_tsc) : step_blob(r, until_tsc);
}

struct value remake_take(struct remake *r)
{
    struct value made = r->made;
    r->made.blob = NULL;
    r->made.object = NULL;
    return made;
}

struct entry *remake_put(struct remake *r, uint32_t db, const struct key *key, bool is_new,
                         uint64_t now_ms)
{
    struct keyspace *k = r->to;
    struct table *t = keyspace_table(k, db);
    struct value v = remake_take(r);
    k->now_ms = now_ms;
    struct entry *existing = keyspace_table_find_live(k, t, key, now_ms);
    if (is_new) v.access = entry_access_new(k);
    k->dirty++;
    return keyspace_table_put(k, t, key, existing, &v, r->deadline_ms);
}

static void drop(struct keyspace *k, struct value *v)
{
    if (v->blob) blob_release(v->blob);
    if (v->object) v->object->ops->close(v->object, k);
    v->blob = NULL;
    v->object = NULL;
}

void remake_end(struct remake *r)
{
    drop(r->to, &r->made);
    drop(r->from, &r->like);
    heap_give(r->from->heap, r, sizeof *r, HEAP_OTHER);
}
