#include "dataplane/base/check.h"
#include "dataplane/keyspace/relocate.h"
#include "dataplane/types/stream_priv.h"

static uint64_t chunk_mark(const uint8_t *record) { return load_be64(record); }

const struct tree_shape stream_chunk_shape = {
    .order = TREE_SORTED,
    .prefix_bytes = STREAM_ID_BYTES,
    .elements = 1,
    .leaf_bytes = TREE_LEAF_BYTES,
    .mark = chunk_mark,
};

// ---- versions

static void share(struct keyspace *k, const struct stream_cut *from, bool with_groups,
                  struct stream_cut *to)
{
    to->facts = from->facts;
    tree_cut(&to->chunks, &from->chunks);
    to->tail = from->tail ? blob_hold(from->tail) : NULL;
    to->groups = (struct stream_groups){ 0 };
    if (with_groups) stream_groups_copy(keyspace_space(k), &from->groups, &to->groups);
}

void stream_cut(struct keyspace *k, const struct entry *e, bool with_groups, struct stream_cut *cut)
{
    share(k, &stream_of(e)->now, with_groups, cut);
}

void stream_cut_init(struct stream_cut *cut)
{
    *cut = (struct stream_cut){ .tail = NULL };
    tree_init(&cut->chunks, &stream_chunk_shape);
}

void stream_cut_drop(struct keyspace *k, struct stream_cut *cut)
{
    struct tree_space *space = keyspace_space(k);
    tree_drop(space, &cut->chunks);
    stream_groups_drop(space, &cut->groups);
    if (cut->tail) blob_release(cut->tail);
    cut->tail = NULL;
    cut->facts = (struct stream_facts){ 0 };
}

// ---- as an entry holds it

static void close_object(struct object *object, struct keyspace *k)
{
    stream_object_give(k, (struct stream_object *)object);
}

static struct object *copy_object(const struct object *object, struct keyspace *k)
{
    const struct stream_object *from = (const struct stream_object *)object;
    struct stream_object *s = stream_object_new(k);
    share(k, &from->now, true, &s->now);
    s->tail_last = from->tail_last;
    s->node = from->node;
    return &s->object;
}

static uint64_t memory_bytes(const struct object *object)
{
    const struct stream_object *s = (const struct stream_object *)object;
    uint64_t tail = s->now.tail ? heap_usable(sizeof *s->now.tail + s->now.tail->capacity) : 0;
    return heap_usable(sizeof *s) + tail + tree_memory_bytes(&s->now.chunks) +
           stream_groups_memory_bytes(&s->now.groups);
}

static uint64_t count(const struct object *object)
{
    const struct stream_object *s = (const struct stream_object *)object;
    uint64_t sum = stream_spot_count(&s->now);
    for (uint32_t i = 0; i < s->now.groups.count; i++)
        sum += 1 + s->now.groups.groups[i]->pending.leaf_count;
    return sum;
}

// Groups stay where they are: they are few, and their consumers know each other by address.
static struct object *relocate(struct object *object, struct relocate_pass *p, uint64_t *position,
                               uint64_t until_tsc)
{
    struct stream_object *s = (struct stream_object *)object;
    if (*position == 0) {
        s = relocate_block(p, s, sizeof *s);
        s->now.tail = relocate_blob(p, s->now.tail);
    }
    struct tree *trees[] = { &s->now.chunks };
    *position = relocate_trees(p, trees, 1, *position, until_tsc);
    return &s->object;
}

static struct tree *next_tree(struct object *object, struct object_place *place)
{
    struct stream_object *s = (struct stream_object *)object;
    if (place->group > 0) return stream_groups_next_tree(&s->now.groups, place);
    place->group = 1;
    return &s->now.chunks;
}

static void settle(struct object *object, struct keyspace *k)
{
    struct stream_object *s = (struct stream_object *)object;
    struct blob *tail = s->now.tail;
    if (!tail) return;
    s->now.tail = blob_new(keyspace_space(k)->heap, tail->capacity, (enum heap_owner)tail->owner);
    s->now.tail->size = tail->size;
    memcpy(s->now.tail->data, tail->data, tail->size);
    blob_release(tail);
}

static const struct object_ops stream_ops = {
    .close = close_object,
    .copy = copy_object,
    .memory_bytes = memory_bytes,
    .count = count,
    .relocate = relocate,
    .next_tree = next_tree,
    .settle = settle,
};

struct stream_object *stream_object_new(struct keyspace *k)
{
    struct heap *heap = keyspace_space(k)->heap;
    struct stream_object *s = heap_take_zeroed(heap, sizeof *s, HEAP_DATASET);
    s->object.ops = &stream_ops;
    tree_init(&s->now.chunks, &stream_chunk_shape);
    return s;
}

void stream_object_give(struct keyspace *k, struct stream_object *s)
{
    stream_cut_drop(k, &s->now);
    heap_give(keyspace_space(k)->heap, s, sizeof *s, HEAP_DATASET);
}

struct stream_object *stream_of(const struct entry *e)
{
    struct object *o = entry_object(e);
    CHECK(o->ops == &stream_ops);
    return (struct stream_object *)o;
}

const struct stream_cut *stream_now(const struct stream_object *s) { return &s->now; }
struct stream_groups *stream_groups(struct stream_object *s) { return &s->now.groups; }

struct stream_object *stream_make(struct stream_place *p)
{
    CHECK(!p->entry);
    struct stream_object *s = stream_object_new(p->keyspace);
    p->entry = value_set_object(p->keyspace, p->db, p->key, NULL, TYPE_STREAM, ENCODING_STREAM,
                                &s->object);
    return s;
}

void stream_set_last(struct stream_object *s, struct stream_id last) { s->now.facts.last = last; }
void stream_set_entries_added(struct stream_object *s, uint64_t entries_added)
{
    s->now.facts.entries_added = entries_added;
}
void stream_set_max_deleted(struct stream_object *s, struct stream_id max_deleted)
{
    s->now.facts.max_deleted = max_deleted;
}
